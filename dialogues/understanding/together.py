"""Reads messages off the event loop; those that come while others are read are read together, next."""

from __future__ import annotations

import asyncio
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from dialogues.understanding.model import Ask, Reading

if TYPE_CHECKING:  # it loads numpy, and the web is up before that
    from dialogues.understanding.reading import Understanding

#: How many readings go on beside each other, and how many messages one of them takes. More would be cheaper still for
#: all together, and the first of them would wait longer.
THREADS, MOST_TOGETHER = 2, 8


class ReadTogether:
    """An understanding, shared by whoever awaits it on one event loop."""

    def __init__(self, understanding: Understanding, threads: ThreadPoolExecutor | None = None) -> None:
        """`threads` must have THREADS of them; its own by default."""
        self._understanding = understanding
        self._threads = threads or ThreadPoolExecutor(THREADS, thread_name_prefix="reading")
        self._waiting: deque[tuple[Ask, asyncio.Future[Reading]]] = deque()
        self._busy = 0

    async def read(self, text: str, *, language: str | None = None) -> Reading:
        """As `Understanding.read`. Words that were read a while ago wait for nobody."""
        known = self._understanding.recall(text, language=language)
        if known is not None:
            return known
        future: asyncio.Future[Reading] = asyncio.get_running_loop().create_future()
        self._waiting.append((Ask(text, language), future))
        self._begin()
        return await future

    def _begin(self) -> None:
        while self._waiting and self._busy < THREADS:
            taken = [self._waiting.popleft() for _ in range(min(MOST_TOGETHER, len(self._waiting)))]
            self._busy += 1
            reading = asyncio.get_running_loop().run_in_executor(self._threads, self._read, [ask for ask, _ in taken])
            reading.add_done_callback(lambda done, taken=taken: self._done(done, [future for _, future in taken]))  # type: ignore[misc]

    def _read(self, asks: list[Ask]) -> list[Reading | Exception]:
        """In a thread. A message that cannot be read is the trouble of whoever wrote it alone."""
        try:
            return [*self._understanding.read_all(asks)]
        except Exception as error:
            if len(asks) == 1:
                return [error]
        return [outcome for ask in asks for outcome in self._read([ask])]

    def _done(self, done: asyncio.Future[list[Reading | Exception]], futures: list[asyncio.Future[Reading]]) -> None:
        self._busy -= 1
        failed = asyncio.CancelledError() if done.cancelled() else done.exception()
        outcomes = [failed] * len(futures) if failed is not None else done.result()
        for future, outcome in zip(futures, outcomes, strict=True):
            if future.done():  # whoever asked does not wait any more
                continue
            if isinstance(outcome, asyncio.CancelledError):
                future.cancel()
            elif isinstance(outcome, BaseException):
                future.set_exception(outcome)
            else:
                future.set_result(outcome)
        self._begin()
