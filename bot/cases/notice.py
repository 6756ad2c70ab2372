"""A word to those who coordinate, on the phones where they are paged. Each of them hears of each thing once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import store
from bot.cases.model import Case
from bot.cases.referrals import store as referral_store
from bot.cases.referrals.model import Referral
from bot.conversations import service as conversations
from bot.conversations.model import MessageClass
from bot.kernel.access import Role
from bot.kernel.crypto import Vault
from bot.kernel.officers import list_officers
from bot.kernel.words import N_, Words

REFERRAL_SILENT = N_(
    "Nobody has answered a referral of case {number}: half of its time is gone. Look at it on the desk."
)
MOST_AT_ONCE = 50


def tell_coordinators(
    tx: Connection, vault: Vault, words: Words, case: Case, sentence: str, *, thing: str, at: datetime
) -> int:
    """Say `sentence` about a case, by its number alone. `thing` names what it is about: for the same one nobody is told
    twice. Returns how many were told; who has no phone with us sees it on the desk."""
    told = 0
    for officer in list_officers(tx):
        phone = officer.page_conversation_id
        if phone is None or not officer.active or Role.COORDINATOR not in officer.roles:
            continue
        key = f"{thing}:{officer.id}"
        if not store.add_notice(tx, key, case_id=case.id, officer_id=officer.id, at=at):
            continue
        language = officer.languages[0] if officer.languages else "en"
        text = words.text(language, sentence, number=case.number)
        conversations.say(
            tx, vault, phone, text=text, cls=MessageClass.OFFICER, template="notice", at=at, language=language
        )
        told += 1
    return told


def silent_referrals(tx: Connection) -> list[Referral]:
    """The referrals that wait although whoever sent them was reminded."""
    return referral_store.reminded(tx, limit=MOST_AT_ONCE)


def tell_of_silent_referrals(tx: Connection, vault: Vault, words: Words, *, at: datetime) -> int:
    """Let those who coordinate hear of each silent referral. Returns how many words went out."""
    told = 0
    for referral in silent_referrals(tx):
        sealed = store.get_case(tx, referral.case_id)
        if sealed is not None:
            thing = f"silent:{referral.id}"
            told += tell_coordinators(tx, vault, words, sealed.case, REFERRAL_SILENT, thing=thing, at=at)
    return told
