"""The demonstration: what a newcomer sees in an empty installation. Marked everywhere, removed by one command."""

from __future__ import annotations

import asyncio
from functools import partial

from sqlalchemy.engine import Connection

from bot.cases import service as cases
from bot.conversations import service as conversations
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.officers import add_officer, disable_officer, link_path, list_officers, make_link
from bot.kernel.settings import Settings
from bot.kernel.words import N_
from bot.texts import store as text_store
from directory import demonstration as demonstrated_services
from directory.store import demo_ids

#: So soon a server stops to speak of a demonstration that was removed beside it.
LOOK_SECONDS = 5.0
#: Stands under every message of a demonstration.
MARK = N_("Demonstration: not a real service.")

OFFICER, ADMIN = "demo-officer", "demo-admin"
#: The people of the demonstration: sign-in name, name, roles.
PEOPLE = (
    (OFFICER, "Amira (demonstration)", (Role.OFFICER, Role.COORDINATOR, Role.APPROVER)),
    (ADMIN, "Noa (demonstration)", (Role.ADMIN, Role.AUTHOR)),
)


async def prepare(database: Database, vault: Vault, clock: Clock, settings: Settings) -> bool:
    """Seed an empty database that no outside channel reaches. True if this is a demonstration, old or new."""
    if await database.read(is_there):
        return True
    if settings.demo == "off" or settings.has_outside_channel or not await database.read(_is_empty):
        return False
    await database.write(lambda tx: _seed(tx, vault, clock))
    return True


class Demonstration:
    """Whether a running server shows one. It is removed by a command beside the server, which finds out by looking."""

    def __init__(self, database: Database, *, stands: bool) -> None:
        self._database = database
        self.stands = stands

    def meets(self, tx: Connection) -> bool:
        """Whether somebody who comes now comes to a demonstration. Asked where they are written down: whoever comes
        after it was removed is no part of it, even if this server still marks its pages."""
        return self.stands and is_there(tx)

    async def look(self) -> None:
        self.stands = self.stands and await self._database.read(is_there)

    async def watch(self) -> None:
        """Look until it is gone."""
        while self.stands:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self.look()
            except DatabaseUnavailable:
                continue


def is_there(tx: Connection) -> bool:
    """Whether anything of the demonstration could still be met: its people at the desk, or its invented services."""
    people = any(officer.demo and officer.active for officer in list_officers(tx))
    return people or any(demo_ids(tx))


def _is_empty(tx: Connection) -> bool:
    return not list_officers(tx)


def _seed(tx: Connection, vault: Vault, clock: Clock) -> None:
    at = clock.now()
    for sign_in_name, name, roles in PEOPLE:
        add_officer(tx, vault, name=name, sign_in_name=sign_in_name, roles=roles, languages=("en",), at=at, demo=True)
    demonstrated_services.seed(tx, at=at, keys=vault, audit=partial(audit.append, vault=vault))


def remove(tx: Connection, vault: Vault, clock: Clock) -> str:
    """Take the demonstration away: its people can no longer enter, its services are gone, what was said is erased.

    Returns what was done, a sentence. The record of acts stays: it is a chain.
    """
    at = clock.now()
    people = [officer for officer in list_officers(tx) if officer.demo and officer.active]
    for officer in people:
        disable_officer(tx, officer.id, at)
    for key_id in demonstrated_services.remove(tx):
        vault.destroy(tx, key_id, at)
    said = conversations.demonstration_ids(tx)
    for conversation_id in said:
        cases.erase_words(tx, vault, conversation_id, at=at)
        conversations.erase(tx, vault, conversation_id, at)
        text_store.forget_askers_of(tx, vault, conversation_id, at=at)
    facts = {"people": len(people), "conversations": len(said)}
    audit.append(tx, vault, at=at, actor="system", act="demonstration.removed", object="demonstration", facts=facts)
    return f"Removed {len(people)} people, the invented services, and the words of {len(said)} conversations."


async def greeting(database: Database, settings: Settings, clock: Clock, *, demo: bool) -> str:
    """What `up` prints: where to click, and how to go on. The links sign in once."""
    url = settings.public_url
    lines = [
        "",
        "Waymark is serving.",
        f"  Web chat       {url}/chat",
        f"  Desk           {url}/desk",
        f"  Directory API  {url}/hsds/",
    ]
    if demo:
        links = await database.write(lambda tx: _links(tx, clock))
        lines += [
            "",
            "This is a demonstration: nobody is on duty, and the places are not real. Sign in, once each:",
            *(f"  as {name:<12} {url}{link_path(token)}" for name, token in links),
            "Remove it with: ./waymark demo remove",
        ]
    elif not any(officer.active for officer in await database.read(list_officers)):
        lines += ["", "Nobody can sign in yet. In another terminal:"]
        lines.append("  ./waymark user add 'Your name' --as yourname --role admin")
    lines += ["", _about_telegram(settings), "Stop with Ctrl-C.", ""]
    return "\n".join(lines)


def _links(tx: Connection, clock: Clock) -> list[tuple[str, str]]:
    found = {officer.sign_in_name: officer for officer in list_officers(tx) if officer.demo}
    named = {"the officer": OFFICER, "the admin": ADMIN}
    return [(said, make_link(tx, found[name].id, clock.now())) for said, name in named.items() if name in found]


def _about_telegram(settings: Settings) -> str:
    if settings.has_outside_channel:
        return f"Telegram: connecting by {settings.telegram_mode}; {settings.public_url}/readyz tells how it goes."
    return (
        "To answer on Telegram too: make a bot with @BotFather, then start with\n"
        "  WAYMARK_TELEGRAM_TOKEN=<its token> ./waymark up"
    )
