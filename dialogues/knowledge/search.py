"""Finds the texts somebody may mean: by words folded the way people mistype them and, where given, by meaning."""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from msgspec import Struct
from rapidfuzz import fuzz, process

from dialogues.knowledge.model import Procedure

#: Turns texts into one vector each. Handed in by whoever has a model; nothing here knows which.
Embed = Callable[[list[str]], npt.NDArray[np.float32]]

WORD_LIMIT = 40  # words of a question that count: a longer message is a conversation, not a question
FUZZY_CUTOFF = 82.0  # similarity in percent below which two words are different words
LEAST_SCORE = 0.2  # of a perfect match; below it we have found nothing
MEANING_SHARE = 0.5  # of the score, where there is an embedder
LEAST_MEANING = 0.82  # cosine below which multilingual-e5 says nothing: to it, any two sentences are somewhat alike

#: How much a word tells by where it stands. A question is full of words that stand in no title, so that search words
#: are a perfect match already; who types one word means the text that is called by it.
TITLE, SEARCH_WORDS, ANSWER, REST = 3.5, 3.0, 1.5, 1.0
PERFECT = SEARCH_WORDS

#: Two words that begin with so many letters alike may be one word in two forms: vaccine, vaccination.
SAME_BEGINNING = 6
OTHER_FORM = 0.7

#: Words that stand in every question, folded, by language.
_COMMON = {
    "en": """
        a an the is are was be to of in on at for from with and or not no do does did can could may must
        should will i you he she it we they my your his her their our me him them this that these those what
        how who when where which why if as by has have had am any get got here there so then than
    """,
    "fr": """
        le la les un une des de du au aux et ou ne pas je tu il elle on nous vous ils elles mon ma mes ton
        ta tes son sa ses ce cet cette ces que qui quoi comment quand est sont peut dois doit pour par avec
        sans dans sur si
    """,
    "es": """
        el los las la una unos unas del de al y o no se yo tu ella nosotros ellos mi mis su sus que quien
        como cuando donde es son puede puedo debo para por con sin en si lo
    """,
    "ar": """
        في من الي علي عن ما هل كيف متي اين هو هي انا انت نحن هم هذا هذه ذلك او و لا لم ان مع يمكن
    """,
}
STOP_WORDS = frozenset(word for words in _COMMON.values() for word in words.split())

