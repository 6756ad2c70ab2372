"""The pieces of a message that rules need: a place (its words), an age, a language."""

from __future__ import annotations

import re

from dialogues.runtime.model import Entity
from dialogues.understanding.ages_and_languages import find_ages, find_languages, names_a_language
from dialogues.understanding.also_words import ALSO_WORDS
from dialogues.understanding.around_places import (
    ARTICLES,
    BEFORE_PLACE,
    FROM,
    IN_CYRILLIC,
    JOINERS,
    LONGEST_NAME,
    TURKISH_UNMARKED,
    Token,
    asks_where,
    expects_a_place,
    has_prefix,
    is_a_word,
    is_elsewhere,
    is_surely_a_word,
    just_before,
    meant_first,
    overlap,
    says_where,
    stand_together,
    stands_apart,
    stands_before_a_place,
    token_of,
    within,
    word_before,
)
from dialogues.understanding.fold import fold
from dialogues.understanding.known_names import HEARD_ALIKE, KnownNames
from directory import spelling
from directory.countries import country_in_english

#: Vowel marks stand within a word: كلّس.
_MARK = "\u0300-\u036f\u064b-\u065f\u0670"
_WORD = re.compile(rf"[^\W_](?:[^\W_]|[{_MARK}])*(?:[’'\-](?:[^\W_]|[{_MARK}])+)*")
#: What French writes onto a name: d'Abidjan.
_ELIDED = re.compile(r"(?i)[dljn][’'](?=\w{3})")
#: A name after these is a person's.
_INTRODUCES = frozenset(("im", "i'm", "am", "is", "name", "suis", "appelle", "soy", "llamo", "اسمي"))
#: In a longer message a last word with a capital letter may be anything.
_SHORT_MESSAGE = 8
#: What a word has in its favour that stands last, and one that stands where a place stands.
_LAST, _EXPECTED = 0.02, 0.04
#: How like a place a word is that is the name of a small town.
_SELDOM = 0.8
#: Beside its country a shorter name is known.
_SHORTEST_BESIDE = 3
#: Between a place and what stands just after it are a space and a comma at most.
_JUST_AFTER = 2


