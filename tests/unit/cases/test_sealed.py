"""Erasing takes out whatever any room sealed about a case: so every such column can be emptied."""

from __future__ import annotations

from tests.conftest import all_metadata


def test_every_sealed_column_about_a_case_can_be_taken_out():
    tables = [table for metadata in all_metadata() for table in metadata.sorted_tables if "case_id" in table.c]
    sealed = [column for table in tables for column in table.c if column.name.endswith("_sealed")]

    assert len(sealed) >= 10
    assert [str(column) for column in sealed if not column.nullable] == []
