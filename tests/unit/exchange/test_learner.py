"""A school record as a learner record of the European Learning Model: what we write, and what is read of one."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given

from bot.exchange import jose
from bot.exchange.records import elm, token
from bot.exchange.records.model import SECTIONS, Entry, Kind, Record, Source
from bot.exchange.records.reading import Form, Trust
from bot.exchange.records.standing import Why
from tests.unit.exchange.test_records import HEALTH, KEYS, PUBLIC, SCHOOL, a_copy, known, reading, records
from tests.unit.exchange.world import NOON

# The European Learning Model

#: Of the published context `edc-ap`, and of the one for credentials that stands before it, the terms that are used and
#: what each leads to: another thing, words by language, a moment, or plain.
TERMS = {
    "awardedBy": "thing", "awardingBody": "thing", "credentialProfiles": "thing", "credentialSchema": "thing",
    "credentialSubject": "thing", "displayParameter": "thing", "hasClaim": "thing", "inScheme": "thing",
    "issuer": "thing", "language": "thing", "primaryLanguage": "thing", "additionalNote": "thing",
    "description": "words", "fullName": "words", "legalName": "words", "noteLiteral": "words", "prefLabel": "words",
    "title": "words",
    "dateOfBirth": "moment", "expirationDate": "moment", "issuanceDate": "moment", "issued": "moment",
    "validFrom": "moment", "validUntil": "moment",
    "@context": "plain", "id": "plain", "type": "plain",
}  # fmt: skip
#: What the shapes of `edc-generic-no-cv` ask of each class that is used; and how often it may stand there at most.
MUST_HAVE = {
    "EuropeanDigitalCredential": {
        "credentialProfiles": 9, "displayParameter": 1, "issuer": 1, "credentialSubject": 1, "issued": 1,
        "validFrom": 1, "credentialSchema": 9,
    },
    "DisplayParameter": {"title": 1, "primaryLanguage": 1, "language": 9},
    "Organisation": {"legalName": 1},
    "Person": {"hasClaim": 999},
    "LearningAchievement": {"title": 1, "awardedBy": 1},
    "LearningActivity": {"title": 1, "awardedBy": 1},
    "AwardingProcess": {"awardingBody": 1},
    "Note": {"noteLiteral": 1},
}  # fmt: skip
#: What the shapes ask for beyond that, and only the body that seals the record can say. See docs/records.md.
LEFT_TO_THE_SEAL = ("eIDASIdentifier", "location", "individualDisplay")


def looked_through(thing: dict[str, object]) -> list[dict[str, object]]:
    """Every thing in a document, each of its terms known and of its kind."""
    found = [thing]
    kinds = thing["type"] if isinstance(thing["type"], list) else [thing["type"]]
    for kind in kinds:
        for term, most in MUST_HAVE.get(str(kind), {}).items():
            value = thing[term]
            assert 1 <= (len(value) if isinstance(value, list) else 1) <= most, (kind, term)
    for term, value in thing.items():
        if TERMS[term] == "words":
            assert isinstance(value, dict)
            assert value
            assert all(isinstance(each, str) and each for each in value.values())
        elif TERMS[term] == "moment":
            assert datetime.fromisoformat(str(value).replace("Z", "+00:00")).tzinfo is not None
        elif TERMS[term] == "thing":
            for each in value if isinstance(value, list) else [value]:
                found += looked_through(each)
    return found


def say(sentence: str) -> str:
    return sentence


@given(records(Kind.SCHOOL))
def test_every_term_of_a_learner_record_is_one_of_the_european_model_and_of_its_kind(record: Record):
    made = elm.document(a_copy(record.checked()), say=say)

    things = looked_through(json.loads(json.dumps(made)))

    assert made["@context"] == [
        "https://www.w3.org/2018/credentials/v1",
        "http://data.europa.eu/snb/model/context/edc-ap",
    ]
    assert not any(term in thing for thing in things for term in LEFT_TO_THE_SEAL)
    said: dict[object, object] = {}
    for thing in things:  # one id, one thing
        assert said.setdefault(thing["id"], thing) == thing


@given(records(Kind.SCHOOL))
def test_a_learner_record_says_all_that_the_child_chose_and_how_each_line_is_known(record: Record):
    kept = record.checked()
    said = json.dumps(elm.document(a_copy(kept), say=say), ensure_ascii=False)

    words = [*kept.facts.values(), *(each.text for section in SECTIONS[Kind.SCHOOL] for each in kept.of(section.code))]
    assert all(json.dumps(each, ensure_ascii=False)[1:-1] in said for each in words)
    for section in SECTIONS[Kind.SCHOOL]:
        for one in kept.of(section.code):
            assert all(json.dumps(each, ensure_ascii=False)[1:-1] in said for each in (one.detail, one.when, one.by))


def test_a_learner_record_is_written_down_and_not_awarded_and_a_certificate_is_of_who_gave_it():
    made = elm.document(a_copy(SCHOOL), say=say)
    whole, activity, subject, certificate = made["credentialSubject"]["hasClaim"]

    assert certificate["awardedBy"]["awardingBody"]["legalName"] == {"en": "Ministry"}
    for claim in (whole, activity, subject):
        assert claim["awardedBy"]["awardingBody"]["legalName"] == {"en": "helpline.example"}
        assert claim["awardedBy"]["description"] == {"en": elm.NOT_AWARDED}
    assert {"en": "Level: good"} in [note["noteLiteral"] for note in subject["additionalNote"]]
    assert "dateOfBirth" not in made["credentialSubject"]  # a year is no date
    assert "proof" not in made


def test_a_health_record_is_none_of_learning():
    with pytest.raises(ValueError, match="learning"):
        elm.document(a_copy(HEALTH), say=say)


# A learner record that is brought


@given(records(Kind.SCHOOL))
def test_a_learner_record_of_ours_says_the_same_when_it_is_read_again_in_whatever_language_it_was_said(record: Record):
    kept = record.checked()
    assume(not kept.is_empty)
    found = reading(json.dumps(elm.document(a_copy(kept), say=lambda sentence: f"« {sentence} »")))

    assert (found.form, found.signer.trust, found.left_out) == (Form.ELM, Trust.UNSIGNED, ())
    assert (found.since, found.until) == (NOON, a_copy(kept).until)
    assert found.record.entries == kept.entries
    assert (found.record.facts, found.record.absences) == (kept.facts, kept.absences)


def a_foreign_one() -> dict[str, object]:
    """As the tools of universities write them: one thing where one may stand for many, words in lists, ids for things,
    a right and a nationality beside what was learned."""
    ministry = {"id": "urn:epass:org:1", "type": "Organisation", "legalName": {"it": ["Ministero"], "en": ["Ministry"]}}
    given = {"type": "AwardingProcess", "awardingDate": "2024-06-30T00:00:00.000Z", "awardingBody": "urn:epass:org:1"}
    mark = {"type": "LearningAssessment", "title": {"it": "Esame"}, "grade": {"noteLiteral": {"it": "8/10"}}}
    maths = {"id": "urn:a:2", "type": "LearningAchievement", "title": {"it": "Matematica"}, "provenBy": mark}
    diploma = {
        "id": "urn:a:1", "type": ["LearningAchievement"], "title": {"en": "Lower secondary diploma", "it": "Licenza"},
        "awardedBy": given, "hasPart": maths,
        "influencedBy": [{"type": "LearningActivity", "title": {"en": "Three years in Bari"}}],
    }  # fmt: skip
    others = [
        {"id": "urn:a:1", "type": "LearningAchievement"},
        {"type": "LearningEntitlement", "title": {"en": "May work as a nurse"}},
        {"type": "LearningAchievement", "title": {"en": "Italian for asylum seekers"}},
        {"type": "LearningAchievement", "title": {"en": "Swimming"}, "awardedBy": {"awardingDate": "in summer"}},
        {"type": "LearningActivity"},
    ]
    return {
        "@context": ["https://www.w3.org/2018/credentials/v1", "http://data.europa.eu/snb/model/context/edc-ap"],
        "type": ["VerifiableCredential", "EuropeanDigitalCredential"],
        "issuer": ministry,
        "validFrom": "2024-07-01T00:00:00Z",
        "displayParameter": {
            "primaryLanguage": {"id": "http://publications.europa.eu/resource/authority/language/ITA"},
            "language": [{"id": "http://publications.europa.eu/resource/authority/language/ENG"}],
        },
        "credentialSubject": {
            "type": "Person", "givenName": {"und": ["Ali"]}, "familyName": {"und": ["Haddad"]},
            "dateOfBirth": "2010-05-31T00:00:00.000Z", "citizenshipCountry": {"prefLabel": {"en": "Syria"}},
            "hasClaim": [diploma, *others],
        },
    }  # fmt: skip


def test_a_foreign_learner_record_is_read_for_what_was_learned_and_the_rest_is_said_line_by_line():
    found = reading(json.dumps(a_foreign_one()))

    assert found.record.facts == {"name": "Ali Haddad", "born": "2010-05-31"}
    assert found.record.entries == {
        "certificates": (Entry("Licenza", "Lower secondary diploma", "Ministero", "2024-06-30", Source.SEEN),),
        "subjects": (Entry("Matematica", detail="8/10", source=Source.SEEN),),
        "schooling": (Entry("Three years in Bari", "Three years in Bari", source=Source.SEEN),),
    }
    assert {(one.text, one.why) for one in found.left_out} == {
        ("May work as a nurse", Why.NO_PLACE),
        ("Italian for asylum seekers", Why.STATUS),
        ("Swimming", Why.NOT_FIT),
        ("", Why.NO_WORDS),
    }
    assert "Syria" not in str(found)


def test_a_learner_record_is_proven_by_a_signature_we_know_and_by_no_seal_we_cannot_check():
    bare = a_foreign_one()
    payload = json.dumps({"iss": "urn:epass:org:1", "exp": 1800000000, "vc": bare}).encode()
    signed = reading(token.sign(payload, typ="JWT", **KEYS))
    sealed = reading(json.dumps({"payload": jose.encode(json.dumps(bare).encode()), "signatures": [{"protected": ""}]}))
    wrapped = reading(json.dumps({"credential": bare, "deliveryDetails": {"deliveryAddress": ["x@example.org"]}}))

    assert signed.signer == known(PUBLIC)
    assert signed.proven(NOON)
    assert signed.until == datetime.fromtimestamp(1800000000, UTC)
    assert (sealed.signer.trust, sealed.proven(NOON)) == (Trust.SEALED, False)
    assert (wrapped.signer.trust, wrapped.proven(NOON)) == (Trust.UNSIGNED, False)
    assert signed.record == sealed.record == wrapped.record
