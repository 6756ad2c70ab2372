"""The custom actions of Waymark's own dialogues.

`build_actions` is cheap and imports no rasa_sdk; the actions are made when the first of them is needed, or `warm`ed.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from dialogues.actions.answering import Answering, SomebodyAnswers, always
from dialogues.actions.ports import Services
from dialogues.runtime.custom_actions import SdkActions
from dialogues.runtime.responses import Translate

if TYPE_CHECKING:
    from dialogues.knowledge import Procedures

#: Every action `build_actions` provides, as the domain lists them.
ACTION_NAMES = (
    "action_answer_procedure",
    "action_ask_person",
    "action_ask_place",
    "action_ask_report_now",
    "action_call_officer",
    "action_change_language",
    "action_danger_in_report",
    "action_find_service",
    "action_forget_place",
    "action_begin_report",
    "action_forget_report",
    "action_hand_over_attachment",
    "action_look_up",
    "action_narrow",
    "action_none_of_these",
    "action_not_understood",
    "action_pass_on",
    "action_procedure_contacts",
    "action_procedure_flags",
    "action_procedure_like",
    "action_procedure_where",
    "action_procedure_now",
    "action_procedure_step",
    "action_procedure_steps",
    "action_procedure_why",
    "action_report_case",
    "action_report_red_flag",
    "action_safe",
    "action_say_hello",
    "action_service_wrong",
    "action_show_no_question",
    "action_show_question",
    "action_show_way",
    "action_still_here",
    "action_tell_me",
    "action_tell_nothing",
    "action_tell_where_to_hide",
    "action_unsafe",
    "action_use_location",
    "validate_report_form",
    "validate_service_form",
)


def today_in_utc() -> date:
    return datetime.now(UTC).date()


def build_actions(
    services: Services,
    procedures: Procedures,
    translate: Translate,
    *,
    today: Callable[[], date] = today_in_utc,
    default_country: str | None = None,
    somebody_answers: SomebodyAnswers = always,
) -> SdkActions:
    """The actions, for `Engine.load(..., actions=...)`.

    `today` decides which texts are in force; `default_country` (ISO 3166-1 alpha-2) is assumed until a person names
    a place elsewhere; `somebody_answers` tells at each moment whether the texts may promise a person.
    """

    def make() -> list[object]:
        from dialogues.actions.checklist import checklist_actions
        from dialogues.actions.look_up import look_up_actions
        from dialogues.actions.officer import officer_actions
        from dialogues.actions.procedures import procedure_actions
        from dialogues.actions.results import result_actions
        from dialogues.actions.services import service_actions
        from dialogues.actions.talk import talk_actions

        answering = Answering(somebody_answers, translate)
        return [
            *officer_actions(services, answering, translate, default_country),
            *procedure_actions(procedures, services, answering, translate, today, default_country),
            *checklist_actions(procedures, services, answering, translate, today, default_country),
            *look_up_actions(procedures, services, answering, translate, today, default_country),
            *service_actions(services, answering, translate, default_country),
            *result_actions(services, translate),
            *talk_actions(procedures, services, answering, translate, today, default_country),
        ]

    return SdkActions(ACTION_NAMES, make)
