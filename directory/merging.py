"""Two records made one, by a person. Nothing here decides by itself, and nothing is put in force by it.

The record that stays keeps its life: what it takes from the other becomes a draft of a change, which goes the way of
every change (a second person, a call on the old contact). The other one stays with its history, is offered to nobody,
and its id leads to the one that stays.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from directory import store
from directory.model import TRANSLATED, NotAllowedNow, RecordState, Service, with_stale
from directory.safe_place_changes import waiting
from directory.safe_places import has_safe_place
from directory.service import demote_if_believed, propose_change, save_draft

OPEN_STATES = (RecordState.DRAFT, RecordState.IN_REVIEW)


class Take(StrEnum):
    """What becomes of a field of the record that stays."""

    KEEP = "keep"
    OTHER = "other"
    BOTH = "both"


#: Fields that can be taken from the other record, and those of them of which both can be kept.
TAKEABLE = (
    "name", "summary", "needs", "locations", "phones", "website", "email", "hours", "eligibility", "languages",
    "documents", "how_to_apply", "walk_in", "free", "cost_note", "interpreters", "staff_genders", "reports_to", "areas",
    *TRANSLATED.values(), "referral",
)  # fmt: skip
LISTS = frozenset({"needs", "phones", "languages", "documents", "staff_genders", "areas"})


def takeable(stays: Service, other: Service) -> tuple[str, ...]:
    """Fields that differ and can be taken over. Words only from a record in the same language."""
    closed: tuple[str, ...] = () if stays.language == other.language else ("name", "summary")
    closed += ("locations",) if stays.confidential else ()
    return tuple(
        field
        for field in TAKEABLE
        if field not in closed and _said(getattr(other, field)) and getattr(stays, field) != getattr(other, field)
    )


def merge_services(
    tx: Connection, gone_id: str, into_id: str, *, take: Mapping[str, Take], by: str, at: datetime, why: str = ""
) -> Service:
    """Make one record of two. Returns the one that stays, or the draft of its change where something was taken.

    Raises KeyError for a record that is not there, NotAllowedNow where it cannot be done now, WrongRecord where what
    was taken does not fit together.
    """
    gone, stays = store.get_service(tx, gone_id), store.get_service(tx, into_id)
    if gone is None or stays is None:
        raise KeyError(gone_id if gone is None else into_id)
    _require_mergeable(tx, gone, stays)
    result = _taken_over(tx, gone, stays, take, by=by, at=at, why=why)
    ended = RecordState.ARCHIVED if gone.state is RecordState.CURRENT else RecordState.REJECTED
    store.set_state(tx, gone.id, ended, at=at)
    note = f"{why} Merged into {stays.id}.".strip()
    store.add_change(tx, gone.id, at=at, by=by, act="merged", before=gone, why=note, row_id=str(uuid.uuid4()))
    note = f"{why} Merged with {gone.id}.".strip()
    store.add_change(tx, stays.id, at=at, by=by, act="merged", before=stays, why=note, row_id=str(uuid.uuid4()))
    store.add_merge(tx, gone.id, stays.id, by=by, at=at)
    store.move_reports(tx, gone.id, stays.id)
    demote_if_believed(tx, stays.id, at=at)
    return result


def _require_mergeable(tx: Connection, gone: Service, stays: Service) -> None:
    living = (*OPEN_STATES, RecordState.CURRENT)
    if gone.id == stays.id or gone.state not in living or stays.state not in living:
        raise NotAllowedNow("two records that live are merged")
    if gone.confidential != stays.confidential:
        raise NotAllowedNow("a safe place is never merged with a public record: it would say where it is")
    if gone.demo != stays.demo:
        raise NotAllowedNow("a demonstration record is not merged with a real one")
    if gone.update_of or stays.update_of or store.update_ids(tx, [gone.id, stays.id], OPEN_STATES):
        raise NotAllowedNow("a change of one of them waits: decide about it first")
    if gone.state is RecordState.CURRENT and stays.state is not RecordState.CURRENT:
        raise NotAllowedNow("what is in force stays: nobody may be left without it")
    if has_safe_place(tx, gone.id) or waiting(tx, gone.id) is not None:
        raise NotAllowedNow("keep the record whose way is kept: it does not move to another")


def _taken_over(
    tx: Connection, gone: Service, stays: Service, take: Mapping[str, Take], *, by: str, at: datetime, why: str
) -> Service:
    """The record that stays with what was taken from the other, kept as a draft."""
    open_fields = takeable(stays, gone)
    changes: dict[str, Any] = {
        field: _both(stays, gone, field) if how is Take.BOTH and field in LISTS else getattr(gone, field)
        for field, how in take.items()
        if how is not Take.KEEP and field in open_fields
    }
    if not changes:
        return stays
    if "locations" in changes:
        changes["at_places"] = gone.at_places  # what is otherwise there comes with them
    wanted, note = with_stale(stays, replace(stays, **changes).tidied()), f"{why} Taken from {gone.id}.".strip()
    if stays.state is RecordState.CURRENT:
        return propose_change(tx, wanted, by=by, at=at, why=note)
    if stays.state is RecordState.IN_REVIEW:
        raise NotAllowedNow("the record that stays is in review: decide about it first")
    return save_draft(tx, wanted, by=by, at=at, why=note)


def _said(value: object) -> bool:
    return value is False or bool(value)


def _both(stays: Service, gone: Service, field: str) -> tuple[object, ...]:
    mine, theirs = getattr(stays, field), getattr(gone, field)
    return (*mine, *(each for each in theirs if each not in mine))
