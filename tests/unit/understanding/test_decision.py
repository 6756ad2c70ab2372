"""What `./waymark understand` says is what the bot would do."""

from __future__ import annotations

import pytest

from dialogues.runtime.model import Entity
from dialogues.understanding.decision import decide
from dialogues.understanding.model import Reading


def unsure(*ranking: tuple[str, float]) -> Reading:
    return Reading("…", "en", True, "nlu_fallback", ranking[0][1], ranking, (), None)


def test_a_procedure_that_is_asked_about_is_named_with_how_unsure_it_is():
    decision = decide(unsure(("procedure/guardian_appointment", 0.16), ("procedure/best_interests", 0.11)))

    assert (decision["type"], decision["key"]) == ("procedure", "guardian_appointment")
    assert decision["alternatives"] == ["best_interests"]
    assert decision["confidence"] == 0.16


def test_what_else_may_be_meant_is_a_text_before_a_service_and_small_talk_last():
    ranking = (
        ("procedure/self_harm", 0.16), ("greet", 0.15), ("search_service/food", 0.14),
        ("procedure/mental_health", 0.13),
        ("thanks", 0.12), ("procedure/abuse_report", 0.11), ("search_service/shelter", 0.1),
    )  # fmt: skip

    text = decide(unsure(*ranking))
    service = decide(Reading("…", "en", True, "search_service", 0.5, ranking, (Entity("need", "food"),), None))

    assert text["alternatives"] == ["mental_health", "abuse_report", "food"]
    assert service["alternatives"] == ["self_harm", "mental_health", "abuse_report"]


@pytest.mark.parametrize(
    "likeliest", [("procedure/guardian_appointment", 0.09), ("out_of_scope", 0.19), ("search_service/food", 0.15)]
)
def test_what_would_not_be_asked_about_is_not_named(likeliest: tuple[str, float]):
    decision = decide(unsure(likeliest, ("procedure/best_interests", 0.08)))

    assert (decision["type"], decision["key"], decision["need"]) == ("out_of_scope", None, None)
