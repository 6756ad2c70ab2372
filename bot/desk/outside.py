"""The page behind a link, on which somebody of a partner without Waymark reads a request and answers it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases.spoken import SPOKEN
from bot.desk.frame import context_of, go_to, hand_of, save_as
from bot.exchange.outside import service
from bot.exchange.outside.model import ENDINGS, LARGEST_FILE, LinkDead, NotTaken, token_in
from bot.exchange.outside.service import Page
from bot.exchange.outside.words import words_behind_links
from bot.exchange.requests.model import (
    ALTERNATIVES,
    CONFIDENCES,
    GROUNDS,
    HOWS,
    REFUSALS,
    NotNow,
    RequestNotFound,
)
from bot.exchange.requests.types import FIELDS, QUESTIONS
from bot.kernel.access import Permission
from bot.kernel.pages import render, translators
from bot.kernel.uploads import uploaded
from bot.kernel.web import PUBLIC, Routes, client_address, form
from bot.kernel.web_keys import CLOCK, DATABASE, SETTINGS, SIGNALS, VAULT
from bot.kernel.words import N_

#: What leads here stands in an e-mail: it says nothing of what is behind it.
PATH = "/request"
#: A form with a file, and what is around it.
UPLOAD_CAP = LARGEST_FILE + 64 * 1024
#: Of the page, which speaks languages that the rest of the desk does not: an error page must not try to.
SPEAKS: web.RequestKey[str] = web.RequestKey("language behind a link")

#: Why something could not be taken in, by the code of `NotTaken`.
PROBLEMS: Mapping[str, str] = {
    "nothing_written": N_("There was nothing in it. Write your message first."),
    "too_many_messages": N_("There are very many messages already. Please call the officer who asked you."),
    "nothing_said": N_("Answer at least one question, and say how you know and how sure you are."),
    "no_ground": N_("Say about whom your answers tell."),
    "no_provenance": N_("Say for every answer how you know it and how sure you are."),
    "file_kind": N_("Only PDF, JPEG and PNG files can be taken. Nothing was kept."),
    "file_too_large": N_("This file is too large. Nothing was kept."),
    "too_many_files": N_("There are five files already. Nothing was kept."),
    "refusal": N_("Say why you cannot, and whom we should ask."),
}
WAIT = N_("Wait a minute and try again.")
NOT_GIVEN = N_("This file cannot be given out now. Please call the officer who asked you.")
NOT_TAKEN = N_("This could not be taken in. Please call the officer who asked you.")

routes = Routes()


@routes.get(PATH, name="outside", allow=PUBLIC)
async def ask_code(request: web.Request) -> web.StreamResponse:
    """Ask for the code. Which link it was this server does not hear before the code is sent: nothing is spent."""
    return _answer(request, asks=True)


@routes.post(PATH, name="outside", allow=PUBLIC)
async def open_link(request: web.Request) -> web.StreamResponse:
    """With the right code, show the request."""
    fields, at, vault = await form(request), request.app[CLOCK].now(), request.app[VAULT]
    token, code = token_in(fields.get("token", "")), fields.get("code", "")[:20]

    _speak(request, fields.get("language", ""))
    if await _must_wait(request):
        return _answer(request, asks=True, token=token, problem=WAIT, status=429)
    try:
        page = await request.app[DATABASE].write(lambda tx: service.open_link(tx, vault, token, code, at))
    except LinkDead:
        return await _dead(request)
    if page is None:
        await _went_wrong(request)
        return _answer(request, asks=True, token=token, wrong=True, status=403)
    request.app[SIGNALS].wake("exchange")
    return _answer(request, page=page)


@routes.post(f"{PATH}/language", name="outside_language", allow=PUBLIC)
async def change_language(request: web.Request) -> web.StreamResponse:
    """The same page in another language, with what was typed. A token that comes along is not looked at."""
    fields, at, vault = await form(request), request.app[CLOCK].now(), request.app[VAULT]
    reply, named = fields.get("reply", "")[:80], fields.get("named", "") == "yes"
    _speak(request, fields.get("switch", ""))
    if not reply:
        return _answer(request, asks=True, token=token_in(fields.get("token", "")))
    look = service.look_in_another_language if named else service.look_again
    try:
        page = await request.app[DATABASE].write(lambda tx: look(tx, vault, reply, at))
    except LinkDead:
        return await _dead(request)
    return _answer(request, page=page, typed=fields)


@routes.post(f"{PATH}/accept", name="outside_accept", allow=PUBLIC)
async def accept(request: web.Request) -> web.StreamResponse:
    """They take it on, and see about whom it is."""
    return await _do(request, lambda tx, vault, reply, at, _: service.accept(tx, vault, reply, at))


@routes.post(f"{PATH}/refuse", name="outside_refuse", allow=PUBLIC)
async def refuse(request: web.Request) -> web.StreamResponse:
    def work(tx: Connection, vault: Any, reply: str, at: Any, fields: MultiDict[str]) -> Page:
        reason, alternative = fields.get("reason", ""), fields.get("alternative", "")
        if reason not in set(REFUSALS) or alternative not in set(ALTERNATIVES):
            raise NotTaken("refusal")
        return service.refuse(tx, vault, reply, reason=reason, alternative=alternative, at=at)

    return await _do(request, work)


@routes.post(f"{PATH}/answer", name="outside_answer", allow=PUBLIC)
async def answer(request: web.Request) -> web.StreamResponse:
    def work(tx: Connection, vault: Any, reply: str, at: Any, fields: MultiDict[str]) -> Page:
        return service.answer(
            tx, vault, reply, _answers(fields, _written_in(request, fields)), ground=fields.get("ground", ""), at=at
        )

    return await _do(request, work)


@routes.post(f"{PATH}/message", name="outside_message", allow=PUBLIC)
async def write(request: web.Request) -> web.StreamResponse:
    """They ask back, or tell something that is no answer."""

    def work(tx: Connection, vault: Any, reply: str, at: Any, fields: MultiDict[str]) -> Page:
        return service.write(
            tx, vault, reply, text=fields.get("message", ""), language=_written_in(request, fields), at=at
        )

    return await _do(request, work)


@routes.post(f"{PATH}/file", name="outside_file", allow=PUBLIC, body_cap=UPLOAD_CAP, files=True)
async def attach(request: web.Request) -> web.StreamResponse:
    def work(tx: Connection, vault: Any, reply: str, at: Any, _: MultiDict[str]) -> Page:
        return service.attach(tx, vault, reply, uploaded(request, "file"), at)

    return await _do(request, work)


@routes.post(f"{PATH}/given", name="outside_given", allow=PUBLIC)
async def save_given(request: web.Request) -> web.StreamResponse:
    """A file that goes with the request, to be saved: no browser runs or shows it here."""
    fields, at, vault = await form(request), request.app[CLOCK].now(), request.app[VAULT]
    reply, file_id = fields.get("reply", "")[:80], fields.get("file", "")[:36]
    _speak(request, fields.get("language", ""))
    try:
        given = await request.app[DATABASE].write(lambda tx: service.save_given(tx, vault, reply, file_id, at))
    except LinkDead:
        return await _dead(request)
    except NotTaken:
        given = None
    request.app[SIGNALS].wake("exchange", "queue", "pages")
    if given is None:
        page = await request.app[DATABASE].write(lambda tx: service.look_again(tx, vault, reply, at))
        return _answer(request, page=page, problem=NOT_GIVEN, status=409)
    return save_as(given[0].name, given[1])


@routes.post(f"{PATH}/forgotten", name="outside_forgotten", allow=PUBLIC)
async def forgotten(request: web.Request) -> web.StreamResponse:
    """They keep nothing of a request that was taken back."""

    def work(tx: Connection, vault: Any, reply: str, at: Any, _: MultiDict[str]) -> None:
        service.keeps_nothing(tx, vault, reply, at)

    return await _do(request, work)


@routes.get("/desk/requests/{id}/file", name="request_file", allow=Permission.EXCHANGE_READ)
async def request_file(request: web.Request) -> web.StreamResponse:
    """A file that came back, for an officer who may read its request."""
    hand, request_id, file_id = hand_of(request), request.match_info["id"], request.query.get("file", "")[:36]
    try:
        kind, content = await request.app[DATABASE].write(lambda tx: service.read_file(tx, hand, request_id, file_id))
    except RequestNotFound:
        raise web.HTTPNotFound from None
    except NotNow:  # it was erased, or there was none: the page of the request lists what there is
        return go_to(request, "request", id=request_id)
    disposition = f'attachment; filename="file-{file_id[-4:]}.{ENDINGS[kind]}"'
    headers = {"Content-Disposition": disposition}
    return web.Response(body=content, content_type=kind, headers=headers)


def _written_in(request: web.Request, fields: MultiDict[str]) -> str:
    """The language that they say they wrote in; else that of the page."""
    said = fields.get("written_in", "")
    return said if said in SPOKEN else _language(request)


def _answers(fields: MultiDict[str], language: str) -> list[dict[str, str]]:
    """Every question that has an answer, as a letter would hold it."""
    said = []
    for key in fields.getall("asked", []):
        text = fields.get(f"text-{key}", "").strip()
        if text:
            how, confidence = fields.get(f"how-{key}", ""), fields.get(f"confidence-{key}", "")
            said.append({"key": key, "text": text, "language": language, "how": how, "confidence": confidence})
    return said


async def _do(
    request: web.Request, work: Callable[[Connection, Any, str, Any, MultiDict[str]], Page | None]
) -> web.StreamResponse:
    """Do one thing with the page that was opened. What cannot be taken in is said, and nothing typed is lost."""
    fields, at, vault = await form(request), request.app[CLOCK].now(), request.app[VAULT]
    reply = fields.get("reply", "")[:80]
    _speak(request, fields.get("language", ""))
    try:
        page = await request.app[DATABASE].write(lambda tx: work(tx, vault, reply, at, fields))
    except LinkDead:
        return await _dead(request)
    except NotTaken as error:
        problem = PROBLEMS.get(error.code, NOT_TAKEN)
        try:
            again = await request.app[DATABASE].write(lambda tx: service.look_again(tx, vault, reply, at))
        except LinkDead:
            return await _dead(request)
        return _answer(request, page=again, problem=problem, typed=fields, status=422)
    request.app[SIGNALS].wake("exchange", "queue", "pages")
    return _answer(request, page=page, done=True)


async def _must_wait(request: web.Request) -> bool:
    """Whether too much went wrong from where this comes. Nothing else is looked at then, so nothing is spent."""
    vault, address, at = request.app[VAULT], client_address(request), request.app[CLOCK].now()
    return await request.app[DATABASE].read(lambda tx: service.must_wait(tx, vault, address, at))


async def _went_wrong(request: web.Request) -> None:
    vault, address, at = request.app[VAULT], client_address(request), request.app[CLOCK].now()
    await request.app[DATABASE].write(lambda tx: service.went_wrong(tx, vault, address, at))


async def _dead(request: web.Request) -> web.Response:
    await _went_wrong(request)
    return _answer(request, status=404)


def _speak(request: web.Request, language: str) -> None:
    """In this language, if the page speaks it: that of the contact, and then that of the page they came from."""
    if language in words_behind_links().languages:
        request[SPEAKS] = language


def _language(request: web.Request) -> str:
    words = words_behind_links()
    asked = request.get(SPEAKS) or words.speaks(request.query.get("lang", ""))
    return asked or words.negotiate(request.headers.get("Accept-Language"))


def _answer(
    request: web.Request,
    *,
    asks: bool = False,
    token: str = "",
    page: Page | None = None,
    wrong: bool = False,
    done: bool = False,
    problem: str = "",
    typed: MultiDict[str] | None = None,
    status: int = 200,
) -> web.Response:
    settings = request.app[SETTINGS]
    context = {
        **context_of(request),
        **translators(words_behind_links()),
        "languages": words_behind_links().languages,
        "asks": asks,
        "token": token,
        "page": page,
        "wrong": wrong,
        "done": done,
        "problem": problem,
        "typed": typed or MultiDict(),
        "now": request.app[CLOCK].now(),
        "asker": settings.exchange_name or urlsplit(settings.public_url).netloc,
        "fields": FIELDS,
        "questions": QUESTIONS,
        "hows": HOWS,
        "confidences": CONFIDENCES,
        "grounds": GROUNDS,
        "refusals": REFUSALS,
        "alternatives": ALTERNATIVES,
        "spoken": SPOKEN,
    }
    return render(request, "desk/outside.html", context, status=status, language=_language(request))
