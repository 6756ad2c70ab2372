"""Somebody in danger who asks where to go asks for no list: what they can do at once comes first.

Read so only while "are you safe right now?" waits for its answer. "Where can I hide" is then never a search that first
asks for a town, whatever it was taken for. The forms are of folded words (`fold`). Drafted by machine, for native
review.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from dialogues.knowledge.search import fold
from dialogues.runtime.model import DialogueState, UserMessage

INTENT = "where_to_hide"

LONGEST = 200  # letters of a message that are looked at
#: Where somebody with a weapon, or a crowd, may be a door away. A bed for the night is looked for in no hurry, so after
#: other dangers a search stays a search.
AT_ONCE: Final = frozenset({"immediate_danger", "threats", "kidnap_ransom", "hate_violence"})
#: What such a search may be put down to; whoever asks for food is still shown food.
_SHELTERS: Final = frozenset({"shelter", "asylum", "child_protection", "transport", "None"})

_HIDE: Final = re.compile(
    r"\bwhere (?:(?:can|could|should|do|shall|to|must) )?(?:(?:i|we) )?(?:\w+ ){0,2}?hid(?:e|ing)\b"
    r"|\b(?:need|want|have|help me|a place) to hide\b|\bhide where\b"
    r"|\b(?:me|nous|se) cacher\b|\bcachette\b"
    r"|\b(?:me|nos) (?:escond|ocult)\w+|\b(?:esconder|ocultar)(?:me|nos)\b"
    r"|(?:^|\s)[ان](?:ختبي|تخبي|تخبا|ستخبي|ستخبا)(?:\W|$)"
)
_GO: Final = re.compile(
    r"\bwhere (?:(?:can|could|should|do|shall|to|must) )?(?:(?:i|we) )?(?:go|run|be safe)\b"
    r"|\bou (?:est[ -]ce que )?(?:(?:je|on|nous) )?(?:(?:peux|puis|peut|dois|doit|vais|pouvons)[ -])?(?:(?:je|on) )?"
    r"(?:aller|fuir|courir)\b|\bou je vais\b"
    r"|\b(?:a ?)?donde (?:(?:puedo|podemos|debo|tengo que) )?(?:ir|voy|vamos|huir|correr|corro|me meto)\b"
    r"|(?:^|\s)(?:الي )?(?:وين|اين|فين) (?:ممكن |لازم |يمكن ان )?(?:اروح|نروح|اذهب|نذهب|اهرب|نهرب)(?:\s|\W|$)"
)
#: Who is in danger anew or asks for a person is heard so, and an answer to the question is one.
_GO_FIRST: Final = frozenset({"in_danger", "not_safe", "ask_human", "affirm", "deny", "share_location"})


def as_hiding(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as one that asks where to be safe at once, where it is one."""
    if not state.slots.get("safety_question") or state.active_loop.get("name") == "report_form":
        return message
    if message.intent in _GO_FIRST or not message.text or message.text.startswith("/"):
        return message
    if not asks_where_to_hide(message.text) and not _looks_for_shelter(message, state):
        return message
    return replace(message, intent=INTENT, confidence=1.0)


def asks_where_to_hide(words: str) -> bool:
    """Whether somebody asks where they can hide. Who only asks where to go may mean tomorrow."""
    return _HIDE.search(_plain(words)) is not None


def _looks_for_shelter(message: UserMessage, state: DialogueState) -> bool:
    if state.slots.get("danger_reason") not in AT_ONCE:
        return False
    if _GO.search(_plain(message.text)) is not None:
        return True
    needs = {str(entity.value) for entity in message.entities if entity.name == "need"}
    names_a_town = any(entity.name == "place" for entity in message.entities)  # who does is asked for none
    return message.intent == "search_service" and needs <= _SHELTERS and not names_a_town


def _plain(words: str) -> str:
    return fold(words[:LONGEST]).replace("’", "'").replace("?", " ").replace("؟", " ")
