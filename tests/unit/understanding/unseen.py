"""How well languages are understood of which no sentence was learnt.

    python -m tests.unit.understanding.unseen

Twelve intents are learnt from their English, French, Spanish and Arabic sentences alone, and asked of 720 messages in
fifteen other languages, four a language and intent, by an author who saw no sentence of ours. The aim is .80. Six of
the fifteen have sentences in `dialogues/nlu`, which are left out here. Of seven the commonest words are known, which
is another thing than sentences. One hand wrote all of them, a machine's.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from dialogues.understanding import learnt_folder
from dialogues.understanding.corpus import Corpus, read_corpus
from dialogues.understanding.embedder import AdaptedE5, Remembered
from dialogues.understanding.model import LANGUAGES, Ask
from dialogues.understanding.reading import Understanding
from dialogues.understanding.training import Trained, learn
from tests.unit.understanding.figures import DEVELOPMENT, Count

PROJECT = Path(__file__).parents[3] / "dialogues"
#: Language, intent, text.
Message = tuple[str, str, str]


def messages() -> list[Message]:
    lines = (DEVELOPMENT / "unseen.tsv").read_text("utf-8").splitlines()
    rows = (line.split("\t") for line in lines if not line.startswith("#"))
    return [(language, intent, text) for language, intent, text in rows]


def learnt_in_four(intents: set[str], embedder: AdaptedE5) -> Trained:
    """What is learnt of these intents from the four languages that are answered in."""
    corpus = read_corpus(PROJECT)
    of_these = [e for e in corpus.examples if e.intent in intents and e.language in LANGUAGES]
    learnt, _ = learn(
        Corpus(of_these, corpus.lexicon, corpus.context, corpus.places), Remembered(embedder, learnt_folder(PROJECT))
    )
    return learnt


def understood(asked: list[Message], embedder: AdaptedE5) -> dict[str, Count]:
    """Right ones, by language and by intent: what comes first of all that a message may ask, as one is read."""
    understanding = Understanding(learnt_in_four({intent for _, intent, _ in asked}, embedder), embedder)
    readings = understanding.read_all([Ask(text) for _, _, text in asked])
    counts: dict[str, Count] = defaultdict(Count)
    for (language, intent, text), reading in zip(asked, readings, strict=True):
        for name in (language, intent, "all"):
            counts[name].right(reading.ranking[0][0] == intent, text)
    return counts


def main() -> None:
    for name, count in understood(messages(), AdaptedE5()).items():
        print(f"{name:34} {count.share:.3f} of {count.all}")


if __name__ == "__main__":
    main()
