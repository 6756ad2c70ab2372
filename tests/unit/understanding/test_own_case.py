"""The exact forms in which somebody says when they may be written to, in four languages."""

from __future__ import annotations

import pytest

from dialogues.understanding import own_case


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("safe from 18 to 22", (18, 22)),
        ("Safe from 18:30 to 22:00.", (18.5, 22)),
        ("it is safe between 6 pm and 10 pm", (18, 22)),
        ("C'est sûr de 18h30 à 22h", (18.5, 22)),
        ("sûr entre 8 et 12", (8, 12)),
        ("Seguro de 18 a 22", (18, 22)),
        ("es seguro entre las 8 y las 12", (8, 12)),
        ("آمن من 18 إلى 22", (18, 22)),
        ("آمن من الساعة ١٨ حتى ٢٢", (18, 22)),
        ("safe from 22 to 24", (22, 0)),
    ],
)
def test_hours_are_read_in_four_languages(text: str, hours: tuple[float, float]):
    assert own_case.safe_hours(text) == tuple(int(hour * 60) for hour in hours)


@pytest.mark.parametrize("text", ["safe from 25 to 26", "safe from 18 to 18", "safe from 18:75 to 20"])
def test_hours_that_no_clock_shows_are_said_to_be_none(text: str):
    assert own_case.safe_hours(text) == (-1, -1)


@pytest.mark.parametrize(
    "text", ["am I safe from him", "is it safe from 18 to 22 in the park", "I was safe", "sur la route de 18 a 22 km"]
)
def test_other_words_are_no_hours(text: str):
    assert own_case.safe_hours(text) is None
    assert not own_case.asks_for_safe_time(text)


@pytest.mark.parametrize(
    "text",
    [
        "safe time",
        "My safe hours",
        "heure sûre",
        "Quand pouvez-vous m'écrire ?",
        "hora segura",
        "وقت آمن",
        "الوقت الآمن",
    ],
)
def test_who_wants_to_say_it_is_understood(text: str):
    assert own_case.asks_for_safe_time(text)


@pytest.mark.parametrize(
    "text",
    ["any time is safe", "forget my safe time", "toute heure est sûre", "cualquier hora es segura", "كل وقت آمن"],
)
def test_it_can_be_taken_back(text: str):
    assert own_case.takes_any_time(text)


@pytest.mark.parametrize(
    "text", ["my time is 15:20", "Chez moi il est 15h20", "mi hora es 15:20", "ساعتي ١٥:٢٠", "my clock says 3:20 pm"]
)
def test_the_clock_of_the_person_is_read(text: str):
    assert own_case.own_clock(text) == 15 * 60 + 20


def test_a_bare_time_counts_only_where_it_was_asked_for():
    assert own_case.own_clock("15:20") is None
    assert own_case.own_clock("15:20", asked=True) == 15 * 60 + 20
    assert own_case.own_clock("15h20", asked=True) == 15 * 60 + 20
    assert own_case.own_clock("15", asked=True) is None  # as likely an age


@pytest.mark.parametrize(
    ("text", "way"),
    [
        ("My safe way is: my sister's phone, +39 333 1234567", "my sister's phone, +39 333 1234567"),
        ("mon moyen sûr est Seulement ici", "Seulement ici"),
        ("Mi medio seguro es WhatsApp de Ana", "WhatsApp de Ana"),
        ("طريقتي الآمنة هي هنا فقط", "هنا فقط"),
    ],
)
def test_the_way_is_kept_as_it_was_spelled(text: str, way: str):
    assert own_case.safe_way(text) == way


@pytest.mark.parametrize(
    "text",
    [
        "how long?",
        "How long do I have to wait?",
        "is anyone there",
        "when will someone answer me?",
        "combien de temps ?",
        "Il y a quelqu'un ?",
        "pourquoi personne ne répond",
        "¿Cuánto falta?",
        "¿hay alguien?",
        "كم من الوقت سأنتظر؟",
        "هل هناك أحد؟",
    ],
)
def test_who_asks_how_long_it_takes_is_understood(text: str):
    assert own_case.asks_how_long(text)


@pytest.mark.parametrize(
    "text",
    [
        "how long does an asylum claim take",
        "is someone coming to kill me",
        "combien de temps dure la demande d'asile",
        "cuánto tiempo puedo quedarme en el albergue",
        "كم تستغرق إجراءات اللجوء",
        "there is someone outside",
    ],
)
def test_other_questions_of_time_are_not_about_the_wait(text: str):
    assert not own_case.asks_how_long(text)


def test_a_message_with_another_word_compiles_nothing():
    forms = own_case._Forms("^(?:please )*erase everything$")

    assert forms.match("where can i sleep tonight") is None
    assert "_compiled" not in vars(forms)
    assert forms.match("please erase everything")


@pytest.mark.parametrize(
    "text",
    [
        "Delete my messages please", "forget me", "Erase everything you know about me",
        "can you delete all my messages?",
        "efface tout", "supprime mes messages stp", "Oubliez-moi", "svp effacez mon dossier",
        "borra todo", "Borra mis mensajes, por favor", "olvídame", "امسح كل شيء", "احذفوا رسائلي من فضلك",
        "delete everything I told you", "I want my data deleted", "supprimez tout ce que j'ai dit",
        "borra todos mis datos", "quiero que borren lo que les conté", "أريد حذف جميع بياناتي",
        "بدي تمسحوا كل شي كتبته",
        "همه‌ی اطلاعات من را پاک کنید", "پیام های من را حذف کن", "видаліть усі мої дані", "зітріть усе, що я написав",
        "apague tudo o que eu disse", "tüm verilerimi silin", "futa ujumbe wangu wote", "tirtir xogtayda oo dhan",
    ],
)  # fmt: skip
def test_who_wants_to_be_forgotten_is_understood(text: str):
    assert own_case.asks_to_erase(text)


@pytest.mark.parametrize(
    "text",
    [
        "forget it", "he wants to erase me", "they deleted my asylum case, what now", "don't forget me here",
        "I forget",
        "I want to erase myself", "how do I delete a child's data", "je veux m'effacer",
        "quiero borrarme de este mundo",
        "efface la photo de lui", "ils ont oublié mon petit frère", "borra la foto", "me olvidé de mi mochila", "انسى",
    ],
)  # fmt: skip
def test_other_words_erase_nothing(text: str):
    assert not own_case.asks_to_erase(text)
