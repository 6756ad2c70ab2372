"""Passing on what came from a partner: whoever told us hears who has it now, and that they let it go again.

What came with a case that was handed to us, or with a request of a partner that an officer named in a draft, or as the
answers to a request of ours that they named, is passed on when a request of ours tells it. The notice is a letter like
any other: it goes through the gate, with the fears of the child's case here, for it says where in the world the child
is spoken of, and only to whom the child agreed to tell. Where either is missing, one of codes says that one more has
it, and neither who nor where: nobody who told us counts the holders too few.

What a partner says of those below it is its word. It can say too much or too little of its own branch, and nothing of
anybody else's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.exchange.gate import GateShut
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed, Partner
from bot.exchange.requests import history_store, letters_store, sending
from bot.exchange.requests import store as requests
from bot.exchange.requests.history import note
from bot.exchange.requests.model import NoConsent, NotNow, Request, Side, Status
from bot.exchange.requests.passing import store
from bot.exchange.requests.passing.model import (
    HOLDER_FORGOT,
    MOST,
    PASSED_FURTHER,
    PASSED_ON,
    Holder,
    NeverTold,
    TooManyHolders,
    read_passed_on,
    read_passing,
    read_passings,
)
from bot.exchange.requests.transfer import store as transfer_store
from bot.kernel.crypto import Vault

#: A notice that could not be sent, or did not arrive, is said again so often.
SAID_AGAIN_AFTER = timedelta(days=1)
#: In the history of a request of ours: its partner took back what it had answered.
ANSWERS_FORGOTTEN = "answers_forgotten"
#: Of a partner of ours without Waymark nobody knows a lasting name.
NO_NAME = ""


# Passing on


def plan(tx: Connection, request: Request, source_id: str) -> None:
    """A draft of ours tells what came with this request of theirs, or what they answered to this one of ours: they hear
    of it, once it goes. Raises NotNow where they have taken it back."""
    source = requests.get_request(tx, source_id, lock=True)
    if source is None or _is_taken_back(tx, source.request):
        raise NotNow("taken_back")
    store.add(tx, Holder(source_id, request.id, of_answer=_we_say(source.request), case_id=request.case_id))


def _we_say(source: Request) -> bool:
    """Of which of the two that a request tells it is we who say who has it: of their answers where we asked."""
    return source.side is Side.OURS


def _we_are_told(request: Request) -> bool:
    return not _we_say(request)


def _is_taken_back(tx: Connection, source: Request) -> bool:
    """Whether its partner took back what we had from them through it."""
    if source.side is Side.OURS:
        return history_store.happened(tx, source.id, ANSWERS_FORGOTTEN)
    return source.status is Status.WITHDRAWN


def planned(tx: Connection, request_id: str) -> list[str]:
    """The requests through which we had what a request of ours tells, or will tell."""
    return [each.request_id for each in store.of_passing(tx, request_id)]


def is_taken_back_above(tx: Connection, request_id: str) -> bool:
    """Whether somebody took back what a request of ours tells."""
    sources = [requests.get_request(tx, each) for each in planned(tx, request_id)]
    return any(each is not None and _is_taken_back(tx, each.request) for each in sources)


def passed_by_us(tx: Connection, source: Request) -> list[str]:
    """The requests by which we passed on, or will, what we had from the partner through this one."""
    return _by_us(tx, source.id, of_answer=_we_say(source))


def _by_us(tx: Connection, source_id: str, *, of_answer: bool) -> list[str]:
    return [each.passing for each in store.of_request(tx, source_id, of_answer=of_answer) if each.is_by_us]


def passed_on(tx: Connection, vault: Vault, request: Request, fields: Iterable[str], *, at: datetime) -> None:
    """A request of ours has told its partner something: everybody from whom its case came hears who has it now."""
    partner = partners.get(tx, request.partner_id, vault)
    if request.case_id is None or partner is None:
        return
    came = [each.request_id for each in transfer_store.taken(tx, request.case_id)]
    items = tuple(sorted({*fields, *sending.items_of(request)}))
    for source_id in dict.fromkeys([*came, *planned(tx, request.id)]):
        source, known = requests.get_request(tx, source_id), store.get(tx, source_id, request.id, lock=True)
        assert source is not None  # a passing points at its request by a foreign key
        if known is not None and known.holds and known.is_by_us:
            continue
        _has_it(tx, vault, source.request, request, partner, items, case_id=request.case_id, at=at)


def may_answer_with(tx: Connection, request: Request, source_id: str) -> Request:
    """The request through which a partner told us what an answer of ours to another one's request tells. Raises NotNow
    where they took it back."""
    source = requests.get_request(tx, source_id, lock=True)
    if source is None or _is_taken_back(tx, source.request):
        raise NotNow("taken_back")
    return source.request


def answered_on(
    tx: Connection, vault: Vault, request: Request, source_ids: Iterable[str], keys: Iterable[str], *, at: datetime
) -> None:
    """Answers of ours to a partner's request told what others had told us: they hear who has it now. The passing bears
    the name of that request, as if it had been made by asking. Whoever asked is told nothing of what they told us
    themselves. Raises NotNow where somebody took it back meanwhile."""
    partner = partners.get(tx, request.partner_id, vault)
    items = tuple(sorted({*keys, *sending.items_of(request)}))
    for source_id in dict.fromkeys(source_ids):
        source = may_answer_with(tx, request, source_id)
        if partner is not None and source.partner_id != request.partner_id:
            _has_it(tx, vault, source, request, partner, items, case_id=source.case_id, at=at)


def _has_it(
    tx: Connection,
    vault: Vault,
    source: Request,
    request: Request,
    partner: Partner,
    items: tuple[str, ...],
    *,
    case_id: str | None,
    at: datetime,
) -> None:
    """The partner of a request has from now on what came through the source; whoever told us hears it."""
    holder = Holder(
        source.id,
        request.id,
        of_answer=_we_say(source),
        case_id=case_id,
        deployment=partner.deployment or NO_NAME,
        country=partner.country,
        items=items,
        at=at,
    )
    _keep(tx, holder)
    _say(tx, vault, holder, at=at)


def _keep(tx: Connection, holder: Holder) -> None:
    if not store.add(tx, holder):
        store.save(tx, holder)


def _say(tx: Connection, vault: Vault, holder: Holder, *, at: datetime) -> bool:
    """Tell whoever told us how it stands with somebody below us. Where it cannot be said now it is owed."""
    sealed = requests.get_request(tx, holder.request_id)
    assert sealed is not None  # a passing points at its request by a foreign key
    source = sealed.request
    for kind, body in _words(holder):
        savepoint = tx.begin_nested()
        try:
            letter = sending.send(tx, vault, source, kind, body, actor=sending.SYSTEM, at=at)
        except (GateShut, NoConsent):
            savepoint.rollback()
            continue
        except ChannelClosed:
            savepoint.rollback()
            break
        savepoint.commit()
        store.save(tx, replace(holder, letter=letter, tried_at=at))
        note(tx, vault, source, f"{kind}_said", at=at, facts={"passing": holder.passing})
        return True
    store.save(tx, replace(holder, letter=None, tried_at=at))
    note(tx, vault, source, "passing_not_told", at=at, once=f"not_told:{source.id}:{holder.passing}")
    return False


def _words(holder: Holder) -> list[tuple[str, dict[str, Any]]]:
    """The letters that would do, the one that says most first."""
    name: dict[str, Any] = {"passing": holder.passing}
    if holder.forgotten_at is not None:
        return [(HOLDER_FORGOT, name)]
    placed = {**name, "parent": holder.parent}
    named = {**placed, "holder": holder.deployment, "country": holder.country, "items": list(holder.items)}
    return [(PASSED_ON, named), (PASSED_FURTHER, placed)] if holder.is_named else [(PASSED_FURTHER, placed)]


def notice_failed(tx: Connection, envelope_id: str) -> None:
    """A word of ours did not arrive: it is said again."""
    holder = store.of_letter(tx, envelope_id)
    if holder is not None:
        store.save(tx, replace(holder, letter=None))


def notice_refused(tx: Connection, vault: Vault, source: Request, envelope_id: str, *, at: datetime) -> None:
    """A word of ours is one that they never take: it is not said again, and history says that it was not heard."""
    holder = store.of_letter(tx, envelope_id)
    if holder is not None:
        facts, once = {"passing": holder.passing}, f"refused:{source.id}:{holder.passing}"
        note(tx, vault, source, "passing_refused", at=at, facts=facts, once=once)


def owed(tx: Connection, at: datetime, *, limit: int = 100) -> list[Holder]:
    """Those of whom whoever told us has not heard."""
    return store.owed(tx, tried_before=at - SAID_AGAIN_AFTER, limit=limit)


def say_again(tx: Connection, *, vault: Vault, holder: Holder, at: datetime) -> bool:
    """Say what is owed once more. False where it still cannot be said, or was said meanwhile."""
    now = store.get(tx, holder.request_id, holder.passing, lock=True)
    return now is not None and now.letter is None and now.tried_at == holder.tried_at and _say(tx, vault, now, at=at)


# Hearing


def heard(tx: Connection, vault: Vault, request: Request, said: Mapping[str, Any], *, at: datetime) -> bool:
    """The partner of a request says that somebody has from it what we told it, or answered. Those who told us hear it
    too. False where we had heard of them before.

    Raises BadNotice, NeverTold, TooManyHolders.
    """
    told = read_passed_on(said)
    _must_have_been_told(tx, request)
    known, of_answer = store.get(tx, request.id, told.passing, lock=True), _we_are_told(request)
    if known is not None and (known.of_answer is not of_answer or known.is_named or not told.is_named):
        return False
    if known is None:
        _must_have_room(tx, request)
    if known is None:
        holder = replace(told, request_id=request.id, of_answer=of_answer, at=at)
    else:
        holder = replace(known, deployment=told.deployment, country=told.country, items=told.items)
    _keep(tx, holder)
    note(tx, vault, request, "passed_on_there", at=at, facts={"passing": told.passing})
    for above in store.of_passing(tx, request.id):
        if above.at is not None:
            _relay(tx, vault, above, request, holder, at=at)
    return known is None


def _relay(tx: Connection, vault: Vault, above: Holder, request: Request, holder: Holder, *, at: datetime) -> None:
    """Say it to whoever told us; what is more than it may hear is left out by `_say`. What we said of ourselves, or
    heard from another whom we told the same, is not this partner's to change."""
    known = store.get(tx, above.request_id, holder.passing, lock=True)
    if known is not None and (known.of_answer is not above.of_answer or known.is_named or not known.holds):
        return
    if known is not None and not _is_of_branch(tx, known, request):
        return
    if known is None and len(store.of_request(tx, above.request_id, of_answer=above.of_answer)) >= MOST:
        return  # the one above would refuse it
    passed = replace(
        holder,
        request_id=above.request_id,
        parent=holder.parent or above.passing,
        of_answer=above.of_answer,
        case_id=above.case_id,
        letter=None,
        tried_at=None,
    )
    _keep(tx, passed)
    _say(tx, vault, passed, at=at)


