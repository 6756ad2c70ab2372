"""A record is edited on one form; many records take a step together, or none does."""

from __future__ import annotations

import re
from html import unescape

from msgspec.structs import replace

from bot.desk import service_list
from bot.kernel.access import Role
from directory import demonstration, store
from directory.model import Phone, RecordState, Service, Translation
from directory.opening_hours import week
from tests.integration.desk.test_services_desk import csrf, current, stored
from tests.integration.directory.records import a_service, put


def filled_in(page: str) -> dict[str, str | list[str]]:
    """The fields of the form as the page has them."""
    form = page[
        page.index('<form class="fields edit"') : page.index("</form>", page.index('<form class="fields edit"'))
    ]
    fields: dict[str, str | list[str]] = {}
    for tag in re.findall(r"<input [^>]*>", form):
        name, kind = re.search(r'name="([^"]+)"', tag), re.search(r'type="([^"]+)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        if name and not (kind and kind[1] == "checkbox" and " checked" not in tag):
            fields[name[1]] = unescape(value[1]) if value else ""
    for name, text in re.findall(r'<textarea name="([^"]+)"[^>]*>(.*?)</textarea>', form, re.S):
        fields[name] = unescape(text)
    for name, options in re.findall(r'<select name="([^"]+)">(.*?)</select>', form, re.S):
        chosen = re.search(r'<option value="([^"]*)" selected>', options)
        fields[name] = chosen[1] if chosen else ""
    return fields


async def test_what_is_in_force_is_changed_by_a_draft_from_the_form(world, clock, at_desk):
    record = await stored(world, clock, hours=week("Europe/Rome", "mo-fr 09:00-12:30"))
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    page = f"/desk/services/{record.id}/edit"

    fields = filled_in(await browser.go(page))
    assert fields["hours.0"] == "09:00-12:30"
    fields |= {"why": "they wrote", "hours.5": "10:00-12:00", "summary.ar": "سرير آمن", "pregnant": "yes"}
    fields |= {"need.food": "yes", "referral.phone": "+44 1632 960555", "staff.women": "yes", "available": "3"}
    shown = await browser.post(page, **fields)

    assert "Saved." in shown
    assert browser.path != f"/desk/services/{record.id}"
    draft_id = browser.path.rsplit("/", 1)[1]
    draft = await world.database.read(lambda tx: store.get_service(tx, draft_id))
    assert draft is not None
    assert draft.update_of == record.id
    assert draft.hours == week("Europe/Rome", "mo-fr 09:00-12:30; sa 10:00-12:00")
    assert draft.summaries == (Translation("ar", "سرير آمن"),)
    assert draft.eligibility.pregnant is True
    assert draft.needs == ("shelter", "food")
    assert draft.referral.phone == "+44 1632 960555"
    assert draft.capacity is not None
    assert (await current(world, record)).needs == ("shelter",)  # people have what they had


async def test_a_translation_that_was_left_behind_is_listed_and_marked(world, clock, at_desk):
    record = await stored(world, clock, summaries=(Translation("ar", "سرير آمن", stale=True),))
    browser = await at_desk(await world.officer("ana", Role.ADMIN))

    assert record.name in await browser.go("/desk/services?show=translate")
    shown = await browser.go(f"/desk/services/{record.id}/edit")
    assert "the original has changed" in shown
    shown = await browser.post(f"/desk/services/{record.id}/edit", **filled_in(shown), **{"fresh.ar": "yes"})

    draft = await world.database.read(lambda tx: store.get_service(tx, browser.path.rsplit("/", 1)[1]))
    assert draft is not None
    assert draft.summaries == (Translation("ar", "سرير آمن"),)


async def test_what_cannot_be_read_is_named_and_nothing_typed_is_lost(world, clock, at_desk):
    record = await stored(world, clock)
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    page = f"/desk/services/{record.id}/edit"
    fields = filled_in(await browser.go(page)) | {"why": "x", "hours.1": "nine to five", "summary.en": "Typed for long"}

    shown = await browser.post(page, **fields)

    assert browser.status == 422
    assert "<title>Nothing was changed yet. Mend this first:" in shown
    assert 'role="alert" tabindex="-1" autofocus>' in shown, "whoever hears the page hears this first"
    assert "is not two times" in shown
    assert "Typed for long" in shown
    assert await world.database.read(lambda tx: store.update_ids(tx, [record.id], list(RecordState))) == {}


async def test_two_editors_do_not_write_over_each_other(world, clock, at_desk):
    record = await stored(world, clock)
    page = f"/desk/services/{record.id}/edit"
    hers = await at_desk(await world.officer("ana", Role.ADMIN))
    his = await at_desk(await world.officer("ben", Role.ADMIN))
    first, second = filled_in(await hers.go(page)), filled_in(await his.go(page))

    await hers.post(page, **(first | {"why": "hers", "summary.en": "hers"}))
    shown = await his.post(page, **(second | {"why": "his", "summary.en": "his"}))

    assert (his.status, "all that you typed is still here" in shown) == (409, True)
    assert re.search(r"<td[^>]*>hers</td><td[^>]*>his</td>", shown)
    [draft_id] = (await world.database.read(lambda tx: store.update_ids(tx, [record.id], list(RecordState)))).values()
    draft = await world.database.read(lambda tx: store.get_service(tx, draft_id))
    assert draft is not None
    assert draft.summary == "hers"
    await his.go(page)
    assert his.path == f"/desk/services/{draft_id}"  # he is led to the change that is open

    await his.post(
        f"/desk/services/{draft_id}/edit", **(filled_in(shown) | {"why": "both"})
    )  # now he knows, and it counts
    draft = await world.database.read(lambda tx: store.get_service(tx, draft_id))
    assert draft.summary == "his"


async def test_only_an_admin_may_edit(world, clock, at_desk):
    record = await stored(world, clock)
    browser = await at_desk(await world.officer("ines", Role.OFFICER))
    token = csrf(await browser.go(f"/desk/services/{record.id}"))
    for path in (f"/desk/services/{record.id}/edit", "/desk/services/move"):
        await browser.post(path, csrf=token, id=record.id, to="archived", why="x")
        assert browser.status == 404
    assert (await current(world, record)).state is RecordState.CURRENT


async def drafts(world, clock) -> list[Service]:
    records = [
        replace(a_service(f"draft {n}", clock.now(), state=RecordState.DRAFT), phones=(Phone(f"11{n}"),))
        for n in range(3)
    ]
    await world.database.write(lambda tx: put(tx, *records, at=clock.now()))
    return records


async def states(world, records: list[Service]) -> list[RecordState]:
    return [(await current(world, record)).state for record in records]


async def test_many_records_take_a_step_together(world, clock, at_desk):
    records = await drafts(world, clock)
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    token = csrf(await browser.go("/desk/services?show=draft"))
    ids = [record.id for record in records]

    shown = await browser.post("/desk/services/move", csrf=token, id=ids, to="in_review", why="looked", show="draft")

    assert "Saved." in shown
    assert await states(world, records) == [RecordState.IN_REVIEW] * 3


async def test_with_one_foreign_id_nothing_happens_and_that_is_said(world, clock, at_desk):
    records = await drafts(world, clock)
    browser = await at_desk(await world.officer("ana", Role.ADMIN))
    token = csrf(await browser.go("/desk/services?show=draft"))
    ids = [*(record.id for record in records), "not-one-of-ours"]

    shown = await browser.post("/desk/services/move", csrf=token, id=ids, to="in_review", why="looked")
    assert "One of them is not there any more. Nothing was changed." in shown
    shown = await browser.post("/desk/services/move", csrf=token, id=ids[:3], to="current", why="looked")
    assert "One of them cannot take this step" in shown
    assert "It stopped at this one:" in shown
    assert f"{records[0].name}</a></p>" in shown
    assert "None was chosen" in await browser.post("/desk/services/move", csrf=token, to="current", why="looked")

    assert await states(world, records) == [RecordState.DRAFT] * 3


async def test_every_record_is_found_page_by_page_or_by_need_and_country_in_whatever_view(
    world, clock, at_desk, monkeypatch
):
    monkeypatch.setattr(service_list, "MOST", 2)
    old = {"checked_days_ago": 200}
    records = [a_service(f"Harbour {name}", clock.now(), **old) for name in ("beds", "meals", "doctor")]
    records[1] = replace(records[1], needs=("food",))
    records[2] = replace(records[2], locations=(), countries=("PT",))
    await world.database.write(lambda tx: put(tx, *records, at=clock.now()))
    browser = await at_desk(await world.officer("ana", Role.ADMIN))

    async def listed(query: str) -> set[str]:
        shown = await browser.go(f"/desk/services?show=due&{query}")
        return {record.name for record in records if f">{record.name}</a>" in shown}

    pages = [await listed(f"page={number}") for number in (1, 2, 3)]
    assert [len(page) for page in pages] == [2, 1, 0]
    assert set.union(*pages) == {record.name for record in records}
    for query, name in {
        "q=beds": "beds",
        "q=meals": "meals",
        "q=doctor": "doctor",
        "need=food": "meals",
        "country=PT": "doctor",
    }.items():
        assert await listed(query) == {f"Harbour {name}"}, query
    shown = await browser.go("/desk/services?show=due&country=GL")
    assert await listed("need=anything&country=-&page=none") == pages[0]  # what means nothing is left out
    ids = [record.id for record in records[:2]]
    shown = await browser.post(
        "/desk/services/move",
        csrf=csrf(shown),
        id=ids,
        to="archived",
        why="gone",
        show="due",
        country="PT",
        need="shelter",
    )
    assert await states(world, records) == [RecordState.ARCHIVED, RecordState.ARCHIVED, RecordState.CURRENT]
    assert "Harbour doctor" in shown  # one is back where one was


async def test_coverage_says_what_is_missing_in_a_town(world, clock, at_desk):
    await world.database.write(lambda tx: demonstration.seed(tx, at=clock.now()))
    browser = await at_desk(await world.officer("ana", Role.ADMIN))

    shown = await browser.go("/desk/services/coverage")

    row = next(row for row in re.findall(r"<tr.*?</tr>", shown, re.S) if ">Ventimiglia<" in row)
    assert re.search(r"[1-9][0-9]* / 31", row)
    assert "Advice about going back" in row
