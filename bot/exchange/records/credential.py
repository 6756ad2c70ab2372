"""Records as verifiable credentials (W3C VC Data Model 2.0), signed as a JWT whose payload is the credential itself.

A school record is an Open Badge 3.0: it attests that a helpline wrote down what a learner told and which papers it saw,
and nothing more; it is no diploma. A health record carries its whole FHIR document, as SMART Health Cards do.
What a badge has no place for stands beside it as a JSON literal, under a term that the credential itself defines.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID, uuid5

from bot.exchange import jose
from bot.exchange.jose import NotOurs
from bot.exchange.records import ips, learner, token
from bot.exchange.records.learner import moment
from bot.exchange.records.model import (
    FACTS,
    LONGEST,
    MOST_ENTRIES,
    SECTIONS,
    SOURCES,
    Absence,
    Copy,
    Entry,
    Kind,
    Record,
    Source,
)
from bot.exchange.records.standing import LeftOut

_VC: Final = "https://www.w3.org/ns/credentials/v2"
_BADGE: Final = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
_SCHOOL_TERM: Final = {"schoolRecord": {"@id": "urn:waymark:school-record:1", "@type": "@json"}}
_HEALTH_TERM: Final = {
    "HealthRecord": "urn:waymark:health-record:1",
    "fhirBundle": {"@id": "https://smarthealth.cards#fhirBundle", "@type": "@json"},
}
_MOMENT: Final = "%Y-%m-%dT%H:%M:%SZ"


def sign(copy: Copy, *, private: bytes, public: bytes) -> str:
    """The signed credential of a copy."""
    made = credential(copy, token.did_of(public))
    claims = {
        "iss": made["issuer"]["id"],
        "jti": made["id"],
        "sub": made["credentialSubject"]["id"],
        "nbf": int(copy.made_at.timestamp()),
        "exp": int(copy.until.timestamp()),
    }
    payload = json.dumps({**made, **claims}, ensure_ascii=False, separators=(",", ":")).encode()
    return token.sign(payload, typ=token.CREDENTIAL, private=private, public=public)


def credential(copy: Copy, issuer: str) -> dict[str, Any]:
    """What is signed. The ids in it are made of the copy's own and lead nowhere."""
    school = copy.record.kind is Kind.SCHOOL
    made = {
        "@context": [_VC, _BADGE, _SCHOOL_TERM] if school else [_VC, _HEALTH_TERM],
        "id": f"urn:uuid:{copy.id}",
        "type": ["VerifiableCredential", "OpenBadgeCredential" if school else "HealthRecord"],
        "issuer": {"id": issuer, "type": ["Profile"], "name": copy.issuer} if school else {"id": issuer},
        "validFrom": copy.made_at.strftime(_MOMENT),
        "validUntil": copy.until.strftime(_MOMENT),
    }
    if school:
        return made | {"name": "School record", **_badge(copy)}
    return made | {"credentialSubject": {"id": _id(copy, "subject"), "fhirBundle": ips.bundle(copy)}}


def _badge(copy: Copy) -> dict[str, Any]:
    record = copy.record
    results, descriptions = [], []
    for section in ("schooling", "subjects"):
        for number, one in enumerate(record.of(section)):
            address = _id(copy, f"{section}.{number}")
            descriptions.append(
                {"id": address, "type": ["ResultDescription"], "name": one.text, "resultType": "Result"}
            )
            value = " · ".join(part for part in (one.detail, one.when) if part) or "attended"
            results.append({"type": ["Result"], "resultDescription": address, "value": value})
    subject: dict[str, Any] = {
        "id": _id(copy, "subject"),
        "type": ["AchievementSubject"],
        "achievement": {
            "id": _id(copy, "achievement"),
            "type": ["Achievement"],
            "achievementType": "ext:SchoolRecord",
            "name": "School record",
            "description": f"Schooling as it was told and as papers showed it. {ips.SAYS_LITTLE}",
            "criteria": {"narrative": "Written down by a case worker. Of each line it is said how it is known."},
            "resultDescription": descriptions,
        },
        "result": results,
    }
    if name := record.facts.get("name"):
        subject["identifier"] = [
            {"type": "IdentityObject", "identityHash": name, "identityType": "ext:name", "hashed": False}
        ]
    evidence = [
        {
            "type": ["Evidence"],
            "name": one.text,
            "description": " · ".join(part for part in (one.detail, one.when) if part),
            "narrative": f"{SOURCES[one.source]}{': ' + one.by if one.by else ''}",
        }
        for one in record.of("certificates")
    ]
    made: dict[str, Any] = {"credentialSubject": subject, "schoolRecord": _whole(record)}
    return made | ({"evidence": evidence} if evidence else {})


