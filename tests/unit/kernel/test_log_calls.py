"""Every log call of the program uses an event code and names of facts that the log keeps."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from bot.kernel.logs import CODES, IDS, KINDS, NUMBER_ENDINGS, NUMBERS, _event

ROOT = Path(__file__).resolve().parents[3]
METHODS = {"debug", "info", "warning", "error", "exception", "critical"}
KNOWN = CODES | IDS | KINDS | NUMBERS | {"exc_info"}


def log_calls() -> Iterator[tuple[str, ast.Call]]:
    for path in sorted((ROOT / "bot").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in METHODS
                and isinstance(node.func.value, ast.Name)
                and node.func.value.id in {"log", "LOG"}
            ):
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


def test_every_event_is_a_code_written_where_it_is_logged():
    calls = list(log_calls())

    assert len(calls) > 10
    for place, call in calls:
        event = call.args[0] if call.args else None
        assert isinstance(event, ast.Constant), f"{place}: the event is not written as text"
        assert _event.fullmatch(str(event.value)), f"{place}: {event.value!r} is not an event code"


def test_every_fact_has_a_name_the_log_keeps():
    unknown = [
        f"{place}: {keyword.arg}"
        for place, call in log_calls()
        for keyword in call.keywords
        if keyword.arg is not None
        and keyword.arg not in KNOWN
        and not keyword.arg.endswith(("_id", *NUMBER_ENDINGS))
        and place != f"bot/kernel/logs.py:{call.lineno}"
    ]

    assert unknown == []
