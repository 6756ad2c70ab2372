"""A learner record of the European Learning Model 3, read: one of ours, or what a school or a university gives.

Of the model only what a school record has a place for is read: name, birth, learning and who attested it. Nationality,
numbers, addresses and rights ("entitlements") stand in such files too; none of it gets in.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from bot.exchange import jose
from bot.exchange.jose import NotOurs
from bot.exchange.records import elm
from bot.exchange.records.model import FACTS, LONGEST, MOST_ENTRIES, SECTIONS, Absence, Entry, Kind, Record, Source
from bot.exchange.records.standing import LeftOut, Why

TYPE: Final = "EuropeanDigitalCredential"
#: Parts within parts: a year of a school within the school, a test within the year.
_DEEPEST = 6
_LANGUAGE_OF = {name: code for code, name in elm.LANGUAGE_NAMES.items()}
_FACTS = frozenset(fact.code for fact in FACTS[Kind.SCHOOL])
_SECTIONS = frozenset(section.code for section in SECTIONS[Kind.SCHOOL])


class Learner(Struct, frozen=True):
    """What a file says. `sealed` is whether it carries a seal: it is another's, and cannot be checked here."""

    record: Record
    left_out: tuple[LeftOut, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    sealed: bool = False


def is_one(value: Mapping[str, Any]) -> bool:
    """Whether this is a learner record, bare, in the wrapping in which it is sent, or sealed."""
    return TYPE in _kinds(_credential(value)[0])


def read(value: Mapping[str, Any]) -> Learner:
    """The record in a learner record. Raises NotOurs."""
    credential, sealed = _credential(value)
    subject = credential.get("credentialSubject")
    if TYPE not in _kinds(credential) or not isinstance(subject, dict):
        raise NotOurs("no learner")
    learner = _Reader(credential).read(subject)
    since = moment(credential.get("validFrom")) or moment(credential.get("issued"))
    until = moment(credential.get("validUntil")) or moment(credential.get("expirationDate"))
    return replace(learner, since=since, until=until, sealed=sealed)


def moment(value: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(value).replace("Z", "+00:00"))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _credential(value: Mapping[str, Any]) -> tuple[Mapping[str, Any], bool]:
    """What stands within a seal (JAdES, a JWS in JSON) or within the wrapping of the European issuer's tool."""
    if "signatures" in value or "signature" in value:
        payload = value.get("payload")
        if not isinstance(payload, str):
            return value, True
        raw = payload.encode() if payload.lstrip().startswith("{") else jose.decode(payload.rstrip("="))
        return _credential(jose.strict_json(raw))[0], True
    inner = value.get("credential")
    return (inner, False) if isinstance(inner, dict) and "credentialSubject" not in value else (value, False)


class _Reader:
    def __init__(self, credential: Mapping[str, Any]) -> None:
        self._named: dict[str, Mapping[str, Any]] = {}
        self._seen: set[str] = set()
        self._learn_names(credential)
        shown = self._thing(credential.get("displayParameter"))
        self._language = self._language_of(shown.get("primaryLanguage")) or "en"
        others = [self._language_of(each) for each in _several(shown.get("language"))]
        self._second = next((each for each in others if each not in ("", self._language)), "")
        self._entries: dict[str, list[Entry]] = {}
        self._facts: dict[str, str] = {}
        self._absences: dict[str, Absence] = {}
        self._left_out: list[LeftOut] = []

    def read(self, subject: Mapping[str, Any]) -> Learner:
        name = self._words(subject.get("fullName")) or " ".join(
            filter(None, (self._words(subject.get("givenName")), self._words(subject.get("familyName"))))
        )
        born = _text(subject.get("dateOfBirth"))[:10]
        self._facts |= {code: each for code, each in (("name", name), ("born", born)) if each}
        for claim, part in self._claims(subject.get("hasClaim"), 0):
            self._take(claim, part=part)
        entries = {code: tuple(lines) for code, lines in self._entries.items()}
        record = Record(Kind.SCHOOL, self._language, self._second, self._facts, entries, self._absences)
        return Learner(record, tuple(self._left_out))

    def _claims(self, value: Any, depth: int) -> Iterator[tuple[Mapping[str, Any], bool]]:
        """Each claim and whether it is part of another, with what it was proven by or came of, each once."""
        for each in _several(value):
            claim = self._thing(each)
            name = claim.get("id")
            if not claim or depth > _DEEPEST or (isinstance(name, str) and name in self._seen):
                continue
            self._seen |= {name} if isinstance(name, str) else set()
            yield claim, depth > 0
            for way in ("hasPart", "influencedBy"):
                yield from self._claims(claim.get(way), depth + 1)

    def _take(self, claim: Mapping[str, Any], *, part: bool) -> None:
        of, kinds = _part_of(claim), _kinds(claim)
        if of == "whole":
            self._take_whole(claim)
        elif of in _SECTIONS:
            self._add(of, self._ours(claim, of))
        elif "LearningEntitlement" in kinds:  # a right to something is no learning, and can be a status
            self._left_out.append(LeftOut("certificates", self._title(claim), Why.NO_PLACE))
        elif "LearningActivity" in kinds:
            self._add("schooling", self._foreign(claim))
        elif "LearningAssessment" in kinds or ("LearningAchievement" in kinds and part):
            self._add("subjects", replace(self._foreign(claim), detail=self._grade(claim)))
        elif "LearningAchievement" in kinds:
            self._add("certificates", self._foreign(claim))
            for test in self._claims(claim.get("provenBy"), 1):
                self._take(test[0], part=True)
        else:
            self._left_out.append(LeftOut("certificates", self._title(claim), Why.NO_PLACE))

    def _add(self, section: str, line: Entry) -> None:
        lines = self._entries.setdefault(section, [])
        if not line.text:
            self._left_out.append(LeftOut(section, "", Why.NO_WORDS))
        elif len(lines) >= MOST_ENTRIES:
            self._left_out.append(LeftOut(section, line.text, Why.TOO_MANY))
        else:
            lines.append(line)

    # One of ours

    def _take_whole(self, claim: Mapping[str, Any]) -> None:
        for note in map(self._thing, _several(claim.get("additionalNote"))):
            of, _, why = _part_of(note).partition(".")
            if of in _FACTS:
                self._facts[of] = _after(self._words(note.get("noteLiteral")))
            elif of in _SECTIONS and why == Absence.NONE:
                self._absences[of] = Absence.NONE

    def _ours(self, claim: Mapping[str, Any], section: str) -> Entry:
        line = Entry(self._title(claim), self._second_of(claim.get("title")))
        for note in map(self._thing, _several(claim.get("additionalNote"))):
            (of, _, how), said = _part_of(note).partition("."), self._words(note.get("noteLiteral"))
            if of == "detail":
                line = replace(line, detail=_after(said))
            elif of == "when":
                line = replace(line, when=said[:10])
            elif of == "known" and how in set(Source):
                line = replace(line, source=Source(how), by=_after(said))
        if section == "certificates" and not self._thing(claim.get("awardedBy")).get("description"):
            line = replace(line, detail=self._giver(claim))
        return line

    # One of anybody's

    def _foreign(self, claim: Mapping[str, Any]) -> Entry:
        """How they know, a foreign file does not say; so it is a paper that was seen."""
        process, period = self._thing(claim.get("awardedBy")), self._thing(claim.get("temporal"))
        when = _text(process.get("awardingDate") or period.get("endDate") or period.get("startDate"))[:10]
        text, also = self._title(claim), self._second_of(claim.get("title"))
        return Entry(text, also, self._giver(claim), when, Source.SEEN)

    def _grade(self, claim: Mapping[str, Any]) -> str:
        tests = (self._thing(each) for each in _several(claim.get("provenBy")))
        grades = (self._thing(each.get("grade")).get("noteLiteral") for each in (claim, *tests))
        return next(filter(None, map(self._words, grades)), "")

    def _giver(self, claim: Mapping[str, Any]) -> str:
        bodies = _several(self._thing(claim.get("awardedBy")).get("awardingBody"))
        return next(filter(None, (self._words(self._thing(each).get("legalName")) for each in bodies)), "")

    def _title(self, claim: Mapping[str, Any]) -> str:
        return self._words(claim.get("title")) or self._words(self._thing(claim.get("specifiedBy")).get("title"))

    # Things and words

    def _learn_names(self, value: Any) -> None:
        """What each id stands for, so that a thing can be found where only its id is said."""
        waiting = [value]
        while waiting:
            each = waiting.pop()
            if isinstance(each, dict):
                if isinstance(each.get("id"), str) and len(each) > 2:
                    self._named.setdefault(each["id"], each)
                waiting += each.values()
            elif isinstance(each, list):
                waiting += each

    def _thing(self, value: Any) -> Mapping[str, Any]:
        value = _several(value)[0] if _several(value) else {}
        if isinstance(value, dict):
            return value if len(value) > 2 or "id" not in value else self._named.get(str(value["id"]), value)
        return self._named.get(value, {}) if isinstance(value, str) else {}

    def _words(self, value: Any) -> str:
        """Words by language: those of the record's own, else English, else whichever there are."""
        if not isinstance(value, dict):
            return _text(_several(value)[0] if _several(value) else "")
        wanted = (self._language, "en", *value)
        return next((said for each in wanted if (said := _text(_first(value.get(each))))), "")

    def _second_of(self, value: Any) -> str:
        return _text(_first(value.get(self._second))) if self._second and isinstance(value, dict) else ""

    def _language_of(self, concept: Any) -> str:
        name = str(concept.get("id", "")) if isinstance(concept, dict) else str(concept or "")
        if name.startswith(elm.BCP_47):
            return name.removeprefix(elm.BCP_47)[:16]
        return _LANGUAGE_OF.get(name.rsplit("/", 1)[-1].upper(), "")


def _kinds(thing: Mapping[str, Any]) -> list[Any]:
    return _several(thing.get("type") or thing.get("@type"))


def _part_of(thing: Mapping[str, Any]) -> str:
    """Of which part of a record a thing of ours is; "" for one of anybody else."""
    address = thing.get("id")
    return address.partition("#")[2] if isinstance(address, str) and address.startswith("urn:uuid:") else ""


def _after(said: str) -> str:
    """What stands after its title."""
    return said.partition(": ")[2]


def _several(value: Any) -> list[Any]:
    """JSON-LD writes a list of one as the one."""
    return value if isinstance(value, list) else [] if value is None else [value]


def _first(value: Any) -> Any:
    return next(iter(_several(value)), "")


def _text(value: Any) -> str:
    return " ".join(value.split())[:LONGEST] if isinstance(value, str) else ""
