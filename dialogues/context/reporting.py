"""Whoever says that they want to report a child gets the report, and not the steps of a text about such a child.

"I am a police officer, I want to report a child alone at the station" was answered as a question about children who are
alone. Who asks whether, when or how one reports asks a question still, and a child who tells of others is heard as
everywhere else. Forms are of folded words (`fold`). Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from dialogues.context.introducing import says_to_work
from dialogues.knowledge.search import fold
from dialogues.runtime.model import DialogueState, UserMessage

INTENT: Final = "report_case"
LONGEST: Final = 400
#: What a report is taken for where its child is described. Danger, a wish for a person and a tap stay what they are.
_TAKEN_FOR: Final = frozenset({"procedure", "inform", "nlu_fallback", "out_of_scope", "search_service", "greet"})

_A_CHILD: Final = (
    r"(?:(?:an?|the|one|two|three|\d+|some|this|these) )?(?:\w+ ){0,3}(?:child(?:ren)?|minors?|boys?|girls?"
    r"|bab(?:y|ies)|kids?|teen(?:ager)?s?|case|siblings|brothers|sisters|uasc|uam|situation)"
)
_UN_ENFANT: Final = (
    r"(?:(?:un|une|le|la|l'|deux|trois|\d+|des|ce|cet|cette|ces|la presence d'une?|la situation d'une?) ?)?"
    r"(?:\w+ ){0,3}(?:enfants?|mineure?s?|garcons?|filles?|bebes?|jeunes?|ados?|mna|cas|situation)"
)
_UN_NINO: Final = (
    r"(?:a )?(?:(?:un|una|el|la|unos|unas|dos|tres|\d+|este|esta|al) )?(?:\w+ ){0,3}"
    r"(?:nin[oa]s?|menor(?:es)?|bebes?|chic[oa]s?|adolescentes?|nna|caso|situacion)"
)
_TIFL: Final = r"(?:عن |علي |ب)?(?:وجود )?(?:ال)?(?:طفله?|اطفال|قاصره?|قاصرين|ولد|بنت|فتاه|رضيع|حاله|قضيه)"
_REPORTS: Final = re.compile(
    rf"(?<!\w)(?:(?:i|we)(?:'d| would)? (?:want|need|wish|like|have) to "
    rf"(?:report|file a report (?:about|on)) {_A_CHILD}"
    rf"|(?:je|nous|on) (?:veux|voulons|voudrais|voudrions|souhaite|souhaitons|dois|devons|viens|veut|voudrait) "
    rf"(?:vous )?(?:signaler|faire un signalement (?:pour|sur)) {_UN_ENFANT}"
    rf"|(?:quiero|queremos|quisiera|necesito|necesitamos|deseo|vengo a|tengo que) (?:reportar|notificar|denunciar"
    rf"|informar (?:de|sobre)|dar parte de) {_UN_NINO}"
    rf"|و?(?:اريد|نريد|بدي|بدنا|ابغي|ابي|عايزه?|عاوزه?|اود|نود|بغيت|حابب|حابه|احتاج|لازم) (?:ان )?"
    rf"(?:ابلغ|نبلغ|الابلاغ|التبليغ|اقدم بلاغا?|تقديم بلاغ|بلغ) {_TIFL})(?!\w)"
)
_ASKING: Final = "do did when if whether how why who que quand si comment qui cuando como quien متي اذا كيف هل"
_ASKS: Final = frozenset(_ASKING.split())


def as_reporting(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as a press of "Report a case", where somebody grown-up says that they want to report a child."""
    if message.intent not in _TAKEN_FOR or not 0 < len(message.text) <= LONGEST or message.text.startswith("/"):
        return message
    if state.slots.get("audience") == "child" or state.active_loop.get("name") == "report_form":
        return message
    if not wants_to_report(message.text) or _sounds_like_a_child(message, state):
        return message
    return replace(message, intent=INTENT, confidence=1.0, ranking=((INTENT, 1.0),), entities=())


def _sounds_like_a_child(message: UserMessage, state: DialogueState) -> bool:
    if state.slots.get("audience") == "worker" or says_to_work(message.text):
        return False
    return any(entity.name == "writer" and entity.value == "child" for entity in message.entities)


def wants_to_report(words: str) -> bool:
    """Whether somebody says that they want to report a child, and does not ask about it."""
    plain = " ".join(fold(words).replace("’", "'").split())
    found = _REPORTS.search(plain)
    if found is None or plain.endswith(("?", "؟")):
        return False
    before = plain[: found.start()].split()
    return not before or before[-1] not in _ASKS
