"""What people at the desk do with the files of a request: attach one, take it off again, save one that is here."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import attachments as case_files
from bot.cases.hand import Hand
from bot.cases.model import CaseNotFound, NotAllowedNow
from bot.conversations.attachments.examine import examine
from bot.conversations.attachments.model import Attachment, copy_of
from bot.conversations.attachments.reading import HeldBytes
from bot.conversations.attachments.service import NoFile, Readable
from bot.exchange.requests import looking, opening, sending, thread_store
from bot.exchange.requests.attachments import store as files
from bot.exchange.requests.attachments import travel
from bot.exchange.requests.attachments.model import (
    LARGEST,
    MOST_FILES,
    TYPES,
    RequestAttachment,
    State,
    clean_title,
    cut,
    fingerprint,
    parts_for,
)
from bot.exchange.requests.history import note
from bot.exchange.requests.model import DISCLOSED, TAKES_ANSWERS, Incomplete, NotNow, Request, Side, Status
from bot.kernel.access import Permission
from bot.kernel.crypto import DataKey, Vault
from bot.kernel.ids import new_id


class Wanted(Struct, frozen=True):
    """What an officer says of a file they attach."""

    title: str  # what it shows
    data_class: str
    line: str = ""  # of the thread, one of ours; "" for the request itself


class _Found(Struct, frozen=True):
    """A file as it would leave."""

    content: bytes
    type: str
    source_id: str | None = None
    original: bool = False


def of_request(tx: Connection, vault: Vault, request: Request) -> list[RequestAttachment]:
    """For a request the officer was let into."""
    return files.of_request(tx, opening.key_of(tx, vault, request), request.id)


def to_choose(tx: Connection, vault: Vault, file: looking.RequestFile) -> Sequence[Attachment]:
    """The files of its case that could go along: they are here, and small enough for letters."""
    if file.case is None or file.erased or file.request.side is not Side.OURS:
        return ()
    return [each for each in case_files.of_case(tx, vault, file.case) if each.sha256 and (each.size or 0) <= LARGEST]


def may_attach(request: Request) -> bool:
    """While it is drafted, so that whoever approves it has seen the file; and once the partner has accepted, beside a
    line of the thread or an answer."""
    drafted = request.side is Side.OURS and request.status is Status.DRAFTED
    return drafted or (request.asked_on is not None and request.status in DISCLOSED | TAKES_ANSWERS)


def attach_of_case(
    tx: Connection, hand: Hand, request_id: str, attachment_id: str, wanted: Wanted, *, why: str = "", once: str = ""
) -> str | None:
    """Attach a file of the case: its copy without hidden facts. Only where there is none the file itself, for a reason
    of `WHY_ORIGINAL`, by somebody who may open it; both are written down in the case.

    The id of the file, or None when this very form was sent before. Raises RequestNotFound, Incomplete, NotNow (also
    where its title may name an adult with whom the child may not go: a title can do without names), and what stops a
    letter, for a request whose partner has the personal part: the file then leaves at once.
    """
    request, key = _to_attach(tx, hand, request_id, wanted)
    if request.side is not Side.OURS or request.case_id is None:
        raise NotNow
    try:
        _, about = case_files.look(tx, hand, request.case_id, attachment_id)
        if not about.has_copy and not why:
            raise Incomplete(["why"])
        if about.has_copy:
            _, readable = case_files.open_copy(tx, hand, request.case_id, attachment_id)
        else:
            readable = case_files.open_original(tx, hand, request.case_id, attachment_id, why=why)
        content = _whole(tx, hand.vault, readable)
    except (CaseNotFound, NoFile):
        raise NotNow("no_such_file") from None
    except NotAllowedNow:
        raise NotNow("not_yours") from None
    except ValueError:
        raise Incomplete(["why"]) from None
    found = _Found(content, readable.type, attachment_id, not about.has_copy)
    return _attach(tx, hand, request, key, found, wanted, once=once)


def attach_upload(
    tx: Connection, hand: Hand, request_id: str, content: bytes, wanted: Wanted, *, once: str = ""
) -> str | None:
    """Attach a picture or PDF from the officer's own disk, a picture as its copy without hidden facts.

    As `attach_of_case`; Incomplete also for what is no such file.
    """
    request, key = _to_attach(tx, hand, request_id, wanted)
    try:
        case_files.fit_to_send(content)
    except case_files.UnfitFile:
        raise Incomplete(["file"]) from None
    source = HeldBytes(content)
    examined = examine(source)
    if examined.pieces is not None:
        content = copy_of(examined.pieces, source, 0, examined.size)
    return _attach(tx, hand, request, key, _Found(content, examined.type), wanted, once=once)


def take_off(tx: Connection, hand: Hand, request_id: str, attachment_id: str) -> None:
    """Take a file off that has not left. Raises RequestNotFound, NotNow."""
    request = opening.to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    file = files.get(tx, None, request.id, attachment_id, lock=True)
    if file is None or not file.ours or file.state is not State.WAITING or request.status is Status.APPROVED:
        raise NotNow
    files.drop(tx, file.id)
    note(tx, hand.vault, request, "file_taken_off", officer_id=hand.officer.id, at=hand.at, facts={"file": file.id})


def open_file(tx: Connection, hand: Hand, request_id: str, attachment_id: str) -> tuple[RequestAttachment, bytes]:
    """Save a file that is here; who did is in the audit log. Raises RequestNotFound, NotNow (nothing of it is here)."""
    request = looking.require_seen(tx, hand, request_id).request
    key = opening.key_of(tx, hand.vault, request)
    file = files.get(tx, key, request.id, attachment_id)
    if file is None or key is None or not file.may_be_opened:
        raise NotNow("no_such_file")
    content = put_together(tx, key, file)
    opening.audit_read(tx, hand, "request.file_read", request, {"file": file.id})
    return file, content


# What everything above stands on


def _to_attach(tx: Connection, hand: Hand, request_id: str, wanted: Wanted) -> tuple[Request, DataKey]:
    """The request, if a file may be attached to it now, and what is said of the file is in order."""
    request = opening.to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    key = opening.key_of(tx, hand.vault, request)
    if key is None:
        raise NotNow("erased")
    if not may_attach(request):
        raise NotNow
    wrong = [] if clean_title(wanted.title) else ["title"]
    if wanted.data_class not in request.type.data:
        wrong.append("data")
    line = thread_store.get_line(tx, request.id, wanted.line) if wanted.line else None
    if wanted.line and (line is None or not line.ours):
        wrong.append("line")
    if wrong:
        raise Incomplete(wrong)
    if sum(1 for each in files.of_request(tx, None, request.id) if each.ours) >= MOST_FILES:
        raise NotNow("too_many_files")
    if sending.names_adult(tx, hand.vault, request, clean_title(wanted.title)):
        raise NotNow("file_names_adult")
    return request, key


def _attach(
    tx: Connection, hand: Hand, request: Request, key: DataKey, found: _Found, wanted: Wanted, *, once: str
) -> str | None:
    if not 0 < len(found.content) <= LARGEST or found.type not in TYPES:
        raise Incomplete(["file"])
    file_id = new_id()
    file = RequestAttachment(
        id=file_id,
        request_id=request.id,
        ours=True,
        ref=file_id,
        line=wanted.line,
        state=State.WAITING,
        data_class=wanted.data_class,
        size=len(found.content),
        parts=parts_for(len(found.content)),
        at=hand.at,
        officer_id=hand.officer.id,
        source_id=found.source_id,
        original=found.original,
        title=clean_title(wanted.title),
        type=found.type,
        sha256=fingerprint(found.content),
    )
    facts = {"file": file_id, "data": file.data_class, "original": file.original}
    if not note(
        tx, hand.vault, request, "file_attached", officer_id=hand.officer.id, at=hand.at, facts=facts,
        once=f"file:{once}" if once else None,
    ):  # fmt: skip
        return None
    files.add(tx, key, file)
    for number, content in enumerate(cut(found.content)):
        files.add_part(tx, key, file_id, number, content)
    if request.asked_on is not None and not _waits_for_release(tx, request, wanted.line):
        travel.send_waiting(tx, hand.vault, request, {wanted.line}, actor=hand.officer.id, at=hand.at)
    return file_id


def _waits_for_release(tx: Connection, request: Request, line_id: str) -> bool:
    """A file beside an answer that was written and not let go yet leaves with it."""
    line = thread_store.get_line(tx, request.id, line_id) if line_id else None
    return line is not None and line.approved_by is None


def _whole(tx: Connection, vault: Vault, readable: Readable) -> bytes:
    if readable.size > LARGEST:
        raise Incomplete(["file"])
    return readable.read(tx, vault, 0, readable.size)


def put_together(tx: Connection, key: DataKey, file: RequestAttachment) -> bytes:
    """All of a file that is here. Raises NotNow where it is not what it was."""
    content = b"".join(files.part(tx, key, file.id, number) or b"" for number in range(file.parts))
    if fingerprint(content) != file.sha256:
        raise NotNow("no_such_file")
    return content
