"""Reads messages for any Rasa project: the pipeline of its `config.yml`, learnt from its own examples.

Keywords, regexes, lookups, synonyms and thresholds work as in Rasa. Where Rasa would train a neural classifier we learn
a small one of ours, and an example that was written is always recognised.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Protocol

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from dialogues.runtime.annotations import Annotation
from dialogues.runtime.domain import Domain
from dialogues.runtime.files import Block, Problem, ProjectWrong, meant
from dialogues.runtime.model import Entity, UserMessage
from dialogues.runtime.tracker import Tracker
from dialogues.server.training_data import Example, TrainingData
from dialogues.understanding.embedder import CharNgrams, Embedder, Matrix
from dialogues.understanding.fold import clean, fold

NOT_UNDERSTOOD = "nlu_fallback"
#: What a pipeline is made of where `config.yml` names none, as `rasa init` does.
DEFAULT_PIPELINE: tuple[Mapping[str, Any], ...] = (
    {"name": "DIETClassifier"},
    {"name": "EntitySynonymMapper"},
    {"name": "ResponseSelector"},
    {"name": "FallbackClassifier", "threshold": 0.3, "ambiguity_threshold": 0.1},
)
#: So many characters of a message are compared with the examples: an embedder needs seconds for a whole book.
MOST_COMPARED = 2_000
_LEARNT = {"DIETClassifier", "LogisticRegressionClassifier", "SklearnIntentClassifier", "MitieIntentClassifier"}
_ENTITIES_LEARNT = {"DIETClassifier", "CRFEntityExtractor", "MitieEntityExtractor"}
_READ = {"KeywordIntentClassifier", "RegexEntityExtractor", "EntitySynonymMapper", "FallbackClassifier"}
_PLAYED = _READ | {"ResponseSelector"} | _LEARNT | _ENTITIES_LEARNT


class Parse(Struct):
    """What is known of a message while it goes through the pipeline."""

    text: str
    intent: str | None = None
    confidence: float = 0.0
    ranking: list[tuple[str, float]] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)
    selector: dict[str, Any] = field(default_factory=dict)


class Component(Protocol):
    """One piece of the pipeline."""

    def read(self, parse: Parse) -> None: ...


class Keywords:
    """The first example whose words occur in the message, in the order they were written. Not escaped, as in Rasa."""

    def __init__(self, data: TrainingData, settings: Mapping[str, Any]) -> None:
        flags = 0 if settings.get("case_sensitive", True) else re.IGNORECASE
        known: dict[str, str] = {}
        twice: set[str] = set()
        for example in data.examples:
            if known.setdefault(example.text, example.intent) != example.intent:
                twice.add(example.text)
        patterns = {word: _compiled(rf"\b{word}\b", word, flags) for word in known if word not in twice}
        inside_another = {
            word
            for word, pattern in patterns.items()
            if any(known[word] != known[other] and pattern.search(other) for other in patterns)
        }
        self._patterns = [(p, known[word]) for word, p in patterns.items() if word not in inside_another]

    def read(self, parse: Parse) -> None:
        intent = next((intent for pattern, intent in self._patterns if pattern.search(parse.text)), None)
        if parse.intent is None or intent is not None:
            parse.intent, parse.confidence = intent, float(intent is not None)


def _compiled(pattern: str, word: str, flags: int) -> re.Pattern[str]:
    try:
        return re.compile(pattern, flags)
    except re.error:
        return re.compile(rf"\b{re.escape(word)}\b", flags)


class Patterns:
    """Regexes and lookups whose name is an entity that the examples show."""

    def __init__(self, data: TrainingData, settings: Mapping[str, Any]) -> None:
        flags = 0 if settings.get("case_sensitive") else re.IGNORECASE
        self._patterns: list[tuple[str, re.Pattern[str]]] = []
        if settings.get("use_regexes", True):
            self._patterns += [(name, re.compile(p, flags)) for name, p in data.regexes if name in data.entities]
        edge = r"\b" if settings.get("use_word_boundaries", True) else ""
        for name, words in data.lookups if settings.get("use_lookup_tables", True) else ():
            if name in data.entities:
                choices = "|".join(f"{edge}{re.escape(word)}{edge}" for word in words)
                self._patterns.append((name, re.compile(f"({choices})", flags)))

    def read(self, parse: Parse) -> None:
        for name, pattern in self._patterns:
            for match in pattern.finditer(parse.text):
                parse.entities.append(
                    Entity(name, match[0], match.start(), match.end(), extractor="RegexEntityExtractor")
                )


class Synonyms:
    """One value for the different words of an entity."""

    def __init__(self, data: TrainingData) -> None:
        self._values: dict[str, str] = {}
        for words, value in data.synonyms.items():
            self._add(words, value)
        for example in data.examples:
            for annotation in example.entities:
                self._add(example.text[annotation.start : annotation.end], str(annotation.value))

    def _add(self, words: str, value: str) -> None:
        if words != value:
            self._values[words.lower()] = value
        self._values.setdefault(value.lower(), value)

    def read(self, parse: Parse) -> None:
        parse.entities = [
            replace(entity, value=self._values.get(str(entity.value).lower(), entity.value))
            for entity in parse.entities
        ]


class Thresholds:
    """Says that nothing was understood when the likeliest intent is unlikely, or hardly likelier than the next."""

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._threshold = _number(settings, "threshold", 0.3)
        self._ambiguity = _number(settings, "ambiguity_threshold", 0.1)

    def read(self, parse: Parse) -> None:
        close = len(parse.ranking) > 1 and parse.ranking[0][1] - parse.ranking[1][1] < self._ambiguity
        if parse.confidence < self._threshold or close:
            parse.intent, parse.confidence = NOT_UNDERSTOOD, self._threshold
            if parse.ranking:  # keywords rank nothing, and then Rasa tells no ranking
                parse.ranking.insert(0, (NOT_UNDERSTOOD, self._threshold))


def _number(settings: Mapping[str, Any], key: str, default: float) -> float:
    try:
        number = float(settings.get(key, default))
    except (TypeError, ValueError):
        number = -1.0
    if not 0 <= number <= 1:
        text = f"FallbackClassifier: `{key}` must be a number between 0 and 1, and is {settings[key]!r}"
        raise ProjectWrong([_problem(settings, key, text)])
    return number


def _problem(settings: Mapping[str, Any], key: str, text: str) -> Problem:
    line = settings.line_of(key) if isinstance(settings, Block) else 1
    return Problem("config.yml", line, text)


class Likeness:
    """How like a message is to each label's examples. Examples themselves are known by heart."""

    def __init__(self, examples: Sequence[tuple[str, str]], embedder: Embedder | None) -> None:
        self._embedder = embedder
        self._letters = CharNgrams()
        self.labels = tuple(dict.fromkeys(label for _, label in examples))
        self._by_heart: dict[str, str] = {}
        for text, label in examples:
            self._by_heart.setdefault(fold(text), label)
        self._rows = self._vectors([text for text, _ in examples])
        self._mean = self._rows[1].mean(axis=0) if self._rows[1].size else None
        targets = np.array([[float(label == name) for name in self.labels] for _, label in examples], np.float64)
        kernel = self._like(self._rows).astype(np.float64)
        self._weights = np.linalg.solve(kernel + 0.1 * np.eye(len(kernel)), targets) if examples else targets

    def rank(self, text: str) -> list[tuple[str, float]]:
        """The labels with their chances, the likeliest first."""
        if not self.labels:
            return []
        text = text[:MOST_COMPARED]
        known = self._by_heart.get(fold(text))
        scores = (self._like(self._vectors([text])).astype(np.float64) @ self._weights)[0]
        chances = np.exp(8.0 * (scores - scores.max()))
        chances /= chances.sum()
        chances *= float(np.clip(scores.max() * 1.25, 0.0, 1.0))  # like nothing: likely nothing
        if known is not None:
            chances *= 0.0
            chances[self.labels.index(known)] = 1.0
        order = np.argsort(-chances, kind="stable")
        return [(self.labels[int(i)], float(chances[int(i)])) for i in order]

    def _vectors(self, texts: list[str]) -> tuple[Matrix, Matrix]:
        letters = self._letters.embed([fold(text) for text in texts])
        embedded = (
            self._embedder.embed([clean(text) for text in texts]) if self._embedder else np.zeros((len(texts), 0))
        )
        return letters, embedded.astype(np.float32)

    def _like(self, rows: tuple[Matrix, Matrix]) -> Matrix:
        like = rows[0] @ self._rows[0].T
        if self._mean is None:
            return like
        like_in_meaning = _lengthened(rows[1] - self._mean) @ _lengthened(self._rows[1] - self._mean).T
        return ((like + like_in_meaning) / 2).astype(np.float32)


