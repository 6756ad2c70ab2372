"""What editors can do with organisations.

An organisation of which no service was ever in force is told to nobody: it is a draft as its services are, and is
reviewed with the first of them (`service.move_service`). Of one that people have read of, every change waits for
review, and a changed link or mail address for a second person who called.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from directory import store
from directory.contacts import changed_ways_of_owner
from directory.model import TRANSITIONS, NotAllowedNow, Organization, RecordState, WrongRecord
from directory.service import TwoPeople, called_back, doubted, two_people
from directory.words import because


def save_organization(tx: Connection, organization: Organization, *, by: str, at: datetime, why: str = "") -> bool:
    """Keep an organisation that is new, or a change of one. True when it waits for review: people keep what they have.

    There is one open change of an organisation; a later one replaces it while it is a draft.
    Raises WrongRecord, and NotAllowedNow while a change is in review.
    """
    if problems := organization.problems():
        raise WrongRecord(problems)
    current = store.get_organizations(tx, [organization.id]).get(organization.id)
    if current is None:
        store.put_organization(tx, organization, at=at)
        _note(tx, organization.id, "drafted", None, by=by, at=at, why=why)
        return False
    wanted = replace(organization, demo=current.demo)
    if not store.organization_was_told(tx, current.id):
        store.put_organization(tx, wanted, at=at)
        _note(tx, current.id, "changed", current, by=by, at=at, why=why)
        return False
    waiting = store.get_organization_draft(tx, current.id)
    if waiting is not None and waiting.state is RecordState.IN_REVIEW:
        raise NotAllowedNow(because("a change of this organisation is in review: decide about it first"))
    store.put_organization_draft(tx, wanted, RecordState.DRAFT)
    before = current if waiting is None else waiting.organization
    _note(tx, current.id, "proposed", before, by=by, at=at, why=why)
    return True


def move_organization(
    tx: Connection,
    organization_id: str,
    to: RecordState,
    *,
    by: str,
    at: datetime,
    why: str = "",
    call_back: str = "",
    two: TwoPeople = two_people,
) -> None:
    """Take the open change of an organisation one step on. Put in force or rejected, it is open no more.

    Where the host cannot tell that the writer of a changed way and `by` are two people, its services are marked.
    Raises KeyError when none is open; NotAllowedNow, NeedsSecondPerson and NeedsCallBack as `service.move_service`.
    """
    waiting = store.get_organization_draft(tx, organization_id)
    if waiting is None:
        raise KeyError(organization_id)
    if to not in TRANSITIONS[waiting.state]:
        raise NotAllowedNow(f"a change that is {waiting.state} cannot be {to}")
    wanted, before, act = waiting.organization, waiting.organization, to.value
    if to is RecordState.CURRENT:
        before, act = store.get_organizations(tx, [organization_id])[organization_id], "in force"
        writers = store.organization_authors(tx, organization_id)
        ways = changed_ways_of_owner(before, wanted)
        why = called_back(ways, writers, by=by, why=why, call_back=call_back.strip(), two=two)
        store.put_organization(tx, wanted, at=at)
        told_by = store.touch_services_of(tx, organization_id, at=at)
        if ways and doubted(writers, two):
            _mark(tx, told_by, hands={by, *writers}, at=at, why=why)
    if to in (RecordState.CURRENT, RecordState.REJECTED):
        store.drop_organization_draft(tx, organization_id)
    else:
        store.put_organization_draft(tx, wanted, to)
    _note(tx, organization_id, act, before, by=by, at=at, why=why)


def _mark(tx: Connection, service_ids: list[str], *, hands: set[str], at: datetime, why: str) -> None:
    """The services with which people read the ways to their organisation are marked as if one person had put them in
    force alone, until somebody else than `hands` has seen each."""
    for service_id in service_ids:
        before = store.get_service(tx, service_id)
        for who in sorted(hands):
            row_id = str(uuid.uuid4())
            store.add_change(tx, service_id, at=at, by=who, act=store.ALONE, before=before, why=why, row_id=row_id)


def _note(
    tx: Connection, organization_id: str, act: str, before: Organization | None, *, by: str, at: datetime, why: str
) -> None:
    row_id = str(uuid.uuid4())
    store.add_organization_change(tx, organization_id, at=at, by=by, act=act, before=before, why=why, row_id=row_id)
