"""A word to officers on the phones where they are paged. Each of them hears of each thing once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import alarm_store, store
from bot.cases.model import Case
from bot.cases.referrals import store as referral_store
from bot.cases.referrals.model import Referral
from bot.conversations import service as conversations
from bot.conversations.model import MessageClass
from bot.kernel.access import Role
from bot.kernel.crypto import Vault
from bot.kernel.officers import Officer, list_officers
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
    coordinators = [officer for officer in list_officers(tx) if Role.COORDINATOR in officer.roles]
    return sum(tell(tx, vault, words, officer, case, sentence, thing=thing, at=at) for officer in coordinators)


def tell(
    tx: Connection,
    vault: Vault,
    words: Words,
    officer: Officer,
    case: Case,
    sentence: str,
    *,
    thing: str,
    at: datetime,
) -> bool:
    """The same to one officer. False where they have no phone with us, or heard of this very `thing` before."""
    phone = officer.page_conversation_id
    if phone is None or not officer.active:
        return False
    if not alarm_store.add_notice(tx, f"{thing}:{officer.id}", case_id=case.id, officer_id=officer.id, at=at):
        return False
    language = officer.languages[0] if officer.languages else "en"
    text = words.text(language, sentence, number=case.number)
    conversations.say(
        tx, vault, phone, text=text, cls=MessageClass.OFFICER, template="notice", at=at, language=language
    )
    return True


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
