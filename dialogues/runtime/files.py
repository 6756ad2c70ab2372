"""YAML files read so that every problem can be told with its file and line."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

try:
    from yaml import CSafeLoader as SafeLoader  # eight times faster, where libyaml is there
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]


class Problem(Struct, frozen=True, order=True):
    """Something an author must correct, or, where it is not fatal, should look at: Rasa plays on.

    Line 0: what is wrong is no line, but the file or the folder.
    """

    file: str
    line: int
    text: str
    fatal: bool = True

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.text}" if self.line else f"{self.file}: {self.text}"


def meant(written: str, known: Iterable[str]) -> str:
    """What an author may have meant by a name that leads nowhere, to be added to a problem; often nothing."""
    near = get_close_matches(written, sorted(known), n=1, cutoff=0.7)
    return f"; did you mean `{near[0]}`?" if near else ""


#: So many values may aliases add to a file.
MOST_REPEATED = 100_000


class ProjectWrong(Exception):
    """The project cannot be played. Every problem is named, not only the first."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Block(dict[str, Any]):
    """A YAML mapping that knows where it, and each of its keys, was written."""

    __slots__ = ("file", "line", "lines")

    def __init__(self, file: str, line: int) -> None:
        super().__init__()
        self.file = file
        self.line = line
        self.lines: dict[str, int] = {}

    def line_of(self, key: str) -> int:
        return self.lines.get(key, self.line)


def version_doubts(block: Block) -> Iterator[Problem]:
    """A `version` for which Rasa 3.6 refuses a domain, and passes other files over."""
    version = block.get("version")
    newer = isinstance(version, str) and re.match(r"3\.[01]|[0-2]\b", version) is None
    if version is not None and (newer or not isinstance(version, str)):
        text = f'`version: {version}` is not one Rasa 3.6 reads: write `version: "3.1"`, with the quotes'
        yield Problem(block.file, block.line_of("version"), text, fatal=False)


class Series(list[Any]):
    """A YAML list that knows where each of its items was written."""

    __slots__ = ("lines",)

    def __init__(self) -> None:
        super().__init__()
        self.lines: tuple[int, ...] = ()


