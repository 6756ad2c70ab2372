"""The same envelopes as a file, for a partner that no line reaches: carried by hand, and as safe in anybody's."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.exchange import jose
from bot.exchange.envelope import LONGEST

_FILE = "waymark letters"
LONGEST_FILE = 256 * 1024 * 1024
MOST_LETTERS = 2000


class NotALetterFile(Exception):
    """What was given holds no letters, or was cut short. Ask for it again."""


def write_letters(envelopes: Sequence[bytes]) -> str:
    """A file of envelopes. Who they are from and to stands in none of it."""
    letters = [envelope.decode("ascii") for envelope in envelopes]
    return json.dumps({"file": _FILE, "version": jose.VERSION, "letters": letters}, indent=1) + "\n"


def read_letters(raw: bytes) -> list[bytes]:
    """The envelopes of a file. Raises NotALetterFile."""
    if len(raw) > LONGEST_FILE:
        raise NotALetterFile("too large")
    try:
        value = jose.strict_json(raw)
        letters = value["letters"]
        if value["file"] != _FILE or value["version"] != jose.VERSION or len(letters) > MOST_LETTERS:
            raise NotALetterFile("no letters of this version")
        return [str(letter)[: LONGEST + 1].encode("ascii") for letter in letters]
    except (jose.NotOurs, KeyError, TypeError, UnicodeEncodeError):
        raise NotALetterFile("no letters") from None
