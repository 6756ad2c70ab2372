"""`python -m dialogues`: talk with the dialogues, check them, play the talks. Nothing else is needed, no bot.

python -m dialogues shell [--language fr] [--slots]    write to it; a number taps a button
python -m dialogues validate                           every problem with its file and line
python -m dialogues test [FOLDER]                      play the talks
python -m dialogues train [--cache FOLDER]             learn from nlu/ and safety/ now
python -m dialogues adapt                              teach the embedder our field anew, which is seldom needed
python -m dialogues serve [--port 5005]                answer Rasa's REST channel

With the folder of any Rasa 3.1 project (`--project DIR`, or only `DIR`) each does the same for that: what `rasa shell`,
`rasa data validate`, `rasa test`, `rasa train` and `rasa run` do.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dialogues.understanding import learnt_folder

if TYPE_CHECKING:
    from dialogues.actions.ports import Services
    from dialogues.runtime.engine import Engine
    from dialogues.runtime.model import Turn
    from dialogues.server.host import Host
    from dialogues.talks import Read
    from dialogues.understanding.reading import Understanding

PROJECT = Path(__file__).resolve().parent
ROOT = PROJECT.parent


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    if options.project is None and options.run is not _test:
        options.project = options.folder
    try:
        return int(options.run(options))
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m dialogues", description="The dialogues of Waymark, by themselves.")
    parser.add_argument(
        "--cache", type=Path, default=learnt_folder(ROOT / "var" / "understanding"), help="where what is learnt is kept"
    )
    parser.add_argument(
        "--backend",
        default="auto",
        choices=("auto", "embedder", "ngrams"),
        help="what sentences are compared by: their meaning (embedder), their letters (ngrams), or whichever there is",
    )
    commands = parser.add_subparsers(required=True)
    shell = _command(commands, "shell", "write to it; a number presses a button, /stop ends", _shell)
    shell.add_argument("--language", default="en", help="what Waymark's own dialogues begin in, en unless given")
    shell.add_argument("--slots", action="store_true", help="show what it remembers after each message")
    _command(commands, "validate", "check the files: every problem with file and line", _validate)
    _command(commands, "test", "play the talks; of a project, its test stories with their actions", _test)
    train = _command(commands, "train", "learn from the examples; of a project, tell what is confused", _train)
    train.add_argument("--ship", action="store_true", help="keep the vectors with the code: nobody else computes them")
    adapt = commands.add_parser("adapt", help="teach the embedder our field anew; seldom needed", description=_ADAPT)
    adapt.set_defaults(run=_adapt, project=PROJECT)
    serve = _command(commands, "serve", "answer Rasa's REST channel, POST /webhooks/rest/webhook, and its API", _serve)
    serve.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    serve.add_argument("-p", "--port", type=_port, default=5005, help="the port, 5005 unless given")
    serve.add_argument("--exact", action="store_true", help="follow Rasa into its silences too, to compare with it")
    for command in (shell, serve):
        command.add_argument(
            "--actions", metavar="URL", type=_address, help="an action server, instead of the project's own actions"
        )
    return parser


_ADAPT = (
    "Teach the embedder our field anew, from nlu/ and safety/: about half an hour on two cores. It is seldom needed: "
    "new sentences are learnt without it. Afterwards all vectors are others: delete those in "
    "dialogues/understanding/vectors, run `train --ship`, and commit all of it."
)


def _command(commands: Any, name: str, does: str, run: Callable[[argparse.Namespace], int]) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=does, description=does[0].upper() + does[1:] + ".")
    parser.add_argument("--project", type=Path, help="any Rasa 3.1 project, instead of Waymark's own")
    of_talks = ", or a folder of talks of ours" if run is _test else ""
    parser.add_argument("folder", type=Path, nargs="?", help=f"the same as --project{of_talks}")
    parser.set_defaults(run=run)
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or not 0 <= int(text) <= 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: a number up to 65535")
    return int(text)


def _address(text: str) -> str:
    if not text.startswith(("http://", "https://")):
        raise argparse.ArgumentTypeError(f"{text!r} is no address: write http://localhost:5055/webhook")
    return text


def _elsewhere(project: Path | None) -> bool:
    """Whether another project than our own is meant."""
    return project is not None and project.resolve() != PROJECT


def _engine(services: Services) -> Engine:
    from dialogues.actions import build_actions
    from dialogues.knowledge import Procedures
    from dialogues.runtime.catalogue import read_catalogues, translator
    from dialogues.runtime.engine import Engine

    translate = translator(read_catalogues(ROOT / "locales"))
    procedures = Procedures.load_shipped()
    return Engine.load(PROJECT, actions=build_actions(services, procedures, translate), translate=translate)


def _understanding(options: argparse.Namespace) -> Understanding:
    from dialogues.understanding.reading import Understanding

    return Understanding.load(PROJECT, options.cache, options.backend)


def _read(options: argparse.Namespace) -> Read:
    understanding = _understanding(options)
    return lambda text, language: understanding.read(text, language=language)


def _validate(options: argparse.Namespace) -> int:
    if _elsewhere(root := options.project or PROJECT):
        from dialogues.server import commands

        return commands.validate(root)
    from dialogues.actions import ACTION_NAMES
    from dialogues.runtime.catalogue import read_catalogues, sentences
    from dialogues.runtime.check import warnings
    from dialogues.runtime.files import ProjectWrong
    from dialogues.runtime.project import load_project

    try:
        project = load_project(root)
    except ProjectWrong as error:
        print(error, file=sys.stderr)
        return 1
    problems: list[str] = []
    problems += [f"no code for `{name}`" for name in sorted(project.domain.actions - set(ACTION_NAMES))]
    spoken_words = dict(sentences(project.domain))
    for language, known in read_catalogues(ROOT / "locales").items():
        lacking = [(response, words) for words, response in spoken_words.items() if words not in known]
        problems += [f"`{response}` is not translated into {language}: {words!r}" for response, words in lacking]
    for problem in problems:
        print(problem, file=sys.stderr)
    for warning in warnings(project):
        print(f"note: {warning}")
    domain = project.domain
    print(
        f"{len(project.rules.rules)} rules, {len(domain.forms)} forms, {len(domain.slots)} slots, "
        f"{len(domain.responses)} responses, {len(domain.declared_intents)} intents"
    )
    return 1 if problems else 0


def _test(options: argparse.Namespace) -> int:
    folder: Path = options.folder or ROOT / "tests" / "dialogues"
    is_project = any((folder / name).exists() for name in ("domain.yml", "domain.yaml", "domain"))
    root: Path | None = options.project or (folder if is_project else None)
    if root is not None and _elsewhere(root):
        from dialogues.server import commands

        return commands.test(root, options.backend)
    from dialogues.runtime.files import ProjectWrong
    from dialogues.talks import play, read_talks, read_world

    try:
        talks = read_talks(folder)
        if not talks:
            print(f"no talks in {folder}", file=sys.stderr)
            return 1
        engine = _engine(read_world(folder / "world.yml"))
        read = _read(options) if any(talk.needs_understanding for talk in talks) else None
    except ProjectWrong as error:
        print(error, file=sys.stderr)
        return 1

    async def all_talks() -> int:
        wrong = 0
        for talk in talks:
            problems = await play(talk, engine, read)
            wrong += bool(problems)
            print(f"{'FAILED' if problems else 'ok    '} {talk.name}")
            for problem in problems:
                print(f"       {problem}")
        print(f"{len(talks)} talks, {wrong} not as written")
        return 1 if wrong else 0

    return asyncio.run(all_talks())


def _train(options: argparse.Namespace) -> int:
    if _elsewhere(options.project):
        from dialogues.server import commands

        return commands.train(options.project, options.backend)
    from dialogues.understanding.embedder import open_embedder
    from dialogues.understanding.reading import Understanding
    from dialogues.understanding.towns import towns_index
    from dialogues.understanding.training import is_trained, prepare, ship

    towns_index()  # no person's message waits for it
    embedder = open_embedder(options.backend)
    if embedder is not None and not is_trained(PROJECT, options.cache, embedder):
        with _progress_bar("Reading the examples") as progress:
            prepare(PROJECT, options.cache, embedder, progress)
        with _time_running("Learning from them"):
            understanding = Understanding.load(PROJECT, options.cache, options.backend)
    else:
        understanding = Understanding.load(PROJECT, options.cache, options.backend)
    print(f"learnt with {understanding.backend}, kept in {options.cache}")
    if options.ship and embedder is not None:
        print(f"vectors to be committed: {ship(PROJECT, options.cache, embedder) / 1e6:.1f} MB")
    return 0


def _adapt(options: argparse.Namespace) -> int:
    try:
        from dialogues.understanding.adapting import adapt
    except ModuleNotFoundError as error:
        print(f"{error.name} is not installed: pip install --require-hashes -r deploy/adapting.lock", file=sys.stderr)
        return 1
    from dialogues.understanding.corpus import read_corpus

    adapt(read_corpus(PROJECT), _progress_bar, print).write()
    print("adapted. Now all vectors are others: delete dialogues/understanding/vectors, and run: train --ship")
    return 0


@contextmanager
def _progress_bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Called with how many of how many are done. Where nobody looks, in a log, nothing is drawn."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _time_running(what: str) -> Iterator[None]:
    """Shows that it goes on, where nobody can say how far it is."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        print(f"{what}…", flush=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        bar.add_task(what, total=None)
        yield


