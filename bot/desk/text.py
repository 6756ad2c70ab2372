"""One text, or what differs in one country: beside another language, as people see it, its versions, its edit."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import date
from itertools import zip_longest
from typing import Any

from aiohttp import web
from msgspec import Struct, field
from sqlalchemy.engine import Connection

from bot.channels.model import Button, OutboundMessage
from bot.channels.telegram import channel as telegram
from bot.channels.webchat.rendering import RenderedLine, render_line
from bot.desk.first_drafts import first_draft
from bot.desk.frame import go_to, show
from bot.desk.queue import officer_names
from bot.desk.texts import ALARMING, STATES, overlay_state, state_of
from bot.kernel.access import Permission, may_enter
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, SIGNALS, VAULT, WORDS
from bot.kernel.words import N_
from bot.texts import service, store
from bot.texts.model import SHIPPED, EditMoved, EditState, NoNote, OwnEdit, TextEdit
from bot.texts.shelf import TextShelf, original_file, overlay_file
from dialogues.actions.answer import answer, by_jurisdiction, said_of
from dialogues.knowledge.loading import ReadTexts, stamped
from dialogues.knowledge.model import (
    INTERNATIONAL,
    LANGUAGES,
    ORIGINAL_LANGUAGE,
    SECTION_NAMES,
    Audience,
    Problem,
    Procedure,
    SourceStatus,
    TranslationState,
)
from dialogues.knowledge.overlays import Overlay, Overlays, is_jurisdiction
from dialogues.knowledge.reading import OVERLAYS_FOLDER, LoadedText, fingerprint, name_of
from dialogues.runtime.responses import Translate

LONGEST = 60_000  # characters of a file: several times the longest we ship
LONGEST_NOTE = 1000

VIEWS = {
    "read": N_("Read and compare"),
    "seen": N_("As people see it"),
    "versions": N_("Versions"),
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


class Found(Struct, frozen=True):
    """What an address names, as it holds now: a text, or what differs in one country."""

    key: str
    name: str
    file: str
    read: ReadTexts
    text: LoadedText | None
    overlay: Overlay | None
    new: bool = False  # no such text holds; `text` is the one that waits, if one does

    @property
    def language(self) -> str:
        """Of a text, as its name has it."""
        return self.name.rpartition(".")[2]

    @property
    def original(self) -> LoadedText | None:
        """The English of a translation."""
        if self.key == OVERLAYS_FOLDER or self.language == ORIGINAL_LANGUAGE:
            return None
        return self.in_language(ORIGINAL_LANGUAGE)

    def in_language(self, language: str) -> LoadedText | None:
        """The same text in another language."""
        if self.key == OVERLAYS_FOLDER:
            return None
        wanted = original_file(self.file, self.language)
        wanted = wanted.removesuffix(f"{ORIGINAL_LANGUAGE}.md") + f"{language}.md"
        return next((text for text in self.read.texts if text.file == wanted), None)


class Version(Struct, frozen=True):
    """One state a file was in."""

    id: str  # of the edit; "shipped" for the file as it was released
    content: str
    edit: TextEdit | None


class ChatLine(Struct, frozen=True):
    """A message of an answer as the web chat is given it."""

    seq: int
    text: str
    buttons: tuple[Button, ...]
    language: str
    author: str = "bot"
    file: str = ""
    wordless: str = ""


#: A line in stretches of words, and whether each stands in that line only.
Words = tuple[tuple[str, bool], ...]
_WORDS = re.compile(r"\s+|\S+")


class ChangedLine(Struct, frozen=True):
    """A line that is in one version only ("-" the earlier, "+" the later); "" where others are left out."""

    mark: str
    words: Words


class Bubble(Struct, frozen=True):
    """A message as Telegram shows it: its words, and the rows of its buttons."""

    text: str
    rows: list[list[dict[str, Any]]] = field(default_factory=list)


def text_routes(texts: TextShelf) -> Routes:
    """The routes of one text."""
    routes = Routes()

    @routes.get("/desk/texts/{key}/{name}", name="text", allow=Permission.TEXTS_READ)
    async def show_text(request: web.Request) -> web.StreamResponse:
        return await _screen(request, texts)

    @routes.post("/desk/texts/{key}/{name}", name="text", allow=Permission.TEXTS_EDIT)
    async def write(request: web.Request) -> web.StreamResponse:
        """Put an edit before an approver. What cannot be released is named line by line; nothing typed is lost."""
        fields, at = await form(request), request.app[CLOCK].now()
        found = await _find(request, texts)
        content = fields.get("content", "").replace("\r\n", "\n")[:LONGEST]
        if fields.get("released"):
            content = texts.shipped(found.file) or content
        if fields.get("read_against"):
            content = await _read_against_the_english(texts, found, content)
        below = await texts.waiting_below(found.file) if found.new else {}
        problems = await texts.problems_of(found.file, content, at.date(), below)
        officer, vault, version = request[OFFICER], request.app[VAULT], fields.get("read", "")
        if problems:
            return await _screen(request, texts, typed=content, problems=problems, version=version)
        try:
            await request.app[DATABASE].write(
                lambda tx: service.write_edit(tx, vault, officer, found.file, content, read=version, at=at)
            )
        except EditMoved:
            return await _screen(request, texts, typed=content, moved=True)
        return _back(request, "text_waits")

    @routes.post("/desk/texts/{key}/{name}/approve", name="approve_text", allow=Permission.TEXTS_APPROVE)
    async def approve(request: web.Request) -> web.StreamResponse:
        """From the next question on, people get it."""
        fields, at = await form(request), request.app[CLOCK].now()
        found = await _find(request, texts)
        officer, vault, edit_id = request[OFFICER], request.app[VAULT], fields.get("edit", "")
        waiting = await request.app[DATABASE].read(lambda tx: store.edit_in(tx, found.file, EditState.DRAFT))
        if waiting is None or waiting.id != edit_id:
            return _back(request, "text_moved")
        if waiting.author_id == officer.id:
            return await _screen(request, texts, own_edit=True)
        # The rest of the shelf may have changed since it was written: a translation may be outdated by now.
        problems = await texts.problems_of(found.file, waiting.content, at.date())
        if problems:
            return await _screen(request, texts, typed=waiting.content, problems=problems)
        try:
            await request.app[DATABASE].write(
                lambda tx: service.approve(tx, vault, officer, edit_id, found.file, at=at)
            )
        except EditMoved:
            return _back(request, "text_moved")
        except OwnEdit:
            return await _screen(request, texts, own_edit=True)
        await texts.refresh()
        request.app[SIGNALS].wake("texts")
        reaches = _in_force(await texts.read(), found, at.date())
        return _back(request, "text_approved" if reaches else "text_approved_not_in_force")

    @routes.post("/desk/texts/{key}/{name}/send-back", name="send_back_text", allow=Permission.TEXTS_APPROVE)
    async def send_back(request: web.Request) -> web.StreamResponse:
        fields, at = await form(request), request.app[CLOCK].now()
        found = await _find(request, texts)
        officer, vault, edit_id = request[OFFICER], request.app[VAULT], fields.get("edit", "")
        note = fields.get("note", "").strip()[:LONGEST_NOTE]
        try:
            await request.app[DATABASE].write(
                lambda tx: service.send_back(tx, vault, officer, edit_id, found.file, note, at=at)
            )
        except EditMoved:
            return _back(request, "text_moved")
        except NoNote:
            return _back(request, "text_no_note")
        return _back(request, "text_sent_back")

    return routes


async def _find(request: web.Request, texts: TextShelf) -> Found:
    """Raises 404 for an address of no text and of no country, and of one that is not written yet for all but those who
    could write or approve it."""
    key, name, read = request.match_info["key"], request.match_info["name"], await texts.read()
    if key == OVERLAYS_FOLDER:
        if not is_jurisdiction(name):
            raise web.HTTPNotFound
        file = overlay_file(name)
        return Found(key, name, file, read, None, _overlay_in(read, file))
    file = f"{key}/{name}.md"
    if (text := _text_in(read, file)) is not None:
        return Found(key, name, file, read, text, None)
    if name_of(file) is None or not may_enter(request[OFFICER], Permission.TEXTS_EDIT):
        raise web.HTTPNotFound
    waiting = await request.app[DATABASE].read(lambda tx: store.edit_in(tx, file, EditState.DRAFT))
    edits = await texts.waiting_below(file) | ({file: waiting.content} if waiting else {})
    if edits:
        read = await texts.read_with(edits)
    return Found(key, name, file, read, _text_in(read, file), None, new=True)


def _in_force(read: ReadTexts, found: Found, on: date) -> bool:
    """Whether anything of the file reaches people."""
    if found.key == OVERLAYS_FOLDER:
        overlay = _overlay_in(read, found.file)
        return overlay is not None and any(variation.in_force(on) for variation in overlay.variations)
    text = _text_in(read, found.file)
    return text is not None and text.procedure.in_force(on)


def _overlay_in(read: ReadTexts, file: str) -> Overlay | None:
    return next((overlay for overlay in read.overlays if overlay_file(overlay.jurisdiction) == file), None)


def _text_in(read: ReadTexts, file: str) -> LoadedText | None:
    return next((text for text in read.texts if text.file == file), None)


async def _read_against_the_english(texts: TextShelf, found: Found, content: str) -> str:
    if found.original is not None:
        return stamped(content, fingerprint(found.original.procedure))
    return await texts.stamped_overlay(found.file, content) if found.key == OVERLAYS_FOLDER else content


async def _screen(
    request: web.Request,
    texts: TextShelf,
    *,
    typed: str | None = None,
    problems: list[Problem] | None = None,
    own_edit: bool = False,
    moved: bool = False,
    version: str = "",
) -> web.Response:
    """`typed` was not taken: for its `problems`, or because the text `moved` since its author opened it. `version`: the
    one that was open; by default the present one."""
    found, on = await _find(request, texts), request.app[CLOCK].now().date()
    view = request.query.get("view", "read")
    view = view if view in VIEWS and (found.text is not None or view != "seen") else "read"
    waiting = await request.app[DATABASE].read(lambda tx: store.edit_in(tx, found.file, EditState.DRAFT))
    with_edit = found.read if not waiting or found.new else await texts.read_with({found.file: waiting.content})
    matter = _matter(request, texts, found, with_edit if waiting else None, on)
    if view == "seen":
        matter |= await _seen(request, texts, found, on)

    def gather(tx: Connection) -> dict[str, Any]:
        approved = service.approved_texts(tx)
        sent_back = _last_sent_back(tx, found.file)
        held = texts.content_of(found.file, approved)
        if held is None and sent_back is not None and not waiting:
            held = sent_back.content  # nothing holds: what its author wrote is where they go on
        present = waiting.content if waiting else held or first_draft(found.key, found.name, on)
        versions = {}
        if view == "versions":
            versions = _versions(request, store.edits_of(tx, found.file), texts.shipped(found.file))
        return {
            **matter,
            **_waiting_context(tx, waiting, texts.content_of(found.file, approved) or "", request[OFFICER].id),
            "key": found.key,
            "name": found.name,
            "new": found.new,
            "file": found.file,
            "view": view,
            "views": [(code, title) for code, title in VIEWS.items() if found.text is not None or code != "seen"],
            "state": _state(found, approved, on),
            "states": STATES,
            "alarming": ALARMING,
            "confirmed": SourceStatus.CONFIRMED,
            "own_edit": own_edit,
            "version": version or service.version_of(tx, found.file),
            "moved": changes(present, typed or "") if moved else None,
            "reaches_people": _in_force(with_edit, found, on),
            "holds_in_force": _in_force(found.read, found, on),
            "sent_back": sent_back if sent_back and not waiting else None,
            "names": officer_names(tx),
            "content": present if typed is None else typed,
            "problems": problems or [],
            "unreadable": [problem for problem in found.read.unreadable if problem.file == found.file],
            "was_released": found.file in approved and texts.shipped(found.file) is not None,
            "longest": LONGEST,
            **versions,
        }

    status = 403 if own_edit else 409 if problems or moved else 200
    template = "text" if found.text is not None else "overlay" if found.key == OVERLAYS_FOLDER else "text_new"
    return await show(request, f"desk/{template}.html", gather, here="texts", status=status)


def _matter(
    request: web.Request, texts: TextShelf, found: Found, with_edit: ReadTexts | None, on: date
) -> dict[str, Any]:
    """What the page is about: a text, what differs in a country, or what is not there yet. `with_edit` are the texts as
    they would be with the edit that waits, if one does."""
    if found.text is not None:
        return _matter_of_text(found, texts, on, request)
    if found.key == OVERLAYS_FOLDER:
        varied = [] if with_edit is None else _varied_by(with_edit, found)
        return {**_matter_of_overlay(found, on), "varied": varied}
    return _matter_of_nothing(found)


def _waiting_context(tx: Connection, waiting: TextEdit | None, held: str, reader_id: str) -> dict[str, Any]:
    """The edit that waits for an approver, and what it changes of what holds now."""
    if waiting is None:
        return {"waiting": None, "own": False, "other_approvers": False, "changes": []}
    return {
        "waiting": waiting,
        "own": waiting.author_id == reader_id,
        "other_approvers": service.other_approvers(tx, waiting.author_id),
        "changes": changes(held, waiting.content),
    }


def _last_sent_back(tx: Connection, file: str) -> TextEdit | None:
    """The edit that was sent back, None once a later one was approved."""
    sent_back, holding = (store.edit_in(tx, file, state) for state in (EditState.SENT_BACK, EditState.APPROVED))
    if sent_back is None or holding is None or sent_back.decided_at is None or holding.decided_at is None:
        return sent_back
    return sent_back if sent_back.decided_at > holding.decided_at else None


def _state(found: Found, approved: Mapping[str, str], on: date) -> str | None:
    if found.text is not None:
        return state_of(found.text, found.file in approved, on)
    return None if found.overlay is None else overlay_state(found.overlay, found.file in approved, on)


def _matter_of_text(found: Found, texts: TextShelf, on: date, request: web.Request) -> dict[str, Any]:
    assert found.text is not None
    procedure = found.text.procedure
    prefix = found.name.removesuffix(procedure.language)
    beside = request.query.get("beside", ORIGINAL_LANGUAGE)
    other = found.in_language(beside) if beside in LANGUAGES and beside != procedure.language else None
    return {
        "text": procedure,
        "original": found.original.procedure if found.original else None,
        "beside": other.procedure if other else None,
        "sections": SECTION_NAMES,
        "section_titles": SECTION_TITLES,
        "others": [(code, f"{prefix}{code}") for code in LANGUAGES],
        "outdated": procedure.translation_state is TranslationState.OUTDATED,
        "nothing_read": all(source.status is not SourceStatus.CONFIRMED for source in procedure.sources),
        "in_countries": [
            overlay.jurisdiction
            for overlay in found.read.overlays
            if any(variation.procedure == procedure.key for variation in overlay.variations)
        ],
        "like": [(other.key, other.title) for other in texts.procedures.like(procedure, on=on)],
    }


def _matter_of_nothing(found: Found) -> dict[str, Any]:
    """What an author of a text that is not there yet has beside them."""
    original = found.original
    return {
        "original": original.procedure if original else None,
        "language": found.language,
        "sections": SECTION_NAMES,
        "section_titles": SECTION_TITLES,
    }


def _varied_by(with_edit: ReadTexts, found: Found) -> list[str]:
    """The procedures of which the overlay that waits says something."""
    overlay = _overlay_in(with_edit, found.file)
    return sorted({variation.procedure for variation in overlay.variations}) if overlay else []


def _matter_of_overlay(found: Found, on: date) -> dict[str, Any]:
    variations = found.overlay.variations if found.overlay else ()
    titles = {
        (text.procedure.key, text.procedure.language): text.procedure.title
        for text in found.read.texts
        if text.procedure.audience is Audience.WORKER
    }
    return {
        "overlay": found.overlay,
        "variations": [
            (variation, titles.get((variation.procedure, ORIGINAL_LANGUAGE), variation.procedure))
            for variation in variations
        ],
        "section_titles": SECTION_TITLES,
        "text_languages": LANGUAGES,
        "today": on,
        "outdated_state": TranslationState.OUTDATED,
    }


# As people see it ------------------------------------------------------------------------------------------------


async def _seen(request: web.Request, texts: TextShelf, found: Found, on: date) -> dict[str, Any]:
    """The messages of the answer, made and rendered by what makes and renders them for people: with the edit of the
    text that waits, and with the one of what differs in the country that is chosen."""
    assert found.text is not None
    country = request.query.get("in", "")
    country = country if is_jurisdiction(country) else ""
    files = (found.file, *((overlay_file(country),) if country else ()))
    drafts = await request.app[DATABASE].read(
        lambda tx: [edit for file in files if (edit := store.edit_in(tx, file, EditState.DRAFT))]
    )
    read, of_edit = found.read, bool(drafts) and (found.new or request.query.get("of") != "present")
    if of_edit:
        read = await texts.read_with({edit.file: edit.content for edit in drafts})
    text = _text_in(read, found.file) or found.text
    procedure = text.procedure
    if country and procedure.jurisdiction == INTERNATIONAL and procedure.audience is Audience.WORKER:
        procedure = Overlays(read.overlays).lay(procedure, country, on)
    childs = any(
        other.procedure.key == procedure.key and other.procedure.audience is Audience.CHILD for other in read.texts
    )
    lines = _answer_lines(procedure, request.app[WORDS].text, childs and procedure.audience is Audience.WORKER)
    return {
        "of_edit": of_edit,
        "edit_waits": bool(drafts),
        "chosen_country": country,
        "bubbles": [bubble for line in lines for bubble in _bubbles(line)],
        "chat_lines": _chat_lines(lines),
        "in_force": procedure.in_force(on),
    }


def _answer_lines(procedure: Procedure, translate: Translate, childs_version: bool) -> list[ChatLine]:
    language = procedure.language
    filled = procedure.filled({"emergency_number": "112"})
    here = "\n".join(said_of(rules, language) for rules in by_jurisdiction(filled.local))
    return [
        ChatLine(number, said.text, tuple(Button(b["title"], b.get("payload", ""), "") for b in said.buttons), language)
        for number, said in enumerate(
            answer(filled, language, translate, here=here, childs_version=childs_version), start=1
        )
    ]


def _bubbles(line: ChatLine) -> list[Bubble]:
    message = OutboundMessage(id="", address="", text=line.text, language=line.language, buttons=line.buttons)
    steps = telegram.steps(message)
    return [Bubble(str(step.values.get("text", "")), step.values.get("keyboard", [])) for step in steps]


def _chat_lines(lines: list[ChatLine]) -> list[RenderedLine]:
    return [render_line(line) for line in lines]


# Versions --------------------------------------------------------------------------------------------------------


def _versions(request: web.Request, edits: list[TextEdit], shipped: str | None) -> dict[str, Any]:
    """Every state the file was in, the newest first, and what two of them do not share."""
    kept = [Version(edit.id, edit.content, edit) for edit in edits]
    if shipped is not None:
        kept.append(Version(SHIPPED, shipped, None))
    by_id = {version.id: version for version in kept}
    after = by_id.get(request.query.get("to", "")) or (kept[0] if kept else None)
    at = kept.index(after) if after else 0
    before = by_id.get(request.query.get("from", "")) or (kept[at + 1] if at + 1 < len(kept) else after)
    return {
        "versions": kept,
        "from_version": before,
        "to_version": after,
        "differences": changes(before.content, after.content) if before and after else [],
        "edit_states": EDIT_STATES,
    }


EDIT_STATES = {
    EditState.DRAFT: N_("waits for an approver"),
    EditState.APPROVED: N_("people get it"),
    EditState.SENT_BACK: N_("sent back"),
    EditState.REPLACED: N_("replaced by a later one"),
}


def changes(before: str, after: str) -> list[ChangedLine]:
    """The lines that differ, each with its words apart, and "…" where others are left out."""
    old, new, shown = before.splitlines(), after.splitlines(), list[ChangedLine]()
    for kind, i, k, j, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            continue
        if i or j:
            shown.append(ChangedLine("", ()))
        pairs = [words_apart(was, said) for was, said in zip_longest(old[i:k], new[j:m], fillvalue="")]
        shown += [ChangedLine("-", was) for was, _ in pairs[: k - i]]
        shown += [ChangedLine("+", said) for _, said in pairs[: m - j]]
    return shown


def words_apart(before: str, after: str) -> tuple[Words, Words]:
    """Both lines in stretches of words, and whether a stretch stands in that line only."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    was, said = list[tuple[str, bool]](), list[tuple[str, bool]]()
    for kind, i, k, j, m in difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        was.append(("".join(old[i:k]), kind != "equal"))
        said.append(("".join(new[j:m]), kind != "equal"))
    return tuple(part for part in was if part[0]), tuple(part for part in said if part[0])


def _back(request: web.Request, notice: str) -> web.Response:
    parts: Mapping[str, str] = request.match_info
    return go_to(request, "text", notice=notice, key=parts["key"], name=parts["name"])
