"""Every sentence of the program is said in every language."""

from __future__ import annotations

from pathlib import Path

from bot.kernel.words import LOCALES, lint

ROOT = Path(__file__).resolve().parents[3]


def test_every_sentence_of_the_program_is_translated_once_and_used():
    assert lint(LOCALES, [ROOT / "bot", ROOT / "directory"]) == []
