"""A route as it is served, and which of them a request came to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web

from bot.kernel.logs import get_log
from bot.kernel.routes import WEBHOOK_CAP, Handler, MachineGuard, Public, Rule

log = get_log("web")

Entrance = Callable[[web.Request, Handler], Awaitable[web.StreamResponse]]


class Door:
    """A route as it is served: what its rule means for a request is decided once, and not at each."""

    __slots__ = ("admit", "body_cap", "files", "for_machines", "name", "narrow", "open_data")

    def __init__(self, name: str, body_cap: int, rule: Rule | None, admit: Entrance, *, files: bool = False) -> None:
        self.name = name
        self.body_cap = body_cap
        self.files = files
        self.for_machines = isinstance(rule, MachineGuard)
        self.open_data = isinstance(rule, Public) and rule.open_data
        self.admit = admit
        self.narrow = body_cap != WEBHOOK_CAP


async def find_nothing(request: web.Request, handler: Handler) -> web.StreamResponse:
    """No handler is ever called without a rule."""
    if request.match_info.http_exception is None:  # a real route, added behind our back while we run
        log.critical("route_without_rule")
        raise web.HTTPNotFound
    raise request.match_info.http_exception


DOORS: web.AppKey[dict[web.AbstractRoute, Door]] = web.AppKey("doors")
NO_DOOR: Final = Door("none", WEBHOOK_CAP, None, find_nothing)


def door_of(request: web.Request) -> Door:
    """`NO_DOOR` where nothing is."""
    return request.app[DOORS].get(request.match_info.route, NO_DOOR)
