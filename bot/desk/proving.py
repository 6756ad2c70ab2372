"""Showing again who one is, before what nobody can take back: what is asked for, and whether it was right.

A session can be stolen; what its owner knows or holds is not in it. So whoever sets another password or authenticator
shows the one before, too, unless somebody else has let them in anew just now because they had lost it.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from aiohttp import web
from multidict import MultiDict
from sqlalchemy.engine import Connection

from bot.exchange.partners.service import LET_IN
from bot.kernel import audit, sessions
from bot.kernel.officers import LINK_LIFETIME, Officer
from bot.kernel.web_keys import CLOCK, DATABASE, OFFICER, VAULT
from bot.kernel.words import N_

NOT_PROVEN = {
    "password": N_("The password is wrong. Who has none sets one under “My account” first."),
    "no_proof": N_("That is not right. Nothing was changed."),
    "first": N_(
        "Nothing was changed. Your first password or authenticator is set within half an hour of signing in. Ask for a "
        "new sign-in link."
    ),
    "too_often": N_("Too many tries. Wait a minute and try again."),
}
#: Who came in by a link of somebody else's sets a new password or authenticator for so long without the one before.
ANEW = timedelta(minutes=30)
_LETS_IN = ("officer.add", "officer.link")
_LINK_MADE = ("officer.link", "officer.link_made")


def proves_by(officer: Officer) -> str:
    """What `prove` asks this officer for: a code of their authenticator, or their password."""
    return "code" if officer.has_totp else "password"


async def prove(request: web.Request, fields: MultiDict[str]) -> str | None:
    """None where the field `proof` shows who acts; else which of `NOT_PROVEN` to say. What was tried in vain stands in
    the audit log."""
    app, who = request.app, request[OFFICER]
    proved = await sessions.prove_again(app[DATABASE], app[VAULT], app[CLOCK], who, fields.get("proof", "")[:256])
    if proved.officer is not None:
        return None
    if proved.wait_seconds:
        return "too_often"
    at, object_ = app[CLOCK].now(), f"officer:{who.id}"
    await app[DATABASE].write(
        lambda tx: audit.append(tx, app[VAULT], at=at, actor=who.id, act="session.not_proven", object=object_)
    )
    return "no_proof" if who.has_totp else "password"


def may_set_the_first(officer: Officer, signed_in_at: datetime, at: datetime) -> bool:
    """Whether somebody who has neither password nor authenticator may set one now: only by a link do they sign in, and
    whoever finds their session later is not the one who was given it."""
    return officer.has_totp or officer.has_password or at < signed_in_at + ANEW


def must_show_the_old(tx: Connection, officer: Officer, at: datetime) -> bool:
    """Whether another password or authenticator needs the one before. Nobody makes a sign-in link for themselves, so
    whoever came in by one is known to somebody else."""
    if not officer.has_totp and not officer.has_password:
        return False
    account = f"officer:{officer.id}"
    came_in = audit.actors_of(tx, account, ["session.link"], since=at - ANEW)
    let_in = audit.actors_of(tx, account, _LINK_MADE, since=at - ANEW - LINK_LIFETIME)
    return not (came_in and let_in)


def let_each_other_in(tx: Connection, one: str, other: str, at: datetime) -> bool:
    """Whether one of two officers added the other of late, or made them a sign-in link: an admin alone could have made
    the second, so the two do not count as two yet."""
    pairs = ((one, other), (other, one))
    return any(by in audit.actors_of(tx, f"officer:{who}", _LETS_IN, since=at - LET_IN) for who, by in pairs)


def let_in_by_one(tx: Connection, one: str, other: str, at: datetime) -> bool:
    """Whether one colleague added both of late, or made both a sign-in link: one person could hold all three."""
    first, second = (audit.actors_of(tx, f"officer:{who}", _LETS_IN, since=at - LET_IN) for who in (one, other))
    return bool(first & second)
