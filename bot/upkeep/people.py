"""Who may sign in at the desk."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sqlalchemy.engine import Connection

from bot.foreground import CannotDo
from bot.kernel import audit, officers
from bot.kernel.access import Role
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.settings import Settings
from bot.upkeep.installation import COMMAND, installation, write

LONGEST_NAME = 120


async def add_user(
    settings: Settings, name: str, sign_in_name: str, roles: Sequence[str], languages: Sequence[str]
) -> str:
    """Make an account. Raises CannotDo for unknown roles, taken names and names nobody can use."""
    _must_be_usable(name, sign_in_name, roles, languages)
    at = SystemClock().now()

    def work(tx: Connection, vault: Vault) -> str:
        made = officers.add_officer(
            tx,
            vault,
            name=name,
            sign_in_name=sign_in_name,
            roles=[Role(role) for role in roles],
            languages=languages,
            at=at,
        )
        audit.append(tx, vault, at=at, actor=COMMAND, act="officer.added", object=f"officer:{made.id}")
        return officers.make_link(tx, made.id, at)

    try:
        token = await write(settings, work)
    except officers.SignInNameTaken:
        raise CannotDo(f"somebody signs in as {sign_in_name} already; choose another name with --as") from None
    return _link_said(settings, token)


def _must_be_usable(name: str, sign_in_name: str, roles: Sequence[str], languages: Sequence[str]) -> None:
    unknown = sorted(set(roles) - {role.value for role in Role})
    if unknown:
        known = ", ".join(role.value for role in Role)
        raise CannotDo(f"there is no role {', '.join(unknown)}. There are: {known}")
    for what, given in (("name", name), ("name to sign in with", sign_in_name)):
        if not 1 <= len(given.strip()) <= LONGEST_NAME or not given.isprintable():
            raise CannotDo(f"the {what} needs 1 to {LONGEST_NAME} letters, on one line")
    for language in languages:
        if not re.fullmatch(r"[a-z]{2,3}", language):
            raise CannotDo(f"{language!r} is not the code of a language; give one like en, fr, es, ar or ti")


async def make_sign_in_link(settings: Settings, sign_in_name: str) -> str:
    """A fresh one-time link. Raises CannotDo for unknown or disabled people."""
    at = SystemClock().now()

    def work(tx: Connection, vault: Vault) -> str:
        found = _known(tx, sign_in_name)
        if not found.active:
            raise CannotDo(f"{sign_in_name} is disabled")
        audit.append(tx, vault, at=at, actor=COMMAND, act="officer.link_made", object=f"officer:{found.id}")
        return officers.make_link(tx, found.id, at)

    return _link_said(settings, await write(settings, work))


async def list_users(settings: Settings) -> list[str]:
    async with installation(settings) as (database, _vault):
        people = await database.read(officers.list_officers)
    if not people:
        return ["Nobody can sign in yet. Add somebody with: ./waymark user add"]
    return [
        f"{person.sign_in_name:<20} {'' if person.active else 'disabled '}{', '.join(sorted(person.roles))}"
        f"{'  (demonstration)' if person.demo else ''}"
        for person in people
    ]


async def disable_user(settings: Settings, sign_in_name: str) -> str:
    """End every way in. A case they hold goes back to the queue at the next audit, within a minute."""
    at = SystemClock().now()

    def work(tx: Connection, vault: Vault) -> None:
        found = _known(tx, sign_in_name)
        officers.disable_officer(tx, found.id, at)
        audit.append(tx, vault, at=at, actor=COMMAND, act="officer.disabled", object=f"officer:{found.id}")

    await write(settings, work)
    return f"{sign_in_name} can no longer sign in; every session and link has ended."


def _known(tx: Connection, sign_in_name: str) -> officers.Officer:
    found = officers.find_officer(tx, sign_in_name)
    if found is None:
        raise CannotDo(f"nobody signs in as {sign_in_name}; see: ./waymark user list")
    return found


def _link_said(settings: Settings, token: str) -> str:
    return f"Sign in once, within 15 minutes: {settings.public_url}{officers.link_path(token)}"
