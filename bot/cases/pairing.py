"""An officer's own chat becomes the way they are paged: a one-time code from the account page, sent to the bot."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from bot.cases import pairing_store
from bot.conversations import service as conversations
from bot.kernel import officers

CODE_LIVES = timedelta(minutes=15)


def make_pairing_code(tx: Connection, officer_id: str, *, at: datetime) -> str:
    """A fresh code; the one before it stops working. It fits Telegram's start parameter."""
    code = secrets.token_urlsafe(18)
    pairing_store.add_pairing_code(tx, code_hash=_hash(code), officer_id=officer_id, expires_at=at + CODE_LIVES)
    return code


def pair(tx: Connection, code: str, conversation_id: str, at: datetime) -> bool:
    """Spend a code that came from a conversation. True: that conversation is this officer's from now on."""
    officer_id = pairing_store.spend_pairing_code(tx, _hash(code), at=at)
    if officer_id is None:
        return False
    officer = officers.get_officer(tx, officer_id)
    if officer is None or not officer.active:
        return False
    conversations.make_officers_phone(tx, conversation_id)
    officers.set_page_conversation(tx, officer_id, conversation_id)
    return True


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
