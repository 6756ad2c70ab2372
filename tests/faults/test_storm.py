"""The storm in short, for every run. The long one is a command: see `tests.faults.storm`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.storm import Plan, run_storm

pytestmark = pytest.mark.faults


async def test_nothing_is_lost_or_doubled_whatever_is_killed_when(empty_database_url: str, tmp_path: Path):
    report = await run_storm(empty_database_url, tmp_path, Plan(messages=400, kills=12))

    assert report.wrong == []
    assert report.killed_at_random + sum(report.killed_at_failpoints.values()) == 12
    assert report.outbound == 400


async def test_a_server_that_is_asked_to_stop_loses_and_doubles_nothing(tmp_path: Path):
    """No ambiguity is allowed here: every send under way is waited for."""
    plan = Plan(messages=200, kills=0, stops=5, faults="")

    report = await run_storm(f"sqlite:///{tmp_path / 'waymark.db'}", tmp_path, plan)

    assert report.wrong == []
    assert (report.stopped, report.duplicates, report.ambiguous_causes) == (5, 0, {})
