"""`python -m tests.peers.telegram --port 8081 --ledger ledger.db --faults lose_answer=0.02,too_many=0.05`."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from tests.peers.telegram.faults import Faults
from tests.peers.telegram.server import TOKEN, running_telegram


async def serve(arguments: argparse.Namespace) -> None:
    faults = Faults.parse(arguments.faults, seed=arguments.seed)
    faults.retry_after, faults.hang_seconds = arguments.retry_after, arguments.hang_seconds
    options = {"token": arguments.token, "faults": faults, "retry_seconds": arguments.webhook_retry_seconds}
    async with running_telegram(arguments.ledger, port=arguments.port, **options) as telegram:
        print(f"Telegram stands in at {telegram.url}", flush=True)
        await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.peers.telegram")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one and prints it")
    parser.add_argument("--ledger", type=Path, required=True, help="an SQLite file, made if missing")
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--faults", default="", help="NAME=RATE,...: see faults.py")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--retry-after", type=int, default=1, help="seconds in a 429")
    parser.add_argument("--hang-seconds", type=float, default=30.0)
    parser.add_argument("--webhook-retry-seconds", type=float, default=1.0, help="before the second try; then doubling")
    try:
        asyncio.run(serve(parser.parse_args()))
    except KeyboardInterrupt:
        return


if __name__ == "__main__":
    main()
