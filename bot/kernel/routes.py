"""The table of routes: each says who may enter. What their rules mean is in `entrance`; `web` serves them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from msgspec import Struct

from bot.kernel.access import Permission

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Proof = Callable[[web.Request], bool | Awaitable[bool]]

#: A form of ours is text; a webhook may be larger. Both can be set for one route with `body_cap`.
FORM_CAP = 64 * 1024
WEBHOOK_CAP = 1024 * 1024
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class RouteWithoutRule(Exception):
    """A route does not say who may enter. Give it `allow=`; the server does not start before."""


class Public(Struct, frozen=True):
    """Anyone may enter. Forms must still come from our own pages.

    `open_data`: what is asked there are data for anybody, also for the pages of others: a form changes nothing there,
    so that it may come from anywhere, and what is wrong with an address is told in JSON as well.
    """

    open_data: bool = False


PUBLIC: Final = Public()


class MachineGuard(Struct, frozen=True):
    """A machine enters by proof in the request itself (a signature, a secret header), never by a cookie.

    Without proof the answer is 403, or what `refusal` says where the machine needs to learn more than that.
    """

    check: Proof
    refusal: Callable[[web.Request], web.StreamResponse] | None = None


def SIGNED_WEBHOOK(check: Proof) -> MachineGuard:
    """The rule of a webhook: `check` says whether the caller proved who it is. Without proof the answer is 403."""
    return MachineGuard(check)


Rule = Permission | Public | MachineGuard


class Route(Struct, frozen=True):
    """One line of the route table."""

    method: str
    path: str
    handler: Handler
    name: str
    rule: Rule
    body_cap: int
    files: bool = False  # whether its form may hold a file, see `bot.kernel.uploads`


class Routes:
    """The routes of one file. Names are unique over the whole program; a path may have one name a method."""

    def __init__(self) -> None:
        self.table: list[Route] = []

    def get(self, path: str, *, name: str, allow: Rule) -> Callable[[Handler], Handler]:
        """Declare the handler of GET and HEAD."""
        return self._declare("GET", path, name, allow, FORM_CAP)

    def post(
        self, path: str, *, name: str, allow: Rule, body_cap: int | None = None, files: bool = False
    ) -> Callable[[Handler], Handler]:
        """Declare the handler of POST. Bodies above `body_cap` bytes are answered with 413.

        With `files` its form may hold a file, which `bot.kernel.uploads.uploaded` gives.
        """
        cap = body_cap or (WEBHOOK_CAP if isinstance(allow, MachineGuard) else FORM_CAP)
        return self._declare("POST", path, name, allow, cap, files=files)

    def add(
        self, method: str, path: str, handler: Handler, *, name: str, allow: Rule, body_cap: int = FORM_CAP
    ) -> None:
        """The same without a decorator, for handlers made elsewhere."""
        self.table.append(Route(method, path, handler, name, allow, body_cap))

    def _declare(
        self, method: str, path: str, name: str, allow: Rule, cap: int, *, files: bool = False
    ) -> Callable[[Handler], Handler]:
        def keep(handler: Handler) -> Handler:
            self.table.append(Route(method, path, handler, name, allow, cap, files))
            return handler

        return keep
