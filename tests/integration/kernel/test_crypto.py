"""Sealed words open only where they were sealed, with the right master key, until they are erased."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.kernel.crypto import UNSEEN_SECONDS, DataKey, Erased, Tampered, Vault, WrongMasterKey, data_keys, seal_rows
from bot.kernel.database import Database
from tests.conftest import MASTER_KEY, NOON

PLACE = {"table": "messages", "row": "1", "field": "body"}
WORDS = "she is behind the station, هنا"


@pytest.fixture
async def key(database: Database, vault: Vault) -> DataKey:
    return await database.write(lambda tx: vault.new_key(tx, NOON))


async def test_what_is_sealed_opens_in_a_new_process(database: Database, vault: Vault, key: DataKey):
    sealed = key.seal(WORDS, **PLACE)
    another = Vault(MASTER_KEY)

    opened = await database.read(lambda tx: another.key(tx, key.id).open(sealed, **PLACE))

    assert opened == WORDS
    assert WORDS.encode() not in sealed
    assert key.seal(WORDS, **PLACE) != sealed


@pytest.mark.parametrize("moved", [{"table": "notes"}, {"row": "2"}, {"field": "title"}])
def test_two_sealed_values_cannot_change_places(key: DataKey, moved: dict[str, str]):
    sealed = key.seal(WORDS, **PLACE)

    with pytest.raises(Tampered) as caught:
        key.open(sealed, **{**PLACE, **moved})
    assert WORDS not in str(caught.value)


async def test_a_value_of_another_conversation_does_not_open(database: Database, vault: Vault, key: DataKey):
    other = await database.write(lambda tx: vault.new_key(tx, NOON))

    with pytest.raises(Tampered):
        other.open(key.seal(WORDS, **PLACE), **PLACE)


def test_every_flipped_byte_is_noticed(key: DataKey):
    sealed = key.seal("a", **PLACE)
    for position in range(1, len(sealed)):
        changed = sealed[:position] + bytes([sealed[position] ^ 1]) + sealed[position + 1 :]
        with pytest.raises(Tampered):
            key.open(changed, **PLACE)
    with pytest.raises((Tampered, ValueError)):
        key.open(b"\x01", **PLACE)


async def test_nonces_do_not_repeat(key: DataKey):
    together = seal_rows([(key, str(row), WORDS.encode()) for row in range(10_000)], table="messages", field="body")

    assert len({sealed[1:13] for sealed in together} | {key.seal("", **PLACE)[1:13] for _ in range(10_000)}) == 20_000
    assert key.open(together[1], **PLACE) == WORDS
    with pytest.raises(Tampered):
        key.open(together[2], **PLACE)


async def test_a_wrong_master_key_is_refused_before_anything_is_served(database: Database, vault: Vault, key: DataKey):
    wrong = Vault(bytes(range(1, 33)))

    with pytest.raises(WrongMasterKey):
        await database.write(lambda tx: wrong.prepare(tx, NOON))
    with pytest.raises(WrongMasterKey):
        await database.read(lambda tx: wrong.key(tx, key.id))


def test_a_master_key_of_another_length_is_refused():
    with pytest.raises(WrongMasterKey):
        Vault(b"short")


async def test_rotation_opens_the_old_words_with_the_new_key_only(database: Database, vault: Vault, key: DataKey):
    sealed = key.seal(WORDS, **PLACE)
    mark = vault.index("address", "telegram", "1")
    new = Vault(bytes(reversed(range(32))))

    count = await database.write(lambda tx: new.rewrap_from(tx, Vault(MASTER_KEY)))
    await database.write(lambda tx: new.prepare(tx, NOON))

    assert count == 3  # the conversation's, and the standing keys of look-ups and audit
    assert await database.read(lambda tx: new.key(tx, key.id).open(sealed, **PLACE)) == WORDS
    assert new.index("address", "telegram", "1") == mark
    with pytest.raises(WrongMasterKey):
        await database.write(lambda tx: Vault(MASTER_KEY).prepare(tx, NOON))


async def test_a_rotation_with_the_wrong_old_key_changes_nothing(database: Database, vault: Vault, key: DataKey):
    with pytest.raises(WrongMasterKey):
        await database.write(lambda tx: Vault(bytes(32)).rewrap_from(tx, Vault(bytes([1] * 32))))

    assert await database.read(lambda tx: Vault(MASTER_KEY).key(tx, key.id).id) == key.id


async def test_erased_words_are_gone_from_memory_too(database: Database, vault: Vault, key: DataKey):
    await database.read(lambda tx: vault.key(tx, key.id))
    await database.write(lambda tx: vault.destroy(tx, key.id, NOON))

    for holder in (vault, Vault(MASTER_KEY)):
        with pytest.raises(Erased):
            await database.read(lambda tx, holder=holder: holder.key(tx, key.id))
    row = await database.read(lambda tx: tx.execute(sa.select(data_keys).where(data_keys.c.id == key.id)).one())
    assert (row.wrapped, row.destroyed_at) == (None, NOON)


async def test_a_key_that_another_process_destroys_opens_nothing_here_a_moment_later(database: Database, key: DataKey):
    seconds = 0.0
    ours, theirs = Vault(MASTER_KEY, monotonic=lambda: seconds), Vault(MASTER_KEY)
    sealed = key.seal(WORDS, **PLACE)
    assert await database.read(lambda tx: ours.key(tx, key.id).open(sealed, **PLACE)) == WORDS

    await database.write(lambda tx: theirs.destroy(tx, key.id, NOON))
    seconds = UNSEEN_SECONDS

    with pytest.raises(Erased):
        await database.read(lambda tx: ours.key(tx, key.id))


async def test_a_key_in_use_is_looked_at_once_a_moment(database: Database, vault: Vault, key: DataKey):
    """Four times a message would be felt."""

    def twice(tx: Connection) -> int:
        asked = []
        sa.event.listen(tx, "before_cursor_execute", lambda *_: asked.append(1))
        for _ in range(2):
            ours.key(tx, key.id)
        return len(asked)

    seconds = 0.0
    ours = Vault(MASTER_KEY, monotonic=lambda: seconds)
    assert [await database.read(twice), await database.read(twice)] == [1, 0]
    seconds = UNSEEN_SECONDS
    assert [await database.read(twice), await database.read(twice)] == [1, 0]


async def test_the_keys_of_a_list_are_looked_at_together(database: Database, vault: Vault, key: DataKey):
    others = [await database.write(lambda tx: vault.new_key(tx, NOON)) for _ in range(3)]
    await database.write(lambda tx: Vault(MASTER_KEY).destroy(tx, others[0].id, NOON))
    ours, kept = Vault(MASTER_KEY, monotonic=lambda: 0.0), [key, *others[1:]]

    def look(tx: Connection) -> int:
        asked = []
        sa.event.listen(tx, "before_cursor_execute", lambda *_: asked.append(1))
        ours.look_at(tx, [key.id, *(each.id for each in others)])
        for each in kept:
            ours.key(tx, each.id)
        with pytest.raises(Erased):
            ours.key(tx, others[0].id)
        return len(asked)

    assert await database.read(look) == 2  # all of them, and once more the one that is gone


async def test_wrapped_keys_cannot_change_places(database: Database, vault: Vault, key: DataKey):
    other = await database.write(lambda tx: vault.new_key(tx, NOON))

    def swap(tx: Connection) -> None:
        wrapped = tx.execute(sa.select(data_keys.c.wrapped).where(data_keys.c.id == other.id)).scalar_one()
        tx.execute(data_keys.update().where(data_keys.c.id == key.id).values(wrapped=wrapped))

    await database.write(swap)

    with pytest.raises(WrongMasterKey):
        await database.read(lambda tx: Vault(MASTER_KEY).key(tx, key.id))


async def test_fingerprints_differ_between_deployments_and_between_labels(database: Database, vault: Vault):
    stranger = Vault(MASTER_KEY)
    stranger._indexing = bytes(32)

    assert vault.index("address", "a", "b") == vault.index("address", "a", "b")
    assert vault.index("address", "a", "b") != vault.index("sign-in", "a", "b")
    assert vault.index("address", "ab") != vault.index("address", "a", "b")
    assert vault.index("address", "a", "b") != stranger.index("address", "a", "b")
