from __future__ import annotations

from typing import Any

import pytest

from dialogues.context.acting import as_acting
from dialogues.runtime.model import DialogueState, UserMessage

TELLS_OF_A_CHILD: dict[str, Any] = {"speaks_for_child": True}


def heard(words: str, intent: str = "who_are_you", *, after: str = "action_call_officer", **slots: Any) -> str | None:
    """What is heard after danger was told of."""
    known = {"danger_reason": "trafficking", "safety_question": True, **slots}
    events = tuple({"event": "action", "name": name} for name in (after, "action_listen"))
    return as_acting(UserMessage(words, intent, 0.5), DialogueState(known, {}, events)).intent


@pytest.mark.parametrize(
    "words",
    [
        *("ok what do I do?", "what do i say to her", "what now", "checklist", "how do i help him"),
        *("que dois-je faire ?", "je fais quoi maintenant", "les étapes", "comment l'aider"),
        *("¿qué hago?", "q hago ahora", "los pasos", "qué le digo"),
        *("ماذا أفعل الآن؟", "شو أعمل", "الخطوات"),
    ],
)
def test_who_told_of_a_child_in_danger_and_asks_what_to_do_is_told(words: str) -> None:
    assert heard(words, **TELLS_OF_A_CHILD) == "procedure_now"
    assert heard(words, after="action_safe", safety_question=None, **TELLS_OF_A_CHILD) == "procedure_now"
    assert heard(words) == "procedure"  # who is in danger, in a child's words
    assert heard(words, danger_reason="threats") == "where_to_hide"  # somebody may be at the door


@pytest.mark.parametrize("words", ["what do I do, he is here", "yes", "the steps of the house", "/affirm"])
def test_words_that_say_more_are_read_as_ever(words: str) -> None:
    assert heard(words, **TELLS_OF_A_CHILD) == "who_are_you"


def test_danger_is_heard_before_and_later_it_is_no_longer_spoken_of() -> None:
    assert heard("what now", "in_danger", **TELLS_OF_A_CHILD) == "in_danger"
    assert heard("what now", after="action_find_service", safety_question=None, **TELLS_OF_A_CHILD) == "who_are_you"
