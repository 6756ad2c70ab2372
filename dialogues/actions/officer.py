"""Bringing in a human: danger, a wish for a person, a report, something only a person can look at."""

from __future__ import annotations

import re
from typing import Any

from rasa_sdk import Action
from rasa_sdk.events import FollowupAction, SlotSet

from dialogues.actions.answering import Answering
from dialogues.actions.calling import call_officer
from dialogues.actions.ports import Services
from dialogues.actions.reading import country_of, entity, fact, language_of, number_to_call, place_of
from dialogues.actions.report import (
    GOES_ON,
    BeginReport,
    ForgetReport,
    ValidateReportForm,
    answers_of,
    forgotten,
    has_called,
    said_in_words,
    words_of_danger,
)
from dialogues.actions.whereabouts import place_slots, shared_location, whereabouts
from dialogues.context.introducing import says_to_work, without_introduction
from dialogues.runtime.responses import Translate
from dialogues.understanding.yes import says_yes

#: In messages about these, "he" is the one with the knife, seldom the child. The words to the child suit whoever
#: writes; only a known worker gets the others.
ONE_VOICE = frozenset({"immediate_danger", "threats", "kidnap_ransom", "hate_violence"})
#: About these a worker may write of themselves, and then nobody goes on asking about a child.
OF_ONESELF = frozenset({"suicide_self_harm"})
PRIORITIES = ("P0", "P1", "P2", "P3")
#: Words of whoever writes of themselves, folded.
_OF_ONESELF = re.compile(
    r"(?<!\w)(?:i|i'm|im|me|my|mine|we|us|our|je|j'\w+|moi|mon|ma|mes|m'\w+|nous|yo|mi|mis|conmigo|nos|soy|estoy|tengo"
    r"|انا|نحن|معي|عندي|لي|\w{2,}ني)(?!\w)"
)
#: "She tells me" says of whoever writes that they were told, and no more.
_WAS_TOLD = re.compile(
    r"(?<!\w)(?:(?:tells?|told) (?:me|us)|(?:says?|said|spoke|talks?|talked) to (?:me|us)"
    r"|(?:m'a|m'ont|nous a|nous ont) (?:dit|raconte|confie|parle)|me (?:dit|raconte)|nous (?:dit|raconte)"
    r"|(?:me|nos) (?:dijo|dice|ha dicho|conto|cuenta|confio)|(?:قالت?|حكت?|تقول|يقول) (?:لي|لنا)|(?:اخبرتني"
    r"|اخبرني))(?!\w)"
)
#: What is looked for where somebody must get away from danger.
SHELTER = "shelter"

#: "1 for yes, 2 for no", in whichever digits a phone writes.
DIGITS = str.maketrans("١٢۱۲", "1212")
YES_OR_NO = re.compile(r"\W*([12])\W*")
#: "Are you safe right now?" is answered with yes by a tap, or by a clear yes in words that were reviewed as one, or of
#: which the heads are as sure. One letter, a knife as a picture, "maybe" and "ok" are taken for a yes too, only less
#: surely or as a sign that something was read.
SURELY_SAID = 0.98
#: After the question of a text nobody has been called yet: so many unclear answers bring a person.
UNCLEAR_ANSWERS = 2


def officer_actions(
    services: Services, answering: Answering, translate: Translate, default_country: str | None
) -> list[Action]:
    parts = (services, answering, default_country)
    return [
        CallOfficer(*parts),
        DangerInReport(*parts),
        Safe(*parts),
        Unsafe(*parts),
        StillHere(*parts),
        TellWhereToHide(*parts),
        AskPerson(*parts),
        HandOverAttachment(*parts),
        AskReportNow(*parts),
        ReportCase(*parts),
        ValidateReportForm(),
        BeginReport(services, translate),
        ForgetReport(),
    ]


