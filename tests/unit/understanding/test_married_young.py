"""A child who tells of a husband is heard, however calmly it is told; a grown woman's husband is no danger."""

from dialogues.understanding.fold import fold
from dialogues.understanding.married_young import child_in_a_marriage
from dialogues.understanding.reading import Understanding

OF_CHILDREN = (
    *("my husband is 28 / im 16", "i am 15 and my fiancé is 40", "mon mari a 30 ans, moi 15"),
    *("mi esposo tiene 30 y yo 15", "زوجي عمره ٣٠ وعمري ١٥", "خطيبي عمره ٤٠"),
)
OF_GROWN = (
    *("my husband is 34 and i am 31", "mon mari a 34 ans et moi 31", "my husband is ill, i am 5 months pregnant"),
    *("she is 16 and my husband is her uncle", "زوجي عمره ٣٤ وانا ٣١"),
)


def test_a_child_with_a_husband_is_heard_and_a_grown_woman_is_not(understanding: Understanding) -> None:
    heard = {words: child_in_a_marriage(fold(words)) is not None for words in (*OF_CHILDREN, *OF_GROWN)}
    risk = understanding.read(OF_CHILDREN[0]).risk

    assert heard == {**dict.fromkeys(OF_CHILDREN, True), **dict.fromkeys(OF_GROWN, False)}
    assert risk is not None
    assert risk.reason == "child_marriage"
