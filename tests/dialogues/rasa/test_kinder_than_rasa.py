"""Where a real Rasa leaves a person in silence, ours does not. docs/rasa.md lists each case."""

from __future__ import annotations

from typing import Any

import pytest

from dialogues.runtime.manners import AS_RASA
from dialogues.server.host import Host
from tests.dialogues.rasa.playing import HERE, PROJECTS, play, recorded


class Person:
    def __init__(self, project: str) -> None:
        self.host = Host.load(HERE / project)

    async def says(self, text: str) -> list[Any]:
        return [message.get("text") for message in await self.host.hear("ada", text)]


#: Projects that Rasa leaves in silence.
SILENT = ("silences", "rubbish", "own_extraction")


@pytest.mark.parametrize("project", [project for project in PROJECTS if project not in SILENT])
async def test_otherwise_it_is_as_on_a_real_rasa(project: str) -> None:
    assert await play(project, recorded(HERE / project), AS_RASA) == []


async def test_rules_that_run_in_a_circle_end_and_the_conversation_lives_on() -> None:
    ada = Person("silences")

    assert await ada.says("/circle") == ["pardon?"]
    assert await ada.says("hi") == ["hello"]
    assert await ada.says("/long") == ["round"] * 10
    assert await ada.says("hi") == ["hello"]


async def test_a_paused_conversation_can_be_restarted() -> None:
    ada = Person("silences")
    await ada.says("/pause")

    assert await ada.says("hi") == []
    await ada.says("/restart")
    assert await ada.says("hi") == ["hello"]


async def test_a_validator_that_breaks_is_apologised_for() -> None:
    ada = Person("silences")
    await ada.says("/form")

    assert await ada.says('/inform{"item": "boom"}') == ["pardon?"]
    assert await ada.says('/inform{"item": "fine"}') == ["done fine"]


async def test_a_way_of_filling_slots_that_breaks_is_apologised_for_and_the_message_forgotten() -> None:
    ada = Person("own_extraction")

    assert await ada.says("boom") == ["what?"]
    assert await ada.says("reject") == ["what?"]
    assert await ada.says("status") == ["None None False 1"]


async def test_a_form_that_cannot_start_is_not_taken_for_one_that_ended() -> None:
    ada = Person("silences")

    assert await ada.says('/broken_start{"item": "x"}') == ["pardon?"]
    assert await ada.says("hi") == ["hello"]


@pytest.mark.parametrize("kind", ["unknown", "missing", "noname"])
async def test_an_action_whose_events_nobody_can_read_is_apologised_for(kind: str) -> None:
    ada = Person("rubbish")

    assert await ada.says(f'/go{{"what": "{kind}"}}') == ["what?"]
    assert await ada.says("/status") == ["x None n None l None"]


@pytest.mark.parametrize("kind", ["undo", "refuse_another"])
async def test_an_action_that_would_be_run_for_ever_is_stopped_and_the_conversation_lives_on(kind: str) -> None:
    ada = Person("rubbish")

    assert set(await ada.says(f'/go{{"what": "{kind}"}}')) == {"go"}
    assert await ada.says("hi") == ["hello"]
