"""What a person may rely on, from their message to its answer."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from bot.channels.model import Button
from bot.conversations import service, stuck
from bot.conversations.model import Author, ConversationKind, Direction, MessageClass, Mode, OutboxState
from bot.conversations.ports import LONG
from bot.conversations.store import conversations, inbox, messages
from dialogues.runtime.model import Choice, DialogueState, Reply, Turn, UserMessage
from dialogues.understanding.model import Reading
from tests.integration.conversations.world import World


async def test_a_message_is_answered_and_both_are_in_the_transcript(world: World):
    assert await world.write("hello")

    await world.settle()

    assert world.channel.texts == ["echo hello"]
    assert world.channel.sent[0].buttons == (Button("Yes", "/affirm"),)
    assert world.channel.sent[0].address == "+1"
    person, bot = await world.transcript()
    assert (person.author, person.direction, person.text, person.seq) == (Author.PERSON, Direction.IN, "hello", 1)
    assert (bot.author, bot.template, bot.seq, bot.delivery) == (Author.BOT, "utter_echo", 2, OutboxState.SENT)


async def test_the_same_message_again_has_one_effect(world: World):
    raw = world.raw("hello")
    assert await world.inbox.accept(raw) is True
    assert await world.inbox.accept(raw) is False
    await world.settle()
    assert await world.inbox.accept(raw) is False  # also long after it was answered
    await world.settle()

    assert world.channel.texts == ["echo hello"]


async def test_a_lower_number_than_the_last_is_not_taken_for_a_repetition(world: World):
    await world.write("second", provider_id="900")
    await world.write("first", provider_id="5")

    await world.settle()

    assert world.channel.texts == ["echo second", "echo first"]


async def test_twenty_at_once_with_copies_are_answered_once_each_and_in_order(world: World):
    import asyncio

    raws = [world.raw(f"{n}", who=f"+{n % 4}") for n in range(20)]
    fresh = await asyncio.gather(*[world.inbox.accept(raw) for raw in raws for _ in range(3)])
    await world.settle()

    assert sum(fresh) == 20
    for who in range(4):
        said = [sent.text for sent in world.channel.sent if sent.address == f"+{who}"]
        assert said == [f"echo {n}" for n in range(20) if n % 4 == who]


async def test_the_dialogue_goes_on_where_it_stood(world: World):
    await world.write("one")
    await world.settle()
    await world.write("two")
    await world.settle()

    assert [state.slots.get("count") for state in world.engine.states] == [None, 1]


async def test_a_conversation_and_what_was_said_in_it_can_be_read_only_with_its_key(world: World):
    await world.write("a very secret word")
    await world.settle()

    rows = await world.rows(
        sa.select(messages.c.body_sealed, conversations.c.state_sealed, conversations.c.address_index).join_from(
            messages, conversations, conversations.c.id == messages.c.conversation_id
        )
    )
    for row in rows:
        assert b"secret" not in bytes(row.body_sealed)
        assert b"secret" not in bytes(row.state_sealed)
        assert "+1" not in row.address_index


async def test_the_payload_goes_when_its_message_is_answered(world: World):
    await world.write("hello")
    await world.settle()

    (row,) = await world.rows(sa.select(inbox.c.state, inbox.c.payload_sealed))
    assert (row.state, row.payload_sealed) == ("done", None)


@pytest.mark.parametrize("text", ["/restart", '/escalate{"level": "none"}', "/in_danger", "/start"])
async def test_commands_typed_by_people_are_only_words(world: World, text: str):
    await world.write(text)
    await world.settle()

    (heard,) = world.engine.heard
    assert (heard.intent, heard.text) == ("inform", text)
    assert heard.entities == ()


async def test_a_tapped_button_is_a_command_of_ours_and_is_acknowledged(world: World):
    await world.write("Ventimiglia", kind="tap", payload='/inform{"place": "Ventimiglia"}', tap_id="t1")
    await world.settle()

    (heard,) = world.engine.heard
    assert heard.intent == "inform"
    assert [(entity.name, entity.value) for entity in heard.entities] == [("place", "Ventimiglia")]
    assert world.understanding.seen == []
    assert world.channel.acknowledged == ["t1"]


async def test_who_writes_what_a_button_says_has_pressed_it_while_it_is_the_last_that_was_said(world: World):
    twice = tuple(Choice("No", payload) for payload in ("/deny", "/tell_nothing"))
    once = Choice("He has a knife", "/search_service")
    world.engine.replies = (Reply("What now?", (once, *twice)), Reply("Or then?", (once,)))
    await world.write("hello")
    await world.settle()
    await world.write(" he has a KNIFE.")
    await world.settle()
    world.engine.replies = (Reply("Where?"),)
    await world.write("no")
    await world.settle()
    await world.write("He has a knife")
    await world.settle()

    # The words are ours, and mean what we meant. Two buttons with one word are read as ever, and so is an old one.
    assert [heard.intent for heard in world.engine.heard] == ["inform", "search_service", "inform", "in_danger"]


async def test_what_may_be_a_removal_is_said_of_a_place_that_was_just_shown_and_only_then(world: World):
    world.engine.shown = ("one",)
    for words in ("They sent me away", "on m'a renvoyé", "they sent me away, he has a knife"):
        await world.write(words)
    await world.settle()

    assert [heard.intent for heard in world.engine.heard] == ["inform", "service_wrong", "in_danger"]
    assert [entity.value for entity in world.engine.heard[1].entities] == ["refused_me"]


async def test_a_tap_that_is_no_button_of_ours_is_read_as_words(world: World):
    await world.write("", kind="tap", payload="he has a knife", tap_id="t1")
    await world.settle()

    assert world.engine.heard[0].intent == "in_danger"


async def test_a_button_can_say_that_somebody_is_in_danger(world: World):
    await world.write("", kind="tap", payload='/in_danger{"reason": "unsafe_place", "priority": "P1"}', tap_id="t1")
    await world.settle()

    assert await world.calls() == [("unsafe_place", "P1")]


async def test_a_shared_place_reaches_the_dialogue(world: World):
    await world.write("", kind="location", latitude=43.79, longitude=7.61)
    await world.settle()

    (heard,) = world.engine.heard
    assert heard.intent == "share_location"
    assert {entity.name: entity.value for entity in heard.entities} == {"place_lat": 43.79, "place_lon": 7.61}


async def test_an_edited_message_is_read_again_and_marks_what_it_corrects(world: World):
    await world.write("I am in Rom", provider_id="m7")
    await world.write("I am in Rome", edits="m7", provider_id="e7")
    await world.settle()

    mine = [line for line in await world.transcript() if line.author is Author.PERSON]
    assert [(line.text, line.edits) for line in mine] == [("I am in Rom", None), ("I am in Rome", mine[0].seq)]


async def test_a_hundred_thousand_characters_are_read_as_far_as_the_channel_reads(world: World):
    await world.write("x" * 100_000)
    await world.settle()

    assert len(world.engine.heard[0].text) == 20_000
    assert len(world.channel.sent) == 1


async def test_a_payload_of_arbitrary_bytes_survives_the_inbox(world: World):
    from bot.channels.model import RawMessage

    await world.inbox.accept(RawMessage("paper", "main", "b1", "+1", bytes(range(256))))
    await world.settle()

    (waiting,) = await world.database.read(stuck.parked)
    assert waiting.error_code == "PayloadUnreadable"


# --- danger ------------------------------------------------------------------------------------------------------


async def test_words_of_danger_reach_a_human_and_the_dialogue_hears_danger(world: World):
    await world.write("he has a knife")
    await world.settle()

    assert await world.calls() == [("weapon_present", "P0")]
    assert world.engine.heard[0].intent == "in_danger"
    (sent,) = [line for line in await world.transcript() if line.direction is Direction.OUT]
    assert sent.cls is MessageClass.SAFETY


async def test_danger_is_answered_even_if_the_dialogue_says_nothing(world: World):
    world.engine.silent = True

    await world.write("he has a knife")
    await world.settle()

    assert world.channel.texts[0].startswith("Call 112 now")
    assert await world.calls() == [("weapon_present", "P0")]


async def test_whoever_waits_for_a_long_message_to_be_read_takes_no_hand_from_others(world: World):
    begun, go_on, read = asyncio.Event(), asyncio.Event(), world.understanding.read

    async def slowly(text: str, **known: str | None) -> Reading:
        if len(text) >= LONG:
            begun.set()
            await go_on.wait()
        return await read(text, **known)

    free, turn = [], world.engine.turn

    async def counted(state: DialogueState, message: UserMessage) -> Turn:
        free.append(world.worker._free())
        return await turn(state, message)

    world.understanding.read = slowly  # type: ignore[method-assign,assignment]
    world.engine.turn = counted  # type: ignore[method-assign]
    world.worker = world.new_worker(workers=1)
    await world.write("a" * LONG, who="+1")
    settling = asyncio.create_task(world.settle())
    await begun.wait()
    await world.write("b" * LONG, who="+2")
    assert await world.worker._start_due() == 1
    await world.write("he has a knife", who="+3")

    while not await world.worker._start_due():  # begun, and not yet aside
        await asyncio.sleep(0)

    go_on.set()
    await settling
    await world.settle()
    assert await world.calls() == [("weapon_present", "P0")]
    assert len(world.channel.texts) == 3
    assert min(free) == 0  # more hands than there are: none is free, and the loop waits


async def test_words_of_danger_are_heard_while_understanding_fails(world: World):
    world.worker = world.new_worker(screen=world.screen)
    world.understanding.broken = True

    await world.write("he has a knife")
    await world.settle()

    assert await world.calls() == [("weapon_present", "P0")]
    assert world.channel.texts[0].startswith("Call 112 now")


@pytest.mark.parametrize("part", ["understanding", "engine"])
async def test_when_a_part_fails_the_message_goes_to_a_human_with_kind_words(world: World, part: str):
    getattr(world, part).broken = True

    await world.write("I need help")
    await world.settle()

    assert await world.calls() == [("understanding_failed", "P1")]
    said = "I could not read your message. A person will read it and answer you here.\nDanger now? Call 112."
    assert world.channel.texts == [said]


async def test_danger_seen_before_the_dialogue_fails_is_still_danger(world: World):
    world.engine.broken = True

    await world.write("he has a knife")
    await world.settle()

    assert await world.calls() == [("weapon_present", "P0")]
    assert world.channel.texts[0].startswith("Call 112 now")


async def test_the_dialogue_can_call_an_officer(world: World):
    marker = {"waymark": "call_officer", "reason": "asked_for_person", "priority": "P2"}
    world.engine.replies = (Reply("A person will come."), Reply(custom=marker))

    await world.write("a person please")
    await world.settle()

    assert await world.calls() == [("asked_for_person", "P2")]
    assert world.channel.texts == ["A person will come."]


async def test_a_reply_may_carry_a_point_on_the_map(world: World):
    world.engine.replies = (Reply("Here it is.", custom={"waymark": "location", "lat": 43.79, "lon": 7.61}),)

    await world.write("where")
    await world.settle()

    (sent,) = world.channel.sent
    assert (sent.latitude, sent.longitude, sent.text) == (43.79, 7.61, "Here it is.")


# --- officers ----------------------------------------------------------------------------------------------------


async def test_while_an_officer_answers_the_bot_is_silent_and_still_sees_danger_once(world: World):
    await world.write("hello")
    await world.settle()
    conversation_id = await world.conversation()
    await world.database.write(lambda tx: service.hand_to_human(tx, conversation_id, world.clock.now()))

    for text in ("are you there", "he has a knife", "the knife is big"):
        await world.write(text)
    await world.settle()

    assert world.channel.texts[1:] == [
        "Call 112 now if you are in danger. A person will read this and answer you here."
    ]
    assert [reason for reason, _ in await world.calls()] == ["weapon_present", "weapon_present"]
    assert [line.text for line in await world.transcript() if line.author is Author.PERSON][1:] == [
        "are you there",
        "he has a knife",
        "the knife is big",
    ]


async def test_an_officers_words_arrive_and_afterwards_the_bot_starts_afresh(world: World):
    await world.write("hello")
    await world.settle()
    conversation_id = await world.conversation()
    at = world.clock.now()
    await world.database.write(lambda tx: service.hand_to_human(tx, conversation_id, at))
    await world.database.write(
        lambda tx: service.answer(
            tx, world.vault, conversation_id, officer_id="o1", text="I am Maria.", language="en", at=at
        )
    )
    await world.database.write(lambda tx: service.hand_back(tx, conversation_id, at))
    await world.write("thanks")
    await world.settle()

    assert world.channel.texts == ["echo hello", "I am Maria.", "echo thanks"]
    assert world.engine.states[-1].slots["count"] == 1
    line = (await world.transcript())[2]
    assert (line.author, line.officer_id, line.cls) == (Author.OFFICER, "o1", MessageClass.OFFICER)


async def test_answers_about_a_child_and_what_was_asked_are_gone_from_the_talk_when_the_officer_leaves_it(world: World):
    asked = {
        "report_now": True,
        "report_place": "Calais",
        "report_child": "a boy",
        "requested_slot": "report_age",
        "safety_question": True,
    }

    class Asking(type(world.engine)):  # type: ignore[misc]
        async def turn(self, state, message):  # type: ignore[no-untyped-def]
            turn = await super().turn(state, message)
            slots = {**turn.state.slots, **asked, "country": "FR"}
            return replace(turn, state=replace(turn.state, slots=slots, active_loop={"name": "report_form"}))

    world.engine.__class__ = Asking
    await world.write("a boy")
    await world.settle()
    conversation_id = await world.conversation()
    at = world.clock.now()
    await world.database.write(lambda tx: service.hand_to_human(tx, conversation_id, at))
    await world.database.write(lambda tx: service.hand_back(tx, conversation_id, at))
    await world.write("another child")
    await world.settle()

    state = world.engine.states[-1]
    assert (state.active_loop, state.slots["country"]) == ({}, "FR")
    assert asked.keys().isdisjoint(state.slots)


async def test_a_turn_under_way_when_an_officer_takes_over_is_taken_again_in_silence(world: World):
    await world.write("hello")
    conversation_id = None

    class Interrupted(type(world.engine)):  # type: ignore[misc]
        async def turn(self, state, message):  # type: ignore[no-untyped-def]
            nonlocal conversation_id
            conversation_id = await world.conversation()
            await world.database.write(lambda tx: service.hand_to_human(tx, conversation_id, world.clock.now()))
            return await super().turn(state, message)

    world.engine.__class__ = Interrupted
    await world.settle()

    assert world.channel.sent == []
    assert [line.text for line in await world.transcript()] == ["hello"]


async def test_a_code_makes_a_chat_an_officers_phone_that_only_carries_pages(world: World):
    world.codes["abc"] = ""

    await world.write("", kind="start", payload="abc")
    await world.settle()
    await world.write("hello?")
    await world.settle()

    conversation_id = await world.conversation()
    assert world.codes["abc"] == conversation_id
    assert world.channel.texts == [
        "This chat will now bring you alarms. They never hold names or words of people.",
        "This chat only brings alarms. Please answer people on the desk.",
    ]
    card = await world.database.read(lambda tx: service.card(tx, conversation_id))
    assert card is not None
    assert (card.kind, card.mode) == (ConversationKind.OFFICER, Mode.BOT)


async def test_a_wrong_code_is_an_ordinary_start(world: World):
    await world.write("", kind="start", payload="guess")
    await world.settle()

    assert world.engine.heard[0].intent == "start"
    assert (await world.rows(sa.select(conversations.c.kind)))[0].kind == "person"


async def test_a_code_is_never_read_as_words_and_danger_named_in_its_place_is_still_seen(world: World):
    world.worker = world.new_worker(screen=world.screen)
    await world.write("/start F5tZNunklL62W6mKa6Godg0k", kind="start", payload="F5tZNunklL62W6mKa6Godg0k")
    await world.settle()

    assert world.understanding.seen == []
    assert await world.calls() == []

    await world.write("/start knife", kind="start", payload="knife")
    await world.settle()

    assert await world.calls() == [("weapon_present", "P0")]


async def test_a_group_is_refused_kindly_once_and_again_when_it_adds_us_again_and_its_words_are_dropped(world: World):
    no_groups = "I do not answer in groups, to keep people safe. Please write to me alone.\nDanger now? Call 112."
    await world.write("he has a knife", kind="group")
    await world.settle()
    await world.write("what is this bot", kind="group")
    await world.settle()

    assert world.channel.texts == [no_groups]
    world.clock.advance(timedelta(hours=1))
    for _ in range(2):
        await world.write("hi again", kind="group")
        await world.settle()

    assert world.channel.texts == [no_groups] * 2
    assert [line.author for line in await world.transcript()] == [Author.BOT] * 2
    assert world.engine.heard == []
    await world.write("il a un couteau", who="-2", kind="group", language="fr")
    await world.settle()
    assert world.channel.texts[-1].endswith("Danger maintenant ? Appelle le 112.")


# --- languages ---------------------------------------------------------------------------------------------------


async def test_the_language_follows_the_person_until_they_choose_one(world: World):
    world.understanding.language = "fr"
    await world.write("bonjour")
    await world.settle()
    conversation_id = await world.conversation()
    assert (await world.transcript())[1].language == "fr"

    await world.database.write(lambda tx: service.choose_language(tx, conversation_id, "ar"))
    await world.write("bonjour")
    await world.settle()

    assert world.engine.states[-1].slots["language"] == "ar"
    assert (await world.transcript())[3].language == "ar"


async def test_what_the_app_says_is_a_hint_for_the_first_words(world: World):
    await world.write("ok", language="es-MX")
    await world.settle()

    assert world.engine.states[0].slots["language"] == "es"


# --- many messages -----------------------------------------------------------------------------------------------


async def test_who_writes_much_is_answered_later_and_never_less(world: World):
    from bot.conversations.model import Allowance

    world.inbox = world.new_inbox(Allowance(burst=3, per_minute=20))
    for n in range(6):
        await world.write(f"{n}")

    await world.settle()
    assert world.channel.texts == ["echo 0", "echo 1", "echo 2"]
    await world.later(timedelta(seconds=3))
    assert world.channel.texts[3:] == ["echo 3"]
    await world.later(timedelta(seconds=6))
    assert world.channel.texts[4:] == ["echo 4", "echo 5"]


async def test_danger_overtakes_ones_own_flood(world: World):
    from bot.conversations.model import Allowance

    world.inbox = world.new_inbox(Allowance(burst=1, per_minute=1))
    for text in ("a", "b", "c", "he has a knife"):
        await world.write(text)

    await world.settle()

    assert world.channel.texts == ["echo he has a knife", "echo a"]
    assert world.screened == ["b", "c", "he has a knife"]  # only those that would have to wait
    assert await world.calls() == [("weapon_present", "P0")]


async def test_a_providers_repetitions_do_not_use_up_the_persons_allowance(world: World):
    from bot.conversations.model import Allowance

    world.inbox = world.new_inbox(Allowance(burst=2, per_minute=1))
    raw = world.raw("hello")
    for _ in range(20):
        await world.inbox.accept(raw)
    await world.write("again")

    await world.settle()

    assert world.channel.texts == ["echo hello", "echo again"]


async def test_a_choice_of_answers_is_kept_with_the_line(world: World):
    world.engine.replies = (
        Reply("Are you safe?", (Choice("Yes", "/affirm"), Choice("Map", url="https://example.org"))),
    )
    await world.write("x")
    await world.settle()

    line = (await world.transcript())[1]
    assert line.buttons == (Button("Yes", "/affirm"), Button("Map", "", "https://example.org"))
