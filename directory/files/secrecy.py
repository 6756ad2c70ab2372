"""Safe places in the files of others: lists that go round among workers have them in, with their address.

Taken in as they stand, they would be told to everybody once somebody has reviewed them.
"""

from __future__ import annotations

import re

from directory.model import TRANSLATED, LocationKind, Service
from directory.words import N_, because

#: That nobody may know where it is, said of it in so many words.
_SECRET = re.compile(
    r"\b(?:confidential(?:ly)?|secret|undisclosed)[ -](?:location|located|address|site)\b"
    r"|\b(?:address|location)(?: is| are)?(?: kept)? (?:confidential|secret|undisclosed|not (?:disclosed|public))\b"
    r"|\b(?:adresse|lieu|localisation)(?: est)?(?: tenue?| gardée?)? (?:confidentiel(?:le)?|secr[eè]te?)\b"
    r"|\b(?:direcci[oó]n|ubicaci[oó]n|domicilio|lugar)(?: es)? (?:confidencial|secret[ao]|reservad[ao])\b"
    r"|(?<!\w)(?:ال)?(?:عنوان|موقع|مكان)\w* (?:ال)?سري"
)
#: What stands in the place of an address that is not told.
_NOT_TOLD = re.compile(
    r"\W*(?:confidential|undisclosed|not disclosed|secret|withheld|confidentielle?|secr[eè]te?|confidencial|secret[ao]"
    r"|reservad[ao]|سري\w*)\W*"
)
#: What most often is one.
_HIDES_PEOPLE = re.compile(
    r"\bsafe ?houses?\b|\bwomen.?s (?:shelter|refuge)\b|\b(?:shelter|refuge) for women\b|\bdomestic violence shelter\b"
    r"|\bmaisons? s[uû]res?\b|\b(?:foyer|maison d.accueil|refuge) (?:pour|de) femmes\b|\bcasas? seguras?\b"
    r"|\b(?:refugio|casa de acogida|albergue) (?:para|de) mujeres\b|بيت آمن|بيوت آمنة|(?:مأوى|ملجأ) (?:ال|لل)?نساء"
)

TELLS_WHERE = N_(
    "its place is said to be kept secret, and stands in the file: take it out, and add a safe place at the desk"
)
MAY_BE_SAFE = N_(
    "it may be a safe place: if nobody may know where it is, take its address out and add it as one at the desk"
)


def said_to_be_secret(record: Service) -> str:
    """Why a record must not come in with its place; empty where nothing speaks so."""
    told = [place for place in record.locations if place.kind is LocationKind.PHYSICAL]
    withheld = any(_NOT_TOLD.fullmatch(place.address.casefold()) for place in told)
    return because(TELLS_WHERE) if told and (withheld or _SECRET.search(_said(record))) else ""


def may_be_safe(record: Service) -> str:
    """What whoever takes it in should think of; empty where its door is not told, or nothing speaks so."""
    at_a_door = any(place.address or not place.approximate for place in record.locations)
    return because(MAY_BE_SAFE) if at_a_door and _HIDES_PEOPLE.search(_said(record)) else ""


def _said(record: Service) -> str:
    texts = [record.own_text(field) for field in TRANSLATED]
    more = [text.text for field in TRANSLATED for text in record.translations_of(field)]
    there = [text for place in record.locations for text in (place.name, place.address, place.directions)]
    return " ".join([*texts, *more, *there]).casefold()
