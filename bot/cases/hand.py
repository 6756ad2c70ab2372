"""An officer about to act on a case: whether they may, what is written down, and what is sealed.

Every room of the cases begins here. A case outside an officer's scope is not found, because the scope is part of the
query; one they see but may not do this to is `NotAllowedNow`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection
from sqlalchemy.sql.elements import ColumnElement

from bot.cases import consult_store, handover_store, store, supervision_store
from bot.cases import same_child_store as duplicate_store
from bot.cases.model import Act, AlreadyClaimed, Case, CaseNotFound, NotAllowedNow
from bot.channels.model import Button
from bot.conversations import service as conversations
from bot.conversations.model import MessageClass
from bot.kernel import access, audit
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer
from bot.kernel.words import Words

SYSTEM = "system"
#: The channel of whoever is not written to: they stand at the desk, or were called.
AT_DESK = "desk"
#: So many steps are followed from a duplicate to the case that goes on. Nobody has seen more than two.
MOST_STEPS = 20
NO_BUTTONS: Mapping[str, str] = MappingProxyType({})


class Hand(Struct, frozen=True):
    """An officer about to act: who, when, and what it takes."""

    officer: Officer
    vault: Vault
    words: Words
    at: datetime


def in_scope(officer: Officer) -> ColumnElement[bool]:
    """The cases that exist for this officer, as a condition of a query."""
    scope = access.case_scope(officer)
    if scope.everyones:
        return sa.true()
    ways: list[ColumnElement[bool]] = [sa.false()]
    if scope.own:
        ways.append(store.cases.c.owner_id == scope.officer_id)
    if scope.offered:
        ways.append(store.cases.c.offered_to == scope.officer_id)
    if scope.unheld:
        ways.append(store.cases.c.owner_id.is_(None))
    return sa.or_(*ways)


def visible(tx: Connection, officer: Officer, case_id: str, *, at: datetime, lock: bool = False) -> store.SealedCase:
    """A case this officer may read at `at`: one of theirs, or for a while one about which they are asked or whose
    glass they broke; and what was closed as a duplicate of one of theirs.

    Raises CaseNotFound.
    """
    sealed = store.get_case(tx, case_id, in_scope(officer), lock=lock)
    if sealed is None:
        sealed = _as_asked(tx, officer, case_id, at, lock=lock)
    if sealed is None:
        sealed = _through_glass(tx, officer, case_id, at) or _as_duplicate(tx, officer, case_id)
    if sealed is None:
        raise CaseNotFound(case_id)
    return sealed


def is_visible(tx: Connection, officer: Officer, case_id: str, *, at: datetime) -> bool:
    """Whether `visible` would find it."""
    try:
        visible(tx, officer, case_id, at=at)
    except CaseNotFound:
        return False
    return True


def _as_asked(tx: Connection, officer: Officer, case_id: str, at: datetime, *, lock: bool) -> store.SealedCase | None:
    if not consult_store.standing(tx, at, case_id=case_id, asked=officer.id):
        return None
    sealed = store.get_case(tx, case_id, lock=lock)
    if sealed is None:
        return None
    case = replace(sealed.case, asked=frozenset({officer.id}))
    return replace(sealed, case=case) if access.allows(officer, Permission.CASE_READ, case) else None


def _through_glass(tx: Connection, officer: Officer, case_id: str, at: datetime) -> store.SealedCase | None:
    if not supervision_store.glass_is_broken(tx, case_id, officer.id, at):
        return None
    sealed = store.get_case(tx, case_id)
    if sealed is None:
        return None
    case = replace(sealed.case, read_by=frozenset({officer.id}))
    return replace(sealed, case=case) if access.allows(officer, Permission.CASE_READ, case) else None


def _as_duplicate(tx: Connection, officer: Officer, case_id: str) -> store.SealedCase | None:
    """Read by whoever has the case that goes on, as long as it is one child's: the whole story is theirs. And what the
    child takes back of it, if they hold that case."""
    sealed = store.get_case(tx, case_id)
    for _ in range(MOST_STEPS):
        goes_on_in = duplicate_store.goes_on_in(tx, case_id)
        if sealed is None or goes_on_in is None:
            return None
        case_id = goes_on_in
        if (kept := store.get_case(tx, case_id, in_scope(officer))) is not None:
            reader = frozenset({officer.id})
            holder = reader if kept.case.owner_id == officer.id else frozenset[str]()
            case = replace(sealed.case, read_by=reader, followed_by=holder)
            return replace(sealed, case=case) if access.allows(officer, Permission.CASE_READ, case) else None
    return None


def target(tx: Connection, hand: Hand, case_id: str, permission: Permission, *, lock: bool = True) -> Case:
    """The case to act on, locked unless it is only looked at. Unseen is CaseNotFound; not allowed, NotAllowedNow."""
    case = visible(tx, hand.officer, case_id, at=hand.at, lock=lock).case
    if not access.allows(hand.officer, permission, case):
        raise NotAllowedNow(case.number)
    return case


def move(
    tx: Connection,
    hand: Hand,
    case: Case,
    act: Act,
    *,
    owner_id: str | None = None,
    closing: str | None = None,
    facts: Mapping[str, str | None] | None = None,
) -> Case:
    """Take a case along one lawful transition and write it down. `owner_id` is who holds it then: else the officer.

    Raises AlreadyClaimed or NotAllowedNow when the case, or its row, has moved on.
    """
    moved = case.after(act, officer_id=owner_id or hand.officer.id, at=hand.at, closing=closing)
    if not store.save_case(tx, case, moved):
        raise (AlreadyClaimed if act is Act.CLAIM else NotAllowedNow)(case.number)
    if case.offered_to is not None:  # whatever happened to the case, the offer is overtaken
        handover_store.end_offers(tx, case.id, "withdrawn", at=hand.at)
    write_down(tx, hand.vault, moved, act, officer_id=hand.officer.id, at=hand.at, facts=facts)
    return moved


def write_down(
    tx: Connection,
    vault: Vault,
    case: Case,
    act: str,
    *,
    officer_id: str | None,
    at: datetime,
    facts: Mapping[str, str | None] | None = None,
) -> None:
    """One thing that happened, for the case's own history and for the audit log. Facts are ids and codes."""
    store.add_event(tx, case.id, act, officer_id=officer_id, at=at, facts=facts)
    actor = officer_id or SYSTEM
    audit.append(tx, vault, at=at, actor=actor, act=f"case.{act}", object=f"case:{case.id}", facts=dict(facts or {}))


