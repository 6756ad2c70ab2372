"""Whether two accounts of the desk are two people, as far as the desk can tell.

Who has one of them can make the other, and would then look at their own work. Nobody can be sure of it: what is
doubtful is marked, and where two people are needed an account does not count as a second one for some days.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

from sqlalchemy.engine import Connection

from bot.cases.page_ways_store import share_an_address
from bot.desk.proving import let_each_other_in, let_in_by_one
from bot.kernel.officers import get_officer
from directory.model import Two


def two_with(tx: Connection, who: str, at: datetime) -> Callable[[str], Two]:
    """For each other account: whether it and `who` are two people. Many records have the same writer, who is asked
    about once."""
    return cache(lambda other: two_people(tx, who, other, at))


def two_people(tx: Connection, one: str, other: str, at: datetime) -> Two:
    """Whether they are two. An account that let the other in lately, or a sign of one hand, speaks against it."""
    if one == other or let_each_other_in(tx, one, other, at):
        return Two.NOT_YET
    doubtful = let_in_by_one(tx, one, other, at) or share_an_address(tx, one, other) or _called_alike(tx, one, other)
    return Two.DOUBTFUL if doubtful else Two.YES


def _called_alike(tx: Connection, one: str, other: str) -> bool:
    """Whether both sign in by one address of an e-mail, of which the second has a mark: `ana+2@example.org`."""
    names = [officer.sign_in_name for each in (one, other) if (officer := get_officer(tx, each)) is not None]
    return len(names) == 2 and "@" in names[0] and _without_mark(names[0]) == _without_mark(names[1])


def _without_mark(sign_in_name: str) -> str:
    box, at, host = sign_in_name.casefold().rpartition("@")
    return box.partition("+")[0] + at + host
