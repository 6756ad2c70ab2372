"""A held adult is recognised however the name is written, and few others are taken for them."""

from __future__ import annotations

import pytest

from bot.cases import names
from bot.cases.names import Alike, compare, is_named, mentioned

#: One person, written twice.
SAME = [
    ("Samir Haddad", "سمير حداد"),
    ("HADDAD Samir", "سمير الحداد"),
    ("Samir Haddad", "سمر حداد"),
    ("Sameer Hadad", "Samir Haddad"),
    ("Samir", "سمير حداد"),
    ("Sаmir Hаddаd", "Samir Haddad"),  # with Cyrillic letters
    ("Самир Хаддад", "Samir Haddad"),
    ("Самир Хаддад", "سمير حداد"),
    ("ሳሚር ሃዳድ", "Samir Haddad"),
    ("Mohammed Ali", "محمد علي"),
    ("Muhammad Aly", "محمد على"),
    ("Mouhamed Ali", "Mohamed Aly"),
    ("محمّد عليّ", "Mohammed Ali"),
    ("Abdulrahman Saleh", "عبد الرحمن صالح"),
    ("Abd al-Rahman Saleh", "عبدالرحمن صالح"),
    ("Abderrahmane Salah", "عبد الرحمن صالح"),
    ("Abdullah Nasser", "عبد الله ناصر"),
    ("Abdallah Naser", "Abdullah Nasser"),
    ("Noureddine Trabelsi", "نور الدين الطرابلسي"),
    ("Nour Eddine Trabelsi", "Noureddine Trabelsi"),
    ("Hocine Benali", "حسين بن علي"),
    ("Yousef al-Hassan", "يوسف الحسن"),
    ("Youssef El Hassan", "Yusuf Alhassan"),
    ("Aïcha Diallo", "عائشة ديالو"),
    ("Daoud Issa", "داود عيسى"),
    ("Ibrahim Musa", "إبراهيم موسى"),
    ("Khalid Omar", "خالد عمر"),
    ("Walid Jaber", "وليد جابر"),
    ("Ghassan Qasim", "غسان قاسم"),
    ("Rachid Cherif", "رشيد شريف"),
    ("Jamal Khoury", "جمال خوري"),
    ("Karim Ben Youssef", "كريم بن يوسف"),
    ("Gholam Reza Ahmadi", "غلام رضا احمدی"),
    ("Fatima Zahra", "فاطمة الزهراء"),
    ("Tesfay Berhane", "Tesfai Berhane"),
    ("Juan Pérez", "Juan Perez Garcia"),
    ("S. Haddad", "Samir Haddad"),
    ("Samir Ali Haddad", "Haddad Samir Omar"),
    ("José Núñez", "NUNEZ Jose María"),
    ("সমীর হাদ্দাদ", "Samir Haddad"),
    ("समीर हद्दाद", "سمير حداد"),
    ("সমীর হাদ্দাদ", "समीर हद्दाद"),
    ("মোহাম্মদ আলী", "Mohammed Ali"),
    ("मोहम्मद अली", "Mohamed Aly"),
    ("আব্দুল করিম", "Abdul Karim"),
    ("अब्दुल करीम", "Abdoul Karim"),
    ("জাহিদ হোসেন", "Zahid Hossain"),
    ("ওয়াহিদ চৌধুরী", "Wahid Chowdhury"),
    ("ফাতেমা বেগম", "Fatima Begum"),
    ("ज़ैनब ख़ान", "Zainab Khan"),
    ("जैनब खान", "Zainab Khan"),
    ("राम बहादुर", "Ram Bahadur"),
    ("ইব্রাহিম মুসা", "إبراهيم موسى"),
    ("Md. Rahim Uddin", "Mohammad Rahim Uddin"),
    ("মোঃ রহিম", "Mohammad Rahim"),
    ("Pepe García", "José García"),
    ("Paco Pérez", "Francisco Perez"),
    ("Beto Cruz", "Roberto Cruz"),
    ("Саша Іванов", "Oleksandr Ivanov"),
    ("Женя Петренко", "Yevhen Petrenko"),
    ("Коля Петренко", "Mykola Petrenko"),
    ("uncle Samir, at his brother's house in Lyon", "Samir Haddad"),
    ("العم سمير حداد في بيت أخيه في مدينة ليون", "Samir Haddad"),
]
HELD = (
    "Samir Haddad", "سمير حداد", "Mohammed Ali", "محمد علي", "Hassan Omar", "حسن عمر", "Ahmed Trabelsi",
    "أحمد الطرابلسي", "Youssef Diallo", "يوسف ديالو", "Ibrahim Musa", "إبراهيم موسى", "Karim Benali",
    "Juan Pérez Garcia", "Oleksandr Kovalenko", "Tesfay Berhane", "Abdullah Nasser", "عبد الله ناصر",
    "Fatima Zahra Alaoui",
    "خالد عمر",
)  # fmt: skip
#: Who else could care for a child, receive her, or be her kin: sisters, brothers and homonyms in part among them.
OTHERS = (
    "Samira Haddad", "سميرة حداد", "Leila Haddad", "ليلى حداد", "Samar Haddad", "Amir Haddad", "Samir Khoury",
    "سمير خوري", "Mahmoud Ali", "محمود علي", "Mohammed Trabelsi", "محمد الطرابلسي", "Aminata Diallo",
    "أميناتا ديالو", "Hassan Saleh", "حسن صالح", "Hussein Omar", "حسين عمر", "Omar Hussein", "Ahmed Ali", "أحمد علي",
    "Hamid Trabelsi", "حميد الطرابلسي", "Hamed Trabelsi", "Youssef Camara", "يوسف كامارا", "Yasmin Diallo",
    "ياسمين ديالو", "Ibrahim Saleh", "إبراهيم صالح",
    "Karima Benali", "كريمة بن علي", "Kamel Benali", "Juana Pérez", "María Garcia Pérez", "Oksana Kovalenko",
    "Олександра Коваленко", "Tesfaye Gebre", "Almaz Berhane", "Abdulrahman Nasser", "عبد الرحمن ناصر", "Nasser Abbas",
    "Khalil Omar", "خليل عمر", "Amina Zahra", "Salma Alaoui", "Khadija Mansouri", "خديجة المنصوري", "Giulia Rossi",
    "Municipality of Palermo", "Casa dei Minori, Catania", "Caritas Lyon", "Jugendamt München", "Kinderhaus Samira",
    "Croce Rossa Italiana", "دار الأيتام في تونس", "Service de protection de l'enfance", "Amal Haddad", "أمل حداد",
    "Ana Pérez Garcia", "Nadia Benali", "Sami Haddad", "سامي حداد", "সামিরা হাদ্দাদ", "समीरा हद्दाद", "মাহমুদ আলী",
    "महमूद अली", "হুসেইন ওমর", "খলিল ওমর", "কামাল ত্রাবেলসি", "Pepe Haddad", "Lola Pérez", "Вова Коваленко", "Md. Haddad",
)  # fmt: skip


