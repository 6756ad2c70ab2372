from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec.structs import replace

from dialogues.understanding import sentences, training
from dialogues.understanding.corpus import Corpus, Example, TrainingDataWrong, read_corpus
from dialogues.understanding.fold import fold
from dialogues.understanding.heads import Head, Heads, LearningFailed, Lesson, learn
from dialogues.understanding.model import HEARD, LANGUAGES
from dialogues.understanding.reading import Understanding
from dialogues.understanding.screen import CRISES, Screen
from dialogues.understanding.sentences import KnownSentences, Likeness, Sentences
from dialogues.understanding.training import fingerprint, read_learnt, train, trained
from tests.unit.understanding.conftest import PROJECT
from tests.unit.understanding.figures import development_sentences

PROCEDURES = 40
NEEDS = 31


def test_every_procedure_need_and_crisis_has_examples_in_every_language():
    corpus = read_corpus(PROJECT)
    languages: dict[str, set[str]] = defaultdict(set)
    for example in corpus.examples:
        languages[example.intent].add(example.language)
        languages[example.risk].add(example.language)

    wanted = {label for label in languages if label.startswith(("procedure/", "search_service/"))} | set(CRISES)

    assert len([label for label in wanted if label.startswith("procedure/")]) == PROCEDURES
    assert len([label for label in wanted if label.startswith("search_service/")]) == NEEDS
    assert {label: set(LANGUAGES) - languages[label] for label in wanted if set(LANGUAGES) - languages[label]} == {}


def test_dangers_are_learnt_in_the_languages_that_are_only_heard():
    heard = {(example.risk, example.language) for example in read_corpus(PROJECT).examples}

    assert {(code, language) for code in CRISES for language in HEARD} - heard == set()


def test_every_crisis_has_words_in_every_language():
    corpus = read_corpus(PROJECT)
    folders = {(code, language) for code, language, _ in _words_by_language()}

    assert {(code, language) for code in CRISES for language in LANGUAGES} - folders == set()
    assert len(corpus.lexicon) > len(CRISES) * len(LANGUAGES)


def test_plain_words_of_danger_are_sure_and_beside_a_year_a_joke_or_a_question_the_heads_decide():
    corpus = read_corpus(PROJECT)
    screen = Screen(corpus.lexicon, corpus.context, threshold=0.03, urgent=0.3)
    plain = (
        "he has a knife, they come in 20 minutes",
        "la petite convulse",
        "تو جنگل گم شدیم",
        "mi tío me va a matar hoy",
        "البنت عم تنزف",
    )
    doubtful = (
        *("in 2019 he has a knife", "que faire si un enfant convulse", "le prof va me tuer, j'ai oublié mon cahier"),
        *(
            "mi mamá me va a matar si ve mis tenis hoy",
            "الحنفية عم تنزف",
            "¿Cómo le pregunto a un joven si piensa matarse?",
        ),
    )

    assert {text: screen.by_words(fold(text)) is not None for text in (*plain, *doubtful)} == {
        **dict.fromkeys(plain, True),
        **dict.fromkeys(doubtful, False),
    }


def _words_by_language() -> list[tuple[str, str, str]]:
    import yaml

    found = []
    for path in (PROJECT / "safety").glob("*.yml"):
        value = yaml.safe_load(path.read_text(encoding="utf-8"))
        found += [(value["code"], language, path.name) for language in value.get("words", {})]
    return found


def test_no_development_sentence_is_ever_learnt():
    from dialogues.understanding.fold import fold

    learnt = {fold(example.text) for example in read_corpus(PROJECT).examples}

    assert [text for text in development_sentences() if fold(text) in learnt] == []


def test_what_was_learnt_is_kept_until_the_data_changes(small_project: Path, tmp_path: Path):
    cache = tmp_path / "cache"
    before = fingerprint(small_project, None)
    Understanding.load(small_project, cache, "ngrams")
    kept = list(cache.glob("*.npz"))

    Understanding.load(small_project, cache, "ngrams")
    same = list(cache.glob("*.npz"))
    (small_project / "nlu" / "more.fr.yml").write_text("nlu:\n- intent: greet\n  examples: |\n    - bonjour\n")
    Understanding.load(small_project, cache, "ngrams")

    assert kept == same
    assert fingerprint(small_project, None) != before
    assert len(list(cache.glob("*.npz"))) == len(kept) + 1


def test_a_broken_cache_is_learnt_again(small_project: Path, tmp_path: Path):
    cache = tmp_path / "cache"
    Understanding.load(small_project, cache, "ngrams")
    (kept,) = cache.glob("*.npz")
    kept.write_bytes(b"PK broken")

    understanding = Understanding.load(small_project, cache, "ngrams")

    assert understanding.read("hello").intent == "greet"


