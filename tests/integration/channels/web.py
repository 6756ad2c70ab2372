"""A real server with the routes under test behind the real guarded router."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
from aiohttp import web

from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.live import Signals
from bot.kernel.settings import load_settings
from bot.kernel.web import Routes, WebParts, build_web, web_runner
from bot.kernel.words import Words
from tests.conftest import MASTER_KEY


@contextlib.asynccontextmanager
async def serving(
    folder: Path, database: Database, clock: Clock, signals: Signals, *routes: Routes
) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a server on loopback."""
    parts = WebParts(
        settings=load_settings({"WAYMARK_DATA_DIR": str(folder)}),
        database=database,
        vault=Vault(MASTER_KEY),
        clock=clock,
        signals=signals,
        words=Words.load(),
    )
    runner = web_runner(build_web(parts, *routes), shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        async with aiohttp.ClientSession(f"http://127.0.0.1:{runner.addresses[0][1]}") as client:
            yield client
    finally:
        await runner.cleanup()
