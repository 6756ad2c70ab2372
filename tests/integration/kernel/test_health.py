"""Probes say the truth, and metrics are not for everyone."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import aiohttp
import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.kernel.clock import SetClock
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.health import Health, beat, last_beat
from bot.kernel.settings import load_settings
from bot.kernel.web import WebParts, build_web
from tests.conftest import NOON
from tests.integration.kernel.conftest import Served, serving

TOKEN = "a-long-token-for-metrics"


async def test_alive_and_ready(served: Served):
    async with served.browser() as browser:
        alive, ready = await browser.get("/healthz"), await browser.get("/readyz")

        assert (alive.status, await alive.json()) == (200, {"status": "ok"})
        assert (ready.status, await ready.json()) == (200, {"status": "ready", "checks": {"database": True}})


async def test_readiness_asks_every_part_and_a_failing_check_is_a_no(database: Database, clock: SetClock):
    health = Health(database, clock)
    health.add("workers", lambda: True)

    async def slow_no() -> bool:
        return False

    def broken() -> bool:
        raise RuntimeError

    health.add("sender", slow_no)
    health.add("poller", broken)

    assert await health.ready() == {"database": True, "workers": True, "sender": False, "poller": False}
    assert await database.read(lambda tx: last_beat(tx, "readyz")) == NOON


async def test_a_flood_of_probes_does_not_become_a_flood_of_commits(sqlite_database: Database, clock: SetClock):
    health = Health(sqlite_database, clock)
    await health.ready()
    clock.advance(timedelta(seconds=1))
    await health.ready()
    assert await sqlite_database.read(lambda tx: last_beat(tx, "readyz")) == NOON
    clock.advance(timedelta(seconds=1))
    await health.ready()
    assert await sqlite_database.read(lambda tx: last_beat(tx, "readyz")) == clock.now()


async def test_a_database_that_cannot_be_written_is_not_ready(sqlite_database: Database, clock: SetClock):
    health = Health(sqlite_database, clock)
    await sqlite_database.write(lambda tx: tx.execute(sa.text("CREATE TABLE filler (x TEXT)")))

    def fill(tx: Connection) -> None:
        pages = tx.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.exec_driver_sql(f"PRAGMA max_page_count={pages}")

    await sqlite_database.write(fill)
    row = sa.text("INSERT INTO filler VALUES (hex(randomblob(9999)))")
    written = await asyncio.gather(
        *(sqlite_database.write(lambda tx: tx.execute(row)) for _ in range(50)), return_exceptions=True
    )
    assert any(isinstance(result, DatabaseUnavailable) for result in written)
    await sqlite_database.close()

    assert await health.ready() == {"database": False}


async def test_beats_are_kept_by_name(database: Database):
    await database.write(lambda tx: beat(tx, "auditor", NOON))
    await database.write(lambda tx: beat(tx, "auditor", NOON + timedelta(seconds=5)))

    assert await database.read(lambda tx: last_beat(tx, "auditor")) == NOON + timedelta(seconds=5)
    assert await database.read(lambda tx: last_beat(tx, "pager")) is None


async def test_metrics_without_a_token_are_for_this_machine_and_not_through_its_proxy(served: Served):
    async with served.browser() as browser:
        here = await browser.get("/metrics")
        through_proxy = await browser.get("/metrics", **{"X-Forwarded-For": "127.0.0.1"})

        assert here.status == 200
        assert "waymark_http_seconds" in await here.text()
        assert through_proxy.status == 403


@pytest.mark.parametrize(
    ("authorization", "status"), [("", 403), ("Bearer wrong", 403), (TOKEN, 200), (f"Bearer {TOKEN}", 200), ("é", 403)]
)
async def test_metrics_with_a_token_ask_for_it_everywhere(parts: WebParts, authorization: str, status: int):
    settings = load_settings({"WAYMARK_METRICS_TOKEN": TOKEN})
    app = build_web(msgspec.structs.replace(parts, settings=settings), Health(parts.database, parts.clock).routes)
    async with serving(app) as base, aiohttp.ClientSession(base) as client:
        answer = await client.get("/metrics", headers={"Authorization": authorization} if authorization else {})

    assert answer.status == status
