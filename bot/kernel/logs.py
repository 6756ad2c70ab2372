"""Logs that cannot hold people's words, tokens or addresses.

Our own lines are an event code and facts under known names, each of a known shape: ids, codes, numbers. Anything
else is dropped and counted. Lines of other libraries keep their logger, their place in the code and the kind of
their exception; their text, which may quote anything, never arrives. An exception is its type and its places.
"""

from __future__ import annotations

import json
import logging
import re
import sys
import threading
from collections.abc import Mapping, MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, cast, get_args

import structlog
from prometheus_client import Counter

ROOT = Path(__file__).resolve().parents[2]
PLACES_KEPT = 6

#: Short words out of closed lists of ours: `crisis`, `P0`, `procedure/first_contact`.
CODES = frozenset(
    """room channel account kind state cause code reason priority outcome route method language country backend domain
    worker mode version place intent action table topic act role lane permission procedure need command signal check
    logger dialect step template""".split()  # noqa: SIM905
)
#: Kinds of exceptions, as in `error=type(error).__name__`.
KINDS = frozenset({"error", "exception"})
#: Identifiers we made: UUIDs, hexadecimal fingerprints, case numbers, row numbers.
IDS = frozenset({"id", "key", "number", "object", "actor", "seq"})
NUMBERS = frozenset(
    """n count status port attempt attempts depth rows size lag total fence limit pid position done left new
    workers""".split()  # noqa: SIM905
)
NUMBER_ENDINGS = ("_ms", "_seconds", "_count", "_bytes", "_rows", "_total", "_left", "_per_second")

_code = re.compile(r"[a-z0-9]+(?:[_.:/-][a-z0-9]+)*|P[0-4]|[A-Z]{2}|GET|HEAD|POST")
_id = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[0-9a-f]{16,64}|[A-Z0-9]{2,4}(?:-[A-Z0-9]{2,6}){1,3}")
_event = re.compile(r"[a-z][a-z0-9_.]{0,60}")
_long_number = re.compile(r"\d{7,}")  # a telephone number or a chat id

#: Last of all, over the finished line: what must not be there even if everything above failed.
_SECRETS = (
    re.compile(r"/bot\d+:[\w-]+"),
    re.compile(r"\b\d{6,}:[\w-]{20,}"),
    re.compile(r"(?i)(authorization|bearer|token|password|secret)\W{1,4}(bearer |basic )?[^\s\"',}]+"),
    re.compile(r"[a-z][a-z0-9+.-]*://[^\s\"']*"),
)

_dropped = Counter("waymark_log_facts_dropped_total", "Facts kept out of the log because of their name or shape")

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
_LEVELS = logging.getLevelNamesMapping()
#: Holds the level of our lines, and nothing else goes through it.
_ours = logging.getLogger("waymark")


class Log:
    """The log of one room: `log.info("case_claimed", case_id=case.id)`.

    Takes shape at each line, so it may be made before `configure_logs`. A line below the level costs nothing.
    """

    __slots__ = ("_room",)

    def __init__(self, room: str) -> None:
        self._room = room

    def writes(self, level: Level) -> bool:
        """Whether a line of this level is written, for facts that are costly to gather."""
        return _ours.isEnabledFor(_LEVELS[level])

    def debug(self, event: str, /, **facts: Any) -> None:
        self.write("DEBUG", event, facts)

    def info(self, event: str, /, **facts: Any) -> None:
        self.write("INFO", event, facts)

    def warning(self, event: str, /, **facts: Any) -> None:
        self.write("WARNING", event, facts)

    def error(self, event: str, /, **facts: Any) -> None:
        self.write("ERROR", event, facts)

    def critical(self, event: str, /, **facts: Any) -> None:
        self.write("CRITICAL", event, facts)

    def exception(self, event: str, /, **facts: Any) -> None:
        """An error, with the kind and the places of the exception that is being handled."""
        self.write("ERROR", event, {"exc_info": True, **facts})

    def write(self, level: Level, event: str, facts: Mapping[str, Any]) -> None:
        """The same for a level that is known only now."""
        if self.writes(level):
            getattr(structlog.get_logger(room=self._room), level.lower())(event, **facts)


def get_log(room: str) -> Log:
    """The log of one room. Every file makes its own, once."""
    return Log(room)


def configure_logs(level: Level = "INFO", format: Literal["console", "json"] = "console") -> None:
    """Send everything this process logs, by whatever way, to stderr in the shape above. Call once, at start."""
    _shape_our_lines(level, format)
    handler = _Foreign()
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # otherwise a failing log call prints its arguments
    for noisy in ("alembic", "httpx", "httpcore", "telegram", "aiosqlite", "asyncio", "sqlalchemy", "rasa_sdk"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, _LEVELS[level]))
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)
    sys.unraisablehook = lambda args: _log_uncaught(args.exc_type, args.exc_value, args.exc_traceback)