def test_of_two_that_need_the_same_one_learns_and_the_other_waits(
    small_project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    times: list[Corpus] = []

    def learn(corpus: Corpus, *rest: Any) -> Any:
        times.append(corpus)
        return really(corpus, *rest)

    really = training.learn
    monkeypatch.setattr(training, "learn", learn)
    with ThreadPoolExecutor(2) as both:
        one, other = both.map(lambda _: trained(small_project, tmp_path / "cache", None), range(2))

    assert len(times) == 1
    assert one.threshold == other.threshold


def test_training_says_how_well_it_went(small_project: Path, tmp_path: Path):
    lines: list[str] = []

    train(small_project, tmp_path / "cache", lines.append)

    assert lines[0].startswith("intent: ")
    assert any(line.startswith("screen: threshold") for line in lines)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "nlu/a.en.yml",
            "nlu:\n- intent: greet\n  metadata: {writer: parrot}\n  examples: |\n    - hi\n",
            "the writer 'parrot' is not one of child, worker",
        ),
        ("nlu/bad.en.yml", "nlu: [", "not readable as YAML"),
        ("nlu/bad.en.yml", "- a list", "must be a mapping"),
        ("nlu/bad.en.yml", "nlu:\n- intent: greet\n  examples: |\n    hello\n", "must start with '- '"),
        ("safety/bad.yml", "code: sadness\n", "not one of the crisis codes"),
        ("safety/bad.yml", "code: threats\nwords:\n  xx:\n    P0: a\n", "is not one of en, fr, es, ar, fa, uk"),
        ("safety/bad.yml", "code: threats\nwords:\n  en:\n    P0: .. gun\n", "must begin and end with a word"),
    ],
)
def test_a_broken_file_is_named_with_what_is_wrong(small_project: Path, name: str, content: str, says: str):
    (small_project / name).write_text(content)

    with pytest.raises(TrainingDataWrong, match=says) as raised:
        read_corpus(small_project)

    assert Path(name).name in str(raised.value)


def test_who_writes_is_learnt_where_the_author_says_it(tmp_path: Path):
    (tmp_path / "nlu").mkdir()
    (tmp_path / "safety").mkdir()
    (tmp_path / "nlu" / "procedures.en.yml").write_text(
        "nlu:\n"
        "- intent: procedure/age_assessment\n  examples: |\n    - how is an age found\n"
        "- intent: procedure/age_assessment\n  metadata: {writer: child}\n  examples: |\n"
        "    - they dont believe my age\n"
        "- intent: procedure/age_assessment\n  metadata: {writer: worker, asked_only: true}\n  examples: |\n"
        "    - he looks older what now\n",
        encoding="utf-8",
    )

    assert [(e.text, e.writer, e.asked_only) for e in read_corpus(tmp_path).examples] == [
        ("how is an age found", "", False),
        ("they dont believe my age", "child", False),
        ("he looks older what now", "worker", True),
    ]


def test_a_word_is_a_word_though_it_stands_in_the_name_of_a_town():
    asked = [Example(f"{word} وين", "ar", "greet") for word in ("مكان", "طبيب", "محامي", "مدرسة", "أكل")]

    learnt = training._vocabulary(Corpus(examples=asked, places=["بلد وين"]))

    assert "وين" in learnt["common"]
    assert "بلد" not in learnt["common"]


def test_a_head_is_judged_by_sentences_it_never_saw():
    random = np.random.default_rng(7)
    far = random.permutation(60) < 30
    rows = random.normal(size=(60, 2)).astype(np.float32) + 4 * far[:, None]
    meaning, letters = np.exp(-((rows[:, None] - rows[None]) ** 2).sum(-1) / 8), np.zeros((60, 3), np.float32)
    truth = ["far" if each else "near" for each in far]

    ((head, unseen),) = learn(Likeness(meaning.copy(), letters), [Lesson(truth)], [40, 50])

    assert [head.labels[i] for i in unseen.argmax(axis=1)] == truth[40:]
    told = head.probabilities(Likeness(meaning, letters))
    assert np.allclose(told.sum(axis=1), 1.0, atol=1e-5)
    assert [head.labels[i] for i in told.argmax(axis=1)] == truth