def holder_forgot(tx: Connection, vault: Vault, request: Request, said: object, *, at: datetime) -> None:
    """The partner of a request says that one below it keeps nothing. Raises as `heard`."""
    _forgot(tx, vault, request, read_passing(said), at=at)


def _is_of_branch(tx: Connection, above: Holder, request: Request) -> bool:
    """Whether what we passed up about somebody rests on the word of this request's partner alone."""
    if above.is_by_us:
        return False
    beside = [each for each in _by_us(tx, above.request_id, of_answer=above.of_answer) if each != request.id]
    return not any(other.holds for each in beside if (other := store.get(tx, each, above.passing)) is not None)


def below_said(tx: Connection, vault: Vault, request: Request, said: Mapping[str, Any], *, at: datetime) -> None:
    """What the partner says of those below it when it confirms that it keeps nothing itself: who has not confirmed yet,
    of whom we may not have heard, and who has. Older partners say nothing of it. Raises as `heard`."""
    still, gone = (read_passings(said.get(name, [])) for name in ("below", "gone"))
    for passing in still:
        if store.get(tx, request.id, passing) is None:
            heard(tx, vault, request, {"passing": passing}, at=at)
    for passing in gone:
        _forgot(tx, vault, request, passing, at=at)


def _forgot(tx: Connection, vault: Vault, request: Request, passing: str, *, at: datetime) -> None:
    _must_have_been_told(tx, request)
    known = store.get(tx, request.id, passing, lock=True)
    of_answer = _we_are_told(request)
    if known is not None and (known.forgotten_at is not None or known.of_answer is not of_answer):
        return
    if known is None:  # that they ever had it was never told, or got lost
        _must_have_room(tx, request)
        known = Holder(request.id, passing, of_answer=of_answer, at=at)
    _keep(tx, replace(known, forgotten_at=at))
    note(tx, vault, request, "holder_forgot", at=at, facts={"passing": passing})
    branch_let_go(tx, vault, request, passing, at=at)


