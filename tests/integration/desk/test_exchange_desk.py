"""Requests across borders, the gate and the hold on the desk, as a browser without scripts uses them."""

from __future__ import annotations

import html
import re

import pytest
from msgspec.structs import replace

from bot.cases import consent
from bot.exchange.gate import Situation
from bot.exchange.partners.model import PartnerKind
from bot.exchange.partners.service import close_partner
from bot.exchange.post.model import Receipt, ReceiptState
from bot.exchange.requests import letters_store, store
from bot.exchange.requests.alerts import MOST_RINGS_AN_HOUR
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import Status
from bot.kernel.access import Role
from tests.integration.exchange.test_telling import a_quiet_case
from tests.integration.exchange.two_countries import (
    Country,
    a_draft,
    an_agreement,
    described_anew,
    filled,
    hand_over,
    put_partner,
)


@pytest.fixture
async def here(world, clock) -> Country:
    made = Country(world, clock, "IT")
    await made.prepare()
    made.others["TN"] = await world.database.write(lambda tx: put_partner(tx, world.vault, country="TN", name="Amel"))
    return made


async def request_of(here: Country, case_id: str) -> str:
    found = await here.see(lambda tx: store.of_case(tx, case_id))
    return found[0].request.id


def the_form(here: Country, type_key: str = "info_child", **changed: str) -> dict[str, str]:
    fields = {f"field-{key}": value for key, value in filled(type_key).items()}
    given = {"partner": here.others["TN"], "limit": "usual", "asks": "harm", "decision": "where she may live",
             "assent": "agrees", "language": "en"}  # fmt: skip
    return {**given, **fields, **changed}


async def test_from_a_case_to_a_request_in_the_post_without_a_script(here, at_desk):
    case_id = await here.case(situation=None)
    officer, coordinator = await at_desk(here.officer), await at_desk(here.coordinator)

    page = f"/desk/cases/{case_id}/exchange"
    assert "not known: the gate is shut" in await officer.go(page)
    await officer.send(f"/desk/cases/{case_id}/fear", fear="nobody", asylum="no")
    assert "says they fear no authorities" in officer.page
    new = f"/desk/cases/{case_id}/requests/new"
    assert "Verify an adult who claims a child" in await officer.go(new)
    await officer.go(f"{new}?type=info_child")
    await officer.send(new, **the_form(here))
    request_id = await request_of(here, case_id)
    assert officer.path == f"/desk/requests/{request_id}"
    assert "told names" in officer.page
    assert "Somebody who did not write it approves it." in officer.page

    await coordinator.go(f"/desk/requests/{request_id}")
    await coordinator.send(f"/desk/requests/{request_id}/approve")
    await officer.go(f"/desk/requests/{request_id}")
    await officer.send(f"/desk/requests/{request_id}/send")

    assert "It is in the post." in officer.page
    assert "Amel" in await officer.go("/desk/exchange?view=ours")
    assert (await here.file(request_id)).request.status is Status.SENT


async def test_what_is_missing_is_named_and_nothing_typed_is_lost(here, at_desk):
    case_id = await here.case()
    officer = await at_desk(here.officer)
    new = f"/desk/cases/{case_id}/requests/new"
    await officer.go(f"{new}?type=info_child")

    await officer.send(new, **the_form(here, **{"field-birth_year": "long ago", "decision": "where <she> may live"}))

    assert officer.status == 400
    assert "This is missing or cannot be so." in officer.page
    assert "where &lt;she&gt; may live" in officer.page
    assert "told names" in officer.page
    assert await here.see(lambda tx: store.of_case(tx, case_id)) == []


async def test_a_form_sent_twice_makes_one_request(here, at_desk):
    case_id = await here.case()
    officer = await at_desk(here.officer)
    new = f"/desk/cases/{case_id}/requests/new"
    form = await officer.go(f"{new}?type=info_child")

    for _ in range(2):
        officer.page = form
        await officer.send(new, **the_form(here))

    assert len(await here.see(lambda tx: store.of_case(tx, case_id))) == 1


