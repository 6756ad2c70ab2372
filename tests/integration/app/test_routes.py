"""Every route of the whole program: who gets in where, what an answer carries, and what it does not tell."""

from __future__ import annotations

import re
import secrets
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path

import aiohttp
import pytest
import sqlalchemy as sa

from bot.cases import service as cases
from bot.cases import store as case_store
from bot.cases.hand import Hand
from bot.cases.service import CaseEscalations
from bot.conversations import service as conversations
from bot.conversations.attachments import service as attachments
from bot.conversations.ports import Escalation
from bot.exchange.holds import service as holds
from bot.exchange.requests import drafting
from bot.exchange.requests import store as request_store
from bot.exchange.requests.attachments.service import Wanted, attach_upload
from bot.kernel import officers
from bot.kernel.access import Permission, Role, allows, may_enter
from bot.kernel.officers import Officer
from bot.kernel.web import RULES, MachineGuard, Public, Route
from dialogues.understanding.model import Priority
from directory import store as directory
from directory.api import ALLOWED_TO_OTHER_SITES, FOR_OTHER_SITES
from directory.store import ImportState, latest_change
from tests.integration.app.program import Helpline, serving, settings_for
from tests.integration.directory.records import OWNER, a_service, put
from tests.integration.exchange.two_countries import a_draft, put_partner
from tests.integration.kernel.route_matrix import Person, Target, guarded_routes, walk
from tests.integration.kernel.test_web_headers import SNAPSHOT
from tests.unit.conversations.test_attachment_copies import FILES

STATES = ("own", "foreign", "unheld", "closed", "foreign closed", "missing")
#: Who may not enter a route at all is turned away before anything behind it is looked at: more states ask the same.
AT_A_SHUT_DOOR = ("own", "foreign", "closed")

#: What anyone may reach. A route that is not meant for everyone does not get in here by accident.
PUBLIC_PATHS = frozenset(
    {
        "/", "/chat", "/chat/file", "/chat/file/{seq}", "/chat/stream", "/chat/language", "/chat/leave",
        "/healthz", "/readyz",
        "/desk/sign-in", "/desk/sign-in/link", "/referral", "/referral/answer", "/static/{room}/{hash}/{name}",
        "/exchange/key", "/provider", "/guest", "/guest/talk", "/guest/write",
        "/wall", "/wall/live", "/chat/writing", "/chat/read", "/chat/marks",
        "/request", "/request/accept", "/request/answer", "/request/file", "/request/forgotten", "/request/given",
        "/request/language", "/request/message", "/request/refuse",
    }
)  # fmt: skip
#: Where a machine shows a secret instead of a session.
MACHINE_PATHS = frozenset(
    {
        "/metrics",
        "/terminal/messages",
        "/terminal/lines",
        "/telegram/webhook",
        "/exchange/letters",
        "/exchange/letters/waiting",
    }
)


