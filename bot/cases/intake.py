"""Somebody at the door or on the phone: searched for first, then typed in as a case like any other.

A case is found again without being opened, by keyed fingerprints of names, phones and dates of birth. What a search
shows is only that there is a case, and who holds it: never its words.
"""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Sequence

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import alarm, searches, service, store, supervision_store
from bot.cases.hand import AT_DESK, Hand, is_visible, key_of, note_in_audit, seal, target, write_down
from bot.cases.model import ACKNOWLEDGE_WITHIN, Case, CaseError, CaseStatus, NotAllowedNow
from bot.cases.reasons import DRILL, REASONS
from bot.conversations import service as conversations
from bot.kernel import access
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from dialogues.understanding.model import Priority

MOST_FOUND = 20
LONGEST_WORDS = 4000
LONGEST_NAME = 200
SHORTEST_PHONE = 5
_separators = re.compile(r"[^\w]+")


class SearchFirst(CaseError):
    """Look for the person before a case is opened for them. Nothing was changed."""


class AlreadyOpen(CaseError):
    """This may be somebody who has an open case: open that one, or say that it is another person."""


class Wanted(Struct, frozen=True):
    """By what somebody is looked for. One of the three is enough."""

    name: str = ""
    phone: str = ""
    born: str = ""  # as it is written: 2011-03-05

    @property
    def empty(self) -> bool:
        return not _name_parts(self.name) and len(_digits(self.phone)) < SHORTEST_PHONE and not self.born.strip()


class Found(Struct, frozen=True):
    """A case that may be about the same person."""

    case: Case
    fits: int  # how many parts of what was asked for fit
    is_readable: bool  # by whoever searched; of any other they learn that it is there, and who has it


class Arrival(Struct, frozen=True):
    """What an officer types about somebody who stands before them or is on the phone."""

    wanted: Wanted
    reason: str
    priority: Priority
    words: str
    language: str
    country: str | None = None
    place: str = ""
    by_phone: bool = False
    source: str = ""  # how they came to us, where it is neither the door nor the phone
    another_person: bool = False  # the officer has seen the open cases that fit, and says it is none of them
    held: bool = True  # the officer keeps it; else it goes into the queue


def fingerprints(vault: Vault, wanted: Wanted) -> list[str]:
    """What a case about this person can be found by. Spelling, accents and order of a name do not matter."""
    found = [vault.index("person name", part) for part in _name_parts(wanted.name)]
    digits = _digits(wanted.phone)
    if len(digits) >= SHORTEST_PHONE:
        found.append(vault.index("person phone", digits[-9:]))  # with or without the code of the country
    if wanted.born.strip():
        found.append(vault.index("person born", wanted.born.strip()))
    return found


def search(tx: Connection, hand: Hand, wanted: Wanted) -> list[Found]:
    """Cases that may be about the same person, as far as they are told: open ones first."""
    fitting = store.cases_with(tx, fingerprints(hand.vault, wanted), limit=MOST_FOUND)
    there = {case.id: (case, fits) for case, fits in fitting if case.closing != service.ERASED}
    told = searches.tell(tx, hand, [case for case, _ in there.values()])
    return [Found(*there[case_id], is_readable) for case_id, is_readable in told.items()]


def searched(hand: Hand, wanted: Wanted) -> str:
    """The proof that this officer looked for this person: the form that opens a case carries it."""
    parts = sorted(fingerprints(hand.vault, wanted))
    return hand.vault.index("person searched", hand.officer.id, *parts)


