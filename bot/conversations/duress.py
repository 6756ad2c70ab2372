"""The word for "somebody else holds my phone": agreed with the person, kept as a keyed hash, heard in any message.

Whoever has the phone cannot find out whether there is one, and cannot take one away: a new word is one more.
"""

from __future__ import annotations

import secrets

from bot.kernel.crypto import Vault
from dialogues.understanding.fold import fold, words

MOST_WORDS = 4
FEWEST_LETTERS = 4
#: Of a longer message so many words are looked at from its beginning.
MOST_HEARD = 400
#: A person may forget one and agree on another; the first still counts.
MOST_KEPT = 5
#: What anybody may write at any time says nothing.
_COMMON = (
    "hello help thanks thank okay please good morning police people person money sleep tonight where what want need",
    "bonjour salut merci aide police argent dormir demain maman papa hola gracias ayuda policia dinero buenos dias",
    "مرحبا شكرا سلام نعم اريد ماما بابا شرطه مساعده فلوس",
)
TOO_COMMON = frozenset(word for line in _COMMON for word in line.split())


class UnfitWord(ValueError):
    """Too short, too long, or a word that people write without meaning anything by it. Nothing was kept."""


class EnoughWords(UnfitWord):
    """So many were agreed already that none is added: a person at the desk can look at it."""


def with_word(vault: Vault, kept: str | None, word: str) -> str:
    """What is kept of a conversation's words after one more was agreed. Raises UnfitWord."""
    said = words(fold(word))
    if not 1 <= len(said) <= MOST_WORDS or len("".join(said)) < FEWEST_LETTERS or set(said) <= TOO_COMMON:
        raise UnfitWord
    if kept and _heard(vault, kept, said):
        return kept
    if len((kept or "").split()) >= MOST_KEPT:
        raise EnoughWords
    salt = secrets.token_hex(8)
    return " ".join([*(kept or "").split(), f"{len(said)}:{salt}:{_hash(vault, salt, said)}"])


def both(one: str | None, other: str | None) -> str | None:
    """The words of two conversations of one person."""
    return " ".join(dict.fromkeys([*(one or "").split(), *(other or "").split()])) or None


def is_in(vault: Vault, kept: str | None, text: str) -> bool:
    """Whether a message holds one of the agreed words, however it is spelled and whatever stands around it."""
    return bool(kept) and _heard(vault, kept or "", words(fold(text))[:MOST_HEARD])


def _heard(vault: Vault, kept: str, said: list[str]) -> bool:
    for one in kept.split():
        length, salt, expected = one.split(":")
        runs = {tuple(said[start : start + int(length)]) for start in range(len(said) - int(length) + 1)}
        if any(_hash(vault, salt, run) == expected for run in runs):
            return True
    return False


def _hash(vault: Vault, salt: str, said: list[str] | tuple[str, ...]) -> str:
    return vault.index("duress word", salt, *said)
