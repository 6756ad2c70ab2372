from __future__ import annotations

from types import SimpleNamespace

import pytest

from bot.kernel.words import Words
from dialogues.actions.ports import Wishes
from dialogues.actions.reading import with_commas
from dialogues.actions.results import checked, distance
from dialogues.actions.services import AskPlace
from dialogues.actions.wishes import asked_for, gender_in, is_wish, named, need_beside, wishes_for, wishes_in


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
        ("I need a woman doctor in Calais", ["woman"]),
        ("an interpreter who is a man", ["man"]),
        ("I want to talk to a woman", ["woman"]),
        ("I am 5 months pregnant and need a bed", ["pregnant"]),
        ("necesito una doctora, estoy embarazada", ["woman", "pregnant"]),
        ("أنا حامل وأريد طبيبة", ["woman", "pregnant"]),
        ("a bed for my brother, he is in a wheelchair", ["disability"]),
        ("où dormir avec ma sœur handicapée", ["disability"]),
        ("mi hermano es ciego, busco médico gratis", ["free", "disability"]),
        ("أحتاج مدرسة لأخي، هو أصم", ["disability"]),
        ("the police are blind", []),
        ("a woman took my papers", []),
        ("the man at the door", []),
        ("a pregnancy test", []),
        ("a doctor in Sanremo that speaks Arabic", ["speaks:ar"]),
        ("un avocat gratuit qui parle le tigrinya", ["free", "speaks:ti"]),
        ("una psicóloga que hable francés", ["woman", "speaks:fr"]),
        ("أريد محامياً يتكلم الفرنسية", ["speaks:fr"]),
        ("a Farsi-speaking nurse", ["speaks:fa"]),
        ("I speak Arabic and need a bed", []),
        ("the man who speaks to my sister", []),
    ],
)
def test_only_what_is_plainly_said_leaves_a_service_out(words: str, wishes: list[str]):
    assert wishes_in(words) == wishes


def test_a_wish_is_asked_for_as_the_directory_knows_it_and_care_in_pregnancy_is_for_the_pregnant():
    said = "I am pregnant and want to talk to a woman"

    assert Wishes(**asked_for(wishes_for("shelter", said), "en")) == Wishes(pregnant=True, staff="women")
    assert wishes_for("srh", said) == ["woman"]
    assert Wishes(**asked_for(wishes_for("shelter", "I am in a wheelchair"), "en")) == Wishes(disability=True)
    assert wishes_for("disability", "I am in a wheelchair") == []
    assert not is_wish(0)  # a forged tap
    assert asked_for(["speaks", "speaks:ti", "speaks:zz"], "en") == {"speaks": "ti"}
    assert named(["free", "speaks:ti"], "fr", Words.load().text) == "gratuit, on y parle tigrigna"


def test_who_looks_for_a_doctor_who_speaks_their_language_is_not_sent_to_an_interpreter():
    assert need_beside("interpretation", "a doctor in Sanremo that speaks Arabic") == "health"
    assert need_beside("interpretation", "un médico en Tapachula que hable creole") == "health"
    assert need_beside("interpretation", "un avocat qui parle tigrinya") == "legal"
    assert (
        need_beside("interpretation", "an interpreter who speaks Arabic, for the doctor's letter") == "interpretation"
    )
    assert need_beside("interpretation", "somebody who speaks Arabic") == "interpretation"
    assert need_beside("shelter", "a doctor who speaks Arabic") == "shelter"


@pytest.mark.parametrize(
    ("words", "taken_in"),
    [
        ("I am 15 with a little baby, where can I sleep", True),
        ("una chica con su bebé busca dónde dormir", True),
        ("j'ai 15 ans et j'ai un bébé", True),
        ("بنت عمرها 15 مع طفلها الرضيع", True),
        ("I am here with my baby brother", False),
        ("nappies", False),
    ],
)
def test_a_bed_for_somebody_with_a_baby_is_one_that_takes_babies_in(words: str, taken_in: bool):
    assert wishes_for("shelter", words) == (["pregnant"] if taken_in else [])
    assert wishes_for("food", words) == []


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


def test_figures_and_lists_are_written_as_each_language_writes_them():
    translate = Words.load().text

    assert "1,8 km" in distance(1800, "fr", translate)
    assert "1,8 km" in distance(1800, "es", translate)
    assert "1.8 km" in distance(1800, "en", translate)
    assert checked(3, "ar", translate).endswith("قبل 3 أيام.")
    assert checked(11, "ar", translate).endswith("قبل 11 يومًا.")
    assert [checked(3295, language, translate) for language in ("en", "fr", "es", "ar")] == [
        "Not checked lately.", "Pas vérifié récemment.", "No comprobado últimamente.", "لم نتأكد منه مؤخرا."
    ]  # fmt: skip
    assert [checked(45, language, translate) for language in ("en", "fr", "es")] == [
        "Checked 45 days ago.",
        "Vérifié il y a 45\xa0jours.",
        "Comprobado hace 45 días.",
    ]
    assert with_commas("أ, ب; ج", "ar") == "أ، ب؛ ج"
    assert with_commas("a, b; c", "fr") == "a, b; c"


async def test_two_places_of_one_name_in_one_country_have_buttons_that_differ():
    twins = [{"name": "Mirfa", "country": "LY", "near": near} for near in ("Zliten", "Sabha")]
    slots = {"place_options": [*twins, {"name": "Tripoli", "country": "LB"}], "language": "fr"}
    said: list[list[dict[str, str]]] = []

    await AskPlace(Words.load().text).run(
        SimpleNamespace(utter_message=lambda response, buttons: said.append(buttons)),
        SimpleNamespace(get_slot=slots.get, latest_message={}, slots=slots),
        {},
    )

    titles = [each["title"] for each in said[0]]
    assert titles[:3] == ["Mirfa, près de Zliten, Libye", "Mirfa, près de Sabha, Libye", "Tripoli, Liban"]
