"""Numbers under which no letter came: seen, asked for, sent again or called void, also after a restore."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.exchange.partners import store as partners
from bot.exchange.post import service, store, taking_in
from bot.exchange.post.model import RESEND, ReceiptState
from tests.integration.exchange.letters import (
    Two,
    acquainted,
    all_letters,
    only_partner,
    post,
    sealed,
)
from tests.integration.exchange.world import Deployment


async def test_a_gap_in_the_numbers_is_noticed_and_closes_when_the_letter_comes(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    ids = [await lyon.put(partner, f"letter {number}") for number in range(5)]
    raws = [await sealed(lyon, each) for each in ids]

    async def missing() -> list[tuple[int, int]]:
        return [(gap.first, gap.last) for gap in await tunis.database.read(store.gaps)]

    await post(tunis, raws[4])
    assert await missing() == [(1, 4)]
    await post(tunis, raws[1])
    assert await missing() == [(1, 1), (3, 4)]
    for number in (0, 2, 3):
        await post(tunis, raws[number])
    assert await missing() == []


async def test_after_a_restore_new_letters_are_taken_in_and_the_gap_is_seen(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    await lyon.put(partner, "before")
    await lyon.send()
    await lyon.database.write(_as_it_was)
    await lyon.database.write(service.after_restore)

    await lyon.put(await only_partner(lyon), "after")
    await lyon.send()
    await tunis.work()

    assert tunis.texts == ["before", "after"]
    (gap,) = await tunis.database.read(store.gaps)
    assert gap.last - gap.first + 1 == service.SKIPPED_AFTER_RESTORE - 1


async def test_a_receiver_that_misses_a_number_asks_for_it_and_gets_the_letter(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    ids = [await lyon.put(partner, f"letter {number}") for number in range(3)]
    await lyon.database.write(lambda tx: store.postpone(tx, ids[0], attempt=9, next_attempt_at=_later(lyon), code="x"))
    await post(tunis, await sealed(lyon, ids[2]))
    await tunis.send()
    assert await _kinds(tunis) == []  # letters overtake one another: not at once
    for each in two:
        each.clock.advance(taking_in.GAP_SETTLES_IN)

    await tunis.send()
    assert (await _kinds(tunis)).count(RESEND) == 1
    await lyon.send()
    await tunis.work()
    assert sorted(tunis.texts) == ["letter 0", "letter 1", "letter 2"]
    assert await tunis.database.read(store.gaps) == []
    tunis.clock.advance(timedelta(hours=3))
    await tunis.send()
    assert (await _kinds(tunis)).count(RESEND) == 1


async def test_numbers_under_which_nothing_will_come_are_called_void(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    dead, last = await lyon.put(partner, "never sent"), await lyon.put(partner, "sent")
    await lyon.database.write(lambda tx: service.shut(tx, lyon.vault, lyon.room, dead, "gate", lyon.clock.now()))
    await post(tunis, await sealed(lyon, last))
    for each in two:
        each.clock.advance(taking_in.GAP_SETTLES_IN)

    await tunis.send()
    await lyon.send()
    await tunis.work()
    assert await tunis.database.read(store.gaps) == []
    assert tunis.texts == ["sent"]


@pytest.mark.on_both
async def test_a_letter_that_was_signed_for_and_lost_there_is_told_to_its_room_once(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    lost = await lyon.put(partner, "lost in a restore")
    await lyon.send()
    await tunis.database.write(_lose_what_came)
    await lyon.put(partner, "after")
    await lyon.send()
    for _ in range(3):
        for each in two:
            each.clock.advance(taking_in.ASKED_AGAIN_AFTER)
        await tunis.send()
        await lyon.send()
        await tunis.work()

    news = [each for each in lyon.room.news if each.code == service.LOST_THERE]
    assert [(each.envelope_id, each.state) for each in news] == [(lost, ReceiptState.UNDELIVERED)]
    assert await tunis.database.read(store.gaps) == []


async def test_a_gap_after_a_restore_of_the_sender_closes_when_they_say_that_nothing_comes(two: Two):
    lyon, tunis = await acquainted(two)
    await lyon.put(await only_partner(lyon), "before")
    await lyon.send()
    await lyon.database.write(_as_it_was)
    await lyon.database.write(service.after_restore)
    await lyon.put(await only_partner(lyon), "after")
    await lyon.send()
    for each in two:
        each.clock.advance(taking_in.GAP_SETTLES_IN)
    await tunis.send()
    await lyon.send()

    assert await tunis.database.read(store.gaps) == []


@pytest.mark.parametrize("numbers", [None, [], [[0, 1]], [[2, 1]], [[1]], [["1", "2"]], [[1, 2**60]], [[True, 1]]])
async def test_a_question_for_numbers_that_are_none_is_refused(two: Two, numbers: object):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    body = {"numbers": numbers}
    await lyon.database.write(
        lambda tx: service.write_own(
            tx, lyon.vault, partner, RESEND, body, in_reply_to=None, actor="test", at=lyon.clock.now()
        )
    )
    await lyon.send()

    (letter,) = [await lyon.letter(each) for each in await lyon.database.read(all_letters)]
    assert (letter.state, letter.code) == (ReceiptState.REFUSED, "invalid_body")
    assert await _kinds(tunis) == []


def _later(deployment: Deployment) -> Any:
    return deployment.clock.now() + timedelta(hours=1)


async def _kinds(deployment: Deployment) -> list[str]:
    table = store.exchange_letters
    return await deployment.database.read(lambda tx: list(tx.execute(sa.select(table.c.kind)).scalars()))


def _lose_what_came(tx: Connection) -> None:
    """What an older copy of the receiver's database knows: no letter of theirs."""
    tx.execute(store.exchange_received.delete())
    tx.execute(partners.exchange_partners.update().values(seen_seq=0))


def _as_it_was(tx: Connection) -> None:
    """What an older copy of the database knows: none of its letters."""
    tx.execute(store.exchange_letters.delete())
    tx.execute(partners.exchange_partners.update().values(last_seq=0))
