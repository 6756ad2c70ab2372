"""A talk between a phone and a desk over a line that is cut again and again: both have the same words in the end.

    python -m tests.journeys.cut_line --cuts 200

Two real browsers talk with the real program through a line that can be cut: every connection that is open in that
moment ends as if a cable was pulled, half a request or half an answer in it, and for a while no new one comes through.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import random
import re
import sys
import tempfile
import threading
import time
from collections.abc import Coroutine
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, expect

from tests.chromium import running_chromium
from tests.journeys.people import Officer, Person
from tests.program import Program

#: How many lines of theirs may wait to be sent: a person goes on writing while nothing goes through.
AHEAD = 4
#: A line that is cut is tried again after this long at most: what is written last needs that much.
PATIENCE_MS = 60_000
OURS = re.compile(r"\b(girl|officer)-\d+\b")


class Line:
    """A port that leads to another. `cut` ends all that goes through it."""

    def __init__(self, to_port: int) -> None:
        self._to_port = to_port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._open: set[asyncio.StreamWriter] = set()
        self._dead = False
        self.port = 0
        self.ended = 0  # connections that a cut ended

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Line:
        self._thread.start()
        self._do(self._start())
        return self

    def __exit__(self, *_error: object) -> None:
        self._do(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def cut(self, seconds: float) -> None:
        """Now, and for so long nothing comes through."""
        self._do(self._cut(seconds))

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._lead, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        self._end_all()

    async def _cut(self, seconds: float) -> None:
        self._dead = True
        self.ended += self._end_all()
        await asyncio.sleep(seconds)
        self._dead = False

    def _end_all(self) -> int:
        count = len(self._open)
        for writer in list(self._open):
            writer.transport.abort()  # type: ignore[attr-defined]
        return count

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._dead:
            writer.transport.abort()  # type: ignore[attr-defined]
            return
        with contextlib.suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._to_port)
            self._open |= {writer, back}
            try:
                await asyncio.gather(self._pass_on(reader, back), self._pass_on(there, writer))
            finally:
                self._open -= {writer, back}
                for end in (writer, back):
                    end.close()

    @staticmethod
    async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while content := await reader.read(4096):
                writer.write(content)
                await writer.drain()
        writer.close()


@dataclass
class Report:
    """How it went. `wrong` is empty when both sides have the same words, each once and in the order they were said."""

    cuts: int
    connections_ended: int = 0
    lines: int = 0
    sent_again_by_the_officer: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)


def talk_over(line: Line, girl: Person, officer: Officer, *, cuts: int, seed: int = 1) -> Report:
    """Both write while the line is cut at random, until it was cut so often; then wait until all has arrived.

    The officer has taken the girl's case and both have its talk open.
    """
    began, report, chance = time.monotonic(), Report(cuts), random.Random(seed)
    said: dict[str, list[str]] = {"girl": [], "officer": []}
    cutting = threading.Thread(target=_cut_often, args=(line, cuts, chance))
    cutting.start()
    while cutting.is_alive() or len(said["officer"]) < 2:
        if girl.log.locator(".sent").count() < AHEAD:
            # In one breath: one message is still on its way when the next is written.
            for _ in range(chance.choice([1, 1, 2, 3])):
                said["girl"].append(f"girl-{len(said['girl'])}")
                girl.writes(said["girl"][-1])
        said["officer"].append(f"officer-{len(said['officer'])}")
        report.sent_again_by_the_officer += _answer(officer, said["officer"][-1])
        girl.page.wait_for_timeout(chance.uniform(0, 400))
    cutting.join()
    for side in (girl.log, officer.talk):
        for words in (said["girl"][-1], said["officer"][-1]):
            expect(side).to_contain_text(words, timeout=PATIENCE_MS)
    expect(girl.log.locator(".sent")).to_have_count(0, timeout=PATIENCE_MS)
    _compare(_words(girl.log), _words(officer.talk), said, report)
    report.connections_ended = line.ended
    report.seconds = round(time.monotonic() - began, 1)
    return report


def _cut_often(line: Line, cuts: int, chance: random.Random) -> None:
    for _ in range(cuts):
        time.sleep(chance.uniform(0.1, 1.5))
        line.cut(chance.choice([0.0, 0.0, 0.2, 0.6]))


def _answer(officer: Officer, words: str) -> int:
    """Write to the person, and press again where the desk says that it did not go through. How often it was pressed
    again: an officer may not know whether it had arrived."""
    field_ = officer.page.get_by_label("Your answer")
    button = officer.page.get_by_role("button", name="Send", exact=True)
    field_.fill(words)
    again = -1
    while field_.input_value() == words:
        again += 1
        button.click(timeout=PATIENCE_MS)
        expect(button).to_be_enabled(timeout=PATIENCE_MS)
    return again


def _words(log: Locator) -> list[str]:
    """What was said, as this side shows it: the lines of both, from the first to the last."""
    return [found[0] for text in log.all_inner_texts() for found in OURS.finditer(text)]


def _compare(hers: list[str], theirs: list[str], said: dict[str, list[str]], report: Report) -> None:
    report.lines = len(hers)
    if hers != theirs:
        report.wrong.append(f"the phone has {_difference(hers, theirs)}, the desk has {_difference(theirs, hers)}")
    for who, lines in said.items():
        arrived = [words for words in theirs if words.startswith(f"{who}-")]
        if arrived != lines:
            report.wrong.append(f"{who} said {_difference(lines, arrived)}, there stands {_difference(arrived, lines)}")


def _difference(one: list[str], other: list[str]) -> list[str]:
    """From where on they differ, a few lines."""
    same = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[same : same + 5]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.journeys.cut_line",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="wm-cut-") as folder,
        Program(Path(folder), rate_burst="1000", rate_per_minute="1000") as program,
        running_chromium() as browser,
        Line(program.ready().port) as line,
    ):
        girl = Person(browser, line.url)
        officer = Officer(browser, program.sign_in_link("the officer").replace(program.url, line.url))
        girl.writes("he has a knife, he is outside")
        officer.takes("he has a knife, he is outside")
        officer.page.goto(f"{officer.page.url.partition('?')[0]}?all=1")  # of a long talk only the end is shown
        report = talk_over(line, girl, officer, cuts=given.cuts, seed=given.seed)
    print(json.dumps({"bench": "cut line", **asdict(report)}), flush=True)
    sys.exit(1 if report.wrong else 0)


if __name__ == "__main__":
    main()
