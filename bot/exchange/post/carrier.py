"""Letters go out: pushed over HTTPS in the order they were written, again and again until the partner signs for them.

What a partner's machine answers counts only when it is signed with the partner's key: whoever took over a name or a
line can make a letter late, and nothing else.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

import aiohttp
from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.exchange import jose
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.endpoint import EndpointRefused, plain_endpoint
from bot.exchange.partners.keys import Identity
from bot.exchange.partners.model import Partner
from bot.exchange.post import service, store, taking_in, trust
from bot.exchange.post.intake import Intake
from bot.exchange.post.model import Gatekeeper, LetterStopped, ReceiptState, Receiver
from bot.exchange.post.receipts import MOST_RECEIPTS, SignedReceipt, fingerprint_of, read_receipt, write_fetch
from bot.exchange.refusals import OF_OUR_KEY, ChannelClosed, ExpiredKey, Refused, RevokedKey, TooLarge
from bot.kernel.clock import Clock
from bot.kernel.crypto import Erased, Vault
from bot.kernel.database import Database, DatabaseUnavailable
from bot.kernel.failpoints import failpoint
from bot.kernel.live import Signals
from bot.kernel.logs import get_log

log = get_log("exchange")

LETTERS_PATH = "/exchange/letters"
FETCH_PATH = "/exchange/letters/waiting"
MEDIA_TYPE = "application/jose"
#: Between two tries: at first, at most, and how much chance moves it, so that partners do not all come at once.
FIRST_PAUSE, LONGEST_PAUSE, JITTER = timedelta(seconds=5), timedelta(hours=1), 0.5
#: While a key is what stands in the way, a human has to act: look again so often.
PAUSE_FOR_KEYS = timedelta(minutes=5)
FETCH_EVERY = timedelta(minutes=1)
SWEEP_EVERY = timedelta(minutes=1)
IDLE_SECONDS = 1.0
TIMEOUT = aiohttp.ClientTimeout(total=60, connect=15)
#: Letters sealed in one look at the database.
BATCH = 16
LONGEST_ANSWER = 16 * 1024 * 1024


class Unreachable(Exception):
    """The partner's machine did not answer in a way that counts. `code` says how."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class _Answer(Struct, frozen=True):
    status: int
    body: bytes


