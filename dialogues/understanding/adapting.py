"""Learns the adapter of `adapter.py`: what the encoder's last layers should know of our field.

Sentences of one meaning are to lie near one another in whatever words and language, and apart from those that only
sound alike; so linear heads and the thin matrices learn together to tell what is asked, which danger there is, how
soon, and who writes. Vectors may not go far from where they were. The sentences of the parts by which heads are judged
(`training.in_order`) are left out.

Needs `jax` and `optax`, which nothing else does (`deploy/adapting.lock`). Some twenty minutes on two cores.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from multiprocessing import get_context
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from dialogues.understanding.adapter import Adapter, Matrix, checksums
from dialogues.understanding.corpus import WRITERS, Corpus, Example
from dialogues.understanding.e5 import E5, largest
from dialogues.understanding.embedder import AT_ONCE, Progress, prepared
from dialogues.understanding.encoder import Exact
from dialogues.understanding.fold import clean
from dialogues.understanding.screen import CRISES
from dialogues.understanding.training import in_order
from dialogues.understanding.weights import HEADS, INNER, LAYERS, SMALLEST_VARIANCE, WIDTH, Weights

#: The layers below are left alone: of each sentence they are gone through once.
FIRST_ADAPTED = 8
RANK = 16
ROUNDS, AT_A_TIME, FASTEST, WARMING_UP = 3, 96, 1e-3, 100
#: How much each thing to tell counts, and that a vector stays where it was.
COUNTS = {"asked": 1.0, "danger": 1.0, "how soon": 0.5, "who writes": 0.3}
STAYING = 1.0
#: By so many texts it is measured how large numbers get.
MEASURED = 400
SHARPNESS, SMOOTHING, DROPPED = 10.0, 0.05, 0.1
#: What goes into each matrix of a layer and what comes out.
SHAPES = {
    **dict.fromkeys(("q", "k", "v", "ao"), (WIDTH, WIDTH)),
    "fi": (WIDTH, INNER),
    "fo": (INNER, WIDTH),
}

Tree = Any  # nested lists, dicts and tuples of jax arrays


class Lessons(Struct, frozen=True):
    """Of each sentence the number of what is to be told, or -1 where nothing is; and how many there are of each."""

    told: NDArray[np.int32]  # sentences x things to tell
    sizes: tuple[int, ...]

    @classmethod
    def of(cls, examples: Sequence[Example]) -> Lessons:
        columns = [
            [example.intent for example in examples],
            ["" if example.asked_only else example.risk or "none" for example in examples],
            [_degree(example) for example in examples],
            ["" if example.asked_only else example.writer for example in examples],
        ]
        names = [sorted({*columns[0]} - {""}), ["none", *CRISES], sorted({*columns[2]} - {""}), list(WRITERS)]
        numbers = [{name: at for at, name in enumerate(each)} for each in names]
        told = [[known.get(name, -1) for name in column] for known, column in zip(numbers, columns, strict=True)]
        return cls(np.array(told, np.int32).T, tuple(max(1, len(each)) for each in names))


def _degree(example: Example) -> str:
    if example.asked_only or not example.risk:
        return ""
    return f"{example.risk} {'P0' if example.priority == 'P0' else 'later'}"


class Sentences:
    """Sentences as the layers below leave them."""

    def __init__(self, states: Sequence[NDArray[np.float16]]) -> None:
        self._states = states
        self._lengths = np.array([-(-len(each) // 8) * 8 for each in states])

    def batches(self, chosen: NDArray[np.int64], order: np.random.Generator | None = None) -> list[NDArray[np.int64]]:
        """Sentences of one length together; mixed, where there is somebody to mix them."""
        found = []
        for length in np.unique(self._lengths[chosen]):
            own = chosen[self._lengths[chosen] == length]
            if order is not None:
                order.shuffle(own)
            found += [own[start : start + AT_A_TIME] for start in range(0, len(own), AT_A_TIME)]
        if order is not None:
            order.shuffle(found)
        return found

    def padded(self, batch: NDArray[np.int64]) -> tuple[Matrix, Matrix]:
        """States, sentences x pieces x width, and which of the pieces there are; as many sentences in every batch."""
        states = np.zeros((AT_A_TIME, self._lengths[batch[0]], WIDTH), np.float32)
        there = np.zeros(states.shape[:2], np.float32)
        there[:, 0] = 1  # a sentence without a piece has no mean
        for row, at in enumerate(batch):
            states[row, : len(self._states[at])] = self._states[at]
            there[row, : len(self._states[at])] = 1
        return states, there


#: Opens a bar that shows how far something is.
Bar = Callable[[str], AbstractContextManager[Progress]]


def adapt(corpus: Corpus, bar: Bar, report: Callable[[str], None]) -> Adapter:
    """An adapter for what is to be learnt from this. `report` is told after each round how well those sentences are
    told that it was not learnt from."""
    examples = corpus.examples
    with bar("Reading the examples") as progress:
        sentences = Sentences(_below([clean(example.text) for example in examples], progress))
    upper = _upper_layers()
    untouched = [{name: (jnp.zeros((a, 1)), jnp.zeros((1, b))) for name, (a, b) in SHAPES.items()} for _ in upper]
    vectors = _vectors(sentences, np.arange(len(examples)), upper, untouched, len(examples))
    order, held, count = in_order(examples, vectors)
    learnt, judged = np.concatenate([order[: held[0]], order[count:]]), order[held[0] : count]
    middle = vectors[order[:count]].mean(axis=0)
    lessons = Lessons.of(examples)
    with bar("Adapting") as progress:
        thin = _learnt(sentences, lessons, upper, _around(vectors, middle), middle, learnt, judged, progress, report)
    products = {
        f"l{FIRST_ADAPTED + at}.{name}": (np.asarray(down, np.float32), np.asarray(up, np.float32))
        for at, layer in enumerate(thin)
        for name, (down, up) in layer.items()
    }
    taught = [clean(examples[at].text) for at in learnt]
    return measured(Adapter(products, {}, np.unique(checksums(taught))), taught)


def measured(adapter: Adapter, taught: Sequence[str]) -> Adapter:
    """With how large the numbers get that go into each product, over some of the texts that taught it."""
    some = taught[:: max(1, len(taught) // MEASURED)]
    return replace(adapter, largest=largest(adapter, [prepared(text) for text in some]))


# ---------------------------------------------------------------- the layers below


def _below(texts: list[str], progress: Progress) -> list[NDArray[np.float16]]:
    """What the encoder makes of each text before the layers that are adapted; with a process a core."""
    order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
    parts = [order[start : start + AT_ONCE] for start in range(0, len(order), AT_ONCE)]
    found: list[NDArray[np.float16]] = [np.zeros((0, WIDTH), np.float16)] * len(texts)
    with ProcessPoolExecutor(mp_context=get_context("spawn"), initializer=_open_here) as processes:
        told = processes.map(_below_here, [[texts[at] for at in part] for part in parts])
        for done, (part, rows) in enumerate(zip(parts, told, strict=True), 1):
            for at, row in zip(part, rows, strict=True):
                found[at] = row
            progress(done, len(parts))
    return found


_here: list[E5] = []  # in each process of `_below`


def _open_here() -> None:
    _here.append(E5(Exact(Weights()), layers=FIRST_ADAPTED))


def _below_here(texts: list[str]) -> list[NDArray[np.float16]]:
    return [_here[0].states(prepared(text)).astype(np.float16) for text in texts]


# ---------------------------------------------------------------- the layers above


def _upper_layers() -> list[Tree]:
    weights = Weights()

    def layer(name: str) -> Tree:
        matrices = {part: jnp.asarray(weights.matrix(f"{name}.{part}", a).T) for part, (a, _) in SHAPES.items()}
        biases = {f"{part}.b": jnp.asarray(weights.numbers(f"{name}.{part}.b")) for part in SHAPES}
        norms = {part: jnp.asarray(weights.numbers(f"{name}.{part}")) for part in _NORMS}
        return {**matrices, **biases, **norms}

    return [layer(f"l{number}") for number in range(FIRST_ADAPTED, LAYERS)]


_NORMS = ("aln.w", "aln.b", "oln.w", "oln.b")


def _product(layer: Tree, thin: Tree, name: str, x: Tree) -> Tree:
    down, up = thin[name]
    return x @ layer[name] + layer[f"{name}.b"] + x @ down @ up


def _normed(layer: Tree, name: str, x: Tree) -> Tree:
    centred = x - x.mean(-1, keepdims=True)
    spread = jax.lax.rsqrt((centred**2).mean(-1, keepdims=True) + SMALLEST_VARIANCE)
    return centred * spread * layer[f"{name}.w"] + layer[f"{name}.b"]


def _after(layer: Tree, thin: Tree, x: Tree, there: Tree) -> Tree:
    """One layer of BERT, as `e5.py` builds it."""
    product = partial(_product, layer, thin)
    shape = (*x.shape[:2], HEADS, WIDTH // HEADS)
    asks, keys, values = (product(name, x).reshape(shape).transpose(0, 2, 1, 3) for name in "qkv")
    near = asks @ keys.transpose(0, 1, 3, 2) / np.sqrt(WIDTH // HEADS) - (1 - there)[:, None, None, :] * 1e9
    seen = (jax.nn.softmax(near, -1) @ values).transpose(0, 2, 1, 3).reshape(x.shape)
    x = _normed(layer, "aln", x + product("ao", seen))
    return _normed(layer, "oln", x + product("fo", jax.nn.gelu(product("fi", x), approximate=False)))


def _pooled(upper: Tree, thin: Tree, states: Tree, there: Tree) -> Tree:
    for layer, own in zip(upper, thin, strict=True):
        states = _after(layer, own, states, there)
    mean = (states * there[..., None]).sum(1) / there.sum(1, keepdims=True)
    return mean / jnp.linalg.norm(mean, axis=-1, keepdims=True)


def _vectors(sentences: Sentences, chosen: NDArray[np.int64], upper: Tree, thin: Tree, count: int) -> Matrix:
    """Of the chosen of so many sentences; the others have nothing."""
    rows = np.zeros((count, WIDTH), np.float32)
    for batch in sentences.batches(chosen):
        rows[batch] = np.asarray(_pooled_fast(upper, thin, *sentences.padded(batch)))[: len(batch)]
    return rows


_pooled_fast = jax.jit(_pooled)


def _around(vectors: Tree, middle: Tree) -> Tree:
    centred = vectors - middle
    return centred / (centred**2).sum(-1, keepdims=True) ** 0.5


# ---------------------------------------------------------------- learning


def _learnt(
    sentences: Sentences,
    lessons: Lessons,
    upper: Tree,
    before: Matrix,
    middle: Matrix,
    learnt: NDArray[np.int64],
    judged: NDArray[np.int64],
    progress: Progress,
    report: Callable[[str], None],
) -> Tree:
    """The thin matrices. `before`: where each vector was."""
    chance = np.random.default_rng(0)
    whole = {"thin": [_begun(chance) for _ in upper], "heads": _heads(lessons, before, learnt, chance)}
    steps = ROUNDS * len(sentences.batches(learnt))
    speed = optax.warmup_cosine_decay_schedule(0.0, FASTEST, min(WARMING_UP, steps // 3), steps)
    descent = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(speed, weight_decay=0.01))
    momentum = descent.init(whole)

    def step(whole: Tree, momentum: Tree, upper: Tree, key: Tree, *batch: Tree) -> Tree:
        slope = jax.grad(_loss)(whole, upper, middle, key, *batch)
        change, momentum = descent.update(slope, momentum, whole)
        return optax.apply_updates(whole, change), momentum

    quick = jax.jit(step)
    report(_told(whole["heads"], before[judged], lessons.told[judged]))
    key, done = jax.random.PRNGKey(0), 0
    for _ in range(ROUNDS):
        for batch in sentences.batches(learnt, chance):
            key, own = jax.random.split(key)
            told = np.full((AT_A_TIME, len(lessons.sizes)), -1, np.int32)
            was = np.zeros((AT_A_TIME, WIDTH), np.float32)
            told[: len(batch)], was[: len(batch)] = lessons.told[batch], before[batch]
            whole, momentum = quick(whole, momentum, upper, own, *sentences.padded(batch), was, told)
            progress(done := done + 1, steps)
        now = _around(_vectors(sentences, judged, upper, whole["thin"], len(before))[judged], middle)
        report(_told(whole["heads"], now, lessons.told[judged]))
    return whole["thin"]


def _begun(chance: np.random.Generator) -> Tree:
    """The thin matrices of a layer that change nothing yet."""
    return {
        name: (jnp.asarray(chance.normal(size=(a, RANK)) / np.sqrt(a), jnp.float32), jnp.zeros((RANK, b), jnp.float32))
        for name, (a, b) in SHAPES.items()
    }


def _heads(lessons: Lessons, before: Matrix, learnt: NDArray[np.int64], chance: np.random.Generator) -> Tree:
    """Heads for the vectors as they were: else the first steps would be theirs, and bend for nothing."""
    heads = [(jnp.zeros((WIDTH, size)), jnp.zeros(size)) for size in lessons.sizes]
    descent = optax.adam(2e-2)
    momentum = descent.init(heads)

    def step(heads: Tree, momentum: Tree, vectors: Tree, told: Tree) -> Tree:
        change, momentum = descent.update(jax.grad(_wrong)(heads, vectors, told), momentum)
        return optax.apply_updates(heads, change), momentum

    quick = jax.jit(step)
    for _ in range(6):
        mixed = chance.permutation(learnt)
        for batch in (mixed[start : start + 512] for start in range(0, len(mixed) - 511, 512)):
            heads, momentum = quick(heads, momentum, before[batch], lessons.told[batch])
    return heads


def _loss(whole: Tree, upper: Tree, middle: Tree, key: Tree, states: Tree, there: Tree, was: Tree, told: Tree) -> Tree:
    first, second = jax.random.split(key)
    states = _dropped(states, DROPPED / 2, first)
    now = _around(_pooled(upper, whole["thin"], states, there), middle)
    gone = ((1 - (now * was).sum(1)) * (was != 0).any(1)).sum() / len(now)
    return _wrong(whole["heads"], _dropped(now, DROPPED, second), told) + STAYING * gone


def _dropped(x: Tree, share: float, key: Tree) -> Tree:
    return x * jax.random.bernoulli(key, 1 - share, x.shape) / (1 - share)


def _wrong(heads: Tree, vectors: Tree, told: Tree) -> Tree:
    parts = []
    for at, (head, weight) in enumerate(zip(heads, COUNTS.values(), strict=True)):
        surprise = -_surely(head, vectors)
        right = jnp.take_along_axis(surprise, jnp.maximum(told[:, at], 0)[:, None], 1)[:, 0]
        cost = (1 - SMOOTHING) * right + SMOOTHING * surprise.mean(1)
        parts.append(weight * (cost * (told[:, at] >= 0)).sum() / len(vectors))
    return sum(parts)


def _surely(head: Tree, vectors: Tree) -> Tree:
    return jax.nn.log_softmax(SHARPNESS * vectors @ head[0] + head[1])


def _told(heads: Tree, vectors: Matrix, told: NDArray[np.int32]) -> str:
    shares = []
    for at, (head, what) in enumerate(zip(heads, COUNTS, strict=True)):
        known = told[:, at] >= 0
        right = np.asarray(_surely(head, vectors).argmax(1))[known] == told[known, at]
        shares.append(f"{what} {right.mean() if known.any() else 0.0:.3f}")
    return f"of {len(told)} sentences that it was not learnt from, right: " + ", ".join(shares)
