"""The two servers of the comparison with Rasa, each a process of its own: a real Rasa with our dialogues, and ours."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from pathlib import Path

import aiohttp
from msgspec import Struct

from bot.app import DIALOGUES
from bot.foreground import CannotDo
from dialogues.understanding.model import LANGUAGES

VARIABLE = "WAYMARK_RASA"
HOW = (
    "Make one with `python3.10 -m venv FOLDER` and `FOLDER/bin/pip install rasa==3.6.21`, and measure again with "
    f"{VARIABLE}=FOLDER ./waymark bench turn"
)
#: What a message costs depends neither on how many examples were learnt nor on how often; whether it is understood
#: does. Of each intent in each language so many, so often: all of them a hundred times would take a day on two cores.
EXAMPLES, EPOCHS = 8, 10
START_SECONDS = 300.0
STOP_SECONDS = 10.0
_VERSION = "from importlib.metadata import version; print(version('rasa'))"
#: A process that ends with us whatever ends us: the pipe it was given closes, and its whole group is told to stop.
_GUARD = 'exec 3<&0; { read -r _ <&3; kill -TERM -$$; } & exec "$@" 3<&- </dev/null'


class Rasa(Struct, frozen=True):
    """An environment with a real Rasa 3.6."""

    python: Path
    version: str


def find_rasa(environ: Mapping[str, str]) -> Rasa | None:
    """The Rasa that WAYMARK_RASA names; None where it names none. Raises CannotDo where that is no Rasa 3.6."""
    named = environ.get(VARIABLE, "").strip()
    if not named:
        return None
    python = Path(named).expanduser() / "bin" / "python"
    if not python.is_file():
        raise CannotDo(f"{VARIABLE} names {named}, and that is no virtual environment: {python} is missing. {HOW}")
    try:
        asked = subprocess.run([python, "-c", _VERSION], capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotDo(f"{VARIABLE} names {named}, whose Python does not run ({error}). {HOW}") from error
    version = asked.stdout.strip()
    if not version.startswith("3.6."):
        has = f"Rasa {version}, not 3.6" if version else "no Rasa"
        raise CannotDo(f"{VARIABLE} names {named}, which has {has}. {HOW}")
    return Rasa(python, version)


class Server(Struct, frozen=True):
    """One that answers Rasa's REST channel, and the processes that work for it."""

    port: int
    pids: tuple[int, ...]

    def cpu_seconds(self) -> float:
        """The processor time that its processes have taken so far, from Linux."""
        stats = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self.pids]
        return sum(int(stat[11]) + int(stat[12]) for stat in stats) / os.sysconf("SC_CLK_TCK")


