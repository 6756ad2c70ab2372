"""The storm in short, for every run. The long one is a command: see `tests.faults.storm`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.storm import Plan, run_storm
from tests.postgres import PostgresServer

pytestmark = pytest.mark.faults


def url_of(kind: str, folder: Path, request: pytest.FixtureRequest) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder / 'waymark.db'}"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_nothing_is_lost_or_doubled_whatever_is_killed_when(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
):
    report = await run_storm(url_of(kind, tmp_path, request), tmp_path, Plan(messages=400, kills=12))

    assert report.wrong == []
    assert report.killed_at_random + sum(report.killed_at_failpoints.values()) == 12
    assert report.outbound == 400


async def test_a_server_that_is_asked_to_stop_loses_and_doubles_nothing(tmp_path: Path, request: pytest.FixtureRequest):
    """No ambiguity is allowed here: every send under way is waited for."""
    plan = Plan(messages=200, kills=0, stops=5, faults="")

    report = await run_storm(url_of("sqlite", tmp_path, request), tmp_path, plan)

    assert report.wrong == []
    assert (report.stopped, report.duplicates, report.ambiguous_causes) == (5, 0, {})
