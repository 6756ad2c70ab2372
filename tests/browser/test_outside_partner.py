"""A request behind a link: what the officer makes at the desk, and what somebody without Waymark sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from bot.cases import consent
from bot.cases.service import claim_case
from bot.exchange.gate import Situation
from bot.exchange.partners import service as partner_service
from bot.exchange.partners.model import Agreement, Contact, Partner, PartnerKind
from bot.exchange.requests import drafting, sending, service, situations
from bot.exchange.requests.attachments import service as attachments
from bot.exchange.requests.attachments.service import Wanted
from bot.kernel.access import Role
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer
from tests.browser.desk_server import DeskServer
from tests.chromium import DESKTOP, PHONE, console_of, picture
from tests.integration.exchange.two_countries import ALL_TYPES, a_draft, an_agreement_to

pytestmark = pytest.mark.browser

EMAIL = "amel@tunis.example"
PDF = b"%PDF-1.7 a certificate"


@pytest.fixture(scope="module")
def desk() -> Iterator[DeskServer]:
    with DeskServer() as server:
        yield server


@dataclass
class Asked:
    """A request to a partner with a telephone, and the officer who asks."""

    desk: DeskServer
    officer: Officer
    request_id: str


@pytest.fixture
def asked(desk: DeskServer, request: pytest.FixtureRequest) -> Asked:
    return ask_a_partner(desk, getattr(request, "param", "en"))


def ask_a_partner(desk: DeskServer, language: str) -> Asked:
    """An approved request to a partner whose contact reads that language."""
    name = f"amira-{new_id()[-6:]}"
    officer = desk.run(desk.officer(name, Role.OFFICER, Role.COORDINATOR, Role.ADMIN))
    second = desk.run(desk.officer(f"{name}-2", Role.COORDINATOR, Role.ADMIN))
    case_id = desk.run(desk.danger(desk.run(desk.person()), "a man says he is my uncle", reason="non_parent_adult"))
    hand, other = desk.hand(officer), desk.hand(second)
    agreed = Agreement(
        frozenset({sending.PURPOSE}), frozenset({"identity", "family"}), 90,
        hand.at - timedelta(days=1), hand.at + timedelta(days=90), "protocol 7",
    )  # fmt: skip
    partner = Partner(
        id=new_id(), name=f"Tunis Child Protection {name[-6:]}", country="TN", kind=PartnerKind.NGO,
        reports_to=frozenset(), contacts=(Contact("Amel", "+216 71 000 000", EMAIL, (language,)),), agreement=agreed,
        may_send=ALL_TYPES, by_link=True,
    )  # fmt: skip

    def play(tx):
        partner_service.add_partner(tx, desk.vault, partner, by="test", at=hand.at)
        for admin in (officer, second):
            partner_service.sign_contact(tx, desk.vault, partner.id, heard=EMAIL, officer_id=admin.id, at=hand.at)
        claim_case(tx, hand, case_id)
        situations.record_situation(tx, hand, case_id, Situation(frozenset(), False))
        consent.record(tx, hand, case_id, an_agreement_to(partner.id))
        request_id = drafting.draft(tx, hand, case_id, a_draft(partner.id, asks=("who_cared", "harm")))
        attachments.attach_upload(tx, hand, request_id, PDF, Wanted("Birth certificate, front", "identity"))
        service.approve(tx, other, request_id)
        return request_id

    return Asked(desk, officer, desk.run(desk.database.write(play)))


def at_desk(asked: Asked, chromium: Browser) -> Page:
    page = chromium.new_context(viewport=DESKTOP).new_page()
    page.goto(asked.desk.run(asked.desk.link(asked.officer)))
    page.get_by_role("button").first.click()
    page.wait_for_url("**/desk/queue")
    page.goto(asked.desk.url(f"/desk/requests/{asked.request_id}"))
    return page


def link_and_code(page: Page, asked: Asked) -> tuple[str, str]:
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("button", name="Make a link and a code").click()
    card = page.locator("section", has=page.get_by_role("heading", name="This partner has no Waymark"))
    expect(card).to_contain_text("+216 71 000 000")
    said = card.inner_text()
    code, token = re.search(r"\b\d{6}\b", said), re.search(r"/request(\?lang=\w+#[\w-]{30,})", said)
    assert code is not None
    assert token is not None
    return asked.desk.url(f"/request{token[1]}"), code[0]


def test_they_see_about_whom_it_is_only_after_they_took_it_on(asked: Asked, chromium: Browser):
    officer = at_desk(asked, chromium)
    link, code = link_and_code(officer, asked)
    picture(officer, "outside-desk")
    page = chromium.new_context(viewport=PHONE).new_page()
    said = console_of(page)

    page.goto(link)
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_text("Who cared for the child")).to_be_visible()
    expect(page.get_by_text("asks you. If you doubt it, call them")).to_be_visible()
    expect(page.get_by_text("told names")).to_have_count(0)
    picture(page, "outside-before")

    page.get_by_role("button", name="We can answer: show it").click()
    expect(page.get_by_text("told names")).to_be_visible()
    picture(page, "outside-shown")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save: Birth certificate, front").click()
    assert Path(saved.value.path()).read_bytes() == PDF

    first = page.get_by_role("group", name=re.compile("Who cared"))
    first.get_by_label("Answer").fill("Her grandmother, until 2024.")
    page.get_by_role("radio", name=re.compile("nobody but the child")).check()
    page.get_by_role("button", name="Send these answers").click()
    expect(page.get_by_role("alert")).to_contain_text("how you know it")
    expect(first.get_by_label("Answer")).to_have_value("Her grandmother, until 2024.")  # nothing typed is lost

    first.get_by_label("How do you know?").select_option("seen")
    first.get_by_label("How sure are you?").select_option("high")
    page.get_by_role("button", name="Send these answers").click()
    expect(page.get_by_role("status")).to_contain_text("Thank you")
    page.get_by_label("A file for your answer").set_input_files(
        {"name": "her name.png", "mimeType": "image/png", "buffer": b"\x89PNG\r\n\x1a\n picture"}
    )
    page.get_by_role("button", name="Attach").click()
    expect(page.get_by_text("Files kept: 1")).to_be_visible()

    officer.reload()
    expect(officer.get_by_text("Her grandmother, until 2024.")).to_be_visible()
    with officer.expect_download() as download:
        officer.get_by_role("link", name=re.compile("kB")).click()
    assert "her name" not in download.value.suggested_filename
    assert [line for line in said if "422" not in line] == []


@pytest.mark.parametrize(("asked", "scheme"), [("ar", "dark"), ("de", "light")], indirect=["asked"])
def test_the_page_speaks_the_language_of_the_contact_and_fits_a_phone(
    asked: Asked, chromium: Browser, scheme: str, request: pytest.FixtureRequest
):
    language = request.node.callspec.params["asked"]
    link, code = link_and_code(at_desk(asked, chromium), asked)
    page = chromium.new_context(viewport=PHONE, color_scheme=scheme).new_page()

    page.goto(link)
    page.locator("input[name=code]").fill(code)
    page.get_by_role("button", name="Ελληνικά").click()
    expect(page.get_by_role("heading", name="Ένα αίτημα")).to_be_visible()
    page.locator("input[name=code]").fill(code)
    page.locator("form[action='/request'] button").click()
    page.locator(f"button[name=switch][value={language}]").click()
    page.locator("form[action='/request/accept'] button").click()
    picture(page, f"outside-{language}")

    assert page.locator("html").get_attribute("lang") == language
    assert page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth") <= 0


def test_a_wrong_code_opens_nothing_and_says_so(asked: Asked, chromium: Browser):
    link, code = link_and_code(at_desk(asked, chromium), asked)
    page = chromium.new_context(viewport=PHONE).new_page()
    page.goto(link)
    page.get_by_label("Code").fill("000000" if code != "000000" else "111111")
    page.get_by_role("button", name="Open").click()

    expect(page.get_by_role("alert")).to_contain_text("not the code")
    expect(page.get_by_text("Who cared for the child")).to_have_count(0)
