from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, open_database
from tests.conftest import MASTER_KEY, NOON
from tests.integration.cases.world import World
from tests.integration.exchange.two_countries import Courier, Deployment, put_partner


@pytest.fixture
async def elsewhere(tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Database]:
    """The database of the other country: a file of its own, whatever ours is."""
    shutil.copy(sqlite_template, tmp_path / "elsewhere.db")
    opened = open_database(f"sqlite:///{tmp_path / 'elsewhere.db'}")
    yield opened
    await opened.close()


@pytest.fixture
async def italy(database: Database, vault: Vault, clock: SetClock) -> Deployment:
    made = Deployment(World(database, vault), clock, "IT")
    await made.prepare()
    return made


@pytest.fixture
async def tunisia(elsewhere: Database, clock: SetClock) -> Deployment:
    vault = Vault(MASTER_KEY[::-1])
    await elsewhere.write(lambda tx: vault.prepare(tx, NOON))
    made = Deployment(World(elsewhere, vault), clock, "TN")
    await made.prepare()
    return made


@pytest.fixture
async def courier(italy: Deployment, tunisia: Deployment) -> Courier:
    """Both know each other: helplines that report to no authorities."""
    italy.others["TN"] = await italy.database.write(lambda tx: put_partner(tx, italy.vault, country="TN"))
    tunisia.others["IT"] = await tunisia.database.write(lambda tx: put_partner(tx, tunisia.vault, country="IT"))
    return Courier(italy, tunisia)