class Objects:
    """Makes a case or account in any state, as the routes of the whole program know them.

    One that was only looked at, or that refused to be changed, is asked about again: making thousands takes minutes.
    """

    def __init__(self, helpline: Helpline, other: Officer) -> None:
        self._helpline = helpline
        self._other = other
        self._writer: Officer | None = None
        self._partner: str | None = None
        self._untouched: dict[tuple[str, str, str], Target] = {}

    async def __call__(self, route: Route, state: str, person: Person) -> Target | None:
        if person.officer and not may_enter(person.officer, route.rule) and state not in AT_A_SHUT_DOOR:
            return None
        return self._untouched.pop(_alike(route, state, person), None) or await self._make(route, state, person)

    def take_back(self, route: Route, state: str, person: Person, target: Target) -> None:
        self._untouched[_alike(route, state, person)] = target

    async def _make(self, route: Route, state: str, person: Person) -> Target | None:
        if state == "missing":
            return Target(
                {
                    "id": "missing",
                    "key": "missing",
                    "name": "missing",
                    "other": "missing",
                    "code": "missing",
                    "file": "x",
                },
                None,
                exists=False,
            )
        if route.path.startswith("/desk/exchange/countries/{code}"):  # countries belong to nobody
            return Target({"code": "TN"}, None) if state == "foreign" else None
        if route.path.startswith("/desk/exchange/partners/{id}"):  # nor do partners
            return Target({"id": await self._a_partner()}, None) if state == "foreign" else None
        if route.path.startswith("/desk/texts/{key}/{name}"):
            return Target({"key": "missing_child", "name": "en"}, None) if state == "foreign" else None
        if route.path.startswith("/desk/absent/{officer}"):
            other = await self._account("foreign", person)
            return other and Target({"officer": other.params["id"]}, None) if state == "foreign" else None
        if route.path.startswith("/desk/cases/{id}"):
            target = await self._case(state, person)
            return await self._with_file(target) if "{file}" in route.path else target
        if route.path.startswith("/desk/services/import/{id}"):
            return await self._import() if state == "foreign" else None
        if route.path.startswith("/desk/organizations/{id}"):
            return Target({"id": OWNER.id}, None) if state == "foreign" and await self._service(state) else None
        if route.path.startswith("/desk/services/{id}"):
            return await self._service(state)
        if route.path.startswith(("/desk/requests/{id}", "/desk/adults/{id}")):
            # What a closed case allows is the case's own rule, and is asked at its own routes.
            return None if "closed" in state else await self._abroad(route, state, person)
        assert route.path.startswith("/desk/officers/{id}"), f"say what the object of {route.path} is"
        return await self._account(state, person)

    async def _a_partner(self) -> str:
        def make(tx: sa.Connection) -> str:
            return put_partner(tx, self._helpline.vault, country="TN")

        return await self._helpline.database.write(make)

    async def _abroad(self, route: Route, state: str, person: Person) -> Target:
        """A request of ours, or an adult, in a case in that state. Somebody else wrote both."""
        case = await self._case(state, person)
        case_id, at = case.params["id"], self._helpline.waymark.clock.now()
        writer = self._writer = self._writer or await self._helpline.officer(Role.COORDINATOR)
        hand = Hand(writer, self._helpline.vault, self._helpline.waymark.words, at)

        def make(tx: sa.Connection) -> tuple[str, object]:
            if route.path.startswith("/desk/adults/{id}"):
                return str(holds.open_dossier(tx, hand, case_id, name="x", claimed="parent", once="")), case.facts
            self._partner = self._partner or put_partner(tx, self._helpline.vault, country="TN")
            request_id = drafting.draft(tx, hand, case_id, a_draft(self._partner))
            return request_id, request_store.get_request(tx, request_id)

        made, facts = await self._helpline.database.write(make)
        if "{file}" not in route.path:
            return Target({"id": made}, facts, seen=case.seen)
        picture, about = (FILES / "picture.png").read_bytes(), Wanted("A picture", "identity")
        file = await self._helpline.database.write(lambda tx: attach_upload(tx, hand, made, picture, about))
        return Target({"id": made, "file": str(file)}, facts, seen=case.seen)

    async def _service(self, state: str) -> Target | None:
        """Services belong to nobody: there is one state of them."""
        if state != "foreign":
            return None
        at = self._helpline.waymark.clock.now()
        record, other = a_service(secrets.token_hex(4), at), a_service(secrets.token_hex(4), at)
        await self._helpline.database.write(lambda tx: put(tx, record, other, at=at))
        return Target({"id": record.id, "other": other.id}, record)

    async def _import(self) -> Target:
        """Files that were sent belong to whoever keeps the directory."""
        import_id, at = str(uuid.uuid4()), self._helpline.waymark.clock.now()
        sent = {"name": "x", "by": self._other.id, "at": at, "state": ImportState.SENT}
        await self._helpline.database.write(lambda tx: directory.add_import(tx, import_id, **sent))
        return Target({"id": import_id}, None)

    async def _account(self, state: str, person: Person) -> Target | None:
        if state == "own":
            return Target({"id": person.officer.id}, person.officer) if person.officer else None
        if state != "foreign":
            return None
        officer = await self._helpline.officer(Role.OFFICER)
        return Target({"id": officer.id}, officer)

    async def _case(self, state: str, person: Person) -> Target:
        await self._quiet()
        owner = person.officer if state in {"own", "closed"} else self._other
        case_id = await self.escalated()
        if state != "unheld" and owner is not None:
            await self._hold(case_id, owner, closed="closed" in state)
        found = await self._helpline.database.read(lambda tx: case_store.get_case(tx, case_id))
        assert found is not None
        seen = person.officer is not None and allows(person.officer, Permission.CASE_READ, found.case)
        return Target({"id": case_id}, found.case, seen=seen)

    async def _with_file(self, case: Target) -> Target:
        """The same case with a picture in its talk."""
        vault, at = self._helpline.vault, self._helpline.waymark.clock.now()
        picture = (FILES / "picture.png").read_bytes()

        def add(tx: sa.Connection) -> str:
            found = case_store.get_case(tx, case.params["id"])
            assert found is not None
            talk = found.case.conversation_id
            file_id, _ = attachments.keep_sent(tx, vault, talk, picture, officer_id=self._other.id, at=at)
            attachments.put_on_line(tx, file_id, talk, 1)
            return file_id

        file_id = await self._helpline.database.write(add)
        return Target({**case.params, "file": file_id}, case.facts, seen=case.seen)

    async def _quiet(self) -> None:
        """The cases of the questions before are over: thousands of them would ring, and fill every page."""
        at = self._helpline.waymark.clock.now()
        about = [getattr(target.facts, "case_id", target.params.get("id")) for target in self._untouched.values()]
        asked_again = [case_id for case_id in about if case_id]

        def close_all(tx: sa.Connection) -> None:
            table = case_store.cases
            values = {"status": "closed", "closed_at": at, "closing": "helped"}
            over = table.c.id.not_in(asked_again)
            tx.execute(table.update().where(table.c.status != "closed", over).values(**values))
            tx.execute(case_store.alarms.delete())

        await self._helpline.database.write(close_all)

    async def escalated(self, words: str = "help") -> str:
        """A new case of a new person."""
        vault, at = self._helpline.vault, self._helpline.waymark.clock.now()

        def open_case(tx: sa.Connection) -> str:
            conversation_id = conversations.open_conversation(
                tx, vault, channel="webchat", account="web", address=secrets.token_hex(8), language="en", at=at
            )
            escalation = Escalation(
                conversation_id, "immediate_danger", Priority.P1, words, "en", None, None, "words", False,
                secrets.token_hex(8),
            )  # fmt: skip
            return CaseEscalations(vault).escalate(tx, escalation, at=at).case_id

        return await self._helpline.database.write(open_case)

    async def _hold(self, case_id: str, owner: Officer, *, closed: bool) -> None:
        """Whatever their role: an admin may hold no case, and must find nothing even if the row said so."""

        def hold(tx: sa.Connection) -> None:
            table, at = case_store.cases, self._helpline.waymark.clock.now()
            values = {"owner_id": owner.id, "status": "claimed", "claimed_at": at}
            if closed:
                values |= {"status": "closed", "closed_at": at, "closing": "helped"}
            tx.execute(table.update().where(table.c.id == case_id).values(**values))

        await self._helpline.database.write(hold)