async def test_a_partner_where_the_child_fears_the_authorities_is_shown_as_one_though_it_reports_to_none(here, at_desk):
    case_id = await here.case(situation=Situation(frozenset({"TN"}), False))
    officer = await at_desk(here.officer)
    new = f"/desk/cases/{case_id}/requests/new"
    await officer.go(f"{new}?type=info_child")
    await officer.send(new, **the_form(here))

    assert "is there and reports to none of them" in officer.page
    assert "gate is shut" not in officer.page


async def test_the_gate_says_why_what_remains_and_whose_step_is_next(here, at_desk, world):
    authority = await world.database.write(
        lambda tx: put_partner(tx, world.vault, country="ER", kind=PartnerKind.AUTHORITY, name="Ministry")
    )
    await world.database.write(
        lambda tx: put_partner(
            tx, world.vault, country="CH", kind=PartnerKind.INTERNATIONAL, purposes=("family_links",), name="Genève"
        )
    )
    here.others["TN"] = authority
    case_id = await here.case(situation=Situation(frozenset({"ER"}), True, frozenset({"ER"})))
    officer, coordinator = await at_desk(here.officer), await at_desk(here.coordinator)
    new = f"/desk/cases/{case_id}/requests/new"
    await officer.go(f"{new}?type=info_child")
    await officer.send(new, **the_form(here))
    address = officer.path
    await coordinator.go(address)
    await coordinator.send(f"{address}/approve")
    await officer.go(address)
    await officer.send(f"{address}/send")

    assert officer.status == 409
    assert "Nothing was sent: the refugee gate is shut." in officer.page
    assert "authorities of a country the child fears" in officer.page
    assert "a lawyer for the child" in officer.page
    assert "Genève" in officer.page  # the Red Cross may be asked all the same

    await officer.send(f"{address}/override", role="officer", reason="the lawyer, Ms Rossi, agreed")
    await coordinator.go(address)
    assert "the lawyer, Ms Rossi, agreed" in coordinator.page
    await coordinator.send(f"{address}/override/agree", role="coordinator")
    await officer.go(address)
    await officer.send(f"{address}/send")
    assert "It is in the post." in officer.page


async def test_a_likely_name_of_an_adult_in_doubt_is_shown_and_waits_for_a_second_persons_word(here, at_desk):
    case_id = await here.case()
    officer, coordinator = await at_desk(here.officer), await at_desk(here.coordinator)
    await officer.go(f"/desk/cases/{case_id}/exchange")
    await officer.send(f"/desk/cases/{case_id}/adults", name="Sami Trabelsi", claimed="uncle_aunt")
    new = f"/desk/cases/{case_id}/requests/new"
    await officer.go(f"{new}?type=guardian_handover")
    fields = the_form(here, "guardian_handover", asks="guardian", **{"field-summary": "ليست مع سامي الطرابلسي"})
    await officer.send(new, **fields)
    address = officer.path
    await coordinator.go(address)
    await coordinator.send(f"{address}/approve")

    assert coordinator.status == 409
    assert "an adult with whom the child may not go may be named" in coordinator.page
    await officer.go(address)
    await officer.send(f"{address}/named", reason="<b>It</b> warns of him")
    assert "Nothing is sent before a second person has read this." in officer.page
    assert "&lt;b&gt;It&lt;/b&gt; warns of him" in await coordinator.go(address)
    await coordinator.send(f"{address}/named/agree")
    await coordinator.send(f"{address}/approve")
    assert "Two people said that the child does not go with them:" in await officer.go(address)
    assert (await here.file(address.rpartition("/")[2])).request.status is Status.APPROVED


