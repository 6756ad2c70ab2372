"""The bot tells what was asked and that an answer came: where it is wanted, and nowhere an adult could read along."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from bot.cases import consent
from bot.cases import service as cases
from bot.cases import store as case_store
from bot.cases.answering import end_watch
from bot.cases.record import service as record
from bot.conversations import service as conversations
from bot.conversations.model import Author, Direction
from bot.conversations.safe_contact import SafeContact
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Mark
from bot.exchange.requests import answering, drafting, situations
from bot.exchange.requests.answering import Answer
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.model import Ground, NotNow
from bot.exchange.requests.telling import (
    CHILD_BEGINS,
    MAY_BE_TOLD,
    SILENCES,
    News,
    Telling,
    tell_answer,
    wording,
)
from bot.exchange.requests.types import REQUEST_TYPES
from bot.kernel.live import Signals
from dialogues.understanding.model import Priority
from tests.integration.exchange.two_countries import (
    NO_FEAR,
    Country,
    Courier,
    a_draft,
    an_agreement_to,
    hand_over,
)

#: Words of which none may stand in what a person reads, in any language.
BETRAYS = (
    "hold", "adult", "uncle", "verify", "suspen", "retención", "retenci", "adulte", "adulto", "tío", "oncle", "police",
    "وقف", "بالغ", "عم ", "شرطة", "danger", "peligro", "خطر", "harm",
)  # fmt: skip


async def a_quiet_case(country: Country, *, reporter: bool = False, reason: str = "asked_for_person") -> str:
    """A case of somebody who asked for a person, and of whom nothing bad is known."""
    escalated = await country.world.escalate(reason=reason, priority=Priority.P2, words="can I talk to somebody")
    case_id = escalated.case_id
    table = case_store.cases
    await country.database.write(
        lambda tx: tx.execute(table.update().where(table.c.id == case_id).values(reporter=reporter))
    )
    await country.do(cases.claim_case, case_id)
    await country.do(situations.record_situation, case_id, NO_FEAR)
    for partner_id in country.others.values():
        await country.do(consent.record, case_id, an_agreement_to(partner_id))
    return case_id


async def asked(country: Country, case_id: str, **changed: Any) -> str:
    return await country.asked(case_id, a_draft(country.others["TN"], **{"tell": True, **changed}))


async def look(country: Country) -> int:
    telling = Telling(country.database, country.clock, Signals(), country.vault, country.world.words)
    return await telling.look()


async def read_by_person(country: Country, case_id: str) -> list[str]:
    """Every line of the program about a request that went to the person's phone."""
    conversation_id = await conversation_of(country, case_id)
    lines = await country.see(lambda tx: conversations.transcript(tx, country.vault, conversation_id))
    return [line.text for line in lines if line.template == "request_news" and line.direction is Direction.OUT]


async def said_by_officer(country: Country, case_id: str) -> list[str]:
    conversation_id = await conversation_of(country, case_id)
    lines = await country.see(lambda tx: conversations.transcript(tx, country.vault, conversation_id))
    return [line.text for line in lines if line.author is Author.OFFICER]


async def conversation_of(country: Country, case_id: str) -> str:
    found = await country.see(lambda tx: case_store.get_case(tx, case_id))
    assert found is not None
    return found.case.conversation_id


async def why_not(country: Country, request_id: str) -> list[str]:
    events = (await country.file(request_id)).events
    return [event.facts["why"] for event in events if event.act == "person_not_told"]


async def answered(italy: Country, tunisia: Country, courier: Courier, request_id: str) -> None:
    await courier.carry()
    await tunisia.do(answering.accept, request_id)
    await courier.carry()
    for key in REQUEST_TYPES["info_child"].asks:
        await tunisia.do(answering.write_answer, request_id, Answer(key, "SECRET WORDS", "told", "high"), once=key)
    await tunisia.do(answering.release_answers, request_id, endangers=False, ground=Ground.CHILD_ONLY)
    await courier.carry()


