"""The phone of a case's person over HTTP: return codes, who came back, the watched phone, and when to write to it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from bot.cases import receipts, store, waiting
from bot.cases import service as cases
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.conversations.ports import Whereabouts
from bot.conversations.safe_contact import SafeContact
from dialogues.understanding.model import Priority
from tests.conftest import NOON


async def talk_of(world, case_id):
    found = await world.database.read(lambda tx: store.get_case(tx, case_id))
    talk_id = found.case.conversation_id
    return talk_id, await world.database.read(lambda tx: conversations.transcript(tx, world.vault, talk_id))


async def says(world, case_id, said: SafeContact) -> None:
    talk_id, _ = await talk_of(world, case_id)
    await world.database.write(lambda tx: conversations.keep_safe_contact(tx, world.vault, talk_id, said))


def hours_from_now(clock, first: int, last: int) -> SafeContact:
    """Hours that begin and end so many hours from now, by a clock that shows UTC."""
    minute = clock.now().hour * 60 + clock.now().minute
    return SafeContact((minute + first * 60) % 1440, (minute + last * 60) % 1440, "+0")


# Return codes -----------------------------------------------------------------------------------------------------


async def test_a_return_code_goes_to_the_person_and_is_nowhere_on_the_screen(world, browser, page, case_id):
    await browser.send(f"{page}/receipt")

    assert "The person gets a return code." in browser.page
    assert not re.search(r"\b\d{4}[ \u2066]?\d{4}\b", browser.page)
    _, lines = await talk_of(world, case_id)
    assert lines[-1].template == "receipt"
    assert "••••" in lines[-1].text


async def test_no_code_is_given_to_a_phone_that_somebody_else_may_hold(world, browser, page, case_id, clock):
    talk_id, before = await talk_of(world, case_id)
    await world.database.write(lambda tx: conversation_store.begin_watch(tx, talk_id, shown_from=1, at=clock.now()))

    await browser.send(f"{page}/receipt")

    assert browser.status == 409
    assert "No code was given" in browser.page
    assert len((await talk_of(world, case_id))[1]) == len(before)


async def came_back(world, case_id, amira, clock) -> str:
    """Somebody wrote the code of the case from another phone; Amira holds both. Returns the new case."""
    other = await world.person()
    new_id = (await world.escalate(other, reason="came_back", priority=Priority.P2)).case_id

    def note(tx):
        cases.claim_case(tx, world.hand(amira), new_id)
        known = store.get_case(tx, case_id).case
        receipts.note_return(tx, world.vault, known, new_id, other, at=clock.now())

    await world.database.write(note)
    return new_id


@pytest.mark.parametrize(
    ("decision", "said"),
    [
        ("agree", "The talk goes on here."),
        ("refuse", "The return code does not work any more."),
    ],
)
async def test_the_officer_decides_whether_it_is_the_same_person(world, browser, case_id, amira, clock, decision, said):
    new_id = await came_back(world, case_id, amira, clock)
    assert "Came back from another phone" in await browser.go(f"/desk/cases/{new_id}")

    await browser.send(f"/desk/cases/{new_id}/return", decision=decision)

    assert said in browser.page
    assert browser.path == f"/desk/cases/{case_id}"
    new = await world.database.read(lambda tx: store.get_case(tx, new_id))
    assert new.case.is_open is (decision == "refuse")


async def test_a_decision_nobody_knows_and_a_second_one_change_nothing(world, browser, case_id, amira, clock):
    new_id = await came_back(world, case_id, amira, clock)
    await browser.go(f"/desk/cases/{new_id}")
    await browser.send(f"/desk/cases/{new_id}/return", decision="perhaps")
    assert browser.status == 400
    first = browser.page

    await browser.send(f"/desk/cases/{new_id}/return", decision="refuse")
    browser.page = first  # the tab that was open before
    await browser.send(f"/desk/cases/{new_id}/return", decision="agree")

    assert browser.status == 409
    known = await world.database.read(lambda tx: store.get_case(tx, case_id))
    assert known.case.conversation_id != (await talk_of(world, new_id))[0]


# The word, and the watched phone ----------------------------------------------------------------------------------


async def test_a_word_is_kept_and_never_shown_again(world, browser, page, case_id):
    assert "No word is agreed" in browser.page

    await browser.send(f"{page}/duress-word", word="pomegranate")

    assert "The word is kept." in browser.page
    assert "A word is agreed" in browser.page
    assert "pomegranate" not in browser.page
    talk_id, _ = await talk_of(world, case_id)
    card = await world.database.read(lambda tx: conversations.card(tx, talk_id))
    assert card.has_duress_word


async def test_a_word_that_is_written_by_mistake_is_not_kept(world, browser, page):
    await browser.send(f"{page}/duress-word", word="help")

    assert "too short, or too easy" in browser.page
    assert "No word is agreed" in browser.page


async def test_words_for_a_watched_phone_need_a_tick_and_are_given_back_without(world, browser, page, case_id, clock):
    talk_id, before = await talk_of(world, case_id)
    await world.database.write(lambda tx: conversation_store.begin_watch(tx, talk_id, shown_from=1, at=clock.now()))
    await browser.go(page)

    await browser.send(f"{page}/answer", text="Are you alone?")
    assert browser.status == 409
    assert "somebody else may hold the phone. Send it only if" in browser.page
    assert "Are you alone?</textarea>" in browser.page
    assert len((await talk_of(world, case_id))[1]) == len(before)

    await browser.send(f"{page}/answer", text="Are you alone?", although="watched")
    assert (await talk_of(world, case_id))[1][-1].text == "Are you alone?"
    await browser.send(f"{page}/watch-ended")
    assert "What was written before stays hidden there." in browser.page
    await browser.post(f"{page}/watch-ended", csrf=re.search(r'name="csrf" value="([^"]+)"', browser.page)[1])
    assert browser.status == 409


@pytest.mark.parametrize("act", ["receipt", "duress-word", "watch-ended", "return", "ask-safe-time", "waiting"])
async def test_the_phone_of_a_foreign_case_is_not_found(world, at_desk, page, act):
    omar = await at_desk(await world.officer("omar"))
    await omar.go("/desk/queue")
    csrf = re.search(r'name="csrf" value="([^"]+)"', omar.page)[1]

    await omar.post(f"{page}/{act}", csrf=csrf, word="pomegranate", decision="agree", answer="x")

    assert omar.status == 404


# When to write ----------------------------------------------------------------------------------------------------


async def test_the_officer_sees_when_and_how_before_writing(world, browser, page, case_id, clock):
    said = hours_from_now(clock, 3, 5)
    await says(world, case_id, SafeContact(said.from_minute, said.until_minute, said.zone, "my sister's <phone>"))

    shown = await browser.go(page)

    assert "Safe to write:" in shown
    assert "my sister&#39;s &lt;phone&gt;" in shown
    assert '<option value="safe">' in shown


async def test_without_a_choice_nothing_is_sent_at_the_wrong_time_and_nothing_typed_is_lost(
    world, browser, page, case_id, clock
):
    await says(world, case_id, hours_from_now(clock, 3, 5))
    _, before = await talk_of(world, case_id)

    await browser.send(f"{page}/answer", text="Are you well?")

    assert browser.status == 409
    assert "not the time that the person called safe" in browser.page
    assert "Are you well?</textarea>" in browser.page
    assert len((await talk_of(world, case_id))[1]) == len(before)


async def test_an_answer_waits_and_can_be_taken_back_into_the_field(world, browser, page, case_id, clock):
    await says(world, case_id, hours_from_now(clock, 3, 5))
    await browser.go(page)

    await browser.send(f"{page}/answer", text="Are you <well>?", when="safe")
    assert "Waits to be sent:" in browser.page
    assert "Are you &lt;well&gt;?</q>" in browser.page
    found = await world.database.read(lambda tx: store.get_case(tx, case_id))
    [one] = await world.database.read(lambda tx: waiting.of_case(tx, world.vault, found.case))
    assert one.due_at - clock.now() <= timedelta(hours=3)

    await browser.send(f"{page}/waiting", answer=one.id)

    assert "Waits to be sent:" not in browser.page
    assert "Are you &lt;well&gt;?</textarea>" in browser.page
    assert await world.database.read(lambda tx: waiting.of_case(tx, world.vault, found.case)) == []


async def test_an_officer_may_send_at_once_for_a_reason_that_is_kept(world, browser, page, case_id, clock):
    await says(world, case_id, hours_from_now(clock, 3, 5))
    await browser.go(page)

    await browser.send(f"{page}/answer", text="Are you well?", when="danger")

    assert (await talk_of(world, case_id))[1][-1].text == "Are you well?"
    assert "wrote outside the time that the person called safe" in browser.page


async def test_the_person_is_asked_with_buttons(world, browser, page, case_id, clock):
    await browser.send(f"{page}/ask-safe-time")

    assert "The person is asked when they may be written to." in browser.page
    _, lines = await talk_of(world, case_id)
    assert lines[-1].template == "safe_time"
    assert [button.payload for button in lines[-1].buttons][:1] == ["safe from 8 to 12"]
    await says(world, case_id, hours_from_now(clock, 3, 5))
    await browser.send(f"{page}/ask-safe-time")
    assert browser.status == 409


async def test_whoever_comes_back_is_known_and_where_they_said_they_are_is_shown_with_when(world, at_desk, amira):
    person, when = await world.person(), timedelta(minutes=5)
    before = (await world.escalate(person, reason="trafficking")).case_id

    def close(tx):
        cases.claim_case(tx, world.hand(amira), before)
        cases.close_case(tx, world.hand(amira), before, closing="helped")

    await world.database.write(close)
    back = (await world.escalate(person)).case_id
    where = Whereabouts("Menton", "FR")
    await world.database.write(
        lambda tx: cases.CaseEscalations(world.vault).person_wrote(tx, person, at=NOON + when, place=where)
    )

    page = " ".join((await (await at_desk(await world.officer("bruno"))).go(f"/desk/cases/{back}")).split())

    known = page[page.index('id="earlier-cases"') :][:900]
    assert f"/desk/cases/{before}" not in known  # it is not his to read; whoever had it is named
    assert "with <bdi>amira</bdi>" in known
    assert "The person got what they asked for" in known
    assert page.index("<bdi>Menton</bdi>") < page.index("<bdi>Ventimiglia</bdi>")
    assert "Places they named" in page
    assert '<a href="#earlier-cases">1 earlier case of this person</a>' in page
    assert 'id="earlier-cases"' in await (await at_desk(amira)).go(f"/desk/cases/{back}")
