"""A worker's report: what is asked, one question a message, and what of it the host is told as it is answered."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from rasa_sdk import Action
from rasa_sdk.events import SlotSet
from rasa_sdk.forms import FormValidationAction

from dialogues.actions.calling import call_officer
from dialogues.actions.ports import FoundService, Services
from dialogues.actions.reading import entity, fact, language_of
from dialogues.actions.results import shown_before
from dialogues.runtime.responses import Translate
from dialogues.understanding.fold import fold, words

#: In the order in which they are asked.
QUESTIONS = (
    "report_now",
    "report_place",
    "report_child",
    "report_children",
    "report_age",
    "report_with",
    "report_adult",
    "report_need",
    "report_wish",
    "report_reach",
)
#: The question after whose answer an officer is called. What comes later reaches the officer as it is answered.
ESSENTIAL = "report_child"
SKIPPED = "skipped"
#: What was written is no yes and no no, but a need, a place or a search.
BESIDE = "beside"
#: What danger is told with, beside the answers: the words in which it was heard.
DANGER = "report_danger"
#: Whether the report goes on after danger was heard in it. None: nothing was heard.
GOES_ON = "report_goes_on"
#: Questions that are answered by telling what was seen: such words are the answer, also where they alarm.
TOLD_FREELY = frozenset({ESSENTIAL, "report_adult", "report_need", "report_wish"})
#: As it can be typed instead of tapped, folded.
SKIP_WORDS = frozenset({"skip", "next", "passer", "suivant", "saltar", "omitir", "siguiente", "تخطي", "التالي"})
AGE_BANDS = ((4, "0-4"), (9, "5-9"), (14, "10-14"), (17, "15-17"))
#: Beyond what an officer reads at a glance. The whole message stands in the talk.
LONGEST_ANSWER = 1000
#: What may stand beside the one number of an answer that is nothing else. With any other word it may be months, or
#: one of several children: then the words are the answer.
ABOUT = (
    "about around approximately maybe perhaps environ vers peut être unos unas alrededor como sobre quizás "
    "حوالي تقريبا ربما"
)
OF_AGE = (
    "year years old age aged he she is looks an ans âge il elle a de año años edad tiene سنة سنوات سنه عام عمره عمرها"
)
OF_CHILDREN = (
    "there are of them they child children kid kids enfant enfants il y a ils sont niño niños niña niñas hay son "
    "طفل أطفال اطفال هناك هم"
)
LONGEST_NUMBER = 3
MORE_OR_LESS = re.compile(r"[<>≤≥+]")


def answers_of(tracker: Any) -> dict[str, str]:
    """What was answered so far, by the name of the question. Skipped ones are left out."""
    said = {name: tracker.get_slot(name) for name in QUESTIONS}
    return {name: as_told(value) for name, value in said.items() if value is not None and value != SKIPPED}


def has_called(tracker: Any) -> bool:
    """Whether this report called an officer before: by its essential questions, or by danger that was heard in it."""
    return tracker.get_slot(ESSENTIAL) is not None or tracker.get_slot(GOES_ON) is True


def said_in_words(tracker: Any) -> str:
    """What was written. A button has no words of theirs."""
    said = str(tracker.latest_message.get("text") or "").strip()
    return "" if said.startswith("/") else said


def words_of_danger(tracker: Any) -> tuple[dict[str, Any], dict[str, str]]:
    """What a message that alarmed says in a report: the slots it answers, and all that an officer is told.

    Words that tell what was seen, or name where it is, are the answer to the question that waits for that. Any other
    question is asked again, and the words go along as they are.
    """
    said, told = said_in_words(tracker), answers_of(tracker)
    if not said:
        return {}, told
    asked = tracker.get_slot("requested_slot")
    if asked in TOLD_FREELY or (asked == "report_place" and entity(tracker, "place")):
        return {asked: said}, {**told, asked: as_told(said)}
    return {}, {**told, DANGER: as_told(said)}


def as_told(value: object) -> str:
    """An answer as the host is told it: `yes` and `no` for what is true or not."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)[:LONGEST_ANSWER]


def age_band(said: str) -> str:
    """The band of an age somebody wrote, or their words: "about 12" is 10-14, "8 months" stays as it is."""
    years = _only_number(said, _BESIDE_AGE)
    if said in {band for _, band in AGE_BANDS} or years is None:
        return said
    return next((band for oldest, band in AGE_BANDS if years <= oldest), said)


def how_many(said: str) -> str:
    """The number that an answer is, or the answer: "there are 3" is 3, "2 girls and 1 boy" stays as it is."""
    children = _only_number(said, _BESIDE_CHILDREN)
    return said if children is None else str(children)


def _only_number(said: str, beside: frozenset[str]) -> int | None:
    """The one number of an answer in which nothing else stands that could change what it means."""
    if MORE_OR_LESS.search(said):
        return None
    every = words(fold(said))
    numbers = [word for word in every if word.isdecimal()]
    alone = len(numbers) == 1 and len(numbers[0]) <= LONGEST_NUMBER and beside.issuperset({*every} - {*numbers})
    return int(numbers[0]) if alone else None


