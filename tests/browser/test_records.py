"""Records a child carries in a real browser: filled in, chosen with the child, printed in two languages, read again."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from bot.kernel.officers import Officer
from tests.browser.desk_server import DeskServer
from tests.browser.test_case_work import SignIn, desk, held, sign_in  # noqa: F401  (fixtures)

pytestmark = pytest.mark.browser


def fill_in(page: Page, address: str) -> None:
    page.goto(f"{address}/sheet?kind=health")
    page.get_by_label("Name", exact=True).fill("Ali Hassan")
    page.get_by_label("Date or year of birth").fill("2010-05")
    page.get_by_label("Language of these words").select_option("fr")
    page.get_by_label("Second language, for the other column").select_option("ar")
    line = page.get_by_role("group", name="Illnesses and conditions 1")
    line.get_by_label("What", exact=True).fill("Asthme")
    line.get_by_label("In the second language").fill("ربو")
    line.get_by_label("How we know").select_option("examined")
    second = page.get_by_role("group", name="Illnesses and conditions 2")
    second.get_by_label("What", exact=True).fill("Dépression")
    medicine = page.get_by_role("group", name="Medicines, by international name 1")
    medicine.get_by_label("What", exact=True).fill("salbutamol")
    medicine.get_by_label("Dose and how often").fill("2 bouffées si besoin")
    page.locator("#allergies").get_by_label("None known: it was asked").check()
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()


def choose(page: Page, address: str) -> None:
    page.goto(f"{address}/choose?kind=health")
    for words in ("Name", "Date or year of birth", "Asthme", "salbutamol"):
        page.get_by_label(re.compile(words)).check()
    page.get_by_label("Allergies: None known").check()
    page.get_by_label("Exactly what was said or shown").fill("هل تريد أن نكتب الربو؟")
    page.get_by_label("Language it was asked in").fill("ar")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", name="As codes")).to_be_visible()


def test_a_health_record_from_the_sheet_to_the_paper(
    desk: DeskServer,  # noqa: F811
    sign_in: SignIn,  # noqa: F811
    held: tuple[Officer, str],  # noqa: F811
    tmp_path: Path,
):
    amira, case_id = held
    page = sign_in(amira)
    page.goto(page.url.replace("/desk/queue", f"/desk/cases/{case_id}/file"))
    page.get_by_role("link", name="Records to carry").click()
    address = page.url
    fill_in(page, address)

    page.goto(f"{address}/choose?kind=health")
    expect(page.get_by_text("Mental health: anybody who finds the paper reads this.")).to_be_visible()
    expect(page.get_by_role("checkbox", checked=True)).to_have_count(0)
    choose(page, address)
    expect(page.get_by_role("img", name="Code 1 of 1")).to_be_visible()
    with page.expect_download() as given:
        page.get_by_role("link", name="Signed file").click()
    signed = Path(given.value.path())

    page.get_by_role("button", name="Show the page to print").click()
    left, right = page.get_by_text("Asthme"), page.get_by_text("ربو")
    assert left.bounding_box()["x"] < right.bounding_box()["x"]  # type: ignore[index]
    assert abs(left.bounding_box()["y"] - right.bounding_box()["y"]) < 8  # type: ignore[index]
    expect(page.get_by_text("Dépression")).to_have_count(0)
    printed = page.pdf(path=tmp_path / "paper.pdf", format="A4", prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1

    page.goto(address)
    page.get_by_label("A file").set_input_files(
        {"name": "record.jwt", "mimeType": "application/jwt", "buffer": signed.read_bytes()}
    )
    page.get_by_role("button", name="Read it").click()
    expect(page.get_by_text("Signed by this helpline: nothing was changed since.")).to_be_visible()