def _lengthened(rows: Matrix) -> Matrix:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1.0)).astype(np.float32)


class LearntIntents:
    """Intents by likeness to the examples."""

    def __init__(self, data: TrainingData, embedder: Embedder | None) -> None:
        self._likeness = Likeness([(example.text, example.intent) for example in data.examples], embedder)

    def read(self, parse: Parse) -> None:
        parse.ranking = self._likeness.rank(parse.text)[:10]
        if parse.ranking:
            parse.intent, parse.confidence = parse.ranking[0]


class LearntEntities:
    """Entities that the examples show. An example as it was written has those that are marked in it; in other messages
    they are found by the words around them, in examples of the same intent, or by their own words."""

    def __init__(self, data: TrainingData) -> None:
        self._by_heart: dict[str, tuple[Entity, ...]] = {}
        self._words: dict[str, Entity] = {}
        frames: list[tuple[int, str, re.Pattern[str], tuple[Entity, ...]]] = []
        for example in data.examples:
            marked = []
            for annotation in example.entities:
                words = example.text[annotation.start : annotation.end]
                found = _learnt(annotation, words)
                self._words.setdefault(words.lower(), found)
                marked.append(replace(found, start=annotation.start, end=annotation.end))
            self._by_heart.setdefault(example.text.lower(), tuple(marked))
            if example.entities:
                left_open = sum(annotation.end - annotation.start for annotation in example.entities)
                frames.append((len(example.text) - left_open, example.intent, *_frame(example)))
        self._frames = sorted(frames, key=lambda frame: -frame[0])  # who says most says it best
        longest_first = sorted(self._words, key=len, reverse=True)
        choices = "|".join(re.escape(words) for words in longest_first)
        self._pattern = re.compile(rf"(?<!\w)(?:{choices})(?!\w)", re.IGNORECASE) if choices else None

    def read(self, parse: Parse) -> None:
        known = self._by_heart.get(parse.text.lower())
        if known is not None:
            self._keep(parse, [replace(entity, value=parse.text[entity.start : entity.end]) for entity in known])
            return
        for _, intent, frame, entities in self._frames:
            if parse.intent not in (None, NOT_UNDERSTOOD, intent):
                continue
            match = frame.fullmatch(parse.text)
            if match is not None:
                places = [match.span(number) for number in range(1, len(entities) + 1)]
                found = [
                    replace(entity, value=parse.text[start:end], start=start, end=end)
                    for entity, (start, end) in zip(entities, places, strict=True)
                ]
                self._keep(parse, found)
                return
        if self._pattern is not None:
            matches = self._pattern.finditer(parse.text)
            found = [replace(self._words[m[0].lower()], value=m[0], start=m.start(), end=m.end()) for m in matches]
            self._keep(parse, found)

    @staticmethod
    def _keep(parse: Parse, found: list[Entity]) -> None:
        known = {(entity.name, entity.start) for entity in parse.entities}
        parse.entities += [entity for entity in found if (entity.name, entity.start) not in known]