def _alike(route: Route, state: str, person: Person) -> tuple[str, str, str]:
    """What has the same value is asked about the same object."""
    return route.path.partition("}")[0] + str("{file}" in route.path), state, person.label


async def everybody(helpline: Helpline) -> Sequence[Person]:
    """Nobody, a forged cookie, each role, two roles at once, and somebody who was switched off since.

    Who is turned away at the door is turned away whatever there is behind it. Each role is asked in every state; of two
    at once, each permission and state is asked in `test_access.py`, and here where one decides against the other: a
    coordinator gets in where an officer does not, and an admin is refused where an officer is not.
    """
    door, together = ("foreign", "missing"), {Role.COORDINATOR: ("foreign",), Role.ADMIN: ("own",)}
    people = [Person("nobody", states=door), Person("a forged cookie", None, _always("forged"), door)]
    for roles in [[role] for role in Role] + [[Role.OFFICER, Role.COORDINATOR], [Role.OFFICER, Role.ADMIN]]:
        officer = await helpline.officer(*roles)
        states = together[roles[1]] if len(roles) > 1 else ()
        people.append(Person("+".join(roles), officer, partial(helpline.session_of, officer), states))
    leaver = await helpline.officer(Role.COORDINATOR)
    token = await helpline.session_of(leaver)
    await helpline.database.write(lambda tx: officers.disable_officer(tx, leaver.id, helpline.waymark.clock.now()))
    return [*people, Person("leaver", None, _always(token), door)]