class Carrier:
    """Pushes what is due, fetches from partners that cannot reach us, and gives up what ran out."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        signals: Signals,
        *,
        intake: Intake,
        receiver: Receiver | None,
        gatekeeper: Gatekeeper,
        identity: Identity | None = None,
        draw: Callable[[], float] = random.random,
        fetch_every: timedelta = FETCH_EVERY,
        first_pause: timedelta = FIRST_PAUSE,
        longest_pause: timedelta = LONGEST_PAUSE,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._signals = signals
        self._intake = intake
        self._receiver = receiver
        self._gatekeeper = gatekeeper
        self._identity = identity
        self._draw = draw
        self._fetch_every = fetch_every
        self._first_pause = first_pause
        self._longest_pause = longest_pause
        self._pause_for_keys = min(PAUSE_FOR_KEYS, longest_pause)
        self._session: aiohttp.ClientSession | None = None
        self._pushing: dict[str, asyncio.Task[None]] = {}
        self._fetched_at: datetime | None = None
        self._swept_at: datetime | None = None

    async def run(self) -> None:
        """Work until cancelled. Of several servers on one database, one does."""
        await self._database.alone("exchange carrier", self._run)

    async def _run(self) -> None:
        try:
            with self._signals.watching("post") as watch:
                while True:
                    try:
                        await self.look()
                    except DatabaseUnavailable:
                        log.error("exchange.database_unavailable")
                    await watch.next(IDLE_SECONDS)
        finally:
            await self.close()

    async def close(self) -> None:
        """Stop what is under way: whatever the partner then has is known for a copy when it comes again."""
        for task in self._pushing.values():
            task.cancel()
        if self._pushing:
            await asyncio.wait(self._pushing.values())
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def look(self) -> None:
        """One round: sweep and fetch when it is time, and begin to push wherever something is due."""
        at = self._clock.now()
        if self._swept_at is None or at - self._swept_at >= SWEEP_EVERY:
            self._swept_at = at
            await self._sweep(at)
        if self._fetched_at is None or at - self._fetched_at >= self._fetch_every:
            self._fetched_at = at
            await self.fetch_all()
        for partner_id in await self._database.read(lambda tx: store.due_partners(tx, at)):
            if partner_id not in self._pushing:
                task = asyncio.create_task(self._push(partner_id), name="post")
                self._pushing[partner_id] = task
                task.add_done_callback(partial(self._pushed, partner_id))

    async def _sweep(self, at: datetime) -> None:
        given_up = await self._database.write(lambda tx: service.run_out(tx, self._vault, self._receiver, at))
        if given_up:
            log.error("letters_undelivered", count=given_up)
        await self._database.write(lambda tx: service.forget(tx, at))
        await self._database.write(lambda tx: taking_in.ask_for_gaps(tx, self._vault, at))
        identity = self._identity
        if identity is not None and await self._database.read(
            lambda tx: partner_service.own_key_is_old(tx, self._vault, at)
        ):
            told = await self._database.write(
                lambda tx: trust.announce_key(tx, self._vault, identity, by=service.THE_POST, at=at)
            )
            log.info("own_key_rotated", count=told)

    async def drain(self) -> None:
        """Send everything that is due now, then return."""
        await self.look()
        while self._pushing:
            await asyncio.wait(self._pushing.values())

    def _pushed(self, partner_id: str, task: asyncio.Task[None]) -> None:
        self._pushing.pop(partner_id, None)
        if not task.cancelled() and task.exception() is not None:
            log.error("exchange.push_failed", partner_id=partner_id, error=type(task.exception()).__name__)

    # Pushing

    async def _push(self, partner_id: str) -> None:
        """Send to one partner what is due, one letter after the other, until it is done or nobody answers."""
        while True:
            at = self._clock.now()
            due = await self._database.read(partial(store.due_letters, partner_id=partner_id, at=at, limit=BATCH))
            if not due:
                return
            for letter in due:
                try:
                    await self._push_one(letter)
                except Unreachable as error:
                    await self._postpone(letter, error.code, all_of_them=True)
                    return
                except DatabaseUnavailable:
                    raise
                except Exception as error:  # a fault of the room that is told, or ours: the others still go
                    log.error("letter_not_sent", partner_id=partner_id, error=type(error).__name__)
                    await self._postpone(letter, "room_failed", all_of_them=False)

    async def _push_one(self, letter: store.Letter) -> None:
        sealed = await self._sealed(letter)
        if sealed is None:
            return
        answer = await self._post(sealed.partner, LETTERS_PATH, sealed.raw)
        failpoint("exchange.after_send")
        word = self._word(answer, sealed, await self._deployment())
        at = self._clock.now()
        if word.state is ReceiptState.STORED:
            await self._database.write(
                lambda tx: service.confirmed(tx, self._vault, self._receiver, letter.partner_id, word, at)
            )
        elif service.may_pass_later(word.code):
            await self._put_back(letter, word.code or "refused")
        else:
            code = word.code or "refused"
            await self._database.write(lambda tx: service.refused(tx, self._vault, self._receiver, letter.id, code, at))
        failpoint("exchange.after_record")

    async def _put_back(self, letter: store.Letter, code: str) -> None:
        """The partner's machine cannot take this letter now. Where it is our key that it does not believe any more, we
        sign with our newest from here on, whether it has heard of that or not."""
        if code not in OF_OUR_KEY:
            await self._postpone(letter, code, all_of_them=False)
            return
        if code in (RevokedKey.code, ExpiredKey.code):
            at = self._clock.now()
            await self._database.write(
                lambda tx: partner_service.speak_with_newest_key(tx, self._vault, letter.partner_id, at)
            )
        await self._postpone(letter, code, all_of_them=True, pause=self._pause_for_keys)

    async def _sealed(self, letter: store.Letter) -> service.Sealed | None:
        """The letter ready to go, or None where it is not to go now, or never."""
        at = self._clock.now()
        try:
            return await self._database.read(lambda tx: service.sealed(tx, self._vault, self._gatekeeper, letter, at))
        except (ChannelClosed, partner_service.NoKeyYet) as closed:
            code = closed.code if isinstance(closed, ChannelClosed) else "no_own_key"
            if code == "no_own_key" or service.waits_for_a_key(code):
                await self._postpone(letter, code, all_of_them=False, pause=self._pause_for_keys)
                return None
            await self._shut(letter, code)
        except LetterStopped as stopped:
            await self._shut(letter, stopped.code)
        except Erased:
            await self._shut(letter, "erased")
        except TooLarge:
            await self._shut(letter, TooLarge.code)
        return None

    async def _shut(self, letter: store.Letter, code: str) -> None:
        at = self._clock.now()
        log.warning("letter_not_sent", reason=code, partner_id=letter.partner_id)
        await self._database.write(lambda tx: service.shut(tx, self._vault, self._receiver, letter.id, code, at))

    def _word(self, answer: _Answer, sealed: service.Sealed, deployment: str) -> SignedReceipt:
        """What the partner signed about the very bytes we sent. Raises Unreachable where it signed nothing."""
        try:
            word = read_receipt(
                answer.body.decode("ascii"), partner=sealed.partner, deployment=deployment, at=self._clock.now()
            )
        except (UnicodeDecodeError, Refused):
            raise Unreachable(f"http_{answer.status}") from None
        stored_another = word.state is ReceiptState.STORED and word.envelope_id != sealed.letter.id
        if word.sha256 != fingerprint_of(sealed.raw) or stored_another:
            raise Unreachable("receipt_of_another")
        return word

    async def _postpone(
        self, letter: store.Letter, code: str, *, all_of_them: bool, pause: timedelta | None = None
    ) -> None:
        wait = pause or pause_after(letter.attempt, self._draw(), first=self._first_pause, longest=self._longest_pause)
        next_attempt_at = self._clock.now() + wait

        def work(tx: Connection) -> None:
            store.postpone(tx, letter.id, attempt=letter.attempt + 1, next_attempt_at=next_attempt_at, code=code)
            if all_of_them:
                store.postpone_all(tx, letter.partner_id, next_attempt_at)

        log.info("letter_postponed", reason=code, partner_id=letter.partner_id, attempt=letter.attempt + 1)
        await self._database.write(work)

    # Fetching

    async def fetch_all(self) -> None:
        """Ask every partner that cannot reach us for what waits there."""
        everyone = await self._database.read(lambda tx: partners.everyone(tx, self._vault))
        at = self._clock.now()
        for partner in everyone:
            if partner.fetch and partner.endpoint and partner.without_doubts.why_closed(at) is None:
                try:
                    await self._fetch(partner)
                except Unreachable as error:
                    log.info("fetch_failed", reason=error.code, partner_id=partner.id)

    async def _fetch(self, partner: Partner) -> None:
        """Take what waits there, a batch at a time; with each question goes our word for the batch before."""
        words: list[str] = []
        while True:
            at = self._clock.now()
            own = await self._database.read(
                lambda tx, at=at: partner_service.own_key_for(tx, self._vault, partner, at)  # type: ignore[misc]
            )
            asked = write_fetch(own, partner=partner, receipts=words, at=at)
            letters = _letters_in(await self._post(partner, FETCH_PATH, asked.encode()))
            taken = [await self._intake.take(raw) for raw in letters]
            failpoint("exchange.after_fetch")
            if words and not any(each.new for each in taken):  # they heard our words, and have nothing new
                return
            words = [each.word for each in taken]
            if not words:
                return

    # The line

    async def _deployment(self) -> str:
        at = self._clock.now()
        own = await self._database.read(lambda tx: partner_service.newest_own_key(tx, self._vault, at))
        return own.deployment

    async def _post(self, partner: Partner, path: str, body: bytes) -> _Answer:
        """One request. Redirects are not followed: a letter goes where the admins said, or nowhere."""
        try:
            endpoint = plain_endpoint(partner.endpoint or "")
        except EndpointRefused:
            raise Unreachable("endpoint") from None
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=TIMEOUT)
        headers = {"Content-Type": MEDIA_TYPE, "Accept": MEDIA_TYPE}
        try:
            async with self._session.post(
                endpoint + path, data=body, headers=headers, allow_redirects=False
            ) as response:
                answer = await response.content.read(LONGEST_ANSWER)
                while more := await response.content.read(LONGEST_ANSWER):
                    answer += more
                    if len(answer) > LONGEST_ANSWER:
                        raise Unreachable("answer_too_long")
                return _Answer(response.status, answer)
        except (aiohttp.ClientError, OSError):
            raise Unreachable("connection") from None
        except TimeoutError:
            raise Unreachable("timeout") from None


def pause_after(
    attempt: int, draw: float, *, first: timedelta = FIRST_PAUSE, longest: timedelta = LONGEST_PAUSE
) -> timedelta:
    """How long to wait after the attempt of this number (from 0) failed; `draw` is chance, from 0 to 1."""
    pause: timedelta = min(first * 2 ** min(attempt, 16), longest)
    return pause * (1 - JITTER + 2 * JITTER * draw)


def _letters_in(answer: _Answer) -> list[bytes]:
    """The envelopes of one fetch. Raises Unreachable."""
    if answer.status != 200:
        raise Unreachable(f"http_{answer.status}")
    try:
        letters = jose.strict_json(answer.body)["letters"]
        if len(letters) > MOST_RECEIPTS:
            raise Unreachable("too_many_letters")
        return [str(letter).encode("ascii") for letter in letters]
    except (jose.NotOurs, KeyError, TypeError, UnicodeEncodeError):
        raise Unreachable("not_letters") from None
