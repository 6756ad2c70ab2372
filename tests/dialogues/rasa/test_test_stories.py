"""A Rasa user's test stories, played with a project of this folder."""

from __future__ import annotations

from pathlib import Path

from dialogues.server.host import Host
from dialogues.server.rehearsal import read_test_stories, rehearse
from tests.dialogues.rasa.playing import HERE

STORIES = """
version: "3.1"
stories:
- story: two ways to greet, and a question in the form
  steps:
  - or:
    - user: hi
      intent: greet
    - user: {other}
      intent: greet
  - action: utter_greet
  - user: |
      see {seen}
    intent: visit
  - action: visit_form
  - user: opening
    intent: {asked}
  - action: utter_faq
  - action: visit_form
"""

WITHOUT_WORDS = """
stories:
- story: what is listed is in the message
  steps:
  - intent: say
    entities:
    - word: red
    - city: Rome
      role: from
    - number
  - slot_was_set: [{word: red}, {start: Rome}, {plain: null}, {size: ""}]
  - action: utter_state
  - intent: say
    entities: [{word: red}, {word: green}]
  - slot_was_set: [{word: green}, {many: [red, green]}]
  - action: utter_state
"""


async def wrong(
    folder: Path, *, other: str = "good day", asked: str = "faq/hours", seen: str = "[Ada](doctor)"
) -> list[int]:
    """How many steps of each story did not go as written."""
    (folder / "test_stories.yml").write_text(STORIES.format(other=other, asked=asked, seen=seen))
    return [len(await rehearse(story, Host.load(HERE / "clinic"))) for story in read_test_stories(folder)]


async def test_alternatives_are_stories_of_their_own(tmp_path: Path) -> None:
    assert await wrong(tmp_path) == [0, 0]
    assert await wrong(tmp_path, other="how far") == [0, 2]


async def test_where_nothing_selects_a_response_the_retrieval_intent_alone_must_fit(tmp_path: Path) -> None:
    assert await wrong(tmp_path, asked="faq/price") == [0, 0]
    assert await wrong(tmp_path, asked="deny/price") == [1, 1]


async def test_a_message_without_words_brings_the_entities_that_are_listed(tmp_path: Path) -> None:
    (tmp_path / "test_stories.yml").write_text(WITHOUT_WORDS)
    [story] = read_test_stories(tmp_path)

    assert await rehearse(story, Host.load(HERE / "slots")) == []


async def test_an_entity_must_have_its_role_too(tmp_path: Path) -> None:
    assert await wrong(tmp_path, seen='[Ada]{"entity": "doctor", "role": "second"}') == [1, 1]
