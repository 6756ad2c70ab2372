"""`./waymark test`: every check, two at a time, each with its name, its time and its result.

Tests that need the same things around them share one run of pytest: a worker that reads all tests takes ten seconds.

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
from collections.abc import Collection, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
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
    #: What must have ended before, where it runs at all.
    after: tuple[str, ...] = ()


@dataclass(frozen=True)
class Tests(Check):
    """A step that is tests: its command is how pytest runs, and these are the folders and files it is given.

    Those with one command run together.
    """

    folders: tuple[str, ...] = ()
    after: tuple[str, ...] = ("learning", "reading")


def _pytest(*options: str) -> tuple[str, ...]:
    return (PYTHON, "-m", "pytest", *options)


def _marked(mark: str, folder: str) -> Iterator[str]:
    """The files of a folder where something bears a mark: reading all the others takes longer than most tests."""
    for file in sorted((ROOT / folder).rglob("test_*.py")):
        if f"pytest.mark.{mark}" in file.read_text(encoding="utf-8"):
            yield str(file.relative_to(ROOT))


IN_PROCESS = _pytest("-n", "3", "-m", "not faults")
#: A file a worker, the first first: xdist would begin with those of many tests, and end with the longest one, alone.
WITH_CHROMIUM = _pytest("-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
WITH_KILLS = _pytest("-n", "2", "-m", "faults")

#: Learning keeps one processor busy for a minute, and those beside it need nothing that was learnt. Then what takes
#: longest: where a check waits for a browser or for a killed process, the one beside it works.
CHECKS = (
    Check("learning", "what messages mean is learnt", (str(ROOT / "waymark"), "learn")),
    Check("lint", "ruff finds nothing to correct", (str(BIN / "ruff"), "check", ".")),
    Check("format", "every file is laid out the same way", (str(BIN / "ruff"), "format", "--check", ".")),
    Check("imports", "the floors stand on one another", (str(BIN / "lint-imports"), "--no-cache")),
    # In a fresh installation thousands of files are compiled by this: once, and not by each worker beside the others.
    Check("reading", "every test can be read", _pytest("--collect-only", "-qq", "tests")),
    Check("types", "mypy --strict agrees", (str(BIN / "mypy"),)),
    Tests("unit", "the rules hold", IN_PROCESS, folders=("tests/unit",)),
    Tests("dialogues", "the talks go as written", IN_PROCESS, folders=("tests/dialogues",)),
    Tests("integration", "they hold on SQLite and PostgreSQL", IN_PROCESS, folders=("tests/integration",)),
    Tests("browser", "people can use it", WITH_CHROMIUM, folders=("tests/browser",)),
    Tests("journeys", "people are helped, over every channel", WITH_CHROMIUM, folders=("tests/journeys",)),
    Tests(
        "faults",
        "nothing is lost when processes are killed",
        WITH_KILLS,
        folders=("tests/faults", *_marked("faults", "tests/integration")),
    ),
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
    chosen, skipped = _chosen(names), list[Check]()
    if any(check.name in IN_A_BROWSER for check in chosen) and shutil.which("chromium") is None:
        print("The browser tests need Debian's chromium: apt-get install chromium fonts-noto-core", file=sys.stderr)
        if os.environ.get("CI"):
            return 1  # a run without them is not green
        skipped = [check for check in chosen if check.name in IN_A_BROWSER]
        chosen = [check for check in chosen if check not in skipped]
    began = time.monotonic()
    with _in_memory():
        results = _run_all(_joined(chosen, options))
    print()
    width = max(len(check.name) for check in [*chosen, *(check for check, _ in results)])
    for check, done in results:
        said = f"{done.seconds:6.1f} s {done.worked:6.1f} s of work  {check.tells}"
        print(f"{'FAILED' if done.failed else 'ok    '} {check.name:<{width}} {said}")
    for check in skipped:
        print(f"SKIPPED {check.name} there is no browser here  {check.tells}")
    worked = sum(done.worked for _, done in results)
    took = f"{time.monotonic() - began:6.1f} s {worked:6.1f} s of work"
    print(f"{'':<{width + 7}} {took}  on {os.cpu_count()} processors")
    return 1 if any(done.failed for _, done in results) else 0


def _chosen(names: Sequence[str]) -> list[Check]:
    """Those that are named, or all; with what must come before them."""
    chosen = [check for check in CHECKS if not names or check.name in names]
    learns = any("learning" in check.after for check in chosen)
    return [check for check in CHECKS if check in chosen or (learns and check.name == "learning")]


def _joined(chosen: Sequence[Check], options: Sequence[str]) -> list[Check]:
    """Tests that run alike as one check, each with its folders; `options` are pytest's."""
    joined: dict[tuple[str, ...], Check] = {}
    for check in chosen:
        if not isinstance(check, Tests):
            joined[check.command] = check
            continue
        command = check.command
        before = joined.get(command)
        if before is None:
            joined[command] = replace(check, command=(*command, *check.folders, *options))
        else:
            told = f"{before.tells}; {check.tells}"
            both = (*before.command, *check.folders)
            joined[command] = replace(before, name=f"{before.name}+{check.name}", tells=told, command=both)
    return list(joined.values())


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


def _run_all(checks: Sequence[Check]) -> list[tuple[Check, Done]]:
    """What a check says is shown when it ends, whole; the tests one asked for alone speak for themselves."""
    if sum(check.name != "learning" for check in checks) == 1:
        return [(check, _run(check, None)) for check in checks]
    done: dict[str, Done] = {}
    waiting = list(checks)
    names = {check.name for check in checks}
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as hands:
        said = {check.name: Path(folder) / check.name for check in checks}
        running: dict[Future[Done], Check] = {}
        while waiting or running:
            while len(running) < AT_ONCE and (check := _next(waiting, names - done.keys())):
                waiting.remove(check)
                running[hands.submit(_run, check, said[check.name])] = check
            ended, _ = wait(running, timeout=A_WHILE_SECONDS, return_when=FIRST_COMPLETED)
            if not ended:
                print(f"… still at work: {', '.join(check.name for check in running.values())}", flush=True)
            for future in ended:
                check = running.pop(future)
                done[check.name] = future.result()
                print(f"\n[{len(done)}/{len(checks)}] {check.name}: {check.tells}", flush=True)
                print(said[check.name].read_text(encoding="utf-8", errors="replace"), end="", flush=True)
    return [(check, done[check.name]) for check in checks]


def _next(waiting: Sequence[Check], to_come: Collection[str]) -> Check | None:
    """The first that has not to wait for another."""
    return next((check for check in waiting if not set(check.after) & set(to_come)), None)


def _run(check: Check, said: Path | None) -> Done:
    """Run one check to its end. Everything it says goes to the file `said`, or to our own output."""
    print(f"{check.name} begins: {check.tells}", flush=True)
    began = time.monotonic()
    with said.open("wb") if said else contextlib.nullcontext() as output:
        process = subprocess.Popen(
            check.command,
            cwd=ROOT,
            env={**os.environ, "OMP_WAIT_POLICY": "passive", "WAYMARK_VENV": sys.prefix},
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
