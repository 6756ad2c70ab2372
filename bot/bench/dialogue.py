"""The real dialogue for a bench: understanding, engine, actions and a directory with services in it."""

from __future__ import annotations

from pathlib import Path

from bot.app import DIALOGUES
from bot.bench.turn import Dialogue
from bot.bridges import DialogueRoom, DirectoryDesk, ReadingRoom
from bot.kernel.clock import SystemClock
from bot.kernel.database import open_database
from bot.kernel.migrations import migrate
from bot.kernel.settings import Settings
from bot.kernel.words import Words
from dialogues.actions import build_actions
from dialogues.knowledge import Procedures
from dialogues.runtime.engine import Engine
from directory import demonstration
from directory.asking import Directory


async def open_dialogue(settings: Settings, folder: Path) -> Dialogue:
    """What answers in service, over a database of its own in `folder`, everything loaded before it returns."""
    clock, words = SystemClock(), Words.load()
    database = open_database(f"sqlite:///{folder / 'directory.db'}")
    await migrate(database)
    await database.write(lambda tx: demonstration.seed(tx, at=clock.now()))
    directory = Directory(database, clock, words)
    await directory.prepare()
    procedures = Procedures.load_shipped()
    actions = build_actions(DirectoryDesk(directory), procedures, words.text)
    actions.warm()
    reading = ReadingRoom(DIALOGUES, settings.data_dir / "understanding", settings.understanding)
    await reading.loaded()
    return Dialogue(reading, DialogueRoom(Engine.load(DIALOGUES, actions=actions, translate=words.text), clock))
