"""The address of a safe place on the desk: typed by one, approved by another, read once by whoever brings the child."""

from __future__ import annotations

import re
from functools import partial
from urllib.parse import quote

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import consent
from bot.cases import service as cases
from bot.cases.record import service as record
from bot.cases.referrals import service as referrals
from bot.cases.referrals.model import Act, Referral, Urgency
from bot.cases.referrals.opening import WITHIN
from bot.cases.referrals.store import add_opening, openings
from bot.desk.service_list import VIEWS
from bot.exchange.requests.kept_from import KeptFrom
from bot.kernel import audit, officers
from bot.kernel.access import Role
from bot.kernel.crypto import data_keys
from bot.kernel.web import RULES
from directory import demonstration, store
from directory.model import RecordState
from directory.safe_place_changes import approve, changes, propose
from directory.safe_places import SafePlace, safe_places
from directory.service import propose_change
from tests.conftest import all_metadata
from tests.integration.cases.test_consent import AGREED
from tests.integration.directory.test_safe_places_leak import CANARIES, LATITUDE, LONGITUDE, SECRET

PASSWORD = "a heron over the river"
TYPED = {"address": SECRET, "latitude": str(LATITUDE), "longitude": str(LONGITUDE), "why": "first"}
CALL = {"call_back": "Mona, on their own number, at noon", "proof": PASSWORD}


@pytest.fixture(scope="module")
def hashed():
    return officers.hash_password(PASSWORD)


@pytest.fixture
async def safe(world, clock):
    """The safe house of the demonstration, of which no address is kept."""

    def seed(tx: Connection) -> str:
        demonstration.seed(tx, at=clock.now())
        [house] = [each for each in store.get_services(tx, store.list_ids(tx)) if each.confidential]
        return house.id

    return await world.database.write(seed)


@pytest.fixture
def works_here(world, at_desk, hashed):
    """Makes an officer with a password, at their own browser."""

    async def make(name: str, *roles: Role, paged: bool = False):
        officer = await world.officer(name, *roles, paged=paged)
        await world.database.write(lambda tx: officers.set_password(tx, officer.id, hashed))
        return officer, await at_desk(officer)

    return make


@pytest.fixture
async def admins(works_here):
    return [(await works_here(name, Role.ADMIN))[1] for name in ("ana", "ben")]


@pytest.fixture
async def amira(works_here):
    return await works_here("amira")


@pytest.fixture
async def case_id(world, amira, safe):
    """A case Amira holds, whose child was referred to the safe house and taken in."""
    case_id = (await world.escalate()).case_id

    def prepare(tx: Connection) -> None:
        hand = world.hand(amira[0])
        cases.claim_case(tx, hand, case_id)
        record.write_fields(tx, hand, case_id, {"age": ("15",)}, seen={})
        agreed = replace(AGREED, recipient=f"service:{safe}", items=("age",), withheld=())
        agreed_id = consent.record(tx, hand, case_id, agreed).id
        sent = referrals.send(
            tx, hand, case_id, agreed_id, urgency=Urgency.EMERGENCY, items=["age"], ask="A bed?", with_adult=None,
            adults=KeptFrom(),
        )  # fmt: skip
        referrals.move(tx, hand, case_id, sent.referral.id, Act.ACCEPT, adults=KeptFrom())

    await world.database.write(prepare)
    return case_id


@pytest.fixture
def keep(world, safe, clock):
    """Stores the address as two people do, without their screens."""

    async def keep(address: str = SECRET, what: str = "put") -> None:
        place = SafePlace(address, LATITUDE, LONGITUDE) if what == "put" else None
        note = partial(audit.append, vault=world.vault)

        def work(tx: Connection) -> None:
            house, at = store.get_service(tx, safe), clock.now()
            change = propose(tx, world.vault, note, house, place, why="first", by="ana", at=at)
            approve(tx, world.vault, note, house, change_id=change, call_back="Mona, at noon", by="ben", at=at)

        await world.database.write(work)

    return keep


async def open_it(browser, case_id, purpose="bring_a_child", why="The taxi is at the door", proof=PASSWORD):
    page = f"/desk/cases/{case_id}/refer"
    if f'action="{page}/address"' not in browser.page:
        await browser.go(page)
    return await browser.send(f"{page}/address", purpose=purpose, why=why, proof=proof)


async def keys_of(world, column) -> list[str]:
    return await world.database.read(lambda tx: list(tx.execute(sa.select(column)).scalars()))


