"""What the floors above may do with conversations: read them, answer in them, hand them over, erase them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from msgspec import Struct
from msgspec.structs import asdict, replace
from sqlalchemy.engine import Connection

from bot.channels.model import LONGEST_TEXT, Button
from bot.conversations import duress, marks, store
from bot.conversations.attachments import service as attachments
from bot.conversations.attachments import store as attachment_store
from bot.conversations.model import (
    GIVE_UP_AFTER,
    Author,
    ConversationKind,
    Direction,
    InboxState,
    MessageClass,
    Mode,
    OutboxState,
    Wording,
    buttons_of,
)
from bot.conversations.safe_contact import SafeContact
from bot.conversations.store import NoConversation, conversations, inbox, messages, outbox
from bot.conversations.tongue import LAST
from bot.kernel.crypto import Erased, Vault
from bot.kernel.database import Database

__all__ = [
    "ConversationCard",
    "Line",
    "NoConversation",
    "Watched",
    "address_of",
    "agree_on_duress_word",
    "answer",
    "belong_together",
    "card",
    "choose_language",
    "demonstration_ids",
    "end_leases",
    "end_watch",
    "erase",
    "erase_conversation",
    "find_conversation",
    "forget_secrets",
    "hand_back",
    "hand_to_human",
    "is_watched",
    "keep_safe_contact",
    "languages_written",
    "last_of_person",
    "last_seq",
    "leave_phone",
    "make_officers_phone",
    "note",
    "open_conversation",
    "owes_answer",
    "safe_contact",
    "say",
    "sealed_with",
    "seen_by_person",
    "shown_from",
    "transcript",
]

#: A return code can be read so long where it was said; then it is covered, and kept nowhere but as a keyed hash.
SECRETS_KEPT = timedelta(hours=1)


class Watched(Exception):
    """Somebody else may hold the phone: nothing was written to it."""


class Line(Struct, frozen=True):
    """One line of a transcript, readable."""

    id: str  # for lines that go out also the name of their delivery
    seq: int
    direction: Direction
    author: Author
    officer_id: str | None
    kind: str  # text, tap, location, attachment, start, other
    text: str
    buttons: tuple[Button, ...]
    latitude: float | None
    longitude: float | None
    attachment: str | None
    facts: Mapping[str, Any]  # about an attachment: its length, the channel's id of the file
    file: Mapping[str, str] | None  # of ours, that goes out with the words: its id, and what a person would call it
    language: str | None
    template: str | None
    cls: MessageClass | None
    edits: int | None  # the line this one corrects
    at: datetime
    delivery: OutboxState | None  # of lines that go out
    cause: str | None = None  # why it did not arrive, as a code


class ConversationCard(Struct, frozen=True):
    """What is known of a conversation without reading it."""

    id: str
    kind: ConversationKind
    channel: str
    account: str
    language: str | None
    language_chosen: bool
    mode: Mode
    created_at: datetime
    last_in_at: datetime | None
    last_out_at: datetime | None
    erased_at: datetime | None
    demo: bool
    watched_since: datetime | None  # the duress word was written: somebody else may hold the phone
    has_duress_word: bool


# --- opening and finding -----------------------------------------------------------------------------------------


def open_conversation(
    tx: Connection,
    vault: Vault,
    *,
    kind: ConversationKind = ConversationKind.PERSON,
    channel: str,
    account: str,
    address: str,
    language: str | None,
    at: datetime,
    demo: bool = False,
) -> str:
    """The conversation with an address; it is opened if there is none."""
    conversation_id, _ = store.find_or_open(
        tx, vault, kind=kind, channel=channel, account=account, address=address, language=language, at=at, demo=demo
    )
    return conversation_id


def find_conversation(tx: Connection, vault: Vault, *, channel: str, account: str, address: str) -> str | None:
    """The conversation with an address, if there is one that was not erased."""
    index = store.address_index(vault, channel, account, address)
    found = store.conversation_by_address(tx, channel, account, index)
    return None if found is None else found.id


def make_officers_phone(tx: Connection, conversation_id: str) -> None:
    """From now on this conversation carries pages for an officer. Raises NoConversation.

    Part of the turn that heard the code, so that turn must not lose the conversation by it.
    """
    store.set_kind(tx, conversation_id, ConversationKind.OFFICER)


# --- reading -----------------------------------------------------------------------------------------------------


def card(tx: Connection, conversation_id: str) -> ConversationCard | None:
    """None when there never was such a conversation; an erased one still has its card."""
    row = tx.execute(sa.select(conversations).where(conversations.c.id == conversation_id)).one_or_none()
    if row is None:
        return None
    return ConversationCard(
        id=row.id,
        kind=ConversationKind(row.kind),
        channel=row.channel,
        account=row.account,
        language=row.language,
        language_chosen=row.language_chosen,
        mode=Mode(row.mode),
        created_at=row.created_at,
        last_in_at=row.last_in_at,
        last_out_at=row.last_out_at,
        erased_at=row.erased_at,
        demo=row.demo,
        watched_since=row.watched_since,
        has_duress_word=row.duress_words is not None,
    )


def transcript(tx: Connection, vault: Vault, conversation_id: str, after: int = 0) -> list[Line]:
    """The lines after number `after`, in order. Empty for an unknown or an erased conversation.

    What was said once and only to the person (`MessageClass.SECRET`) has its digits covered.
    """
    return [_covered(line) for line in _lines(tx, vault, conversation_id, after)]


def address_of(tx: Connection, vault: Vault, conversation_id: str) -> tuple[str, str] | None:
    """The channel and the address of a person, for what is shown there and is no message. None once erased."""
    try:
        holder = store.conversation(tx, conversation_id)
        key = vault.key(tx, holder.key_id)
    except (NoConversation, Erased):
        return None
    return holder.channel, key.open(holder.address_sealed, table="conversations", row=conversation_id, field="address")


def shown_from(tx: Connection, conversation_id: str) -> int:
    """The first line that may be seen on the person's phone; 0 where all may."""
    query = sa.select(conversations.c.shown_from).where(conversations.c.id == conversation_id)
    return tx.execute(query).scalar_one_or_none() or 0


