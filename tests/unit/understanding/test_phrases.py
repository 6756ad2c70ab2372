"""Reviewed sentences, answered as reviewed."""

import numpy as np

from dialogues.understanding.phrases import Known, Phrases

TOLD = [
    ("Where can I sleep?", "en", "search_service/shelter", "", ""),
    ("he has a knife", "en", "", "immediate_danger", "P0"),
    ("non", "fr", "deny", "", ""),
    ("non", "es", "deny", "", ""),
    ("boo", "en", "greet", "", ""),
    ("boo", "en", "out_of_scope", "", ""),
]


def test_a_reviewed_sentence_means_what_was_reviewed_however_it_is_punctuated():
    phrases = Phrases.of(TOLD)

    assert phrases.get("where can i sleep") == Known("search_service/shelter", "", "", "en")
    assert phrases.get("where can i sleep?!") == phrases.get("where can i sleep")
    assert phrases.get("he has a knife") == Known("", "immediate_danger", "P0", "en")


def test_a_sentence_of_several_languages_tells_none_and_one_that_is_read_in_two_ways_is_not_known():
    phrases = Phrases.of(TOLD)

    assert phrases.get("non") == Known("deny", "", "", "")
    assert phrases.get("boo") is None
    assert phrases.get("where can i sleep tonight") is None
    assert phrases.get("") is None


def test_what_is_kept_holds_no_sentence_and_is_read_back_as_it_was():
    arrays = Phrases.of(TOLD).to_arrays()
    again = Phrases.from_arrays(arrays)

    assert "sleep" not in "".join(str(word) for word in np.ravel(arrays["phrases.meanings"]))
    assert all(again.get(text.lower().strip("?")) == Phrases.of(TOLD).get(text.lower().strip("?")) for text, *_ in TOLD)
    assert Phrases.from_arrays(Phrases.of([]).to_arrays()).get("non") is None
