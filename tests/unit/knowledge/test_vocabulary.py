"""What is left of a question that authors may read: common words, never who is spoken of or where."""

from __future__ import annotations

import pytest

from dialogues.vocabulary import without_identity


@pytest.mark.parametrize(
    ("language", "words", "shown"),
    [
        (
            "en",
            "My name is Amina Diallo, who can help a child with a bike in Calais at 14:30?",
            "My name is … who can help a child with a … in … at …",
        ),
        ("fr", "Mamadou de Libye peut-il avoir une carte à Lyon", "… de … peut il avoir une carte à …"),
        ("es", "mi hijo José necesita una bici en Tapachula", "mi hijo … necesita una … en …"),
        ("ar", "كيف يمكن للطفل فاطمة الحصول على دراجة في ألمانيا", "كيف يمكن للطفل … على … في …"),
        ("ar", "كيف أفتح حساب لطفل اسمه عمر كريم بدون أوراق", "كيف أفتح حساب لطفل اسمه … بدون أوراق"),
        ("en", "can the boy named Will stay with the family", "can the boy named … with the family"),
        ("en", "Mohamed Traoré Lampedusa", ""),
    ],
)
def test_names_numbers_and_places_are_left_out(language: str, words: str, shown: str) -> None:
    assert without_identity(words, language) == shown
