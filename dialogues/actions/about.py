"""What the text that was just given says about a question that is not surely about anything else.

"Why apart?" and "what if there is no separate room?" ask on about the text in sight, in words that alone may mean any
other. Its own lines that have those words are shown, and nothing else is made of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from rapidfuzz import fuzz

from dialogues.actions.answer import choose_button, listed, person_button, sentences, source_line, steps_button
from dialogues.actions.reading import language_of
from dialogues.context.asking_on import given_a_text
from dialogues.knowledge import Procedure
from dialogues.knowledge.search import FUZZY_CUTOFF, fold, words_of
from dialogues.runtime.responses import Translate

#: Below it a question about another text may as well ask on about this one; a little above, if it begins so.
UNSURE: Final = 0.35
HARDLY_SURE: Final = 0.6
MOST_LINES: Final = 3
#: Who asks in more words tells of something new.
MOST_WORDS: Final = 10

_GOES_ON: Final = re.compile(
    r"\W*(?:and|but|what if|what about|or|why|(?:should|must|may|can) (?:i|we|s?he|they)|do (?:i|we)"
    r"|et|mais|pourquoi|dois-je|je dois|faut-il|(?:est-ce que )?(?:je|on|il|elle) (?:peut|peux|doit|dois)|puis-je"
    r"|y|pero|por que|debo|tengo que|puedo|puede|hay que|le digo|و?اذا|ولو|ليش|لماذا|طيب|لازم|هل (?:يجب|يمكن|اقدر))\b"
)
_WHY: Final = re.compile(r"\W*(?:but |mais |pero )?(?:why|pourquoi|por que|ليش|ليه|لماذا)\b")
_SAME_BEGINNING: Final = 5


def may_ask_on(tracker: Any, key: str) -> bool:
    """Whether a message that was taken for a question about `key` may ask on about the text in sight."""
    words = fold(_words(tracker))
    shown = tracker.get_slot("last_procedure")
    if not shown or key == shown or not words or words.startswith("/") or len(words.split()) > MOST_WORDS:
        return False
    if tracker.get_slot("audience") == "child" or not given_a_text(tracker.events):
        return False
    if not key:
        return True
    sure = float((tracker.latest_message.get("intent") or {}).get("confidence") or 1.0)
    return sure < (HARDLY_SURE if _GOES_ON.match(words) else UNSURE)


def said_about(text: Procedure, words: str) -> list[str]:
    """The lines of a text that have most of these words, and its reasons where somebody asks why."""
    asked = list(dict.fromkeys(words_of(words)))
    if _WHY.match(fold(words)):
        asked = [word for word in asked if not _WHY.match(word)]
    lines = (*text.steps, text.never, *text.time_limits, *text.red_flags, text.varies, *sentences(text.why))
    hits = {line: _hits(asked, words_of(line)) for line in lines if line}
    most = max(hits.values(), default=0)
    if not most or most * 2 < len(asked):
        return []
    found = [line for line, hit in hits.items() if hit == most][:MOST_LINES]
    return list(dict.fromkeys((*found, text.why))) if _WHY.match(fold(words)) else found


def say_about(
    dispatcher: Any, tracker: Any, text: Procedure, others: Sequence[Procedure], translate: Translate
) -> bool:
    """Show what a text says about the message, and which others it may have meant. False: the text says nothing."""
    lines, language = said_about(text, _words(tracker)), language_of(tracker)
    if lines:
        buttons = [steps_button(text, translate, language), *map(choose_button, others)]
        heading = translate(language, "This is what the text “{title}” says about it:").format(title=text.title)
        dispatcher.utter_message(
            text=f"{listed(heading, lines)}\n\n{source_line(text, language, translate)}",
            buttons=[*buttons, person_button(translate, language)],
        )
    return bool(lines)


def _hits(asked: Sequence[str], known: Sequence[str]) -> int:
    return sum(any(_alike(word, other) for other in known) for word in asked)


def _alike(word: str, other: str) -> bool:
    if word == other or min(len(word), len(other)) < _SAME_BEGINNING or word[0] != other[0]:
        return word == other  # "mother" is no "other"
    return word[:_SAME_BEGINNING] == other[:_SAME_BEGINNING] or fuzz.ratio(word, other) >= FUZZY_CUTOFF


def _words(tracker: Any) -> str:
    return str(tracker.latest_message.get("text") or "")
