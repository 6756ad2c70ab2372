"""The safety screen: is somebody in danger, of what, and how soon must a human answer.

Two readers that fail differently. Word lists (`dialogues/safety/*.yml`) are reviewed by people and never miss what
they know; the meaning head hears what is only implied. Either may raise the alarm. Words about games, homework,
films or the past do not silence the alarm: they only make the meaning head decide.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from dialogues.understanding.fold import words
from dialogues.understanding.model import Priority, Risk

#: The 21 crisis codes, the gravest first: of two that match as well, the first is told.
CRISES = (
    "immediate_danger",
    "medical_emergency",
    "suicide_self_harm",
    "kidnap_ransom",
    "baby_abandoned",
    "sexual_abuse",
    "trafficking",
    "missing_child",
    "physical_abuse",
    "threats",
    "armed_recruitment",
    "fgm_harmful",
    "child_marriage",
    "online_sexual",
    "removal_imminent",
    "hate_violence",
    "staff_misconduct",
    "non_parent_adult",
    "detention",
    "labour_exploitation",
    "homeless_tonight",
)
#: Codes that are always answered at once.
ALWAYS_P0 = frozenset({"immediate_danger", "medical_emergency", "kidnap_ransom", "baby_abandoned"})

#: Codes that the taxonomy never answers at once, whatever is said of now: what endangers life has a code of its own.
NEVER_P0 = frozenset({"labour_exploitation"})

#: What is not answered at once is P1, save what has a later answer in the taxonomy.
_OTHERWISE = {"hate_violence": Priority.P2}
#: Words of today, tonight, at the door, in an hour: what they add to the chance that it is P0.
_SOON = 0.1

#: What the head must say where the words around speak of a game, a lesson, a thing found again, or say no.
_DOUBTFUL = 0.25
#: How much more it must say where the message plainly asks for a procedure or a service, thanks or greets: by the
#: square of how surely, so that who only seems to ask is heard like anybody.
_ASKS = 0.5
#: Whoever's life may be at risk at once is heard over a question more easily, and so is what sounds like now, whatever
#: it is; what is both, by both.
_ASKS_FOR_LIFE, _ASKS_AT_ONCE = 0.7, 0.7
#: A weak word, or a conversation in which somebody was in danger, lowers what the head must say.
_WEAK, _CAUTIOUS = 0.8, 0.5
#: What a word of its list adds to a code's chance when the head and the words differ about which danger it is.
_WORDED, _FAINTLY_WORDED = 0.4, 0.1
#: A younger child lost, or out at night, is answered at once.
_TOO_YOUNG = {"missing_child": 13, "homeless_tonight": 14}
#: Below this the head is sure that a plain word-list hit, unless it says P0 or is all of the message, is harmless.
_CERTAINLY_HARMLESS = 0.02
_GAP = 3
_ARABIC_LETTER = re.compile(r"[\u0620-\u064a]")
_STEP = re.compile(r"\(([^)]*)\)(\?)?|(\S+)")
#: No word, or one letter that is no answer (yes, no, ok, oui, sí), or nothing but a spot on the map: whoever writes so
#: may be unable to write more.
_WORDLESS = re.compile(
    r"^[\s.·…!]*(?:(?![ynkos])[^\W\d_][\s.·…!]*|[(\s]*-?\d{1,2}[.,]\d{3,}°?[,;\s]+-?\d{1,3}[.,]\d{3,}°?[)\s]*)?$"
)


class PatternWrong(ValueError):
    """A line of a word list that cannot be read."""


class Meaning(Struct, frozen=True):
    """What the heads make of a message: the chance of danger, the likeliest codes, the chance that it is P0."""

    danger: float
    codes: tuple[tuple[str, float], ...]
    urgent: float


NO_MEANING = Meaning(0.0, (), 0.0)


Step = tuple[frozenset[str], tuple[str, ...]]


class Pattern(Struct, frozen=True):
    """Words in order, from a line of a word list.

    `kill*` any ending, `(a|b c)` one of, `(a)?` may be missing, `..` up to three words between, `=` at the start of the
    line: the whole message.
    """

    steps: tuple[Step | None, ...]
    whole: bool

    @classmethod
    def parse(cls, line: str) -> list[Pattern]:
        """The patterns a line stands for: one, unless a choice holds several words or may be missing."""
        choices: list[list[tuple[Step | None, ...]]] = []
        for found in _STEP.finditer(line.removeprefix("=")):
            if found.group() == "..":
                choices.append([(None,)])
                continue
            group, optional, word = found.groups()
            alternatives = (group if group is not None else word).split("|")
            single = [choice for choice in alternatives if " " not in choice]
            ways: list[tuple[Step | None, ...]] = [(_step(single),)] if single else []
            ways += [tuple(_step([word]) for word in choice.split()) for choice in alternatives if " " in choice]
            choices.append([*ways, ()] if optional else ways)
        patterns = [
            cls(tuple(step for way in ways for step in way), line.startswith("=")) for ways in product(*choices)
        ]
        if any(not pattern.steps or pattern.steps[0] is None or pattern.steps[-1] is None for pattern in patterns):
            raise PatternWrong(f"{line!r} must begin and end with a word")
        return patterns

    def first(self) -> Iterator[str]:
        """Keys under which the pattern is found: whole words, and beginnings with a star."""
        step = self.steps[0]
        assert step is not None
        yield from step[0]
        yield from (f"{prefix[:3]}*" for prefix in step[1])

    def ends(self, tokens: Sequence[frozenset[str]], start: int, noes: frozenset[int] = frozenset()) -> int | None:
        """Where the pattern ends if it begins at `start`. A gap does not reach over a "no" (their places: `noes`)."""
        end = self._match(tokens, start, 0, noes)
        if self.whole and (start != 0 or end != len(tokens)):
            return None
        return end

    def _match(self, tokens: Sequence[frozenset[str]], at: int, which: int, noes: frozenset[int]) -> int | None:
        if which == len(self.steps):
            return at
        step = self.steps[which]
        if step is None:
            for skip in range(_GAP + 1):
                end = self._match(tokens, at + skip, which + 1, noes)
                if end is not None or at + skip in noes:
                    return end
            return None
        if at >= len(tokens) or not _fits(tokens[at], step):
            return None
        return self._match(tokens, at + 1, which + 1, noes)


def _step(choices: Sequence[str]) -> Step:
    exact = frozenset(choice for choice in choices if not choice.endswith("*"))
    return exact, tuple(choice[:-1] for choice in choices if choice.endswith("*"))


def _fits(forms: frozenset[str], step: Step) -> bool:
    exact, prefixes = step
    return bool(forms & exact) or bool(prefixes and any(form.startswith(prefixes) for form in forms))


class PatternIndex:
    """Many patterns, looked up by the first word."""

    def __init__(self, lines: Iterable[tuple[str, Any]]) -> None:
        self._by_first: dict[str, list[tuple[Pattern, Any]]] = defaultdict(list)
        for line, meaning in lines:
            for pattern in Pattern.parse(line):
                for key in pattern.first():
                    self._by_first[key].append((pattern, meaning))
        self._by_first.default_factory = None

    def find(
        self, tokens: Sequence[frozenset[str]], noes: frozenset[int] = frozenset()
    ) -> Iterator[tuple[int, int, Any]]:
        """(first word, word after the last, meaning) of every match."""
        for at, forms in enumerate(tokens):
            for form in forms:
                for key in (form, f"{form[:3]}*"):
                    for pattern, meaning in self._by_first.get(key, ()):
                        end = pattern.ends(tokens, at, noes)
                        if end is not None:
                            yield at, end, meaning


class _Hit(Struct, frozen=True):
    code: str
    priority: Priority
    weak: bool
    doubtful: bool
    sure: bool  # needs no second opinion


class _Seen(Struct, frozen=True):
    """What the word lists find: danger words, and whether the words around them speak of something else."""

    hits: tuple[_Hit, ...]
    harmless: bool
    soon: bool


_SILENCE = Risk("immediate_danger", Priority.P1, 0.5, "silence")


class Screen:
    """Word lists and meaning, weighed. Made from what training compiled out of `dialogues/safety`."""

    def __init__(
        self,
        lexicon: Iterable[tuple[str, str, str]],
        context: Mapping[str, Iterable[str]],
        *,
        threshold: float,
        urgent: float,
    ) -> None:
        """`lexicon`: (code, "P0" | "P1" | "P2" | "weak", pattern). `context`: patterns by kind."""
        self._threshold = threshold
        self._urgent = urgent
        self._lexicon = PatternIndex((line, (code, level, line.startswith("="))) for code, level, line in lexicon)
        self._context = PatternIndex((line, kind) for kind, lines in context.items() for line in lines)

    @classmethod
    def from_json(cls, value: Mapping[str, Any], *, threshold: float, urgent: float) -> Screen:
        lexicon = [(code, level, line) for code, level, line in value["lexicon"]]
        return cls(lexicon, value["context"], threshold=threshold, urgent=urgent)

    def by_words(self, folded: str) -> Risk | None:
        """The word lists alone. Doubtful and weak words do not count here: a human would be asked too often."""
        if _WORDLESS.match(folded):
            return _SILENCE
        plain = [hit for hit in self._look(folded).hits if not hit.weak and not hit.doubtful]
        return _gravest(plain, 0.9) if plain else None

    def read(
        self, folded: str, meaning: Meaning, *, asks: float = 0.0, answers: bool = False, cautious: bool = False
    ) -> Risk | None:
        """The risk in a message, or None. `asks`: how surely it asks for something we have. `answers`: it rather tells
        who somebody is; that a child's age and looks sound like now says nothing."""
        if _WORDLESS.match(folded):
            return _SILENCE
        seen = self._look(folded)
        plain = [hit for hit in seen.hits if not hit.weak and not hit.doubtful]
        worst = _gravest(plain, max(0.9, meaning.danger)) if plain else None
        if worst and (any(hit.sure for hit in plain) or cautious or meaning.danger >= _CERTAINLY_HARMLESS):
            return self._weigh(worst, seen, meaning)
        needed = self._threshold + self._raised_by(asks, meaning, answers)
        if seen.harmless:
            needed = max(needed, _DOUBTFUL)
        elif seen.hits:
            needed *= _WEAK
        if cautious:
            needed *= _CAUTIOUS
        if meaning.danger < needed or not meaning.codes:
            return None
        code = _likeliest(seen.hits, meaning) or meaning.codes[0][0]
        # "can you help me" and no more is P1, and we ask
        likely = {code, meaning.codes[0][0]} & (ALWAYS_P0 - {"immediate_danger"})
        soon = bool(likely) or (code not in NEVER_P0 and self._is_urgent(seen, meaning))
        priority = Priority.P0 if soon else _OTHERWISE.get(code, Priority.P1)
        return Risk(code, priority, meaning.danger, "meaning")

    def _raised_by(self, asks: float, meaning: Meaning, answers: bool) -> float:
        """How much more danger it takes where somebody asks for something we have."""
        life = bool(meaning.codes) and meaning.codes[0][0] in ALWAYS_P0
        at_once = meaning.urgent >= self._urgent and not answers
        return _ASKS * asks**2 * (_ASKS_FOR_LIFE if life else 1.0) * (_ASKS_AT_ONCE if at_once else 1.0)

    def _is_urgent(self, seen: _Seen, meaning: Meaning) -> bool:
        return meaning.urgent + _SOON * seen.soon >= self._urgent

    def _weigh(self, worded: Risk, seen: _Seen, meaning: Meaning) -> Risk:
        """Words say that there is danger; the head helps to say which, and may say that it is sooner."""
        code, chance = meaning.codes[0] if meaning.codes else (worded.reason, 0.0)
        named = _likeliest(seen.hits, meaning) or worded.reason
        urgent = named not in NEVER_P0 and self._is_urgent(seen, meaning)
        soon = meaning.danger >= self._threshold and (
            urgent or (chance >= 0.4 and code in ALWAYS_P0 - {"immediate_danger"})
        )
        return Risk(named, Priority.P0 if soon else worded.priority, worded.confidence, worded.source)

    def _look(self, folded: str) -> _Seen:
        tokens = [_forms(word) for word in words(folded)]
        context = list(self._context.find(tokens))
        harmless = any(kind == "harmless" for _, _, kind in context)
        general = any(kind == "general" for _, _, kind in context)
        noes = frozenset(start for start, _, kind in context if kind == "negation")
        hits = []
        for start, _end, (code, level, whole) in self._lexicon.find(tokens, noes):
            doubtful = harmless or general or any(start - 3 < at < start for at in noes)
            weak = level == "weak"
            priority = Priority.P1 if weak else Priority(level)
            hits.append(_Hit(code, priority, weak, doubtful, sure=whole or priority is Priority.P0))
        denied = any(kind == "nobody" for _, _, kind in context)
        soon = any(kind == "soon" for _, _, kind in context)
        return _Seen(tuple(hits), harmless or denied, soon)


