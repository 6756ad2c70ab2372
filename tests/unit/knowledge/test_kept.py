"""What a start reads again only after something changed."""

from __future__ import annotations

import os

import pytest

from dialogues import kept as kept_module
from dialogues.kept import kept
from dialogues.knowledge import Procedures
from dialogues.knowledge.library import SHIPPED

WORDS = list[str]
NOW = 1_700_000_000


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("one two")
    return path


@pytest.fixture
def reading(source, tmp_path):
    """Reads the words of the file; counts how often it really did."""
    readings = []

    def read() -> list[str]:
        readings.append(1)
        return source.read_text().split()

    def ask() -> list[str]:
        return kept("words", WORDS, [source], read, folder=tmp_path / "kept")

    ask.readings = readings
    return ask


def test_the_second_start_reads_what_the_first_one_kept(reading):
    assert reading() == reading() == ["one", "two"]
    assert len(reading.readings) == 1


def test_a_changed_file_is_read_again_even_if_its_size_and_name_are_the_same(reading, source):
    reading()
    source.write_text("six two")

    assert reading() == ["six", "two"]


def test_a_file_that_moved_to_another_folder_is_read_again(source, tmp_path):
    def where(path):
        return kept("folder", WORDS, [path], lambda: [path.parent.name], folder=tmp_path / "kept")

    assert where(source) == [tmp_path.name]
    moved = tmp_path / "elsewhere" / source.name
    moved.parent.mkdir()

    assert where(source.rename(moved)) == ["elsewhere"]


@pytest.mark.parametrize("damage", [b"", b"[1, {}]", b'["one", ', b"\xff\xfe"])
def test_what_was_kept_and_is_damaged_is_read_again(reading, tmp_path, damage):
    reading()
    for path in (tmp_path / "kept").iterdir():
        path.write_bytes(damage)

    assert reading() == ["one", "two"]
    assert len(reading.readings) == 2


def test_where_nothing_can_be_kept_everything_is_read(reading, tmp_path):
    (tmp_path / "kept").write_text("a file stands where the folder would be")

    assert reading() == reading() == ["one", "two"]
    assert len(reading.readings) == 2


def test_what_cannot_be_read_is_said_each_time_and_never_kept(source, tmp_path):
    def fail() -> list[str]:
        raise ValueError("line 1")

    for _ in range(2):
        with pytest.raises(ValueError, match="line 1"):
            kept("words", WORDS, [source], fail, folder=tmp_path / "kept")


def test_the_shipped_texts_as_they_were_kept_are_the_texts_as_they_are_read():
    read, again = Procedures.load(SHIPPED), Procedures.load_shipped()

    assert again.texts() == read.texts()
    assert again.overlays.all() == read.overlays.all()


def test_what_nobody_used_for_longest_is_forgotten_whatever_it_is(reading, source, tmp_path, monkeypatch):
    monkeypatch.setattr(kept_module, "MOST_BYTES", 1000)
    monkeypatch.setattr(kept_module, "A_DAY_SECONDS", -1)
    reading()
    for age, name in enumerate(("template-new", "template-old")):
        (tmp_path / "kept" / name).write_bytes(b"x" * 490)
        os.utime(tmp_path / "kept" / name, (NOW - age, NOW - age))
    [first] = (tmp_path / "kept").glob("*.json")
    os.utime(first, (NOW - 9, NOW - 9))
    reading()  # which makes it the newest

    source.write_text("six two")
    reading()

    assert {path.name for path in (tmp_path / "kept").iterdir()} >= {first.name, "template-new"}
    assert not (tmp_path / "kept" / "template-old").exists()
