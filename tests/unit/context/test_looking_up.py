from __future__ import annotations

import pytest

from dialogues.context.looking_up import as_look_up, words_to_look_up
from dialogues.runtime.model import UserMessage


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("search: guardian", "guardian"),
        ("  Search:guardian", "guardian"),
        ("Cherche\u00a0: tuteur légal", "tuteur légal"),
        ("búsqueda: tutor", "tutor"),
        ("بحث: الوصي", "الوصي"),
        ("ابحث : الوصي", "الوصي"),
    ],
)
def test_a_word_for_searching_and_a_colon_look_the_rest_up(message: str, words: str) -> None:
    assert words_to_look_up(message) == words


@pytest.mark.parametrize(
    "message",
    [
        "I am searching for my mother",
        "cherche ma mère",
        "busco a mi hermano",
        "ابحث عن أمي",
        "search:",
        "/search_service",
    ],
)
def test_somebody_who_searches_for_a_person_or_for_nothing_is_read_as_ever(message: str) -> None:
    said = UserMessage(message, "procedure")

    assert as_look_up(said) is said


@pytest.mark.parametrize("intent", ["in_danger", "ask_human"])
def test_danger_and_the_wish_for_a_person_come_before_any_search(intent: str) -> None:
    assert as_look_up(UserMessage("search: somebody, he hits me", intent)).intent == intent
