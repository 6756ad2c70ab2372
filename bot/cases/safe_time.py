"""The words in which a person says when and how they may be written to, and what they are told about it."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases.model import Case, NotSafeNow
from bot.channels.model import Button
from bot.conversations import service as conversations
from bot.conversations.model import MessageClass
from bot.conversations.ports import OwnAsk
from bot.conversations.safe_contact import LONGEST_WAY, SafeContact, zone_by_clock, zone_by_country
from bot.kernel.crypto import Vault
from bot.kernel.words import N_, Words

ASK_WHEN = N_(
    "When is it safe that a person here writes to you? Press one, or write it like this: safe from 18 to 22. "
    "If another way is safer, write: my safe way is, and then how."
)
KEPT = N_(
    "I will remember it: from {start} to {end}. People here wait for that time. They write earlier only if they must."
)
CLOCK_SHOWS = N_(
    "My clock says that it is {now} where you are. If that is wrong, write it like this: my time is 15:20."
)
ASK_CLOCK = N_("What time is it where you are now? Write it like this: 15:20.")
CLOCK_KEPT = N_("Thank you. I will remember that it is {now} where you are.")
WAY_KEPT = N_("I will remember it. A person reads it before they write to you.")
FORGOTTEN = N_("I forgot it. People here can write to you at any time.")
UNFIT_HOURS = N_("I did not understand the time. Write it like this: safe from 18 to 22.")
UNFIT_CLOCK = N_("I did not understand the time. Write it like this: my time is 15:20.")
DELETE_THESE = N_("Delete these messages if somebody looks at your phone.")

#: A title and the words that pressing it stands for, as if they were written.
CHOICES = (
    (N_("Morning, 8 to 12"), "safe from 8 to 12"),
    (N_("Afternoon, 12 to 18"), "safe from 12 to 18"),
    (N_("Evening, 18 to 22"), "safe from 18 to 22"),
    (N_("Any time"), "any time is safe"),
)
NOT_A_TIME = "-1"


def is_safe(tx: Connection, vault: Vault, case: Case, at: datetime) -> bool:
    """Whether the person may be written to: a phone that lights up may be in the wrong hands."""
    return conversations.safe_contact(tx, vault, case.conversation_id).is_safe(at)


def require_safe(tx: Connection, vault: Vault, case: Case, at: datetime) -> None:
    """Raises NotSafeNow outside the time at which the person of this case may be written to."""
    if not is_safe(tx, vault, case, at):
        raise NotSafeNow(case.number)


def ask(tx: Connection, vault: Vault, words: Words, conversation_id: str, *, language: str, at: datetime) -> None:
    """Ask when it is safe."""
    conversations.say(
        tx,
        vault,
        conversation_id,
        text=words.text(language, ASK_WHEN),
        cls=MessageClass.ROUTINE,
        template="safe_time",
        at=at,
        language=language,
        buttons=[Button(words.text(language, title), payload) for title, payload in CHOICES],
    )


def clock(minute: int) -> str:
    """A minute of the day, as clocks show it."""
    return f"{minute // 60:02}:{minute % 60:02}"


def said(
    before: SafeContact, what: OwnAsk, words: str, *, country: str | None, at: datetime
) -> tuple[SafeContact, list[tuple[str, dict[str, str]]]]:
    """What is kept after somebody said this, and the sentences to answer with."""
    if what is OwnAsk.ANY_TIME:
        return SafeContact(), [(FORGOTTEN, {})]
    if what is OwnAsk.SAFE_WAY:
        return replace(before, way=words[:LONGEST_WAY]), [(WAY_KEPT, {}), (DELETE_THESE, {})]
    if what is OwnAsk.SAFE_CLOCK:
        if words == NOT_A_TIME:
            return before, [(UNFIT_CLOCK, {})]
        after = replace(before, zone=zone_by_clock(int(words), at))
        return after, [(CLOCK_KEPT, {"now": clock(int(words))})]
    first, last = words.split()
    if NOT_A_TIME in (first, last):
        return before, [(UNFIT_HOURS, {})]
    zone = before.zone or zone_by_country(country, at)
    after = replace(before, from_minute=int(first), until_minute=int(last), zone=zone)
    local = after.local(at)
    about_clock = (CLOCK_SHOWS, {"now": f"{local:%H:%M}"}) if local else (ASK_CLOCK, {})
    kept = (KEPT, {"start": clock(int(first)), "end": clock(int(last))})
    return after, [kept, about_clock, (DELETE_THESE, {})]
