"""Custom actions, run in this process by rasa-sdk's own executor.

`rasa_sdk` is imported on first use only: a project without custom actions plays without it.
"""

from __future__ import annotations

import asyncio
import importlib.machinery
import importlib.util
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct

from dialogues.runtime.model import Event


class ActionResult(Struct, frozen=True):
    """What an action did: Rasa events, and messages as rasa-sdk's dispatcher collects them."""

    events: Sequence[Event] = ()
    responses: Sequence[Mapping[str, Any]] = ()


class ActionRejected(Exception):
    """The action does not want this message; the rules have their turn."""


class ActionFailed(Exception):
    """An action broke. The turn is void: hand the person to a human, nothing was said."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class ActionRunner(Protocol):
    """Runs custom actions by name."""

    @property
    def names(self) -> frozenset[str]:
        """The actions there are."""
        ...

    async def run(self, name: str, tracker: dict[str, Any], domain: Mapping[str, Any]) -> ActionResult:
        """Run one. `tracker` is a tracker as rasa-sdk's webhook receives it, the action's to keep.

        Raises ActionRejected or ActionFailed.
        """
        ...


class NoActions:
    """For projects whose responses and forms are enough."""

    names: frozenset[str] = frozenset()

    async def run(self, name: str, tracker: dict[str, Any], domain: Mapping[str, Any]) -> ActionResult:
        raise ActionFailed(name)


class SdkActions:
    """rasa-sdk actions in this process. No action server, no port, no copy of the domain on the wire.

    `build` makes the action objects; it may import rasa_sdk, because it runs only when the first of `names` is
    called or `warm` is.
    """

    def __init__(self, names: Iterable[str], build: Callable[[], Iterable[Any]]) -> None:
        self.names = frozenset(names)
        self._build = build
        self._executor: Any = None
        self._making = threading.Lock()

    def warm(self) -> None:
        """Load rasa-sdk and make the actions now (about half a second), so that no person waits for it."""
        with self._making:
            if self._executor is not None:
                return
            load_sdk()
            from rasa_sdk.executor import ActionExecutor

            executor = ActionExecutor()
            for action in self._build():
                executor.register_action(action)
            missing = self.names ^ {name for name in executor.actions if not name.startswith("rasa_sdk")}
            if missing:
                raise RuntimeError(f"actions named and actions built differ: {sorted(missing)}")
            self._executor = executor

    async def run(self, name: str, tracker: dict[str, Any], domain: Mapping[str, Any]) -> ActionResult:
        if self._executor is None:
            await asyncio.to_thread(self.warm)
        from rasa_sdk.interfaces import ActionExecutionRejection

        call = {"next_action": name, "sender_id": tracker["sender_id"], "tracker": tracker, "domain": domain}
        try:
            result = await self._executor.run(call)
        except ActionExecutionRejection as error:
            raise ActionRejected(name) from error
        except Exception as error:
            raise ActionFailed(name) from error
        return ActionResult(result.events, result.responses)


#: What `import rasa_sdk` offers beside its modules, and the module each name comes from.
_SDK_NAMES = {
    "Action": "interfaces",
    "ActionExecutionRejection": "interfaces",
    "Tracker": "interfaces",
    "FormValidationAction": "forms",
    "ValidationAction": "forms",
}


def load_sdk() -> None:
    """Import rasa_sdk without the web server its `__init__` pulls in.

    That server takes a second and 25 MB at start and nobody here calls it. The package offers the same names either
    way; where it was already imported as usual, it is left alone.
    """
    if "rasa_sdk" in sys.modules:
        return
    spec = importlib.machinery.PathFinder.find_spec("rasa_sdk")
    if spec is None:
        raise ModuleNotFoundError("rasa_sdk", name="rasa_sdk")
    package = importlib.util.module_from_spec(spec)
    sys.modules["rasa_sdk"] = package
    try:
        for name, module in _SDK_NAMES.items():
            setattr(package, name, getattr(importlib.import_module(f"rasa_sdk.{module}"), name))
        package.__version__ = importlib.import_module("rasa_sdk.version").__version__  # type: ignore[attr-defined]
    except BaseException:
        for name in [name for name in sys.modules if name.partition(".")[0] == "rasa_sdk"]:
            del sys.modules[name]
        raise
