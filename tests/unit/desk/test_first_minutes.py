"""What stands beside a talk leads to something that exists."""

from __future__ import annotations

from bot.app import DIALOGUES
from bot.cases.reasons import REASONS
from bot.desk.first_minutes import (
    FIRST_CONTACT,
    FIRST_MINUTES,
    PROCEDURES,
    SAFE_NOW,
    THANK,
    first_minutes,
    procedure_for,
)
from dialogues.knowledge import Procedures
from dialogues.understanding.screen import CRISES


def test_every_reason_leads_to_a_procedure_that_is_there():
    known = set(Procedures.load_shipped(DIALOGUES / "procedures").keys)

    assert set(PROCEDURES) <= set(REASONS)
    assert {procedure_for(reason) for reason in [*REASONS, "unknown"]} <= known
    assert procedure_for("unknown") == FIRST_CONTACT


def test_every_crisis_has_first_minutes_of_its_own():
    assert set(FIRST_MINUTES) <= set(REASONS)
    assert not [reason for reason in (*CRISES, "duress") if reason not in FIRST_MINUTES]


def test_where_somebody_else_may_hold_the_phone_nobody_is_told_to_ask_or_to_say_what_it_is_about():
    advice = first_minutes("duress")

    assert not {SAFE_NOW, THANK} & {*advice.steps, *advice.never}
    assert any("Never ask if they are safe" in rule for rule in advice.never)
