"""Words right after results say what was wrong with one of them; at any other moment they say nothing of a place."""

from __future__ import annotations

from dialogues.context.found_wrong import as_found_wrong, what_was_wrong
from dialogues.runtime.model import DialogueState, UserMessage

CLOSED = (
    *("it was closed", "It's closed!", "I went there but it was closed", "the place was shut when I got there"),
    *("c'était fermé", "le centre était fermé", "estaba cerrado", "fui y estaba cerrado", "el albergue está cerrado"),
    *("كان مسكر", "المركز مغلق", "رحت وكان مسكر", "nobody was there"),
)
REFUSED = (
    *("they sent me away", "refused me", "they didn't let me in", "ils m'ont refusé", "on m'a renvoyé"),
    *("me rechazaron", "no me dejaron entrar", "رفضوني", "ما استقبلوني", "they said no", "قالولي لا"),
    *(
        "ils m'ont dit de revenir demain",
        "on m'a dit non",
        "it was full",
        "c'était complet",
        "estaba lleno",
        "كان مليان",
    ),
)
IN_VAIN = (
    *(
        "nobody answers the phone",
        "they didnt answer",
        "they don't answer",
        "personne ne répond au téléphone",
        "nadie contesta el teléfono",
    ),
    *("ما حدا عم يرد عالتلفون", "لا أحد يرد"),
)
NOTHING = (
    "is it closed?",
    "the border is closed",
    "my school was closed for a year",
    "they refused my asylum",
    "fermer",
)
SHOWN = ({"event": "action", "name": "action_find_service"},)
SIGHT = {"results_in_sight": ["one"]}


def test_what_was_wrong_with_a_place_is_read_in_four_languages_and_from_nothing_else() -> None:
    assert {words: what_was_wrong(words) for words in CLOSED} == dict.fromkeys(CLOSED, "closed")
    assert {words: what_was_wrong(words) for words in REFUSED} == dict.fromkeys(REFUSED, "refused_me")
    assert {words: what_was_wrong(words) for words in IN_VAIN} == dict.fromkeys(IN_VAIN, "")
    assert {words: what_was_wrong(words) for words in NOTHING} == dict.fromkeys(NOTHING)


def test_it_is_said_of_results_only_while_they_are_spoken_of_whatever_the_heads_heard_in_it() -> None:
    def heard(intent: str = "inform", *later: str, slots: dict[str, object] = SIGHT) -> str | None:
        done = ({"event": "action", "name": name} for name in later)
        return as_found_wrong(UserMessage("it was closed", intent), DialogueState(slots, {}, (*SHOWN, *done))).intent

    assert heard() == heard("inform", "utter_goodbye", "action_listen") == "service_wrong"
    assert heard("in_danger") == "service_wrong"  # "they sent me away" alone may be a removal, right here it is not
    assert heard("in_danger", "action_answer_procedure") == heard("in_danger", slots={}) == "in_danger"
    assert heard("in_danger", slots={**SIGHT, "safety_question": True}) == "in_danger"
    assert heard("not_safe") == "not_safe"
    no_bed = {**SIGHT, "safety_question": True, "danger_reason": "homeless_tonight"}
    assert heard("deny", slots=no_bed) == "service_wrong"  # beds were shown since it was asked
    assert heard("inform", "action_answer_procedure") == heard(slots={}) == "inform"
    assert heard(slots={**SIGHT, "safety_question": True}) == "inform"