async def test_a_child_reads_what_was_asked_and_that_an_answer_came_in_their_language(
    italy: Country, tunisia: Country, courier: Courier
):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id)
    assert await look(italy) == 1
    await answered(italy, tunisia, courier, request_id)
    assert await look(italy) == 1
    assert await look(italy) == 0  # each thing once

    plain = "عمتك سلمى كانت تعتني بك."
    for _ in range(2):  # the form sent twice
        await italy.do(tell_answer, request_id, text=plain, once="1")
    first, second = await read_by_person(italy, case_id)
    begins = italy.world.words.text("ar", CHILD_BEGINS)
    assert await said_by_officer(italy, case_id) == [f"{begins}\n\n{plain}"]
    assert [event.act for event in (await italy.file(request_id)).events].count("answer_told") == 1
    assert first.startswith(begins)
    assert second.startswith(begins)
    assert "تونس" in first
    assert "من كان يعتني بك؟" in first
    assert "SECRET WORDS" not in first + second
    assert "told" not in first + second  # nothing of what the request tells

    await italy.do(holds.open_dossier, case_id, name="Sami", claimed="uncle_aunt", once="")
    with pytest.raises(NotNow, match="not_told_in_chat"):
        await italy.do(tell_answer, request_id, text=plain, once="2")


async def test_a_worker_reads_the_number_the_day_and_whom_to_ask(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy, reporter=True)
    request_id = await asked(italy, case_id)
    await look(italy)

    [said] = await read_by_person(italy, case_id)
    assert (await italy.file(request_id)).request.number in said
    assert "تونس" in said


async def test_a_refusal_is_told_without_its_reason(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id)
    refused = {"request": request_id, "reason": "danger", "alternative": "lawyer"}
    await hand_over(italy, "TN", "request_refused", refused, request_type="info_child")
    await look(italy)

    said = (await read_by_person(italy, case_id))[-1]
    assert "ليس ذنبك" in said
    assert not any(word in said for word in BETRAYS)


# Hostile cases: in each of them somebody could read along, or nobody agreed


async def silent(italy: Country, case_id: str, request_id: str, why: str) -> None:
    assert await look(italy) == 0
    assert await read_by_person(italy, case_id) == []
    assert await why_not(italy, request_id) == [why]
    assert why in SILENCES


async def test_nothing_is_told_while_a_hold_stands(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id)
    adult = str(await italy.do(holds.open_dossier, case_id, name="Sami", claimed="uncle_aunt", once=""))
    await italy.do(holds.mark, adult, {"papers": Mark.RED, "no_debt": Mark.RED})

    await silent(italy, case_id, request_id, "adult")


async def test_a_hold_on_an_earlier_case_of_the_same_phone_counts(italy: Country, courier: Courier):
    first = await a_quiet_case(italy)
    adult = str(await italy.do(holds.open_dossier, first, name="Sami", claimed="uncle_aunt", once=""))
    await italy.do(holds.place_hold, adult)
    await italy.do(cases.close_case, first, closing="other", checked=("safe", "told", "next"))
    conversation_id = await conversation_of(italy, first)
    again = await italy.world.escalate(conversation_id, reason="asked_for_person", priority=Priority.P2)
    await italy.do(cases.claim_case, again.case_id)
    await italy.do(situations.record_situation, again.case_id, NO_FEAR)
    await italy.do(consent.record, again.case_id, an_agreement_to(italy.others["TN"]))
    request_id = await asked(italy, again.case_id)

    await silent(italy, again.case_id, request_id, "adult")


async def test_an_adult_whom_nobody_has_verified_keeps_the_bot_silent(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id)
    await italy.do(holds.open_dossier, case_id, name="Sami", claimed="uncle_aunt", once="")

    await silent(italy, case_id, request_id, "adult")


async def test_the_false_uncle_who_writes_as_a_worker_is_told_nothing(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy, reporter=True)
    request_id = await asked(italy, case_id)
    adult = str(await italy.do(holds.open_dossier, case_id, name="Sami", claimed="uncle_aunt", once=""))
    await italy.do(holds.place_hold, adult)

    await silent(italy, case_id, request_id, "adult")


@pytest.mark.parametrize("reason", ["non_parent_adult", "trafficking", "duress", "child_marriage", "threats"])
async def test_a_case_of_somebody_under_control_is_told_by_a_human(italy: Country, courier: Courier, reason: str):
    case_id = await a_quiet_case(italy, reason=reason)
    request_id = await asked(italy, case_id)

    await silent(italy, case_id, request_id, "adult")


async def test_a_danger_that_was_heard_later_in_the_talk_counts_though_the_case_began_as_another(
    italy: Country, courier: Courier
):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id)
    conversation_id = await conversation_of(italy, case_id)
    await italy.world.escalate(conversation_id, reason="threats", priority=Priority.P3)

    await silent(italy, case_id, request_id, "adult")


async def test_a_concern_in_the_record_counts(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id)
    await italy.do(record.write_fields, case_id, {"concerns": ["migrant", "adult_unverified"]}, seen={})

    await silent(italy, case_id, request_id, "adult")


