"""`./waymark test`: every check, two at a time, each with its name, its time and its result.

./waymark test                     everything CI runs
./waymark test lint types          only these
./waymark test unit -- -k outbox   what follows -- goes to pytest
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
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


def _marked(mark: str, folder: str) -> Iterator[str]:
    """The files of a folder where something bears a mark: reading all the others takes longer than most tests."""
    for file in sorted((ROOT / folder).rglob("test_*.py")):
        if f"pytest.mark.{mark}" in file.read_text(encoding="utf-8"):
            yield str(file.relative_to(ROOT))


#: What tells soonest comes first, then what takes longest: where a check waits for a browser or for a killed process,
#: the one beside it works.
CHECKS = (
    Check("lint", "ruff finds nothing to correct", (str(BIN / "ruff"), "check", ".")),
    Check("format", "every file is laid out the same way", (str(BIN / "ruff"), "format", "--check", ".")),
    Check("imports", "the floors stand on one another", (str(BIN / "lint-imports"), "--no-cache")),
    Check("types", "mypy --strict agrees", (str(BIN / "mypy"),)),
    Check(
        "integration",
        "they hold on SQLite and PostgreSQL",
        _pytest("tests/integration", "-n", "3", "-m", "not faults"),
        True,
    ),
    Check("browser", "people can use it", _pytest("tests/browser", "-n", "2", "--dist", "loadfile"), True),
    Check(
        "faults",
        "nothing is lost when processes are killed",
        _pytest("tests/faults", *_marked("faults", "tests/integration"), "-n", "2", "-m", "faults"),
        True,
    ),
    Check("unit", "the rules hold", _pytest("tests/unit", "-n", "2", "--dist", "loadfile"), True),
    Check("journeys", "people are helped, over every channel", _pytest("tests/journeys", "-n", "2"), True),
    Check("dialogues", "the talks go as written", _pytest("tests/dialogues", "-n", "2"), True),
)

AT_ONCE = 2
#: A check that hangs must not hold up the ones after it. Twice of what the longest takes on a slow machine: a test
#: that hangs says so itself long before, see `faulthandler_timeout`.
LONGEST_CHECK_SECONDS = 2400
#: After so long without news somebody who watches is told that it goes on.
A_WHILE_SECONDS = 60
#: A file system in memory, and how much room a whole run must find there. It takes under two gigabytes.
MEMORY, ROOM_BYTES = Path("/dev/shm"), 6 * 1024**3
IN_A_BROWSER = {"browser", "journeys"}


def main(arguments: Sequence[str]) -> int:
    names, options = _split(arguments)
    asked = {"-h", "--help"} & set(names)
    unknown = set() if asked else set(names) - {check.name for check in CHECKS}
    if asked or unknown:
        print(__doc__)
        print("Checks:\n" + "\n".join(f"  {check.name:<12} {check.tells}" for check in CHECKS))
        if unknown:
            print(f"\nThere is no check named {', '.join(sorted(unknown))}.", file=sys.stderr)
        return 2 if unknown else 0
    chosen, skipped = [check for check in CHECKS if not names or check.name in names], list[Check]()
    if any(check.name in IN_A_BROWSER for check in chosen) and shutil.which("chromium") is None:
        print("The browser tests need Debian's chromium: apt-get install chromium fonts-noto-core", file=sys.stderr)
        if os.environ.get("CI"):
            return 1  # a run without them is not green
        skipped = [check for check in chosen if check.name in IN_A_BROWSER]
        chosen = [check for check in chosen if check not in skipped]
    began = time.monotonic()
    with _in_memory():
        results = _run_all(chosen, options)
    print()
    for check, done in results:
        said = f"{done.seconds:6.1f} s {done.worked:6.1f} s of work  {check.tells}"
        print(f"{'FAILED' if done.failed else 'ok    '} {check.name:<12} {said}")
    for check in skipped:
        print(f"SKIPPED {check.name:<12} there is no browser here  {check.tells}")
    worked = sum(done.worked for _, done in results)
    print(f"{'':<19} {time.monotonic() - began:6.1f} s {worked:6.1f} s of work  on {os.cpu_count()} processors")
    return 1 if any(done.failed for _, done in results) else 0


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    if "--" in arguments:
        cut = list(arguments).index("--")
        return list(arguments[:cut]), list(arguments[cut + 1 :])
    return list(arguments), []


@contextlib.contextmanager
def _in_memory() -> Iterator[None]:
    """Let the checks keep their databases in memory where there is room for it: a tenth of their time is the disk.

    What they show does not hang on it: processes are killed there, never the machine.
    """
    if (
        "TMPDIR" in os.environ
        or not MEMORY.is_dir()
        or min(_free_memory(), shutil.disk_usage(MEMORY).free) < ROOM_BYTES
    ):
        yield
        return
    with tempfile.TemporaryDirectory(prefix="waymark-test-", dir=MEMORY, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # PostgreSQL does not run as root, and has its own folder in there
        os.environ["TMPDIR"] = folder
        try:
            yield
        finally:
            del os.environ["TMPDIR"]


def _free_memory() -> int:
    """What programs may still take, in bytes: free, or given back by the cache. (proc(5))"""
    for line in Path("/proc/meminfo").read_text().splitlines():
        name, _, kibibytes = line.partition(":")
        if name == "MemAvailable":
            return int(kibibytes.split()[0]) * 1024
    return 0


@dataclass(frozen=True)
class Done:
    """How a check ended. `worked` is processor time of everything it started, in seconds."""

    failed: bool
    seconds: float
    worked: float


def _run_all(chosen: Sequence[Check], options: Sequence[str]) -> list[tuple[Check, Done]]:
    """What a check says is shown when it ends, whole; one alone speaks for itself."""
    if len(chosen) == 1:
        return [(chosen[0], _run(chosen[0], options, None))]
    done: dict[str, Done] = {}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as hands:
        said = {check.name: Path(folder) / check.name for check in chosen}
        waited_for = {hands.submit(_run, check, options, said[check.name]): check for check in chosen}
        while waited_for:
            ended, _ = wait(waited_for, timeout=A_WHILE_SECONDS, return_when=FIRST_COMPLETED)
            if not ended:
                print(f"… still at work: {', '.join(c.name for f, c in waited_for.items() if f.running())}", flush=True)
            for future in ended:
                check = waited_for.pop(future)
                done[check.name] = future.result()
                print(f"\n[{len(done)}/{len(chosen)}] {check.name}: {check.tells}", flush=True)
                print(said[check.name].read_text(encoding="utf-8", errors="replace"), end="", flush=True)
    return [(check, done[check.name]) for check in chosen]


def _run(check: Check, options: Sequence[str], said: Path | None) -> Done:
    """Run one check to its end. Everything it says goes to the file `said`, or to our own output."""
    command = [*check.command, *(options if check.takes_pytest_options else ())]
    print(f"{check.name} begins: {check.tells}", flush=True)
    began = time.monotonic()
    with said.open("wb") if said else contextlib.nullcontext() as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "OMP_WAIT_POLICY": "passive"},
            stdout=output,
            stderr=subprocess.STDOUT if output else None,
        )
        too_long = threading.Timer(LONGEST_CHECK_SECONDS, _stop, (process, check))
        too_long.start()
        _, status, used = os.wait4(process.pid, 0)  # the only way to learn what one child of several has used
        too_long.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return Done(process.returncode != 0, time.monotonic() - began, used.ru_utime + used.ru_stime)


def _stop(process: subprocess.Popen[bytes], check: Check) -> None:
    print(f"{check.name} did not end within {LONGEST_CHECK_SECONDS} s and was stopped", file=sys.stderr, flush=True)
    process.kill()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
