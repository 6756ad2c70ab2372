"""How far the work on a case has come, and which right each step asks for: statuses and transitions as data.

Beside the three states of the queue (waiting, held, closed), which are about who answers, a stage says what is being
done. Each step is a right of its own, so that an agency can say who plans and who only assesses.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from bot.kernel.access import Permission
from bot.kernel.words import N_


class Stage(StrEnum):
    """What is being done."""

    REGISTERED = "registered"
    ASSESSMENT = "assessment"
    AWAITING_CONSENT = "awaiting_consent"
    IN_PLAN = "in_plan"
    MONITORING = "monitoring"


STAGES: Mapping[str, str] = MappingProxyType(
    {
        Stage.REGISTERED: N_("registered"),
        Stage.ASSESSMENT: N_("being assessed"),
        Stage.AWAITING_CONSENT: N_("waits for consent"),
        Stage.IN_PLAN: N_("plan under way"),
        Stage.MONITORING: N_("followed up"),
    }
)

#: Every lawful step, with its right. Nothing has to wait for consent or a plan to protect: one can always go back.
STEPS: Mapping[tuple[Stage, Stage], Permission] = MappingProxyType(
    {
        (Stage.REGISTERED, Stage.ASSESSMENT): Permission.CASE_ASSESS,
        (Stage.ASSESSMENT, Stage.AWAITING_CONSENT): Permission.CASE_AWAIT_CONSENT,
        (Stage.ASSESSMENT, Stage.IN_PLAN): Permission.CASE_PLAN,
        (Stage.AWAITING_CONSENT, Stage.IN_PLAN): Permission.CASE_PLAN,
        (Stage.AWAITING_CONSENT, Stage.ASSESSMENT): Permission.CASE_ASSESS,
        (Stage.IN_PLAN, Stage.MONITORING): Permission.CASE_MONITOR,
        (Stage.IN_PLAN, Stage.ASSESSMENT): Permission.CASE_ASSESS,
        (Stage.MONITORING, Stage.IN_PLAN): Permission.CASE_PLAN,
        (Stage.MONITORING, Stage.ASSESSMENT): Permission.CASE_ASSESS,
    }
)


def steps_from(stage: str) -> Mapping[Stage, Permission]:
    """Where the work can go from here."""
    return {after: permission for (before, after), permission in STEPS.items() if before == stage}
