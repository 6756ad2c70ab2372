"""What a message leads to: understood, screened for danger, answered. Nothing is locked here, nothing is written."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from msgspec.structs import replace

from bot.channels.model import LONGEST_TEXT, Channel, InboundMessage, MessageKind
from bot.conversations import duress
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
from bot.conversations.model import TURN_LIMIT, ConversationKind, MessageClass, Mode, SetAside, TurnOutcome, Wording
from bot.conversations.ports import (
    LONG,
    EmergencyNumber,
    Engine,
    Escalation,
    OwnAsk,
    OwnCases,
    OwnWish,
    SomebodyAnswers,
    Texts,
    Understanding,
    WordScreen,
)
from bot.conversations.sentences import (
    IN_DANGER_ELSEWHERE,
    NEUTRAL,
    NEUTRAL_AGAIN,
    NEUTRAL_NUMBER,
    NO_GROUPS,
    PAGES_ONLY,
    in_danger,
    not_understood,
)
from bot.conversations.slots import (
    ASKED_OWN,
    CHOICES,
    PERSON_CALLED,
    asked,
    choices_of,
    country_of,
    language_after,
    typed_choice,
    waits_for_person,
    was_asked,
    with_slots,
)
from bot.conversations.store import TurnClaim
from bot.conversations.told import (
    answers_in,
    call_for_officer,
    found_wrong_in,
    priority_of,
    reported_in,
    told_in,
    wording_of,
)
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.failpoints import failpoint
from bot.kernel.logs import get_log
from dialogues.runtime.model import Entity, Turn, UserMessage
from dialogues.understanding.model import Priority, Reading, Risk

log = get_log("conversations")

UNDERSTANDING_FAILED = "understanding_failed"
#: Why a human is called when the agreed word is written.
DURESS = "duress"
COVERED = "•••"
#: A group that writes so long after it was told has added us again.
GROUP_TOLD_AGAIN = timedelta(hours=1)


class Deciding:
    """Decides what one message leads to, for `TurnWorker`."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        *,
        channels: Mapping[str, Channel],
        understanding: Understanding,
        engine: Engine,
        words: Texts,
        emergency_number: EmergencyNumber,
        screen: WordScreen,
        somebody_answers: SomebodyAnswers,
        own_cases: OwnCases | None,
        default_language: str,
        default_country: str | None,
        makes_room: Callable[[], None],
    ) -> None:
        """`makes_room` is told when a turn begins to wait for a long message to be read."""
        self._database = database
        self._vault = vault
        self._clock = clock
        self._channels = channels
        self._understanding = understanding
        self._engine = engine
        self._words = words
        self._emergency_number = emergency_number
        self._screen = screen
        self._somebody_answers = somebody_answers
        self._own_cases = own_cases
        self._default_language = default_language
        self._default_country = default_country
        self._makes_room = makes_room
        self._reading_long = 0
        self._acknowledging: set[asyncio.Task[None]] = set()

    @property
    def reading_long(self) -> int:
        """How many turns wait for a long message to be read, and do nothing else."""
        return self._reading_long

    @property
    def acknowledging(self) -> frozenset[asyncio.Task[None]]:
        """The taps that are being acknowledged now, beside the turns."""
        return frozenset(self._acknowledging)

    async def decide(self, claim: TurnClaim) -> tuple[TurnOutcome, str | None]:
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

    async def set_aside(self, claim: TurnClaim, *, may_look: bool) -> SetAside:
        """What is still known of a message that cannot be worked on. `may_look`: only where it did not kill us.

        On a phone that somebody else may hold, and where the agreed word may stand in what nobody could read, nothing
        is said that would give the person away.
        """
        hint, risk, duress = (self._look_once_more(claim) if may_look else None) or (None, None, None)
        language = claim.language or spoken_here(hint) or self._default_language
        number = await self._number(claim)
        if claim.kind is not ConversationKind.PERSON:
            return SetAside(language, number)
        if duress and not claim.watched:
            risk = Risk(DURESS, Priority.P0, 1.0, DURESS)
        maybe = duress is None and claim.duress_words is not None
        return SetAside(language, number, risk, quiet=bool(claim.watched or duress or maybe), duress=bool(duress))

    def _look_once_more(self, claim: TurnClaim) -> tuple[str | None, Risk | None, bool] | None:
        """The language of their app, the danger in their words, and whether the agreed word is among them. None where
        even that cannot be found out: what is set aside for it must not fail for it again."""
        try:
            message = self._channels[claim.channel].read(claim.payload)
            return message.language, self._danger_in_words(message.text[:LONGEST_TEXT]), self._duress(claim, message)
        except Exception as error:
            log.error("turn.not_looked_at", conversation_id=claim.conversation_id, error=type(error).__name__)
            return None

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
        pressed = message.payload if message.kind is MessageKind.TAP else typed_choice(claim, message)
        if pressed is not None and (tapped := read_tap(pressed)) is not None:
            return Heard(tapped, language, tapped_risk(tapped))
        text = (message.text or message.payload if message.kind is MessageKind.TAP else message.text)[:LONGEST_TEXT]
        reading: Reading | None = None
        if message.kind is MessageKind.START:
            # A code is no words: read as such, one in fifty sounds like danger, and many like another language.
            begun = UserMessage(text=text, intent="start", ranking=(("start", 1.0),), metadata=facts_of(message, None))
            return Heard(begun, language, self._danger_in_words(text))
        if text.strip():
            try:
                async with asyncio.timeout(TURN_LIMIT.total_seconds() / 2):
                    reading = await self._read(text, language=claim.language, hint=message.language)
            except Exception as error:
                log.error(
                    "turn.understanding_failed", conversation_id=claim.conversation_id, error=type(error).__name__
                )
                return Heard(None, language, self._danger_in_words(text))
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
        state = with_slots(claim.state, language=heard.language, **{ASKED_OWN: None} if asked(claim) else {})
        turn: Turn | None = None
        if heard.message is not None:
            said = heard.message if heard.risk is None else _in_danger(heard.message, heard.risk)
            try:
                async with asyncio.timeout(TURN_LIMIT.total_seconds() / 2):
                    turn = await self._engine.turn(state, said)
            except Exception as error:
                log.error("turn.engine_failed", conversation_id=claim.conversation_id, error=type(error).__name__)
            failpoint("turn.after_engine")
        if turn is None:
            return await self._fail_towards_a_human(claim, message, heard)
        language, chosen = language_after(turn.state, heard.language, claim.language_chosen)
        cls = MessageClass.ROUTINE if heard.risk is None else MessageClass.SAFETY
        wordings = tuple(wording_of(reply, cls) for reply in turn.replies if reply.text)
        if heard.risk is not None and not wordings:
            wordings = (await self._emergency_words(claim, language),)
        escalation = self._escalation(claim, message, heard, turn)
        known: dict[str, Any] = {CHOICES: choices_of(turn), **({} if escalation is None else {PERSON_CALLED: True})}
        return TurnOutcome(
            with_slots(turn.state, **known),
            language,
            chosen,
            wordings,
            escalation,
            own_line(message),
            found_wrong=found_wrong_in(turn),
            gaps=told_in(turn, "gap"),
            questions=told_in(turn, "question"),
            wishes=told_in(turn, "tell"),
            reported=reported_in(turn),
        )

    async def _read(self, text: str, *, language: str | None, hint: str | None) -> Reading:
        if len(text) < LONG:
            return await self._understanding.read(text, language=language, hint=hint)
        self._reading_long += 1
        self._makes_room()
        try:
            return await self._understanding.read(text, language=language, hint=hint)
        finally:
            self._reading_long -= 1

    def _danger_in_words(self, text: str) -> Risk | None:
        """What the word lists see where the rest of understanding fails, or takes too long."""
        try:
            return self._screen(text)
        except Exception as error:
            log.error("turn.screen_failed", error=type(error).__name__)
            return None

    async def _fail_towards_a_human(self, claim: TurnClaim, message: InboundMessage, heard: Heard) -> TurnOutcome:
        """A part of us failed. If the screen still saw danger that comes first; either way a human is called."""
        if heard.risk is not None:
            said = await self._emergency_words(claim, heard.language)
        else:
            said = not_understood(
                self._words,
                heard.language,
                somebody_answers=await self._anybody_answers(),
                number=await self._number(claim),
            )
        return TurnOutcome(
            with_slots(claim.state, **{PERSON_CALLED: True}),
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
        words, before = message.payload if message.kind is MessageKind.TAP else message.text, asked(claim)
        wish = self._own_cases.wish(words, before=before)
        if wish is None or (wish.ask is OwnAsk.HOW_LONG and not waits_for_person(claim)):
            return None
        if wish.doubtful and was_asked(claim):
            return None
        return replace(wish, asked_before=before)

    async def _about_own_case(
        self, claim: TurnClaim, message: InboundMessage, heard: Heard, wish: OwnWish
    ) -> TurnOutcome:
        """The answer is found where the turn is written: only there is the case known, and locked."""
        line = own_line(message)
        if wish.is_secret:
            line["text"] = COVERED
        kept = wish.ask.value if wish.ask in (OwnAsk.WHO_HAS, OwnAsk.SAFE_HOURS) else None
        state = with_slots(claim.state, **{CHOICES: None})  # what is said here has buttons of its own
        state = with_slots(state, **{ASKED_OWN: kept}) if kept or asked(claim) else state
        if wish.ask is OwnAsk.HOW_LONG:
            wish = replace(wish, emergency_number=await self._number(claim))
        return TurnOutcome(state, heard.language, claim.language_chosen, heard=line, own=wish)

    async def _number(self, claim: TurnClaim) -> str:
        try:
            return await self._emergency_number(country_of(claim.state, self._default_country))
        except Exception as error:
            log.error("turn.no_emergency_number", error=type(error).__name__)
            return "112"

    async def _emergency_words(self, claim: TurnClaim, language: str) -> Wording:
        number, somebody = await self._number(claim), await self._anybody_answers()
        return in_danger(self._words, language, number, somebody_answers=somebody)

    async def _anybody_answers(self) -> bool:
        at = self._clock.now()
        return await self._database.read(lambda tx: self._somebody_answers(tx, at))

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
            country=country_of(state, self._default_country),
            place=str(place) if place else None,
            source=source,
            reporter=heard.reporter,
            key=claim.name,
            report=answers_in(call),
            report_goes_on=bool(call and call.get("report_goes_on")),
        )


def _in_danger(message: UserMessage, risk: Risk) -> UserMessage:
    """The dialogue hears danger, whatever the words were about otherwise."""
    entities = [entity for entity in message.entities if entity.name not in {"reason", "priority"}]
    entities += [Entity("reason", risk.reason), Entity("priority", risk.priority.value)]
    return replace(message, intent="in_danger", confidence=1.0, entities=tuple(entities))


def _pressed_by_officer(claim: TurnClaim, message: InboundMessage) -> str | None:
    """Nobody else's button takes a case, whatever it says it carries."""
    pressed = claim.kind is ConversationKind.OFFICER and message.kind is MessageKind.TAP
    return message.payload if pressed else None
