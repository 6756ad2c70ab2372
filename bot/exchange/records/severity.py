"""How grave a line of a patient summary is, as HL7 FHIR R4 says it, written and read.

An allergy says in `criticality` whether it can kill, and in each reaction how bad that was; an illness says how severe
it is. After HL7 FHIR R4 (AllergyIntolerance, Condition) and the LOINC answers that the IPS 2.0.0 prefers for problems.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from bot.exchange.records.model import Severity

_LOINC: Final = "http://loinc.org"
_GRADES = tuple(Severity)
_REACTION: Mapping[Severity, str] = {
    Severity.MILD: "mild",
    Severity.MODERATE: "moderate",
    Severity.SEVERE: "severe",
    Severity.LIFE_THREATENING: "severe",
}
#: LOINC has no answer for what can kill: the words beside say so.
_ANSWERS: Mapping[Severity, str] = {
    Severity.MILD: "LA6752-5",
    Severity.MODERATE: "LA6751-7",
    Severity.SEVERE: "LA6750-9",
}
_WORDS: Mapping[Severity, str] = {**_REACTION, Severity.LIFE_THREATENING: "life-threatening"}
#: As others write it: FHIR's own words, LOINC answers, SNOMED CT (the value set that FHIR prefers).
_KNOWN: Mapping[str, Severity] = {
    **{code: severity for severity, code in _ANSWERS.items()},
    "mild": Severity.MILD,
    "255604002": Severity.MILD,
    "moderate": Severity.MODERATE,
    "6736007": Severity.MODERATE,
    "severe": Severity.SEVERE,
    "24484000": Severity.SEVERE,
    "life-threatening": Severity.LIFE_THREATENING,
    "life threatening": Severity.LIFE_THREATENING,
    "442452003": Severity.LIFE_THREATENING,
    "fatal": Severity.LIFE_THREATENING,
}


def of_problem(severity: Severity | None) -> dict[str, Any]:
    """What a Condition says of it."""
    if severity is None:
        return {}
    code = _ANSWERS.get(severity)
    coding = {"coding": [{"system": _LOINC, "code": code, "display": _WORDS[severity].capitalize()}]} if code else {}
    return {"severity": {**coding, "text": _WORDS[severity]}}


def of_allergy(severity: Severity | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """What an AllergyIntolerance says of it, and what its reaction does."""
    if severity is None:
        return {}, {}
    deadly = {"criticality": "high"} if severity is Severity.LIFE_THREATENING else {}
    return deadly, {"severity": _REACTION[severity]}


def read(resource: Mapping[str, Any]) -> Severity | None:
    """The gravest that a line says of itself; None where it says nothing that we know."""
    found = [_KNOWN[said] for said in _said(resource) if said in _KNOWN]
    if resource.get("criticality") == "high":
        found.append(Severity.LIFE_THREATENING)
    return max(found, key=_GRADES.index, default=None)


def _said(resource: Mapping[str, Any]) -> Iterator[str]:
    yield from _codes(resource.get("severity"))
    reactions = resource.get("reaction")
    for one in reactions if isinstance(reactions, list) else []:
        if isinstance(one, dict):
            yield from _codes(one.get("severity"))


def _codes(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value.casefold()
    elif isinstance(value, dict):
        codings = value.get("coding")
        for one in codings if isinstance(codings, list) else []:
            if isinstance(one, dict):
                yield str(one.get("code")).strip()
                yield str(one.get("display")).strip().casefold()
        yield str(value.get("text")).strip().casefold()
