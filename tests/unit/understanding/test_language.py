import pytest

from dialogues.understanding.reading import Understanding


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("where can my brother and I sleep tonight", "en"),
        ("où est-ce que je peux dormir ce soir", "fr"),
        ("g pa d papié je peu allé a lécol", "fr"),
        ("dónde puedo dormir esta noche con mi hermana", "es"),
        ("وين ممكن أنام الليلة", "ar"),
        ("fin n9der n3es lyoum ana w khouya", "ar"),
    ],
)
def test_the_language_is_known_also_in_slang_and_arabizi(understanding: Understanding, text: str, language: str):
    assert understanding.read(text).language == language


@pytest.mark.parametrize("text", ["ok", "no", "Ahmed", "15", "👍", "", "Calais"])
def test_one_short_message_never_changes_the_language_of_a_conversation(understanding: Understanding, text: str):
    reading = understanding.read(text, language="fr")

    assert reading.language == "fr"
    assert not reading.language_certain


@pytest.mark.parametrize("text", ["من جای خواب می‌خواهم", "Мені потрібне місце для ночівлі", "እንቅልፍ ቦታ"])
def test_a_language_we_do_not_speak_is_never_certain(understanding: Understanding, text: str):
    assert not understanding.read(text, language="en").language_certain


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("waan gaajaysanahay halkee raashin laga helaa", "en"),
        ("nataka kurudi nyumbani kwa mama", "en"),
        ("bu gece kalacak yerim yok annem de yok", "en"),
        ("tô com fome e n tenho onde ficar hj", "es"),
    ],
)
def test_who_writes_a_language_we_only_hear_is_answered_in_one_they_may_read(
    understanding: Understanding, text: str, language: str
):
    """Somali, Swahili, Turkish and Portuguese: letters like those of Arabizi are no Arabic."""
    reading = understanding.read(text)

    assert (reading.language, reading.language_certain) == (language, False)
