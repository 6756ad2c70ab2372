from dialogues.understanding.fold import LONGEST, clean, fold, undisguise, words


def test_invisible_and_direction_characters_hide_nothing():
    assert clean("h\u200be\u202el\u2066p\ufeff") == "help"


def test_accents_and_arabic_letter_variants_are_one_spelling():
    assert fold("Ça été ÉCOLE") == "ca ete ecole"
    assert fold("أُخْتِي إلى المدرسـة") == "اختي الي المدرسه"
    assert fold("عمري ١٥") == "عمري 15"


def test_stretched_and_spaced_out_words_are_still_words():
    assert fold("heeeeelp") == "help"
    assert fold("h e l p") == "help"


def test_letters_of_another_alphabet_do_not_disguise_a_word():
    assert undisguise("hе hаs a knifе") == "he has a knife"
    assert undisguise("Мені потрібно") == "Мені потрібно"


def test_a_sign_of_danger_is_read_like_the_word():
    assert fold("🆘") == "sos"


def test_words_know_apostrophes_of_english_and_of_french():
    assert words(fold("I don't know l'oncle")) == ["i", "dont", "know", "l", "oncle"]


def test_a_very_long_message_is_read_at_both_ends_and_in_the_middle():
    text = "start " + "x " * 60_000 + "middle " + "y " * 60_000 + "end"

    shortened = clean(text)

    assert len(shortened) <= LONGEST + 2
    assert shortened.startswith("start")
    assert shortened.endswith("end")
    assert "middle" in shortened


def test_broken_text_is_cleaned_and_not_refused():
    assert clean("he has a \ud800 knife") == "he has a knife"
    assert fold("\x00\x07") == ""
