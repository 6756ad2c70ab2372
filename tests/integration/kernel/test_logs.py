"""Logs hold ids, codes and numbers, whatever is thrown at them."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import pytest

from bot.kernel import logs
from bot.kernel.ids import new_id
from bot.kernel.logs import configure_logs, get_log, redact

CANARY = "CANARY she hides behind the station"
TOKEN = "123456789:AAFcanaryCANARYcanary_canary-canary01"
SECRETS = ("CANARY", "canary", "station", "0199001234", "amina", "Amina")


class Written:
    """Everything this process wrote to its outputs so far."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self._text = ""

    @property
    def text(self) -> str:
        shown = self._capsys.readouterr()
        self._text += shown.out + shown.err
        return self._text


@pytest.fixture(params=["console", "json"])
def written(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str]) -> Iterator[Written]:
    """What is logged at DEBUG, in each format."""
    with configured("DEBUG", request.param):
        yield Written(capsys)


@contextmanager
def configured(level: logs.Level, form: Literal["console", "json"]) -> Iterator[None]:
    root = logging.getLogger()
    before = (root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook)
    configure_logs(level, form)
    yield
    root.handlers[:], root.level, sys.excepthook, threading.excepthook, sys.unraisablehook = before
    logging.captureWarnings(False)
    logs._shape_our_lines("INFO", "console")


class WordsError(Exception):
    """An error that quotes what people wrote."""


def fail_with_words() -> None:
    secret_local = CANARY
    try:
        raise WordsError(secret_local)
    except WordsError as error:
        raise RuntimeError(f"{TOKEN} {CANARY}") from error


def test_what_is_known_arrives(capsys: pytest.CaptureFixture[str]):
    case_id = new_id()
    log = get_log("cases")  # as every file does it, long before logs are configured
    with configured("INFO", "json"):
        log.info(
            "case_claimed",
            case_id=case_id,
            priority="P0",
            language="fr",
            duration_ms=3.5,
            attempts=2,
            error="TimeoutError",
        )
        log.debug("not_at_this_level")

    [line] = capsys.readouterr().err.splitlines()
    facts = json.loads(line)
    assert facts.pop("at").startswith("20")
    assert facts == {
        "event": "case_claimed",
        "level": "info",
        "room": "cases",
        "case_id": case_id,
        "priority": "P0",
        "language": "fr",
        "duration_ms": 3.5,
        "attempts": 2,
        "error": "TimeoutError",
    }


def test_a_log_made_early_takes_each_level_and_shape_that_is_set_later(capsys: pytest.CaptureFixture[str]):
    log = get_log("cases")
    with configured("ERROR", "json"):
        log.info("too_quiet")
        assert not log.writes("INFO")
    with configured("DEBUG", "json"):
        log.debug("as_json")
    with configured("DEBUG", "console"):
        log.debug("as_text")

    as_json, as_text = capsys.readouterr().err.splitlines()
    assert json.loads(as_json)["event"] == "as_json"
    assert as_text.split()[1:] == ["debug", "cases", "as_text"]


@pytest.mark.parametrize(
    "facts",
    [
        {"text": "amina"},
        {"reason": CANARY},
        {"reason": "CANARY"},
        {"case_id": "amina"},
        {"chat_id": 199001234},
        {"number": "0199001234"},
        {"code": "0199001234"},
        {"place": "amina street"},
        {"error": "no such station"},
        {"error": "Amina"},
        {"count": "canary"},
        {"words": ["canary"]},
        {"language": "the canary language"},
        {"route": TOKEN},
        {"cause": {"canary": 1}},
    ],
)
def test_what_is_not_known_is_dropped_and_counted(written: Written, facts: dict[str, object]):
    before = logs._dropped._value.get()
    get_log("room").info("something", **facts)

    assert "something" in written.text
    assert not any(secret in written.text for secret in SECRETS)
    assert logs._dropped._value.get() > before


def test_a_sentence_is_not_an_event(written: Written):
    get_log("room").info(f"person wrote {CANARY}")

    assert "unnamed" in written.text
    assert "CANARY" not in written.text


def test_an_exception_is_its_kind_and_its_places(written: Written):
    for _ in range(50):
        try:
            fail_with_words()
        except RuntimeError:
            get_log("room").exception("turn_failed", text=CANARY)

    assert written.text.count("turn_failed") == 50
    assert "RuntimeError,WordsError" in written.text
    assert "tests/integration/kernel/test_logs.py:" in written.text
    assert not any(secret in written.text for secret in SECRETS)


async def test_other_libraries_leave_their_text_outside(written: Written):
    for name in ("httpx", "telegram.Bot", "aiohttp.access", "asyncio", "sqlalchemy.engine", "some.library", ""):
        logger = logging.getLogger(name)
        logger.debug("GET https://api.telegram.org/bot%s/getMe?x=%s", TOKEN, CANARY)
        logger.warning(f"{TOKEN} {CANARY}")
        logger.error("%d", CANARY)  # a broken log call prints its arguments, if it may
        try:
            fail_with_words()
        except RuntimeError:
            logger.exception(CANARY)

    async def lost() -> None:
        fail_with_words()

    task = asyncio.create_task(lost())
    await asyncio.wait([task])
    del task  # "Task exception was never retrieved"
    await asyncio.sleep(0)
    warnings.warn(CANARY, stacklevel=1)

    assert "some.library" in written.text
    assert not any(secret in written.text for secret in SECRETS)


def test_what_nobody_caught_leaves_its_text_outside(written: Written):
    try:
        fail_with_words()
    except RuntimeError as error:
        sys.excepthook(type(error), error, error.__traceback__)

    thread = threading.Thread(target=fail_with_words)
    thread.start()
    thread.join()

    class Dying:
        def __del__(self) -> None:
            fail_with_words()

    Dying()

    assert written.text.count("uncaught") == 3
    assert "RuntimeError" in written.text
    assert not any(secret in written.text for secret in SECRETS)


def test_no_line_can_be_forged(written: Written):
    get_log("room").info("a\nb", reason="x\n2026 error forged", case_id="1\n2")
    logging.getLogger("x\ny").warning("a\nb")

    assert written.text.count("\n") == 2


def test_nothing_leaks_before_logs_are_configured(capsys: pytest.CaptureFixture[str]):
    try:
        fail_with_words()
    except RuntimeError:
        get_log("room").exception("turn_failed", text=CANARY)

    shown = capsys.readouterr()
    assert "turn_failed" in shown.err
    assert not any(secret in shown.out + shown.err for secret in SECRETS)


@pytest.mark.parametrize(
    "line",
    [
        f"POST /bot{TOKEN}/sendMessage",
        f"token is {TOKEN}",
        "Authorization: Bearer canary-canary",
        "postgresql://waymark:canary@host/name",
        "https://host/desk/enter/canary?x=station",
        'password="canary"',
    ],
)
def test_the_last_look_over_a_line_takes_secrets_out(line: str):
    assert not any(secret in redact(line) for secret in SECRETS)
