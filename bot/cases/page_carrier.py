"""Carries pages out of the house, by e-mail and to browsers. The ladder writes them down; here they go.

A page that was interrupted, or of which nobody knows whether it arrived, goes again: twice is better than never, and
each doubt is counted beside it. Once a human has the case nothing more is sent.
"""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.cases import page_ways, store
from bot.cases import page_ways_store as ways
from bot.cases.alarm import PAGE, Paging
from bot.cases.hand import SYSTEM
from bot.cases.page_ways_store import PageSend, SendState, Way
from bot.kernel import officers
from bot.kernel.clock import Clock
from bot.kernel.database import Database
from bot.kernel.failpoints import failpoint
from bot.kernel.live import Signals, keep_looking
from bot.kernel.logs import get_log
from bot.kernel.mail import Mailer, MailInDoubt, MailLater, MailRefused
from bot.kernel.web_push import (
    NotASubscription,
    PushGone,
    PushInDoubt,
    PushLater,
    PushRefused,
    PushServices,
    Subscription,
)
from bot.kernel.words import N_

log = get_log("pages")

LOOK_EVERY = timedelta(seconds=5)
AT_ONCE = 20
#: Longer than the slowest attempt: what is still being sent after it was interrupted.
LEASE = timedelta(seconds=90)
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=5), timedelta(minutes=1)
#: Older than this a page tells nobody anything: the ladder has written newer ones.
GIVE_UP = timedelta(minutes=10)
#: Addresses that are over are looked for this often, and before each page.
TIDY_EVERY = timedelta(minutes=1)

TITLE = N_("A {priority} case waits")
OPEN = N_("Open the desk.")


class Ready(Struct, frozen=True):
    """A page that was begun: where it goes, and what it may say."""

    send: PageSend
    address: str
    language: str
    priority: str
    number: str


