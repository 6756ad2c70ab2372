"""The engine: a state and a message in, events, replies and the next state out.

It plays Rasa 3.1 rules, forms, slots and responses. Where Rasa would leave a person in silence it does not follow:

- an action after which no rule continues ends the turn; Rasa would speak its fallback and undo the turn;
- a turn of more than ten actions ends with the fallback words, and the conversation lives on;
- an action that breaks raises ActionFailed, so that the host can bring in a human; Rasa says nothing;
- the payload of a tapped button is no text: `from_text` does not store it;
- a `{name}` without a value is left out of the text; Rasa leaves all braces, or `None`, in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dialogues.runtime.custom_actions import ActionFailed, ActionRejected, ActionResult, ActionRunner
from dialogues.runtime.files import Problem, ProjectWrong
from dialogues.runtime.forms import Outcome, run_form
from dialogues.runtime.model import Choice, DialogueState, Event, Reply, Turn, UserMessage
from dialogues.runtime.payload import read_payload
from dialogues.runtime.project import Project, load_project
from dialogues.runtime.responses import Choose, Translate, pick, render
from dialogues.runtime.slots import REQUESTED_SLOT, Heard, extract
from dialogues.runtime.tracker import LISTEN, Tracker

LONGEST_TURN = 10
FALLBACK = "action_default_fallback"
SESSION_START = "action_session_start"
VALIDATE_MAPPINGS = "action_validate_slot_mappings"
_DEFAULT_INTENTS = {"restart": "action_restart", "back": "action_back", "session_start": SESSION_START}
_MESSAGE_KEYS = frozenset({"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"})


def first(_name: str, _count: int) -> int:
    """The first of several equal variations: the same words every time."""
    return 0


def in_english(_language: str, text: str) -> str:
    """No translation."""
    return text


class Engine:
    """A loaded project. Holds no conversation: it may serve any number at the same time."""

    def __init__(
        self, project: Project, *, actions: ActionRunner, translate: Translate = in_english, choose: Choose = first
    ) -> None:
        unmade = {name for name in project.domain.actions if not name.startswith("utter_")} - actions.names
        problems = [
            Problem("domain", 1, f"action `{name}` is in the domain, but nobody provides it") for name in unmade
        ]
        problems += [
            Problem("domain", 1, f"response `{name}` is among the actions, but has no words")
            for name in project.domain.actions
            if name.startswith("utter_") and name not in project.domain.responses and name not in actions.names
        ]
        if problems:
            raise ProjectWrong(problems)
        self.project = project
        self.domain = project.domain
        self.actions = actions
        self._translate = translate
        self._choose = choose

    @classmethod
    def load(
        cls, project: Path, *, actions: ActionRunner, translate: Translate = in_english, choose: Choose = first
    ) -> Engine:
        """Read a project folder. Raises ProjectWrong, which names every problem with its file and line."""
        return cls(load_project(project), actions=actions, translate=translate, choose=choose)

    async def turn(self, state: DialogueState, message: UserMessage, *, at: float | None = None) -> Turn:
        """Answer one message.

        A host that knows more than the words say (the language, the country) changes `state.slots`, or gives them in
        `message.metadata["slots"]`: they are set before the message is heard. `at` is the time in seconds; given, it
        stamps the events and ends a session that was idle for longer than the domain allows. Raises ActionFailed;
        then nothing happened.
        """
        conversation = _Conversation(self, state, message, at)
        await conversation.hear()
        return Turn(conversation.tracker.to_state(), tuple(conversation.events), tuple(conversation.replies))

    def respond(self, name: str, tracker: Tracker, channel: str, more: Mapping[str, Any]) -> Reply | None:
        """A response in the language of the conversation; None when no variation suits."""
        slots = {**tracker.slots, **more}
        variation = pick(name, self.domain.responses[name], slots=slots, channel=channel, choose=self._choose)
        if variation is None:
            return None
        language = str(slots.get("language") or "en")
        return render(name, variation, slots, language=language, translate=self._translate)


class _Conversation:
    """One turn, while it runs."""

    def __init__(self, engine: Engine, state: DialogueState, message: UserMessage, at: float | None) -> None:
        self._engine = engine
        self._domain = engine.domain
        self._message = message
        self._at = at
        self.tracker = Tracker(engine.domain, state.events, watched=engine.project.rules.watched)
        self._given = {**state.slots, **dict(message.metadata.get("slots") or {})}
        self.events: list[Event] = []
        self.replies: list[Reply] = []

    async def hear(self) -> None:
        if self._session_is_over():
            await self._run(SESSION_START)
        for name, value in self._given.items():
            if name in self.tracker.slots and self.tracker.slots[name] != value:
                self._emit({"event": "slot", "name": name, "value": value})
        self._emit(self._user_event())
        if self.tracker.paused and self._message.intent != "restart":
            return
        for event in (await self.extract_slots(self.tracker)).events:
            self._emit(event)
        for _ in range(LONGEST_TURN):
            action = self._next_action()
            if action == LISTEN:
                self._emit({"event": "action", "name": LISTEN})
                return
            if await self._run(action):
                return
        await self._give_up()

    def _session_is_over(self) -> bool:
        if not self.tracker.events:
            return True
        minutes = self._domain.session_expiration_minutes
        last = max((float(event.get("timestamp") or 0) for event in self.tracker.events), default=0.0)
        return bool(self._at is not None and minutes and last and self._at - last > minutes * 60)

    def _user_event(self) -> Event:
        message = self._message
        intent = message.intent if message.intent and message.intent.split("/")[0] in self._domain.intents else None
        parse_data = {
            "text": message.text,
            "intent": {"name": intent or "nlu_fallback", "confidence": message.confidence},
            "intent_ranking": [{"name": name, "confidence": score} for name, score in message.ranking[:5]],
            "entities": [
                {
                    key: value
                    for key, value in (
                        ("entity", entity.name),
                        ("value", entity.value),
                        ("start", entity.start),
                        ("end", entity.end),
                        ("role", entity.role),
                        ("group", entity.group),
                    )
                    if value is not None or key == "value"
                }
                for entity in message.entities
            ],
            "metadata": {key: value for key, value in message.metadata.items() if key != "slots"},
        }
        return {"event": "user", "text": message.text, "parse_data": parse_data, "input_channel": message.channel}

    def _emit(self, event: Event) -> None:
        if self._at is not None and not event.get("timestamp"):
            event = {**event, "timestamp": self._at}
        self.events.append(event)
        self.tracker.apply(event)

    def _next_action(self) -> str:
        tracker = self.tracker
        if tracker.followup is not None:
            wanted, tracker.followup = tracker.followup, None
            if self._domain.knows_action(wanted):
                return wanted
        if tracker.latest_action == LISTEN and tracker.intent in _DEFAULT_INTENTS:
            return _DEFAULT_INTENTS[tracker.intent]
        if tracker.loop_name is not None and not tracker.loop_rejected:
            return LISTEN if tracker.latest_action == tracker.loop_name else tracker.loop_name
        step = self._engine.project.rules.next(tracker.moments, tracker.now())
        if step is None or step.action == self._just_rejected():
            return FALLBACK if tracker.latest_action == LISTEN else LISTEN
        if step.action == LISTEN and tracker.loop_name is not None and not step.inside_a_loop:
            return tracker.loop_name  # the question was answered; the form asks again
        return step.action

    def _just_rejected(self) -> str | None:
        last = self.tracker.events[-1] if self.tracker.events else {}
        return last.get("name") if last.get("event") == "action_execution_rejected" else None

    async def _run(self, name: str) -> bool:
        """Run an action and let it count. True when the turn is over with it."""
        try:
            outcome = await self._outcome(name)
        except ActionRejected:
            self._emit({"event": "action_execution_rejected", "name": name})
            return False
        if not outcome.rejected:
            self._emit({"event": "action", "name": name})
        for event in outcome.events:
            self._emit(event)
        self.replies.extend(outcome.replies)
        undone = any(event.get("event") == "rewind" for event in outcome.events)
        return undone or name == SESSION_START

    async def _outcome(self, name: str) -> Outcome:
        if self.has_custom(name) or name in self._domain.responses:
            return await self.perform(name, self.tracker)
        if name in self._domain.forms:
            return await run_form(self._domain.forms[name], self.tracker, self._domain, self)
        return _DEFAULTS[name](self)

    def has_custom(self, name: str) -> bool:
        return name in self._engine.actions.names

    async def perform(self, name: str, tracker: Tracker) -> Outcome:
        outcome = Outcome()
        if not self.has_custom(name):
            self._say(name, outcome, tracker)
            return outcome
        result = await self._engine.actions.run(name, self._for_sdk(tracker), self._domain.raw)
        return self._taken(name, result, tracker)

    async def extract_slots(self, tracker: Tracker) -> Outcome:
        parse = tracker.latest_message
        text = str(parse.get("text") or "")
        tapped = read_payload(text)
        if tapped is not None and tapped.intent == tracker.intent:
            text = ""
        heard = Heard(text, tracker.intent, tuple(parse.get("entities") or ()))
        outcome = Outcome()
        for name, value in extract(self._domain.slots, tracker.slots, heard, tracker.loop_now()).items():
            outcome.slot(name, value)
        if not self.has_custom(VALIDATE_MAPPINGS):
            return outcome
        candidates = tracker.copy()
        for event in outcome.events:
            candidates.apply(event)
        return await self.perform(VALIDATE_MAPPINGS, candidates)

    def _for_sdk(self, tracker: Tracker) -> dict[str, Any]:
        return {
            "sender_id": str(self._message.metadata.get("sender_id") or "person"),
            "slots": dict(tracker.slots),
            "latest_message": dict(tracker.latest_message),
            "events": [dict(event) for event in tracker.events],
            "paused": tracker.paused,
            "followup_action": tracker.followup,
            "active_loop": dict(tracker.loop),
            "latest_action_name": tracker.latest_action,
            "latest_input_channel": self._message.channel,
        }

    def _taken(self, name: str, result: ActionResult, tracker: Tracker) -> Outcome:
        """A custom action's result: its messages as replies, then its events."""
        outcome = Outcome()
        after = tracker.copy()
        for event in result.events:  # words are chosen with the slots the action set, its new language above all
            if event.get("event") == "slot":
                after.apply(event)
        for message in result.responses:
            reply = self._reply(name, message, after)
            if reply is not None:
                outcome.say(reply)
        outcome.events.extend(result.events)
        return outcome

    def _reply(self, action: str, message: Mapping[str, Any], tracker: Tracker) -> Reply | None:
        response = message.get("response") or message.get("template")
        reply: Reply | None = Reply()
        if response:
            if response not in self._domain.responses:
                raise ActionFailed(action)
            more = {key: value for key, value in message.items() if key not in _MESSAGE_KEYS}
            reply = self._engine.respond(str(response), tracker, self._message.channel, more)
        if reply is None:
            return None
        custom = {**reply.custom, **(message.get("custom") or {})}
        custom.update({key: message[key] for key in ("image", "attachment", "elements") if message.get(key)})
        return replace(
            reply,
            text=str(message.get("text") or reply.text),
            choices=(*reply.choices, *_choices(message.get("buttons") or ())),
            custom=custom,
        )

    def _say(self, name: str, outcome: Outcome, tracker: Tracker | None = None) -> None:
        """Say a response; nothing when the project has no such words."""
        if name in self._domain.responses:
            reply = self._engine.respond(name, tracker or self.tracker, self._message.channel, {})
            if reply is not None:
                outcome.say(reply)

    async def _give_up(self) -> None:
        """The rules run in a circle. Say so rather than nothing, and wait for the next message."""
        outcome = Outcome()
        if not self.replies:
            self._say("utter_default", outcome)
        for event in outcome.events:
            self._emit(event)
        self.replies.extend(outcome.replies)
        self._emit({"event": "action", "name": LISTEN})

    # The default actions of Rasa.

    def session_start(self) -> Outcome:
        outcome = Outcome()
        carried = self.tracker.slots if self._domain.carry_over_slots else {}
        outcome.events.append({"event": "session_started"})
        for name, value in carried.items():
            if value is not None and value != self._initial(name):
                outcome.slot(name, value)
        outcome.events.append({"event": "action", "name": LISTEN})
        return outcome

    def _initial(self, name: str) -> Any:
        slot = self._domain.slots.get(name)
        return slot.initial_value if slot else None

    def restart(self) -> Outcome:
        outcome = Outcome()
        self._say("utter_restart", outcome)
        outcome.events.append({"event": "restart"})
        return outcome

    def default_fallback(self) -> Outcome:
        outcome = Outcome()
        self._say("utter_default", outcome)
        outcome.events.append({"event": "rewind"})
        return outcome

    def back(self) -> Outcome:
        outcome = Outcome()
        self._say("utter_back", outcome)
        outcome.events += [{"event": "rewind"}, {"event": "rewind"}]
        return outcome

    def deactivate_loop(self) -> Outcome:
        outcome = Outcome()
        outcome.loop(None)
        outcome.slot(REQUESTED_SLOT, None)
        return outcome

    def revert_fallback_events(self) -> Outcome:
        outcome = Outcome()
        outcome.events.append({"event": "rewind"})
        return outcome

    def nothing(self) -> Outcome:
        return Outcome()


_DEFAULTS = {
    "action_restart": _Conversation.restart,
    SESSION_START: _Conversation.session_start,
    FALLBACK: _Conversation.default_fallback,
    "action_back": _Conversation.back,
    "action_deactivate_loop": _Conversation.deactivate_loop,
    "action_revert_fallback_events": _Conversation.revert_fallback_events,
    "action_extract_slots": _Conversation.nothing,
    LISTEN: _Conversation.nothing,
}


def _choices(buttons: Sequence[Mapping[str, Any]]) -> tuple[Choice, ...]:
    return tuple(
        Choice(str(button.get("title") or ""), str(button.get("payload") or ""), str(button.get("url") or ""))
        for button in buttons
    )
