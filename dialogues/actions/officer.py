"""Bringing in a human: danger, a wish for a person, a report, something only a person can look at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from dialogues.actions.ports import Services
from dialogues.actions.reading import entity, fact, number_to_call
from dialogues.actions.report import BeginReport, ForgetReport, ValidateReportForm, answers_of, forgotten
from dialogues.actions.whereabouts import shared_location, whereabouts

#: In messages about these, "he" is the one with the knife, seldom the child. The words to the child suit whoever
#: writes; only a known worker gets the others.
ONE_VOICE = frozenset({"immediate_danger", "threats", "kidnap_ransom", "hate_violence"})
PRIORITIES = ("P0", "P1", "P2", "P3")


def officer_actions(services: Services, default_country: str | None) -> list[Action]:
    parts = (services, default_country)
    return [
        CallOfficer(*parts),
        Safe(*parts),
        Unsafe(*parts),
        StillHere(*parts),
        AskPerson(*parts),
        HandOverAttachment(*parts),
        AskReportNow(*parts),
        ReportCase(*parts),
        ValidateReportForm(),
        BeginReport(),
        ForgetReport(),
    ]


def call_officer(dispatcher: Any, reason: str, priority: str, report: Mapping[str, str] | None = None) -> None:
    """Ask the host for a human. It carries no words but those of a report that was begun: the officer reads the
    conversation."""
    call = {"waymark": "call_officer", "reason": reason, "priority": priority}
    dispatcher.utter_message(json_message={**call, "report": report} if report else call)


class OfficerAction(Action):  # type: ignore[misc]
    """An action whose words begin with the number to call."""

    def __init__(self, services: Services, default_country: str | None) -> None:
        self._services = services
        self._default_country = default_country

    async def say(self, dispatcher: Any, tracker: Any, response: str) -> None:
        number = await number_to_call(self._services, tracker, self._default_country)
        dispatcher.utter_message(response=response, emergency_number=number)

    async def hear_where(self, tracker: Any) -> list[dict[str, Any]]:
        """What the message tells of where whoever is in danger is. The number that is said next is already theirs.

        A wrong number costs more than a place that was not understood: what fails here fails silently.
        """
        told = await shared_location(self._services, tracker)
        if not told:
            told = await whereabouts(self._services, tracker, self._default_country, answering=True)
        tracker.slots.update(told)
        return [SlotSet(*slot) for slot in told.items()]


class CallOfficer(OfficerAction):
    """Words for this danger, and an officer. The screen's code and level arrive as entities."""

    def name(self) -> str:
        return "action_call_officer"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        reason = str(entity(tracker, "reason") or "immediate_danger")
        priority = entity(tracker, "priority")
        again = reason == tracker.get_slot("danger_reason") and tracker.get_slot("safety_question")
        told = await self.hear_where(tracker)
        speaks_for_child = bool(fact(tracker, "reporter") or (again and tracker.get_slot("speaks_for_child")))
        if reason in ONE_VOICE and tracker.get_slot("audience") != "worker":
            speaks_for_child = False
        response = f"utter_danger_{reason}"
        if response not in domain["responses"]:
            response = "utter_danger_immediate_danger"
        await self.say(dispatcher, tracker, "utter_danger_again" if again else response)
        call_officer(dispatcher, reason, priority if priority in PRIORITIES else "P0", answers_of(tracker))
        return [
            *told,
            SlotSet("speaks_for_child", speaks_for_child),
            SlotSet("danger_reason", reason),
            SlotSet("safety_question", True),
            SlotSet("misunderstood", None),
            *forgotten(),  # the officer has them; the next one who is called may be called for another child
        ]


class Safe(OfficerAction):
    """The person says they are safe. The case stays open: a human decides when it is over."""

    def name(self) -> str:
        return "action_safe"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        told = await self.hear_where(tracker)
        await self.say(dispatcher, tracker, "utter_safe")
        return [*told, SlotSet("safety_question", None)]


class Unsafe(OfficerAction):
    """Not safe now: the highest level, whatever it was before."""

    def name(self) -> str:
        return "action_unsafe"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        told = await self.hear_where(tracker)
        await self.say(dispatcher, tracker, "utter_unsafe")
        call_officer(dispatcher, str(tracker.get_slot("danger_reason") or "immediate_danger"), "P0")
        return told


class StillHere(OfficerAction):
    """Small or unclear words, or a place, while nobody knows yet whether the person is safe: the question again.

    It comes with the number to call where they have said to be.
    """

    def name(self) -> str:
        return "action_still_here"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        told = await self.hear_where(tracker)
        await self.say(dispatcher, tracker, "utter_danger_again")
        return told


class AskPerson(OfficerAction):
    """Somebody wants a human. Nobody has to say why."""

    def name(self) -> str:
        return "action_ask_person"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        told = await self.hear_where(tracker)
        await self.say(dispatcher, tracker, "utter_person_called")
        call_officer(dispatcher, "asked_for_person", "P2", answers_of(tracker))
        asked = [SlotSet("safety_question", True), SlotSet("speaks_for_child", False), SlotSet("misunderstood", None)]
        return [*told, *asked, *forgotten()]


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
