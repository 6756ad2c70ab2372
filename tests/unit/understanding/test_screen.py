from itertools import combinations

import pytest

from dialogues.understanding.model import Priority, Risk
from dialogues.understanding.screen import (
    CRISES,
    NO_MEANING,
    Meaning,
    Pattern,
    PatternWrong,
    Screen,
    raised_for_age,
)

LEXICON = [
    ("immediate_danger", "P0", "has .. (knife|gun)"),
    ("immediate_danger", "P1", "=help"),
    ("medical_emergency", "P0", "not breathing"),
    ("threats", "P1", "(will|going to) kill me"),
    ("immediate_danger", "P0", "معه سكين"),
    ("missing_child", "weak", "lost"),
]
CONTEXT = {
    "harmless": ["film", "game*"],
    "negation": ["no", "not", "nobody"],
    "nobody": ["nobody .. hurt"],
    "general": ["signs of"],
}
screen = Screen(LEXICON, CONTEXT, threshold=0.3, urgent=0.4)


def meaning(danger: float, code: str = "threats", urgent: float = 0.0) -> Meaning:
    return Meaning(danger, ((code, danger),), urgent)


def test_plain_words_of_danger_need_no_second_opinion():
    risk = screen.read("he has a knife", NO_MEANING)

    assert risk is not None
    assert (risk.reason, risk.priority, risk.source) == ("immediate_danger", Priority.P0, "words")


def test_arabic_prefixes_do_not_hide_a_word():
    assert screen.by_words("ومعه سكين") is not None


def test_meaning_alone_raises_the_alarm():
    risk = screen.read("he sharpens it and looks at me", meaning(0.8, "immediate_danger", urgent=0.9))

    assert risk is not None
    assert (risk.priority, risk.source) == (Priority.P0, "meaning")


def test_a_game_or_a_film_makes_the_meaning_decide():
    assert screen.read("in the film he has a gun", meaning(0.1)) is None
    assert screen.read("in the film he has a gun", meaning(0.9)) is not None


def test_a_no_inside_the_words_is_heard():
    assert screen.read("he has no knife", meaning(0.05)) is None
    assert screen.read("nobody has a knife", meaning(0.05)) is None


def test_a_no_that_is_part_of_the_danger_is_danger():
    assert screen.read("she is not breathing", NO_MEANING) is not None


def test_a_weak_word_lowers_what_the_meaning_must_say():
    assert screen.read("my brother is late", meaning(0.26, "missing_child")) is None
    assert screen.read("my brother is lost", meaning(0.26, "missing_child")) is not None


def test_after_a_danger_less_is_needed():
    assert screen.read("he came back", meaning(0.2)) is None
    assert screen.read("he came back", meaning(0.2), cautious=True) is not None


def test_one_who_plainly_asks_for_a_procedure_is_not_a_crisis():
    assert screen.read("signs that a girl is controlled", meaning(0.4), asks=0.95) is None
    assert screen.read("signs that a girl is controlled", meaning(0.9), asks=0.95) is not None


def test_what_sounds_like_now_is_heard_over_a_question_more_easily_and_an_answer_is_none():
    later, now = meaning(0.75), meaning(0.75, urgent=0.9)

    assert screen.read("what do i do, she lies there", later, asks=0.95) is None
    assert screen.read("what do i do, she lies there", now, asks=0.95) is not None
    assert screen.read("a girl of ten in a red jacket", now, asks=0.95, answers=True) is None


def test_a_single_word_plea_is_p1_and_asked_about():
    risk = screen.read("help", NO_MEANING)

    assert risk is not None
    assert risk.priority is Priority.P1
    assert screen.read("help me find a school", NO_MEANING) is None


@pytest.mark.parametrize("folded", ["", " ", "...", "…", "!!!", "x", "h..", "ب"])
def test_silence_calls_a_human(folded: str):
    risk = screen.read(folded, NO_MEANING)

    assert risk is not None
    assert risk.source == "silence"


def test_the_head_may_raise_a_priority_but_never_lower_it():
    raised = screen.read("he is going to kill me", meaning(0.9, "threats", urgent=0.9))
    kept = screen.read("he has a knife", meaning(0.9, "threats", urgent=0.0))

    assert raised is not None
    assert raised.priority is Priority.P0
    assert kept is not None
    assert kept.priority is Priority.P0


def test_head_and_words_together_say_which_danger_it_is():
    unsure = Meaning(0.9, (("trafficking", 0.45), ("threats", 0.4)), 0.0)
    sure = Meaning(0.9, (("kidnap_ransom", 0.85), ("threats", 0.05)), 0.0)

    worded = screen.read("they will kill me", unsure)
    meant = screen.read("they will kill me", sure)

    assert worded is not None
    assert worded.reason == "threats"
    assert meant is not None
    assert meant.reason == "kidnap_ransom"


@pytest.mark.parametrize(
    ("reason", "age", "priority"),
    [
        ("missing_child", 12, Priority.P0),
        ("missing_child", 13, Priority.P1),
        ("homeless_tonight", 13, Priority.P0),
        ("homeless_tonight", None, Priority.P1),
        ("threats", 9, Priority.P1),
    ],
)
def test_a_young_child_lost_or_out_at_night_cannot_wait(reason: str, age: int | None, priority: Priority):
    assert raised_for_age(Risk(reason, Priority.P1, 0.8, "meaning"), age).priority is priority


def test_the_words_alone_do_not_shout_over_doubt():
    assert screen.by_words("he has a knife") is not None
    assert screen.by_words("in the game he has a knife") is None
    assert screen.by_words("i lost the match") is None


def test_a_pattern_must_begin_and_end_with_a_word():
    with pytest.raises(PatternWrong, match="must begin and end"):
        Pattern.parse(".. knife")


def test_a_choice_may_hold_several_words_or_be_missing():
    lines = Screen([("threats", "P1", "(he|the man) (will)? kill")], {}, threshold=0.3, urgent=0.4)

    assert lines.by_words("the man kill") is not None
    assert lines.by_words("he will kill") is not None
    assert lines.by_words("man kill") is None


def test_work_that_exploits_is_never_answered_as_p0_and_what_endangers_life_at_work_is():
    work = screen.read("he keeps my wages", meaning(0.9, "labour_exploitation", urgent=0.9))
    fallen = screen.read("he fell off the roof at work", meaning(0.9, "medical_emergency", urgent=0.9))

    assert work is not None
    assert work.priority is Priority.P1
    assert fallen is not None
    assert fallen.priority is Priority.P0


def test_of_two_dangers_that_the_words_name_equally_the_gravest_is_told_whenever_the_program_was_started():
    nothing_plain = Meaning(0.5, ((CRISES[-1], 0.0),), 0.0)

    for gravest, other in combinations(CRISES, 2):
        told = Screen([(other, "P0", "alpha"), (gravest, "P0", "beta")], {}, threshold=0.3, urgent=0.4)
        risk = told.read("alpha beta", nothing_plain)
        assert risk is not None
        assert risk.reason == gravest