async def is_destroyed(world, key_id: str) -> bool:
    wrapped = sa.select(data_keys.c.wrapped).where(data_keys.c.id == key_id)
    return await world.database.read(lambda tx: tx.execute(wrapped).scalar_one()) is None


def found_in(text: str) -> list[str]:
    return [canary for canary in CANARIES if canary in text]


async def acts(world) -> list[audit.AuditRow]:
    return await world.database.read(lambda tx: audit.read_log(tx, limit=400))


@pytest.mark.on_both
async def test_an_address_counts_once_a_colleague_who_did_not_type_it_has_called_the_house(world, admins, safe):
    ana, ben = admins
    page = f"/desk/services/{safe}"
    assert "No address is kept." in await ana.go(page)

    await ana.send(f"{page}/address", **TYPED)
    assert "It counts once a colleague has called the house" in ana.page
    assert not found_in(ana.page)
    token, change = re.search(r'name="csrf" value="([^"]+)"', ana.page)[1], (await keys_of(world, changes.c.id))[0]
    await ana.post(f"{page}/address/decide", csrf=token, change=change, to="approve", **CALL)
    assert "Whoever typed it cannot." in ana.page
    assert await keys_of(world, safe_places.c.key_id) == []

    [waited] = await keys_of(world, changes.c.key_id)
    assert f'href="{page}"' in await ben.go("/desk/services?show=address")
    await ben.go(page)
    for given, said in (({"call_back": " "}, "First call the number"), ({"proof": "a stork"}, "The password is wrong")):
        await ben.send(f"{page}/address/decide", **{**CALL, **given})
        assert said in ben.page
        assert await keys_of(world, safe_places.c.key_id) == []
    assert "Mona, on their own number" in ben.page  # what may be shown again need not be typed again
    await ben.send(f"{page}/address/decide", **CALL)

    assert "An address is kept since" in ben.page
    assert "Mona, on their own number" in ben.page
    assert len(await keys_of(world, safe_places.c.key_id)) == 1
    assert await is_destroyed(world, waited)
    done = [row.act for row in reversed(await acts(world)) if row.act.startswith("safe_place")]
    assert done == ["safe_place.proposed", "safe_place.put", "safe_place.approved"]


@pytest.mark.on_both
async def test_the_key_goes_with_the_address_that_is_replaced_or_removed_or_whose_record_ends(
    world, admins, safe, keep
):
    await keep()
    [first] = await keys_of(world, safe_places.c.key_id)
    await keep("elsewhere")
    [second] = await keys_of(world, safe_places.c.key_id)
    assert (await is_destroyed(world, first), await is_destroyed(world, second)) == (True, False)
    await keep(what="remove")
    assert await is_destroyed(world, second)
    assert await keys_of(world, safe_places.c.key_id) == []

    await keep()
    [third] = await keys_of(world, safe_places.c.key_id)
    ana, page = admins[0], f"/desk/services/{safe}"
    await ana.go(page)
    await ana.post(f"{page}/address", csrf=token_of(ana), what="remove", why="asked")
    await ana.send(f"{page}/address/decide")  # taken back
    assert "What was typed is gone" in ana.page
    await ana.send(f"{page}/address", **TYPED)
    [waits] = [key for key in await keys_of(world, changes.c.key_id) if key]
    assert "This destroys its secret address for good." in ana.page
    await ana.post(f"{page}/move", csrf=token_of(ana), to=RecordState.ARCHIVED.value, why="closed down")
    assert (await is_destroyed(world, third), await is_destroyed(world, waits)) == (True, True)
    assert await keys_of(world, safe_places.c.key_id) == []


def token_of(browser) -> str:
    return re.search(r'name="csrf" value="([^"]+)"', browser.page)[1]


