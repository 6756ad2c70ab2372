"""Rasa's HTTP API for conversations: their trackers and stories, and steps that the caller chooses one by one."""

from __future__ import annotations

import math
from typing import Any

from aiohttp import web

from dialogues.runtime.events import Unreadable
from dialogues.runtime.model import Event
from dialogues.runtime.policy import Prediction
from dialogues.runtime.tracker import Tracker
from dialogues.server.bodies import LONGEST_MESSAGE, answered, failed, read_any, read_object, wrong
from dialogues.server.host import Host
from dialogues.server.retelling import as_test_stories

HOST: web.AppKey[Host] = web.AppKey("host", Host)
#: How much of a conversation `include_events` may ask for. `ALL` goes back to the last restart, no further.
_VERBOSITY = ("NONE", "APPLIED", "AFTER_RESTART", "ALL")
_OF_AN_ACTION = {"policy": None, "confidence": None, "action_text": None, "hide_rule_turn": False}
_EVENT = 'An event is like {"event": "slot", "name": …, "value": …}'

conversation_routes = web.RouteTableDef()


@conversation_routes.get("/conversations/{sender:.+}/tracker")
async def tracker(request: web.Request) -> web.Response:
    verbosity = _verbosity(request)
    host, sender = request.app[HOST], request.match_info["sender"]
    now = await host.standing(sender)
    return answered(_state(sender, _until(request, host, now), verbosity))


@conversation_routes.post("/conversations/{sender:.+}/tracker/events")
async def append_events(request: web.Request) -> web.Response:
    events, verbosity = await _events(request), _verbosity(request)
    host, sender = request.app[HOST], request.match_info["sender"]
    if not events:
        raise wrong(f"the body holds no event. {_EVENT}")
    try:
        await host.append(sender, events, side_effects=_is_true(request, "execute_side_effects"))
    except Unreadable as error:
        raise wrong(f"{error}. {_EVENT}") from error
    return answered(_state(sender, await host.standing(sender), verbosity))


@conversation_routes.put("/conversations/{sender:.+}/tracker/events")
async def replace_events(request: web.Request) -> web.Response:
    events, verbosity = await _events(request), _verbosity(request)
    host, sender = request.app[HOST], request.match_info["sender"]
    try:
        await host.replace(sender, events)
        return answered(_state(sender, host.imagined(events), verbosity))
    except Unreadable as error:
        raise wrong(f"{error}. {_EVENT}") from error


@conversation_routes.get("/conversations/{sender:.+}/story")
async def story(request: web.Request) -> web.Response:
    host, sender = request.app[HOST], _known(request)
    told = _until(request, host, await host.standing(sender))
    events = _after_restart(told.events)
    return web.Response(text=as_test_stories(sender, events, every_session=_is_true(request, "all_sessions")))


@conversation_routes.post("/conversations/{sender:.+}/execute")
async def execute(request: web.Request) -> web.Response:
    """One action that the caller has chosen. The tracker is as it stands after it (Rasa: before)."""
    host, sender = request.app[HOST], _known(request)
    body, verbosity = await read_object(request), _verbosity(request)
    name, policy, confidence = body.get("name"), body.get("policy"), body.get("confidence")
    if not isinstance(name, str) or not name:
        raise wrong("Name of the action not provided in request body.", "name")
    if not host.engine.domain.knows_action(name):
        raise failed(web.HTTPNotFound, "NotFound", f"`{name}` is no action of this project")
    sure = float(confidence) if isinstance(confidence, int | float) and math.isfinite(confidence) else 0.0
    messages = await host.execute(sender, Prediction(name, str(policy) if policy else None, sure))
    return answered({"tracker": _state(sender, await host.standing(sender), verbosity), "messages": messages})


@conversation_routes.post("/conversations/{sender:.+}/trigger_intent")
async def trigger_intent(request: web.Request) -> web.Response:
    body, verbosity = await read_object(request), _verbosity(request)
    host, sender, intent = request.app[HOST], request.match_info["sender"], body.get("name")
    if not isinstance(intent, str) or not intent:
        raise wrong('the body must name an intent: {"name": "greet"}', "name")
    if intent not in host.engine.domain.intents:
        raise failed(web.HTTPNotFound, "NotFound", f"`{intent}` is no intent of this project")
    messages = await host.trigger(sender, intent, body.get("entities"))
    return answered({"tracker": _state(sender, await host.standing(sender), verbosity), "messages": messages})


