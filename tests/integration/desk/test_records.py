"""Records a child can carry, over HTTP, as a browser without scripts uses them."""

from __future__ import annotations

import json
import re

import pytest
from aiohttp import FormData

from bot.cases import service as cases
from bot.cases import store as case_store
from bot.cases.record import service as case_record
from bot.exchange import jose
from bot.exchange.records import credential, store
from bot.exchange.records.model import Copy
from bot.exchange.records.paper import pdf
from bot.kernel import audit
from bot.kernel.access import Role
from tests.conftest import NOON
from tests.unit.exchange.test_records import COPY_ID, KEYS, SCHOOL

ASSENT = {"text": "May I write down <your> asthma?", "language": "ar", "capacity": "understands", "way": "spoken"}
SHEET = {
    "f-name": "Ali <b>", "f-born": "2010", "f-sex": "male", "language": "fr", "second": "ar",
    "problems-text": ["Asthme", "HIV"], "problems-also": ["ربو", ""], "problems-detail": ["", ""],
    "problems-when": ["2015", ""], "problems-source": ["examined", "told"], "problems-by": ["Dr N.", ""],
    "problems-topic": ["", ""], "problems-severity": ["severe", ""],
    "medicines-text": ["salbutamol"], "allergies-none": "yes",
}  # fmt: skip


@pytest.fixture
def page(case_id):
    return f"/desk/cases/{case_id}/carried"


async def fill_in(browser, page, **more):
    await browser.go(f"{page}/sheet?kind=health")
    return await browser.send(f"{page}/sheet?kind=health", **{**SHEET, **more})


async def make(browser, page, choose, **more):
    await browser.go(f"{page}/choose?kind=health")
    await browser.send(f"{page}/choose?kind=health", choose=choose, **{**ASSENT, **more})
    found = re.search(r"copy=([0-9a-f-]{36})", browser.page)
    return found[1] if found else None


async def test_a_sheet_begins_with_what_the_case_knows_and_is_kept(world, browser, page, amira, case_id):
    facts = {"name": ["Ali"], "born": ["2010-05-01"], "religion": ["kept-to-herself"]}
    await world.database.write(lambda tx: case_record.write_fields(tx, world.hand(amira), case_id, facts, seen={}))
    await browser.go(f"{page}/sheet?kind=health")
    assert 'value="Ali"' in browser.page
    assert "kept-to-herself" not in browser.page

    await fill_in(browser, page)

    assert "Saved." in browser.page
    await browser.go(f"{page}/sheet?kind=health")
    assert 'value="Ali &lt;b&gt;"' in browser.page
    assert 'value="salbutamol"' in browser.page


async def test_what_cannot_be_kept_is_said_and_what_was_typed_stays(browser, page):
    await fill_in(browser, page, **{"problems-when": ["soon", ""]})
    assert browser.status == 409
    assert "Write a year" in browser.page
    assert 'value="soon"' in browser.page

    await fill_in(browser, page, **{"problems-text": ["asylum seeker", ""]})
    assert browser.status == 409
    assert "Leave out anything about asylum" in browser.page


async def test_a_colleague_is_not_written_over(at_desk, amira, browser, page):
    second = await at_desk(amira)
    await second.go(f"{page}/sheet?kind=health")
    await fill_in(browser, page)

    await second.send(f"{page}/sheet?kind=health", **{**SHEET, "f-name": "Omar"})

    assert second.status == 409
    assert "A colleague changed this" in second.page
    assert 'value="Omar"' in second.page


async def test_nothing_is_made_without_the_assent_of_the_child(browser, page):
    await fill_in(browser, page)

    assert await make(browser, page, ["name"], text="") is None
    assert browser.status == 409
    assert "Write down what the child was asked" in browser.page
    assert await make(browser, page, [], text="Which?") is None
    assert "Nothing was chosen" in browser.page


async def test_a_line_that_can_hurt_is_left_out_unless_the_child_was_warned_of_it(browser, page):
    await fill_in(browser, page)
    await browser.go(f"{page}/choose?kind=health")
    assert "checked" not in browser.page.split("What goes in")[1].split("The child agrees")[0]
    assert "HIV: anybody who finds the paper reads this." in browser.page

    assert await make(browser, page, ["name", "problems.1"]) is None
    assert "not that the child was warned" in browser.page
    copy = await make(browser, page, ["name", "problems.1"], warned=["problems.1"])
    assert copy is not None
    assert '"HIV"' in await browser.go(f"{page}/file?copy={copy}&form=fhir")


