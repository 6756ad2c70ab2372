"""What was written to and fro about a request, as whoever reads behind its link may see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.exchange.gate import GateShut
from bot.exchange.holds.model import MayNotMove
from bot.exchange.partners.model import ChannelClosed
from bot.exchange.post.model import LetterStopped
from bot.exchange.requests import opening, sending, thread, thread_store
from bot.exchange.requests.model import NotNow, Request
from bot.kernel.crypto import Vault

#: What stops something from being shown.
STOPS = (ChannelClosed, GateShut, LetterStopped, MayNotMove, NotNow)
#: So many messages are taken from behind the links to one request.
MOST_MESSAGES = 30


class Said(Struct, frozen=True):
    """A message, as it was written, and its translation where somebody made one."""

    ours: bool
    at: datetime
    text: str
    language: str
    other: str = ""
    other_language: str = ""


class Talk(Struct, frozen=True):
    """What was said so far. `stopped`: something of ours may not be shown now."""

    said: Sequence[Said] = ()
    stopped: bool = False


def talk_of(tx: Connection, vault: Vault, request: Request, at: datetime) -> Talk:
    """The messages of a request in their order. Each of ours is asked about anew, as the personal part is: one that may
    not go out now is not shown either."""
    key, said, stopped = opening.key_of(tx, vault, request), list[Said](), False
    for line in thread_store.lines_of(tx, request.id):
        if line.kind != thread.MESSAGE or (line.ours and line.approved_by is None):
            continue
        text = opening.open_words(key, line.text_sealed, line.id, "text")
        other = opening.open_words(key, line.other_sealed, line.id, "other")
        if not text:
            continue
        if line.ours:
            letter = {"line": line.id, "text": text, "other": other}
            try:
                sending.may_show(tx, vault, request, "request_message", letter, at=at)
            except STOPS:
                stopped = True
                continue
        said.append(Said(line.ours, line.at, text, line.language, other, line.other_language or ""))
    return Talk(said, stopped)


def written_from_outside(tx: Connection, request: Request) -> int:
    """How many messages of theirs are kept."""
    return sum(line.kind == thread.MESSAGE and not line.ours for line in thread_store.lines_of(tx, request.id))
