"""What happens to a case on its way to another deployment, each step one function of the transaction it belongs to.

The letters are those of any request: a preview, a word that it is accepted, the personal part. Here is what is more
than a request: whose the case is, what travels, that siblings travel together, and that the child arrives.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import alarm, handover_store, household_store, intake, supervision_store, waiting_store
from bot.cases import service as cases
from bot.cases import store as case_store
from bot.cases.hand import AT_DESK, seal, write_down
from bot.cases.model import ACKNOWLEDGE_WITHIN, Case, CaseStatus
from bot.cases.reasons import DRILL, REASONS, TRANSFERRED
from bot.cases.record import store as record
from bot.conversations import service as conversations
from bot.exchange.holds import claimants, placing
from bot.exchange.requests import gate_store, sending
from bot.exchange.requests import store as requests
from bot.exchange.requests.history import note
from bot.exchange.requests.model import ENDED, Act, NotNow, Request, Side, Status, is_one_of
from bot.exchange.requests.transfer import file as files
from bot.exchange.requests.transfer import store
from bot.exchange.requests.transfer.file import BadFile, CaseFile
from bot.exchange.requests.transfer.model import (
    BANDS,
    TRANSFER,
    Preview,
    State,
    Transfer,
    arrival_due,
    band_of,
)
from bot.kernel import officers
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id

SYSTEM = sending.SYSTEM
LONGEST_GROUP = 20


def is_transfer(request: Request) -> bool:
    return request.type_key == TRANSFER


# Offering


def require_not_handed(tx: Connection, case_id: str, *, minutes_count: bool) -> None:
    """Raises NotNow about a case whose file is on its way or that has moved. An alert still goes."""
    given = store.given(tx, case_id)
    if given is not None and given.state in (State.HANDED, State.MOVED) and not minutes_count:
        raise NotNow("handed_over")


def travellers(tx: Connection, request: Request) -> list[Request]:
    """The approved requests that leave together with this one, itself among them: one for each brother and sister.

    Raises NotNow where a sibling's case has none to the same partner, or where one of the cases still asks somebody
    else: an answer that comes after the case has moved would reach nobody.
    """
    assert request.case_id is not None
    together = [request]
    for case_id in household_store.siblings_of(tx, request.case_id):
        found = case_store.get_case(tx, case_id)
        if found is None or not found.case.is_open:
            continue
        theirs = [
            each.request
            for each in requests.of_case(tx, case_id, lock=True)
            if each.request.type_key == TRANSFER
            and each.request.side is Side.OURS
            and each.request.partner_id == request.partner_id
            and each.request.status is Status.APPROVED
        ]
        if not theirs:
            raise NotNow("siblings")
        together.append(theirs[0])
    if len(together) > LONGEST_GROUP:
        raise NotNow("siblings")
    for each in together:
        _require_free(tx, each)
    return together


def _require_free(tx: Connection, request: Request) -> None:
    assert request.case_id is not None
    if store.given(tx, request.case_id) is not None:
        raise NotNow("already_offered")
    waiting = [
        other.request
        for other in requests.of_case(tx, request.case_id)
        if other.request.id != request.id
        and other.request.side is Side.OURS
        and other.request.sent_at is not None
        and other.request.status not in ENDED
        and not other.request.one_person
    ]
    if waiting:
        raise NotNow("still_asking")


def offer(
    tx: Connection, vault: Vault, request: Request, *, group: str, size: int, body: Mapping[str, Any], at: datetime
) -> dict[str, Any]:
    """Offer a case to the partner of an approved request. Returns what the preview says beside the request: codes of
    which none tells who it is. Raises NotNow where the case is on its way already."""
    assert request.case_id is not None
    found = case_store.get_case(tx, request.case_id)
    if found is None:
        raise NotNow
    preview = Preview(
        group=group,
        size=size,
        band=band_of(at.year - int(body["fields"]["birth_year"])),
        language=found.case.language,
        hold=bool(claimants.standing_holds(tx, request.case_id)),
        wanted_by=body.get("wanted_by", ""),
    )
    offered = Transfer(request.id, True, State.OFFERED, preview, request.case_id)
    if not store.add(tx, offered):
        raise NotNow("already_offered")
    note(tx, vault, request, "offered", at=at)
    return _said(preview)


def offered(tx: Connection, request: Request) -> dict[str, Any]:
    """The same of an offer that was made, for when its letter did not get there; nothing where none stands."""
    transfer = store.get(tx, request.id)
    if transfer is None or not transfer.giver or transfer.state is not State.OFFERED or request.case_id is None:
        return {}
    held = bool(claimants.standing_holds(tx, request.case_id))
    return {"transfer": _said(replace(transfer.preview, hold=held or transfer.preview.hold))}


def _said(preview: Preview) -> dict[str, Any]:
    return {
        "group": preview.group,
        "size": preview.size,
        "band": preview.band,
        "language": preview.language,
        "hold": preview.hold,
        "wanted_by": preview.wanted_by,
    }


def previewed(tx: Connection, request: Request, said: object) -> None:
    """A partner offers a case. Raises BadFile where the offer cannot be read."""
    if not isinstance(said, dict):
        raise BadFile("transfer")
    group, size, band, language = (said.get(name) for name in ("group", "size", "band", "language"))
    wanted_by = said.get("wanted_by", "")
    fits = (
        isinstance(group, str)
        and len(group) == len(request.id)
        and type(size) is int
        and 0 < size <= LONGEST_GROUP
        and is_one_of(band, BANDS)
        and isinstance(language, str)
        and 2 <= len(language) <= 16
        and type(said.get("hold")) is bool
        and isinstance(wanted_by, str)
        and len(wanted_by) <= 36
    )
    if not fits:
        raise BadFile("transfer")
    assert isinstance(group, str)
    assert isinstance(size, int)
    assert isinstance(language, str)
    others = store.of_group(tx, group, giver=False)
    if any(other.preview.size != size for other in others) or len(others) >= size:
        raise BadFile("transfer")
    for other in others:
        known = requests.get_request(tx, other.request_id)
        if known is None or known.request.partner_id != request.partner_id:
            raise BadFile("transfer")  # nobody joins the group of another partner
    preview = Preview(group, size, str(band), language, said["hold"], wanted_by)
    store.add(tx, Transfer(request.id, False, State.OFFERED, preview, None))


def together_with(tx: Connection, request: Request, *, lock: bool = True) -> list[Request]:
    """Every request of the group a request travels in, itself among them; alone where it is no transfer. Locked, unless
    they are only looked at."""
    transfer = store.get(tx, request.id)
    if transfer is None:
        return [request]
    found = []
    for each in store.of_group(tx, transfer.preview.group, giver=transfer.giver):
        sealed = requests.get_request(tx, each.request_id, lock=lock)
        if sealed is not None:
            found.append(sealed.request)
    return found


def require_complete(tx: Connection, request: Request) -> None:
    """Raises NotNow while the offer of a brother or sister has not come yet, and where one has ended: they are accepted
    together."""
    transfer = store.get(tx, request.id)
    if transfer is None:
        return
    together = store.of_group(tx, transfer.preview.group, giver=False)
    if any(each.state is State.STAYED for each in together):
        raise NotNow("sibling_stays")
    if len(together) < transfer.preview.size:
        raise NotNow("siblings_missing")


# Handing over


def part_of_body(tx: Connection, vault: Vault, request: Request) -> dict[str, Any]:
    """What the personal part of a transfer says beside its fields: the file. Nothing for any other request."""
    transfer = store.get(tx, request.id)
    if transfer is None or not transfer.giver or request.case_id is None:
        return {}
    found = case_store.get_case(tx, request.case_id)
    if found is None:
        raise NotNow
    return {"file": files.gather(tx, vault, found.case, sending.situation_of(tx, vault, request))}


def handed(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    """The file is in the post: from now on only the partner's word, or proof that they do not have it, decides."""
    transfer = store.get(tx, request.id, lock=True)
    if transfer is not None:
        _move(tx, vault, request, transfer, State.HANDED, at=at, handed_at=at)