@pytest.mark.on_both
async def test_what_cannot_be_an_address_comes_back_without_it(world, admins, safe):
    ana, ben = admins
    page = f"/desk/services/{safe}"
    await ana.go(page)
    for wrong, said in (
        ({"address": " "}, "an address has 1 to 500 letters"),
        ({"longitude": ""}, "belong together"),
        ({"latitude": "143.8137291"}, "are degrees like"),
        ({"latitude": "43.8137291 N"}, "are degrees like"),
        ({"why": "curious"}, "say why"),
    ):
        await ana.send(f"{page}/address", **{**TYPED, **wrong})
        assert (ana.status, said in ana.page, found_in(ana.page)) == (409, True, []), wrong

    def tell(tx: Connection) -> None:
        house = store.get_service(tx, safe)
        where = "Ring: vicolo zaffiro, 4711, شارع الأمل 9"
        told = replace(house, how_to_apply=where, summary="The door is at Via Prova 12.")
        store.put_service(tx, told, at=house.modified_at)

    await world.database.write(tell)
    for address in ("via prova 12, scala Q", "شارع الأمل ٩، باب أزرق"):
        await ana.send(f"{page}/address", **{**TYPED, "address": address})
        assert "the record itself tells part of this address" in ana.page
    assert await keys_of(world, changes.c.id) == []

    await ana.send(f"{page}/address", **TYPED)
    await ana.post(f"{page}/address", csrf=token_of(ana), **TYPED)  # a second one while the first waits
    assert "another change waits" in ana.page
    await ben.go(page)
    await ben.post(f"{page}/address/decide", csrf=token_of(ben), change=(await keys_of(world, changes.c.id))[0], to="x")
    assert "What was typed is gone" in ben.page
    assert await keys_of(world, changes.c.address_sealed) == [None]


async def test_the_number_to_call_is_one_that_was_reviewed(world, admins, safe, clock):
    await world.database.write(lambda tx: store.set_state(tx, safe, RecordState.IN_REVIEW, at=clock.now()))
    ana, ben = admins
    page = f"/desk/services/{safe}"
    await ana.go(page)
    await ana.send(f"{page}/address", **TYPED)

    await ben.go(page)
    assert "once the record is in force" in ben.page
    change = (await keys_of(world, changes.c.id))[0]
    await ben.post(f"{page}/address/decide", csrf=token_of(ben), change=change, to="approve", **CALL)

    assert "This cannot be done now" in ben.page
    assert await keys_of(world, safe_places.c.key_id) == []


async def test_an_admin_and_the_account_they_made_of_late_are_not_two(world, admins, works_here, safe, clock):
    ana, _ = admins
    cleo, hers = await works_here("cleo", Role.ADMIN)
    [ana_id] = [o.id for o in await world.database.read(officers.list_officers) if o.name == "ana"]
    made = {"actor": ana_id, "act": "officer.add", "object": f"officer:{cleo.id}"}
    await world.database.write(lambda tx: audit.append(tx, world.vault, at=clock.now(), **made))
    page = f"/desk/services/{safe}"
    await ana.go(page)
    await ana.send(f"{page}/address", **TYPED)

    await hers.go(page)
    await hers.send(f"{page}/address/decide", **CALL)

    assert "One of you two added the other" in hers.page
    assert await keys_of(world, safe_places.c.key_id) == []


@pytest.mark.on_both
async def test_whoever_brings_the_child_reads_it_once_and_everybody_who_must_sees_that_they_did(
    world, works_here, amira, case_id, keep
):
    await keep()
    ines, hers = await works_here("ines", Role.COORDINATOR, paged=True)
    browser, page = amira[1], f"/desk/cases/{case_id}/refer"

    for given, said in (({"why": " "}, "why in a sentence"), ({"proof": "a stork"}, "The password is wrong")):
        await open_it(browser, case_id, **given)
        assert (browser.status, said in browser.page, found_in(browser.page)) == (409, True, [])
    form = browser.page
    await open_it(browser, case_id)

    assert SECRET in browser.page.replace("&#39;", "'").replace("&#34;", '"')
    assert f"{LATITUDE}, {LONGITUDE}" in browser.page
    assert browser.headers["Cache-Control"] == "no-store"
    browser.page = form
    await open_it(browser, case_id)  # the page loaded again
    assert "It was shown once." in browser.page
    assert not found_in(browser.page)

    assert not found_in(await browser.go(page))
    assert not found_in(await browser.go(f"/desk/cases/{case_id}/print"))
    assert "opened the address of a safe place" in await browser.go(f"/desk/cases/{case_id}")
    assert "The taxi is at the door" in await browser.go(f"/desk/cases/{case_id}/seen-by")
    assert "The taxi is at the door" in await hers.go("/desk/supervision")
    assert "amira" in hers.page
    tried = [row.facts["allowed"] for row in await acts(world) if row.act == "safe_place.read"]
    assert tried == [False, True]
    assert [row.actor for row in await acts(world) if row.act == "case.address_opened"] == [amira[0].id]
    told = sa.text("SELECT officer_id FROM pages WHERE key LIKE 'address:%'")
    assert await world.database.read(lambda tx: list(tx.execute(told).scalars())) == [ines.id]


