"""Services on the desk: looked up, reviewed, checked, retired; and a safe house that no screen gives away."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from bot.kernel import audit
from bot.kernel.access import Role
from directory import store
from directory.model import Phone, RecordState, Service
from directory.service import Wrong, propose_change, report_wrong
from tests.integration.directory.records import a_service, put


async def stored(world, clock, **changes) -> Service:
    record = a_service("Harbour house", clock.now(), phones=(Phone("+44 1632 960001"),), **changes)
    await world.database.write(lambda tx: put(tx, record, at=clock.now()))
    return record


async def proposed(world, clock, record: Service, by: str, **changes) -> Service:
    return await world.database.write(
        lambda tx: propose_change(tx, replace(record, **changes), by=by, at=clock.now(), why="they moved")
    )


async def test_a_changed_phone_is_put_in_force_by_a_colleague_who_called_the_old_number(world, clock, at_desk):
    ana, ben = await world.officer("ana", Role.ADMIN), await world.officer("ben", Role.ADMIN)
    record = await stored(world, clock)
    draft = await proposed(world, clock, record, ana.id, phones=(Phone("+44 1632 960999"),))
    page, act = f"/desk/services/{draft.id}", f"/desk/services/{draft.id}/move"
    hers, his = await at_desk(ana), await at_desk(ben)

    shown = await hers.go(page)
    assert "960001" in shown
    assert "960999" in shown
    assert "Call the old contact first" in shown
    await hers.post(act, csrf=csrf(shown), to="in_review")
    assert "colleague who did not write it" in await hers.post(act, csrf=csrf(shown), to="current", call_back="called")
    assert f'href="/desk/services/{draft.id}"' in await his.go("/desk/services?show=in_review")
    shown = await his.go(page)
    assert "note who said what" in await his.post(act, csrf=csrf(shown), to="current", call_back=" ")
    assert (await current(world, record)).phones == record.phones

    shown = await his.post(act, csrf=csrf(shown), to="current", call_back="Mona, old number, at noon")

    assert his.path == f"/desk/services/{record.id}"
    assert "Saved." in shown
    assert "Mona, old number, at noon" in shown
    assert (await current(world, record)).phones[0].number == "+44 1632 960999"
    acts = [row.act for row in await world.database.read(lambda tx: audit.read_log(tx, limit=20))]
    assert "service.current" in acts


async def current(world, record: Service) -> Service:
    found = await world.database.read(lambda tx: store.get_service(tx, record.id))
    assert found is not None
    return found


def csrf(page: str) -> str:
    return page.split('name="csrf" value="', 1)[1].split('"', 1)[0]


async def test_a_check_is_written_down_and_answers_what_was_reported(world, clock, at_desk):
    record = await stored(world, clock)
    for person in ("one", "two"):
        await world.database.write(
            lambda tx, person=person: report_wrong(tx, record.id, Wrong.CLOSED, reporter=person, at=clock.now())
        )
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    for view in ("reported", "due"):
        assert "Harbour house" in await browser.go(f"/desk/services?show={view}")
    shown = await browser.go(f"/desk/services/{record.id}")
    assert "It was closed" in shown

    assert "Say with whom" in await browser.send(f"/desk/services/{record.id}/check", method="phone", source=" ")
    shown = await browser.send(f"/desk/services/{record.id}/check", method="phone", source="the night worker")

    assert "It was closed" not in shown
    assert (await current(world, record)).verification.source == "the night worker"
    assert "Harbour house" not in await browser.go("/desk/services?show=reported")


@pytest.mark.parametrize("role", [Role.OFFICER, Role.COORDINATOR])
async def test_only_an_admin_may_move_or_check(world, clock, at_desk, role):
    record = await stored(world, clock, state=RecordState.DRAFT)
    browser = await at_desk(await world.officer("ines", role))
    shown = await browser.go(f"/desk/services/{record.id}")
    assert "Give to review" not in shown

    await browser.post(f"/desk/services/{record.id}/move", csrf=csrf(shown), to="in_review")
    assert browser.status == 404
    await browser.post(f"/desk/services/{record.id}/check", csrf=csrf(shown), method="phone", source="x")
    assert browser.status == 404
    assert (await current(world, record)).state is RecordState.DRAFT


async def test_what_is_asked_wrongly_changes_nothing(world, clock, at_desk):
    record = await stored(world, clock)
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    token = csrf(await browser.go(f"/desk/services/{record.id}"))

    for path, fields, status in (
        ("move", {"to": "anything"}, 400),
        ("check", {"method": "guess", "source": "x"}, 400),
        ("check", {"method": "invented", "source": "x"}, 400),
    ):
        await browser.post(f"/desk/services/{record.id}/{path}", csrf=token, **fields)
        assert browser.status == status
    assert "moved on" in await browser.post(f"/desk/services/{record.id}/move", csrf=token, to="draft")
    await browser.go("/desk/services/none")
    assert browser.status == 404
    assert await current(world, record) == replace(record, modified_at=(await current(world, record)).modified_at)


@pytest.mark.parametrize("language", ["en", "fr", "es", "ar"])
async def test_the_screen_is_whole_in_every_language(world, clock, at_desk, language):
    record = await stored(world, clock, name="<b>=1</b>")
    draft = await proposed(world, clock, record, "somebody", website="https://example.org")
    browser = await at_desk(await world.officer("ana", *Role))

    edit, coverage = f"/desk/services/{draft.id}/edit", "/desk/services/coverage"
    for path in (
        f"/desk/services/{record.id}",
        f"/desk/services/{draft.id}",
        "/desk/services?show=draft",
        edit,
        coverage,
    ):
        shown = await browser.go(f"{path}{'&' if '?' in path else '?'}lang={language}")
        assert browser.status == 200
        assert f'<html lang="{language}"' in shown
        assert "<b>=1</b>" not in shown
