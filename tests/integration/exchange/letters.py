"""What the tests of the post do with letters and with those who carry them."""

from __future__ import annotations

import aiohttp
import sqlalchemy as sa
from sqlalchemy.engine import Connection

from bot.exchange.partners import store as partners
from bot.exchange.post import service, store
from bot.exchange.post.carrier import LETTERS_PATH
from tests.integration.exchange.world import Deployment

Two = tuple[Deployment, Deployment]


async def acquainted(two: Two, **changes: object) -> Two:
    lyon, tunis = two
    await lyon.meet(tunis, **changes)
    await tunis.meet(lyon)
    return two


async def only_partner(deployment: Deployment) -> partners.Partner:
    (found,) = await deployment.database.read(lambda tx: partners.everyone(tx, deployment.vault))
    return found


async def post(deployment: Deployment, raw: bytes) -> tuple[int, str]:
    async with aiohttp.ClientSession() as http, http.post(deployment.url + LETTERS_PATH, data=raw) as answer:
        return answer.status, await answer.text()


async def sealed(sender: Deployment, envelope_id: str) -> bytes:
    letter = await sender.letter(envelope_id)
    ready = await sender.database.read(lambda tx: service.sealed(tx, sender.vault, sender, letter, sender.clock.now()))
    return ready.raw


def all_letters(tx: Connection) -> list[str]:
    return list(tx.execute(sa.select(store.exchange_letters.c.id).order_by(store.exchange_letters.c.seq)).scalars())
