"""A screen on the wall: who may put one up, who takes it down, and what it shows.

Whoever stands before it may be anybody, so it holds counts and times and nothing of a case: neither number nor reason.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.engine import Connection

from bot.cases import auditor
from bot.cases.hand import Hand
from bot.cases.model import ACKNOWLEDGE_WITHIN, NotAllowedNow
from bot.cases.rota import service as rota
from bot.cases.wall import store
from bot.cases.wall.model import LASTS, MOST_LINKS, Level, LinkDead, Wall, WallLink
from bot.kernel import access, audit, one_time
from bot.kernel.access import Permission
from bot.kernel.ids import new_id
from dialogues.understanding.model import Priority

WALL = "wall"


def make_link(tx: Connection, hand: Hand) -> tuple[WallLink, str]:
    """A link for a screen, and the token in it, kept nowhere. Raises NotAllowedNow, also when too many links work."""
    _require(hand)
    if len(store.open_links(tx, hand.at)) >= MOST_LINKS:
        raise NotAllowedNow(WALL)
    token = one_time.new_token()
    link = WallLink(new_id(), hand.officer.id, hand.at, hand.at + LASTS)
    store.add_link(tx, link, token_hash=one_time.fingerprint(token))
    _audit(tx, hand, "wall.made", link.id)
    return link, token


def end_link(tx: Connection, hand: Hand, link_id: str) -> None:
    """The screen goes dark. Wake `topic(link_id)` after the commit. Raises NotAllowedNow where it was dark before."""
    _require(hand)
    if not store.end_link(tx, link_id, hand.at):
        raise NotAllowedNow(WALL)
    _audit(tx, hand, "wall.ended", link_id)


def links(tx: Connection, hand: Hand) -> list[WallLink]:
    """The links that work, the newest first. Raises NotAllowedNow."""
    _require(hand)
    return store.open_links(tx, hand.at)


def topic(link_id: str) -> str:
    """The signal that a link was taken back."""
    return f"wall:{link_id}"


def open_link(tx: Connection, token: str, at: datetime) -> WallLink:
    """The link of this token. Raises LinkDead."""
    link = store.link_by_token(tx, one_time.fingerprint(token), at)
    if link is None:
        raise LinkDead
    return link


def look(tx: Connection, token: str, at: datetime) -> Wall:
    """What the screen shows now. Raises LinkDead."""
    open_link(tx, token, at)
    waiting, climbing = store.waiting_by_priority(tx, at), store.climbing_by_priority(tx)
    there = rota.on_duty(tx, at)
    return Wall(
        at=at,
        levels=tuple(_level(priority, waiting.get(priority), climbing.get(priority, 0)) for priority in Priority),
        held=store.held_count(tx),
        on_duty=len(there.at_desk) if there.kept else None,
        watch=auditor.look_at_watch(tx, at=at),
    )


def _level(priority: Priority, waiting: store.Waiting | None, climbing: int) -> Level:
    limit = ACKNOWLEDGE_WITHIN[priority]
    if waiting is None:
        return Level(priority, limit, 0, 0, None, climbing)
    return Level(priority, limit, waiting.count, waiting.late, waiting.due_at, climbing)


def _require(hand: Hand) -> None:
    if not access.allows(hand.officer, Permission.WALL_SHOW):
        raise NotAllowedNow(WALL)


def _audit(tx: Connection, hand: Hand, act: str, link_id: str) -> None:
    audit.append(tx, hand.vault, at=hand.at, actor=hand.officer.id, act=act, object=f"wall:{link_id}")
