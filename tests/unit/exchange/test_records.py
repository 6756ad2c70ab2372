"""Records a child carries: what they hold, in every form, and what is made of one that somebody brings."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import example, given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey
from msgspec.structs import replace

from bot.exchange import jose
from bot.exchange.records import codes, credential, ips, token
from bot.exchange.records.model import (
    FACTS,
    SECTIONS,
    Absence,
    Copy,
    Entry,
    Fact,
    Kind,
    Record,
    Severity,
    Source,
    Topic,
    WrongEntry,
    from_json,
    to_json,
)
from bot.exchange.records.reading import CannotRead, Form, Reading, Signer, Trust, read
from bot.exchange.records.standing import Why
from bot.exchange.records.topics import topic_of
from tests.unit.exchange.world import NOON

_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PRIVATE, PUBLIC = _KEY.private_bytes_raw(), _KEY.public_key().public_bytes_raw()
KEYS = {"private": PRIVATE, "public": PUBLIC}
COPY_ID = "0192f0a0-0000-7000-8000-000000000001"

HEALTH = Record(
    Kind.HEALTH,
    "fr",
    "ar",
    {"name": "Ali <b>", "born": "2010-05", "sex": "male"},
    {
        "problems": (Entry("Asthme", "ربو", "depuis l'enfance", "2015", Source.EXAMINED, "Dr N."),),
        "medicines": (Entry("salbutamol", detail="2 bouffées si besoin"),),
        "vaccines": (Entry("Rougeole", "الحصبة", "1", "2012", Source.SEEN),),
        "devices": (Entry("Lunettes"),),
        "procedures": (Entry("Appendicectomie", when="2019"),),
        "results": (Entry("Hb", detail="12.1 g/dl", when="2026-11-01", source=Source.EXAMINED),),
    },
    {"allergies": Absence.NONE},
)
SCHOOL = Record(
    Kind.SCHOOL,
    "en",
    "",
    {"name": "Ali", "born": "2010", "years": "7", "grade": "7", "taught_in": "Arabic"},
    {
        "schooling": (Entry("School in Homs", detail="Grade 6", when="2021"),),
        "subjects": (Entry("Mathematics", detail="good", source=Source.EXAMINED, by="school in Bari"),),
        "certificates": (Entry("Grade 6 report", detail="Ministry", when="2021", source=Source.SEEN, by="N. Rossi"),),
    },
)


def a_copy(record: Record = HEALTH) -> Copy:
    return Copy(COPY_ID, record, "helpline.example", NOON)


def known(public: bytes) -> Signer:
    return Signer(Trust.KNOWN, "Bari") if public == PUBLIC else Signer(Trust.STRANGER)


def reading(text: str) -> Reading:
    return read(text, signer_of=known)


words = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=40).map(str)
dates = st.sampled_from(["", "2014", "2014-05", "2014-05-31"])
grades = st.none() | st.sampled_from(Severity)
entries = st.builds(
    Entry, words, words | st.just(""), words | st.just(""), dates, st.sampled_from(Source), words, severity=grades
)


def _said(fact: Fact) -> st.SearchStrategy[str]:
    if fact.is_date:
        return dates.filter(bool)
    return st.sampled_from([*fact.choices]) if fact.choices else words


@st.composite
def records(draw: st.DrawFn, kind: Kind | None = None) -> Record:
    kind = kind or draw(st.sampled_from(Kind))
    facts = {fact.code: draw(_said(fact)) for fact in FACTS[kind] if draw(st.booleans())}
    lines = {section.code: tuple(draw(st.lists(entries, max_size=4))) for section in SECTIONS[kind]}
    absences = {section.code: Absence.NONE for section in SECTIONS[kind] if draw(st.booleans())}
    try:
        return Record(kind, "fr", "ar", facts, lines, absences).checked()
    except WrongEntry:  # a word that happens to be one of those that have no place
        return Record(kind, "fr", "ar", {"name": "Ali"}).checked()


# The forms


@settings(max_examples=25, deadline=None)
@given(records(Kind.HEALTH))
def test_every_health_record_is_a_valid_fhir_document(record: Record):
    made = ips.bundle(a_copy(record))

    from fhir.resources.R4B.bundle import Bundle  # no other test needs it, and every worker reads every test

    Bundle.model_validate_json(json.dumps(made))
    composition = made["entry"][0]["resource"]
    codes_of_sections = {one["code"]["coding"][0]["code"]: one for one in composition["section"]}
    assert {"11450-4", "48765-2", "10160-0"} <= codes_of_sections.keys()
    for section in composition["section"]:  # ips-comp-1, and words in every section
        assert section["text"]["div"]
        assert ("entry" in section) != ("emptyReason" in section)
    addresses = {one["fullUrl"] for one in made["entry"]}
    assert len(addresses) == len(made["entry"])
    assert {one["reference"] for each in composition["section"] for one in each.get("entry", [])} <= addresses


def test_an_empty_section_says_whether_it_was_asked():
    sections = ips.bundle(a_copy(replace(HEALTH, entries={})))["entry"][0]["resource"]["section"]
    why = {one["title"]: one["emptyReason"]["coding"][0]["code"] for one in sections}

    assert why["Allergies"] == "nilknown"
    assert why["Illnesses and conditions"] == "unavailable"


@settings(max_examples=25, deadline=None)
@given(records())
def test_a_signed_record_says_the_same_when_it_is_read(record: Record):
    if record.is_empty:
        return
    signed = credential.sign(a_copy(record), **KEYS)

    found = reading(signed)

    assert found.form is Form.CREDENTIAL
    assert found.proven(NOON)
    assert not found.proven(a_copy(record).until)
    if record.kind is Kind.SCHOOL:
        assert found.record == record
    else:
        assert found.record.facts == record.facts
        for section in SECTIONS[Kind.HEALTH]:
            assert found.record.of(section.code) == record.of(section.code)
            assert found.record.of(section.code) or found.record.why_empty(section.code) is (
                record.why_empty(section.code) if section.required else Absence.UNKNOWN
            )


def test_another_implementation_verifies_the_signature():
    for signed in (credential.sign(a_copy(SCHOOL), **KEYS), credential.sign(a_copy(), **KEYS)):
        header = jose.strict_json(jose.decode(signed.split(".")[0]))
        with pytest.warns(UserWarning, match="9864"):  # joserfc would rather have the newer name of the same algorithm
            found = jws.deserialize_compact(
                signed, OKPKey.import_key(header["jwk"]), registry=jws.JWSRegistry(algorithms=["EdDSA"])
            )
        said = json.loads(found.payload)
        assert said["iss"] == said["issuer"]["id"] == token.did_of(PUBLIC)
        assert token.public_of(said["iss"]) == PUBLIC


def test_a_badge_has_what_open_badges_3_asks_for():
    made = credential.credential(a_copy(SCHOOL), token.did_of(PUBLIC))

    assert made["@context"][:2] == [
        "https://www.w3.org/ns/credentials/v2",
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
    ]
    assert made["type"] == ["VerifiableCredential", "OpenBadgeCredential"]
    achievement = made["credentialSubject"]["achievement"]
    assert {"id", "type", "criteria", "description", "name"} <= achievement.keys()
    described = {one["id"] for one in achievement["resultDescription"]}
    assert {one["resultDescription"] for one in made["credentialSubject"]["result"]} == described
    assert made["evidence"][0]["narrative"].endswith("N. Rossi")


# Codes


@settings(max_examples=25, deadline=None)
@given(records(), st.randoms())
def test_codes_say_the_same_in_any_order(record: Record, random):
    made = codes.codes_of(a_copy(record), **KEYS)
    parts = list(made.parts)
    random.shuffle(parts)
    if record.is_empty or not parts or made.left_out:
        return

    found = reading("\n".join(part.lower() for part in parts))

    assert found.form is Form.CODES
    assert found.proven(NOON)
    assert found.record == record


def test_what_does_not_fit_is_named_and_what_is_needed_most_stays():
    def noise(number: int) -> Entry:
        """Words that no deflate makes shorter."""
        return Entry("".join(chr(0x4E00 + (number * 97 + n * 31) ** 3 % 9000) for n in range(150)))

    long = tuple(noise(number) for number in range(6))
    record = replace(HEALTH, entries={**HEALTH.entries, "results": long, "procedures": long})

    made = codes.codes_of(a_copy(record), **KEYS)

    assert 1 <= len(made.parts) <= codes.MOST_CODES
    assert made.left_out == ("also", "results")[: len(made.left_out)] or "procedures" in made.left_out
    assert reading("".join(made.parts)).record.of("medicines") == HEALTH.of("medicines")
    too_much = replace(HEALTH, entries={"problems": [noise(number) for number in range(30)]})
    assert codes.codes_of(a_copy(too_much), **KEYS).parts == ()


def test_a_missing_code_is_asked_for():
    lines = [Entry(f"{number**9:x} and {number**7:x}") for number in range(40)]
    long = replace(HEALTH, entries={"problems": lines})
    parts = codes.codes_of(a_copy(long), **KEYS).parts
    assert len(parts) == 2

    with pytest.raises(CannotRead, match="One code is missing"):
        reading(parts[0])


# What the child chooses


def test_what_was_held_back_looks_like_what_nobody_knows():
    secret = replace(HEALTH, entries={"problems": (Entry("HIV", topic=Topic.HIV),)}, absences={})
    unknown = replace(secret, entries={})

    chosen = secret.only({"name", "born"})

    assert ips.bundle(a_copy(chosen)) == ips.bundle(a_copy(unknown.only({"name", "born"})))
    assert codes.pack(a_copy(chosen), **KEYS) == codes.pack(a_copy(unknown.only({"name", "born"})), **KEYS)


@pytest.mark.parametrize(
    ("words", "topic"),
    [
        ("dolutegravir", Topic.HIV),
        ("VIH", Topic.HIV),
        ("enceinte de 3 mois", Topic.PREGNANCY),
        ("fluoxetine", Topic.MIND),
        ("اكتئاب", Topic.MIND),
        ("examen après violación", Topic.SEXUAL_VIOLENCE),
        ("دعم نفسي", Topic.MIND),
        ("asthma", None),
        ("amlodipine", None),
        ("ضيق تنفسي", None),
        ("عدم تحمل اللاكتوز", None),
        ("salbutamol", None),
    ],
)
def test_words_that_can_hurt_are_found_without_a_mark(words: str, topic: Topic | None):
    assert topic_of(Entry(words)) is topic


@pytest.mark.parametrize("words", ["asylum seeker", "sans-papiers", "permiso de residencia", "طالب لجوء"])
def test_words_about_status_have_no_place(words: str):
    with pytest.raises(WrongEntry) as wrong:
        replace(HEALTH, entries={"problems": (Entry("x", detail=words),)}).checked()
    assert wrong.value.place == "problems"


def test_sports_are_no_status():
    replace(SCHOOL, entries={"subjects": (Entry("Educación física y deporte"),)}).checked()


@pytest.mark.parametrize("when", ["31.5.2014", "2014-13", "2014-02-30", "soon"])
def test_a_date_that_is_none_is_said(when: str):
    with pytest.raises(WrongEntry):
        replace(HEALTH, entries={"problems": (Entry("x", when=when),)}).checked()


@given(records())
def test_a_sheet_is_kept_as_it_is(record: Record):
    assert from_json(json.loads(json.dumps(to_json(record)))) == record


# What somebody brings


def changed(signed: str, place: int) -> str:
    other = "A" if signed[place] != "A" else "B"
    return signed[:place] + other + signed[place + 1 :]


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_changed_character_is_believed(data: st.DataObject):
    signed = credential.sign(a_copy(SCHOOL), **KEYS)
    place = data.draw(st.integers(0, len(signed) - 1))

    with pytest.raises(CannotRead):
        reading(changed(signed, place))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "hello",
        "{",
        "[" * 100_000,
        '{"a":' * 20_000,
        '{"resourceType":"Bundle","entry":[]}',
        '{"resourceType":"Bundle","entry":[{"resource":{"resourceType":"Composition"}}]}',
        '{"resourceType":"Bundle","entry":{"a":1}}',
        "a.b.c",
        "WAYMARK1:1:1:AAAA:AAAA",
        "x" * 1_000_000,
    ],
)
def test_what_is_no_record_gets_a_kind_answer(text: str):
    with pytest.raises(CannotRead):
        reading(text)


@pytest.mark.parametrize("claim", ["alg", "typ"])
def test_a_header_with_a_list_where_a_name_stands_gets_a_kind_answer(claim: str):
    header, *rest = credential.sign(a_copy(SCHOOL), **KEYS).split(".")
    said = {**json.loads(jose.decode(header)), claim: ["EdDSA"]}

    with pytest.raises(CannotRead):
        reading(".".join([jose.encode(json.dumps(said).encode()), *rest]))


A_LIST_FOR_A_CODE = {
    "resourceType": "Bundle",
    "entry": [{"resource": {"resourceType": "Condition", "code": {"coding": [{"code": []}]}}}],
}


NAMES = ("resourceType", "entry", "resource", "section", "code", "coding", "text", "name", "given", "note")
NAMES += ("type", "id", "title", "language", "hasPart", "provenBy")


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(NAMES),
                inner | st.sampled_from(["Bundle", "Patient", "Composition", "Condition", "LearningActivity"]),
                max_size=5,
            )
        ),
        max_leaves=30,
    )
)
@example(A_LIST_FOR_A_CODE)
def test_no_document_breaks_the_reader(value: object):
    section: object = {"resourceType": "Composition", "section": value}
    condition = {"resourceType": "Condition", "code": value, "note": value}
    badge = {"issuer": "x", "credentialSubject": {"achievement": value}, "schoolRecord": value}
    person = {"fullName": value, "hasClaim": [{"type": "LearningAchievement", "awardedBy": value, "id": value}, value]}
    learner = {"type": "EuropeanDigitalCredential", "credentialSubject": person, "displayParameter": value}
    for text in (
        json.dumps(learner),
        json.dumps({"signatures": value, "payload": value, "credential": learner}),
        json.dumps(value),
        json.dumps({"resourceType": "Bundle", "entry": [{"resource": section}, {"resource": condition}, value]}),
        token.sign(json.dumps(badge).encode(), typ="JWT", **KEYS),
        codes_with(value),
    ):
        try:
            reading(text)
        except CannotRead:
            continue


def codes_with(value: object) -> str:
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = deflate.compress(json.dumps([1, "h", 0, "en", "", ["", "", ""], value]).encode()) + deflate.flush()
    signed = token.sign(payload, typ=token.CODES, **KEYS)
    return "\n".join(codes.split(PUBLIC + jose.decode(signed.split(".")[2]) + payload))


def test_a_payload_that_swells_is_not_swallowed():
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    payload = deflate.compress(b"0" * 2_000_000) + deflate.flush()
    assert len(payload) < 2500
    signed = token.sign(payload, typ=token.CODES, **KEYS)

    with pytest.raises(CannotRead):
        reading("\n".join(codes.split(PUBLIC + jose.decode(signed.split(".")[2]) + payload)))
    with pytest.raises(jose.NotOurs):
        codes.inflate(payload)


def test_a_strangers_signature_proves_nothing():
    other = Ed25519PrivateKey.generate()
    signed = credential.sign(
        a_copy(SCHOOL), private=other.private_bytes_raw(), public=other.public_key().public_bytes_raw()
    )

    found = reading(signed)

    assert found.signer.trust is Trust.STRANGER
    assert not found.proven(NOON)


def test_who_names_another_issuer_is_refused():
    other = Ed25519PrivateKey.generate()
    claims = credential.credential(a_copy(SCHOOL), token.did_of(PUBLIC))
    forged = token.sign(
        json.dumps(claims).encode(),
        typ="JWT",
        private=other.private_bytes_raw(),
        public=other.public_key().public_bytes_raw(),
    )

    with pytest.raises(CannotRead):
        reading(forged)


def test_a_plain_summary_is_read_and_nothing_of_it_is_proven():
    found = reading(json.dumps(ips.bundle(a_copy())))

    assert found.signer.trust is Trust.UNSIGNED
    assert not found.proven(NOON)
    assert found.record.of("medicines")[0].detail == "2 bouffées si besoin"
    assert found.record.of("devices")[0].text == "Lunettes"
    assert found.record.why_empty("allergies") is Absence.NONE


def test_what_a_foreign_summary_calls_over_or_untrue_is_shown_and_never_a_line():
    """As other systems write it: the medicine in a resource of its own, and lines that say that they do not count."""

    def one(kind: str, name: str, words: str, **more: object) -> dict[str, object]:
        return {"resourceType": kind, "id": words.lower(), name: {"coding": [{"code": "1", "display": words}]}, **more}

    def status(code: str) -> dict[str, object]:
        return {"coding": [{"code": code}]}

    medicine, statement, vaccine = "medicationCodeableConcept", "MedicationStatement", "Immunization"
    resources = [
        {"resourceType": "Composition", "section": []},
        one("Medication", "code", "Insulin"),
        {"resourceType": statement, "status": "active", "medicationReference": {"reference": "Medication/insulin"}},
        {"resourceType": statement, "medication": {"concept": {"text": "Salbutamol"}}},
        {"resourceType": statement, "medicationReference": {"reference": "urn:elsewhere", "display": "Iron"}},
        {"resourceType": statement, "contained": [{"id": "m", "code": {"text": "Zinc"}}], "status": "active",
         "medicationReference": {"reference": "#m"}},
        one("MedicationRequest", medicine, "Valproate", status="active", dosageInstruction=[{"text": "300 mg"}]),
        one(statement, medicine, "Warfarin", status="stopped"),
        one(vaccine, "vaccineCode", "Measles", status="not-done"),
        one(vaccine, "vaccineCode", "Polio", status="completed"),
        one("AllergyIntolerance", "code", "Penicillin", verificationStatus=status("refuted")),
        one("AllergyIntolerance", "code", "Peanut", verificationStatus=status("unconfirmed")),
        one("Condition", "code", "Tuberculosis", clinicalStatus=status("resolved")),
        one("Condition", "code", "HIV", verificationStatus=status("differential")),
        {"resourceType": "Condition", "code": {"coding": [{"code": "no-known-problems"}]}},
        {"resourceType": statement, "medicationReference": {"reference": "urn:lost"}},
    ]  # fmt: skip
    document = {"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]}

    found = reading(json.dumps(document))

    assert {code: [line.text for line in lines] for code, lines in found.record.entries.items()} == {
        "medicines": ["Insulin", "Salbutamol", "Iron", "Zinc", "Valproate"],
        "vaccines": ["Polio"],
        "allergies": ["Peanut"],
    }
    assert found.record.of("medicines")[-1].detail == "300 mg"
    assert [(one.text, one.why) for one in found.left_out] == [
        ("Warfarin", Why.OVER),
        ("Measles", Why.NOT_SO),
        ("Penicillin", Why.NOT_SO),
        ("Tuberculosis", Why.OVER),
        ("HIV", Why.UNSURE),
        ("", Why.NO_WORDS),
    ]


@pytest.mark.parametrize(
    ("said", "severity", "detail"),
    [
        ({"criticality": "high", "reaction": [{"manifestation": [{"text": "hives"}], "severity": "mild"}]},
         Severity.LIFE_THREATENING, "hives"),
        ({"reaction": [{"manifestation": [{"text": "rash"}], "severity": "mild"},
                       {"manifestation": [{"text": "swelling"}, {"text": "no breath"}], "severity": "severe"}]},
         Severity.SEVERE, "rash; swelling; no breath"),
        ({"criticality": "unable-to-assess"}, None, ""),
        ({"criticality": "low", "reaction": "?"}, None, ""),
        ({"criticality": ["high"], "reaction": [{"severity": {"coding": 1}}, 7]}, None, ""),
    ],
)  # fmt: skip
def test_how_bad_an_allergy_is_is_not_lost(said: dict[str, object], severity: Severity | None, detail: str):
    allergy = {"resourceType": "AllergyIntolerance", "code": {"text": "Peanut"}, **said}
    asthma = {"resourceType": "Condition", "code": {"text": "Asthma"}, "severity": {"coding": [{"code": "24484000"}]}}
    drug = {
        "resourceType": "MedicationStatement",
        "medicationCodeableConcept": {"text": "Valproate"},
        "dosage": [
            {"text": "300 mg in the morning"},
            {"doseAndRate": [{"doseQuantity": {"value": 500, "unit": "mg"}}], "timing": {"code": {"text": "at night"}}},
        ],
    }
    resources = [{"resourceType": "Composition"}, allergy, asthma, drug]

    record = reading(json.dumps({"resourceType": "Bundle", "entry": [{"resource": each} for each in resources]})).record

    (line,) = record.of("allergies")
    assert (line.severity, line.detail) == (severity, detail)
    assert record.of("problems")[0].severity is Severity.SEVERE
    assert record.of("medicines")[0].detail == "300 mg in the morning; 500 mg at night"


def test_how_severe_it_is_stands_in_the_document_where_others_look_for_it():
    lines = {
        "allergies": (Entry("Peanut", severity=Severity.LIFE_THREATENING), Entry("Dust", severity=Severity.MILD)),
        "problems": (Entry("Asthma", severity=Severity.SEVERE),),
    }
    record = Record(Kind.HEALTH, "en", "", {}, lines).checked()

    made = ips.bundle(a_copy(record))

    found = {one["resource"]["code"]["text"]: one["resource"] for one in made["entry"] if "code" in one["resource"]}
    assert found["Peanut"]["criticality"] == "high"
    assert found["Dust"]["reaction"][0]["severity"] == "mild"
    assert found["Asthma"]["severity"]["coding"][0]["code"] == "LA6750-9"
    assert "can be life-threatening" in json.dumps(made["entry"][0]["resource"]["section"])
    assert ips.read(made)[0].entries == record.entries


def test_what_a_foreign_summary_does_not_say_is_not_made_up():
    made = ips.bundle(a_copy())
    for one in made["entry"]:
        one["resource"].pop("note", None)

    found = reading(json.dumps(made)).record

    assert {one.source for lines in found.entries.values() for one in lines} == {Source.SEEN}


def test_characters_that_turn_a_line_round_are_taken_out():
    turned = replace(SCHOOL, facts={"name": "A\u202eli"})

    assert reading(credential.sign(a_copy(turned), **KEYS)).record.facts["name"] == "Ali"


def test_a_record_that_is_not_in_force_yet_proves_nothing():
    found = reading(credential.sign(a_copy(SCHOOL), **KEYS))

    assert not found.proven(NOON - timedelta(days=1))
    assert found.until == datetime(2026, 11, 23, 12, tzinfo=UTC) + timedelta(days=5 * 365)
