"""`bench turn` beside a real Rasa 3.6 that plays the same dialogues, where WAYMARK_RASA names one.

Both are processes of their own behind Rasa's REST channel, on the same machine, and get the same words from the same
load generator: a round of ours, a round of Rasa, and so on. Ours is `python -m dialogues serve`; Rasa learns the same
folder and runs its actions and says its words through that server of ours, as docs/rasa.md describes, which so costs
the two of them together what one message costs there. A person's next message follows the answer to the one before.

What Rasa is spared: it goes through its examples only a few times (the cost of a message does not depend on it), and
does not hear danger, for it has no screen. What ours is spared: this is the channel of `dialogues serve`, which keeps
conversations in memory as Rasa does by default; the durable way is what the other lines of `bench turn` measure.
"""

from __future__ import annotations

import json
import statistics
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, field

from bot.bench.load import LoadResult, post_conversations
from bot.bench.rasa_scripts import Conversation, count, forms, free_text, requests
from bot.bench.rasa_server import HOW, VARIABLE, Rasa, Server, our_server, rasa_server, train

#: How many turns a round has, by how many people write at the same time.
TURNS = {1: 60, 16: 180}
ROUNDS = 3
OURS, RASA = "waymark", "rasa"


class Aim(Struct, frozen=True):
    """What is wanted at sixteen in flight: so many times Rasa's turns a second, and such a share of its p99."""

    times: float
    p99_share: float | None = None


AIMS = {"repeating": Aim(5, 0.1), "new": Aim(2), "form": Aim(50)}

#: The conversations of one round: its number, and how many turns.
Rounds = Callable[[int, int], Sequence[Conversation]]


class Measured(Struct):
    """The rounds of one server."""

    rounds: list[LoadResult] = field(default_factory=list)
    cpu_seconds: float = 0.0  # of a Rasa with that of the server that says its words and runs its actions

    @property
    def rates(self) -> list[float]:
        return [result.rate for result in self.rounds]

    @property
    def whole(self) -> LoadResult:
        """All rounds as one."""
        latencies = sorted(latency for result in self.rounds for latency in result.latencies)
        silent = sum(result.silent for result in self.rounds)
        return LoadResult(len(latencies), sum(result.seconds for result in self.rounds), latencies, silent)


def compare(aim: Aim, ours: Measured, rasa: Measured) -> dict[str, float | bool | None]:
    """How much faster ours was: the median over the rounds of each beside the one that followed it."""
    times = statistics.median(own / theirs for own, theirs in zip(ours.rates, rasa.rates, strict=True))
    share = ours.whole.percentile(0.99) / rasa.whole.percentile(0.99)
    reached = times >= aim.times and (aim.p99_share is None or share <= aim.p99_share)
    return {
        "times_its_rate": round(times, 2),
        "wanted_times": aim.times,
        "share_of_its_p99": round(share, 3),
        "wanted_share": aim.p99_share,
        "reached": reached,
    }


async def run(rasa: Rasa | None, folder: Path, *, rounds: int = ROUNDS, turns: Mapping[int, int] = TURNS) -> None:
    """Print a JSON line for each script, number in flight and server, and one for each script that compares them.

    `folder` keeps what Rasa has learnt. Without a Rasa only what to do is said, on stderr. Raises CannotDo.
    """
    if rasa is None:
        print(f"Not measured beside Rasa: {VARIABLE} names none. {HOW}", file=sys.stderr)
        return
    scripts = _scripts(rounds, turns)
    model = await train(rasa, folder)
    async with our_server(model.parent.parent) as ours, rasa_server(rasa, model, ours) as theirs:
        servers = {OURS: ours, RASA: theirs}
        for name, of_round in scripts.items():
            warming = max(turns.values()) if name == "repeating" else turns[1]
            for who, server in servers.items():  # as in service: what repeats was said before
                await _round(server, of_round(0, warming), f"warm-{name}-{who}", 1)
            for in_flight in turns:
                measured = {who: Measured() for who in servers}
                for number in range(rounds):
                    people = of_round(1 + number + rounds * list(turns).index(in_flight), turns[in_flight])
                    for who, server in servers.items():
                        busy = server.cpu_seconds()
                        played = await _round(server, people, f"{name}-{in_flight}-{number}-{who}", in_flight)
                        measured[who].cpu_seconds += server.cpu_seconds() - busy
                        measured[who].rounds.append(played)
                for who, figures in measured.items():
                    _print(name, in_flight, server=who, **_figures(figures))
            _print(name, in_flight, **compare(AIMS[name], measured[OURS], measured[RASA]))


async def _round(server: Server, people: Sequence[Conversation], label: str, in_flight: int) -> LoadResult:
    return await post_conversations("127.0.0.1", server.port, requests(people, label), in_flight=in_flight)


def _scripts(rounds: int, turns: Mapping[int, int]) -> dict[str, Rounds]:
    everybody = free_text()
    each = len(everybody[0])
    repeating = everybody[: max(turns.values()) // each]
    others = everybody[len(repeating) :]
    starts = [0]
    for size in (turns[1], *(size for size in turns.values() for _ in range(rounds))):
        starts.append(starts[-1] + size // each)
    if starts[-1] > len(others):
        raise ValueError(f"{count(others)} messages are not enough for {rounds} rounds that are each new")
    return {
        "repeating": lambda _number, size: repeating[: size // each],
        "new": lambda number, size: others[starts[number] : starts[number] + size // each],
        "form": lambda _number, size: forms(size),
    }


def _figures(measured: Measured) -> dict[str, float]:
    whole = measured.whole
    return {
        "turns": whole.requests,
        "turns_per_second": round(statistics.median(measured.rates), 1),
        "p50_ms": round(whole.percentile(0.5), 2),
        "p99_ms": round(whole.percentile(0.99), 2),
        "cpu_ms_per_turn": round(1000 * measured.cpu_seconds / whole.requests, 2),
        "without_an_answer": whole.silent,
    }


def _print(script: str, in_flight: int, **told: object) -> None:
    line = {"bench": "turn beside rasa", "script": script, "in_flight": in_flight, **told}
    print(json.dumps(line), flush=True)