def raised_for_age(risk: Risk, age: int | None) -> Risk:
    """The risk, at once where the child spoken of is too young to wait."""
    young = age is not None and age < _TOO_YOUNG.get(risk.reason, 0)
    return replace(risk, priority=Priority.P0) if young else risk


def _likeliest(hits: Sequence[_Hit], meaning: Meaning) -> str | None:
    """The code that head and words together make likeliest, the gravest of equals; None where the head says nothing."""
    if not meaning.codes or meaning.danger <= 0:
        return None
    chances = {code: chance / meaning.danger for code, chance in meaning.codes}
    for code, faint in sorted({(hit.code, hit.weak or hit.doubtful) for hit in hits}):
        chances[code] = chances.get(code, 0.0) + (_FAINTLY_WORDED if faint else _WORDED)
    return max(chances, key=lambda code: (chances[code], -CRISES.index(code)))


def _gravest(hits: Sequence[_Hit], confidence: float) -> Risk:
    worst = min(hits, key=lambda hit: (hit.weak, hit.priority, CRISES.index(hit.code)))
    return Risk(worst.code, worst.priority, confidence, "words")


def _forms(word: str) -> frozenset[str]:
    """A word, and for Arabic the word without its prefixes (`والسكين` is also `سكين`)."""
    if not _ARABIC_LETTER.search(word):
        return frozenset((word,))
    forms = {word}
    for prefix in ("و", "ف", "ب", "ل", "ك", "ال", "وال", "بال", "فال", "لل", "كال", "وب", "ول"):
        if word.startswith(prefix) and len(word) - len(prefix) >= 2:
            forms.add(word[len(prefix) :])
    return frozenset(forms)
