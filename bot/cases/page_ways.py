"""Where an officer is paged outside the desk: an e-mail address that they proved is theirs, and browsers that asked to.

A browser stops with the session it was asked from: where that is ended by hand, by signing out, or because the account
was secured anew or switched off, nothing is sent to it any more. A session that only ran out ends nothing, for whoever
is on call at night is not signed in; a browser nobody signed in from for a month is forgotten.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import page_ways_store as store
from bot.cases.page_ways_store import PageSend, PageWay, Way
from bot.kernel import audit, officers, one_time
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.one_time import MOST_TRIES
from bot.kernel.sessions import Session
from bot.kernel.web_push import Subscription

TABLE = "page_ways"
#: So many of each kind an officer can have: a telephone, a tablet, the computer at home.
MOST = 5
CODE_LIVES = timedelta(minutes=30)
#: A browser in which its officer did not sign in for so long is given up.
BROWSER_LIVES = timedelta(days=30)
ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class UnfitAddress(Exception):
    """Not an e-mail address."""


class TooMany(Exception):
    """There are as many as there may be: take one away first."""


class OwnWay(Struct, frozen=True):
    """An address as its officer sees it."""

    id: str
    way: Way
    address: str  # an e-mail address; "" for a browser
    added_at: datetime
    confirmed: bool
    this_browser: bool
    last: PageSend | None


def begin_email(tx: Connection, vault: Vault, session: Session, address: str, *, at: datetime) -> tuple[str, str]:
    """Note an address, and return its id and the code that proves it, to be mailed there. Nothing is paged before that.

    Raises UnfitAddress, TooMany.
    """
    address, officer_id = address.strip(), session.officer.id
    if len(address) > 200 or ADDRESS.fullmatch(address) is None:
        raise UnfitAddress
    index = vault.index("page way", Way.EMAIL, address.casefold())
    for known in _of_kind(tx, officer_id, Way.EMAIL):
        if known.confirmed_at is None or address_of(tx, vault, known).casefold() == address.casefold():
            store.remove_way(tx, known.id)  # typed again: the newest is meant
    if len(_of_kind(tx, officer_id, Way.EMAIL)) >= MOST:
        raise TooMany
    way_id, code = new_id(), one_time.new_code()
    store.add_way(
        tx,
        way_id=way_id,
        officer_id=officer_id,
        way=Way.EMAIL,
        address_sealed=_seal(tx, vault, officer_id, way_id, address),
        address_index=index,
        session_hash=None,
        code_hash=_code_hash(vault, way_id, code),
        code_expires_at=at + CODE_LIVES,
        at=at,
    )
    return way_id, code


def confirm_email(tx: Connection, vault: Vault, session: Session, code: str, *, at: datetime) -> bool:
    """Page at the address that this code was mailed to. False for a wrong code; five of them, and it is forgotten."""
    waiting = next((way for way in _of_kind(tx, session.officer.id, Way.EMAIL) if way.confirmed_at is None), None)
    way = store.one_way(tx, waiting.id, lock=True) if waiting else None
    if way is None or way.code_expires_at is None or way.code_expires_at <= at:
        return False
    if _code_hash(vault, way.id, code) != way.code_hash:
        store.count_try(tx, way.id)
        if way.tries + 1 >= MOST_TRIES:
            store.remove_way(tx, way.id)
        return False
    store.confirm(tx, way.id, at)
    _note(tx, vault, way, "added", actor=session.officer.id, at=at)
    return True


def add_browser(tx: Connection, vault: Vault, session: Session, subscription: Subscription, *, at: datetime) -> None:
    """Page in this browser from now on. It was another officer's: it is no more. Raises TooMany."""
    index, officer_id = _browser_index(vault, subscription), session.officer.id
    if (known := store.by_index(tx, Way.PUSH, index)) is not None:
        store.remove_way(tx, known.id)
    if len(_of_kind(tx, officer_id, Way.PUSH)) >= MOST:
        raise TooMany
    way_id = new_id()
    store.add_way(
        tx,
        way_id=way_id,
        officer_id=officer_id,
        way=Way.PUSH,
        address_sealed=_seal(tx, vault, officer_id, way_id, subscription.to_text()),
        address_index=index,
        session_hash=session.hash,
        confirmed_at=at,
        at=at,
    )
    added = store.one_way(tx, way_id)
    assert added is not None
    _note(tx, vault, added, "added", actor=officer_id, at=at)


