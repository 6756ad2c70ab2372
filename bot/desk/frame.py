"""The frame around every screen of the desk: who is here, what waits, what rings, and whether somebody watches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypedDict, TypeVar

from aiohttp import web
from babel import Locale
from babel.dates import format_timedelta
from babel.lists import format_list
from babel.units import format_unit
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import alarm_store, auditor, due, handover_store, store, supervision_store
from bot.cases.board import BANDS, HEARD
from bot.cases.hand import Hand, in_scope
from bot.cases.model import LOUD, Case, CaseError, CaseNotFound, NotReadyToClose
from bot.cases.reasons import reason_title
from bot.conversations import stuck
from bot.conversations.attachments.model import UNKNOWN
from bot.desk.acts import SENTENCES
from bot.exchange.holds import claimants
from bot.exchange.requests import looking
from bot.kernel.access import Permission, allows, may_enter
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer
from bot.kernel.pages import render, route_url
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, SIGNALS, VAULT, WORDS
from bot.kernel.words import N_, Words
from dialogues.understanding.model import Priority
from directory.words import say_reason

if TYPE_CHECKING:
    from bot.desk.looking import Look

T = TypeVar("T")

#: Shown in the list beside a case and on the queue; the counts say how many there are in truth.
QUEUE_LENGTH = 60


class OnDuty(TypedDict):
    """What the rota says at the top of the desk."""

    there: int | None
    until: datetime | None


class Ringing(Struct, frozen=True):
    """An alarm this officer is asked to hear now."""

    case: Case
    own: bool  # in a case they hold; else one that waits for anybody
    key: str  # changes with each step of each round, so that a browser rings once for each


class Frame(Struct, frozen=True):
    """What every screen shows beside its own matter."""

    waiting: int
    urgent: int  # of those, P0
    loud: int  # of those, P0 and P1
    own: int
    trouble: int  # messages that were not delivered or could not be read
    ringing: tuple[Ringing, ...]
    watch: auditor.Watch
    asked: int  # requests of partners that wait for somebody here
    overdue: int
    held: frozenset[str]  # cases on which a hold stands
    paged_by_message: bool
    offers: tuple[Case, ...]  # cases that colleagues offer to this officer
    glass: int  # files opened without holding them that nobody who coordinates has looked at
    late_reviews: int
    there: int | None = None  # how many are at the desk; None where no rota is kept
    until: datetime | None = None  # how long this officer is
    due: int = 0  # tasks that are overdue: of theirs, and for who coordinates those that stayed undone for long

    @property
    def bands(self) -> tuple[Ringing, ...]:
        """The alarms that are shown, each by itself. The others are counted, and heard as these are."""
        return self.ringing[:BANDS]

    @property
    def rings_at_once(self) -> int:
        """How many alarms ring."""
        return len(self.ringing) if len(self.ringing) < HEARD else max(HEARD, self.loud)

    @property
    def rings(self) -> tuple[str, ...]:
        """What this officer should hear now, by a key for each that a browser rings once for."""
        offered = tuple(f"offer:{case.id}" for case in self.offers if case.priority in LOUD)
        return (*offered, *(each.key for each in self.ringing))


def look(tx: Connection, officer: Officer, at: datetime, *, counted: Mapping[Priority, int] | None = None) -> Frame:
    """The frame for one officer. Cheap: counts over indexes, and the few alarms that ring.

    `counted` is how many wait for them, where the page has counted it already.
    """
    counts: Mapping[Priority, int] = {}
    ringing: tuple[Ringing, ...] = ()
    offers: tuple[Case, ...] = ()
    if may_enter(officer, Permission.QUEUE_READ):
        scope = in_scope(officer)
        counts = store.waiting_counts(tx, scope) if counted is None else counted
        ringing = _ringing(officer, alarm_store.ringing_for(tx, officer.id, scope, limit=HEARD))
        offers = tuple(handover_store.offered_to(tx, officer.id, limit=BANDS))
    asked, overdue = requests_for(tx, officer, at)
    trouble = 0
    if may_enter(officer, Permission.DELIVERIES_READ):
        trouble = count_trouble(tx)
    glass, late_reviews = supervised(officer, supervision_store.count_to_see(tx, at))
    watch = auditor.look_at_watch(tx, at=at)
    return Frame(
        waiting=sum(counts.values()),
        urgent=counts.get(Priority.P0, 0),
        loud=sum(counts.get(priority, 0) for priority in LOUD),
        own=store.held_count(tx, officer.id),
        trouble=trouble,
        ringing=ringing,
        watch=watch,
        **on_duty(officer, watch),
        asked=asked,
        overdue=overdue,
        held=claimants.held_cases(tx),
        paged_by_message=officer.page_conversation_id is not None,
        offers=offers,
        glass=glass,
        late_reviews=late_reviews,
        due=due_for(officer, due.overdue_tasks(tx, at), at),
    )


def on_duty(officer: Officer, watch: auditor.Watch) -> OnDuty:
    """For those whom the rota concerns."""
    if watch.there is None or not may_enter(officer, Permission.ROTA_READ):
        return OnDuty(there=None, until=None)
    return OnDuty(there=len(watch.there), until=dict(watch.there).get(officer.id))


def due_for(officer: Officer, overdue: due.Overdue, at: datetime) -> int:
    """How many overdue tasks concern this officer: nothing for who works on no case."""
    return overdue.count_for(officer, at) if may_enter(officer, Permission.QUEUE_READ) else 0


def supervised(officer: Officer, to_see: tuple[int, int]) -> tuple[int, int]:
    """Files opened by breaking the glass and late reviews, for those whom they concern."""
    return to_see if may_enter(officer, Permission.SUPERVISION_READ) else (0, 0)


def _ringing(officer: Officer, rings: Iterable[alarm_store.Ring]) -> tuple[Ringing, ...]:
    return tuple(
        Ringing(ring.case, ring.case.owner_id == officer.id, f"{ring.case.id}:{ring.round}.{ring.step}")
        for ring in rings
    )


def requests_for(tx: Connection, officer: Officer, at: datetime) -> tuple[int, int]:
    """How many requests of partners wait for somebody here, and how many of all are overdue."""
    if not may_enter(officer, Permission.EXCHANGE_READ):
        return 0, 0
    return looking.waiting_counts(tx, officer, at)


def count_trouble(tx: Connection) -> int:
    """Messages that were not delivered or could not be read, as far as a screen counts them."""
    return len(stuck.dead_letters(tx, limit=100)) + len(stuck.parked(tx, limit=100))


def frame_from(look: Look, officer: Officer) -> Frame:
    """The same frame from a look that all open desks share."""
    board = look.board
    asked, overdue = (0, 0)
    if may_enter(officer, Permission.EXCHANGE_READ):
        asked, overdue = looking.counts_of(officer, look.asked)
    sees_queue = may_enter(officer, Permission.QUEUE_READ)
    counts = board.queue_of(officer).counts if sees_queue else {}
    glass, late_reviews = supervised(officer, look.to_see)
    return Frame(
        waiting=sum(counts.values()),
        urgent=counts.get(Priority.P0, 0),
        loud=sum(counts.get(priority, 0) for priority in LOUD),
        own=board.own_count(officer),
        trouble=look.trouble if may_enter(officer, Permission.DELIVERIES_READ) else 0,
        ringing=_ringing(officer, board.ringing_for(officer)) if sees_queue else (),
        watch=look.watch,
        **on_duty(officer, look.watch),
        asked=asked,
        overdue=overdue,
        held=look.held,
        paged_by_message=officer.page_conversation_id is not None,
        offers=tuple(board.offered_to(officer)) if sees_queue else (),
        glass=glass,
        late_reviews=late_reviews,
        due=due_for(officer, look.overdue, board.at),
    )


async def show(
    request: web.Request,
    template: str,
    work: Callable[[Connection], Mapping[str, Any]] = lambda _tx: {},
    *,
    here: str,
    writes: bool = False,
    status: int = 200,
    shape: Callable[[web.Request, Mapping[str, Any], Frame], Mapping[str, Any]] = lambda *_: {},
) -> web.Response:
    """A screen: what `work` reads and the frame, in one transaction. `writes` where the reading itself is recorded.

    `shape` makes of what was read what the template shows beside it, once nothing is locked any more.
    """
    officer, at = request[OFFICER], request.app[CLOCK].now()

    def both(tx: Connection) -> tuple[Mapping[str, Any], Frame]:
        matter = work(tx)
        queue = matter.get("queue")
        frame = look(tx, officer, at, counted=None if queue is None else queue.counts)
        return {**_holds_above(tx, officer, matter, frame), **matter}, frame

    database = request.app[DATABASE]
    matter, frame = await (database.write(both) if writes else database.read(both))
    return screen(request, template, {**matter, **shape(request, matter, frame)}, frame, here=here, status=status)


def _holds_above(tx: Connection, officer: Officer, matter: Mapping[str, Any], frame: Frame) -> Mapping[str, Any]:
    """The holds of the case that a page is about, for its top: every screen of a case shows them, also one whose author
    did not think of it. Nothing where the page has a place of its own for them."""
    case = matter.get("case")
    if "holds" in matter or not isinstance(case, Case) or case.id not in frame.held:
        return {}
    return {
        "holds_above": claimants.standing_holds(tx, case.id),
        "leads_on": allows(officer, Permission.CASE_READ, case),
    }


def screen(
    request: web.Request, template: str, matter: Mapping[str, Any], frame: Frame, *, here: str, status: int = 200
) -> web.Response:
    """A page of the desk inside its frame."""
    context = {
        **context_of(request),
        "frame": frame,
        "here": here,
        "once": new_id,
        "notice": notice_of(request),
        "was_done": was_done(request),
        **matter,
    }
    return render(request, template, context, status=status)


class NotDone(Exception):
    """The case has moved on since the form was made. Show how it stands now, and say so."""


async def act(request: web.Request, work: Callable[[Connection], T], *topics: str) -> T:
    """Do what an officer asked, then wake whoever watches. Unseen is not found; raises NotDone when it is too late."""
    try:
        done = await request.app[DATABASE].write(work)
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NotReadyToClose:
        raise
    except CaseError:
        raise NotDone from None
    request.app[SIGNALS].wake(*topics)
    return done


def hand_of(request: web.Request) -> Hand:
    """The signed-in officer, at this moment, with what acting takes."""
    app = request.app
    return Hand(request[OFFICER], app[VAULT], app[WORDS], app[CLOCK].now())


def go_to(
    request: web.Request,
    route: str,
    *,
    notice: str | None = None,
    part: str = "",
    query: Mapping[str, str] | None = None,
    **parts: str,
) -> web.Response:
    """Send the browser on after a form, so that reloading does not send the form again."""
    asked = {**(query or {}), **({"notice": notice} if notice else {})}
    path = route_url(request, route, asked or None, **parts)
    return web.Response(status=303, headers={"Location": f"{path}#{part}" if part else path})


def save_as(name: str, content: bytes) -> web.Response:
    """A file to be saved: whatever is in it, no browser runs it, shows it here or keeps it."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return web.Response(body=content, content_type=UNKNOWN, headers=headers)


