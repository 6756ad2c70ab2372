"""A project behind Rasa's HTTP API, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from dialogues.server.host import Host
from dialogues.server.http import HOST, make_app
from dialogues.server.recognition import MOST_COMPARED
from dialogues.server.rehearsal import read_test_stories, rehearse
from dialogues.understanding.embedder import CharNgrams, Matrix
from tests.integration.dialogues_server.project import FILES, write_project


class Talker:
    """Somebody who writes over the REST channel."""

    def __init__(self, client: Any, sender: str = "ada") -> None:
        self.client = client
        self.sender = sender

    async def says(self, text: str, **more: Any) -> list[str | None]:
        return [message.get("text") for message in await self.hears(text, **more)]

    async def hears(self, text: str, **more: Any) -> list[dict[str, Any]]:
        body = {"sender": self.sender, "message": text, **more}
        answer = await self.client.post("/webhooks/rest/webhook", json=body)
        assert answer.status == 200
        messages: list[dict[str, Any]] = await answer.json()
        return messages

    async def tracker(self) -> dict[str, Any]:
        answer = await self.client.get(f"/conversations/{self.sender}/tracker")
        state: dict[str, Any] = await answer.json()
        return state


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Any]:
    host = Host.load(write_project(tmp_path), patience_s=0.5)
    async with TestClient(TestServer(make_app(host))) as client:
        yield client


async def test_a_message_is_answered_as_rasa_would_and_the_tracker_tells_where_it_stands(client):
    ada = Talker(client)

    assert await ada.hears("hello") == [{"recipient_id": "ada", "text": "Hello"}]
    assert await ada.says("fill in the form") == ["Which town?"]

    state = await ada.tracker()
    assert state["sender_id"] == "ada"
    assert state["active_loop"]["name"] == "town_form"
    assert state["slots"] == {"town": None, "requested_slot": "town", "session_started_metadata": None}
    assert state["latest_message"]["intent"]["name"] == "form"
    assert state["latest_input_channel"] == "rest"


async def test_a_front_end_that_wants_a_stream_gets_a_message_a_line(client):
    body = {"sender": "", "message": "hello"}

    answer = await client.post("/webhooks/rest/webhook?stream=true", json=body)

    assert answer.content_type == "text/event-stream"
    assert [json.loads(line) for line in (await answer.text()).splitlines()] == [
        {"recipient_id": "default", "text": "Hello"}
    ]


async def test_words_like_an_example_are_understood_with_their_entities_and_synonyms(client):
    ada = Talker(client)

    assert await ada.says("how is it in Calais") == ["In Calais"]
    assert await ada.says("I am in Rome") == ["In Roma"]
    assert await ada.says("I am in Perugia") == ["In Perugia"]
    assert await ada.says("qwertz uiop") == ["Pardon?"]


def test_an_example_keeps_its_entities_and_other_words_are_framed_by_the_examples_of_their_intent(tmp_path):
    nlu = """
        nlu:
          - intent: greet
            examples: |
              - good morning
              - good morning [Ann](name) to you
          - intent: where
            examples: |
              - the [first](town) to [last](town)
              - the way to [Rome](town)
              - how far is it
          - intent: form
            examples: |
              - [soup](town) please
    """
    domain = FILES["domain.yml"].replace("entities: [town]", "entities: [town, name]")
    recognizer = Host.load(write_project(tmp_path, data_nlu_yml=nlu, domain_yml=domain)).recognizer

    def entities(text: str) -> list[Any]:
        read = recognizer.read(text, sender_id="", channel="", metadata={})
        return [entity.value for entity in read.entities]

    assert entities("The way to Rome") == ["Rome"]
    assert entities("the way to Calais") == ["Calais"]
    assert entities("good morning please") == []


async def test_people_do_not_hear_each_other(client):
    ada, ben = Talker(client, "ada"), Talker(client, "ben")

    await ada.says('/where{"town": "Oslo"}')

    assert await ben.says("/where") == ["In None"]
    assert (await ada.tracker())["slots"]["town"] == "Oslo"


async def test_many_messages_of_one_person_at_once_are_heard_one_after_the_other(client):
    ada = Talker(client)

    await asyncio.gather(*(ada.says(f'/where{{"town": "{number}"}}') for number in range(20)))

    events = (await ada.tracker())["events"]
    kinds = [event["event"] for event in events if event["event"] in ("user", "bot")]
    assert kinds == ["user", "bot"] * 20


@pytest.mark.parametrize("payload", ["/raise", "/hang"])
async def test_an_action_that_breaks_leaves_nobody_in_silence_and_the_conversation_lives_on(client, payload):
    ada = Talker(client)

    assert await ada.says(payload) == ["Pardon?"]
    assert await ada.says("hello") == ["Hello"]


async def test_an_action_that_blocks_keeps_nobody_else_waiting(client):
    ada, ben = Talker(client), Talker(client, "ben")
    blocked = asyncio.create_task(ada.says("/hang"))
    await ben.says("hello")

    assert await ben.says("/form") == ["Which town?"]
    assert await blocked == ["Pardon?"]


async def test_what_an_action_returns_that_is_no_event_is_passed_over(client):
    ada = Talker(client)

    assert await ada.says("/rubbish") == []
    assert await ada.says("hello") == ["Hello"]


async def test_a_validator_that_breaks_is_told_and_the_question_stays(client):
    ada = Talker(client)
    await ada.says("/form")

    assert await ada.says('/inform{"town": "Boom"}') == ["Pardon?"]
    assert (await ada.tracker())["active_loop"]["name"] == "town_form"
    assert await ada.says('/inform{"town": "Oslo"}') == ["Done with Oslo"]


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"{", "not JSON"),
        (b"[1]", "must be a JSON object"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 100_000, "not JSON"),
    ],
)
async def test_a_body_nobody_can_read_is_refused_with_the_reason(client, body, told):
    answer = await client.post("/webhooks/rest/webhook", data=body)

    assert answer.status == 400
    assert told in (await answer.json())["message"]


@pytest.mark.parametrize(
    "message",
    [
        *(None, "", 7, "x " * 12_000, "/form{", "\x00\u202e", "\ud800", '/where{"town": {"deep": [1]}}'),
        '/where{"town": ' + "[" * 5_000 + "]" * 5_000 + "}",
    ],
)
async def test_whatever_is_sent_something_is_answered(client, message):
    answer = await client.post("/webhooks/rest/webhook", json={"sender": "ada", "message": message})

    assert answer.status == 200
    assert await answer.json()


async def test_a_long_message_is_kept_whole_and_compared_by_its_beginning(tmp_path):
    letters = Noting()
    host = Host.load(write_project(tmp_path), open_embedder=lambda: letters)
    message = "hello " * 12_000

    async with TestClient(TestServer(make_app(host))) as client:
        ada = Talker(client)
        assert await ada.says(message)
        users = [event for event in (await ada.tracker())["events"] if event["event"] == "user"]

    assert users[-1]["text"] == message.strip()
    assert letters.longest <= MOST_COMPARED


class Noting(CharNgrams):
    """Compares by letters, and notes how long the longest text was."""

    longest = 0

    def embed(self, texts: list[str]) -> Matrix:
        self.longest = max(self.longest, *map(len, texts))
        return super().embed(texts)


async def test_an_intent_may_be_triggered_and_events_may_be_put_in_from_outside(client):
    ada = Talker(client)
    event = {"event": "slot", "name": "town", "value": "Nice"}

    await client.post("/conversations/ada/tracker/events", json=event)
    answer = await client.post("/conversations/ada/trigger_intent", json={"name": "where"})

    assert [message["text"] for message in (await answer.json())["messages"]] == ["In Nice"]
    for nonsense, status in (("nosuch", 404), (["where"], 400)):
        assert (await client.post("/conversations/ada/trigger_intent", json={"name": nonsense})).status == status
    for nonsense in ("x", {"event": "followup", "name": 5}, {"event": "slot", "name": "town"}, [{"event": "nosuch"}]):
        assert (await client.post("/conversations/ada/tracker/events", json=nonsense)).status == 400
    assert (await ada.tracker())["slots"]["town"] == "Nice"


async def test_a_talk_told_as_a_story_is_a_test_story_that_passes(client, tmp_path):
    ada = Talker(client)
    for text in ("how is it in Calais", "fill in the form", '/inform{"town": "Oslo"}', "hello"):
        await ada.says(text)

    told = await (await client.get("/conversations/ada/story")).text()
    (tmp_path / "tests" / "test_told.yml").write_text(told, encoding="utf-8")

    assert "how is it in [Calais](town)" in told
    host = Host.load(tmp_path)
    stories = [story for story in read_test_stories(tmp_path) if story.name == "ada"]
    assert [await rehearse(story, host) for story in stories] == [[]]


async def test_a_reminder_put_in_from_outside_rings_only_where_side_effects_were_asked_for(client):
    ada, ben, host = Talker(client), Talker(client, "ben"), client.server.app[HOST]
    reminder = {
        "event": "reminder",
        "name": "later",
        "intent": "greet",
        "entities": {},
        "kill_on_user_msg": False,
        "date_time": datetime.now(UTC).isoformat(),
    }

    for person, query in ((ada, "?execute_side_effects=true"), (ben, "")):
        answer = await client.post(f"/conversations/{person.sender}/tracker/events{query}", json=reminder)
        assert answer.status == 200
    await host.ring_due()

    assert [event["text"] for event in (await ada.tracker())["events"] if event["event"] == "bot"] == ["Hello"]
    assert [event for event in (await ben.tracker())["events"] if event["event"] == "bot"] == []


async def test_what_breaks_in_the_machine_is_told_as_an_error_of_rasas_api(client):
    async def breaks(_sender):
        raise KeyError("a part of ours")

    client.server.app[HOST].standing = breaks
    answer = await client.get("/conversations/ada/tracker")

    assert (answer.status, (await answer.json())["reason"]) == (500, "ConversationError")


async def test_a_real_rasa_may_ask_for_words_and_for_actions(client):
    tracker = {"slots": {"town": "Bari"}, "latest_message": {}, "events": [], "sender_id": "x"}
    words = await client.post(
        "/nlg", json={"response": "utter_town", "arguments": {}, "tracker": tracker, "channel": {"name": "rest"}}
    )
    act = {"next_action": "action_raise", "sender_id": "x", "tracker": tracker, "domain": {}}

    assert (await words.json())["text"] == "In Bari"
    assert (await client.post("/nlg", json={"response": "utter_nosuch", "tracker": tracker})).status == 404
    assert (await client.post("/webhook", json=act)).status == 500
    unknown = await client.post("/webhook", json={**act, "next_action": "action_nosuch"})
    assert (unknown.status, (await unknown.json())["action_name"]) == (404, "action_nosuch")
    assert (await client.post("/webhook", json={**act, "next_action": ["action_raise"]})).status == 404
    valid = await client.post("/webhook", json={**act, "next_action": "validate_town_form"})
    assert await valid.json() == {"events": [], "responses": []}


async def test_the_server_says_what_it_plays(client):
    assert "Rasa" in await (await client.get("/")).text()
    assert (await (await client.get("/status")).json())["num_active_training_jobs"] == 0
    assert "greet" in (await (await client.get("/domain")).json())["intents"]
    assert (await (await client.post("/model/parse", json={"text": "hello"})).json())["intent"]["name"] == "greet"


class ActionPeer:
    """An action server that answers as it is told."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []
        self.status = 200
        self.body: Any = {"events": [], "responses": [{"text": "from afar"}]}
        self.raw: bytes | None = None
        self.wait = asyncio.Event()
        self.wait.set()

    async def answer(self, request: web.Request) -> web.Response:
        self.calls.append(await request.json())
        await self.wait.wait()
        if self.raw is not None:
            return web.Response(body=self.raw, status=self.status, content_type="application/json")
        return web.json_response(self.body, status=self.status)


