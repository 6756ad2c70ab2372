"""The texts people get: all of them with their state, what waits, what is due, and what was asked in vain."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence, Set
from datetime import date, timedelta
from typing import Any

from aiohttp import web
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.desk.frame import go_to, show
from bot.desk.queue import officer_names
from bot.kernel.access import Permission
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, SIGNALS, VAULT
from bot.kernel.words import N_
from bot.texts import service, store
from bot.texts.model import EditState, Gap, GapWork, NotInForce
from bot.texts.shelf import TextShelf, answers
from dialogues.knowledge.model import LANGUAGES, ORIGINAL_LANGUAGE, Audience, TranslationState
from dialogues.knowledge.overlays import Overlay, is_jurisdiction
from dialogues.knowledge.reading import OVERLAYS_FOLDER, LoadedText, name_of
from dialogues.knowledge.search import fold, merged

#: A review that is due within so long is shown as work.
SOON = timedelta(days=60)

#: How a text stands, in the order in which somebody should look at it.
STATES = {
    "outdated": N_("outdated translation"),
    "out_of_force": N_("not in force"),
    "review_late": N_("review is late"),
    "approved": N_("approved here"),
    "draft": N_("draft, unsigned"),
    "signed": N_("signed"),
}
ALARMING = ("outdated", "out_of_force", "review_late")
WHYS = {
    "no_text": N_("There is no text for it."),
    "out_of_date": N_("The text is out of date."),
    "not_understood": N_("Nobody understood the question."),
}
VIEWS = {
    "all": N_("All"),
    "due": N_("Due for review"),
    "wrong": N_("Outdated or not in force"),
    "waiting": N_("An edit waits"),
    "children": N_("For children"),
}


#: The keys that words may mean in a language, likeliest first.
Meant = Callable[[str, str], Awaitable[list[str]]]


class Listed(Struct, frozen=True):
    """A text or an overlay as the list shows it."""

    key: str
    name: str  # of its file, without its ending
    language: str
    title: str
    state: str
    waits: bool
    review_due: date | None
    for_children: bool = False
    lines: int = 0  # of an overlay: how many lines it varies


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


def overlay_state(overlay: Overlay, approved: bool, on: date) -> str:
    """How the variation stands that somebody should look at first."""
    variations = overlay.variations
    if any(variation.state() is TranslationState.OUTDATED for variation in variations):
        return "outdated"
    if not any(variation.in_force(on) for variation in variations):
        return "out_of_force"
    if any(on > variation.review_due for variation in variations if variation.in_force(on)):
        return "review_late"
    if all(variation.reviewer for variation in variations):
        return "signed"
    return "approved" if approved else "draft"


async def no_meaning(words: str, language: str) -> list[str]:
    """Where nothing understands language: the search is by words alone."""
    return []


def texts_routes(texts: TextShelf, meant: Meant = no_meaning) -> Routes:
    """The routes of the list. `meant` knows what words are about, whatever words the texts use."""
    routes = Routes()

    @routes.get("/desk/texts", name="texts", allow=Permission.TEXTS_READ)
    async def show_texts(request: web.Request) -> web.StreamResponse:
        words, on = request.query.get("q", "").strip()[:200], request.app[CLOCK].now().date()
        if code := request.query.get("country", "").strip().upper():
            if is_jurisdiction(code):
                return go_to(request, "text", key=OVERLAYS_FOLDER, name=code)
            return go_to(request, "texts", notice="no_such_country")
        if "new" in request.query:
            return _begin(request)
        language = request.query.get("language", request[LANGUAGE])
        language = language if language in LANGUAGES else ORIGINAL_LANGUAGE
        view = request.query.get("view", "all")
        view = view if view in VIEWS else "all"
        read = await texts.read()
        found: list[str] = []
        if words:
            written_in, by_words = _found(texts, words, language, on)
            found = merged(by_words, await meant(words, written_in))

        files = {text.file for text in read.texts}

        def gather(tx: Connection) -> dict[str, Any]:
            waiting = store.edits_in(tx, EditState.DRAFT)
            waits = {edit.file for edit in waiting}
            approved = service.approved_texts(tx)
            listed = [
                _listed(text, text.file in approved, waits, on)
                for text in read.texts
                if text.procedure.language == language and (not words or _fits(text, words, found))
            ]
            shown = [one for one in listed if _in_view(one, view, on)]
            overlays = [_listed_overlay(overlay, approved, waits, on, request[LANGUAGE]) for overlay in read.overlays]
            titles = {
                text.procedure.key: text.procedure.title for text in read.texts if _plain(text, request[LANGUAGE])
            }
            return {
                "texts": _in_order(shown, found, view),
                "overlays": overlays,
                "unreadable": [
                    (file, *file.rpartition(".")[0].split("/", 1))
                    for file in dict.fromkeys(problem.file for problem in read.unreadable)
                    if file in approved
                ],
                "waiting": [(edit, *edit.file.rpartition(".")[0].split("/", 1)) for edit in waiting],
                "gaps": [(gap, _text_of(gap, files)) for gap in service.work_for_authors(tx)],
                "titles": titles,
                "names": officer_names(tx),
                "states": STATES,
                "alarming": ALARMING,
                "whys": WHYS,
                "q": words,
                "view": view,
                "views": VIEWS,
                "counts": {name: sum(_in_view(one, name, on) for one in listed) for name in VIEWS},
                "language": language,
                "text_languages": LANGUAGES,
            }

        return await show(request, "desk/texts.html", gather, here="texts")

    @routes.post("/desk/texts/gaps", name="answer_gap", allow=Permission.TEXTS_EDIT)
    async def answer_gap(request: web.Request) -> web.StreamResponse:
        fields, at = await form(request), request.app[CLOCK].now()
        officer, vault = request[OFFICER], request.app[VAULT]
        procedure, why = fields.get("procedure", "")[:60], fields.get("why", "")[:20]
        if question := fields.get("question", ""):
            answered = "dropped" not in fields
            await request.app[DATABASE].write(
                lambda tx: service.settle_question(tx, vault, officer, question, answered=answered, at=at)
            )
            request.app[SIGNALS].wake("texts")
            return go_to(request, "texts", notice="saved")

        def in_force(gap: Gap) -> bool:
            return answers(texts.procedures, gap, at.date())

        try:
            await request.app[DATABASE].write(
                lambda tx: service.answer_gap(tx, vault, officer, procedure, why, at=at, in_force=in_force)
            )
        except NotInForce:
            return go_to(request, "texts", notice="gap_not_in_force")
        request.app[SIGNALS].wake("texts")
        return go_to(request, "texts", notice="saved")

    return routes


def _begin(request: web.Request) -> web.Response:
    """To the page on which a text of that key is written, or is already there."""
    key, language = request.query["new"].strip(), request.query.get("language", ORIGINAL_LANGUAGE)
    name = f"child.{language}" if request.query.get("for") == Audience.CHILD else language
    if name_of(f"{key}/{name}.md") is None:
        return go_to(request, "texts", notice="no_such_key")
    return go_to(request, "text", key=key, name=name)


def _text_of(gap: GapWork, files: Set[str]) -> str:
    """The name of the text an author has to look at: of the askers' audience and language where they are enough to be
    told apart, else the first there is. "" where there is none."""
    prefixes = ("child.", "") if gap.audiences == (Audience.CHILD.value,) else ("",)
    names = [f"{prefix}{language}" for prefix in prefixes for language in (*gap.languages, ORIGINAL_LANGUAGE)]
    return next((name for name in names if f"{gap.procedure}/{name}.md" in files), "")


def _found(texts: TextShelf, words: str, language: str, on: date) -> tuple[str, list[str]]:
    """The keys somebody may mean, typos and spelling variants included, best first, and in which language they do.

    Authors of all languages look at one list: words that mean nothing in its language are looked for in the others.
    """
    for each in dict.fromkeys((language, *LANGUAGES)):
        matches = [
            text.key
            for audience in Audience
            for text in texts.procedures.search(words, each, 12, on=on, audience=audience)
        ]
        if matches:
            return each, list(dict.fromkeys(matches))
    return language, []


def _fits(text: LoadedText, words: str, found: Sequence[str]) -> bool:
    return text.procedure.key in found or fold(words) in fold(text.procedure.shown_text() + text.file)


def _in_view(one: Listed, view: str, on: date) -> bool:
    if view == "due":
        return one.review_due is not None and one.review_due <= on + SOON
    if view == "wrong":
        return one.state in ALARMING
    if view == "waiting":
        return one.waits
    return one.for_children if view == "children" else True


def _in_order(listed: list[Listed], found: Sequence[str], view: str) -> list[Listed]:
    """What was searched for by how well it fits, what is due by its day, the rest by what needs somebody first."""
    rank = {key: at for at, key in enumerate(found)}
    if found:
        return sorted(listed, key=lambda one: (rank.get(one.key, len(rank)), one.for_children, one.name))
    if view == "due":
        return sorted(listed, key=lambda one: (one.review_due or date.max, one.key, one.name))
    return sorted(listed, key=lambda one: (list(STATES).index(one.state), one.key, one.name))


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
        for_children=procedure.audience is Audience.CHILD,
    )


def _listed_overlay(overlay: Overlay, approved: dict[str, str], waiting: set[str], on: date, language: str) -> Listed:
    file = f"{OVERLAYS_FOLDER}/{overlay.jurisdiction}.yml"
    return Listed(
        key=OVERLAYS_FOLDER,
        name=overlay.jurisdiction,
        language=language,
        title=overlay.jurisdiction,
        state=overlay_state(overlay, file in approved, on),
        waits=file in waiting,
        review_due=min((variation.review_due for variation in overlay.variations), default=None),
        lines=len(overlay.variations),
    )


def _plain(text: LoadedText, language: str) -> bool:
    """Whether this is the workers' text in that language."""
    wanted = language if language in LANGUAGES else ORIGINAL_LANGUAGE
    return text.procedure.audience is Audience.WORKER and text.procedure.language == wanted