def partner_forgot(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    """The partner of a request of ours keeps nothing of it any more: those who told us hear it."""
    for above in store.of_passing(tx, request.id):
        _let_go(tx, vault, above, at=at)


def branch_let_go(tx: Connection, vault: Vault, request: Request, passing: str, *, at: datetime) -> None:
    """Somebody below the partner of a request of ours keeps nothing: those to whom we passed it up hear it."""
    for ours in store.of_passing(tx, request.id):
        above = store.get(tx, ours.request_id, passing, lock=True)
        if above is not None and above.of_answer is ours.of_answer and _is_of_branch(tx, above, request):
            _let_go(tx, vault, above, at=at)


def _let_go(tx: Connection, vault: Vault, above: Holder, *, at: datetime) -> None:
    if above.holds:
        gone = replace(above, forgotten_at=at, letter=None, tried_at=None)
        store.save(tx, gone)
        _say(tx, vault, gone, at=at)


def has_told(tx: Connection, request: Request) -> bool:
    """Whether we told the partner of a request anything that it could pass on."""
    told = "request_body" if request.side is Side.OURS else "request_answer"
    return any(letter.kind == told for letter in letters_store.letters_of(tx, request.id))


def _must_have_been_told(tx: Connection, request: Request) -> None:
    if not has_told(tx, request):
        raise NeverTold(request.id)


def _must_have_room(tx: Connection, request: Request) -> None:
    if len(store.of_request(tx, request.id, of_answer=_we_are_told(request))) >= MOST:
        raise TooManyHolders(request.id)


# Looking


def below_us(tx: Connection, request: Request) -> list[Holder]:
    """Everybody who has from us what its partner told us through a request, planned ones left out."""
    return _holders(tx, request.id, of_answer=_we_say(request))


def below_partner(tx: Connection, request: Request) -> list[Holder]:
    """Everybody who has from the partner of a request what we told it through that, as the partner says."""
    return _holders(tx, request.id, of_answer=_we_are_told(request))


def _holders(tx: Connection, request_id: str, *, of_answer: bool) -> list[Holder]:
    return [each for each in store.of_request(tx, request_id, of_answer=of_answer) if each.at is not None]


def held_below(tx: Connection, request: Request) -> bool:
    """Whether somebody has what we told from the partner of a request and has not said that they let it go."""
    return store.any_holds(tx, request.id, of_answer=_we_are_told(request))


def what_became_below(tx: Connection, request: Request) -> dict[str, list[str]]:
    """For the word that we keep nothing: of those who have it from us, who has not said the same yet, and who has."""
    every = below_us(tx, request)
    return {
        "below": [each.passing for each in every if each.holds],
        "gone": [each.passing for each in every if not each.holds],
    }
