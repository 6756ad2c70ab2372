"""The matrix role x route x object, generated from the route table of an application.

`walk` asks every guarded route, as every kind of person, about every kind of object, over HTTP, and says which
answers differ from what `bot.kernel.access` declares. A route that is added later is in the matrix by itself.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

import aiohttp
from aiohttp import web

from bot.kernel import sessions
from bot.kernel.access import Permission, allows, may_enter
from bot.kernel.officers import Officer
from bot.kernel.web import RULES, SETTINGS, Route, cookie_name

#: Answers that mean somebody came in. (A form with nothing in it may be answered with 400 or 409 by its handler.)
REFUSED = frozenset({401, 403, 404})
UNFILLED = frozenset({400, 409})


@dataclass(frozen=True)
class Person:
    """Somebody at the door: an officer with a session, or nobody in particular."""

    label: str
    officer: Officer | None = None
    sign_in: Callable[[], Awaitable[str]] | None = None  # a fresh session after each act: one of them is "leave"
    states: Sequence[str] = ()  # the states of objects that differ for them; all, where none is named


@dataclass(frozen=True)
class Target:
    """An object in some state: what its address is made of, and what the access rules see of it."""

    params: Mapping[str, str]
    facts: object
    exists: bool = True
    seen: bool = False  # this person may see it, so when they may not do this to it they are told so


#: Makes an object in a state (`own`, `foreign`, `closed`, …) for a person; None if the route has no such object.
MakeTarget = Callable[[Route, str, Person], Awaitable[Target | None]]
#: Is given an object in the same state as it was made in.
TakeBack = Callable[[Route, str, Person, Target], None]


@dataclass(frozen=True)
class Wrong:
    """One cell of the matrix that is not what it should be."""

    person: str
    route: str
    target: str
    expected: str
    status: int


@dataclass(frozen=True)
class Matrix:
    """What a walk found."""

    cells: int
    routes: frozenset[str]
    wrong: tuple[Wrong, ...]


def guarded_routes(app: web.Application) -> list[Route]:
    """Every route of the application that asks for a permission, once a method."""
    return sorted(
        {
            (route.name, route.method): route for route in app[RULES].values() if isinstance(route.rule, Permission)
        }.values(),
        key=lambda route: (route.path, route.method),
    )


async def walk(
    app: web.Application,
    base: str,
    people: Sequence[Person],
    states: Sequence[str],
    make_target: MakeTarget,
    take_back: TakeBack = lambda _route, _state, _person, _target: None,
) -> Matrix:
    """Ask everything, as everybody, about an object in each state that `Person.states` or `states` name.

    Routes that stream are asked and left at once. An object that is as it was made is given back.
    """
    wrong: list[Wrong] = []
    cells = 0
    routes = guarded_routes(app)
    for person in people:
        token: str | None = None
        async with aiohttp.ClientSession(base, cookie_jar=aiohttp.DummyCookieJar()) as client:
            for route in routes:
                for state in (person.states or states) if "{" in route.path else ("none",):
                    target = await make_target(route, state, person) if state != "none" else Target({}, None)
                    if target is None:
                        continue
                    cells += 1
                    if token is None:
                        token = await person.sign_in() if person.sign_in else ""
                    status = await _ask(client, route, target, token, cookie_name(app[SETTINGS]))
                    due = expected(route, person, target, has_object=state != "none")
                    if not _fits(due, status):
                        wrong.append(Wrong(person.label, f"{route.method} {route.name}", state, due, status))
                    if _may_have_changed(route, due, status):
                        token = None
                    else:
                        take_back(route, state, person, target)
    return Matrix(cells, frozenset(route.name for route in routes), tuple(wrong))


def _may_have_changed(route: Route, due: str, status: int) -> bool:
    """Whether it was an act that was let in: whoever and whatever it is about may be another afterwards. A form that
    came back unfilled changed nothing."""
    return route.method != "GET" and due == "in" and status not in UNFILLED


def expected(route: Route, person: Person, target: Target, *, has_object: bool) -> str:
    assert isinstance(route.rule, Permission)
    if person.officer is None:
        return "turned away"
    if not may_enter(person.officer, route.rule):
        return "nothing"
    if has_object and not target.exists:
        return "nothing"
    if has_object and not allows(person.officer, route.rule, target.facts):
        return "refused" if target.seen else "nothing"
    return "in"


def _fits(expected: str, status: int) -> bool:
    if expected == "turned away":
        return status in {303, 401}
    if expected == "nothing":
        return status == 404
    if expected == "refused":
        return status in {400, 404, 409}
    return status not in REFUSED and status < 500


async def _ask(client: aiohttp.ClientSession, route: Route, target: Target, token: str, cookie: str) -> int:
    path = re.sub(r"\{(\w+)(?::[^{}]*)?\}", lambda found: target.params.get(found[1], "none"), route.path)
    headers = {"Sec-Fetch-Site": "same-origin", **({"Cookie": f"{cookie}={token}"} if token else {})}
    data = {"csrf": sessions.csrf_of(token)} if route.method != "GET" and token else None
    async with client.request(route.method, path, data=data, headers=headers, allow_redirects=False) as answer:
        return answer.status
