"""Who has what of a case, and from whom, as pages show it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from bot.cases import consent
from bot.exchange.requests.passing import acts
from bot.exchange.requests.types import FIELDS, QUESTIONS
from bot.kernel.crypto import Vault

#: What a notice calls by its code.
ITEMS = {
    **{key: question.title for key, question in QUESTIONS.items()},
    **{key: field.title for key, field in FIELDS.items()},
    **consent.CLASSES,
}


def holders_context(tx: Connection, vault: Vault) -> dict[str, Any]:
    """What a tree of holders needs beside its branches."""
    return {"holder_partners": acts.known_holders(tx, vault), "holder_items": ITEMS}
