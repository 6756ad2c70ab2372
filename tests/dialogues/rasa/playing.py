"""Plays a project of this folder on ours, as `record.py` plays it on a real Rasa."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from dialogues.runtime.manners import EXACTLY_AS_RASA, Manners
from dialogues.server.host import Host

HERE = Path(__file__).resolve().parent
PROJECTS = sorted(path.parent.name for path in HERE.glob("*/conversations.yml"))


def recorded(folder: Path) -> list[dict[str, Any]]:
    """What a real Rasa did with a project's conversations."""
    conversations: list[dict[str, Any]] = json.loads((folder / "recorded.json").read_text(encoding="utf-8"))
    return conversations


async def play(project: str, conversations: list[dict[str, Any]], manners: Manners = EXACTLY_AS_RASA) -> list[str]:
    """What differs from the record, a line for each turn; nothing when all is the same."""
    waited = 0.0
    host = Host.load(HERE / project, manners=manners, now=lambda: time.time() + waited)
    wrong: list[str] = []
    for conversation in conversations:
        sender, waited = conversation["name"], 0.0
        for number, turn in enumerate(conversation["turns"], 1):
            waited += turn.get("after_s", 0.0)
            await host.ring_due()
            said = await host.hear(sender, turn["text"], turn.get("metadata"))
            state = await host.tracker(sender)
            ours = {
                "messages": [{k: v for k, v in message.items() if k != "recipient_id"} for message in said],
                "slots": {k: v for k, v in state["slots"].items() if v is not None},
                "active_loop": state["active_loop"].get("name"),
            }
            for key, value in json.loads(json.dumps(ours, default=str)).items():
                if value != turn[key]:
                    wrong.append(
                        f"{project} / {sender}, turn {number} ({turn['text']!r}), {key}:\n"
                        f"    Rasa: {turn[key]}\n    ours: {value}"
                    )
    return wrong
