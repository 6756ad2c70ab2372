"""Pictures, voice notes and files of a case: who may look, what is written down, and the file an officer sends."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import receipt_store
from bot.cases.hand import Hand, note_in_audit, target, visible, write_down
from bot.cases.model import Case, CaseError, CaseNotFound, NotAllowedNow
from bot.cases.reasons import WHY_ORIGINAL
from bot.conversations.attachments import service as attachments
from bot.conversations.attachments.examine import examine
from bot.conversations.attachments.model import LARGEST_SENT, Attachment, Kind
from bot.conversations.attachments.reading import HeldBytes
from bot.conversations.attachments.service import NoFile, Readable
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.words import N_

#: What an officer may send: pictures, from which hidden facts are taken out, and PDF, which stays as it is.
SENT_TYPES = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"})

#: Said with a file where the officer wrote nothing: no message begins with the file itself on a locked phone.
HERE_IS_PICTURE = N_("Here is a picture for you.")
HERE_IS_FILE = N_("Here is a file for you.")


class UnfitFile(CaseError):
    """Not a picture or PDF, too large, or not built as it should be. Nothing was sent."""


class FileToSend(Struct, frozen=True):
    """A file that was looked at and may go to the person."""

    content: bytes
    kind: Kind

    @property
    def words(self) -> str:
        return HERE_IS_PICTURE if self.kind is Kind.PHOTO else HERE_IS_FILE


def fit_to_send(content: bytes) -> FileToSend:
    """Look at a file before it is sent. Raises UnfitFile."""
    if not 0 < len(content) <= LARGEST_SENT:
        raise UnfitFile("size")
    examined = examine(HeldBytes(content))
    if examined.type not in SENT_TYPES or (examined.pieces is None and examined.type != "application/pdf"):
        raise UnfitFile(examined.type)
    return FileToSend(content, examined.kind)


def talks_of(tx: Connection, case: Case) -> list[str]:
    """The talk of a case, and those on phones the person left."""
    return [case.conversation_id, *receipt_store.earlier_phones(tx, case.id)]


def of_case(tx: Connection, vault: Vault, case: Case) -> list[Attachment]:
    """For a case the officer was let into."""
    return attachments.of_talks(tx, vault, talks_of(tx, case))


def by_line(files: list[Attachment], conversation_id: str) -> Mapping[int, Attachment]:
    """The files of one of its talks, by the line each belongs to."""
    return {file.seq: file for file in files if file.conversation_id == conversation_id}


def look(tx: Connection, hand: Hand, case_id: str, attachment_id: str) -> tuple[Case, Attachment]:
    """What is known of a file, for the page about it. Raises CaseNotFound; that they looked is in the audit log."""
    case = visible(tx, hand.officer, case_id, at=hand.at).case
    found = _of_it(tx, hand.vault, case, attachment_id)
    note_in_audit(tx, hand, "attachment.look", case, {"attachment": found.id})
    return case, found


def open_copy(tx: Connection, hand: Hand, case_id: str, attachment_id: str) -> tuple[Attachment, Readable]:
    """See or hear the copy. Raises CaseNotFound, also where there is no copy; the opening is in the audit log."""
    case = visible(tx, hand.officer, case_id, at=hand.at).case
    found = _of_it(tx, hand.vault, case, attachment_id)
    try:
        readable = attachments.copy(tx, hand.vault, found.id)
    except NoFile:
        raise CaseNotFound(case_id) from None
    note_in_audit(tx, hand, "attachment.open_copy", case, {"attachment": found.id})
    return found, readable


def open_original(tx: Connection, hand: Hand, case_id: str, attachment_id: str, *, why: str) -> Readable:
    """Take the evidence as it came, with everything that is hidden in it. `why` is a code of `WHY_ORIGINAL`.

    Raises CaseNotFound, NotAllowedNow, ValueError for another reason. It stands in the case and in the audit log.
    """
    case = target(tx, hand, case_id, Permission.EVIDENCE_OPEN)
    found = _of_it(tx, hand.vault, case, attachment_id)
    if why not in WHY_ORIGINAL:
        raise ValueError(why)
    try:
        readable = attachments.original(tx, hand.vault, found.id)
    except NoFile:
        raise CaseNotFound(case_id) from None
    facts = {"attachment": found.id, "reason": why}
    write_down(tx, hand.vault, case, "original_opened", officer_id=hand.officer.id, at=hand.at, facts=facts)
    return readable


def fetch_again(tx: Connection, hand: Hand, case_id: str, attachment_id: str) -> None:
    """Have a file looked for once more that could not be fetched. Raises CaseNotFound, NotAllowedNow where it is here,
    on its way, or refused."""
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    found = _of_it(tx, hand.vault, case, attachment_id)
    try:
        attachments.fetch_again(tx, found.id, at=hand.at)
    except NoFile:
        raise NotAllowedNow(case.number) from None
    facts = {"attachment": found.id}
    write_down(tx, hand.vault, case, "file_again", officer_id=hand.officer.id, at=hand.at, facts=facts)


def _of_it(tx: Connection, vault: Vault, case: Case, attachment_id: str) -> Attachment:
    try:
        found = attachments.one(tx, vault, attachment_id)
    except NoFile:
        raise CaseNotFound(case.id) from None
    if found.conversation_id not in talks_of(tx, case):
        raise CaseNotFound(case.id)
    return found
