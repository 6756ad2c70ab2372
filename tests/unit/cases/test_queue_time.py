"""What can honestly be said of how long it takes, from what is known."""

from __future__ import annotations

import heapq
import re
from datetime import timedelta
from random import Random
from statistics import median
from typing import NamedTuple

import pytest
from msgspec.structs import replace

from bot.cases import queue_time
from bot.cases.own import OwnCases
from bot.cases.queue_time import (
    FEWEST_WAITS,
    LONGEST,
    STEPS,
    Expected,
    QueueTime,
    Wait,
    Waits,
    expect,
    rounded_up,
    spoken,
    waits_of,
)
from bot.cases.queue_time_store import MOST_AHEAD, Stay
from bot.conversations.ports import OwnAsk
from bot.kernel.crypto import Vault
from bot.kernel.words import Words
from dialogues.understanding.model import Priority
from tests.conftest import MASTER_KEY, NOON


def of(*minutes: float, ahead: int = 0, language: str = "en") -> list[Wait]:
    return [Wait(timedelta(minutes=each), ahead, language) for each in minutes]


TEN = of(3, 4, 4, 5, 6, 7, 9, 12, 18, 40)


def waits(
    lately: list[Wait] = TEN, *, waited: float = 0, ahead: int = 0, nobody: bool = False, foreign: bool = False
) -> Waits:
    return Waits(timedelta(minutes=waited), timedelta(minutes=15), ahead, "en", nobody, foreign, lately)


def said(expected: Expected) -> list[float | None]:
    """Minutes."""
    return [each and each.total_seconds() / 60 for each in (expected.shortest, expected.longest)]


def told(expected: Expected) -> list[str]:
    return QueueTime(Vault(MASTER_KEY), Words.load()).sentences("en", Priority.P1, expected)


def test_the_range_is_the_usual_and_the_slow_wait_of_others_rounded_up():
    assert said(expect(waits())) == [10, 45]


def test_nobody_is_told_a_figure_from_a_handful_of_waits():
    few = expect(waits(TEN[: FEWEST_WAITS - 1], ahead=3))

    assert said(few) == [None, None]
    assert few.ahead == 3
    assert not few.overdue


def test_nobody_who_waits_longer_than_we_try_to_keep_is_told_what_we_try_to_keep():
    late = expect(waits(TEN[: FEWEST_WAITS - 1], waited=120))

    assert late.overdue
    assert told(late) == ["It takes longer than we wanted. I am still asking for a person."]


def test_who_is_first_in_the_queue_does_not_read_that_many_people_wait():
    hours = expect(waits(of(*[60 * 50.0] * 9)))

    assert told(replace(hours, longest=None)) == ["It can take more than 3 days until a person reads this."]
    assert told(replace(hours, longest=None, ahead=4))[0].startswith("Many people wait. ")


def test_it_counts_what_those_waited_who_had_as_many_before_them():
    lately = of(*[2.0] * 40) + of(*[25.0] * 40, ahead=5)

    assert said(expect(waits(lately))) == [2, 2]
    assert said(expect(waits(lately, ahead=5))) == [30, 30]


def test_of_a_queue_longer_than_there_ever_was_only_is_said_that_it_takes_longer_than_it_ever_took():
    assert said(expect(waits(of(*[10.0] * 10, ahead=1), ahead=7))) == [45, None]


def test_who_speaks_a_language_that_takes_longer_is_told_so():
    lately = of(*[2.0] * 40) + of(*[50.0] * 10, language="ti")

    tigrinya = replace(waits(lately), language="ti")

    assert said(expect(tigrinya)) == [60, 60]
    assert said(expect(waits(lately))) == [2, 2]


def test_whoever_waits_longer_than_others_did_is_told_that_and_no_figure():
    assert said(expect(waits(waited=8))) == [10, 45]
    late = expect(waits(waited=20))
    assert late.longer_than_most
    assert said(late) == [None, None]


def test_with_nobody_at_the_desk_there_is_no_figure_however_much_is_known():
    alone = expect(waits(nobody=True))

    assert alone.nobody_there
    assert said(alone) == [None, None]


def test_where_nobody_speaks_the_language_that_is_said_beside_the_figure():
    foreign = expect(waits(foreign=True))

    assert foreign.nobody_speaks
    assert said(foreign) == [10, 45]


def test_beyond_three_days_only_the_least_is_said():
    assert said(expect(waits(of(*[60 * 50.0] * 9), ahead=3))) == [4320, None]
    assert rounded_up(LONGEST + timedelta(seconds=1)) is None


@pytest.mark.parametrize("seconds", [0, 59, 61, 599, 601, 3601, 90_000])
def test_a_time_is_never_rounded_down(seconds: int):
    wait = timedelta(seconds=seconds)

    assert (rounded_up(wait) or LONGEST) >= wait
    assert rounded_up(wait) in STEPS


def test_times_are_said_as_people_say_them():
    assert [spoken(step, "en") for step in STEPS[::4]] == [
        "1 minute",
        "10 minutes",
        "45 minutes",
        "4 hours",
        "24 hours",
    ]
    assert spoken(timedelta(minutes=20), "fr") == "20 minutes"
    assert spoken(timedelta(minutes=20), "ar") == "20 دقيقة"
    assert [spoken(timedelta(minutes=m), "ar") for m in (2, 3, 120, 2880)] == ["دقيقتين", "3 دقائق", "ساعتين", "يومين"]


