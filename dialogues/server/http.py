"""Rasa's HTTP API, as far as a front end or a test of a project needs it: the project, the REST channel, understanding,
and the two protocols by which a real Rasa asks for actions and words. Conversations are in `conversations.py`."""

from __future__ import annotations

import json
import logging

import yaml
from aiohttp import web
from aiohttp.typedefs import Handler

from dialogues.runtime.custom_actions import ActionFailed, ActionRejected
from dialogues.runtime.engine import parse_data
from dialogues.runtime.tracker import Tracker
from dialogues.server.bodies import (
    LONGEST_MESSAGE,
    RASA_VERSION,
    answered,
    failed,
    read_object,
    told_as_rasa,
    written,
    wrong,
)
from dialogues.server.conversations import HOST, conversation_routes
from dialogues.server.host import Host

#: What of Rasa's API is not served, and what to do instead.
_NOT_SERVED = {
    ("POST", "/model/train"): "a project is read when the server starts: change its files, then start the server again",
    ("PUT", "/model"): "a project is read when the server starts: start the server with another --project",
    ("DELETE", "/model"): "a project is read when the server starts: stop the server",
    ("POST", "/model/test/stories"): "run `python -m dialogues test --project DIR`",
    ("POST", "/model/test/intents"): "run `python -m dialogues train --project DIR`: it tells what is confused",
}

log = logging.getLogger(__name__)
routes = web.RouteTableDef()


def make_app(host: Host) -> web.Application:
    """The web application for one project."""
    app = web.Application(client_max_size=4 * 2**20, middlewares=[_errors])
    app[HOST] = host
    app.add_routes(routes)
    app.add_routes(conversation_routes)
    for (method, path), instead in _NOT_SERVED.items():
        app.router.add_route(method, path, _not_served(instead))
    return app


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error as JSON, as Rasa tells it: also a path that leads nowhere, and what broke here."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400 or error.content_type == "application/json":
            raise
        message = f"{error.reason}: {request.method} {request.path}"
        told = web.json_response(told_as_rasa(error.status, error.reason, message), status=error.status)
        if "Allow" in error.headers:
            told.headers["Allow"] = error.headers["Allow"]
        return told
    except Exception:
        resource = request.match_info.route.resource  # the path itself names whose conversation it is
        log.exception("%s %s could not be answered", request.method, resource and resource.canonical)
        return web.json_response(
            told_as_rasa(500, "ConversationError", "something broke here; it is logged"), status=500
        )


def _not_served(instead: str) -> Handler:
    async def tell(_request: web.Request) -> web.StreamResponse:
        raise failed(web.HTTPNotImplemented, "NotImplemented", f"not served here: {instead}")

    return tell


@routes.get("/")
async def hello(_request: web.Request) -> web.Response:
    return web.Response(text=f"Hello from Waymark, playing as Rasa: {RASA_VERSION}")


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
    """The domain as its files say it, all in one; as YAML for whoever asks for that."""
    raw = request.app[HOST].engine.domain.raw
    wanted = request.headers.get("Accept") or "application/json"
    if wanted.endswith(("yml", "yaml")):
        return web.Response(
            text=yaml.safe_dump(raw, sort_keys=False, allow_unicode=True), content_type="application/x-yaml"
        )
    if not wanted.endswith(("json", "*/*")):
        told = 'the domain can be had as JSON ("Accept: application/json") or YAML ("Accept: application/x-yaml")'
        raise failed(web.HTTPNotAcceptable, "NotAcceptable", told)
    return answered(raw)


@routes.get("/webhooks/rest/")
async def channel(_request: web.Request) -> web.Response:
    return web.json_response({"status": "ok"})


@routes.post("/webhooks/rest/webhook")
async def webhook(request: web.Request) -> web.Response:
    body = await read_object(request)
    sender = str(body.get("sender") if body.get("sender") not in (None, "") else "default")
    metadata = body.get("metadata")
    said = await request.app[HOST].hear(
        sender,
        str(body.get("message") if body.get("message") is not None else "")[:LONGEST_MESSAGE],
        metadata if isinstance(metadata, dict) else None,
        str(body.get("input_channel") or "rest"),
    )
    if request.query.get("stream", "").lower() == "true":  # a message a line
        lines = "".join(f"{written(message)}\n" for message in said)
        return web.Response(text=lines, content_type="text/event-stream")
    return answered(said)


@routes.post("/model/parse")
async def parse(request: web.Request) -> web.Response:
    body = await read_object(request)
    text, host = body.get("text"), request.app[HOST]
    if "emulation_mode" in request.query:
        raise wrong("answers as LUIS, Wit or Dialogflow would give them are not served here", "emulation_mode", "query")
    if not isinstance(text, str):
        raise wrong('the body must hold a text: {"text": "hello"}', "text", "body")
    message = await host.recognizer.hear(text[:LONGEST_MESSAGE], sender_id="", channel="", metadata={})
    told = parse_data(message, host.engine.domain)
    told.pop("metadata")
    return answered(told)


@routes.post("/webhook")
async def act(request: web.Request) -> web.Response:
    """Rasa's action protocol, so that a real Rasa can play a project with its actions run here."""
    body = await read_object(request)
    name, told = body.get("next_action"), body.get("tracker")
    if not name:
        return answered({"events": [], "responses": []})
    engine = request.app[HOST].engine
    if not isinstance(name, str) or name not in engine.actions.names:
        raise _told(web.HTTPNotFound, error=f"there is no action `{name}`", action_name=name)
    if not isinstance(told, dict):
        raise wrong("the body must hold a `tracker`")
    told = {"sender_id": str(body.get("sender_id") or "default"), **told}
    try:
        result = await engine.actions.run(name, told, body.get("domain") or engine.domain.raw)
    except ActionRejected:
        raise _told(web.HTTPBadRequest, error=f"the action `{name}` refused to run", action_name=name) from None
    except ActionFailed as error:
        log.error("action %s failed", name, exc_info=error)
        raise _told(web.HTTPInternalServerError, error=f"the action `{name}` failed", action_name=name) from error
    return answered({"events": list(result.events), "responses": list(result.responses)})


@routes.post("/nlg")
async def say(request: web.Request) -> web.Response:
    """Rasa's NLG protocol: the words of a response, so that a real Rasa can play a project with ours."""
    body = await read_object(request)
    name, told = body.get("response"), body.get("tracker")
    engine = request.app[HOST].engine
    if not isinstance(name, str) or not isinstance(told, dict):
        raise wrong('the body must name a `response` and hold a `tracker`: {"response": "utter_…", "tracker": {…}}')
    if name not in engine.domain.responses:
        raise _told(web.HTTPNotFound, reason=f"there is no response `{name}`")
    spoken: Tracker = engine.tracker()
    slots = told.get("slots") or {}
    if not isinstance(slots, dict):
        raise wrong('the `slots` of the tracker must be an object: {"town": "Calais"}')
    for slot, value in slots.items():
        spoken.apply({"event": "slot", "name": slot, "value": value})
    given = body.get("channel")
    where = str(given.get("name") if isinstance(given, dict) else given or "")
    more = body.get("arguments") if isinstance(body.get("arguments"), dict) else {}
    message = engine.respond(name, spoken, where, more or {})
    return answered(message or {})


def _told(kind: type[web.HTTPException], **body: object) -> web.HTTPException:
    """An error as the action server and the NLG server of rasa-sdk tell it."""
    return kind(text=json.dumps(body), content_type="application/json")
