"""Rasa's HTTP API, as far as a front end or a test of a project needs it."""

from __future__ import annotations

import json
import logging
import math
import re
from typing import Any

from aiohttp import web

from dialogues.runtime.custom_actions import ActionFailed, ActionRejected
from dialogues.runtime.events import Unreadable
from dialogues.runtime.tracker import Tracker
from dialogues.server.host import Host

#: The version of Rasa whose ways are followed.
RASA_VERSION = "3.6.21"
#: The longest message that is read, in characters; of a longer one the rest is not.
LONGEST_MESSAGE = 20_000
HOST: web.AppKey[Host] = web.AppKey("host", Host)

#: One half of a character that JSON writes as two.
_HALF = re.compile("[\ud800-\udfff]")

log = logging.getLogger(__name__)
routes = web.RouteTableDef()


def make_app(host: Host) -> web.Application:
    """The web application for one project."""
    app = web.Application(client_max_size=4 * 2**20)
    app[HOST] = host
    app.add_routes(routes)
    return app


@routes.get("/")
async def hello(_request: web.Request) -> web.Response:
    return web.Response(text=f"Hello from Waymark, playing as Rasa {RASA_VERSION}")


@routes.get("/version")
async def version(_request: web.Request) -> web.Response:
    return web.json_response({"version": RASA_VERSION, "minimum_compatible_version": RASA_VERSION})


@routes.get("/status")
async def status(request: web.Request) -> web.Response:
    project = request.app[HOST].engine.project
    return web.json_response(
        {"model_file": project.root.name, "model_id": project.root.name, "num_active_training_jobs": 0}
    )


@routes.get("/domain")
async def domain(request: web.Request) -> web.Response:
    return web.json_response(request.app[HOST].engine.domain.raw)


