"""Referring somebody from the desk, and the page on which a receiver without an account sees what is asked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from aiohttp import web
from msgspec import Struct
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases import consent, telling
from bot.cases.consent import Purpose
from bot.cases.hand import Hand, note_in_audit
from bot.cases.hand import target as case_to_act_on
from bot.cases.model import (
    AdultNamed,
    Case,
    CaseError,
    CaseNotFound,
    MayBeFeared,
    NotAllowedNow,
    NotToldFirst,
    NotWithThisAdult,
)
from bot.cases.ports import Adults
from bot.cases.record.fields import FIELDS
from bot.cases.referrals import opening, service
from bot.cases.referrals.model import (
    DECLINE_REASONS,
    FEEDBACKS,
    OUTCOMES,
    STATES,
    URGENCIES,
    Act,
    Referral,
    Urgency,
)
from bot.cases.referrals.service import LinkDead, Listed, NoConsent, Sent
from bot.desk.case import wake_all
from bot.desk.family import household_context
from bot.desk.frame import context_of, go_to, hand_of, show, was_done
from bot.desk.ports import FoundService, ServiceFinder
from bot.desk.proving import proves_by
from bot.desk.queue import officer_names
from bot.exchange.holds import claimants, free_to_move
from bot.kernel.access import Permission
from bot.kernel.pages import render, route_url
from bot.kernel.web import PUBLIC, Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, SETTINGS, SIGNALS, VAULT
from bot.kernel.words import N_
from dialogues.understanding.model import Priority

#: Under which a receiver finds what they were asked. It tells nothing about what is behind it.
LINK_PATH = "/referral"
SHORTEST_SEARCH = 2
#: Who goes with the child, where nobody does.
NOBODY = "nobody"

#: Where the refugee gate stops what would leave without a request.
FEARED = N_(
    "Nothing was sent: they are in another country or belong to one, or nobody said in which they are, and the "
    "child may fear it. Write the country into the consent and what the child said under “Across borders”, or ask "
    "by a request there."
)
PROBLEMS = {
    "no_consent": N_("Nobody agreed to this, or not any more. Record a consent first. Nothing was sent."),
    "adult": N_("Nothing was sent: the tie of this adult is not supported, or a hold stands. The child can go alone."),
    "feared": FEARED,
    "adult_named": N_(
        "Nothing was sent: the text may name an adult with whom the child may not go. Write it without the name. "
        "To warn them of this adult, call them."
    ),
    "adult_since": N_(
        "This adult may not go with the child any more. Nothing was changed: call whoever was asked, take this back, "
        "and ask for the child alone."
    ),
    "not_told": N_("First say in the file whether the child was told of this. Nothing was sent."),
    "incomplete": N_("Something is missing. Nothing was changed."),
    "too_late": N_("The referral has moved on. Nothing was changed: look at it again."),
}


def refer_routes(finder: ServiceFinder, adults: Adults) -> Routes:
    """The routes of referrals: `finder` looks into the directory, and `adults` says with whom the child may be sent."""
    routes = Routes()

    @routes.get("/desk/cases/{id}/refer", name="refer", allow=Permission.REFERRAL_SEND)
    async def show_referrals(request: web.Request) -> web.StreamResponse:
        """Whom the person was referred to, on what consent one can refer now, and who could help."""
        return await referrals_screen(request, finder, adults)

    @routes.post("/desk/cases/{id}/refer", name="refer", allow=Permission.REFERRAL_SEND)
    async def send(request: web.Request) -> web.StreamResponse:
        """Send. The link and the code are on the answer to this form, and never again."""
        case_id, fields, hand = request.match_info["id"], await form(request), hand_of(request)
        urgency = Urgency(fields["urgency"]) if fields.get("urgency") in set(Urgency) else Urgency.URGENT
        consent_id, items = fields.get("consent", "")[:36], fields.getall("items", [])

        def work(tx: Connection) -> Sent:
            ask, adult = fields.get("ask", ""), fields.get("adult", "")[:36]
            if not adult:  # who goes along is asked each time, and never guessed
                raise NotAllowedNow(case_id)
            return service.send(
                tx,
                hand,
                case_id,
                consent_id,
                urgency=urgency,
                items=items,
                ask=ask,
                with_adult=None if adult == NOBODY else adult,
                adults=adults,
            )

        try:
            sent = await request.app[DATABASE].write(work)
        except CaseNotFound:
            raise web.HTTPNotFound from None
        except NoConsent:
            return await referrals_screen(request, finder, adults, problem="no_consent", typed=fields)
        except NotToldFirst:
            return await referrals_screen(request, finder, adults, problem="not_told", typed=fields)
        except MayBeFeared:
            return await referrals_screen(request, finder, adults, problem="feared", typed=fields)
        except AdultNamed:
            return await referrals_screen(request, finder, adults, problem="adult_named", typed=fields)
        except NotWithThisAdult:
            return await referrals_screen(request, finder, adults, problem="adult", typed=fields)
        except CaseError:
            return await referrals_screen(request, finder, adults, problem="incomplete", typed=fields)
        wake_all(request, case_id)
        return await referrals_screen(request, finder, adults, sent=sent)

    @routes.post("/desk/cases/{id}/refer/move", name="move_referral", allow=Permission.REFERRAL_SEND)
    async def move(request: web.Request) -> web.StreamResponse:
        """What the officer heard by phone, or did themselves."""
        fields = await form(request)
        if fields.get("act") not in set(Act):
            return await referrals_screen(request, finder, adults, problem="incomplete")

        def work(tx: Connection, hand: Hand, case_id: str) -> object:
            act, referral_id = Act(fields["act"]), fields.get("referral", "")[:36]
            reason, outcome = fields.get("reason", ""), fields.get("outcome", "")
            return service.move(tx, hand, case_id, referral_id, act, adults=adults, reason=reason, outcome=outcome)

        return await _do(request, finder, adults, work)

    @routes.post("/desk/cases/{id}/refer/feedback", name="referral_feedback", allow=Permission.REFERRAL_SEND)
    async def feedback(request: web.Request) -> web.StreamResponse:
        """What the child says about it."""
        fields = await form(request)

        def work(tx: Connection, hand: Hand, case_id: str) -> None:
            referral_id, said = fields.get("referral", "")[:36], fields.get("said", "")
            service.record_feedback(tx, hand, case_id, referral_id, fields.get("feedback", ""), said=said)

        return await _do(request, finder, adults, work)

    routes.table.extend(_receiver_routes(adults).table)
    return routes


async def _do(
    request: web.Request, finder: ServiceFinder, adults: Adults, work: Callable[[Connection, Hand, str], object]
) -> web.StreamResponse:
    case_id, hand = request.match_info["id"], hand_of(request)
    try:
        await request.app[DATABASE].write(lambda tx: work(tx, hand, case_id))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NotWithThisAdult:
        return await referrals_screen(request, finder, adults, problem="adult_since")
    except CaseError:
        return await referrals_screen(request, finder, adults, problem="too_late")
    wake_all(request, case_id)
    return go_to(request, "refer", id=case_id, notice="saved")


async def referrals_screen(
    request: web.Request,
    finder: ServiceFinder,
    adults: Adults,
    *,
    problem: str = "",
    said: str = "",
    typed: MultiDict[str] | None = None,
    sent: Sent | None = None,
) -> web.Response:
    """Whom the person of a case was referred to. `problem` is one of `PROBLEMS`, `said` a sentence of another room."""
    hand, case_id, language = hand_of(request), request.match_info["id"], request[LANGUAGE]
    words, service_id = request.query.get("q", "").strip()[:100], request.query.get("service", "")[:60]

    def read(tx: Connection) -> dict[str, Any]:
        case = case_to_act_on(tx, hand, case_id, Permission.REFERRAL_SEND)
        note_in_audit(tx, hand, "referral.read", case)
        ledger = consent.ledger(tx, hand, case_id)
        purposes = (Purpose.REFERRAL, Purpose.SERVICES)
        found: Sequence[FoundService] = ()
        if len(words) >= SHORTEST_SEARCH:
            found = finder.find(tx, words, language=language, at=hand.at)
        offered = [each for each in found if _is_fit(case, each)]
        chosen = finder.named(tx, service_id, language=language, at=hand.at) if service_id else None
        referrals = service.referrals_of(tx, hand, case_id)
        return {
            "case": case,
            "referrals": referrals,
            "second": _second_choices(tx, finder, case, referrals, language, hand.at),
            "agreed": [row for row in ledger if row.carries(hand.at) and row.agreement.purpose in purposes],
            "untold": {row.id for row in telling.open_for(tx, case_id, ledger)},
            "found": offered,
            "some_unfit": len(offered) < len(found),
            "chosen": chosen,
            "chosen_recipient": f"service:{chosen.id}" if chosen else "",
            "q": words,
            "names": officer_names(tx),
            "fields": FIELDS,
            "states": STATES,
            "urgencies": URGENCIES,
            "decline_reasons": DECLINE_REASONS,
            "outcomes": OUTCOMES,
            "feedbacks": FEEDBACKS,
            "problem": PROBLEMS.get(problem) or said,
            "safe": _safe_places(tx, finder, adults, case, referrals, hand.at),
            "address_purposes": opening.PURPOSES,
            "refusals": opening.REFUSALS,
            "proves_by": proves_by(hand.officer),
            "typed": typed or MultiDict(),
            "holds": claimants.standing_holds(tx, case_id),
            **household_context(tx, hand.vault, hand.officer, case),
            "adults": claimants.adults_of(tx, hand.vault, case),
            "blocked": free_to_move.may_not_move(tx, case_id),
            "feared": service.shut_by_fear(tx, hand.vault, case, referrals, adults=adults),
            "naming": service.naming_an_adult(tx, hand.vault, case, referrals, adults=adults),
            "sent": sent,
            "was_done": was_done(request) or sent is not None,
            "link": _link(request, sent.token) if sent else None,
        }

    status = 409 if problem or said else 200
    try:
        return await show(request, "desk/refer.html", read, here="case", writes=True, status=status)
    except CaseError:
        raise web.HTTPNotFound from None


class SafePlaceBehind(Struct, frozen=True):
    """A referral to a service whose address nobody may know: whom to call, for what the address opens to who holds the
    case, and why it does not open for more (None: it does)."""

    phone: str
    opens_for: Sequence[opening.Purpose]
    refused: opening.Refusal | None


def _safe_places(
    tx: Connection, finder: ServiceFinder, adults: Adults, case: Case, referrals: Sequence[Listed], at: datetime
) -> dict[str, SafePlaceBehind]:
    """By the ids of the referrals."""
    behind = {
        each.referral.id: each.referral.recipient.removeprefix(opening.SERVICE)
        for each in referrals
        if each.referral.recipient.startswith(opening.SERVICE)
    }
    phones = finder.hidden(tx, set(behind.values()))

    def look(referral: Referral) -> SafePlaceBehind:
        refused = {
            each: opening.refusal(tx, case, referral, at, adults=adults, purpose=each) for each in opening.Purpose
        }
        opens_for = [purpose for purpose, why in refused.items() if why is None]
        return SafePlaceBehind(phones[behind[referral.id]], opens_for, next(filter(None, refused.values()), None))

    return {each.referral.id: look(each.referral) for each in referrals if behind.get(each.referral.id, "") in phones}


def _is_fit(case: Case, found: FoundService) -> bool:
    """Who is in danger is not sent where nobody has looked for months."""
    return not (found.stale and case.priority <= Priority.P1)


def _second_choices(
    tx: Connection, finder: ServiceFinder, case: Case, referrals: Sequence[Listed], language: str, at: datetime
) -> dict[str, list[FoundService]]:
    """For each referral that was refused, or is silent for half of its time: who else could be asked, nobody twice."""
    asked = {each.referral.recipient.removeprefix("service:") for each in referrals}

    def instead_of(refused: str) -> list[FoundService]:
        found = finder.instead_of(tx, refused, besides=asked, language=language, at=at)
        return [each for each in found if _is_fit(case, each)]

    return {
        one.id: instead_of(one.recipient.removeprefix("service:"))
        for one in (each.referral for each in referrals)
        if one.recipient.startswith("service:") and (one.needs_second_choice or one.is_silent(at))
    }


def _link(request: web.Request, token: str) -> str:
    return f"{request.app[SETTINGS].public_url}{route_url(request, 'referral', {'token': token})}"


# For the receiver -------------------------------------------------------------------------------------------------


def _receiver_routes(adults: Adults) -> Routes:
    routes = Routes()

    @routes.get(LINK_PATH, name="referral", allow=PUBLIC)
    async def show_link(request: web.Request) -> web.StreamResponse:
        """Ask for the code. Looking at a link does not spend it: mail scanners look at everything."""
        token, now, vault = request.query.get("token", "")[:80], request.app[CLOCK].now(), request.app[VAULT]
        is_open = await request.app[DATABASE].read(lambda tx: service.is_open(tx, vault, token, now, adults=adults))
        return _page(request, status=200 if is_open else 404, token=token if is_open else None)

    @routes.post(LINK_PATH, name="referral", allow=PUBLIC)
    async def open_link(request: web.Request) -> web.StreamResponse:
        """With the right code, show what is asked, once."""
        fields, now, vault = await form(request), request.app[CLOCK].now(), request.app[VAULT]
        token, code = fields.get("token", "")[:80], fields.get("code", "")[:20]
        try:
            shown = await request.app[DATABASE].write(
                lambda tx: service.open_by_link(tx, vault, token, code, now, adults=adults)
            )
        except LinkDead:
            return _page(request, status=404)
        if shown is None:
            return _page(request, status=403, token=token, wrong=True)
        request.app[SIGNALS].wake("queue")
        return _page(request, shown=shown, reply=shown.reply)

    @routes.post(f"{LINK_PATH}/answer", name="referral_answer", allow=PUBLIC)
    async def answer(request: web.Request) -> web.StreamResponse:
        """The receiver says yes, or no and why."""
        fields, now, vault = await form(request), request.app[CLOCK].now(), request.app[VAULT]
        reply, reason = fields.get("reply", "")[:80], fields.get("reason", "")
        act = Act.ACCEPT if fields.get("act") == "accept" else Act.DECLINE
        if act is Act.DECLINE and reason not in DECLINE_REASONS:
            return _page(request, status=400, reply=reply, wrong=True)
        try:
            await request.app[DATABASE].write(
                lambda tx: service.reply_by_link(
                    tx, vault, reply, act, reason=reason if act is Act.DECLINE else "", at=now, adults=adults
                )
            )
        except LinkDead:
            return _page(request, status=404)
        request.app[SIGNALS].wake("queue")
        return _page(request, answered=act.value)

    return routes


def _page(
    request: web.Request,
    *,
    status: int = 200,
    token: str | None = None,
    shown: service.Shown | None = None,
    reply: str | None = None,
    wrong: bool = False,
    answered: str | None = None,
) -> web.Response:
    context = {
        **context_of(request),
        "token": token,
        "shown": shown,
        "reply": reply,
        "wrong": wrong,
        "answered": answered,
        "fields": FIELDS,
        "decline_reasons": DECLINE_REASONS,
        "languages_at": request.app.router["referral"].url_for(),
    }
    return render(request, "desk/referral.html", context, status=status)
