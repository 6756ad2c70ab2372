"""Reads a message: language, safety screen, intent, entities. The one door to this room.

`Understanding.load` once, `read` from any thread, `word_screen` where only microseconds can be spared.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from dialogues.runtime.model import Entity
from dialogues.understanding.about_whom import befalls_another, speaks_of_another
from dialogues.understanding.age_alone import (
    describes_a_child,
    introduces_oneself,
    tells_only_an_age,
    tells_only_of_a_wrong_age,
    tells_only_of_looks,
)
from dialogues.understanding.codes import Codes, is_number
from dialogues.understanding.embedder import CharNgrams, Embedder, Matrix, multiply_with, open_embedder
from dialogues.understanding.entities import EntityFinder
from dialogues.understanding.everyday import AS_HEARD, everyday
from dialogues.understanding.fold import clean, fold, undisguise
from dialogues.understanding.found_alone import is_looked_after, tells_only_of_a_child_found
from dialogues.understanding.glossary import glossary
from dialogues.understanding.known_names import KnownNames
from dialogues.understanding.language import Guess, LanguageModel
from dialogues.understanding.lost import (
    FAMILY_TRACING,
    calls_like_a_child,
    looks_for_family,
    lost_with_whom,
    without_own_work,
)
from dialogues.understanding.married_young import child_in_a_marriage
from dialogues.understanding.memory import give_back
from dialogues.understanding.model import Ask, Priority, Reading, Risk
from dialogues.understanding.own_case import asks_to_erase_words, return_code
from dialogues.understanding.phrases import Known
from dialogues.understanding.screen import NO_MEANING, Meaning, Screen, raised_for_age
from dialogues.understanding.sentences import KnownSentences, Likeness
from dialogues.understanding.towns import directory_names, great_names, seldom_names, short_names, sounding_names
from dialogues.understanding.training import Trained, trained, urgency_of

#: Below this the two or three likeliest are offered as buttons instead of an answer.
CONFIDENT = 0.20
#: From here on somebody in danger asks for a procedure too, even if the words do not show for whom they ask.
SURE = 0.5
#: From here on a word that is like the name of a place is taken for it.
_SEARCHING = 0.2
OUT_OF_SCOPE = "out_of_scope"
#: How much of the ranking a reading keeps, and from how many of the likeliest labels it is made.
RANKED, _LIKELIEST = 8, 10
#: What a reading of a long message costs at most: so many windows of so many characters, and of pieces of words (prose
#: in any script has some hundred in a window; digits and letters in no order have as many as characters) so many in a
#: window and in all of them.
WINDOWS, WINDOW = 8, 280
PIECES, ALL_PIECES = 160, 900

#: Intents that do not make a danger less likely.
_ASKS_NOTHING = ("report_case", "inform", "affirm", "deny")
#: Whoever surely chats of something else (a game, a song, tired feet) must sound more like danger, as if they asked
#: half as surely; who only seems to, no more than anybody.
_CHATS, _SURELY_CHATS = 0.5, 0.9
_SURE_TALK = 0.7
#: What is said before a question, and what such a question must have at least beside it.
_COURTESIES, _ASKED, _ASKED_AFTER_GREETING = ("greet", "thanks"), ("procedure/", "search_service/"), 0.08
_CACHE_SIZE = 4096
#: The longest message, in characters, that is looked up while everybody waits.
RECALLED = 1000
_PAYLOAD = re.compile(r"^/(?P<intent>[a-z_]+(?:/[a-z_]+)?)(?:@[0-9.]+)?(?P<entities>\{.*\})?$", re.DOTALL)
#: Whoever surely tells of a child's age and looks, or what they are called themselves, answers a question, as if they
#: asked so surely: more so of another than of themselves. Without an age or a name it may be where somebody is.
_SURELY_TELLS, _DESCRIBES, _INTRODUCES = 0.95, 0.9, 0.4
#: Whoever does not know what to ask, or what was meant.
_PUZZLED = re.compile(r"^[\s.!¿]*\?[\s.!?¿]*$")
_AROUND_A_NAME = " .,!?؟،"
_SENTENCE_END = re.compile(r"(?<=[.!?…\n؟])\s+")


class _Scores(Struct, frozen=True):
    """What the heads say of one message."""

    intents: Matrix
    meaning: Meaning
    #: The intents without its words in English: as it was written, moved to where our languages lie and not.
    as_written: tuple[Matrix, ...]
    child: float = 0.0  # the chance that a child writes about themselves


class Understanding:
    """A message becomes a `Reading`. Thread-safe; made by `load`."""

    def __init__(self, learnt: Trained, embedder: Embedder | None) -> None:
        self.backend = embedder.name if embedder else CharNgrams.name
        self._embedder = embedder
        self._ngrams = CharNgrams()
        self._sentences = KnownSentences(learnt.sentences)
        self._heads = learnt.heads
        self._child_from = learnt.child_threshold
        self._phrases = learnt.phrases
        self._language: LanguageModel = learnt.language
        self._codes = Codes([*learnt.vocabulary["common"], *learnt.vocabulary["places"]])
        self._screen = Screen.from_json(learnt.lexicon, threshold=learnt.threshold, urgent=learnt.urgent_threshold)
        names = (directory_names(), sounding_names(), great_names(), short_names(), seldom_names())
        self._entities = EntityFinder(KnownNames(learnt.vocabulary, *names))
        nothing = np.zeros(len(self._heads.labels["intents"]), np.float32)
        self._nothing_to_ask = _Scores(nothing, NO_MEANING, (nothing,))
        self._cache: OrderedDict[bytes, Reading] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def load(cls, project: Path, cache: Path, backend: str = "auto") -> Understanding:
        """Read the dialogue project's training data (`nlu/`, `safety/`) and the heads learnt from exactly it.

        Heads are learnt now, in about a minute, if `cache` holds none for this data and this embedder.
        `backend`: "embedder" (raises EmbedderMissing where it cannot run), "ngrams", or "auto".
        """
        multiply_with(1)
        embedder = open_embedder(backend)
        understanding = cls(trained(project, cache, embedder), embedder)
        give_back()
        return understanding

    def read(self, text: str, *, language: str | None = None, tap: bool = False, cautious: bool = False) -> Reading:
        """Understand one message.

        `language`: the conversation's language so far. `tap`: the text is the payload of one of our own buttons
        (`/intent{"slot": "value"}`); typed text is never read so. `cautious`: somebody in this conversation was in
        danger a short while ago; less is needed to raise it again.
        """
        if tap:
            return read_payload(text, language or "en")
        return self.read_all([Ask(text, language, cautious)])[0]

    def read_all(self, asks: Sequence[Ask]) -> list[Reading]:
        """Understand messages of several people together, each as if it were read alone: cheaper than one by one."""
        shown = [clean(ask.text) for ask in asks]
        keys = [_key(ask, words) for ask, words in zip(asks, shown, strict=True)]
        kept = {key: reading for key in keys if (reading := self._recalled(key)) is not None}
        new = {key: (words, ask) for key, words, ask in zip(keys, shown, asks, strict=True) if key not in kept}
        for key, reading in zip(new, self._read([*new.values()]) if new else (), strict=True):
            kept[key] = _without_words(reading)
            self._remember(key, kept[key])
        return [_with_words(kept[key], words) for key, words in zip(keys, shown, strict=True)]

    def recall(self, text: str, *, language: str | None = None, cautious: bool = False) -> Reading | None:
        """What was read a while ago in the same words, in microseconds; None where they must be read, or are many."""
        if len(text) > RECALLED:
            return None
        shown = clean(text)
        kept = self._recalled(_key(Ask(text, language, cautious), shown))
        return None if kept is None else _with_words(kept, shown)

    def _recalled(self, key: bytes) -> Reading | None:
        with self._lock:
            kept = self._cache.get(key)
            if kept is not None:
                self._cache.move_to_end(key)
        return kept

    def _remember(self, key: bytes, reading: Reading) -> None:
        with self._lock:
            self._cache[key] = reading
            while len(self._cache) > _CACHE_SIZE:
                self._cache.popitem(last=False)

    def word_screen(self, text: str) -> Risk | None:
        """The word lists alone: what can be said of a message in microseconds, before it is understood.

        A tap or a photo has no words, and no words are not the silence of one who writes "...".
        """
        return self._screen.by_words(fold(text)) if text else None

    def _read(self, asked: Sequence[tuple[str, Ask]]) -> list[Reading]:
        """Read messages as they are shown. What is learnt is asked once for all of them."""
        folded = [fold(shown) for shown, _ in asked]
        known = [self._phrases.get(words) for words in folded]
        scores = [self._nothing_to_ask] * len(asked)
        said = [self._codes.without(shown) for shown, _ in asked]
        unsure = [at for at, meant in enumerate(known) if said[at] and not _says_all(meant)]
        for at, score in zip(unsure, self._score([said[at] for at in unsure]), strict=True):
            scores[at] = score
        told = zip(asked, said, folded, known, scores, strict=True)
        return [self._decide(shown, text, words, ask, meant, score) for (shown, ask), text, words, meant, score in told]

    def _decide(self, shown: str, said: str, folded: str, ask: Ask, known: Known | None, scores: _Scores) -> Reading:
        language, cautious = ask.language, ask.cautious
        guess = self._language.guess(said, language)
        if known and known.language and not language and not guess.certain:
            guess = Guess(known.language, certain=False)
        if _PUZZLED.match(folded):
            return Reading(shown, guess.language, False, "nlu_fallback", 0.0, (), (), None)
        erases = asks_to_erase_words(folded)
        usual = None if known else everyday(folded, self._entities.knows)
        plain = known.intent if known else _plainly(folded, erases, usual)
        ranking = self._rank(scores.intents, plain or "")
        if usual == AS_HEARD:
            ranking = _surely(ranking)
        if known:  # reviewed words, read as reviewed
            risk = _known_risk(known) or (self._screen.read(folded, NO_MEANING, cautious=True) if cautious else None)
        elif plain is not None:  # whoever takes back their words sounds like who says farewell
            risk = self._screen.read(folded, NO_MEANING, cautious=cautious) or _plain_risk(folded)
        else:
            named = lost_with_whom(folded) or child_in_a_marriage(folded)
            risk = _told_of(named, self._heard(shown, folded, scores, cautious))
            if looks_for_family(folded):
                ranking = self._rank(scores.intents, FAMILY_TRACING)
        searching = _service(ranking) >= _SEARCHING or ranking[0][0].startswith("search_service/")
        entities = self._entities.find(shown, guess.language, searching=searching)
        # "Gracias a Dios" is no department of Honduras, and a blue jacket no Azraq.
        if usual not in (None, "inform") or tells_only_of_looks(folded):
            entities = [entity for entity in entities if entity.name != "place"]
        if risk:
            risk = raised_for_age(risk, _youngest(entities))
        reporter = speaks_of_another(folded) or (risk is not None and befalls_another(folded, risk.reason))
        small = looks_for_family(folded) and calls_like_a_child(folded)
        # Everybody says "what if they say no?": it does not tell who writes.
        if (scores.child >= self._child_from and not reporter and usual is None) or small:
            entities.append(Entity("writer", "child"))
        return _settle(shown, guess.language, guess.certain, ranking, entities, risk, reporter)

    def _heard(self, shown: str, folded: str, scores: _Scores, cautious: bool) -> Risk | None:
        """The danger in a message that is no reviewed and no everyday words, by the word lists and the heads."""
        likeliest = [self._rank(intents, "")[0] for intents in scores.as_written]
        asks = min(_asks(each, folded) for each in likeliest)
        unsure, answers = cautious or self._embedder is None, likeliest[0][0] == "inform"
        # A number alone means nothing: a telephone, an age, an hour, a code to come back. "112" is in the lists.
        numbers_only = is_number(shown) or return_code(shown) is not None
        meaning = NO_MEANING if numbers_only else without_own_work(scores.meaning, folded)
        return self._screen.read(folded, meaning, asks=asks, answers=answers, cautious=unsure)

    def _score(self, messages: Sequence[str]) -> list[_Scores]:
        """Of messages as shown. Long ones are read window by window; a risk in any of them counts, the
        intent is the whole's."""
        windows = [self._affordable(_windows(shown)) for shown in messages]
        vectors = self._embed([undisguise(window) for own in windows for window in own])
        scores = []
        for own in windows:
            # The vectors are the same whatever else is embedded with them. Sums over all sentences would not be, in
            # their last digits: what a message means must not depend on who else writes at that moment.
            letters = self._ngrams.embed([fold(window) for window in own])
            embedded = None if vectors is None else vectors[: len(own)]
            vectors = None if vectors is None else vectors[len(own) :]
            like = self._sentences.compare(embedded, letters)
            # Whoever is taken for a foreigner by mistake must be heard in danger as well as before.
            moved = self._sentences.moves(embedded)
            unmoved = self._sentences.compare(embedded, letters, move=False) if moved else None
            scores.append(self._score_of(like, unmoved, self._word_for_word(own, embedded)))
        return scores

    def _word_for_word(self, windows: list[str], embedded: Matrix | None) -> Likeness | None:
        """What is said in English by the commonest words of a language that the embedder knows little of."""
        if not self._sentences.foreign(embedded):
            return None
        told = [glossary().english(window) for window in windows]
        if not any(told):
            return None
        words = [english or window for english, window in zip(told, windows, strict=True)]
        return self._sentences.compare(
            self._embed(words), self._ngrams.embed([fold(each) for each in words]), move=False
        )

    def _affordable(self, windows: list[str]) -> list[str]:
        """Windows that cost no more than prose does: of one that is no prose its beginning and end, and of many such
        the first and the last, and what can be afforded between. The word lists read all of the message."""
        if self._embedder is None or (len(windows) == 1 and len(windows[0]) <= PIECES):
            return windows
        chosen, left = dict[int, str](), ALL_PIECES
        for at in sorted(range(len(windows)), key=lambda at: min(at, len(windows) - 1 - at)):
            pieces = self._embedder.pieces(windows[at])
            if min(pieces, PIECES) > left:
                break
            chosen[at] = windows[at] if pieces <= PIECES else _ends(windows[at], PIECES / pieces)
            left -= min(pieces, PIECES)
        return [chosen[at] for at in sorted(chosen)]

    def _embed(self, texts: list[str]) -> Matrix | None:
        return self._embedder.embed(texts) if self._embedder and texts else None

    def _score_of(self, like: Likeness, unmoved: Likeness | None, glossed: Likeness | None) -> _Scores:
        """Of the windows of one message; danger is what is the worst, moved to where our languages lie or not. Word for
        word in English it tells half of what is asked, and nothing of danger."""
        looked_at = [self._heads.probabilities(each) for each in ([like] if unmoved is None else [like, unmoved])]
        labels = self._heads.labels["risks"]
        risks = np.concatenate([chances["risks"] for chances in looked_at])
        urgency = np.concatenate([self._urgency_of(chances) for chances in looked_at])
        none = labels.index("none")
        worst = int(np.argmin(risks[:, none]))
        meaning = Meaning(
            danger=float(1.0 - risks[worst, none]),
            codes=tuple((labels[i], float(risks[worst, i])) for i in np.argsort(risks[worst])[::-1] if i != none)[:3],
            urgent=float(urgency[worst]),
        )
        child = float(looked_at[0]["writers"][:, 0].mean())
        as_written = tuple(_mean_over_windows(chances["intents"]) for chances in looked_at)
        intents = as_written[0]
        if glossed is not None:
            in_english = _mean_over_windows(self._heads.probabilities(glossed)["intents"])
            intents = np.asarray((intents + in_english) / 2, np.float32)
        return _Scores(intents, meaning, as_written, child)

    def _urgency_of(self, chances: Mapping[str, Matrix]) -> Matrix:
        return urgency_of(chances["urgent"], chances["degrees"], self._heads.labels["degrees"])

    def _rank(self, chances: Matrix, known: str) -> list[tuple[str, float]]:
        summed: dict[str, float] = {}
        if not known and not chances.any():  # no word was left to ask about
            return [(OUT_OF_SCOPE, 0.0)]
        for i in np.argsort(chances)[::-1][:_LIKELIEST]:
            label = self._heads.labels["intents"][i]
            label = OUT_OF_SCOPE if label.startswith(OUT_OF_SCOPE) else label
            summed[label] = summed.get(label, 0.0) + float(chances[i])
        ranking = sorted(summed.items(), key=lambda item: -item[1])
        ranking = _after_a_greeting(ranking)
        known = OUT_OF_SCOPE if known.startswith(OUT_OF_SCOPE) else known
        if known:
            ranking = [(known, 0.99), *((label, p * 0.01) for label, p in ranking if p and label != known)]
        return ranking


