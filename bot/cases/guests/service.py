"""Inviting somebody into a talk, what they see of it, and what they write.

They read what the person and the officers wrote, from where the officer let them in, and nothing else: no notes, no
file, no name of an officer, no number of the case. What they write reaches the officer, labelled as theirs, and never
the person: whoever has got hold of a link must not be able to write to a child.
"""

from __future__ import annotations

import hmac
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import consent, telling
from bot.cases import store as cases
from bot.cases.consent import Agreement, Kind, Purpose
from bot.cases.guests import store
from bot.cases.guests.model import (
    HOURS,
    LONGEST_NAME,
    LONGEST_WORDS,
    MOST_AT_ONCE,
    QUESTION,
    RECENT_LINES,
    ROLES,
    VIEWED,
    Guest,
    LinkDead,
    Role,
    Since,
)
from bot.cases.hand import AT_DESK, Hand, key_of, note_in_audit, target, unseal, visible, write_down
from bot.cases.model import Case, CaseStatus, NotAllowedNow, NotWithThisAdult
from bot.cases.ports import Adults
from bot.conversations import service as conversations
from bot.conversations.model import Author, Direction, MessageClass
from bot.conversations.service import Line
from bot.kernel import audit, one_time
from bot.kernel.access import Permission
from bot.kernel.crypto import Erased, Vault
from bot.kernel.ids import new_id

TABLE, LINES = "case_guests", "case_guest_lines"


class Invitation(Struct, frozen=True):
    """Whom to let in, as what, and how far."""

    name: str
    role: Role
    hours: int
    since: Since
    agreed: bool  # the person was asked, and agrees
    compared: bool  # the officer has compared the name with the adults who may not go with the child
    giver: str = "child"  # who was asked, and how able they are to decide: codes of `consent.GIVERS` and `CAPACITIES`
    capacity: str = "understands"


class Made(Struct, frozen=True):
    """A link and the code to read out by phone: neither is ever shown again."""

    guest_id: str
    token: str
    code: str


class Invited(Struct, frozen=True):
    """A guest as the officer's page lists them."""

    guest: Guest
    name: str
    untold: bool  # nobody has said yet whether the child was told: until then the link does not open


class GuestLine(Struct, frozen=True):
    """What a guest wrote."""

    id: str
    guest_id: str
    role: Role
    name: str
    at: datetime
    about_seq: int | None
    text: str


class Page(Struct, frozen=True):
    """What a guest sees."""

    guest: Guest
    name: str
    language: str
    reply: str
    lines: list[Line]
    own: list[GuestLine]


# For the officer --------------------------------------------------------------------------------------------------


def invite(tx: Connection, hand: Hand, case_id: str, invitation: Invitation, *, adults: Adults) -> Made:
    """Let somebody into the talk of a case the officer holds, on a consent of which the ledger has a row from now on.

    Raises CaseNotFound, NotAllowedNow where something is missing, nobody can be written to, or somebody else may hold
    the phone, IncompleteConsent where who was asked cannot decide it, and NotWithThisAdult for a name that an adult of
    this case has whose tie is not supported, unless two people of two bodies say that it is somebody else.
    """
    case = target(tx, hand, case_id, Permission.GUEST_INVITE)
    name = " ".join(invitation.name.split())
    complete = 1 < len(name) <= LONGEST_NAME and invitation.hours in HOURS and invitation.agreed
    if not complete or not _talk_is_open(tx, case):
        raise NotAllowedNow(case.number)
    doubted = adults.in_doubt(tx, hand.vault, case)
    if adults.is_in_doubt(tx, hand.vault, case, name):
        raise NotWithThisAdult(case.number)
    alive = [guest for guest, _ in store.of_case(tx, case.id) if guest.lasts(hand.at)]
    if (doubted and not invitation.compared) or len(alive) >= MOST_AT_ONCE:
        raise NotAllowedNow(case.number)
    guest = Guest(
        id=new_id(),
        case_id=case.id,
        conversation_id=case.conversation_id,
        role=invitation.role,
        from_seq=_from_seq(tx, hand.vault, case, invitation.since),
        invited_by=hand.officer.id,
        invited_at=hand.at,
        expires_at=hand.at + timedelta(hours=invitation.hours),
    )
    consent.record(tx, hand, case.id, _agreement(tx, hand, case, guest, invitation, name))
    token, code = one_time.new_token(), one_time.new_code()
    store.add(
        tx,
        guest,
        name_sealed=key_of(tx, hand, case).seal(name, table=TABLE, row=guest.id, field="name"),
        token_hash=one_time.fingerprint(token),
        code_hash=_code_hash(hand.vault, guest.id, code),
    )
    facts = {"guest": guest.id, "role": guest.role.value, "since": invitation.since.value}
    write_down(tx, hand.vault, case, "guest_invited", officer_id=hand.officer.id, at=hand.at, facts=facts)
    return Made(guest.id, token, code)


