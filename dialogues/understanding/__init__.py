"""Reads messages. What it learnt from the project's examples is kept beside the Python environment it was learnt in."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def learnt_folder(otherwise: Path) -> Path:
    """Where the learnt heads are kept: in the environment, so that every data folder and every test shares them.

    They depend on the examples and on the embedder, not on any installation's data. `otherwise` is used where the
    environment may not be written to.
    """
    folder = Path(sys.prefix) / "waymark-understanding"
    return folder if folder.exists() or os.access(sys.prefix, os.W_OK) else otherwise
