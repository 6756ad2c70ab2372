"""A use case in the foreground of a terminal: what a person can put right is one plain sentence, and an exit code.

It knows no command line: `up` answers its first message sooner when the tree of all commands is not built before.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import resource
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

if TYPE_CHECKING:
    from bot.kernel.settings import Settings

T = TypeVar("T")

#: From malloc.h.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
KEPT_BYTES = 512 * 1024
#: Where a system sets no bound: as many as Linux lets a process open unless told otherwise.
MOST_FILES = 1_048_576
#: From sys/prctl.h.
PR_SET_DUMPABLE = 4


class CannotDo(Exception):
    """Why a command cannot, and what to do instead, as a sentence."""


def up() -> None:
    """Serve everything until told to stop."""
    _keep_memory_here()
    _give_memory_back()
    open_many_files()
    gc.disable()  # what is loaded at the start is no garbage, and looking for some takes a sixth of it; see `settle`
    sys.modules["rich"] = None  # type: ignore[assignment]  # structlog would load it for tracebacks we never print
    try:
        from bot.app import serve

        run(serve(settings_or_stop()))
    finally:
        gc.enable()
        sys.modules.pop("rich", None)


def _keep_memory_here() -> None:
    """No core file, and no other process of the same account reads what we hold: it has people's words and keys in it.

    What was erased may stand in freed memory until it is written over or the program ends; only root can look there.
    For Linux (prctl(2)); elsewhere only the core file is forbidden.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_DUMPABLE, 0, 0, 0, 0)


def open_many_files() -> int:
    """Let this process hold as many files open as it may, and return how many those are: every chat and every desk that
    stands open is one, and shells begin with 1024."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else hard
    with contextlib.suppress(OSError, ValueError):  # a system may allow less than it says
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return resource.getrlimit(resource.RLIMIT_NOFILE)[0]


def _give_memory_back() -> None:
    """What was freed goes back to the system, and threads share one heap: a twentieth of the memory of the program.

    For glibc (mallopt(3)); elsewhere nothing happens.
    """
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(M_ARENA_MAX, 1)
        mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        mallopt(M_MMAP_THRESHOLD, KEPT_BYTES)


def stop(message: str, code: int = 1) -> NoReturn:
    """End with one plain sentence on stderr, no traceback."""
    red, plain = ("\033[31m", "\033[0m") if sys.stderr.isatty() else ("", "")
    print(f"{red}{message}{plain}", file=sys.stderr)
    raise SystemExit(code)


def settings_or_stop() -> Settings:
    """The settings of this process; where they cannot be used, every problem is named and the process ends."""
    from bot.kernel.settings import SettingsWrong, load_settings

    try:
        return load_settings()
    except SettingsWrong as wrong:
        stop(
            "Waymark cannot start with these settings:\n" + "\n".join(f"  - {problem}" for problem in wrong.problems), 2
        )


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run one use case to its end; what stops it is said in a sentence."""
    from sqlalchemy.exc import DBAPIError

    from bot.alone import CannotStart
    from bot.kernel.crypto import WrongMasterKey
    from bot.kernel.database import DatabaseUnavailable
    from bot.kernel.migrations import NewerDatabase

    try:
        return asyncio.run(work)
    except (CannotStart, CannotDo, WrongMasterKey, NewerDatabase) as error:
        stop(f"Waymark stops here: {error}", 2)
    except (DatabaseUnavailable, DBAPIError) as error:
        # The first line only: what follows may quote what was to be stored.
        said = str(getattr(error, "orig", None) or error).splitlines()
        stop(f"The database cannot be used: {said[0] if said else type(error).__name__}", 2)
    except BrokenPipeError:  # whoever read our output has seen enough
        sys.stderr.close()
        raise SystemExit(0) from None
    except OSError as error:
        stop(f"Waymark stops here: {error.strerror or error}{f': {error.filename}' if error.filename else ''}", 2)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
