"""The one who watches the due dates: reminds partners before, and sends for the focal point after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.exchange.gate import GateShut
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed
from bot.exchange.requests import consent_ends, hold_notices, sending, store
from bot.exchange.requests import consent_ends_store as ends
from bot.exchange.requests.attachments import travel as attachments
from bot.exchange.requests.calling import ring_for
from bot.exchange.requests.history import note
from bot.exchange.requests.keeping import forget_what_is_over
from bot.exchange.requests.model import EXPIRES_AFTER_DUE, Act, Request, Side, reminder_due
from bot.exchange.requests.passing import service as passing
from bot.exchange.requests.sending import SYSTEM
from bot.exchange.requests.transfer import service as transfers
from bot.exchange.requests.transfer import store as transfer_store
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.live import Signals, keep_looking
from bot.kernel.logs import get_log

log = get_log("exchange")

#: Due dates are hours and days away: a minute is soon enough.
LOOK_EVERY = timedelta(minutes=1)
AT_ONCE = 500


class Reminders:
    """Takes every reminder that is due. Each happens once, whatever is killed when."""

    def __init__(self, database: Database, clock: Clock, signals: Signals, vault: Vault) -> None:
        self._database = database
        self._clock = clock
        self._signals = signals
        self._vault = vault

    async def run(self) -> None:
        """Until cancelled. A look that fails is tried again: it never ends the watch."""
        await keep_looking(self._signals, ("exchange",), self.look, every=LOOK_EVERY, failed=_failed)

    async def look(self) -> int:
        """Take what is due. Returns how many steps were taken."""
        at, vault, taken = self._clock.now(), self._vault, 0
        for request in await self._database.read(lambda tx: store.owed(tx, limit=AT_ONCE)):
            if reminder_due(request, at) is not None or _is_over(request, at):
                taken += await self._take(partial(take_step, vault=vault, request_id=request.id, at=at), request.id)
        for transfer in await self._database.read(lambda tx: transfer_store.arrivals_missed(tx, at)):
            call = partial(transfers.call_for_missed, vault=vault, request_id=transfer.request_id, at=at)
            taken += await self._take(call, transfer.request_id)
        for transfer in await self._database.read(transfer_store.to_finish):
            finish = partial(transfers.finish, vault=vault, case_id=transfer.case_id, at=at)
            taken += await self._take(finish, transfer.request_id)
        for request_id in await self._database.read(lambda tx: ends.with_ended_consent(tx, at)):
            taken += await self._take(
                partial(consent_ends.ended, vault=vault, request_id=request_id, at=at), request_id
            )
        taken += await self._tell_of_holds(at)
        for holder in await self._database.read(lambda tx: passing.owed(tx, at)):
            taken += await self._take(partial(passing.say_again, vault=vault, holder=holder, at=at), holder.request_id)
        taken += await self._database.write(lambda tx: attachments.expire(tx, vault, at))
        taken += await self._database.write(lambda tx: forget_what_is_over(tx, vault, at))
        if taken:
            self._signals.wake("exchange", "queue", "pages", "outbox")
        return taken

    async def _tell_of_holds(self, at: datetime) -> int:
        """Tell those who must know of a hold that stands, and of one that has ended."""
        told, vault = 0, self._vault
        untold = await self._database.read(lambda tx: hold_notices.untold(tx, vault, at))
        end_untold = await self._database.read(lambda tx: hold_notices.end_untold(tx, vault, at))
        due = [
            *((hold_notices.tell_by_itself, each) for each in untold),
            *((hold_notices.tell_end_by_itself, each) for each in end_untold),
        ]
        for tell, (hold_id, request_id) in due:
            step = partial(tell, vault=vault, hold_id=hold_id, request_id=request_id, at=at)
            told += await self._take(step, request_id)
        return told

    async def _take(self, step: Callable[[Connection], bool], request_id: str) -> int:
        """One step in a transaction of its own: one broken request must not silence the others."""
        try:
            return int(await self._database.write(step))
        except Exception as error:
            log.error("reminders.step_failed", request_id=request_id, exc_info=error)
            return 0


def _is_over(request: Request, at: datetime) -> bool:
    return request.due_at is not None and at >= request.due_at + EXPIRES_AFTER_DUE


def take_step(tx: Connection, *, vault: Vault, request_id: str, at: datetime) -> bool:
    """Take the step of one request of ours that is due. False when there is none any more."""
    sealed = store.get_request(tx, request_id, lock=True)
    if sealed is None or sealed.request.side is not Side.OURS:
        return False
    request = sealed.request
    if _is_over(request, at) and request.allows(Act.EXPIRE):
        expired = request.after(Act.EXPIRE, at=at)
        store.save_request(tx, request, expired)
        note(tx, vault, expired, Act.EXPIRE, at=at)
        transfers.stays(tx, vault, expired, at=at, proven=False)
        ring_for(tx, expired, at=at)
        return True
    due = reminder_due(request, at)
    if due is None:
        return False
    _remind_partner(tx, vault, request, at=at)
    reminded = replace(request, reminded=due.number)
    store.save_request(tx, request, reminded)
    if not due.escalates:
        note(tx, vault, reminded, "reminded", at=at, facts={"step": due.number})
        return True
    partner = partners.get(tx, request.partner_id, vault)
    focal = partners.focal_point(tx, partner.country) if partner else None
    facts = {"step": due.number, "focal_point": focal.country if focal else None}
    note(tx, vault, reminded, "escalated", at=at, facts=facts)
    ring_for(tx, reminded, at=at)  # a human calls the focal point: the page of the request says whom, and the number
    return True


def _remind_partner(tx: Connection, vault: Vault, request: Request, *, at: datetime) -> None:
    savepoint = tx.begin_nested()
    try:
        sending.send(tx, vault, request, "request_reminder", {}, actor=SYSTEM, at=at)
    except (ChannelClosed, GateShut) as error:
        savepoint.rollback()
        log.warning("reminders.not_sent", request_id=request.id, kind=type(error).__name__)
        return
    savepoint.commit()


def _failed(error: Exception) -> None:
    log.error("reminders.look_failed", exc_info=error)
