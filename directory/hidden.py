"""What somebody wrote that is not what it looks like: characters that nobody sees, and addresses that lead nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable

from directory.words import because

#: They turn what follows round, or cannot be seen: two names look like one, or a number like another. The joiners that
#: Persian and Indic scripts need, and the marks that hold a number in its place, are not among them.
HIDDEN_CHARACTERS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad\u200b\u2028-\u202e\u2060\u2066-\u2069\ufeff]")
_LINK = re.compile(r"https?://[^\s<>\"]+\.[^\s<>\"]+", re.IGNORECASE)
_MAIL = re.compile(r"[^\s@<>\"]+@[^\s@<>\"]+")


def way_problems(website: str, email: str) -> list[str]:
    """What is wrong with a web address and an e-mail address that may be empty."""
    found: list[str] = []
    if website and not _LINK.fullmatch(website):
        found.append(because("'{link}' is no web address like https://example.org", link=website[:60]))
    if email and not _MAIL.fullmatch(email):
        found.append(because("'{mail}' is no e-mail address", mail=email[:60]))
    return found


def hidden_problems(texts: Iterable[tuple[str, str]]) -> list[str]:
    """Those of the fields, by their names, with characters in them that nobody sees."""
    hiding = dict.fromkeys(field for field, text in texts if HIDDEN_CHARACTERS.search(text))
    return [because("{field} has control or direction characters in it", field=field) for field in hiding]
