"""Plain e-mail over SMTP. What stands in one is read by every server on its way: it never says anything of anybody."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from msgspec import Struct

TIMEOUT_SECONDS = 30.0
PORTS = {"smtp": 587, "smtps": 465}
LOCAL = frozenset({"localhost", "127.0.0.1", "::1"})


class MailLater(Exception):
    """The server did not take it now, or nobody knows whether it did: try again. A second copy does no harm."""


class MailInDoubt(MailLater):
    """Nobody knows whether the server took it: the line broke while it was handed over."""


class MailRefused(Exception):
    """The server will never take it: the address is gone, or it does not let us send."""


class Mailer(Struct, frozen=True):
    """One mail server. A password travels over TLS alone, and so does the mail, except to this very machine."""

    url: str  # smtp://user:password@host:587, or smtps:// where TLS comes first
    sender: str

    async def send(self, to: str, subject: str, text: str, *, once: str = "") -> None:
        """Hand one mail over. The same `once` is the same mail to whoever files it, if it has to be sent again.

        Raises MailRefused, MailLater, MailInDoubt.
        """
        domain = self.sender.rpartition("@")[2]
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self.sender, to, subject
        mail["Date"], mail["Message-ID"] = formatdate(), f"<{once}@{domain}>" if once else make_msgid(domain=domain)
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(text)
        await asyncio.to_thread(self._send, mail)

    def _send(self, mail: EmailMessage) -> None:
        parts = urlsplit(self.url)
        host, port = parts.hostname or "", parts.port or PORTS[parts.scheme]
        try:
            with self._connected(parts.scheme, host, port) as server:
                if parts.username:
                    server.login(unquote(parts.username), unquote(parts.password or ""))
                self._hand_over(server, mail)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise (MailRefused if all(code >= 500 for code in codes) else MailLater) from None
        except smtplib.SMTPResponseException as error:
            lasting = error.smtp_code >= 500 and not isinstance(error, smtplib.SMTPConnectError)
            raise (MailRefused if lasting else MailLater) from None
        except (smtplib.SMTPException, OSError):
            raise MailLater from None

    def _hand_over(self, server: smtplib.SMTP, mail: EmailMessage) -> None:
        try:
            server.send_message(mail)
        except smtplib.SMTPServerDisconnected:
            raise MailInDoubt from None
        except smtplib.SMTPException:  # an answer, and an OSError to this library
            raise
        except OSError:
            raise MailInDoubt from None

    def _connected(self, scheme: str, host: str, port: int) -> smtplib.SMTP:
        context = ssl.create_default_context()
        if scheme == "smtps":
            return smtplib.SMTP_SSL(host, port, timeout=TIMEOUT_SECONDS, context=context)
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
        if host not in LOCAL:
            server.starttls(context=context)  # raises where it is not offered: nothing goes in clear
        return server
