"""The e-mails that say that a request waits: sent when a link was made, again until the mail server takes them."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.engine import Connection

from bot.exchange.outside import service, store
from bot.exchange.outside.model import LINK_HOLDS, Link, LinkDead, address_of
from bot.exchange.outside.store import WaitingMail
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed
from bot.kernel.clock import Clock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.live import Signals, keep_looking
from bot.kernel.logs import get_log
from bot.kernel.mail import Mailer, MailLater, MailRefused
from bot.kernel.words import N_, Words

log = get_log("exchange")

LOOK_EVERY = timedelta(minutes=1)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=30), timedelta(hours=1)
AT_ONCE = 20
#: A reminder that could not be sent so long is overtaken: the officer is called at the due date anyway.
REMINDED_FOR = timedelta(days=1)
LATER = timedelta(minutes=10)

SUBJECT = N_("A request waits for you")
#: Nothing about anybody, not even of what kind the request is: a mailbox is read by many.
TEXT = N_(
    "A request from {helpline} waits for you. Nothing about anybody stands in this e-mail.\n\n"
    "1. Open this page, and only this one:\n{link}\n"
    "2. We call you and read you a code. Do not send the code to anybody, and do not forward this e-mail.\n\n"
    "The page opens for {hours} hours. If you did not expect this, call us on a number you know."
)
#: Without a link: that was in the e-mail before, and a link that nobody asked for looks like a trap.
REMINDER = N_(
    "A request from {helpline} still waits for you. Nothing about anybody stands in this e-mail.\n\n"
    "Open the page of our earlier e-mail with the code that we read to you. If it does not open any more, call us on a "
    "number you know: we make a new one."
)


class LinkNotices:
    """Sends every e-mail that is due. Without a mail server there is nothing to do."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        signals: Signals,
        *,
        words: Words,
        mailer: Mailer | None,
        page: str,
        helpline: str,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._signals = signals
        self._words = words
        self._mailer = mailer
        self._page = page
        self._helpline = helpline
        self._not_before: dict[str, datetime] = {}  # reminders that the mail server could not take at once

    async def run(self) -> None:
        """Until cancelled. Of several servers on one database, one does."""
        await self._database.alone("link notices", self._run)

    async def _run(self) -> None:
        await keep_looking(self._signals, ("exchange",), self.look, every=LOOK_EVERY, failed=_failed)

    async def look(self) -> int:
        """Send what is due. Returns how many the mail server took."""
        if self._mailer is None:
            return 0
        at, sent = self._clock.now(), 0
        for waiting in await self._database.read(lambda tx: store.due_mails(tx, at, limit=AT_ONCE)):
            sent += await self._send(self._mailer, waiting, at)
        since = at - REMINDED_FOR
        for request_id, event_id in await self._database.read(
            lambda tx: store.due_reminders(tx, since=since, limit=AT_ONCE)
        ):
            if self._not_before.get(event_id, at) <= at:
                sent += await self._remind(self._mailer, request_id, event_id, at)
        if sent:
            self._signals.wake("exchange")
        return sent

    async def _send(self, mailer: Mailer, waiting: WaitingMail, at: datetime) -> bool:
        link = waiting.link
        found = await self._database.read(partial(_to_whom, vault=self._vault, waiting=waiting, at=at))
        if found is None:
            await self._became(link, well=False)
            return False
        to, token = found
        text = self._words.text(
            link.language,
            TEXT,
            helpline=self._helpline,
            link=address_of(self._page, token, link.language),
            hours=int(LINK_HOLDS.total_seconds() // 3600),
        )
        try:
            await mailer.send(to, self._words.text(link.language, SUBJECT), text)
        except MailRefused:
            await self._became(link, well=False)
            return False
        except MailLater:
            pause = min(FIRST_PAUSE * 2 ** min(waiting.attempt, 10), LONGEST_PAUSE)
            attempt, next_at = waiting.attempt + 1, at + pause
            if next_at >= link.expires_at:
                await self._became(link, well=False)
            else:
                later = partial(store.mail_later, link_id=link.id, attempt=attempt, next_at=next_at)
                await self._database.write(later)
            log.warning("notices.mail_later", link_id=link.id, attempt=attempt)
            return False
        await self._became(link, well=True)
        return True

    async def _remind(self, mailer: Mailer, request_id: str, event_id: str, at: datetime) -> bool:
        """One e-mail for one reminder. Whether it has a page that still opens, it does not know and does not say."""
        found = await self._database.read(lambda tx: service.to_remind(tx, self._vault, request_id, at))
        well = False
        if found is not None:
            to, language = found
            text = self._words.text(language, REMINDER, helpline=self._helpline)
            try:
                await mailer.send(to, self._words.text(language, SUBJECT), text)
                well = True
            except MailRefused:
                pass
            except MailLater:
                self._not_before[event_id] = at + LATER
                log.warning("notices.reminder_later", request_id=request_id)
                return False
        self._not_before.pop(event_id, None)
        done = partial(service.reminded, vault=self._vault, request_id=request_id, event_id=event_id, well=well, at=at)
        await self._database.write(done)
        return well

    async def _became(self, link: Link, *, well: bool) -> None:
        at = self._clock.now()
        await self._database.write(lambda tx: service.mailed(tx, self._vault, link, well=well, at=at))


def _to_whom(tx: Connection, *, vault: Vault, waiting: WaitingMail, at: datetime) -> tuple[str, str] | None:
    """The address and the token; None where the link opens no more, or the partner may not be reached now."""
    link = waiting.link
    try:
        token = service.token_of(tx, vault, link, waiting.token_sealed, at)
    except (ChannelClosed, LinkDead):
        return None
    partner = partners.get(tx, link.partner_id, vault)
    contact = partner.link_contact if partner else None
    return (contact.email, token) if contact and at < link.expires_at else None


def _failed(error: Exception) -> None:
    log.error("notices.look_failed", exc_info=error)
