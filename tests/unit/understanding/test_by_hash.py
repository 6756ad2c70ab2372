from dialogues.understanding.by_hash import Numbers


def test_a_word_has_what_it_was_given_and_every_other_word_nothing():
    numbers = Numbers(["nice", "casa", "nice"], [1, 2, 4])

    assert (numbers["nice"], numbers["casa"], numbers["calais"]) == (5, 2, 0)
    assert Numbers([], [])["nice"] == 0
