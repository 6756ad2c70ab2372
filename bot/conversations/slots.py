"""What the message path itself keeps in the dialogue's slots, and reads there."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from bot.channels.model import InboundMessage, MessageKind
from bot.conversations.model import ConversationKind, Mode
from bot.conversations.ports import OwnAsk, Whereabouts
from bot.conversations.store import TurnClaim
from dialogues.context.found_wrong import INTENT, said_of_results
from dialogues.runtime.model import DialogueState, Turn
from dialogues.runtime.payload import payload
from dialogues.understanding.fold import fold

#: The slot that remembers for one message what was asked about the own case.
ASKED_OWN = "asked_own"
#: The slot that remembers that a person was called in this talk: "how long?" asks about them from then on.
PERSON_CALLED = "person_called"
#: The slot of the dialogue that says that "are you safe right now?" waits for its answer.
SAFETY_QUESTION = "safety_question"
#: No button of ours has longer words.
LONGEST_TITLE = 200
#: The slot that keeps what the buttons stand for that the dialogue said last, by their words, folded.
CHOICES = "choices"
#: The slots of the dialogue that say where somebody is, or asks about.
PLACE_SLOTS = ("place", "place_country")


def asked(claim: TurnClaim) -> OwnAsk | None:
    """What they asked about their own case in the message before."""
    asked = claim.state.slots.get(ASKED_OWN)
    return OwnAsk(str(asked)) if asked in set(OwnAsk) else None


def named_place(before: DialogueState, after: DialogueState) -> Whereabouts | None:
    """The place that was named in this turn, or whose country became known in it."""
    name, country = (after.slots.get(slot) for slot in PLACE_SLOTS)
    if not name or all(before.slots.get(slot) == after.slots.get(slot) for slot in PLACE_SLOTS):
        return None
    return Whereabouts(str(name), str(country) if country else None)


def waits_for_person(claim: TurnClaim) -> bool:
    """Whether a person was called and has not come yet. Who has come answers for themselves."""
    return claim.mode is not Mode.HUMAN and bool(claim.state.slots.get(PERSON_CALLED))


def was_asked(claim: TurnClaim) -> bool:
    """Whether the dialogue waits for an answer: to a question of a form, or whether they are safe."""
    return bool(claim.state.active_loop.get("name") or claim.state.slots.get(SAFETY_QUESTION))


def choices_of(turn: Turn) -> dict[str, str]:
    """What each button of a turn stands for, by its words; none whose words stand for two things."""
    meant: dict[str, set[str]] = {}
    for choice in (choice for reply in turn.replies for choice in reply.choices if choice.payload):
        meant.setdefault(_plain(choice.title), set()).add(choice.payload)
    return {words: payloads.pop() for words, payloads in meant.items() if len(payloads) == 1}


def typed_choice(claim: TurnClaim, message: InboundMessage) -> str | None:
    """What the button stands for whose words somebody wrote instead of pressing it, where it was said last.

    The words are ours, so that they mean what we meant by them and nothing else.
    """
    if message.kind is not MessageKind.TEXT or claim.kind is not ConversationKind.PERSON or claim.mode is Mode.HUMAN:
        return None
    choices = claim.state.slots.get(CHOICES) or {}
    found = choices.get(_plain(message.text)) if len(message.text) <= LONGEST_TITLE else None
    return _said_of_results(claim, message) if found is None else str(found)


def _said_of_results(claim: TurnClaim, message: InboundMessage) -> str | None:
    """What the button under "This was wrong" stands for whose words are said of a place that was just shown: at any
    other moment "they sent me away" may be danger, and is read as such."""
    wrong = said_of_results(message.text, claim.state)
    return None if wrong is None else payload(INTENT, **({"wrong": wrong} if wrong else {}))


def _plain(words: str) -> str:
    return fold(words).strip(" \t\n.,;:!?؟،…\"'«»“”")


def with_slots(state: DialogueState, **slots: Any) -> DialogueState:
    return replace(state, slots={**state.slots, **slots})


def language_after(state: DialogueState, before: str, chosen: bool) -> tuple[str, bool]:
    """A dialogue that changes the slot `language` did what the person asked for."""
    after = state.slots.get("language")
    return (str(after), True) if after and after != before else (before, chosen)


def country_of(state: DialogueState, default: str | None) -> str | None:
    """Where the person is (ISO 3166-1 alpha-2), as far as they have said so; else where this deployment serves."""
    country = state.slots.get("place_country") or state.slots.get("country")
    return str(country) if country else default
