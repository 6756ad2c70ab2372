"""One message, one turn: understood, screened for danger, answered, and all of it committed at once or not at all."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from hashlib import blake2b
from typing import Any

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.channels.model import LONGEST_TEXT, Channel, InboundMessage, MessageKind, PayloadUnreadable
from bot.conversations import duress, store
from bot.conversations.attachments import service as attachments
from bot.conversations.heard import (
    INTENT_WITHOUT_WORDS,
    Heard,
    facts_of,
    more_urgent,
    own_line,
    place_entities,
    read_tap,
    spoken_here,
    tapped_risk,
    words_for_officer,
)
from bot.conversations.model import (
    CRASHES_BEFORE_PARKING,
    FAILURES_BEFORE_PARKING,
    LEASE,
    TURN_LIMIT,
    Author,
    ConversationKind,
    Direction,
    InboxState,
    MessageClass,
    Mode,
    TurnOutcome,
    Wording,
    turn_retry_delay,
)
from bot.conversations.ports import (
    Askers,
    EmergencyNumber,
    Engine,
    Escalation,
    Escalations,
    Gaps,
    OwnAsk,
    OwnCases,
    OwnWish,
    Pairing,
    PressedPage,
    PressPage,
    ReportWrong,
    SomebodyAnswers,
    Texts,
    Understanding,
)
from bot.conversations.store import LeaseLost, NewLine, Standing, TurnClaim, spoken
from bot.conversations.told import (
    answers_in,
    call_for_officer,
    found_wrong_in,
    priority_of,
    reported_in,
    told_in,
    wording_of,
)
from bot.conversations.triage import Triage
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.failpoints import failpoint
from bot.kernel.live import Signals
from bot.kernel.logs import get_log
from bot.kernel.words import N_
from dialogues.runtime.model import DialogueState, Entity, Turn, UserMessage
from dialogues.understanding.model import Priority, Reading, Risk

log = get_log("conversations")

UNDERSTANDING_FAILED = "understanding_failed"
#: Said when a part of the program failed; a human is called in the same breath.
NOT_UNDERSTOOD = N_("I could not read your message. A person will read it and answer you here.")
IN_DANGER = N_("Call {number} now if you are in danger. A person will read this and answer you here.")
#: The same while nobody is there who could answer.
NOT_UNDERSTOOD_YET = N_("I could not read your message. I keep it for a person.")
IN_DANGER_ALONE = N_("Call {number} now if you are in danger.")
NO_GROUPS = N_("I do not answer in groups, to keep people safe. Please write to me alone.")
IN_DANGER_ELSEWHERE = N_("Danger now? Call {number}.")
PAGES_ONLY = N_("This chat only brings alarms. Please answer people on the desk.")
PHONE_PAIRED = N_("This chat will now bring you alarms. They never hold names or words of people.")

#: Said where somebody else may hold the phone: what any list of services would say.
NEUTRAL = N_("Hello. I can tell you about schools, doctors and language classes. Which town are you in?")
NEUTRAL_AGAIN = N_("I did not find anything for that. Ask me about a school, a doctor or a language class.")
NEUTRAL_NUMBER = N_("The number for emergencies here is {number}.")
#: Why a human is called when the agreed word is written.
DURESS = "duress"
#: The slot that remembers for one message what was asked about the own case.
ASKED_OWN = "asked_own"
#: The slot that remembers that a person was called in this talk: "how long?" asks about them from then on.
PERSON_CALLED = "person_called"
#: The slot of the dialogue that says that "are you safe right now?" waits for its answer.
SAFETY_QUESTION = "safety_question"
COVERED = "•••"

#: A group that writes so long after it was told has added us again.
GROUP_TOLD_AGAIN = timedelta(hours=1)
#: How many messages of one conversation are answered in a row before others get their turn.
LONGEST_RUN = 10
IDLE_SECONDS = 1.0
STOP_SECONDS = 20.0


def _no_page(_tx: Connection, _payload: str, _conversation_id: str, _at: datetime) -> PressedPage | None:
    """Where nobody is paged."""
    return None


def _always(_tx: Connection, _at: datetime) -> bool:
    """Where nobody asks who is there."""
    return True


class TurnWorker:
    """Answers what is in the inbox: in order within a conversation, several conversations at once."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        signals: Signals,
        *,
        channels: Mapping[str, Channel],
        understanding: Understanding,
        engine: Engine,
        escalations: Escalations,
        words: Texts,
        emergency_number: EmergencyNumber,
        pairing: Pairing,
        somebody_answers: SomebodyAnswers = _always,
        press_page: PressPage = _no_page,
        gaps: Gaps | None = None,
        report_wrong: ReportWrong | None = None,
        askers: Askers | None = None,
        own_cases: OwnCases | None = None,
        triage: Triage | None = None,
        default_language: str = "en",
        default_country: str | None = None,
        workers: int = 8,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._signals = signals
        self._channels = channels
        self._understanding = understanding
        self._engine = engine
        self._escalations = escalations
        self._words = words
        self._emergency_number = emergency_number
        self._pairing = pairing
        self._somebody_answers = somebody_answers
        self._press_page = press_page
        self._gaps = gaps
        self._triage = triage
        self._report_wrong = report_wrong
        self._askers = askers
        self._own_cases = own_cases
        self._default_language = default_language
        self._default_country = default_country
        self._workers = workers
        self._draw = draw
        self._stopping = False
        self._claiming = asyncio.Lock()
        self._held: dict[asyncio.Task[None], TurnClaim] = {}
        self._look_again = False
        self._acknowledging: set[asyncio.Task[None]] = set()

    # --- the loop ---

    async def run(self) -> None:
        """Work until `stop`."""
        with self._signals.watching("inbox") as watch:
            while not self._stopping:
                free = self._workers - len(self._held)
                try:
                    claimed = await self._start_due()
                except DatabaseUnavailable:
                    log.error("turn.database_unavailable")
                    claimed = 0
                if claimed < free or free == 0:  # fewer than we could do: nothing else is due now
                    await watch.next(IDLE_SECONDS)

    async def stop(self, within: float = STOP_SECONDS) -> None:
        """Claim nothing more and finish what is under way. What takes too long is given back untouched."""
        self._stopping = True
        self._signals.wake("inbox")
        if self._triage is not None:
            await self._triage.stop()
        async with self._claiming:
            pending = set(self._held) | self._acknowledging
        if not pending:
            return
        _, late = await asyncio.wait(pending, timeout=within)
        claims = [self._held[task] for task in late if task in self._held]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for claim in claims:
            with contextlib.suppress(LeaseLost, DatabaseUnavailable):  # it was finished after all, or its lease ends
                await self._database.write(partial(store.give_back, claim=claim, at=self._clock.now()))

    async def drain(self) -> None:
        """Answer everything that is due now, then return."""
        while await self._start_due() or self._held:
            if self._held:
                await asyncio.wait(self._held)
        if self._acknowledging:
            await asyncio.wait(self._acknowledging)

    async def _start_due(self) -> int:
        """Claim what is due, as far as hands are free, and start on it. Returns how many conversations."""
        async with self._claiming:
            free = self._workers - len(self._held)
            if free <= 0 or self._stopping:
                return 0
            at = self._clock.now()
            draw = self._draw()
            claims = await self._database.write(
                lambda tx: store.claim_turns(tx, self._vault, most=free, at=at, draw=draw)
            )
            # Something may be left that a free hand could take. On PostgreSQL a message may also have come in
            # beside the last commit of its conversation; on SQLite that commit sees it, or its own signal comes after.
            self._look_again = len(claims) == free or self._database.dialect != "sqlite"
            if self._triage is not None and len(claims) == free:
                self._triage.begin()
            if claims:
                failpoint("turn.after_claim")
            for claim in claims:
                task = asyncio.create_task(self._work_off(claim), name="turn")
                self._held[task] = claim
                task.add_done_callback(self._ended)
            return len(claims)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._held.pop(task, None)
        if self._look_again:
            self._signals.wake("inbox")
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("turn.failed", error=type(error).__name__)

    async def _work_off(self, claim: TurnClaim) -> None:
        """This message and, while they are due, the next ones of the same conversation."""
        current = claim
        for left in range(LONGEST_RUN - 1, -1, -1):
            following = await self._take_turn(current, go_on=left > 0 and not self._stopping)
            if following is None:
                self._look_again |= left == 0
                return
            current = following
            if (task := asyncio.current_task()) is not None:
                self._held[task] = current

    async def _take_turn(self, claim: TurnClaim, *, go_on: bool) -> TurnClaim | None:
        try:
            if claim.crashes >= CRASHES_BEFORE_PARKING:  # it never came as far as failing: it killed us
                raise _Poisoned("crashed")
            outcome, code = await self._decide(claim)
            return await self._commit(claim, outcome, code, go_on=go_on)
        except LeaseLost:
            log.info("turn.lease_lost", conversation_id=claim.conversation_id)
            self._signals.wake("inbox")
        except DatabaseUnavailable:
            log.error("turn.database_unavailable", conversation_id=claim.conversation_id)
        except Exception as error:
            await self._failed(claim, error)
        return None

    # --- deciding: nothing is locked, nothing is written ---

    async def _decide(self, claim: TurnClaim) -> tuple[TurnOutcome, str | None]:
        """What this message leads to, and the pairing code in it."""
        message = self._channels[claim.channel].read(claim.payload)
        if message.tap_id is not None:
            self._acknowledge(claim.channel, message)
        if message.kind is MessageKind.GROUP:
            return await self._refuse_group(claim, message), None
        heard = await self._hear(claim, message)
        failpoint("turn.after_understanding")
        if claim.kind is ConversationKind.PERSON and (claim.watched or self._duress(claim, message)):
            return await self._stay_neutral(claim, message, heard), None
        if (wish := self._own_wish(claim, message, heard)) is not None:
            outcome = await self._about_own_case(claim, message, heard, wish)
        elif claim.kind is ConversationKind.OFFICER or claim.mode is Mode.HUMAN:
            outcome = await self._only_listen(claim, message, heard)
        else:
            outcome = await self._converse(claim, message, heard)
        code = message.payload if message.kind is MessageKind.START and message.payload else None
        return outcome, code

    def _acknowledge(self, channel: str, message: InboundMessage) -> None:
        """At once, beside the turn, so that the button stops spinning."""
        task = asyncio.create_task(self._channels[channel].acknowledge(message), name="acknowledge")
        self._acknowledging.add(task)
        task.add_done_callback(self._acknowledging.discard)

    async def _refuse_group(self, claim: TurnClaim, message: InboundMessage) -> TurnOutcome:
        """Said once, and the group is left. What was written before that is heard too late and answered no more; what
        comes later is from who added us again. What people write in a group is neither kept nor read, so whoever wrote
        of danger there learns whom to call."""
        language = claim.language or spoken_here(message.language) or self._default_language
        again = claim.answered_at is None or claim.received_at - claim.answered_at >= GROUP_TOLD_AGAIN
        said: tuple[Wording, ...] = ()
        if again:
            number = self._words.text(language, IN_DANGER_ELSEWHERE, number=await self._number(claim))
            said = (Wording(f"{self._words.text(language, NO_GROUPS)}\n{number}"),)
        return TurnOutcome(claim.state, language, claim.language_chosen, said, heard=None)

    async def _hear(self, claim: TurnClaim, message: InboundMessage) -> Heard:
        """Understand, with the safety screen. Whatever goes wrong in there is not the person's fault."""
        language = claim.language or spoken_here(message.language) or self._default_language
        if message.kind is MessageKind.TAP:
            tapped = read_tap(message.payload)
            if tapped is not None:
                return Heard(tapped, language, tapped_risk(tapped))
        text = (message.text or message.payload if message.kind is MessageKind.TAP else message.text)[:LONGEST_TEXT]
        reading: Reading | None = None
        if text.strip():
            try:
                async with asyncio.timeout(TURN_LIMIT.total_seconds() / 2):
                    reading = await self._understanding.read(text, language=claim.language, hint=message.language)
            except Exception as error:
                log.error(
                    "turn.understanding_failed", conversation_id=claim.conversation_id, error=type(error).__name__
                )
                return Heard(None, language, None)
            if reading.language_certain and not claim.language_chosen:
                language = reading.language
        facts = facts_of(message, reading)
        intent = INTENT_WITHOUT_WORDS.get(message.kind)
        if reading is None or (intent is not None and reading.risk is None):
            entities = place_entities(message)
            known = intent or "out_of_scope"
            return Heard(
                UserMessage(text=text, intent=known, ranking=((known, 1.0),), entities=entities, metadata=facts),
                language,
                None,
            )
        return Heard(
            UserMessage(
                text=reading.text,
                intent=reading.intent,
                confidence=reading.confidence,
                ranking=reading.ranking,
                entities=reading.entities + place_entities(message),
                metadata=facts,
            ),
            language,
            reading.risk,
            reading.reporter,
        )

    async def _converse(self, claim: TurnClaim, message: InboundMessage, heard: Heard) -> TurnOutcome:
        """The bot's own turn."""
        state = _with_slots(claim.state, language=heard.language, **{ASKED_OWN: None} if _asked(claim) else {})
        turn: Turn | None = None
        if heard.message is not None:
            said = heard.message if heard.risk is None else self._in_danger(heard.message, heard.risk, heard.language)
            try:
                async with asyncio.timeout(TURN_LIMIT.total_seconds() / 2):
                    turn = await self._engine.turn(state, said)
            except Exception as error:
                log.error("turn.engine_failed", conversation_id=claim.conversation_id, error=type(error).__name__)
            failpoint("turn.after_engine")
        if turn is None:
            return await self._fail_towards_a_human(claim, message, heard)
        language, chosen = _language_after(turn.state, heard.language, claim.language_chosen)
        cls = MessageClass.ROUTINE if heard.risk is None else MessageClass.SAFETY
        wordings = tuple(wording_of(reply, cls) for reply in turn.replies if reply.text)
        if heard.risk is not None and not wordings:
            wordings = (await self._emergency_words(claim, language),)
        escalation = self._escalation(claim, message, heard, turn)
        return TurnOutcome(
            turn.state if escalation is None else _with_slots(turn.state, **{PERSON_CALLED: True}),
            language,
            chosen,
            wordings,
            escalation,
            own_line(message),
            found_wrong=found_wrong_in(turn),
            gaps=told_in(turn, "gap"),
            wishes=told_in(turn, "tell"),
            reported=reported_in(turn),
        )

    def _in_danger(self, message: UserMessage, risk: Risk, language: str) -> UserMessage:
        """The dialogue hears danger, whatever the words were about otherwise."""
        entities = [entity for entity in message.entities if entity.name not in {"reason", "priority"}]
        entities += [Entity("reason", risk.reason), Entity("priority", risk.priority.value)]
        return replace(message, intent="in_danger", confidence=1.0, entities=tuple(entities))

    async def _fail_towards_a_human(self, claim: TurnClaim, message: InboundMessage, heard: Heard) -> TurnOutcome:
        """A part of us failed. If the screen still saw danger that comes first; either way a human is called."""
        if heard.risk is not None:
            said = await self._emergency_words(claim, heard.language)
        else:
            said = self._not_understood(heard.language, somebody_answers=await self._anybody_answers())
        return TurnOutcome(
            _with_slots(claim.state, **{PERSON_CALLED: True}),
            heard.language,
            claim.language_chosen,
            (said,),
            self._escalation(claim, message, heard, None),
            own_line(message),
        )

    async def _only_listen(self, claim: TurnClaim, message: InboundMessage, heard: Heard) -> TurnOutcome:
        """An officer has this conversation. Danger is still seen, and the number to call still given, once."""
        said: tuple[Wording, ...] = ()
        escalation = None
        if heard.risk is not None:
            escalation = self._escalation(claim, message, heard, None)
            if not claim.warned:
                said = (await self._emergency_words(claim, heard.language),)
        elif claim.kind is ConversationKind.OFFICER and message.kind is not MessageKind.START:
            said = (Wording(self._words.text(heard.language, PAGES_ONLY), template="pages_only"),)
        return TurnOutcome(
            claim.state,
            heard.language,
            claim.language_chosen,
            said,
            escalation,
            own_line(message),
            warned=heard.risk is not None,
            pressed=_pressed_by_officer(claim, message),
        )

    def _duress(self, claim: TurnClaim, message: InboundMessage) -> bool:
        return duress.is_in(self._vault, claim.duress_words, message.text[:LONGEST_TEXT])

    async def _stay_neutral(self, claim: TurnClaim, message: InboundMessage, heard: Heard) -> TurnOutcome:
        """Somebody else may hold the phone. Harmless words to them, whatever they ask; a human is called.

        Danger is still heard, and the number to call given as anybody would give it.
        """
        sentence = NEUTRAL_AGAIN if claim.watched else NEUTRAL
        text = self._words.text(heard.language, sentence)
        escalation = None
        if not claim.watched:
            escalation = self._escalation(
                claim, message, replace(heard, risk=Risk(DURESS, Priority.P0, 1.0, DURESS)), None
            )
        elif heard.risk is not None or heard.message is None:
            escalation = self._escalation(claim, message, heard, None)
        if heard.risk is not None:
            number = await self._number(claim)
            text = f"{text} {self._words.text(heard.language, NEUTRAL_NUMBER, number=number)}"
        return TurnOutcome(
            claim.state,
            heard.language,
            claim.language_chosen,
            (Wording(text, template="neutral"),),
            escalation,
            own_line(message),
            watched=not claim.watched,
        )

    def _own_wish(self, claim: TurnClaim, message: InboundMessage, heard: Heard) -> OwnWish | None:
        """What is asked about the own case. Danger in the same message comes first."""
        if self._own_cases is None or claim.kind is not ConversationKind.PERSON or heard.risk is not None:
            return None
        if message.kind not in (MessageKind.TEXT, MessageKind.TAP):
            return None
        words, before = message.payload if message.kind is MessageKind.TAP else message.text, _asked(claim)
        wish = self._own_cases.wish(words, before=before)
        if wish is None or (wish.ask is OwnAsk.HOW_LONG and not _waits_for_person(claim)):
            return None
        if wish.doubtful and _was_asked(claim):
            return None
        return replace(wish, asked_before=before)

    async def _about_own_case(
        self, claim: TurnClaim, message: InboundMessage, heard: Heard, wish: OwnWish
    ) -> TurnOutcome:
        """The answer is found where the turn is written: only there is the case known, and locked."""
        line = own_line(message)
        if wish.is_secret:
            line["text"] = COVERED
        asked = wish.ask.value if wish.ask in (OwnAsk.WHO_HAS, OwnAsk.SAFE_HOURS) else None
        state = _with_slots(claim.state, **{ASKED_OWN: asked}) if asked or _asked(claim) else claim.state
        if wish.ask is OwnAsk.HOW_LONG:
            wish = replace(wish, emergency_number=await self._number(claim))
        return TurnOutcome(state, heard.language, claim.language_chosen, heard=line, own=wish)

    async def _number(self, claim: TurnClaim) -> str:
        try:
            return await self._emergency_number(self._country(claim.state))
        except Exception as error:
            log.error("turn.no_emergency_number", error=type(error).__name__)
            return "112"

    async def _emergency_words(self, claim: TurnClaim, language: str) -> Wording:
        sentence = IN_DANGER if await self._anybody_answers() else IN_DANGER_ALONE
        text = self._words.text(language, sentence, number=await self._number(claim))
        return Wording(text, MessageClass.SAFETY, template="in_danger")

    async def _anybody_answers(self) -> bool:
        at = self._clock.now()
        return await self._database.read(lambda tx: self._somebody_answers(tx, at))

    def _not_understood(self, language: str, *, somebody_answers: bool) -> Wording:
        text = self._words.text(language, NOT_UNDERSTOOD if somebody_answers else NOT_UNDERSTOOD_YET)
        return Wording(text, MessageClass.SAFETY, template="not_understood")

    def _country(self, state: DialogueState) -> str | None:
        country = state.slots.get("place_country") or state.slots.get("country")
        return str(country) if country else self._default_country

    def _escalation(
        self, claim: TurnClaim, message: InboundMessage, heard: Heard, turn: Turn | None
    ) -> Escalation | None:
        """One call for a human, from the screen, from the dialogue or because something failed."""
        call = None if turn is None else call_for_officer(turn)
        if heard.risk is not None:
            reason, priority, source = heard.risk.reason, heard.risk.priority, heard.risk.source
            if call is not None:
                priority = more_urgent(priority, priority_of(call.get("priority")))
        elif call is not None:
            reason = str(call.get("reason") or "asked_for_person")
            priority, source = priority_of(call.get("priority")), "dialogue"
        elif turn is None:
            reason, priority, source = UNDERSTANDING_FAILED, Priority.P1, "failure"
        else:
            return None
        state = claim.state if turn is None else turn.state
        place = state.slots.get("place")
        return Escalation(
            conversation_id=claim.conversation_id,
            reason=reason,
            priority=priority,
            words=words_for_officer(message),
            language=heard.language,
            country=self._country(state),
            place=str(place) if place else None,
            source=source,
            reporter=heard.reporter,
            key=claim.name,
            report=answers_in(call),
            report_goes_on=bool(call and call.get("report_goes_on")),
        )

    # --- writing: one transaction ---

    async def _commit(
        self, claim: TurnClaim, outcome: TurnOutcome, code: str | None, *, go_on: bool
    ) -> TurnClaim | None:
        at = self._clock.now()
        following, topics = await self._database.write(
            lambda tx: self._write_turn(tx, claim, outcome, code, go_on=go_on, at=at)
        )
        failpoint("turn.after_commit")
        self._signals.wake(*topics)
        return following

    def _write_turn(
        self, tx: Connection, claim: TurnClaim, outcome: TurnOutcome, code: str | None, *, go_on: bool, at: datetime
    ) -> tuple[TurnClaim | None, list[str]]:
        failpoint("turn.before_effects")
        kind = ConversationKind.GROUP if outcome.heard is None else claim.kind
        wordings = outcome.wordings
        if code is not None and self._pairing(tx, code, claim.conversation_id, at):
            kind = ConversationKind.OFFICER
            wordings = (Wording(self._words.text(outcome.language, PHONE_PAIRED), template="phone_paired"),)
        page = None if outcome.pressed is None else self._press_page(tx, outcome.pressed, claim.conversation_id, at)
        if page is not None:
            wordings = (Wording(page.text, template="page_taken"),)
        state = outcome.state
        if outcome.own is not None and outcome.own.ask is OwnAsk.HOW_LONG and not self._is_waiting(tx, claim):
            state = _with_slots(state, **{PERSON_CALLED: None})  # said once; then the words mean what they say
        standing = Standing(
            state,
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
        if outcome.escalation is not None:
            escalated = self._escalations.escalate(tx, outcome.escalation, at=at)
            topics += ["queue", "pages", f"case:{escalated.case_id}"]
        if outcome.reported:
            case_id = self._escalations.reported(tx, claim.conversation_id, outcome.reported, at=at)
            topics += [f"case:{case_id}"] if case_id else []
        if outcome.heard is not None:
            case_id = self._escalations.person_wrote(tx, claim.conversation_id, seq=first, at=at)
            topics += [f"case:{case_id}", "queue"] if case_id else []
        if outcome.own is not None and self._own_cases is not None:
            topics += self._own_cases.grant(
                tx, outcome.own, claim.conversation_id, language=outcome.language, key=claim.name, at=at
            )
        if self._gaps is not None:
            for gap in outcome.gaps:
                self._gaps.note(tx, dict(gap), at=at)
        self._keep_reports(tx, claim, outcome, at)
        if self._askers is not None:
            for wish in outcome.wishes:
                if wish:
                    self._askers.remember(tx, claim.conversation_id, dict(wish), at=at)
                else:
                    self._askers.forget(tx, claim.conversation_id, at=at)
        failpoint("turn.after_escalation")
        store.settle_received(tx, claim.seq, InboxState.DONE)
        following = None if oldest is None else store.follow(tx, claim, standing, oldest, at=at)
        failpoint("turn.before_commit")
        return following, topics

    def _is_waiting(self, tx: Connection, claim: TurnClaim) -> bool:
        return self._own_cases is not None and self._own_cases.is_waiting(tx, claim.conversation_id)

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
            outcome.language,
            provider_id=claim.provider_id,
            edits=edits,
        )
        return [own, *lines]

    # --- failing ---

    async def _failed(self, claim: TurnClaim, error: Exception) -> None:
        """Try again a little later, or set the message aside: its conversation must go on."""
        code = str(error) if isinstance(error, _Poisoned) else type(error).__name__
        hopeless = isinstance(error, (PayloadUnreadable, _Poisoned))
        at = self._clock.now()
        log.error("turn.failed", conversation_id=claim.conversation_id, error=type(error).__name__)
        try:
            if hopeless or claim.failures + 1 >= FAILURES_BEFORE_PARKING:
                topics = await self._database.write(lambda tx: self._park(tx, claim, code, at))
                self._signals.wake("inbox", *topics)
            else:
                due_at = at + turn_retry_delay(claim.failures + 1)
                await self._database.write(lambda tx: store.try_later(tx, claim, due_at=due_at, error_code=code))
        except (LeaseLost, DatabaseUnavailable):
            log.error("turn.not_given_back", conversation_id=claim.conversation_id)

    def _park(self, tx: Connection, claim: TurnClaim, code: str, at: datetime) -> list[str]:
        """Set aside, tell the person, and call a human. If even that fails, the desk still shows what is parked."""
        store.park(tx, claim, error_code=code)
        language = claim.language or self._default_language
        said = self._not_understood(language, somebody_answers=self._somebody_answers(tx, at))
        line = spoken(said, author=Author.BOT, language=language)
        store.add_lines(tx, self._vault, claim.conversation_id, [line], at=at)
        topics = ["outbox", f"conversation:{claim.conversation_id}"]
        call = Escalation(
            conversation_id=claim.conversation_id,
            reason=UNDERSTANDING_FAILED,
            priority=Priority.P1,
            words="",
            language=language,
            country=self._country(claim.state),
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


class _Poisoned(Exception):
    """A message that was tried too often."""


def _asked(claim: TurnClaim) -> OwnAsk | None:
    """What they asked about their own case in the message before."""
    asked = claim.state.slots.get(ASKED_OWN)
    return OwnAsk(str(asked)) if asked in set(OwnAsk) else None


def _waits_for_person(claim: TurnClaim) -> bool:
    """Whether a person was called and has not come yet. Who has come answers for themselves."""
    return claim.mode is not Mode.HUMAN and bool(claim.state.slots.get(PERSON_CALLED))


def _was_asked(claim: TurnClaim) -> bool:
    """Whether the dialogue waits for an answer: to a question of a form, or whether they are safe."""
    return bool(claim.state.active_loop.get("name") or claim.state.slots.get(SAFETY_QUESTION))


def _with_slots(state: DialogueState, **slots: Any) -> DialogueState:
    return replace(state, slots={**state.slots, **slots})


def _language_after(state: DialogueState, before: str, chosen: bool) -> tuple[str, bool]:
    """A dialogue that changes the slot `language` did what the person asked for."""
    after = state.slots.get("language")
    return (str(after), True) if after and after != before else (before, chosen)


def _pressed_by_officer(claim: TurnClaim, message: InboundMessage) -> str | None:
    """Nobody else's button takes a case, whatever it says it carries."""
    pressed = claim.kind is ConversationKind.OFFICER and message.kind is MessageKind.TAP
    return message.payload if pressed else None
