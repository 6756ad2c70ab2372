"""Lyon and Tunis, each with a database of the kind under test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import pytest

from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, open_database
from tests.conftest import MASTER_KEY, NOON
from tests.integration.cases.world import World
from tests.integration.exchange.chain import Chain
from tests.integration.exchange.two_countries import Country, Courier, put_partner
from tests.integration.exchange.world import Deployment


@pytest.fixture
async def second_database(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """Another database of the same kind."""
    with ExitStack() as stack:
        if kind == "sqlite":
            shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "second.db")
            url = f"sqlite:///{tmp_path / 'second.db'}"
        else:
            url = stack.enter_context(request.getfixturevalue("postgres_with_tables")())
        opened = open_database(url)
        yield opened
        await opened.close()


@pytest.fixture
async def two(
    database: Database, second_database: Database, tmp_path: Path
) -> AsyncIterator[tuple[Deployment, Deployment]]:
    """Two deployments that serve and do not know each other yet. Both live at noon."""
    lyon = Deployment("Lyon Refuge", "FR", database, SetClock(NOON))
    tunis = Deployment("Tunis Child Protection", "TN", second_database, SetClock(NOON))
    async with AsyncExitStack() as stack:
        for each in (lyon, tunis):
            await each.prepare()
            await stack.enter_async_context(each.serving(tmp_path))
        yield lyon, tunis


@pytest.fixture
async def elsewhere(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Database]:
    """The database of the other country: a file of its own, whatever ours is."""
    shutil.copy(sqlite_template, tmp_path / "elsewhere.db")
    opened = open_database(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    yield opened
    await opened.close()


@pytest.fixture
async def italy(database: Database, vault: Vault, clock: SetClock) -> Country:
    made = Country(World(database, vault), clock, "IT")
    await made.prepare()
    return made


@pytest.fixture
async def tunisia(elsewhere: Database, clock: SetClock) -> Country:
    vault = Vault(MASTER_KEY[::-1])
    await elsewhere.write(lambda tx: vault.prepare(tx, NOON))
    made = Country(World(elsewhere, vault), clock, "TN")
    await made.prepare()
    return made


@pytest.fixture
async def courier(italy: Country, tunisia: Country) -> Courier:
    """Both know each other: helplines that report to no authorities."""
    italy.others["TN"] = await italy.database.write(lambda tx: put_partner(tx, italy.vault, country="TN"))
    tunisia.others["IT"] = await tunisia.database.write(lambda tx: put_partner(tx, tunisia.vault, country="IT"))
    return Courier(italy, tunisia)


@pytest.fixture
async def chain(
    italy: Country, tunisia: Country, courier: Courier, clock: SetClock, tmp_path: Path, sqlite_template: Path
) -> AsyncIterator[Chain]:
    more = []
    for number, country in enumerate(("LY", "TD")):
        shutil.copy(sqlite_template, tmp_path / f"{country}.db")
        database = open_database(f"sqlite:///{tmp_path / f'{country}.db'}")
        vault = Vault(bytes([number + 1]) * 32)
        await database.write(lambda tx, vault=vault: vault.prepare(tx, NOON))
        made = Country(World(database, vault), clock, country)
        await made.prepare()
        more.append(made)
    libya, chad = more
    for one, other in ((tunisia, libya), (libya, tunisia), (libya, chad), (chad, libya)):
        one.others[other.country] = await one.database.write(
            lambda tx, one=one, other=other: put_partner(tx, one.vault, country=other.country)
        )
    yield Chain(italy, tunisia, libya, chad, Courier(italy, tunisia, libya, chad))
    for each in more:
        await each.database.close()
