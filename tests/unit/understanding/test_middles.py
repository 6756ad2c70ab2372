"""Languages of which nothing was learnt are moved to where ours lie."""

import numpy as np
import pytest

from dialogues.understanding import learnt_folder
from dialogues.understanding.glossary import Glossary
from dialogues.understanding.middles import Middles, parallel
from dialogues.understanding.model import LANGUAGES
from dialogues.understanding.reading import Understanding
from tests.unit.understanding.conftest import PROJECT, ROOT

WIDTH, SENTENCES = 16, 20


def test_the_same_sentences_are_there_in_every_language():
    told = parallel()

    assert set(LANGUAGES) < set(told)
    assert {len(texts) for texts in told.values()} == {len(told["en"])}
    assert all(len(set(texts)) == len(texts) for texts in told.values())


def _vectors(seed: int = 3) -> dict[str, np.ndarray]:
    """Four languages that lie together and one far from them, which say the same things."""
    draw = np.random.default_rng(seed)
    said = draw.normal(size=(SENTENCES, WIDTH)).astype(np.float32)
    away = np.zeros(WIDTH, np.float32)
    away[0] = 12.0
    told = {language: said + draw.normal(scale=0.1, size=said.shape).astype(np.float32) for language in LANGUAGES}
    return {**told, "xx": said + away}


def test_a_message_in_a_far_language_is_moved_to_where_its_words_lie_in_ours():
    vectors = _vectors()

    moved, learnt = Middles.of(vectors, learnt=()).moved(vectors["xx"])

    assert np.abs(moved - vectors["en"]).max() < 1.0
    assert not learnt.any(), "letters say nothing in a language of which nothing was learnt"


def test_a_message_in_one_of_our_languages_stays_where_it_is():
    vectors = _vectors()

    moved, learnt = Middles.of(vectors, learnt=()).moved(vectors["en"])

    assert np.array_equal(moved, vectors["en"])
    assert learnt.all()


def test_a_language_that_sentences_were_learnt_in_stays_where_it_is():
    vectors = _vectors()

    moved, learnt = Middles.of(vectors, learnt={"xx"}).moved(vectors["xx"])

    assert np.array_equal(moved, vectors["xx"])
    assert learnt.all()


def test_what_was_found_is_kept_and_read_back():
    vectors = _vectors()
    middles = Middles.of(vectors, learnt=())

    again = Middles.from_arrays(middles.to_arrays())

    assert again is not None
    assert np.array_equal(again.moved(vectors["xx"])[0], middles.moved(vectors["xx"])[0])
    assert Middles.from_arrays({}) is None


def test_whoever_is_taken_for_a_foreigner_by_mistake_is_heard_in_danger(monkeypatch: pytest.MonkeyPatch):
    """Here everybody is. These are heard as they were written, and no longer once they are moved, or once who asks so
    surely as they do word for word must sound more like danger."""
    monkeypatch.setattr("dialogues.understanding.middles._FOREIGN", -1.0)
    monkeypatch.setattr(Glossary, "english", lambda *_: "how do I check the man who says he is the uncle?")
    afresh = Understanding.load(PROJECT, learnt_folder(ROOT / "var" / "understanding"))

    for words in (
        "they r moving us 2nite to another house 4 clients im 15",
        "g 15 an jdor dan la ru a Paris il fai froi",
        "3ammi bi7ott ido 3la jesmi w ana nayme",
        "mukhalasku wuxuu ugu hanjabay hooyaday",
    ):
        assert afresh.read(words).risk is not None, words