#: What a screen can say after a form. The address holds a code, never a sentence.
NOTICES: Mapping[str, str] = {
    "too_late": N_("The case has moved on. Nothing was changed: look at it again."),
    "taken": N_("The case is yours. The person knows that a human is reading."),
    "released": N_("The case waits in the queue again."),
    "closed": N_("The case is closed. The bot answers again."),
    "reopened": N_("The case is open again and yours."),
    "nobody": N_("Nobody is waiting."),
    "retried": N_("It is being tried again."),
    "not_retried": N_("It cannot be tried again."),
    "saved": N_("Saved."),
    "receipt_given": N_("The person gets a return code. Only they can read it."),
    "brought": N_("Taken in. Look at what came before anybody relies on it."),
    "safe_time_asked": N_("The person is asked when they may be written to."),
    "word_agreed": N_("The word is kept. Nobody can read it here, not even you."),
    "word_unfit": N_("That word is too short, or too easy to write by mistake. Nothing was kept."),
    "watch_ended": N_("The bot and you can write to the person again. What was written before stays hidden there."),
    "same_person": N_("The talk goes on here. The old phone shows nothing of it any more."),
    "other_person": N_("The return code does not work any more. Give the person of the first case a new one."),
    "same_child": N_("One case goes on: this one. The other is closed as its duplicate."),
    "not_same_child": N_("The case is open again and yours. Give it to whoever had it, or go on yourself."),
    "other_talk": N_("You answer in the other talk now."),
    "second_person": N_("A phone, an address or a link changed. A colleague who did not write it must decide."),
    "call_back": N_("A phone, an address or a link changed. Call the old contact and note who said what."),
    "not_two_yet": N_(
        "Not approved. One of you two added the other, or made a sign-in link for them, in the last seven days. Let "
        "another admin approve it, or wait."
    ),
    "needs_colleague": N_("You wrote this new record, or who runs it. A colleague who did not must put it in force."),
    "one_is_yours": N_("You wrote one of them. A colleague who did not must put it in force. Nothing was changed."),
    "one_is_yours_alone": N_(
        "You wrote one of them: tick that you put it in force alone, and say whom you called. A safe place needs two "
        "people. Nothing was changed."
    ),
    "address_waits": N_("Kept. It counts once a colleague has called the house and approved it."),
    "address_counts": N_("Approved. From now on this is what counts."),
    "address_ended": N_("Ended. What was typed is gone, and nothing else has changed."),
    "record_moved": N_("This record has moved on. Nothing was changed: look at it again."),
    "none_chosen": N_("None was chosen. Nothing was changed."),
    "one_is_gone": N_("One of them is not there any more. Nothing was changed."),
    "one_cannot": N_("One of them cannot take this step, or needs a second person and a call. Nothing was changed."),
    "merged": N_("They are one record now. What was taken over waits as a draft."),
    "not_merged": N_("These two cannot be merged now. Nothing was changed."),
    "who_and_where": N_("Say with whom or where it was checked."),
    "added": N_("The account is there. Make a sign-in link for it."),
    "name_taken": N_("Somebody signs in under this name already."),
    "incomplete": N_("Something is missing. Nothing was changed."),
    "disabled": N_("The account is off. Every session of it has ended."),
    "enabled": N_("The account is on again."),
    "session_ended": N_("The session has ended."),
    "weak_password": N_("Choose a longer password: 12 characters or more, and not a common one."),
    "wrong_code": N_("That code is not right. Try the next one."),
    "codes_on": N_("Codes are on."),
    "text_waits": N_("The edit is checked and waits for an approver."),
    "text_approved": N_("Approved. The next question gets this text."),
    "text_approved_not_in_force": N_("Approved. It is not in force: whoever asks is told so, and gets a person."),
    "text_sent_back": N_("Sent back. People keep the text they had."),
    "text_no_note": N_("Say what is to be mended. Nothing was changed."),
    "text_moved": N_("Somebody else decided first. Look at it again."),
    "gate_shut_now": N_("Saved. The gate would stop requests that are on their way: look at them below."),
    "request_approved": N_("Approved. It can be sent now."),
    "request_sent": N_("It is in the post."),
    "request_withdrawn": N_("Withdrawn. The partner is told to keep nothing, and must confirm it."),
    "request_accepted": N_("Accepted. The partner now sends about whom it is."),
    "request_refused": N_("Refused, with a reason and another way."),
    "child_arrived": N_("The partner hears that the child has arrived, and keeps nothing more."),
    "child_missed": N_("Both sides are rung. Call the partner now."),
    "answers_sent": N_("The answers are in the post."),
    "hold_placed": N_("The hold stands. The partners of requests under way are told by themselves."),
    "hold_told": N_("The notice is in the post."),
    "hold_agreed": N_("Kept. A hold ends when two officers of two bodies have agreed."),
    "gap_not_in_force": N_("Nothing is in force for it yet: those who asked would still get no answer."),
    "no_such_key": N_("A text is called by small letters and underscores, such as missing_child."),
    "no_such_country": N_("That is no country. Write its two letters, such as DE."),
    "fetched_again": N_("The file is fetched again. Look in a minute."),
    "guest_withdrawn": N_("They are let in no more."),
    "code_mailed": N_("A code is on its way to you."),
    "page_way_added": N_("You are paged there from now on."),
    "erasure_proposed": N_("Proposed. A second officer who coordinates decides."),
    "erased": N_("Erased for ever. Nobody can read it any more."),
    "unpaired": N_("You are no longer paged there."),
    "asked": N_("Your colleague can read the case and write a note. It stays with you."),
    "answered": N_("The question is over. You do not read the case any more."),
    "offered": N_("Your colleague is asked. The case stays with you until they accept."),
    "declined": N_("The case stays with your colleague."),
    "offered_all": N_("Your colleague is asked. The cases stay with you until they accept."),
    "released_all": N_("The cases wait in the queue again."),
    "none_of_them": N_("One of these cases is not yours to move, or nothing was chosen. Nothing was changed."),
    "nobody_there": N_("That colleague cannot take a case now. Choose another."),
    "handed_over": N_("Everything was handed over."),
    "reviewed": N_("The review is kept."),
    "glass_broken": N_("You may read this case for an hour. Everyone who coordinates has been told."),
    "wall_ended": N_("The link was taken back. Its screens show nothing any more."),
    "too_many_walls": N_("Twelve links work already. Take one back first."),
    "full": N_("You hold as many cases as you can. Hand one over or close one first."),
    "opened": N_("The case is open."),
    "duty_moved": N_("That duty is not yours to change, or it was settled before. Nothing was changed."),
}