class PageCarrier:
    """Carries what is due, by each way that is set up. Without one there is nothing to do."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        signals: Signals,
        paging: Paging,
        *,
        mailer: Mailer | None,
        push: PushServices | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._signals = signals
        self._paging = paging
        self._mailer = mailer
        self._push = push
        self._tidy_due = clock.now()

    async def run(self) -> None:
        """Until cancelled. Of several servers on one database, one does; a slow mail server holds up no browser."""
        await self._database.alone("page carrier", self._run)

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as group:
            for way in Way:
                group.create_task(self._carry(way))

    async def _carry(self, way: Way) -> None:
        look, rest = partial(self.look, way), partial(self._pause, way)
        await keep_looking(self._signals, ("pages",), look, every=LOOK_EVERY, failed=_failed, rest=rest)

    async def look(self, way: Way) -> int:
        """Send what is due by this way. Returns how many were taken."""
        if (self._mailer if way is Way.EMAIL else self._push) is None:
            return 0
        await self._tidy()
        at = self._clock.now()
        due = await self._database.read(lambda tx: ways.due_sends(tx, way, at, limit=AT_ONCE))
        return sum(await asyncio.gather(*(self._one(key) for key in due)))

    async def _tidy(self) -> None:
        at = self._clock.now()
        if at < self._tidy_due:
            return
        self._tidy_due = at + TIDY_EVERY
        await self._database.write(lambda tx: page_ways.end_over(tx, self._paging.vault, actor=SYSTEM, at=at))

    async def _one(self, key: str) -> bool:
        """Send one page, and write down how it went. One that goes wrong must not keep the others."""
        try:
            return await self._send(key)
        except Exception as error:
            log.error("pages.send_failed", exc_info=error)
            return False

    async def _send(self, key: str) -> bool:
        ready = await self._database.write(partial(_begin, paging=self._paging, key=key, at=self._clock.now()))
        if ready is None:
            return False
        failpoint("pages.before_send")
        try:
            await self._hand_over(ready)
        except (MailRefused, PushRefused, PushGone, NotASubscription) as error:
            await self._settle(ready, SendState.REFUSED, gone=isinstance(error, PushGone))
            return False
        except (MailLater, PushLater) as error:
            in_doubt = isinstance(error, MailInDoubt | PushInDoubt)
            after = error.after if isinstance(error, PushLater) else timedelta(0)
            await self._again(ready, "in_doubt" if in_doubt else "later", after=after)
            return False
        failpoint("pages.after_send")
        await self._settle(ready, SendState.SENT)
        return True

    async def _hand_over(self, ready: Ready) -> None:
        words, language, at = self._paging.words, ready.language, self._clock.now()
        title = words.text(language, TITLE, priority=ready.priority)
        if ready.send.way is Way.EMAIL:
            assert self._mailer is not None
            url = self._paging.desk_url
            text = words.text(language, PAGE, priority=ready.priority, number=ready.number, url=url)
            await self._mailer.send(ready.address, title, text, once=_tag(ready.send.key))
            return
        assert self._push is not None
        subscription = Subscription.from_browser(ready.address, self._push.services)
        said = {"title": title, "text": words.text(language, OPEN), "tag": _tag(ready.send.case_id)}
        await self._push.send(subscription, said, topic=said["tag"], lasts=GIVE_UP, at=at)

    async def _settle(self, ready: Ready, state: SendState, *, gone: bool = False) -> None:
        at, send, vault = self._clock.now(), ready.send, self._paging.vault

        def work(tx: Connection) -> None:
            cause = "gone" if gone else "refused" if state is SendState.REFUSED else None
            ways.settle(tx, send.key, state, attempt=send.attempt, at=at, cause=cause)
            way = ways.one_way(tx, send.way_id) if gone else None
            if way is not None:
                page_ways.end(tx, vault, way, actor=SYSTEM, at=at)

        await self._database.write(work)

    async def _again(self, ready: Ready, cause: str, *, after: timedelta) -> None:
        send = ready.send
        pause = max(after, min(FIRST_PAUSE * 2 ** min(send.attempt - 1, 10), LONGEST_PAUSE))
        next_at, doubts = self._clock.now() + pause, send.doubts + (cause == "in_doubt")
        await self._database.write(
            lambda tx: ways.try_again(tx, send.key, attempt=send.attempt, doubts=doubts, cause=cause, next_at=next_at)
        )
        log.warning("pages.later", attempt=send.attempt, cause=cause)

    async def _pause(self, way: Way) -> float:
        at = self._clock.now()
        upcoming = await self._database.read(lambda tx: ways.next_send(tx, way))
        if upcoming is None:
            return LOOK_EVERY.total_seconds()
        return max(0.05, min((upcoming - at).total_seconds(), LOOK_EVERY.total_seconds()))


def _begin(tx: Connection, *, paging: Paging, key: str, at: datetime) -> Ready | None:
    """Begin the next attempt of a page, or end it where it is not wanted any more."""
    send = ways.get_send(tx, key, lock=True)
    if send is None or send.next_at is None or send.next_at > at:  # over, or another server sends it in this moment
        return None
    if send.state is SendState.SENDING:
        send = replace(send, doubts=send.doubts + 1, cause="interrupted")
    page_ways.end_over(tx, paging.vault, actor=SYSTEM, at=at)
    way = ways.one_way(tx, send.way_id)
    found, officer = store.get_case(tx, send.case_id), officers.get_officer(tx, send.officer_id)
    ending = None
    if found is None or not ways.is_wanted(tx, send.case_id, officer_id=send.officer_id):
        ending = SendState.OVERTAKEN
    elif way is None or way.confirmed_at is None or officer is None or not officer.active:
        ending = SendState.REFUSED
    elif at - send.made_at > GIVE_UP:
        ending = SendState.GIVEN_UP
    if ending is not None or found is None or way is None or officer is None:
        ways.settle(
            tx, key, ending or SendState.REFUSED, attempt=send.attempt, at=at, cause=send.cause, doubts=send.doubts
        )
        return None
    attempt = send.attempt + 1
    ways.begin(tx, key, attempt=attempt, doubts=send.doubts, cause=send.cause, until=at + LEASE)
    return Ready(
        send=ways.get_send(tx, key) or send,
        address=page_ways.address_of(tx, paging.vault, way),
        language=officer.languages[0] if officer.languages else "en",
        priority=found.case.priority.value,
        number=found.case.number,
    )


def _tag(text: str) -> str:
    """A name that tells nothing, for what belongs together."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _failed(error: Exception) -> None:
    log.error("pages.look_failed", exc_info=error)
