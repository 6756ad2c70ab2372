"""What a turn leads to is written at once or not at all: state, lines, replies, cases, all in one transaction."""

from __future__ import annotations

from datetime import datetime
from hashlib import blake2b

from sqlalchemy.engine import Connection

from bot.conversations import store
from bot.conversations.attachments import service as attachments
from bot.conversations.deciding import DURESS, UNDERSTANDING_FAILED
from bot.conversations.model import (
    LEASE,
    Author,
    ConversationKind,
    Direction,
    InboxState,
    SetAside,
    TurnOutcome,
    Wording,
)
from bot.conversations.ports import (
    Askers,
    Escalation,
    Escalations,
    Gaps,
    OwnAsk,
    OwnCases,
    Pairing,
    PressedPage,
    PressPage,
    ReportWrong,
    SomebodyAnswers,
    Texts,
)
from bot.conversations.sentences import NEUTRAL, NEUTRAL_AGAIN, NEUTRAL_NUMBER, PHONE_PAIRED, in_danger, not_understood
from bot.conversations.slots import PERSON_CALLED, country_of, named_place, with_slots
from bot.conversations.store import NewLine, Standing, TurnClaim, spoken
from bot.conversations.tongue import written_in
from bot.kernel.crypto import Vault
from bot.kernel.failpoints import failpoint
from bot.kernel.logs import get_log
from dialogues.runtime.model import DialogueState
from dialogues.understanding.model import Priority

log = get_log("conversations")


def no_page(_tx: Connection, _payload: str, _conversation_id: str, _at: datetime) -> PressedPage | None:
    """Where nobody is paged."""
    return None


def always(_tx: Connection, _at: datetime) -> bool:
    """Where nobody asks who is there."""
    return True


