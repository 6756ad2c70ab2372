"""A health record as an International Patient Summary: a FHIR document Bundle, written and read.

After HL7 FHIR IPS 2.0.0 (STU 2), which stands on FHIR R4: every section has words a person can read; the three required
ones, when empty, say why (`emptyReason`, constraint ips-comp-1). Words are enough, codes are not needed: whoever fills
the form is no coder. Only what R4 and R4B have in common is written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from html import escape
from typing import Any, Final
from uuid import UUID, uuid5

from bot.exchange.jose import NotOurs
from bot.exchange.records.model import (
    LONGEST,
    MOST_ENTRIES,
    SECTIONS,
    SEXES,
    Absence,
    Copy,
    Entry,
    Kind,
    Record,
    Section,
    Severity,
    Source,
)
from bot.exchange.records.severity import of_allergy, of_problem
from bot.exchange.records.severity import read as severity_of
from bot.exchange.records.standing import LeftOut, Why, why_not

_PROFILE: Final = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
_ABSENT: Final = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_EMPTY: Final = "http://terminology.hl7.org/CodeSystem/list-empty-reason"
_LOINC: Final = "http://loinc.org"
#: LOINC codes and names of the sections, as the IPS has them.
_CODES: Final[Mapping[str, tuple[str, str]]] = {
    "problems": ("11450-4", "Problem list - Reported"),
    "allergies": ("48765-2", "Allergies and adverse reactions Document"),
    "medicines": ("10160-0", "History of Medication use Narrative"),
    "vaccines": ("11369-6", "History of Immunization Narrative"),
    "procedures": ("47519-4", "History of Procedures Document"),
    "devices": ("46264-8", "History of medical device use"),
    "results": ("30954-2", "Relevant diagnostic tests/laboratory data Narrative"),
}
_REASONS: Final[Mapping[Absence, tuple[str, str, str]]] = {
    Absence.NONE: ("nilknown", "Nil Known", "None known: it was asked."),
    Absence.UNKNOWN: ("unavailable", "Unavailable", "No information in this copy. Ask the person."),
}
#: Of a document of thousands of lines an officer is shown so many that do not count.
MOST_LEFT_OUT: Final = 100
#: What every copy says of itself, so that nobody takes what is missing for what is not.
SAYS_LITTLE: Final = "This copy holds what the person chose to show. It may not be complete."
_SOURCE_WORDS: Final[Mapping[Source, str]] = {
    Source.TOLD: "told by the person",
    Source.SEEN: "a paper was seen",
    Source.EXAMINED: "examined or tested",
}
_SEVERITY_WORDS: Final[Mapping[Severity, str]] = {
    Severity.MILD: "mild",
    Severity.MODERATE: "moderate",
    Severity.SEVERE: "severe",
    Severity.LIFE_THREATENING: "can be life-threatening",
}


def bundle(copy: Copy) -> dict[str, Any]:
    """The document. The same copy gives the same document."""
    record, ids = copy.record, _Ids(copy.id)
    person, author = ids("person"), ids("author")
    resources: list[tuple[str, dict[str, Any]]] = [
        (person, _patient(record)),
        (author, {"resourceType": "Organization", "name": copy.issuer}),
    ]
    sections = []
    for section in SECTIONS[Kind.HEALTH]:
        addresses = []
        for number, one in enumerate(record.of(section.code)):
            address, part = ids(f"{section.code}.{number}"), ids(f"part.{section.code}.{number}")
            resource, parts = _RESOURCES[section.code](one, person, part)
            resources += [(address, resource), *parts]
            addresses.append(address)
        if addresses or section.required:
            sections.append(_section(record, section, addresses))
    composition = {
        "resourceType": "Composition",
        "meta": {"profile": [f"{_PROFILE}Composition-uv-ips"]},
        "text": _narrative(f"<p>{escape(SAYS_LITTLE)}</p>"),
        "status": "final",
        "type": {"coding": [{"system": _LOINC, "code": "60591-5", "display": "Patient summary Document"}]},
        "subject": {"reference": person},
        "date": copy.made_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "author": [{"reference": author}],
        "title": "International Patient Summary",
        "section": sections,
    }
    resources.insert(0, (ids("composition"), composition))
    return {
        "resourceType": "Bundle",
        "meta": {"profile": [f"{_PROFILE}Bundle-uv-ips"]},
        "language": record.language,
        "identifier": {"system": "urn:ietf:rfc:3986", "value": ids("bundle")},
        "type": "document",
        "timestamp": copy.made_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "entry": [{"fullUrl": address, "resource": resource} for address, resource in resources],
    }


class _Ids:
    """Addresses inside one document: made from the copy's own id, so that they say nothing else."""

    def __init__(self, copy_id: str) -> None:
        self._root = UUID(copy_id)

    def __call__(self, name: str) -> str:
        return f"urn:uuid:{uuid5(self._root, name)}"


