"""The retention file covers every column there is. A column nobody thought of fails here."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from msgspec import ValidationError
from msgspec.structs import replace

import bot.app  # noqa: F401  (whatever room a table is of: it is declared now)
from bot import retention
from bot.kernel.settings import load_settings
from bot.upkeep.erasing import tables as every_table


def test_every_column_of_the_database_stands_in_one_class():
    assert retention.load().problems(every_table()) == []


def test_a_new_column_and_a_new_table_are_noticed():
    metadata = sa.MetaData()
    cases = next(table for table in every_table() if table.name == "cases").to_metadata(metadata)
    cases.append_column(sa.Column("nickname", sa.Text))
    diary = sa.Table("diaries", metadata, sa.Column("id", sa.Text))
    others = [table for table in every_table() if table.name != "cases"]

    problems = retention.load().problems([*others, cases, diary])

    assert problems == ["cases.nickname stands in no class", "the table diaries stands in no class"]


def test_what_is_gone_twice_or_of_no_class_is_noticed_too():
    rules = retention.load()
    alarms = {**rules.tables["alarms"], "words": ["step", "melody"], "music": []}
    rows = {**rules.rows, "alarms": retention.Rows("melody", 3)}
    wrong = replace(rules, tables={**rules.tables, "alarms": alarms, "flutes": {}}, rows=rows)

    assert wrong.problems(every_table()) == [
        "alarms.step stands in two classes",
        "alarms: there is no class music",
        "rows: there is no column alarms.melody",
        "there is no column alarms.melody",
        "there is no table flutes",
    ]


def test_what_is_sealed_is_never_called_a_fact():
    rules = retention.load()

    facts = [f"{table}.{column}" for table, column in rules.of_class("facts") if "sealed" in column]

    assert facts == []


def test_a_file_that_says_something_else_is_refused_with_the_place(tmp_path):
    file = tmp_path / "retention.yml"
    file.write_text(retention.FILE.read_text().replace("talk: 90", "talk: soon"))

    with pytest.raises(ValidationError, match=r"erase\.talk"):
        retention.load(file)


def test_whoever_answers_for_the_data_decides_the_days():
    proposed = retention.decided(load_settings({}))
    decided = retention.decided(load_settings({"WAYMARK_KEEP_CASES_DAYS": "3650"}))

    assert proposed == retention.load()
    assert decided.erase == retention.Days(proposed.erase.talk, 3650)
