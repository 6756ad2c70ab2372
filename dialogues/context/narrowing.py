"""A few plain words right after results narrow them: whatever they mean at another moment, here they say for whom.

"No papers" out of the blue is a question about rights; under three beds it asks which of them want none.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dialogues.actions.narrowing import narrowing_in
from dialogues.runtime.model import Event, UserMessage

INTENT = "narrow"

#: What the bot did last where results are still what is talked about.
_AFTER_RESULTS = frozenset({"action_find_service", "action_show_way", "action_pass_on"})
#: Danger and the wish for a person are heard as such, and a tap says what it means itself.
_GO_FIRST = frozenset({"in_danger", "not_safe", "ask_human", "report_case", "cancel"})
_LISTEN = "action_listen"


def as_narrowing(message: UserMessage, events: Sequence[Event]) -> UserMessage:
    """The message as one that narrows what was just shown, where it says nothing else."""
    if message.intent in _GO_FIRST or message.text.startswith("/") or not shows_results(events):
        return message
    if narrowing_in(message.text) is None:
        return message
    return replace(message, intent=INTENT, confidence=1.0, entities=())


def shows_results(events: Sequence[Event]) -> bool:
    """Whether results are what was shown last."""
    return _last_action(events) in _AFTER_RESULTS


def _last_action(events: Sequence[Event]) -> str | None:
    done = (event.get("name") for event in reversed(events) if event.get("event") == "action")
    return next((name for name in done if name != _LISTEN), None)