class EntityFinder:
    """Finds entities. Which words are names is judged by which words our training sentences use as words."""

    def __init__(self, known: KnownNames) -> None:
        self._known = known

    def find(self, shown: str, language: str, *, searching: bool = False) -> list[Entity]:
        """`searching`: the message asks for a service, so that a word nobody knows may be a misspelt place."""
        return [*self._find_places(shown, language, searching), *find_ages(shown), *find_languages(shown)]

    def knows(self, name: str) -> bool:
        """Whether these folded words are the name of a place, and no words of a sentence."""
        return self._known.is_name(name)

    def _find_places(self, shown: str, language: str, searching: bool) -> list[Entity]:
        """The places named, the one that is meant first: where somebody is or wants to be, not where they came from."""
        tokens = [token_of(found) for found in _WORD.finditer(_ELIDED.sub("  ", shown[:2000]))]
        spans = self._known_places(tokens, language) or self._after_a_preposition(tokens, language, searching)
        if not spans and not any(token.folded in _INTRODUCES for token in tokens):
            spans = self._standing_alone(tokens)
        if searching:
            heard = self._heard_places(tokens, spans, shown, language)
        else:
            heard = [] if spans else self._surely_heard(tokens, language) or self._leading(tokens)
        heard += self._said_to_be_here(tokens, spans + heard, language)
        spans = heard + [span for span in spans if not any(overlap(span, other) for other in heard)]
        meant = meant_first(spans, tokens, shown)
        if not meant and searching:
            meant = [(token.start, token.end) for token in tokens if self._is_a_country(token.folded)][:1]
        countries = [span for span in meant if self._is_a_country(shown[slice(*span)])]
        if countries and len(countries) == len(meant):
            meant = self._before_its_country(tokens, countries[0], language, searching=searching) + meant
        elif countries:  # a country beside a town says where the town lies
            meant = [span for span in meant if span not in countries] + countries
        meant = [self._with_its_country(span, tokens) for span in meant]
        return [Entity("place", shown[start:end], start, end) for start, end in meant]

    def _is_a_country(self, words: str) -> bool:
        return country_in_english(words) is not None and not self._known.is_great(fold(words))

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
        self, tokens: list[Token], country: tuple[int, int], language: str, *, searching: bool
    ) -> list[tuple[int, int]]:
        """The unknown word before the name of a country, and that: the directory looks for it there alone."""
        beside = just_before(tokens, country)
        if not beside or names_a_language(beside[-1].folded) or not beside[-1].folded.isalpha():
            return []
        named = beside[-1].folded
        words_here = ALSO_WORDS.get(language, frozenset()) | JOINERS
        if self._known.is_called_so(named) and named not in words_here and not spelling.stands_around(named):
            return [(beside[-1].start, country[1])]
        seldom = searching and len(named) >= _SHORTEST_BESIDE and not self._known.is_word(named)
        if not (seldom or self._known.may_name(beside[-1])) or self._known.inflects_a_word(named):
            return []
        return [(beside[-1].start, country[1])]

    def _heard_places(
        self, tokens: list[Token], spans: list[tuple[int, int]], shown: str, language: str
    ) -> list[tuple[int, int]]:
        """What is like a place, where those that were named say little, or stand only beside it: mcalen texas."""
        if whole := self._whole_names(tokens):
            return whole
        others = [token for token in tokens if not within(token, spans)]
        if all(is_elsewhere(span, spans, tokens, shown) or self._says_little(span, shown, tokens) for span in spans):
            return self._misspelt(others, language, shown)
        named = any(self._known.is_name(fold(shown[slice(*span)])) for span in spans)
        if not named and (sure := self._misspelt(others, language, shown, HEARD_ALIKE + _EXPECTED)):
            return sure
        beside = just_before(tokens, spans[0])
        if not beside or any(within(token, spans) for token in beside):
            return []
        if not self._known.may_name(beside[-1]):
            return []
        return [span for span in self._misspelt(beside, language, shown) if span[1] == beside[-1].end]

    def _said_to_be_here(
        self, tokens: list[Token], spans: list[tuple[int, int]], language: str
    ) -> list[tuple[int, int]]:
        """What somebody says that they are in, where it is like a place: rentrer a bouaké, je suis a sfaxe."""
        for at, token in enumerate(tokens):
            if within(token, spans) or not says_where(tokens, at) or is_a_word(tokens, at, language):
                continue
            for size in (3, 2, 1):
                if not stand_together(tokens, at, size):
                    continue
                for first in _without_what_is_written_on(token):
                    together = [first, *tokens[at + 1 : at + size]]
                    if self._known.like(together, expected=True) or (size == 1 and self._known.is_seldom(first)):
                        return [(first.start, tokens[at + size - 1].end)]
        return []

    def _surely_heard(self, tokens: list[Token], language: str) -> list[tuple[int, int]]:
        """What is heard like a place that many people know, where what is said of is no service: only just after what
        stands before a place."""
        for at, token in enumerate(tokens):
            if expects_a_place(tokens, at, language) and not is_a_word(tokens, at, language):
                for first in _without_what_is_written_on(token):
                    if self._known.like([first], expected=True) >= HEARD_ALIKE:
                        return [(first.start, first.end)]
        return []

    def _leading(self, tokens: list[Token]) -> list[tuple[int, int]]:
        """What a message begins with, if it is heard like a place: several words, or one before its country."""
        for size in (3, 2, 1):
            span = (tokens[0].start, tokens[min(size, len(tokens)) - 1].end) if tokens else (0, 0)
            if len(tokens) <= size or (size == 1 and self._with_its_country(span, tokens) == span):
                continue
            if self._known.like(tokens[:size], expected=True) >= HEARD_ALIKE:
                return [span]
        return []

    def _whole_names(self, tokens: list[Token]) -> list[tuple[int, int]]:
        """Several words that are heard like one great name, before each of them may be a place: veleka kladusha."""
        for size in (4, 3, 2):
            for at in range(len(tokens) - size + 1):
                together = tokens[at : at + size]
                if not stand_together(tokens, at, size) or together[0].folded in ARTICLES:
                    continue
                if self._known.is_whole_name(together):
                    return [(together[0].start, together[-1].end)]
        return []

    def _says_little(self, span: tuple[int, int], shown: str, tokens: list[Token]) -> bool:
        """Whether a place is only where somebody came from, a whole country, or a district that no list has: then a
        misspelt town may be meant."""
        name = fold(shown[slice(*span)]).replace("-", " ")
        if word_before(span, tokens) in FROM or country_in_english(name) is not None:
            return True
        if self._known.is_listed(name) or self._known.is_short(name) or not self._known.is_name(name):
            return False
        if IN_CYRILLIC.match(name):  # where names have endings, and no list has these
            return False
        return not self._known.is_known_by_ear(spelling.ear(spelling.fold(name)))

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
        if self._known.is_name(name) or (size > 1 and self._known.is_name(spelling.spelt_out(name))):
            return True
        if self._known.is_squeezed(tokens[at : at + size], name):
            return True
        # Nobody writes "in" twice: after it the letter is the name's own. Of a word it is the word's: بكرا.
        return (
            has_prefix(name)
            and self._known.is_name(name[1:])
            and not (self._known.is_word(name) and name[1:] in ALSO_WORDS["ar"])
            and not (at and tokens[at - 1].folded in BEFORE_PLACE["ar"])
        )

    def _start(self, token: Token, size: int) -> int:
        """Where the name starts: after an Arabic `ب`, `ف` or `ل` written onto it."""
        known = self._known.is_name(token.folded) or size > 1
        return token.start if known or not has_prefix(token.folded) else token.start + 1

    def _end(self, token: Token) -> int:
        """Where the name ends: before what Turkish wrote onto it (ankarada), where that made no name of a list."""
        stem = TURKISH_UNMARKED.sub("", token.folded)
        if stem == token.folded or self._known.is_listed(token.folded) or not self._known.is_listed(stem):
            return token.end
        return token.start + len(stem)

    def _after_a_preposition(self, tokens: list[Token], language: str, searching: bool) -> list[tuple[int, int]]:
        before = BEFORE_PLACE.get(language, BEFORE_PLACE["en"])
        for at in range(1, len(tokens)):
            if not stands_before_a_place(before, tokens[at - 1].folded, tokens[at], language):
                continue
            if not tokens[at].capital and self._is_no_place(tokens[at], searching):
                continue
            end = at
            while end < min(at + LONGEST_NAME, len(tokens)) and (
                self._known.may_name(tokens[end]) or (tokens[end].folded in JOINERS and end + 1 < len(tokens))
            ):
                end += 1
            while end > at and tokens[end - 1].folded in JOINERS:
                end -= 1
            likely = (
                size for size in range(end - at, 0, -1) if self._known.like(tokens[at : at + size], expected=True)
            )
            end = at + next(likely, end - at)
            if any(self._known.may_name(token) for token in tokens[at:end]):
                written_on = language == "ar" and tokens[at - 1].folded not in before and has_prefix(tokens[at].folded)
                return [(tokens[at].start + written_on, tokens[end - 1].end)]
        return []

    def _is_no_place(self, token: Token, searching: bool) -> bool:
        """Whether a word without a capital letter is a form of one of ours; or, in a script of which we know few words
        (в комнате), is like no place where nothing is looked for."""
        if not searching and IN_CYRILLIC.match(token.folded):
            return not self._known.is_name(token.folded) and not self._known.like([token], expected=True)
        return self._known.inflects_a_word(token.folded)

    def _standing_alone(self, tokens: list[Token]) -> list[tuple[int, int]]:
        """`shelter Ventimiglia`: a name without a preposition, at the end or (of two words) the start."""
        if not tokens or len(tokens) > _SHORT_MESSAGE or (len(tokens) > 3 and tokens[-2].capital):
            return []
        for token in tokens[-1:] if len(tokens) > 2 else (tokens[-1], tokens[0]):
            if token.capital and len(token.folded) >= 4 and self._known.may_name(token):
                return [(token.start, token.end)]
        return []

    def _misspelt(self, tokens: list[Token], language: str, shown: str, enough: float = 0.0) -> list[tuple[int, int]]:
        """The words that are most like the name of a place, among those that no sentence of ours uses."""
        best, found = enough, list[tuple[int, int]]()
        before = BEFORE_PLACE.get(language, BEFORE_PLACE["en"])
        for at, token in enumerate(tokens):
            if asks_where(tokens, at):
                continue
            stem = TURKISH_UNMARKED.sub("", token.folded)
            if stem != token.folded and self._known.is_well_known(stem) and not self._known.is_word(token.folded):
                return [(token.start, token.start + len(stem))]
            where = at > 0 and tokens[at - 1].folded in before
            for size in (1, 2, 3, 4):
                if not stand_together(tokens, at, size):
                    continue
                if size == 1 and is_surely_a_word(tokens, at, language):
                    continue
                for first in _without_what_is_written_on(token):
                    together = [first, *tokens[at + 1 : at + size]]
                    alike = self._known.like(together, expected=where or first is not token)
                    outside = stands_apart(first.start, tokens[at + size - 1].end, shown)
                    if not alike and size == 1 and (where or outside) and self._known.is_seldom(first):
                        alike = _SELDOM
                    if not alike:
                        continue
                    alike += _LAST * outside + _EXPECTED * where
                    if alike > best:
                        best, found = alike, [(first.start, tokens[at + size - 1].end)]
        return found


def _without_what_is_written_on(token: Token) -> list[Token]:
    """The word, and where Arabic may have written a preposition onto it, the word without: باسطمبول. An article of
    Arabic in Latin letters stands apart: lmiriya."""
    if has_prefix(token.folded):
        return [token, Token(token.folded[1:], token.start + 1, token.end, token.capital)]
    apart = spelling.with_article(token.folded)
    return [token] if apart == token.folded else [token, Token(apart, token.start, token.end, token.capital)]