def _always(token: str) -> Callable[[], Awaitable[str]]:
    async def same() -> str:
        return token

    return same


@pytest.mark.parametrize("part", range(4))
async def test_every_role_finds_at_every_route_what_the_rules_declare(helpline: Helpline, part: int):
    other = await helpline.officer(Role.OFFICER, name="Somebody Else")
    routes = guarded_routes(helpline.app)
    people = (await everybody(helpline))[part::4]  # several walks, so that several hands can share them

    objects = Objects(helpline, other)

    matrix = await walk(helpline.app, helpline.url, people, STATES, objects, objects.take_back)

    assert matrix.wrong == (), "\n".join(map(str, matrix.wrong))
    assert matrix.routes == {route.name for route in routes}
    assert len(routes) >= 30
    assert matrix.cells > len(people) * len(routes)


async def test_what_everyone_may_reach_is_written_down_here(telegram_helpline: Helpline):
    by_rule: dict[str, set[str]] = {"public": set(), "machine": set(), "desk": set()}
    for route in telegram_helpline.app[RULES].values():
        if isinstance(route.rule, Public):
            by_rule["public"].add(re.sub(r":[^}]*}", "}", route.path))
        elif isinstance(route.rule, MachineGuard):
            by_rule["machine"].add(route.path)
        else:
            by_rule["desk"].add(route.path)

    assert {path for path in by_rule["public"] if not path.startswith("/hsds")} == PUBLIC_PATHS
    assert by_rule["machine"] == MACHINE_PATHS
    assert all(path == "/desk" or path.startswith("/desk/") for path in by_rule["desk"])


async def test_the_directory_for_everyone_only_reads(helpline: Helpline):
    routes = {(r.method, r.path) for r in helpline.app[RULES].values() if r.path.startswith("/hsds")}

    assert {method for method, _ in routes} <= {"GET", "HEAD", "POST", "OPTIONS"}
    # A list may be asked for in the body, so that no address tells what was looked for. Nothing else takes a body.
    lists = {"services", "organizations", "service_at_locations", "taxonomies", "taxonomy_terms"}
    assert {path for method, path in routes if method == "POST"} == {f"/hsds/{name}" for name in lists}
    async with aiohttp.ClientSession(helpline.url) as session:
        before = await helpline.database.read(latest_change)
        for name in lists:
            async with session.post(f"/hsds/{name}", json={"search": "x", "id": "y", "name": "z"}) as answer:
                assert answer.status == 200
        assert await helpline.database.read(latest_change) == before
        from_elsewhere = {"Sec-Fetch-Site": "cross-site", "Origin": "https://map.example"}
        for body in ({"data": {"search": "x"}}, {"json": {"search": "x"}}):
            async with session.post("/hsds/services", **body, headers=from_elsewhere) as answer:
                assert (answer.status, answer.headers["Access-Control-Allow-Origin"]) == (200, "*")
        async with session.options("/hsds/services", headers=from_elsewhere) as answer:  # which a browser asks first
            allowed = [answer.headers[f"Access-Control-Allow-{what}"] for what in ("Origin", "Methods", "Headers")]
            assert (answer.status, allowed) == (204, ["*", "GET, HEAD, POST", "Content-Type, If-None-Match"])
        async with session.get(helpline.url + "/hsds/services?search=%00") as answer:
            assert (answer.status, (await answer.json())["error"]) == (400, "bad_request")


