"""Our runtime does what a real Rasa 3.6.21 did with the same projects, as far as docs/rasa.md promises.

`recorded.json` beside each project was written by `record.py` with a real Rasa. With WAYMARK_RASA (the folder of a
virtual environment that has Rasa 3.6) the conversations are played on it anew, and compared again.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.dialogues.rasa.playing import HERE, PROJECTS, play, recorded

RASA = os.environ.get("WAYMARK_RASA", "")


@pytest.mark.parametrize("project", PROJECTS)
async def test_a_project_goes_as_on_a_real_rasa(project: str) -> None:
    assert await play(project, recorded(HERE / project)) == []


def test_there_are_conversations_enough() -> None:
    assert sum(len(recorded(HERE / project)) for project in PROJECTS) >= 60


@pytest.mark.skipif(not RASA, reason="WAYMARK_RASA names no environment with Rasa 3.6")
@pytest.mark.parametrize("project", PROJECTS)
async def test_a_real_rasa_still_does_what_was_recorded(project: str, tmp_path: Path) -> None:
    python = Path(RASA) / "bin" / "python"
    subprocess.run([python, HERE / "record.py", "--into", tmp_path, project], check=True, timeout=600)

    assert await play(project, recorded(tmp_path / project)) == []