def not_taken(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    """The letter with the file was refused, stopped or ran out: it is proven that nobody opened it."""
    transfer = store.get(tx, request.id, lock=True)
    if transfer is not None and transfer.allows(State.OFFERED):
        _move(tx, vault, request, transfer, State.OFFERED, at=at, handed_at=None)


def stays(tx: Connection, vault: Vault, request: Request, *, at: datetime, proven: bool) -> None:
    """The request has ended without a move. With the file on its way the case stays only where that is proven."""
    transfer = store.get(tx, request.id, lock=True)
    if transfer is None or not transfer.allows(State.STAYED):
        return
    if transfer.state is State.HANDED and transfer.giver and not proven:
        return
    _move(tx, vault, request, transfer, State.STAYED, at=at)


def moved_there(tx: Connection, vault: Vault, request: Request, planned: str, *, at: datetime) -> None:
    """The partner has opened the case: it is theirs. The same word again changes nothing."""
    transfer = store.get(tx, request.id, lock=True)
    if transfer is None or not transfer.giver or transfer.state is State.MOVED:
        return
    if not transfer.allows(State.MOVED):
        note(tx, vault, request, "taken_against_word", at=at)  # somebody here was told that they do not have it
        ring(tx, request.case_id, at=at)
        return
    _move(
        tx, vault, request, transfer, State.MOVED, at=at, moved_at=at, arrival_due_at=arrival_due(planned, at)
    )  # fmt: skip
    found = case_store.get_case(tx, request.case_id or "")
    if found is not None:
        if transfer.handed_at is not None:  # they went along in the file: done there, and to nobody here overdue
            record.end_tasks_until(tx, found.case.id, transfer.handed_at, SYSTEM, at)
        facts = {"request": request.id, "partner": request.partner_id}
        write_down(tx, vault, found.case, "moved_abroad", officer_id=None, at=at, facts=facts)


def hands_over(tx: Connection, request: Request) -> bool:
    """Whether a case changes hands by this request, once it is accepted."""
    return store.get(tx, request.id) is not None


def has_moved(tx: Connection, request: Request) -> bool:
    transfer = store.get(tx, request.id)
    return transfer is not None and transfer.state is State.MOVED


# Taking


def file_came(tx: Connection, vault: Vault, request: Request, said: object, *, at: datetime) -> None:
    """The file of a case that we accepted is here, sealed with the request. Where it was the last of its group, every
    case of the group is opened in this very transaction. Raises BadFile."""
    transfer = store.get(tx, request.id, lock=True)
    if transfer is None:
        raise BadFile("transfer")
    files.read(said)
    _move(tx, vault, request, transfer, State.HANDED, at=at, handed_at=at)
    group = store.of_group(tx, transfer.preview.group, giver=False)
    if len(group) == transfer.preview.size and all(each.state is State.HANDED for each in group):
        opened = [_take(tx, vault, each, at=at) for each in group]
        for case in opened[1:]:
            _siblings(tx, opened[0].id, case.id, by=request.partner_id, at=at)
        for case in opened:
            placing.look_around(tx, vault, case.id, at=at)


def _take(tx: Connection, vault: Vault, transfer: Transfer, *, at: datetime) -> Case:
    sealed = requests.get_request(tx, transfer.request_id, lock=True)
    assert sealed is not None  # a transfer points at its request by a foreign key
    request, key = sealed.request, vault.key(tx, sealed.request.key_id)
    body = key.open_json(sealed.body_sealed or b"", table="exchange_requests", row=request.id, field="body")
    file = files.read(body.pop("file"))
    wanted = _wanted_for(tx, request, transfer)
    if wanted is None:
        case = _open(tx, vault, request, file, body["fields"], at=at)
    else:
        case = _as_urgent(tx, wanted, file, at=at)
    by = request.partner_id
    differ = files.write_facts(tx, vault, case, file, by=by, at=at)
    if differ:
        text = json.dumps({code: list(values) for code, values in differ.items()}, ensure_ascii=False)
        files.write_note(tx, vault, case, text, by=by, at=at)
    for theirs, ours in files.write_rest(tx, vault, case, file, by=by, at=at).items():
        note(tx, vault, request, "hold_came", at=at, facts={"hold": ours, "theirs": theirs})
    _keep_situation(tx, vault, case, file, by=by, at=at)
    _let_be_found(tx, vault, case, file)
    due = arrival_due(str(body["fields"].get("arrival", "")), at)
    _move(tx, vault, request, transfer, State.MOVED, at=at, case_id=case.id, moved_at=at, arrival_due_at=due)
    body_sealed = key.seal_json(body, table="exchange_requests", row=request.id, field="body")
    requests.reseal_body(tx, request.id, body_sealed)  # the file is in the case now, and nowhere twice
    facts = {"request": request.id, "partner": request.partner_id}
    write_down(tx, vault, case, "moved_here", officer_id=None, at=at, facts=facts)
    sending.send(tx, vault, request, "case_taken", {}, actor=SYSTEM, at=at)
    return case


def _wanted_for(tx: Connection, request: Request, transfer: Transfer) -> Case | None:
    """The open case of ours that asked this partner for the file."""
    asked = requests.get_request(tx, transfer.preview.wanted_by) if transfer.preview.wanted_by else None
    if asked is None or asked.request.side is not Side.OURS or asked.request.partner_id != request.partner_id:
        return None
    found = case_store.get_case(tx, asked.request.case_id or "", lock=True)
    return found.case if found is not None and found.case.is_open else None


def _as_urgent(tx: Connection, case: Case, file: CaseFile, *, at: datetime) -> Case:
    """A case of ours that asked for the file: as urgent as the file says, if that is more, and whoever holds it is
    called, for a hold or a danger may stand in it."""
    reason = file.reason if file.reason in REASONS and file.reason != DRILL else case.reason
    raised = case.raised(reason, file.priority, at=at)
    if raised is not case and not case_store.save_case(tx, case, raised):
        raise NotNow
    alarm.ring(tx, raised, at=at)
    supervision_store.owe_review(tx, raised, at)
    return raised


def _open(
    tx: Connection, vault: Vault, request: Request, file: CaseFile, fields: Mapping[str, str], *, at: datetime
) -> Case:
    """A case of our own, held by whoever accepted it; they are rung, for they have promised to look."""
    officer = officers.get_officer(tx, request.handler_id) if request.handler_id else None
    owner_id = officer.id if officer is not None and officer.active else None
    conversation_id = conversations.open_conversation(
        tx, vault, channel=AT_DESK, account=AT_DESK, address=new_id(), language=file.language, at=at, demo=request.demo
    )
    key = vault.new_key(tx, at)
    case = Case(
        id=new_id(),
        number=cases.free_number(tx),
        conversation_id=conversation_id,
        key_id=key.id,
        reason=file.reason if file.reason in REASONS and file.reason != DRILL else "report_case",
        priority=file.priority,
        status=CaseStatus.NEW if owner_id is None else CaseStatus.CLAIMED,
        owner_id=owner_id,
        language=file.language,
        country=file.country,
        source="transfer",
        reporter=False,
        opened_at=at,
        due_at=at + ACKNOWLEDGE_WITHIN[file.priority],
        claimed_at=at if owner_id else None,
        officer_wrote_at=at,  # whoever had the case spoke with the child last: nobody waits in a talk here
        demo=request.demo,
    )
    case_store.add_case(tx, case, words_sealed=seal(key, case.id, "words", fields["summary"]), place_sealed=None)
    alarm.ring(tx, case, at=at)
    supervision_store.owe_review(tx, case, at)
    facts = {"reason": case.reason, "priority": case.priority.value, "source": case.source}
    write_down(tx, vault, case, "opened", officer_id=None, at=at, facts=facts)
    return case


def _keep_situation(tx: Connection, vault: Vault, case: Case, file: CaseFile, *, by: str, at: datetime) -> None:
    """Whom the child fears counts here from the first moment. What we had recorded ourselves is not made less: a fear
    that either side knows of is a fear."""
    came, key, row_id = file.situation, vault.key(tx, case.key_id), new_id()
    known = gate_store.situation_row(tx, case.id)
    if known is not None and known.sealed is not None:
        ours = key.open_json(known.sealed, table="exchange_situations", row=known.id, field="situation")
        fears = None if came.fears is None or ours["fears"] is None else came.fears | set(ours["fears"])
        said = (came.asylum, ours["asylum"])
        asylum = True if True in said else None if None in said else False
        origins = came.origins | set(ours["origins"])
    else:
        fears, asylum, origins = came.fears, came.asylum, came.origins
    known_now = {"fears": None if fears is None else sorted(fears), "asylum": asylum, "origins": sorted(origins)}
    sealed = key.seal_json(known_now, table="exchange_situations", row=row_id, field="situation")
    gate_store.add_situation(tx, row_id=row_id, subject_id=case.id, officer_id=by, at=at, sealed=sealed)


def _let_be_found(tx: Connection, vault: Vault, case: Case, file: CaseFile) -> None:
    names = " ".join(value for code in ("name", "other_names") for value in file.facts.get(code, ()))
    wanted = intake.Wanted(name=names, born=next(iter(file.facts.get("born", ())), ""))
    if not wanted.empty:
        case_store.add_fingerprints(tx, case.id, intake.fingerprints(vault, wanted))


# Arriving


def seen_here(tx: Connection, vault: Vault, request: Request, *, officer_id: str, at: datetime) -> Request:
    """An officer here has seen the child. The giver is told, and keeps nothing from then on. Raises NotNow."""
    transfer = _awaiting(tx, request)
    store.save(tx, transfer, replace(transfer, arrived_at=at))
    sending.send(tx, vault, request, "case_arrived", {}, actor=officer_id, at=at)
    note(tx, vault, request, "child_arrived", officer_id=officer_id, at=at)
    return _answered(tx, vault, request, at=at)


def missed_here(tx: Connection, vault: Vault, request: Request, *, officer_id: str, at: datetime) -> None:
    """The child did not come. Both sides are rung at once. Raises NotNow."""
    transfer = _awaiting(tx, request)
    store.save(tx, transfer, replace(transfer, missed_at=at))
    sending.send(tx, vault, request, "case_missed", {}, actor=officer_id, at=at)
    note(tx, vault, request, "child_missed", officer_id=officer_id, at=at)
    ring(tx, transfer.case_id, at=at)


def _awaiting(tx: Connection, request: Request) -> Transfer:
    transfer = store.get(tx, request.id, lock=True)
    if transfer is None or transfer.giver or not transfer.awaits_child:
        raise NotNow
    return transfer


def seen_there(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    """The partner has seen the child: our copy is destroyed, and what stays is where the case is."""
    transfer = store.get(tx, request.id, lock=True)
    if transfer is None or not transfer.giver or not transfer.awaits_child:
        return
    store.save(tx, transfer, replace(transfer, arrived_at=at))
    note(tx, vault, request, "child_arrived", at=at)
    _answered(tx, vault, request, at=at)
    if not finish(tx, vault, request.case_id, at=at):
        ring(tx, request.case_id, at=at)


def missed_there(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    transfer = store.get(tx, request.id, lock=True)
    if transfer is None or not transfer.giver or not transfer.awaits_child:
        return
    store.save(tx, transfer, replace(transfer, missed_at=at))
    note(tx, vault, request, "child_missed", at=at)
    ring(tx, request.case_id, at=at)


def call_for_missed(tx: Connection, vault: Vault, request_id: str, *, at: datetime) -> bool:
    """Nobody has said in time that the child arrived: whoever holds the case on this side is rung, once."""
    transfer = store.get(tx, request_id, lock=True)
    sealed = requests.get_request(tx, request_id)
    if transfer is None or sealed is None or not transfer.awaits_child or transfer.missed_at is not None:
        return False
    store.save(tx, transfer, replace(transfer, missed_at=at))
    note(tx, vault, sealed.request, "arrival_unconfirmed", at=at)
    ring(tx, transfer.case_id, at=at)
    return True


def finish(tx: Connection, vault: Vault, case_id: str | None, *, at: datetime) -> bool:
    """Close a case that has moved and whose child has arrived, and destroy what it says: a pointer stays, no copy.

    Not while an alert about the child is still open here, nor while the person waits for an answer here: nobody would
    read them once the case is closed. Whoever watches the due dates comes back to it.
    """
    given = store.given(tx, case_id) if case_id else None
    found = case_store.get_case(tx, case_id or "", lock=True)
    if given is None or found is None or given.state is not State.MOVED or given.arrived_at is None:
        return False
    case = found.case
    if _asks_still(tx, given) or (case.is_open and (case.person_waits or waiting_store.is_waiting(tx, case.id))):
        return False
    if case.is_open:
        closed = replace(case, status=CaseStatus.CLOSED, closed_at=at, closing=TRANSFERRED, offered_to=None)
        handover_store.end_offers(tx, case.id, "withdrawn", at=at)
        if not case_store.save_case(tx, case, closed):
            raise NotNow
        alarm.acknowledge(tx, case.id, officer_id=SYSTEM, at=at)
        conversations.hand_back(tx, case.conversation_id, at)
        write_down(tx, vault, closed, "close", officer_id=None, at=at, facts={"closing": TRANSFERRED})
    vault.destroy(tx, case.key_id, at)
    return True


def _asks_still(tx: Connection, given: Transfer) -> bool:
    """Whether somebody else is still asked about the child from here."""
    return any(
        each.request.side is Side.OURS
        and each.request.sent_at is not None
        and each.request.status not in ENDED
        and each.request.id != given.request_id
        for each in requests.of_case(tx, given.case_id or "")
    )


def _answered(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> Request:
    """With the child there, nothing more is owed."""
    if not request.allows(Act.ANSWER_ALL):
        return request
    answered = request.after(Act.ANSWER_ALL, at=at)
    if not requests.save_request(tx, request, answered):
        raise NotNow
    note(tx, vault, answered, Act.ANSWER_ALL, at=at)
    return answered


# Siblings


def _siblings(tx: Connection, first: str, second: str, *, by: str, at: datetime) -> None:
    family = household_store.family_of(tx, first) or new_id()
    household_store.join_family(tx, family, first, by=by, at=at)
    household_store.join_family(tx, family, second, by=by, at=at)


def say_siblings(tx: Connection, vault: Vault, first: Case, second: Case, *, by: str, at: datetime) -> None:
    """Two cases are of brothers or sisters: from now on they are handed over together or not at all."""
    if first.id == second.id:
        raise NotNow
    _siblings(tx, first.id, second.id, by=by, at=at)
    placing.look_around(tx, vault, first.id, at=at)
    for one, other in ((first, second), (second, first)):
        write_down(tx, vault, one, "siblings", officer_id=by, at=at, facts={"case": other.id})


def part_siblings(tx: Connection, vault: Vault, case: Case, *, by: str, at: datetime) -> None:
    """A case leaves its family: they are no siblings, or their best interests ask for it."""
    if not household_store.leave_family(tx, case.id):
        raise NotNow
    write_down(tx, vault, case, "siblings_parted", officer_id=by, at=at)


# What everything above stands on


def case_taken_for(tx: Connection, request: Request) -> str | None:
    """The case of ours that came through a partner's request."""
    transfer = store.get(tx, request.id)
    return None if transfer is None or transfer.giver else transfer.case_id


def ring_taken(tx: Connection, request: Request, *, at: datetime) -> None:
    ring(tx, case_taken_for(tx, request), at=at)


def ring(tx: Connection, case_id: str | None, *, at: datetime) -> None:
    """Call whoever holds a case: its alarm says that a case waits, and nothing of why."""
    found = case_store.get_case(tx, case_id) if case_id else None
    if found is not None and found.case.is_open:
        alarm.ring(tx, found.case, at=at)


def _move(
    tx: Connection, vault: Vault, request: Request, transfer: Transfer, state: State, *, at: datetime, **known: Any
) -> None:
    """Raises NotNow for a move that is not lawful, or where somebody else was quicker."""
    if not transfer.allows(state):
        raise NotNow
    if not store.save(tx, transfer, replace(transfer, state=state, **known)):
        raise NotNow
    note(tx, vault, request, f"transfer_{state}", at=at)
