from __future__ import annotations

import pytest

from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from tests.integration.cases.world import World


@pytest.fixture
def world(database: Database, vault: Vault) -> World:
    return World(database, vault)
