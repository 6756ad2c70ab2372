"""The consent ledger: nothing leaves a case without a row that carries it."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from bot.cases import consent, consent_store, service, telling
from bot.cases.consent import Agreement, IncompleteConsent, Kind, Purpose
from bot.cases.model import CaseNotFound, NotAllowedNow
from bot.kernel import audit
from bot.kernel.access import Role
from tests.conftest import NOON

AGREED = Agreement(
    kind=Kind.CONSENT,
    purpose=Purpose.REFERRAL,
    recipient="service:night-shelter",
    named="The night shelter in Ventimiglia",
    giver="child",
    capacity="understands",
    language="ar",
    way="chat",
    text="May I tell the shelter your age and your language, so that they keep a bed?",
    items=("age", "language"),
    withheld=("location",),
    age=15,
    country="IT",
)


@pytest.fixture
async def held(world):
    """An officer and a case they hold."""
    amira = await world.officer("amira")
    case_id = (await world.escalate()).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), case_id))
    return amira, case_id


async def recorded(world, officer, case_id, agreement=AGREED, at=NOON):
    return await world.database.write(lambda tx: consent.record(tx, world.hand(officer, at), case_id, agreement))


async def carried(world, case_id, *, purpose=Purpose.REFERRAL, recipient=AGREED.recipient, at=NOON):
    return await world.database.read(lambda tx: consent.in_force(tx, case_id, purpose, recipient, at))


async def test_consent_is_to_one_purpose_and_one_recipient_until_a_day(world, held):
    amira, case_id = held
    row = await recorded(world, amira, case_id)

    assert (await carried(world, case_id)).id == row.id
    assert await carried(world, case_id, purpose=Purpose.TRACING) is None
    assert await carried(world, case_id, recipient="service:other") is None
    assert await carried(world, case_id, at=NOON - timedelta(seconds=1)) is None
    assert await carried(world, case_id, at=row.expires_at) is None


async def test_exactly_what_was_shown_is_kept_and_nowhere_in_clear(world, held):
    amira, case_id = held
    await recorded(world, amira, case_id)

    [row] = await world.database.read(lambda tx: consent.ledger(tx, world.hand(amira), case_id))
    stored = await world.database.read(lambda tx: repr(tx.execute(sa.select(consent_store.consents)).all()))

    assert replace(row.agreement, expires_at=None) == AGREED
    assert "shelter in" not in stored
    assert "keep a bed" not in stored


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": " "},
        {"items": ()},
        {"withheld": ("age",)},
        {"capacity": "cannot"},
        {"giver": "somebody"},
        {"named": ""},
        {"age": 400},
        {"kind": Kind.OVERRIDE},
        {"kind": Kind.OVERRIDE, "reason": "abuse", "why": "  "},
    ],
)
async def test_what_is_no_consent_is_not_recorded(world, held, wrong):
    amira, case_id = held

    with pytest.raises(IncompleteConsent):
        await recorded(world, amira, case_id, replace(AGREED, **wrong))

    assert await carried(world, case_id) is None


async def test_the_assent_of_a_child_alone_carries_nothing(world, held):
    amira, case_id = held
    await recorded(world, amira, case_id, replace(AGREED, kind=Kind.ASSENT))

    assert await carried(world, case_id) is None


async def test_sharing_without_consent_takes_two_officers_and_a_reason(world, held):
    amira, case_id = held
    ines = await world.officer("ines", Role.COORDINATOR, Role.OFFICER)
    wanted = replace(AGREED, kind=Kind.OVERRIDE, reason="trafficking", why="They leave tonight.", capacity="cannot")
    row = await recorded(world, amira, case_id, wanted)
    assert await carried(world, case_id) is None

    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: consent.second(tx, world.hand(amira), case_id, row.id))
    assert await carried(world, case_id) is None
    untold = telling.Said(row.id, why_not="danger")
    await world.database.write(lambda tx: telling.record(tx, world.hand(amira), case_id, untold, once=""))
    await world.database.write(lambda tx: consent.second(tx, world.hand(ines), case_id, row.id))

    assert (await carried(world, case_id)).second_by == ines.id


async def test_nobody_is_the_second_of_their_own_override(world):
    ines = await world.officer("ines", Role.COORDINATOR, Role.OFFICER)
    case_id = (await world.escalate()).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(ines), case_id))
    row = await recorded(world, ines, case_id, replace(AGREED, kind=Kind.OVERRIDE, reason="abuse", why="Now."))

    untold = telling.Said(row.id, why_not="danger")
    await world.database.write(lambda tx: telling.record(tx, world.hand(ines), case_id, untold, once=""))

    with pytest.raises(NotAllowedNow):
        await world.database.write(lambda tx: consent.second(tx, world.hand(ines), case_id, row.id))


async def test_a_share_points_at_its_row_and_holds_nothing_that_was_held_back(world, held):
    amira, case_id = held
    row = await recorded(world, amira, case_id)

    def share(items):
        def work(tx):
            case = service.watch_file(tx, world.vault, amira, case_id, at=NOON).case
            return consent.share(tx, world.hand(amira), case, row, "referral:1", items)

        return work

    for items in (["location"], ["age", "name"]):
        with pytest.raises(NotAllowedNow):
            await world.database.write(share(items))
    await world.database.write(share(["age"]))

    [kept] = await world.database.read(lambda tx: consent.shares_of(tx, case_id))
    assert (kept.consent_id, kept.items, kept.waits_for_recipient) == (row.id, ("age",), False)


@pytest.mark.on_both
async def test_a_withdrawal_ends_it_at_once_and_waits_until_every_recipient_has_stopped(world, held):
    amira, case_id = held
    row = await recorded(world, amira, case_id)

    def share(tx):
        case = service.watch_file(tx, world.vault, amira, case_id, at=NOON).case
        return consent.share(tx, world.hand(amira), case, row, "referral:1", ["age"])

    share_id = await world.database.write(share)
    with pytest.raises(NotAllowedNow):  # nobody asked them to
        await world.database.write(lambda tx: consent.recipient_stopped(tx, world.hand(amira), case_id, share_id))

    told = await world.database.write(lambda tx: consent.withdraw(tx, world.hand(amira), case_id, row.id, holders=()))

    assert [each.id for each in told if each.waits_for_recipient] == [share_id]
    assert await carried(world, case_id) is None
    with pytest.raises(NotAllowedNow):
        await world.database.write(share)
    with pytest.raises(NotAllowedNow):  # the back button
        await world.database.write(lambda tx: consent.withdraw(tx, world.hand(amira), case_id, row.id, holders=()))
    await world.database.write(lambda tx: consent.recipient_stopped(tx, world.hand(amira), case_id, share_id))
    [kept] = await world.database.read(lambda tx: consent.shares_of(tx, case_id))
    assert not kept.waits_for_recipient
    acts = await world.database.read(lambda tx: [one.act for one in audit.read_log(tx, object=f"case:{case_id}")])
    assert acts[:2] == ["case.recipient_stopped", "case.consent_withdrawn"]


async def test_the_ledger_of_a_foreign_case_is_not_found(world, held):
    amira, case_id = held
    omar = await world.officer("omar")
    row = await recorded(world, amira, case_id)
    other = (await world.escalate()).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(omar), other))

    for use in (
        lambda tx: consent.ledger(tx, world.hand(omar), case_id),
        lambda tx: consent.record(tx, world.hand(omar), case_id, AGREED),
        lambda tx: consent.withdraw(tx, world.hand(omar), case_id, row.id, holders=()),
    ):
        with pytest.raises(CaseNotFound):
            await world.database.write(use)
    with pytest.raises(NotAllowedNow):  # a row of another case under one's own address
        await world.database.write(lambda tx: consent.withdraw(tx, world.hand(omar), other, row.id, holders=()))


async def test_erasing_takes_the_words_of_the_ledger_too(world, held):
    amira, case_id = held
    await recorded(world, amira, case_id)
    case = await world.database.read(lambda tx: service.watch_file(tx, world.vault, amira, case_id, at=NOON).case)

    await world.database.write(lambda tx: service.erase_words(tx, world.vault, case.conversation_id, at=NOON))

    row = await world.database.read(lambda tx: tx.execute(sa.select(consent_store.consents)).one())
    assert (row.text_sealed, row.named_sealed, row.why_sealed) == (None, None, None)
    assert row.items == '["age", "language"]'
