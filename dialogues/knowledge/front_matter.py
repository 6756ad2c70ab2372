"""Typed reading of YAML that remembers where everything stood, so that an editor is told the line."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from enum import StrEnum
from typing import TypeVar

import yaml
from msgspec import Struct, field
from rapidfuzz import process

from dialogues.knowledge.model import Problem

#: The C parser reads our texts ten times faster; the other is there where PyYAML was built without it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

E = TypeVar("E", bound=StrEnum)
T = TypeVar("T")

#: What YAML takes for a line break is more than what an editor's line numbers count; nobody types these on purpose.
#: A soft hyphen, a joiner or a tag inside a word hides it from whoever looks for it, and from the checks.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\u00ad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f"
    "\ufeff\ufff0-\uffff\U000e0000-\U000e0fff]"
)

#: HTML and Markdown's own marks. Texts go to phones as they stand, and into pages that escape them.
_MARKUP = re.compile(
    r"<[A-Za-z/!?][^<>\n]{0,40}>?|&(?:[A-Za-z]{2,8}|#\d{1,6}|#x[0-9A-Fa-f]{1,5});|\]\([^)\n]*\)|\*\*|__|`"
)


class Complaints(Struct):
    """Collects what is wrong with one file."""

    file: str
    found: list[Problem] = field(default_factory=list)

    def add(self, line: int, what: str) -> None:
        self.found.append(Problem(self.file, line, what))


def lines_of(content: str | bytes, complaints: Complaints) -> list[str] | None:
    if isinstance(content, str):
        return _split_lines(content, complaints)
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        complaints.add(content.count(b"\n", 0, error.start) + 1, "This is not UTF-8; save the file as UTF-8.")
        return None
    return _split_lines(text, complaints)


def _split_lines(text: str, complaints: Complaints) -> list[str] | None:
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    unseen = unseen_character(text)
    if unseen is not None:
        line, character = unseen
        complaints.add(line, f"There is an invisible character here ({character}); take it out.")
        return None
    return text.split("\n")


def unseen_character(text: str) -> tuple[int, str] | None:
    """The line and the name of the first control or direction character, which nobody could see in review."""
    hit = _UNSEEN.search(text)
    if hit is None:
        return None
    return text.count("\n", 0, hit.start()) + 1, f"U+{ord(hit.group()):04X}"


def markup(text: str) -> tuple[int, str] | None:
    """The line and the words of the first tag, entity, link or emphasis mark."""
    hit = _MARKUP.search(text)
    return None if hit is None else (text.count("\n", 0, hit.start()) + 1, hit.group())


def _hidden_by_escapes(root: yaml.Node) -> tuple[int, str] | None:
    """The line below the first, and what is wrong there: in double quotes YAML makes of `\\u202e` or `\\x3c` what the
    file itself does not show."""
    waiting, seen = [root], set[int]()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:  # an alias: it may even lead back to what holds it
            continue
        seen.add(id(node))
        if isinstance(node, yaml.ScalarNode):
            if (unseen := unseen_character(node.value)) is not None:
                return node.start_mark.line, f"There is an invisible character here ({unseen[1]}); take it out."
            if node.style == '"' and (found := markup(node.value)) is not None:
                return node.start_mark.line, f"{found[1]!r} is markup; write plain words."
        elif isinstance(node, yaml.MappingNode):
            waiting += [part for pair in reversed(node.value) for part in reversed(pair)]
        else:
            waiting += reversed(node.value)
    return None


class Fields:
    """A YAML mapping read field by field. Every wrong field is reported once; fields nobody asked for at `finish`."""

    def __init__(self, node: yaml.MappingNode, complaints: Complaints, first_line: int) -> None:
        self._complaints = complaints
        self._first_line = first_line
        self._nodes: dict[str, yaml.Node] = {}
        self._key_lines: dict[str, int] = {}
        self._asked: set[str] = set()
        self.line = self._line_of(node)
        for key_node, value_node in node.value:
            line = self._line_of(key_node)
            if not isinstance(key_node, yaml.ScalarNode):
                complaints.add(line, "A field name must be one word; take the brackets out.")
            elif key_node.value in self._nodes:
                complaints.add(line, f"`{key_node.value}` is given twice; keep one.")
            else:
                self._nodes[key_node.value] = value_node
                self._key_lines[key_node.value] = line

    @classmethod
    def read(cls, text: str, complaints: Complaints, *, first_line: int) -> Fields | None:
        """Parse `text`, which begins at `first_line` of its file. None (and a complaint) if it is no mapping."""
        try:
            node = yaml.compose(text, Loader=_Loader)
        except yaml.MarkedYAMLError as error:
            # Where something is missing at the end, YAML points one line beyond it.
            line = min(error.problem_mark.line, text.count("\n")) if error.problem_mark else 0
            complaints.add(
                first_line + line, f"This is not valid YAML ({error.problem}); look at this line and the one before."
            )
            return None
        except yaml.YAMLError:
            complaints.add(first_line, "This is not valid YAML; write one field a line: `title: …`.")
            return None
        except RecursionError:
            complaints.add(first_line, "This is nested too deeply to be read; write one field a line.")
            return None
        if not isinstance(node, yaml.MappingNode):
            complaints.add(first_line, "Fields are expected here, one a line: `title: …`.")
            return None
        if (hidden := _hidden_by_escapes(node)) is not None:
            complaints.add(first_line + hidden[0], hidden[1])
            return None
        return cls(node, complaints, first_line)

    def has(self, name: str) -> bool:
        return name in self._nodes

    def names(self) -> tuple[str, ...]:
        return tuple(self._nodes)

    def line_of(self, name: str) -> int:
        return self._key_lines.get(name, self.line)

    def text(self, name: str, *, required: bool = True) -> str:
        """A line of words; "" where it is missing and need not be there."""
        node = self._take(name, required=required)
        if node is None:
            return ""
        if not isinstance(node, yaml.ScalarNode):
            return self._wrong(name, "must be one line of text", "")
        value = "" if node.tag == "tag:yaml.org,2002:null" else " ".join(node.value.split())
        if required and not value:
            return self._wrong(name, "is empty; fill it in", "")
        return value

    def day(self, name: str, *, required: bool = True) -> date | None:
        value = self.text(name, required=required)
        if not value:
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            return self._wrong(name, f"must be a day such as 2026-11-01, not {value!r}", None)

    def number(self, name: str) -> int:
        value = self.text(name)
        if value and not (value.isascii() and value.isdigit()):
            return self._wrong(name, f"must be a number, not {value!r}", 0)
        return int(value or 0)

    def flag(self, name: str) -> bool:
        """`true`, where it is written; false where it is not."""
        value = self.text(name, required=False)
        if value not in ("", "true"):
            return self._wrong(name, f"may only be `true`, not {value!r}; or take it out", False)
        return value == "true"

    def choice(self, name: str, kind: type[E], *, default: E | None = None) -> E | None:
        """One of the values of `kind`; `default` where it is missing, or None and a complaint."""
        value = self.text(name, required=default is None)
        return self._member(name, value, kind, self.line_of(name)) if value else default

    def choices(self, name: str, kind: type[E]) -> tuple[E, ...]:
        members = (self._member(name, value, kind, line) for line, value in self._list(name, required=False))
        return tuple(member for member in members if member is not None)

    def texts(self, name: str, *, required: bool = False) -> tuple[str, ...]:
        """A list of lines of words."""
        return tuple(value for _, value in self._list(name, required=required))

    def mapping(self, name: str, *, required: bool = True) -> Fields | None:
        node = self._take(name, required=required)
        return None if node is None else self._mapping(name, node)

    def mappings(self, name: str) -> list[Fields]:
        """A list of mappings, at least one."""
        node = self._take(name, required=True)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            return self._wrong(name, "must be a list", [])
        found = (self._mapping(name, item) for item in node.value)
        return [item for item in found if item is not None]

    def finish(self, *, reason: str = "") -> None:
        """Complain about fields nobody asked for."""
        for name in self._nodes.keys() - self._asked:
            nearest = process.extractOne(name, sorted(self._asked - self._nodes.keys()), score_cutoff=70)
            hint = f" Did you mean `{nearest[0]}`?" if nearest else " Take it out."
            self._complaints.add(self.line_of(name), f"`{name}` does not belong here.{reason}{hint}")

    def _take(self, name: str, *, required: bool) -> yaml.Node | None:
        self._asked.add(name)
        node = self._nodes.get(name)
        if node is None and required:
            self._complaints.add(self.line, f"`{name}` is missing; add it.")
        return node

    def _list(self, name: str, *, required: bool) -> Iterable[tuple[int, str]]:
        node = self._take(name, required=required)
        if node is None:
            return []
        if not isinstance(node, yaml.SequenceNode):
            return self._wrong(name, "must be a list, such as [one, two]", [])
        found = []
        for item in node.value:
            if isinstance(item, yaml.ScalarNode) and item.value.strip():
                found.append((self._line_of(item), " ".join(item.value.split())))
            else:
                self._complaints.add(
                    self._line_of(item), f"`{name}` has something in its list that is not text; write words."
                )
        return found

    def _mapping(self, name: str, node: yaml.Node) -> Fields | None:
        if isinstance(node, yaml.MappingNode):
            return Fields(node, self._complaints, self._first_line)
        self._complaints.add(self._line_of(node), f"`{name}` must have fields of its own.")
        return None

    def _member(self, name: str, value: str, kind: type[E], line: int) -> E | None:
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join(member.value for member in kind)
            self._complaints.add(line, f"`{name}` may be one of {allowed}; {value!r} is not.")
            return None

    def _wrong(self, name: str, what: str, instead: T) -> T:
        self._complaints.add(self.line_of(name), f"`{name}` {what}.")
        return instead

    def _line_of(self, node: yaml.Node) -> int:
        return int(self._first_line + node.start_mark.line)
