"""The button under a page: an officer takes the case where the page reached them, and opens the desk afterwards.

The button names the case by the number that stands in the page already. Who presses is known by the chat alone, which
an officer paired from their account: what it can do is to take a case, and never to read a word of it.
"""

from __future__ import annotations

import re
from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import service, store
from bot.cases.alarm import TAKE_PAGE
from bot.cases.hand import Hand
from bot.cases.model import AlreadyClaimed, CaseError, CaseStatus
from bot.conversations.ports import PressedPage
from bot.kernel import officers
from bot.kernel.crypto import Vault
from bot.kernel.words import N_, Words

TAKEN = N_("You have {number} now, and the person is told that somebody reads. Answer on the desk: {url}")
IS_YOURS = N_("{number} is yours, and nothing rings any more. Answer on the desk: {url}")
TAKEN_BEFORE = N_("{number} does not wait any more. Thank you.")
MAY_NOT = N_("{number} still waits, and you may not take cases. Please reach an officer.")

_PRESSED = re.compile(re.escape(TAKE_PAGE).replace("NUMBER", "([0-9A-Z-]{3,12})"))


class PagesByButton:
    """The pages, as the message path needs them (`bot.conversations.ports.PressPage`)."""

    def __init__(self, vault: Vault, words: Words, desk_url: str) -> None:
        self._vault = vault
        self._words = words
        self._desk_url = desk_url

    def __call__(self, tx: Connection, payload: str, conversation_id: str, at: datetime) -> PressedPage | None:
        """Take the case for whoever is paged in this conversation. None for any other button, or nobody's chat."""
        found = _PRESSED.fullmatch(payload)
        officer = officers.officer_of_conversation(tx, conversation_id)
        if found is None or officer is None or not officer.active:
            return None
        case_id = store.id_of_number(tx, found[1])
        sentence = _take(tx, Hand(officer, self._vault, self._words, at), case_id) if case_id else TAKEN_BEFORE
        language = officer.languages[0] if officer.languages else "en"
        text = self._words.text(language, sentence, number=found[1], url=self._desk_url)
        topics = ("queue", "pages", f"case:{case_id}") if case_id else ()
        return PressedPage(text, topics)


def _take(tx: Connection, hand: Hand, case_id: str) -> str:
    """What is to be said of it. Whoever holds the case already says with it that they have seen the reminder."""
    try:
        service.claim_case(tx, hand, case_id)
    except AlreadyClaimed:
        pass
    else:
        return TAKEN
    found = store.get_case(tx, case_id)
    if found is not None and found.case.status is CaseStatus.NEW:
        return MAY_NOT
    if found is None or not found.case.is_open or found.case.owner_id != hand.officer.id:
        return TAKEN_BEFORE
    try:
        service.acknowledge_alarm(tx, hand, case_id)
    except CaseError:
        return TAKEN_BEFORE
    return IS_YOURS
