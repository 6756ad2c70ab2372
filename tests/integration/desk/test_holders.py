"""The tree of holders on the desk: who has what of a case, and from whom, as lists under one another."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cases import consent
from bot.exchange.requests import answering
from bot.exchange.requests.answering import Answer
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.model import Ground
from bot.exchange.requests.passing import acts
from bot.kernel.ids import new_id
from tests.integration.exchange.two_countries import Country, a_draft, an_agreement_to, hand_over, put_partner


@pytest.fixture
async def here(world, clock) -> Country:
    made = Country(world, clock, "IT")
    await made.prepare()
    made.others["TN"] = await world.database.write(
        lambda tx: put_partner(tx, world.vault, country="TN", name="Tunis House")
    )
    return made


async def test_an_officer_sees_who_has_it_from_whom_and_says_whom_they_called(here, at_desk):
    case_id = await here.case(consented=False)
    row = await here.do(consent.record, case_id, an_agreement_to(here.others["TN"]))
    request_id = await here.asked(case_id, a_draft(here.others["TN"]))
    said = {"request_type": "info_child"}
    await hand_over(here, "TN", "request_accepted", {"request": request_id}, **said)
    libya, chad = new_id(), new_id()
    first = {"request": request_id, "passing": libya, "country": "LY", "items": ["names", "data:family"]}
    await hand_over(here, "TN", "passed_on", first, **said)
    await hand_over(here, "TN", "passed_further", {"request": request_id, "passing": chad, "parent": libya}, **said)
    officer = await at_desk(here.officer)

    page = await officer.go(f"/desk/cases/{case_id}/exchange")
    tree = page.split('id="holders"')[1].split("</section>")[0]
    assert tree.index("Tunis House") < tree.index("Libya") < tree.index("one more, and the gate there")
    assert tree.count("<ul") == 3  # each under the one it has it from
    assert "Who has it from them" in await officer.go(f"/desk/requests/{request_id}")
    assert "They told us by phone" not in officer.page

    await here.do(consent.withdraw, case_id, row.id, holders=[WithdrawnConsents()])
    page = await officer.go(f"/desk/requests/{request_id}")
    assert page.count("has not confirmed that it keeps nothing") >= 2
    await officer.send(f"/desk/requests/{request_id}/holders/called")  # the first that is red: Libya
    page = await officer.go(f"/desk/requests/{request_id}")
    assert "they said so by phone" in page
    [given] = await here.see(lambda tx: acts.given(tx, case_id))
    assert given.held_below
    assert request_id in await officer.go("/desk/exchange?view=held")


async def test_an_officer_takes_back_what_was_answered_and_sees_who_has_it(here, at_desk):
    request_id, libya, said = "0" * 35 + "1", new_id(), {"request_type": "info_child"}
    due_at = (here.clock.now() + timedelta(days=30)).isoformat()
    preview = {"request": request_id, "number": "XAAA-BBB", "type": "info_child", "asks": ["harm"], "limit": "usual",
               "due_at": due_at, "language": "fr"}  # fmt: skip
    await hand_over(here, "TN", "request_preview", preview, **said)
    await here.do(answering.accept, request_id)
    told = {"names": "Amina", "birth_year": "2010", "parents": "X"}
    body = {"request": request_id, "fields": told, "decision": "Où dort-elle ?", "language": "fr", "assent": "agrees"}
    await hand_over(here, "TN", "request_body", body, **said)
    await here.do(answering.write_answer, request_id, Answer("harm", "None known.", "seen", "high"), once="")
    officer = await at_desk(here.officer)
    assert "Take back what we answered" not in await officer.go(f"/desk/requests/{request_id}")
    await here.do(answering.release_answers, request_id, endangers=False, ground=Ground.CHILD_ONLY)
    await hand_over(
        here, "TN", "passed_on", {"request": request_id, "passing": libya, "country": "LY", "items": ["names"]}, **said
    )

    page = await officer.go(f"/desk/requests/{request_id}")
    assert "Who has our answers from them" in page
    await officer.send(f"/desk/requests/{request_id}/answers/withdraw")
    assert "The partner is told to keep nothing" in officer.page
    assert officer.page.count("has not confirmed that it keeps nothing") == 2
    assert "Take back what we answered" not in officer.page
    await officer.send(f"/desk/requests/{request_id}/holders/called")
    await hand_over(here, "TN", "answers_forgotten", {"request": request_id}, **said)
    assert "has not confirmed" not in await officer.go(f"/desk/requests/{request_id}")


async def test_a_draft_says_that_it_tells_what_a_partner_answered(here, at_desk):
    case_id, said = await here.case(), {"request_type": "info_child"}
    request_id = await here.asked(case_id, a_draft(here.others["TN"]))
    await hand_over(here, "TN", "request_accepted", {"request": request_id}, **said)
    answer = {"key": "harm", "text": "None known.", "language": "fr", "how": "seen", "confidence": "high"}
    await hand_over(
        here, "TN", "request_answer", {"request": request_id, "answers": [answer], "ground": "child_only"}, **said
    )
    officer = await at_desk(here.officer)

    page = await officer.go(f"/desk/cases/{case_id}/requests/new?type=info_child")

    choice = page.split('name="passes_on"')[1].split("</select>")[0]
    assert request_id in choice
    assert "what they answered" in choice
