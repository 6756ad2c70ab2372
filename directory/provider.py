"""A provider answers for its own record, by a link that works once and needs no account.

Whoever has the link is believed as far as somebody on the phone would be: what they confirm counts as a check, what
they correct becomes a change that is reviewed like any other, a changed contact with a second person and a call on the
old one. Where people found something wrong, their own word does not make it right: an editor must look.
"""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime, timedelta
from hashlib import sha256

from msgspec import Struct
from sqlalchemy.engine import Connection

from directory import store
from directory.editing import Section, changed
from directory.filled import Form
from directory.model import Method, NotAllowedNow, RecordState, Service, Verification
from directory.service import move_service, propose_change, shared_location_problems, verify_service

#: A mailbox that is read once a week, and a holiday.
LINK_HOLDS = timedelta(days=14)

#: What a provider may correct. The rest is for editors.
SECTIONS = (Section.CONTACT, Section.HOURS)

OPEN_STATES = (RecordState.DRAFT, RecordState.IN_REVIEW)


class LinkClosed(Exception):
    """The link was used, is too old, never was, or its record is not in force any more."""


class Asked(Struct, frozen=True):
    """A record about which its provider is asked, and the officer who asked."""

    service: Service
    asked_by: str


def make_link(tx: Connection, service_id: str, *, by: str, at: datetime) -> str:
    """A token that answers for one record in force, once, within LINK_HOLDS. Raises KeyError, NotAllowedNow."""
    record = store.get_service(tx, service_id)
    if record is None:
        raise KeyError(service_id)
    if record.state is not RecordState.CURRENT:
        raise NotAllowedNow("only about a record in force is its provider asked")
    token = secrets.token_urlsafe(32)
    store.add_provider_link(tx, _fingerprint(token), service_id, by=by, at=at, expires_at=at + LINK_HOLDS)
    return token


def asked_about(tx: Connection, token: str, *, at: datetime) -> Asked:
    """What the link is about. Looking does not spend it: mail scanners look at everything. Raises LinkClosed."""
    found = store.open_provider_link(tx, _fingerprint(token), at=at)
    record = store.get_service(tx, found[0]) if found is not None else None
    if found is None or record is None or record.state is not RecordState.CURRENT:
        raise LinkClosed
    return Asked(record, found[1])


def confirm(tx: Connection, token: str, *, at: datetime) -> str:
    """The provider says that everything is right. Returns the id of the record. Raises LinkClosed.

    That is a check, unless people found something wrong: then it stands in the history only.
    """
    asked = _spent(tx, token, at=at)
    record = asked.service
    if store.open_reports(tx, [record.id]):
        _note(tx, record, at=at, why="The provider says it is right. What people reported is still open.")
    else:
        verify_service(tx, record.id, Verification(at, "provider", Method.PROVIDER, f"link made by {asked.asked_by}"))
    return record.id


def correct(tx: Connection, token: str, form: Form, *, note: str, at: datetime) -> str:
    """The provider corrects the record: a change that waits for review. Returns the id of the record.

    Of a safe place no `note` is kept: whoever knows the house writes in it where it is, and all of the desk reads it.
    Raises LinkClosed, WrongRecord naming what cannot be read, NotAllowedNow while another change waits; the link is
    then still open.
    """
    asked = asked_about(tx, token, at=at)
    record = asked.service
    if store.update_ids(tx, [record.id], OPEN_STATES):
        raise NotAllowedNow("another change of the record waits")
    wanted = changed(record, form, at=at, sections=SECTIONS)
    if shared_location_problems(tx, wanted):
        raise NotAllowedNow("the place is another service's too")
    _spent(tx, token, at=at)
    note = "" if record.confidential else note
    if wanted == record:
        _note(tx, record, at=at, why=note or "The provider sent the form back as it was.")
        return record.id
    draft = propose_change(tx, wanted, by="provider", at=at, why=note)
    _write(tx, draft, at=at, by=asked.asked_by, act="asked", before=None, why="")  # the link may have gone nowhere
    move_service(tx, draft.id, RecordState.IN_REVIEW, by="provider", at=at, why=f"link made by {asked.asked_by}")
    return record.id


def _spent(tx: Connection, token: str, *, at: datetime) -> Asked:
    asked = asked_about(tx, token, at=at)
    if not store.spend_provider_link(tx, _fingerprint(token), at=at):
        raise LinkClosed
    return asked


def _note(tx: Connection, record: Service, *, at: datetime, why: str) -> None:
    _write(tx, record, at=at, by="provider", act="answered", before=record, why=why)


def _write(
    tx: Connection, record: Service, *, at: datetime, by: str, act: str, before: Service | None, why: str
) -> None:
    store.add_change(tx, record.id, at=at, by=by, act=act, before=before, why=why, row_id=str(uuid.uuid4()))


def _fingerprint(token: str) -> str:
    return sha256(token.encode()).hexdigest()