class OfficerAction(Action):  # type: ignore[misc]
    """An action whose words begin with the number to call, and promise a person only where one is there."""

    def __init__(self, services: Services, answering: Answering, default_country: str | None) -> None:
        self._services = services
        self._answering = answering
        self._default_country = default_country

    async def say(self, dispatcher: Any, tracker: Any, response: str) -> None:
        number = await number_to_call(self._services, tracker, self._default_country)
        promised = await self._answering.sentences(language_of(tracker))
        dispatcher.utter_message(response=response, emergency_number=number, **promised)

    async def hear_where(self, tracker: Any) -> list[dict[str, Any]]:
        """What the message tells of where whoever is in danger is. The number that is said next is already theirs.

        A wrong number costs more than a place that was not understood: what fails here fails silently.
        """
        told = await shared_location(self._services, tracker)
        if not told:
            told = await whereabouts(self._services, tracker, self._default_country, answering=True)
        tracker.slots.update(told)
        return [SlotSet(*slot) for slot in told.items()]

    async def hear_town(self, tracker: Any) -> list[dict[str, Any]]:
        """ "A safe place in Ventimiglia" names where it is to be, if there is one of that name only."""
        named = entity(tracker, "place")
        if named is None:
            return []
        try:
            country = country_of(tracker, self._default_country)
            found = await self._services.resolve_place(str(named), country=country, language=language_of(tracker))
        except Exception:
            found = []
        slots = place_slots(found[0], found[0].name) if len(found) == 1 else {}
        tracker.slots.update(slots)
        return [SlotSet(*slot) for slot in slots.items()]


class CallOfficer(OfficerAction):
    """Words for this danger, and an officer. The screen's code and level arrive as entities."""

    def name(self) -> str:
        return "action_call_officer"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        reason, priority = _heard(tracker)
        again = reason == tracker.get_slot("danger_reason") and tracker.get_slot("safety_question")
        told = await self.hear_where(tracker)
        speaks_for_child = bool(fact(tracker, "reporter") or (again and tracker.get_slot("speaks_for_child")))
        speaks_for_child = speaks_for_child or _worker_tells_of_another(tracker, reason)
        if reason in ONE_VOICE and not _is_worker(tracker):
            speaks_for_child = False
        response = _known(domain, "utter_danger_", reason)
        await self.say(dispatcher, tracker, "utter_danger_again" if again else response)
        call_officer(dispatcher, reason, priority, answers_of(tracker))
        return [
            *told,
            *([SlotSet("audience", "worker")] if speaks_for_child and _says_to_work(tracker) else []),
            SlotSet("speaks_for_child", speaks_for_child),
            SlotSet("danger_reason", reason),
            SlotSet("safety_question", True),
            SlotSet("asked_by_text", None),
            SlotSet("misunderstood", None),
            *forgotten(),  # the officer has them; the next one who is called may be called for another child
        ]


class DangerInReport(CallOfficer):
    """Danger while a report is written. Who reports it is told what to do, and goes on where they were; the words are
    kept. Who is in danger themselves is asked nothing more of the report."""

    def name(self) -> str:
        return "action_danger_in_report"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        reason, priority = _heard(tracker)
        if not _tells_of_a_child(tracker, reason):
            return [*await super().run(dispatcher, tracker, domain), SlotSet(GOES_ON, False)]
        again = reason == tracker.get_slot("danger_reason") and tracker.get_slot(GOES_ON)
        where = await self.hear_where(tracker)
        response = _known(domain, "utter_report_danger_", reason)
        await self.say(dispatcher, tracker, "utter_report_danger_again" if again else response)
        answered, told = words_of_danger(tracker)
        call_officer(dispatcher, reason, priority, told, goes_on=has_called(tracker))
        return [
            *where,
            *(SlotSet(name, said) for name, said in answered.items()),
            SlotSet("speaks_for_child", True),
            SlotSet("danger_reason", reason),
            SlotSet("misunderstood", None),
            SlotSet(GOES_ON, True),
        ]


def _heard(tracker: Any) -> tuple[str, str]:
    """The screen's code and level."""
    priority = entity(tracker, "priority")
    return str(entity(tracker, "reason") or "immediate_danger"), priority if priority in PRIORITIES else "P0"