def test_what_is_held_back_is_told_exactly_as_by_a_head_that_learns_without_it(monkeypatch):
    monkeypatch.setattr(sentences, "BLOCK", 16)  # so that parts begin inside of blocks
    random = np.random.default_rng(11)
    rows = random.normal(size=(70, 4)).astype(np.float32)
    meaning = np.exp(-((rows[:, None] - rows[None]) ** 2).sum(-1) / 8).astype(np.float32)
    letters = random.normal(size=(70, 5)).astype(np.float32)
    truth = ["a" if row.sum() > 0 else "b" for row in rows]

    ((head, unseen),) = learn(Likeness(meaning.copy(), letters), [Lesson(truth, together=0.0)], [41, 55])

    for start, end in ((41, 55), (55, 70)):
        known = Likeness(meaning[:start, :start].copy(), letters[:start])
        ((alone, _),) = learn(known, [Lesson(truth[:start])], [start - 1])
        alone = replace(alone, temperature=head.temperature)
        told = alone.probabilities(Likeness(meaning[start:end, :start], letters[start:end]))
        assert np.allclose(unseen[start - 41 : end - 41], told, atol=1e-3)


def test_what_teaches_only_what_is_asked_moves_nothing_else(monkeypatch):
    monkeypatch.setattr(sentences, "BLOCK", 16)
    random = np.random.default_rng(12)
    rows = random.normal(size=(70, 4)).astype(np.float32)
    letters = random.normal(size=(70, 5)).astype(np.float32)
    truth = ["a" if row.sum() > 0 else "b" for row in rows]

    def like(messages: slice, learnt: int) -> Likeness:
        near = np.exp(-((rows[messages, None] - rows[None, :learnt]) ** 2).sum(-1) / 8)
        return Likeness(near.astype(np.float32), letters[messages])

    def heads_of(learnt: int) -> list[Head]:
        told = truth[:learnt]
        lessons = [Lesson(told), Lesson(told, further=True)]
        return [head for head, _ in learn(like(slice(learnt), learnt), lessons, [30, 40], 50)]

    danger_before, _ = heads_of(50)
    danger, asked = heads_of(60)

    assert np.allclose(
        danger.probabilities(like(slice(60, 70), 60)), danger_before.probabilities(like(slice(60, 70), 50)), atol=1e-4
    )
    learnt_by_heart = asked.probabilities(like(slice(50, 60), 60))
    assert [asked.labels[at] for at in learnt_by_heart.argmax(axis=1)] == truth[50:60]


def test_a_sentence_kept_in_few_bytes_is_as_near_as_it_was():
    random = np.random.default_rng(13)
    embedded = random.normal(size=(300, 384)).astype(np.float32) + 3
    learnt, letters = Sentences.of(embedded[:290]), np.zeros((300, 5), np.float32)

    known = KnownSentences(Sentences.from_arrays(learnt.to_arrays()))
    near = known.compare(embedded, letters).meaning

    messages = embedded - embedded[:290].mean(axis=0)
    cosines = messages @ learnt.rows.values().T / np.linalg.norm(messages, axis=1, keepdims=True)
    assert np.abs(near - np.exp(2 * (cosines - 1))).max() < 0.002
    assert np.allclose(near[:290], learnt.with_one_another(letters[:290]).meaning, atol=0.002)


def test_heads_asked_together_say_what_each_says_alone():
    random = np.random.default_rng(14)
    rows = random.normal(size=(40, 3)).astype(np.float32)
    like = Likeness(np.exp(-((rows[:, None] - rows[None]) ** 2).sum(-1) / 8), random.normal(size=(40, 4)))
    lessons = [Lesson(["a" if row[0] > 0 else "b" for row in rows]), Lesson([str(int(row[1] > 0)) for row in rows])]
    (one, _), (other, _) = learn(Likeness(like.meaning.copy(), like.letters), lessons, [30])

    together = Heads.from_arrays(Heads.of({"one": one, "other": other}).to_arrays())

    said = together.probabilities(like)
    assert together.labels == {"one": ("a", "b"), "other": ("0", "1")}
    assert np.allclose(said["one"], one.probabilities(like), atol=1e-3)
    assert np.allclose(said["other"], other.probabilities(like), atol=1e-3)


def test_heads_that_understand_nothing_are_never_kept():
    like = Likeness(np.full((4, 4), np.nan, np.float32), np.zeros((4, 3), np.float32))

    with pytest.raises((LearningFailed, np.linalg.LinAlgError)):
        learn(like, [Lesson(["a", "b", "a", "b"])], [3])


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut short", b"no archive"])
def test_what_was_learnt_and_is_damaged_is_learnt_again(tmp_path, damage):
    path = tmp_path / "heads.npz"
    path.write_bytes(damage)

    assert read_learnt(path) is None
    assert read_learnt(tmp_path / "missing.npz") is None
