"""What editors, and those who report, can do with records. Each use case is a function of a transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from directory import store
from directory.contacts import changed_contacts
from directory.model import (
    NEEDS,
    STALE_AFTER,
    TRANSITIONS,
    NeedsCallBack,
    NeedsColleague,
    NeedsReason,
    NeedsSecondPerson,
    NotAllowedNow,
    NotTwoYet,
    RecordState,
    Service,
    Two,
    Verification,
    WrongRecord,
    fixed_id,
)
from directory.told import days_since_check
from directory.words import because

# --- use cases --------------------------------------------------------------------------------------------------


def save_draft(tx: Connection, service: Service, *, by: str, at: datetime, why: str = "") -> Service:
    """Keep a new service, or a change to one that is still a draft. Whatever it claims, it is unverified.

    Raises WrongRecord naming everything that is wrong, NotAllowedNow when the record is past being a draft.
    """
    before = may_save_draft(tx, service)
    draft = replace(
        service,
        state=RecordState.DRAFT,
        verification=before.verification if before else None,
        update_of=before.update_of if before else None,
    )
    store.put_service(tx, draft, at=at)
    act = "changed" if before else "drafted"
    store.add_change(tx, draft.id, at=at, by=by, act=act, before=before, why=why, row_id=_new_id())
    return draft


def may_save_draft(tx: Connection, service: Service) -> Service | None:
    """The draft that `save_draft` would write over; it raises what that would raise, and writes nothing."""
    if problems := [*service.problems(), *shared_location_problems(tx, service)]:
        raise WrongRecord(problems)
    before = store.get_service(tx, service.id)
    if before is not None and before.state is not RecordState.DRAFT:
        raise NotAllowedNow(
            because("service {id} is {state}: only a draft can be changed", id=service.id, state=before.state)
        )
    if before is None and not store.get_organizations(tx, [service.organization_id]):
        raise WrongRecord([because("the organisation of the service is not known")])
    return before


def shared_location_problems(tx: Connection, service: Service) -> list[str]:
    """A location of another service as well may be named, but not changed: it would move the other service."""
    known = store.get_locations(tx, [location.id for location in service.locations])
    altered = [location.id for location in service.locations if known.get(location.id, location) != location]
    elsewhere = store.used_elsewhere(tx, altered, service.id) if altered else set()
    return [
        because("location {id} is another service's too, with other content", id=location_id)
        for location_id in sorted(elsewhere)
    ]


def propose_change(tx: Connection, changed: Service, *, by: str, at: datetime, why: str = "") -> Service:
    """Keep a change to a record in force as a draft of its own, which leaves the record as it is. Returns the draft.

    `changed` has the id of the record in force. There is one open change of a record at a time: a second proposal
    replaces the first while that is a draft, and the history keeps what the first one said.
    Raises KeyError, WrongRecord, NotAllowedNow.
    """
    current = may_propose_change(tx, changed)
    draft_id = change_id(current.id)
    replaced = store.get_service(tx, draft_id)
    before = replaced if replaced is not None and replaced.state is RecordState.DRAFT else current
    draft = replace(
        changed.moved(lambda place: _draft_location(draft_id, place.id)),
        id=draft_id,
        organization_id=current.organization_id,
        state=RecordState.DRAFT,
        verification=None,
        update_of=current.id,
    )
    store.put_service(tx, draft, at=at)
    store.add_change(tx, draft_id, at=at, by=by, act="proposed", before=before, why=why, row_id=_new_id())
    return draft


def may_propose_change(tx: Connection, changed: Service) -> Service:
    """The record in force that `propose_change` would leave as it is; raises what that would raise."""
    current = store.get_service(tx, changed.id)
    if current is None:
        raise KeyError(changed.id)
    if current.state is not RecordState.CURRENT:
        raise NotAllowedNow(
            because(
                "service {id} is {state}: only a record in force is changed by a draft",
                id=changed.id,
                state=current.state,
            )
        )
    if problems := changed.problems():
        raise WrongRecord(problems)
    before = store.get_service(tx, change_id(changed.id))
    if before is not None and before.state is RecordState.IN_REVIEW:
        raise NotAllowedNow(because("a change of service {id} is in review: decide about it first", id=changed.id))
    return current


def change_id(service_id: str) -> str:
    """The id of the one open change of a record."""
    return fixed_id("change of", service_id)


def _draft_location(draft_id: str, location_id: str) -> str:
    """A draft has locations of its own, so that writing it moves nothing that is in force."""
    return fixed_id("location of change", draft_id, location_id)


def proposed_record(tx: Connection, draft: Service) -> tuple[Service, Service]:
    """The record in force, and what it would be with the change. Raises KeyError when it is not there any more.

    A place that is new gets an id of its own: the draft stays with its places, and a place of two records could not be
    changed any more.
    """
    current = store.get_service(tx, draft.update_of or "")
    if current is None:
        raise KeyError(draft.update_of)
    own = {_draft_location(draft.id, place.id): place.id for place in current.locations}
    changed = replace(
        draft.moved(lambda place: own.get(place.id) or fixed_id("new place of", current.id, place.id)),
        id=current.id,
        state=current.state,
        verification=current.verification,
        update_of=None,
        demo=current.demo,
        modified_at=current.modified_at,
    )
    return current, changed


#: Of a writer: whether they and whoever decides now are two people.
TwoPeople = Callable[[str], Two]


def two_people(_writer: str) -> Two:
    return Two.YES


def move_service(
    tx: Connection,
    service_id: str,
    to: RecordState,
    *,
    by: str,
    at: datetime,
    why: str = "",
    call_back: str = "",
    alone: bool = False,
    two: TwoPeople = two_people,
) -> Service:
    """Take a record one step on in its life. A change that is put in force takes the place of its record.

    A record that was never in force is put in force by somebody who wrote neither it nor its new organisation. A change
    of a phone, an address or a link is put in force by somebody who did not write it, with a note of the call on the
    old contact (`call_back`); so is a record that was archived and comes back with another one.

    `alone`: the host knows that nobody else keeps this directory. Then whoever wrote a record that is new, and no safe
    place, may put it in force and says `why`; it is marked (`store.put_in_force_alone`) until another has seen it.
    So is what a writer and `by` put in force of whom the host cannot tell that they are two people (`two`); a way to a
    service and a safe place they do not put in force at all, while they do not count as two. Raises KeyError,
    NotAllowedNow.
    """
    service = store.get_service(tx, service_id)
    if service is None:
        raise KeyError(service_id)
    if to not in TRANSITIONS[service.state]:
        raise NotAllowedNow(f"service {service_id} cannot go from {service.state} to {to}")
    if to is RecordState.CURRENT and service.update_of is not None:
        return _put_in_force(tx, service, by=by, at=at, why=why, call_back=call_back.strip(), two=two)
    act = to.value
    if to is RecordState.CURRENT and (was := store.was_in_force(tx, service_id)) is not None:
        contacts, writers = changed_contacts(was.before, service), store.authors(tx, service_id, since=was.at)
        why = called_back(contacts, writers, by=by, why=why, call_back=call_back.strip(), two=two)
        act = store.ALONE if contacts and doubted(writers, two) else act
    elif to is RecordState.CURRENT:
        writers = writers_of_new(tx, service)
        if by in writers:
            _require_alone(service, alone=alone, why=why)
        elif service.confidential:
            _require_two(writers, two)
        act = store.ALONE if by in writers or doubted(writers, two) else act
    store.set_state(tx, service_id, to, at=at)
    store.add_change(tx, service_id, at=at, by=by, act=act, before=service, why=why, row_id=_new_id())
    return replace(service, state=to)


def doubted(writers: Collection[str], two: TwoPeople) -> bool:
    """Whether one of the writers may be whoever decides."""
    return any(two(writer) is not Two.YES for writer in writers)


def _require_two(writers: Collection[str], two: TwoPeople) -> None:
    """That nobody decides who does not count as a second person yet. Raises NotTwoYet."""
    if any(two(writer) is Two.NOT_YET for writer in writers):
        raise NotTwoYet("whoever wrote it and whoever decides let one another in: they do not count as two yet")


def _require_alone(service: Service, *, alone: bool, why: str) -> None:
    """That whoever wrote a new record may put it in force all the same. Raises NeedsColleague, NeedsReason."""
    if not alone or service.confidential:
        raise NeedsColleague("a new record is put in force by somebody who did not write it")
    if not why.strip():
        raise NeedsReason("whoever decides alone says how they know that it is true")


def second_look(tx: Connection, service_id: str, *, by: str, at: datetime, two: TwoPeople = two_people) -> bool:
    """Note that another person saw a record that one alone had put in force. True when this took its mark away.

    Another is who neither wrote it nor put it in force, and may be nobody of them.
    """
    hands = store.authors(tx, service_id) | store.put_in_force_alone_by(tx, service_id)
    if not store.put_in_force_alone(tx, [service_id]) or by in hands or doubted(hands, two):
        return False
    store.add_change(tx, service_id, at=at, by=by, act=store.SECOND_LOOK, before=None, why="", row_id=_new_id())
    return True


def writers_of_new(tx: Connection, service: Service) -> set[str]:
    """Who wrote a record that was never in force, and the organisation that people will first read of with it."""
    writers, owner = store.authors(tx, service.id), service.organization_id
    return writers if store.organization_was_told(tx, owner) else writers | store.organization_authors(tx, owner)


def _put_in_force(
    tx: Connection, draft: Service, *, by: str, at: datetime, why: str, call_back: str, two: TwoPeople
) -> Service:
    try:
        current, changed = proposed_record(tx, draft)
    except KeyError:
        raise NotAllowedNow(f"the record that {draft.id} changes is not there any more") from None
    if current.state is not RecordState.CURRENT:
        raise NotAllowedNow(f"service {current.id} is {current.state}: a change of it cannot be put in force")
    contacts, writers = changed_contacts(current, changed), store.authors(tx, draft.id)
    why = called_back(contacts, writers, by=by, why=why, call_back=call_back, two=two)
    store.set_state(tx, draft.id, RecordState.ARCHIVED, at=at)
    store.put_service(tx, changed, at=at)
    act = store.ALONE if contacts and doubted(writers, two) else "changed"
    store.add_change(tx, current.id, at=at, by=by, act=act, before=current, why=why, row_id=_new_id())
    store.add_change(tx, draft.id, at=at, by=by, act="in force", before=draft, why=why, row_id=_new_id())
    return changed


def called_back(
    contacts: list[str], writers: set[str], *, by: str, why: str, call_back: str, two: TwoPeople = two_people
) -> str:
    """Why, with the call on the old contact where one changed. Raises NeedsSecondPerson, NotTwoYet, NeedsCallBack."""
    if not contacts:
        return why
    if by in writers:
        raise NeedsSecondPerson(f"{', '.join(contacts)} changed: somebody who did not write it must decide")
    _require_two(writers, two)
    if not call_back:
        raise NeedsCallBack(f"{', '.join(contacts)} changed: note the call on the old contact (call_back)")
    return f"{why} Call-back on the old contact: {call_back}".strip()


class Wrong(StrEnum):
    """What somebody who went there can say of a record."""

    CLOSED = "closed"
    REFUSED = "refused_me"
    NUMBER = "wrong_number"
    OTHER = "other"


#: Two people who say one of these are believed at once.
DEMOTING = (Wrong.CLOSED, Wrong.REFUSED)
BELIEVED = 2


def report_wrong(tx: Connection, service_id: str, kind: str, *, reporter: str, at: datetime) -> bool:
    """Keep that somebody found the record to be wrong. True when this demoted it: it is offered to nobody until it is
    checked again, and stands first among those that are due.

    `kind` is one of Wrong, `reporter` a fingerprint of the person, never their name. Raises KeyError, ValueError.
    """
    wrong = Wrong(kind)
    service_id = store.resolve_merged(tx, service_id)
    if store.get_service(tx, service_id) is None:
        raise KeyError(service_id)
    store.add_report(tx, service_id, kind=wrong.value, reporter=reporter, at=at, row_id=_new_id())
    return demote_if_believed(tx, service_id, at=at)


def demote_if_believed(tx: Connection, service_id: str, *, at: datetime) -> bool:
    """Offer the record to nobody until it is checked again, if enough people say so. True when this did it."""
    service = store.get_service(tx, service_id)
    believed = store.reporters(tx, service_id, [each.value for each in DEMOTING]) >= BELIEVED
    if service is None or not believed or service.verification is None:
        return False
    store.clear_verification(tx, service_id, at=at)
    why = f"{BELIEVED} people found it closed or were refused"
    store.add_change(tx, service_id, at=at, by="reports", act="demoted", before=service, why=why, row_id=_new_id())
    return True


def verify_service(tx: Connection, service_id: str, verification: Verification) -> None:
    """Write down that somebody found the record to be true, which answers what was reported of it.

    Raises KeyError, WrongRecord.
    """
    if store.get_service(tx, service_id) is None:
        raise KeyError(service_id)
    if not verification.by.strip() or not verification.source.strip():
        raise WrongRecord([because("a check names who checked, and with whom or where")])
    store.add_verification(tx, service_id, verification, row_id=_new_id())
    store.close_reports(tx, service_id, by=verification.by, at=verification.at)


def reported(tx: Connection) -> list[str]:
    """Ids of services of which somebody found something wrong, and nobody has looked since."""
    return sorted(store.open_reports(tx))


def due_for_verification(tx: Connection, *, at: datetime) -> list[Service]:
    """Current services that nobody has checked for STALE_AFTER, the oldest check first."""
    return store.get_services(tx, store.due_ids(tx, checked_before=at - STALE_AFTER))


def _new_id() -> str:
    return str(uuid.uuid4())


class ListedService(Struct, frozen=True):
    """A line of the editors' list."""

    service: Service
    organization: str
    checked_days_ago: int | None
    stale: bool


def list_services(
    tx: Connection,
    *,
    at: datetime,
    state: RecordState | None = None,
    words: str = "",
    needs: Mapping[str, str] = NEEDS,
    limit: int = 200,
    offset: int = 0,
    only: Sequence[str] | None = None,
    checked_first: bool = False,
    need: str = "",
    country: str = "",
    due_only: bool = False,
    stale_texts_only: bool = False,
) -> list[ListedService]:
    """Records in any state, the least recently checked first or, with `checked_first`, last. `only`: of these ids.
    `needs`: their names, by which they are found among the words."""
    ids = store.list_ids(
        tx,
        state=state,
        words=words,
        needs=needs,
        limit=limit,
        offset=offset,
        only=only,
        checked_first=checked_first,
        need=need,
        country=country,
        due_before=at - STALE_AFTER if due_only else None,
        stale_texts_only=stale_texts_only,
    )
    found = store.get_services(tx, ids)
    names = store.get_organizations(tx, [service.organization_id for service in found])
    return [
        ListedService(
            service,
            names[service.organization_id].name,
            days_since_check(service, at),
            service.stale(at),
        )
        for service in found
    ]