def _mean_over_windows(chances: Matrix) -> Matrix:
    return np.asarray(chances.mean(axis=0), np.float32)


def _after_a_greeting(ranking: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Who says hello and asks something wants an answer: what is asked comes first, as if nobody had been greeted."""
    label, greeted = ranking[0]
    asked, chance = next((pair for pair in ranking[1:] if pair[0].startswith(_ASKED)), ("", 0.0))
    if label not in _COURTESIES or chance < _ASKED_AFTER_GREETING or chance < CONFIDENT * (1.0 - greeted):
        return ranking
    return [(asked, chance / (1.0 - greeted)), *(pair for pair in ranking if pair[0] != asked)]


def _plainly(folded: str, erases: bool, usual: str | None) -> str | None:
    """What words mean that the heads mistake for danger, "" where only that is wrong; None where they must be asked."""
    if erases:
        return "ask_human"  # only a person can erase what was told
    if tells_only_of_a_wrong_age(folded):
        return "procedure/age_assessment"
    if tells_only_of_a_child_found(folded):
        return "procedure/identify_uasc"
    return "inform" if tells_only_an_age(folded) or tells_only_of_looks(folded) else usual


def _plain_risk(folded: str) -> Risk | None:
    """A child found alone is not missing, and is without anybody until somebody has it with them."""
    alone = tells_only_of_a_child_found(folded) and not is_looked_after(folded)
    return Risk("homeless_tonight", Priority.P1, 0.9, "words") if alone else None


def _surely(ranking: list[tuple[str, float]]) -> list[tuple[str, float]]:
    """Without the small talk that the heads only guess at in words of ours: no "goodbye" for "I already told you"."""
    label, chance = ranking[0]
    return ranking if "/" in label or chance >= _SURE_TALK else [("nlu_fallback", 0.0), *ranking[1:]]


def _told_of(lost: Risk | None, heard: Risk | None) -> Risk | None:
    """The danger that the heads hear, by the name that it has in words that say who is lost."""
    if lost is None or heard is None:
        return lost or heard
    return replace(heard, reason=lost.reason) if heard.source == "meaning" else heard


def _asks(likeliest: tuple[str, float], folded: str) -> float:
    """How surely a message is about something else than danger, as if it asked so surely."""
    label, chance = likeliest
    if label == "inform" and chance >= _SURELY_TELLS:
        return _presents_somebody(folded)
    return _wants_else(label, chance)


def _presents_somebody(folded: str) -> float:
    """How surely an answer says who somebody is, as if it asked so surely."""
    if describes_a_child(folded):
        return _DESCRIBES
    return _INTRODUCES if introduces_oneself(folded) else 0.0


def _says_all(known: Known | None) -> bool:
    """A greeting, a yes: such words never touch the model."""
    return known is not None and bool(known.intent) and "/" not in known.intent and not known.reason


def _key(ask: Ask, shown: str) -> bytes:
    told = f"{ask.language}|{ask.cautious}|{shown}".encode("utf-8", "replace")
    return hashlib.blake2b(told, digest_size=16).digest()


def _wants_else(label: str, chance: float) -> float:
    """How surely a message wants something else than help in danger, by the one intent that is likeliest."""
    if label.startswith(OUT_OF_SCOPE):
        return _CHATS * chance if chance >= _SURELY_CHATS else 0.0
    return 0.0 if label.startswith(_ASKS_NOTHING) else chance


def read_payload(text: str, language: str) -> Reading:
    """The payload of one of our own buttons. Anything else is not understood, and never executed."""
    found = _PAYLOAD.match(text.strip())
    if not found:
        return Reading(text, language, False, "nlu_fallback", 0.0, (), (), None)
    try:
        values = json.loads(found["entities"] or "{}")
    except ValueError:
        return Reading(text, language, False, "nlu_fallback", 0.0, (), (), None)
    entities = tuple(Entity(str(name), value) for name, value in values.items())
    intent = found["intent"]
    return Reading(text, language, False, intent, 1.0, ((intent, 1.0),), entities, None)


def _settle(
    shown: str,
    language: str,
    certain: bool,
    ranking: list[tuple[str, float]],
    entities: list[Entity],
    risk: Risk | None,
    reporter: bool,
) -> Reading:
    """From what was found to the one intent that the rules see, and its entities."""
    label, confidence = ranking[0]
    if label.startswith("search_service/"):
        confidence = max(confidence, _service(ranking))
    intent, _, detail = label.partition("/")
    places = [entity for entity in entities if entity.name == "place"]
    found = list(entities)
    calls_a_person = intent == "ask_human" and confidence >= CONFIDENT
    if risk:
        found += [Entity("reason", risk.reason), Entity("priority", risk.priority.value)]
        if intent == "procedure" and confidence >= (CONFIDENT if reporter else SURE):
            found.append(Entity("procedure", detail))
        intent, confidence = "in_danger", risk.confidence
    elif places and _covered(places) >= len(shown.strip(_AROUND_A_NAME)):
        intent, confidence = "inform", max(confidence, 0.6)  # a name alone tells where, and not what
    elif detail and intent in ("procedure", "search_service") and confidence >= CONFIDENT:
        found.append(Entity("procedure" if intent == "procedure" else "need", detail))
    elif places and not calls_a_person and _is_little_more_than(shown, places):
        intent, confidence = "inform", max(confidence, 0.6)
    elif confidence < CONFIDENT:
        intent = "nlu_fallback"
    return Reading(
        text=shown,
        language=language,
        language_certain=certain,
        intent=intent,
        confidence=round(confidence, 4),
        ranking=tuple((name, round(p, 4)) for name, p in ranking[:RANKED]),
        entities=tuple(found),
        risk=risk,
        reporter=reporter,
    )


def _service(ranking: list[tuple[str, float]]) -> float:
    """The chance that a service is looked for, whichever."""
    return sum(p for name, p in ranking if name.startswith("search_service/"))


def _known_risk(known: Known) -> Risk | None:
    return Risk(known.reason, Priority(known.priority), 0.99, "words") if known.reason else None


def _youngest(entities: list[Entity]) -> int | None:
    return min((int(entity.value) for entity in entities if entity.name == "age"), default=None)


def _is_little_more_than(shown: str, places: list[Entity]) -> bool:
    return _covered(places) * 2 >= len(shown)


def _covered(places: list[Entity]) -> int:
    return sum((place.end or 0) - (place.start or 0) for place in places)


def _windows(shown: str) -> list[str]:
    """Sentences joined up to `WINDOW` characters; of too many, the first, the last and some between."""
    if len(shown) <= WINDOW:
        return [shown]
    windows = [""]
    for sentence in _SENTENCE_END.split(shown):
        for piece in (sentence[i : i + WINDOW] for i in range(0, len(sentence), WINDOW)):
            if len(windows[-1]) + len(piece) >= WINDOW:
                windows.append("")
            windows[-1] = f"{windows[-1]} {piece}".strip()
    windows = [window for window in windows if window]
    if len(windows) <= WINDOWS:
        return windows
    chosen = np.linspace(0, len(windows) - 1, WINDOWS).astype(int)
    return [windows[i] for i in chosen]


def _ends(window: str, share: float) -> str:
    """So much of it, from its beginning and its end."""
    half = int(len(window) * share / 2)
    return f"{window[:half]} {window[-half:]}"


def _without_words(reading: Reading) -> Reading:
    """What may be kept in memory between people: codes and positions, never words."""
    kept = tuple(replace(entity, value=None) if entity.name == "place" else entity for entity in reading.entities)
    return replace(reading, text="", entities=kept)


def _with_words(reading: Reading, shown: str) -> Reading:
    entities = tuple(
        replace(entity, value=shown[entity.start : entity.end]) if entity.name == "place" else entity
        for entity in reading.entities
    )
    return replace(reading, text=shown, entities=entities)