#: Of these the sentence says that nothing was kept.
NOT_DONE = frozenset(
    {
        "duty_moved", "full", "incomplete", "name_taken", "no_such_country", "no_such_key", "nobody", "nobody_there",
        "needs_colleague", "none_chosen", "none_of_them", "not_merged", "not_retried", "one_cannot", "one_is_gone",
        "not_two_yet", "one_is_yours", "one_is_yours_alone", "record_moved",
        "text_moved", "too_late", "too_many_walls", "weak_password", "who_and_where", "word_unfit", "wrong_code",
    }
)  # fmt: skip


def was_done(request: web.Request) -> bool:
    """Whether the form before this page was kept, so that a browser may forget what was typed in it."""
    code = request.query.get("notice", "")
    return code in NOTICES and code not in NOT_DONE


def notice_of(request: web.Request) -> str | None:
    """The sentence for the code in the address, if it is one of ours."""
    return NOTICES.get(request.query.get("notice", ""))


# What templates call ----------------------------------------------------------------------------------------------


def language_name(code: str | None, said_in: str) -> str:
    """`Arabic` for `ar`, in the language of the page; the code itself if nobody knows it."""
    if not code:
        return ""
    names = Locale.parse(said_in).languages  # not `Locale.parse(code)`: it knows few, and fails on the others
    known = code.replace("-", "_")
    return str(names.get(known) or names.get(known.split("_")[0]) or code)


