"""What somebody says of themselves, or of whom they help, once results are shown: "I am 16", "for a girl", "no papers".

It is read from plain words alone, and only where the message says nothing else: one unknown word, and it is heard as
any other message, for it may be danger. So a word that is missing here costs a question more and loses nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec import Struct

from dialogues.actions.wishes import gender_in, wishes_in, without_wishes

#: Whoever writes more than this says more than whom it is for.
LONGEST = 80
#: An age above this is more likely a year or a number of something.
OLDEST = 30

#: Shorter than a wish in a whole sentence must be: here results were shown, and nothing else is said.
_SHORT: Mapping[str, re.Pattern[str]] = {
    "open_tonight": re.compile(r"\b(?:tonight|at night|ce soir|cette nuit|esta noche)\b|الليلة"),
    "open_now": re.compile(
        r"\bopen(?: right)?(?: now)?\b|\bouverte?s?(?: maintenant)?\b|\babiert[oa]s?(?: ahora)?\b|مفتوح\w*(?: ال[آا]ن)?"
    ),
    "free": re.compile(r"\bfree\b"),
    "no_papers": re.compile(r"\bsans[ -]papiers?\b|\b(?:n'ai|j'ai) (?:pas|aucun) (?:de )?(?:papiers?|documents?)\b"),
}
_AGE = re.compile(
    r"(?:\b(?:i am|i'?m|(?:she|he) is|(?:she|he)'?s|aged?|of|j'?ai|(?:il|elle) a|(?:âgée?|agée?)? ?de|tengo|tiene)"
    r"|(?<!\w)(?:عمري|عمره|عمرها|أنا|انا|هي|هو)) ?:? ?(\d{1,2})(?!\d)"
    r"|(?<!\d)(\d{1,2}) ?-?(?:years?|yrs?|yo|y/o|ans?|años|anos|سنة|سنه|سنين|سنوات|عام\w*)(?!\w)"
)
_SHE = re.compile(
    r"\b(?:she|her|sister|daughter|elle|s[oœ]eur|ella|hermana|hija)\b|(?<!\w)(?:هي|لها|عمرها|عندها|أختي|اختي|ابنتي)(?!\w)"
)
_HE = re.compile(
    r"\b(?:he|him|his|brother|son|il|lui|frère|frere|fils|él|hermano|hijo)\b"
    r"|(?<!\w)(?:هو|له|عمره|عنده|أخي|اخي|ابني)(?!\w)"
)
#: Words that say nothing beside.
_AROUND = frozenset(
    re.findall(
        r"\w+",
        """
        i m am s is it its for a an the he she her him his and also yes please pls only just one of are have has got
        old years year yrs yo aged age my with without who girl girls boy boys sister daughter brother son
        je j ai suis il elle a c est pour un une le la mon ma et aussi oui seulement ans an âgé âgée agé agée de n ne
        fille filles garçon garçons lui sœur soeur frère frere fils
        yo soy tengo tiene es para un una el él ella mi y también tambien sí si solo sólo años anos de edad
        chica chicas chico chicos niña niñas niño niños hermana hermano hija hijo
        أنا انا هي هو عمري عمره عمرها سنة سنه سنين سنوات عام عاما عاماً من فقط نعم لها له عندها عنده و
        بنت لبنت للبنت فتاة لفتاة للفتاة بنات للبنات فتيات للفتيات ولد لولد للولد صبي لصبي أولاد للأولاد
        أختي اختي لأختي ابنتي أخي اخي لأخي ابني
        """,
    )
)


class Narrowing(Struct, frozen=True):
    """Whom a service is for and what it must be known to be, as far as it was said."""

    wishes: tuple[str, ...] = ()
    gender: str | None = None
    age: int | None = None


def narrowing_in(words: str) -> Narrowing | None:
    """What the message says of this and nothing else; None where it says more, or nothing of this."""
    said = words.casefold().replace("’", "'").strip()
    if len(said) > LONGEST or not said:
        return None
    rest, wishes = _wishes(said)
    if "pregnant" in wishes:  # it asks for care, or tells what happened: heard as any other message
        return None
    found = _AGE.findall(rest)
    ages = {int(first or second) for first, second in found}
    rest = _AGE.sub(lambda match: re.sub(r"\d+", " ", match.group()), rest)
    if len(ages) > 1 or any(age > OLDEST for age in ages) or not _AROUND.issuperset(re.findall(r"\w+", rest)):
        return None
    narrowing = Narrowing(wishes, _gender(said), next(iter(ages), None))
    return None if narrowing == Narrowing() else narrowing


def _wishes(said: str) -> tuple[str, tuple[str, ...]]:
    """The wishes, and what else is said."""
    wishes = wishes_in(said)
    rest = without_wishes(said)
    for wish, phrase in _SHORT.items():
        rest, count = phrase.subn(" ", rest)
        if count and wish not in wishes:
            wishes.append(wish)
    return rest, tuple(wishes)


def _gender(said: str) -> str | None:
    if (named := gender_in(said)) is not None:
        return named
    she, he = _SHE.search(said), _HE.search(said)
    if bool(she) == bool(he):
        return None
    return "girls" if she else "boys"