class Effects:
    """Writes what was decided, for `TurnWorker`. All of it runs inside a transaction that is given."""

    def __init__(
        self,
        vault: Vault,
        *,
        escalations: Escalations,
        words: Texts,
        pairing: Pairing,
        somebody_answers: SomebodyAnswers,
        press_page: PressPage,
        gaps: Gaps | None,
        report_wrong: ReportWrong | None,
        askers: Askers | None,
        own_cases: OwnCases | None,
        default_language: str,
        default_country: str | None,
    ) -> None:
        self._vault = vault
        self._escalations = escalations
        self._words = words
        self._pairing = pairing
        self._somebody_answers = somebody_answers
        self._press_page = press_page
        self._gaps = gaps
        self._report_wrong = report_wrong
        self._askers = askers
        self._own_cases = own_cases
        self._default_language = default_language
        self._default_country = default_country

    def write(
        self, tx: Connection, claim: TurnClaim, outcome: TurnOutcome, code: str | None, *, go_on: bool, at: datetime
    ) -> tuple[TurnClaim | None, list[str]]:
        """Returns the next message of the conversation, claimed with it where there is one and it is to `go_on`; and
        the topics to wake after the commit. Raises LeaseLost."""
        failpoint("turn.before_effects")
        kind = ConversationKind.GROUP if outcome.heard is None else claim.kind
        wordings = outcome.wordings
        if code is not None and self._pairing(tx, code, claim.conversation_id, at):
            kind = ConversationKind.OFFICER
            wordings = (Wording(self._words.text(outcome.language, PHONE_PAIRED), template="phone_paired"),)
        page = None if outcome.pressed is None else self._press_page(tx, outcome.pressed, claim.conversation_id, at)
        if page is not None:
            wordings = (Wording(page.text, template="page_taken"),)
        standing = Standing(
            self._state_after(tx, claim, outcome),
            outcome.language,
            outcome.language_chosen,
            kind,
            warned=outcome.warned,
            wrote=outcome.heard is not None,
            answered=bool(wordings),
            watched=outcome.watched,
        )
        if standing.wrote and not outcome.watched and not claim.watched:
            store.send_again_to_whoever_is_back(tx, claim.conversation_id, at=at)
        lines = self._lines(tx, claim, outcome, wordings)
        oldest = store.next_due(tx, claim, at=at) if go_on else None
        first = store.close_turn(
            tx, claim, standing, lines=len(lines), lease_until=None if oldest is None else at + LEASE, at=at
        )
        failpoint("turn.after_state")
        if outcome.watched:
            store.begin_watch(tx, claim.conversation_id, shown_from=first, at=at)
        store.write_lines(tx, claim.key, claim.conversation_id, claim.channel, lines, first_seq=first, at=at)
        topics = [f"conversation:{claim.conversation_id}", "outbox", *(page.topics if page is not None else ())]
        if outcome.heard is not None and kind is ConversationKind.PERSON:
            said = outcome.heard
            topics += ["attachments"] * attachments.take(tx, claim.key, claim.conversation_id, first, said, at=at)
        topics += self._tell_the_case(tx, claim, outcome, kind, at)
        if outcome.own is not None and self._own_cases is not None:
            topics += self._own_cases.grant(
                tx, outcome.own, claim.conversation_id, language=outcome.language, key=claim.name, at=at
            )
        self._keep_gaps(tx, outcome, at)
        self._keep_reports(tx, claim, outcome, at)
        self._keep_wishes(tx, claim, outcome, at)
        failpoint("turn.after_escalation")
        store.settle_received(tx, claim.seq, InboxState.DONE)
        following = None if oldest is None else store.follow(tx, claim, standing, oldest, at=at)
        failpoint("turn.before_commit")
        return following, topics

    def _state_after(self, tx: Connection, claim: TurnClaim, outcome: TurnOutcome) -> DialogueState:
        if outcome.own is not None and outcome.own.ask is OwnAsk.HOW_LONG and not self._is_waiting(tx, claim):
            # Said once; then the words mean what they say.
            return with_slots(outcome.state, **{PERSON_CALLED: None})
        return outcome.state

    def _tell_the_case(
        self,
        tx: Connection,
        claim: TurnClaim,
        outcome: TurnOutcome,
        kind: ConversationKind,
        at: datetime,
    ) -> list[str]:
        """A new case, or what the open one hears of this turn. Returns the topics to wake."""
        topics: list[str] = []
        if outcome.escalation is not None:
            escalated = self._escalations.escalate(tx, outcome.escalation, at=at)
            topics += ["queue", "pages", f"case:{escalated.case_id}"]
        if outcome.reported:
            case_id = self._escalations.reported(tx, claim.conversation_id, outcome.reported, at=at)
            topics += [f"case:{case_id}"] if case_id else []
        if outcome.heard is not None:
            place = named_place(claim.state, outcome.state)
            case_id = self._escalations.person_wrote(tx, claim.conversation_id, at=at, place=place)
            if case_id is None and outcome.escalation is None and claim.watched and kind is ConversationKind.PERSON:
                case_id = self._call_a_human(tx, claim, outcome, at)
                topics.append("pages")
            topics += [f"case:{case_id}", "queue"] if case_id else []
        return topics

    def _call_a_human(self, tx: Connection, claim: TurnClaim, outcome: TurnOutcome, at: datetime) -> str:
        """On a watched phone the bot says nothing of its own, whatever is asked. Where no case is open any more what is
        written would reach nobody: so one is opened."""
        said = outcome.heard or {}
        call = Escalation(
            conversation_id=claim.conversation_id,
            reason=DURESS,
            priority=Priority.P1,
            words=str(said.get("text", "")),
            language=outcome.language,
            country=country_of(claim.state, self._default_country),
            place=None,
            source="dialogue",
            reporter=False,
            key=claim.name,
        )
        return self._escalations.escalate(tx, call, at=at).case_id

    def _is_waiting(self, tx: Connection, claim: TurnClaim) -> bool:
        return self._own_cases is not None and self._own_cases.is_waiting(tx, claim.conversation_id)

    def _keep_gaps(self, tx: Connection, outcome: TurnOutcome, at: datetime) -> None:
        if self._gaps is None:
            return
        for gap in outcome.gaps:
            self._gaps.note(tx, dict(gap), at=at)
        for question in outcome.questions:
            self._gaps.show(tx, dict(question), at=at)

    def _keep_wishes(self, tx: Connection, claim: TurnClaim, outcome: TurnOutcome, at: datetime) -> None:
        """Who wants to be told when there is an answer. An empty wish takes back what was wished before."""
        if self._askers is None:
            return
        for wish in outcome.wishes:
            if wish:
                self._askers.remember(tx, claim.conversation_id, dict(wish), at=at)
            else:
                self._askers.forget(tx, claim.conversation_id, at=at)

    def _keep_reports(self, tx: Connection, claim: TurnClaim, outcome: TurnOutcome, at: datetime) -> None:
        """A service that is gone meanwhile costs nobody their answer."""
        if self._report_wrong is None:
            return
        reporter = blake2b(claim.conversation_id.encode(), digest_size=32, person=b"found wrong").hexdigest()
        for service_id, kind in outcome.found_wrong:
            try:
                self._report_wrong(tx, service_id, kind, reporter=reporter, at=at)
            except (KeyError, ValueError):
                log.warning("turn.report_not_kept", conversation_id=claim.conversation_id, service_id=service_id)

    def _lines(
        self, tx: Connection, claim: TurnClaim, outcome: TurnOutcome, wordings: tuple[Wording, ...]
    ) -> list[NewLine]:
        lines = [spoken(wording, author=Author.BOT, language=outcome.language) for wording in wordings]
        if outcome.heard is None:
            return lines
        body = dict(outcome.heard)
        kind = str(body.pop("kind"))
        corrects = body.pop("corrects", None)
        edits = store.line_by_provider_id(tx, claim.conversation_id, corrects) if corrects else None
        own = NewLine(
            Direction.IN,
            Author.PERSON,
            kind,
            body,
            written_in(str(body.get("text", ""))) or outcome.language,
            provider_id=claim.provider_id,
            edits=edits,
        )
        return [own, *lines]

    def park(self, tx: Connection, claim: TurnClaim, known: SetAside, code: str, at: datetime) -> list[str]:
        """Set aside, tell the person, and call a human. If even that fails, the desk still shows what is parked."""
        store.park(tx, claim, error_code=code)
        if known.duress and not claim.watched:
            store.begin_watch(tx, claim.conversation_id, shown_from=store.next_line(tx, claim.conversation_id), at=at)
        if claim.kind is not ConversationKind.GROUP:
            line = spoken(self._last_words(tx, claim, known, at), author=Author.BOT, language=known.language)
            store.add_lines(tx, self._vault, claim.conversation_id, [line], at=at)
        topics = ["outbox", f"conversation:{claim.conversation_id}"]
        call = Escalation(
            conversation_id=claim.conversation_id,
            reason=UNDERSTANDING_FAILED if known.risk is None else known.risk.reason,
            priority=Priority.P1 if known.risk is None else known.risk.priority,
            words="",
            language=known.language,
            country=country_of(claim.state, self._default_country),
            place=None,
            source="failure",
            reporter=False,
            key=claim.name,
        )
        point = tx.begin_nested()
        try:
            escalated = self._escalations.escalate(tx, call, at=at)
        except Exception as error:
            point.rollback()
            log.error("turn.not_escalated", conversation_id=claim.conversation_id, error=type(error).__name__)
            return topics
        point.commit()
        return [*topics, "queue", "pages", f"case:{escalated.case_id}"]

    def _last_words(self, tx: Connection, claim: TurnClaim, known: SetAside, at: datetime) -> Wording:
        """Nobody knows what stood in the message: whom to call is said as well, the way it can be said there."""
        words, language = self._words, known.language
        if known.quiet:
            neutral = words.text(language, NEUTRAL_AGAIN if claim.watched else NEUTRAL)
            return Wording(f"{neutral} {words.text(language, NEUTRAL_NUMBER, number=known.number)}", template="neutral")
        somebody = self._somebody_answers(tx, at)
        if known.risk is not None:
            return in_danger(words, language, known.number, somebody_answers=somebody)
        return not_understood(words, language, somebody_answers=somebody, number=known.number)
