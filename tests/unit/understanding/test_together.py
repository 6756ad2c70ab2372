"""Messages that wait together are read together, and each as if it were alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest

from dialogues.understanding.model import Ask, Reading
from dialogues.understanding.reading import Understanding
from dialogues.understanding.together import MOST_TOGETHER, THREADS, ReadTogether


class Slow:
    """An understanding that reads nothing before it is told to, and remembers what it was asked together."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.known: set[str] = set()
        self.go_on = threading.Event()

    def recall(self, text: str, *, language: str | None = None) -> Reading | None:
        return reading(text, "recalled") if text in self.known else None

    def read_all(self, asks: Sequence[Ask]) -> list[Reading]:
        self.asked.append([ask.text for ask in asks])
        self.go_on.wait(10)
        if any(ask.text == "poison" for ask in asks):
            raise ValueError("poison")
        return [reading(ask.text, "read") for ask in asks]


def reading(text: str, intent: str) -> Reading:
    return Reading(text, "en", False, intent, 1.0, (), (), None)


async def all_at_once(together: ReadTogether, slow: Slow, texts: Sequence[str]) -> list[asyncio.Task[Reading]]:
    """Everybody asks before the first is answered."""
    tasks = [asyncio.create_task(together.read(text)) for text in texts]
    await asyncio.sleep(0)
    slow.go_on.set()
    await asyncio.wait(tasks)
    return tasks


async def test_what_comes_while_others_are_read_is_read_together():
    slow = Slow()
    texts = [f"message {number}" for number in range(THREADS + MOST_TOGETHER + 1)]

    tasks = await all_at_once(ReadTogether(slow), slow, texts)

    assert [task.result().text for task in tasks] == texts
    assert sorted(map(len, slow.asked)) == [1] * (THREADS + 1) + [MOST_TOGETHER]


async def test_a_message_that_cannot_be_read_is_the_trouble_of_one_alone():
    slow = Slow()

    tasks = await all_at_once(ReadTogether(slow), slow, [*"abc", "poison", "d"])

    assert [task.result().text for task in tasks if task.exception() is None] == [*"abc", "d"]
    assert isinstance(tasks[3].exception(), ValueError)


async def test_who_gave_up_waiting_holds_nobody_up():
    slow = Slow()
    together = ReadTogether(slow)
    tasks = [asyncio.create_task(together.read(text)) for text in "abcd"]
    await asyncio.sleep(0)

    tasks[0].cancel()
    tasks[3].cancel()
    slow.go_on.set()

    assert [(await tasks[1]).text, (await tasks[2]).text] == ["b", "c"]
    assert (await together.read("e")).text == "e"


async def test_what_was_read_before_waits_for_nobody():
    slow = Slow()
    slow.known.add("hello")

    assert (await ReadTogether(slow).read("hello")).intent == "recalled"  # nothing is read before it may go on
    assert slow.asked == []


@pytest.mark.parametrize("language", [None, "fr"])
def test_each_is_read_as_if_it_were_alone(understanding: Understanding, language: str | None):
    texts = [
        "where do the buses to the border leave from, and is there a place to sleep near it",
        "bonjour",
        "my cousin took all the pills and does not wake up. " * 12,
        "أحتاج إلى محامٍ",
        "how do I check a man who says he is the uncle of this child",
        "bonjour",
    ]
    together = understanding.read_all([Ask(text, language) for text in texts])
    understanding._cache.clear()

    assert together == [understanding.read(text, language=language) for text in texts]


def test_a_message_is_recalled_as_it_was_read(understanding: Understanding):
    text = "is there a night bus from Ventimiglia that is not in any list"
    assert understanding.recall(text) is None

    read = understanding.read(text)

    assert understanding.recall(text) == read
    assert understanding.recall(text, language="fr") is None
    assert understanding.recall(text, cautious=True) is None
