"""`./waymark understand`: messages in, decisions out, by the code a live message takes."""

from __future__ import annotations

import asyncio
import json
from typing import Any, TextIO

from bot.app import DIALOGUES
from bot.bridges import ReadingRoom
from bot.kernel.settings import Settings
from dialogues.understanding.decision import decide
from directory.places import Places


async def understand_lines(settings: Settings, source: TextIO, target: TextIO) -> None:
    """Read JSON lines until the end; write one decision a line, in order, each as soon as it is made.

    A line that is not a message gets `{"id": …, "error": "…"}` and the next one is read.
    """
    reading = ReadingRoom(DIALOGUES, settings.data_dir / "understanding", settings.understanding)
    reading.start()
    places = Places.load()
    try:
        while line := await asyncio.to_thread(source.readline):
            if line.strip():
                target.write(json.dumps(await _answer(line, reading, places), ensure_ascii=False) + "\n")
                target.flush()
    finally:
        reading.close()


async def _answer(line: str, reading: ReadingRoom, places: Places) -> dict[str, Any]:
    try:
        asked = json.loads(line)
        message_id, text = asked["id"], str(asked["text"])
    except (ValueError, TypeError, KeyError):
        return {"id": None, "error": 'each line must be a JSON object with "id" and "text"'}
    country = asked.get("country")

    def place(words: str) -> str | None:
        found = places.resolve(words, country=country)
        return found[0].name if found else None

    understood = await reading.read(text, language=asked.get("lang"))
    return {"id": message_id, **decide(understood, place)}
