"""The whole program, opened anew for each test."""

from __future__ import annotations

import contextlib
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.kernel.logs import configure_logs
from tests.integration.app.program import Helpline, serving, settings_for
from tests.peers.telegram import FakeTelegram, running_telegram


@pytest.fixture(autouse=True)
def log() -> Iterator[io.StringIO]:
    """Everything that is written to the log, at the level that says most."""
    written = io.StringIO()
    with contextlib.redirect_stderr(written), contextlib.redirect_stdout(written):
        configure_logs("DEBUG", "json")
        yield written


@pytest.fixture
async def helpline(tmp_path: Path) -> AsyncIterator[Helpline]:
    """The program over SQLite, without a demonstration and without Telegram."""
    async with serving(settings_for(tmp_path, demo="off")) as program:
        yield program


@pytest.fixture
async def telegram(tmp_path: Path) -> AsyncIterator[FakeTelegram]:
    async with running_telegram(tmp_path / "ledger.db", retry_seconds=0.02) as running:
        yield running


@pytest.fixture
async def telegram_helpline(tmp_path: Path, telegram: FakeTelegram) -> AsyncIterator[Helpline]:
    """The program that Telegram calls, over SQLite."""
    async with serving(settings_for(tmp_path, telegram_api_url=telegram.url, telegram_mode="webhook")) as program:
        yield program
