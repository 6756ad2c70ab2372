import pytest

from dialogues.understanding.fold import fold
from dialogues.understanding.found_alone import is_looked_after, tells_only_of_a_child_found


@pytest.mark.parametrize(
    ("text", "looked_after"),
    [
        ("found a boy alone at the station", False), ("We picked up a lone teenager, she is in our office", True),
        ("une fille trouvée seule dans un train, elle est avec nous", True), ("encontré a un niño solo", False),
        ("عثرنا على بنت وحدها على الرصيف شو لازم نعمل", False), ("boy of 14 found by himself at the port", False),
    ],
)  # fmt: skip
def test_a_child_found_alone_is_all_that_is_said(text: str, looked_after: bool):
    assert tells_only_of_a_child_found(fold(text))
    assert is_looked_after(fold(text)) is looked_after


@pytest.mark.parametrize(
    "text",
    [
        "found a boy alone at the station, a man is chasing him", "found a girl alone, she is bleeding",
        "we have not found the boy, he is alone", "no encontramos al niño solo", "ما لقينا ولد لوحده",
        "he found a girl alone in the park", "two boys found a girl alone", "found a baby alone",
        "found a boy alone at night", "found a girl alone with him and a knife", "I am alone at the station",
        "found a girl of 60 alone",
    ],
)  # fmt: skip
def test_whatever_else_is_said_is_left_to_the_heads(text: str):
    assert not tells_only_of_a_child_found(fold(text))
