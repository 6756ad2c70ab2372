"""`talk` in a real terminal: the four journeys without a browser."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from tests.program import ROOT, Program

PATIENCE = 30.0
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """A command in a terminal of its own: what is typed, and what can be read."""

    def __init__(self, program: Program, *words: str) -> None:
        self._own_end, its_end = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bot", *words],
            cwd=ROOT,
            env={**program.environment(), "TERM": "xterm", "COLUMNS": "100"},
            stdin=its_end,
            stdout=its_end,
            stderr=its_end,
            start_new_session=True,
        )
        os.close(its_end)
        self.screen = ""

    def types(self, line: str) -> None:
        os.write(self._own_end, f"{line}\n".encode())

    def shows(self, *words: str) -> None:
        """Wait until these words have appeared, wherever the lines were broken."""
        deadline = time.monotonic() + PATIENCE
        while not all(each in " ".join(self.screen.split()) for each in words):
            assert time.monotonic() < deadline, self.screen
            if select.select([self._own_end], [], [], 0.2)[0]:
                self.screen += ESCAPES.sub("", os.read(self._own_end, 65536).decode(errors="replace"))

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._own_end)


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("terminal")) as running:
        yield running.ready()


@pytest.fixture
def terminal(program: Program) -> Iterator[Terminal]:
    opened = Terminal(program, "talk")
    yield opened
    opened.close()


def test_somebody_at_a_terminal_gets_steps_places_and_the_emergency_number(terminal):
    terminal.shows("/quit ends the talk.")

    terminal.types("how do I check a man who says he is the child's uncle")
    terminal.shows("Talk to adult and child apart", "Source: Convention on the Rights of the Child")
    terminal.types("a place to sleep in Ventimiglia")
    terminal.shows("Lantern night shelter", "+33 1 99 00 10 01", "Demonstration: not a real service.")
    terminal.types("he has a knife, he is outside")
    terminal.shows("Call 112 now", "] No")
    terminal.types("/quit")

    assert terminal.process.wait(PATIENCE) == 0


def test_without_a_server_it_says_which_command_starts_one(tmp_path):
    never_started = Program(tmp_path)

    talked = never_started.command("talk")

    assert talked.returncode == 1
    assert "./waymark up" in talked.stdout