@pytest.fixture
async def afar(tmp_path: Path) -> AsyncIterator[tuple[Talker, ActionPeer]]:
    peer = ActionPeer()
    app = web.Application()
    app.router.add_post("/webhook", peer.answer)
    async with TestServer(app) as server:
        host = Host.load(write_project(tmp_path), action_url=str(server.make_url("/webhook")), patience_s=0.5)
        async with TestClient(TestServer(make_app(host))) as client:
            yield Talker(client), peer
        peer.wait.set()


async def test_actions_may_run_on_an_action_server(afar):
    ada, peer = afar

    assert await ada.says("/raise") == ["from afar"]

    call = peer.calls[-1]
    assert call["next_action"] == "action_raise"
    assert call["sender_id"] == "ada"
    assert call["tracker"]["latest_message"]["intent"]["name"] == "raise"
    assert "town" in call["domain"]["slots"]


@pytest.mark.parametrize(
    ("status", "raw"),
    [
        (500, b"{}"),
        (200, b"no json"),
        (200, b"[1, 2]"),
        (200, b'{"events": [1]}'),
        (200, b'{"events": [{"x": 1}]}'),
        (404, b""),
    ],
)
async def test_an_action_server_that_answers_nonsense_leaves_nobody_in_silence(afar, status, raw):
    ada, peer = afar
    peer.status, peer.raw = status, raw

    assert await ada.says("/raise") == ["Pardon?"]
    assert await ada.says("hello") == ["Hello"]


