"""Every talk in this folder, played against the real engine, its real actions and the real procedures."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dialogues.actions import build_actions
from dialogues.knowledge import Procedures
from dialogues.runtime.catalogue import read_catalogues, translator
from dialogues.runtime.engine import Engine
from dialogues.talks import Read, Talk, play, read_talks, read_world
from dialogues.understanding import learnt_folder
from dialogues.understanding.reading import Understanding

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
TALKS = read_talks(HERE)


@pytest.fixture(scope="module")
def engine() -> Engine:
    translate = translator(read_catalogues(ROOT / "locales"))
    procedures = Procedures.load_shipped()
    actions = build_actions(read_world(HERE / "world.yml"), procedures, translate, today=lambda: date(2026, 11, 23))
    return Engine.load(ROOT / "dialogues", actions=actions, translate=translate)


@pytest.fixture(scope="module")
def read(request: pytest.FixtureRequest) -> Read:
    cache = request.config.cache
    assert cache is not None
    understanding = Understanding.load(ROOT / "dialogues", learnt_folder(Path(cache.mkdir("understanding"))))
    return lambda text, language: understanding.read(text, language=language)


@pytest.mark.parametrize("talk", [talk for talk in TALKS if not talk.needs_understanding], ids=lambda talk: talk.name)
async def test_the_talk_goes_as_written(talk: Talk, engine: Engine) -> None:
    assert await play(talk, engine) == []


@pytest.mark.parametrize("talk", [talk for talk in TALKS if talk.needs_understanding], ids=lambda talk: talk.name)
async def test_the_spoken_talk_goes_as_written(talk: Talk, engine: Engine, read: Read) -> None:
    assert await play(talk, engine, read) == []
