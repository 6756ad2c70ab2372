"""What becomes of organisations: the open change of each, and every change with who, when, why and what before."""

from __future__ import annotations

import json
from datetime import datetime

import msgspec
import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from directory.model import Organization, RecordState
from directory.store.history import Change
from directory.store.reading import get_organizations, read_texts
from directory.store.records import organization_row
from directory.store.rows import says
from directory.store.tables import changes, organization_changes, organization_drafts, organizations, services

#: Fields of an organisation that an editor writes.
WRITTEN = ("name", "description", "website", "email", "language", "descriptions")


class OrganizationDraft(Struct, frozen=True):
    """An open change: the organisation as it would be, and whether it is in review already."""

    organization: Organization
    state: RecordState


def organization_was_told(tx: Connection, organization_id: str) -> bool:
    """Whether a service of it is or ever was in force, so that people may have read its name and its ways."""
    own = services.c.organization_id == organization_id
    in_force = sa.exists().where(own, services.c.state == RecordState.CURRENT.value)
    once = sa.exists().where(
        own,
        changes.c.service_id == services.c.id,
        changes.c.act.in_((RecordState.CURRENT.value, RecordState.ARCHIVED.value, "merged")),
    )
    return bool(tx.execute(sa.select(sa.or_(in_force, once))).scalar_one())


def put_organization_draft(tx: Connection, wanted: Organization, state: RecordState) -> None:
    """Keep the open change of an organisation, in place of an earlier one."""
    drop_organization_draft(tx, wanted.id)
    written = organization_row(wanted)
    row = {name: written[name] for name in WRITTEN}
    tx.execute(organization_drafts.insert().values(organization_id=wanted.id, state=state.value, **row))


def drop_organization_draft(tx: Connection, organization_id: str) -> None:
    tx.execute(organization_drafts.delete().where(organization_drafts.c.organization_id == organization_id))


def get_organization_draft(tx: Connection, organization_id: str) -> OrganizationDraft | None:
    query = sa.select(organization_drafts).where(organization_drafts.c.organization_id == organization_id)
    row = tx.execute(query).first()
    if row is None:
        return None
    current = get_organizations(tx, [organization_id])[organization_id]
    written = {name: getattr(row, name) for name in WRITTEN}
    texts = {"language": row.language or "en", "descriptions": read_texts(row.descriptions)}
    wanted = replace(current, **{**written, **texts})
    return OrganizationDraft(wanted, RecordState(row.state))


def add_organization_change(
    tx: Connection, organization_id: str, *, at: datetime, by: str, act: str, before: Organization | None, why: str,
    row_id: str,
) -> None:  # fmt: skip
    """Keep what an organisation, or its open change, was before an act."""
    kept = "" if before is None else msgspec.json.encode(before).decode()
    row = {"id": row_id, "organization_id": organization_id, "at": at, "by": by, "act": act, "before": kept, "why": why}
    tx.execute(organization_changes.insert().values(row))


def organization_changes_of(tx: Connection, organization_id: str, *, limit: int = 100) -> list[Change]:
    """The history of an organisation, latest first."""
    own = organization_changes.c
    query = sa.select(organization_changes).where(own.organization_id == organization_id)
    query = query.order_by(own.at.desc(), own.id.desc()).limit(limit)
    return [
        Change(row.at, row.by, row.act, row.why, json.loads(row.before) if row.before else {})
        for row in tx.execute(query)
    ]


def organization_authors(tx: Connection, organization_id: str) -> set[str]:
    """Who wrote what is not decided about: everybody who wrote since a change was last put in force or rejected."""
    own = organization_changes.c
    mine = own.organization_id == organization_id
    ended = own.act.in_(("in force", RecordState.REJECTED.value))
    last = sa.select(sa.func.max(own.at)).where(mine, ended).scalar_subquery()
    since = sa.or_(last.is_(None), own.at >= last)
    query = sa.select(own.by).where(mine, own.act.in_(("drafted", "changed", "proposed")), since)
    return set(tx.execute(query).scalars())


class ListedOrganization(Struct, frozen=True):
    """A line of the editors' list. `waits`: the state of its open change."""

    organization: Organization
    services: int
    waits: RecordState | None


def list_organizations(
    tx: Connection, *, words: str = "", waiting: bool = False, limit: int = 200, offset: int = 0
) -> list[ListedOrganization]:
    """By name; those with an open change first, or alone (`waiting`). Each of the words stands in the name."""
    how_many = (
        sa.select(sa.func.count())
        .where(services.c.organization_id == organizations.c.id, services.c.update_of.is_(None))
        .scalar_subquery()
    )
    open_change = organization_drafts.c
    query = (
        sa.select(organizations.c.id, how_many.label("services"), open_change.state)
        .outerjoin(organization_drafts, open_change.organization_id == organizations.c.id)
        .order_by(open_change.state.is_(None), organizations.c.name, organizations.c.id)
        .offset(offset)
        .limit(limit)
    )
    if waiting:
        query = query.where(open_change.state.is_not(None))
    for word in words.casefold().split():
        query = query.where(says(organizations.c.name, word))
    rows = list(tx.execute(query))
    known = get_organizations(tx, [row.id for row in rows])
    return [
        ListedOrganization(known[row.id], row.services, RecordState(row.state) if row.state else None) for row in rows
    ]


def services_of(tx: Connection, organization_id: str, *, limit: int = 200) -> list[str]:
    """Ids of its services in every state, without open changes of them."""
    own = services.c
    query = sa.select(own.id).where(own.organization_id == organization_id, own.update_of.is_(None))
    return list(tx.execute(query.order_by(own.name, own.id).limit(limit)).scalars())


def touch_services_of(tx: Connection, organization_id: str, *, at: datetime) -> list[str]:
    """Its services in force read otherwise than before: who copies the feed must hear of it. Returns their ids."""
    theirs = (services.c.organization_id == organization_id, services.c.state == RecordState.CURRENT.value)
    tx.execute(services.update().where(*theirs).values(modified_at=at))
    return list(tx.execute(sa.select(services.c.id).where(*theirs)).scalars())
