from __future__ import annotations

import pytest

from dialogues.actions.results import distance
from dialogues.actions.wishes import gender_in, wishes_in


@pytest.mark.parametrize(
    ("words", "wishes"),
    [
        ("a doctor that is open now", ["open_now"]),
        ("something open tonight, I have no money", ["open_tonight", "free"]),
        ("un médecin gratuit, je n'ai pas de papiers", ["no_papers", "free"]),
        ("un albergue abierto esta noche, no tengo papeles", ["open_tonight", "no_papers"]),
        ("طبيب مجاني، ما عندي أوراق", ["no_papers", "free"]),
        ("where can I sleep tonight", []),  # whoever sleeps wants the night: nothing is left out for it
        ("I am free on Monday", []),
        ("they took my papers", []),
    ],
)
def test_only_what_is_plainly_said_leaves_a_service_out(words: str, wishes: list[str]):
    assert wishes_in(words) == wishes


@pytest.mark.parametrize(
    ("words", "gender"),
    [
        ("a girl of 15 needs a bed", "girls"),
        ("une fille seule", "girls"),
        ("un chico de 16 años", "boys"),
        ("بنت عمرها 14", "girls"),
        ("two boys and a girl", None),
        ("I need a bed", None),
        ("a boyfriend", None),
    ],
)
def test_a_gender_is_believed_only_where_one_is_named(words: str, gender: str | None):
    assert gender_in(words) == gender


def test_a_distance_is_written_as_it_is_in_the_language():
    def said(language: str, metres: int) -> str:
        return distance(metres, language, lambda _language, msgid: msgid)

    assert "About 1.8 km" in said("en", 1_800)
    assert "About 1,8 km" in said("fr", 1_800)
    assert "About 23 km" in said("es", 23_400)
