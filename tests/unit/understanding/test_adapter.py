"""What the encoder was taught of our field, and that nothing is judged by what taught it."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from msgspec.structs import replace

from dialogues.understanding.adapter import Adapter, checksums
from dialogues.understanding.corpus import Corpus, Example, read_corpus
from dialogues.understanding.e5 import E5
from dialogues.understanding.embedder import AdaptedE5
from dialogues.understanding.encoder import Exact
from dialogues.understanding.fold import clean
from dialogues.understanding.training import in_order
from dialogues.understanding.weights import LAYERS, Weights
from tests.unit.understanding.conftest import PROJECT

SOME = ["my uncle took my passport", "¿dónde puedo dormir?", "x", "وين المدرسة"]


def test_an_adapter_is_read_as_it_was_written(tmp_path):
    written = Adapter.read()
    written.write(tmp_path / "adapter.npz")
    read = Adapter.read(tmp_path / "adapter.npz")

    assert read.digest == written.digest
    assert read.products.keys() == written.products.keys()
    assert np.array_equal(read.sentences, written.sentences)


def test_another_adapter_has_another_name():
    one = Adapter.read()
    down, up = one.products["l11.fo"]
    other = replace(one, products={**one.products, "l11.fo": (down * 1.01, up)})

    assert other.digest != one.digest


def test_an_adapter_knows_what_taught_it():
    taught = Adapter({}, {}, np.unique(checksums(["a", "b"])))

    assert taught.learnt_from(["b", "c", "a"]).tolist() == [True, False, True]


def test_no_situation_is_held_back_of_which_a_sentence_taught_the_embedder():
    pairs = np.eye(120, dtype=np.float32)  # each sentence has another that tells of the same, as alike as cos 59°
    pairs[1::2] = 0.515 * pairs[::2] + 0.857 * pairs[1::2]
    examples = [Example(f"situation {at // 2}, way {at % 2}", "en", "greet") for at in range(120)]
    taught = np.arange(120) % 6 == 0

    before, held, count = in_order(examples, pairs)
    after, held_now, count_now = in_order(examples, pairs, taught)

    assert taught[before[held[0] : count]].any()
    judged = after[held_now[0] : count_now]
    assert len(judged) > 10
    assert not taught[judged // 2 * 2].any(), "nor the other of its situation"


def test_the_shipped_adapter_leaves_enough_to_judge_by():
    texts = [clean(example.text) for example in read_corpus(PROJECT).examples]

    assert 0.3 < AdaptedE5().learnt_from(texts).mean() < 0.75


def test_what_is_learnt_with_is_the_encoder_that_reads():
    adapting = pytest.importorskip("dialogues.understanding.adapting", reason="needs deploy/adapting.lock")
    adapter = Adapter.read()
    below = E5(Exact(Weights()), layers=adapting.FIRST_ADAPTED)
    sentences = adapting.Sentences([below.states(text) for text in SOME])
    layers = range(adapting.FIRST_ADAPTED, LAYERS)
    thin = [{name: adapter.products[f"l{layer}.{name}"] for name in adapting.SHAPES} for layer in layers]

    vectors = adapting._vectors(sentences, np.arange(len(SOME)), adapting._upper_layers(), thin, len(SOME))

    assert (vectors * E5(Exact(Weights(), adapter)).query(SOME)).sum(axis=1).min() > 0.9999


def test_sentences_of_one_meaning_come_nearer_to_one_another(monkeypatch):
    adapting = pytest.importorskip("dialogues.understanding.adapting", reason="needs deploy/adapting.lock")
    monkeypatch.setattr(adapting, "ROUNDS", 12)
    asked = {
        "greet": ["hello there {}", "good morning {}", "hey {}"],
        "thanks": ["thanks {}", "so kind {}", "bless {}"],
    }
    names = ["Ana", "Omar", "Lea", "Sam", "Noor", "Max", "Ida", "Ben"]
    examples = [Example(f.format(n), "en", intent) for intent, forms in asked.items() for f in forms for n in names]
    told = []

    adapter = adapting.adapt(Corpus(examples), lambda what: nullcontext(lambda done, total: None), told.append)

    texts = [example.text for example in examples]
    greets = np.array([example.intent == "greet" for example in examples])
    before, after = (_apart(E5(Exact(Weights(), each)).query(texts), greets) for each in (None, adapter))
    assert after > before
    assert len(told) == 13


def _apart(vectors: np.ndarray, ones: np.ndarray) -> float:
    """How far the middles of two kinds lie apart, in spreads of each."""
    middles = np.stack([vectors[ones].mean(axis=0), vectors[~ones].mean(axis=0)])
    spread = np.concatenate([vectors[ones] - middles[0], vectors[~ones] - middles[1]])
    return float(np.linalg.norm(middles[0] - middles[1]) / np.linalg.norm(spread, axis=1).mean())
