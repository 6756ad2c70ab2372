"""The engine: a state and a message in, events, replies and the next state out.

It plays Rasa 3.1 rules, stories, forms, slots and responses as Rasa 3.6 does. `Manners` says where it is kinder.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from dialogues.runtime.custom_actions import ActionFailed, ActionRejected, ActionResult, ActionRunner
from dialogues.runtime.domain import Domain
from dialogues.runtime.events import Unreadable, check_message, read_events
from dialogues.runtime.fallback import (
    ASK_AFFIRMATION,
    ASK_REPHRASE,
    TWO_STAGE,
    affirmation,
    revert_fallback,
    run_two_stage_fallback,
)
from dialogues.runtime.files import Problem, ProjectWrong
from dialogues.runtime.forms import action_event, loop_event, refuses, run_form, slot_event
from dialogues.runtime.manners import HOUSE, Failure, Manners
from dialogues.runtime.model import DialogueState, Entity, Event, Reply, Turn, UserMessage
from dialogues.runtime.payload import read_payload
from dialogues.runtime.policy import FALLBACK, FOLLOWUP, Policy, Prediction
from dialogues.runtime.project import Project, load_project
from dialogues.runtime.responses import (
    Choose,
    Translate,
    bot_event,
    draft_as_rasa,
    message_of,
    pick,
    render,
    reply_of,
)
from dialogues.runtime.slots import REQUESTED_SLOT, Heard, extract
from dialogues.runtime.tracker import LISTEN, SESSION_METADATA, SESSION_START, Tracker

LONGEST_TURN = 10
#: Steps of one turn, with those that refused or undid themselves: Rasa does not count these, and goes on for ever.
MOST_STEPS = 3 * LONGEST_TURN
VALIDATE_MAPPINGS = "action_validate_slot_mappings"
EXTRACT_SLOTS = "action_extract_slots"
#: What a person hears when something broke and the project has no `utter_default`.
SORRY = "Sorry, something went wrong here. Please write that again."
_MESSAGE_KEYS = frozenset({"text", "buttons", "elements", "custom", "template", "response", "image", "attachment"})

log = logging.getLogger(__name__)


def first(_name: str, _count: int) -> int:
    """The first of several equal variations: the same words every time."""
    return 0


def in_english(_language: str, text: str) -> str:
    """No translation."""
    return text


class Heeded(Struct, frozen=True):
    """What one message led to, in a tracker that goes on living."""

    events: tuple[Event, ...]
    replies: tuple[Reply, ...]


class Engine:
    """A loaded project. Holds no conversation: it may serve any number at the same time."""

    def __init__(
        self,
        project: Project,
        *,
        actions: ActionRunner,
        translate: Translate = in_english,
        choose: Choose = first,
        manners: Manners = HOUSE,
    ) -> None:
        self.project = project
        self.domain = project.domain
        self.actions = actions
        self.manners = manners
        self.policy: Policy = project.policy
        self._translate = translate
        self._choose = choose
        problems = self.unmade()
        if problems and manners.failure is Failure.RAISED:
            raise ProjectWrong(problems)

    @classmethod
    def load(
        cls,
        project: Path,
        *,
        actions: ActionRunner,
        translate: Translate = in_english,
        choose: Choose = first,
        manners: Manners = HOUSE,
    ) -> Engine:
        """Read a project folder. Raises ProjectWrong, which names every problem with its file and line."""
        return cls(load_project(project), actions=actions, translate=translate, choose=choose, manners=manners)

    def unmade(self) -> list[Problem]:
        """The actions of the domain that nobody provides."""
        named = self.domain.actions - self.domain.responses.keys() - self.actions.names
        return [
            Problem(*self.project.places.get(name, ("domain.yml", 1)), self._lacking(name))
            for name in sorted(named)
            if not self.domain.retrieves(name)
        ]

    def _lacking(self, action: str) -> str:
        if action.startswith("utter_"):
            return f"response `{action}` is among the actions, but has no words"
        if action in self.domain.forms:
            return f"form `{action}` is among the actions too, so an action of that name is called: there is none"
        return f"action `{action}` is in the domain, but nobody provides it"

    async def turn(self, state: DialogueState, message: UserMessage, *, at: float | None = None) -> Turn:
        """Answer one message.

        A host that knows more than the words say (the language, the country) changes `state.slots`, or gives them in
        `message.metadata["slots"]`: they are set before the message is heard. `at` is the time in seconds; given, it
        stamps the events and ends a session that was idle for longer than the domain allows. Raises ActionFailed;
        then nothing happened.
        """
        tracker = self.tracker(state.events)
        given = {**state.slots, **dict(message.metadata.get("slots") or {})}
        heeded = await self.heed(tracker, message, at=at, given=given)
        return Turn(tracker.to_state(), heeded.events, heeded.replies)

    def tracker(self, events: Sequence[Event] = ()) -> Tracker:
        """A tracker for a conversation with this project."""
        return Tracker(self.domain, events, watched=tuple(self.policy.rules.watched))

    async def heed(
        self,
        tracker: Tracker,
        message: UserMessage,
        *,
        at: float | None = None,
        given: Mapping[str, Any] | None = None,
    ) -> Heeded:
        """Answer one message in a tracker, which is changed. Raises ActionFailed, unless the manners forbid."""
        conversation = _Conversation(self, tracker, message, at)
        await conversation.hear(given or {})
        return Heeded(tuple(conversation.events), tuple(conversation.replies))

    async def begin(self, tracker: Tracker, message: UserMessage, *, at: float | None = None) -> Heeded:
        """Begin a session before anything is said."""
        conversation = _Conversation(self, tracker, message, at)
        await conversation.begin()
        return Heeded(tuple(conversation.events), tuple(conversation.replies))

    async def renew(self, tracker: Tracker, *, at: float) -> None:
        """Begin a session where there is none yet, or the last one is over."""
        conversation = _Conversation(self, tracker, UserMessage("", None), at)
        if conversation.is_over():
            await conversation.begin()

    async def note(self, tracker: Tracker, message: UserMessage, *, at: float, parsed: Event | None = None) -> Heeded:
        """Take a message in and fill the slots it speaks of, and leave the answer to others. `parsed` is what somebody
        else understood of it, as Rasa's `parse_data`."""
        conversation = _Conversation(self, tracker, message, at)
        await conversation.note({}, parsed)
        return Heeded(tuple(conversation.events), tuple(conversation.replies))

    async def execute(self, tracker: Tracker, message: UserMessage, why: Prediction, *, at: float) -> Heeded:
        """Run one action that somebody else has chosen, and none after it. One that fails does nothing."""
        conversation = _Conversation(self, tracker, message, at)
        await conversation.execute(why)
        return Heeded(tuple(conversation.events), tuple(conversation.replies))

    def foresee(self, tracker: Tracker) -> Prediction:
        """The action that would be next, and which policy says so."""
        wanted = tracker.followup
        if wanted is not None and self.domain.knows_action(wanted):
            return Prediction(wanted, FOLLOWUP, 1.0)
        action, why = self.policy.next(tracker, dead_end_reverts=self.manners.dead_end_reverts)
        return replace(why, action=action)

    def respond(self, name: str, tracker: Tracker, channel: str, more: Mapping[str, Any]) -> dict[str, Any] | None:
        """A response as Rasa hands it to a channel, in the language of the conversation; None when nothing suits."""
        slots = {**tracker.slots, **more}
        variations = self.domain.responses.get(name)
        variation = (
            pick(name, variations, slots=tracker.slots, channel=channel, choose=self._choose) if variations else None
        )
        if variation is None:
            return None
        if self.manners.fills_as_rasa:
            return {**draft_as_rasa(variation, slots), "utter_action": name}
        language = str(slots.get("language") or "en")
        return message_of(render(name, variation, slots, language=language, translate=self._translate))


