"""Processes that a test lets die at failpoints, forked from one that has loaded the program already.

A start takes a hundredth of a second and not a whole one, and some tests make dozens.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import random
from collections.abc import Callable, Coroutine
from typing import Any

from bot.kernel import failpoints

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["tests.integration.conversations.fetching_process"])


async def live(main: Callable[..., Coroutine[Any, Any, None]], *arguments: str, until: str) -> int:
    """Run `main(*arguments)` in a process of its own and give its exit code: 0, or 137 if it died.

    `until`: where it may die and how likely, as the environment has it (`WAYMARK_FAILPOINTS`).
    """
    process = _FORKED.Process(target=_live, args=(main, arguments, until))
    process.start()
    await asyncio.to_thread(process.join)
    assert process.exitcode is not None
    return process.exitcode


def _live(main: Callable[..., Coroutine[Any, Any, None]], arguments: tuple[str, ...], until: str) -> None:
    random.seed()  # else all who are forked from one die at the same place
    failpoints._armed.update(failpoints._parse(until))
    asyncio.run(main(*arguments))
