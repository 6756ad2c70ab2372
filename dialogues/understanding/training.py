"""Learns the heads from `dialogues/nlu` and `dialogues/safety`, and keeps them for exactly that data."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from dialogues.understanding import heads
from dialogues.understanding.corpus import WRITERS, Corpus, Example, read_corpus
from dialogues.understanding.embedder import (
    UNREADABLE,
    CharNgrams,
    Embedder,
    Matrix,
    Progress,
    Remembered,
    multiply_with,
)
from dialogues.understanding.fold import clean, fold, words
from dialogues.understanding.heads import Heads, Lesson
from dialogues.understanding.language import LanguageModel
from dialogues.understanding.middles import PARALLEL, Middles, parallel
from dialogues.understanding.phrases import Phrases
from dialogues.understanding.screen import ALWAYS_P0, CRISES
from dialogues.understanding.sentences import Sentences, mean_of, unit

#: Raise when this code learns something else from the same data.
RECIPE = 28
#: Of so many parts, so many are held back to judge by.
_PARTS, _HELD = 8, 2
#: Sentences of one label that are at least so alike tell of one situation, and are left out together.
_SAME_SITUATION = 0.5
#: and of those that are alike still more, one is learnt.
_SAME_SENTENCE = 0.53
#: A word in fewer sentences than so many may be the name of a town that somebody named in passing.
_OFTEN = 4
#: How far a label with many sentences loses what it gains by them: harmless talk has a thousand, a procedure fifty.
_EVENLY = 0.6
#: The head of danger heeds the others by half: by the whole, as few false alarms cost a life at risk more.
_TOGETHER = 0.5
#: The screen's thresholds are set so that this share of crises is heard by heads that never saw them.
_CRISES_HEARD, _P0_HEARD = 0.965, 0.94
#: and never lower or higher than this: below, a help desk drowns in false alarms.
_THRESHOLDS = (0.0275, 0.5)
#: Letters alone are unsure: half of this (the screen is cautious then) must be more than the name of a town gets.
_LOWEST_BY_LETTERS = 0.12
_URGENT = (0.1, 0.5)
#: The labels of the head that tells how soon.
SOON = ("P0", "later")
#: Of workers whose situations were never seen, this share may be taken for a child; a button lets them say otherwise.
_WORKERS_TAKEN_FOR_A_CHILD = 0.01


class Trained(Struct, frozen=True):
    """Everything learnt, ready to read messages."""

    sentences: Sentences
    #: "intents", "risks", "urgent", "degrees" and "writers".
    heads: Heads
    language: LanguageModel
    threshold: float
    urgent_threshold: float
    child_threshold: float
    lexicon: Mapping[str, Any]
    vocabulary: Mapping[str, Any]
    phrases: Phrases
    #: In the order of the corpus: the chance of danger by heads that never saw the situation. Not a number where all
    #: of them saw it.
    unseen_danger: Matrix


def trained(project: Path, cache: Path, embedder: Embedder | None) -> Trained:
    """What was learnt from this project with this embedder: from `cache`, or learnt now and kept there.

    Of several processes one learns, and the others wait for it.
    """
    path = _path(project, cache, embedder)
    if learnt := read_learnt(path):
        return learnt
    with _alone(path):
        return read_learnt(path) or train(project, cache, embedder=embedder)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def is_trained(project: Path, cache: Path, embedder: Embedder | None) -> bool:
    """Whether `cache` holds what is learnt from exactly this data."""
    return _path(project, cache, embedder).exists()


def train(
    project: Path,
    cache: Path,
    report: Callable[[str], None] = lambda line: None,
    *,
    embedder: Embedder | None = None,
) -> Trained:
    """Learn from the project's data and keep the result in `cache`. Says through `report` how well it went."""
    corpus = read_corpus(project)
    multiply_with(os.cpu_count() or 1)
    try:
        learnt, figures = learn(corpus, Remembered(embedder, cache) if embedder else None)
    finally:
        multiply_with(1)
    for line in figures:
        report(line)
    _write(_path(project, cache, embedder), learnt)
    return learnt


def prepare(project: Path, cache: Path, embedder: Embedder, progress: Progress) -> None:
    """Do the slow part of training, with every core: what `train` then finds in `cache`. Raises TrainingDataWrong."""
    Remembered(embedder, cache).prepare(_texts(project), progress)


