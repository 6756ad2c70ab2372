"""What the README says is what the program is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from bot.bench import BENCHES
from bot.commands import app
from bot.kernel.settings import settings_as_markdown

ROOT = Path(__file__).resolve().parents[3]
README = (ROOT / "README.md").read_text("utf-8")


def test_the_table_of_settings_is_the_one_of_the_class():
    table = README.split("<!-- settings -->")[1].split("<!-- /settings -->")[0]

    assert table.strip() == settings_as_markdown()


def command_names() -> set[str]:
    """Every command, with the names of its groups before it."""
    return set(_names_in(typer.main.get_command(app)))


def _names_in(group: Any) -> Iterator[str]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from (f"{name} {inner}" for inner in _names_in(command))
        else:
            yield name


def test_every_command_is_in_the_readme_and_none_that_is_not():
    table = README.split("## Commands")[1].split("\n## ")[0]
    named = set(re.findall(r"`([a-z -]+?)(?: [A-Z]+)*`", table.split("|---|---|")[1]))

    by_launcher = {"test"}
    assert all(f"./waymark {name}" in str(app.info.epilog) for name in by_launcher)
    assert command_names() <= named
    assert named - command_names() - by_launcher - set(BENCHES) == set()


def test_every_room_of_the_map_is_there():
    short = README.split("## The map of the house")[1].split("\n## ")[0]
    whole = (ROOT / "docs" / "map.md").read_text("utf-8")
    rooms, parts = (re.findall(r"^\| `([^`]+)`", table, re.MULTILINE) for table in (short, whole))

    assert len(parts) > len(rooms) > 10
    assert [room for room in [*rooms, *parts] if not (ROOT / room).exists()] == []


@pytest.mark.parametrize("document", sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]), ids=lambda p: p.name)
def test_every_link_leads_to_a_file_and_to_a_heading_in_it(document: Path):
    links = re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", document.read_text("utf-8"))
    local = [(link, part) for link, part in links if not link.startswith(("http://", "https://", "mailto:"))]

    assert [link for link, _ in local if not (document.parent / link).exists()] == []
    assert [
        part for link, part in local if part and part not in _headings(document.parent / link if link else document)
    ] == []


def _headings(document: Path) -> set[str]:
    """What leads to each heading of a page, as GitHub makes it."""
    titles = re.findall(r"^#+ (.+)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_the_check_of_the_whole_is_the_command_that_the_readme_names():
    assert "./waymark test" in README
    assert (ROOT / ".ci" / "run").read_text("utf-8").rstrip().endswith("exec ./waymark test")
