"""What is known of names: which words are one, and how like one a word is that was misspelt or written by ear."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import chain, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import OSA

from dialogues.understanding.around_places import ARTICLES, JOINERS, Token, without_prefixes
from dialogues.understanding.by_hash import Numbers
from dialogues.understanding.fold import words
from directory import spelling
from directory.near_names import Names, NearNames

#: How like a known name a word must be to be taken for it, where a service is looked for and no place is named: one
#: letter of six. Shorter words are too often like some town.
_ALIKE, _LONG_ENOUGH_TO_MISSPELL = 0.83, 6
#: and of a name that many people know, one of five.
_GREAT_ALIKE, _LONG_ENOUGH_OF_GREAT = 0.8, 5
#: One that has the same consonants may differ more: dunkerke, bamacco.
_SAME_CONSONANTS_ALIKE, _FEWEST_CONSONANTS = 0.7, 3
#: Who writes by ear writes every sound: kito. That is surer than letters, for words of so many letters,
HEARD_ALIKE, _LONG_ENOUGH_TO_HEAR = 0.95, 4
#: and for several words that sound like one name: casa blanca.
_LONG_ENOUGH_TO_JOIN, _JOINED_ALIKE = 7, 0.85
#: What a place that many people know has in its favour, for each step of its weight.
_KNOWN_TO_MANY = 0.01
#: Names of places of this weight and more are compared as they are heard; only the beginning of a great one is so like.
_KNOWN, _BEGINS_ALIKE = 3, 0.84
#: So like must be a word that looks like one of ours, or like a place that few people know.
_SURELY_ALIKE = 0.88
#: and several words to be one name before each of them is a place.
_WHOLE_ALIKE = 0.9
#: What two forms of one word share, and how long the end of each is at most.
_SHORTEST_BEGINNING, _LONGEST_ENDING, _LONGEST_ENDING_OF_OURS = 5, 3, 2
#: What each word of a name that is whole has in its favour.
_WHOLE = 0.01
#: A place of this weight is meant even by a word of ours: lessons dublin.
_GREAT = 5

#: What people leave out of a name or put in, and how long it must be to be known without.
_APART, _TWICE, _LONG_ENOUGH_SQUEEZED = re.compile("[ '’-]+"), re.compile(r"(.)\1+"), 5
#: How words of our languages end in their other forms, folded.
_ENDINGS = frozenset(
    [
        "",
        *re.findall(
            r"\w+",
            "s es ed d ing er ers ly e ee ees ez ent ons ais ait aient ant ants ante antes ai as a ra r t ions ion o "
            "os ar ir ando iendo ado ada ados adas an en amos emos aba abas ia ian me te se le lo la nos les los las "
            "mente n m ni na ak ik ou tou hom ha ti",
        ),
    ]
)
#: What is noted of a word.
_OFTEN, _COMMON, _NAME, _LISTED, _OF_MANY, _SHORT, _SELDOM = _MARKS = 1, 2, 4, 8, 16, 32, 64


class KnownNames:
    """The names of places, and the words of our training sentences, which judge whether a name is a word there."""

    def __init__(
        self,
        vocabulary: Mapping[str, Any],
        places: Iterable[str] = (),
        sounding: Mapping[str, int] | None = None,
        great: Iterable[str] = (),
        short: Iterable[str] = (),
        seldom: Iterable[str] = (),
    ) -> None:
        """`vocabulary`, all folded: `common` words of every language, those of them written `seldom`, known `places`.

        `places`: further names, folded, such as the directory's; one that is also common words is not taken for a name.
        `sounding`: how names are heard (`directory.spelling.sounds`), each with the weight of the place. `great`: names
        that many people know. `short`: what locals call a town in two or three letters (TJ, BXL). `seldom`: names
        of small towns that are looked for only where a place stands.
        """
        listed = {name for each in places for name in (each, each.replace("-", " "))}
        great, sounding = list(great), sounding or {}
        often = frozenset(vocabulary["common"]).difference(vocabulary["seldom"])
        names = frozenset(vocabulary["places"]).union(_that_are_not_words(listed, often))
        common = often.union(set(vocabulary["seldom"]).difference(listed))
        marked = (often, common, names, listed, great, frozenset(short), frozenset(seldom))
        marks = (repeat(mark, len(words_)) for mark, words_ in zip(_MARKS, marked, strict=True))
        self._marks = Numbers(chain(*marked), chain.from_iterable(marks))
        self._weights = Numbers(sounding, sounding.values())
        self._long_names = NearNames(name for name in names if len(name) >= _LONG_ENOUGH_TO_MISSPELL - 1)
        self._great_names = NearNames(great)
        self._great_in_order = Names(sorted(great))
        self._great_sounds = NearNames(
            sound for sound, weight in sounding.items() if weight >= _KNOWN and sound.isascii()
        )
        self._words = Names(sorted(word for word in common if len(word) >= _SHORTEST_BEGINNING))

    def is_name(self, words_: str) -> bool:
        """Whether these folded words are the name of a place, and no words of a sentence."""
        return bool(self._marks[words_] & _NAME)

    def is_listed(self, name: str) -> bool:
        """Whether the directory has the name, though it may be a word, too."""
        return bool(self._marks[name] & _LISTED)

    def is_short(self, name: str) -> bool:
        return bool(self._marks[name] & _SHORT)

    def is_seldom(self, token: Token) -> bool:
        """Whether a word that no sentence of ours has is the name of a small town, as it is written."""
        return bool(self._marks[token.folded] & _SELDOM) and self.may_name(token)

    def is_called_so(self, name: str) -> bool:
        """Whether a town is called so among locals, or by a name that sentences seldom have as a word."""
        marks = self._marks[name]
        return bool(marks & _SHORT) or (bool(marks & (_LISTED | _SELDOM)) and not marks & _OFTEN)

    def is_great(self, name: str) -> bool:
        return bool(self._marks[name] & _OF_MANY)

    def is_word(self, word: str) -> bool:
        """Whether sentences of ours often have it."""
        return bool(self._marks[word] & _OFTEN)

    def weight_heard(self, sound: str) -> int:
        """The weight of the greatest place that is heard so; 0 where none is."""
        return self._weights[sound]

    def is_known_by_ear(self, sound: str) -> bool:
        return self.weight_heard(sound) >= _KNOWN

    def is_well_known(self, name: str) -> bool:
        known = self.is_great(name) or self.is_known_by_ear(spelling.ear(name))
        return self.is_short(name) or (known and (self.is_listed(name) or len(name) >= _LONG_ENOUGH_TO_JOIN))

    def is_squeezed(self, together: list[Token], name: str) -> bool:
        """Whether these words are a name but for spaces and double letters: castelvolturno, rio hacha, mc alen."""
        if not name.isascii() or "'" in name:
            return False
        if all(len(token.folded) <= 3 or self._is_common(token.folded) for token in together):
            return False
        if len(together) == 1 and self.inflects_a_word(name):
            return False
        plain = _squeezed(name)
        return len(plain) >= _LONG_ENOUGH_SQUEEZED and (self._squeezed[plain] > 0 or self.is_listed(plain))

    def is_whole_name(self, together: list[Token]) -> bool:
        """Whether several words are heard like one great name: veleka kladusha."""
        heard = spelling.ear(spelling.fold(" ".join(token.folded for token in together)))
        if len(heard) <= _LONG_ENOUGH_TO_JOIN or any(
            self.is_word(token.folded) and token.folded not in JOINERS for token in together
        ):
            return False
        return self.is_known_by_ear(heard) or self._alike_by_ear(heard, _WHOLE_ALIKE) > 0

    def like(self, tokens: list[Token], *, expected: bool) -> float:
        """How like the likeliest name these words are, and how many people know it; 0 where they are like none.

        `expected`: before them stands what stands before a place.
        """
        name = " ".join(token.folded for token in tokens)
        heard = spelling.ear(spelling.fold(name))
        weight = self.weight_heard(heard)
        if len(tokens) > 1:
            return self._words_like(tokens, name, heard, weight)
        if self.is_short(name) and not self.is_word(name):
            return HEARD_ALIKE
        if not self.may_name(tokens[0]):
            meant = weight >= _GREAT and self.is_listed(name) and len(name) >= _LONG_ENOUGH_TO_MISSPELL
            misspelt = not self.is_word(name) and not self.inflects_a_word(name)
            meant = meant or (weight >= _KNOWN and misspelt and len(name) >= _LONG_ENOUGH_TO_HEAR)
            return HEARD_ALIKE + _KNOWN_TO_MANY * weight if meant and not name.isdigit() else 0.0
        if weight and not self.inflects_a_word(name) and len(name) >= _LONG_ENOUGH_TO_HEAR:
            return HEARD_ALIKE + _KNOWN_TO_MANY * weight
        return self._spelt_like(name, heard, expected=expected)

    def _spelt_like(self, name: str, heard: str, *, expected: bool) -> float:
        if len(name) < _LONG_ENOUGH_OF_GREAT:
            return 0.0
        known = self.inflects_a_word(name)  # a word of ours in a form that no sentence has
        enough = _GREAT_ALIKE if len(name) < _LONG_ENOUGH_TO_MISSPELL else _ALIKE
        great = self._great_names.likeness(name, enough)
        if not known:
            great = max(great, self._alike_by_ear(heard, enough))
        if great or len(name) < _LONG_ENOUGH_TO_MISSPELL:
            return great + _KNOWN_TO_MANY * _GREAT * bool(great)
        if known:
            return self._long_names.likeness(name, _ALIKE if expected else _SURELY_ALIKE)
        return max(
            self._long_names.likeness(name, _ALIKE),
            self._with_the_same_consonants(name),
            self._cut_short(name),
        )

    def _words_like(self, tokens: list[Token], name: str, heard: str, weight: int) -> float:
        unknown = [token for token in tokens if not self.is_word(token.folded)]
        if len(heard) < _LONG_ENOUGH_TO_JOIN or tokens[-1].folded in JOINERS:
            return 0.0
        may_join = unknown and all(token in unknown or token.folded in JOINERS for token in tokens)
        if weight and (may_join or (weight >= _KNOWN and len(heard) > _LONG_ENOUGH_TO_JOIN)):
            return HEARD_ALIKE + _KNOWN_TO_MANY * weight + _WHOLE * len(tokens)
        if not may_join or tokens[0].folded in ARTICLES:
            return 0.0
        spelt = self._great_names.likeness(name, _JOINED_ALIKE) if len(name) > _LONG_ENOUGH_TO_JOIN else 0.0
        return max(spelt, self._alike_by_ear(heard, _JOINED_ALIKE))

    def _alike_by_ear(self, heard: str, enough: float) -> float:
        if len(heard) < _LONG_ENOUGH_OF_GREAT or not heard.isascii():
            return 0.0
        return self._great_sounds.likeness(heard, enough)

    def _cut_short(self, name: str) -> float:
        """Whether only the end of a name that many people know was left out: antofa."""
        at = bisect_left(self._great_in_order, name)
        return _BEGINS_ALIKE * (at < len(self._great_in_order) and self._great_in_order[at].startswith(name))

    def inflects_a_word(self, name: str) -> bool:
        """Whether a word of ours begins alike and only its end is another: séances, llevarnos."""
        shortest = max(_SHORTEST_BEGINNING, len(name) - _LONGEST_ENDING)
        if len(name) < shortest:
            return False
        for at in range(bisect_left(self._words, name[:shortest]), len(self._words)):
            word = self._words[at]
            if not word.startswith(name[:shortest]):
                return False
            if _ends_otherwise(word, name) and not self._is_a_misspelt_name(word):
                return True
        return False

    def _is_a_misspelt_name(self, word: str) -> bool:
        """Among the words that are seldom written are names as people misspell them."""
        return not self.is_word(word) and self.is_known_by_ear(spelling.ear(word))

    def _with_the_same_consonants(self, name: str) -> float:
        own = spelling.consonants(name)
        if len(own) < _FEWEST_CONSONANTS:
            return 0.0
        bones, order = self._bones
        start, end = np.searchsorted(bones, hash(own), "left"), np.searchsorted(bones, hash(own), "right")
        same = (self._long_names[at] for at in order[start:end].tolist())
        alike = max((OSA.normalized_similarity(name, known) for known in same), default=0.0)
        return alike if alike >= _SAME_CONSONANTS_ALIKE else 0.0

    @cached_property
    def _bones(self) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
        """Hashes of the consonants of the longer names in order, and which names': no start waits for it, and it
        takes a tenth of the memory of a dictionary."""
        hashes = np.fromiter(map(hash, spelling.consonants_of_all(self._long_names)), np.int64)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order.astype(np.uint32)

    @cached_property
    def _squeezed(self) -> Numbers:
        """Names as `_squeezed` makes them, where that makes others of them. No start waits for this."""
        names = [name for name in self._long_names if name.isascii()]
        plain = _TWICE.sub(r"\1", _APART.sub("", "\n".join([*names, ""]))).split("\n")[:-1]
        others = [
            made for made, name in zip(plain, names, strict=True) if made != name and len(made) >= _LONG_ENOUGH_SQUEEZED
        ]
        return Numbers(others, repeat(1, len(others)))

    def may_name(self, token: Token) -> bool:
        """Whether a word may be a name that nobody here has heard: it is none of our words, in no form."""
        name = token.folded
        return (
            len(name) >= 3
            and not any(letter.isdigit() for letter in name)
            and not self._is_common(name)
            and not ("'" in name and all(map(self._is_common, words(name))))  # quelqu'un
            and not any(self._is_common(stem) or self._is_common(f"ال{stem}") for stem in without_prefixes(name))
        )

    def _is_common(self, word: str) -> bool:
        return bool(self._marks[word] & _COMMON)


def _ends_otherwise(word: str, name: str) -> bool:
    """Whether two words that begin alike may be two forms of one: séance, séances. Of other scripts any short end."""
    if not name.isascii():
        return word[: len(word) - _LONGEST_ENDING_OF_OURS] == name[: len(word) - _LONGEST_ENDING_OF_OURS]
    alike = next((at for at, (one, other) in enumerate(zip(word, name, strict=False)) if one != other), None)
    begins = range(_SHORTEST_BEGINNING, (min(len(word), len(name)) if alike is None else alike) + 1)
    return any(word[at:] in _ENDINGS and name[at:] in _ENDINGS for at in begins)


def _squeezed(name: str) -> str:
    return _TWICE.sub(r"\1", _APART.sub("", name))


def _that_are_not_words(names: set[str], often: frozenset[str]) -> set[str]:
    """A start waits for this: only a name that is no single word is taken apart."""
    apart = {name for name in names if not name.isalpha()}
    return (names - apart - often) | {name for name in apart if not all(word in often for word in words(name))}
