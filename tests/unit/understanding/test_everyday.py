"""Plain words are heard as plain words: nobody is called for the words of our own buttons, or for a worker's trade."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import yaml
from babel.messages.pofile import read_po

from dialogues.actions.results import WRONG
from dialogues.actions.wishes import WISHES
from dialogues.understanding.everyday import everyday
from dialogues.understanding.fold import fold
from dialogues.understanding.model import Ask
from dialogues.understanding.reading import Understanding

ROOT = Path(__file__).parents[3]
#: A bed tonight is a child without one; who was sent away may have been sent out of a country; the last is the alarm.
MAY_ALARM = {"A bed tonight", "They sent me away", "Not safe now"}

HEARD = {
    "inform": (
        *("im staff", "I'm a border guard", "je suis garde frontière", "Soy guardia de frontera", "أنا حرس حدود"),
        *("bonjour, je suis éducatrice dans un foyer", "hi, I am a nurse at the camp", "I am a member of staff"),
        *("My flight is AF1234", "my train is at 6", "my bus at 7 tomorrow", "mon train part à 18h30"),
        *("mon vol c'est le AF 1234", "mi vuelo es el IB3202", "mi bus sale a las 9", "رحلتي رقم TK1234"),
        *("i mean my other sister", "je voulais dire mon frère", "quise decir mi otra hermana", "قصدي أختي التانية"),
        *(
            "نحنا تلاتة",
            "it's not for me",
            "es para un amigo",
            "we are in a tent",
            "he is with me now",
            "estamos en el albergue",
        ),
        *(
            "أنا بأثينا",
            "I'm here in Calais",
            "بالمحطة بأثينا",
            "at the station in Calais",
            "je suis éducatrice à Lyon",
            "ana f tanja",
        ),
    ),
    "": (
        *("and if he refuses?", "what if they say no", "et s'il refuse encore", "et si l'enfant ne veut pas parler"),
        *("y si no quiere hablar", "y si se niega otra vez", "وإذا رفض", "avísame si cambia", "Tell me if it changes"),
        *("i already told you", "ya te lo dije", "ok i will call them now", "i dont know", "no sé", "ما بعرف"),
        *("my interview is tomorrow at 9", "مقابلتي بكرا", "they stole my bag", "on m'a volé mon sac", "سرقوا شنطتي"),
        *("elle pleure", "está llorando", "ok ya llamé", "j'ai appelé"),
        *("opening hours please", "horaires svp", "horario de atención", "أوقات الدوام"),
    ),
    "greet": ("just looking", "I'm just testing it", "c'est juste pour voir", "solo estoy probando", "بس عم جرب"),
    "procedure/interpreter_use": ("she doesn't speak English", "elle ne parle pas français", "ما بيحكي عربي"),
    "procedure/age_assessment": ("they want to xray me", "quieren hacerme una radiografía de la muñeca"),
    "affirm": ("im ok now", "ça va maintenant", "ya estoy bien"),
    "ask_human": ("can you call them for me",),
    "bot_challenge": ("is someone reading this?", "quelqu'un lit ça ?", "في حدا عم يقرا"),
    "thanks": ("chokran", "shukran bzaf", "gracias a dios"),
    "change_language": ("i dont understand", "je comprends rien", "no entiendo", "مش فاهم"),
    "procedure_now": ("What to do now", "ماذا أفعل الآن"),
    "tell_nothing": ("لا تكتب", "Ne pas écrire"),
}
#: One word more, or another, and the heads are asked.
HEADS_ARE_ASKED = (
    *("my flight is tomorrow", "my flight is at 6", "They sent me away", "on m'a renvoyé", "I am a soldier"),
    *("I am a nurse in danger", "im a guard and they hit me", "what if he touches me", "et s'il me frappe encore"),
    *("my bus leaves at 6 with the man", "i dont understand why he does it to me", "mon train part à 6h avec lui"),
    *("they took my phone", "they stole my sister", "he is with me he hurts me", "I'm better now", "im ok now bye mum"),
    *("she is crying and bleeding", "elle pleure il la tape", "they want to scan my face and sell me"),
    *("I am in danger", "im in the sea", "we are in the Darien", "je suis dans le coffre", "I am in Calais help me"),
    *("i mean my sister is gone", "y si no quiere soltarme", "وإذا رفض يتركني", "je suis le garde et il me tape"),
)


def test_everyday_words_are_known_in_four_languages_and_one_word_more_is_not() -> None:
    places = {fold(name) for name in ("Calais", "Lyon", "أثينا", "tanja", "Darien")}

    def heard(words: str) -> str | None:
        return everyday(fold(words), places.__contains__)

    assert {words: heard(words) for said in HEARD.values() for words in said} == {
        words: intent for intent, said in HEARD.items() for words in said
    }
    assert {words: heard(words) for words in HEADS_ARE_ASKED} == dict.fromkeys(HEADS_ARE_ASKED)


def test_nobody_is_called_for_the_words_of_a_button(understanding: Understanding) -> None:
    labels = sorted(label for label in _labels() if everyday(fold(label)) is None)

    read = understanding.read_all([Ask(label, None, cautious=False) for label in labels])

    assert {reading.text: reading.risk.reason for reading in read if reading.risk} == {}


def test_of_such_words_neither_a_place_is_told_nor_who_writes(understanding: Understanding) -> None:
    thanks, asks = understanding.read("gracias a dios"), understanding.read("what if they say no")

    assert (thanks.intent, thanks.entities) == ("thanks", ())
    assert (asks.intent, asks.entities) == ("nlu_fallback", ())


def _labels() -> Iterator[str]:
    """The words of every button of the talks, as people read them, save those that may alarm."""
    code = "\n".join(path.read_text() for path in (ROOT / "dialogues" / "actions").glob("*.py"))
    english = {*WRONG.values(), *(title for _, title in WISHES.values())}
    english |= set(re.findall(r'button\(\s*(?:self\._)?translate\([\w.()]+, "([^"{]+)"\)', code))
    english |= {title for path in (ROOT / "dialogues" / "domain").glob("*.yml") for title in _titles(path)}
    for path in (ROOT / "locales").glob("??/LC_MESSAGES/dialogues.po"):
        known = {message.id: str(message.string) for message in read_po(path.open("rb"))}
        yield from (known.get(words, words) for words in english - MAY_ALARM)
    yield from english - MAY_ALARM


def _titles(path: Path) -> Iterator[str]:
    def within(part: object) -> Iterator[str]:
        for each in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
            if isinstance(each, dict) and "title" in each and "payload" in each:
                yield str(each["title"])
            yield from within(each)

    yield from within(yaml.safe_load(path.read_text(encoding="utf-8")))