class Question(Struct, frozen=True):
    """What the person is asked before somebody is let in, in their language. The name is left open."""

    role: Role
    language: str
    text: str


def questions(tx: Connection, hand: Hand, case: Case) -> list[Question]:
    """One for each role."""
    language = _language_of(tx, case)
    return [Question(role, language, _question(hand, language, role, "…")) for role in ROLES]


def _question(hand: Hand, language: str, role: Role, name: str) -> str:
    return hand.words.text(language, QUESTION, name=name, role=hand.words.text(language, ROLES[role]))


def _agreement(tx: Connection, hand: Hand, case: Case, guest: Guest, invitation: Invitation, name: str) -> Agreement:
    language = _language_of(tx, case)
    return Agreement(
        kind=Kind.CONSENT,
        purpose=Purpose.TALK,
        recipient=_recipient(guest.id),
        named=f"{name} ({hand.words.text(language, ROLES[guest.role])})",
        giver=invitation.giver,
        capacity=invitation.capacity,
        language=language,
        way="chat",
        text=_question(hand, language, guest.role, name),
        items=tuple(consent.TALK),
        expires_at=guest.expires_at,
    )


def _recipient(guest_id: str) -> str:
    return f"guest:{guest_id}"


def _language_of(tx: Connection, case: Case) -> str:
    card = conversations.card(tx, case.conversation_id)
    return (card and card.language) or case.language


def note_refused(tx: Connection, hand: Hand, case_id: str) -> None:
    """Record that an adult who may not go with the child was to be let in. In a transaction of its own: the refusal
    undoes the one that it ends. Raises CaseNotFound."""
    note_in_audit(tx, hand, "guest.refused", target(tx, hand, case_id, Permission.GUEST_INVITE))


def withdraw(tx: Connection, hand: Hand, case_id: str, guest_id: str) -> None:
    """Let them in no more, at once. Raises CaseNotFound, NotAllowedNow where it was over."""
    case = target(tx, hand, case_id, Permission.GUEST_INVITE)
    if not store.end(tx, case.id, guest_id, hand.at):
        raise NotAllowedNow(case.number)
    facts = {"guest": guest_id}
    write_down(tx, hand.vault, case, "guest_withdrawn", officer_id=hand.officer.id, at=hand.at, facts=facts)


def invited(tx: Connection, hand: Hand, case_id: str) -> list[Invited]:
    """Everyone who was invited, the last first. Raises CaseNotFound."""
    case = visible(tx, hand.officer, case_id, at=hand.at).case
    return [
        Invited(
            guest,
            unseal(tx, hand.vault, case, sealed, TABLE, guest.id, "name"),
            untold=(agreed := _standing(tx, guest, hand.at)) is not None and not telling.is_settled(tx, agreed),
        )
        for guest, sealed in store.of_case(tx, case.id)
    ]


class GuestsLeave:
    """A consent that is taken back ends the invitation that rests on it (`bot.cases.ports.Holder`)."""

    def consent_withdrawn(self, tx: Connection, hand: Hand, case: Case, consent_id: str) -> None:
        for guest, _ in store.of_case(tx, case.id):
            over = guest.lasts(hand.at) and _standing(tx, guest, hand.at) is None
            if over and store.end(tx, case.id, guest.id, hand.at):
                facts = {"guest": guest.id, "consent": consent_id}
                write_down(tx, hand.vault, case, "guest_withdrawn", officer_id=hand.officer.id, at=hand.at, facts=facts)


