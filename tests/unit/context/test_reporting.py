"""Who says that they want to report a child reports; who asks about reporting reads of it."""

from __future__ import annotations

from dialogues.context.reporting import as_reporting, wants_to_report
from dialogues.runtime.model import DialogueState, Entity, UserMessage

REPORT = (
    *("I am a police officer, I want to report a child alone at the station", "I need to report a 14 year old girl"),
    *("I'd like to report three unaccompanied minors", "Je voudrais signaler un mineur isolé à la gare"),
    *("Bonjour, je viens signaler la situation d'une jeune fille", "soy policía, necesito reportar a una niña sola"),
    *("quiero informar de un caso", "أنا شرطي وأريد الإبلاغ عن طفل وحيد", "بدي أبلغ عن حالة"),
)
ASK = (
    *(
        "do I have to report a child who is alone?",
        "when do I need to report a child",
        "I don't want to report a child",
    ),
    *("how do I report a child", "I want to report the rain", "quand je dois signaler un enfant"),
    *("je ne veux pas signaler un enfant", "cuando tengo que reportar a un menor", "متى لازم أبلغ عن طفل"),
)


def heard(words: str, intent: str = "procedure", writer: str = "child", **slots: object) -> str | None:
    message = UserMessage(words, intent, 0.6, (), (Entity("writer", writer),))
    return as_reporting(message, DialogueState(slots)).intent


def test_who_wants_to_report_a_child_is_told_from_who_asks_about_it() -> None:
    assert [words for words in REPORT if not wants_to_report(words)] == []
    assert [words for words in ASK if wants_to_report(words)] == []


def test_no_child_is_given_the_report_and_danger_stays_danger() -> None:
    said = "I want to report a child alone at the station"

    assert heard(f"I am a police officer. {said}") == heard(said, audience="worker") == "report_case"
    assert heard(said, writer="adult") == "report_case"
    assert heard(said) == heard(f"I am a police officer. {said}", audience="child") == "procedure"
    assert heard(f"I am a police officer. {said}", "in_danger") == "in_danger"