def note_in_audit(
    tx: Connection, hand: Hand, act: str, case: Case, facts: Mapping[str, str | int | None] | None = None
) -> None:
    """An act that belongs into the audit log and not into the case's history: a reading, or words given elsewhere."""
    actor, case_object = hand.officer.id, f"case:{case.id}"
    audit.append(tx, hand.vault, at=hand.at, actor=actor, act=act, object=case_object, facts=dict(facts or {}))


def say(
    tx: Connection,
    vault: Vault,
    words: Words,
    case: Case,
    sentence: str,
    template: str,
    *,
    at: datetime,
    buttons: Mapping[str, str] = NO_BUTTONS,
) -> None:
    """Say a sentence of ours to the person, in their language, with `buttons`: what each says, and what it writes.
    Nothing for somebody who does not write to us."""
    card = conversations.card(tx, case.conversation_id)
    if card is not None and card.channel == AT_DESK:
        return
    language = (card and card.language) or case.language
    conversations.say(
        tx,
        vault,
        case.conversation_id,
        text=words.text(language, sentence),
        cls=MessageClass.OFFICER,
        template=template,
        at=at,
        language=language,
        buttons=[Button(words.text(language, title), written) for title, written in buttons.items()],
    )


def seal(key: DataKey, case_id: str, field: str, text: str) -> bytes:
    """A field of the case's own row, sealed."""
    return key.seal(text, table="cases", row=case_id, field=field)


def key_of(tx: Connection, hand: Hand, case: Case) -> DataKey:
    """The key of a case that is being written to. Raises NotAllowedNow once its words were erased."""
    try:
        return hand.vault.key(tx, case.key_id)
    except Erased:
        raise NotAllowedNow(case.number) from None


def note_down(tx: Connection, hand: Hand, case: Case, text: str) -> None:
    """A note of the officer's that stands with what they do. Raises NotAllowedNow once the words were erased."""
    note_id = new_id()
    sealed = key_of(tx, hand, case).seal(text, table="case_notes", row=note_id, field="text")
    store.add_note(tx, note_id=note_id, case_id=case.id, officer_id=hand.officer.id, at=hand.at, text_sealed=sealed)


def unseal(tx: Connection, vault: Vault, case: Case, sealed: bytes | None, table: str, row: str, field: str) -> str:
    """What a field of a case says; "" once erased."""
    if sealed is None:
        return ""
    try:
        return vault.key(tx, case.key_id).open(sealed, table=table, row=row, field=field)
    except Erased:
        return ""
