"""Letters come in: stored before they are acknowledged, then handed to the room above, once."""

from __future__ import annotations

import asyncio
from functools import partial

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.exchange.partners import service as partners
from bot.exchange.partners import store as partner_store
from bot.exchange.partners.keys import OwnKey
from bot.exchange.partners.model import Partner
from bot.exchange.post import store, taking_in
from bot.exchange.post.model import Receiver
from bot.exchange.post.receipts import fingerprint_of, write_receipt
from bot.exchange.refusals import Refused
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.failpoints import failpoint
from bot.kernel.live import Signals
from bot.kernel.logs import get_log

log = get_log("exchange")

IDLE_SECONDS = 2.0
AT_ONCE = 32


class Taken(Struct, frozen=True):
    """What became of one envelope: our signed word for its sender, and for a human why it was refused."""

    word: str
    envelope_id: str | None
    partner_id: str | None
    refusal: Refused | None
    new: bool = False


class Intake:
    """Takes envelopes from wherever they come. Without a receiver they wait, safely, until there is one."""

    def __init__(
        self, database: Database, vault: Vault, clock: Clock, signals: Signals, receiver: Receiver | None
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._signals = signals
        self._receiver = receiver

    async def take(self, raw: bytes) -> Taken:
        """Open, check and keep one envelope. Once this returns a word that it is stored, nothing loses it.

        Raises DatabaseUnavailable: then nothing was said, and the sender tries again.
        """
        at = self._clock.now()
        try:
            came = await self._database.read(lambda tx: taking_in.opened(tx, self._vault, raw, at))
            new = await self._database.write(
                lambda tx: taking_in.store_envelope(tx, self._vault, self._receiver, came, raw, at)
            )
        except Refused as refusal:
            return await self.refuse(fingerprint_of(raw), refusal)
        failpoint("exchange.after_store")
        self._signals.wake("exchange", "post")
        own = await self.own_key(came.partner)
        sha256, sender = fingerprint_of(raw), came.partner
        word = write_receipt(own, sha256, partner=sender, envelope_id=came.contents.id, refused=None, at=at)
        return Taken(word, came.contents.id, came.partner.id, None, new)

    async def refuse(self, sha256: str, refusal: Refused) -> Taken:
        """Our signed word that what has this hash was not taken in."""
        at = self._clock.now()
        log.warning("letter_refused", reason=refusal.code, partner_id=refusal.partner_id)
        sender = None
        if refusal.partner_id is not None:
            who = refusal.partner_id
            await self._database.write(lambda tx: taking_in.refused_from(tx, self._vault, refusal, at))
            sender = await self._database.read(lambda tx: partner_store.get(tx, who, self._vault))
        own = await self.own_key(sender)
        word = write_receipt(own, sha256, partner=sender, envelope_id=None, refused=refusal.code, at=at)
        return Taken(word, None, refusal.partner_id, refusal)

    async def own_key(self, partner: Partner | None = None) -> OwnKey:
        """The pair to speak to a partner with; made now, where there is none yet."""
        at = self._clock.now()

        def known(tx: Connection) -> OwnKey:
            if partner is None:
                return partners.newest_own_key(tx, self._vault, at)
            return partners.own_key_for(tx, self._vault, partner, at)

        try:
            return await self._database.read(known)
        except partners.NoKeyYet:
            return await self._database.write(lambda tx: partners.current_own_key(tx, self._vault, at))

    async def run(self) -> None:
        """Hand over what came, for ever."""
        with self._signals.watching("exchange") as watch:
            while True:
                try:
                    more = await self.hand_over_due()
                except DatabaseUnavailable:
                    log.error("exchange.database_unavailable")
                    more = False
                if not more:
                    await watch.next(IDLE_SECONDS)

    async def hand_over_due(self) -> bool:
        """Hand over what is due now. False when nothing was."""
        receiver = self._receiver
        if receiver is None:
            return False
        at = self._clock.now()
        due = await self._database.read(lambda tx: store.to_hand_over(tx, at, limit=AT_ONCE))
        for row in due:
            await self._hand_over(receiver, row)
        return bool(due)

    async def _hand_over(self, receiver: Receiver, row: store.Received) -> None:
        at = self._clock.now()

        def work(tx: Connection) -> bool:
            return taking_in.hand_over(tx, self._vault, receiver, row.partner_id, row.envelope_id, at)

        try:
            await self._database.write(work)
        except (DatabaseUnavailable, asyncio.CancelledError):
            raise
        except Exception as error:  # a fault of the room above: the letter stays, and is tried again
            log.error("letter_not_handed_over", seq=row.seq, attempt=row.attempt, error=type(error).__name__)
            await self._database.write(partial(taking_in.put_off, row=row, at=at))
        failpoint("exchange.after_hand_over")
