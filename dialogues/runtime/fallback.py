"""Two-stage fallback: did you mean this? Then please say it differently. Then the words of the fallback."""

from __future__ import annotations

import copy
from typing import Any

from dialogues.runtime.forms import Acting, action_event, loop_event
from dialogues.runtime.model import Event
from dialogues.runtime.tracker import LISTEN, Tracker

TWO_STAGE = "action_two_stage_fallback"
ASK_AFFIRMATION = "action_default_ask_affirmation"
ASK_REPHRASE = "action_default_ask_rephrase"
NOT_UNDERSTOOD, NO = "nlu_fallback", "out_of_scope"


async def run_two_stage_fallback(tracker: Tracker, acting: Acting) -> list[Event]:
    """One run of the loop. Raises ActionRejected or ActionFailed."""
    events: list[Event] = []
    if tracker.loop_name != TWO_STAGE:
        events.append(loop_event(TWO_STAGE))
    gave_up = _last_intents(tracker, 2) == [NOT_UNDERSTOOD] * 2 or _last_intents(tracker, 3) == [NO, NOT_UNDERSTOOD, NO]
    done = tracker.intent not in (NOT_UNDERSTOOD, NO) or gave_up
    if not done:
        affirm = bool(events) or tracker.intent == NOT_UNDERSTOOD
        return events + await acting.perform(ASK_AFFIRMATION if affirm else ASK_REPHRASE, tracker)
    events.append(loop_event(None))
    if gave_up:
        return events + await acting.perform("action_default_fallback", tracker)
    return [*events, {"event": "rewind"}, *_said_again(tracker)]


def _last_intents(tracker: Tracker, number: int) -> list[str | None]:
    """The intents of the last messages, newest first; an undone one leaves a gap."""
    turns = [event for event in reversed(tracker.events) if event.get("event") in ("user", "rewind")][:number]
    return [((e.get("parse_data") or {}).get("intent") or {}).get("name") for e in turns if e.get("event") == "user"]


def _said_again(tracker: Tracker) -> list[Event]:
    """The person's clearer words, as if they had been said at first."""
    event = copy.deepcopy(next(e for e in reversed(tracker.events) if e.get("event") == "user"))
    event["parse_data"].setdefault("intent", {})["confidence"] = 1.0
    event.pop("timestamp", None)
    return [action_event(LISTEN), event]


def affirmation(tracker: Tracker) -> dict[str, Any]:
    """The question whether the likeliest intent was meant."""
    ranking = tracker.latest_message.get("intent_ranking") or []
    intent = tracker.intent
    if intent == NOT_UNDERSTOOD and len(ranking) > 1:
        intent = ranking[1].get("name")
    return {
        "text": f"Did you mean '{intent}'?",
        "buttons": [{"title": "Yes", "payload": f"/{intent}"}, {"title": "No", "payload": f"/{NO}"}],
        "utter_action": ASK_AFFIRMATION,
    }


def revert_fallback(tracker: Tracker) -> list[Event]:
    """Undo the questions of a fallback that stories have played by themselves, and keep the clearer words."""
    ran = [e["name"] for e in reversed(tracker.applied) if e.get("event") == "action" and e.get("name") != LISTEN]
    heard = tracker.last_applied("user")
    if heard is None or not ran or ran[0] not in (ASK_REPHRASE, ASK_AFFIRMATION):
        return []
    rewind: Event = {"event": "rewind"}
    if ran[0] == ASK_REPHRASE:
        return [rewind, rewind, rewind, action_event(LISTEN), copy.deepcopy(heard)]
    events = [rewind, rewind, action_event(LISTEN)]
    if ran[1:2] == [ASK_REPHRASE]:
        events += [rewind, rewind, rewind, action_event(LISTEN)]
    heard = copy.deepcopy(heard)
    heard["parse_data"].setdefault("intent", {})["confidence"] = 1.0
    return [*events, heard]
