"""A request is read and answered behind a link: made by an officer, opened by a click and a code, good for 72 hours.

What comes back goes the way of every letter of a partner (`bot.exchange.requests.intake`), so the same rules judge it.
What is shown is asked about anew each time (`sending.may_show`): the gate, the holds, the consent, the partner.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases.hand import Hand
from bot.exchange.holds import claimants
from bot.exchange.outside import store
from bot.exchange.outside.model import (
    KINDS,
    LARGEST_FILE,
    LINK_HOLDS,
    MOST_FILES,
    MOST_VIEWS,
    Link,
    LinkDead,
    Mail,
    NotTaken,
)
from bot.exchange.outside.store import KeptFile
from bot.exchange.outside.talk import MOST_MESSAGES, STOPS, Said, talk_of, written_from_outside
from bot.exchange.outside.words import language_of
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed, Contact, Partner
from bot.exchange.post.model import LetterRefused, LetterStopped, Receipt, ReceiptState, ReceivedLetter
from bot.exchange.requests import (
    history_store,
    hold_notices,
    letters_store,
    looking,
    opening,
    sending,
    thread_store,
)
from bot.exchange.requests import store as requests
from bot.exchange.requests.attachments import service as attachments
from bot.exchange.requests.attachments import store as attachment_store
from bot.exchange.requests.attachments.model import GIVEN, RequestAttachment, announced
from bot.exchange.requests.attachments.model import State as FileState
from bot.exchange.requests.calling import ring_for
from bot.exchange.requests.intake import RequestIntake
from bot.exchange.requests.model import (
    OWED,
    TAKES_ANSWERS,
    Act,
    NotNow,
    Request,
    Side,
    Status,
)
from bot.kernel import audit, one_time, sessions
from bot.kernel.access import Permission
from bot.kernel.crypto import Erased, Vault
from bot.kernel.ids import new_id

#: As the audit log names whoever opened a link: a code and a link prove no more than that.
BEHIND_LINK = "link"


class Made(Struct, frozen=True):
    """A link that was just made. The code is shown now and never again; the link only where no mail server is set."""

    link: Link
    contact: Contact
    token: str
    code: str


class Page(Struct, frozen=True):
    """What somebody who opened a link sees. Before they accept, nothing in it is about anybody."""

    request: Request
    partner: str
    contact: str
    reply: str
    answered: frozenset[str]
    held: bool  # a hold was told: the child is not moved
    stopped: bool = False  # something speaks against showing it now: the officer has been called
    views_left: int = 0
    files: int = 0
    given: tuple[RequestAttachment, ...] = ()  # files of ours that go with what is told
    said: Sequence[Said] = ()  # what was written to and fro
    told: Mapping[str, str] = field(default_factory=dict)
    decision: str = ""
    decision_other: str = ""
    other_language: str = ""

    @property
    def taken_back(self) -> bool:
        return sending.is_taken_back(self.request)

    @property
    def may_accept(self) -> bool:
        return self.request.status in {Status.SENT, Status.DELIVERED, Status.SEEN}

    @property
    def may_answer(self) -> bool:
        return self.request.status in TAKES_ANSWERS and self.request.asked_on is not None and not self.stopped


def make_link(tx: Connection, hand: Hand, request_id: str, *, mails: bool) -> Made:
    """A new link to a request of ours; any earlier one opens nothing from now on.

    `mails`: whether a mail server is set, so that the link goes out by itself. Raises RequestNotFound, NotNow where
    nothing is owed any more, and ChannelClosed where the partner's contact is not verified.
    """
    request = opening.to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    partner, contact = _reachable(tx, hand.vault, request, hand.at)
    owed = request.status in {*OWED, Status.EXPIRED} or request.still_held
    key = opening.key_of(tx, hand.vault, request)
    if request.side is not Side.OURS or not owed or key is None:
        raise NotNow
    store.end_links(tx, request.id, hand.at)
    link = Link(
        id=new_id(),
        request_id=request.id,
        partner_id=partner.id,
        made_by=hand.officer.id,
        made_at=hand.at,
        expires_at=hand.at + LINK_HOLDS,
        language=language_of(contact, partner),
        tries=0,
        views=0,
        mail=Mail.WAITING if mails else Mail.OFF,
        mailed_at=None,
        opened_at=None,
        ended_at=None,
    )
    token, code = one_time.new_token(), one_time.new_code()
    store.add(
        tx,
        link,
        token_hash=one_time.fingerprint(token),
        token_sealed=key.seal(token, table="exchange_links", row=link.id, field="token") if mails else None,
        code_hash=_code_hash(hand.vault, link, code),
        mail_at=hand.at if mails else None,
    )
    _note(tx, hand.vault, request, "link_made", by=hand.officer.id, officer_id=hand.officer.id, link=link, at=hand.at)
    return Made(link, contact, token, code)


def end_links(tx: Connection, hand: Hand, request_id: str) -> None:
    """From now on no link to this request opens."""
    request = opening.to_act(tx, hand, request_id, Permission.EXCHANGE_WRITE).request
    link = store.newest(tx, request.id)
    if link is None or link.ended_at is not None:
        raise NotNow
    store.end_links(tx, request.id, hand.at)
    _note(tx, hand.vault, request, "link_ended", by=hand.officer.id, officer_id=hand.officer.id, link=link, at=hand.at)


def mailed(tx: Connection, vault: Vault, link: Link, *, well: bool, at: datetime) -> None:
    """The mail server has taken the e-mail, or never will."""
    if not store.mail_became(tx, link.id, Mail.SENT if well else Mail.FAILED, at=at):
        return
    request = _request(tx, link)
    _note(tx, vault, request, "mail_sent" if well else "mail_failed", by=sending.SYSTEM, link=link, at=at)
    if well:
        _preview_became(tx, vault, request, ReceiptState.STORED, at)
    else:
        ring_for(tx, request, at=at)


def token_of(tx: Connection, vault: Vault, link: Link, sealed: bytes, at: datetime) -> str:
    """What stands in a link whose e-mail has not gone yet. Raises LinkDead where the words of its case are gone, and
    ChannelClosed where its partner may not be reached now."""
    request = _request(tx, link)
    _reachable(tx, vault, request, at)
    key = opening.key_of(tx, vault, request)
    if key is None:
        raise LinkDead
    return key.open(sealed, table="exchange_links", row=link.id, field="token")


def to_remind(tx: Connection, vault: Vault, request_id: str, at: datetime) -> tuple[str, str] | None:
    """The e-mail address and the language of whoever is reminded of a request; None where nothing is owed any more, or
    the partner may not be reached now."""
    sealed = requests.get_request(tx, request_id)
    if sealed is None or sealed.request.status not in OWED or sending.is_taken_back(sealed.request):
        return None
    try:
        partner, contact = _reachable(tx, vault, sealed.request, at)
    except (ChannelClosed, NotNow):
        return None
    return contact.email, language_of(contact, partner)


def reminded(tx: Connection, *, vault: Vault, request_id: str, event_id: str, well: bool, at: datetime) -> None:
    """The mail server has taken the reminder, or never will. Then a human calls."""
    act, once = "mail_reminded" if well else "mail_not_reminded", f"{store.MAILED}{event_id}"
    if not history_store.add_event(tx, request_id, act, officer_id=None, at=at, once=once):
        return
    about = f"request:{request_id}"
    audit.append(tx, vault, at=at, actor=sending.SYSTEM, act=f"request.{act}", object=about)
    sealed = requests.get_request(tx, request_id)
    if sealed is not None and not well:
        ring_for(tx, sealed.request, at=at)


# For whoever has the link


def must_wait(tx: Connection, vault: Vault, address: str, at: datetime) -> bool:
    """Whether too much went wrong from this address lately. The address is not stored: a keyed fingerprint is."""
    return sessions.must_wait(tx, _from(vault, address), at) > timedelta(0)


def went_wrong(tx: Connection, vault: Vault, address: str, at: datetime) -> None:
    """A wrong code, or a link that opens nothing: in a transaction of its own, for an exception undoes the other."""
    sessions.note_failure(tx, _from(vault, address), at)


def _from(vault: Vault, address: str) -> str:
    return vault.index("behind a link", address)


def open_link(tx: Connection, vault: Vault, token: str, code: str, at: datetime) -> Page | None:
    """Show the request to whoever has both link and code. None for a wrong code, which is counted. Raises LinkDead.

    (A wrong code must be counted, so it is no exception: an exception would undo the counting.)
    """
    found = store.by_token(tx, one_time.fingerprint(token), lock=True)
    if found is None or not found[0].opens(at):
        raise LinkDead
    link, code_hash = found
    request = _request(tx, link, lock=True)
    _alive(tx, vault, request, at)
    if not hmac.compare_digest(code_hash, _code_hash(vault, link, code)):
        store.count_try(tx, link.id)
        _note(tx, vault, request, "link_wrong_code", by=BEHIND_LINK, link=link, at=at)
        return None
    reply = one_time.new_token()
    store.opened(tx, link, reply_hash=one_time.fingerprint(reply), at=at)
    _note(tx, vault, request, "link_opened", by=BEHIND_LINK, link=link, at=at)
    _preview_became(tx, vault, request, ReceiptState.READ, at)
    return _page(tx, vault, replace(link, opened_at=at), reply, at, counts=True)


def look_again(tx: Connection, vault: Vault, reply: str, at: datetime) -> Page:
    """The page once more, without what is about anybody. Raises LinkDead."""
    link, _ = _opened(tx, vault, reply, at)
    return _page(tx, vault, link, reply, at, shows=False)


def look_in_another_language(tx: Connection, vault: Vault, reply: str, at: datetime) -> Page:
    """The page once more, all of it. To show it is a view like any other: without one left, nobody is named in it.
    Raises LinkDead."""
    link, _ = _opened(tx, vault, reply, at)
    shows = link.views < MOST_VIEWS
    return _page(tx, vault, link, reply, at, shows=shows, counts=shows)


def accept(tx: Connection, vault: Vault, reply: str, at: datetime) -> Page:
    """They take it on: now they are shown about whom it is, unless something speaks against it. Raises LinkDead."""
    link, request = _opened(tx, vault, reply, at)
    if not request.allows(Act.ACCEPT):
        raise NotTaken("not_now")
    _take(tx, vault, link, request, "request_accepted", {}, at)
    return _page(tx, vault, link, reply, at, counts=True)


def refuse(tx: Connection, vault: Vault, reply: str, *, reason: str, alternative: str, at: datetime) -> Page:
    """They say no, why, and whom to ask instead. Raises LinkDead, NotTaken."""
    link, request = _opened(tx, vault, reply, at)
    _take(tx, vault, link, request, "request_refused", {"reason": reason, "alternative": alternative}, at)
    store.end_links(tx, request.id, at)
    return _page(tx, vault, link, reply, at, shows=False)


def answer(
    tx: Connection, vault: Vault, reply: str, answers: Sequence[Mapping[str, Any]], *, ground: str, at: datetime
) -> Page:
    """What they found out, question by question, as in a letter. Raises LinkDead, NotTaken."""
    link, request = _opened(tx, vault, reply, at)
    if not answers:
        raise NotTaken("nothing_said")
    if request.status not in TAKES_ANSWERS or request.asked_on is None:
        raise NotTaken("not_accepted")
    _take(tx, vault, link, request, "request_answer", {"answers": list(answers), "ground": ground}, at)
    page = _page(tx, vault, link, reply, at, shows=False)
    if page.request.status is Status.ANSWERED:
        store.end_links(tx, request.id, at)
    return page


def write(tx: Connection, vault: Vault, reply: str, *, text: str, language: str, at: datetime) -> Page:
    """They ask back, or tell what is no answer, in whatever language they write. Raises LinkDead, NotTaken."""
    link, request = _opened(tx, vault, reply, at)
    if request.status not in TAKES_ANSWERS or request.asked_on is None:
        raise NotTaken("not_accepted")
    if not text.strip():
        raise NotTaken("nothing_written")
    if written_from_outside(tx, request) >= MOST_MESSAGES:
        raise NotTaken("too_many_messages")
    _take(tx, vault, link, request, "request_message", {"text": text, "language": language}, at)
    return _page(tx, vault, link, reply, at, shows=False)


def attach(tx: Connection, vault: Vault, reply: str, content: bytes, at: datetime) -> Page:
    """Keep a file that belongs to their answer, sealed like it. Raises LinkDead, NotTaken."""
    link, request = _opened(tx, vault, reply, at)
    kind = next((kind for kind, begins in KINDS.items() if content.startswith(begins)), None)
    if kind is None or len(content) > LARGEST_FILE:
        raise NotTaken("file_kind" if kind is None else "file_too_large")
    key = opening.key_of(tx, vault, request)
    if request.asked_on is None or request.status not in TAKES_ANSWERS or sending.is_taken_back(request) or key is None:
        raise NotTaken("not_accepted")
    if len(store.files_of(tx, request.id)) >= MOST_FILES:
        raise NotTaken("too_many_files")
    file_id = new_id()
    sealed = key.seal(
        base64.b64encode(content).decode("ascii"), table="exchange_link_files", row=file_id, field="content"
    )
    store.add_file(tx, KeptFile(file_id, request.id, kind, len(content), at, sealed), link_id=link.id)
    _note(tx, vault, request, "file_came", by=BEHIND_LINK, link=link, at=at)
    return _page(tx, vault, link, reply, at, shows=False)


def save_given(
    tx: Connection, vault: Vault, reply: str, file_id: str, at: datetime
) -> tuple[RequestAttachment, bytes] | None:
    """A file of ours, for whoever took the request on. None where something speaks against it now: the officer has been
    called. Raises LinkDead, NotTaken where there is no such file."""
    link, request = _opened(tx, vault, reply, at)
    key = opening.key_of(tx, vault, request)
    file = attachment_store.get(tx, key, request.id, file_id)
    if request.status not in TAKES_ANSWERS or request.asked_on is None or file is None or key is None:
        raise NotTaken("no_such_file")
    if not file.ours or file.state not in GIVEN:
        raise NotTaken("no_such_file")
    try:
        sending.may_show(tx, vault, request, "request_file", announced(file), at=at)
    except STOPS:
        _note(tx, vault, request, "not_shown", by=BEHIND_LINK, link=link, at=at)
        ring_for(tx, request, at=at)
        return None
    attachment_store.move(tx, file.id, FileState.THERE, of={FileState.SENT})
    _note(tx, vault, request, "file_given", by=BEHIND_LINK, link=link, at=at)
    return file, attachments.put_together(tx, key, file)


def keeps_nothing(tx: Connection, vault: Vault, reply: str, at: datetime) -> None:
    """The request was taken back, and they say that they keep nothing of it. Raises LinkDead."""
    link, request = _opened(tx, vault, reply, at)
    if not sending.is_taken_back(request):
        raise LinkDead
    _take(tx, vault, link, request, "withdrawal_done", {}, at)
    store.end_links(tx, request.id, at)


# At the desk


def files_of(tx: Connection, request_id: str) -> Sequence[KeptFile]:
    return store.files_of(tx, request_id)


def read_file(tx: Connection, hand: Hand, request_id: str, file_id: str) -> tuple[str, bytes]:
    """Kind and content of a file that came back; the reading is audited. Raises RequestNotFound, NotNow (no file)."""
    request = looking.require_seen(tx, hand, request_id).request
    file, key = store.get_file(tx, request.id, file_id), opening.key_of(tx, hand.vault, request)
    if file is None or file.content_sealed is None or key is None:
        raise NotNow
    facts = {"file": file.id}
    object_ = f"request:{request.id}"
    audit.append(
        tx, hand.vault, at=hand.at, actor=hand.officer.id, act="request.file_read", object=object_, facts=facts
    )
    sealed = key.open(file.content_sealed, table="exchange_link_files", row=file.id, field="content")
    return file.kind, base64.b64decode(sealed)


# What everything above stands on


def _page(
    tx: Connection, vault: Vault, link: Link, reply: str, at: datetime, *, shows: bool = True, counts: bool = False
) -> Page:
    request = _request(tx, link)
    partner = partners.get(tx, request.partner_id, vault)
    contact = partner.link_contact if partner else None
    told = set(hold_notices.told_as(tx, request).values())
    page = Page(
        request=request,
        partner=partner.name if partner else "",
        contact=contact.name if contact else "",
        reply=reply,
        answered=frozenset(thread_store.answered(tx, request.id)),
        held=bool(told & {hold.id for hold in claimants.standing_holds(tx, request.case_id or "")}),
        files=len(store.files_of(tx, request.id)),
        views_left=max(0, MOST_VIEWS - link.views - counts),
    )
    if counts:
        store.count_view(tx, link.id)
    if not shows or request.status not in TAKES_ANSWERS:
        return page
    sealed = requests.get_request(tx, request.id)
    body = opening.open_body(opening.key_of(tx, vault, request), sealed) if sealed else {}
    said = {"fields": body.get("fields", {}), "decision": body.get("decision", "")}
    try:
        if request.asked_on is None or not body:
            raise LetterStopped("kept_back")
        sending.may_show(tx, vault, request, "request_body", said, at=at)
    except STOPS:
        _note(tx, vault, request, "not_shown", by=BEHIND_LINK, link=link, at=at)
        ring_for(tx, request, at=at)
        return replace(page, stopped=True)
    _note(tx, vault, request, "shown", by=BEHIND_LINK, link=link, at=at)
    talk = talk_of(tx, vault, request, at)
    if talk.stopped:
        _note(tx, vault, request, "not_shown", by=BEHIND_LINK, link=link, at=at)
        ring_for(tx, request, at=at)
    ours = [
        file for file in attachment_store.of_request(tx, opening.key_of(tx, vault, request), request.id) if file.ours
    ]
    return replace(
        page,
        given=tuple(file for file in ours if file.state in GIVEN),
        said=talk.said,
        told=said["fields"],
        decision=said["decision"],
        decision_other=body.get("decision_translated", ""),
        other_language=body.get("translated_into", ""),
    )


def _take(
    tx: Connection, vault: Vault, link: Link, request: Request, kind: str, body: Mapping[str, Any], at: datetime
) -> None:
    """Take in what they say as if it had come in a letter of theirs. Raises NotTaken."""
    letter = ReceivedLetter(
        partner_id=link.partner_id,
        envelope_id=new_id(),
        kind=kind,
        request_type=request.type_key,
        purpose=sending.PURPOSE,
        body={"request": request.id, **body},
        consent_ref=None,
        in_reply_to=None,
        sent_at=at,
        at=at,
    )
    _note(tx, vault, request, f"link_{kind.removeprefix('request_')}"[:30], by=BEHIND_LINK, link=link, at=at)
    try:
        RequestIntake(vault).receive(tx, letter)
    except LetterRefused as refused:
        raise NotTaken(refused.code) from None


def _opened(tx: Connection, vault: Vault, reply: str, at: datetime) -> tuple[Link, Request]:
    link = store.by_reply(tx, one_time.fingerprint(reply)) if reply else None
    if link is None or not link.answers(at):
        raise LinkDead
    request = _request(tx, link, lock=True)
    _alive(tx, vault, request, at)
    return link, request


def _alive(tx: Connection, vault: Vault, request: Request, at: datetime) -> None:
    """Raises LinkDead where the partner may not be reached any more, or the words of the case are gone."""
    try:
        _reachable(tx, vault, request, at)
        vault.key(tx, request.key_id)
    except (ChannelClosed, Erased):
        raise LinkDead from None
    if request.status is Status.CLOSED:
        raise LinkDead


def _reachable(tx: Connection, vault: Vault, request: Request, at: datetime) -> tuple[Partner, Contact]:
    partner = partners.get(tx, request.partner_id, vault)
    if partner is None:
        raise NotNow
    partner.must_allow_by_link(request_type=request.type_key, purpose=sending.PURPOSE, data_classes=frozenset(), at=at)
    contact = partner.link_contact
    assert contact is not None
    return partner, contact


def _request(tx: Connection, link: Link, *, lock: bool = False) -> Request:
    sealed = requests.get_request(tx, link.request_id, lock=lock)
    if sealed is None:
        raise LinkDead
    return sealed.request


def _preview_became(tx: Connection, vault: Vault, request: Request, state: ReceiptState, at: datetime) -> None:
    """The first letter of a request, which names nobody, is with them: sent by mail, or seen by a human."""
    for letter in letters_store.letters_of(tx, request.id):
        if letter.kind == "request_preview":
            RequestIntake(vault).told(tx, Receipt(request.partner_id, letter.envelope_id, state, None, at))


def _code_hash(vault: Vault, link: Link, code: str) -> str:
    return one_time.code_hash(vault, "exchange link code", link.id, code)


def _note(
    tx: Connection,
    vault: Vault,
    request: Request,
    act: str,
    *,
    by: str,
    link: Link,
    at: datetime,
    officer_id: str | None = None,
) -> None:
    facts = {"link": link.id}
    history_store.add_event(tx, request.id, act, officer_id=officer_id, at=at, facts=facts)
    audit.append(tx, vault, at=at, actor=by, act=f"request.{act}", object=f"request:{request.id}", facts=facts)