async def test_a_hold_is_on_every_screen_of_the_case_and_in_no_form(here, at_desk):
    case_id = await here.case()
    officer = await at_desk(here.officer)
    await officer.go(f"/desk/cases/{case_id}/exchange")
    await officer.send(f"/desk/cases/{case_id}/adults", name="Sami Trabelsi", claimed="uncle_aunt")
    adult = officer.path
    await officer.send(f"{adult}/marks", papers="red", no_debt="red")
    sentence = "Hold: do not place or move this child with this adult."

    for path in (
        adult,
        f"/desk/cases/{case_id}",
        f"/desk/cases/{case_id}/exchange",
        f"/desk/cases/{case_id}/guests",
        f"/desk/cases/{case_id}/carried",
        f"/desk/cases/{case_id}/same-child",
        f"/desk/cases/{case_id}/file/history",
        f"/desk/cases/{case_id}/requests/new?type=case_transfer",
    ):
        assert sentence in await officer.go(path), path
    assert "disabled" in officer.page  # he cannot be chosen to travel with her
    await officer.send(
        f"/desk/cases/{case_id}/requests/new", **the_form(here, "case_transfer", adult=adult[-36:], asks="arrived")
    )
    assert officer.status == 409
    assert "the tie of this adult is not supported, or a hold stands" in officer.page
    assert ">hold<" in await officer.go("/desk/mine")


async def test_two_officers_of_one_body_do_not_end_a_hold_on_the_desk(here, at_desk, world):
    case_id = await here.case()
    officer, coordinator = await at_desk(here.officer), await at_desk(here.coordinator)
    admin = await at_desk(await world.officer("admin", Role.ADMIN))
    await officer.go(f"/desk/cases/{case_id}/exchange")
    await officer.send(f"/desk/cases/{case_id}/adults", name="Sami Trabelsi", claimed="uncle_aunt")
    adult = officer.path
    await officer.send(f"{adult}/hold")
    await officer.send(f"{adult}/hold/release", reason="checked")
    other = await at_desk(await world.officer("other", Role.COORDINATOR))
    await other.go(adult)
    await other.send(f"{adult}/hold/release", reason="I too")
    assert "Hold: do not place" in other.page

    await admin.go("/desk/officers")
    await admin.send(f"/desk/officers/{here.coordinator.id}/body", body="Questura")
    await officer.go(adult)
    await officer.send(f"{adult}/namesakes", name="Sami Trabelsi", reason="<b>Guardian</b> by court order")
    assert "&lt;b&gt;Guardian&lt;/b&gt; by court order" in await other.go(adult)
    await other.send(f"{adult}/namesakes/agree")
    assert other.status == 409  # of the same body as the first
    await coordinator.go(adult)
    await coordinator.send(f"{adult}/namesakes/agree")
    assert "two bodies say so" in coordinator.page
    await coordinator.send(f"{adult}/namesakes/undo")
    assert "two bodies say so" not in coordinator.page
    await coordinator.send(f"{adult}/hold/release", reason="the police found nothing")

    assert "Hold: do not place" not in coordinator.page


