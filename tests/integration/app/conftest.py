"""The whole program, opened anew for each test."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from dialogues.knowledge import Procedures
from dialogues.runtime import engine
from dialogues.understanding.reading import Understanding
from tests.integration.app.program import Helpline, serving, settings_for
from tests.integration.kernel.test_logs import Written, configured
from tests.peers.telegram import FakeTelegram, running_telegram


@pytest.fixture(scope="session", autouse=True)
def what_is_the_same_for_all_is_read_once() -> Iterator[None]:
    """Hundreds of programs read the same heads and the same rules from the same folders: half a second for each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Understanding, "load", functools.cache(Understanding.load))
        patch.setattr(engine, "load_project", functools.cache(engine.load_project))
        patch.setattr(Procedures, "load_shipped", staticmethod(_copied(functools.cache(Procedures.load_shipped))))
        yield


def _copied(read: Callable[..., Procedures]) -> Callable[..., Procedures]:
    """Each program may replace its texts. Tests of other folders, run after these by the same worker, ask it too."""

    def copy(*folder: Path) -> Procedures:
        shipped = read(*folder)
        return Procedures(shipped.texts(), overlays=shipped.overlays)

    return copy


@pytest.fixture
def log(capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """Everything that is written to the outputs and to the log, at the level that says most."""
    with configured("DEBUG", "json"):
        yield Written(capsys)


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
    settings = settings_for(tmp_path / "called", telegram_api_url=telegram.url, telegram_mode="webhook")
    async with serving(settings) as program:
        yield program