class _Conversation:
    """One turn, while it runs."""

    def __init__(self, engine: Engine, tracker: Tracker, message: UserMessage, at: float | None) -> None:
        self._engine = engine
        self._domain = engine.domain
        self._manners = engine.manners
        self._message = message
        self._at = at
        self._broken = False
        tracker.begin_turn()
        self.tracker = tracker
        self.events: list[Event] = []
        self.replies: list[Reply] = []

    async def hear(self, given: Mapping[str, Any]) -> None:
        await self.note(given)
        await self._act()
        if self._broken and not self.replies and self._manners.failure is Failure.APOLOGISED:
            self._emit(bot_event(self._words("utter_default", self.tracker) or {"text": SORRY}))

    async def note(self, given: Mapping[str, Any], parsed: Event | None = None) -> None:
        if self.is_over():
            await self.begin()
        for name, value in given.items():
            if name in self.tracker.slots and self.tracker.slots[name] != value:
                self._emit(slot_event(name, value))
        paused_before = self.tracker.paused
        self._emit(self._user_event(parsed))
        if paused_before and self._manners.failure is not Failure.SILENT and self._message.intent == "restart":
            self._emit({"event": "resume"})
            self._emit({"event": "followup", "name": "action_restart"})
        await self._heed_slots()

    async def execute(self, why: Prediction) -> None:
        await self._run(str(why.action), why)

    async def begin(self) -> None:
        metadata = self._message.metadata
        if metadata and self._manners.fills_as_rasa:
            self._emit(slot_event(SESSION_METADATA, dict(metadata)))
        await self._run(SESSION_START, Prediction(SESSION_START, None, 1.0))

    async def _heed_slots(self) -> None:
        if self.tracker.paused and not self._manners.payload_is_text:
            return  # a human talks with the person now
        try:
            events = await self.extract_slots(self.tracker)
        except ActionRejected as error:  # nothing else could hear the message instead
            raise ActionFailed(EXTRACT_SLOTS) from error
        for event in events:
            self._emit(event)

    async def _act(self) -> None:
        for _ in range(MOST_STEPS):
            if self.tracker.paused and self.tracker.intent != "restart":
                return
            if self._actions_since_listening() >= LONGEST_TURN and self.tracker.latest_action not in (
                LISTEN,
                SESSION_START,
            ):
                log.warning("more than %d actions in one turn; the rules run in a circle", LONGEST_TURN)
                self._give_up()
                return
            if not await self._step():
                return
        log.warning("%d steps in one turn without an end; the last was %s", MOST_STEPS, self.tracker.latest_action)
        self._listen_again()

    async def _step(self) -> bool:
        """One action. False when it ended the turn."""
        tracker = self.tracker
        if tracker.followup is not None:
            wanted, tracker.followup = tracker.followup, None
            if self._domain.knows_action(wanted):
                return await self._run(wanted, Prediction(wanted, FOLLOWUP, 1.0))
            log.error("there is no action %r to follow; it is passed over", wanted)
        name, why = self._engine.policy.next(tracker, dead_end_reverts=self._manners.dead_end_reverts)
        return await self._run(name, why)

    def is_over(self) -> bool:
        if not self.tracker.applied:
            return True
        minutes = self._domain.session_expiration_minutes
        last = self.tracker.last_applied("user")
        then = float(last.get("timestamp") or 0.0) if last else 0.0
        return bool(self._at is not None and minutes > 0 and then and self._at - then > minutes * 60)

    def _user_event(self, parsed: Event | None = None) -> Event:
        message = self._message
        parsed = parsed or parse_data(message, self._domain, as_rasa=self._manners.fills_as_rasa)
        channel = message.channel if message.input_channel == "" else message.input_channel
        return {"event": "user", "text": message.text, "parse_data": parsed, "input_channel": channel}

    def _emit(self, event: Event) -> None:
        if self._at is not None and not event.get("timestamp"):
            event = {**event, "timestamp": self._at}
        self.events.append(event)
        self.tracker.apply(event)
        if event.get("event") == "bot":
            data = {key: value for key, value in (event.get("data") or {}).items() if value}
            if data.get("attachment") == data.get("image"):
                data.pop("attachment", None)
            self.replies.append(reply_of({"text": event.get("text"), **data, **(event.get("metadata") or {})}))

    async def _run(self, name: str, why: Prediction) -> bool:
        """Run an action and let it count. False when the turn is over with it."""
        tracker = self.tracker
        if why.interrupted:
            tracker = tracker.copy()
            tracker.apply({"event": "loop_interrupted", "is_interrupted": True})
        goes_on = name not in (LISTEN, SESSION_START)
        try:
            events = await self._outcome(name, tracker)
        except ActionRejected:
            self._emit({"event": "action_execution_rejected", "name": name, **self._reason(why)})
            return goes_on
        except ActionFailed as error:
            if self._manners.failure is Failure.RAISED:
                raise
            log.exception("action %s failed; what it did is lost: %s", error.name, error.__cause__ or error)
            events, self._broken = [], True
            if name in self._domain.forms and self.tracker.loop_name != name and self._speaks:
                self._emit(action_event(LISTEN))  # the form did not start: the rules must not think that it ended
                return False
        if not refuses(events):
            if why.interrupted:
                self._emit({"event": "loop_interrupted", "is_interrupted": True})
            hidden = {"hide_rule_turn": True} if why.hidden else {}
            self._emit({**action_event(name), **self._reason(why), **hidden})
        for event in events:
            self._emit(event)
        if any(event.get("event") == "user" for event in events):
            await self._heed_slots()
        return goes_on

    def _reason(self, why: Prediction) -> dict[str, Any]:
        """Who chose an action, for whoever reads the events as Rasa's; our own conversations do not keep it."""
        return {"policy": why.policy, "confidence": why.confidence} if self._manners.fills_as_rasa else {}

    @property
    def _speaks(self) -> bool:
        return self._manners.failure is Failure.APOLOGISED

    async def _outcome(self, name: str, tracker: Tracker) -> list[Event]:
        if name in self._domain.forms and name not in self._domain.actions:
            return await run_form(self._domain.forms[name], tracker, self)
        if name == TWO_STAGE and name not in self._domain.actions:
            return await run_two_stage_fallback(tracker, self)
        return await self.perform(name, tracker)

    def can(self, name: str) -> bool:
        return name in self._domain.actions or name in self._domain.responses

    async def perform(self, name: str, tracker: Tracker) -> list[Event]:
        if name == EXTRACT_SLOTS:
            return await self.extract_slots(tracker)
        if name in _DEFAULTS and name not in self._domain.actions:
            return _DEFAULTS[name](self, tracker)
        if self._domain.retrieves(name):
            return self._say(_selected(name, tracker), tracker)
        if name.startswith("utter_"):
            return self._say(name, tracker)
        return await self._custom(name, tracker)

    async def _custom(self, name: str, tracker: Tracker) -> list[Event]:
        call = {"sender_id": str(self._message.metadata.get("sender_id") or "person"), **tracker.as_told_to_actions()}
        if self._message.sender_id:
            call["sender_id"] = self._message.sender_id
        result = await self._engine.actions.run(name, call, self._domain.raw)
        return self._taken(name, result, tracker)

    async def extract_slots(self, tracker: Tracker) -> list[Event]:
        if EXTRACT_SLOTS in self._domain.actions:  # the project's own takes the place of all mappings
            return await self._custom(EXTRACT_SLOTS, tracker)
        parse = tracker.latest_message
        text: str | None = str(parse.get("text") or "")
        if not self._manners.payload_is_text:
            tapped = read_payload(str(text))
            if not text or (tapped is not None and tapped.intent == tracker.intent):
                text = None
        entities = tuple(parse.get("entities") or ())
        heard = Heard(text, tracker.intent, entities)
        events: list[Event] = []
        asked: set[str] = set()
        mapped, loop = self._domain.mapped_in(tracker.loop_name), tracker.loop_now()
        found = extract(mapped, self._domain.slots, tracker.slots, heard, loop)
        for item in found:
            if item.action is None:
                events.append(slot_event(item.slot, item.value))
            elif item.action not in asked:
                asked.add(item.action)
                events += [e for e in await self._asked(item.action, tracker) if e.get("event") == "slot"]
        if VALIDATE_MAPPINGS not in self._domain.actions:
            return events
        candidates = tracker.copy()
        for event in events:
            candidates.apply(event)
        validated = [e for e in await self._asked(VALIDATE_MAPPINGS, candidates) if e.get("event") in ("slot", "bot")]
        answered = {event.get("name") for event in validated if event.get("event") == "slot"}
        return validated + [event for event in events if event.get("name") not in answered]

    async def _asked(self, name: str, tracker: Tracker) -> list[Event]:
        """What an action says of the slots. One that fails says nothing, and the message is heard all the same."""
        try:
            return await self._custom(name, tracker)
        except (ActionRejected, ActionFailed):
            if self._manners.failure is Failure.RAISED:
                raise
            log.warning("action %s failed to fill slots", name, exc_info=True)
            return []

    def _taken(self, name: str, result: ActionResult, tracker: Tracker) -> list[Event]:
        """A custom action's result: its messages, then its events. Raises ActionFailed where one of them is none:
        then none of them counts."""
        try:
            events = [*read_events(result.events, self._domain)]
            for message in result.responses:
                check_message(message)
        except Unreadable as error:
            raise ActionFailed(name) from error
        spoken = tracker
        if result.responses and not self._manners.fills_as_rasa:
            spoken = tracker.copy()  # words are chosen with the slots the action set, its new language above all
            for event in events:
                if event.get("event") == "slot":
                    spoken.apply(event)
        said = (self._drafted(name, message, spoken) for message in result.responses)
        return [
            *(bot_event(message) for message in said if message is not None),
            *events,
        ]

    def _drafted(self, action: str, message: Mapping[str, Any], tracker: Tracker) -> dict[str, Any] | None:
        response = message.get("response") or message.get("template")
        # in Rasa a slot called `image` is not seen in what an action says: the message has one of its own, if only None
        own = {"response"} if self._manners.fills_as_rasa else _MESSAGE_KEYS
        more = {key: value for key, value in message.items() if key not in own}
        draft: dict[str, Any] = {}
        if response:
            if response not in self._domain.responses and self._manners.failure is Failure.RAISED:
                raise ActionFailed(action)
            found = self._words(str(response), tracker, more)
            if found is None:
                return None
            draft = found
        buttons = [*(draft.get("buttons") or ()), *(message.get("buttons") or ())]
        given = {k: v for k, v in message.items() if v and k not in ("buttons", "response", "template")}
        if not self._manners.fills_as_rasa:
            given = {key: value for key, value in given.items() if key in _MESSAGE_KEYS}
            if "custom" in given:
                given["custom"] = {**(draft.get("custom") or {}), **given["custom"]}
        return {**draft, **given, **({"buttons": buttons} if buttons else {})}

    def _words(self, name: str, tracker: Tracker, more: Mapping[str, Any] | None = None) -> dict[str, Any] | None:
        return self._engine.respond(name, tracker, self._message.channel, more or {})

    def _say(self, name: str | None, tracker: Tracker) -> list[Event]:
        """Say a response; nothing when the project has no such words."""
        message = self._words(name, tracker) if name else None
        return [bot_event(message)] if message is not None else []

    def _actions_since_listening(self) -> int:
        number = 0
        for event in reversed(self.tracker.events):
            if event.get("event") == "action":
                if event.get("name") in (LISTEN, SESSION_START):
                    break
                number += 1
        return number

    def _give_up(self) -> None:
        """The rules run in a circle. Rasa stops here, and the conversation stays dead."""
        if self._manners.failure is not Failure.SILENT:
            self._listen_again()

    def _listen_again(self) -> None:
        """The turn cannot go on. If nothing was said, say so, and wait for the next message."""
        self._broken = True
        if not self.replies and self._manners.failure is Failure.RAISED:
            for event in self._say("utter_default", self.tracker):
                self._emit(event)
        self._emit(action_event(LISTEN))

    # The default actions of Rasa.

    def session_start(self, tracker: Tracker) -> list[Event]:
        carried = tracker.applied if self._domain.carry_over_slots else []
        slots = [slot_event(str(e.get("name")), e.get("value")) for e in carried if e.get("event") == "slot"]
        return [{"event": "session_started"}, *slots, action_event(LISTEN)]

    def restart(self, tracker: Tracker) -> list[Event]:
        return [*self._say("utter_restart", tracker), {"event": "restart"}]

    def default_fallback(self, tracker: Tracker) -> list[Event]:
        return [*self._say("utter_default", tracker), {"event": "rewind"}]

    def back(self, tracker: Tracker) -> list[Event]:
        return [*self._say("utter_back", tracker), {"event": "rewind"}, {"event": "rewind"}]

    def deactivate_loop(self, _tracker: Tracker) -> list[Event]:
        return [loop_event(None), slot_event(REQUESTED_SLOT, None)]

    def revert_fallback_events(self, tracker: Tracker) -> list[Event]:
        return revert_fallback(tracker)

    def ask_affirmation(self, tracker: Tracker) -> list[Event]:
        return [bot_event(affirmation(tracker))]

    def ask_rephrase(self, tracker: Tracker) -> list[Event]:
        return self._say("utter_ask_rephrase", tracker)

    def nothing(self, _tracker: Tracker) -> list[Event]:
        return []


