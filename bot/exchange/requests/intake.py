"""Letters of partners about requests: taken in once, checked word by word, never trusted further than the request.

Implements `bot.exchange.post.model.Receiver`. What cannot be read is refused with a code to the machine; what can be
read and does not count (late, twice, not asked) is kept apart, and its sender is thanked and told why.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.exchange.gate import GateShut
from bot.exchange.holds import told_holds
from bot.exchange.holds.model import Hold, HoldState, MayNotMove
from bot.exchange.holds.model import NotNow as HoldNotNow
from bot.exchange.partners.model import ChannelClosed
from bot.exchange.post.model import LetterRefused, Receipt, ReceivedLetter
from bot.exchange.requests import (
    alerts,
    consent_ends,
    history_store,
    hold_notices,
    model,
    news,
    opening,
    reading,
    sending,
    service,
    store,
    thread_store,
)
from bot.exchange.requests.attachments import travel as attachments
from bot.exchange.requests.attachments.model import BadPart
from bot.exchange.requests.attachments.travel import TooManyFiles
from bot.exchange.requests.calling import ring_for
from bot.exchange.requests.forgetting import forgotten, held_after_all, let_go
from bot.exchange.requests.history import note
from bot.exchange.requests.model import (
    ENDED,
    Act,
    Alternative,
    Assent,
    Ground,
    NotNow,
    Refusal,
    Request,
    Returned,
    Side,
    Status,
    is_one_of,
    judge,
)
from bot.exchange.requests.news import KNOWN_REQUEST, NO_SUCH_REQUEST, NOT_ACCEPTED, TOO_MANY_HOLDERS, UNKNOWN_KIND
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.passing.model import BadNotice, NeverTold, TooManyHolders
from bot.exchange.requests.thread_store import NOT_DONE, Line
from bot.exchange.requests.transfer import service as transfers
from bot.exchange.requests.transfer.file import BadFile
from bot.exchange.requests.types import FIELDS, LONGEST, REQUEST_TYPES
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.ids import new_id
from bot.kernel.logs import get_log

log = get_log("exchange")

SYSTEM = sending.SYSTEM
LONGEST_TEXT = model.LONGEST_TEXT
FIELDS_MISSING = "fields_missing"
#: However far away a partner's due date is, and whatever its clock says.
LATEST_DUE = timedelta(days=400)
_NUMBER = re.compile(r"X[0-9A-Z]{3}-[0-9A-Z]{3}")


class ComesTooEarly(Exception):
    """A file overtook the personal part of its request: the post hands it over again."""


class RequestIntake:
    """Everything a partner can say to us about a request."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def told(self, tx: Connection, receipt: Receipt) -> None:
        """What became of a letter of ours. News that comes late or twice changes nothing."""
        news.told(tx, self._vault, receipt)

    # Letters of theirs

    def receive(self, tx: Connection, letter: ReceivedLetter) -> None:
        """Take a letter in. Raises LetterRefused."""
        take = {
            "request_preview": self._preview,
            "request_body": self._body,
            "request_accepted": self._accepted,
            "request_refused": self._refused,
            "request_answer": self._answer,
            "request_message": self._message,
            "request_file": self._file,
            "file_kept": self._file_kept,
            "file_spoilt": self._file_spoilt,
            "request_withdrawn": self._withdrawn,
            "withdrawal_done": self._withdrawal_done,
            "answers_withdrawn": self._answers_withdrawn,
            "answers_forgotten": self._answers_forgotten,
            "request_reminder": self._reminder,
            "request_closed": self._closed,
            "answer_returned": self._answer_returned,
            "hold_placed": self._hold_placed,
            "hold_released": self._hold_released,
            "hold_agreed": self._hold_agreed,
            "case_taken": self._case_taken,
            "case_arrived": self._case_arrived,
            "case_missed": self._case_missed,
            "passed_on": self._passed_on,
            "passed_further": self._passed_on,
            "holder_forgot": self._holder_forgot,
        }.get(letter.kind)
        if take is None:
            raise LetterRefused(UNKNOWN_KIND)
        take(tx, letter)

    def _preview(self, tx: Connection, letter: ReceivedLetter) -> None:
        body = letter.body
        request_type = REQUEST_TYPES.get(str(body.get("type")))
        if request_type is None or letter.request_type != request_type.key:
            raise LetterRefused("unknown_request_type")
        asks = body.get("asks")
        if not isinstance(asks, list) or not asks or not all(isinstance(ask, str) for ask in asks):
            raise LetterRefused("bad_body")
        if not set(asks) <= set(request_type.askable):
            raise LetterRefused("asks_what_it_may_not")
        due_at = reading.moment(body.get("due_at"))
        if not letter.sent_at - timedelta(days=1) < due_at < letter.sent_at + LATEST_DUE:
            raise LetterRefused("bad_body")
        number = str(body.get("number"))
        if not _NUMBER.fullmatch(number):
            raise LetterRefused("bad_body")
        request = Request(
            id=reading.identity(body.get("request")),
            number=number,
            side=Side.THEIRS,
            partner_id=letter.partner_id,
            type_key=request_type.key,
            status=Status.DELIVERED,
            case_id=None,
            key_id=self._vault.new_key(tx, letter.at).id,
            asks=tuple(ask for ask in request_type.askable if ask in asks),
            limit=request_type.limit(str(body.get("limit"))).key,
            language=reading.language(body.get("language")),
            drafted_by=None,
            handler_id=None,
            drafted_at=letter.at,
            due_at=due_at,
            sent_at=letter.at,
            consent_ref=letter.consent_ref or "",
        )
        if not store.add_request(tx, request, body_sealed=None):
            raise LetterRefused(KNOWN_REQUEST)
        if transfers.is_transfer(request) and "transfer" in body:
            try:
                transfers.previewed(tx, request, body["transfer"])
            except BadFile:
                raise LetterRefused("bad_body") from None
        self._note(tx, request, "came", at=letter.at, facts={"letter": letter.envelope_id})
        alerts.ring(tx, self._vault, request, at=letter.at)

    def _body(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, Side.THEIRS)
        if request.status is Status.WITHDRAWN:  # they took it back while this was on its way
            return
        if transfers.has_moved(tx, request):  # they did not hear that the case is ours
            self._reply(tx, request, "case_taken", {}, at=letter.at)
            return
        if request.status is not Status.ACCEPTED or request.asked_on is not None:
            raise LetterRefused(NOT_ACCEPTED)
        body = letter.body
        fields = body.get("fields")
        allowed = (*request.type.tells, *request.type.may_tell)
        if not isinstance(fields, dict) or not set(fields) <= set(allowed):
            raise LetterRefused("fields_beyond_the_type")
        told = {key: reading.text(value, LONGEST[FIELDS[key].input]) for key, value in fields.items()}
        decision, language = reading.text(body.get("decision"), LONGEST_TEXT), reading.language(body.get("language"))
        assent = body.get("assent")
        if not is_one_of(assent, set(Assent)) or not letter.consent_ref:
            raise LetterRefused("no_consent")
        missing = [key for key in request.type.tells if key not in told]
        if missing:
            raise LetterRefused(FIELDS_MISSING, *missing)
        key = self._key(tx, request)
        told_all: dict[str, Any] = {"fields": told, "decision": decision}
        if "file" in body:
            told_all["file"] = body["file"]
        sealed = key.seal_json(told_all, table="exchange_requests", row=request.id, field="body")
        store.reseal_body(tx, request.id, sealed)
        came = replace(request, asked_on=letter.at, assent=Assent(assent), consent_ref=letter.consent_ref)
        self._save(tx, request, came)
        self._line(tx, came, letter, "message", text=decision, language=language, said=body)
        self._note(tx, came, "body_came", at=letter.at)
        ring_for(tx, came, at=letter.at)
        if "file" in body or transfers.hands_over(tx, request):
            try:
                transfers.file_came(tx, self._vault, came, body.get("file"), at=letter.at)
            except BadFile:
                raise LetterRefused("bad_file") from None

    def _accepted(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, Side.OURS)
        if not request.allows(Act.ACCEPT):
            self._note(tx, request, "accepted_too_late", at=letter.at)
            return
        accepted = self._move(tx, request, Act.ACCEPT, at=letter.at)
        savepoint = tx.begin_nested()
        try:
            if not service.disclose_together(tx, self._vault, accepted, actor=SYSTEM, at=letter.at):
                self._note(tx, accepted, "waits_for_siblings", at=letter.at)
        except (GateShut, ChannelClosed, MayNotMove, NotNow, Erased) as error:
            savepoint.rollback()
            self._note(tx, accepted, "body_kept_back", at=letter.at, facts={"why": sending.why_not(error)})
            ring_for(tx, accepted, at=letter.at)
            return
        savepoint.commit()

    def _refused(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, Side.OURS)
        reason, alternative = letter.body.get("reason"), letter.body.get("alternative")
        if not is_one_of(reason, set(Refusal)) or not is_one_of(alternative, set(Alternative)):
            raise LetterRefused("bad_body")
        if not request.allows(Act.REFUSE):
            self._note(tx, request, "refused_too_late", at=letter.at)
            return
        refused = replace(
            request.after(Act.REFUSE, at=letter.at), refusal=Refusal(reason), alternative=Alternative(alternative)
        )
        self._save(tx, request, refused)
        self._note(tx, refused, Act.REFUSE, at=letter.at, facts={"reason": reason, "alternative": alternative})
        transfers.stays(tx, self._vault, refused, at=letter.at, proven=True)
        ring_for(tx, refused, at=letter.at)

    def _answer(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, Side.OURS)
        self._must_not_be_taken_back(tx, request)
        answers, ground = letter.body.get("answers"), letter.body.get("ground")
        if not isinstance(answers, list) or not 0 < len(answers) <= 50:
            raise LetterRefused("bad_body")
        if not is_one_of(ground, set(Ground)):
            raise LetterRefused("no_ground")
        read = [reading.answer(answer) for answer in answers]
        answered, returned = thread_store.answered(tx, request.id), dict[str, Returned]()
        counted = False
        for n, (asked, text, facts, language, said) in enumerate(read):
            why = judge(request, asked, answered=answered)
            once = f"{letter.partner_id}:{letter.envelope_id}:{n}"
            self._line(
                tx,
                request,
                letter,
                "answer",
                text=text,
                language=language,
                said=said,
                asked=asked,
                facts={**facts, "ground": ground},
                returned=why,
                once=once,
            )
            if why is None:
                answered, counted = answered | {asked}, True
            else:
                returned[asked] = why
        if counted:
            act = Act.ANSWER_ALL if answered >= set(request.asks) else Act.ANSWER_PART
            request = self._move(tx, request, act, at=letter.at)
            ring_for(tx, request, at=letter.at)
        if returned:
            self._note(tx, request, "answer_returned", at=letter.at, facts={k: v.value for k, v in returned.items()})
            self._reply(tx, request, "answer_returned", {k: v.value for k, v in returned.items()}, at=letter.at)

    def _message(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, None)
        if request.status in {Status.WITHDRAWN, Status.CLOSED}:
            raise LetterRefused("request_ended")
        self._must_not_be_taken_back(tx, request)
        if request.asked_on is None:
            raise LetterRefused(NOT_ACCEPTED)
        text = reading.text(letter.body.get("text"), LONGEST_TEXT)
        language = reading.language(letter.body.get("language"))
        facts = reading.named_line(letter.body)
        self._line(tx, request, letter, "message", text=text, language=language, said=letter.body, facts=facts)
        self._note(tx, request, "message_came", at=letter.at)
        ring_for(tx, request, at=letter.at)

    def _file(self, tx: Connection, letter: ReceivedLetter) -> None:
        """A part of a file. With the last one its sender hears whether it is whole here."""
        request = self._of(tx, letter, None)
        if request.status in {Status.WITHDRAWN, Status.CLOSED}:
            raise LetterRefused("request_ended")
        self._must_not_be_taken_back(tx, request)
        if request.asked_on is None and request.status is Status.ACCEPTED and request.side is Side.THEIRS:
            raise ComesTooEarly(letter.envelope_id)
        if request.asked_on is None:
            raise LetterRefused(NOT_ACCEPTED)
        try:
            whole = attachments.part_came(tx, self._vault, request, letter.body, at=letter.at)
        except BadPart:
            raise LetterRefused("bad_file") from None
        except TooManyFiles:
            raise LetterRefused("too_many_files") from None
        except Erased:
            raise LetterRefused("request_ended") from None
        if whole is None:
            return
        file, spoilt = whole
        said = {"attachment": file.ref} if spoilt is None else {"attachment": file.ref, "why": spoilt.value}
        self._reply(tx, request, "file_kept" if spoilt is None else "file_spoilt", said, at=letter.at)
        ring_for(tx, request, at=letter.at)

    def _file_kept(self, tx: Connection, letter: ReceivedLetter) -> None:
        attachments.judged_there(tx, self._vault, self._of(tx, letter, None), letter.body, whole=True, at=letter.at)

    def _file_spoilt(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, None)
        if attachments.judged_there(tx, self._vault, request, letter.body, whole=False, at=letter.at):
            ring_for(tx, request, at=letter.at)

    def _withdrawn(self, tx: Connection, letter: ReceivedLetter) -> None:
        """They take it back: what they told us is destroyed here, and they are told so."""
        request = self._of(tx, letter, Side.THEIRS)
        if transfers.has_moved(tx, request):  # the case is ours: nobody destroys it from there
            self._note(tx, request, "withdrawn_after_move", at=letter.at)
            transfers.ring_taken(tx, request, at=letter.at)
            self._reply(tx, request, "case_taken", {}, at=letter.at)
            return
        if request.allows(Act.WITHDRAW):
            request = self._move(tx, request, Act.WITHDRAW, at=letter.at)
        self._vault.destroy(tx, request.key_id, letter.at)
        store.reseal_body(tx, request.id, None)
        thread_store.forget_lines(tx, request.id)
        attachments.forget(tx, request.id)
        transfers.stays(tx, self._vault, request, at=letter.at, proven=True)
        self._note(tx, request, "forgotten", at=letter.at)
        ring_for(tx, request, at=letter.at)
        consent_ends.ended_above(tx, self._vault, request, at=letter.at)
        self._reply(tx, request, "withdrawal_done", passing.what_became_below(tx, request), at=letter.at)

    def _withdrawal_done(self, tx: Connection, letter: ReceivedLetter) -> None:
        self._keeps_nothing(tx, letter, self._of(tx, letter, Side.OURS))

    def _keeps_nothing(self, tx: Connection, letter: ReceivedLetter, request: Request) -> None:
        try:
            passing.below_said(tx, self._vault, request, letter.body, at=letter.at)
        except BadNotice:
            raise LetterRefused("bad_body") from None
        except (NeverTold, TooManyHolders):
            log.warning("exchange.holders_not_taken", request_id=request.id)
        held_after_all(tx, self._vault, request, at=letter.at)
        forgotten(tx, self._vault, request, at=letter.at)

    def _answers_withdrawn(self, tx: Connection, letter: ReceivedLetter) -> None:
        """They take back what they answered: every word of theirs is destroyed here, and what we told others of it is
        taken back. What people here decided on it stands, a hold too; whoever holds the case is called to look."""
        request = self._of(tx, letter, Side.OURS)
        thread_store.forget_lines_of_partner(tx, request.id)
        attachments.forget_of_partner(tx, request.id)
        once = f"{passing.ANSWERS_FORGOTTEN}:{request.id}"
        if self._note(tx, request, passing.ANSWERS_FORGOTTEN, at=letter.at, once=once):
            ring_for(tx, request, at=letter.at)
        consent_ends.ended_above(tx, self._vault, request, at=letter.at)
        self._reply(tx, request, "answers_forgotten", passing.what_became_below(tx, request), at=letter.at)

    def _answers_forgotten(self, tx: Connection, letter: ReceivedLetter) -> None:
        self._keeps_nothing(tx, letter, self._of(tx, letter, Side.THEIRS))

    def _must_not_be_taken_back(self, tx: Connection, request: Request) -> None:
        """Raises LetterRefused where the partner took back what it answered: a letter of before came late."""
        if request.side is Side.OURS and history_store.happened(tx, request.id, passing.ANSWERS_FORGOTTEN):
            raise LetterRefused("request_ended")

    def _reminder(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, Side.THEIRS)
        if request.status not in ENDED:
            self._note(tx, request, "reminder_came", at=letter.at)
            if alerts.may_remind(tx, request, at=letter.at):
                ring_for(tx, request, at=letter.at)

    def _closed(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, Side.THEIRS)
        if request.allows(Act.CLOSE):
            self._move(tx, request, Act.CLOSE, at=letter.at)
        else:
            self._note(tx, request, "closed_there", at=letter.at)

    def _answer_returned(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, Side.THEIRS)
        returned = {
            key: why
            for key, why in letter.body.items()
            if key != "request" and isinstance(why, str) and why in set(Returned)
        }
        self._note(tx, request, "answer_not_counted", at=letter.at, facts=returned)

    def _hold_placed(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, Side.THEIRS)
        hold_id = reading.identity(letter.body.get("hold"))
        case_id = transfers.case_taken_for(tx, request)  # told of after the case moved: it stands on every screen of it
        hold = Hold(hold_id, case_id, None, request.id, letter.partner_id, HoldState.CONFIRMED, letter.at)
        try:
            new = told_holds.take_told_hold(tx, self._vault, hold)
        except HoldNotNow:
            raise LetterRefused("bad_body") from None
        if new:
            self._note(tx, request, "hold_came", at=letter.at, facts={"hold": hold_id})
            transfers.ring(tx, case_id, at=letter.at)

    def _hold_released(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, None)
        hold_notices.ended_there(tx, self._vault, request, reading.identity(letter.body.get("hold")), at=letter.at)

    def _hold_agreed(self, tx: Connection, letter: ReceivedLetter) -> None:
        """An officer there says that a hold may end. It counts only from whom we told of it, or who told us of it with
        its case."""
        request = self._of(tx, letter, None)
        hold_id, person = reading.identity(letter.body.get("hold")), reading.identity(letter.body.get("person"))
        try:
            hold_notices.partner_agrees(tx, self._vault, request, hold_id, person, at=letter.at)
        except hold_notices.NotToldOfIt:
            raise LetterRefused("bad_body") from None
        except HoldNotNow:
            return  # it has ended already

    # Cases that change hands

    def _case_taken(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, Side.OURS)
        sealed = store.get_request(tx, request.id)
        assert sealed is not None
        try:
            body = opening.open_body(self._vault.key(tx, request.key_id), sealed)
        except Erased:
            body = {}
        planned = str(body.get("fields", {}).get("arrival", ""))
        transfers.moved_there(tx, self._vault, request, planned, at=letter.at)

    def _case_arrived(self, tx: Connection, letter: ReceivedLetter) -> None:
        transfers.seen_there(tx, self._vault, self._of(tx, letter, Side.OURS), at=letter.at)

    def _case_missed(self, tx: Connection, letter: ReceivedLetter) -> None:
        transfers.missed_there(tx, self._vault, self._of(tx, letter, Side.OURS), at=letter.at)

    # Who has it from the partner

    def _passed_on(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, None)
        try:
            new = passing.heard(tx, self._vault, request, letter.body, at=letter.at)
        except BadNotice:
            raise LetterRefused("bad_body") from None
        except NeverTold:
            raise LetterRefused(NOT_ACCEPTED) from None
        except TooManyHolders:
            raise LetterRefused(TOO_MANY_HOLDERS) from None
        held_after_all(tx, self._vault, request, at=letter.at)
        if new and request.told_withdrawn_at is not None:  # it crossed our word, or they passed it on all the same
            if request.forgotten_at is not None:  # asked once more, they confirm once more
                self._save(tx, request, replace(request, forgotten_at=None))
            self._reply(tx, request, service.ASKS_TO_FORGET[request.side], {}, at=letter.at)
            ring_for(tx, request, at=letter.at)

    def _holder_forgot(self, tx: Connection, letter: ReceivedLetter) -> None:
        request = self._of(tx, letter, None)
        try:
            passing.holder_forgot(tx, self._vault, request, letter.body.get("passing"), at=letter.at)
        except BadNotice:
            raise LetterRefused("bad_body") from None
        except NeverTold:
            raise LetterRefused(NOT_ACCEPTED) from None
        except TooManyHolders:
            raise LetterRefused(TOO_MANY_HOLDERS) from None
        let_go(tx, self._vault, request, at=letter.at)

    # What everything above stands on

    def _of(self, tx: Connection, letter: ReceivedLetter, side: Side | None) -> Request:
        """The request a letter is about, if it is this partner's. Another partner's is as if it were not there."""
        sealed = store.get_request(tx, reading.identity(letter.body.get("request")), lock=True)
        if sealed is None or sealed.request.partner_id != letter.partner_id:
            raise LetterRefused(NO_SUCH_REQUEST)
        if letter.request_type != sealed.request.type_key:
            raise LetterRefused("bad_body")
        if side is not None and sealed.request.side is not side:
            raise LetterRefused(NO_SUCH_REQUEST)
        return sealed.request

    def _reply(self, tx: Connection, request: Request, kind: str, body: Mapping[str, Any], *, at: datetime) -> None:
        """Answer with codes. A channel that has closed meanwhile must not keep us from taking the letter in."""
        savepoint = tx.begin_nested()
        try:
            sending.send(tx, self._vault, request, kind, body, actor=SYSTEM, at=at)
        except ChannelClosed as error:
            savepoint.rollback()
            log.warning("exchange.no_reply", request_id=request.id, kind=kind, code=error.code)
            return
        savepoint.commit()

    def _line(
        self,
        tx: Connection,
        request: Request,
        letter: ReceivedLetter,
        kind: str,
        *,
        text: str,
        language: str,
        said: Mapping[str, Any],
        asked: str | None = None,
        facts: Mapping[str, Any] | None = None,
        returned: Returned | None = None,
        once: str | None = None,
    ) -> None:
        key, line_id, more = self._key(tx, request), new_id(), dict(facts or {})
        other = reading.text(said["other"], LONGEST_TEXT) if said.get("other") else ""
        other_language = reading.language(said.get("other_language")) if other else None
        if said.get("not_done"):
            not_done = reading.text(said["not_done"], LONGEST_TEXT)
            more[NOT_DONE] = key.seal(not_done, table="exchange_lines", row=line_id, field="not_done").hex()
        line = Line(
            line_id,
            request.id,
            letter.at,
            kind,
            False,
            None,
            asked,
            more,
            language,
            key.seal(text, table="exchange_lines", row=line_id, field="text"),
            other_language,
            key.seal(other, table="exchange_lines", row=line_id, field="other") if other else None,
            letter.partner_id,
            None if returned is None else returned.value,
        )
        thread_store.add_line(tx, line, once=once or f"{letter.partner_id}:{letter.envelope_id}")

    def _key(self, tx: Connection, request: Request) -> DataKey:
        try:
            return self._vault.key(tx, request.key_id)
        except Erased:
            raise LetterRefused("request_ended") from None

    def _move(self, tx: Connection, request: Request, act: Act, *, at: datetime) -> Request:
        moved = request.after(act, at=at)
        self._save(tx, request, moved)
        self._note(tx, moved, act, at=at)
        return moved

    @staticmethod
    def _save(tx: Connection, before: Request, after: Request) -> None:
        if not store.save_request(tx, before, after):
            raise NotNow

    def _note(self, tx: Connection, request: Request, act: str, *, at: datetime, **more: Any) -> bool:
        return note(tx, self._vault, request, act, at=at, **more)