def _learnt(annotation: Annotation, value: str | None) -> Entity:
    """An entity of the kind an example shows, said to be found by what would find it in Rasa."""
    return Entity(annotation.entity, value, role=annotation.role, group=annotation.group, extractor="DIETClassifier")


def _frame(example: Example) -> tuple[re.Pattern[str], tuple[Entity, ...]]:
    """The example with its entities left open. One that is nothing but an entity would take every message."""
    pattern, end, entities = "", 0, []
    for annotation in sorted(example.entities, key=lambda annotation: annotation.start):
        if annotation.start < end:
            continue
        pattern += re.escape(example.text[end : annotation.start])
        fixed_words = re.search(r"\w", example.text[: annotation.start] + example.text[annotation.end :])
        words = re.escape(example.text[annotation.start : annotation.end])
        pattern += r"(\S+(?: \S+)?)" if fixed_words else f"({words})"
        entities.append(_learnt(annotation, None))
        end = annotation.end
    return re.compile(pattern + re.escape(example.text[end:]), re.IGNORECASE), tuple(entities)


class Selector:
    """Which response of a retrieval intent fits (`faq/hours`)."""

    def __init__(self, data: TrainingData, settings: Mapping[str, Any], embedder: Embedder | None) -> None:
        only = settings.get("retrieval_intent")
        examples = [e for e in data.examples if e.response and only in (None, e.intent)]
        self._name = str(only) if only else "default"
        self._likeness = Likeness([(e.text, e.response) for e in examples], embedder) if examples else None
        self._intents = sorted({example.intent for example in examples})

    def read(self, parse: Parse) -> None:
        ranking = self._likeness.rank(parse.text) if self._likeness else []
        if not ranking:
            return
        key, confidence = ranking[0]
        chosen = {"intent_response_key": key, "utter_action": f"utter_{key}", "confidence": confidence, "responses": []}
        told = [{"intent_response_key": name, "confidence": chance} for name, chance in ranking]
        parse.selector["all_retrieval_intents"] = self._intents
        parse.selector[self._name] = {"response": chosen, "ranking": told}


