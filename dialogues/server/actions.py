"""A project's own custom actions: from its `actions` module in this process, or from an action server at a URL.

Whatever an action does, the turn goes on: where one raises, hangs or answers nonsense, the engine is told.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
import logging
import pkgutil
import sys
import threading
import traceback
from collections.abc import Callable, Container, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp

from dialogues.runtime.custom_actions import ActionFailed, ActionRejected, ActionResult
from dialogues.runtime.files import Problem, ProjectWrong

#: How long an action may take, in seconds. Rasa waits 300; nobody waits so long for an answer.
PATIENCE_S = 30.0
#: An action that has not begun for so long waits behind one that blocks.
STUCK_S = 1.0

log = logging.getLogger(__name__)


class _Worker:
    """A thread with an event loop for actions, so that one that blocks does not stop the server."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._run, name="actions", daemon=True).start()

    def _run(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def begin(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> tuple[Future[None], Future[Any]]:
        """Run this here. Until the first future is done it has not begun, and may be called off by cancelling that."""
        begun: Future[None] = Future()

        async def run() -> Any:
            if not begun.set_running_or_notify_cancel():
                return None
            begun.set_result(None)
            return await work()

        return begun, asyncio.run_coroutine_threadsafe(run(), self._loop)

    def retire(self) -> None:
        """Take on nothing more, and end when what runs here has ended: never, where it blocks for ever."""

        async def end() -> None:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            if left:
                await asyncio.wait(left)
            self._loop.stop()

        asyncio.run_coroutine_threadsafe(end(), self._loop)


class ProjectActions:
    """rasa-sdk actions of a project's `actions` module or package, in this process."""

    def __init__(self, root: Path, *, patience_s: float = PATIENCE_S) -> None:
        """Raises ProjectWrong when the module cannot be imported."""
        from rasa_sdk.executor import ActionExecutor

        self._root = root
        self._patience_s = patience_s
        self._executor = ActionExecutor()
        self._worker = _Worker()
        self._classes = _action_classes(root)
        problems: list[Problem] = []
        for action in self._classes:
            try:
                self._executor.register_action(action)
            except Exception as error:  # an action's own __init__ or name() may do anything
                problems.append(Problem(f"{action.__module__}.py", _line_of(action), f"{action.__name__}: {error}"))
        if problems:
            raise ProjectWrong(problems)
        self.names = frozenset(name for name in self._executor.actions if not name.startswith("rasa_sdk"))

    def doubts(self, called: Container[str]) -> Iterator[Problem]:
        """Classes of the project that are never called, such as do nothing, and files that are not loaded. `called` are
        the names that may be."""
        from rasa_sdk import Action

        yield from _not_loaded(self._root)

        for action in self._classes:
            place, name = (f"{action.__module__.replace('.', '/')}.py", _line_of(action)), action().name()
            if action.run is Action.run:
                yield Problem(*place, f"action `{name}` has no `run`: it does nothing", fatal=False)
            if name not in called:
                text = f"`{name}` is never called: it is not among the `actions` of the domain"
                yield Problem(*place, text, fatal=False)

    async def run(self, name: str, tracker: dict[str, Any], domain: Mapping[str, Any]) -> ActionResult:
        from rasa_sdk.interfaces import ActionExecutionRejection

        call = {
            "next_action": name,
            "sender_id": tracker["sender_id"],
            "tracker": tracker,
            "domain": domain,
            "version": "3.6.21",
        }
        try:
            result = await self._perform(partial(self._executor.run, call))
        except ActionExecutionRejection as error:
            raise ActionRejected(name) from error
        except TimeoutError as error:
            log.error("action %s did not answer within %s s", name, self._patience_s)
            raise ActionFailed(name) from error
        except Exception as error:
            raise ActionFailed(name) from error
        if result is None:
            raise ActionFailed(name) from TypeError("the action gave no result")
        return ActionResult(_plain(name, result.events), _plain(name, result.responses))

    async def _perform(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """Run it in the workers' thread; in another, where somebody else's action blocks that one."""
        while True:
            worker = self._worker
            begun, result = worker.begin(work)
            await asyncio.wait([asyncio.wrap_future(begun)], timeout=min(STUCK_S, self._patience_s / 4))
            if begun.done() or not begun.cancel():
                break
            self._replace(worker)
        try:
            async with asyncio.timeout(self._patience_s):
                return await asyncio.wrap_future(result)
        except TimeoutError:
            self._replace(worker)  # it may block the thread for ever
            raise

    def _replace(self, worker: _Worker) -> None:
        """The next action gets another thread. What others have begun in this one goes on."""
        if self._worker is worker:
            worker.retire()
            self._worker = _Worker()


def _plain(action: str, value: Any) -> list[dict[str, Any]]:
    """Through JSON, as over the wire: what an action keeps cannot change the conversation later."""
    try:
        found = json.loads(json.dumps(value if value is not None else [], default=str))
    except (TypeError, ValueError) as error:
        raise ActionFailed(action) from error
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise ActionFailed(action) from TypeError(f"{value!r} is not a list of events or messages")
    return found


def has_actions(root: Path) -> bool:
    return (root / "actions.py").is_file() or (root / "actions").is_dir()


def _not_loaded(root: Path) -> Iterator[Problem]:
    """Python files in folders below `actions/` that are no packages: rasa-sdk does not load these either."""
    actions = root / "actions"
    for path in sorted(actions.rglob("*.py")):
        folders = path.relative_to(actions).parents
        bare = [folder for folder in folders if folder != Path() and not (actions / folder / "__init__.py").exists()]
        if bare:
            text = f"this file is not loaded: `actions/{bare[-1]}` needs an `__init__.py`, an empty one will do"
            yield Problem(str(path.relative_to(root)), 1, text, fatal=False)


def _import_actions(root: Path) -> list[ModuleType]:
    """The `actions` module or package beside a project. Another project's is forgotten."""
    for name in [name for name in sys.modules if name == "actions" or name.startswith("actions.")]:
        del sys.modules[name]
    folder = str(root.resolve())
    others = [path for path in sys.path if path != folder]
    # a folder without `__init__.py` gives way to any module of its name, wherever that lies
    sys.path[:] = [folder, *(path for path in others if not _has_module(path))]
    importlib.invalidate_caches()
    try:
        package = importlib.import_module("actions")
        modules = [package]
        if hasattr(package, "__path__"):
            for found in pkgutil.walk_packages(package.__path__, "actions."):
                modules.append(importlib.import_module(found.name))
    except (Exception, SystemExit) as error:
        file, line = _place_of(error, folder)
        text = f"the actions cannot be loaded: {type(error).__name__}: {error}"
        raise ProjectWrong([Problem(file, line, text)]) from error
    finally:
        sys.path[:] = [folder, *others]
    return modules


def _has_module(path: str) -> bool:
    """Whether another `actions` can be imported from there."""
    return (Path(path) / "actions.py").is_file() or (Path(path) / "actions" / "__init__.py").is_file()


def _place_of(error: BaseException, folder: str) -> tuple[str, int]:
    """Where in the project an import failed."""
    if isinstance(error, SyntaxError) and error.filename:
        file, line = error.filename, error.lineno
    else:
        frames = [frame for frame in traceback.extract_tb(error.__traceback__) if folder in frame.filename]
        file, line = (frames[-1].filename, frames[-1].lineno) if frames else ("actions", 1)
    return str(Path(file).resolve()).removeprefix(folder).lstrip("/") if folder in file else "actions", line or 1


def _action_classes(root: Path) -> list[type[Any]]:
    """Every action the modules define or import, wherever its class was made: rasa-sdk registers them all."""
    from rasa_sdk import Action

    before = set(_subclasses(Action))
    modules = _import_actions(root)
    named = [member for module in modules for member in vars(module).values() if inspect.isclass(member)]
    made = [action for action in _subclasses(Action) if action not in before]
    found = dict.fromkeys([*(member for member in named if issubclass(member, Action)), *made])
    return [
        action
        for action in found
        if not action.__module__.startswith("rasa_sdk.") and not inspect.isabstract(action) and not _nameless(action)
    ]


def _subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    for below in kind.__subclasses__():
        yield below
        yield from _subclasses(below)


def _nameless(action: type[Any]) -> bool:
    """Whether a class is only a base of others: it says no name."""
    try:
        return not isinstance(action().name(), str)
    except NotImplementedError:
        return True
    except Exception:
        return False


def _line_of(action: type[Any]) -> int:
    try:
        return inspect.getsourcelines(action)[1]
    except (OSError, TypeError):
        return 1


class ActionServer:
    """Actions behind Rasa's action protocol. `names` are those of the domain: a server need not list its own."""

    def __init__(self, url: str, names: frozenset[str], *, patience_s: float = PATIENCE_S) -> None:
        self.names = names
        self._url = url
        self._patience = aiohttp.ClientTimeout(total=patience_s)

    async def run(self, name: str, tracker: dict[str, Any], domain: Mapping[str, Any]) -> ActionResult:
        call = {
            "next_action": name,
            "sender_id": tracker["sender_id"],
            "tracker": tracker,
            "domain": domain,
            "version": "3.6.21",
        }
        try:
            async with (
                aiohttp.ClientSession(timeout=self._patience) as session,
                session.post(self._url, json=call) as answer,
            ):
                if answer.status == 400:
                    raise ActionRejected(name)
                if answer.status != 200:
                    raise ActionFailed(name) from RuntimeError(f"the action server answered {answer.status}")
                result = await answer.json(content_type=None)
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ActionFailed(name) from error
        if not isinstance(result, dict):
            raise ActionFailed(name) from TypeError(f"{result!r} is no answer of an action")
        return ActionResult(_plain(name, result.get("events")), _plain(name, result.get("responses")))
