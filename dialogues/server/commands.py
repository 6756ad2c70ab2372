"""What Rasa users expect of `rasa shell`, `rasa data validate`, `rasa test`, `rasa train` and `rasa run`."""

from __future__ import annotations

import asyncio
import logging
import sys
import time
from pathlib import Path

from aiohttp import web

from dialogues.runtime.check import warnings
from dialogues.runtime.files import Problem, ProjectWrong
from dialogues.runtime.manners import AS_RASA, EXACTLY_AS_RASA
from dialogues.server.host import Host
from dialogues.server.http import make_app
from dialogues.server.rehearsal import as_failed, read_test_stories, rehearse
from dialogues.understanding.embedder import open_embedder


def load(root: Path, *, actions: str | None = None, backend: str = "auto", exact: bool = False) -> Host:
    """A project, ready to be played. Raises ProjectWrong."""
    # it tells at every turn which slots have no validator, in the middle of a shell's conversation
    logging.getLogger("rasa_sdk.forms").setLevel(logging.ERROR)
    manners = EXACTLY_AS_RASA if exact else AS_RASA
    return Host.load(root, action_url=actions, open_embedder=lambda: open_embedder(backend), manners=manners)


def serve(host: Host, address: str, port: int) -> int:
    """Serve until interrupted."""
    for doubt in host.doubts():
        print(f"note: {doubt}", file=sys.stderr)

    def listening(_: str) -> None:
        print(f"http://{address}:{port}/webhooks/rest/webhook", flush=True)

    try:
        web.run_app(make_app(host), host=address, port=port, print=listening)
    except OSError as error:
        print(f"cannot listen on {address}:{port}: {error.strerror or error}; try another --port", file=sys.stderr)
        return 1
    return 0


def shell(host: Host, *, slots: bool = False) -> int:
    """Talk in this terminal. A number presses a button. `slots`: tell what is remembered after each message."""

    print("Write to it. A number presses a button, /stop ends.", file=sys.stderr)

    async def talk() -> int:
        taps: list[str] = []
        while True:
            try:
                text = (await asyncio.to_thread(input, "> ")).strip()
            except (EOFError, KeyboardInterrupt):
                print()
                return 0
            if text in ("/stop", "/exit"):
                return 0
            if text.isdigit() and 0 < int(text) <= len(taps):
                text = taps[int(text) - 1]
            said = await host.hear("shell", text)
            taps = [str(button.get("payload")) for message in said for button in message.get("buttons", ())]
            number = 0
            for message in said:
                for key in ("text", "image", "attachment", "custom"):
                    if message.get(key) is not None:
                        print(message[key])
                for button in message.get("buttons", ()):
                    number += 1
                    print(f"  {number} {button.get('title')}  ({button.get('payload')})")
            if slots:
                print(f"    {await _remembered(host)}")

    return asyncio.run(talk())


async def _remembered(host: Host) -> str:
    state = await host.tracker("shell")
    held = {name: value for name, value in state["slots"].items() if value is not None}
    loop = state["active_loop"].get("name")
    return f"{held} in {loop}" if loop else str(held)


def validate(root: Path) -> int:
    """Every problem and every doubt, with file and line. 1 when it cannot be played."""
    try:
        host = load(root, backend="ngrams")
    except ProjectWrong as error:
        print(error, file=sys.stderr)
        return 1
    project = host.engine.project
    for told in dict.fromkeys([*host.doubts(), *(str(problem) for problem in warnings(project))]):
        print(f"note: {told}")
    domain = project.domain
    counted = (
        counting(len(project.rules.rules), "rule"),
        counting(len(project.stories), "story", "stories"),
        counting(len(domain.forms), "form"),
        counting(len(domain.slots), "slot"),
        counting(len(domain.responses), "response"),
        counting(len(domain.declared_intents), "intent"),
    )
    print(", ".join(counted))
    return 0


def counting(number: int, one: str, many: str = "") -> str:
    """A number and what it counts: `1 rule`, `2 rules`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def test(root: Path, backend: str) -> int:
    """Play the project's test stories, actions and all. 1 when one does not go as written."""
    try:
        host = load(root, backend=backend)
        stories = read_test_stories(root)
    except ProjectWrong as error:
        print(error, file=sys.stderr)
        return 1
    if not stories:
        print("no test stories: they are looked for in tests/ and test_*.yml", file=sys.stderr)
        return 1

    async def play() -> int:
        wrong, failed = 0, []
        for story in stories:
            problems = await rehearse(story, replace_host(host))
            failed += problems
            wrong += bool(problems)
            print(f"{'FAILED' if problems else 'ok    '} {story.name}")
            for problem in problems:
                print(f"       {problem}")
        print(f"{counting(len(stories), 'story', 'stories')}, {wrong} not as written")
        _keep_failed(root, failed)
        return 1 if wrong else 0

    return asyncio.run(play())


def _keep_failed(root: Path, problems: list[Problem]) -> None:
    """Where Rasa writes them too; one of an earlier time would tell of what is mended."""
    path = root / "results" / "failed_test_stories.yml"
    try:
        if not problems:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(exist_ok=True)
        path.write_text(as_failed(root, problems), encoding="utf-8")
        print(f"written to {path}")
    except OSError as error:
        print(f"{path} cannot be written: {error.strerror}", file=sys.stderr)


def replace_host(host: Host) -> Host:
    """The same project with nobody talking to it yet."""
    return Host(host.engine, host.recognizer)


def train(root: Path, backend: str) -> int:
    """Learn from the examples, and tell how well they are told apart by what was learnt from the others."""
    from dialogues.server.recognition import Likeness, learns_intents
    from dialogues.server.training_data import read_training_data

    started = time.monotonic()
    try:
        data = read_training_data(root)
        host = load(root, backend=backend)
    except ProjectWrong as error:
        print(error, file=sys.stderr)
        return 1
    number = len(data.examples)
    told = f"{counting(number, 'example')} of {counting(len({e.intent for e in data.examples}), 'intent')}"
    if not learns_intents(host.engine.project.config):
        print(f"{told}; nothing is learnt from them: the pipeline in config.yml goes by words and patterns")
        return 0
    embedder = open_embedder(backend)
    right, folds = 0, 4
    confused: dict[tuple[str, str], int] = {}
    for fold in range(folds):
        known = [(e.text, e.intent) for i, e in enumerate(data.examples) if i % folds != fold]
        likeness = Likeness(known, embedder)
        for example in data.examples[fold::folds]:
            ranking = likeness.rank(example.text)
            guess = ranking[0][0] if ranking else ""
            right += guess == example.intent
            if guess != example.intent:
                pair = (example.intent, guess)
                confused[pair] = confused.get(pair, 0) + 1
    print(f"{told}, {time.monotonic() - started:.1f} s")
    if number:
        print(f"left out and recognised: {right / number:.3f}")
    for (intent, guess), times in sorted(confused.items(), key=lambda item: -item[1])[:20]:
        print(f"  {times} of {intent} taken for {guess or 'nothing'}")
    return 0