async def test_a_case_of_somebody_else_looks_like_one_that_never_was(helpline: Helpline):
    amira, other = await helpline.officer(Role.OFFICER), await helpline.officer(Role.OFFICER, name="Other")
    target = await Objects(helpline, other)(_route(helpline, "case"), "foreign", Person("amira", amira))
    assert target is not None
    desk = await helpline.at_desk(amira)
    case_id = target.params["id"]

    for path in ("/desk/cases/{}", "/desk/cases/{}/live"):
        foreign, missing = await desk.get(path.format(case_id)), await desk.get(path.format("0" * 36))
        assert foreign[0] == missing[0] == 404
        assert _without_ids(foreign[1]) == _without_ids(missing[1])
    for act in ("claim", "answer", "seen", "release", "take-over", "reopen", "notes"):
        foreign = await desk.post(f"/desk/cases/{case_id}/{act}", text="x")
        missing = await desk.post(f"/desk/cases/{'0' * 36}/{act}", text="x")
        assert (foreign[0], _without_ids(foreign[1])) == (missing[0], _without_ids(missing[1])), act
        assert foreign[0] == 404


def _without_ids(page: str) -> str:
    """A page without what is made anew for each: the token of its forms, its times, its own address."""
    return re.sub(r"[A-Za-z0-9_-]{16,}|\d\d:\d\d(:\d\d)?", "…", page)


async def _number(helpline: Helpline, case_id: str) -> str:
    found = await helpline.database.read(lambda tx: case_store.get_case(tx, case_id))
    assert found is not None
    return found.case.number


def _route(helpline: Helpline, name: str) -> Route:
    return next(route for route in helpline.app[RULES].values() if route.name == name)


async def test_reading_a_case_is_in_the_record_and_looking_for_a_foreign_one_shows_nothing(helpline: Helpline):
    amira = await helpline.officer(Role.OFFICER)
    objects = Objects(helpline, await helpline.officer(Role.OFFICER, name="Other"))
    case_id = await objects.escalated("the words of a child")
    desk = await helpline.at_desk(amira)

    status, page = await desk.get(f"/desk/cases/{case_id}")

    assert status == 200
    assert "the words of a child" in page
    watcher = await helpline.at_desk(await helpline.officer(Role.ADMIN))
    _, record = await watcher.get(f"/desk/audit?case={await _number(helpline, case_id)}")
    assert "case.read" in record
    assert "the words of a child" not in record


# --- what every answer carries ---

CHANGING = frozenset(
    {
        "allow", "clear-site-data", "connection", "content-encoding", "content-language", "content-length",
        "content-type", "date", "etag", "location",
        "retry-after", "set-cookie", "transfer-encoding", "vary", "x-accel-buffering", "x-request-id",
    }
)  # fmt: skip
MAY_BE_KEPT = {"/hsds": {"no-cache", "no-store"}, "/static": {"public, max-age=31536000, immutable", "no-store"}}


@pytest.fixture
async def signed_in(helpline: Helpline) -> AsyncIterator[aiohttp.ClientSession]:
    officer = await helpline.officer(*Role)
    headers = {"Cookie": f"waymark_session={await helpline.session_of(officer)}", "Sec-Fetch-Site": "same-origin"}
    async with aiohttp.ClientSession(helpline.url, headers=headers) as client:
        yield client


async def test_every_route_answers_with_exactly_these_headers(helpline: Helpline, signed_in: aiohttp.ClientSession):
    asked = 0
    async with aiohttp.ClientSession(helpline.url, cookie_jar=aiohttp.DummyCookieJar()) as anyone:
        for client, asks in ((anyone, _everything(helpline)), (signed_in, _by_its_methods(helpline))):
            for route, method in asks:
                path = re.sub(r"\{[^}]*\}", "none", route.path)
                async with client.request(method, path, allow_redirects=False) as answer:
                    found = {name.lower(): value for name, value in answer.headers.items()}
                    kept = found.pop("cache-control")
                found = {name: value for name, value in found.items() if name not in CHANGING}
                for_anybody = {**FOR_OTHER_SITES} if path.startswith("/hsds") and method != "DELETE" else {}
                for_anybody |= ALLOWED_TO_OTHER_SITES if method == "OPTIONS" else {}
                assert found == {name.lower(): value for name, value in {**SNAPSHOT, **for_anybody}.items()}, (
                    f"{method} {route.path}: {found}"
                )
                allowed = next((v for k, v in MAY_BE_KEPT.items() if path.startswith(k)), {"no-store"})
                assert kept in allowed, f"{method} {route.path}: {kept}"
                assert answer.status < 500
                asked += 1
    assert asked > 150