def names(tx: Connection, hand: Hand, case_id: str) -> dict[str, str]:
    """Who was let in, by the name under which the audit log knows them. Raises CaseNotFound."""
    return {f"guest:{each.guest.id}": each.name for each in invited(tx, hand, case_id)}


def lines_of(tx: Connection, vault: Vault, case: Case) -> list[GuestLine]:
    """What guests wrote in a case the officer was let into."""
    return [_line(tx, vault, case, row) for row in store.lines_of(tx, case.id)]


# Behind the link --------------------------------------------------------------------------------------------------


def is_open(tx: Connection, vault: Vault, token: str, at: datetime, *, adults: Adults) -> bool:
    """Whether a link would still open. Looking does not spend it: scanners of messages look at everything."""
    found = store.by_token(tx, one_time.fingerprint(token), lock=False)
    if found is None or found[0].opened_at is not None:
        return False
    try:
        _require_welcome(tx, vault, *found, at, adults)
    except LinkDead:
        return False
    return True


def open_link(tx: Connection, vault: Vault, token: str, code: str, at: datetime, *, adults: Adults) -> Page | None:
    """Show the talk, with the right code; the link opens once. None for a wrong code, which is counted and written
    down. Raises LinkDead."""
    found = store.by_token(tx, one_time.fingerprint(token), lock=True)
    if found is None or found[0].opened_at is not None:
        raise LinkDead
    guest, row = found
    case, name = _require_welcome(tx, vault, guest, row, at, adults)
    if not hmac.compare_digest(row.code_hash, _code_hash(vault, guest.id, code)):
        store.count_try(tx, guest.id)
        _audit(tx, vault, "guest.wrong_code", guest, at)
        return None
    reply = one_time.new_token()
    if not store.opened(tx, guest.id, reply_hash=one_time.fingerprint(reply), at=at):
        raise LinkDead
    write_down(tx, vault, case, "guest_opened", officer_id=None, at=at, facts={"guest": guest.id})
    if (agreed := _standing(tx, guest, at)) is not None:  # from here on they have something of the person's
        by, actor, what = guest.invited_by, f"guest:{guest.id}", f"guest:{guest.id}"
        consent.share_for(tx, vault, case, agreed, what, tuple(consent.TALK), by=by, actor=actor, at=at)
    return _page(tx, vault, case, guest, name, reply, at)


def look(tx: Connection, vault: Vault, reply: str, at: datetime, *, adults: Adults) -> Page:
    """The talk as it stands now. Raises LinkDead."""
    guest, case, name = _welcome(tx, vault, reply, at, adults)
    return _page(tx, vault, case, guest, name, reply, at)


def write(
    tx: Connection, vault: Vault, reply: str, text: str, *, about: int | None, once: str, at: datetime, adults: Adults
) -> Page:
    """Keep a translation of the line `about`, or with None a line of their own, for the officer.

    Raises LinkDead, and ValueError for words that are empty, too long, or about a line they do not see.
    """
    guest, case, name = _welcome(tx, vault, reply, at, adults)
    text = text.strip()
    seen = {line.seq for line in _lines(tx, vault, guest)}
    if not text or len(text) > LONGEST_WORDS or (about is not None and about not in seen):
        raise ValueError("not to be kept")
    line_id = new_id()
    kept = store.add_line(
        tx,
        id=line_id,
        case_id=case.id,
        guest_id=guest.id,
        at=at,
        about_seq=about,
        text_sealed=vault.key(tx, case.key_id).seal(text, table=LINES, row=line_id, field="text"),
        once=once or None,
    )
    if kept:
        write_down(tx, vault, case, "guest_wrote", officer_id=None, at=at, facts={"guest": guest.id})
    return _page(tx, vault, case, guest, name, reply, at)


# What everything above stands on


