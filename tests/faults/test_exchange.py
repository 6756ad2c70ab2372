"""The storm over the exchange in short, for every run. The long one is a command: see `tests.faults.exchange`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.exchange import Plan, run_storm

pytestmark = pytest.mark.faults


async def test_no_letter_is_lost_or_doubled_while_one_side_is_killed(two_urls: tuple[str, str], tmp_path: Path):
    report = await run_storm(two_urls, tmp_path, Plan(letters=30, kills=3, cut_lines=0.05, drain_seconds=600))

    assert report.wrong == []
    assert report.killed_at_random + sum(report.killed_at_failpoints.values()) == 3
    assert report.written == 60
    assert report.bytes_on_the_wire > 60 * 2000
