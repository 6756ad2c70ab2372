"""Which languages those behind the desk speak, and when nobody is there who speaks the one a person writes in.

A language is a wish and never a lock: whoever is in danger is read at once, with an interpreter if need be. What is
told here is told beforehand, while the rota can still be mended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import spoken_store
from bot.cases.hand import Hand
from bot.cases.model import CaseNotFound
from bot.cases.rota import service as rota
from bot.cases.rota.model import Duty, uncovered
from bot.kernel import access, audit, officers
from bot.kernel.access import Permission, Role
from bot.kernel.officers import Officer

#: What can be ticked: our own languages, then those of the corridors (domain pack, section i) that CLDR has a name for.
SPOKEN = (
    "en", "fr", "es", "ar", "am", "bm", "bn", "ckb", "cs", "de", "dyu", "el", "fa", "ff", "ha", "hi", "hr", "ht", "hu",
    "it", "ku", "ln", "man", "my", "ne", "om", "pa", "pl", "ps", "pt", "quc", "rhg", "ro", "rom", "ru", "si", "snk",
    "so", "sr", "sw", "ta", "ti", "tr", "uk", "ur", "wo", "yo", "zh",
)  # fmt: skip
#: A language counts as written in as long as somebody who writes it came within this time, or their case is open.
LATELY = timedelta(days=14)
#: Whoever speaks it and comes next is looked for so far ahead.
NEXT_WITHIN = timedelta(hours=48)


class Unspoken(Struct, frozen=True):
    """A stretch in which somebody is at the desk and nobody of them speaks these languages."""

    start: datetime
    end: datetime
    languages: tuple[str, ...]


class Speakers(Struct, frozen=True):
    """Who could answer somebody in their own language."""

    language: str
    i_speak: bool
    there: tuple[str, ...]  # colleagues on duty who speak it, by id
    others: tuple[str, ...]  # colleagues who speak it and are not on duty
    next_at: datetime | None = None  # when the next of them comes, as far as it is planned


def set_languages(tx: Connection, hand: Hand, officer_id: str, codes: Iterable[str]) -> tuple[str, ...]:
    """Say which languages an officer speaks: they themselves, or whoever edits accounts.

    The one in which the desk speaks to them stays the first. Raises CaseNotFound for who may not, and ValueError where
    none is left.
    """
    found = officers.get_officer(tx, officer_id)
    if found is None or not _may_set(hand.officer, found):
        raise CaseNotFound(officer_id)
    chosen, known = set(codes), list(dict.fromkeys([*found.languages, *SPOKEN]))
    spoken = tuple(code for code in known if code in chosen)
    if not spoken:
        raise ValueError("languages")
    if spoken != found.languages:
        officers.change_officer(tx, officer_id, languages=spoken)
        facts = {"languages": list(spoken), "before": list(found.languages)}
        whose = f"officer:{officer_id}"
        audit.append(
            tx, hand.vault, at=hand.at, actor=hand.officer.id, act="officer.languages", object=whose, facts=facts
        )
    return spoken


def _may_set(officer: Officer, account: Officer) -> bool:
    if officer.id == account.id:
        return access.allows(officer, Permission.ACCOUNT_OWN)
    return access.allows(officer, Permission.OFFICERS_EDIT, account)


def speakers(tx: Connection, officer: Officer, language: str, at: datetime) -> Speakers:
    """Who speaks a language: this officer, who is on duty, who is not, and when the next of those comes."""
    team = [each for each in _team(tx) if language in each.languages and each.id != officer.id]
    duty = rota.on_duty(tx, at)
    present = duty.at_desk if duty.kept else {each.id for each in team} - rota.away(tx, at)
    there = tuple(each.id for each in team if each.id in present)
    others = tuple(each.id for each in team if each.id not in present)
    coming = None
    if duty.kept and others and not there:
        planned = rota.planned(tx, at, at + NEXT_WITHIN)
        coming = min((one.start for one in planned if one.officer_id in others and one.start > at), default=None)
    return Speakers(language, language in officer.languages, there, others, coming)


def wanted(tx: Connection, own: Collection[str], at: datetime) -> list[str]:
    """The languages people write in: our `own`, and those of open cases and of the last weeks."""
    return list(dict.fromkeys([*own, *spoken_store.languages_of_cases(tx, since=at - LATELY)]))


def spoken_by_nobody(tx: Connection, languages: Iterable[str]) -> list[str]:
    """Of these, the languages that nobody who answers speaks: no rota can help there."""
    spoken = {code for each in _team(tx) for code in each.languages}
    return [code for code in languages if code not in spoken]


def unspoken(
    tx: Connection, languages: Collection[str], planned: Sequence[Duty], start: datetime, end: datetime
) -> list[Unspoken]:
    """When, between two moments, those at the desk leave a language out that somebody who works here speaks.

    Where nobody at all is there this says nothing: that is a gap of its own. `planned` are the duties of that time.
    """
    speaking: dict[str, set[str]] = {}
    for each in _team(tx):
        for code in set(each.languages).intersection(languages):
            speaking.setdefault(code, set()).add(each.id)
    gaps = {
        code: uncovered([duty for duty in planned if duty.officer_id in speaking[code]], start, end)
        for code in languages
        if code in speaking
    }
    nobody = uncovered(planned, start, end)
    return _stretches(gaps, nobody, start, end)


Stretch = tuple[datetime, datetime]


def _stretches(
    gaps: dict[str, list[Stretch]], nobody: Sequence[Stretch], start: datetime, end: datetime
) -> list[Unspoken]:
    """Cut the time where anything changes, and join what is the same on both sides of a cut."""
    cuts = {start, end, *(moment for each in (*gaps.values(), nobody) for gap in each for moment in gap)}
    found: list[Unspoken] = []
    for begins, ends in pairwise(sorted(cuts)):
        if _lies_in(begins, nobody):
            continue
        missing = tuple(code for code, stretches in gaps.items() if _lies_in(begins, stretches))
        if missing and found and found[-1].end == begins and found[-1].languages == missing:
            found[-1] = Unspoken(found[-1].start, ends, missing)
        elif missing:
            found.append(Unspoken(begins, ends, missing))
    return found


def _lies_in(moment: datetime, stretches: Iterable[Stretch]) -> bool:
    return any(start <= moment < end for start, end in stretches)


def next_unspoken(tx: Connection, at: datetime, *, ahead: timedelta = rota.LOOK_AHEAD) -> Unspoken | None:
    """The next stretch in which a language that people write in is left out. None where no rota is kept."""
    if not rota.on_duty(tx, at).kept:
        return None
    languages = spoken_store.languages_of_cases(tx, since=at - LATELY)
    found = unspoken(tx, languages, rota.planned(tx, at, at + ahead), at, at + ahead)
    return found[0] if found else None


def _team(tx: Connection) -> list[Officer]:
    """Those who answer people."""
    return officers.officers_with(tx, Role.OFFICER, Role.COORDINATOR)
