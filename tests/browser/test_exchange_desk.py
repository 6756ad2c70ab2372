"""Across borders on the desk, as an officer sees it: the draft, the gate, the false uncle and the hold."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Page, expect

from bot.cases import consent
from bot.exchange.gate import Situation
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Mark
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import PartnerKind
from bot.exchange.post.model import ReceivedLetter
from bot.exchange.requests import answering, drafting, history_store, service, situations
from bot.exchange.requests import store as requests
from bot.exchange.requests.attachments import service as attachments
from bot.exchange.requests.attachments.service import Wanted
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import Side, Status
from bot.exchange.requests.passing import store as passings
from bot.exchange.requests.passing.model import Holder
from bot.exchange.requests.sending import PURPOSE
from bot.exchange.requests.transfer import store as transfers
from bot.kernel.access import Role
from bot.kernel.officers import Officer, get_officer
from tests.browser.desk_server import DeskServer
from tests.chromium import DESKTOP, console_of
from tests.integration.desk.test_transfer_desk import FILE
from tests.integration.exchange.test_attachments import PDF, PHOTO, a_part
from tests.integration.exchange.transfers import a_preview
from tests.integration.exchange.two_countries import a_draft, an_agreement_to, put_partner

pytestmark = pytest.mark.browser

HOLD = "Hold: do not place or move this child with this adult."


@pytest.fixture(scope="module")
def desk() -> Iterator[DeskServer]:
    with DeskServer() as server:
        yield server


@pytest.fixture(scope="module")
def story(desk: DeskServer) -> dict[str, str]:
    return a_story(desk, desk.run(desk.officer("amira", Role.OFFICER, Role.COORDINATOR, Role.ADMIN)))


def a_story(desk: DeskServer, officer: Officer) -> dict[str, str]:
    """A girl from Tunisia in Italy, an uncle with her papers, a question to a ministry she fears."""
    person = desk.run(desk.person())
    case_id = desk.run(desk.danger(person, "a man says he is my uncle", reason="non_parent_adult"))
    hand = desk.hand(officer)

    def play(tx):
        from bot.cases.service import claim_case

        claim_case(tx, hand, case_id)
        ministry = put_partner(
            tx, desk.vault, country="TN", kind=PartnerKind.AUTHORITY, reports_to=frozenset({"TN"}), name="Ministère"
        )
        tracing = put_partner(
            tx, desk.vault, country="CH", kind=PartnerKind.INTERNATIONAL, purposes=("family_links",), name="CICR Tunis"
        )
        situations.record_situation(tx, hand, case_id, Situation(frozenset({"TN"}), True, frozenset({"TN"})))
        consent.record(tx, hand, case_id, an_agreement_to(ministry))
        asking = drafting.draft(tx, hand, case_id, a_draft(tracing))
        attachments.attach_upload(tx, hand, asking, PDF, Wanted("شهادة ميلاد", "identity"))
        attachments.attach_upload(tx, hand, asking, PHOTO, Wanted("Her with her aunt, Sfax 2019", "family"))
        request_id = drafting.draft(tx, hand, case_id, a_draft(ministry, "protective_alert"))
        service.approve(tx, hand, request_id)
        adult = holds.open_dossier(tx, hand, case_id, name="Sami Trabelsi", claimed="uncle_aunt", once="")
        holds.mark(tx, hand, str(adult), {"papers": Mark.RED, "heard_apart": Mark.GREEN})
        known = partners.get(tx, tracing, desk.vault)
        partners.add_doubt(tx, partners.Doubt(known.keys[0].kid, ministry, tracing, hand.at))
        first = Holder(asking, "5" * 36, country="LY", items=("names", "data:family"), at=hand.at)
        for each in (first, Holder(asking, "6" * 36, parent=first.passing, at=hand.at, forgotten_at=hand.at)):
            passings.add(tx, each)
        return request_id, str(adult), asking, tracing

    request_id, adult, asking, tracing = desk.run(desk.database.write(play))
    came, came_case = desk.run(desk.database.write(lambda tx: a_case_came(tx, desk, officer)))
    return {
        "came": came,
        "came_case": came_case,
        "officer": officer.id,
        "case": case_id,
        "request": request_id,
        "adult": adult,
        "asking": asking,
        "partner": tracing,
    }


def a_case_came(tx, desk: DeskServer, officer) -> tuple[str, str]:
    """A case that a partner handed over, with a hold, and whose child is on the way."""
    partner = put_partner(tx, desk.vault, country="MA", name="Rabat Enfance")
    hand, request_id = desk.hand(officer), "4" * 36
    intake = RequestIntake(desk.vault)

    def letter(kind: str, body: dict[str, object]) -> ReceivedLetter:
        about = {"request": request_id, **body}
        return ReceivedLetter(
            partner, f"{kind}-1", kind, "case_transfer", PURPOSE, about, "consent:1", None, hand.at, hand.at
        )

    preview = a_preview(request_id, hold=True)
    due = (hand.at + timedelta(days=7)).isoformat()
    intake.receive(tx, letter("request_preview", {**preview, "due_at": due}))
    answering.accept(tx, hand, request_id)
    fields = {
        "birth_year": "2012",
        "names": "Omar",
        "summary": "Needs a bed",
        "receiver": "Ines",
        "arrival": "2030-12-24",
    }
    told = {"fields": fields, "decision": "He goes to his aunt", "language": "en", "assent": "agrees", "file": FILE}
    intake.receive(tx, letter("request_body", told))
    intake.receive(tx, letter("request_file", a_part(request_id, PDF, data="family")))
    for n, (country, days) in enumerate((("DE", 2.5), ("ML", 12), ("TN", 31))):
        request = requests.get_request(tx, request_id).request
        answered = replace(
            request, id=f"{n}" * 36, number=f"XAAA-AA{n}", partner_id=put_partner(tx, desk.vault, country=country),
            side=Side.OURS, type_key="info_child", status=Status.ANSWERED, sent_at=hand.at - timedelta(days=40),
        )  # fmt: skip
        requests.add_request(tx, answered, body_sealed=None)
        history_store.add_event(
            tx, answered.id, "answer_all", officer_id=None, at=answered.sent_at + timedelta(days=days), facts={}
        )
    found = transfers.get(tx, request_id)
    return request_id, str(found and found.case_id)


def signed_in(desk: DeskServer, chromium: Browser, story: dict[str, str], **more: object) -> Page:
    officer = desk.run(desk.database.read(lambda tx: get_officer(tx, story["officer"])))
    page = chromium.new_context(viewport=more.pop("viewport", DESKTOP), **more).new_page()
    page.goto(desk.run(desk.link(officer)))
    page.get_by_role("button").first.click()
    page.wait_for_url("**/desk/queue")
    return page


def test_two_red_marks_and_the_hold_stands_on_the_case_while_it_is_open(
    desk: DeskServer, chromium: Browser, story: dict[str, str]
):
    watching, acting = signed_in(desk, chromium, story), signed_in(desk, chromium, story)
    said = console_of(acting)
    watching.goto(desk.url(f"/desk/cases/{story['case']}"))
    expect(watching.get_by_text(HOLD)).to_have_count(0)

    acting.goto(desk.url(f"/desk/adults/{story['adult']}"))
    group = acting.get_by_role("radiogroup", name="Nothing hints at work, marriage or debt")
    group.get_by_role("radio", name="no, or in doubt").check()
    acting.get_by_role("button", name="Keep the checklist").press("Enter")

    expect(acting.get_by_text(HOLD)).to_be_visible()
    expect(watching.get_by_text(HOLD)).to_be_visible()  # live, without a reload
    assert said == []


def test_the_gate_tells_why_and_what_remains(desk: DeskServer, chromium: Browser, story: dict[str, str]):
    page = signed_in(desk, chromium, story)
    page.goto(desk.url(f"/desk/requests/{story['request']}"))
    page.get_by_role("button", name="Send", exact=True).click()

    gate = page.locator("section", has=page.get_by_role("heading", name="The refugee gate is shut"))
    expect(gate).to_contain_text("Tunisia")
    expect(gate).to_contain_text("a lawyer for the child")
    expect(gate).to_contain_text("CICR Tunis")


def test_where_consent_is_missing_one_click_leads_to_where_it_is_recorded(
    desk: DeskServer, chromium: Browser, story: dict[str, str]
):
    page = signed_in(desk, chromium, story)
    page.goto(desk.url(f"/desk/requests/{story['asking']}"))
    page.get_by_role("link", name="Record the consent").click()

    expect(page.get_by_label("Who receives it")).to_have_value("CICR Tunis")
    shared = page.get_by_role("group", name="What may be shared")
    expect(shared.get_by_role("checkbox", checked=True)).to_have_count(2)
    page.get_by_label("Exactly what was said or shown").fill("May we ask the Red Cross where your aunt is?")
    page.get_by_role("button", name="Record it").click()

    expect(page.get_by_text("To ask another country").first).to_be_visible()
    page.goto(desk.url(f"/desk/requests/{story['asking']}"))
    expect(page.get_by_text("in force")).to_be_visible()


def test_a_file_is_attached_to_a_draft_and_saved_again(
    desk: DeskServer, chromium: Browser, story: dict[str, str], tmp_path: Path
):
    page = signed_in(desk, chromium, story)
    said = console_of(page)
    page.goto(desk.url(f"/desk/requests/{story['asking']}"))
    files = page.locator("#files")
    files.get_by_text("Attach a file").click()
    files.get_by_label("What it shows").fill("School report <2024>")
    files.get_by_label("A picture or PDF").set_input_files({"name": "Amina.pdf", "mimeType": "x/y", "buffer": PDF})
    files.get_by_role("button", name="Attach").click()

    with page.expect_download() as saved:
        page.get_by_role("link", name="Save: School report <2024>").click()
    assert "Amina" not in saved.value.suggested_filename
    assert Path(saved.value.path()).read_bytes() == PDF
    page.get_by_role("button", name="Take off: School report <2024>").click()
    expect(page.get_by_text("School report")).to_have_count(0)
    assert said == []