async def test_what_we_are_asked_shows_nobody_until_it_is_accepted(here, at_desk):
    from datetime import timedelta

    from tests.integration.exchange.two_countries import hand_over

    request_id = "0" * 35 + "1"
    due_at = (here.clock.now() + timedelta(days=30)).isoformat()
    preview = {"request": request_id, "number": "XAAA-BBB", "type": "info_child", "asks": ["harm"], "limit": "usual",
               "due_at": due_at, "language": "fr"}  # fmt: skip
    await hand_over(here, "TN", "request_preview", preview, request_type="info_child")
    officer = await at_desk(here.officer)
    address = f"/desk/requests/{request_id}"

    assert "XAAA-BBB" in await officer.go("/desk/exchange?view=theirs")
    assert "aucun traité ne fixe de jours" in await officer.go(f"{address}?lang=fr")
    assert "the partner says once the request is accepted" in await officer.go(f"{address}?lang=en")
    await officer.send(f"{address}/accept")
    body = {"request": request_id, "fields": {"birth_year": "2010", "names": "Amina", "parents": "X"},
            "decision": "Où vivra-t-elle ?", "language": "fr", "assent": "agrees"}  # fmt: skip
    await hand_over(here, "TN", "request_body", body, request_type="info_child")
    assert "Amina" in await officer.go(address)
    await officer.send(f"{address}/message", text="Laquelle ?", language="fr")
    assert officer.status == 409  # nobody has said whether it could put somebody in danger
    await officer.send(f"{address}/message", text="Laquelle ?", language="fr", endangers="no")
    assert '<span class="m-words" lang="fr" dir="auto">Laquelle ?</span>' in officer.page
    await officer.send(
        f"{address}/answers", key="harm", text="<i>Rien</i>", how="seen", confidence="high", language='x"'
    )
    assert "&lt;i&gt;Rien&lt;/i&gt;" in officer.page
    await officer.send(f"{address}/answers/release", endangers="yes", ground="child_only")
    assert officer.status == 409
    await officer.send(f"{address}/answers/release", endangers="no", ground="child_only")
    assert "The answers are in the post." in officer.page
    stranger = await at_desk(await here.world.officer("stranger"))
    await stranger.go(address)
    assert stranger.status == 404

    hold = {"request": request_id, "hold": "0" * 35 + "3"}
    await hand_over(here, "TN", "hold_placed", hold, request_type="info_child")
    assert "As another body: the hold may end" in await officer.go(address)
    at, tunis, admin = here.clock.now(), here.others["TN"], here.officer.id
    await here.world.database.write(lambda tx: close_partner(tx, here.vault, tunis, by=admin, at=at))
    assert "End a hold whose partner cannot be heard any more" in await officer.go(address)
    assert "Why the hold may end" not in officer.page
    await officer.send(f"{address}/hold/focal", said="nobody")
    await officer.send(f"{address}/hold/end", reason="<b>Court</b> order", role="officer")
    coordinator = await at_desk(here.coordinator)
    assert "&lt;b&gt;Court&lt;/b&gt; order" in await coordinator.go(address)
    await coordinator.send(f"{address}/hold/end", reason="I read the order", role="coordinator")
    assert "two people here ended the hold" in coordinator.page
    assert "Why the hold may end" not in coordinator.page


@pytest.mark.on_both
async def test_the_case_of_a_partners_alert_leads_to_its_request(here, at_desk):
    from datetime import timedelta

    from tests.integration.exchange.two_countries import hand_over

    request_id = "0" * 35 + "2"
    due_at = (here.clock.now() + timedelta(hours=4)).isoformat()
    preview = {"request": request_id, "number": "XAAA-CCC", "type": "protective_alert", "asks": ["done"],
               "limit": "usual", "due_at": due_at, "language": "fr"}  # fmt: skip
    await hand_over(here, "TN", "request_preview", preview, request_type="protective_alert")
    officer = await at_desk(here.officer)

    queue = await officer.go("/desk/queue")
    assert "XAAA-CCC" in queue
    await officer.go(re.search(r"/desk/cases/[0-9a-f-]{36}", queue).group())
    log = officer.page.partition('data-part="log"')[2].partition('data-part="')[0]
    assert f'href="/desk/requests/{request_id}">A partner in another country sounds the alarm' in log
    assert "Refuse now, and say who can." in officer.page

    for number in range(MOST_RINGS_AN_HOUR):
        more = {**preview, "request": f"{number:035}9", "number": f"XAAB-{number:03}"}
        await hand_over(here, "TN", "request_preview", more, request_type="protective_alert")
    supervised = await (await at_desk(here.coordinator)).go("/desk/supervision")
    assert "A partner sounds the alarm more often than people can be called for." in supervised
    assert "Amel" in supervised
    assert "people are called for several at once" in await officer.go(f"/desk/requests/{number:035}9")


