"""How well messages are understood, on development sets that are never learnt from.

`python -m tests.unit.understanding.figures` prints the figures of both sets, whole and by language, and what is taken
for what; with `-v` every mistake.
"""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from dialogues.understanding import learnt_folder
from dialogues.understanding.decision import decide
from dialogues.understanding.fold import fold
from dialogues.understanding.model import Priority, Reading
from dialogues.understanding.reading import Understanding
from dialogues.understanding.towns import shipped_places
from directory.countries import country_in_english
from directory.places import Places

DEVELOPMENT = Path(__file__).parent / "development"
#: Written beside the training data, and looked at while the method was made: it flatters.
EARLIER = ("crises", "procedures", "needs", "talk", "harmless")
#: Written by situation, in several hands. Its mistakes were looked at once, and families like them then learnt.
SITUATIONS = "situations"
#: The same, later; then more was learnt, and families like its mistakes with it.
FRESH = "fresh"
#: The same, written when the training sentences were frozen.
LAST = "last"
#: Written without a look at the training sentences, and only ever measured: the figures to believe.
BLIND = "blind"
#: The same in ten voices, a round later. Measured once before its mistakes were read.
VOICES = "voices"
#: Written to be unlike the rest, when that round's sentences were drafted and before they were learnt.
STRANGERS = "strangers"
#: By four authors who saw no sentence of ours, from briefs that no author of a sentence to learn had seen. No mistake
#: of the last two was ever read.
OUTSIDE = ("coordinator", "interpreter", "nurse", "teacher")
#: What two outside authors wrote to be learnt. Learnt, it hid a threat, so it is kept back and judges instead.
KEPT_BACK = "kept_back"


@dataclass(frozen=True)
class Sentence:
    """A message and what it means. `kind`: crisis, harmless (sounds dangerous), procedure, need, place (a need with a
    place, by its English name) or talk.

    The label of small talk is an intent, or "smalltalk" where any of them is as right.
    """

    kind: str
    label: str
    language: str
    text: str
    priority: str = ""
    oblique: bool = False
    place: str = ""
    writer: str = ""  # "child" or "worker", where the author says it


def earlier() -> list[Sentence]:
    found = [
        Sentence("crisis", code, language, text, priority, kind == "oblique")
        for code, priority, kind, language, text in _rows("crises")
    ]
    found += [Sentence("harmless", "", language, text) for language, text in _rows("harmless")]
    found += [Sentence("procedure", key, language, text) for key, language, text in _rows("procedures")]
    found += [
        Sentence("need", need, language, text, place="".join(place)) for need, language, text, *place in _rows("needs")
    ]
    return found + [Sentence("talk", intent, language, text) for intent, language, text in _rows("talk")]


def situations(name: str = SITUATIONS) -> list[Sentence]:
    found = []
    for kind, label, detail, language, author, text in _rows(name):
        label, detail = label.strip("-"), detail.strip("-")
        if kind == "crisis":
            priority, how = detail.split()
            found.append(Sentence(kind, label, language, text, priority, how == "oblique"))
        elif kind == "harmless":
            found.append(Sentence(kind, label.removeprefix("procedure/"), language, text))
        else:
            writer = author if author in ("child", "worker") else ""
            found.append(Sentence(kind, label, language, text, place=detail, writer=writer))
    return found


def judged() -> list[Sentence]:
    """Every development sentence."""
    return [
        *earlier(),
        *situations(),
        *situations(FRESH),
        *situations(LAST),
        *situations(BLIND),
        *situations(VOICES),
        *situations(STRANGERS),
        *situations(KEPT_BACK),
        *outside(),
    ]


def outside() -> list[Sentence]:
    """What the outside authors wrote."""
    return [sentence for name in OUTSIDE for sentence in situations(name)]