@pytest.mark.on_both
async def test_nobody_else_gets_as_far_as_the_form_nor_who_cannot_prove_who_they_are(
    world, admins, works_here, amira, case_id, keep
):
    await keep()
    [referral_id] = await world.database.read(
        lambda tx: [each.referral.id for each in referrals.referrals_of(tx, world.hand(amira[0]), case_id)]
    )
    wanted = {"purpose": "visit", "why": "x", "proof": PASSWORD, "referral": referral_id, "once": "1"}
    others = [await works_here(name, role) for name, role in (("omar", Role.OFFICER), ("ines", Role.COORDINATOR))]
    others += [(None, admins[0])]
    for _, browser in others:
        await browser.go("/desk/account")
        await browser.post(f"/desk/cases/{case_id}/refer/address", csrf=token_of(browser), **wanted)
        assert (browser.status, found_in(browser.page)) == (404, [])
    assert await keys_of(world, openings.c.id) == []

    await world.database.write(lambda tx: tx.execute(officers.officers.update().values(password_hash=None)))
    await amira[1].go(f"/desk/cases/{case_id}/refer")
    assert "Set up an authenticator or a password first." in amira[1].page
    assert "/refer/address" not in amira[1].page


async def test_what_to_do_instead_is_said_where_it_does_not_open(world, amira, case_id, safe, keep, clock):
    officer, browser = amira
    hand = world.hand(officer)

    def mine(tx: Connection) -> Referral:
        [listed] = referrals.referrals_of(tx, hand, case_id)
        return listed.referral

    async def refused(said: str) -> None:
        await open_it(browser, case_id)
        assert (browser.status, said in browser.page, found_in(browser.page)) == (409, True, [])

    await refused("No address is kept for it now.")
    await keep()
    for state in (RecordState.ARCHIVED, RecordState.CURRENT):
        await browser.go(f"/desk/cases/{case_id}/refer")
        await world.database.write(lambda tx, to=state: store.set_state(tx, safe, to, at=clock.now()))
        if state is RecordState.ARCHIVED:
            await refused("No address is kept for it now.")
    form = await browser.go(f"/desk/cases/{case_id}/refer")
    withdraw = consent.withdraw
    await world.database.write(lambda tx: withdraw(tx, hand, case_id, mine(tx).consent_id, holders=[]))
    await refused("Nobody agrees to this any more.")
    await world.database.write(
        lambda tx: referrals.move(tx, hand, case_id, mine(tx).id, Act.WITHDRAW, adults=KeptFrom())
    )
    browser.page = form
    await refused("This referral is over.")
    assert await keys_of(world, openings.c.id) == []
    assert {row.facts["allowed"] for row in await acts(world) if row.act == "safe_place.read"} == {True, False}


async def test_nobody_collects_addresses_and_whoever_is_refused_is_told_what_to_do(
    world, works_here, amira, case_id, safe, keep, clock
):
    await keep()
    ines, _ = await works_here("ines", Role.COORDINATOR, paged=True)
    officer, browser = amira

    def opened(tx: Connection) -> None:
        [mine] = [each.referral for each in referrals.referrals_of(tx, world.hand(officer), case_id)]
        for house in "abc":
            row = {"id": house, "case_id": case_id, "referral_id": mine.id, "service_id": house, "once": house}
            who = {"officer_id": officer.id, "purpose": "visit", "why_sealed": b"", "at": clock.now()}
            add_opening(tx, **row, **who)

    await world.database.write(opened)
    for _ in range(2):
        await open_it(browser, case_id)
        assert (browser.status, "no other is for now" in browser.page, found_in(browser.page)) == (409, True, [])
    told = sa.text("SELECT officer_id FROM pages WHERE key LIKE 'capped:%'")
    assert await world.database.read(lambda tx: list(tx.execute(told).scalars())) == [ines.id]
    assert "it stayed shut" in await browser.go(f"/desk/cases/{case_id}")

    await world.database.write(lambda tx: tx.execute(openings.update().values(at=clock.now() - WITHIN)))
    await browser.go(f"/desk/cases/{case_id}/refer")
    await open_it(browser, case_id)
    assert "Canarino" in browser.page
    await world.database.write(lambda tx: tx.execute(openings.update().values(at=clock.now())))
    await browser.go(f"/desk/cases/{case_id}/refer")
    await open_it(browser, case_id)  # the same house again is not one more
    assert "Canarino" in browser.page


