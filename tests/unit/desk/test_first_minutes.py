"""What stands beside a talk leads to something that exists."""

from __future__ import annotations

from bot.app import DIALOGUES
from bot.cases.reasons import REASONS
from bot.desk.first_minutes import FIRST_CONTACT, PROCEDURES, procedure_for
from dialogues.knowledge import Procedures


def test_every_reason_leads_to_a_procedure_that_is_there():
    known = set(Procedures.load_shipped(DIALOGUES / "procedures").keys)

    assert set(PROCEDURES) <= set(REASONS)
    assert {procedure_for(reason) for reason in [*REASONS, "unknown"]} <= known
    assert procedure_for("unknown") == FIRST_CONTACT