async def train(rasa: Rasa, folder: Path) -> Path:
    """A model of our dialogues, trained now unless `folder` holds one of exactly these files. Returns the model.

    Rules, forms, slots and responses are whole. Of the examples some are learnt, in the four languages we speak, and
    DIET goes through them few times. Raises CannotDo where Rasa could not.
    """
    project = _project()
    home = folder / _digest(rasa, project)
    model = home / "models" / "waymark.tar.gz"
    if model.is_file():
        return model
    await asyncio.to_thread(_lay_down, project, home)
    print(f"Rasa {rasa.version} learns our dialogues, once. That takes some minutes.", file=sys.stderr, flush=True)
    command = [str(rasa.python), "-m", "rasa", "train", "--domain", "domain", "--config", "config.yml"]
    command += ["--data", "nlu", "rules", "stories", "--out", "models", "--fixed-model-name", "waymark"]
    with (home / "train.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", _GUARD, "sh", *command, cwd=home, env=_environment(home), stdin=asyncio.subprocess.PIPE,
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            await process.wait()
        finally:
            await _end(process)
    if not model.is_file():
        raise CannotDo(f"Rasa could not learn our dialogues. What it says stands in {home / 'train.log'}")
    return model


def _project() -> dict[str, bytes]:
    """The files a Rasa learns from, by their path inside the project."""
    others = {path.suffixes[0] for path in DIALOGUES.glob("nlu/*.*.yml")} - {f".{language}" for language in LANGUAGES}
    paths = [path for room in ("domain", "nlu", "rules", "stories") for path in sorted(DIALOGUES.glob(f"{room}/*.yml"))]
    files = {str(path.relative_to(DIALOGUES)): _thinned(path) for path in paths if path.suffixes[0] not in others}
    config = (DIALOGUES / "config.yml").read_text("utf-8")
    return {**files, "config.yml": re.sub(r"epochs: \d+", f"epochs: {EPOCHS}", config).encode()}


def _thinned(path: Path) -> bytes:
    """A file, with some of the examples of each intent only."""
    content = path.read_text("utf-8")
    if "\nnlu:" not in content:
        return content.encode()
    kept: list[str] = []
    seen: Counter[str] = Counter()
    for block in re.split(r"^(?=- )", content, flags=re.MULTILINE):
        head, *lines = block.splitlines()
        named = head.strip()
        examples = [line for line in lines if line.lstrip().startswith("- ")]
        if named.startswith("- intent:"):
            examples = examples[: max(0, EXAMPLES - seen[named])]
            seen[named] += len(examples)
            if not examples:
                continue
            lines = ["  examples: |", *examples]
        kept += [head, *lines]
    return "\n".join([*kept, ""]).encode()


def _digest(rasa: Rasa, project: Mapping[str, bytes]) -> str:
    digest = blake2b(rasa.version.encode(), digest_size=8)
    for name, content in sorted(project.items()):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _lay_down(project: Mapping[str, bytes], home: Path) -> None:
    shutil.rmtree(home, ignore_errors=True)  # of a training that was cut short
    for name, content in project.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _environment(home: Path) -> dict[str, str]:
    """Rasa's own: without our paths, and telling nobody that it runs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "RASA"))}
    quiet = {"RASA_TELEMETRY_ENABLED": "false", "TF_CPP_MIN_LOG_LEVEL": "3", "SQLALCHEMY_SILENCE_UBER_WARNING": "1"}
    return {**kept, **quiet, "RASA_CACHE_DIRECTORY": str(home / "cache")}


@asynccontextmanager
async def our_server(folder: Path) -> AsyncIterator[Server]:
    """`python -m dialogues serve` on a port of its own, until left. Its words and actions are Rasa's as well."""
    port = free_port()
    command = [sys.executable, "-m", "dialogues", "serve", "--project", str(DIALOGUES), "--port", str(port)]
    async with _serving(command, port, cwd=DIALOGUES.parent, env=dict(os.environ), log=folder / "ours.log") as pid:
        yield Server(port, (pid,))


@asynccontextmanager
async def rasa_server(rasa: Rasa, model: Path, ours: Server) -> AsyncIterator[Server]:
    """Rasa on a port of its own, until left. `ours` says its words and runs its actions."""
    port, home = free_port(), model.parent.parent
    endpoints = f"nlg: {{url: 'http://127.0.0.1:{ours.port}/nlg'}}\n"
    endpoints += f"action_endpoint: {{url: 'http://127.0.0.1:{ours.port}/webhook'}}\n"
    await asyncio.to_thread((home / "endpoints.yml").write_text, endpoints)
    await asyncio.to_thread((home / "credentials.yml").write_text, "rest:\n")
    command = [str(rasa.python), "-m", "rasa", "run", "--model", str(model), "--endpoints", "endpoints.yml"]
    command += ["--credentials", "credentials.yml", "--interface", "127.0.0.1", "--port", str(port)]
    async with _serving(command, port, cwd=home, env=_environment(home), log=home / "rasa.log") as pid:
        yield Server(port, (pid, *ours.pids))


@asynccontextmanager
async def _serving(
    command: Sequence[str], port: int, *, cwd: Path, env: Mapping[str, str], log: Path
) -> AsyncIterator[int]:
    """A process, once it serves. Its id."""
    with log.open("wb") as written:
        process = await asyncio.create_subprocess_exec(
            "sh", "-c", _GUARD, "sh", *command, cwd=cwd, env=env, stdin=asyncio.subprocess.PIPE,
            stdout=written, stderr=written, start_new_session=True,
        )  # fmt: skip
        try:
            await _until_it_serves(process, port, log)
            yield process.pid
        finally:
            await _end(process)


async def _until_it_serves(process: asyncio.subprocess.Process, port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    async with aiohttp.ClientSession() as session:
        while process.returncode is None and time.monotonic() < deadline:
            with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                async with session.get(f"http://127.0.0.1:{port}/webhooks/rest/") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.2)
    raise CannotDo(f"a server of the comparison did not start. What it says stands in {log}")


async def _end(process: asyncio.subprocess.Process) -> None:
    """Stop a process and whatever it has started, and wait until it is gone."""
    for how in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, how)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await process.wait()
                break
    if process.stdin is not None:
        process.stdin.close()


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
