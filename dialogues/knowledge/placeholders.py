"""What stands between braces in a text and is filled in for the person who reads it: `{emergency_number}`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

#: Everything a text may leave open. What is not known of a person (their country) has a value for everybody.
PLACEHOLDERS = frozenset({"emergency_number"})

_NAMED = re.compile(r"\{([a-z_]+)\}")
_BRACES = re.compile(r"\{[^{}]*\}|[{}]")


def placeholders(words: str) -> Counter[str]:
    """Which are in `words`, and how often."""
    return Counter(_NAMED.findall(words))


def strange_braces(words: str) -> list[str]:
    """Whatever has braces and is not a placeholder we know."""
    found = (hit.group() for hit in _BRACES.finditer(words))
    return [braces for braces in found if braces[1:-1] not in PLACEHOLDERS]


def fill(words: str, values: Mapping[str, str]) -> str:
    """`words` with every placeholder filled in. Raises KeyError for one without a value."""
    return _NAMED.sub(lambda hit: values[hit.group(1)], words)
