"""What the screens of a request show of the files that travel with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.engine import Connection

from bot.cases.consent import CLASSES
from bot.cases.reasons import WHY_ORIGINAL
from bot.exchange.requests.attachments import service
from bot.exchange.requests.attachments.model import LONGEST_TITLE, STATE_TITLES
from bot.exchange.requests.looking import RequestFile
from bot.kernel.crypto import Vault


def files_context(tx: Connection, vault: Vault, file: RequestFile) -> Mapping[str, Any]:
    """What the page of a request shows of its files."""
    return {
        "attached": service.of_request(tx, vault, file.request),
        "attached_states": STATE_TITLES,
        "may_attach": service.may_attach(file.request),
        "case_files": service.to_choose(tx, vault, file),
        "beside": [said for said in file.lines if said.line.ours and said.text],
        "data_classes": {each: CLASSES[f"data:{each}"] for each in file.request.type.data},
        "why_original": WHY_ORIGINAL,
        "longest_title": LONGEST_TITLE,
    }