@pytest.mark.parametrize(
    "body",
    [
        {"events": [{"event": "followup", "name": 5}]},
        {"events": [{"event": "action", "name": ["x"]}]},
        {"events": [{"event": "user", "parse_data": 5}]},
        {"events": [{"event": "user", "parse_data": {"entities": ["x"]}}]},
        {"events": [{"event": "bot", "data": "x"}]},
        {"events": [{"event": "bot", "metadata": 5}]},
        {"responses": [{"response": ["utter_hello"]}]},
        {"responses": [{"quick_replies": 5}]},
        {"responses": [{"elements": [5]}]},
    ],
)
async def test_what_an_action_answers_that_nobody_can_read_does_not_end_the_conversation(afar, body):
    ada, peer = afar
    peer.body = body

    assert await ada.says("/raise") == ["Pardon?"]
    assert await ada.says("hello") == ["Hello"]


async def test_a_time_that_is_none_and_half_a_character_do_not_end_the_conversation(afar):
    ada, peer = afar
    peer.body = {
        "events": [{"event": "slot", "name": "town", "value": float("nan"), "timestamp": "noon"}],
        "responses": [{"text": "\ud800!"}],
    }

    assert await ada.says("/raise") == ["\ufffd!"]
    assert await ada.says("hello") == ["Hello"]
    assert (await ada.tracker())["slots"]["town"] is None  # in JSON there is no NaN


async def test_a_turn_that_breaks_in_the_machine_is_apologised_for_and_nothing_of_it_happened(client):
    ada, host = Talker(client), client.server.app[HOST]
    await ada.says('/where{"town": "Oslo"}')
    heed = host.engine.heed

    async def breaks(tracker, message, **more):
        tracker.set_slot("town", "half")
        raise KeyError("a part of ours")

    host.engine.heed = breaks
    assert await ada.says("hello") == ["Pardon?"]
    host.engine.heed = heed

    assert await ada.says("/where") == ["In Oslo"]


async def test_an_action_server_that_hangs_or_refuses_is_not_waited_for(afar):
    ada, peer = afar
    peer.wait.clear()
    assert await ada.says("/raise") == ["Pardon?"]

    peer.wait.set()
    peer.status = 400
    assert await ada.says("/raise") == ["Pardon?"]
