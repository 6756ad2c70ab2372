"""What can go wrong between a bot and Telegram, by chance or by script."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Fault(StrEnum):
    """Each says whether the message was delivered before it struck."""

    TOO_MANY = "too_many"  # 429 with retry_after; not delivered, and the chat stays shut until then
    SERVER_ERROR = "server_error"  # 502; not delivered
    BAD_HTML = "bad_html"  # 502 with an HTML page, as a proxy in front answers; not delivered
    HANG = "hang"  # no answer for `hang_seconds`, then the connection closes; not delivered
    DROP = "drop"  # the connection closes at once; not delivered
    LOSE_ANSWER = "lose_answer"  # delivered, and the connection closes instead of an answer
    HANG_AFTER = "hang_after"  # delivered, then no answer for `hang_seconds`
    TRUNCATE = "truncate"  # delivered, and the answer ends in the middle
    GARBLE = "garble"  # delivered, and the answer is 200 but not what the API answers


#: After these the message is with the person although the bot was not told.
DELIVERED = frozenset({Fault.LOSE_ANSWER, Fault.HANG_AFTER, Fault.TRUNCATE, Fault.GARBLE})


@dataclass
class Scripted:
    """A fault that lets `skip` fitting calls pass and strikes the next `times`, before any chance is asked."""

    fault: Fault
    method: str | None = None
    chat_id: int | None = None
    times: int = 1
    skip: int = 0

    def fits(self, method: str, chat_id: int | None) -> bool:
        return self.times > 0 and self.method in {None, method} and self.chat_id in {None, chat_id}


@dataclass
class Faults:
    """Chances per call of a `send…` or `edit…` method, and a script. The same seed gives the same faults."""

    rates: dict[Fault, float] = field(default_factory=dict)
    script: list[Scripted] = field(default_factory=list)
    seed: int = 0
    retry_after: int = 1
    hang_seconds: float = 30.0

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    @classmethod
    def parse(cls, text: str, *, seed: int = 0) -> Faults:
        """`lose_answer=0.02,too_many=0.025`, as the command line has it."""
        pairs = (part.split("=") for part in text.split(",") if part.strip())
        return cls({Fault(name.strip()): float(rate) for name, rate in pairs}, seed=seed)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Faults:
        """`{"rates": {...}, "script": [{"fault": ..., "method": ..., "chat_id": ..., "times": ...}], "seed": ...}`."""
        return cls(
            rates={Fault(name): float(rate) for name, rate in value.get("rates", {}).items()},
            script=[Scripted(**{**line, "fault": Fault(line["fault"])}) for line in value.get("script", ())],
            seed=value.get("seed", 0),
            retry_after=value.get("retry_after", 1),
            hang_seconds=value.get("hang_seconds", 30.0),
        )

    def next(self, method: str, chat_id: int | None) -> Fault | None:
        """What strikes this call, if anything."""
        for line in self.script:
            if not line.fits(method, chat_id):
                continue
            if line.skip > 0:
                line.skip -= 1
                continue
            line.times -= 1
            return line.fault
        if not method.startswith(("send", "edit")):
            return None
        chance = self._random.random()
        for fault, rate in self.rates.items():
            if chance < rate:
                return fault
            chance -= rate
        return None
