"""A school record as JSON-LD of the European Learning Model 3 (`edc-ap` context, profile `edc-generic-no-cv`).

What we write is not signed: the European seal is another's, who looks at the record and vouches for it with their own.
What only they can say is left out: their legal identifier, where they are, and the pictures of its pages.
`docs/records.md` says what this was checked against. `learner.py` reads it again: the end of an id says which part of
the record it is of.

Source of the terms and of what each class has to have: the European Commission's repository European-Learning-Model,
`rdf/ap/edc/edc-ap-context.jsonld` and `EDC-generic-no-cv.ttl` (CC BY 4.0).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final
from uuid import UUID, uuid5

from bot.exchange.records import ips
from bot.exchange.records.model import ABSENCES, FACTS, SECTIONS, SOURCES, Copy, Entry, Kind
from bot.kernel.words import N_

CONTEXT: Final = ("https://www.w3.org/2018/credentials/v1", "http://data.europa.eu/snb/model/context/edc-ap")
_PROFILE: Final = "http://data.europa.eu/snb/model/ap/edc-generic-no-cv"
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"
LANGUAGES: Final = "http://publications.europa.eu/resource/authority/language"
#: Languages of records by the names that the Publications Office's list of them has.
LANGUAGE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "am": "AMH", "ar": "ARA", "bn": "BEN", "de": "DEU", "el": "ELL", "en": "ENG", "es": "SPA", "fa": "FAS",
        "fr": "FRA", "it": "ITA", "pt": "POR", "so": "SOM", "sw": "SWA", "ti": "TIR", "tr": "TUR", "uk": "UKR",
        "ur": "URD",
    }
)  # fmt: skip
#: A language that the list has a name for which is not known here.
BCP_47: Final = "urn:ietf:bcp:47:"
#: As what each list of the record stands there.
CLAIMS: Mapping[str, str] = MappingProxyType(
    {"schooling": "LearningActivity", "subjects": "LearningAchievement", "certificates": "LearningAchievement"}
)
WHOLE = N_("Time at school")
NOT_AWARDED = N_("Written down by a case worker. It was not awarded by them.")

Say = Callable[[str], str]


def document(copy: Copy, *, say: Say) -> dict[str, Any]:
    """The school record of a copy. `say` puts a sentence of ours into the record's language.

    The ids in it are made of the copy's own and lead nowhere.
    """
    if copy.record.kind is not Kind.SCHOOL:
        raise ValueError("the model is about learning")
    return _Document(copy, say).made()


class _Document:
    def __init__(self, copy: Copy, say: Say) -> None:
        self._copy = copy
        self._record = copy.record
        self._say = say
        self._count = 0

    def made(self) -> dict[str, Any]:
        copy = self._copy
        since, until = copy.made_at.strftime(_MOMENT), copy.until.strftime(_MOMENT)
        return {
            "@context": list(CONTEXT),
            "id": f"urn:uuid:{copy.id}",
            "type": ["VerifiableCredential", "EuropeanDigitalCredential"],
            "credentialSchema": {"id": _PROFILE, "type": "ShaclValidator2017"},
            "credentialProfiles": {
                "id": "http://data.europa.eu/snb/credential/e34929035b",
                "type": "Concept",
                "inScheme": {"id": "http://data.europa.eu/snb/credential/25831c2", "type": "ConceptScheme"},
                "prefLabel": {"en": "Generic"},
            },
            "displayParameter": self._thing(
                "DisplayParameter",
                title=self._ours(N_("School record")),
                description={"en": ips.SAYS_LITTLE},
                primaryLanguage=_language(self._record.language),
                language=[_language(each) for each in (self._record.language, self._record.second) if each],
            ),
            "issuer": self._issuer(),
            "issuanceDate": since,
            "issued": since,
            "validFrom": since,
            "expirationDate": until,
            "validUntil": until,
            "credentialSubject": self._person(),
        }

    def _person(self) -> dict[str, Any]:
        facts = self._record.facts
        known: dict[str, Any] = {}
        if name := facts.get("name"):
            known["fullName"] = {self._record.language: name}
        if len(born := facts.get("born", "")) == len("2010-05-31"):
            known["dateOfBirth"] = f"{born}T00:00:00Z"
        claims = [
            self._whole(),
            *(self._claim(kind, one, code) for code, kind in CLAIMS.items() for one in self._record.of(code)),
        ]
        return self._thing("Person", **known, hasClaim=claims)

    def _whole(self) -> dict[str, Any]:
        """What is said of all the years together, and why a list is empty."""
        facts = self._record.facts
        said = [
            self._note(f"{self._say(fact.title)}: {facts[fact.code]}", fact.code)
            for fact in FACTS[Kind.SCHOOL]
            if fact.code in facts and fact.code != "name" and not (fact.code == "born" and len(facts["born"]) == 10)
        ]
        for section in SECTIONS[Kind.SCHOOL]:
            if not self._record.of(section.code):
                why = self._record.why_empty(section.code)
                text = f"{self._say(section.title)}: {self._say(ABSENCES[why])}"
                said.append(self._note(text, f"{section.code}.{why}"))
        return self._thing(
            "LearningActivity",
            of="whole",
            title=self._ours(WHOLE),
            additionalNote=said,
            awardedBy=self._written_down(),
        )

    def _claim(self, kind: str, one: Entry, code: str) -> dict[str, Any]:
        section = next(section for section in SECTIONS[Kind.SCHOOL] if section.code == code)
        given_by = one.detail if code == "certificates" else ""
        known_by = f"{self._say(SOURCES[one.source])}{f': {one.by}' if one.by else ''}"
        said = [(one.when, "when"), (known_by, f"known.{one.source}")]
        if one.detail and not given_by:
            said.insert(0, (f"{self._say(section.detail)}: {one.detail}", "detail"))
        title = {self._record.language: one.text}
        if one.also and self._record.second:
            title.setdefault(self._record.second, one.also)
        return self._thing(
            kind,
            of=code,
            title=title,
            additionalNote=[self._note(text, of) for text, of in said if text],
            awardedBy=self._given_by(given_by) if given_by else self._written_down(),
        )

    def _given_by(self, name: str) -> dict[str, Any]:
        giver = self._thing("Organisation", legalName={self._record.language: name})
        return self._thing("AwardingProcess", awardingBody=giver)

    def _written_down(self) -> dict[str, Any]:
        """The model knows no claim that nobody awarded. Who only wrote it down says so."""
        return self._thing("AwardingProcess", description=self._ours(NOT_AWARDED), awardingBody=self._issuer())

    def _issuer(self) -> dict[str, Any]:
        return {"id": self._id("issuer"), "type": "Organisation", "legalName": {"en": self._copy.issuer}}

    def _note(self, text: str, of: str) -> dict[str, Any]:
        return self._thing("Note", of=of, noteLiteral={self._record.language: text})

    def _ours(self, sentence: str) -> dict[str, str]:
        return {self._record.language: self._say(sentence)}

    def _thing(self, kind: str, of: str = "", **properties: Any) -> dict[str, Any]:
        """A thing with an id of its own. `of` is which part of the record it is, for whoever reads it back."""
        self._count += 1
        address = self._id(f"{kind}.{self._count}")
        return {"id": f"{address}#{of}" if of else address, "type": kind, **properties}

    def _id(self, name: str) -> str:
        return f"urn:uuid:{uuid5(UUID(self._copy.id), f'elm.{name}')}"


def _language(code: str) -> dict[str, Any]:
    name = LANGUAGE_NAMES.get(code.partition("-")[0])
    if name is None:  # a concept of our own: the list has a name for it that is not known here
        return {"id": f"{BCP_47}{code}", "type": "Concept"}
    return {
        "id": f"{LANGUAGES}/{name}",
        "type": "Concept",
        "inScheme": {"id": LANGUAGES, "type": "ConceptScheme"},
    }
