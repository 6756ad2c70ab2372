"""The doors of the exchange: where partners' machines bring letters and fetch theirs, and where our key file lies."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime

from aiohttp import web
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.exchange import jose
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.keys import Identity, write_card
from bot.exchange.partners.model import Partner
from bot.exchange.post import service, store
from bot.exchange.post.carrier import FETCH_PATH, LETTERS_PATH, MEDIA_TYPE
from bot.exchange.post.intake import Intake, Taken
from bot.exchange.post.model import Gatekeeper, LetterStopped, Receiver
from bot.exchange.post.receipts import SignedReceipt, read_fetch, read_receipt, signer_of
from bot.exchange.refusals import ChannelClosed, NotAnEnvelope, Refused, TooLarge, UnknownKey
from bot.kernel.clock import Clock
from bot.kernel.crypto import Erased, Vault
from bot.kernel.database import Database
from bot.kernel.logs import get_log
from bot.kernel.web import PUBLIC, MachineGuard, Routes

log = get_log("exchange")

#: What is larger than any letter is not kept in memory; its hash is made as it comes, so that the refusal can name it
#: and be signed. What is still larger than that is not read at all.
KEPT, BODY_CAP = 1024 * 1024, 64 * 1024 * 1024
FETCH_CAP = 256 * 1024
LETTERS_A_FETCH = 16
SECONDS_FOR_A_LETTER = 60

TAKEN: web.RequestKey[Taken] = web.RequestKey("taken", Taken)
ASKING: web.RequestKey[Partner] = web.RequestKey("asking", Partner)


def exchange_routes(
    database: Database,
    vault: Vault,
    clock: Clock,
    intake: Intake,
    receiver: Receiver | None,
    gatekeeper: Gatekeeper,
    identity: Identity,
) -> Routes:
    """The three routes. Who brings a letter proves itself by the signature in it; who fetches, by a signed question."""
    routes = Routes()

    async def signed_by_a_partner(request: web.Request) -> bool:
        raw, sha256 = await _letter(request)
        request[TAKEN] = await intake.take(raw) if raw is not None else await intake.refuse(sha256, TooLarge())
        return request[TAKEN].refusal is None

    async def asked_by_a_partner(request: web.Request) -> bool:
        try:
            request[ASKING] = await _asking(request)
        except Refused as refusal:
            log.warning("fetch_refused", reason=refusal.code)
            return False
        return True

    @routes.post(
        LETTERS_PATH,
        name="exchange_letters",
        allow=MachineGuard(signed_by_a_partner, refusal=_say),
        body_cap=BODY_CAP,
    )
    async def take_letter(request: web.Request) -> web.Response:
        """Stored already: only a stored letter proves who brought it."""
        return _say(request)

    @routes.post(
        FETCH_PATH, name="exchange_letters_waiting", allow=MachineGuard(asked_by_a_partner), body_cap=FETCH_CAP
    )
    async def give_letters(request: web.Request) -> web.Response:
        at, partner_id = clock.now(), request[ASKING].id
        found = await database.read(lambda tx: _sealed_for(tx, vault, gatekeeper, partner_id, at))
        if found.shut:
            await database.write(lambda tx: _shut(tx, found.shut))
        return web.json_response({"letters": found.letters})

    @routes.get("/exchange/key", name="exchange_key", allow=PUBLIC)
    async def key_file(_request: web.Request) -> web.Response:
        own = await intake.own_key()
        return web.Response(text=write_card(own, identity), content_type="application/json")

    async def _asking(request: web.Request) -> Partner:
        """Who asks, once the receipts that came along are kept. Raises a Refused."""
        at = clock.now()
        try:
            token = (await _body(request)).decode("ascii")
        except UnicodeDecodeError:
            raise NotAnEnvelope from None
        kid = signer_of(token, typ=jose.FETCH)

        def who(tx: Connection) -> tuple[Partner | None, str]:
            return partners.of_key(tx, vault, kid), partner_service.newest_own_key(tx, vault, at).deployment

        try:
            partner, deployment = await database.read(who)
        except partner_service.NoKeyYet:
            raise UnknownKey from None
        if partner is None:
            raise UnknownKey
        receipts = read_fetch(token, partner=partner, deployment=deployment, at=at)
        closed = partner.why_closed(at)
        if closed is not None:
            raise closed
        words = [read_receipt(each, partner=partner, deployment=deployment, at=at) for each in receipts]
        if words:
            await database.write(lambda tx: _keep(tx, words, partner.id))
        return partner

    def _shut(tx: Connection, shut: list[tuple[str, str]]) -> None:
        for envelope_id, code in shut:
            service.shut(tx, vault, receiver, envelope_id, code, clock.now())

    def _keep(tx: Connection, words: list[SignedReceipt], partner_id: str) -> None:
        for word in words:
            service.confirmed(tx, vault, receiver, partner_id, word, clock.now())

    return routes


async def _letter(request: web.Request) -> tuple[bytes | None, str]:
    """What was sent and its hash; None in its place where it is larger than any letter. In reasonable time."""
    kept, digest, length = bytearray(), hashlib.sha256(), 0
    try:
        async with asyncio.timeout(SECONDS_FOR_A_LETTER):
            async for part in request.content.iter_chunked(64 * 1024):
                digest.update(part)
                length += len(part)
                if length > BODY_CAP:
                    raise web.HTTPRequestEntityTooLarge(BODY_CAP, length)
                if length <= KEPT:
                    kept += part
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return bytes(kept) if length <= KEPT else None, digest.hexdigest()


async def _body(request: web.Request) -> bytes:
    """All that was sent, if it came in reasonable time."""
    try:
        async with asyncio.timeout(SECONDS_FOR_A_LETTER):
            return await request.read()
    except TimeoutError:
        raise web.HTTPRequestTimeout from None


def _say(request: web.Request) -> web.Response:
    """Our signed word, whatever it is."""
    taken = request[TAKEN]
    refusal = taken.refusal
    status = 202
    if refusal is not None:
        status = {TooLarge: 413, NotAnEnvelope: 400}.get(type(refusal), 403)
    return web.Response(status=status, text=taken.word, content_type=MEDIA_TYPE)


class _Waiting(Struct, frozen=True):
    """What waits for a partner: sealed, and what is not to go any more, with the reason."""

    letters: list[str]
    shut: list[tuple[str, str]]


def _sealed_for(tx: Connection, vault: Vault, gatekeeper: Gatekeeper, partner_id: str, at: datetime) -> _Waiting:
    """The next letters for a partner, in order."""
    found = _Waiting([], [])
    for letter in store.due_letters(tx, partner_id, at, limit=LETTERS_A_FETCH):
        try:
            found.letters.append(service.sealed(tx, vault, gatekeeper, letter, at).raw.decode())
        except LetterStopped as stopped:
            found.shut.append((letter.id, stopped.code))
        except Erased:
            found.shut.append((letter.id, "erased"))
        except (ChannelClosed, TooLarge) as closed:
            if not service.waits_for_a_key(closed.code):
                found.shut.append((letter.id, closed.code))
    return found
