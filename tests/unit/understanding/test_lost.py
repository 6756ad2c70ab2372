"""A child who looks for their mother is heard, and so is a shelter whose boy did not come back."""

from __future__ import annotations

from dialogues.understanding.fold import fold
from dialogues.understanding.lost import looks_for_family, lost_with_whom, without_own_work
from dialogues.understanding.model import Priority, Reading
from dialogues.understanding.reading import Understanding
from dialogues.understanding.screen import Meaning

LOST = ("missing_child", Priority.P0)
WORK_FIRST = Meaning(0.9, (("labour_exploitation", 0.6), ("missing_child", 0.3)), 0.5)


def test_who_asks_for_their_family_is_known_in_four_languages() -> None:
    asked = (
        *("where is my mum", "im 12 where is my mum", "j'ai 11 ans, elle est où ma maman", "¿dónde está mi mamá?"),
        *("عمري ١٢ وين ماما", "وين أهلي", "i cant find my brother", "je trouve plus mon papa", "ضيعت أهلي"),
    )
    others = (
        "where is my phone",
        "where is my mum buried",
        "where is the office",
        "وين المكتب",
        "dónde está mi dinero",
    )

    assert [words for words in asked if not looks_for_family(fold(words))] == []
    assert [words for words in others if looks_for_family(fold(words))] == []


def test_a_child_under_13_who_asks_for_their_mother_is_lost_and_an_older_one_gets_the_steps(
    understanding: Understanding,
) -> None:
    small, older, at_sea = (
        understanding.read(words) for words in ("im 12 where is my mum", "where is my mum", "I lost her in the boat")
    )

    assert [_danger(reading) for reading in (small, older, at_sea)] == [LOST, None, LOST]
    assert older.intent == "procedure"
    assert {entity.name: entity.value for entity in older.entities} == {
        "procedure": "family_tracing",
        "writer": "child",
    }


def test_work_in_a_shelter_is_no_labour_of_a_child_and_a_child_who_works_stays_one() -> None:
    def first(words: str) -> str:
        return without_own_work(WORK_FIRST, fold(words)).codes[0][0]

    for words in (
        "I work in a shelter and one of our boys didn't come back last night",
        "je bosse dans un foyer, un de nos garçons n'est pas rentré",
        "trabajo en un albergue y un chico no volvió",
        "اشتغل بمأوى وواحد من الولاد ما رجع",
    ):
        assert first(words) == "missing_child", words
    for words in ("a boy works in a shelter all night", "I work in a shelter, a boy here works all night for his boss"):
        assert first(words) == "labour_exploitation", words


def test_a_child_of_ours_that_is_not_back_is_missing_and_who_asks_what_to_do_if_one_is_not_asks() -> None:
    gone = (
        "I work in a shelter, one of our boys has not come back",
        "trabajo en un albergue, una chica no volvió anoche",
        "أعمل في مركز استقبال، أحد الأولاد لم يعد منذ البارحة",
    )
    asked = ("I work in a shelter. What do I do when a boy has not come back?", "a boy did not come back the ball")

    assert [risk.reason for words in gone if (risk := lost_with_whom(fold(words)))] == ["missing_child"] * 3
    assert [words for words in asked if lost_with_whom(fold(words))] == []


def _danger(reading: Reading) -> tuple[str, Priority] | None:
    return (reading.risk.reason, reading.risk.priority) if reading.risk else None