def ship(project: Path, cache: Path, embedder: Embedder) -> int:
    """Write the vectors of every sentence beside the code, so that nobody else waits for them. How many bytes."""
    return Remembered(embedder, cache).ship(_texts(project))


def _texts(project: Path) -> list[str]:
    compared = [text for texts in parallel().values() for text in texts]
    return [clean(example.text) for example in read_corpus(project).examples] + compared


def learn(corpus: Corpus, embedder: Embedder | None) -> tuple[Trained, list[str]]:
    """The heads, and figures: each sentence judged by heads that never saw its fold."""
    said = [clean(example.text) for example in corpus.examples]
    embedded = embedder.embed(said) if embedder else np.zeros((len(said), 0), np.float32)
    learnt_from = embedder.learnt_from(said) if embedder else None
    order, held, count = in_order(corpus.examples, embedded, learnt_from)
    examples = [corpus.examples[at] for at in order]
    letters = CharNgrams().embed([fold(example.text) for example in examples])
    middles = Middles.by(embedder.embed, {example.language for example in examples}) if embedder else None
    sentences = Sentences.of(embedded[order], slice(count), middles)
    intents = [example.intent for example in examples]
    risks = [example.risk or "none" for example in examples]
    soon = [("P0" if example.priority == "P0" else "later") if example.risk else "" for example in examples]
    degrees = [f"{risk} {when}" if when else "" for risk, when in zip(risks, soon, strict=True)]
    (
        (intent_head, intent_chances),
        (risk_head, risk_chances),
        (urgent_head, urgent_chances),
        (degree_head, degree_chances),
        (writer_head, writer_chances),
    ) = heads.learn(
        sentences.with_one_another(letters),
        [
            Lesson(intents, evenly=_EVENLY, further=True),
            Lesson(risks, ["none", *CRISES], together=_TOGETHER),
            Lesson(soon, SOON),
            Lesson(degrees),
            Lesson([example.writer for example in examples], WRITERS),
        ],
        held,
        count,
    )

    judged = examples[held[0] : count]
    in_crisis = np.array([bool(example.risk) for example in judged])
    danger = np.asarray(1.0 - risk_chances[:, 0], np.float32)
    lowest = _THRESHOLDS[0] if embedder else _LOWEST_BY_LETTERS
    threshold = lowest
    if in_crisis.any():
        threshold = float(np.clip(np.quantile(danger[in_crisis], 1.0 - _CRISES_HEARD), lowest, _THRESHOLDS[1]))
    urgency = urgency_of(urgent_chances, degree_chances, degree_head.labels)
    doubted = np.array([e.priority == "P0" and e.risk not in ALWAYS_P0 for e in judged if e.risk])
    later = np.array([e.priority != "P0" for e in judged if e.risk])
    urgent_threshold = (
        float(np.clip(np.quantile(urgency[doubted], 1.0 - _P0_HEARD), *_URGENT)) if doubted.any() else 0.5
    )
    child_threshold = _child_threshold([e.writer for e in judged if e.writer], writer_chances[:, 0])
    figures = [
        *_accuracy("intent", [e.intent for e in judged if e.intent], intent_head.labels, intent_chances),
        *_accuracy("crisis", [e.risk or "none" for e in judged], risk_head.labels, risk_chances),
        f"screen: threshold {threshold:.3f}, hears {float((danger[in_crisis] >= threshold).mean()):.3f} of crises, "
        f"{float((danger[~in_crisis] >= threshold).mean()):.3f} of the rest; P0 from {urgent_threshold:.3f}, "
        f"which raises {float((urgency[later] >= urgent_threshold).mean()) if later.any() else 0.0:.3f} of the others",
    ]
    unseen_danger = np.full(len(corpus.examples), np.nan, np.float32)
    unseen_danger[order[held[0] : count]] = danger
    learnt = Trained(
        sentences=sentences,
        heads=Heads.of(
            {
                "intents": intent_head,
                "risks": risk_head,
                "urgent": urgent_head,
                "degrees": degree_head,
                "writers": writer_head,
            }
        ),
        language=LanguageModel.train((example.text, example.language) for example in corpus.examples),
        threshold=threshold,
        urgent_threshold=urgent_threshold,
        child_threshold=child_threshold,
        lexicon={"lexicon": corpus.lexicon, "context": corpus.context},
        vocabulary=_vocabulary(corpus),
        phrases=Phrases.of((e.text, e.language, e.intent, e.risk, e.priority) for e in corpus.examples),
        unseen_danger=unseen_danger,
    )
    return learnt, figures


