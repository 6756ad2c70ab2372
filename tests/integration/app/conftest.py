"""The whole program, with what it learnt from the training data kept from one run of the tests to the next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.app import DIALOGUES
from dialogues.understanding.reading import Understanding
from tests.integration.app.program import Helpline, serving, settings_for
from tests.peers.telegram import FakeTelegram, running_telegram


@pytest.fixture(scope="session")
def learnt(request: pytest.FixtureRequest) -> Path:
    """Learning by letters alone takes twenty seconds, so it is done once for each state of the training data."""
    assert request.config.cache is not None
    folder = Path(request.config.cache.mkdir("understanding"))
    Understanding.load(DIALOGUES, folder, "ngrams")
    return folder


@pytest.fixture
async def helpline(tmp_path: Path, learnt: Path) -> AsyncIterator[Helpline]:
    """The program over SQLite, without a demonstration and without Telegram."""
    async with serving(settings_for(tmp_path, learnt, demo="off")) as program:
        yield program


@pytest.fixture
async def telegram(tmp_path: Path) -> AsyncIterator[FakeTelegram]:
    async with running_telegram(tmp_path / "ledger.db", retry_seconds=0.02) as running:
        yield running


@pytest.fixture
async def telegram_helpline(tmp_path: Path, learnt: Path, telegram: FakeTelegram) -> AsyncIterator[Helpline]:
    """The program that Telegram calls, over SQLite."""
    settings = settings_for(tmp_path, learnt, telegram_api_url=telegram.url, telegram_mode="webhook")
    async with serving(settings) as program:
        yield program