def _serve(options: argparse.Namespace) -> int:
    from dialogues.runtime.files import ProjectWrong
    from dialogues.server import commands

    try:
        if _elsewhere(options.project):
            host = commands.load(options.project, actions=options.actions, backend=options.backend, exact=options.exact)
        else:
            host = _own_host(options)
    except ProjectWrong as error:
        print(error, file=sys.stderr)
        return 1
    return commands.serve(host, options.host, options.port)


def _own_host(options: argparse.Namespace) -> Host:
    """Our own project, with the places and services of the talks, or with none."""
    from dialogues.actions.given import GivenServices
    from dialogues.server.host import Host
    from dialogues.server.own import OwnReading
    from dialogues.talks import read_world
    from dialogues.understanding.together import ReadTogether

    world = ROOT / "tests" / "dialogues" / "world.yml"
    engine = _engine(read_world(world) if world.exists() else GivenServices.nothing())
    return Host(engine, OwnReading(ReadTogether(_understanding(options))))


def _shell(options: argparse.Namespace) -> int:
    if _elsewhere(options.project):
        return _shell_elsewhere(options)
    from dialogues.actions.given import GivenServices
    from dialogues.context import in_context
    from dialogues.runtime.model import DialogueState
    from dialogues.runtime.payload import read_payload
    from dialogues.talks import message_of, read_world

    world = ROOT / "tests" / "dialogues" / "world.yml"
    engine = _engine(read_world(world) if world.exists() else GivenServices.nothing())
    read = _read(options)

    async def talk() -> int:
        state = DialogueState(slots={"language": options.language})
        taps: list[str] = []
        text = "/start"
        while True:
            if text.isdigit() and 0 < int(text) <= len(taps):
                text = taps[int(text) - 1]
            tapped = read_payload(text) if text.startswith("/") else None
            message = tapped or in_context(message_of(read(text, state.slots.get("language")), {}), state)
            if tapped is None:
                print(
                    f"    [{message.intent} {message.confidence:.2f} {[(e.name, e.value) for e in message.entities]}]"
                )
            turn = await engine.turn(state, message)
            state = turn.state
            taps = _show(turn)
            if options.slots:
                print(f"    {dict(state.slots)} {dict(state.active_loop)}")
            try:
                text = (await asyncio.to_thread(input, "> ")).strip() or "…"
            except (EOFError, KeyboardInterrupt):
                print()
                return 0

    return asyncio.run(talk())


def _shell_elsewhere(options: argparse.Namespace) -> int:
    from dialogues.runtime.files import ProjectWrong
    from dialogues.server import commands

    try:
        host = commands.load(options.project, actions=options.actions, backend=options.backend)
        return commands.shell(host, slots=options.slots)
    except ProjectWrong as error:
        print(error, file=sys.stderr)
        return 1


def _show(turn: Turn) -> list[str]:
    """Print what was said. Returns the payloads of the buttons, in the order of their numbers."""
    taps: list[str] = []
    for reply in turn.replies:
        if reply.text:
            print(f"\n{reply.text}")
        if reply.custom:
            print(f"    {dict(reply.custom)}")
        for choice in reply.choices:
            if choice.url:
                print(f"    {choice.title}: {choice.url}")
            else:
                taps.append(choice.payload)
                print(f"    {len(taps)} {choice.title}")
    return taps


if __name__ == "__main__":
    sys.exit(main())
