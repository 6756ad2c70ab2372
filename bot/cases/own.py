"""What a person may ask about their own case in the chat: come back, who has my file, erase it, a word for danger,
when they may be written to.

Whoever holds the phone can ask it too. So the chat alone tells nothing: who has the file is told after the return
code, or by an officer who knows who is there. Erasing and new codes go to an officer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from sqlalchemy.engine import Connection

from bot.cases import consent, consent_store, receipt_store, receipts, safe_time, same_child, store
from bot.cases.consent import Share
from bot.cases.hand import unseal, write_down
from bot.cases.model import LOUD, Case
from bot.cases.queue_time import QueueTime
from bot.cases.reasons import WANTS_ERASURE
from bot.cases.record.fields import FIELDS
from bot.cases.service import CaseEscalations
from bot.channels.model import Button
from bot.conversations import service as conversations
from bot.conversations.duress import EnoughWords, UnfitWord
from bot.conversations.model import MessageClass
from bot.conversations.ports import Escalated, Escalation, OwnAsk, OwnWish, SomebodyAnswers
from bot.kernel.crypto import Vault
from bot.kernel.words import N_, Words
from dialogues.understanding import own_case
from dialogues.understanding.model import Priority
from directory.dates import written

A_PERSON_LOOKS = N_("Thank you. A person will look, and answer you here.")
NOT_FOUND = N_("I did not find that number. Look at each digit and write it again, or ask for a person.")
WRITE_CODE = N_("First write the number that you got from us, so that I know it is you. Without it a person can help.")
PERSON_TELLS = N_("A person will tell you here who has your file.")
NO_FILE = N_("I know of no file for this talk. A person can look.")
PERSON_ERASES = N_(
    "A person will look at it. They tell you here what is erased, and what the law says we must keep, and how long."
)
PERSON_GIVES_CODE = N_("A person can give you a new number. They will answer you here.")
#: The same while nobody is there who could answer.
KEPT_FOR_PERSON = N_("Thank you. I keep it for a person.")
PERSON_CAN_TELL = N_("Only a person can tell you who has your file. I keep your question for them.")
PERSON_CAN_ERASE = N_(
    "Only a person can erase it. I keep your question for them. They also say what the law says we must keep, "
    "and how long."
)
PERSON_CAN_GIVE_CODE = N_("Only a person can give you a new number. I keep your question for them.")
#: Not a word of what the word is for: who takes the phone away reads this too.
WORD_KEPT = N_("Thank you. I will remember it.")
WORD_UNFIT = N_("That word is too short, or too easy to write by mistake. Choose another one.")
WORDS_FULL = N_("You have several words already. A person can look at it with you.")
NOBODY_ELSE = N_("Nobody outside this helpline has anything from your file. The people here who help you can read it.")
THESE_HAVE = N_("These got something from your file. The people here who help you can read it too.")
HAS = N_("{who}: {what}. Since {day}.")
HAS_ENDED = N_("{who}: {what}. Since {day}. You took it back, and they said that they stopped.")
HAS_TO_STOP = N_("{who}: {what}. Since {day}. You took it back. We wait until they say that they stopped.")
OTHER_THINGS = N_("other things")
DELETE_THIS = N_("Delete this message when you have read it.")
TALK_TO_PERSON = N_("Talk to a person")
MOST_TOLD = 20
#: Characters. No form that is known comes near; what is longer is a story, and looking through one costs milliseconds.
LONGEST_WISH = 500
QUESTION_MARKS = "?¿؟"
#: Of the forms of "how long?", those that say as well that somebody is there or comes, folded.
_SOMEBODY = re.compile(
    r"(?:(?:bonjour|allo|svp|et) )*(?:il y a )?quelqu un\b|(?:(?:hola|perdon|por favor|y) )*(?:hay )?alguien\b"
)
SAFE_TIME = frozenset({OwnAsk.SAFE_TIME, OwnAsk.SAFE_HOURS, OwnAsk.SAFE_CLOCK, OwnAsk.SAFE_WAY, OwnAsk.ANY_TIME})

#: What goes to an officer: why, and what the person is told.
TO_OFFICER: Mapping[OwnAsk, tuple[str, str]] = MappingProxyType(
    {
        OwnAsk.WHO_HAS: ("own_file", PERSON_TELLS),
        OwnAsk.ERASE: (WANTS_ERASURE, PERSON_ERASES),
        OwnAsk.NEW_CODE: ("wants_code", PERSON_GIVES_CODE),
    }
)
#: What is said while a person can answer, and while nobody can.
WHILE_NOBODY_ANSWERS: Mapping[str, str] = MappingProxyType(
    {
        A_PERSON_LOOKS: KEPT_FOR_PERSON,
        PERSON_TELLS: PERSON_CAN_TELL,
        PERSON_ERASES: PERSON_CAN_ERASE,
        PERSON_GIVES_CODE: PERSON_CAN_GIVE_CODE,
    }
)


class OwnCases:
    """The cases, as a person may ask about theirs (`bot.conversations.ports.OwnCases`)."""

    def __init__(
        self,
        vault: Vault,
        words: Words,
        queue_time: QueueTime | None = None,
        somebody_answers: SomebodyAnswers = lambda _tx, _at: True,
    ) -> None:
        self._vault = vault
        self._words = words
        self._somebody_answers = somebody_answers
        self._tells_time = queue_time is not None
        self._queue_time = queue_time or QueueTime(vault, words)
        self._escalations = CaseEscalations(vault)

    def wish(self, text: str, *, before: OwnAsk | None = None) -> OwnWish | None:
        """What is asked, in one of the forms that are known exactly."""
        if len(text) > LONGEST_WISH:
            return None
        if (code := own_case.return_code(text)) is not None:
            return OwnWish(OwnAsk.COME_BACK, code)
        if (word := own_case.agreed_word(text)) is not None:
            return OwnWish(OwnAsk.SET_WORD, word)
        if own_case.asks_who_has(text):
            return OwnWish(OwnAsk.WHO_HAS)
        if (timely := _safe_time_wish(text, before)) is not None:
            return timely
        if (how_long := _how_long_wish(text)) is not None:
            return how_long
        if own_case.asks_to_erase(text):
            return OwnWish(OwnAsk.ERASE)
        return OwnWish(OwnAsk.NEW_CODE) if own_case.asks_for_code(text) else None

    def is_waiting(self, tx: Connection, conversation_id: str) -> bool:
        case = store.open_case_of(tx, conversation_id)
        return case is not None and self._queue_time.may_be_told(tx, case)

    def grant(
        self, tx: Connection, wish: OwnWish, conversation_id: str, *, language: str, key: str, at: datetime
    ) -> list[str]:
        """Answer it in the conversation. Returns the topics to wake."""
        if wish.ask is OwnAsk.HOW_LONG:
            return self._tell_time(tx, wish, conversation_id, language=language, at=at)
        asking = _Asking(self._vault, self._words, self._escalations, tx, conversation_id, language, key, at)
        if not self._somebody_answers(tx, at):
            asking.nobody_answers(self._queue_time)
        elif self._tells_time:
            asking.tell_time(self._queue_time)
        if wish.ask is OwnAsk.COME_BACK:
            return asking.come_back(wish.said, before=wish.asked_before)
        if wish.ask is OwnAsk.SET_WORD:
            return asking.agree_on(wish.said)
        if wish.ask is OwnAsk.WHO_HAS:
            return asking.who_has()
        if wish.ask in SAFE_TIME:
            return asking.say_when(wish.ask, wish.said)
        if wish.ask is OwnAsk.NEW_CODE and (topics := asking.first_code()):
            return topics
        return asking.to_officer(wish.ask)

    def _tell_time(
        self, tx: Connection, wish: OwnWish, conversation_id: str, *, language: str, at: datetime
    ) -> list[str]:
        case, told = store.open_case_of(tx, conversation_id), False
        if case is not None:
            number = wish.emergency_number
            told = self._queue_time.tell(tx, case, language=language, at=at, emergency_number=number)
        if not told:
            self._queue_time.tell_none(tx, conversation_id, language=language, at=at)
        return ["outbox", f"conversation:{conversation_id}"]


def _how_long_wish(text: str) -> OwnWish | None:
    """How long it takes. "Alguien viene" with no question mark says that somebody is coming: that is no question of
    ours to answer with a time."""
    if not own_case.asks_how_long(text):
        return None
    if not _SOMEBODY.match(own_case.plain(text)):
        return OwnWish(OwnAsk.HOW_LONG)
    return OwnWish(OwnAsk.HOW_LONG, doubtful=True) if any(mark in text for mark in QUESTION_MARKS) else None


def _safe_time_wish(text: str, before: OwnAsk | None) -> OwnWish | None:
    """When and how somebody may be written to, or that they want to say it."""
    if own_case.asks_for_safe_time(text):
        return OwnWish(OwnAsk.SAFE_TIME)
    if own_case.takes_any_time(text):
        return OwnWish(OwnAsk.ANY_TIME)
    if (hours := own_case.safe_hours(text)) is not None:
        return OwnWish(OwnAsk.SAFE_HOURS, f"{hours[0]} {hours[1]}")
    if (minute := own_case.own_clock(text, asked=before is OwnAsk.SAFE_HOURS)) is not None:
        return OwnWish(OwnAsk.SAFE_CLOCK, str(minute))
    way = own_case.safe_way(text)
    return None if way is None else OwnWish(OwnAsk.SAFE_WAY, way)


def _urgency_of_return(known: Case) -> Priority:
    """Who comes back to an open case is as urgent as it is. One that was closed was over: they are still asked soon."""
    if known.is_open:
        return min(known.priority, Priority.P1)
    return Priority.P1 if known.priority in LOUD else Priority.P2


class _Asking:
    """One question, in the transaction of its turn."""

    def __init__(
        self,
        vault: Vault,
        words: Words,
        escalations: CaseEscalations,
        tx: Connection,
        conversation_id: str,
        language: str,
        key: str,
        at: datetime,
    ) -> None:
        self._vault, self._words, self._escalations, self._tx = vault, words, escalations, tx
        self._conversation_id, self._language, self._key, self._at = conversation_id, language, key, at
        self._queue_time: QueueTime | None = None
        self._alone = False

    def nobody_answers(self, queue_time: QueueTime) -> None:
        """No person is promised, and whoever waits is told how long it takes."""
        self._queue_time, self._alone = queue_time, True

    def tell_time(self, queue_time: QueueTime) -> None:
        """Whoever is promised a person, and waits, is told how long it takes."""
        self._queue_time = queue_time

    def come_back(self, code: str, *, before: OwnAsk | None) -> list[str]:
        """The right code brings a person, after the case was closed too; anything else is answered alike, whatever was
        wrong with it."""
        case = receipts.case_with(self._tx, self._vault, code, self._conversation_id, at=self._at)
        if case is None:
            return self._say(NOT_FOUND, "code_not_found", asks=True)
        here = case.conversation_id == self._conversation_id
        if here and before is OwnAsk.WHO_HAS:
            return self._tell_who_has(case)
        if here and case.is_open:
            return self._promise(A_PERSON_LOOKS, "code_known")
        known_here = here or receipt_store.asked_before(self._tx, case.id, self._conversation_id)
        escalated = self._escalate("came_back", _urgency_of_return(case))
        # A talk that was left for this very case leads to it without anybody's decision.
        if not known_here and escalated.case_id != case.id:
            receipts.note_return(self._tx, self._vault, case, escalated.case_id, self._conversation_id, at=self._at)
        topics = self._promise(A_PERSON_LOOKS, "code_known")
        return [*topics, "queue", "pages", f"case:{case.id}", f"case:{escalated.case_id}"]

    def who_has(self) -> list[str]:
        case_id = receipt_store.last_case_of(self._tx, self._conversation_id)
        if case_id is None:
            return self._say(NO_FILE, "no_file", asks=True)
        if receipt_store.has_receipt(self._tx, case_id):
            return self._say(WRITE_CODE, "write_code", asks=True)
        return self.to_officer(OwnAsk.WHO_HAS)

    def first_code(self) -> list[str]:
        """The first code of a case that danger opened. Nothing where there was one, or none may be given here."""
        case = store.open_case_of(self._tx, self._conversation_id)
        if case is None or not receipts.may_be_given_first(self._tx, case):
            return []
        receipts.give(self._tx, self._vault, self._words, case, at=self._at, officer_id=None)
        return ["outbox", f"conversation:{self._conversation_id}", f"case:{case.id}"]

    def to_officer(self, ask: OwnAsk) -> list[str]:
        """What a human has to look at: it stands in the case, and in the queue where nobody holds it."""
        reason, sentence = TO_OFFICER[ask]
        escalated = self._escalate(reason, Priority.P2)
        return [*self._promise(sentence, reason), "queue", "pages", f"case:{escalated.case_id}"]

    def agree_on(self, word: str) -> list[str]:
        try:
            conversations.agree_on_duress_word(self._tx, self._vault, self._conversation_id, word)
        except EnoughWords:
            return self._say(WORDS_FULL, "words_full", asks=True)
        except UnfitWord:
            return self._say(WORD_UNFIT, "word_unfit")
        case = store.open_case_of(self._tx, self._conversation_id)
        if case is not None:
            write_down(self._tx, self._vault, case, "duress_word_agreed", officer_id=None, at=self._at)
        return self._say(WORD_KEPT, "word_kept")

    def say_when(self, ask: OwnAsk, words: str) -> list[str]:
        """When and how they may be written to. Whoever has their case sees it before they write."""
        if ask is OwnAsk.SAFE_TIME:
            safe_time.ask(
                self._tx, self._vault, self._words, self._conversation_id, language=self._language, at=self._at
            )
            return ["outbox", f"conversation:{self._conversation_id}"]
        case = store.open_case_of(self._tx, self._conversation_id)
        before = conversations.safe_contact(self._tx, self._vault, self._conversation_id)
        country = None if case is None else case.country
        after, sentences = safe_time.said(before, ask, words, country=country, at=self._at)
        conversations.keep_safe_contact(self._tx, self._vault, self._conversation_id, after)
        if case is not None and after != before:
            write_down(self._tx, self._vault, case, "safe_time_said", officer_id=None, at=self._at)
        topics = self._send(" ".join(self._text(each, **named) for each, named in sentences), "safe_time_kept")
        return [*topics, f"case:{case.id}"] if case is not None else topics

    def _tell_who_has(self, case: Case) -> list[str]:
        cases = [case, *same_child.of_case(self._tx, case).duplicates]
        shares = [share for each in cases for share in consent.shares_of(self._tx, each.id)]
        write_down(self._tx, self._vault, case, "told_who_has", officer_id=None, at=self._at)
        if not shares:
            return self._say(NOBODY_ELSE, "who_has")
        names = {consent_id: name for each in cases for consent_id, name in self._recipients(each).items()}
        lines = [self._share(share, names.get(share.consent_id, "")) for share in shares[:MOST_TOLD]]
        parts = [self._text(THESE_HAVE), *(f"• {line}" for line in lines), self._text(DELETE_THIS)]
        return self._send("\n".join(parts), "who_has")

    def _recipients(self, case: Case) -> Mapping[str, str]:
        """Each recipient as it was named to the person."""
        return {
            row.id: unseal(self._tx, self._vault, case, row.named_sealed, "consents", row.id, "named")
            for row in consent_store.consents_of(self._tx, case.id)
        }

    def _share(self, share: Share, who: str) -> str:
        day = written(share.at.date(), "long", self._language)
        comma = "، " if self._language == "ar" else ", "
        what = comma.join(self._items(share.items)) or self._text(OTHER_THINGS)
        sentence = HAS
        if share.withdrawn_at is not None:
            sentence = HAS_TO_STOP if share.waits_for_recipient else HAS_ENDED
        return self._text(sentence, who=who, what=what, day=day)

    def _items(self, codes: Sequence[str]) -> list[str]:
        titles = {code: one.title for code, one in FIELDS.items()} | dict(consent.CLASSES) | dict(consent.TALK)
        return list(dict.fromkeys(self._text(titles.get(code, OTHER_THINGS)) for code in codes))

    def _escalate(self, reason: str, priority: Priority) -> Escalated:
        call = Escalation(
            conversation_id=self._conversation_id,
            reason=reason,
            priority=priority,
            words="",
            language=self._language,
            country=None,
            place=None,
            source="dialogue",
            reporter=False,
            key=self._key,
        )
        return self._escalations.escalate(self._tx, call, at=self._at)

    def _text(self, sentence: str, **named: object) -> str:
        return self._words.text(self._language, sentence, **named)

    def _promise(self, sentence: str, template: str) -> list[str]:
        """What only a person can do: that they do it here is said where one is there."""
        topics = self._say(WHILE_NOBODY_ANSWERS[sentence] if self._alone else sentence, template)
        case = store.open_case_of(self._tx, self._conversation_id)
        if case is not None and self._queue_time is not None:
            self._queue_time.tell(self._tx, case, language=self._language, at=self._at)
        return topics

    def _say(self, sentence: str, template: str, *, asks: bool = False) -> list[str]:
        return self._send(self._text(sentence), template, asks=asks)

    def _send(self, text: str, template: str, *, asks: bool = False) -> list[str]:
        conversations.say(
            self._tx,
            self._vault,
            self._conversation_id,
            text=text,
            cls=MessageClass.ROUTINE,
            template=template,
            at=self._at,
            language=self._language,
            buttons=[Button(self._text(TALK_TO_PERSON), "/ask_human")] if asks else [],
        )
        return ["outbox", f"conversation:{self._conversation_id}"]
