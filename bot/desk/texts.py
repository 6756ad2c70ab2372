"""The texts people get: what waits, what was asked in vain; one text beside its English, its edit and its approval."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from aiohttp import web
from sqlalchemy.engine import Connection

from bot.desk.frame import go_to, show
from bot.desk.queue import officer_names
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, SIGNALS, VAULT
from bot.kernel.words import N_
from bot.texts import service, store
from bot.texts.model import EditMoved, EditState, OwnEdit
from bot.texts.shelf import TextShelf
from dialogues.knowledge.loading import LoadedText, fingerprint, stamped
from dialogues.knowledge.model import (
    LANGUAGES,
    ORIGINAL_LANGUAGE,
    SECTION_NAMES,
    Audience,
    Problem,
    SourceStatus,
    TranslationState,
)
from dialogues.knowledge.search import fold

LONGEST = 20_000  # characters of a file: ten times the longest we ship
LONGEST_NOTE = 1000

#: How a text stands, in the order in which somebody should look at it.
STATES = {
    "outdated": N_("outdated translation"),
    "out_of_force": N_("not in force"),
    "review_late": N_("review is late"),
    "approved": N_("approved here"),
    "draft": N_("draft, unsigned"),
    "signed": N_("signed"),
}
WHYS = {
    "no_text": N_("There is no text for it."),
    "out_of_date": N_("The text is out of date."),
    "not_understood": N_("Nobody understood the question."),
}
SECTION_TITLES = {
    "first_answer": N_("First answer"),
    "never": N_("Never"),
    "steps": N_("Steps"),
    "why": N_("Why"),
    "time_limits": N_("Time limits"),
    "documents": N_("Documents"),
    "contacts": N_("Contacts"),
    "varies": N_("Varies by country"),
    "red_flags": N_("Red flags"),
}


@dataclass(frozen=True, slots=True)
class Listed:
    """A text as the list shows it."""

    key: str
    name: str  # of its file, without `.md`
    language: str
    title: str
    state: str
    waits: bool
    review_due: date


def state_of(text: LoadedText, approved: bool, on: date) -> str:
    procedure = text.procedure
    if procedure.translation_state is TranslationState.OUTDATED:
        return "outdated"
    if not procedure.in_force(on):
        return "out_of_force"
    if procedure.review_overdue(on):
        return "review_late"
    if procedure.reviewer:
        return "signed"
    return "approved" if approved else "draft"


def texts_routes(texts: TextShelf) -> Routes:
    """The routes of the texts."""
    routes = Routes()

    @routes.get("/desk/texts", name="texts", allow=Permission.TEXTS_READ)
    async def show_texts(request: web.Request) -> web.StreamResponse:
        words, on = request.query.get("q", "").strip()[:200], request.app[CLOCK].now().date()
        language = request.query.get("language", request[LANGUAGE])
        language = language if language in LANGUAGES else ORIGINAL_LANGUAGE
        loaded = (await texts.read()).texts

        def read(tx: Connection) -> dict[str, Any]:
            waiting = store.edits_in(tx, EditState.DRAFT)
            approved = service.approved_texts(tx)
            listed = [
                _listed(text, text.file in approved, {edit.file for edit in waiting}, on)
                for text in loaded
                if text.procedure.language == language and fold(words) in fold(text.procedure.shown_text() + text.file)
            ]
            titles = {text.procedure.key: text.procedure.title for text in loaded if _plain(text, request[LANGUAGE])}
            return {
                "texts": sorted(listed, key=lambda one: (list(STATES).index(one.state), one.key, one.name)),
                "waiting": [(edit, *edit.file.removesuffix(".md").split("/", 1)) for edit in waiting],
                "gaps": service.work_for_authors(tx),
                "titles": titles,
                "names": officer_names(tx),
                "states": STATES,
                "whys": WHYS,
                "q": words,
                "language": language,
                "text_languages": LANGUAGES,
            }

        return await show(request, "desk/texts.html", read, here="texts")

    @routes.get("/desk/texts/{key}/{name}", name="text", allow=Permission.TEXTS_READ)
    async def show_text(request: web.Request) -> web.StreamResponse:
        return await _screen(request, texts)

    @routes.post("/desk/texts/{key}/{name}", name="text", allow=Permission.TEXTS_EDIT)
    async def write(request: web.Request) -> web.StreamResponse:
        """Put an edit before an approver. What cannot be released is named line by line; nothing typed is lost."""
        fields, at = await form(request), request.app[CLOCK].now()
        found = await _find(request, texts)
        content = fields.get("content", "").replace("\r\n", "\n")[:LONGEST]
        if fields.get("read_against") and found.original is not None:
            content = stamped(content, fingerprint(found.original.procedure))
        problems = await texts.problems_of(found.text.file, content, at.date())
        if problems:
            return await _screen(request, texts, typed=content, problems=problems)
        officer, vault = request[OFFICER], request.app[VAULT]
        await request.app[DATABASE].write(
            lambda tx: service.write_edit(tx, vault, officer, found.text.file, content, at=at)
        )
        return _back(request, "text_waits")

    @routes.post("/desk/texts/{key}/{name}/approve", name="approve_text", allow=Permission.TEXTS_APPROVE)
    async def approve(request: web.Request) -> web.StreamResponse:
        """From the next question on, people get it."""
        fields, at = await form(request), request.app[CLOCK].now()
        found = await _find(request, texts)
        officer, vault, edit_id = request[OFFICER], request.app[VAULT], fields.get("edit", "")
        waiting = await request.app[DATABASE].read(lambda tx: store.edit_in(tx, found.text.file, EditState.DRAFT))
        if waiting is None or waiting.id != edit_id:
            return _back(request, "text_moved")
        # The rest of the shelf may have changed since it was written: a translation may be outdated by now.
        problems = await texts.problems_of(found.text.file, waiting.content, at.date())
        if problems:
            return await _screen(request, texts, typed=waiting.content, problems=problems)
        try:
            await request.app[DATABASE].write(
                lambda tx: service.approve(tx, vault, officer, edit_id, found.text.file, at=at)
            )
        except EditMoved:
            return _back(request, "text_moved")
        except OwnEdit:
            return await _screen(request, texts, own_edit=True)
        await texts.refresh()
        request.app[SIGNALS].wake("texts")
        return _back(request, "text_approved")

    @routes.post("/desk/texts/{key}/{name}/send-back", name="send_back_text", allow=Permission.TEXTS_APPROVE)
    async def send_back(request: web.Request) -> web.StreamResponse:
        fields, at = await form(request), request.app[CLOCK].now()
        found = await _find(request, texts)
        officer, vault, edit_id = request[OFFICER], request.app[VAULT], fields.get("edit", "")
        note = fields.get("note", "").strip()[:LONGEST_NOTE]
        try:
            await request.app[DATABASE].write(
                lambda tx: service.send_back(tx, vault, officer, edit_id, found.text.file, note, at=at)
            )
        except EditMoved:
            return _back(request, "text_moved")
        return _back(request, "text_sent_back")

    @routes.post("/desk/texts/gaps", name="answer_gap", allow=Permission.TEXTS_EDIT)
    async def answer_gap(request: web.Request) -> web.StreamResponse:
        fields, at = await form(request), request.app[CLOCK].now()
        officer, vault = request[OFFICER], request.app[VAULT]
        procedure, why = fields.get("procedure", "")[:60], fields.get("why", "")[:20]
        await request.app[DATABASE].write(lambda tx: service.answer_gap(tx, vault, officer, procedure, why, at=at))
        return go_to(request, "texts", notice="saved")

    return routes


@dataclass(frozen=True, slots=True)
class Found:
    """The text an address names, and the English it is a translation of."""

    text: LoadedText
    original: LoadedText | None


async def _find(request: web.Request, texts: TextShelf) -> Found:
    """Raises 404 for an address of no text."""
    file = f"{request.match_info['key']}/{request.match_info['name']}.md"
    loaded = {text.file: text for text in (await texts.read()).texts}
    text = loaded.get(file)
    if text is None:
        raise web.HTTPNotFound
    if text.procedure.language == ORIGINAL_LANGUAGE:
        return Found(text, None)
    return Found(text, loaded.get(file.removesuffix(f"{text.procedure.language}.md") + f"{ORIGINAL_LANGUAGE}.md"))


async def _screen(
    request: web.Request,
    texts: TextShelf,
    *,
    typed: str | None = None,
    problems: list[Problem] | None = None,
    own_edit: bool = False,
) -> web.Response:
    found, on = await _find(request, texts), request.app[CLOCK].now().date()
    file, procedure = found.text.file, found.text.procedure

    def read(tx: Connection) -> dict[str, Any]:
        approved = service.approved_texts(tx)
        waiting, sent_back = store.edit_in(tx, file, EditState.DRAFT), store.edit_in(tx, file, EditState.SENT_BACK)
        present = texts.content_of(file, approved) or ""
        return {
            "text": procedure,
            "original": found.original.procedure if found.original else None,
            "key": request.match_info["key"],
            "name": request.match_info["name"],
            "sections": SECTION_NAMES,
            "section_titles": SECTION_TITLES,
            "state": state_of(found.text, file in approved, on),
            "states": STATES,
            "confirmed": SourceStatus.CONFIRMED,
            "waiting": waiting,
            "own": waiting is not None and waiting.author_id == request[OFFICER].id,
            "own_edit": own_edit,
            "other_approvers": waiting is not None and service.other_approvers(tx, waiting.author_id),
            "changes": changes(present, waiting.content) if waiting else [],
            "sent_back": sent_back if sent_back and not waiting else None,
            "names": officer_names(tx),
            "content": typed if typed is not None else waiting.content if waiting else present,
            "problems": problems or [],
            "longest": LONGEST,
            "others": [f"{'child.' if procedure.audience is Audience.CHILD else ''}{code}" for code in LANGUAGES],
        }

    status = 403 if own_edit else 409 if problems else 200
    return await show(request, "desk/text.html", read, here="texts", status=status)


def changes(before: str, after: str) -> list[tuple[str, str]]:
    """The lines that differ, each with "+" or "-", and "…" where others are left out."""
    shown = []
    for line in difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0):
        if line.startswith(("+++", "---")):
            continue
        shown.append(("…", "") if line.startswith("@@") else (line[0], line[1:]))
    return shown


def _listed(text: LoadedText, approved: bool, waiting: set[str], on: date) -> Listed:
    key, _, name = text.file.removesuffix(".md").partition("/")
    procedure = text.procedure
    return Listed(
        key=key,
        name=name,
        language=procedure.language,
        title=procedure.title,
        state=state_of(text, approved, on),
        waits=text.file in waiting,
        review_due=procedure.review_due,
    )


def _plain(text: LoadedText, language: str) -> bool:
    """Whether this is the workers' text in that language."""
    wanted = language if language in LANGUAGES else ORIGINAL_LANGUAGE
    return text.procedure.audience is Audience.WORKER and text.procedure.language == wanted


def _back(request: web.Request, notice: str) -> web.Response:
    parts: Mapping[str, str] = request.match_info
    return go_to(request, "text", notice=notice, key=parts["key"], name=parts["name"])
