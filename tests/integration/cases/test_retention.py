"""Retention is carried out: whose words go, whose stay, and that nothing of them is left."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot import retention
from bot.cases import answering, receipt_store, receipts, service, store, waiting
from bot.cases.attachments import fit_to_send
from bot.cases.model import Case
from bot.cases.record import service as record
from bot.conversations import service as conversations
from bot.conversations.safe_contact import SafeContact
from bot.exchange.holds import claimants
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Mark
from bot.kernel.crypto import Erased, data_keys
from bot.kernel.officers import make_link, sign_in_links
from bot.upkeep import erasing
from tests.integration.cases.test_phone import Phone, phone
from tests.unit.conversations.test_attachment_copies import FILES

__all__ = ["phone"]

RULES = retention.load()
TALK, CASE = timedelta(days=RULES.erase.talk), timedelta(days=RULES.erase.case)
DAY = timedelta(days=1)


async def is_erased(phone: Phone, who_is: str) -> bool:
    found = await phone.talk.database.read(lambda tx: conversations.card(tx, who_is))
    assert found is not None
    return found.erased_at is not None


async def keep_house(phone: Phone) -> int:
    return await erasing.keep_to_retention(phone.talk.database, phone.talk.vault, RULES, phone.talk.clock.now())


async def a_closed_case(phone: Phone) -> Case:
    await phone.asks_for_a_person()
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)

    def close(tx: Connection) -> Case:
        return service.close_case(tx, phone.hand(amira), case.id, closing="helped")

    return await phone.talk.database.write(close)


async def test_a_talk_that_became_no_case_goes_ninety_days_after_its_last_word(phone: Phone, clock):
    await phone.say("where can I eat")
    who = await phone.talk.conversation("+1")

    clock.advance(TALK)
    assert await keep_house(phone) == 0
    await phone.say("and sleep?")
    clock.advance(TALK)
    assert await keep_house(phone) == 0
    clock.advance(DAY)

    assert await keep_house(phone) == 1
    assert await is_erased(phone, who)
    assert await keep_house(phone) == 0


async def test_a_case_keeps_the_words_for_a_year_after_it_was_closed(phone: Phone, clock):
    case = await a_closed_case(phone)

    clock.advance(CASE)
    assert await keep_house(phone) == 0
    clock.advance(DAY)

    assert await keep_house(phone) == 1
    assert await is_erased(phone, case.conversation_id)
    kept = await phone.talk.database.read(lambda tx: store.get_case(tx, case.id))
    assert (kept.case.number, kept.case.closing) == (case.number, "helped")  # the facts stay


async def test_an_open_case_keeps_them_however_long_it_is_open(phone: Phone, clock):
    await phone.asks_for_a_person()

    clock.advance(10 * CASE)

    assert await keep_house(phone) == 0


async def test_a_hold_that_stands_keeps_them_too(phone: Phone, clock):
    await phone.asks_for_a_person()
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)

    def close_over_a_hold(tx: Connection) -> None:
        adult = holds.open_dossier(tx, phone.hand(amira), case.id, name="Sami", claimed="uncle_aunt", once="")
        holds.mark(tx, phone.hand(amira), str(adult), {"papers": Mark.RED, "heard_apart": Mark.RED})
        assert claimants.standing_holds(tx, case.id)
        at = phone.talk.clock.now()
        tx.execute(store.cases.update().where(store.cases.c.id == case.id).values(status="closed", closed_at=at))

    await phone.talk.database.write(close_over_a_hold)
    clock.advance(CASE + DAY)

    assert await keep_house(phone) == 0


async def test_a_phone_that_was_left_goes_with_the_one_the_person_writes_from(phone: Phone, clock):
    code = await phone.asks_for_a_person()
    old = await phone.talk.conversation("+1")
    amira = await phone.officer("Amira")
    await phone.claimed(amira)
    await phone.say(code, who="+2")
    new = await phone.case("+2")
    await phone.talk.database.write(lambda tx: receipts.agree(tx, phone.hand(amira), new.id))
    await phone.talk.settle()

    clock.advance(TALK + DAY)
    assert await keep_house(phone) == 0
    going_on = await phone.case("+2")
    await phone.talk.database.write(lambda tx: service.close_case(tx, phone.hand(amira), going_on.id, closing="helped"))
    clock.advance(CASE + DAY)

    assert await keep_house(phone) == 1
    assert await is_erased(phone, old)
    assert await is_erased(phone, going_on.conversation_id)


async def test_whoever_writes_in_that_moment_is_not_erased(phone: Phone, clock, monkeypatch):
    await phone.say("where can I eat")
    who = await phone.talk.conversation("+1")
    clock.advance(TALK + DAY)
    [due] = await phone.talk.database.read(lambda tx: retention.due(tx, RULES, clock.now()))
    await phone.say("hello again")

    assert due not in await phone.talk.database.read(lambda tx: retention.due(tx, RULES, clock.now()))
    assert await keep_house(phone) == 0
    assert not await is_erased(phone, who)


@pytest.mark.on_both
async def test_nothing_of_their_words_or_traces_is_left(phone: Phone, clock):
    """Every column that the file calls words or a trace, of everything that belongs to the person."""
    await phone.asks_for_a_person()
    amira = await phone.officer("Amira")
    case = await phone.claimed(amira)
    hand = phone.hand(amira)

    def fill(tx: Connection) -> None:
        conversations.agree_on_duress_word(tx, phone.talk.vault, case.conversation_id, "pomegranate")
        minute = (hand.at.hour * 60 + 180) % 1440
        said = SafeContact(minute, (minute + 60) % 1440, "+0", "only here")
        conversations.keep_safe_contact(tx, phone.talk.vault, case.conversation_id, said)
        waiting.answer_when_safe(tx, hand, case.id, text="Are you well?", once="1")
        service.write_note(tx, hand, case.id, text="Her aunt called.", once="2")
        picture = fit_to_send((FILES / "picture.png").read_bytes())
        answering.answer_person(tx, hand, case.id, text="", once="3", although_unsafe="danger", file=picture)
        record.write_fields(tx, hand, case.id, {"name": ("Ali",), "age": ("15",)}, seen={})
        record.add_task(tx, hand, case.id, what="call", why="bed", due_at=hand.at)
        tx.execute(store.cases.update().where(store.cases.c.id == case.id).values(status="closed", closed_at=hand.at))

    await phone.talk.database.write(fill)
    key_ids = await phone.talk.database.read(lambda tx: store.key_ids_of(tx, case.conversation_id))
    before = await phone.talk.database.read(_words_and_traces)
    assert {"case_notes", "case_facts", "case_tasks", "waiting_answers", "case_receipts", "messages"} <= before.keys()
    assert {"attachments", "attachment_parts"} <= before.keys()

    clock.advance(CASE + DAY)
    assert await keep_house(phone) == 1

    assert await phone.talk.database.read(_words_and_traces) == {}
    for key_id in key_ids:
        with pytest.raises(Erased):
            await phone.talk.database.read(lambda tx, key_id=key_id: phone.talk.vault.key(tx, key_id))
    wrapped = await phone.talk.rows(sa.select(data_keys.c.wrapped).where(data_keys.c.id.in_(key_ids)))
    assert {row[0] for row in wrapped} == {None}


def _words_and_traces(tx: Connection) -> dict[str, list[str]]:
    """By table the columns of these classes that still say something. Numbers of received messages have 30 days."""
    left: dict[str, list[str]] = {}
    there = {table.name: table for table in erasing.tables()}
    for name, column in RULES.of_class("words", "trace"):
        field = there[name].c[column]
        says = tx.execute(sa.select(field).where(field.is_not(None))).scalars().all()
        if (name, column) != ("inbox", "provider_id") and any(not str(one).startswith("erased:") for one in says):
            left.setdefault(name, []).append(column)
    return left


@pytest.mark.on_both
async def test_rows_that_are_no_use_any_more_are_counted_and_then_deleted(phone: Phone, clock):
    amira = await phone.officer("Amira")

    def make(tx: Connection) -> None:
        make_link(tx, amira.id, clock.now())
        tx.execute(receipt_store.tries.insert().values(id="1", conversation_id="x", at=clock.now()))

    await phone.talk.database.write(make)
    clock.advance(timedelta(days=40))
    old = await phone.talk.database.read(lambda tx: retention.old_rows(tx, RULES, erasing.tables(), clock.now()))
    assert old == {"sign_in_links": 1, "receipt_tries": 1}

    await keep_house(phone)

    assert await phone.talk.rows(sa.select(sign_in_links.c.hash)) == []
    assert await phone.talk.rows(sa.select(receipt_store.tries.c.id)) == []
