"""A folder with an installation in it, and the commands run over it."""

from __future__ import annotations

import base64
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.commands import app
from bot.kernel.settings import Settings, load_settings
from tests.integration.app.program import lay_database

#: Master keys that somebody might have.
KEYS = [base64.b64encode(bytes(range(start, start + 32))).decode() for start in (1, 101, 151)]
ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Said:
    """What a command said, and how it ended."""

    code: int
    out: str
    err: str


class Installation:
    """A folder, and commands over it."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.database = self.data / "waymark.db"
        self.environment = {"WAYMARK_DATA_DIR": str(self.data), "WAYMARK_DEMO": "off"}

    @property
    def settings(self) -> Settings:
        return load_settings(self.environment)

    def run(self, *words: str, input: str = "", **environment: str) -> Said:
        """Run a command inside this process. One that ends in a traceback fails the test."""
        done = CliRunner().invoke(
            app, list(words), input=input, env={**_no_settings(), **self.environment, **environment}
        )
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        assert "Traceback" not in done.output
        return Said(done.exit_code, done.stdout, done.stderr)

    def process(self, *words: str, input: bytes = b"", **environment: str) -> Said:
        """The same as a process of its own."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            input=input,
            cwd=ROOT,
            env={**own, **self.environment, **environment},
            capture_output=True,
            check=False,
            timeout=120,
        )
        return Said(done.returncode, done.stdout.decode(), done.stderr.decode())

    def copy_of_rows(self, query: str) -> list[tuple[object, ...]]:
        with closing(sqlite3.connect(self.database)) as connection:
            return connection.execute(query).fetchall()

    def tamper(self, statement: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection:
            connection.execute(statement)
            connection.commit()


def _no_settings() -> dict[str, str | None]:
    return {name: None for name in os.environ if name.startswith("WAYMARK_")}


@pytest.fixture
def untouched(tmp_path: Path) -> Installation:
    """Before its first start."""
    return Installation(tmp_path)


@pytest.fixture
def installation(untouched: Installation) -> Installation:
    """Migrated, and empty."""
    lay_database(untouched.data)
    return untouched


def is_a_sentence(said: Said) -> bool:
    """One plain sentence or two on stderr, and an exit code that says it did not work."""
    return said.code in {1, 2} and said.out == "" and 0 < len(said.err.strip()) < 600 and "Error" not in said.err
