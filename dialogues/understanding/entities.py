"""The pieces of a message that rules need: a place (its words), an age, a language. And about whom it speaks."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import OSA

from dialogues.runtime.model import Entity
from dialogues.understanding.also_words import ALSO_WORDS
from dialogues.understanding.around_places import (
    ARTICLES,
    BEFORE_PLACE,
    FROM,
    JOINERS,
    LONGEST_NAME,
    TURKISH_UNMARKED,
    Token,
    asks_where,
    expects_a_place,
    has_prefix,
    is_a_word,
    just_before,
    meant_first,
    overlap,
    stand_together,
    stands_before_a_place,
    token_of,
    within,
    word_before,
)
from dialogues.understanding.fold import fold, words
from directory import spelling
from directory.countries import country_in_english

#: Vowel marks stand within a word: كلّس.
_MARK = "\u0300-\u036f\u064b-\u065f\u0670"
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARK}])*(?:[’'\-](?:[^\W_]|[{_MARK}])+)*")
#: What French writes onto a name: d'Abidjan.
_ELIDED = re.compile(r"(?i)[dljn][’'](?=\w{3})")
_AGE = re.compile(
    r"\b(?:(?:i am|im|aged?|edad|tengo|tiene|j'?ai|il a|elle a|agee? de|عمري|عمره|عمرها|3omri|3andi|tenho|miaka|мені)"
    r"\s*:?\s*(\d{1,2})\b"
    r"|(\d{1,2})\s*-?\s*(?:yo|yrs?|years?|y/o|ans?|anos?|anitos|سنه|سنين|سنوات|عام|sana|sne|yas\w*|jir|ساله\w*"
    r"|سال|рок\w+)\b)"
)
#: A name after these is a person's.
_INTRODUCES = frozenset(("im", "i'm", "am", "is", "name", "suis", "appelle", "soy", "llamo", "اسمي"))
#: In a longer message a last word with a capital letter may be anything.
_SHORT_MESSAGE = 8
#: How like a known name a word must be to be taken for it, where a service is looked for and no place is named: one
#: letter of six. Shorter words are too often like some town.
_ALIKE, _LONG_ENOUGH_TO_MISSPELL = 0.83, 6
#: and of a name that many people know, one of five.
_GREAT_ALIKE, _LONG_ENOUGH_OF_GREAT = 0.8, 5
#: One that has the same consonants may differ more: dunkerke, bamacco.
_SAME_CONSONANTS_ALIKE, _FEWEST_CONSONANTS = 0.7, 3
#: Who writes by ear writes every sound: kito. That is surer than letters, for words of so many letters,
_HEARD_ALIKE, _LONG_ENOUGH_TO_HEAR = 0.95, 4
#: and for several words that sound like one name: casa blanca.
_LONG_ENOUGH_TO_JOIN, _JOINED_ALIKE = 7, 0.85
#: What a place that many people know has in its favour, for each step of its weight, and a word that stands last.
_KNOWN_TO_MANY, _LAST = 0.01, 0.02
#: Names of places of this weight and more are compared as they are heard; only the beginning of a great one is so like.
_KNOWN, _BEGINS_ALIKE = 3, 0.84
#: So like must be a word that looks like one of ours, or like a place that few people know.
_SURELY_ALIKE = 0.88
#: and several words to be one name before each of them is a place.
_WHOLE_ALIKE = 0.9
#: What two forms of one word share, and how long the end of each is at most.
_SHORTEST_BEGINNING, _LONGEST_ENDING, _LONGEST_ENDING_OF_OURS = 5, 3, 2
#: What a word has in its favour that stands where a place stands, and each word of a name that is whole.
_EXPECTED, _WHOLE = 0.04, 0.01
#: A place of this weight is meant even by a word of ours: lessons dublin.
_GREAT = 5

#: Beside its country a shorter name is known.
_SHORTEST_BESIDE = 3
#: Between a place and what stands just after it are a space and a comma at most.
_JUST_AFTER = 2
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

LANGUAGE_NAMES: Mapping[str, tuple[str, ...]] = {
    "en": ("english", "anglais", "ingles", "انجليزي", "انكليزي", "الانجليزيه", "انجليزيه", "inglizi", "englizi"),
    "fr": ("french", "francais", "frances", "francese", "فرنسي", "فرنسيه", "الفرنسيه", "fransi", "faransi"),
    "es": (
        "spanish", "espagnol", "espanol", "espanhol", "castellano", "اسباني", "اسبانيه", "الاسبانيه", "spanyoli",
        "isbani",
    ),
    "ar": ("arabic", "arabe", "arab", "عربي", "عربيه", "العربيه", "بالعربي", "arabi", "3arabi", "3rabi"),
}  # fmt: skip
_LANGUAGE_OF = {name: code for code, names in LANGUAGE_NAMES.items() for name in names}

_ME = frozenset(
    re.findall(
        r"\w+",
        "i im ive id me my mine je j me moi mon ma mes yo mi mis conmigo soy estoy tengo "
        "quiero necesito انا عندي معي ابي امي اخوي اختي لي ana 3andi",
    )
)
_ANOTHER = frozenset(
    re.findall(
        r"\w+",
        "kid kids child children boy girl minor minors teen teenager baby toddler "
        "pupil student client friend friends enfant enfants garcon fille mineur mineure mineurs jeune jeunes "
        "bebe eleve mna ami amie nino nina ninos ninas menor menores chico chica adolescente "
        "alumno alumna nna amigo amiga "
        "طفل طفله اطفال ولد بنت قاصر قاصرين شاب رضيع تلميذ رفيقي صديقي walad bent tefl",
    )
)


def speaks_of_another(folded: str) -> bool:
    """Whether the writer tells of somebody else: a worker, a neighbour, a friend."""
    found = words(folded)
    others = sum(word in _ANOTHER or word.removesuffix("s") in _ANOTHER or word[2:] in _ANOTHER for word in found)
    return others > 0 and others >= sum(word in _ME for word in found)


#: Who is spoken of by no other word than these. In Spanish and Arabic the verb alone says it.
_HIM_OR_HER = frozenset(
    re.findall(
        r"\w+",
        "he she hes shes him her they theyre them il elle ils elles lui ella ellos ellas esta estan sangra sangran "
        "respira respiran desmayo convulsiona هو هي هم ينزف تنزف بينزف بتنزف يتنفس تتنفس بيتنفس بتتنفس عليه عليها",
    )
)
#: Dangers that befall whoever is spoken of. About others "he" may be the one with the knife.
_BEFALLS = frozenset(("medical_emergency", "missing_child", "suicide_self_harm"))


def befalls_another(folded: str, reason: str) -> bool:
    """Whether a danger is told of him or her, and the writer says nothing of themselves."""
    found = frozenset(words(folded))
    return reason in _BEFALLS and bool(found & _HIM_OR_HER) and not found & _ME


class EntityFinder:
    """Finds entities. Which words are names is judged by which words our training sentences use as words."""

    def __init__(
        self,
        vocabulary: Mapping[str, Any],
        places: Iterable[str] = (),
        sounding: Mapping[str, int] | None = None,
        great: Iterable[str] = (),
        short: Iterable[str] = (),
    ) -> None:
        """`vocabulary`, all folded: `common` words of every language, those of them written `seldom`, known `places`.

        `places`: further names, folded, such as the directory's; one that is also common words is not taken for a name.
        `sounding`: how names are heard (`directory.spelling.sounds`), each with the weight of the place. `great`: names
        that many people know. `short`: what locals call a town in two or three letters (TJ, BXL).
        """
        names = {name for each in places for name in (each, each.replace("-", " "))}
        self._sounding = sounding or {}
        self._great_names = list(great)
        self._great = frozenset(self._great_names)
        self._short = frozenset(short)
        often = frozenset(vocabulary["common"]).difference(vocabulary["seldom"])
        self._often = often
        self._places = frozenset(vocabulary["places"]).union(_that_are_not_words(names, often))
        self._common = often.union(set(vocabulary["seldom"]).difference(names))
        self._long_names = [name for name in self._places if len(name) >= _LONG_ENOUGH_TO_MISSPELL - 1]
        self._listed = names
        self._great_sounds: list[str] = []
        self._words: list[str] = []

    def find(self, shown: str, language: str, *, searching: bool = False) -> list[Entity]:
        """`searching`: the message asks for a service, so that a word nobody knows may be a misspelt place."""
        return [*self._find_places(shown, language, searching), *_find_ages(shown), *_find_languages(shown)]

    def knows(self, name: str) -> bool:
        """Whether these folded words are the name of a place, and no words of a sentence."""
        return name in self._places

    def _find_places(self, shown: str, language: str, searching: bool) -> list[Entity]:
        """The places named, the one that is meant first: where somebody is or wants to be, not where they came from."""
        tokens = [token_of(found) for found in _WORD.finditer(_ELIDED.sub("  ", shown[:2000]))]
        spans = self._known_places(tokens, language) or self._after_a_preposition(tokens, language)
        if not spans and not any(token.folded in _INTRODUCES for token in tokens):
            spans = self._standing_alone(tokens)
        if searching:
            heard = self._heard_places(tokens, spans, shown, language)
        else:
            heard = self._surely_heard(tokens, language)
        if searching or not spans:
            spans = heard + [span for span in spans if not any(overlap(span, other) for other in heard)]
        meant = meant_first(spans, tokens)
        if not meant and searching:
            meant = [(token.start, token.end) for token in tokens if self._is_a_country(token.folded)][:1]
        countries = [span for span in meant if self._is_a_country(shown[slice(*span)])]
        if countries and len(countries) == len(meant):
            meant = self._before_its_country(tokens, countries[0], searching=searching) + meant
        elif countries:  # a country beside a town says where the town lies
            meant = [span for span in meant if span not in countries] + countries
        meant = [self._with_its_country(span, tokens) for span in meant]
        return [Entity("place", shown[start:end], start, end) for start, end in meant]

    def _is_a_country(self, words: str) -> bool:
        return country_in_english(words) is not None and fold(words) not in self._great

    def _with_its_country(self, span: tuple[int, int], tokens: list[Token]) -> tuple[int, int]:
        """A place and the country that is named just after it, for there it lies: colchani chile."""
        after = next((at for at, token in enumerate(tokens) if token.start >= span[1]), len(tokens))
        if after == len(tokens) or tokens[after].start - span[1] > _JUST_AFTER or self._is_a_country_at(tokens, span):
            return span
        for size in (3, 2, 1):
            named = tokens[after : after + size]
            if len(named) < size or any(spelling.stands_around(each.folded) for each in (named[0], named[-1])):
                continue
            if self._is_a_country(" ".join(token.folded for token in named)):
                return span[0], named[-1].end
        return span

    def _is_a_country_at(self, tokens: list[Token], span: tuple[int, int]) -> bool:
        return self._is_a_country(" ".join(token.folded for token in tokens if overlap((token.start, token.end), span)))

    def _before_its_country(
        self, tokens: list[Token], country: tuple[int, int], *, searching: bool
    ) -> list[tuple[int, int]]:
        """The unknown word before the name of a country, and that: the directory looks for it there alone."""
        beside = just_before(tokens, country)
        if not beside or beside[-1].folded in _LANGUAGE_OF or not beside[-1].folded.isalpha():
            return []
        named = beside[-1].folded
        seldom = searching and len(named) >= _SHORTEST_BESIDE and named not in self._often
        if not (seldom or self._may_name(beside[-1])) or self._inflects_a_word(named):
            return []
        return [(beside[-1].start, country[1])]

    def _heard_places(
        self, tokens: list[Token], spans: list[tuple[int, int]], shown: str, language: str
    ) -> list[tuple[int, int]]:
        """What is like a place, where those that were named say little, or stand only beside it: mcalen texas."""
        if whole := self._whole_names(tokens):
            return whole
        others = [token for token in tokens if not within(token, spans)]
        if all(self._says_little(span, shown, tokens) for span in spans):
            return self._misspelt(others, language)
        beside = just_before(tokens, spans[0])
        if not beside or any(within(token, spans) for token in beside):
            return []
        return [span for span in self._misspelt(beside, language) if span[1] == beside[-1].end]

    def _surely_heard(self, tokens: list[Token], language: str) -> list[tuple[int, int]]:
        """What is heard like a place that many people know, where what is said of is no service: only just after what
        stands before a place."""
        for at, token in enumerate(tokens):
            if expects_a_place(tokens, at, language) and not is_a_word(tokens, at, language):
                for first in _without_what_is_written_on(token):
                    if self._like_a_name([first], expected=True) >= _HEARD_ALIKE:
                        return [(first.start, first.end)]
        return []

    def _whole_names(self, tokens: list[Token]) -> list[tuple[int, int]]:
        """Several words that are heard like one great name, before each of them may be a place: veleka kladusha."""
        for size in (4, 3, 2):
            for at in range(len(tokens) - size + 1):
                together = tokens[at : at + size]
                if not stand_together(tokens, at, size) or together[0].folded in ARTICLES:
                    continue
                heard = spelling.ear(spelling.fold(" ".join(token.folded for token in together)))
                if len(heard) <= _LONG_ENOUGH_TO_JOIN or any(
                    token.folded in self._often and token.folded not in JOINERS for token in together
                ):
                    continue
                if self._sounding.get(heard, 0) >= _KNOWN or self._alike_by_ear(heard, _WHOLE_ALIKE):
                    return [(together[0].start, together[-1].end)]
        return []

    def _says_little(self, span: tuple[int, int], shown: str, tokens: list[Token]) -> bool:
        """Whether a place is only where somebody came from, a whole country, or a district that no list has: then a
        misspelt town may be meant."""
        name = fold(shown[slice(*span)]).replace("-", " ")
        if word_before(span, tokens) in FROM or country_in_english(name) is not None:
            return True
        if name in self._listed or name in self._short or name not in self._places:
            return False
        return self._sounding.get(spelling.ear(spelling.fold(name)), 0) < _KNOWN

    def _known_places(self, tokens: list[Token], language: str) -> list[tuple[int, int]]:
        spans = []
        at = 0
        while at < len(tokens):
            size = next((n for n in range(min(LONGEST_NAME, len(tokens) - at), 0, -1) if self._names(tokens, at, n)), 0)
            if size == 1 and (asks_where(tokens, at) or is_a_word(tokens, at, language)):
                size = 0
            if size:
                spans.append((self._start(tokens[at], size), self._end(tokens[at + size - 1])))
            at += size or 1
        return spans

    def _names(self, tokens: list[Token], at: int, size: int) -> bool:
        name = " ".join(token.folded for token in tokens[at : at + size]).replace("-", " ")
        if name in self._places:
            return True
        if self._is_squeezed(tokens[at : at + size], name):
            return True
        # Nobody writes "in" twice: after it the letter is the name's own. Of a word it is the word's: بكرا.
        return (
            has_prefix(name)
            and name[1:] in self._places
            and not (name in self._often and name[1:] in ALSO_WORDS["ar"])
            and not (at and tokens[at - 1].folded in BEFORE_PLACE["ar"])
        )

    def _is_squeezed(self, together: list[Token], name: str) -> bool:
        """Whether these words are a name but for spaces and double letters: castelvolturno, rio hacha, mc alen."""
        unknown = [token.folded for token in together if len(token.folded) > 3 and token.folded not in self._common]
        if not name.isascii() or "'" in name or not unknown:
            return False
        if len(together) == 1 and self._inflects_a_word(name):
            return False
        plain = _squeezed(name)
        return len(plain) >= _LONG_ENOUGH_SQUEEZED and (plain in self._squeezed or plain in self._listed)

    def _start(self, token: Token, size: int) -> int:
        """Where the name starts: after an Arabic `ب`, `ف` or `ل` written onto it."""
        known = token.folded in self._places or size > 1
        return token.start if known or not has_prefix(token.folded) else token.start + 1

    def _end(self, token: Token) -> int:
        """Where the name ends: before what Turkish wrote onto it (ankarada), where that made no name of a list."""
        stem = TURKISH_UNMARKED.sub("", token.folded)
        return token.end if token.folded in self._listed or stem not in self._listed else token.start + len(stem)

    def _after_a_preposition(self, tokens: list[Token], language: str) -> list[tuple[int, int]]:
        before = BEFORE_PLACE.get(language, BEFORE_PLACE["en"])
        for at in range(1, len(tokens)):
            if not stands_before_a_place(before, tokens[at - 1].folded, tokens[at], language):
                continue
            if not tokens[at].capital and self._inflects_a_word(tokens[at].folded):
                continue
            end = at
            while end < min(at + LONGEST_NAME, len(tokens)) and (
                self._may_name(tokens[end]) or (tokens[end].folded in JOINERS and end + 1 < len(tokens))
            ):
                end += 1
            while end > at and tokens[end - 1].folded in JOINERS:
                end -= 1
            likely = (
                size for size in range(end - at, 0, -1) if self._like_a_name(tokens[at : at + size], expected=True)
            )
            end = at + next(likely, end - at)
            if any(self._may_name(token) for token in tokens[at:end]):
                written_on = language == "ar" and tokens[at - 1].folded not in before and has_prefix(tokens[at].folded)
                return [(tokens[at].start + written_on, tokens[end - 1].end)]
        return []

    def _standing_alone(self, tokens: list[Token]) -> list[tuple[int, int]]:
        """`shelter Ventimiglia`: a name without a preposition, at the end or (of two words) the start."""
        if not tokens or len(tokens) > _SHORT_MESSAGE or (len(tokens) > 3 and tokens[-2].capital):
            return []
        for token in tokens[-1:] if len(tokens) > 2 else (tokens[-1], tokens[0]):
            if token.capital and len(token.folded) >= 4 and self._may_name(token):
                return [(token.start, token.end)]
        return []

    def _misspelt(self, tokens: list[Token], language: str) -> list[tuple[int, int]]:
        """The words that are most like the name of a place, among those that no sentence of ours uses."""
        best, found = 0.0, list[tuple[int, int]]()
        before = BEFORE_PLACE.get(language, BEFORE_PLACE["en"])
        for at, token in enumerate(tokens):
            if asks_where(tokens, at):
                continue
            stem = TURKISH_UNMARKED.sub("", token.folded)
            if stem != token.folded and self._is_well_known(stem) and token.folded not in self._often:
                return [(token.start, token.start + len(stem))]
            where = at > 0 and tokens[at - 1].folded in before
            for size in (1, 2, 3, 4):
                if not stand_together(tokens, at, size):
                    continue
                for first in _without_what_is_written_on(token):
                    together = [first, *tokens[at + 1 : at + size]]
                    alike = self._like_a_name(together, expected=where or first is not token)
                    if not alike:
                        continue
                    alike += _LAST * (at + size == len(tokens) or not at) + _EXPECTED * where
                    if alike > best:
                        best, found = alike, [(first.start, tokens[at + size - 1].end)]
        return found

    @cached_property
    def _squeezed(self) -> frozenset[str]:
        """Names as `_squeezed` makes them, where that makes others of them. No start waits for this."""
        made = ((name, _squeezed(name)) for name in self._listed if name.isascii())
        return frozenset(plain for name, plain in made if plain != name and len(plain) >= _LONG_ENOUGH_SQUEEZED)

    def _is_well_known(self, name: str) -> bool:
        known = name in self._great or self._sounding.get(spelling.ear(name), 0) >= _KNOWN
        return name in self._short or (known and (name in self._listed or len(name) >= _LONG_ENOUGH_TO_JOIN))

    def _like_a_name(self, tokens: list[Token], *, expected: bool) -> float:
        """How like the likeliest name these words are, and how many people know it; 0 where they are like none.

        `expected`: before them stands what stands before a place.
        """
        name = " ".join(token.folded for token in tokens)
        heard = spelling.ear(spelling.fold(name))
        weight = self._sounding.get(heard, 0)
        if len(tokens) > 1:
            return self._words_like_a_name(tokens, name, heard, weight)
        if name in self._short and name not in self._often:
            return _HEARD_ALIKE
        if not self._may_name(tokens[0]):
            meant = weight >= _GREAT and name in self._listed and len(name) >= _LONG_ENOUGH_TO_MISSPELL
            misspelt = name not in self._often and not self._inflects_a_word(name)
            meant = meant or (weight >= _KNOWN and misspelt and len(name) >= _LONG_ENOUGH_TO_HEAR)
            return _HEARD_ALIKE + _KNOWN_TO_MANY * weight if meant and not name.isdigit() else 0.0
        if weight and not self._inflects_a_word(name) and len(name) >= _LONG_ENOUGH_TO_HEAR:
            return _HEARD_ALIKE + _KNOWN_TO_MANY * weight
        return self._spelt_like_a_name(name, heard, expected=expected)

    def _spelt_like_a_name(self, name: str, heard: str, *, expected: bool) -> float:
        if len(name) < _LONG_ENOUGH_OF_GREAT:
            return 0.0
        known = self._inflects_a_word(name)  # a word of ours in a form that no sentence has
        enough = _GREAT_ALIKE if len(name) < _LONG_ENOUGH_TO_MISSPELL else _ALIKE
        great = _spelt_alike(name, self._great_names, enough)
        if not known:
            great = max(great, self._alike_by_ear(heard, enough))
        if great or len(name) < _LONG_ENOUGH_TO_MISSPELL:
            return great + _KNOWN_TO_MANY * _GREAT * bool(great)
        if known:
            return _spelt_alike(name, self._long_names, _ALIKE if expected else _SURELY_ALIKE)
        return max(
            _spelt_alike(name, self._long_names, _ALIKE),
            self._with_the_same_consonants(name),
            self._cut_short(name),
        )

    def _words_like_a_name(self, tokens: list[Token], name: str, heard: str, weight: int) -> float:
        unknown = [token for token in tokens if token.folded not in self._often]
        if len(heard) < _LONG_ENOUGH_TO_JOIN or tokens[-1].folded in JOINERS:
            return 0.0
        may_join = unknown and all(token in unknown or token.folded in JOINERS for token in tokens)
        if weight and (may_join or (weight >= _KNOWN and len(heard) > _LONG_ENOUGH_TO_JOIN)):
            return _HEARD_ALIKE + _KNOWN_TO_MANY * weight + _WHOLE * len(tokens)
        if not may_join or tokens[0].folded in ARTICLES:
            return 0.0
        spelt = _spelt_alike(name, self._great_names, _JOINED_ALIKE) if len(name) > _LONG_ENOUGH_TO_JOIN else 0.0
        return max(spelt, self._alike_by_ear(heard, _JOINED_ALIKE))

    def _alike_by_ear(self, heard: str, enough: float) -> float:
        if len(heard) < _LONG_ENOUGH_OF_GREAT or not heard.isascii():
            return 0.0
        if not self._great_sounds:
            self._great_sounds = [
                sound for sound, weight in self._sounding.items() if weight >= _KNOWN and sound.isascii()
            ]
        return _spelt_alike(heard, self._great_sounds, enough)

    def _cut_short(self, name: str) -> float:
        """Whether only the end of a name that many people know was left out: antofa."""
        return _BEGINS_ALIKE * any(great.startswith(name) for great in self._great_names)

    def _inflects_a_word(self, name: str) -> bool:
        """Whether a word of ours begins alike and only its end is another: séances, llevarnos."""
        if not self._words:
            # Among those that are seldom written are names as people misspell them.
            seldom = self._common - self._often
            misspelt = {word for word in seldom if self._sounding.get(spelling.ear(word), 0) >= _KNOWN}
            self._words = sorted(word for word in self._common - misspelt if len(word) >= _SHORTEST_BEGINNING)
        shortest = max(_SHORTEST_BEGINNING, len(name) - _LONGEST_ENDING)
        if len(name) < shortest:
            return False
        for at in range(bisect_left(self._words, name[:shortest]), len(self._words)):
            word = self._words[at]
            if not word.startswith(name[:shortest]):
                return False
            if _ends_otherwise(word, name):
                return True
        return False

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
        """Hashes of the consonants of the longer names in order, and which names': a quarter of a second that no start
        waits for, and a tenth of the memory of a dictionary."""
        hashes = np.array([hash(spelling.consonants.__wrapped__(name)) for name in self._long_names], np.int64)
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order.astype(np.uint32)

    def _may_name(self, token: Token) -> bool:
        name = token.folded
        return (
            len(name) >= 3
            and not any(letter.isdigit() for letter in name)
            and name not in self._common
            and not ("'" in name and all(part in self._common for part in words(name)))  # quelqu'un
            and not any(stem in self._common or f"ال{stem}" in self._common for stem in _stems(name))
        )


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


def _without_what_is_written_on(token: Token) -> list[Token]:
    """The word, and where Arabic may have written a preposition onto it, the word without: باسطمبول. An article of
    Arabic in Latin letters stands apart: lmiriya."""
    if has_prefix(token.folded):
        return [token, Token(token.folded[1:], token.start + 1, token.end, token.capital)]
    apart = spelling.with_article(token.folded)
    return [token] if apart == token.folded else [token, Token(apart, token.start, token.end, token.capital)]


def _spelt_alike(name: str, names: list[str], enough: float) -> float:
    match = process.extractOne(name, names, scorer=OSA.normalized_similarity, score_cutoff=enough)
    return match[1] if match else 0.0


def _stems(name: str) -> list[str]:
    """An Arabic word without what may be written onto it."""
    stems = [name]
    stems += [
        name[len(prefix) :]
        for prefix in ("و", "ف", "ب", "ل", "ك", "ال", "لل", "بال", "وال", "عال")
        if name.startswith(prefix)
    ]
    return [stem for stem in stems if len(stem) >= 2]


def _find_ages(shown: str) -> list[Entity]:
    folded = fold(shown[:2000])
    found = _AGE.search(folded)
    if not found:
        return []
    age = int(found[1] or found[2])
    return [Entity("age", age)] if age <= 25 else []


def _find_languages(shown: str) -> list[Entity]:
    for word in words(fold(shown[:300])):
        code = next((_LANGUAGE_OF[stem] for stem in _stems(word) if stem in _LANGUAGE_OF), None)
        if code:
            return [Entity("language", code)]
    return []