def _by_its_methods(helpline: Helpline) -> list[tuple[Route, str]]:
    """Each route by its own method, and by HEAD where it has one."""
    return [(route, each.method) for each, route in helpline.app[RULES].items()]


def _everything(helpline: Helpline) -> list[tuple[Route, str]]:
    """The same, and each route by a method it does not have: there nobody is asked who they are."""
    routes = {route.path: route for route in helpline.app[RULES].values()}
    return _by_its_methods(helpline) + [(route, "DELETE") for route in routes.values()]


@pytest.mark.parametrize("path", ["/nothing", "/desk/nothing", "/static/desk/x/../../etc/passwd", "/%00", "/chat/%ff"])
async def test_where_nothing_is_the_headers_are_the_same(helpline: Helpline, path: str):
    async with aiohttp.ClientSession(helpline.url) as client, client.get(path) as answer:
        assert answer.status == 404 or answer.status == 400
        for name, value in SNAPSHOT.items():
            assert answer.headers[name] == value


async def test_over_https_the_cookie_is_for_this_host_alone_and_browsers_stay_on_tls(tmp_path: Path):
    settings = settings_for(tmp_path, demo="off", public_url="https://help.example.org")
    async with serving(settings) as helpline:
        officer = await helpline.officer(Role.OFFICER)
        at = helpline.waymark.clock.now()
        token = await helpline.database.write(lambda tx: officers.make_link(tx, officer.id, at))
        async with aiohttp.ClientSession(f"http://127.0.0.1:{settings.port}") as client:
            headers = {"Origin": "https://help.example.org"}
            async with client.post(
                "/desk/sign-in/link", data={"token": token}, headers=headers, allow_redirects=False
            ) as answer:  # fmt: skip
                cookie = answer.headers["Set-Cookie"]
                assert answer.headers["Strict-Transport-Security"].startswith("max-age=63072000")

    assert cookie.startswith("__Host-waymark=")
    for part in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert part in cookie
    assert "Domain" not in cookie


async def test_a_form_from_another_site_changes_nothing(helpline: Helpline):
    officer = await helpline.officer(Role.OFFICER)
    case_id = await Objects(helpline, officer).escalated()
    token = await helpline.session_of(officer)
    async with aiohttp.ClientSession(helpline.url, headers={"Cookie": f"waymark_session={token}"}) as client:
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {}):
            async with client.post(f"/desk/cases/{case_id}/claim", headers=headers) as answer:
                assert answer.status == 403
        async with client.post(f"/desk/cases/{case_id}/claim", headers={"Sec-Fetch-Site": "same-origin"}) as answer:
            assert answer.status == 403  # ours, but without the session's token

    found = await helpline.database.read(lambda tx: case_store.get_case(tx, case_id))
    assert found is not None
    assert found.case.owner_id is None


async def test_a_coordinator_may_look_at_a_foreign_case_but_not_answer_in_it(helpline: Helpline):
    other, coordinator = await helpline.officer(Role.OFFICER), await helpline.officer(Role.COORDINATOR, name="Co")
    case_id = await Objects(helpline, other).escalated()
    hand = Hand(other, helpline.vault, helpline.waymark.words, helpline.waymark.clock.now())
    await helpline.database.write(lambda tx: cases.claim_case(tx, hand, case_id))
    desk = await helpline.at_desk(coordinator)

    assert (await desk.get(f"/desk/cases/{case_id}"))[0] == 200
    assert (await desk.post(f"/desk/cases/{case_id}/answer", text="let me", once="1"))[0] == 409