def browser_is_back(
    tx: Connection, vault: Vault, session: Session, subscription: Subscription, *, at: datetime
) -> bool:
    """Somebody signed in where pages arrive. Its own officer: it ends with this session now. Another: it pages nobody
    any more, for the first one is not there. Whether it still pages."""
    known = store.by_index(tx, Way.PUSH, _browser_index(vault, subscription))
    if known is None:
        return False
    if known.officer_id != session.officer.id:
        end(tx, vault, known, actor=session.officer.id, at=at)
        return False
    store.seen_again(tx, known.id, session_hash=session.hash, at=at)
    return True


def remove(tx: Connection, vault: Vault, session: Session, way_id: str, *, at: datetime) -> bool:
    """Page there no more. False where it is not theirs, or gone already."""
    known = store.one_way(tx, way_id)
    if known is None or known.officer_id != session.officer.id:
        return False
    end(tx, vault, known, actor=session.officer.id, at=at)
    return True


def end(tx: Connection, vault: Vault, way: PageWay, *, actor: str, at: datetime) -> None:
    """This address is over, and it stands in the audit log."""
    if store.remove_way(tx, way.id) and way.confirmed_at is not None:
        _note(tx, vault, way, "ended", actor=actor, at=at)


def end_over(tx: Connection, vault: Vault, *, actor: str, at: datetime) -> int:
    """End every address that must page nobody any more. Returns how many."""
    over = store.ended_ways(tx, unseen_since=at - BROWSER_LIVES, code_before=at)
    for way in over:
        end(tx, vault, way, actor=actor, at=at)
    return len(over)


def own(tx: Connection, vault: Vault, session: Session) -> list[OwnWay]:
    """Where this officer is paged."""
    return [
        OwnWay(
            id=way.id,
            way=way.way,
            address=address_of(tx, vault, way) if way.way is Way.EMAIL else "",
            added_at=way.added_at,
            confirmed=way.confirmed_at is not None,
            this_browser=way.session_hash == session.hash,
            last=store.last_send(tx, way.id),
        )
        for way in store.ways_of(tx, session.officer.id)
    ]


def _of_kind(tx: Connection, officer_id: str, kind: Way) -> list[PageWay]:
    return [way for way in store.ways_of(tx, officer_id) if way.way is kind]


def _browser_index(vault: Vault, subscription: Subscription) -> str:
    return vault.index("page way", Way.PUSH, subscription.endpoint)


def _code_hash(vault: Vault, way_id: str, code: str) -> str:
    return one_time.code_hash(vault, "page way code", way_id, code)


def _seal(tx: Connection, vault: Vault, officer_id: str, way_id: str, address: str) -> bytes:
    return officers.key_of(tx, vault, officer_id).seal(address, table=TABLE, row=way_id, field="address")


def address_of(tx: Connection, vault: Vault, way: PageWay) -> str:
    """The e-mail address, or the subscription as `Subscription.to_text` wrote it. For the carrier alone."""
    key = officers.key_of(tx, vault, way.officer_id)
    return key.open(way.address_sealed, table=TABLE, row=way.id, field="address")


def _note(tx: Connection, vault: Vault, way: PageWay, what: str, *, actor: str, at: datetime) -> None:
    object_, facts = f"officer:{way.officer_id}", {"way": way.way.value}
    audit.append(tx, vault, at=at, actor=actor, act=f"officer.page_{what}", object=object_, facts=facts)