# YAML 1.2, as Rasa reads it: `yes`, `no`, `on`, a time of day (`12:30`) and a date are words, `010` is ten.
_INT, _FLOAT = "tag:yaml.org,2002:int", "tag:yaml.org,2002:float"
_OTHERWISE = {_INT, _FLOAT, "tag:yaml.org,2002:timestamp"}
_NUMBERS = (
    (_FLOAT, re.compile(r"[-+]?([0-9][0-9_]*)?\.[0-9][0-9_]*([eE][-+]?[0-9]+)?$")),
    (_FLOAT, re.compile(r"[-+]?[0-9][0-9_]*(\.|\.?[eE][-+]?[0-9]+)$|[-+]?\.(inf|Inf|INF)$|\.(nan|NaN|NAN)$")),
    (_INT, re.compile(r"[-+]?(0b[01][01_]*|0o[0-7][0-7_]*|0x[0-9a-fA-F][0-9a-fA-F_]*|[0-9][0-9_]*)$")),
)
_SCALARS = {
    first: [(tag, regexp) for tag, regexp in resolvers if tag not in _OTHERWISE]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
for _first in "yYnNoO":
    _SCALARS[_first] = [(tag, regexp) for tag, regexp in _SCALARS.get(_first, []) if tag != "tag:yaml.org,2002:bool"]
for _first in "-+.0123456789":
    _SCALARS[_first] = [*_SCALARS.get(_first, []), *_NUMBERS]
_WITH_VARIABLES = {**_SCALARS, None: [("!variable", re.compile(r".*\$\{.*\}"))]}


class _Loader(SafeLoader):
    """Builds `Block`s, and refuses a key written twice."""

    file = ""
    yaml_implicit_resolvers = _SCALARS


class _VariableLoader(_Loader):
    """Puts variables of the environment in their places, as Rasa does in words without quotes: `${HOME}`."""

    yaml_implicit_resolvers = _WITH_VARIABLES


def _block(loader: _Loader, node: yaml.MappingNode) -> Iterator[Block]:
    block = Block(loader.file, node.start_mark.line + 1)
    yield block
    loader.flatten_mapping(node)
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        line = key_node.start_mark.line + 1
        if not isinstance(key, str | int | float | bool):
            raise ProjectWrong([Problem(loader.file, line, "a key must be a word")])
        if str(key) in block.lines:
            raise ProjectWrong([Problem(loader.file, line, f"`{key}` is written twice")])
        block.lines[str(key)] = line
        block[str(key)] = loader.construct_object(value_node, deep=True)


def _series(loader: _Loader, node: yaml.SequenceNode) -> Iterator[Series]:
    series = Series()
    yield series
    series.lines = tuple(item.start_mark.line + 1 for item in node.value)
    series.extend(loader.construct_object(item, deep=True) for item in node.value)


def _whole(loader: _Loader, node: yaml.ScalarNode) -> int:
    digits = loader.construct_scalar(node).replace("_", "")
    return int(digits, 0) if digits.lstrip("-+")[:2] in ("0b", "0o", "0x") else int(digits)


def _expanded(loader: _Loader, node: yaml.ScalarNode) -> str:
    written = loader.construct_scalar(node)
    expanded = os.path.expandvars(written)
    for word in expanded.split():
        if word.startswith("$") and word in written:
            name = word.lstrip("${").partition("}")[0]
            text = f"the environment variable `{name}` is not set (words with `${{` in them need quotes around them)"
            raise ProjectWrong([Problem(loader.file, node.start_mark.line + 1, text)])
    return expanded


_Loader.add_constructor(_INT, _whole)
_Loader.add_constructor("!variable", _expanded)
_Loader.add_constructor("tag:yaml.org,2002:map", _block)
_Loader.add_constructor("tag:yaml.org,2002:seq", _series)


def read_yaml(path: Path, root: Path) -> Block | None:
    """The mapping in a file, None when the file is empty. Raises ProjectWrong."""
    name = str(path.relative_to(root)) if path.is_relative_to(root) else path.name
    try:
        text = _unescaped(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ProjectWrong([Problem(name, line, "the file is not UTF-8: save it as UTF-8")]) from error
    except OSError as error:
        raise ProjectWrong([Problem(name, 1, f"the file cannot be opened: {error.strerror or error}")]) from error
    try:
        value = _value(text, name)
    except yaml.MarkedYAMLError as error:
        raise ProjectWrong([_not_yaml(error, name)]) from error
    except yaml.YAMLError as error:
        raise ProjectWrong([Problem(name, 1, "the file holds a control character")]) from error
    if value is None:
        return None
    if not isinstance(value, Block):
        raise ProjectWrong([Problem(name, 1, "a file must hold keys and values")])
    return value


def _unescaped(text: str) -> str:
    """A file in plain ASCII may write any other character as `\\u00e9`, whatever stands around it; so Rasa reads it."""
    if "\\u" not in text.lower() or not text.isascii():
        return text
    try:
        return text.encode().decode("raw_unicode_escape").encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:  # `\\u` and no number behind it
        return text


#: What libyaml says, and what to do about it.
_ADVICE = {
    "mapping values are not allowed": "words with `: ` in them need quotes around them",
    "cannot start any token": "indent with spaces, no tabs; words that begin with `@` or `%` need quotes around them",
    "did not find expected key": "a line is not indented as those before it, or a `- ` is missing",
    "could not find expected ':'": "a key needs a colon after it: `key: value`",
    "did not find expected '-' indicator": "a line is not indented as those before it, or a `- ` is missing",
    "did not find expected ',' or": "a bracket is not closed, or words in brackets need quotes around them",
    "unexpected end of stream": "the quote that begins here is not closed",
    "unconstructable recursive": "an alias (`*name`) stands inside what it names",
    "undefined alias": "words that begin with `*` need quotes around them",
}


def _not_yaml(error: yaml.MarkedYAMLError, name: str) -> Problem:
    said = str(error.problem or error.context)
    advice = next((f": {advice}" for words, advice in _ADVICE.items() if words in said), "")
    begins = error.context_mark if "end of stream" in said or "expected ':'" in said else None
    mark = begins or error.problem_mark
    return Problem(name, mark.line + 1 if mark else 1, f"not YAML: {said}{advice}")


def _value(text: str, name: str) -> Any:
    loader = (_VariableLoader if "${" in text else _Loader)(text)
    loader.file = name
    try:
        node = loader.get_single_node()
        if node is None:
            return None
        _refuse_bombs(node, name)
        return loader.construct_document(node)
    except RecursionError as error:
        raise ProjectWrong([Problem(name, 1, "lists or mappings inside one another without end")]) from error
    finally:
        loader.dispose()


def _refuse_bombs(root: yaml.Node, name: str) -> None:
    """Nine lists of nine aliases of one another are a thousand million values: whoever walks them never returns."""
    sizes: dict[int, int] = {}

    def size(node: yaml.Node) -> int:
        """The values in a node once every alias is written out."""
        if id(node) not in sizes:
            sizes[id(node)] = 1  # a node inside itself is refused when it is built
            whole = 1 + sum(size(child) for child in _children(node))
            if whole - len(sizes) > MOST_REPEATED:
                line = node.start_mark.line + 1
                text = f"aliases (`*name`) repeat more than {MOST_REPEATED:,} values: write the values out"
                raise ProjectWrong([Problem(name, line, text)])
            sizes[id(node)] = whole
        return sizes[id(node)]

    size(root)


def _children(node: yaml.Node) -> Iterator[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, yaml.SequenceNode):
        yield from node.value


def plain(value: Any) -> Any:
    """The same value as ordinary dictionaries and lists."""
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [plain(inner) for inner in value]
    return value
