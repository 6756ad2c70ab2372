"""Benchmarks: each prints JSON lines, and what it is compared with was measured in the same run."""

from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.kernel.settings import Settings

#: What each tells, by the name it is called with.
BENCHES = {
    "ingest": "webhook to durable inbox, beside a bare handler over a group-commit writer",
    "turn": "turns a second for buttons, forms and free text, beside a bare echo, and beside Rasa where there is one",
    "directory": "import, search and names of places at 1,000, 10,000 and 100,000 services, each beside a floor",
    "desk": "a cry for help to a row on an open desk under load, and the queue page with 100,000 cases",
    "program": "seconds to the first answer after a start, and memory, beside a bare server",
}


async def run(name: str, settings: Settings) -> None:
    """Run one benchmark. Raises KeyError for a name that is not in BENCHES."""
    if name not in BENCHES:
        raise KeyError(name)
    if name == "ingest":
        from bot.bench import ingest

        await ingest.run()
    elif name == "turn":
        from bot.bench import rasa, turn
        from bot.bench.dialogue import open_dialogue
        from bot.bench.rasa_server import find_rasa

        beside = find_rasa(os.environ)  # before minutes are spent on the rest
        await turn.run(partial(open_dialogue, settings))
        await rasa.run(beside, settings.data_dir / "bench-rasa")
    elif name == "directory":
        from bot.bench import directory

        await directory.run(settings)
    elif name == "desk":
        from bot.bench import desk

        await desk.run(settings)
    else:
        from bot.bench import program

        await program.run(settings)