def _id(copy: Copy, name: str) -> str:
    return f"urn:uuid:{uuid5(UUID(copy.id), name)}"


def _whole(record: Record) -> dict[str, Any]:
    return {
        "language": record.language,
        "second": record.second,
        **{fact.code: record.facts[fact.code] for fact in FACTS[record.kind] if fact.code in record.facts},
        **{
            section.code: [
                {
                    name: value
                    for name, value in (
                        ("text", one.text),
                        ("also", one.also),
                        ("detail", one.detail),
                        ("when", one.when),
                        ("source", one.source.value),
                        ("by", one.by),
                    )
                    if value
                }
                for one in record.of(section.code)
            ]
            or record.why_empty(section.code).value
            for section in SECTIONS[record.kind]
        },
    }


def read(payload: bytes, public: bytes) -> tuple[Record, tuple[LeftOut, ...], datetime | None, datetime | None]:
    """The record in a credential whose signature fits, its lines that do not count, from when and until when it holds.
    Raises NotOurs.

    The issuer it names must be the key that signed it.
    """
    value = jose.strict_json(payload)
    if isinstance(value.get("vc"), dict):  # as version 1.1 of the data model has it in a JWT
        value = {"validUntil": _of_seconds(value.get("exp")), "issuer": value.get("iss"), **value["vc"]}
    issuer = value.get("issuer")
    named = issuer.get("id") if isinstance(issuer, dict) else issuer
    if not isinstance(named, str) or (named.startswith("did:key:") and token.public_of(named) != public):
        raise NotOurs("issuer")
    subject = value.get("credentialSubject")
    if not isinstance(subject, dict):
        raise NotOurs("subject")
    since, until = moment(value.get("validFrom")), moment(value.get("validUntil"))
    if learner.is_one(value):
        found = learner.read(value)
        return found.record, found.left_out, found.since, found.until
    if isinstance(subject.get("fhirBundle"), dict):
        return *ips.read(subject["fhirBundle"]), since, until
    if isinstance(value.get("schoolRecord"), dict):
        return _school(value["schoolRecord"]), (), since, until
    return _any_badge(value, subject), (), since, until


def _school(value: Mapping[str, Any]) -> Record:
    facts = {fact.code: _text(value.get(fact.code)) for fact in FACTS[Kind.SCHOOL]}
    entries, absences = {}, {}
    for section in SECTIONS[Kind.SCHOOL]:
        said = value.get(section.code)
        if isinstance(said, list):
            lines = tuple(_entry(one) for one in said[:MOST_ENTRIES] if isinstance(one, dict))
            entries[section.code] = tuple(one for one in lines if one.text)
        elif said == Absence.NONE:
            absences[section.code] = Absence.NONE
    language, second = _text(value.get("language"))[:16] or "en", _text(value.get("second"))[:16]
    return Record(
        Kind.SCHOOL, language, second, {code: each for code, each in facts.items() if each}, entries, absences
    )


def _any_badge(value: Mapping[str, Any], subject: Mapping[str, Any]) -> Record:
    """A badge of anybody's: what was achieved is a certificate, seen by whoever signed it."""
    achievement = subject.get("achievement")
    name = _text(achievement.get("name")) if isinstance(achievement, dict) else ""
    if not name:
        raise NotOurs("no record")
    issuer = value.get("issuer")
    given_by = _text(issuer.get("name")) if isinstance(issuer, dict) else ""
    when = _text(value.get("validFrom"))[:10]
    entry = Entry(name, detail=given_by, when=when, source=Source.SEEN)
    return Record(Kind.SCHOOL, entries={"certificates": (entry,)})


def _entry(one: Mapping[str, Any]) -> Entry:
    source = Source(one["source"]) if one.get("source") in list(Source) else Source.TOLD
    text, also, detail, by = (_text(one.get(name)) for name in ("text", "also", "detail", "by"))
    return Entry(text, also, detail, _text(one.get("when"))[:10], source, by)


def _text(value: Any) -> str:
    return " ".join(value.split())[:LONGEST] if isinstance(value, str) else ""


def _of_seconds(value: Any) -> str | None:
    """A moment as JWT counts it."""
    return datetime.fromtimestamp(value, UTC).isoformat() if isinstance(value, int) and 0 < value < 2**33 else None
