"""A reading as a decision anyone can check: the shape `waymark understand` prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dialogues.runtime.model import Entity
from dialogues.understanding.model import WORTH_ASKING, Reading

#: The English name of the place that some words mean; None where it is not known.
PlaceResolver = Callable[[str], str | None]

_SERVICE, _PROCEDURE = "search_service/", "procedure/"
#: So many at most are told of what else may be meant.
ALTERNATIVES = 3
_NOTHING = ("out_of_scope", "nlu_fallback")


def decide(reading: Reading, place: PlaceResolver | None = None) -> dict[str, Any]:
    """What Waymark would do: escalate, give a procedure, search a service, small talk, or say it does not know.

    An escalation carries the procedure or the need too, when the message also asks for it. A procedure that the bot
    would not give but ask about is named all the same: the confidence says how sure it is.
    """
    key = _value(reading.entities, "procedure") or _asked_about(reading)
    need = _value(reading.entities, "need")
    return {
        "type": "procedure" if key and reading.intent == "nlu_fallback" else _type(reading),
        "key": key,
        "need": need,
        "place": _place(reading.entities, place),
        "reason": reading.risk.reason if reading.risk else None,
        "priority": reading.risk.priority.value if reading.risk else None,
        "language": reading.language,
        "alternatives": [name for name in _offered(reading) if name not in (key, need)][:ALTERNATIVES],
        "confidence": round(reading.confidence, 4),
    }


def _offered(reading: Reading) -> list[str]:
    """What else may be meant: texts first, for the bot offers these ("Did you mean …?"), then services, then talk."""
    labels = [name for name, _ in reading.ranking]
    return [_short(name) for kind in (_PROCEDURE, _SERVICE, "") for name in labels if _kind(name) == kind]


def _kind(label: str) -> str:
    return next((kind for kind in (_PROCEDURE, _SERVICE) if label.startswith(kind)), "")


def _asked_about(reading: Reading) -> str | None:
    """The procedure of which the bot would ask whether it is meant."""
    if reading.intent != "nlu_fallback" or not reading.ranking:
        return None
    label, chance = reading.ranking[0]
    return _short(label) if label.startswith(_PROCEDURE) and chance >= WORTH_ASKING else None


def _type(reading: Reading) -> str:
    if reading.risk or reading.intent in ("in_danger", "ask_human"):
        return "escalate"
    if reading.intent == "procedure":
        return "procedure"
    if reading.intent == "search_service":
        return "service_search"
    return "out_of_scope" if reading.intent in _NOTHING else "smalltalk"


def _short(label: str) -> str:
    return label.removeprefix(_PROCEDURE).removeprefix(_SERVICE)


def _value(entities: tuple[Entity, ...], name: str) -> str | None:
    return next((str(entity.value) for entity in entities if entity.name == name), None)


def _place(entities: tuple[Entity, ...], resolve: PlaceResolver | None) -> str | None:
    said = [str(entity.value) for entity in entities if entity.name == "place"]
    if resolve is None:
        return said[0] if said else None
    return next((name for words in said if (name := resolve(words))), None)
