"""Every talk in this folder, played against the real engine, its real actions and the real procedures."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from dialogues.actions import build_actions
from dialogues.knowledge import Procedures
from dialogues.runtime.catalogue import read_catalogues, translator
from dialogues.runtime.engine import Engine
from dialogues.server.host import Host
from dialogues.server.own import OwnReading
from dialogues.talks import Read, Talk, play, read_talks, read_world
from dialogues.understanding import learnt_folder
from dialogues.understanding.reading import Understanding
from dialogues.understanding.together import ReadTogether

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
def understanding(request: pytest.FixtureRequest) -> Understanding:
    cache = request.config.cache
    assert cache is not None
    return Understanding.load(ROOT / "dialogues", learnt_folder(Path(cache.mkdir("understanding"))))


@pytest.fixture(scope="module")
def read(understanding: Understanding) -> Read:
    return lambda text, language: understanding.read(text, language=language)


@pytest.mark.parametrize("talk", [talk for talk in TALKS if not talk.needs_understanding], ids=lambda talk: talk.name)
async def test_the_talk_goes_as_written(talk: Talk, engine: Engine) -> None:
    assert await play(talk, engine) == []


@pytest.mark.parametrize("talk", [talk for talk in TALKS if talk.needs_understanding], ids=lambda talk: talk.name)
async def test_the_spoken_talk_goes_as_written(talk: Talk, engine: Engine, read: Read) -> None:
    assert await play(talk, engine, read) == []


async def test_on_rasas_channel_words_mean_what_they_mean_on_every_other(
    engine: Engine, understanding: Understanding
) -> None:
    host = Host(engine, OwnReading(ReadTogether(understanding)))

    async def hears(sender: str, text: str) -> tuple[str, str]:
        said = await host.hear(sender, text)
        return (await host.tracker(sender))["latest_message"]["intent"]["name"], said[0]["text"]

    await hears("guard", "how do i check the uncle")
    assert (await hears("guard", "step by step"))[0] == "procedure_step"
    assert "Step 1 of" not in (await hears("nobody before", "step by step"))[1]

    french = "je cherche un endroit pour dormir cette nuit"
    assert (await hears("child", french))[1].startswith("C'est près")
    await hears("child", '/change_language{"language": "en"}')
    await hears("child", french)
    assert (await host.tracker("child"))["slots"]["language"] == "en"  # what they chose stands