def seen_by_person(tx: Connection, vault: Vault, conversation_id: str, *, after: int, at: datetime) -> list[Line]:
    """The lines that the person may see on their own phone: no notes, nothing from before a phone was given up or the
    duress word was written, and a return code only while it is fresh."""
    first = shown_from(tx, conversation_id)
    return [
        line if line.at > at - SECRETS_KEPT else _covered(line)
        for line in _lines(tx, vault, conversation_id, max(after, first - 1))
        if line.direction is not Direction.NOTE
    ]


def _covered(line: Line) -> Line:
    return replace(line, text=covered(line.text)) if line.cls is MessageClass.SECRET else line


def covered(text: str) -> str:
    """The text with a dot for every digit."""
    return "".join("•" if character.isdigit() else character for character in text)


def _lines(tx: Connection, vault: Vault, conversation_id: str, after: int) -> list[Line]:
    try:
        holder = store.conversation(tx, conversation_id)
        key = vault.key(tx, holder.key_id)
    except (NoConversation, Erased):
        return []
    rows = tx.execute(
        sa.select(messages, outbox.c.state.label("delivery"), outbox.c.cause)
        .select_from(messages.outerjoin(outbox, outbox.c.id == messages.c.id))
        .where(messages.c.conversation_id == conversation_id, messages.c.seq > after)
        .order_by(messages.c.seq)
    )
    return [
        _line(row, key.open_json(row.body_sealed, table="messages", row=row.id, field="body"))
        for row in rows
        if row.body_sealed is not None
    ]


def _line(row: sa.Row[Any], body: dict[str, Any]) -> Line:
    return Line(
        id=row.id,
        seq=row.seq,
        direction=Direction(row.direction),
        author=Author(row.author),
        officer_id=row.officer_id,
        kind=row.kind,
        text=body.get("text", ""),
        buttons=buttons_of(body),
        latitude=body.get("latitude"),
        longitude=body.get("longitude"),
        attachment=body.get("attachment"),
        facts=body.get("facts", {}),
        file=body.get("file"),
        language=row.language,
        template=row.template,
        cls=None if row.cls is None else MessageClass(row.cls),
        edits=row.edits,
        at=row.at,
        delivery=None if row.delivery is None else OutboxState(row.delivery),
        cause=row.cause,
    )