# Our own lines


def _shape_our_lines(level: Level, format: Literal["console", "json"]) -> None:
    _ours.setLevel(level)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            _put_level,
            only_known_facts,
            _put_time,
            _as_json if format == "json" else _as_line,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=lambda *_args: structlog.WriteLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )


def only_known_facts(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep what is an id, a code or a number under a name that says so."""
    kept: dict[str, Any] = {"event": _event_name(event.pop("event", "")), "level": event.pop("level", "")}
    error = _exception_of(event.pop("exc_info", None))
    for name, value in event.items():
        fact = _fact(name, value)
        if fact is None:
            _dropped.inc()
        else:
            kept[name] = fact
    if error is not None:
        kept.update(describe(error))
    return kept


def describe(error: BaseException) -> dict[str, str]:
    """An exception without its text: its type, what caused it, and where it came from."""
    chain = [type(error).__name__]
    cause = error.__cause__ or error.__context__
    while cause is not None and len(chain) < 4:
        chain.append(type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return {"exception": ",".join(chain), "places": ",".join(_places_of(error.__traceback__))}


def _fact(name: str, value: object) -> str | int | float | bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value if name in NUMBERS | IDS or name.endswith(NUMBER_ENDINGS) else None
    if not isinstance(value, str) or _long_number.fullmatch(value) or len(value) > 120:
        return None
    if name in IDS or name.endswith("_id"):
        return value if _id.fullmatch(value) else None
    if name in KINDS:
        return value if _is_exception(value) else None
    if name in CODES:
        return value if _code.fullmatch(value) and not _long_number.search(value) else None
    return None


_exceptions: set[str] = set()


def _is_exception(name: str) -> bool:
    """Whether some exception of this program has this name. A capital letter alone could begin a person's name."""
    if name not in _exceptions:
        waiting: list[type[BaseException]] = [BaseException]
        while waiting:
            kind = waiting.pop()
            _exceptions.add(kind.__name__)
            waiting.extend(kind.__subclasses__())
    return name in _exceptions


def _event_name(event: object) -> str:
    if isinstance(event, str) and _event.fullmatch(event):
        return event
    _dropped.inc()
    return "unnamed"


def _exception_of(exc_info: object) -> BaseException | None:
    if exc_info is True:
        return sys.exc_info()[1]
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    return exc_info if isinstance(exc_info, BaseException) else None


def _places_of(traceback: TracebackType | None) -> list[str]:
    """`bot/desk/case.py:41` for each step, the innermost last."""
    found: list[str] = []
    while traceback is not None:
        path = Path(traceback.tb_frame.f_code.co_filename)
        shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(*path.parts[-2:])
        found.append(f"{shown.as_posix()}:{traceback.tb_lineno}".replace(",", "_").replace(" ", "_"))
        traceback = traceback.tb_next
    return found[-PLACES_KEPT:]


def _put_level(_logger: object, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["level"] = {"exception": "error", "warn": "warning"}.get(method, method)
    return event


def _put_time(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["at"] = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return event


def _as_json(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    return redact(json.dumps(event, ensure_ascii=True))


def _as_line(_logger: object, _method: str, event: MutableMapping[str, Any]) -> str:
    at, level, name = event.pop("at", ""), str(event.pop("level", "")), event.pop("event", "")
    room = event.pop("room", "")
    facts = " ".join(f"{key}={value}" for key, value in event.items())
    return redact(f"{at[11:19]} {level:<8} {room:<13} {name} {facts}".rstrip())


def redact(line: str) -> str:
    """The finished line without tokens, credentials and addresses."""
    for secret in _SECRETS:
        line = secret.sub("[removed]", line)
    return line


# Lines of other libraries, and what nobody caught


class _Foreign(logging.Handler):
    """Turns a record of another library into a line of ours, without its text."""

    def emit(self, record: logging.LogRecord) -> None:
        facts: dict[str, Any] = {
            "logger": record.name.lower(),
            "place": f"{Path(record.pathname).name.lower()}:{record.lineno}",
        }
        if record.exc_info and record.exc_info[1] is not None:
            facts["exc_info"] = record.exc_info[1]
        level = cast(Level, record.levelname) if record.levelname in get_args(Level) else "INFO"
        get_log("library").write(level, "library", facts)


def _log_uncaught(kind: type[BaseException], error: BaseException | None, _traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    get_log("process").critical("uncaught", exc_info=error)


# structlog's own defaults print exceptions with all their variables: never those, not even before `configure_logs`.
_shape_our_lines("INFO", "console")
