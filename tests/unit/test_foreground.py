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


FEW = """
import resource
from bot.foreground import open_many_files
from bot.upkeep.doctor import _about_open_files
resource.setrlimit(resource.RLIMIT_NOFILE, (256, 512))
print(open_many_files(), *(finding.says for finding in _about_open_files()))
"""


def test_as_many_files_may_be_open_as_the_system_allows_and_the_doctor_says_when_those_are_few():
    said = subprocess.run([sys.executable, "-c", FEW], capture_output=True, text=True, check=True).stdout

    assert said.startswith("512 open files: at most 512; every open chat and desk is one, and 4096 are wanted")