def _patient(record: Record) -> dict[str, Any]:
    facts = record.facts
    patient: dict[str, Any] = {"resourceType": "Patient", "meta": {"profile": [f"{_PROFILE}Patient-uv-ips"]}}
    patient |= {"name": [{"text": facts["name"]} if "name" in facts else _absent("masked")]}
    patient |= {"birthDate": facts["born"]} if "born" in facts else {"_birthDate": _absent("masked")}
    if "sex" in facts:
        patient["gender"] = facts["sex"]
    return patient


def _absent(why: str) -> dict[str, Any]:
    return {"extension": [{"url": _ABSENT, "valueCode": why}]}


def _section(record: Record, section: Section, addresses: list[str]) -> dict[str, Any]:
    code, display = _CODES[section.code]
    made: dict[str, Any] = {
        "title": section.title,
        "code": {"coding": [{"system": _LOINC, "code": code, "display": display}]},
    }
    if addresses:
        lines = "".join(f"<li>{escape(_words(one))}</li>" for one in record.of(section.code))
        return {**made, "text": _narrative(f"<ul>{lines}</ul>"), "entry": [{"reference": one} for one in addresses]}
    reason, reason_display, sentence = _REASONS[record.why_empty(section.code)]
    empty = {"coding": [{"system": _EMPTY, "code": reason, "display": reason_display}]}
    return {**made, "text": _narrative(f"<p>{escape(sentence)}</p>"), "emptyReason": empty}


def _narrative(html: str) -> dict[str, str]:
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{html}</div>'}


def _words(one: Entry) -> str:
    known = _SOURCE_WORDS[one.source] + (f": {one.by}" if one.by else "")
    grave = _SEVERITY_WORDS[one.severity] if one.severity else ""
    return " · ".join(part for part in (one.text, one.also, grave, one.detail, one.when, known) if part)


# One entry as its resource, and what the resource needs beside it

Made = tuple[dict[str, Any], list[tuple[str, dict[str, Any]]]]


def _said(one: Entry) -> dict[str, Any]:
    return {"text": one.text}


def _notes(one: Entry, *, detail: bool = True) -> list[dict[str, str]]:
    """What is said beside, how it is known (and by whom), and the same in the second language, in this order."""
    known = _SOURCE_WORDS[one.source] + (f": {one.by}" if one.by else "")
    return [{"text": each} for each in (one.detail if detail else "", known, one.also) if each]


def _moment(name: str, one: Entry) -> dict[str, Any]:
    return {name: one.when} if one.when else {f"_{name}": _absent("unknown")}