def open_case(tx: Connection, hand: Hand, arrival: Arrival, *, proof: str) -> Case:
    """Open a case for somebody who does not write to us. Raises SearchFirst, AlreadyOpen, NotAllowedNow."""
    wanted = arrival.wanted
    if not access.allows(hand.officer, Permission.CASE_OPEN):
        raise NotAllowedNow("open")
    if wanted.empty or not hmac.compare_digest(proof.encode(), searched(hand, wanted).encode()):
        raise SearchFirst("open")
    words = arrival.words.strip()
    if not words or len(words) > LONGEST_WORDS or arrival.reason not in REASONS or arrival.reason == DRILL:
        raise NotAllowedNow("open")
    parts = fingerprints(hand.vault, wanted)
    same = [case for case, fits in store.cases_with(tx, parts, limit=MOST_FOUND) if case.is_open and fits == len(parts)]
    if searches.is_limited(tx, hand):
        same = [case for case in same if is_visible(tx, hand.officer, case.id, at=hand.at)]
    if same and not arrival.another_person:
        raise AlreadyOpen(same[0].number)
    case = _store(tx, hand, arrival, words)
    store.add_fingerprints(tx, case.id, parts)
    alarm.ring(tx, case, at=hand.at)
    supervision_store.owe_review(tx, case, hand.at)
    facts = {"reason": case.reason, "priority": case.priority.value, "source": case.source}
    write_down(tx, hand.vault, case, "opened", officer_id=hand.officer.id, at=hand.at, facts=facts)
    if not arrival.held:
        return case
    store.officer_wrote(tx, case.id, hand.at)  # they are talking this moment
    return service.claim_case(tx, hand, case.id)


def _store(tx: Connection, hand: Hand, arrival: Arrival, words: str) -> Case:
    conversation_id = conversations.open_conversation(
        tx,
        hand.vault,
        channel=AT_DESK,
        account=AT_DESK,
        address=new_id(),
        language=arrival.language,
        at=hand.at,
        demo=hand.officer.demo,
    )
    key = hand.vault.new_key(tx, hand.at)
    case = Case(
        id=new_id(),
        number=service.free_number(tx),
        conversation_id=conversation_id,
        key_id=key.id,
        reason=arrival.reason,
        priority=arrival.priority,
        status=CaseStatus.NEW,
        owner_id=None,
        language=arrival.language,
        country=arrival.country,
        source=arrival.source or ("phone" if arrival.by_phone else "walk_in"),
        reporter=False,
        opened_at=hand.at,
        due_at=hand.at + ACKNOWLEDGE_WITHIN[arrival.priority],
        person_wrote_at=hand.at,
        demo=hand.officer.demo,
    )
    place = seal(key, case.id, "place", arrival.place.strip()[:LONGEST_NAME]) if arrival.place.strip() else None
    store.add_case(tx, case, words_sealed=seal(key, case.id, "words", words), place_sealed=place)
    conversations.note(tx, hand.vault, conversation_id, text=words, at=hand.at, officer_id=hand.officer.id)
    return case


def write_contact(tx: Connection, hand: Hand, case_id: str, *, text: str, once: str) -> int | None:
    """Write down what was said with somebody who does not write to us: it stands in the talk and answers for them.

    None when this very form was sent before. Raises NotAllowedNow for a person who can be written to.
    """
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    text, card = text.strip(), conversations.card(tx, case.conversation_id)
    if case.status is not CaseStatus.CLAIMED or not text or len(text) > LONGEST_WORDS:
        raise NotAllowedNow(case.number)
    if card is None or card.channel != AT_DESK or card.erased_at is not None:
        raise NotAllowedNow(case.number)
    if not store.add_event(tx, case.id, "contact", officer_id=hand.officer.id, at=hand.at, once=once or None):
        return None
    line = conversations.note(tx, hand.vault, case.conversation_id, text=text, at=hand.at, officer_id=hand.officer.id)
    store.officer_wrote(tx, case.id, hand.at)
    alarm.acknowledge(tx, case.id, officer_id=hand.officer.id, at=hand.at)
    note_in_audit(tx, hand, "case.contact", case, {"line": line})
    return line


def remember_person(tx: Connection, hand: Hand, case: Case, wanted: Wanted) -> None:
    """Let a case be found by what was learnt about its person. Nothing once its words were erased."""
    key_of(tx, hand, case)
    store.add_fingerprints(tx, case.id, fingerprints(hand.vault, wanted))


def _name_parts(name: str) -> Sequence[str]:
    """The words of a name, without accents, case and vowel signs: "Álí Hàssan" is "hassan ali"."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    return sorted({part for part in _separators.split(plain.translate(_ARABIC)) if len(part) > 1})


#: Letters that the same name is written with in one paper and in the next.
_ARABIC = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ى": "ي", "ة": "ه", "ـ": ""})


def _digits(phone: str) -> str:
    return "".join(str(unicodedata.digit(c)) for c in phone if c.isdigit())