async def test_a_copy_is_what_the_child_chose_as_a_file_on_paper_and_in_codes(browser, page, world, case_id):
    await fill_in(browser, page)
    copy = await make(browser, page, ["born", "problems.0", "medicines.0", "allergies"])

    document = await browser.go(f"{page}/file?copy={copy}&form=fhir")
    from fhir.resources.R4B.bundle import Bundle  # no other test needs it, and every worker reads every test

    Bundle.model_validate_json(document)
    assert "Asthme" in document
    assert "nilknown" in document
    assert "Ali" not in document
    assert "HIV" not in document
    assert (await browser.go(f"{page}/file?copy={copy}&form=signed")).count(".") == 2
    paper = await browser.go(f"{page}/print?copy={copy}")  # in the two languages of the record, if nothing else is said
    assert 'lang="ar" dir="rtl"' in paper
    assert "ربو" in paper
    assert "Asthme" in paper
    assert "HIV" not in paper
    assert "<svg" in paper
    assert "grave" in paper
    file = await browser._client.get(f"{page}/file?copy={copy}&first=fr&second=ar&form=pdf")
    assert (file.content_type, file.status) == ("application/pdf", 200)
    made = await file.read()
    await browser.go(f"{page}/copy?copy={copy}")
    assert "1 code" in browser.page
    given = await world.database.read(lambda tx: audit.read_log(tx, object=f"case:{case_id}", limit=50))
    assert [row.facts["how"] for row in given if row.act == "carried.given"][::-1] == [
        "shown", "fhir", "signed", "printed", "pdf", "shown",
    ]  # fmt: skip

    await bring(browser, page, file=made)  # wherever the PDF is brought, the signed record within it is read
    assert "Asthme" in browser.page
    assert '<span class="chip chip-ok">verified</span>' in browser.page


async def test_where_no_pdf_can_be_made_the_page_to_print_is_named(browser, page, monkeypatch):
    monkeypatch.setattr(pdf, "PRESS", pdf.PRESS.with_name("nowhere.py"))
    await fill_in(browser, page)
    copy = await make(browser, page, ["born"])
    await browser.go(f"{page}/file?copy={copy}&form=pdf")
    assert browser.status == 409
    assert "No PDF could be made now" in browser.page


async def test_a_school_record_says_who_saw_which_paper(browser, page):
    await browser.go(f"{page}/sheet?kind=school")
    lines = {"certificates-text": "Grade 6 report", "certificates-source": "seen", "certificates-by": "N. Rossi"}
    await browser.send(f"{page}/sheet?kind=school", **{"f-name": "Ali", "f-grade": "6", "language": "en", **lines})
    await browser.go(f"{page}/choose?kind=school")
    await browser.send(f"{page}/choose?kind=school", choose=["grade", "certificates.0"], **ASSENT)
    copy = re.search(r"copy=([0-9a-f-]{36})", browser.page)[1]
    assert "FHIR" not in browser.page

    signed = await browser.go(f"{page}/file?copy={copy}&form=signed")
    said = json.loads(jose.decode(signed.split(".")[1]))
    assert said["schoolRecord"]["grade"] == "6"
    assert said["evidence"][0]["narrative"] == "a paper was seen: N. Rossi"
    assert '"Ali"' not in json.dumps(said)
    learner = json.loads(await browser.go(f"{page}/file?copy={copy}&form=elm"))
    assert "EuropeanDigitalCredential" in learner["type"]
    assert "Grade 6 report" in json.dumps(learner)
    assert '"Ali"' not in json.dumps(learner)
    paper = await browser.go(f"{page}/print?copy={copy}&first=es&second=ar")
    assert "Historia escolar" in paper
    assert "N. Rossi" in paper
    assert "Grade 6 report" in paper

    learner["credentialSubject"]["hasClaim"].append({"type": "LearningEntitlement", "title": {"en": "May work"}})
    await bring(browser, page, file=json.dumps(learner).encode())  # one of ours, or of a school's: unsigned
    assert "not verified" in browser.page
    assert "May work</b> · This is no learning" in browser.page
    action = re.search(r'action="([^"]+/document\?document=[^"]+)"', browser.page)[1]
    await browser.send(action, act="take_over", choose=["certificates.0"])
    assert "Saved." in browser.page


async def test_what_the_child_agreed_to_is_in_the_ledger_and_erased_with_the_case(browser, page, world, case_id):
    await fill_in(browser, page)
    copy = await make(browser, page, ["born", "problems.0"])
    shown = await browser.go(f"/desk/cases/{case_id}/file")
    assert "May I write down &lt;your&gt; asthma?" in shown
    assert "Illnesses and conditions" in shown
    assert all(b"Asthme" not in row.record_sealed for row in await rows_of(world))

    found = await world.database.read(lambda tx: case_store.get_case(tx, case_id))
    await world.database.write(lambda tx: cases.erase_words(tx, world.vault, found.case.conversation_id, at=NOON))

    assert "Asthme" not in await browser.go(f"{page}/file?copy={copy}&form=fhir")
    assert [row.record_sealed for row in await rows_of(world)] == [None, None]


async def rows_of(world):
    return await world.database.read(
        lambda tx: [*tx.execute(store.sheets.select()), *tx.execute(store.copies.select())]
    )


async def test_what_the_child_takes_back_is_not_given_out_again(browser, page, case_id):
    await fill_in(browser, page)
    copy = await make(browser, page, ["born", "problems.0"])
    await browser.go(f"/desk/cases/{case_id}/file")
    consent = re.search(r'name="consent" value="([^"]+)"', browser.page)[1]
    await browser.send(f"/desk/cases/{case_id}/consents/withdraw", consent=consent)

    for view in ("copy", "print", "file"):
        await browser.go(f"{page}/{view}?copy={copy}")
        assert browser.status == 409
        assert "The child took this back" in browser.page
    assert "taken back" in browser.page