def _active(system: str) -> dict[str, Any]:
    return {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": "active"}]}


def _problem(one: Entry, person: str, _part: str) -> Made:
    made: dict[str, Any] = {
        "resourceType": "Condition",
        "clinicalStatus": _active("condition-clinical"),
        "code": _said(one),
        **of_problem(one.severity),
    }
    made |= {"subject": {"reference": person}, "note": _notes(one)} | ({"onsetDateTime": one.when} if one.when else {})
    return made, []


def _allergy(one: Entry, person: str, _part: str) -> Made:
    made: dict[str, Any] = {
        "resourceType": "AllergyIntolerance",
        "clinicalStatus": _active("allergyintolerance-clinical"),
    }
    deadly, grave = of_allergy(one.severity)
    made |= {"code": _said(one), "patient": {"reference": person}, "note": _notes(one, detail=False)}
    made |= {"onsetDateTime": one.when} if one.when else {}
    if one.detail or grave:  # how bad it was is said of a reaction, and a reaction says what it was
        what = {"text": one.detail} if one.detail else _absent("unknown")
        made |= {**deadly, "reaction": [{"manifestation": [what], **grave}]}
    return made, []


def _medicine(one: Entry, person: str, _part: str) -> Made:
    made: dict[str, Any] = {
        "resourceType": "MedicationStatement",
        "status": "active",
        "medicationCodeableConcept": _said(one),
    }
    made |= {"subject": {"reference": person}, "note": _notes(one, detail=False)} | _moment("effectiveDateTime", one)
    made |= {"dosage": [{"text": one.detail}]} if one.detail else {}
    return made, []


def _vaccine(one: Entry, person: str, _part: str) -> Made:
    made: dict[str, Any] = {"resourceType": "Immunization", "status": "completed", "vaccineCode": _said(one)}
    made |= {"patient": {"reference": person}, "note": _notes(one, detail=False)}
    made |= {"occurrenceDateTime": one.when} if one.when else {"occurrenceString": "unknown"}
    made |= {"primarySource": False}
    made |= {"protocolApplied": [{"doseNumberString": one.detail}]} if one.detail else {}
    return made, []


def _procedure(one: Entry, person: str, _part: str) -> Made:
    made: dict[str, Any] = {
        "resourceType": "Procedure",
        "status": "completed",
        "code": _said(one),
        "subject": {"reference": person},
    }
    return made | {"note": _notes(one)} | _moment("performedDateTime", one), []


def _device(one: Entry, person: str, part: str) -> Made:
    made: dict[str, Any] = {"resourceType": "DeviceUseStatement", "status": "active", "subject": {"reference": person}}
    made |= {"device": {"reference": part}, "note": _notes(one)} | _moment("timingDateTime", one)
    return made, [(part, {"resourceType": "Device", "type": _said(one), "patient": {"reference": person}})]


def _result(one: Entry, person: str, _part: str) -> Made:
    made: dict[str, Any] = {
        "resourceType": "Observation",
        "status": "final",
        "code": _said(one),
        "subject": {"reference": person},
    }
    made |= {"note": _notes(one, detail=False)} | _moment("effectiveDateTime", one)
    return made | ({"valueString": one.detail} if one.detail else {"dataAbsentReason": {"text": "not said"}}), []


_RESOURCES: Mapping[str, Callable[[Entry, str, str], Made]] = {
    "problems": _problem,
    "allergies": _allergy,
    "medicines": _medicine,
    "vaccines": _vaccine,
    "procedures": _procedure,
    "devices": _device,
    "results": _result,
}


# Read again


def read(value: Mapping[str, Any]) -> tuple[Record, tuple[LeftOut, ...]]:
    """What a document says, as far as a record of ours has a place for it, and its lines that do not count. Raises
    NotOurs.

    Anybody may have written it: nothing is believed but its shape, and every text is cut to length.
    """
    if value.get("resourceType") != "Bundle" or not isinstance(value.get("entry"), list):
        raise NotOurs("no document")
    whole = [one for one in value["entry"] if isinstance(one, dict) and isinstance(one.get("resource"), dict)]
    found, at = [one["resource"] for one in whole], _addresses(whole)
    composition = next((one for one in found if one.get("resourceType") == "Composition"), None)
    if composition is None:
        raise NotOurs("no document")
    facts, entries, left_out = {}, dict[str, list[Entry]](), list[LeftOut]()
    for resource in found:
        match resource.get("resourceType"):
            case "Patient":
                facts = _facts(resource)
            case kind if (section := _SECTION_OF.get(str(kind))) is not None:
                lines, whole_line = entries.setdefault(section, []), _with_what_it_is(resource, at)
                entry, why = _entry(section, whole_line), why_not(section, resource)
                if entry is None and (why is not None or _says_none(whole_line)):
                    continue  # nothing is lost: a line without words that does not count, or "no known …"
                if why is None and len(lines) >= MOST_ENTRIES:
                    why = Why.TOO_MANY
                if entry is not None and why is None:
                    lines.append(entry)
                elif len(left_out) < MOST_LEFT_OUT:
                    left_out.append(LeftOut(section, entry.text if entry else "", why or Why.NO_WORDS))
    absences = {code: why for code, why in _absences(composition) if not entries.get(code)}
    kept = {code: tuple(lines) for code, lines in entries.items() if lines}
    record = Record(Kind.HEALTH, str(value.get("language") or "en")[:16], "", facts, kept, absences)
    return record, tuple(left_out)


def _addresses(whole: Sequence[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    """The resources of a document by whatever others call them: their full address, or their kind and id."""
    at = {}
    for one in whole:
        resource = one["resource"]
        at[str(one.get("fullUrl"))] = resource
        at[f"{resource.get('resourceType')}/{resource.get('id')}"] = resource
    return at


def _with_what_it_is(resource: Mapping[str, Any], at: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """A line together with the medicine or the device it points at: what that is stands in a resource of its own. Of
    one that is not in the document, the words beside the pointer are all there is."""
    medication = resource.get("medication")  # as FHIR R5 says it: the words, or a pointer
    if isinstance(medication, dict):
        pointer, said = medication.get("reference"), {"code": medication.get("concept")}
    else:
        pointer, said = resource.get("medicationReference") or resource.get("device"), {}
    if not isinstance(pointer, dict):
        return {**said, **resource}
    name, contained = str(pointer.get("reference")), resource.get("contained")
    inside = [one for one in contained if isinstance(one, dict)] if isinstance(contained, list) else []
    within = next((one for one in inside if name == f"#{one.get('id')}"), {})
    what = at.get(name) or within or {"code": {"text": pointer.get("display")}}
    return {**said, **{key: what[key] for key in ("code", "type") if key in what}, **resource}


def _says_none(resource: Mapping[str, Any]) -> bool:
    """Whether a line says that there is none, or that nobody knows: "no known allergies" is no allergy."""
    return any(_code(resource.get(name)).startswith("no-") for name in _NAMES)


_SECTION_OF: Mapping[str, str] = {
    "Condition": "problems",
    "AllergyIntolerance": "allergies",
    "MedicationStatement": "medicines",
    "MedicationRequest": "medicines",
    "Immunization": "vaccines",
    "Procedure": "procedures",
    "DeviceUseStatement": "devices",
    "Observation": "results",
}
_MOMENTS = ("onsetDateTime", "effectiveDateTime", "occurrenceDateTime", "performedDateTime", "timingDateTime")
_NAMES = ("code", "medicationCodeableConcept", "vaccineCode", "type")
_GRADED = frozenset(section.code for section in SECTIONS[Kind.HEALTH] if section.graded)


def _facts(patient: Mapping[str, Any]) -> dict[str, str]:
    names = patient.get("name")
    name = names[0] if isinstance(names, list) and names and isinstance(names[0], dict) else {}
    given = name.get("given") if isinstance(name.get("given"), list) else []
    whole = name.get("text") or " ".join(str(part) for part in [*(given or []), name.get("family") or ""])
    said = {"name": _cut(whole), "born": _cut(patient.get("birthDate"))[:10], "sex": _cut(patient.get("gender"))}
    if said["sex"] not in SEXES:
        said["sex"] = ""
    return {code: each for code, each in said.items() if each}


def _entry(section: str, resource: Mapping[str, Any]) -> Entry | None:
    text = next((each for name in _NAMES if (each := _concept(resource.get(name)))), "")
    if not text:
        return None
    when = next((_cut(resource[name])[:10] for name in _MOMENTS if isinstance(resource.get(name), str)), "")
    before, source, by, also = _known(resource.get("note"))
    severity = severity_of(resource) if section in _GRADED else None
    return Entry(text, also, _detail(section, resource) or before, when, source, by, severity=severity)


def _known(notes: Any) -> tuple[str, Source, str, str]:
    """What our own notes say: words beside, how it is known, by whom, the second language.

    Of a document that is not ours we know that we saw it, and its first note stands beside.
    """
    said = [_cut(one.get("text")) for one in notes if isinstance(one, dict)] if isinstance(notes, list) else []
    for number, note in enumerate(said):
        for source, words in _SOURCE_WORDS.items():
            if note == words or note.startswith(f"{words}: "):
                also = said[number + 1] if number + 1 < len(said) else ""
                return (said[0] if number else ""), source, note[len(words) + 2 :], also
    return (said[0] if said else ""), Source.SEEN, "", ""


def _detail(section: str, resource: Mapping[str, Any]) -> str:
    match section:
        case "medicines":
            doses = resource.get("dosage") or resource.get("dosageInstruction")
            return _joined(_dose(one) for one in _each(doses))
        case "allergies":
            reactions = _each(resource.get("reaction"))
            return _joined(_concept(what) for one in reactions for what in _each(one.get("manifestation")))
        case "vaccines":
            dose = _first(resource.get("protocolApplied"))
            return _cut(dose.get("doseNumberString") or dose.get("doseNumberPositiveInt"))
        case "results":
            quantity = resource.get("valueQuantity")
            measured = f"{quantity.get('value', '')} {quantity.get('unit', '')}" if isinstance(quantity, dict) else ""
            return _cut(resource.get("valueString") or measured or _concept(resource.get("valueCodeableConcept")))
        case _:
            return ""


def _dose(dosage: Mapping[str, Any]) -> str:
    """How much and how often, in its own words; else the number, its unit and the code of its timing."""
    if words := _cut(dosage.get("text")):
        return words
    quantity = _first(dosage.get("doseAndRate")).get("doseQuantity") or dosage.get("doseQuantity")
    much = f"{quantity.get('value', '')} {quantity.get('unit', '')}" if isinstance(quantity, dict) else ""
    timing = dosage.get("timing")
    often = _concept(timing.get("code")) if isinstance(timing, dict) else ""
    return _cut(f"{much} {often}")


def _joined(words: Iterable[str]) -> str:
    """Everything that was said, each once."""
    return _cut("; ".join(dict.fromkeys(each for each in words if each)))


def _each(value: Any) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _absences(composition: Mapping[str, Any]) -> Iterator[tuple[str, Absence]]:
    sections = composition.get("section")
    codes = {code: section for section, (code, _) in _CODES.items()}
    for one in sections if isinstance(sections, list) else []:
        if not isinstance(one, dict):
            continue
        section = codes.get(_code(one.get("code")))
        if section is not None:
            yield section, Absence.NONE if _code(one.get("emptyReason")) == "nilknown" else Absence.UNKNOWN


def _concept(value: Any) -> str:
    """The words of a CodeableConcept; those of its first code where it has none of its own."""
    if not isinstance(value, dict):
        return ""
    coding = _first(value.get("coding"))
    if _code(value).startswith("no-"):
        return ""  # "no known …" is no illness
    return _cut(value.get("text") or coding.get("display") or coding.get("code"))


def _code(value: Any) -> str:
    return _cut(_first(value.get("coding")).get("code")) if isinstance(value, dict) else ""


def _first(value: Any) -> Mapping[str, Any]:
    return value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else {}


def _cut(value: Any) -> str:
    return " ".join(str(value).split())[:LONGEST] if isinstance(value, str | int) else ""
