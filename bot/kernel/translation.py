"""A translation server that the operator runs or trusts, over the API of LibreTranslate (`POST /translate`).

Whoever runs it reads what is sent: it is off unless a setting names it, and it is asked only when an officer says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

import aiohttp
from msgspec import DecodeError, Struct, ValidationError, json

TIMEOUT_SECONDS = 30.0
LARGEST_ANSWER = 512 * 1024


class NotTranslated(Exception):
    """The server is away, refuses, does not speak the language, or answers something else. Nothing was changed."""


class _Answer(Struct):
    translatedText: list[str]


class Translator(Struct, frozen=True):
    """One server."""

    url: str  # its root
    key: str = ""  # where it asks for one

    @property
    def host(self) -> str:
        """Who reads what is sent, to be named to the officer."""
        return urlsplit(self.url).hostname or ""

    async def translate(self, texts: Sequence[str], *, source: str, target: str) -> list[str]:
        """The texts in the other language, in order. Languages are BCP 47, shortened to their first part.

        Raises NotTranslated.
        """
        asked = {"q": list(texts), "source": _short(source), "target": _short(target), "format": "text"}
        if self.key:
            asked["api_key"] = self.key
        try:
            limit = aiohttp.ClientTimeout(total=TIMEOUT_SECONDS)
            async with aiohttp.ClientSession(timeout=limit) as session, session.post(
                f"{self.url.rstrip('/')}/translate", json=asked, allow_redirects=False
            ) as answer:  # fmt: skip
                if answer.status != 200:
                    raise NotTranslated(str(answer.status))
                body = await answer.content.read(LARGEST_ANSWER + 1)
                while len(body) <= LARGEST_ANSWER and (more := await answer.content.read(LARGEST_ANSWER)):
                    body += more
            if len(body) > LARGEST_ANSWER:
                raise NotTranslated("too long")
            said = json.decode(body, type=_Answer).translatedText
        except (aiohttp.ClientError, TimeoutError, DecodeError, ValidationError, UnicodeDecodeError) as error:
            raise NotTranslated(type(error).__name__) from None
        if len(said) != len(texts):
            raise NotTranslated("another number of texts")
        return said


def _short(language: str) -> str:
    return language.split("-")[0].lower()