def _rows(name: str) -> list[list[str]]:
    lines = (DEVELOPMENT / f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def development_sentences() -> list[str]:
    return [sentence.text for sentence in judged()]


class Count:
    """How many of all, with the messages that should have been otherwise."""

    def __init__(self, counted: int = 0, of: int = 0) -> None:
        self.counted, self.all, self.wrong = counted, of, list[str]()

    def right(self, right: bool, message: str) -> None:
        self._count(right, wrong=not right, message=message)

    def alarm(self, alarm: bool, message: str) -> None:
        self._count(alarm, wrong=alarm, message=message)

    def _count(self, counted: bool, wrong: bool, message: str) -> None:
        self.all += 1
        self.counted += counted
        if wrong:
            self.wrong.append(message)

    @property
    def share(self) -> float:
        return round(self.counted / self.all, 3) if self.all else 0.0


def figures(understanding: Understanding, sentences: Iterable[Sentence] | None = None) -> dict[str, Count]:
    """Every figure by its name; of `sentences`, or of the earlier set."""
    counts: dict[str, Count] = defaultdict(Count)
    for sentence in earlier() if sentences is None else sentences:
        _FIGURES[sentence.kind](counts, understanding.read(sentence.text), sentence)
        if sentence.kind != "need" and sentence.language in ("en", "fr", "es", "ar"):
            language = understanding.read(sentence.text).language
            counts["language"].right(language == sentence.language, f"{sentence.text} -> {language}")
    return counts


def _crisis(counts: dict[str, Count], reading: Reading, sentence: Sentence) -> None:
    heard = reading.risk is not None
    told = f"{sentence.label} {sentence.priority}: {sentence.text} -> {reading.risk or reading.ranking[0]}"
    counts["crisis recall"].right(heard, told)
    counts[f"crisis recall, {'oblique' if sentence.oblique else 'plain'}"].right(heard, told)
    if reading.risk is not None:
        counts["code of a crisis heard"].right(reading.risk.reason == sentence.label, told)
    if sentence.priority == "P0":
        counts["P0 recall"].right(heard, told)
        counts["P0 as P0"].right(reading.risk is not None and reading.risk.priority is Priority.P0, told)
    elif reading.risk is not None:
        counts["P1 raised to P0"].alarm(reading.risk.priority is Priority.P0, told)


def _harmless(counts: dict[str, Count], reading: Reading, sentence: Sentence) -> None:
    name = "false alarms on tricky negatives"
    counts[name].alarm(reading.risk is not None, f"{sentence.text} -> {reading.risk}")
    if sentence.label:
        _procedure_ranked(counts, reading, sentence)


def _procedure(counts: dict[str, Count], reading: Reading, sentence: Sentence) -> None:
    _procedure_ranked(counts, reading, sentence)
    _writer(counts, reading, sentence)
    decision = decide(reading)
    told = [key for key in (decision["key"], *decision["alternatives"]) if key]
    counts["procedure among three told"].right(
        sentence.label in told[:3],
        f"{sentence.label}: {sentence.text} -> {decision}",
    )
    counts["procedure decided"].right(
        any(entity.value == sentence.label for entity in reading.entities if entity.name == "procedure"),
        f"{sentence.label}: {sentence.text} -> {reading.ranking[:2]}",
    )
    counts["false alarms elsewhere"].alarm(reading.risk is not None, f"{sentence.text} -> {reading.risk}")


def _writer(counts: dict[str, Count], reading: Reading, sentence: Sentence) -> None:
    """By the way of writing alone: what somebody says of their age is heard elsewhere."""
    child = any(entity.name == "writer" for entity in reading.entities)
    if sentence.writer == "child":
        counts["children known"].right(child, sentence.text)
    elif sentence.writer == "worker":
        counts["workers taken for a child"].alarm(child, sentence.text)


def _procedure_ranked(counts: dict[str, Count], reading: Reading, sentence: Sentence) -> None:
    labels = [label for label, _ in reading.ranking]
    told = f"{sentence.label}: {sentence.text} -> {labels[:3]}"
    counts["procedure top-1"].right(labels[0] == f"procedure/{sentence.label}", told)
    counts["procedure top-3"].right(f"procedure/{sentence.label}" in labels[:3], told)


def _need(counts: dict[str, Count], reading: Reading, sentence: Sentence) -> None:
    label = reading.ranking[0][0]
    said = [entity.value for entity in reading.entities if entity.name == "place"]
    told = f"{sentence.label}: {sentence.text} -> {label}"
    counts["need"].right(label == f"search_service/{sentence.label}", told)
    counts["place"].right(said == ([sentence.place] if sentence.place else []), f"{sentence.text} -> {said}")
    counts["false alarms elsewhere"].alarm(reading.risk is not None, f"{sentence.text} -> {reading.risk}")


def _place(counts: dict[str, Count], reading: Reading, sentence: Sentence) -> None:
    """`sentence.place`: the English name that GeoNames has, with or without its accents, whatever was written."""
    found = decide(reading, _english_name)["place"]
    counts["place resolved"].right(
        fold(found or "") == fold(sentence.place), f"{sentence.place}: {sentence.text} -> {found}"
    )
    counts["need"].right(
        reading.ranking[0][0] == f"search_service/{sentence.label}", f"{sentence.label}: {sentence.text}"
    )
    counts["false alarms elsewhere"].alarm(reading.risk is not None, f"{sentence.text} -> {reading.risk}")


@cache
def _places() -> Places:
    return Places(shipped_places())


def _english_name(words: str) -> str | None:
    found = _places().resolve(words)
    return found[0].name if found else country_in_english(words)


def _talk(counts: dict[str, Count], reading: Reading, sentence: Sentence) -> None:
    found = "out_of_scope" if reading.intent == "nlu_fallback" else reading.intent
    name = "out of scope" if sentence.label == "out_of_scope" else "small talk"
    right = decide(reading)["type"] == "smalltalk" if sentence.label == "smalltalk" else found == sentence.label
    counts[name].right(right, f"{sentence.label}: {sentence.text} -> {reading.intent}")
    counts["false alarms elsewhere"].alarm(reading.risk is not None, f"{sentence.text} -> {reading.risk}")


_FIGURES = {
    "crisis": _crisis,
    "harmless": _harmless,
    "procedure": _procedure,
    "need": _need,
    "place": _place,
    "talk": _talk,
}


def _confusion(understanding: Understanding, sentences: Iterable[Sentence]) -> Counter[tuple[str, str]]:
    """What is taken for what."""
    found: Counter[tuple[str, str]] = Counter()
    for sentence in sentences:
        reading = understanding.read(sentence.text)
        first = reading.ranking[0][0].partition("/")[2] or reading.ranking[0][0]
        risk = reading.risk.reason if reading.risk else ""
        truth = sentence.label or "harmless"
        guess = (risk or "no crisis") if sentence.kind == "crisis" or risk else first
        if guess != truth and not (sentence.kind == "harmless" and not sentence.label and not risk):
            found[truth, guess] += 1
    return found


def main() -> None:
    root = Path(__file__).parents[3]
    understanding = Understanding.load(root / "dialogues", learnt_folder(root / "var" / "understanding"))
    for name, sentences in (
        ("earlier", earlier()),
        (SITUATIONS, situations()),
        (FRESH, situations(FRESH)),
        (LAST, situations(LAST)),
        (BLIND, situations(BLIND)),
        (VOICES, situations(VOICES)),
        (STRANGERS, situations(STRANGERS)),
        (KEPT_BACK, situations(KEPT_BACK)),
        *((name, situations(name)) for name in OUTSIDE),
    ):
        for figure, count in sorted(figures(understanding, sentences).items()):
            print(json.dumps({"set": name, "figure": figure, "value": count.share, "of": count.all}))
            if "-v" in sys.argv:
                print("\n".join(f"    {wrong}" for wrong in count.wrong[:200]))
        for language in sorted({sentence.language for sentence in sentences}):
            of_language = figures(understanding, [s for s in sentences if s.language == language])
            shares = {figure: [count.share, count.all] for figure, count in sorted(of_language.items())}
            print(json.dumps({"set": name, "written in": language, **shares}))
        for (truth, taken_for), times in _confusion(understanding, sentences).most_common():
            print(json.dumps({"set": name, "is": truth, "taken for": taken_for, "times": times}))


if __name__ == "__main__":
    main()