_DEFAULTS = {
    "action_restart": _Conversation.restart,
    SESSION_START: _Conversation.session_start,
    FALLBACK: _Conversation.default_fallback,
    "action_back": _Conversation.back,
    "action_deactivate_loop": _Conversation.deactivate_loop,
    "action_revert_fallback_events": _Conversation.revert_fallback_events,
    ASK_AFFIRMATION: _Conversation.ask_affirmation,
    ASK_REPHRASE: _Conversation.ask_rephrase,
    "action_unlikely_intent": _Conversation.nothing,
    LISTEN: _Conversation.nothing,
}


def parse_data(message: UserMessage, domain: Domain, *, as_rasa: bool = True) -> dict[str, Any]:
    """What was understood of a message, as Rasa writes it. Where nothing was ranked there is no ranking."""
    base, _, response = (message.intent or "").partition("/")
    known = base in domain.intents
    intent: dict[str, Any] = {"name": message.intent if known else "nlu_fallback", "confidence": message.confidence}
    if as_rasa:
        intent["name"] = base if known else None
    if known and response:
        intent["full_retrieval_intent_name"] = message.intent
    ranking = [{"name": name, "confidence": score} for name, score in message.ranking]
    return {
        "text": message.text,
        "intent": intent,
        **({"intent_ranking": ranking} if ranking or not as_rasa else {}),
        "entities": [_as_rasa(entity) for entity in message.entities],
        "metadata": {key: value for key, value in message.metadata.items() if key != "slots"},
        **({"response_selector": dict(message.response_selector)} if message.response_selector else {}),
    }


def _as_rasa(entity: Entity) -> dict[str, Any]:
    parts = {key: getattr(entity, key) for key in ("start", "end", "role", "group", "extractor")}
    told = {key: value for key, value in parts.items() if value is not None}
    return {"entity": entity.name, "value": entity.value, **told}


def _selected(action: str, tracker: Tracker) -> str | None:
    """The response a retrieval intent's action says, as the response selector chose it."""
    selector = tracker.latest_message.get("response_selector") or {}
    chosen = selector.get(action.removeprefix("utter_")) or selector.get("default") or {}
    name = (chosen.get("response") or {}).get("utter_action")
    if name is None and (full := (tracker.latest_message.get("intent") or {}).get("full_retrieval_intent_name")):
        name = f"utter_{full}"
    return name
