"""How an action asks its host for a human."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def call_officer(
    dispatcher: Any, reason: str, priority: str, report: Mapping[str, str] | None = None, *, goes_on: bool = False
) -> None:
    """Ask the host for a human. It carries no words but those of a report that was begun: the officer reads the
    conversation. `goes_on`: this report called for somebody before."""
    call: dict[str, Any] = {"waymark": "call_officer", "reason": reason, "priority": priority}
    if report:
        call["report"] = report
    if goes_on:
        call["report_goes_on"] = True
    dispatcher.utter_message(json_message=call)
