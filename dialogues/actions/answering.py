"""Whether a person can answer now, in the sentences that promise it.

Only the host knows who is there. A text that promises a person has the promise on a line of its own, as a place for
one of these sentences: where nobody is there the line is left out, and the rest of the text is as true as before.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Final

from dialogues.runtime.responses import Translate

log = logging.getLogger(__name__)

#: Whether somebody is there who answers people now.
SomebodyAnswers = Callable[[], Awaitable[bool]]

#: The places in the texts, each with what stands there while somebody can answer. The values are msgids.
PROMISES: Final = {
    "person_answers": "A person will answer you here.",
    "person_answers_with_you": "A person will answer you here. You are not alone in this.",
    "person_answers_too": "A person reads this too, and will answer you here. You are not alone in this.",
    "person_asked": "I have asked a person to come. They will answer you here. It can take some time.",
    "person_asked_to_help": "I have asked a person to help you. They will answer you here.",
    "person_told": "I have told a person that it is urgent.",
    "officer_answers": "A duty officer will answer you here.",
    "officer_answers_too": "The duty officer reads this too, and will answer you here.",
    "officer_asked": "I have asked a duty officer. They will answer you here.",
    "officer_reads_report": "A duty officer is there to read it.",
    "officer_told": "I have told the duty officer that it is urgent.",
}
#: What stands in some of them instead while nobody can.
MEANWHILE: Final = {
    "person_answers_with_you": "You did right to write.",
    "person_answers_too": "If somebody you trust is near, ask them for help too.",
}


async def always() -> bool:
    """Where no host says otherwise."""
    return True


class Answering:
    """Says what the texts may promise at this moment."""

    def __init__(self, somebody_answers: SomebodyAnswers, translate: Translate) -> None:
        self._somebody_answers = somebody_answers
        self._translate = translate

    async def sentences(self, language: str) -> dict[str, str]:
        """For each place its sentence. Where it cannot be known who is there, nothing is promised."""
        try:
            said = PROMISES if await self._somebody_answers() else MEANWHILE
        except Exception:
            log.exception("who can answer could not be asked")
            said = MEANWHILE
        return {place: self._translate(language, sentence) for place, sentence in said.items()}
