"""`./waymark test`: every check, one after the other, each with its name, its time and its result.

./waymark test                     everything CI runs
./waymark test lint types          only these
./waymark test unit -- -k outbox   what follows -- goes to pytest
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Check:
    """One step: a name to call it by, what it tells, and the command."""

    name: str
    tells: str
    command: tuple[str, ...]
    takes_pytest_options: bool = False


def _pytest(*folders: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "pytest", *folders)


CHECKS = (
    Check("lint", "ruff finds nothing to correct", (str(BIN / "ruff"), "check", ".")),
    Check("format", "every file is laid out the same way", (str(BIN / "ruff"), "format", "--check", ".")),
    Check("types", "mypy --strict agrees", (str(BIN / "mypy"),)),
    Check("imports", "the floors stand on one another", (str(BIN / "lint-imports"), "--no-cache")),
    Check("unit", "the rules hold", _pytest("tests/unit", "-n", "2", "--dist", "loadfile"), True),
    Check(
        "integration",
        "they hold on SQLite and PostgreSQL",
        _pytest("tests/integration", "-n", "3", "-m", "not faults"),
        True,
    ),
    Check("dialogues", "the talks go as written", _pytest("tests/dialogues", "-n", "2"), True),
    Check("browser", "people can use it", _pytest("tests/browser", "-n", "2", "--dist", "loadfile"), True),
    Check("journeys", "people are helped, over every channel", _pytest("tests/journeys", "-n", "2"), True),
    Check(
        "faults",
        "nothing is lost when processes are killed",
        _pytest("tests/faults", "tests/integration", "-n", "2", "-m", "faults"),
        True,
    ),
)

#: A check that hangs must not hold up the ones after it.
LONGEST_CHECK_SECONDS = 1500
IN_A_BROWSER = {"browser", "journeys"}


def main(arguments: Sequence[str]) -> int:
    names, options = _split(arguments)
    unknown = set(names) - {check.name for check in CHECKS}
    if unknown or "-h" in names:
        print(__doc__)
        print("Checks:\n" + "\n".join(f"  {check.name:<12} {check.tells}" for check in CHECKS))
        return 2
    chosen = [check for check in CHECKS if not names or check.name in names]
    if any(check.name in IN_A_BROWSER for check in chosen) and shutil.which("chromium") is None:
        print("The browser tests need Debian's chromium: apt-get install chromium fonts-noto-core", file=sys.stderr)
        if os.environ.get("CI"):
            return 1  # a run without them is not green
        chosen = [check for check in chosen if check.name not in IN_A_BROWSER]
    results = [(check, _run(check, options, number, len(chosen))) for number, check in enumerate(chosen, 1)]
    print()
    for check, done in results:
        said = f"{done.seconds:6.1f} s {done.worked:6.1f} s of work  {check.tells}"
        print(f"{'FAILED' if done.failed else 'ok    '} {check.name:<12} {said}")
    whole = [sum(done.seconds for _, done in results), sum(done.worked for _, done in results)]
    print(f"{'':<19} {whole[0]:6.1f} s {whole[1]:6.1f} s of work  on {os.cpu_count()} processors")
    return 1 if any(done.failed for _, done in results) else 0


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    if "--" in arguments:
        cut = list(arguments).index("--")
        return list(arguments[:cut]), list(arguments[cut + 1 :])
    return list(arguments), []


@dataclass(frozen=True)
class Done:
    """How a check ended. `worked` is processor time of everything it started, in seconds."""

    failed: bool
    seconds: float
    worked: float


def _work_so_far() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return children.ru_utime + children.ru_stime


def _run(check: Check, options: Sequence[str], number: int, of: int) -> Done:
    print(f"\n[{number}/{of}] {check.name}: {check.tells}", flush=True)
    command = [*check.command, *(options if check.takes_pytest_options else ())]
    began, worked = time.monotonic(), _work_so_far()
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive"}
    try:
        code = subprocess.run(command, cwd=ROOT, check=False, env=environment, timeout=LONGEST_CHECK_SECONDS).returncode
    except subprocess.TimeoutExpired:
        print(f"{check.name} did not end within {LONGEST_CHECK_SECONDS} s and was stopped", file=sys.stderr)
        code = 1
    return Done(code != 0, time.monotonic() - began, _work_so_far() - worked)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