@conversation_routes.post("/conversations/{sender:.+}/predict")
async def predict(request: web.Request) -> web.Response:
    """Which action would be next; the likeliest first."""
    host, sender = request.app[HOST], _known(request)
    foreseen = await host.foresee(sender)
    told = _foreseen(host, foreseen, _state(sender, await host.standing(sender), "AFTER_RESTART"))
    told["scores"].sort(key=lambda score: (-score["score"], score["action"]))
    return answered(told)


@conversation_routes.post("/model/predict")
async def predict_after_events(request: web.Request) -> web.Response:
    """Which action would be next in a conversation of these events."""
    host, verbosity = request.app[HOST], _verbosity(request)
    try:
        imagined = host.imagined(await _events(request))
    except Unreadable as error:
        raise wrong(f"{error}. {_EVENT}") from error
    return answered(_foreseen(host, host.engine.foresee(imagined), _state("default", imagined, verbosity)))


@conversation_routes.post("/conversations/{sender:.+}/messages")
async def add_message(request: web.Request) -> web.Response:
    """A message of the person, understood and its slots filled; what is answered to it is the caller's to choose."""
    body, verbosity = await read_object(request), _verbosity(request)
    host, sender, text = request.app[HOST], request.match_info["sender"], body.get("text")
    if body.get("sender") != "user":
        told = f'only messages of the person are taken, and this is of `{body.get("sender")}`: say `"sender": "user"`'
        raise wrong(told, "sender")
    if not isinstance(text, str):
        raise wrong('the body must hold a text: {"text": "hello", "sender": "user"}', "text")
    try:
        await host.note(sender, text[:LONGEST_MESSAGE], body.get("parse_data"))
    except Unreadable as error:
        raise wrong(str(error), "parse_data") from error
    return answered(_state(sender, await host.standing(sender), verbosity))


def _known(request: web.Request) -> str:
    """Whose conversation it is. One that nobody has begun is not found."""
    sender = request.match_info["sender"]
    if not request.app[HOST].knows(sender):
        raise failed(web.HTTPNotFound, "Not found", "Conversation ID not found.")
    return sender


async def _events(request: web.Request) -> list[Any]:
    given = await read_any(request)
    return given if isinstance(given, list) else [given]


def _verbosity(request: web.Request) -> str:
    asked = request.query.get("include_events", "AFTER_RESTART").upper()
    if asked not in _VERBOSITY:
        raise wrong(f"`include_events` must be one of {', '.join(_VERBOSITY)}", "include_events", "query")
    return asked


def _is_true(request: web.Request, name: str) -> bool:
    return request.query.get(name, "false").lower() in ("true", "1", "yes", "y", "t", "on")


def _until(request: web.Request, host: Host, now: Tracker) -> Tracker:
    """The conversation as it stood at `until`, in seconds; as it stands now where that is no number."""
    try:
        until = float(request.query.get("until", "x"))
    except ValueError:
        return now
    later = (place for place, event in enumerate(now.events) if float(event.get("timestamp") or 0.0) > until)
    return host.engine.tracker(now.events[: next(later, len(now.events))])


def _state(sender: str, tracker: Tracker, verbosity: str) -> dict[str, Any]:
    state = {"sender_id": sender, **tracker.current_state()}
    events = tracker.applied if verbosity == "APPLIED" else _after_restart(state["events"])
    state["events"] = None if verbosity == "NONE" else [_in_full(event) for event in events]
    return state


def _after_restart(events: list[Event]) -> list[Event]:
    """The events without the restart that they begin with."""
    return events[1:] if events and events[0].get("event") == "restart" else events


def _in_full(event: Event) -> Event:
    """With the fields that Rasa always tells and we do not keep."""
    full = {"metadata": {}, **event}
    return {**_OF_AN_ACTION, **full} if event.get("event") == "action" else full


def _foreseen(host: Host, foreseen: Prediction, state: dict[str, Any]) -> dict[str, Any]:
    settings, scores = host.engine.policy.settings, dict.fromkeys(host.engine.domain.action_names, 0.0)
    if foreseen.policy == "RulePolicy" and settings.falls_back:
        scores[settings.fallback] = settings.threshold
    if foreseen.action is not None:
        scores[foreseen.action] = foreseen.confidence
    return {
        "scores": [{"action": name, "score": score} for name, score in scores.items()],
        "policy": foreseen.policy or "RulePolicy",
        "confidence": foreseen.confidence,
        "tracker": state,
    }