_TATWEEL_AND_MARKS = re.compile("[\u0640\u064b-\u065f\u0670\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_ACCENTS = re.compile("[\u0300-\u036f]")
_ARABIC_VARIANTS = str.maketrans(
    {
        "أ": "ا",
        "إ": "ا",
        "آ": "ا",
        "ٱ": "ا",
        "ى": "ي",
        "ی": "ي",
        "ئ": "ي",
        "ؤ": "و",
        "ة": "ه",
        "ک": "ك",
        "گ": "ك",
    }
)
_SEATLESS_HAMZA = re.compile("(?<=[يو])ء")  # as in لاجيء for لاجئ: folded, only the hamza is left of the difference
_ARABIC_PREFIX = re.compile("^(?:و|ف)?(?:ال|بال|كال|لل)(?=.{3})")
_WORD = re.compile(r"[^\W_]+")


def fold(text: str) -> str:
    """Lower case without accents, Arabic letter variants, vowel marks or invisible characters."""
    plain = _TATWEEL_AND_MARKS.sub("", text.casefold()).translate(_ARABIC_VARIANTS)
    return _ACCENTS.sub("", unicodedata.normalize("NFKD", plain))


def words_of(text: str) -> list[str]:
    """The folded words that can tell one text from another, in their order."""
    words = (_ARABIC_PREFIX.sub("", word) for word in _WORD.findall(_SEATLESS_HAMZA.sub("", fold(text))))
    return [word for word in words if word not in STOP_WORDS and (len(word) > 1 or word.isdigit())]


class Match(Struct, frozen=True):
    """A procedure somebody may mean, and how well it fits (1.0: every word is one its authors expect people to use)."""

    key: str
    score: float


def merged(*rankings: Sequence[str]) -> list[str]:
    """Keys of several rankings in one: what stands high in each comes before what stands high in one."""
    points: dict[str, float] = {}
    for ranking in rankings:
        for rank, key in enumerate(dict.fromkeys(ranking), start=1):
            points[key] = points.get(key, 0.0) + 1 / rank
    return sorted(points, key=lambda key: -points[key])


class Index:
    """The texts of one language for one audience, ready to be searched. Several texts of one key count as one."""

    def __init__(self, texts: Sequence[Procedure], *, embed: Embed | None = None) -> None:
        self._weights: dict[str, dict[str, float]] = {}
        self._times: Counter[tuple[str, str]] = Counter()  # how often each text has each word
        for text in texts:
            weights = self._weights.setdefault(text.key, {})
            for part, weight in _weighted_parts(text):
                for word in words_of(part):
                    weights[word] = max(weights.get(word, 0.0), weight)
                    self._times[text.key, word] += 1
        spread = Counter(word for weights in self._weights.values() for word in weights)
        self._rarity = {word: math.log(1 + len(self._weights) / count) for word, count in spread.items()}
        self._rarest = math.log(1 + len(self._weights))
        self._vocabulary = sorted(spread)
        self._embed = embed
        self._keys: list[str] = []
        self._vectors: npt.NDArray[np.float32] | None = None
        if embed is not None and texts:
            passages = [(text.key, passage) for text in texts for passage in (text.title, *text.search_words)]
            self._keys = [key for key, _ in passages]
            self._vectors = _unit(embed([passage for _, passage in passages]))

    def search(self, question: str) -> list[Match]:
        """Every key that fits, best first."""
        words = words_of(question)[:WORD_LIMIT]
        scores = self._by_words(words)
        if self._embed is not None:
            by_meaning = self._by_meaning(question, self._embed)
            scores = {
                key: (1 - MEANING_SHARE) * scores.get(key, 0.0) + MEANING_SHARE * by_meaning.get(key, 0.0)
                for key in scores.keys() | by_meaning.keys()
            }
        matches = [Match(key, score) for key, score in scores.items() if score >= LEAST_SCORE]
        # Of texts that fit alike, the one that goes on about it: three are called by "school", one is about school.
        near = [known for word in dict.fromkeys(words) for known in self._near(word)]
        about = {match.key: sum(self._times[match.key, known] for known in near) for match in matches}
        return sorted(matches, key=lambda match: (-round(match.score, 6), -about[match.key], match.key))

    def _by_words(self, words: list[str]) -> dict[str, float]:
        """For each key the share of the question that its words answer."""
        scores: dict[str, float] = {}
        possible = 0.0
        for word in dict.fromkeys(words):
            near = self._near(word)
            # A word nobody wrote is as rare as any can be; it must lower the score, or noise would match. One that
            # stands in the texts is as rare as it is, however rare the words are that it resembles.
            rarity = max((self._rarity[known] for known in near), default=self._rarest)
            possible += PERFECT * self._rarity.get(word, rarity)
            for key, weights in self._weights.items():
                fits = (weights.get(known, 0.0) * alike * self._rarity[known] for known, alike in near.items())
                best = max(fits, default=0.0)
                if best:
                    scores[key] = scores.get(key, 0.0) + best
        return {key: score / possible for key, score in scores.items()}

    def _near(self, word: str) -> dict[str, float]:
        """Known words that `word` may stand for, and how alike they are, from 0 to 1."""
        near = {word: 1.0} if word in self._rarity else {}
        if len(word) >= 4 and not word.isdigit():
            found = process.extract(word, self._vocabulary, scorer=fuzz.ratio, score_cutoff=FUZZY_CUTOFF, limit=5)
            for known, alike, _ in found:
                near.setdefault(known, (alike / 100) ** 2)
        if not near and len(word) >= SAME_BEGINNING and not word.isdigit():
            beginning = word[:SAME_BEGINNING]
            near = {known: OTHER_FORM for known in self._vocabulary if known.startswith(beginning)}
        return near

    def _by_meaning(self, question: str, embed: Embed) -> dict[str, float]:
        if self._vectors is None or not question.strip():
            return {}
        likeness = self._vectors @ _unit(embed([question]))[0]
        scores: dict[str, float] = {}
        for key, alike in zip(self._keys, likeness.tolist(), strict=True):
            share = (alike - LEAST_MEANING) / (1 - LEAST_MEANING)
            if share > scores.get(key, 0.0):
                scores[key] = share
        return scores


def _weighted_parts(text: Procedure) -> list[tuple[str, float]]:
    rest = "\n".join((*text.steps, *text.red_flags, *text.documents, text.never))
    return [
        (text.title, TITLE),
        (text.key, TITLE),
        ("\n".join(text.search_words), SEARCH_WORDS),
        (text.first_answer, ANSWER),
        (rest, REST),
    ]


def _unit(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), dtype=np.float32)
