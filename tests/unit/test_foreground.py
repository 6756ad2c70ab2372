"""What the program does for whoever it serves before it serves them."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import ctypes, resource
from bot.foreground import _keep_memory_here
_keep_memory_here()
print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))
"""


def test_no_core_file_is_written_and_nobody_else_reads_the_memory():
    said = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True).stdout

    assert said.strip() == "(0, 0) 0"
