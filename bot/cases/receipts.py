"""A person without an account comes back from another phone: sixteen digits, and an officer who agrees.

The code is shown once and kept as a keyed hash. It opens nothing by itself, for whoever took the paper has it too: it
tells the officer of the case that somebody is there who knows it. They write with that person as with anybody, in a
case of its own; only when the officer says that it is the same person does the case go on in the new conversation.
The old phone then shows nothing of the talk, and the new one never shows what was written on the old.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import alarm, receipt_store, safe_time, same_child, store
from bot.cases.hand import AT_DESK, Hand, move, target, write_down
from bot.cases.model import Act, Case, CaseStatus, NotAllowedNow, NotReadyToClose
from bot.cases.record import closure
from bot.channels.model import Button
from bot.conversations import service as conversations
from bot.conversations.model import MessageClass
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.words import N_, Words

DIGITS = 16
#: A conversation may try so often in `TRIES_COUNT_FOR`, and all conversations together so often.
TRIES_OF_ONE = 5
TRIES_OF_ALL = 600
TRIES_COUNT_FOR = timedelta(hours=1)
#: Why the program closes the case somebody came back in.
JOINED = "joined"

KEEP_THIS = N_(
    "Keep this number: {code}. If you lose this phone, write the number to us from another one. A person then looks "
    "for your talk. Write it on paper like a phone number, and delete this message. Show it to nobody."
)
SAY_WHEN = N_("When to write to me")
#: On the first word of an officer in a case that danger opened: pressed when it is safe, or not at all.
COME_BACK = N_("Number to come back")
#: What that button writes: `dialogues.understanding.own_case` knows it.
ASK_CODE = "want a code"
SAME_PERSON = N_("Welcome back. We go on here. The number you had does not work any more.")

#: Damm's quasigroup: it catches every wrong digit and every pair of neighbours that changed places (H. M. Damm, 2004).
_DAMM = (
    "0317598642", "7092154863", "4206871359", "1750983426", "6123045978",
    "3674209581", "5869720134", "8945362017", "9438617205", "2581436790",
)  # fmt: skip


def _check_digit(digits: str) -> str:
    interim = 0
    for digit in digits:
        interim = int(_DAMM[interim][int(digit)])
    return str(interim)


def new_code() -> str:
    """Fifteen digits by chance and the one that checks them."""
    digits = "".join(secrets.choice("0123456789") for _ in range(DIGITS - 1))
    return digits + _check_digit(digits)


def is_whole(code: str) -> bool:
    """Whether these can be the digits of a code at all: nothing was mistyped."""
    return len(code) == DIGITS and code.isascii() and code.isdecimal() and _check_digit(code[:-1]) == code[-1]


def grouped(code: str) -> str:
    """By four, and in this order whatever the direction of the words around it."""
    fours = " ".join(code[start : start + 4] for start in range(0, DIGITS, 4))
    return f"\u2066{fours}\u2069"


def give(tx: Connection, vault: Vault, words: Words, case: Case, *, at: datetime, officer_id: str | None) -> None:
    """Say a fresh code to the person, once. The one before it stops working."""
    card = conversations.card(tx, case.conversation_id)
    if card is None or card.channel == AT_DESK or card.watched_since is not None:
        raise NotAllowedNow(case.number)
    code, language = new_code(), card.language or case.language
    receipt_store.put_receipt(tx, case.id, _index(vault, code), at)
    conversations.say(
        tx,
        vault,
        case.conversation_id,
        text=words.text(language, KEEP_THIS, code=grouped(code)),
        cls=MessageClass.SECRET,
        template="receipt",
        at=at,
        language=language,
        buttons=[Button(words.text(language, SAY_WHEN), "safe time")],
    )
    write_down(tx, vault, case, "receipt_given", officer_id=officer_id, at=at)


def may_be_given_first(tx: Connection, case: Case) -> bool:
    """Whether whoever writes in this talk may have a code without an officer: it would be the first of this case.

    Danger opens a case with whoever is there, so no number is pushed on them. Asked for, it is what everybody gets who
    asks for a person. A second one, after a loss or a refusal, is an officer's to give; so is any on a watched phone.
    """
    card = conversations.card(tx, case.conversation_id)
    reached = card is not None and card.channel != AT_DESK and card.watched_since is None
    return reached and case.is_open and not store.has_event(tx, case.id, "receipt_given")


def give_again(tx: Connection, hand: Hand, case_id: str) -> None:
    """A new code for the person, because the officer is sure who it is.

    Raises CaseNotFound, NotAllowedNow, NotSafeNow.
    """
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    if not case.is_open:
        raise NotAllowedNow(case.number)
    safe_time.require_safe(tx, hand.vault, case, hand.at)
    give(tx, hand.vault, hand.words, case, at=hand.at, officer_id=hand.officer.id)


def case_with(tx: Connection, vault: Vault, code: str, conversation_id: str, *, at: datetime) -> Case | None:
    """The case this code belongs to. None for a wrong one, an unknown one, and for whoever tries too often."""
    if not is_whole(code):
        return None
    own, everybodys = receipt_store.count_try(tx, conversation_id, since=at - TRIES_COUNT_FOR, at=at)
    if own > TRIES_OF_ONE or everybodys > TRIES_OF_ALL:
        return None
    case_id = receipt_store.case_of_receipt(tx, _index(vault, code))
    sealed = store.get_case(tx, case_id) if case_id else None
    if sealed is None or sealed.words_sealed is None:
        return None
    return same_child.kept_of(tx, sealed.case)  # the number of a duplicate is a way back to the case that goes on


def _index(vault: Vault, code: str) -> str:
    return vault.index("return code", code)


def hand_to_owner(tx: Connection, vault: Vault, known: Case, new: Case, *, at: datetime) -> None:
    """Who holds the case that somebody came back to answers them too; it rings for that officer first."""
    if known.owner_id is None or known.status is not CaseStatus.CLAIMED or new.status is not CaseStatus.NEW:
        return
    held = new.after(Act.CLAIM, officer_id=known.owner_id, at=at)
    if store.save_case(tx, new, held):
        alarm.ring_anew(tx, held, at=at)
        conversations.hand_to_human(tx, new.conversation_id, at)
        facts = {"owner": known.owner_id}
        write_down(tx, vault, held, "given_to_owner", officer_id=None, at=at, facts=facts)


def note_return(tx: Connection, vault: Vault, known: Case, new_id: str, conversation_id: str, *, at: datetime) -> None:
    """Somebody is there who knows the code of `known`, and writes in the case `new_id`."""
    new = store.get_case(tx, new_id)
    assert new is not None
    values = {
        "case_id": known.id,
        "returning_case_id": new_id,
        "from_conversation_id": known.conversation_id,
        "conversation_id": conversation_id,
        "at": at,
    }
    receipt_store.add_return(tx, values)
    hand_to_owner(tx, vault, known, new.case, at=at)
    for case, other in ((known, new.case), (new.case, known)):
        write_down(tx, vault, case, "came_back", officer_id=None, at=at, facts={"case": other.id})


# What the officer decides -----------------------------------------------------------------------------------------


class Returns(Struct, frozen=True):
    """What a case has to do with other phones."""

    comes_from: Any | None  # this person wrote the code of that case, and nobody has decided
    came: list[Any]  # who wrote the code of this case and waits for a decision
    earlier: list[str]  # the conversations it was in before


def of_case(tx: Connection, case: Case) -> Returns:
    came = [row for row in receipt_store.returns_to(tx, case.id) if row.state == "asked"]
    return Returns(receipt_store.returning(tx, case.id), came, receipt_store.earlier_phones(tx, case.id))


def agree(tx: Connection, hand: Hand, returning_case_id: str) -> Case:
    """It is the same person: their case goes on where they write now. Returns that case.

    The officer holds both. The graver priority counts. Raises CaseNotFound, NotAllowedNow, and NotReadyToClose where
    something is under way in the case they came back in: it would go with that case.
    """
    new, known, row = _both(tx, hand, returning_case_id)
    if not known.is_open:
        raise NotAllowedNow(known.number)
    if in_the_way := closure.obstacles(tx, new.id):
        raise NotReadyToClose(new.number, in_the_way)
    known = same_child.graver(tx, hand, known, new)
    joined = move(tx, hand, new, Act.CLOSE, closing=JOINED, facts={"closing": JOINED, "case": known.id})
    alarm.acknowledge(tx, joined.id, officer_id=hand.officer.id, at=hand.at)
    conversations.leave_phone(tx, hand.vault, known.conversation_id, to=new.conversation_id, at=hand.at)
    receipt_store.move_case(tx, known.id, new.conversation_id)
    receipt_store.decide(tx, row.id, "agreed", by=hand.officer.id, at=hand.at)
    if new.person_waits:  # whose words nobody answered yet waits on in the case that goes on
        store.person_wrote(tx, new.conversation_id, hand.at)
    sealed = store.get_case(tx, known.id)
    assert sealed is not None
    going_on = sealed.case
    conversations.hand_to_human(tx, going_on.conversation_id, hand.at)
    card = conversations.card(tx, going_on.conversation_id)
    language = (card and card.language) or going_on.language
    conversations.say(
        tx,
        hand.vault,
        going_on.conversation_id,
        text=hand.words.text(language, SAME_PERSON),
        cls=MessageClass.OFFICER,
        template="same_person",
        at=hand.at,
        language=language,
    )
    facts = {"case": new.id}
    write_down(tx, hand.vault, going_on, "return_agreed", officer_id=hand.officer.id, at=hand.at, facts=facts)
    if conversations.is_watched(tx, going_on.conversation_id):
        receipt_store.drop_receipt(tx, going_on.id)
    else:
        give(tx, hand.vault, hand.words, going_on, at=hand.at, officer_id=hand.officer.id)
    return going_on


def refuse(tx: Connection, hand: Hand, returning_case_id: str) -> Case:
    """It is somebody else, who has the code: it stops working. They keep a case of their own. Returns the case that is
    not theirs. Raises CaseNotFound, NotAllowedNow."""
    new, known, row = _both(tx, hand, returning_case_id)
    receipt_store.drop_receipt(tx, known.id)
    receipt_store.decide(tx, row.id, "refused", by=hand.officer.id, at=hand.at)
    for case, other in ((known, new), (new, known)):
        facts = {"case": other.id}
        write_down(tx, hand.vault, case, "return_refused", officer_id=hand.officer.id, at=hand.at, facts=facts)
    return known


def _both(tx: Connection, hand: Hand, returning_case_id: str) -> tuple[Case, Case, Any]:
    new = target(tx, hand, returning_case_id, Permission.CASE_ANSWER)
    row = receipt_store.returning(tx, new.id, lock=True)
    if row is None or new.status is not CaseStatus.CLAIMED:
        raise NotAllowedNow(new.number)
    return new, target(tx, hand, row.case_id, Permission.CASE_ANSWER), row
