"""Nothing of a case gets into a record that a child carries, but what was written into its sheet and chosen.

Worlds are random: words nobody will mistake for others are written into every other place a case has (its record,
notes, tasks, risk, fears, adults who claim the child), and then every form of a copy is made and searched for them.
"""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.cases import service as cases
from bot.cases.hand import Hand
from bot.cases.record import service as case_record
from bot.cases.record.fields import FIELDS, Kind
from bot.cases.record.risk import Risk
from bot.exchange import jose
from bot.exchange.gate import Situation
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Evidence, Favour, Source
from bot.exchange.partners import service as partner_keys
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import PartnerKey, Signature
from bot.exchange.records import codes, credential, ips, reading, service
from bot.exchange.records.model import Copy, Entry, Record, Topic
from bot.exchange.records.model import Kind as RecordKind
from bot.exchange.records.reading import Trust
from bot.exchange.requests import situations
from bot.kernel.access import Role
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import add_officer
from bot.kernel.words import Words
from tests.conftest import MASTER_KEY, NOON, make_tables
from tests.integration.exchange.test_gate_worlds import _case
from tests.integration.exchange.two_countries import put_partner
from tests.unit.exchange.test_records import COPY_ID, PRIVATE, PUBLIC, SCHOOL

WRITABLE = [code for code, field in FIELDS.items() if field.kind in (Kind.TEXT, Kind.LONG)]
CHOICES = {code: sorted(field.choices) for code, field in FIELDS.items() if field.choices}
ASSENT = service.Assent("The child", "ar", "spoken", "understands", "canary-of-the-assent", 15)


@pytest.fixture(scope="module")
def scene() -> Any:
    engine = sa.create_engine("sqlite://", connect_args={"isolation_level": None})
    with engine.connect() as tx:
        tx.exec_driver_sql("BEGIN")
        make_tables(tx)
        vault = Vault(MASTER_KEY)
        vault.prepare(tx, NOON)
        officer = add_officer(tx, vault, name="a", sign_in_name="a", roles=[Role.OFFICER], at=NOON)
        hand = Hand(officer, vault, Words({}), NOON)
        yield tx, hand, _case(tx, vault, hand)


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Which places are filled, with which words, and what is chosen."""
    tag = draw(st.integers(1000, 9999))
    fields = draw(st.sets(st.sampled_from(WRITABLE), min_size=1))
    return {
        "facts": {code: (f"canary-{tag}-{code}",) for code in fields},
        "choices": {code: (draw(st.sampled_from(values)),) for code, values in CHOICES.items() if draw(st.booleans())},
        "fears": draw(st.sets(st.sampled_from(["ER", "TN"]))),
        "asylum": draw(st.booleans()),
        "adult": draw(st.booleans()),
        "tag": tag,
        "kind": draw(st.sampled_from(RecordKind)),
        "withheld": draw(st.sampled_from([None, *Topic])),
    }


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(world=worlds())
def test_no_other_word_of_a_case_is_in_any_form_of_a_copy(scene: Any, world: dict[str, Any]):
    tx, hand, case_id = scene
    with tx.begin_nested() as point:
        canaries = _fill(tx, hand, case_id, world)
        name = next(iter(world["facts"].get("name", ())), None)
        first = service.first_facts(tx, hand, case_id, world["kind"])
        section = "problems" if world["kind"] is RecordKind.HEALTH else "subjects"
        sheet = Record(
            world["kind"],
            "fr",
            "",
            first | {"born": "2010"},
            {section: (Entry("Shown"), Entry("canary-withheld", topic=world["withheld"]))},
        )
        sheet_id = service.write_sheet(tx, hand, case_id, sheet, seen="")
        chosen = [code for code in service.choices(sheet) if code != f"{section}.1"]
        copy_id = service.make_copy(
            tx, hand, case_id, world["kind"],
            sheet_id=sheet_id, chosen=chosen, warned=[], assent=ASSENT, issuer="helpline.example",
        )  # fmt: skip
        copy, key = service.give(tx, hand, case_id, copy_id, "shown")

        private, public = key.private.sign, key.sign_public
        signed = credential.sign(copy, private=private, public=public)
        packed = codes.pack(copy, private=private, public=public)
        said = [
            jose.decode(signed.split(".")[1]).decode(),
            json.dumps(codes.inflate(packed[96:]), ensure_ascii=False),
            json.dumps(ips.bundle(copy)) if world["kind"] is RecordKind.HEALTH else "",
        ]

        assert set(first) <= set(service.BEGINS_WITH)
        for form in said:
            assert [word for word in canaries if _says(form, word) and word != name] == []
            assert "withheld" not in form
            assert not any(word in form.lower() for word in ("asylum", "refugee", "unaccompanied", "traffick", case_id))
        if name:
            assert name in said[0]  # so that the search is known to find what is there
        point.rollback()


def _says(form: str, word: str) -> bool:
    """Whether the word stands there by itself: an age of "0-4" is also inside one identifier in sixteen."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", form) is not None


