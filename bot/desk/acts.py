"""What happened to a case, as sentences. `{name}` is who did it, `{other}` whom it concerns."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.kernel.words import N_

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "offered": N_("{name} offers the case to {other}"),
        "offer_declined": N_("{name} declined the case"),
        "offer_withdrawn": N_("{name} took the offer back"),
        "offer_lapsed": N_("{other} did not answer the offer in time"),
        "recorded": N_("{name} wrote to the record"),
        "task_added": N_("{name} added a task"),
        "task_done": N_("{name} finished a task"),
        "risk_assessed": N_("{name} assessed the risk"),
        "risk_signed": N_("{name} signed a lower risk"),
        "stage": N_("{name} took the next step"),
        "contact": N_("{name} wrote down a conversation"),
        "consent_recorded": N_("{name} recorded a consent"),
        "assent_recorded": N_("{name} recorded what the child says"),
        "override_recorded": N_("{name} asks to share without consent"),
        "override_seconded": N_("{name} agreed to share without consent"),
        "consent_withdrawn": N_("{name} recorded that consent was withdrawn"),
        "recipient_stopped": N_("A recipient stopped using what they had"),
    }
)
