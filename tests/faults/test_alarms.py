"""Nights in which the watch over those who called dies, in short. The long one: see `tests.faults.alarms`."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from dialogues.understanding.model import Priority
from tests.faults.alarms import Plan, run_night
from tests.postgres import running_postgres

pytestmark = pytest.mark.faults


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_whoever_calls_is_heard_or_somebody_is_being_told_whatever_dies(kind: str, tmp_path: Path):
    plan = Plan(
        calls=30,
        arrive_within=timedelta(minutes=20),
        lasts=timedelta(minutes=75),
        urgencies=(Priority.P0, Priority.P1, Priority.P2),
        dies_at_a_point=0.04,
        killed_at_random=0.05,
        outages=1,
        restarts=3,
    )

    if kind == "sqlite":
        report = await run_night(f"sqlite:///{tmp_path / 'waymark.db'}", tmp_path, plan)
    else:
        with running_postgres() as server:  # of its own: it is torn down in the middle of everything
            report = await run_night(server.new_database(), tmp_path, plan, server)

    assert report.wrong == []
    assert report.acknowledged + report.at_the_top + report.still_climbing == 30
    assert report.deaths_at_points > 0
    assert report.deaths_at_random > 0
    assert report.restarts == (3 if kind == "postgresql" else 0)
    assert report.late_for_an_outage > 0  # the clock and the judge do see lateness