def owes_answer(tx: Connection, conversation_id: str) -> bool:
    """Whether something the person wrote still waits for its turn."""
    query = sa.select(inbox.c.seq).where(store.WAITING, inbox.c.conversation_id == conversation_id).limit(1)
    return tx.execute(query).first() is not None


def demonstration_ids(tx: Connection) -> list[str]:
    """The conversations that were held with a demonstration, and not yet erased."""
    query = sa.select(conversations.c.id).where(conversations.c.demo, conversations.c.erased_at.is_(None))
    return list(tx.execute(query).scalars())


def sealed_with(tx: Connection, key_ids: Collection[str]) -> list[str]:
    """The conversations whose words one of these data keys opens, and which were not erased."""
    query = sa.select(conversations.c.id, conversations.c.key_id).where(conversations.c.erased_at.is_(None))
    return [row.id for row in tx.execute(query) if row.key_id in key_ids]


def languages_written(tx: Connection, conversation_id: str) -> list[str]:
    """In which languages the person's last messages are, the latest first: each that has words of their own."""
    return store.languages_written(tx, conversation_id, limit=LAST)


def last_of_person(tx: Connection, conversation_id: str) -> int:
    """The number of the last line that the person wrote, 0 when there is none."""
    query = sa.select(sa.func.max(messages.c.seq)).where(
        messages.c.conversation_id == conversation_id, messages.c.author == Author.PERSON.value
    )
    return int(tx.execute(query).scalar_one() or 0)


def last_seq(tx: Connection, conversation_id: str) -> int:
    """The number of the last line, 0 when there is none: cheap to ask again and again."""
    query = sa.select(conversations.c.next_seq).where(conversations.c.id == conversation_id)
    return (tx.execute(query).scalar_one_or_none() or 1) - 1


# --- writing -----------------------------------------------------------------------------------------------------


def answer(
    tx: Connection,
    vault: Vault,
    conversation_id: str,
    *,
    officer_id: str,
    text: str,
    language: str,
    at: datetime,
    although_watched: bool = False,
    file: Mapping[str, str] | None = None,
) -> int:
    """An officer's words to the person, and the `file` that goes with them. Returns the line's number.

    Raises NoConversation, and Watched where somebody else may hold the phone and the officer has not said that these
    words may go there all the same.
    """
    if not although_watched and is_watched(tx, conversation_id):
        raise Watched(conversation_id)
    wording = Wording(text[:LONGEST_TEXT], MessageClass.OFFICER, file=file)
    line = store.spoken(wording, author=Author.OFFICER, language=language, officer_id=officer_id)
    seq = store.add_lines(tx, vault, conversation_id, [line], at=at)
    if file is not None:
        attachments.put_on_line(tx, file["id"], conversation_id, seq)
    return seq


def say(
    tx: Connection,
    vault: Vault,
    conversation_id: str,
    *,
    text: str,
    cls: MessageClass,
    template: str | None,
    at: datetime,
    language: str | None = None,
    buttons: Sequence[Button] = (),
) -> int:
    """Words of the program itself. Returns the line's number. Raises NoConversation.

    Where somebody else may hold the phone they are not sent: they stand in the talk for officers to see.
    """
    line = store.spoken(Wording(text, cls, tuple(buttons), template), author=Author.SYSTEM, language=language)
    if is_watched(tx, conversation_id):
        line = replace(line, direction=Direction.NOTE)
    return store.add_lines(tx, vault, conversation_id, [line], at=at)


def note(
    tx: Connection, vault: Vault, conversation_id: str, *, text: str, at: datetime, officer_id: str | None = None
) -> int:
    """A line for officers only: it is sent to nobody. Raises NoConversation."""
    author = Author.SYSTEM if officer_id is None else Author.OFFICER
    line = store.NewLine(Direction.NOTE, author, "text", {"text": text}, None, officer_id=officer_id)
    return store.add_lines(tx, vault, conversation_id, [line], at=at)


