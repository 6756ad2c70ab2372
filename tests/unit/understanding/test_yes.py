import pytest

from dialogues.understanding.yes import says_yes


@pytest.mark.parametrize(
    "text",
    [
        "yes", "Yes, I am safe", "i'm ok now thank you", "of course", "Oui, je suis en sécurité", "ouais",
        "ça va maintenant merci", "sí", "ya estoy bien gracias", "sí, estoy segura", "نعم", "نحن بأمان عند خالتي",
        "أنا بخير الآن شكرا", "evet", "ndiyo", "так", "بله",
    ],
)  # fmt: skip
def test_a_clear_yes_is_one(text: str):
    assert says_yes(text)


@pytest.mark.parametrize(
    "text",
    [
        "ok",
        "okay",
        "👍",
        "OK thanks",
        "sure",
        "got it",
        "d'accord",
        "bien reçu",
        "vale",
        "dale",
        "تمام",
        "not safe",
        "y",
    ],
)
def test_what_only_says_that_something_was_read_is_no_yes(text: str):
    assert not says_yes(text)