_BESIDE_AGE = frozenset(words(fold(f"{ABOUT} {OF_AGE}")))
_BESIDE_CHILDREN = frozenset(words(fold(f"{ABOUT} {OF_CHILDREN}")))


class ValidateReportForm(FormValidationAction):  # type: ignore[misc]
    """Takes every answer as it is, "skip" as none, and tells the host."""

    def name(self) -> str:
        return "validate_report_form"

    async def get_validation_events(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        """A question that was emptied in this turn is not answered by that, nor skipped."""
        tracker.events = [event for event in tracker.events if not _empties_question(event)]
        events: list[dict[str, Any]] = await super().get_validation_events(dispatcher, tracker, domain)
        return events

    def validate_report_now(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        if value == BESIDE:
            dispatcher.utter_message(response="utter_report_goes_on")
            return {"report_now": None}
        return _told_once_called(dispatcher, tracker, "report_now", value)

    def validate_report_place(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        return _told_once_called(dispatcher, tracker, "report_place", _pin(tracker) or answer_of(value))

    def validate_report_child(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        """Who saw a child in need must not have to finish a form: an officer is called now."""
        answer = answer_of(value)
        told = {**answers_of(tracker), **({} if answer == SKIPPED else {ESSENTIAL: as_told(answer)})}
        priority = "P1" if tracker.get_slot("report_now") is True else "P2"
        call_officer(dispatcher, "report_case", priority, told, goes_on=tracker.get_slot(GOES_ON) is True)
        return {ESSENTIAL: answer}

    def validate_report_children(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        return _told(dispatcher, "report_children", how_many(answer_of(value)))

    def validate_report_age(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        return _told(dispatcher, "report_age", age_band(answer_of(value)))

    def validate_report_with(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        """Who is alone, or with a parent, is not asked about an adult."""
        answer = answer_of(value)
        asked = {"report_adult": SKIPPED} if answer in ("alone", "parent", "children", SKIPPED) else {}
        return {**_told(dispatcher, "report_with", answer), **asked}

    def validate_report_adult(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        return _told(dispatcher, "report_adult", answer_of(value))

    def validate_report_need(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        return _told(dispatcher, "report_need", answer_of(value))

    def validate_report_wish(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        return _told(dispatcher, "report_wish", answer_of(value))

    def validate_report_reach(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        return _told(dispatcher, "report_reach", answer_of(value))


class ForgetReport(Action):  # type: ignore[misc]
    """Whoever stops begins anew next time. What reached an officer stays with the officer."""

    def name(self) -> str:
        return "action_forget_report"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        return forgotten()


class BeginReport(Action):  # type: ignore[misc]
    """A report is about one child. What was answered about another is no answer to this one, however that talk ended.

    A report that is open and asked for again goes on where it was. One that begins at a service that was found asks
    for a referral to it: nobody is asked then what is needed.
    """

    def __init__(self, services: Services, translate: Translate) -> None:
        self._services = services
        self._translate = translate

    def name(self) -> str:
        return "action_begin_report"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        if tracker.active_loop.get("name") == "report_form":
            return []
        service = await self._meant(tracker)
        if service is None:
            return forgotten()
        dispatcher.utter_message(response="utter_referral", service=service.name)
        need = self._translate(language_of(tracker), "A referral to {service}").format(service=service.name)
        return [*forgotten(), SlotSet("report_need", need)]

    async def _meant(self, tracker: Any) -> FoundService | None:
        """The service whose button was tapped. A directory that is silent keeps nobody from reporting."""
        service_id = shown_before(tracker)
        try:
            return await self._services.service(service_id, language=language_of(tracker)) if service_id else None
        except Exception:
            return None


def forgotten() -> list[dict[str, Any]]:
    """No answer is left."""
    return [SlotSet(name, None) for name in (*QUESTIONS, GOES_ON)]


def _empties_question(event: Mapping[str, Any]) -> bool:
    return event.get("event") == "slot" and event.get("name") in QUESTIONS and event.get("value") is None


def answer_of(value: Any) -> str:
    """The answer in a message, or SKIPPED."""
    said = str(value or "").strip()
    return SKIPPED if not said or " ".join(words(fold(said))) in SKIP_WORDS else said


def _pin(tracker: Any) -> str:
    """The point on the map that was sent instead of words; "" where none was."""
    latitude, longitude = fact(tracker, "latitude"), fact(tracker, "longitude")
    return "" if latitude is None or longitude is None else f"{float(latitude):.4f}, {float(longitude):.4f}"


def _told_once_called(dispatcher: Any, tracker: Any, question: str, answer: Any) -> dict[str, Any]:
    """Nobody is told before the essential questions are answered, unless danger called somebody earlier."""
    return _told(dispatcher, question, answer) if tracker.get_slot(GOES_ON) is True else {question: answer}


def _told(dispatcher: Any, question: str, answer: Any) -> dict[str, Any]:
    if answer != SKIPPED:
        report: Mapping[str, str] = {question: as_told(answer)}
        dispatcher.utter_message(json_message={"waymark": "reported", "report": report})
    return {question: answer}
