"""Whether the program is alive, whether it can work, and how it does: for probes and monitors.

`/healthz` answers as long as the event loop turns. `/readyz` writes to the database and asks every part that
registered a check. `/metrics` is for those who hold the token or sit on this machine.
"""

from __future__ import annotations

import asyncio
import hmac
import inspect
import ipaddress
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import sqlalchemy as sa
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.engine import Connection

from bot.kernel.clock import Clock
from bot.kernel.database import Database, DatabaseUnavailable, Moment, metadata
from bot.kernel.logs import get_log
from bot.kernel.web import PUBLIC, SETTINGS, MachineGuard, Routes, client_address

log = get_log("health")

beats = sa.Table(
    "beats",
    metadata,
    sa.Column("name", sa.String(40), primary_key=True),
    sa.Column("at", Moment, nullable=False),
)

#: Probes come often and each costs a commit: within this time the last answer is given again.
ANSWER_KEPT = timedelta(seconds=2)
PATIENCE_SECONDS = 5.0

Check = Callable[[], bool | Awaitable[bool]]


def beat(tx: Connection, name: str, at: datetime) -> None:
    """Write that `name` was alive at this moment."""
    updated = tx.execute(beats.update().where(beats.c.name == name).values(at=at))
    if updated.rowcount == 0:
        tx.execute(beats.insert().values(name=name, at=at))


def last_beat(tx: Connection, name: str) -> datetime | None:
    """When `name` was last alive; None if it never was."""
    found: datetime | None = tx.execute(sa.select(beats.c.at).where(beats.c.name == name)).scalar_one_or_none()
    return found


class Health:
    """The checks of one process, and its three routes."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._checks: dict[str, Check] = {}
        self._attention: dict[str, Check] = {}
        self._known: tuple[datetime, dict[str, bool]] | None = None
        self._asking = asyncio.Lock()
        self.routes = self._make_routes()

    def add(self, name: str, check: Check) -> None:
        """Ask `check` whenever readiness is asked for. It must be quick; raising counts as not ready."""
        self._checks[name] = check

    def attend(self, name: str, check: Check) -> None:
        """Like `add`, for what somebody should look at while people are answered all the same."""
        self._attention[name] = check

    async def attention(self) -> dict[str, bool]:
        """What somebody should look at; empty where all is well."""
        answers = {name: await _holds(name, check) for name, check in self._attention.items()}
        return {name: holds for name, holds in answers.items() if not holds}

    async def ready(self) -> dict[str, bool]:
        """Each check's answer, `database` first."""
        async with self._asking:
            now = self._clock.now()
            if self._known is not None and timedelta(0) <= now - self._known[0] < ANSWER_KEPT:
                return self._known[1]
            answers = {"database": await self._can_write(now)}
            for name, check in self._checks.items():
                answers[name] = await _holds(name, check)
            self._known = (now, answers)
            return answers

    async def _can_write(self, now: datetime) -> bool:
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._database.write(lambda tx: beat(tx, "readyz", now))
        except (DatabaseUnavailable, TimeoutError):
            return False
        except sa.exc.IntegrityError:  # another replica made the first beat in the same moment: it can be written
            return True
        return True

    def _make_routes(self) -> Routes:
        routes = Routes()

        @routes.get("/healthz", name="healthz", allow=PUBLIC)
        async def healthz(_request: web.Request) -> web.Response:
            return web.json_response({"status": "ok"})

        @routes.get("/readyz", name="readyz", allow=PUBLIC)
        async def readyz(_request: web.Request) -> web.Response:
            answers = await self.ready()
            ready = all(answers.values())
            said: dict[str, object] = {"status": "ready" if ready else "not ready", "checks": answers}
            if attention := await self.attention():
                said["attention"] = attention
            return web.json_response(said, status=200 if ready else 503)

        @routes.get("/metrics", name="metrics", allow=MachineGuard(may_read_metrics))
        async def metrics(_request: web.Request) -> web.Response:
            return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

        return routes


def may_read_metrics(request: web.Request) -> bool:
    """By the token where one is set, otherwise from this machine only, and not through a proxy on it."""
    token = request.app[SETTINGS].metrics_token.value
    if token:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), token.encode())
    forwarded = "X-Forwarded-For" in request.headers or "Forwarded" in request.headers
    return not forwarded and _is_this_machine(client_address(request))


def _is_this_machine(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


async def _holds(name: str, check: Check) -> bool:
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer = check()
            return bool(await answer) if inspect.isawaitable(answer) else bool(answer)
    except Exception:
        log.exception("check_failed", check=name)
        return False
