"""Services on the desk in a real browser: a change is reviewed by keyboard, and every screen fits."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect
from sqlalchemy.engine import Connection

from bot.kernel.access import Role
from directory import store
from directory.files.sent import begin_check, check_file, keep_file
from directory.model import Phone, RecordState, Service, fixed_id
from directory.service import Wrong, move_service, propose_change, report_wrong
from tests.browser.desk_server import DeskServer
from tests.browser.test_desk import SignIn, desk, sign_in
from tests.chromium import PHONE

__all__ = ["desk", "sign_in"]

pytestmark = pytest.mark.browser


def a_change_in_review(desk: DeskServer) -> tuple[Service, Service]:
    """The kitchen of the demonstration with another phone, which waits for somebody to decide."""

    async def make() -> tuple[Service, Service]:
        def work(tx: Connection) -> tuple[Service, Service]:
            at = desk.clock.now()
            [record] = store.get_services(tx, store.list_ids(tx, words="Lantern kitchen")[:1])
            changed = replace(record, phones=(Phone("+44 1632 960999"),), summary="Warm meals, also at night.")
            draft = propose_change(tx, changed, by="ana", at=at, why="They wrote to us.")
            move_service(tx, draft.id, RecordState.IN_REVIEW, by="ana", at=at)
            report_wrong(tx, record.id, Wrong.CLOSED, reporter="one", at=at)
            return record, draft

        return await desk.database.write(work)

    return desk.run(make())


def a_twin(tx: Connection, record: Service, *, at: datetime) -> None:
    """The same service once more, as an import would bring it."""
    places = tuple(replace(place, id=fixed_id("twin place", place.id)) for place in record.locations)
    store.put_service(tx, replace(record, id=fixed_id("twin", record.id), locations=places), at=at)


def files_sent(desk: DeskServer) -> tuple[str, str]:
    """Two sheets that were looked through: all of one can be taken in, a column and a row of the other are wrong."""

    async def send(content: str, name: str) -> str:
        import_id = await keep_file(desk.database, content.encode(), name=name, by="ana", at=desk.clock.now())
        await begin_check(desk.database, import_id, columns=None, at=desk.clock.now())
        await check_file(desk.database, import_id)
        return import_id

    good = (
        "Nom;organisme;Besoins;Pays;Ville\nFoyer des Pins;Asso;shelter;FR;Calais\nRepas du soir;Asso;food;FR;Calais\n"
    )
    wrong = good.replace("food", f"a-need-{'that-nobody-knows-' * 3}") + "Sans pays;Asso;food;;Calais\n"
    return desk.run(send(good, "From the town of Calais")), desk.run(send(wrong, "من بلدية كاليه"))


def test_a_file_is_brought_in_by_keyboard(desk: DeskServer, sign_in: SignIn, tmp_path: Path):
    file = tmp_path / "services.csv"
    file.write_text("Bezeichnung;Träger;Was;Land\nHeim am See;Verein;shelter;DE\n", encoding="utf-8")
    page = sign_in(desk.run(desk.officer("Ben", Role.ADMIN, Role.OFFICER)))
    page.get_by_role("link", name="Services").click()
    page.get_by_role("link", name="Bring a file in").press("Enter")
    page.get_by_label("The file").set_input_files(file)
    page.get_by_label("From whom").press_sequentially("A partner in Bremen")
    page.get_by_role("button", name="Look it through").press("Enter")
    expect(page.get_by_text("Say which columns these are")).to_be_visible()

    for title, field in {"Bezeichnung": "name", "Träger": "organization", "Was": "needs", "Land": "country"}.items():
        page.get_by_role("combobox", name=title).select_option(field)
    page.get_by_role("button", name="Look it through again").press("Enter")
    page.get_by_role("button", name="Take it in").press("Enter")

    expect(page.get_by_text("taken in", exact=True)).to_be_visible()
    page.get_by_role("link", name="Review the drafts").press("Enter")
    expect(page.get_by_role("link", name="Heim am See")).to_be_visible()


def test_a_change_is_reviewed_by_keyboard(desk: DeskServer, sign_in: SignIn):
    record, _draft = a_change_in_review(desk)
    page = sign_in(desk.run(desk.officer("Ben of the second desk", Role.ADMIN, Role.OFFICER)))
    page.get_by_role("link", name="Services").click()
    page.get_by_role("link", name="To review").press("Enter")
    page.get_by_role("checkbox", name="Choose all that are shown").press("Space")
    expect(page.get_by_role("checkbox", name=f"Choose {record.name}")).to_be_checked()
    page.get_by_role("checkbox", name="Choose all that are shown").press("Space")
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)
    page.get_by_role("link", name=record.name).press("Enter")
    expect(page.get_by_text("Call the old contact first")).to_be_visible()

    note = page.get_by_label("The call on the old contact: who said what, when")
    note.press_sequentially("Mona at the old number, at noon")
    page.get_by_role("button", name="Put in force").press("Enter")

    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_text("Mona at the old number, at noon")).to_be_visible()
    expect(page.get_by_text("+44 1632 960999").first).to_be_visible()

    page.set_viewport_size(PHONE)
    page.goto(desk.url(f"/desk/services/{record.id}"))
    sound, edit = page.get_by_role("button", name="Turn sound on"), page.get_by_role("link", name="Edit", exact=True)
    expect(sound).to_be_visible()
    edit.hover()
    before = edit.bounding_box()
    page.mouse.down()  # the finger is down, and the sound wakes
    expect(sound).to_be_hidden()
    assert edit.bounding_box() == before
    page.mouse.up()
    expect(page).to_have_url(desk.url(f"/desk/services/{record.id}/edit"))


def test_the_map_of_the_coverage_is_read_by_keyboard_and_leads_into_the_table(desk: DeskServer, sign_in: SignIn):
    page = sign_in(desk.run(desk.officer("Inès", *Role)))
    problems: list[str] = []
    page.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    page.goto(desk.url("/desk/services/coverage"))
    drawn = page.get_by_role("region", name="Map of the coverage")

    place = drawn.get_by_role("button", name="Menton:")  # beside Ventimiglia, where less is missing
    expect(drawn.get_by_role("button", name="Ventimiglia:")).to_have_count(0)
    place.focus()
    place.press("Enter")
    link = drawn.get_by_role("link", name="Show it in the table")
    expect(link).to_be_focused()
    expect(drawn.get_by_text("More places close to it: 1.")).to_be_visible()
    link.press("Enter")

    expect(page.locator("tr:target")).to_contain_text("Menton")
    expect(page.locator(".map-border")).to_have_count(1)  # the borders that ship were drawn
    place.press("Enter")
    expect(link).to_be_focused()
    link.press("Escape")
    expect(place).to_be_focused()
    assert problems == []


def test_the_point_of_a_record_is_moved_on_the_map_or_in_its_fields(desk: DeskServer, sign_in: SignIn):
    [record] = desk.run(desk.database.read(lambda tx: store.list_ids(tx, words="Willow clinic, Irun")))
    page = sign_in(desk.run(desk.officer("Inès", *Role)))
    page.goto(desk.url(f"/desk/services/{record}/edit"))
    latitude, longitude = page.get_by_label("Latitude").first, page.get_by_label("Longitude").first
    before = latitude.input_value(), longitude.input_value()

    page.get_by_text("Add another place").press("Enter")
    another = page.locator("details[data-place]")
    another.locator(".map.leaflet-container").click(position={"x": 40, "y": 200})
    expect(another.get_by_label("Latitude")).not_to_have_value("")
    assert (latitude.input_value(), longitude.input_value()) == before  # each place has a map of its own

    page.locator(".map.leaflet-container").first.click(position={"x": 40, "y": 300})
    expect(latitude).not_to_have_value(before[0])
    moved = latitude.input_value(), longitude.input_value()
    latitude.fill(before[0])
    longitude.fill(before[1])
    longitude.press("Tab")
    page.get_by_role("button", name="Put the point in the middle of the map").first.press("Enter")

    assert moved != before
    assert float(moved[1]) < float(before[1])
    assert float(latitude.input_value()) == pytest.approx(float(before[0]), abs=0.02)
    assert float(longitude.input_value()) == pytest.approx(float(before[1]), abs=0.02)