def learns_intents(config: Mapping[str, Any]) -> bool:
    """Whether the pipeline learns intents from the examples, and does not only look for their words."""
    return not _LEARNT.isdisjoint(name for name, _ in _listed(config.get("pipeline")))


def _listed(pipeline: Any) -> list[tuple[str, Mapping[str, Any]]]:
    """The components with their names, without the modules they come from."""
    listed = [item if isinstance(item, Mapping) else {"name": str(item)} for item in pipeline or DEFAULT_PIPELINE]
    return [(str(settings.get("name", "")).rsplit(".", 1)[-1], settings) for settings in listed]


class Recognizer:
    """A trained pipeline. It may be asked from several threads, but takes a few milliseconds each time."""

    def __init__(
        self,
        domain: Domain,
        data: TrainingData,
        config: Mapping[str, Any],
        open_embedder: Callable[[], Embedder | None] = lambda: None,
    ) -> None:
        """`open_embedder` is called if the pipeline has anything to learn: opening it takes a while."""
        self._domain = domain
        self.unknown: list[Problem] = []
        pipeline = config.get("pipeline")
        if pipeline and not isinstance(pipeline, list):
            text = "`pipeline` must be a list: `- name: WhitespaceTokenizer`"
            raise ProjectWrong([_problem(config, "pipeline", text)])
        listed = _listed(pipeline)
        self._components: list[Component] = []
        embedder = open_embedder() if {name for name, _ in listed} & (_LEARNT | {"ResponseSelector"}) else None
        for name, settings in listed:
            self._add(name, settings, data, embedder)

    def _add(self, name: str, settings: Mapping[str, Any], data: TrainingData, embedder: Embedder | None) -> None:
        if name == "KeywordIntentClassifier":
            self._components.append(Keywords(data, settings))
        elif name == "RegexEntityExtractor":
            self._components.append(Patterns(data, settings))
        elif name == "EntitySynonymMapper":
            self._components.append(Synonyms(data))
        elif name == "FallbackClassifier":
            self._components.append(Thresholds(settings))
        elif name == "ResponseSelector":
            self._components.append(Selector(data, settings, embedder))
        elif name in _LEARNT | _ENTITIES_LEARNT:
            if name in _LEARNT and settings.get("intent_classification", True):
                self._components.append(LearntIntents(data, embedder))
            if name in _ENTITIES_LEARNT and settings.get("entity_recognition", True):
                self._components.append(LearntEntities(data))
        elif not name.endswith(("Tokenizer", "Featurizer", "NLP")):
            near = meant(name, _PLAYED)
            text = (
                f"`{name}` is not played here, it is left out{near}"
                if name
                else "a component needs a name: `- name: …`"
            )
            self.unknown.append(_problem(settings, "name", text))

    async def hear(
        self, text: str, *, sender_id: str, channel: str, metadata: Mapping[str, Any], tracker: Tracker | None = None
    ) -> UserMessage:
        """As `read`, off the event loop where there are words to be read. The same words mean the same, whatever was
        said before."""
        read = partial(self.read, text, sender_id=sender_id, channel=channel, metadata=metadata)
        tapped = read_payload_as_rasa(text.strip(), self._domain) is not None
        return read() if tapped else await asyncio.to_thread(read)

    def read(self, text: str, *, sender_id: str, channel: str, metadata: Mapping[str, Any]) -> UserMessage:
        """A message, understood. A payload (`/intent{"entity": "value"}`) is taken as one, as in Rasa."""
        text = text.strip()
        parse = read_payload_as_rasa(text, self._domain)
        if parse is None:
            parse = Parse(text)
            for component in self._components:
                component.read(parse)
        return UserMessage(
            text,
            self._full(parse),
            parse.confidence,
            tuple(parse.ranking),
            tuple(parse.entities),
            channel,
            metadata,
            sender_id,
            response_selector=parse.selector,
        )

    def _full(self, parse: Parse) -> str | None:
        """The intent; of a retrieval intent also which response fits."""
        if parse.intent in parse.selector.get("all_retrieval_intents", ()):
            chosen = parse.selector.get(str(parse.intent)) or parse.selector.get("default") or {}
            key = str((chosen.get("response") or {}).get("intent_response_key") or "")
            return key if key.startswith(f"{parse.intent}/") else parse.intent
        return parse.intent


_PAYLOAD = re.compile(r"/(?P<intent>[^{@]+)(?:@(?P<confidence>[0-9.]+))?(?P<entities>\{.+\})?")


def read_payload_as_rasa(text: str, domain: Domain) -> Parse | None:
    """A payload, None where it is none: then it is text. Unknown entities are left out, what follows is passed over."""
    match = _PAYLOAD.match(text)
    if match is None or match["intent"].strip() not in domain.intents:
        return None
    try:
        confidence = float(match["confidence"] or 1.0)
    except ValueError:
        confidence = 0.0
    try:
        values = json.loads(match["entities"]) if match["entities"] else {}
    except (ValueError, RecursionError):  # brackets inside one another without end
        values = {}
    entities = [
        Entity(name, value, match.start("entities"), match.end("entities"), extractor="RegexMessageHandler")
        for name, given in (values if isinstance(values, dict) else {}).items()
        if name in domain.entities
        for value in (given if isinstance(given, list) else [given])
    ]
    intent = match["intent"].strip()
    return Parse(text, intent, min(confidence, 1.0), [(intent, confidence)], entities)
