"""What people write while our bot is measured beside a Rasa: three scripts, the same words for both.

- `repeating`: 180 messages, the same in every round, as most that a helpline hears was said before in these words.
- `new`: as many, and none of them was ever heard before.
- `form`: the search form from its first question to its end, then a worker's report: buttons where the form offers
  them, and words where it asks for words.

The words of the first two are those of outside authors (workers, children, families; English, French, Spanish, Arabic)
in the development sets of the tests, which nothing was learnt from. Crises are left out: a Rasa learns none from our
files, and would not do the same work.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import blake2b
from pathlib import Path

from bot.bench.load import request
from bot.foreground import CannotDo
from dialogues.understanding.model import LANGUAGES

DEVELOPMENT = Path(__file__).resolve().parents[2] / "tests" / "unit" / "understanding" / "development"
AUTHORS = ("coordinator", "interpreter", "nurse", "teacher")
_QUESTIONS, _SEARCHES = ("procedure", "talk"), ("need", "place")
#: A person asks so many questions, and at last where something is: a search begins a form, and ends the free text.
QUESTIONS = 3

SEARCH = ("/search_service", '/inform{"need": "shelter"}', '/inform{"place": "Ventimiglia"}')
REPORT = (
    "/report_case",
    "/affirm",
    "by the ticket machines of the station",
    "two boys, about twelve, with a football",
    '/report_answer{"report_children": "2"}',
    '/report_answer{"report_age": "10-14"}',
    '/report_answer{"report_with": "adult"}',
    "/report_skip",
    '/report_answer{"report_need": "shelter"}',
    "he would like to go to school",
    "/report_skip",
)

#: What one person writes, in order.
Conversation = Sequence[str]


def free_text(folder: Path = DEVELOPMENT) -> list[Conversation]:
    """People who write four messages each, in one language each; no message stands there twice.

    The order is always the same, and mixes languages, authors and topics. Raises CannotDo without the tests.
    """
    questions: dict[str, list[str]] = defaultdict(list)
    searches: dict[str, list[str]] = defaultdict(list)
    for kind, language, text in sorted(set(_told(folder)), key=_mixed):
        if language in LANGUAGES and kind in _QUESTIONS:
            questions[language].append(text)
        elif language in LANGUAGES and kind in _SEARCHES:
            searches[language].append(text)
    people = [list(_people(questions[language], searches[language])) for language in LANGUAGES]
    return [person for those in zip(*people, strict=False) for person in those]


def _people(questions: Sequence[str], searches: Sequence[str]) -> Iterator[Conversation]:
    for number, search in enumerate(searches):
        asked = questions[number * QUESTIONS : (number + 1) * QUESTIONS]
        if len(asked) == QUESTIONS:
            yield (*asked, search)


def _told(folder: Path) -> Iterator[tuple[str, str, str]]:
    for author in AUTHORS:
        path = folder / f"{author}.tsv"
        if not path.is_file():
            raise CannotDo(f"{path} is missing. The messages are those of the tests: measure in a checkout of Waymark.")
        for line in path.read_text("utf-8").splitlines():
            if line and not line.startswith("#"):
                kind, _, _, language, _, text = line.split("\t")
                yield kind, language, text


def _mixed(row: tuple[str, str, str]) -> bytes:
    return blake2b("\t".join(row).encode(), digest_size=8).digest()


def forms(turns: int) -> list[Conversation]:
    """People who go through both forms, at least so many turns together."""
    both = (*SEARCH, *REPORT)
    return [both] * -(-turns // len(both))


def requests(conversations: Sequence[Conversation], label: str) -> list[list[bytes]]:
    """As Rasa's REST channel takes them, each conversation by somebody who never wrote before."""
    return [
        [_request(f"{label}-{number}", text) for text in conversation]
        for number, conversation in enumerate(conversations)
    ]


def _request(sender: str, text: str) -> bytes:
    body = json.dumps({"sender": sender, "message": text}).encode()
    return request("/webhooks/rest/webhook", body, {"Content-Type": "application/json"})


def count(conversations: Sequence[Conversation]) -> int:
    """How many turns they are."""
    return sum(map(len, conversations))