def language_names(codes: Iterable[str], said_in: str) -> str:
    """`Arabic, French and Somali`, as the language of the page makes a list."""
    return format_list([language_name(code, said_in) for code in codes], locale=said_in)


def country_name(code: str | None, said_in: str) -> str:
    """`Italy` for `IT`, in the language of the page."""
    return str(Locale.parse(said_in).territories.get(code or "", code or ""))


def how_far(metres: int, said_in: str) -> str:
    """`400 m`, `1.6 km` or `64 km`, in the language of the page."""
    if metres < 950:
        return _measured(max(50, round(metres / 50) * 50), "length-meter", "0", said_in)
    return _measured(metres / 1000, "length-kilometer", "0.0" if metres < 10_000 else "0", said_in)


def _measured(value: float, unit: str, figure: str, said_in: str) -> str:
    return format_unit(value, unit, length="short", format=figure, locale=said_in, numbering_system="latn")


#: Up to so many days are counted; what is longer ago is told in months and years.
EXACT_DAYS = 60


def days_ago(days: int, said_in: str) -> str:
    """`12 days ago`; after two months `7 months ago` and `16 years ago`, which one sees at a glance."""
    threshold = 2 if days > EXACT_DAYS else EXACT_DAYS
    return str(format_timedelta(timedelta(days=-days), "day", threshold=threshold, add_direction=True, locale=said_in))