async def test_the_duress_word_silences_it(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id)
    conversation_id = await conversation_of(italy, case_id)
    await italy.database.write(lambda tx: watched(tx, conversation_id, italy))

    await silent(italy, case_id, request_id, "watched")


@pytest.mark.parametrize("assent", ["objects", "not_asked", "too_young"])
async def test_where_the_childs_view_does_not_say_yes_a_human_tells(italy: Country, courier: Courier, assent: str):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id, assent=assent)

    await silent(italy, case_id, request_id, "assent")


async def test_who_did_not_ask_to_read_it_reads_nothing(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id, tell=False)

    await silent(italy, case_id, request_id, "not_wanted")


async def test_a_consent_that_was_taken_back_ends_it(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id)
    row = (await italy.see(lambda tx: consent.of_case(tx, case_id)))[0]
    await italy.do(consent.withdraw, case_id, row.id, holders=[WithdrawnConsents()])

    await silent(italy, case_id, request_id, "consent")


@pytest.mark.parametrize("type_key", sorted(set(REQUEST_TYPES) - MAY_BE_TOLD))
async def test_what_would_show_a_doubt_or_a_plan_is_never_told(italy: Country, courier: Courier, type_key: str):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id, type_key=type_key, asks=REQUEST_TYPES[type_key].asks,
                             fields=a_draft("", type_key).fields)  # fmt: skip

    await silent(italy, case_id, request_id, "type")


async def test_a_question_about_harm_alone_is_not_told(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id, asks=("harm",))

    await silent(italy, case_id, request_id, "type")


async def test_what_was_not_safe_to_tell_is_not_told_later_by_itself(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    request_id = await asked(italy, case_id)
    conversation_id = await conversation_of(italy, case_id)
    await italy.database.write(lambda tx: watched(tx, conversation_id, italy))
    await look(italy)
    await italy.do(end_watch, case_id)

    await silent(italy, case_id, request_id, "watched")


async def test_news_waits_for_the_time_at_which_the_person_may_be_written_to(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    conversation_id = await conversation_of(italy, case_id)
    in_three_hours = (italy.clock.now() + timedelta(hours=3)).hour * 60
    evening = SafeContact(in_three_hours, in_three_hours + 60, "+0")
    await italy.database.write(lambda tx: conversations.keep_safe_contact(tx, italy.vault, conversation_id, evening))
    request_id = await asked(italy, case_id)

    assert await look(italy) == 0
    italy.clock.advance(timedelta(hours=3))
    assert await look(italy) == 1

    assert len(await read_by_person(italy, case_id)) == 1
    assert await why_not(italy, request_id) == []


async def test_whoever_named_a_safer_way_is_told_by_a_human(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    conversation_id = await conversation_of(italy, case_id)
    way = SafeContact(way="only my sister's phone")
    await italy.database.write(lambda tx: conversations.keep_safe_contact(tx, italy.vault, conversation_id, way))

    await silent(italy, case_id, await asked(italy, case_id), "way")


async def test_old_news_is_not_told_by_itself(italy: Country, courier: Courier):
    case_id = await a_quiet_case(italy)
    await asked(italy, case_id)
    italy.clock.advance(timedelta(days=1, minutes=1))

    assert await look(italy) == 0
    assert await read_by_person(italy, case_id) == []


async def test_no_word_of_any_language_betrays_a_hold_and_a_locked_phone_shows_no_country(
    italy: Country, courier: Courier
):
    words = italy.world.words
    for type_key in sorted(MAY_BE_TOLD):
        draft = a_draft(italy.others["TN"], type_key, asks=REQUEST_TYPES[type_key].askable)
        request_id = await italy.do(drafting.draft, await a_quiet_case(italy), draft)
        request = (await italy.file(request_id)).request
        for language in ("en", "fr", "es", "ar"):
            for news in News:
                for worker in (True, False):
                    said = await italy.see(
                        lambda tx, r=request, n=news, w=worker, la=language: wording(tx, words, la, r, n, worker=w)
                    )
                    assert not any(word in said.casefold() for word in BETRAYS), said
                    begins = said.split("\n")[0]
                    assert len(begins) >= (58 if language == "en" else 40)
                    assert not any(name in begins for name in ("Tunis", "Túnez", "تونس"))


def watched(tx: Any, conversation_id: str, country: Country) -> None:
    """Somebody wrote the agreed word."""
    from bot.conversations.store import conversations as table

    tx.execute(table.update().where(table.c.id == conversation_id).values(watched_since=country.clock.now()))
