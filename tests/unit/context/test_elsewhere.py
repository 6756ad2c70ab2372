"""A place right after results is where the same is looked for; at any other moment it tells where somebody is."""

from __future__ import annotations

import pytest

from dialogues.context.elsewhere import as_elsewhere
from dialogues.runtime.model import DialogueState, Entity, UserMessage

SHOWN = ({"event": "action", "name": "action_find_service"},)
PLACES = (Entity("place", "Calais"), Entity("place", "Vintimille"))


@pytest.mark.parametrize(
    ("intent", "slots", "later", "heard"),
    [
        ("inform", {}, (), "search_service"),
        ("deny", {}, (), "search_service"),
        ("in_danger", {}, (), "in_danger"),
        ("inform", {"safety_question": True}, (), "inform"),
        ("inform", {"need_shown": None}, (), "inform"),
        ("inform", {}, ("action_answer_procedure",), "inform"),
    ],
    ids=["a place", "no, in another", "danger", "are you safe?", "nothing was looked for", "a text was read since"],
)
def test_another_place_right_after_results_is_looked_in(
    intent: str, slots: dict[str, object], later: tuple[str, ...], heard: str
) -> None:
    done = tuple({"event": "action", "name": name} for name in later)
    state = DialogueState({"need_shown": "health", **slots}, {}, (*SHOWN, *done))

    meant = as_elsewhere(UserMessage("non pas Calais, Vintimille", intent, 0.8, entities=PLACES), state)

    assert meant.intent == heard
    if heard == "search_service":
        assert {entity.name: entity.value for entity in meant.entities} == {"need": "health", "place": "Vintimille"}
