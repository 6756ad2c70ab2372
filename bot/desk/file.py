"""The file of a case on the screen: its record, tasks, risk, consent, and who has seen it; and the page to print."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from aiohttp import web
from msgspec import Struct
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.cases import attachments, consent, handover, panel, same_child, supervision, telling
from bot.cases.consent import Agreement, Consent, Kind, Purpose, Share
from bot.cases.guests import service as guests
from bot.cases.hand import Hand, note_in_audit, target, visible
from bot.cases.model import Case, CaseError, CaseNotFound, NotToldFirst
from bot.cases.ports import Holder
from bot.cases.primero import service as primero
from bot.cases.record import history, service, unlocking
from bot.cases.record.fields import FIELDS, SECTIONS, WrongValue
from bot.cases.record.risk import RISKS, Risk
from bot.cases.record.service import MADE_TASKS, Record, RecordMoved
from bot.cases.record.stages import STAGES, Stage, steps_from
from bot.cases.referrals import opening
from bot.desk.case import wake_all
from bot.desk.family import household_context
from bot.desk.frame import go_to, hand_of, show
from bot.desk.queue import officer_names
from bot.desk.refer import FEARED
from bot.exchange.holds import claimants
from bot.exchange.records import model as carried
from bot.kernel import sessions
from bot.kernel.access import Permission, allows
from bot.kernel.web import Routes, form
from bot.kernel.web_keys import CLOCK, DATABASE, LANGUAGE, OFFICER, SETTINGS, SIGNALS, VAULT
from bot.kernel.words import N_

routes = Routes()


def file_routes(holders: Sequence[Holder]) -> Routes:
    """The routes of the file, with the one by which what was given on a consent is taken back from its `holders`."""
    whole = Routes()
    whole.table.extend(routes.table)

    @whole.post("/desk/cases/{id}/consents/withdraw", name="withdraw_consent", allow=Permission.CONSENT_WITHDRAW)
    async def withdraw(request: web.Request) -> web.StreamResponse:
        fields = await form(request)
        consent_id = fields.get("consent", "")[:36]

        def work(tx: Connection, hand: Hand, case_id: str) -> object:
            return consent.withdraw(tx, hand, case_id, consent_id, holders=holders)

        request.app[SIGNALS].wake("exchange", "post")
        return await _do(request, work, "consent", shown_in=fields.get("shown_in", ""))

    return whole


#: By when a task can be due: hours, and how they are said. A span needs no time zone.
SPANS: Mapping[int, str] = {
    1: N_("in 1 hour"),
    4: N_("in 4 hours"),
    24: N_("tomorrow"),
    72: N_("in 3 days"),
    168: N_("in a week"),
    336: N_("in two weeks"),
    720: N_("in a month"),
}
#: What a consent may name: for another country classes of data, else the fields of the record.
CLASSES_OR_FIELDS = {True: frozenset(consent.CLASSES), False: frozenset(FIELDS)}
CASE_ID = re.compile(r"[0-9a-f-]{36}")
PROBLEMS: Mapping[str, str] = {
    "moved": N_("A colleague changed the same field meanwhile. Both are shown: decide, and save again."),
    "value": N_("This cannot be kept as it is written. Nothing was changed."),
    "incomplete": N_("Something is missing. Nothing was changed."),
    "too_late": N_("The case has moved on. Nothing was changed: look at it again."),
    "no_proof": N_("That is not right. Nothing was opened."),
    "wait": N_("Too many tries. Wait a minute and try again. Nothing was opened."),
    "no_reason": N_("Say why. Nothing was opened."),
    "not_told": N_("First say whether the child was told: it is asked below. Nothing was passed on."),
    "told_watched": N_("This was not sent: somebody else may hold the phone. Nothing was kept."),
    "told_unsafe": N_("This was not sent: it is not the time that the person called safe. Nothing was kept."),
    "no_such_case": N_("No case with this number is yours to see. Nothing was linked."),
    "nobody_there": N_("That colleague cannot sit on this panel. Choose another."),
    "feared": FEARED,
    "no_consent": N_("No file was written: no consent in force covers anything that can be sent."),
}


@routes.get("/desk/cases/{id}/file", name="file", allow=Permission.RECORD_READ)
async def show_file(request: web.Request) -> web.StreamResponse:
    return await file_screen(request)


async def file_screen(
    request: web.Request,
    *,
    template: str = "desk/file.html",
    problem: str = "",
    wrong: Sequence[str] = (),
    typed: MultiDict[str] | None = None,
    said: Sequence[str] = (),
) -> web.Response:
    """The file. `typed` gives back what could not be kept, `wrong` names the fields, `said` says what is missing."""
    hand, case_id = hand_of(request), request.match_info["id"]
    if typed is None:
        typed = _asked_about(request)

    def read(tx: Connection) -> dict[str, Any]:
        record = service.show_record(tx, hand, case_id)
        more = {"problem": PROBLEMS.get(problem), "wrong": wrong, "said": said}
        return file_context(tx, hand, record, typed, more, request.app[SETTINGS].country)

    try:
        return await show(request, template, read, here="case", writes=True, status=409 if problem or said else 200)
    except CaseError:
        raise web.HTTPNotFound from None


def _asked_about(request: web.Request) -> MultiDict[str] | None:
    """Whom the person is asked about, where the way here led through a service of the directory or a partner abroad."""
    told = request.query
    if "service" in told:
        return MultiDict({name: told.get(name, "")[:200] for name in ("service", "named")})
    if "partner" not in told:
        return None
    typed = MultiDict({name: told.get(name, "")[:200] for name in ("partner", "named", "country")})
    typed["purpose"] = Purpose.CROSS_BORDER.value
    typed.extend([("items", item) for item in told.getall("items", []) if item in consent.CLASSES])
    return typed


def file_context(
    tx: Connection, hand: Hand, record: Record, typed: MultiDict[str] | None, more: Mapping[str, Any], own_country: str
) -> dict[str, Any]:
    """Everything the file shows, as far as this officer may see it."""
    case, officer, ledger = record.case, hand.officer, consent.ledger(tx, hand, record.case.id)
    steps = {stage: STAGES[stage] for stage, right in steps_from(case.stage).items() if allows(officer, right, case)}
    return {
        "case": case,
        "record": record,
        "sections": SECTIONS,
        "fields": FIELDS,
        "names": officer_names(tx),
        "attachments": attachments.of_case(tx, hand.vault, case),
        "risks": RISKS,
        "risk_tasks": MADE_TASKS,
        "spans": SPANS,
        "stage_title": STAGES.get(case.stage, case.stage),
        "steps": steps,
        "ledger": ledger,
        "shares": consent.shares_of(tx, case.id),
        "elsewhere": _of_duplicates(tx, hand, case),
        "holds": claimants.standing_holds(tx, case.id),
        **_told_first(tx, hand, record, ledger),
        **household_context(tx, hand.vault, officer, case),
        "seats": panel.of_case(tx, hand.vault, case),
        "panel_is_open": allows(officer, Permission.PANEL_NAME, case) and case.is_open and not _determined(record),
        "colleagues": handover.colleagues(tx, besides=officer.id),
        "purposes": consent.PURPOSES,
        "classes": consent.CLASSES,
        "named_items": {**consent.CLASSES, **consent.TALK, **carried.TITLES},
        "givers": consent.GIVERS,
        "capacities": consent.CAPACITIES,
        "ways": consent.WAYS,
        "override_reasons": consent.OVERRIDE_REASONS,
        "typed": typed or MultiDict(),
        "hands_over": case.is_open and case.owner_id == officer.id and allows(officer, Permission.REFERRAL_SEND, case),
        "transfers": primero.agreed(ledger, hand, case, own_country),
        "why_restricted": unlocking.WHY,
        "proves_by": "code" if officer.has_totp else "password" if officer.has_password else "",
        "reads_restricted": allows(officer, Permission.RECORD_RESTRICTED, case),
        "edits": allows(officer, Permission.RECORD_EDIT, case) and case.is_open,
        "carries": allows(officer, Permission.CARRIED_READ, case),
        "signs": allows(officer, Permission.RISK_SIGN, case),
        "seconds": allows(officer, Permission.CONSENT_OVERRIDE, case),
        "withdraws": allows(officer, Permission.CONSENT_WITHDRAW, case),
        **more,
    }


class _Elsewhere(Struct, frozen=True):
    """What the child agreed to in a case that was closed as a duplicate of this one."""

    case: Case
    ledger: Sequence[Consent]
    shares: Sequence[Share]
    withdraws: bool  # the officer may say that it was taken back


def _of_duplicates(tx: Connection, hand: Hand, case: Case) -> list[_Elsewhere]:
    found = []
    for each in same_child.of_case(tx, case).duplicates:
        try:
            seen = visible(tx, hand.officer, each.id, at=hand.at).case
        except CaseNotFound:  # whoever broke the glass of this case did not break that of the other
            continue
        withdraws = allows(hand.officer, Permission.CONSENT_WITHDRAW, seen)
        if ledger := consent.ledger(tx, hand, seen.id):
            note_in_audit(tx, hand, Permission.RECORD_READ, seen)
            found.append(_Elsewhere(seen, ledger, consent.shares_of(tx, seen.id), withdraws))
    return found


def _determined(record: Record) -> bool:
    decided = record.facts.get(service.DETERMINATION)
    return decided is not None and bool(decided.values)


def _told_first(tx: Connection, hand: Hand, record: Record, ledger: Sequence[Consent]) -> dict[str, Any]:
    """What the child was told before something was passed on, and what still asks for it."""
    case, concerns = record.case, record.facts.get("concerns")
    in_force = [row for row in ledger if row.expires_at > hand.at]
    report, language = telling.ready_words(tx, hand.words, case, telling.REPORT)
    return {
        "tellings": telling.of_case(tx, hand.vault, case),
        "named_shares": {row.id: row.agreement.named for row in ledger},
        "ask_told": telling.open_for(tx, case.id, in_force),
        "must_report": telling.report_is_open(tx, case, () if concerns is None else concerns.values),
        "ready_words": {telling.REPORT: report, "share": telling.ready_words(tx, hand.words, case, "share")[0]},
        "ready_language": language,
        "told_ago": telling.TOLD_AGO,
        "why_not_told": telling.WHY_NOT,
    }


@routes.post("/desk/cases/{id}/file", name="file", allow=Permission.RECORD_EDIT)
async def write_file(request: web.Request) -> web.StreamResponse:
    """Keep one section of the record."""
    case_id, fields, hand = request.match_info["id"], await form(request), hand_of(request)
    section = next((each for each in SECTIONS if each.code == fields.get("section")), None)
    if section is None:
        return await file_screen(request, problem="incomplete")
    codes = [one.code for one in section.fields if f"v-{one.code}" in fields]
    said = {code: fields.getall(f"f-{code}", []) for code in codes}
    seen = {code: fields.get(f"v-{code}", "")[:36] for code in codes}
    try:
        await request.app[DATABASE].write(lambda tx: service.write_fields(tx, hand, case_id, said, seen=seen))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except RecordMoved as moved:
        return await file_screen(request, problem="moved", wrong=moved.fields, typed=fields)
    except WrongValue as wrong:
        return await file_screen(request, problem="value", wrong=[str(wrong.args[0])], typed=fields)
    except CaseError:
        return await file_screen(request, problem="too_late")
    return _back(request, section.code)


@routes.post("/desk/cases/{id}/file/unlock", name="unlock_file", allow=Permission.RECORD_RESTRICTED)
async def unlock(request: web.Request) -> web.StreamResponse:
    """Open what is restricted, after the officer has shown again who they are."""
    case_id, fields, hand = request.match_info["id"], await form(request), hand_of(request)
    why, database, vault, clock = fields.get("why", ""), request.app[DATABASE], request.app[VAULT], request.app[CLOCK]
    try:  # a foreign case is not found, and nothing is spent on it
        await database.read(lambda tx: target(tx, hand, case_id, Permission.RECORD_RESTRICTED, lock=False))
    except CaseError:
        raise web.HTTPNotFound from None
    if why not in unlocking.WHY:
        return await file_screen(request, problem="no_reason")
    proved = await sessions.prove_again(database, vault, clock, request[OFFICER], fields.get("proof", "")[:256])
    if proved.officer is None:
        return await file_screen(request, problem="wait" if proved.wait_seconds else "no_proof")
    return await _do(request, lambda tx, hand, case_id: unlocking.unlock(tx, hand, case_id, why=why), "person")


@routes.post("/desk/cases/{id}/file/lock", name="lock_file", allow=Permission.RECORD_RESTRICTED)
async def lock(request: web.Request) -> web.StreamResponse:
    """Close it again."""
    return await _do(request, unlocking.lock, "person")


@routes.post("/desk/cases/{id}/tasks", name="add_task", allow=Permission.RECORD_EDIT)
async def add_task(request: web.Request) -> web.StreamResponse:
    fields = await form(request)
    hours = int(fields["within"]) if fields.get("within") in {str(span) for span in SPANS} else 0

    def work(tx: Connection, hand: Hand, case_id: str) -> object:
        due_at = hand.at + timedelta(hours=hours) if hours else hand.at - timedelta(hours=1)
        what, why = fields.get("what", ""), fields.get("why", "")
        return service.add_task(tx, hand, case_id, what=what, why=why, due_at=due_at)

    return await _do(request, work, "tasks", fields)


@routes.post("/desk/cases/{id}/tasks/done", name="finish_task", allow=Permission.RECORD_EDIT)
async def finish_task(request: web.Request) -> web.StreamResponse:
    task_id = (await form(request)).get("task", "")[:36]
    return await _do(request, lambda tx, hand, case_id: service.finish_task(tx, hand, case_id, task_id), "tasks")


@routes.post("/desk/cases/{id}/risk", name="assess_risk", allow=Permission.RISK_ASSESS)
async def assess(request: web.Request) -> web.StreamResponse:
    fields = await form(request)
    level = {level.name.lower(): level for level in Risk}.get(fields.get("level", ""))
    if level is None:
        return await file_screen(request, problem="incomplete", typed=fields)
    why = fields.get("why", "")
    return await _do(
        request, lambda tx, hand, case_id: service.assess(tx, hand, case_id, level, why=why), "risk", fields
    )


@routes.post("/desk/cases/{id}/risk/sign", name="sign_risk", allow=Permission.RISK_SIGN)
async def sign(request: web.Request) -> web.StreamResponse:
    risk_id = (await form(request)).get("risk", "")[:36]
    return await _do(request, lambda tx, hand, case_id: service.sign_risk(tx, hand, case_id, risk_id), "risk")


@routes.post("/desk/cases/{id}/stage", name="stage", allow=Permission.CASE_ASSESS)
async def go_to_stage(request: web.Request) -> web.StreamResponse:
    """One step of the work. Which right it asks for is in the table of steps."""
    wanted = (await form(request)).get("stage", "")
    if wanted not in set(Stage):
        return await file_screen(request, problem="incomplete")
    return await _do(request, lambda tx, hand, case_id: service.go_to_stage(tx, hand, case_id, Stage(wanted)), "top")


@routes.post("/desk/cases/{id}/consents", name="record_consent", allow=Permission.CONSENT_RECORD)
async def record_consent(request: web.Request) -> web.StreamResponse:
    """Write a consent into the ledger. What is missing is said, and what was typed stays."""
    case_id, fields, hand = request.match_info["id"], await form(request), hand_of(request)
    agreement = _agreement(fields, hand, request[LANGUAGE])
    if problems := consent.missing(agreement):
        return await file_screen(request, said=problems, typed=fields)
    kept = await _do(request, lambda tx, hand, _: consent.record(tx, hand, case_id, agreement), "consent", fields)
    service_id, to_refer = fields.get("service", "")[:60], agreement.purpose is Purpose.REFERRAL
    if kept.status == 303 and agreement.kind is Kind.CONSENT and to_refer and service_id:
        # They came from the services: the next step is to send it.
        return go_to(request, "refer", id=case_id, notice="saved", query={"service": service_id})
    return kept


def _agreement(fields: MultiDict[str], hand: Hand, language: str) -> Agreement:
    named = fields.get("named", "").strip()[: consent.LONGEST_NAME]
    age = fields.get("age", "")
    days = fields.get("days", "")
    lasts = timedelta(days=int(days)) if days.isdecimal() and 0 < len(days) < 4 and int(days) > 0 else None
    purpose = Purpose(fields["purpose"]) if fields.get("purpose") in set(Purpose) else Purpose.REFERRAL
    known = CLASSES_OR_FIELDS[purpose is Purpose.CROSS_BORDER]
    return Agreement(
        kind=Kind(fields["kind"]) if fields.get("kind") in set(Kind) else Kind.CONSENT,
        purpose=purpose,
        recipient=_recipient(fields, hand, named),
        named=named,
        giver=fields.get("giver", ""),
        capacity=fields.get("capacity", ""),
        language=(fields.get("language") or language)[:16],
        way=fields.get("way", ""),
        text=fields.get("text", "")[: consent.LONGEST_TEXT],
        items=tuple(code for code in fields.getall("items", []) if code in known),
        withheld=tuple(code for code in fields.getall("withheld", []) if code in known),
        age=int(age) if age.isdecimal() and len(age) < 4 else None,
        country=fields.get("country", "").strip().upper()[:2] or None,
        expires_at=hand.at + lasts if lasts else None,
        reason=fields.get("reason") or None,
        why=fields.get("why", ""),
    )


def _recipient(fields: MultiDict[str], hand: Hand, named: str) -> str:
    """Whom it is given to: a partner abroad, a service of the directory, or whoever has this name."""
    if partner_id := fields.get("partner", "")[:36]:
        return f"partner:{partner_id}"
    service_id = fields.get("service", "")[:60]
    return f"service:{service_id}" if service_id else consent.agency(hand, named)


@routes.post("/desk/cases/{id}/consents/second", name="second_consent", allow=Permission.CONSENT_OVERRIDE)
async def second(request: web.Request) -> web.StreamResponse:
    consent_id = (await form(request)).get("consent", "")[:36]
    return await _do(request, lambda tx, hand, case_id: consent.second(tx, hand, case_id, consent_id), "consent")


@routes.post("/desk/cases/{id}/consents/stopped", name="recipient_stopped", allow=Permission.CONSENT_WITHDRAW)
async def stopped(request: web.Request) -> web.StreamResponse:
    fields = await form(request)
    share_id = fields.get("share", "")[:36]

    def work(tx: Connection, hand: Hand, case_id: str) -> None:
        consent.recipient_stopped(tx, hand, case_id, share_id)

    return await _do(request, work, "consent", shown_in=fields.get("shown_in", ""))


@routes.get("/desk/cases/{id}/print", name="print_file", allow=Permission.RECORD_READ)
async def print_file(request: web.Request) -> web.StreamResponse:
    """The file on paper: without navigation, without buttons, only what this officer may see."""
    return await file_screen(request, template="desk/file_print.html")


@routes.get("/desk/cases/{id}/file/history", name="file_history", allow=Permission.RECORD_READ)
async def show_history(request: web.Request) -> web.StreamResponse:
    """Who changed what in the record, and what it said before: of the fields one sees there."""
    hand, case_id = hand_of(request), request.match_info["id"]

    def read(tx: Connection) -> dict[str, Any]:
        record, changes = history.changes(tx, hand, case_id)
        return {"case": record.case, "record": record, "changes": changes, "fields": FIELDS, "names": officer_names(tx)}

    try:
        return await show(request, "desk/file_history.html", read, here="case", writes=True)
    except CaseError:
        raise web.HTTPNotFound from None


@routes.get("/desk/cases/{id}/seen-by", name="seen_by", allow=Permission.CASE_SEEN_BY)
async def seen_by(request: web.Request) -> web.StreamResponse:
    """Who has opened this case, from the audit log."""
    hand, case_id, officer = hand_of(request), request.match_info["id"], request[OFFICER]

    def read(tx: Connection) -> dict[str, Any]:
        readers, glass = service.seen_by(tx, hand, case_id), supervision.glass_of(tx, hand, case_id)
        return {
            "readers": readers,
            "finders": service.found_by(tx, hand, case_id),
            "glass": glass,
            "addresses": opening.of_case(tx, hand, case_id),
            "address_purposes": opening.PURPOSES,
            "marks": False,
            "names": officer_names(tx) | guests.names(tx, hand, case_id),
            "case_id": case_id,
            "me": officer.id,
        }

    try:
        return await show(request, "desk/seen_by.html", read, here="case")
    except CaseError:
        raise web.HTTPNotFound from None


async def _do(
    request: web.Request,
    work: Callable[[Connection, Hand, str], object],
    part: str,
    typed: MultiDict[str] | None = None,
    shown_in: str = "",
) -> web.StreamResponse:
    """Do one thing to the file and show it. Too late or incomplete: nothing changed, and what was typed stays.

    `shown_in` is the case in whose file it was done, where that is another: of a duplicate's consents.
    """
    case_id, hand = request.match_info["id"], hand_of(request)
    try:
        await request.app[DATABASE].write(lambda tx: work(tx, hand, case_id))
    except CaseNotFound:
        raise web.HTTPNotFound from None
    except NotToldFirst:
        return await file_screen(request, problem="not_told", typed=typed)
    except CaseError:
        return await file_screen(request, problem="incomplete" if typed else "too_late", typed=typed)
    wake_all(request, case_id)
    if CASE_ID.fullmatch(shown_in):
        return go_to(request, "file", id=shown_in, notice="saved", part=part)
    return _back(request, part)


def _back(request: web.Request, part: str) -> web.Response:
    return go_to(request, "file", id=request.match_info["id"], notice="saved", part=part)
