"""`bench turn` beside a real Rasa: its arithmetic, its words, and what it says where there is no Rasa."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from bot.bench import rasa
from bot.bench.load import LoadResult
from bot.bench.rasa import Aim, Measured, compare
from bot.bench.rasa_scripts import count, forms, free_text, requests
from bot.bench.rasa_server import find_rasa
from bot.foreground import CannotDo
from bot.kernel.settings import load_settings


def rounds(*rates: float, slowest_s: float = 0.01) -> Measured:
    """Rounds of a hundred turns at these rates, two of them slow."""
    latencies = [0.001] * 98 + [slowest_s] * 2
    return Measured([LoadResult(100, 100 / rate, latencies) for rate in rates])


def environment(folder: Path, says: str) -> Path:
    """Something that looks like a virtual environment, whose Python says this."""
    python = folder / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f"#!/bin/sh\n{says}\n")
    python.chmod(0o755)
    return folder


def test_each_round_is_compared_with_the_one_beside_it():
    told = compare(Aim(5), rounds(100, 60, 500), rounds(10, 10, 100))

    assert told["times_its_rate"] == 6  # of 10, 6 and 5: a machine that was slow for a moment was so for both
    assert told["reached"] is True


def test_fast_is_not_enough_where_some_wait_long():
    ours, its = rounds(100, slowest_s=0.05), rounds(10, slowest_s=0.4)

    assert compare(Aim(5, 0.2), ours, its)["reached"] is True
    told = compare(Aim(5, 0.1), ours, its)
    assert told["share_of_its_p99"] == 0.125
    assert told["reached"] is False


def test_not_fast_enough_is_not_reached():
    assert compare(Aim(50), rounds(490), rounds(10))["reached"] is False


async def test_without_a_rasa_it_is_said_how_to_measure_beside_one(capsys, tmp_path):
    assert find_rasa({}) is None
    await rasa.run(None, tmp_path)

    said = capsys.readouterr()
    assert said.out == ""
    assert "rasa==3.6.21" in said.err
    assert "WAYMARK_RASA=FOLDER ./waymark bench turn" in said.err


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ("echo 3.5.17", "has Rasa 3.5.17, not 3.6"),
        ("echo nothing of that name >&2; exit 1", "has no Rasa"),
    ],
)
def test_an_environment_without_rasa_3_6_is_refused_in_a_sentence(tmp_path, says, told):
    with pytest.raises(CannotDo, match=told) as refused:
        find_rasa({"WAYMARK_RASA": str(environment(tmp_path / "venv", says))})

    assert "rasa==3.6.21" in str(refused.value)


def test_a_folder_that_is_no_environment_is_refused_in_a_sentence(tmp_path):
    with pytest.raises(CannotDo, match="that is no virtual environment"):
        find_rasa({"WAYMARK_RASA": str(tmp_path / "nowhere")})


def test_naming_a_rasa_hinders_no_command():
    load_settings({"WAYMARK_RASA": "/somewhere"})  # raises for a variable that nobody knows


def test_a_rasa_3_6_is_found(tmp_path):
    found = find_rasa({"WAYMARK_RASA": str(environment(tmp_path / "venv", "echo 3.6.21"))})

    assert found is not None
    assert found.version == "3.6.21"


def test_every_message_of_the_free_text_is_new():
    said = [*chain.from_iterable(free_text())]

    assert len(said) == len(set(said))
    of_all_rounds = 180 + 60 + rasa.ROUNDS * sum(rasa.TURNS.values())
    assert len(said) >= of_all_rounds


def test_the_rounds_that_are_to_be_new_share_no_message():
    new = rasa._scripts(rasa.ROUNDS, rasa.TURNS)["new"]
    repeating = rasa._scripts(rasa.ROUNDS, rasa.TURNS)["repeating"]
    sizes = [60, *(size for size in rasa.TURNS.values() for _ in range(rasa.ROUNDS))]

    said = [text for number, size in enumerate(sizes) for text in chain.from_iterable(new(number, size))]
    said += chain.from_iterable(repeating(0, 180))

    assert len(said) == len(set(said)) == sum(sizes) + 180


def test_nobody_writes_in_two_rounds():
    people = forms(20)

    first, second = requests(people, "a"), requests(people, "b")

    assert count(people) >= 20
    assert not {*chain.from_iterable(first)} & {*chain.from_iterable(second)}


def test_without_the_messages_of_the_tests_it_is_said(tmp_path):
    with pytest.raises(CannotDo, match="measure in a checkout"):
        free_text(tmp_path)
