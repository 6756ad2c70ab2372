"""Responses: which variation is said, in which language, with which values."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field

from dialogues.runtime.model import Choice, Event, Reply

#: Turns an English sentence of the domain into a language; the sentence itself where it has no translation.
Translate = Callable[[str, str], str]

#: Picks one of `count` equal variations of a response.
Choose = Callable[[str, int], int]

_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}\s]+)\}")
_LINE_OF_ITS_OWN = re.compile(r"^\{(?P<name>[^{}\s]+)\}\n", re.MULTILINE)


class Button(Struct, frozen=True):
    """A choice as the domain writes it."""

    title: str
    payload: str = ""
    url: str = ""


class Variation(Struct, frozen=True):
    """One way of saying a response."""

    text: str = ""
    buttons: tuple[Button, ...] = ()
    custom: Mapping[str, Any] = field(default_factory=dict)
    channel: str | None = None
    conditions: tuple[tuple[str, Any], ...] = ()
    raw: Mapping[str, Any] = field(default_factory=dict)  # as written, with image, attachment and all else

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
    """Put values in their `{places}`. One that is missing leaves nothing: Rasa would leave the braces, or `None`.

    A line that is one place and nothing else goes with it.
    """

    def value(match: re.Match[str]) -> str:
        if match["name"] is None:
            return match[0][0]
        found = values.get(match["name"])
        return "" if found is None else str(found)

    if "{" not in text and "}" not in text:
        return text
    said = _LINE_OF_ITS_OWN.sub(lambda line: line[0] if value(line) else "", f"{text}\n")
    return _PLACEHOLDER.sub(value, said.removesuffix("\n"))


def fill_as_rasa(text: str, values: Mapping[str, Any]) -> str:
    """Put values in their `{places}` as Rasa does, whose users rely on it.

    A value that is unset prints `None`; one place nobody knows leaves the whole text as it was written; doubled braces
    lose one pair, and then no place in that text is filled.
    """
    parts = list(_RASA_PLACE.finditer(text))
    doubled = any(part["doubled"] for part in parts)
    names = [part["name"] for part in parts if part["name"]]
    if any(name not in values for name in names) or (doubled and names):
        return text
    filled = "".join(_pieces(text, parts, values))
    unfilled_to_rasa = bool(names) and "0[" in filled  # as in `20[kg] of {fruit}`: so it writes a place inside
    return text if unfilled_to_rasa or _STRAY_BRACE.search(_RASA_PLACE.sub("", text)) else filled


#: A place is doubled when every brace around it is.
_RASA_PLACE = re.compile(r"\{\{(?P<doubled>[^\n{}]+)\}\}|\{(?P<name>[^\n{}]+)\}|(?P<brace>\{\{|\}\})")
_STRAY_BRACE = re.compile(r"[{}]")


def _pieces(text: str, parts: Iterable[re.Match[str]], values: Mapping[str, Any]) -> Iterator[str]:
    end = 0
    for part in parts:
        yield text[end : part.start()]
        if part["name"]:
            yield format(values[part["name"]]) if values[part["name"]] is not None else "None"
        elif part["doubled"]:
            yield "{" + part["doubled"] + "}"
        else:
            yield part["brace"][0]
        end = part.end()
    yield text[end:]


#: What of a response Rasa fills with values.
_FILLED = ("text", "image", "custom", "buttons", "attachment", "quick_replies")


def draft_as_rasa(variation: Variation, values: Mapping[str, Any]) -> dict[str, Any]:
    """The variation as Rasa hands it to a channel: everything that was written, with the values in."""
    message = copy.deepcopy(dict(variation.raw))
    for key in _FILLED:
        if key in message:
            message[key] = _fill_all(message[key], values, fill_as_rasa)
    return message


def message_of(reply: Reply) -> dict[str, Any]:
    """A reply of ours as Rasa would hand it to a channel."""
    buttons = [
        {key: value for key, value in (("title", c.title), ("payload", c.payload), ("url", c.url)) if value}
        for c in reply.choices
    ]
    known = (("text", reply.text), ("buttons", buttons), ("custom", dict(reply.custom)))
    named = {"utter_action": reply.response} if reply.response else {}
    return {**{key: value for key, value in known if value}, **named}


def reply_of(message: Mapping[str, Any]) -> Reply:
    """What Rasa would hand to a channel, as a reply of ours."""
    custom = message.get("custom")
    more = {key: message[key] for key in ("image", "attachment", "elements") if message.get(key)}
    return Reply(
        text=str(message.get("text") or "").strip(),
        choices=choices_of(message.get("quick_replies") or message.get("buttons") or ()),
        response=message.get("utter_action"),
        custom={**(custom if isinstance(custom, Mapping) else {"custom": custom} if custom else {}), **more},
    )


def choices_of(buttons: Iterable[Any]) -> tuple[Choice, ...]:
    return tuple(
        Choice(str(button.get("title") or ""), str(button.get("payload") or ""), str(button.get("url") or ""))
        for button in buttons
        if isinstance(button, Mapping)
    )


_DATA = ("elements", "quick_replies", "buttons", "attachment", "image", "custom")


def bot_event(message: Mapping[str, Any]) -> Event:
    """What was said, as Rasa's tracker notes it."""
    data = {key: message.get(key) for key in _DATA}
    data["attachment"] = data["attachment"] or data["image"]
    rest = {key: value for key, value in message.items() if key not in _DATA and key != "text"}
    return {"event": "bot", "text": message.get("text"), "data": data, "metadata": rest}


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
        custom={**_fill_all(variation.custom, values, fill), **_fill_all(_pictures(variation), values, fill)},
    )


def _pictures(variation: Variation) -> dict[str, Any]:
    return {key: variation.raw[key] for key in ("image", "attachment", "elements") if variation.raw.get(key)}


def _fill_all(value: Any, values: Mapping[str, Any], fill_in: Callable[[str, Mapping[str, Any]], str]) -> Any:
    if isinstance(value, str):
        return fill_in(value, values)
    if isinstance(value, Mapping):
        return {key: _fill_all(inner, values, fill_in) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_fill_all(inner, values, fill_in) for inner in value]
    return value
