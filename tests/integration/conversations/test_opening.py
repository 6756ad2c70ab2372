"""Hundreds who write for the first time in one second are opened together."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.conversations import service, store
from bot.conversations.model import ConversationKind
from bot.kernel.crypto import Vault, data_keys
from bot.kernel.database import Database
from tests.conftest import NOON

PLACE = {"table": "messages", "row": "1", "field": "body"}


def wanted(*numbers: int) -> list[store.Opening]:
    return [store.Opening("webchat", "help", f"person-{number}", NOON) for number in numbers]


async def open_all(database: Database, vault: Vault, *numbers: int):
    return await database.write(
        lambda tx: store.find_or_open_all(tx, vault, wanted(*numbers), kind=ConversationKind.PERSON, demo=False)
    )


async def test_each_address_has_its_own_conversation_and_is_found_again_however_it_is_asked_for(
    database: Database, vault: Vault
):
    first = await open_all(database, vault, *range(100))

    again = await open_all(database, vault, 99, 7, 100)
    alone = await database.read(
        lambda tx: service.find_conversation(tx, vault, channel="webchat", account="help", address="person-7")
    )

    assert len({conversation_id for conversation_id, _ in first}) == 100
    assert [again[0][0], again[1][0], alone] == [first[99][0], first[7][0], first[7][0]]
    assert again[2][0] not in {conversation_id for conversation_id, _ in first}
    sealed = first[7][1].seal("words", **PLACE)
    assert again[1][1].open(sealed, **PLACE) == "words"


async def test_two_who_open_the_same_addresses_at_once_get_the_same_conversations(database: Database, vault: Vault):
    one, other = await asyncio.gather(open_all(database, vault, *range(40)), open_all(database, vault, *range(20, 60)))

    assert [conversation_id for conversation_id, _ in one[20:]] == [
        conversation_id for conversation_id, _ in other[:20]
    ]
    for (_, ours), (_, theirs) in zip(one[20:], other[:20], strict=True):
        assert theirs.open(ours.seal("words", **PLACE), **PLACE) == "words"
    count = await database.read(lambda tx: tx.execute(sa.select(sa.func.count(store.conversations.c.id))).scalar_one())
    assert count == 60


async def test_a_hundred_take_no_more_statements_than_a_few(database: Database, vault: Vault):
    def statements(tx: Connection) -> int:
        asked: list[object] = []
        sa.event.listen(tx, "before_cursor_execute", lambda *_: asked.append(1))
        store.find_or_open_all(tx, vault, wanted(*range(100)), kind=ConversationKind.PERSON, demo=False)
        return len(asked)

    assert await database.write(statements) <= 4


async def test_an_erased_conversation_is_not_found_and_a_new_one_is_opened(database: Database, vault: Vault):
    [(old, _)] = await open_all(database, vault, 1)
    await database.write(lambda tx: service.erase(tx, vault, old, NOON))

    [(new, key)] = await open_all(database, vault, 1)

    assert new != old
    live = await database.read(
        lambda tx: tx.execute(sa.select(data_keys.c.wrapped.is_not(None)).where(data_keys.c.id == key.id)).scalar_one()
    )
    assert live