async def test_where_consent_is_missing_the_desk_says_whom_to_ask_and_leads_there_filled_in(here, at_desk):
    case_id = await here.case(consented=False)
    officer, coordinator = await at_desk(here.officer), await at_desk(here.coordinator)
    new = f"/desk/cases/{case_id}/requests/new"
    await officer.go(f"{new}?type=info_child")
    await officer.send(new, **the_form(here))
    address = officer.path
    await coordinator.go(address)
    await coordinator.send(f"{address}/approve")

    assert coordinator.status == 409
    assert "nobody has agreed yet" in coordinator.page
    assert "Ask the child, and whoever speaks for them" in await officer.go(address)
    link = html.unescape(re.search(r'href="([^"]*/file\?partner=[^"#]*)', officer.page).group(1))
    filled_in = await officer.go(link)
    assert f'name="partner" value="{here.others["TN"]}"' in filled_in
    assert 'value="Amel"' in filled_in
    assert re.search(r'value="data:family" checked', filled_in)
    assert not re.search(r'value="data:health" checked', filled_in)
    await officer.send(
        f"/desk/cases/{case_id}/consents", named="Amel",
        text="May we ask the people in Tunis?", items=["data:identity", "data:family"], giver="child",
        capacity="understands", way="spoken", kind="consent",
    )  # fmt: skip

    await coordinator.go(address)
    await coordinator.send(f"{address}/approve")
    assert (await here.file(request_id := await request_of(here, case_id))).request.status is Status.APPROVED
    row = (await here.see(lambda tx: consent.of_case(tx, case_id)))[0]
    await officer.go(f"/desk/cases/{case_id}/file")
    await officer.send(f"/desk/cases/{case_id}/consents/withdraw", consent=row.id)
    assert (await here.file(request_id)).request.status is Status.WITHDRAWN


async def test_the_page_says_why_a_letter_that_waited_was_not_sent(here, at_desk):
    case_id = await here.case()
    request_id = await here.asked(case_id, a_draft(here.others["TN"]))
    letter = (await here.see(lambda tx: letters_store.letters_of(tx, request_id)))[0]
    news = Receipt(here.others["TN"], letter.envelope_id, ReceiptState.CLOSED, "gate", here.clock.now())
    await here.database.write(lambda tx: RequestIntake(here.vault).told(tx, news))
    officer = await at_desk(here.officer)

    page = await officer.go(f"/desk/requests/{request_id}")
    assert "a letter that waited was not sent: the refugee gate is shut" in page
    assert "Renew it before anything is exchanged" not in page
    over = replace(an_agreement(), valid_to=here.clock.now())
    await here.database.write(lambda tx: described_anew(tx, here, here.others["TN"], agreement=over))
    assert "Renew it before anything is exchanged" in await officer.go(f"/desk/requests/{request_id}")


async def test_the_officer_says_whether_the_person_reads_of_it_in_the_chat_and_sees_why_the_bot_is_silent(
    here, at_desk
):
    case_id = await here.case()
    officer = await at_desk(here.officer)
    new = f"/desk/cases/{case_id}/requests/new"
    await officer.go(f"{new}?type=info_child")
    await officer.send(new, **the_form(here, asks="services"))
    assert "The person was not asked whether they want to read it" in officer.page

    await officer.go(f"{new}?type=info_child")
    await officer.send(new, **the_form(here, asks="services", tell="yes"))
    assert "An adult could read the chat" in officer.page  # this case began with danger

    calm = await a_quiet_case(here)
    request_id = await here.asked(calm, a_draft(here.others["TN"], tell=True, asks=("services",)))
    answer = {"key": "services", "text": "A school.", "language": "en", "how": "seen", "confidence": "high"}
    for kind, body in (("request_accepted", {}), ("request_answer", {"answers": [answer], "ground": "child_only"})):
        await hand_over(here, "TN", kind, {"request": request_id, **body}, request_type="info_child")
    assert "Tell the person what was answered" in await officer.go(f"/desk/requests/{request_id}")
    await officer.send(f"/desk/requests/{request_id}/told", told="A school knew you.")
    assert "what was answered was told in the chat" in officer.page
