"""Small Rasa projects written on the spot, and a conversation with one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from typing import Any

from dialogues.runtime.custom_actions import ActionResult, NoActions
from dialogues.runtime.engine import Engine
from dialogues.runtime.model import DialogueState, Entity, Turn, UserMessage
from dialogues.runtime.payload import read_payload


def write_project(folder: Path, domain: str, rules: str = "") -> Path:
    (folder / "domain.yml").write_text(dedent(domain), encoding="utf-8")
    if rules:
        (folder / "rules.yml").write_text(dedent(rules), encoding="utf-8")
    return folder


Does = Callable[[dict[str, Any]], ActionResult]


class GivenActions:
    """Actions as plain functions of the tracker."""

    def __init__(self, actions: Mapping[str, Does]) -> None:
        self._actions = actions
        self.names = frozenset(actions)

    async def run(self, name: str, tracker: dict[str, Any], domain: Mapping[str, Any]) -> ActionResult:
        return self._actions[name](tracker)


class Person:
    """Somebody talking with an engine, one message after the other."""

    def __init__(self, engine: Engine, **slots: Any) -> None:
        self.engine = engine
        self.state = DialogueState(slots=slots)
        self.last: Turn | None = None

    @classmethod
    def of(cls, folder: Path, actions: Mapping[str, Does] | None = None, **options: Any) -> Person:
        runner = GivenActions(actions) if actions else NoActions()
        return cls(Engine.load(folder, actions=runner, **options))

    async def says(self, text: str, intent: str | None = None, **entities: Any) -> list[str]:
        """Write; with the intent the understanding would have found. Returns the answers."""
        found = tuple(Entity(name, value) for name, value in entities.items())
        return await self.sends(UserMessage(text, intent or "nlu_fallback", entities=found))

    async def taps(self, payload: str) -> list[str]:
        message = read_payload(payload)
        assert message is not None
        return await self.sends(message)

    async def sends(self, message: UserMessage, at: float | None = None) -> list[str]:
        self.last = await self.engine.turn(self.state, message, at=at)
        self.state = DialogueState.from_json(self.last.state.to_json())
        return [reply.text for reply in self.last.replies]

    def slot(self, name: str) -> Any:
        return self.state.slots.get(name)

    @property
    def loop(self) -> str | None:
        return self.state.active_loop.get("name")
