"""Records a child can carry, on the desk: the sheet, the choice with the child, the copy, and what is brought."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases import consent
from bot.cases.hand import Hand
from bot.cases.model import CaseError
from bot.desk.frame import context_of, go_to, hand_of, show
from bot.desk.qr import qr_path
from bot.desk.queue import officer_names
from bot.exchange.partners.keys import OwnKey
from bot.exchange.records import codes, credential, elm, ips, reading, service
from bot.exchange.records.model import (
    ABSENCES,
    FACTS,
    KINDS,
    LONGEST,
    SECTIONS,
    SEVERITIES,
    SOURCES,
    TOPICS,
    Absence,
    Copy,
    Entry,
    Kind,
    Record,
    Severity,
    Source,
    Topic,
    WrongEntry,
)
from bot.exchange.records.paper import pdf
from bot.exchange.records.paper.pair import Say, Side, sides_of
from bot.exchange.records.reading import TRUSTS, CannotRead
from bot.exchange.records.service import Assent, NotThere, NotWarned, SheetMoved, TakenBack
from bot.exchange.records.standing import WHYS
from bot.kernel.access import Permission, allows
from bot.kernel.pages import render
from bot.kernel.uploads import uploaded
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, SETTINGS, WORDS
from bot.kernel.words import N_

routes = Routes()

#: Empty lines at the end of each list; after saving there are as many again.
EMPTY_LINES = 2
SHEET_CAP, IMPORT_CAP = 512 * 1024, reading.LONGEST + 128 * 1024

PROBLEMS: Mapping[str, str] = {
    "moved": N_("A colleague changed this meanwhile. Nothing was changed: look at it again."),
    "too_late": N_("The case has moved on. Nothing was changed: look at it again."),
    "warn": N_("A line that can hurt the child was chosen, but not that the child was warned of it. Nothing was made."),
    "nothing": N_("Nothing was chosen."),
    "assent": N_("Write down what the child was asked, in which language, and how they agreed. Nothing was made."),
    "taken_back": N_("The child took this back. It is not given out any more."),
    "no_pdf": N_("No PDF could be made now. Print the page with your browser, or save it as a PDF there."),
}

FHIR, ELM, PDF, SIGNED = "fhir", "elm", "pdf", "signed"


def _kind(request: web.Request) -> Kind:
    asked = request.query.get("kind", "")
    return Kind(asked) if asked in set(Kind) else Kind.HEALTH


async def _show(
    request: web.Request,
    template: str,
    work: Callable[[Connection, Hand, str], Mapping[str, Any]],
    *,
    problem: str = "",
    sentence: str = "",
    status: int | None = None,
) -> web.Response:
    """A screen of this room. What one may not see is not there."""
    hand, case_id = hand_of(request), request.match_info["id"]

    def read(tx: Connection) -> dict[str, Any]:
        return {
            "kinds": KINDS,
            "facts": FACTS,
            "sections": SECTIONS,
            "sources": SOURCES,
            "severities": SEVERITIES,
            "topics": TOPICS,
            "absences": ABSENCES,
            "names": officer_names(tx),
            "problem": PROBLEMS.get(problem, sentence),
            **work(tx, hand, case_id),
        }

    status = status or (409 if problem or sentence else 200)
    try:
        return await show(request, template, read, here="case", writes=True, status=status)
    except CaseError:
        raise web.HTTPNotFound from None


@routes.get("/desk/cases/{id}/carried", name="carried", allow=Permission.CARRIED_READ)
async def show_carried(request: web.Request) -> web.StreamResponse:
    return await _carried_screen(request)


async def _carried_screen(request: web.Request, *, problem: str = "", sentence: str = "") -> web.Response:
    def work(tx: Connection, hand: Hand, case_id: str) -> dict[str, Any]:
        carried = service.open_carried(tx, hand, case_id)
        case = carried.case
        return {
            "case": case,
            "carried": carried,
            "trusts": TRUSTS,
            "writes": case.is_open and allows(hand.officer, Permission.CARRIED_WRITE, case),
            "makes": case.is_open and allows(hand.officer, Permission.CARRIED_MAKE, case),
            "brings": case.is_open and allows(hand.officer, Permission.CARRIED_IMPORT, case),
        }

    return await _show(request, "desk/carried.html", work, problem=problem, sentence=sentence)


# The sheet


@routes.get("/desk/cases/{id}/carried/sheet", name="carried_sheet", allow=Permission.CARRIED_WRITE)
async def show_sheet(request: web.Request) -> web.StreamResponse:
    return await _sheet_screen(request, _kind(request))


async def _sheet_screen(
    request: web.Request,
    kind: Kind,
    *,
    typed: Record | None = None,
    seen: str = "",
    problem: str = "",
    sentence: str = "",
    wrong: str = "",
) -> web.Response:
    def work(tx: Connection, hand: Hand, case_id: str) -> dict[str, Any]:
        carried = service.open_carried(tx, hand, case_id)
        sheet = carried.sheets[kind]
        record = typed or sheet.record
        first = {} if sheet.id or typed else service.first_facts(tx, hand, case_id, kind)
        lines = {
            section.code: [*record.of(section.code), *(Entry("") for _ in range(EMPTY_LINES))]
            for section in SECTIONS[kind]
        }
        return {
            "case": carried.case,
            "kind": kind,
            "record": record,
            "said": {**first, **record.facts},
            "lines": lines,
            "seen": seen or sheet.id,
            "wrong": wrong,
            "longest": LONGEST,
            "served": request.app[WORDS].languages,
        }

    return await _show(request, "desk/carried_sheet.html", work, problem=problem, sentence=sentence)


@routes.post("/desk/cases/{id}/carried/sheet", name="carried_sheet", allow=Permission.CARRIED_WRITE, body_cap=SHEET_CAP)
async def write_sheet(request: web.Request) -> web.StreamResponse:
    """Keep the sheet. What cannot be kept is said, and what was typed stays."""
    fields, hand, case_id, kind = await form(request), hand_of(request), request.match_info["id"], _kind(request)
    record, seen = _record(fields, kind), fields.get("seen", "")[:36]
    try:
        await request.app[DATABASE].write(lambda tx: service.write_sheet(tx, hand, case_id, record, seen=seen))
    except WrongEntry as wrong:
        return await _sheet_screen(request, kind, typed=record, seen=seen, sentence=wrong.sentence, wrong=wrong.place)
    except SheetMoved:
        return await _sheet_screen(request, kind, typed=record, seen=seen, problem="moved")
    except CaseError:
        return await _carried_screen(request, problem="too_late")
    return go_to(request, "carried", id=case_id, notice="saved")


def _record(fields: MultiDict[str], kind: Kind) -> Record:
    entries, absences = {}, {}
    for section in SECTIONS[kind]:
        texts = fields.getall(f"{section.code}-text", [])
        entries[section.code] = tuple(_entry(fields, section.code, number) for number in range(len(texts)))
        if fields.get(f"{section.code}-none"):
            absences[section.code] = Absence.NONE
    facts = {fact.code: fields.get(f"f-{fact.code}", "") for fact in FACTS[kind]}
    language, second = fields.get("language", "en")[:16], fields.get("second", "")[:16]
    return Record(kind, language, second, facts, entries, absences)


def _entry(fields: MultiDict[str], section: str, number: int) -> Entry:
    def said(name: str) -> str:
        values = fields.getall(f"{section}-{name}", [])
        return values[number] if number < len(values) else ""

    return Entry(
        said("text"),
        said("also"),
        said("detail"),
        said("when").strip(),
        Source(said("source")) if said("source") in set(Source) else Source.TOLD,
        said("by"),
        Topic(said("topic")) if said("topic") in set(Topic) else None,
        Severity(said("severity")) if said("severity") in set(Severity) else None,
    )


# The choice, with the child


@routes.get("/desk/cases/{id}/carried/choose", name="carried_choose", allow=Permission.CARRIED_MAKE)
async def show_choice(request: web.Request) -> web.StreamResponse:
    return await _choice_screen(request, _kind(request), MultiDict())


async def _choice_screen(
    request: web.Request, kind: Kind, typed: MultiDict[str], *, problem: str = "", sentence: str = ""
) -> web.Response:
    def work(tx: Connection, hand: Hand, case_id: str) -> dict[str, Any]:
        carried = service.open_carried(tx, hand, case_id)
        record = carried.sheets[kind].record
        return {
            "case": carried.case,
            "kind": kind,
            "sheet": carried.sheets[kind],
            "record": record,
            "hurts": service.can_hurt(record),
            "capacities": {code: title for code, title in consent.CAPACITIES.items() if code != "cannot"},
            "ways": consent.WAYS,
            "typed": typed,
        }

    return await _show(request, "desk/carried_choose.html", work, problem=problem, sentence=sentence)


@routes.post("/desk/cases/{id}/carried/choose", name="carried_choose", allow=Permission.CARRIED_MAKE)
async def make_copy(request: web.Request) -> web.StreamResponse:
    fields, hand, case_id, kind = await form(request), hand_of(request), request.match_info["id"], _kind(request)
    age, settings = fields.get("age", ""), request.app[SETTINGS]
    assent = Assent(
        named=request.app[WORDS].text(request[LANGUAGE], N_("The child, to carry it")),
        language=fields.get("language", ""),
        way=fields.get("way", ""),
        capacity=fields.get("capacity", ""),
        text=fields.get("text", "")[: consent.LONGEST_TEXT],
        age=int(age) if age.isdecimal() and len(age) < 4 else None,
    )

    def work(tx: Connection) -> str:
        return service.make_copy(
            tx,
            hand,
            case_id,
            kind,
            sheet_id=fields.get("sheet", "")[:36],
            chosen=fields.getall("choose", []),
            warned=fields.getall("warned", []),
            assent=assent,
            issuer=settings.exchange_name or urlsplit(settings.public_url).netloc,
        )

    try:
        copy_id = await request.app[DATABASE].write(work)
    except NotWarned:
        return await _choice_screen(request, kind, fields, problem="warn")
    except service.NothingChosen:
        return await _choice_screen(request, kind, fields, problem="nothing")
    except consent.IncompleteConsent:
        return await _choice_screen(request, kind, fields, problem="assent")
    except SheetMoved:
        return await _choice_screen(request, kind, MultiDict(), problem="moved")
    except CaseError:
        return await _carried_screen(request, problem="too_late")
    return go_to(request, "carried_copy", id=case_id, query={"copy": copy_id})


# What the child takes along


async def _given(request: web.Request, how: str) -> tuple[Copy, OwnKey] | web.Response:
    """The copy that the address names; or the overview, saying why there is none."""
    hand, case_id, copy_id = hand_of(request), request.match_info["id"], request.query.get("copy", "")[:36]
    try:
        return await request.app[DATABASE].write(lambda tx: service.give(tx, hand, case_id, copy_id, how))
    except TakenBack:
        return await _carried_screen(request, problem="taken_back")
    except NotThere:
        return go_to(request, "carried", id=case_id)
    except CaseError:
        raise web.HTTPNotFound from None


async def _drawn(copy: Copy, key: OwnKey) -> tuple[codes.Codes, Sequence[tuple[int, str]]]:
    """The codes of a copy and their pictures. Drawing takes a moment, so nothing waits for it."""

    def draw() -> tuple[codes.Codes, Sequence[tuple[int, str]]]:
        made = codes.codes_of(copy, private=key.private.sign, public=key.sign_public)
        return made, [qr_path(part) for part in made.parts]

    return await asyncio.to_thread(draw)


@routes.get("/desk/cases/{id}/carried/copy", name="carried_copy", allow=Permission.CARRIED_READ)
async def show_copy(request: web.Request) -> web.StreamResponse:
    given = await _given(request, "shown")
    if isinstance(given, web.Response):
        return given
    copy, key = given
    made, pictures = await _drawn(copy, key)

    def work(tx: Connection, hand: Hand, case_id: str) -> dict[str, Any]:
        return {
            "case_id": case_id,
            "copy": copy,
            "made": made,
            "pictures": pictures,
            "section_titles": {section.code: section.title for section in SECTIONS[copy.record.kind]},
            "served": request.app[WORDS].languages,
            "second": copy.record.second or ("en" if copy.record.language != "en" else "fr"),
        }

    return await _show(request, "desk/carried_copy.html", work)


@routes.get("/desk/cases/{id}/carried/print", name="carried_print", allow=Permission.CARRIED_READ)
async def print_copy(request: web.Request) -> web.StreamResponse:
    """Two languages side by side, for a printer; the frame of the desk stays away."""
    given = await _given(request, "printed")
    if isinstance(given, web.Response):
        return given
    copy, key = given
    made, pictures = await _drawn(copy, key)
    sides = _sides(request, copy, made)
    context = {
        **context_of(request),
        "case_id": request.match_info["id"],
        "copy": copy,
        "made": made,
        "pictures": pictures,
        "sides": sides,
    }
    return render(request, "desk/carried_print.html", context, language=sides[0].language)


def _sides(request: web.Request, copy: Copy, made: codes.Codes) -> tuple[Side, ...]:
    """What the paper says, in the two languages that were asked for."""
    words = request.app[WORDS]
    first = words.speaks(request.query.get("first", "")) or words.speaks(copy.record.language) or "en"
    chosen = words.speaks(request.query.get("second", "")) or words.speaks(copy.record.second)
    second = chosen or ("en" if first != "en" else "fr")
    return sides_of(copy, (first, second), _say(request), codes=len(made.parts), codes_left_out=bool(made.left_out))


def _say(request: web.Request) -> Say:
    words = request.app[WORDS]

    def say(language: str, sentence: str, /, **named: object) -> str:
        # Isolated, for a date in an Arabic sentence would turn round.
        return words.text(language, sentence, **{name: f"\u2068{value}\u2069" for name, value in named.items()})

    return say


@routes.get("/desk/cases/{id}/carried/file", name="carried_file", allow=Permission.CARRIED_READ)
async def download(request: web.Request) -> web.StreamResponse:
    """One copy as a file. Its name says nothing of what is in it."""
    wanted = request.query.get("form", "")
    wanted = wanted if wanted in (FHIR, ELM, PDF) else SIGNED
    given = await _given(request, wanted)
    if isinstance(given, web.Response):
        return given
    copy, key = given
    if wanted == PDF:
        return await _pdf(request, copy, key)
    if wanted == FHIR and copy.record.kind is Kind.HEALTH:
        text, content_type, ending = (
            json.dumps(ips.bundle(copy), ensure_ascii=False, indent=1),
            "application/fhir+json",
            "json",
        )
    elif wanted == ELM and copy.record.kind is Kind.SCHOOL:
        words, language = request.app[WORDS], copy.record.language
        made = elm.document(copy, say=lambda sentence: words.text(language, sentence))
        text, content_type, ending = json.dumps(made, ensure_ascii=False, indent=1), "application/ld+json", "jsonld"
    else:
        text = credential.sign(copy, private=key.private.sign, public=key.sign_public)
        content_type, ending = "application/jwt", "jwt"
    return _as_file(copy, text.encode(), content_type, ending)


async def _pdf(request: web.Request, copy: Copy, key: OwnKey) -> web.Response:
    """The page to print as a PDF, with the signed record in it."""
    made, pictures = await _drawn(copy, key)
    say, sides = _say(request), _sides(request, copy, made)
    named = [
        (size, path, say(sides[0].language, N_("Code {n} of {of}"), n=number, of=len(pictures)))
        for number, (size, path) in enumerate(pictures, 1)
    ]
    signed = credential.sign(copy, private=key.private.sign, public=key.sign_public)
    try:
        content = await pdf.pdf_of(sides, named, signed=signed, say=say, at=copy.made_at)
    except pdf.NoPress:
        return await _carried_screen(request, problem="no_pdf")
    return _as_file(copy, content, "application/pdf", "pdf")


def _as_file(copy: Copy, content: bytes, content_type: str, ending: str) -> web.Response:
    disposition = f'attachment; filename="record-{copy.id[-4:]}.{ending}"'
    return web.Response(body=content, content_type=content_type, headers={"Content-Disposition": disposition})


# What is brought


@routes.post(
    "/desk/cases/{id}/carried/bring",
    name="carried_bring",
    allow=Permission.CARRIED_IMPORT,
    body_cap=IMPORT_CAP,
    files=True,
)
async def bring(request: web.Request) -> web.StreamResponse:
    """Read a file or pasted codes, and keep it beside the case."""
    fields, hand, case_id = await form(request), hand_of(request), request.match_info["id"]
    file = uploaded(request, "file")
    try:
        text = _text_of(file) if file else fields.get("text", "")
    except UnicodeDecodeError:
        text = "\ufffd"
    try:
        document_id = await request.app[DATABASE].write(lambda tx: service.bring(tx, hand, case_id, text))
    except CannotRead as error:
        return await _carried_screen(request, sentence=str(error))
    except CaseError:
        return await _carried_screen(request, problem="too_late")
    return go_to(request, "carried_document", id=case_id, query={"document": document_id})


def _text_of(file: bytes) -> str:
    """The record in a file: of a PDF the signed file within it. Raises UnicodeDecodeError where there is no text."""
    return (pdf.signed_in(file) if file.startswith(pdf.BEGINS) else None) or file.decode("utf-8")


@routes.get("/desk/cases/{id}/carried/document", name="carried_document", allow=Permission.CARRIED_IMPORT)
async def show_document(request: web.Request) -> web.StreamResponse:
    return await _document_screen(request)


async def _document_screen(request: web.Request, *, problem: str = "", sentence: str = "") -> web.Response:
    document_id, at = request.query.get("document", "")[:36], request.app[CLOCK].now()

    def work(tx: Connection, hand: Hand, case_id: str) -> dict[str, Any]:
        carried, document = service.document(tx, hand, case_id, document_id)
        found = document.reading
        return {
            "case": carried.case,
            "document": document,
            "found": found,
            "proven": found is not None and found.proven(at),
            "expired": found is not None and found.expired(at),
            "early": found is not None and found.since is not None and at < found.since,
            "sheet": carried.sheets[found.record.kind] if found is not None else None,
            "trusts": TRUSTS,
            "whys": WHYS,
            "titles": {one.code: one.title for kind in Kind for one in FACTS[kind]}
            | {one.code: one.title for kind in Kind for one in SECTIONS[kind]},
            "takes": carried.case.is_open,
        }

    try:
        return await _show(request, "desk/carried_document.html", work, problem=problem, sentence=sentence)
    except web.HTTPNotFound:
        return await _carried_screen(request)


@routes.post("/desk/cases/{id}/carried/document", name="carried_document", allow=Permission.CARRIED_IMPORT)
async def take_over(request: web.Request) -> web.StreamResponse:
    """Take chosen lines over into the sheet, or put the document away."""
    fields, hand, case_id = await form(request), hand_of(request), request.match_info["id"]
    document_id, chosen = request.query.get("document", "")[:36], fields.getall("choose", [])

    def work(tx: Connection) -> None:
        if fields.get("act") == "put_away":
            service.put_away(tx, hand, case_id, document_id)
        else:
            service.take_over(tx, hand, case_id, document_id, chosen, seen=fields.get("seen", "")[:36])

    try:
        await request.app[DATABASE].write(work)
    except service.NothingChosen:
        return await _document_screen(request, problem="nothing")
    except SheetMoved:
        return await _document_screen(request, problem="moved")
    except WrongEntry as wrong:
        return await _document_screen(request, sentence=wrong.sentence)
    except CaseError:
        return await _carried_screen(request, problem="too_late")
    return go_to(request, "carried", id=case_id, notice="saved")