def _child_threshold(writers: Sequence[str], chances: Matrix) -> float:
    """From which chance on a child writes; never, where there is no worker to judge by."""
    workers = chances[np.array([writer == "worker" for writer in writers], dtype=bool)]
    return float(np.clip(np.quantile(workers, 1.0 - _WORKERS_TAKEN_FOR_A_CHILD), 0.5, 1.0)) if len(workers) else 1.1


def urgency_of(soon: Matrix, degrees: Matrix, labels: Sequence[str]) -> Matrix:
    """The chance that a danger is P0: whatever it is, and for each danger apart; the mean of both is the surest."""
    at_once = np.array([label.endswith(" P0") for label in labels])
    return np.asarray((soon[:, SOON.index("P0")] + degrees[:, at_once].sum(axis=1)) / 2, np.float32)


def _situations(rows: Matrix, labels: Sequence[str]) -> list[int]:
    """For each sentence the first of the same label that tells nearly the same, in whatever language."""
    told_by = np.arange(len(labels))
    for own in _of_one_label(labels) if rows.shape[1] else ():
        near = rows[own] @ rows[own].T
        first = np.zeros(len(own), dtype=bool)
        for at, row in enumerate(near):
            known = np.flatnonzero(first[:at])
            best = known[row[known].argmax()] if known.size else at
            first[at] = best == at or row[best] < _SAME_SITUATION
            told_by[own[at]] = own[at if first[at] else best]
    return [int(at) for at in told_by]


