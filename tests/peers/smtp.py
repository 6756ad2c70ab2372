"""A mail server of our own: takes mail over real SMTP into a list, and fails where a test says so."""

from __future__ import annotations

import asyncio
import contextlib
from email import message_from_bytes, policy
from email.message import EmailMessage


class MailServer:
    """`answers` are what it says to the next recipients, in turn: 250 takes the mail, 450 later, 550 never. `hang_up`:
    it takes the next mail and cuts the line before it says so."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.answers: list[int] = []
        self.hang_up = False
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"smtp://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aenter__(self) -> MailServer:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_error: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):  # who sent it was killed
            await self._take(reader, writer)
        writer.close()

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.test\r\n")
        while line := await reader.readline():
            word = line.split(b" ")[0].strip().upper()
            if word == b"EHLO":
                writer.write(b"250-mail.test\r\n250 8BITMIME\r\n")
            elif word == b"RCPT":
                code = self.answers.pop(0) if self.answers else 250
                writer.write(b"%d so be it\r\n" % code)
            elif word == b"DATA":
                writer.write(b"354 go on\r\n")
                raw = (await reader.readuntil(b"\r\n.\r\n"))[:-5].replace(b"\r\n..", b"\r\n.")
                self.mails.append(message_from_bytes(raw, _class=EmailMessage, policy=policy.default))
                if self.hang_up:
                    self.hang_up = False
                    break
                writer.write(b"250 taken\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 ok\r\n")
