"""Processes that a test kills, or lets die at failpoints, forked from one that has loaded the program already.

A start takes a hundredth of a second and not a whole one, and some tests make dozens. There is one such process for
all of them, and it begins with the first: so all that any of them runs is named here.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
from collections.abc import Callable, Coroutine
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

from bot.kernel import failpoints

FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(
    [
        "tests.faults.exchange_server",
        "tests.faults.watcher",
        "tests.forked",
        "tests.integration.channels.listener",
        "tests.integration.conversations.fetching_process",
    ]
)

Main = Callable[..., Coroutine[Any, Any, None]]


def begin(main: Main, *arguments: object, until: str = "", log: Path | None = None) -> ForkServerProcess:
    """Run `main(*arguments)` in a process of its own, which says what it says to `log`.

    `until`: where it may die and how likely, as the environment has it (`WAYMARK_FAILPOINTS`).
    """
    process = FORKED.Process(target=_live, args=(main, arguments, until, log), daemon=True)
    process.start()
    return process


async def live(main: Main, *arguments: object, until: str) -> int:
    """Run `main(*arguments)` to its end and give its exit code: 0, or 137 if it died."""
    return await ended(begin(main, *arguments, until=until))


async def ended(process: ForkServerProcess) -> int:
    """Its exit code, when it has one."""
    await asyncio.to_thread(process.join)
    assert process.exitcode is not None
    return process.exitcode


def _live(main: Main, arguments: tuple[object, ...], until: str, log: Path | None) -> None:
    if log is not None:
        to = os.open(log, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        os.dup2(to, 1)
        os.dup2(to, 2)
    random.seed()  # else all who are forked from one die at the same place
    failpoints._armed.update(failpoints._parse(until))
    asyncio.run(main(*arguments))
