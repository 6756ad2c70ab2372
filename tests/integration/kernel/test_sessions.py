"""Sessions, on both databases."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from bot.kernel import officers, sessions
from bot.kernel.access import Role
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.officers import Officer
from tests.conftest import NOON

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def noor(database: Database, vault: Vault) -> Officer:
    return await database.write(
        lambda tx: officers.add_officer(tx, vault, name="Noor", sign_in_name="noor", roles=[Role.OFFICER], at=NOON)
    )


async def test_a_session_is_found_by_its_cookie_and_stored_as_a_fingerprint(database: Database, noor: Officer):
    token = await database.write(lambda tx: sessions.start(tx, noor.id, NOON))
    session = await database.read(lambda tx: sessions.get(tx, token, NOON))
    rows = await database.read(lambda tx: tx.execute(sa.select(sessions.sessions)).all())

    assert session is not None
    assert session.officer == noor
    assert session.csrf not in (token, session.hash)
    assert token not in str(rows)
    assert session.csrf not in str(rows)
    assert await database.read(lambda tx: sessions.get(tx, token + "x", NOON)) is None


async def test_the_idle_and_the_absolute_limit(database: Database, noor: Officer):
    token = await database.write(lambda tx: sessions.start(tx, noor.id, NOON))
    mark = sessions.fingerprint(token)

    async def lives(after: timedelta) -> bool:
        return await database.read(lambda tx: sessions.is_live(tx, mark, NOON + after))

    assert await lives(29 * MINUTE)
    assert not await lives(30 * MINUTE)
    await database.write(lambda tx: sessions.touch(tx, mark, NOON + timedelta(hours=11, minutes=59)))
    assert await lives(timedelta(hours=11, minutes=59))
    assert not await lives(timedelta(hours=12))


async def test_starting_anew_ends_the_session_it_replaces(database: Database, noor: Officer):
    first = await database.write(lambda tx: sessions.start(tx, noor.id, NOON))
    second = await database.write(lambda tx: sessions.start(tx, noor.id, NOON, instead_of=first))

    assert first != second
    assert await database.read(lambda tx: sessions.get(tx, first, NOON)) is None
    assert await database.read(lambda tx: sessions.get(tx, second, NOON)) is not None


async def test_a_revoked_session_cannot_be_touched_back_to_life(database: Database, noor: Officer):
    token = await database.write(lambda tx: sessions.start(tx, noor.id, NOON))
    mark = sessions.fingerprint(token)
    await database.write(lambda tx: sessions.revoke(tx, mark, NOON))
    await database.write(lambda tx: sessions.touch(tx, mark, NOON + MINUTE))

    assert await database.read(lambda tx: sessions.get(tx, token, NOON + MINUTE)) is None


async def test_everywhere_means_everywhere(database: Database, noor: Officer):
    tokens = [await database.write(lambda tx: sessions.start(tx, noor.id, NOON)) for _ in range(3)]
    assert len(await database.read(lambda tx: sessions.list_sessions(tx, noor.id, NOON))) == 3

    topics = await database.write(lambda tx: sessions.revoke_all(tx, noor.id, NOON))

    assert set(topics) == {f"session:{sessions.fingerprint(token)}" for token in tokens}
    assert await database.read(lambda tx: sessions.list_sessions(tx, noor.id, NOON)) == []


async def test_a_switched_off_account_gets_no_session(database: Database, noor: Officer):
    await database.write(lambda tx: officers.disable_officer(tx, noor.id, NOON))

    with pytest.raises(sa.exc.NoResultFound):
        await database.write(lambda tx: sessions.start(tx, noor.id, NOON))


async def test_what_cannot_be_used_any_more_is_swept_away(database: Database, noor: Officer):
    await database.write(lambda tx: sessions.start(tx, noor.id, NOON))
    fresh = await database.write(lambda tx: sessions.start(tx, noor.id, NOON + timedelta(hours=12)))

    swept = await database.write(lambda tx: sessions.sweep(tx, NOON + timedelta(hours=13)))

    assert swept == 1
    assert await database.read(lambda tx: sessions.is_live(tx, sessions.fingerprint(fresh), NOON + timedelta(hours=12)))
