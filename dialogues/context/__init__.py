"""What words mean by where they stand: those that agree to what was just offered, that say which red flag is true, that
open a search, that only say what somebody's work is, that narrow results just shown, say that one was wrong or name
another place, that ask on about a text just given, that tell a child's way through countries, that ask what to do
about danger or for a way out of it, that say whom they fear has come, that a child is to be reported or, whatever
else is said, that a person is wanted. The live path and the talks go through here."""

from __future__ import annotations

from dialogues.context.acting import as_acting
from dialogues.context.agreeing import as_agreeing
from dialogues.context.arriving import as_arriving
from dialogues.context.asking_for_a_person import as_asking_for_a_person
from dialogues.context.asking_on import as_follow_up, given_a_text
from dialogues.context.elsewhere import as_elsewhere
from dialogues.context.flagging import as_flag
from dialogues.context.found_wrong import as_found_wrong
from dialogues.context.hiding import as_hiding
from dialogues.context.introducing import as_introduction
from dialogues.context.journeying import as_journey
from dialogues.context.looking_up import as_look_up
from dialogues.context.narrowing import as_narrowing
from dialogues.context.reporting import as_reporting
from dialogues.runtime.model import DialogueState, UserMessage


def in_context(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as it is meant after what `state` remembers. Danger and a tap stay what they are."""
    meant = as_introduction(as_look_up(as_flag(as_agreeing(message, state), state)), state)
    meant = as_elsewhere(as_found_wrong(as_narrowing(meant, state.events), state), state)
    # "The steps" are those of a text in sight; where none was read yet, the whole of it.
    reads = given_a_text(state.events)
    for way in (as_follow_up, as_acting) if reads else (as_acting, as_follow_up):
        meant = way(meant, state)
    meant = as_reporting(as_hiding(as_journey(meant, state), state), state)
    return as_asking_for_a_person(as_arriving(meant, state), state)