def test_before_somebody_is_who_came_earlier_is_as_urgent_and_was_still_there():
    def stay(since: int, until: int, priority: Priority = Priority.P2) -> Stay:
        return Stay(NOON + timedelta(minutes=since), NOON + timedelta(minutes=until), priority, "en")

    queue = [stay(0, 3), stay(1, 20), stay(2, 30, Priority.P0), stay(4, 30, Priority.P3), stay(5, 40)]

    assert [wait.ahead for wait in waits_of(queue, Priority.P2)] == [0, 1, 2]


class Came(NamedTuple):
    at: float  # minutes
    taken_at: float
    ahead: int


def _lately(came: list[Came], clock: float) -> list[Wait]:
    return [
        Wait(timedelta(minutes=min(one.taken_at, clock) - one.at), one.ahead, "en", one.taken_at <= clock)
        for one in came[-200:]
    ]


def _comes(came: list[Came], clock: float, free: list[float], draw: Random) -> tuple[timedelta, Expected]:
    """Somebody comes now. How long they will wait, and what they are told from what can be known now."""
    ahead = sum(one.taken_at > clock for one in came)
    expected = expect(waits(_lately(came, clock), ahead=ahead))
    begins = max(clock, heapq.heappop(free)) + draw.uniform(0.2, 2)
    heapq.heappush(free, begins + draw.lognormvariate(2.6, 0.7))
    came.append(Came(clock, begins, ahead))
    return timedelta(minutes=begins - clock), expected


@pytest.mark.parametrize("seed", range(3))
def test_of_those_who_were_told_a_time_nine_of_ten_waited_no_longer_and_it_was_no_empty_word(seed: int):
    """Three officers, people who come in waves, talks of any length: what is said is held against what happened."""
    draw = Random(seed)
    free, clock, came, kept, times_too_long = [0.0, 0.0, 0.0], 0.0, list[Came](), list[bool](), list[float]()
    for _ in range(800):
        busy = 0.4 if int(clock / 240) % 3 == 0 else 1.3
        clock += draw.expovariate(1 / (12 * busy))
        wait, expected = _comes(came, clock, free, draw)
        if expected.longest is not None:
            kept.append(wait <= expected.longest)
            times_too_long.append(expected.longest / max(wait, timedelta(minutes=1)))

    assert len(kept) > 680
    assert sum(kept) / len(kept) > 0.9
    assert median(times_too_long) < 4


@pytest.mark.parametrize("seed", range(3))
def test_in_a_rush_nobody_is_told_minutes_where_it_takes_hours(seed: int):
    """Quiet days, then a boat: forty people ask within four minutes, and hardly anybody is taken in that time."""
    draw = Random(seed)
    free, clock, came, kept = [0.0, 0.0, 0.0], 0.0, list[Came](), list[bool]()
    for _ in range(60):
        clock += draw.expovariate(1 / 40)
        _comes(came, clock, free, draw)
    for _ in range(40):
        clock += 0.1
        wait, expected = _comes(came, clock, free, draw)
        kept.append(expected.longest is None or wait <= expected.longest)
    for one in came[-40:]:  # and all of them ask again
        ahead = sum(clock < other.taken_at < one.taken_at for other in came)
        again = expect(waits(_lately(came, clock), ahead=ahead, waited=clock - one.at))
        kept.append(again.longest is None or timedelta(minutes=one.taken_at - clock) <= again.longest)

    assert sum(kept) / len(kept) > 0.9


def test_who_waits_still_counts_among_those_who_wait_longer_but_in_no_figure():
    rush = [Wait(timedelta(minutes=1), each, "en", taken=False) for each in range(36)]

    assert said(expect(waits(rush, ahead=36))) == [None, None]
    assert said(expect(waits([*of(*[2.0] * 10), *rush], ahead=36))) == [120, None]
    waiting = [Wait(timedelta(minutes=50), 0, "en", taken=False) for _ in range(3)]
    assert not expect(waits([*TEN, *waiting], waited=45)).longer_than_most


def test_a_queue_that_nobody_counted_to_its_end_is_not_said_to_end_there():
    told = QueueTime(Vault(MASTER_KEY), Words.load()).sentences("en", Priority.P2, Expected(ahead=MOST_AHEAD + 1))

    assert told[1] == f"More than {MOST_AHEAD} people wait before you."


@pytest.mark.parametrize(
    ("text", "is_question"),
    [
        ("alguien viene", False),
        ("Hay alguien", False),
        ("quelqu'un arrive", False),
        ("quelqu’un est là !", False),
        ("alguien", False),
        ("¿Hay alguien?", True),
        ("Bonjour, il y a quelqu'un ?", True),
        ("est-ce qu'il y a quelqu'un", True),
        ("Cuánto falta", True),
        ("cuando viene alguien", True),
    ],
)
def test_that_somebody_is_coming_is_no_question_of_how_long_it_takes(text: str, is_question: bool):
    wish = OwnCases(Vault(MASTER_KEY), Words.load()).wish(text)

    assert (wish is not None and wish.ask is OwnAsk.HOW_LONG) is is_question


@pytest.mark.parametrize("language", ["fr", "es"])
def test_how_long_it_takes_is_said_alike_to_a_child_and_to_a_worker(language: str) -> None:
    """Both read these lines under a sentence of another hand: "vous" and then "tu" in one answer is for neither."""
    words, address = Words.load(), re.compile(r"\b(?:tu|toi|ta|tes|vous|votre|tú|tus|ti|usted|su|estás|llama)\b", re.I)
    named = dict.fromkeys(("emergency_number", "shortest", "longest", "promise", "count"), "9")
    sentences = [each for name, each in vars(queue_time).items() if name.isupper() and isinstance(each, str)]
    said = [words.text(language, each, **named) for each in sentences]

    assert len(said) > 10
    assert [each for each in said if address.search(each)] == []
