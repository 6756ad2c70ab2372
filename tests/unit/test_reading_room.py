"""Who waits for whom while messages are read."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from bot.bridges import ReadingRoom
from bot.conversations.ports import LONG
from dialogues.understanding.model import Ask, Reading
from tests.unit.understanding.conftest import small_project as small_project


class Slow:
    """An understanding that reads no long message before it is told to."""

    def __init__(self) -> None:
        self.long_ones: list[str] = []
        self.go_on = threading.Event()

    def recall(self, text: str, *, language: str | None = None) -> None:
        return None

    def read(self, text: str, *, language: str | None = None) -> Reading:
        return self.read_all([Ask(text, language)])[0]

    def read_all(self, asks: Sequence[Ask]) -> list[Reading]:
        for ask in asks:
            if len(ask.text) >= LONG:
                self.long_ones.append(ask.text)
                self.go_on.wait(30)
        return [Reading(ask.text, "en", False, "read", 1.0, (), (), None) for ask in asks]


async def test_whoever_sends_long_messages_makes_nobody_in_danger_wait():
    slow, room = Slow(), ReadingRoom(Path(), Path(), "ngrams")
    room._loading = asyncio.get_running_loop().create_future()
    room._loading.set_result(slow)  # type: ignore[arg-type]
    long_ones = [asyncio.create_task(room.read(letter * LONG, language="en")) for letter in "abcd"]
    await asyncio.sleep(0)

    async with asyncio.timeout(20):
        danger = await room.read("he has a knife", language="en")

    assert danger.text == "he has a knife"
    assert not any(task.done() for task in long_ones)
    long_ones[2].cancel()  # nobody waits for it any more
    await asyncio.sleep(0)
    slow.go_on.set()
    await asyncio.wait(long_ones)
    assert slow.long_ones == [letter * LONG for letter in "abd"]
    room.close()


async def test_in_an_environment_of_somebody_else_what_changed_is_learnt_before_anything_is_served(
    small_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "waymark-understanding").write_text("learnt from other examples")  # nobody can put anything into it
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    monkeypatch.setattr(os, "access", lambda *_: False)
    room = ReadingRoom(small_project, tmp_path / "own", "ngrams")

    stopped = asyncio.Event()
    stopped.set()
    await room.learn_first(stopped)
    told_to_stop = room.is_ready()
    await room.learn_first(asyncio.Event())

    assert (told_to_stop, room.is_ready()) == (False, True)
    assert (await room.read("hello", language="en")).intent == "greet"
    room.close()
