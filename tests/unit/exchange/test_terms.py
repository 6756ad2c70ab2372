"""By when an answer is due: law, custom, and what was agreed with one partner."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.exchange.partners.description import TEMPLATE, DescriptionWrong, read_description
from bot.exchange.partners.model import AgreedTime, Agreement
from bot.exchange.requests.terms import limit_of, limit_with, limits_with
from bot.exchange.requests.types import REQUEST_TYPES, Basis
from tests.conftest import NOON
from tests.unit.exchange.test_requests import a_request

CUSTOM = next(each for each in REQUEST_TYPES.values() if each.limits[0].basis is Basis.PRACTICE)
BY_LAW = next(each for each in REQUEST_TYPES.values() if each.limits[0].basis is Basis.LAW)


def agreed(type_key: str, days: int) -> Agreement:
    return Agreement(
        frozenset(),
        frozenset(),
        90,
        NOON - timedelta(days=1),
        NOON + timedelta(days=100),
        "protocol 7",
        {type_key: AgreedTime(days, "protocol 7, art. 5")},
    )


@pytest.mark.parametrize("days", [3, 200])
def test_an_agreement_takes_the_place_of_custom(days: int):
    limit = limit_with(CUSTOM, "usual", agreed(CUSTOM.key, days), NOON)

    assert (limit.basis, limit.source, limit.confirmed) == (Basis.AGREEMENT, "protocol 7, art. 5", True)
    assert limit.span.after(NOON) == NOON + timedelta(days=days)


def test_of_a_time_that_law_sets_an_agreement_takes_away_and_adds_nothing():
    assert limits_with(BY_LAW, agreed(BY_LAW.key, 366), NOON) == BY_LAW.limits

    shorter = limit_with(BY_LAW, "usual", agreed(BY_LAW.key, 1), NOON)
    assert (shorter.basis, shorter.span.after(NOON)) == (Basis.AGREEMENT, NOON + timedelta(days=1))


def test_what_is_urgent_does_not_wait_for_what_was_agreed_for_the_usual():
    urgent = next(each for each in REQUEST_TYPES.values() if any(limit.key == "urgent" for limit in each.limits))

    assert limit_with(urgent, "urgent", agreed(urgent.key, 300), NOON) == urgent.limit("urgent")


@pytest.mark.parametrize("late", [timedelta(days=101), timedelta(days=-2)])
def test_an_agreement_out_of_its_dates_or_about_another_request_sets_nothing(late: timedelta):
    assert limits_with(CUSTOM, agreed(CUSTOM.key, 3), NOON + late) == CUSTOM.limits
    assert limits_with(CUSTOM, agreed("another_type", 3), NOON) == CUSTOM.limits
    assert limits_with(CUSTOM, None, NOON) == CUSTOM.limits


def test_an_agreement_of_later_moves_no_date_and_is_not_named_for_it():
    partner = replace(read_description(TEMPLATE, partner_id="p"), agreement=agreed(CUSTOM.key, 3))
    drafted = replace(a_request(), type_key=CUSTOM.key, limit="usual", sent_at=None, due_at=None)
    by_custom = replace(drafted, sent_at=NOON, due_at=CUSTOM.limits[0].span.after(NOON))
    by_agreement = replace(drafted, sent_at=NOON, due_at=NOON + timedelta(days=3))

    assert limit_of(by_custom, partner, NOON) == CUSTOM.limits[0]
    assert limit_of(by_agreement, partner, NOON).source == "protocol 7, art. 5"
    assert limit_of(drafted, partner, NOON).source == "protocol 7, art. 5"


@pytest.mark.parametrize(
    "wrong",
    [
        "{days: 0, source: art. 5}",
        "{days: 400, source: art. 5}",
        "{days: yes, source: art. 5}",
        "{days: 14}",
        "{days: 14, source: ''}",
        "{days: 14, source: art. 5, more: 1}",
        "14",
    ],
)
def test_a_time_without_days_and_a_source_is_no_time(wrong: str):
    text = TEMPLATE.replace('{days: 14, source: "MoU 2026-14, art. 5"}', wrong)
    assert text != TEMPLATE

    with pytest.raises(DescriptionWrong, match="times"):
        read_description(text, partner_id="p")