def _fill(tx: Any, hand: Hand, case_id: str, world: dict[str, Any]) -> list[str]:
    """Write into every place of the case; return the words."""
    tag = world["tag"]
    case_record.write_fields(tx, hand, case_id, {**world["facts"], **world["choices"]}, seen={})
    cases.write_note(tx, hand, case_id, text=f"canary-{tag}-note", once=f"n{tag}")
    later = NOON + timedelta(hours=1)
    case_record.add_task(tx, hand, case_id, what=f"canary-{tag}-task", why=f"canary-{tag}-why", due_at=later)
    case_record.assess(tx, hand, case_id, Risk.HIGH, why=f"canary-{tag}-risk")
    situations.record_situation(tx, hand, case_id, Situation(frozenset(world["fears"]), world["asylum"]))
    words = [f"canary-{tag}-{place}" for place in ("note", "task", "why", "risk", "adult", "evidence")]
    if world["adult"]:
        dossier = holds.open_dossier(tx, hand, case_id, name=words[4], claimed="uncle_aunt", once=f"d{tag}")
        assert dossier is not None
        evidence = Evidence(Source.CHILD, Favour.CONTRADICTS)
        holds.add_evidence(tx, hand, dossier, evidence, text=words[5], once=f"e{tag}")
    choices = [value for code, (value,) in world["choices"].items() if code not in ("sex",)]
    plain = {
        "yes",
        "no",
        "unknown",
        "none",
        "other",
        "open",
        "closed",
        "parent",
        "male",
        "female",
        "missing",
        "migrant",
    }
    return [*words, *(values[0] for values in world["facts"].values()), *(one for one in choices if one not in plain)]


def _partner_with(tx: Any, vault: Vault, *, signed: bool) -> str:
    """A partner who holds the key that signs records in these tests, verified by two admins or not yet."""
    partner_id = put_partner(tx, vault, country="TN", name=f"Tunis {new_id()[-6:]}", verified=False)
    partner = partners.get(tx, partner_id, vault)
    assert partner is not None
    until = NOON + timedelta(days=400)
    key = PartnerKey(new_id(), partner_id, PUBLIC, bytes(32), NOON - timedelta(days=1), until, NOON)
    marks = [Signature(who, NOON, partners.signature_mark(vault, partner, key, who, NOON)) for who in ("one", "two")]
    partners.add_key(tx, replace(key, signatures=tuple(marks) if signed else ()))
    return partner_id


def test_a_partner_is_known_by_its_verified_key_alone_and_not_after_it_was_revoked(scene: Any):
    tx, hand, _ = scene
    signed = credential.sign(Copy(COPY_ID, SCHOOL, "Tunis", NOON), private=PRIVATE, public=PUBLIC)

    def trust(at: datetime = NOON) -> Trust:
        return reading.read(signed, signer_of=service.signers(tx, hand.vault, at)).signer.trust

    assert trust() is Trust.STRANGER
    with tx.begin_nested() as point:
        _partner_with(tx, hand.vault, signed=False)
        assert trust() is Trust.STRANGER
        point.rollback()
    with tx.begin_nested() as point:
        partner_id = _partner_with(tx, hand.vault, signed=True)
        assert trust() is Trust.KNOWN
        assert trust(NOON + timedelta(days=500)) is Trust.OLD_KEY
        partner_keys.revoke_keys(tx, hand.vault, partner_id, None, by="admin:one", at=NOON)
        assert trust() is Trust.REVOKED
        point.rollback()
