"""The real program as a process, for tests that need nothing less: `python -m bot up` in a folder of its own."""

from __future__ import annotations

import contextlib
import os
import random
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 120  # the first run ever also learns to understand
STOP_SECONDS = 40
#: Those that ran during the test that runs now: where it fails, what they logged is shown.
HEARD: list[Program] = []


def free_port() -> int:
    """A port that a program can come back to after it was killed: below those the system lends to connections that go
    out, for one of these may have taken it meanwhile."""
    while True:
        port = random.SystemRandom().randrange(10_081, 32_000)  # no browser opens 10080, nor many below it
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Program:
    """One server. `start` returns when it has greeted; `ready` when it reads messages."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.settings = {
            "WAYMARK_DATA_DIR": str(folder / "data"),
            "WAYMARK_PORT": str(self.port),
            "WAYMARK_PUBLIC_URL": self.url,
            "WAYMARK_LOG_FORMAT": "json",
            **{f"WAYMARK_{name.upper()}": value for name, value in settings.items()},
        }
        self.said = ""
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another command over the same installation."""
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            cwd=ROOT,
            env=self.environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=START_SECONDS,
        )

    def environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
        return {**inherited, "OMP_WAIT_POLICY": "passive", **self.settings}

    def start(self) -> Program:
        """Raises AssertionError with what it said if it ends instead of serving."""
        if self not in HEARD:
            HEARD.append(self)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bot", "up"],
            cwd=ROOT,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=self.log.open("ab"),
        )
        try:
            self.said = self._listen_until("Stop with Ctrl-C")
        except BaseException:
            self.stop(signal.SIGKILL)
            raise
        return self

    def _listen_until(self, words: str) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        deadline, said = time.monotonic() + START_SECONDS, ""
        while words not in said:
            left = deadline - time.monotonic()
            assert left > 0, f"not serving after {START_SECONDS} s:\n{said}\n{self.log_tail()}"
            if select.select([self._process.stdout], [], [], min(left, 1.0))[0]:
                heard = os.read(self._process.stdout.fileno(), 65536).decode()
                said += heard
                assert heard or words in said, f"it ended:\n{said}\n{self.log_tail()}"
        return said

    @property
    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def log_tail(self) -> str:
        return self.log.read_text()[-3000:] if self.log.exists() else ""

    def ready(self) -> Program:
        """Wait until every part says that it works."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return self
            except (urllib.error.URLError, OSError):
                pass
            select.select([], [], [], 0.2)
        raise AssertionError(f"not ready:\n{self.log_tail()}")

    def sign_in_link(self, who: str) -> str:
        """The one-time link that was printed for "the officer" or "the admin"."""
        found = re.search(rf"as {who}\s+(\S+)", self.said)
        assert found is not None, self.said
        return found[1]

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and return its exit code (negative: the signal that ended it)."""
        if self._process is None:
            return 0
        self._process.send_signal(how)
        code = self._process.wait(STOP_SECONDS)
        self._process = None
        return code

    def __enter__(self) -> Program:
        return self.start()

    def __exit__(self, *_error: object) -> None:
        if self.runs:
            self.stop()
