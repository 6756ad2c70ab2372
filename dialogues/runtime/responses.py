"""Responses: which variation is said, in which language, with which values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dialogues.runtime.model import Choice, Reply

#: Turns an English sentence of the domain into a language; the sentence itself where it has no translation.
Translate = Callable[[str, str], str]

#: Picks one of `count` equal variations of a response.
Choose = Callable[[str, int], int]

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}\s]+)\}")


@dataclass(frozen=True, slots=True)
class Button:
    """A choice as the domain writes it."""

    title: str
    payload: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Variation:
    """One way of saying a response."""

    text: str = ""
    buttons: tuple[Button, ...] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    channel: str | None = None
    conditions: tuple[tuple[str, Any], ...] = ()

    def suits(self, slots: Mapping[str, Any]) -> bool:
        return all(_same(slots.get(name), value) for name, value in self.conditions)

    def words(self) -> tuple[str, ...]:
        """What a translator must translate."""
        return tuple(word for word in (self.text, *(button.title for button in self.buttons)) if word)


def _same(actual: Any, wanted: Any) -> bool:
    if isinstance(actual, str) and isinstance(wanted, str):
        return actual.casefold() == wanted.casefold()
    return bool(actual == wanted)


def pick(
    name: str, variations: tuple[Variation, ...], *, slots: Mapping[str, Any], channel: str, choose: Choose
) -> Variation | None:
    """Rasa's order: conditional for this channel, default for it, conditional for all, default for all."""
    suited = [variation for variation in variations if variation.conditions and variation.suits(slots)]
    default = [variation for variation in variations if not variation.conditions]
    for survivors in (
        [variation for variation in suited if variation.channel == channel],
        [variation for variation in default if variation.channel == channel],
        [variation for variation in suited if variation.channel is None],
        [variation for variation in default if variation.channel is None],
    ):
        if survivors:
            return survivors[choose(name, len(survivors)) % len(survivors)]
    return None


def fill(text: str, values: Mapping[str, Any]) -> str:
    """Put values in their `{places}`. One that is missing leaves nothing: Rasa would leave the braces, or `None`."""

    def value(match: re.Match[str]) -> str:
        if match["name"] is None:
            return match[0][0]
        found = values.get(match["name"])
        return "" if found is None else str(found)

    return _PLACEHOLDER.sub(value, text) if "{" in text or "}" in text else text


def placeholders(text: str) -> frozenset[str]:
    return frozenset(match["name"] for match in _PLACEHOLDER.finditer(text) if match["name"])


def render(
    name: str | None,
    variation: Variation,
    values: Mapping[str, Any],
    *,
    language: str,
    translate: Translate,
) -> Reply:
    """The variation as a reply, in a language."""

    def say(text: str) -> str:
        return fill(translate(language, text), values) if text else ""

    return Reply(
        text=say(variation.text),
        choices=tuple(
            Choice(
                say(button.title),
                fill(button.payload, values) if "{{" in button.payload else button.payload,
                button.url,
            )
            for button in variation.buttons
        ),
        response=name,
        custom=_fill_all(variation.custom, values),
    )


def _fill_all(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return fill(value, values)
    if isinstance(value, Mapping):
        return {key: _fill_all(inner, values) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_fill_all(inner, values) for inner in value]
    return value
