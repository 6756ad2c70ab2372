"""A case typed at the desk, with what was typed of the person: nobody writes a name twice, nor loses the number that
somebody called from."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy.engine import Connection

from bot.cases import intake
from bot.cases.hand import Hand, note_down
from bot.cases.intake import Arrival
from bot.cases.model import Case
from bot.cases.record import service
from bot.cases.record.fields import FIELDS, WrongValue, checked
from bot.kernel.words import N_

#: The record asks for a safe way to reach somebody. That a number is one has nobody said yet.
TYPED_PHONE = N_("Phone, as it was typed when the case was opened: {phone}. Ask whether it is safe to call it.")


def open_case(tx: Connection, hand: Hand, arrival: Arrival, *, proof: str) -> Case:
    """Open a case for somebody who does not write to us. Raises what `intake.open_case` raises."""
    case = intake.open_case(tx, hand, arrival, proof=proof)
    facts = {}
    for code, typed in (("name", arrival.wanted.name), ("born", arrival.wanted.born)):
        with suppress(WrongValue):  # "about 2011" is what one looks by, and no date of birth
            if value := checked(FIELDS[code], [typed]):
                facts[code] = value
    service.take_in(tx, hand, case, facts)
    if phone := arrival.wanted.phone.strip():
        language = hand.officer.languages[0] if hand.officer.languages else "en"
        note_down(tx, hand, case, hand.words.text(language, TYPED_PHONE, phone=phone))
    return case