@pytest.mark.parametrize(("written", "name"), SAME)
def test_a_name_is_recognised_in_another_spelling_and_another_script(written: str, name: str):
    assert compare(written, name) is not Alike.NO
    assert compare(name, written) is not Alike.NO or len(written.split()) > 5


#: Pairs of those above that are taken for one another: a human is asked. Measured: 4 of 1480, and none surely.
TAKEN_FOR = {
    ("Hamed Trabelsi", "أحمد الطرابلسي"),
    ("Hamid Trabelsi", "أحمد الطرابلسي"),
    ("মাহমুদ আলী", "محمد علي"),
    ("महमूद अली", "محمد علي"),
}


def test_few_others_are_taken_for_a_held_adult_and_none_surely():
    found = {(other, held): compare(other, held) for other in OTHERS for held in HELD}

    assert [pair for pair, how in found.items() if how is Alike.SURE] == []
    assert {pair for pair, how in found.items() if how is Alike.LIKELY} == TAKEN_FOR


@pytest.mark.parametrize(
    "text",
    [
        "She travels to Lyon with her uncle Samir Haddad on Monday.",
        "Elle part avec l'oncle Samir, lundi.",
        "Mr. Haddad, Samir, takes her to school.",
        "he goes with samir on monday",
        "تسافر مع العم سمير إلى ليون يوم الاثنين",
        "تسافر إلى ليون وتسلّم لسمير حداد في المحطة",
        "Она едет с дядей: Самир Хаддад встретит её.",
        "Sameer Hadad receives her.",
        "To be handed to S\u0430mir at the station.",
        "সে সোমবার সমীর হাদ্দাদের সাথে যাবে।",
        "वह सोमवार को समीर के साथ जाएगी।",
        "تسافر مع سَمِير يوم الاثنين",
    ],
)
def test_a_name_in_a_text_is_found(text: str):
    assert mentioned(text, "Samir Haddad") is Alike.LIKELY
    assert mentioned(text, "سمير حداد") is Alike.LIKELY


