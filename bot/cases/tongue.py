"""The language that the person of a case writes in, which need not be the one in which we answer them.

Who writes Bengali is answered in English, and is to be found by whoever reads Bengali. So the language of a case
follows what its person writes: by several messages, for one may be copied from somewhere.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import store
from bot.cases.hand import write_down
from bot.conversations import service as conversations
from bot.conversations.tongue import agreed
from bot.kernel.crypto import Vault


def follow(tx: Connection, vault: Vault, case_id: str, conversation_id: str, *, at: datetime) -> None:
    """Let the case say in which language the last messages of `conversation_id` are, where they agree on one."""
    language = agreed(conversations.languages_written(tx, conversation_id))
    if language is None or not store.set_language(tx, case_id, language):
        return
    sealed = store.get_case(tx, case_id)
    assert sealed is not None  # its language was changed just now
    facts = {"language": language}
    write_down(tx, vault, sealed.case, "language_heard", officer_id=None, at=at, facts=facts)
