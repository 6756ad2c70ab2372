"""What the message path says itself, where no dialogue speaks: the few sentences that must be there when all else
fails, and those that no dialogue may change."""

from __future__ import annotations

from bot.conversations.model import MessageClass, Wording
from bot.conversations.ports import Texts
from bot.kernel.words import N_

#: Said when a part of the program failed; a human is called in the same breath.
NOT_UNDERSTOOD = N_("I could not read your message. A person will read it and answer you here.")
IN_DANGER = N_("Call {number} now if you are in danger. A person will read this and answer you here.")
#: The same while nobody is there who could answer.
NOT_UNDERSTOOD_YET = N_("I could not read your message. I keep it for a person.")
IN_DANGER_ALONE = N_("Call {number} now if you are in danger.")
NO_GROUPS = N_("I do not answer in groups, to keep people safe. Please write to me alone.")
IN_DANGER_ELSEWHERE = N_("Danger now? Call {number}.")
PAGES_ONLY = N_("This chat only brings alarms. Please answer people on the desk.")
PHONE_PAIRED = N_("This chat will now bring you alarms. They never hold names or words of people.")

#: Said where somebody else may hold the phone: what any list of services would say.
NEUTRAL = N_("Hello. I can tell you about schools, doctors and language classes. Which town are you in?")
NEUTRAL_AGAIN = N_("I did not find anything for that. Ask me about a school, a doctor or a language class.")
NEUTRAL_NUMBER = N_("The number for emergencies here is {number}.")


def not_understood(words: Texts, language: str, *, somebody_answers: bool, number: str) -> Wording:
    """To somebody whose message could not be worked on. Nobody knows what stood in it: whom to call is said as well."""
    text = words.text(language, NOT_UNDERSTOOD if somebody_answers else NOT_UNDERSTOOD_YET)
    text = f"{text}\n{words.text(language, IN_DANGER_ELSEWHERE, number=number)}"
    return Wording(text, MessageClass.SAFETY, template="not_understood")


def in_danger(words: Texts, language: str, number: str, *, somebody_answers: bool) -> Wording:
    """To somebody in danger whom no dialogue answers."""
    text = words.text(language, IN_DANGER if somebody_answers else IN_DANGER_ALONE, number=number)
    return Wording(text, MessageClass.SAFETY, template="in_danger")