@routes.get("/webhooks/rest/")
async def channel(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@routes.post("/webhooks/rest/webhook")
async def webhook(request: web.Request) -> web.Response:
    body = await _body(request)
    sender = str(body.get("sender") if body.get("sender") not in (None, "") else "default")
    metadata = body.get("metadata")
    said = await request.app[HOST].hear(
        sender,
        str(body.get("message") if body.get("message") is not None else "")[:LONGEST_MESSAGE],
        metadata if isinstance(metadata, dict) else None,
        str(body.get("input_channel") or "rest"),
    )
    if request.query.get("stream", "").lower() == "true":  # a message a line
        lines = "".join(f"{_written(message)}\n" for message in said)
        return web.Response(text=lines, content_type="text/event-stream")
    return _json(said)


@routes.get("/conversations/{sender}/tracker")
async def tracker(request: web.Request) -> web.Response:
    state = await request.app[HOST].tracker(request.match_info["sender"])
    return _json(_with_events(request, state))


@routes.post("/conversations/{sender}/tracker/events")
async def append_events(request: web.Request) -> web.Response:
    given = await _given(request)
    events = given if isinstance(given, list) else [given]
    try:
        state = await request.app[HOST].append(request.match_info["sender"], events)
    except Unreadable as error:
        raise _wrong(f'{error}. An event is like {{"event": "slot", "name": …, "value": …}}') from error
    return _json(_with_events(request, state))


@routes.post("/conversations/{sender}/trigger_intent")
async def trigger_intent(request: web.Request) -> web.Response:
    body = await _body(request)
    host, sender, intent = request.app[HOST], request.match_info["sender"], body.get("name")
    if not isinstance(intent, str):
        raise _wrong('the body must name an intent: {"name": "greet"}')
    if intent not in host.engine.domain.intents:
        told = _failure("NotFound", f"`{intent}` is no intent of this project")
        raise web.HTTPNotFound(text=told, content_type="application/json")
    messages = await host.trigger(sender, intent, body.get("entities"))
    return _json({"tracker": _with_events(request, await host.tracker(sender)), "messages": messages})


@routes.post("/model/parse")
async def parse(request: web.Request) -> web.Response:
    body = await _body(request)
    message = await request.app[HOST].recognizer.hear(
        str(body.get("text") or "")[:LONGEST_MESSAGE], sender_id="", channel="", metadata={}
    )
    return _json(
        {
            "text": message.text,
            "intent": {"name": message.intent, "confidence": message.confidence},
            "entities": [
                {"entity": e.name, "value": e.value, "start": e.start, "end": e.end, "role": e.role, "group": e.group}
                for e in message.entities
            ],
            "intent_ranking": [{"name": name, "confidence": score} for name, score in message.ranking],
            "response_selector": dict(message.response_selector),
        }
    )


@routes.post("/webhook")
async def act(request: web.Request) -> web.Response:
    """Rasa's action protocol, so that a real Rasa can play a project with its actions run here."""
    body = await _body(request)
    name, told = body.get("next_action"), body.get("tracker")
    if not name:
        return _json({"events": [], "responses": []})
    engine = request.app[HOST].engine
    if not isinstance(name, str) or name not in engine.actions.names:
        raise web.HTTPNotFound(text=json.dumps({"error": f"there is no action `{name}`", "action_name": name}))
    if not isinstance(told, dict):
        raise _wrong("the body must hold a `tracker`")
    told = {"sender_id": str(body.get("sender_id") or "default"), **told}
    try:
        result = await engine.actions.run(name, told, body.get("domain") or engine.domain.raw)
    except ActionRejected:
        refused = json.dumps({"error": f"the action `{name}` refused to run", "action_name": name})
        raise web.HTTPBadRequest(text=refused, content_type="application/json") from None
    except ActionFailed as error:
        log.error("action %s failed", name, exc_info=error)
        raise web.HTTPInternalServerError(text=json.dumps({"error": f"the action `{name}` failed"})) from error
    return _json({"events": list(result.events), "responses": list(result.responses)})


@routes.post("/nlg")
async def say(request: web.Request) -> web.Response:
    """Rasa's NLG protocol: the words of a response, so that a real Rasa can play a project with ours."""
    body = await _body(request)
    name, told = body.get("response"), body.get("tracker")
    engine = request.app[HOST].engine
    if not isinstance(name, str) or not isinstance(told, dict):
        raise _wrong('the body must name a `response` and hold a `tracker`: {"response": "utter_…", "tracker": {…}}')
    if name not in engine.domain.responses:
        raise web.HTTPNotFound(text=json.dumps({"reason": f"there is no response `{name}`"}))
    spoken: Tracker = engine.tracker()
    slots = told.get("slots") or {}
    if not isinstance(slots, dict):
        raise _wrong('the `slots` of the tracker must be an object: {"town": "Calais"}')
    for slot, value in slots.items():
        spoken.apply({"event": "slot", "name": slot, "value": value})
    given = body.get("channel")
    where = str(given.get("name") if isinstance(given, dict) else given or "")
    more = body.get("arguments") if isinstance(body.get("arguments"), dict) else {}
    message = engine.respond(name, spoken, where, more or {})
    return _json(message or {})


def _with_events(request: web.Request, state: dict[str, Any]) -> dict[str, Any]:
    """The events as the caller asked for them: `include_events` NONE, APPLIED, AFTER_RESTART or ALL."""
    if request.query.get("include_events") == "NONE":
        state["events"] = None
    return state


async def _body(request: web.Request) -> dict[str, Any]:
    body = await _given(request)
    if not isinstance(body, dict):
        raise _wrong("the body must be a JSON object")
    return body


async def _given(request: web.Request) -> Any:
    """What the body holds. Half a character (`\\ud800`) is in no text: each is replaced, or no answer could hold it."""
    try:
        text = await request.text()
        given = json.loads(text)
        if "\\ud" in text.lower():
            given = json.loads(_HALF.sub("\ufffd", json.dumps(given, ensure_ascii=False)))
        return given
    except (ValueError, RecursionError) as error:
        raise _wrong(f"the body is not JSON: {error}") from error


def _wrong(reason: str) -> web.HTTPBadRequest:
    return web.HTTPBadRequest(text=_failure("BadRequest", reason), content_type="application/json")


def _failure(kind: str, reason: str) -> str:
    return json.dumps({"version": RASA_VERSION, "status": "failure", "reason": kind, "message": reason})


def _json(value: Any) -> web.Response:
    return web.json_response(text=_written(value))


def _written(value: Any) -> str:
    """As JSON that every client can read: a project's action may have said half a character, or no number (`NaN`)."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str, allow_nan=False)
    except ValueError:
        text = json.dumps(_numbers(value), ensure_ascii=False, default=str)
    return _HALF.sub("\ufffd", text)


def _numbers(value: Any) -> Any:
    """The same, with nothing in the place of a number that is none."""
    if isinstance(value, dict):
        return {key: _numbers(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