@pytest.mark.parametrize(
    "text",
    [
        "Leila Haddad, her aunt, takes her. Amina Haddad is well and goes to school.",
        "Samira Haddad is her sister; the girl sleeps at her house.",
        "Samir Khoury of the reception centre takes her to the doctor.",
        "ليلى حداد خالتها تستقبلها، والطفلة أمينة حداد بخير",
        "She is well, goes to school and asks for her aunt. Family, a home that was seen, and her own wish.",
        "A s and an h, a point h, and s: letters alone are nobody.",
        "সে ভালো আছে, স্কুলে যায় এবং তার খালার কথা বলে। সামিরা তার বোন।",
        "वह ठीक है, स्कूल जाती है और अपनी मौसी के बारे में पूछती है।",
        "No adult goes with her. Two members of staff travel along.",
        "Paracetamol 500 mg, salbutamol on need. Allergic to penicillin since 2019.",
        "",
    ],
)
def test_a_text_about_others_stops_nothing(text: str):
    assert mentioned(text, "Samir Haddad") is Alike.NO
    assert mentioned(text, "سمير حداد") is Alike.NO


def test_a_short_form_or_another_script_is_a_reason_to_ask_and_no_proof():
    for written, name in (("Pepe García", "José García"), ("সমীর হাদ্দাদ", "Samir Haddad"), ("Md Ali", "Mohammed Ali")):
        assert compare(written, name) is Alike.LIKELY


def test_no_word_is_passed_over_that_a_pattern_would_take():
    every = [*(name for pair in SAME for name in pair), *HELD, *OTHERS]
    found = {word for name in every for word in names._words(name)}
    arabic = sorted(word for word in found if names._is_arabic(word))
    latin = sorted({names._TWICE.sub(r"\1", names.in_latin(word)) for word in found - {*arabic}})
    taken = [
        (written, heard)
        for written in arabic
        for pattern in (names._pattern(written, strict=False), names._pattern(written, strict=True))
        for heard in latin
        if pattern.fullmatch(heard)
    ]

    assert len(taken) > 100
    assert [pair for pair in taken if not names._may_be_heard(*pair)] == []


def test_what_is_no_word_is_not_tried_for_ever():
    assert compare("aeiou" * 40, "ويا" * 60) is Alike.NO


def test_the_same_words_are_surely_the_same_name_and_a_part_of_a_word_is_none():
    assert is_named("José Núñez", ["NUNEZ Jose María"])
    assert is_named("محمد", ["مُحمّد علي"])
    assert not is_named("Ana", ["Anabel Ruiz"])
    assert not is_named("Ana", ["", "?"])
    assert not is_named("", ["Ana"])
