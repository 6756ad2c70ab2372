"""The calls of `over_http/calls.yml`: played at a real Rasa to record what it answers, and at ours to compare.

cd tests/dialogues/rasa/over_http                   # with Rasa's environment: rasa train --domain domain.yml, then
python -m rasa_sdk --actions actions                # one of these
rasa run --enable-api --endpoints endpoints.yml     # and the other
python -m tests.dialogues.rasa.calls http://localhost:5005      # from the root, with ours: writes answers.json
"""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

PROJECT = Path(__file__).resolve().parent / "over_http"
#: What only a real Rasa knows, or what is another each time; and the words of an error, which are ours.
_NOT_COMPARED = {"message_id", "text_tokens", "processors", "timestamp", "latest_event_time", "message", "help"}


class Call(Struct, frozen=True):
    """One request. `differs` is our status where we answer otherwise on purpose."""

    call: str
    body: Any = None
    raw: str | None = None
    accept: str = "application/json"
    differs: int | None = None

    @property
    def method(self) -> str:
        return self.call.partition(" ")[0]

    @property
    def path(self) -> str:
        return self.call.partition(" ")[2]

    @property
    def data(self) -> bytes | None:
        if self.raw is not None:
            return self.raw.encode()
        return None if self.body is None else json.dumps(self.body).encode()

    def compared(self, status: int, text: str) -> dict[str, Any]:
        """The answer, without what is not compared."""
        try:
            body = json.loads(text)
        except ValueError:
            body = text
        if "/execute" in self.path and isinstance(body, dict):
            body.pop("tracker", None)  # Rasa's is as it was before the action
        return {"call": self.call, "status": status, "body": _plain(body)}


def calls() -> list[Call]:
    """The calls, in the order they are made."""
    listed = yaml.safe_load((PROJECT / "calls.yml").read_text(encoding="utf-8"))["calls"]
    return [Call(item) if isinstance(item, str) else Call(**item) for item in listed]


def answers() -> list[dict[str, Any]]:
    """What a real Rasa answered to each."""
    recorded: list[dict[str, Any]] = json.loads((PROJECT / "answers.json").read_text(encoding="utf-8"))
    return recorded


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {key: _plain(inner) for key, inner in value.items() if key not in _NOT_COMPARED}
        if kept.get("event"):
            kept.pop("metadata", None)  # of Rasa's model
        if isinstance(kept.get("intent"), dict) and str(value.get("text")).startswith("EXTERNAL: "):
            kept["intent"].pop("confidence", None)  # Rasa tells none
        return kept
    if isinstance(value, list):
        kinds = [item.get("event") if isinstance(item, Mapping) else None for item in value]
        return [_plain(item) for item, kind in zip(value, kinds, strict=True) if kind != "user_featurization"]
    return value


def main(url: str) -> None:
    """Play the calls at a real Rasa and keep what it answers."""
    recorded = []
    for call in calls():
        headers = {"Content-Type": "application/json", "Accept": call.accept}
        request = urllib.request.Request(url + call.path, data=call.data, method=call.method, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                recorded.append(call.compared(answer.status, answer.read().decode()))
        except urllib.error.HTTPError as error:
            recorded.append(call.compared(error.code, error.read().decode()))
    lines = ",\n".join(json.dumps(answer, ensure_ascii=False) for answer in recorded)
    (PROJECT / "answers.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
