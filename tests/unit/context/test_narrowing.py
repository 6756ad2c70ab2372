"""Under results a few plain words say whom it is for; whoever says more is heard as ever."""

from __future__ import annotations

import pytest

from dialogues.actions.narrowing import Narrowing, narrowing_in
from dialogues.context.narrowing import as_narrowing
from dialogues.runtime.model import UserMessage

FOUND = ({"event": "action", "name": "action_find_service"}, {"event": "action", "name": "action_listen"})


@pytest.mark.parametrize(
    ("words", "narrowing"),
    [
        ("I'm 16", Narrowing(age=16)),
        ("i am 16 years old", Narrowing(age=16)),
        ("She is 15.", Narrowing(gender="girls", age=15)),
        ("a boy of 14", Narrowing(gender="boys", age=14)),
        ("it's for my sister", Narrowing(gender="girls")),
        ("only free, please", Narrowing(("free",))),
        ("open tonight", Narrowing(("open_tonight",))),
        ("I have no papers", Narrowing(("no_papers",))),
        ("j’ai 16 ans et je n’ai pas de papiers", Narrowing(("no_papers",), age=16)),
        ("c'est pour un garçon", Narrowing(gender="boys")),
        ("il a 12 ans", Narrowing(gender="boys", age=12)),
        ("ella tiene 16 años", Narrowing(gender="girls", age=16)),
        ("gratis", Narrowing(("free",))),
        ("عمرها 16 سنة", Narrowing(gender="girls", age=16)),
        ("عمري ١٦", Narrowing(age=16)),
        ("بدون أوراق", Narrowing(("no_papers",))),
        ("مجاني", Narrowing(("free",))),
        ("a woman doctor please", Narrowing(("woman",))),
        ("une femme médecin, 16 ans", Narrowing(("woman",), age=16)),
        ("una doctora", Narrowing(("woman",))),
        ("طبيبة", Narrowing(("woman",))),
        ("a male doctor", Narrowing(("man",))),
    ],
)
def test_what_is_said_of_whom_it_is_for_is_read(words: str, narrowing: Narrowing):
    assert narrowing_in(words) == narrowing


@pytest.mark.parametrize(
    "words",
    [
        "16", "2", "for 2 girls", "I am 16 and he hits me", "she is 15 and bleeding", "no papers, police took me",
        "yes",
        "I am 16 or 17 years, 18 years", "free me", "my sister is gone",
        "I am pregnant", "she is 13 and she is pregnant", "a woman hit me", "she is 45", "", "أنا خائفة",
    ],
)  # fmt: skip
def test_one_word_more_and_it_is_heard_as_any_message(words: str):
    assert narrowing_in(words) is None


@pytest.mark.parametrize("intent", ["in_danger", "ask_human", "not_safe"])
def test_danger_and_the_wish_for_a_person_go_first(intent: str):
    said = UserMessage("I am 16", intent)
    assert as_narrowing(said, FOUND) is said


def test_only_right_after_results():
    said = UserMessage("no papers", "procedure")
    assert as_narrowing(said, FOUND).intent == "narrow"
    assert as_narrowing(said, ({"event": "action", "name": "action_answer_procedure"}, *FOUND[1:])) is said
    assert as_narrowing(said, ()) is said
