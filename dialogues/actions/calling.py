"""How an action asks its host for a human, and a child whether one is needed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import SlotSet


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


def asked_whether_safe(tracker: Any) -> list[dict[str, Any]]:
    """A text has just asked a child: the next yes or no is the answer. Where an officer waits for it already, it stays
    the officer's question."""
    if tracker.get_slot("safety_question") and not tracker.get_slot("asked_by_text"):
        return []
    return [SlotSet("safety_question", True), SlotSet("asked_by_text", True), SlotSet("speaks_for_child", False)]
