"""A project being played: its conversations, each with a lock of its own, and its reminders."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, field
from msgspec.structs import replace

from dialogues.runtime.custom_actions import ActionRunner, NoActions
from dialogues.runtime.engine import SORRY, Engine
from dialogues.runtime.events import Unreadable, is_time, read_events
from dialogues.runtime.files import Problem
from dialogues.runtime.manners import AS_RASA, Failure, Manners
from dialogues.runtime.model import Entity, Event, UserMessage
from dialogues.runtime.policy import Prediction
from dialogues.runtime.project import Project, endpoints, load_project, unused_endpoints
from dialogues.runtime.responses import bot_event
from dialogues.runtime.tracker import SESSION_START, Tracker
from dialogues.server.actions import PATIENCE_S, ActionServer, ProjectActions, has_actions
from dialogues.server.recognition import Recognizer
from dialogues.server.training_data import misfits, read_training_data
from dialogues.understanding.embedder import Embedder

#: Rasa's REST channel answers through a channel of this name: `channel: rest` variations are never said there.
COLLECTOR = "collector"
#: Conversations kept in memory; the one that was silent longest is forgotten first.
MOST_CONVERSATIONS = 20_000
#: A reminder set for a time longer ago than this never rings, as in Rasa (APScheduler's `misfire_grace_time`).
RINGS_LATE_S = 1.0

log = logging.getLogger(__name__)


class _Reminder(Struct, frozen=True):
    event: Event
    due: float
    timer: asyncio.TimerHandle


class _Conversation(Struct):
    tracker: Tracker
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    reminders: dict[str, _Reminder] = field(default_factory=dict)


class Reads(Protocol):
    """Understands messages."""

    unknown: list[Problem]  # what of its pipeline is not played here

    async def hear(
        self, text: str, *, sender_id: str, channel: str, metadata: Mapping[str, Any], tracker: Tracker | None = None
    ) -> UserMessage:
        """The message. `tracker`: what was said before it, not to be changed."""
        ...


class Host:
    """Plays one project for any number of people. Messages of one person wait for each other."""

    def __init__(
        self,
        engine: Engine,
        recognizer: Reads,
        *,
        now: Callable[[], float] = time.time,
        doubts: Sequence[Problem] = (),
    ) -> None:
        self._doubts = doubts
        self.engine = engine
        self.recognizer = recognizer
        self._now = now
        self._conversations: OrderedDict[str, _Conversation] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    @classmethod
    def load(
        cls,
        root: Path,
        *,
        action_url: str | None = None,
        open_embedder: Callable[[], Embedder | None] = lambda: None,
        manners: Manners = AS_RASA,
        patience_s: float = PATIENCE_S,
        now: Callable[[], float] = time.time,
    ) -> Host:
        """Read a project, learn from its examples and load its actions. Raises ProjectWrong."""
        project = load_project(root, strict=False)
        actions = _actions(project, action_url, patience_s)
        engine = Engine(project, actions=actions, manners=manners)
        data = read_training_data(root)
        recognizer = Recognizer(project.domain, data, project.config, open_embedder)
        doubts = [*data.doubts, *misfits(data, project), *unused_endpoints(root)]
        if isinstance(actions, ProjectActions):
            doubts += actions.doubts(project.domain.actions | project.domain.mapping_actions)
        return cls(engine, recognizer, now=now, doubts=doubts)

    def doubts(self) -> list[str]:
        """What its author should know, though it can be played."""
        found = [str(problem) for problem in (*self.engine.project.doubts, *self.engine.unmade(), *self._doubts)]
        return found + [str(problem) for problem in self.recognizer.unknown]

    async def hear(
        self, sender_id: str, text: str, metadata: Mapping[str, Any] | None = None, input_channel: str = "rest"
    ) -> list[dict[str, Any]]:
        """Answer a message, with messages as the REST channel sends them."""
        conversation = self._conversation(sender_id)
        async with conversation.lock:
            before = [*conversation.tracker.events]
            try:
                message = await self.recognizer.hear(
                    text,
                    sender_id=sender_id,
                    channel=COLLECTOR,
                    metadata=metadata or {},
                    tracker=conversation.tracker,
                )
                return await self._heed(sender_id, conversation, replace(message, input_channel=input_channel))
            except Exception:
                log.exception("a message could not be answered; the conversation stands where it stood before")
                conversation.tracker = self.engine.tracker(before)
                return self._sorry(sender_id, conversation.tracker)

    def _sorry(self, sender_id: str, tracker: Tracker) -> list[dict[str, Any]]:
        """Words for somebody whose message broke something of ours. As Rasa exactly, none."""
        if self.engine.manners.failure is Failure.SILENT:
            return []
        message = self.engine.respond("utter_default", tracker, COLLECTOR, {}) or {"text": SORRY}
        return answers(sender_id, bot_event(message))

    async def trigger(
        self, sender_id: str, intent: str, entities: Any = None, *, only_if: Event | None = None
    ) -> list[dict[str, Any]]:
        """Let something happen that nobody wrote: a reminder, or a call from outside."""
        conversation = self._conversation(sender_id)
        async with conversation.lock:
            if only_if is not None and not _still_wanted(only_if, conversation.tracker):
                return []
            await self.engine.renew(conversation.tracker, at=self._now())
            given = entities.items() if isinstance(entities, dict) else ()
            found = [Entity(str(name), value) for name, value in given]
            if isinstance(entities, list):
                found = [
                    Entity(str(e.get("entity")), e.get("value"), role=e.get("role"), group=e.get("group"))
                    for e in entities
                    if isinstance(e, dict)
                ]
            message = UserMessage(
                f"EXTERNAL: {intent}", intent, 1.0, (), tuple(found), COLLECTOR, {"is_external": True}, sender_id
            )
            last = conversation.tracker.last_applied("user") or {}
            message = replace(message, input_channel=last.get("input_channel"))
            return await self._heed(sender_id, conversation, message)

    async def execute(self, sender_id: str, why: Prediction) -> list[dict[str, Any]]:
        """Run one action that the caller chose, and none after it. What it said."""
        conversation = self._conversation(sender_id)
        async with conversation.lock:
            await self.engine.renew(conversation.tracker, at=self._now())
            nobody = UserMessage("", None, channel=COLLECTOR, sender_id=sender_id)
            done = await self.engine.execute(conversation.tracker, nobody, why, at=self._now())
            return self._said(sender_id, conversation, done.events)

    async def foresee(self, sender_id: str) -> Prediction:
        """Which action would be next."""
        conversation = self._conversation(sender_id)
        async with conversation.lock:
            await self.engine.renew(conversation.tracker, at=self._now())
            return self.engine.foresee(conversation.tracker)

    async def note(self, sender_id: str, text: str, parsed: Any = None) -> None:
        """Take a message in, and leave the answer to the caller. `parsed` is what the caller understood of it. Raises
        Unreadable when that says nothing anybody can read."""
        read = None if parsed is None else _read_parsed(text, parsed, self.engine)
        conversation = self._conversation(sender_id)
        async with conversation.lock:
            message = UserMessage(text, None, channel=COLLECTOR, sender_id=sender_id, input_channel=None)
            if read is None:
                heard = await self.recognizer.hear(
                    text, sender_id=sender_id, channel=COLLECTOR, metadata={}, tracker=conversation.tracker
                )
                message = replace(heard, input_channel=None)
            await self.engine.note(conversation.tracker, message, at=self._now(), parsed=read)

    async def _heed(self, sender_id: str, conversation: _Conversation, message: UserMessage) -> list[dict[str, Any]]:
        known = {} if self.engine.manners.fills_as_rasa else message.metadata.get("slots") or {}
        heeded = await self.engine.heed(conversation.tracker, message, at=self._now(), given=known)
        return self._said(sender_id, conversation, heeded.events)

    def _said(self, sender_id: str, conversation: _Conversation, events: tuple[Event, ...]) -> list[dict[str, Any]]:
        self._remind(sender_id, conversation, events)
        said = (event for event in events if event.get("event") == "bot")
        return [answer for event in said for answer in answers(sender_id, event)]

    def knows(self, sender_id: str) -> bool:
        """Whether anything has happened in this conversation."""
        found = self._conversations.get(sender_id)
        return found is not None and bool(found.tracker.events)

    async def tracker(self, sender_id: str) -> dict[str, Any]:
        """The tracker as Rasa's HTTP API shows it."""
        return {"sender_id": sender_id, **(await self.standing(sender_id)).current_state()}

    async def standing(self, sender_id: str) -> Tracker:
        """A copy of the tracker. Asking for an unknown one begins its session, as in Rasa."""
        conversation = self._conversation(sender_id)
        async with conversation.lock:
            await self._begin(conversation)
            return conversation.tracker.copy()

    async def append(self, sender_id: str, events: list[Event], *, side_effects: bool = False) -> None:
        """Put events into a conversation from outside. Raises Unreadable when one is none; then none counts.

        With `side_effects` the reminders among them are set and cancelled."""
        taken = self._readable(events)
        conversation = self._conversation(sender_id)
        async with conversation.lock:
            if not (taken[0].get("event") == "action" and taken[0].get("name") == SESSION_START):
                await self._begin(conversation)
            for event in taken:
                conversation.tracker.apply(event)
            if side_effects:
                self._remind(sender_id, conversation, taken)

    async def replace(self, sender_id: str, events: list[Event]) -> None:
        """Let a conversation be these events, and nothing of what it was. Raises Unreadable when one is none."""
        taken = self._readable(events)
        conversation = self._conversation(sender_id)
        async with conversation.lock:
            conversation.tracker = self.engine.tracker(taken)

    def imagined(self, events: list[Event]) -> Tracker:
        """A conversation of these events that nobody has. Raises Unreadable when one is none."""
        return self.engine.tracker(self._readable(events))

    def _readable(self, events: list[Event]) -> tuple[Event, ...]:
        for event in events:
            if isinstance(event, dict) and not is_time(event.get("timestamp")):
                raise Unreadable(f"{event!r} has a timestamp that is no number of seconds")
        taken = read_events(events, self.engine.domain)
        return tuple({**event, "timestamp": event.get("timestamp") or self._now()} for event in taken)

    async def _begin(self, conversation: _Conversation) -> None:
        if not conversation.tracker.events:
            await self.engine.begin(conversation.tracker, UserMessage("", None, channel=COLLECTOR), at=self._now())

    def _conversation(self, sender_id: str) -> _Conversation:
        found = self._conversations.get(sender_id)
        if found is None:
            found = self._conversations[sender_id] = _Conversation(self.engine.tracker())
            while len(self._conversations) > MOST_CONVERSATIONS:
                _, forgotten = self._conversations.popitem(last=False)
                for reminder in forgotten.reminders.values():
                    reminder.timer.cancel()
        self._conversations.move_to_end(sender_id)
        return found

    async def ring_due(self) -> None:
        """Ring the reminders whose time has come. Their timers do it too; this is for a clock of one's own."""
        for sender_id, conversation in list(self._conversations.items()):
            for name in [name for name, reminder in conversation.reminders.items() if reminder.due <= self._now()]:
                await self._ring(sender_id, conversation, name)

    def _remind(self, sender_id: str, conversation: _Conversation, events: tuple[Event, ...]) -> None:
        for event in events:
            if event.get("event") == "reminder":
                self._schedule(sender_id, conversation, event)
            elif event.get("event") == "cancel_reminder":
                for name, reminder in list(conversation.reminders.items()):
                    asked = ((event.get(key), reminder.event.get(key)) for key in ("name", "intent", "entities"))
                    if all(not wanted or wanted == has for wanted, has in asked):
                        conversation.reminders.pop(name).timer.cancel()

    def _schedule(self, sender_id: str, conversation: _Conversation, event: Event) -> None:
        name = str(event.get("name") or id(event))
        try:
            when = datetime.fromisoformat(str(event.get("date_time")))
        except ValueError:
            log.error("a reminder has no time that can be read: %r", event.get("date_time"))
            return
        due = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        loop = asyncio.get_running_loop()
        if (earlier := conversation.reminders.pop(name, None)) is not None:
            earlier.timer.cancel()
        if due < self._now() - RINGS_LATE_S:
            log.warning("a reminder is for %s, which has passed: it does not ring", event.get("date_time"))
            return

        def ring() -> None:
            task = loop.create_task(self._ring(sender_id, conversation, name))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        timer = loop.call_later(max(0.0, due - self._now()), ring)
        conversation.reminders[name] = _Reminder(event, due, timer)

    async def _ring(self, sender_id: str, conversation: _Conversation, name: str) -> None:
        reminder = conversation.reminders.pop(name, None)
        if reminder is None:
            return
        reminder.timer.cancel()
        event = reminder.event
        await self.trigger(sender_id, str(event.get("intent")), event.get("entities"), only_if=event)