async def test_only_whoever_holds_the_case_finds_any_of_it(world, at_desk, browser, page):
    await fill_in(browser, page)
    copy = await make(browser, page, ["born"])

    for other in (
        await world.officer("ines", Role.COORDINATOR),
        await world.officer("omar"),
        await world.officer("root", Role.ADMIN),
    ):
        stranger = await at_desk(other)
        for view in ("", "/sheet", "/choose", f"/copy?copy={copy}", f"/file?copy={copy}", f"/print?copy={copy}"):
            await stranger.go(page + view)
            assert stranger.status == 404


async def test_a_copy_of_another_case_is_not_found_here(world, amira, browser, page):
    await fill_in(browser, page)
    copy = await make(browser, page, ["born"])
    other = (await world.escalate()).case_id
    await world.database.write(lambda tx: cases.claim_case(tx, world.hand(amira), other))

    await browser.go(f"/desk/cases/{other}/carried/file?copy={copy}")

    assert browser.path == f"/desk/cases/{other}/carried"


# What is brought


async def bring(browser, page, text=None, file=None):
    await browser.go(page)
    csrf = re.search(r'name="csrf" value="([^"]+)"', browser.page)[1]
    data = FormData({"csrf": csrf, "text": text or ""})
    data.add_field("file", file or b"", filename="record.json", content_type="application/json")
    answer = await browser._client.post(f"{page}/bring", data=data, headers={"Sec-Fetch-Site": "same-origin"})
    return await browser._read(answer)


async def test_a_record_of_ours_comes_back_and_is_taken_over_line_by_line(browser, page):
    await fill_in(browser, page)
    copy = await make(browser, page, ["born", "problems.0", "medicines.0"])
    signed = await browser.go(f"{page}/file?copy={copy}&form=signed")
    await fill_in(browser, page, **{"problems-text": ["", ""], "f-name": "Omar"})

    await bring(browser, page, file=signed.encode())

    assert "Signed by this helpline" in browser.page
    assert "ربو" in browser.page  # whoever reads only the second language reads it, too
    action = re.search(r'action="([^"]+/document\?document=[^"]+)"', browser.page)[1]
    await browser.send(action, act="take_over", choose=["problems.0"])
    assert "Saved." in browser.page
    await browser.go(f"{page}/sheet?kind=health")
    assert 'value="Asthme"' in browser.page
    assert 'value="Omar"' in browser.page


@pytest.mark.on_both
async def test_a_stranger_proves_nothing_and_changes_nothing(browser, page, world, case_id):
    signed = credential.sign(Copy(COPY_ID, SCHOOL, "<script>", NOON), **KEYS)

    await bring(browser, page, text=signed)

    assert "nobody here knows whose it is" in browser.page
    assert "not verified" in browser.page
    assert "<script>" not in browser.page
    assert await world.database.read(lambda tx: store.present_sheets(tx, case_id)) == {}
    action = re.search(r'action="([^"]+/document\?document=[^"]+)"', browser.page)[1]
    await browser.send(action, act="put_away")
    rows = await world.database.read(lambda tx: list(tx.execute(store.documents.select())))
    assert [row.text_sealed for row in rows] == [None]


async def test_a_medicine_that_was_stopped_is_shown_and_has_no_box_to_tick(browser, page):
    stopped = {
        "resourceType": "MedicationStatement",
        "status": "stopped",
        "medicationCodeableConcept": {"text": "<b>Warfarin"},
    }
    entry = [{"resource": {"resourceType": "Composition"}}, {"resource": stopped}]

    await bring(browser, page, text=json.dumps({"resourceType": "Bundle", "entry": entry}))

    assert "&lt;b&gt;Warfarin" in browser.page
    assert "over or stopped" in browser.page
    assert 'name="choose"' not in browser.page


@pytest.mark.parametrize(
    ("file", "said"),
    [
        (b"", "There is nothing in it"),
        (b"\xff\xfe\x00", "no record that can be read here"),
        (b"{" * 1000, "no record that can be read here"),
        (b"x" * 1_100_000, "larger than any record"),
        (credential.sign(Copy(COPY_ID, SCHOOL, "x", NOON), **KEYS).encode()[:-4] + b"AAAA", "signature does not fit"),
    ],
)
async def test_what_cannot_be_read_gets_a_kind_answer(browser, page, file, said):
    await bring(browser, page, file=file)

    assert browser.status == 409
    assert said in browser.page


async def test_what_is_far_too_large_is_not_read_at_all(browser, page):
    await bring(browser, page, file=b"x" * 1_500_000)

    assert browser.status == 413


async def test_a_file_without_our_form_is_refused(browser, page):
    data = FormData({"text": "x"})
    data.add_field("file", json.dumps({}), filename="a.json")

    answer = await browser._client.post(f"{page}/bring", data=data, headers={"Sec-Fetch-Site": "same-origin"})

    assert answer.status == 403