async def test_in_an_emergency_nobody_is_asked_again_where_the_child_went_there(world, amira, case_id, keep):
    await keep()
    officer, browser = amira

    def no_consent(tx: Connection) -> None:
        hand = world.hand(officer)
        [mine] = [each.referral for each in referrals.referrals_of(tx, hand, case_id)]
        consent.withdraw(tx, hand, case_id, mine.consent_id, holders=[])

    await world.database.write(no_consent)
    await browser.go(f"/desk/cases/{case_id}/refer")
    assert "/refer/address" not in browser.page
    await browser.send(f"/desk/cases/{case_id}/refer/move", act="attend")

    await open_it(browser, case_id, purpose="visit")
    assert "Nobody agrees to this any more." in browser.page
    await open_it(browser, case_id, purpose="emergency", why="He stands at their door")
    assert "Canarino" in browser.page


# --- nothing anywhere else ----------------------------------------------------------------------------------------

#: What is no page: streams do not end, and files have ids of their own.
NO_PAGES = re.compile(r"/live$|/file$|/files/|/stream|\{(?!id\})")


def pages_of(desk, ids: dict[str, list[str]]) -> list[str]:
    """Every page of the desk, those about one object for each we know."""
    found = []
    for rule in desk.app[RULES].values():
        if rule.method != "GET" or NO_PAGES.search(rule.path):
            continue
        if "{id}" not in rule.path:
            found.append(rule.path)
        for begins, known in ids.items():
            if rule.path.startswith(begins + "/{id}"):
                found += [rule.path.replace("{id}", each) for each in known]
    return found


@pytest.mark.on_both
async def test_no_page_but_the_one_to_the_one_officer_tells_where_it_is(
    world, desk, at_desk, admins, amira, case_id, safe, clock, caplog
):
    """Planted through the forms, by two admins; opened once; a third address waits. Then everybody looks everywhere."""
    caplog.set_level("DEBUG")
    ana, ben = admins
    page = f"/desk/services/{safe}"
    said: dict[str, str] = {"the form": await ana.go(page)}
    said["typed"] = await ana.send(f"{page}/address", **TYPED)
    await ben.go(page)
    said["approved"] = await ben.send(f"{page}/address/decide", **CALL)
    assert "Canarino" in await open_it(amira[1], case_id)
    await ana.go(page)
    said["typed again"] = await ana.send(f"{page}/address", **{**TYPED, "why": "moved"})
    assert "Another address waits" in ana.page
    house = await world.database.read(lambda tx: store.get_service(tx, safe))
    draft = await world.database.write(
        lambda tx: propose_change(tx, replace(house, summary="another summary"), by="ana", at=clock.now())
    )

    paths = pages_of(desk, {"/desk/services": [safe, draft.id], "/desk/cases": [case_id]})
    assert {f"{page}/edit", f"/desk/cases/{case_id}/print", f"/desk/cases/{case_id}/seen-by"} <= set(paths)
    paths += [f"/desk/services?show={view}" for view in VIEWS] + ["/desk/audit?check=1", f"{page}/with/{draft.id}"]
    looking = {"who typed it": ana, "who read it": amira[1]}
    others = set(Role) - {Role.ADMIN, Role.OFFICER}
    looking |= {role: await at_desk(await world.officer(role, role)) for role in sorted(others)}
    opened = 0
    for name, browser in looking.items():
        for path in paths:
            said[f"{name} {path}"] = await browser.go(path)
            opened += browser.status == 200
    for canary in CANARIES:  # what was typed is shown again where it was typed
        told = await ben.go(f"/desk/services?q={quote(canary)}")
        said[f"searched {canary}"] = re.sub(r'<input name="q"[^>]*>', "", told)
    assert opened > 150
    said["tables"] = await world.database.read(every_cell)
    # The test server writes addresses into a log of its own; the program has no such log.
    said["log"] = "\n".join(line.getMessage() for line in caplog.records if line.name != "aiohttp.access")

    assert [(where, found_in(text)) for where, text in said.items() if found_in(text)] == []


def every_cell(tx: Connection) -> str:
    tables = [table for tables in all_metadata() for table in tables.sorted_tables]
    cells = [cell for table in tables for row in tx.execute(sa.select(table)) for cell in row]
    return "\n".join(cell.decode("latin-1") if isinstance(cell, bytes) else str(cell) for cell in cells)
