"""Every sentence of the program is said in every language."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bot.exchange.outside.words import MORE_LANGUAGES, words_behind_links
from bot.exchange.requests.model import ALTERNATIVES, CONFIDENCES, GROUNDS, HOWS, REFUSALS
from bot.exchange.requests.types import FIELDS, QUESTIONS, REQUEST_TYPES
from bot.kernel.words import LOCALES, Sentence, Words, lint

ROOT = Path(__file__).resolve().parents[3]
#: What marks a sentence of the pages behind a link, or of the e-mails about them.
BEHIND_LINKS = ("desk/outside.py", "desk/templates/outside.html", "desk/templates/plain.html", "exchange/outside")


def test_every_sentence_of_the_program_is_translated_once_and_used():
    assert lint(LOCALES, [ROOT / "bot", ROOT / "directory"]) == []


def test_the_pages_behind_a_link_are_whole_in_ten_languages_and_the_program_speaks_four():
    shown = [Sentence(title, None, "shown behind a link") for title in _said_of_requests()]

    assert lint(MORE_LANGUAGES, [ROOT / "bot" / each for each in BEHIND_LINKS], also=shown) == []
    assert set(words_behind_links().languages) == {"en", "fr", "es", "ar", "it", "de", "pt", "tr", "el", "uk"}
    assert set(Words.load().languages) == {"en", "fr", "es", "ar"}


def _said_of_requests() -> Iterable[str]:
    """What the page takes from the reviewed data of the requests."""
    for kind in REQUEST_TYPES.values():
        yield from (kind.title, kind.safeguard)
    for question in QUESTIONS.values():
        yield question.title
    for field in FIELDS.values():
        yield from (field.title, *(field.choices or {}).values())
    for choices in (HOWS, CONFIDENCES, GROUNDS, REFUSALS, ALTERNATIVES):
        yield from choices.values()