def due_words(words: Words, said_in: str, due_at: datetime, now: datetime) -> str:
    """`11 min left` or `3 h late`: as exact as an officer needs. The browser counts seconds where they matter."""
    seconds = (due_at - now).total_seconds()
    span = span_words(words, said_in, seconds)
    if seconds < 0:
        return words.text(said_in, N_("{time} late"), time=span)
    return words.text(said_in, N_("{time} left"), time=span)


def span_words(words: Words, said_in: str, seconds: float) -> str:
    """`11 min`, `3 h` or `2 d`."""
    minutes = int(abs(seconds)) // 60
    if minutes < 90:
        return words.text(said_in, N_("{n} min"), n=minutes)
    if minutes < 48 * 60:
        return words.text(said_in, N_("{n} h"), n=round(minutes / 60))
    return words.text(said_in, N_("{n} d"), n=round(minutes / 1440))


def context_of(request: web.Request) -> dict[str, Any]:
    """What every template of the desk may call, beside what the kernel gives to all."""
    # The page that the links to other languages lead to: this one.
    return {"languages_at": None, **tools_of(request.app)}


def tools_of(app: web.Application) -> dict[str, Any]:
    """The functions among it. They know no officer and no request."""
    words = app[WORDS]
    return {
        "reason_title": reason_title,
        "act_sentences": SENTENCES,
        "language_name": language_name,
        "language_names": language_names,
        "country_name": country_name,
        "how_far": how_far,
        "days_ago": days_ago,
        "say": lambda said_in, reason: say_reason(words, said_in, reason),
        "due_words": lambda said_in, due_at, now: due_words(words, said_in, due_at, now),
    }