def _welcome(tx: Connection, vault: Vault, reply: str, at: datetime, adults: Adults) -> tuple[Guest, Case, str]:
    found = store.by_reply(tx, one_time.fingerprint(reply)) if reply else None
    if found is None:
        raise LinkDead
    return found[0], *_require_welcome(tx, vault, *found, at, adults)


def _require_welcome(
    tx: Connection, vault: Vault, guest: Guest, row: Any, at: datetime, adults: Adults
) -> tuple[Case, str]:
    """The case and the name of a guest who may still read; everything is asked anew, each time. Raises LinkDead."""
    sealed = cases.get_case(tx, guest.case_id)
    if sealed is None or not guest.lasts(at):
        raise LinkDead
    case = sealed.case
    if case.conversation_id != guest.conversation_id or not _talk_is_open(tx, case):
        raise LinkDead
    agreed = _standing(tx, guest, at)
    if agreed is None or not telling.is_settled(tx, agreed):  # else a child learns of it last
        raise LinkDead
    try:
        vault.key(tx, case.key_id)
    except Erased:
        raise LinkDead from None
    name = unseal(tx, vault, case, row.name_sealed, TABLE, guest.id, "name")
    if adults.is_in_doubt(tx, vault, case, name):
        raise LinkDead
    return case, name


def _standing(tx: Connection, guest: Guest, at: datetime) -> consent.Consent | None:
    """The consent on which they read, unless it was taken back."""
    return consent.in_force(tx, guest.case_id, Purpose.TALK, _recipient(guest.id), at, tuple(consent.TALK))


def _talk_is_open(tx: Connection, case: Case) -> bool:
    """Somebody holds the case and the person writes to us; where another may hold the phone nobody is let in."""
    card = conversations.card(tx, case.conversation_id)
    reached = card is not None and card.channel != AT_DESK and card.watched_since is None
    return reached and case.status is CaseStatus.CLAIMED


def _from_seq(tx: Connection, vault: Vault, case: Case, since: Since) -> int:
    if since is Since.BEGINNING:
        return 0
    lines = conversations.transcript(tx, vault, case.conversation_id)
    last = lines[-1].seq if lines else 0
    if since is Since.NOW:
        return last
    shown = [line.seq for line in lines if _is_shown(line)][-RECENT_LINES:]
    return shown[0] - 1 if shown else last


def _lines(tx: Connection, vault: Vault, guest: Guest) -> list[Line]:
    found = conversations.transcript(tx, vault, guest.conversation_id, after=guest.from_seq)
    return [line for line in found if _is_shown(line)]


def _is_shown(line: Line) -> bool:
    """What the person and the officers said to each other: no notes, nothing that is for the person alone."""
    said = line.author in (Author.PERSON, Author.OFFICER)
    return said and line.direction is not Direction.NOTE and line.cls is not MessageClass.SECRET


def _page(tx: Connection, vault: Vault, case: Case, guest: Guest, name: str, reply: str, at: datetime) -> Page:
    lines = _lines(tx, vault, guest)
    store.count_view(tx, guest.id, at)
    _audit(tx, vault, VIEWED, guest, at, lines=len(lines))
    own = [line for line in lines_of(tx, vault, case) if line.guest_id == guest.id]
    return Page(guest, name, _language_of(tx, case), reply, lines, own)


def _line(tx: Connection, vault: Vault, case: Case, row: Any) -> GuestLine:
    return GuestLine(
        id=row.id,
        guest_id=row.guest_id,
        role=Role(row.role),
        name=unseal(tx, vault, case, row.name_sealed, TABLE, row.guest_id, "name"),
        at=row.at,
        about_seq=row.about_seq,
        text=unseal(tx, vault, case, row.text_sealed, LINES, row.id, "text"),
    )


def _audit(tx: Connection, vault: Vault, act: str, guest: Guest, at: datetime, **facts: int) -> None:
    actor, object_ = f"guest:{guest.id}", f"case:{guest.case_id}"
    audit.append(tx, vault, at=at, actor=actor, act=act, object=object_, facts=facts)


def _code_hash(vault: Vault, guest_id: str, code: str) -> str:
    return one_time.code_hash(vault, "guest code", guest_id, code)
