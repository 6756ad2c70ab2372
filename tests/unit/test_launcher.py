"""`./waymark` on machines as newcomers have them. Python is a stand-in here: it notes what it is asked to do."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

PYTHON = """#!/bin/sh
here=$(dirname -- "$0")
echo "$*" >>"$NOTES"
case "$*" in
    "-m venv "*)
        mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && touch "$3/pyvenv.cfg"
        [ -n "${WITHOUT_PIP:-}" ] && exit 1
        touch "$3/bin/pip" ;;
    "-c import pip") [ -f "$here/pip" ] ;;
    *"import ensurepip"*) [ -z "${WITHOUT_PIP:-}" ] ;;
    "-m pip "*) echo "pip at work" ;;
    "-m dialogues train") echo "learnt" && [ -z "${STOPPED:-}" ] ;;
    "-m bot "*) echo "the program: $3" ;;
esac
"""


class Clone:
    """A clone nobody has started yet."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes = folder / "notes"
        for name in ("dialogues/nlu", "dialogues/safety", "dialogues/understanding", "deploy"):
            (folder / name).mkdir(parents=True)
        for name in ("waymark", "requirements.lock", "deploy/installer.lock"):
            shutil.copy(ROOT / name, folder / name)
        self.examples = folder / "dialogues/nlu/talk.en.yml"
        for path in (
            self.examples,
            *(folder / f"dialogues/understanding/{name}" for name in ("corpus.py", "training.py", "parallel.tsv")),
        ):
            path.touch()
        self._python = folder / "python3.11"
        self._python.write_text(PYTHON)
        self._python.chmod(0o755)

    def start(self, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
        self.notes.write_text("")
        known = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
        known |= {"WAYMARK_PYTHON": str(self._python), "NOTES": str(self.notes), **environment}
        # Somebody else's root has to install nothing on this machine.
        known["PATH"] = f"{self._without_apt()}:{known['PATH']}"
        return subprocess.run(
            [self.folder / "waymark", *words], env=known, capture_output=True, text=True, check=False, timeout=60
        )

    def _without_apt(self) -> Path:
        tools = self.folder / "tools"
        tools.mkdir(exist_ok=True)
        (tools / "apt-get").write_text("#!/bin/sh\nexit 100\n")
        (tools / "apt-get").chmod(0o755)
        return tools

    def learnt(self) -> bool:
        return "-m dialogues train" in self.notes.read_text()


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone(tmp_path)


def test_what_is_made_at_the_first_start_says_so_on_stderr_and_stdout_is_the_programs(clone: Clone):
    first = clone.start("understand")
    again = clone.start("understand")

    assert (first.returncode, first.stdout) == (0, "the program: understand\n")
    assert "Learning what messages mean" in first.stderr
    assert (again.returncode, again.stdout, again.stderr) == (0, "the program: understand\n", "")


def test_a_first_start_that_was_cut_off_is_taken_up_again(clone: Clone):
    refused = clone.start("up", WITHOUT_PIP="yes")
    made = clone.folder / ".venv/bin/python"

    assert (refused.returncode, made.exists()) == (1, True)
    assert "python3-venv" in refused.stderr
    assert clone.start("up").stdout == "the program: up\n"


def test_an_environment_whose_python_is_gone_is_made_anew(clone: Clone):
    clone.start("up")
    (clone.folder / ".venv/bin/python").unlink()

    assert clone.start("up").stdout == "the program: up\n"


def test_examples_that_changed_are_learnt_before_anything_is_served(clone: Clone):
    clone.start("up")
    learnt_at = (clone.folder / ".venv/.learnt").stat().st_mtime
    os.utime(clone.examples, (learnt_at + 1, learnt_at + 1))
    os.utime(clone.folder / ".venv/.learnt", (learnt_at, learnt_at))

    assert clone.start("up").stdout == "the program: up\n"
    asked = clone.notes.read_text().splitlines()
    assert asked.index("-m dialogues train") < asked.index("-m bot up")


def test_learning_that_was_stopped_begins_anew_at_the_next_start(clone: Clone):
    stopped = clone.start("up", STOPPED="yes")

    assert (stopped.returncode, stopped.stdout) == (1, "")
    assert clone.start("up").stdout == "the program: up\n"
    assert clone.learnt()
    clone.start("up")
    assert not clone.learnt()


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(clone: Clone):
    refused = clone.start("up", WAYMARK_VENV="/proc/nowhere/venv")

    assert refused.returncode == 1
    assert refused.stderr.startswith("waymark: /proc/nowhere cannot be written to")
    assert "WAYMARK_VENV=$HOME/waymark-venv" in refused.stderr