def in_order(
    examples: Sequence[Example], embedded: Matrix, learnt_from: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], list[int], int]:
    """Which examples the heads learn from, those last by which they are judged, and where each part of these starts
    and all of them end; what follows there teaches only what is asked.

    A situation is held back whole: else a sentence would be judged by its own translations. None is held back of which
    a sentence taught the embedder itself (`learnt_from`).
    """
    further = np.array([example.asked_only for example in examples])
    rows = unit(embedded - mean_of(embedded[~further]))
    kept = _told_once(rows, [e.intent + e.risk + e.priority + " only" * e.asked_only for e in examples])
    kept, later = kept[~further[kept]], kept[further[kept]]
    situations = _situations(rows[kept], [examples[at].risk or examples[at].intent for at in kept])
    parts = np.array([zlib.crc32(examples[kept[first]].text.encode()) % _PARTS for first in situations])
    if learnt_from is not None:
        parts[np.isin(situations, np.array(situations)[learnt_from[kept]])] = 0
    order = np.argsort(np.maximum(parts, _PARTS - _HELD - 1), kind="stable")
    counts = np.bincount(parts, minlength=_PARTS)
    held = list(len(kept) - counts[_PARTS - _HELD :][::-1].cumsum()[::-1])
    starts = held if held[0] < len(kept) else [len(kept) - max(1, len(kept) // 4)]
    return np.concatenate([kept[order], later]), starts, len(kept)


def _told_once(rows: Matrix, labels: Sequence[str]) -> NDArray[np.int64]:
    """Of sentences of one meaning that are nearly alike, the last that was written.

    With .6 a fifth of them goes, and the time to learn falls by half; on sentences of others nothing was lost.
    """
    if not rows.shape[1]:
        return np.arange(len(labels))
    kept = np.zeros(len(labels), dtype=bool)
    for own in _of_one_label(labels):
        alike = rows[own] @ rows[own].T >= _SAME_SENTENCE
        chosen = np.zeros(len(own), dtype=bool)
        for at in range(len(own) - 1, -1, -1):
            chosen[at] = not (alike[at] & chosen).any()
        kept[own] = chosen
    return np.flatnonzero(kept)


def _of_one_label(labels: Sequence[str]) -> list[NDArray[np.int64]]:
    """For each label where it stands, in order."""
    where: dict[str, list[int]] = defaultdict(list)
    for at, label in enumerate(labels):
        where[label].append(at)
    return [np.array(each, dtype=np.int64) for each in where.values()]


def _accuracy(what: str, truth: list[str], labels: tuple[str, ...], chances: Matrix) -> list[str]:
    order = np.argsort(-chances, axis=1)
    first = [labels[row[0]] for row in order]
    top3 = sum(label in {labels[i] for i in row[:3]} for label, row in zip(truth, order, strict=True))
    right = sum(a == b for a, b in zip(truth, first, strict=True))
    mistakes = Counter((a, b) for a, b in zip(truth, first, strict=True) if a != b)
    lines = [f"{what}: {len(truth)} sentences, unseen top-1 {right / len(truth):.3f}, top-3 {top3 / len(truth):.3f}"]
    return lines + [f"  {a} taken for {b}: {n}" for (a, b), n in mistakes.most_common(12)]


def _vocabulary(corpus: Corpus) -> dict[str, list[str]]:
    """Words that are words, not names; those of them that are seldom written; and the names we know."""
    places = {fold(place) for place in corpus.places}
    written = Counter(word for example in corpus.examples for word in set(words(fold(example.text))))
    in_names = Counter(word for place in corpus.places for word in words(fold(place)))
    # A word that names by itself, or is seldom written but in names: of بلد وين (Beledweyne) the second is "where".
    named = {word for word in in_names if word in places or written[word] - in_names[word] < _OFTEN}
    common = written.keys() - named
    seldom = [word for word in common if written[word] < _OFTEN]
    return {"common": sorted(common), "seldom": sorted(seldom), "places": sorted(places)}


def fingerprint(project: Path, embedder: Embedder | None) -> str:
    """Of the data, the recipe and the embedder: another one means learning anew."""
    digest = hashlib.blake2b(f"{RECIPE} {embedder.name if embedder else CharNgrams.name}".encode(), digest_size=12)
    for folder in ("nlu", "safety"):
        for path in sorted((project / folder).glob("*.yml")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    digest.update(PARALLEL.read_bytes())
    return digest.hexdigest()


def _path(project: Path, cache: Path, embedder: Embedder | None) -> Path:
    return cache / f"heads-{fingerprint(project, embedder)}.npz"


def _write(path: Path, learnt: Trained) -> None:
    words_and_lists = json.dumps({"lexicon": learnt.lexicon, "vocabulary": learnt.vocabulary}, ensure_ascii=False)
    arrays: dict[str, NDArray[np.generic]] = {
        "thresholds": np.array([learnt.threshold, learnt.urgent_threshold, learnt.child_threshold]),
        "unseen_danger": learnt.unseen_danger,
        "lists": np.frombuffer(words_and_lists.encode(), dtype=np.uint8),
        **learnt.sentences.to_arrays(),
        **learnt.heads.to_arrays(),
        **learnt.language.to_arrays(),
        **learnt.phrases.to_arrays(),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(f".{os.getpid()}.npz")
    np.savez(temporary, **arrays)  # type: ignore[arg-type]
    temporary.replace(path)


def _sharing(vocabulary: dict[str, list[str]]) -> dict[str, list[str]]:
    """Seldom words are common ones too: the same in memory, not tens of thousands of copies."""
    common = {word: word for word in vocabulary["common"]}
    return {**vocabulary, "seldom": [common.get(word, word) for word in vocabulary["seldom"]]}


def read_learnt(path: Path) -> Trained | None:
    """None when it is missing or broken: then it is learnt again."""
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        lists = json.loads(arrays["lists"].tobytes().decode())
        return Trained(
            sentences=Sentences.from_arrays(arrays),
            heads=Heads.from_arrays(arrays),
            language=LanguageModel.from_arrays(arrays),
            threshold=float(arrays["thresholds"][0]),
            urgent_threshold=float(arrays["thresholds"][1]),
            child_threshold=float(arrays["thresholds"][2]),
            lexicon=lists["lexicon"],
            vocabulary=_sharing(lists["vocabulary"]),
            phrases=Phrases.from_arrays(arrays),
            unseen_danger=np.asarray(arrays["unseen_danger"], dtype=np.float32),
        )
    except UNREADABLE:
        return None
