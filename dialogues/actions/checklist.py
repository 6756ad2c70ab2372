"""Going through the steps of a procedure one by one, and reporting a red flag on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from dialogues.actions.answer import person_button, steps_button, validity, why_button
from dialogues.actions.answering import Answering
from dialogues.actions.calling import asked_whether_safe, call_officer
from dialogues.actions.ports import Services
from dialogues.actions.procedures import ProcedureAction
from dialogues.actions.progress import done_steps, mark_of, progress
from dialogues.actions.reading import button, entity, language_of, number_to_call, remember_offer
from dialogues.actions.shelf import Shelf
from dialogues.knowledge import Audience, Procedure, Procedures
from dialogues.knowledge.asking import asks_whether_safe
from dialogues.runtime.payload import payload
from dialogues.runtime.responses import Translate

#: What a red flag of a procedure is to the duty officer; of the others, a worker's report.
REASONS = {
    "adult_with_child": "non_parent_adult",
    "trafficking_indicators": "trafficking",
    "border_nonrefoulement": "removal_imminent",
    "return_reintegration": "removal_imminent",
    "detention_alternatives": "detention",
    "missing_child": "missing_child",
    "sexual_violence": "sexual_abuse",
    "abuse_report": "physical_abuse",
    "child_marriage": "child_marriage",
    "child_labour": "labour_exploitation",
    "online_exploitation": "online_sexual",
    "self_harm": "suicide_self_harm",
    "emergency_care": "homeless_tonight",
    "armed_group": "armed_recruitment",
    "staff_misconduct": "staff_misconduct",
    "health_records": "medical_emergency",
}
#: Where a flag can mean a life within hours. Between two levels we go up.
AT_ONCE = frozenset({"missing_child", "self_harm", "sexual_violence", "health_records"})


def checklist_actions(
    procedures: Procedures,
    services: Services,
    answering: Answering,
    translate: Translate,
    today: Callable[[], date],
    default_country: str | None,
) -> list[Action]:
    parts = (Shelf(procedures, today, default_country), services, answering, translate, default_country)
    return [ProcedureFlags(*parts), ProcedureStep(*parts), ReportRedFlag(*parts)]


class ProcedureStep(ProcedureAction):
    """The next step that is not done yet. `done` and `skip` name the step just shown; `done: 0` begins anew."""

    def name(self) -> str:
        return "action_procedure_step"

    async def show(self, dispatcher: Any, text: Procedure, tracker: Any) -> list[dict[str, Any]]:
        ticked, passed = _step(entity(tracker, "done"), text), _step(entity(tracker, "skip"), text)
        done = set() if entity(tracker, "done") == 0 else set(done_steps(text, tracker))
        if ticked:
            done.add(ticked)
        number = self._say_next(dispatcher, text, done, ticked or passed, language_of(tracker))
        marks = [mark_of(text.steps[each - 1]) for each in sorted(done)]
        told = [
            SlotSet("steps_done", {**progress(tracker), text.key: marks}),
            SlotSet("step_shown", {"procedure": text.key, "step": number} if number else None),
        ]
        asks = number > 0 and text.asks_safety and asks_whether_safe(text.steps[number - 1], text.language)
        return [*told, *asked_whether_safe(tracker)] if asks else told

    def _say_next(self, dispatcher: Any, text: Procedure, done: set[int], after: int, language: str) -> int:
        """Say the step that comes next, or that there is none. Returns its number, 0 for none."""
        translate, total = self._translate, len(text.steps)
        following: list[int] = [*range(after + 1, total + 1), *range(1, after + 1)]
        number = next((number for number in following if number not in done), None)
        if number is None:
            buttons = [
                button(translate(language, "Begin again"), payload("procedure_step", procedure=text.key, done=0)),
                why_button(text, translate, language),
                person_button(translate, language),
            ]
            if text.red_flags:
                buttons.insert(0, flags_button(text, translate, language))
            said = translate(language, "All {total} steps are done.").format(total=total)
            dispatcher.utter_message(text=f"{text.title}\n{said}", buttons=buttons)
            return 0
        said = translate(language, "Step {number} of {total}. Done so far: {done}.").format(
            number=number, total=total, done=len(done)
        )
        heading = said if text.audience is Audience.CHILD else f"{text.title}\n{said}"
        if not done and text.newer_since is not None and text.audience is Audience.WORKER:
            heading = f"{heading}\n{validity(text, language, translate)}"
        dispatcher.utter_message(
            text=f"{heading}\n\n{number}. {text.steps[number - 1]}",
            buttons=[
                button(translate(language, "Done"), payload("procedure_step", procedure=text.key, done=number)),
                button(translate(language, "Later"), payload("procedure_step", procedure=text.key, skip=number)),
                steps_button(text, translate, language),
                *([flags_button(text, translate, language)] if text.red_flags else []),
                person_button(translate, language),
            ],
        )
        return number


class ProcedureFlags(ProcedureAction):
    """The red flags, each with a button that makes a case of it."""

    def name(self) -> str:
        return "action_procedure_flags"

    async def show(self, dispatcher: Any, text: Procedure, tracker: Any) -> list[dict[str, Any]]:
        translate, language = self._translate, language_of(tracker)
        reports = {
            flag: payload("red_flag", procedure=text.key, flag=number) for number, flag in enumerate(text.red_flags, 1)
        }
        buttons = [
            button(translate(language, "Report this case now: {flag}").format(flag=flag), report)
            for flag, report in reports.items()
        ]
        said = translate(language, "Is one of these true of this child? Then report the case now.")
        flags = "\n".join(f"⚠ {flag}" for flag in text.red_flags)
        dispatcher.utter_message(
            text=f"{text.title}\n{said}\n\n{flags}", buttons=[*buttons, person_button(translate, language)]
        )
        goes_on = payload("procedure_step", procedure=text.key)
        return [remember_offer(payload("red_flag", procedure=text.key), goes_on, reports)]


class ReportRedFlag(ProcedureAction):
    """Somebody pressed a red flag: a duty officer is called first, what else there is to know is asked after that."""

    def name(self) -> str:
        return "action_report_red_flag"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        key = self.wanted(tracker) or ""
        text = self._shelf.find(key, tracker)
        flag = entity(tracker, "flag")
        flags = text.red_flags if text is not None else ()
        # A button of an older text may name a flag that is gone: the case is made all the same.
        known = isinstance(flag, int) and 1 <= flag <= len(flags)
        words = flags[int(flag) - 1] if known else self._translate(language_of(tracker), "a red flag")
        number = await number_to_call(self._services, tracker, self._default_country)
        promised = await self._answering.sentences(language_of(tracker))
        dispatcher.utter_message(response="utter_red_flag_reported", emergency_number=number, flag=words, **promised)
        call_officer(dispatcher, REASONS.get(key, "report_case"), "P0" if key in AT_ONCE else "P1")
        return [SlotSet("audience", "worker"), SlotSet("misunderstood", None)]


def flags_button(text: Procedure, translate: Any, language: str) -> dict[str, str]:
    return button(translate(language, "Red flags"), payload("procedure_flags", procedure=text.key))


def _step(value: Any, text: Procedure) -> int:
    """A step of the text that a button named, 0 for anything else."""
    return value if type(value) is int and 1 <= value <= len(text.steps) else 0