def _still_wanted(reminder: Event, tracker: Tracker) -> bool:
    """Whether a reminder still counts: not undone, and nobody wrote since, where that was to stop it.

    A message that was not understood and undone was written all the same.
    """

    def is_it(event: Event) -> bool:
        return event.get("event") == "reminder" and event.get("name") == reminder.get("name")

    if not any(is_it(event) for event in tracker.applied):
        return False
    since = takewhile(lambda event: not is_it(event), reversed(tracker.events))
    written = any(event.get("event") == "user" and event.get("text") for event in since)
    return not (reminder.get("kill_on_user_msg", True) and written)


def _read_parsed(text: str, parsed: Any, engine: Engine) -> Event:
    if not isinstance(parsed, dict) or not isinstance(parsed.get("intent"), dict):
        raise Unreadable('`parse_data` must hold an intent: {"intent": {"name": "greet"}, "entities": []}')
    [event] = read_events([{"event": "user", "text": text, "parse_data": parsed}], engine.domain)
    read: Event = event["parse_data"]
    return read


def _actions(project: Project, url: str | None, patience_s: float) -> ActionRunner:
    if url is None and has_actions(project.root):
        return ProjectActions(project.root, patience_s=patience_s)
    if url is None:
        url = (endpoints(project.root).get("action_endpoint") or {}).get("url")
    if url is None:
        return NoActions()
    names = {name for name in project.domain.actions if not name.startswith("utter_")}
    return ActionServer(str(url), frozenset(names | project.domain.mapping_actions), patience_s=patience_s)


def answers(sender_id: str, event: Event) -> list[dict[str, Any]]:
    """What was said, as the messages of Rasa's REST channel: each picture, file and card is one of its own."""
    data = {key: value for key, value in (event.get("data") or {}).items() if value}
    text = event.get("text")
    found: list[dict[str, Any]] = []
    buttons = data.get("quick_replies") or data.get("buttons")
    if buttons:
        found.append({"text": text, "buttons": buttons})
    elif text:
        found += [{"text": part} for part in str(text).strip().split("\n\n")]
    if data.get("custom"):
        found.append({"custom": data["custom"]})
    if data.get("image"):
        found.append({"image": data["image"]})
    if data.get("attachment") and data.get("attachment") != data.get("image"):
        found.append({"attachment": data["attachment"]})
    for element in data.get("elements") or ():
        title, subtitle = element.get("title", ""), element.get("subtitle", "")
        found.append({"text": f"{title} : {subtitle}", "buttons": element.get("buttons", [])})
    return [{"recipient_id": sender_id, **{k: v for k, v in m.items() if v is not None}} for m in found]
