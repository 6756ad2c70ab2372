"""Every byte of many envelopes is changed, one at a time, and none of them may open.

python -m tests.faults.changed --envelopes 200
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections import Counter
from dataclasses import asdict, dataclass, field

from bot.exchange.refusals import Refused
from tests.unit.exchange.world import Pair, contents

#: What a changed byte becomes most often: another letter of base64, which is the harder case.
LETTERS = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."


@dataclass
class Report:
    """How it went."""

    envelopes: int
    changed: int = 0
    taken_in: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0


def change_every_byte(envelopes: int, *, seed: int) -> Report:
    """Envelopes of several lengths between two deployments; each byte of each gets another value."""
    started, chance, report, codes = time.monotonic(), random.Random(seed), Report(envelopes), Counter[str]()
    for number in range(envelopes):
        pair = Pair.acquainted()
        raw = pair.sealed(contents(seq=number + 1, body={"text": "x" * chance.randrange(0, 300)}))
        for place in range(len(raw)):
            spoilt = raw[:place] + bytes([_another(raw[place], chance)]) + raw[place + 1 :]
            report.changed += 1
            try:
                pair.opened(spoilt)
            except Refused as refusal:
                codes[refusal.code] += 1
            else:
                report.taken_in += 1
    report.refused = dict(codes)
    report.seconds = round(time.monotonic() - started, 1)
    return report


def _another(byte: int, chance: random.Random) -> int:
    while True:
        other = chance.choice(LETTERS) if chance.random() < 0.8 else chance.randrange(256)
        if other != byte:
            return other


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.faults.changed", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--envelopes", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    report = change_every_byte(given.envelopes, seed=given.seed)
    print(json.dumps({"bench": "changed bytes", **asdict(report)}))
    sys.exit(1 if report.taken_in else 0)


if __name__ == "__main__":
    main()
