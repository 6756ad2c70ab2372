"""How long somebody who waits will probably wait, from what is known at this moment and from how it went lately.

Nothing here is a promise. What is said is a range, rounded up, of what others of the same priority waited in the last
days who had about as many before them. Those who wait still are in nobody's figure, for nobody knows their end: in a
rush all of them would have waited only minutes. Where too little is known that is said, with what we try to keep;
where nobody is on duty, that is said and no figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from babel.dates import format_timedelta
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import queue_time_store
from bot.cases.hand import AT_DESK
from bot.cases.model import ACKNOWLEDGE_WITHIN, Case, CaseStatus
from bot.cases.presence import REMEMBERED, Presence
from bot.cases.queue_time_store import Stay
from bot.channels.model import Button
from bot.conversations import service as conversations
from bot.conversations.model import MessageClass
from bot.kernel.crypto import Vault
from bot.kernel.words import N_, Words
from dialogues.understanding.model import Priority

#: How far back waits count, and how many of the newest are looked at.
LATELY = timedelta(days=14)
MOST_WAITS = 250
#: With fewer nothing is said of how long others waited; and only with as many in a language is it told by language.
FEWEST_WAITS = 8
#: So many of those who had about as many before them say how it goes.
NEAREST = 30
#: When so few of all waited longer, it is longer than for most.
FEWEST_LONGER = 3
#: The range that is told: the wait of the middle one of them, and the one that nine of ten did not exceed.
USUAL, SLOW = 0.5, 0.9
#: Nobody is read and answered in less, so whoever waits before somebody takes at least so long of one at the desk.
QUICKEST = timedelta(minutes=2)

_MINUTES = (1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 120, 180, 240, 360, 480, 720, 1440, 2880, 4320)
#: What we try to keep within less can be kept only by somebody who has the desk open.
SOON = timedelta(hours=1)
#: What people are told, in the order from short to long; each time is rounded up to one of these.
STEPS = tuple(timedelta(minutes=minutes) for minutes in _MINUTES)
LONGEST = STEPS[-1]

CALL_FIRST = N_("In danger? Call {emergency_number} first.")
BETWEEN = N_("It will probably take {shortest} to {longest} until a person reads this.")
UP_TO = N_("It will probably take up to {longest} until a person reads this.")
MORE_THAN = N_("Many people wait. It can take more than {shortest} until a person reads this.")
MORE_THAN_SO_FAR = N_("It can take more than {shortest} until a person reads this.")
OVERDUE = N_("It takes longer than we wanted. I am still asking for a person.")
LONGER_THAN_MOST = N_("You have waited longer than most people. I am still asking for a person.")
NOT_KNOWN = N_("I do not know yet how long it takes. We try to be here within {promise}.")
#: Where what we try to keep can be kept for nobody who comes now.
NOT_KNOWN_IN_A_RUSH = N_("I do not know yet how long it takes. I am asking for a person.")
NOBODY_WORKS_HERE = N_(
    "Nobody works here yet, so no person may read this soon. Please ask somebody near you for help too."
)
NOBODY_THERE = N_("Nobody is at the desk right now. I am calling people who are not there. It can take longer.")
NOBODY_SPEAKS = N_("Nobody on duty speaks your language. That can make it longer.")
WAIT_BEFORE = N_("People who wait before you: {count}.")
MANY_BEFORE = N_("More than {count} people wait before you.")
NOBODY_CALLED = N_("You do not wait for a person here now. Do you want to talk to one?")
TALK_TO_PERSON = N_("Talk to a person")


class Wait(Struct, frozen=True):
    """How long somebody waited, or has waited until now."""

    lasted: timedelta
    ahead: int  # how many waited before them when they came
    language: str
    taken: bool = True  # or they wait still, and it becomes longer


class Waits(Struct, frozen=True):
    """What somebody who waits can be told from. All of it is of this moment."""

    waited: timedelta  # by this person, until now
    promise: timedelta  # within which we try to be there
    ahead: int  # cases that are taken before theirs
    language: str
    nobody_there: bool  # a rota is kept, and nobody is at the desk
    nobody_speaks: bool  # of those who count as there, nobody speaks the person's language
    lately: Sequence[Wait]  # of the same priority
    rush: bool = False  # before them waits somebody who is late already, or more people than we can answer in time
    nobody_works_here: bool = False  # there is no account of anybody who answers
    nobody_signed_in: bool = False  # no rota is kept, and no one of those who answer has the desk open


class Expected(Struct, frozen=True):
    """What can honestly be said. Without `longest` the wait has no known end, without `shortest` no figure at all."""

    shortest: timedelta | None = None
    longest: timedelta | None = None
    longer_than_most: bool = False
    overdue: bool = False  # what we try to keep is not kept
    nobody_there: bool = False
    nobody_works_here: bool = False
    nobody_speaks: bool = False
    rush: bool = False
    ahead: int = 0


def expect(waits: Waits) -> Expected:
    """How long it will probably take from now on."""
    if waits.nobody_works_here:
        return Expected(nobody_works_here=True)
    if waits.nobody_there:
        return Expected(nobody_there=True, ahead=waits.ahead)
    known = Expected(ahead=waits.ahead, nobody_speaks=waits.nobody_speaks)
    pool = _same_language(waits)
    ended = [wait for wait in pool if wait.taken]
    if len(ended) < FEWEST_WAITS:
        overdue = waits.waited >= waits.promise
        if waits.nobody_signed_in and waits.promise < SOON and not overdue:
            return Expected(nobody_there=True, ahead=waits.ahead)
        return replace(known, overdue=overdue, rush=waits.rush)
    if sum(wait.lasted > waits.waited for wait in pool) < FEWEST_LONGER:
        return replace(known, longer_than_most=True)
    near = sorted(ended, key=lambda wait: abs(wait.ahead - waits.ahead))[:NEAREST]
    most = max(wait.ahead for wait in near)
    if waits.ahead > most:  # a longer queue than anybody has come to the end of: only that it takes longer is known
        beyond = rounded_up(_part_of(near, USUAL) * ((waits.ahead + 1) / (most + 1)))
        return replace(known, shortest=beyond or LONGEST)
    usual, slow = (rounded_up(_part_of(near, part)) for part in (USUAL, SLOW))
    return replace(known, shortest=usual or LONGEST, longest=slow)


def _same_language(waits: Waits) -> Sequence[Wait]:
    """Of their own language, where enough are known: who is there speaks some better than others."""
    own = [wait for wait in waits.lately if wait.language == waits.language]
    return own if sum(wait.taken for wait in own) >= FEWEST_WAITS else waits.lately


def rounded_up(wait: timedelta) -> timedelta | None:
    """The next time that people are told. None beyond the longest: nobody knows what three days bring."""
    return next((step for step in STEPS if wait <= step), None)


def _part_of(waits: Sequence[Wait], part: float) -> timedelta:
    """The shortest time that this part of all did not exceed."""
    ordered = sorted(wait.lasted for wait in waits)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)]


def waits_of(stays: Sequence[Stay], priority: Priority) -> list[Wait]:
    """What those of one priority waited, each with how many were before them when they came."""
    return [
        Wait(stay.until - stay.since, _before(stays, stay), stay.language, stay.taken)
        for stay in stays
        if stay.priority is priority
    ]


def _before(stays: Sequence[Stay], mine: Stay) -> int:
    return sum(
        other.since < mine.since < other.until and other.priority <= mine.priority
        for other in stays
        if other is not mine
    )


class QueueTime:
    """Tells people how long it takes. One for the process: it remembers for a minute how it went lately."""

    def __init__(self, vault: Vault, words: Words, presence: Presence | None = None) -> None:
        self._vault = vault
        self._words = words
        self._presence = presence or Presence()
        self._lately: dict[Priority, tuple[datetime, list[Wait]]] = {}

    def tell(self, tx: Connection, case: Case, *, language: str, at: datetime, emergency_number: str = "") -> bool:
        """Say it in the talk of a case that waits in the queue. False where nothing is said: somebody has the case, or
        somebody else may hold the phone, or the person does not write to us."""
        if not self.may_be_told(tx, case):
            return False
        sentences = self.sentences(language, case.priority, expect(self._waits(tx, case, case.language, at)))
        if emergency_number and case.priority is Priority.P0:
            sentences = [self._words.text(language, CALL_FIRST, emergency_number=emergency_number), *sentences]
        conversations.say(
            tx,
            self._vault,
            case.conversation_id,
            text="\n".join(sentences),
            cls=MessageClass.OFFICER,
            template="queue_time",
            at=at,
            language=language,
        )
        return True

    def may_be_told(self, tx: Connection, case: Case) -> bool:
        """Whether something is said about this case."""
        card = conversations.card(tx, case.conversation_id)
        if case.status is not CaseStatus.NEW or card is None:
            return False
        return card.channel != AT_DESK and card.watched_since is None

    def tell_none(self, tx: Connection, conversation_id: str, *, language: str, at: datetime) -> None:
        """Somebody asks how long it takes, and nobody was called for them, or has answered by now."""
        conversations.say(
            tx,
            self._vault,
            conversation_id,
            text=self._words.text(language, NOBODY_CALLED),
            cls=MessageClass.ROUTINE,
            template="queue_time_none",
            at=at,
            language=language,
            buttons=[Button(self._words.text(language, TALK_TO_PERSON), "/ask_human")],
        )

    def sentences(self, language: str, priority: Priority, expected: Expected) -> list[str]:
        """What is told, a sentence a line; never more than three."""
        said = [self._how_long(language, priority, expected)]
        if expected.nobody_speaks:
            said.append(self._words.text(language, NOBODY_SPEAKS))
        if expected.ahead > queue_time_store.MOST_AHEAD:
            said.append(self._words.text(language, MANY_BEFORE, count=queue_time_store.MOST_AHEAD))
        elif expected.ahead:
            said.append(self._words.text(language, WAIT_BEFORE, count=expected.ahead))
        return said

    def _how_long(self, language: str, priority: Priority, expected: Expected) -> str:
        if expected.nobody_works_here:
            return self._words.text(language, NOBODY_WORKS_HERE)
        if expected.nobody_there:
            return self._words.text(language, NOBODY_THERE)
        if expected.longer_than_most:
            return self._words.text(language, LONGER_THAN_MOST)
        if expected.overdue:
            return self._words.text(language, OVERDUE)
        if expected.shortest is None and expected.rush:
            return self._words.text(language, NOT_KNOWN_IN_A_RUSH)
        if expected.shortest is None:
            return self._words.text(language, NOT_KNOWN, promise=spoken(ACKNOWLEDGE_WITHIN[priority], language))
        shortest = spoken(expected.shortest, language)
        if expected.longest is None:
            sentence = MORE_THAN if expected.ahead else MORE_THAN_SO_FAR
            return self._words.text(language, sentence, shortest=shortest)
        longest = spoken(expected.longest, language)
        sentence = UP_TO if expected.shortest == expected.longest else BETWEEN
        return self._words.text(language, sentence, shortest=shortest, longest=longest)

    def _waits(self, tx: Connection, case: Case, language: str, at: datetime) -> Waits:
        present = self._presence.now(tx, at)
        ahead = queue_time_store.ahead_of(tx, case)
        return Waits(
            waited=max(at - _since(case), timedelta(0)),
            promise=ACKNOWLEDGE_WITHIN[case.priority],
            ahead=ahead,
            language=language,
            nobody_there=not present.there,
            nobody_speaks=not any(language in one.languages for one in present.there),
            lately=self._waits_lately(tx, case.priority, at),
            rush=ahead * QUICKEST >= ACKNOWLEDGE_WITHIN[case.priority] * len(present.there)
            or queue_time_store.somebody_is_late(tx, case, at),
            nobody_works_here=not present.team,
            nobody_signed_in=not present.rota_kept and not present.signed_in,
        )

    def _waits_lately(self, tx: Connection, priority: Priority, at: datetime) -> list[Wait]:
        known = self._lately.get(priority)
        if known is None or not timedelta(0) <= at - known[0] < REMEMBERED:
            stays = queue_time_store.stays(tx, priority, since=at - LATELY, at=at, limit=MOST_WAITS)
            known = self._lately[priority] = (at, waits_of(stays, priority))
        return known[1]


def _since(case: Case) -> datetime:
    """Since when they wait for what was promised: who was given back to the queue waits since then, not since they
    came."""
    return max(case.opened_at, case.due_at - ACKNOWLEDGE_WITHIN[case.priority])


#: Where these stand people read "within" or "up to" before them, after which a dual has another ending.
ARABIC_DUALS = (("دقيقتان", "دقيقتين"), ("ساعتان", "ساعتين"), ("يومان", "يومين"))


def spoken(wait: timedelta, language: str) -> str:
    """A time as people say it after "within", "up to" or "more than": "20 minutes"."""
    said = format_timedelta(wait, granularity="minute", threshold=1.2, locale=language)
    if language == "ar":
        for alone, after in ARABIC_DUALS:
            said = said.replace(alone, after)
    return said