def _known(domain: Any, response: str, reason: str) -> str:
    """The words for a code. One that nobody has words for is answered as danger."""
    return f"{response}{reason}" if f"{response}{reason}" in domain["responses"] else f"{response}immediate_danger"


def _clearly_says_yes(tracker: Any) -> bool:
    """Whether the message is the yes it was taken for, beyond doubt."""
    confidence = (tracker.latest_message.get("intent") or {}).get("confidence")
    said = said_in_words(tracker)
    return (confidence is None or float(confidence) >= SURELY_SAID) and (not said or says_yes(said))


def _says_to_work(tracker: Any) -> bool:
    """Whether they say what their work is, and nobody knows them as a child."""
    return tracker.get_slot("audience") != "child" and says_to_work(said_in_words(tracker))


def _is_worker(tracker: Any) -> bool:
    return tracker.get_slot("audience") == "worker" or _says_to_work(tracker)


def _worker_tells_of_another(tracker: Any, reason: str) -> bool:
    """Whether a worker writes, and not of themselves: "he keeps her passport" needs no other sign of a child."""
    said = _WAS_TOLD.sub(" ", without_introduction(said_in_words(tracker)))
    known = _is_worker(tracker) and reason not in ONE_VOICE | OF_ONESELF
    return known and bool(said.strip()) and _OF_ONESELF.search(said) is None


def _tells_of_a_child(tracker: Any, reason: str) -> bool:
    """Whether whoever writes a report tells of a child, and is not the one in danger. In doubt they are."""
    if not said_in_words(tracker):  # a button says it of whoever presses it
        return False
    audience = tracker.get_slot("audience")
    if audience == "worker":
        return bool(reason not in OF_ONESELF or fact(tracker, "reporter"))
    return bool(audience != "child" and fact(tracker, "reporter") and reason not in ONE_VOICE)


class Safe(OfficerAction):
    """The person says they are safe, and is believed where that is surely what they said; else they are asked again.
    The case stays open: a human decides when it is over."""

    def name(self) -> str:
        return "action_safe"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        if not _clearly_says_yes(tracker):
            again = StillHere(self._services, self._answering, self._default_country)
            return list(await again.run(dispatcher, tracker, domain))
        return await self.believe(dispatcher, tracker)

    async def believe(self, dispatcher: Any, tracker: Any) -> list[dict[str, Any]]:
        told = await self.hear_where(tracker)
        nobody_called = tracker.get_slot("asked_by_text")
        await self.say(dispatcher, tracker, "utter_safe_asked_by_text" if nobody_called else "utter_safe")
        return [*told, SlotSet("safety_question", None), SlotSet("asked_by_text", None), SlotSet("misunderstood", None)]


class Unsafe(OfficerAction):
    """Not safe now: the highest level, whatever it was before."""

    def name(self) -> str:
        return "action_unsafe"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        in_report = tracker.active_loop.get("name") == "report_form"
        told = await self.hear_where(tracker)
        await self.say(dispatcher, tracker, "utter_report_unsafe" if in_report else "utter_unsafe")
        call_officer(dispatcher, str(tracker.get_slot("danger_reason") or "immediate_danger"), "P0")
        if in_report:
            return told
        return [*told, SlotSet("safety_question", True), SlotSet("asked_by_text", None), SlotSet("misunderstood", None)]