def hand_to_human(tx: Connection, conversation_id: str, at: datetime) -> None:
    """An officer answers from now on; the bot is silent and goes on reading for danger. Raises NoConversation."""
    store.change_conversation(tx, conversation_id, mode=Mode.HUMAN.value, warned_at=None)


def hand_back(tx: Connection, conversation_id: str, at: datetime) -> None:
    """The bot answers again. Forms that were open are forgotten, what is known is kept. Raises NoConversation."""
    store.change_conversation(tx, conversation_id, mode=Mode.BOT.value, warned_at=None, start_afresh=True)


def choose_language(tx: Connection, conversation_id: str, language: str) -> None:
    """The person chose, so guessing ends. Raises NoConversation."""
    store.change_conversation(tx, conversation_id, language=language, language_chosen=True)


# --- somebody else may hold the phone ---------------------------------------------------------------------------


def is_watched(tx: Connection, conversation_id: str) -> bool:
    query = sa.select(conversations.c.watched_since).where(conversations.c.id == conversation_id)
    return tx.execute(query).scalar_one_or_none() is not None


def end_watch(tx: Connection, conversation_id: str) -> None:
    """The person has their phone to themselves again. What was written before stays hidden on it. Raises
    NoConversation."""
    store.change_conversation(tx, conversation_id, watched_since=None)


def agree_on_duress_word(tx: Connection, vault: Vault, conversation_id: str, word: str) -> None:
    """One more word by which the person says that somebody else holds the phone. Raises NoConversation, UnfitWord."""
    holder = store.conversation(tx, conversation_id, lock=True)
    kept = duress.with_word(vault, holder.duress_words, word)
    store.change_conversation(tx, conversation_id, duress_words=kept)


def leave_phone(tx: Connection, vault: Vault, conversation_id: str, *, to: str, at: datetime) -> None:
    """The person goes on in the conversation `to`. Whoever has the old phone now sees nothing of the talk, and is a
    stranger to the bot; the words agreed for danger go along, and are heard on both. Raises NoConversation."""
    old = store.conversation(tx, conversation_id, lock=True)
    new = store.conversation(tx, to, lock=True)
    store.hold_back(tx, conversation_id, at=at)
    store.change_conversation(
        tx, conversation_id, mode=Mode.BOT.value, state_sealed=None, shown_from=old.next_seq, watched_since=None
    )
    marks.move(tx, conversation_id, to=to)
    both = duress.both(new.duress_words, old.duress_words)
    store.change_conversation(tx, to, duress_words=both)
    if safe_contact(tx, vault, to) == SafeContact():  # who looks at the old phone may look at the new one too
        keep_safe_contact(tx, vault, to, safe_contact(tx, vault, conversation_id))


def belong_together(tx: Connection, vault: Vault, left: str, *, to: str) -> None:
    """One person writes in both, and is answered in `to`. The words agreed for danger are heard in both, and what they
    said about a safe time counts where they are answered, if nothing was said there. Raises NoConversation."""
    old, new = store.conversation(tx, left, lock=True), store.conversation(tx, to, lock=True)
    words = duress.both(new.duress_words, old.duress_words)
    for conversation_id in (left, to):
        store.change_conversation(tx, conversation_id, duress_words=words)
    if safe_contact(tx, vault, to) == SafeContact():
        keep_safe_contact(tx, vault, to, safe_contact(tx, vault, left))


def safe_contact(tx: Connection, vault: Vault, conversation_id: str) -> SafeContact:
    """When and how the person may be written to; one that says nothing where they said nothing, or were erased."""
    try:
        holder = store.conversation(tx, conversation_id)
        if holder.safe_contact_sealed is None:
            return SafeContact()
        key = vault.key(tx, holder.key_id)
    except (NoConversation, Erased):
        return SafeContact()
    said = key.open_json(holder.safe_contact_sealed, table="conversations", row=conversation_id, field="safe_contact")
    return SafeContact(**said)


def keep_safe_contact(tx: Connection, vault: Vault, conversation_id: str, said: SafeContact) -> None:
    """Remember it, or forget it where nothing is said. Raises NoConversation, Erased."""
    holder = store.conversation(tx, conversation_id, lock=True)
    sealed = None
    if said != SafeContact():
        key = vault.key(tx, holder.key_id)
        sealed = key.seal_json(asdict(said), table="conversations", row=conversation_id, field="safe_contact")
    store.keep_safe_contact(tx, conversation_id, sealed)


