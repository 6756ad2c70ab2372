import numpy as np

from dialogues.understanding.weighing import Columns, Matrix, weigh

DANGER, SAFE = slice(0, 2), slice(2, 4)


def heads_of(count: int, seed: int = 5) -> tuple[Matrix, Columns, Columns]:
    """The first head guesses; the second knows better, and was asked something else."""
    dice = np.random.default_rng(seed)
    truth = dice.integers(0, 2, count)
    scores = dice.normal(0, 0.5, (count, 4)).astype(np.float32)
    scores[np.arange(count), 2 + truth] += 1.5
    return scores, truth.astype(np.int64), np.arange(count, dtype=np.int64) % 2


def right(scores: Matrix, truth: Columns) -> float:
    return float((scores.argmax(axis=1) == truth).mean())


def test_a_head_learns_from_what_another_head_knows():
    scores, truth, parts = heads_of(400)

    weighing, _ = weigh(scores, DANGER, truth, parts, 0.5)

    fresh, known, _ = heads_of(200, seed=7)
    assert right(fresh[:, DANGER], known) < 0.6
    assert right(weighing.of(fresh), known) > 0.8


def test_what_is_said_of_a_sentence_to_judge_by_it_never_saw_that_sentence():
    dice = np.random.default_rng(6)
    scores = dice.normal(0, 1, (60, 40)).astype(np.float32)  # nothing to learn, and much room to learn it by heart
    truth = dice.integers(0, 2, 60).astype(np.int64)
    parts = np.arange(60, dtype=np.int64) % 2

    weighing, judged = weigh(scores, DANGER, truth, parts, 0.2)

    assert right(weighing.of(scores), truth) > right(judged, truth) + 0.1


def test_a_head_is_believed_as_it_is_where_there_is_little_to_judge_by():
    scores, truth, parts = heads_of(9)

    weighing, judged = weigh(scores, DANGER, truth, parts, 0.5)

    assert np.array_equal(weighing.of(scores), scores[:, DANGER])
    assert np.array_equal(judged, scores[:, DANGER])


def test_a_head_is_believed_as_it_is_where_no_second_part_could_judge():
    scores, truth, _ = heads_of(400)

    weighing, judged = weigh(scores, SAFE, truth, np.zeros(400, np.int64), 0.5)

    assert np.array_equal(weighing.of(scores), scores[:, SAFE])
    assert np.array_equal(judged, scores[:, SAFE])