class StillHere(OfficerAction):
    """Small or unclear words, or a place, while nobody knows yet whether the person is safe: the question again.

    It comes with the number to call where they have said to be. A number is the answer to it. Where only a text has
    asked, a person is brought before it is asked a third time.
    """

    def __init__(self, services: Services, answering: Answering, default_country: str | None) -> None:
        super().__init__(services, answering, default_country)
        self._safe = Safe(services, answering, default_country)
        self._unsafe = Unsafe(services, answering, default_country)

    def name(self) -> str:
        return "action_still_here"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        number = YES_OR_NO.fullmatch(str(tracker.latest_message.get("text") or "").translate(DIGITS))
        if number is not None:
            if number[1] == "1":
                return await self._safe.believe(dispatcher, tracker)
            return list(await self._unsafe.run(dispatcher, tracker, domain))
        told = await self.hear_where(tracker)
        if not tracker.get_slot("asked_by_text"):
            shared = tracker.latest_message["intent"]["name"] == "share_location"
            await self.say(dispatcher, tracker, "utter_place_kept" if shared else "utter_danger_again")
            return told
        times = int(tracker.get_slot("misunderstood") or 0) + 1
        if times < UNCLEAR_ANSWERS:
            await self.say(dispatcher, tracker, "utter_danger_again")
            return [*told, SlotSet("misunderstood", times)]
        await self.say(dispatcher, tracker, "utter_person_called")
        call_officer(dispatcher, "understanding_failed", "P2")
        return [*told, SlotSet("asked_by_text", None), SlotSet("misunderstood", None)]


class TellWhereToHide(OfficerAction):
    """What they can do at once, and the officer hears that they are not safe. Services only where a place is known:
    whoever has to name a town first is answered too late."""

    def name(self) -> str:
        return "action_tell_where_to_hide"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        told = [*await self.hear_where(tracker), *await self.hear_town(tracker)]
        await self.say(dispatcher, tracker, "utter_where_to_hide")
        call_officer(dispatcher, str(tracker.get_slot("danger_reason") or "immediate_danger"), "P0")
        asked = {"safety_question": True, "asked_by_text": None, "misunderstood": None}
        events = [*told, *(SlotSet(*slot) for slot in asked.items())]
        if place_of(tracker) is None:
            return events
        return [
            *events,
            SlotSet("need", SHELTER),
            SlotSet("wishes", ["open_now"]),
            FollowupAction("action_find_service"),
        ]


class AskPerson(OfficerAction):
    """Somebody wants a human. Nobody has to say why; who asks something in the same message is answered as well."""

    def name(self) -> str:
        return "action_ask_person"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        told = await self.hear_where(tracker)
        if entity(tracker, "need"):
            told += await self.hear_town(tracker)
        await self.say(dispatcher, tracker, "utter_person_called")
        call_officer(dispatcher, "asked_for_person", "P2", answers_of(tracker))
        asked = {"safety_question": True, "asked_by_text": None, "speaks_for_child": False, "misunderstood": None}
        return [*told, *(SlotSet(*slot) for slot in asked.items()), *forgotten(), *_answers_too(tracker)]


def _answers_too(tracker: Any) -> list[dict[str, Any]]:
    """What answers the question beside the wish for a person. A need whose town is not known is kept for when it is:
    "where are you?" must not be asked beside "are you safe right now?", which a "no" answers."""
    if entity(tracker, "procedure"):
        return [FollowupAction("action_answer_procedure")]
    need = entity(tracker, "need")
    if not need:
        return []
    followed = [FollowupAction("action_find_service")] if place_of(tracker) is not None else []
    return [SlotSet("need", str(need)), *followed]


class HandOverAttachment(OfficerAction):
    """A voice message may be a child who cannot write: it waits no longer than a disclosure would."""

    def name(self) -> str:
        return "action_hand_over_attachment"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        await self.say(dispatcher, tracker, "utter_attachment_handed_over")
        call_officer(dispatcher, "attachment", "P1" if fact(tracker, "attachment") == "voice" else "P2")
        return []


class AskReportNow(OfficerAction):
    """The first question of a report, with the number to call before anything is written."""

    def name(self) -> str:
        return "action_ask_report_now"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        await self.say(dispatcher, tracker, "utter_ask_report_now")
        return []


class ReportCase(OfficerAction):
    """A worker's report is whole. The officer was called with the third answer, and told each of the others."""

    def name(self) -> str:
        return "action_report_case"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        await self.say(dispatcher, tracker, "utter_report_sent")
        # A child who reports stays a child: what they ask afterwards is answered in a child's words.
        return forgotten() if tracker.get_slot("audience") == "child" else [*forgotten(), SlotSet("audience", "worker")]
