"""The safety screen: is somebody in danger, of what, and how soon must a human answer.

Two readers that fail differently. Word lists (`dialogues/safety/*.yml`) are reviewed by people and never miss what
they know; the meaning head hears what is only implied. Either may raise the alarm. Words about games, homework,
films or the past do not silence the alarm: they only make the meaning head decide.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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

#: With a word-list hit that the context makes doubtful, the head must agree this much (of its own threshold).
_DOUBTFUL = 0.9
#: A weak word, or a conversation in which somebody was in danger, lowers what the head must say.
_WEAK, _CAUTIOUS = 0.45, 0.5
#: Below this the head is sure that a plain word-list hit is harmless.
_CERTAINLY_HARMLESS = 0.02
_GAP = 3
_ARABIC_LETTER = re.compile(r"[\u0620-\u064a]")
_STEP = re.compile(r"\(([^)]*)\)|(\S+)")
_ONLY_DOTS = re.compile(r"^[\s.·…]*$")


class PatternWrong(ValueError):
    """A line of a word list that cannot be read."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What the heads make of a message: the chance of danger, the likeliest codes, the chance that it is P0."""

    danger: float
    codes: tuple[tuple[str, float], ...]
    urgent: float


NO_MEANING = Meaning(0.0, (), 0.0)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Words in order. `kill*` any ending, `(a|b)` one of, `..` up to three words between, `=` the whole message."""

    steps: tuple[tuple[frozenset[str], tuple[str, ...]] | None, ...]
    whole: bool

    @classmethod
    def parse(cls, line: str) -> Pattern:
        whole = line.startswith("=")
        steps: list[tuple[frozenset[str], tuple[str, ...]] | None] = []
        for found in _STEP.finditer(line.removeprefix("=")):
            if found.group() == "..":
                steps.append(None)
                continue
            choices = (found[1] if found[1] is not None else found[2]).split("|")
            steps.append(
                (
                    frozenset(choice for choice in choices if not choice.endswith("*")),
                    tuple(choice[:-1] for choice in choices if choice.endswith("*")),
                )
            )
        if not steps or steps[0] is None or steps[-1] is None:
            raise PatternWrong(f"{line!r} must begin and end with a word")
        return cls(tuple(steps), whole)

    def first(self) -> Iterator[str]:
        """Keys under which the pattern is found: whole words, and beginnings with a star."""
        step = self.steps[0]
        assert step is not None
        yield from step[0]
        yield from (f"{prefix[:3]}*" for prefix in step[1])

    def ends(self, tokens: Sequence[frozenset[str]], start: int) -> int | None:
        """Where the pattern ends if it begins at `start`."""
        end = self._match(tokens, start, 0)
        if self.whole and (start != 0 or end != len(tokens)):
            return None
        return end

    def _match(self, tokens: Sequence[frozenset[str]], at: int, which: int) -> int | None:
        if which == len(self.steps):
            return at
        step = self.steps[which]
        if step is None:
            return next(
                (end for skip in range(_GAP + 1) if (end := self._match(tokens, at + skip, which + 1)) is not None),
                None,
            )
        if at >= len(tokens) or not _fits(tokens[at], step):
            return None
        return self._match(tokens, at + 1, which + 1)


def _fits(forms: frozenset[str], step: tuple[frozenset[str], tuple[str, ...]]) -> bool:
    exact, prefixes = step
    return bool(forms & exact) or bool(prefixes and any(form.startswith(prefixes) for form in forms))


class PatternIndex:
    """Many patterns, looked up by the first word."""

    def __init__(self, patterns: Iterable[tuple[Pattern, Any]]) -> None:
        self._by_first: dict[str, list[tuple[Pattern, Any]]] = defaultdict(list)
        for pattern, meaning in patterns:
            for key in pattern.first():
                self._by_first[key].append((pattern, meaning))
        self._by_first.default_factory = None

    def find(self, tokens: Sequence[frozenset[str]]) -> Iterator[tuple[int, int, Any]]:
        """(first word, word after the last, meaning) of every match."""
        for at, forms in enumerate(tokens):
            for form in forms:
                for key in (form, f"{form[:3]}*"):
                    for pattern, meaning in self._by_first.get(key, ()):
                        end = pattern.ends(tokens, at)
                        if end is not None:
                            yield at, end, meaning


@dataclass(frozen=True, slots=True)
class _Hit:
    code: str
    priority: Priority
    weak: bool
    doubtful: bool


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
        self._lexicon = PatternIndex((Pattern.parse(line), (code, level)) for code, level, line in lexicon)
        self._context = PatternIndex((Pattern.parse(line), kind) for kind, lines in context.items() for line in lines)

    @classmethod
    def from_json(cls, value: Mapping[str, Any], *, threshold: float, urgent: float) -> Screen:
        lexicon = [(code, level, line) for code, level, line in value["lexicon"]]
        return cls(lexicon, value["context"], threshold=threshold, urgent=urgent)

    def by_words(self, folded: str) -> Risk | None:
        """The word lists alone. Doubtful and weak words do not count here: a human would be asked too often."""
        if _ONLY_DOTS.match(folded):
            return Risk("immediate_danger", Priority.P1, 0.5, "silence")
        hits = [hit for hit in self._hits(folded) if not hit.weak and not hit.doubtful]
        return _gravest(hits, 0.9) if hits else None

    def read(
        self,
        folded: str,
        meaning: Meaning,
        *,
        cautious: bool = False,
        known_risk: tuple[str, str] | None = None,
        harmless: bool = False,
    ) -> Risk | None:
        """The risk in a message, or None. `known_risk` or `harmless`: reviewed examples say so of exactly these words."""
        if _ONLY_DOTS.match(folded):
            return Risk("immediate_danger", Priority.P1, 0.5, "silence")
        if known_risk:
            return Risk(known_risk[0], Priority(known_risk[1]), 0.99, "words")
        if harmless:
            return None
        hits = self._hits(folded)
        plain = [hit for hit in hits if not hit.weak and not hit.doubtful]
        doubtful = [hit for hit in hits if not hit.weak and hit.doubtful]
        threshold = self._threshold * (_CAUTIOUS if cautious else 1.0)
        if plain and (cautious or meaning.danger >= _CERTAINLY_HARMLESS):
            return self._weigh(_gravest(plain, max(0.9, meaning.danger)), meaning)
        needed = threshold
        if doubtful:
            needed *= _DOUBTFUL
        elif hits:
            needed *= _WEAK
        if meaning.danger < needed or not meaning.codes:
            return None
        heard = self._by_meaning(meaning)
        if not hits:
            return heard
        worded = _gravest(hits, meaning.danger)
        return self._weigh(worded, meaning) if meaning.codes[0][1] < 0.5 * meaning.danger else heard

    def _by_meaning(self, meaning: Meaning) -> Risk:
        code = meaning.codes[0][0]
        priority = Priority.P0 if code in ALWAYS_P0 or meaning.urgent >= self._urgent else Priority.P1
        return Risk(code, priority, meaning.danger, "meaning")

    def _weigh(self, worded: Risk, meaning: Meaning) -> Risk:
        """A word says that there is danger; the head may know better which, and that it is sooner."""
        code, chance = meaning.codes[0] if meaning.codes else (worded.reason, 0.0)
        reason = code if chance >= 0.55 and code != worded.reason else worded.reason
        soon = meaning.danger >= self._threshold and (
            meaning.urgent >= self._urgent or (chance >= 0.4 and code in ALWAYS_P0)
        )
        priority = Priority.P0 if soon and worded.priority is not Priority.P0 else worded.priority
        return Risk(reason, priority, worded.confidence, worded.source)

    def _hits(self, folded: str) -> list[_Hit]:
        tokens = [_forms(word) for word in words(folded)]
        found = list(self._lexicon.find(tokens))
        if not found:
            return []
        context = list(self._context.find(tokens))
        harmless = any(kind == "harmless" for _, _, kind in context)
        general = any(kind == "general" for _, _, kind in context)
        negated = {end for _, end, kind in context if kind == "negation"}
        hits = []
        for start, _end, (code, level) in found:
            doubtful = harmless or general or any(start - 3 < at <= start for at in negated)
            weak = level == "weak"
            hits.append(_Hit(code, Priority.P1 if weak else Priority(level), weak, doubtful))
        return hits


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
