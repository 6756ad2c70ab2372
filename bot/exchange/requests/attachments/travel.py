"""A file on its way: put in the post part by part, put together where it arrives, and gone when it has to go.

Every part is a letter of its own and passes the gate, the consent and the holds like any other, when it is written and
before every attempt to send it. The last part to arrive has the whole compared with what was signed for, and the sender
is told by a signed word which of the two it was.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.engine import Connection

from bot.cases import consent
from bot.cases.model import Case
from bot.conversations.attachments.examine import sniffed
from bot.conversations.attachments.reading import HeldBytes
from bot.exchange.partners import store as partners
from bot.exchange.post.model import LETTER_LIFETIME
from bot.exchange.requests import sending
from bot.exchange.requests import store as requests
from bot.exchange.requests.attachments import store
from bot.exchange.requests.attachments.model import (
    GIVEN,
    MOST_FILES,
    TYPES,
    BadPart,
    Part,
    RequestAttachment,
    Spoilt,
    State,
    announced,
    fingerprint,
    read_part,
    said_in,
)
from bot.exchange.requests.history import note
from bot.exchange.requests.model import NotNow, Request, is_one_of
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.ids import new_id

#: After this, no part that is missing can come any more.
ARRIVES_WITHIN = LETTER_LIFETIME + timedelta(days=1)
AT_ONCE = 100


def shared_as(file: RequestAttachment) -> str:
    """How the consent ledger names a file that left a case."""
    return f"exchange_file:{file.id}"


# Leaving


def send_waiting(
    tx: Connection, vault: Vault, request: Request, lines: Collection[str], *, actor: str, at: datetime
) -> int:
    """Send what waits beside these lines of the thread; "" is the request itself. Returns how many files.

    Raises GateShut, NoConsent, ChannelClosed, MayNotMove, and NotNow where the words of the case were erased.
    """
    try:
        key = vault.key(tx, request.key_id)
    except Erased:
        raise NotNow("erased") from None
    waiting = [
        file
        for file in store.of_request(tx, key, request.id)
        if file.ours and file.state is State.WAITING and file.line in lines
    ]
    for file in waiting:
        _send(tx, vault, key, request, file, actor=actor, at=at)
    return len(waiting)


def _send(
    tx: Connection, vault: Vault, key: DataKey, request: Request, file: RequestAttachment, *, actor: str, at: datetime
) -> None:
    partner = partners.get(tx, request.partner_id)
    by_link = partner is not None and partner.by_link
    letters = sending.send_file(
        tx,
        vault,
        request,
        [announced(file)] if by_link else _parts(tx, key, file),
        shared_as=shared_as(file),
        data_class=file.data_class,
        actor=actor,
        at=at,
    )
    for number, envelope_id in enumerate(letters):
        store.part_left(tx, file.id, number, envelope_id)
    if file.source_id is not None and not by_link:
        store.empty_parts(tx, file.id)  # the case has it: what went out is in the letters, and nowhere twice
    if not store.move(tx, file.id, State.SENT, of={State.WAITING}):
        raise NotNow
    officer_id = None if actor == sending.SYSTEM else actor
    note(
        tx, vault, request, "file_sent", officer_id=officer_id, at=at, facts={"file": file.id, "data": file.data_class}
    )


def _parts(tx: Connection, key: DataKey, file: RequestAttachment) -> Iterator[dict[str, Any]]:
    for number in range(file.parts):
        content = store.part(tx, key, file.id, number)
        if content is None:
            raise NotNow("no_such_file")
        yield said_in(file, number, content)


def letter_failed(
    tx: Connection, vault: Vault, request: Request, envelope_id: str, code: str | None, at: datetime
) -> bool:
    """A part was stopped, refused or ran out: the file is not whole there. True the first time a file is found so."""
    attachment_id = store.carried_by(tx, envelope_id)
    if attachment_id is None or not store.move(tx, attachment_id, State.FAILED, of={State.SENT}):
        return False
    return note(tx, vault, request, "file_failed", at=at, facts={"file": attachment_id, "code": code})


def judged_there(
    tx: Connection, vault: Vault, request: Request, said: Mapping[str, Any], *, whole: bool, at: datetime
) -> bool:
    """The partner has put the file together and signs that it is whole, or that it is not. True where that is news."""
    file = store.by_ref(tx, None, request.id, str(said.get("attachment"))[:36], ours=True, lock=True)
    if file is None:
        return False
    state = State.THERE if whole else State.FAILED
    if not store.move(tx, file.id, state, of={State.SENT}):
        return False
    why = said.get("why")
    code = None if whole else Spoilt(why) if is_one_of(why, set(Spoilt)) else Spoilt.CHANGED
    return note(
        tx, vault, request, "file_arrived" if whole else "file_failed", at=at, facts={"file": file.id, "code": code}
    )


# Arriving


class TooManyFiles(Exception):
    """This side has attached as many files to the request as are taken."""


def part_came(
    tx: Connection, vault: Vault, request: Request, said: Mapping[str, Any], *, at: datetime
) -> tuple[RequestAttachment, Spoilt | None] | None:
    """Keep a part. With the last one the file is put together, and returned with what was wrong with it: kept where
    nothing was, and else gone.

    Raises BadPart, TooManyFiles, Erased.
    """
    part, key = read_part(said, classes=request.type.data), vault.key(tx, request.key_id)
    file = _announced(tx, key, request, part, at=at)
    if file.state is not State.ARRIVING or not store.add_part(tx, key, file.id, part.number, part.content):
        return None
    if store.parts_here(tx, file.id) < file.parts:
        return None
    spoilt = _spoilt(file, b"".join(store.part(tx, key, file.id, number) or b"" for number in range(file.parts)))
    if spoilt is not None:
        store.forget(tx, [file.id])
        store.move(tx, file.id, State.SPOILT, of={State.GONE})
        note(tx, vault, request, "file_spoilt", at=at, facts={"file": file.id, "code": spoilt})
    else:
        store.move(tx, file.id, State.KEPT, of={State.ARRIVING}, expires_at=_kept_until(tx, vault, request, at))
        note(tx, vault, request, "file_came", at=at, facts={"file": file.id, "data": file.data_class})
    return file, spoilt


def _announced(tx: Connection, key: DataKey, request: Request, part: Part, *, at: datetime) -> RequestAttachment:
    """The file this is a part of, written down with the first that comes; all of them say the same of it."""
    file = RequestAttachment(
        id=new_id(),
        request_id=request.id,
        ours=False,
        ref=part.ref,
        line=part.line,
        state=State.ARRIVING,
        data_class=part.data_class,
        size=part.size,
        parts=part.parts,
        at=at,
        expires_at=at + ARRIVES_WITHIN,
        title=part.about.title,
        type=part.about.type,
        sha256=part.about.sha256,
    )
    known = store.by_ref(tx, key, request.id, part.ref, ours=False, lock=True)
    if known is None:
        theirs = [each for each in store.of_request(tx, None, request.id) if not each.ours]
        if len(theirs) >= MOST_FILES:
            raise TooManyFiles
        store.add(tx, key, file)
        return file
    if known.state is State.ARRIVING and announced(known) != announced(file):
        raise BadPart("another")
    return known


def _spoilt(file: RequestAttachment, content: bytes) -> Spoilt | None:
    """What is wrong with a file that is all here. It is looked at no further than its first bytes: nothing of it is
    shown here, and whoever saves it opens it elsewhere."""
    if fingerprint(content) != file.sha256:
        return Spoilt.CHANGED
    found = sniffed(HeldBytes(content))
    is_it = found == file.type or (found, file.type) == ("video/mp4", "audio/mp4")  # one format for both
    return None if found in TYPES and is_it else Spoilt.KIND


def _kept_until(tx: Connection, vault: Vault, request: Request, at: datetime) -> datetime:
    """By the agreement with the partner, nothing that came is kept longer than this."""
    partner = partners.get(tx, request.partner_id, vault)
    days = partner.agreement.retention_days if partner is not None and partner.agreement is not None else 0
    return at + timedelta(days=days)


# Going


def forget(tx: Connection, request_id: str) -> None:
    """The request was taken back: leave nothing of its files but that they were there."""
    store.forget(tx, [file.id for file in store.of_request(tx, None, request_id)])


def forget_of_partner(tx: Connection, request_id: str) -> None:
    """The partner took back what it had answered: leave nothing of the files it gave."""
    store.forget(tx, [file.id for file in store.of_request(tx, None, request_id) if not file.ours])


def keeps_nothing(tx: Connection, vault: Vault, request: Request, case: Case, *, at: datetime) -> None:
    """The partner has confirmed that it keeps nothing: so says the ledger of every file it was given."""
    for file in store.of_request(tx, None, request.id):
        if file.ours and file.state in GIVEN:
            consent.keeps_nothing(tx, vault, case, shared_as(file), at=at)


def kept_after_all(tx: Connection, vault: Vault, request: Request, case: Case, *, at: datetime) -> None:
    """Somebody has it after the partner had confirmed that nothing is kept: it may be the files too."""
    for file in store.of_request(tx, None, request.id):
        if file.ours and file.state in GIVEN:
            consent.kept_after_all(tx, vault, case, shared_as(file), at=at)


def names_in_ledger(tx: Connection, request_id: str) -> set[str]:
    """The names under which files of a request stand in the consent ledger."""
    return {shared_as(file) for file in store.of_request(tx, None, request_id) if file.ours}


def drop_of_line(tx: Connection, request_id: str, line_id: str) -> None:
    """An answer was taken back before it was sent: so are its files."""
    for file in store.of_request(tx, None, request_id):
        if file.ours and file.line == line_id and file.state is State.WAITING:
            store.drop(tx, file.id)


def expire(tx: Connection, vault: Vault, at: datetime) -> int:
    """Delete what the agreements do not let us keep any longer, and what never arrived whole. Returns how many."""
    due = store.expired(tx, at, limit=AT_ONCE)
    for attachment_id, request_id in due:
        store.forget(tx, [attachment_id])
        sealed = requests.get_request(tx, request_id)
        if sealed is not None:
            note(tx, vault, sealed.request, "file_expired", at=at, facts={"file": attachment_id})
    return len(due)