def forget_secrets(tx: Connection, vault: Vault, at: datetime) -> int:
    """Cover what was said once and has been read by now. Returns how many lines."""
    query = (
        sa.select(messages.c.id, messages.c.body_sealed, conversations.c.key_id)
        .join(conversations, conversations.c.id == messages.c.conversation_id)
        .outerjoin(outbox, outbox.c.id == messages.c.id)
        .where(
            messages.c.cls == MessageClass.SECRET.value,
            messages.c.body_sealed.is_not(None),
            conversations.c.erased_at.is_(None),
            messages.c.at <= at - SECRETS_KEPT,
            messages.c.at > at - SECRETS_KEPT - 2 * GIVE_UP_AFTER,  # older ones were covered long ago
            sa.or_(outbox.c.id.is_(None), outbox.c.state.not_in([OutboxState.TODO.value, OutboxState.SENDING.value])),
        )
    )
    count = 0
    for row in tx.execute(query).all():
        key = vault.key(tx, row.key_id)
        body = key.open_json(row.body_sealed, table="messages", row=row.id, field="body")
        if (text := covered(body.get("text", ""))) == body.get("text"):
            continue
        sealed = key.seal_json({**body, "text": text}, table="messages", row=row.id, field="body")
        tx.execute(messages.update().where(messages.c.id == row.id).values(body_sealed=sealed))
        count += 1
    return count


# --- erasing -----------------------------------------------------------------------------------------------------


def erase(tx: Connection, vault: Vault, conversation_id: str, at: datetime) -> None:
    """Destroy everything a person wrote and was told, and their address. Numbers and times stay.

    Call `database.clear_log()` after the commit, or use `erase_conversation`. Erasing twice does nothing.
    """
    try:
        holder = store.conversation(tx, conversation_id, lock=True)
    except NoConversation:
        return
    vault.destroy(tx, holder.key_id, at)
    store.change_conversation(
        tx,
        conversation_id,
        address_index=f"erased:{conversation_id}",
        address_sealed=None,
        state_sealed=None,
        safe_contact_sealed=None,
        duress_words=None,
        erased_at=at,
    )
    attachment_store.erase(tx, conversation_id, at)
    store.forget_marks(tx, conversation_id)
    nothing = {"body_sealed": None, "provider_id": None}
    tx.execute(messages.update().where(messages.c.conversation_id == conversation_id).values(**nothing))
    tx.execute(
        inbox.update()
        .where(inbox.c.conversation_id == conversation_id, inbox.c.state != InboxState.DONE.value)
        .values(state=InboxState.DONE.value, error_code="erased")
    )
    tx.execute(inbox.update().where(inbox.c.conversation_id == conversation_id).values(payload_sealed=None))
    tx.execute(
        outbox.update()
        .where(
            outbox.c.conversation_id == conversation_id,
            outbox.c.state.in_([OutboxState.TODO.value, OutboxState.SENDING.value]),
        )
        .values(state=OutboxState.DEAD.value, cause="erased", settled_at=at)
    )
    tx.execute(outbox.update().where(outbox.c.conversation_id == conversation_id).values(provider_message_id=None))


async def erase_conversation(database: Database, vault: Vault, conversation_id: str, at: datetime) -> None:
    """Erase, and leave no older copy in the database's log."""
    key_id = await database.write(lambda tx: _erase_and_tell_key(tx, vault, conversation_id, at))
    if key_id is not None:
        vault.forget(key_id)
    await database.clear_log()


def _erase_and_tell_key(tx: Connection, vault: Vault, conversation_id: str, at: datetime) -> str | None:
    erase(tx, vault, conversation_id, at)
    query = sa.select(conversations.c.key_id).where(conversations.c.id == conversation_id)
    return tx.execute(query).scalar_one_or_none()


def end_leases(tx: Connection, *, at: datetime) -> None:
    """After a crash of the only server of a database: nobody holds anything, so nobody waits for the leases."""
    store.end_leases(tx, at=at)
    attachment_store.end_leases(tx, at=at)
