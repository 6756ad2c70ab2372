"""Short answers: in the language of the person, with their places filled, and never sent by themselves."""

from __future__ import annotations

import re
from string import Formatter

import pytest

from bot.cases import store
from bot.cases.replies import REPLIES, text_of
from bot.conversations import service as conversations
from bot.kernel.words import Words

LANGUAGES = ("en", "fr", "es", "ar")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", REPLIES)
def test_every_short_answer_is_short_and_whole_in_four_languages(language: str, code: str):
    said = text_of(Words.load(), language, code, emergency_number="112")

    assert len(said.split()) <= 30
    assert not [name for _, name, _, _ in Formatter().parse(said) if name is not None]
    assert language == "en" or said != text_of(Words.load(), "en", code, emergency_number="112")


async def test_a_short_answer_stands_in_the_field_in_the_persons_language_and_nothing_is_sent(
    world, at_desk, amira, page
):
    browser = await at_desk(amira)
    await browser.go(page)
    conversation = await world.database.read(lambda tx: _conversation(tx, page))
    before = await world.database.read(lambda tx: conversations.transcript(tx, world.vault, conversation))
    way = re.search(r'href="([^"]*/reply\?say=call)', browser.page)
    assert way is not None

    await browser.go(way[1])

    field = re.search(r"<textarea name=\"text\"[^>]*>([^<]*)<", browser.page)
    assert field is not None
    assert field[1] == text_of(world.words, "ar", "call", emergency_number="112")
    assert await world.database.read(lambda tx: conversations.transcript(tx, world.vault, conversation)) == before


async def test_one_nobody_knows_leaves_the_field_empty_and_a_colleague_finds_nothing(world, at_desk, amira, page):
    browser = await at_desk(amira)
    await browser.go(f"{page}/reply?say=nothing")
    assert browser.status == 200
    assert "Are you safe" not in browser.page

    other = await at_desk(await world.officer("omar"))
    await other.go(f"{page}/reply?say=call")
    assert other.status == 404


def _conversation(tx, page: str) -> str:
    found = store.get_case(tx, page.rpartition("/")[2])
    assert found is not None
    return found.case.conversation_id
