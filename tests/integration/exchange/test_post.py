"""A letter arrives once, or a human is told: over real HTTP, between two deployments with databases of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import aiohttp
import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection, make_url
from sqlalchemy.ext.asyncio import create_async_engine

from bot.exchange import envelope
from bot.exchange.partners import keys
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.post import service, store
from bot.exchange.post.model import Receipt, ReceiptState
from bot.exchange.post.receipts import fingerprint_of, read_receipt, write_fetch
from bot.exchange.post.service import BodyTooLarge, NoConsent
from bot.exchange.post.watch import look_at_exchange
from bot.exchange.refusals import ChannelClosed
from bot.kernel import audit
from tests.integration.exchange.letters import (
    Two,
    acquainted,
    all_letters,
    only_partner,
    post,
    sealed,
)
from tests.integration.exchange.open_gate import cleared
from tests.integration.exchange.world import CLASSES, Deployment, a_partner


async def test_a_letter_is_sealed_carried_stored_and_handed_over(two: Two):
    lyon, tunis = await acquainted(two)
    envelope_id = await lyon.put(await only_partner(lyon))

    await lyon.send()
    await tunis.work()

    (letter,) = tunis.room.letters
    assert letter.body == {"text": "Who cared for the child?"}
    assert (letter.envelope_id, letter.kind, letter.request_type) == (envelope_id, "request", "info_child")
    assert (letter.consent_ref, letter.partner_id) == ("consent-17", (await only_partner(tunis)).id)
    kept = await lyon.letter(envelope_id)
    assert (kept.state, kept.body) == ("stored", None)
    assert [(news.state, news.envelope_id) for news in lyon.room.news] == [(ReceiptState.STORED, envelope_id)]


async def test_a_letter_leaves_only_if_the_callers_transaction_commits(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)

    def put_and_fail(tx: Connection) -> None:
        service.put(
            tx, lyon.vault, cleared(partner.id, "request", {}), partner_id=partner.id, kind="request",
            request_type="info_child",
            purpose="family_contact", data_classes=CLASSES, consent_ref="consent-17", body={}, key_id=lyon.key_id,
            actor=lyon.admins[0], at=lyon.clock.now(),
        )  # fmt: skip
        raise RuntimeError("the caller's own fault")

    with pytest.raises(RuntimeError):
        await lyon.database.write(put_and_fail)
    await lyon.send()

    assert tunis.room.letters == []
    assert await lyon.put(partner)
    assert (await lyon.letter((await lyon.database.read(all_letters))[0])).seq == 1


async def test_a_copy_has_no_second_effect_and_is_confirmed_again(two: Two):
    lyon, tunis = await acquainted(two)
    envelope_id = await lyon.put(await only_partner(lyon))
    first, again = await sealed(lyon, envelope_id), await sealed(lyon, envelope_id)
    assert first != again

    statuses = [(await post(tunis, raw))[0] for raw in (first, first, again)]
    await tunis.work()
    statuses.append((await post(tunis, first))[0])
    await tunis.work()

    assert statuses == [202, 202, 202, 202]
    assert len(tunis.room.letters) == 1


async def test_another_letter_under_the_same_number_is_refused_with_a_signed_word(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    envelope_id = await lyon.put(partner)
    raw = await sealed(lyon, envelope_id)
    assert (await post(tunis, raw))[0] == 202

    for change in ({"body": {"text": "another"}}, {"id": "0192f0a0-0000-7000-8000-00000000000f"}):
        status, word = await post(tunis, await _sealed_otherwise(lyon, envelope_id, change))

        assert status == 403
        said = read_receipt(word, partner=partner, deployment=await deployment_of(lyon), at=lyon.clock.now())
        assert (said.state, said.code) == (ReceiptState.REFUSED, "replayed")


async def deployment_of(deployment: Deployment) -> str:
    own = await deployment.database.read(
        lambda tx: partner_service.newest_own_key(tx, deployment.vault, deployment.clock.now())
    )
    return own.deployment


async def _sealed_otherwise(sender: Deployment, envelope_id: str, change: dict[str, object]) -> bytes:
    letter = await sender.letter(envelope_id)
    at = sender.clock.now()
    own = await sender.database.read(lambda tx: partner_service.newest_own_key(tx, sender.vault, at))
    contents = envelope.Contents(
        letter.id, letter.seq, letter.kind, letter.request_type, letter.purpose, letter.data_classes,
        letter.consent_ref, letter.in_reply_to, letter.made_at, letter.expires_at, {"text": "x"},
    )  # fmt: skip
    return envelope.seal(replace(contents, **change), own=own, partner=await only_partner(sender), at=at)


async def test_every_refusal_is_signed_and_a_copy_can_still_come(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    raw = await sealed(lyon, await lyon.put(partner))
    spoilt = raw[:-30] + (b"A" if raw[-30:-29] != b"A" else b"B") + raw[-29:]

    for bad, status, code in (
        (spoilt, 403, "bad_signature"),
        (b"hello", 400, "not_an_envelope"),
        (b"A" * 1_040_000, 413, "too_large"),
        (b"A" * 12_000_000, 413, "too_large"),  # not kept in memory, and answered with a signed word all the same
    ):
        answered, word = await post(tunis, bad)
        said = read_receipt(word, partner=partner, deployment=await deployment_of(lyon), at=lyon.clock.now())
        assert (answered, said.code) == (status, code)
        assert said.sha256 == fingerprint_of(bad)

    assert (await post(tunis, raw))[0] == 202


async def test_letters_arrive_in_the_order_they_were_written(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    for number in range(20):
        await lyon.put(partner, f"letter {number}")

    await lyon.send()
    await tunis.work()

    assert tunis.texts == [f"letter {number}" for number in range(20)]


async def test_a_partner_that_is_away_is_tried_again_and_a_human_is_told_after_two_weeks(two: Two):
    lyon, _tunis = await acquainted(two)
    partner = await only_partner(lyon)
    await _change(lyon, replace(partner, endpoint="http://127.0.0.1:9"))
    envelope_id = await lyon.put(await only_partner(lyon))
    tries = 0
    while (kept := await lyon.letter(envelope_id)).state == "waiting":
        await lyon.send()
        tries += 1
        assert tries < 1000
        lyon.clock.advance(timedelta(hours=1))
    assert 300 < kept.attempt < 400
    assert (kept.state, kept.code) == ("undelivered", "connection")
    assert [(news.state, news.code) for news in lyon.room.news] == [(ReceiptState.UNDELIVERED, "connection")]
    assert lyon.clock.now() - kept.made_at >= timedelta(days=14)


async def _change(deployment: Deployment, partner: partners.Partner) -> None:
    """Change what is said of a partner, and have it signed again."""

    def work(tx: Connection) -> None:
        at = deployment.clock.now()
        partner_service.change_partner(tx, deployment.vault, partner, by=deployment.admins[0], at=at)
        for admin in deployment.admins[:2]:
            heard = " ".join(keys.fingerprint(partner.keys[0].sign_public, partner.keys[0].seal_public))
            partner_service.sign_key(tx, deployment.vault, partner.id, heard=heard, officer_id=admin, at=at)

    await deployment.database.write(work)


async def test_what_the_room_refuses_goes_back_with_its_reason_and_its_writing_is_undone(two: Two):
    lyon, tunis = await acquainted(two)
    tunis.room.refuses, tunis.room.names = "not_our_area", ("parents", "names", "<b>")
    tunis.room.writes = lambda tx, _letter: _mark(tx)
    envelope_id = await lyon.put(await only_partner(lyon))

    await lyon.send()
    await tunis.work()
    await tunis.send()

    kept = await lyon.letter(envelope_id)
    assert (kept.state, kept.code) == ("refused", "not_our_area")
    assert [news.state for news in lyon.room.news] == [ReceiptState.STORED, ReceiptState.REFUSED]
    assert lyon.room.news[-1].named == ("parents", "names")  # what it means; what is no code is left out
    assert await tunis.database.read(_marks) == 0


def _mark(tx: Connection) -> None:
    tx.execute(
        partners.exchange_focal_points.insert().values(country="XX", partner_id=None, contact="{}", note="written")
    )


def _marks(tx: Connection) -> int:
    return tx.execute(sa.select(sa.func.count()).select_from(partners.exchange_focal_points)).scalar_one()


async def test_a_fault_of_the_room_loses_nothing_and_leaves_nothing_half_done(two: Two):
    lyon, tunis = await acquainted(two)
    tunis.room.fails = 3
    tunis.room.writes = lambda tx, _letter: _mark(tx)
    await lyon.put(await only_partner(lyon))
    await lyon.send()

    for _ in range(3):
        await tunis.work()
        assert (tunis.texts, await tunis.database.read(_marks)) == ([], 0)
        tunis.clock.advance(timedelta(minutes=2))
    await tunis.work()

    assert (len(tunis.texts), await tunis.database.read(_marks)) == (1, 1)


async def test_news_of_a_human_comes_back_and_never_goes_backwards(two: Two):
    lyon, tunis = await acquainted(two)
    envelope_id = await lyon.put(await only_partner(lyon))
    await lyon.send()
    await tunis.work()
    partner_id = (await only_partner(tunis)).id

    for state in (ReceiptState.ANSWERED, ReceiptState.READ):
        await tunis.database.write(
            lambda tx, state=state: service.report(  # type: ignore[misc]
                tx,
                tunis.vault,
                partner_id=partner_id,
                envelope_id=envelope_id,
                state=state,
                actor=tunis.admins[0],
                at=tunis.clock.now(),
            )
        )
    await tunis.send()

    assert [news.state for news in lyon.room.news] == [ReceiptState.STORED, ReceiptState.ANSWERED]


async def test_nothing_is_written_for_whom_no_rule_allows_it(two: Two):
    lyon, tunis = two
    unverified = await lyon.meet(tunis, signatures=1)

    with pytest.raises(ChannelClosed, match="not verified"):
        await lyon.put(unverified)

    assert await lyon.database.read(all_letters) == []


async def test_personal_data_needs_the_ledger_and_a_letter_has_its_limit(two: Two):
    lyon, _tunis = await acquainted(two)
    partner = await only_partner(lyon)

    with pytest.raises(NoConsent):
        await lyon.put(partner, consent_ref=None)
    with pytest.raises(BodyTooLarge):
        await lyon.put(partner, "x" * 500_000)
    with pytest.raises(ChannelClosed, match="does not cover: health"):
        await lyon.put(partner, data_classes=frozenset({"health"}))
    assert await lyon.put(partner, "x" * 490_000)


async def test_an_agreement_that_ran_out_closes_the_way_for_what_waits_too(two: Two):
    lyon, tunis = two
    ends = a_partner(tunis, lyon.clock).agreement
    assert ends is not None
    soon = replace(ends, valid_to=lyon.clock.now() + timedelta(days=3))
    partner = await lyon.meet(tunis, agreement=soon)
    await tunis.meet(lyon, agreement=soon)
    envelope_id = await lyon.put(partner)
    raw = await sealed(lyon, envelope_id)
    for each in (lyon, tunis):
        each.clock.advance(timedelta(days=3))

    await lyon.send()

    kept = await lyon.letter(envelope_id)
    assert (kept.state, kept.code, kept.body) == ("closed", "agreement_expired", None)
    assert [news.state for news in lyon.room.news] == [ReceiptState.CLOSED]
    assert (await post(tunis, raw))[0] == 403
    assert tunis.room.letters == []


async def test_a_letter_whose_case_was_erased_is_not_sent(two: Two):
    lyon, tunis = await acquainted(two)
    envelope_id = await lyon.put(await only_partner(lyon))
    await lyon.database.write(lambda tx: lyon.vault.destroy(tx, lyon.key_id, lyon.clock.now()))

    await lyon.send()

    kept = await lyon.letter(envelope_id)
    assert (kept.state, kept.code) == ("closed", "erased")
    assert tunis.room.letters == []


async def test_a_partner_behind_a_firewall_fetches_and_confirms(two: Two):
    lyon, tunis = two
    await lyon.meet(tunis, endpoint=None)  # Lyon cannot reach Tunis
    await tunis.meet(lyon, fetch=True)
    ids = [await lyon.put(await only_partner(lyon), f"letter {number}") for number in range(40)]
    await lyon.send()
    assert {(await lyon.letter(each)).state for each in ids} == {"waiting"}

    await tunis.carrier.fetch_all()
    await tunis.work()

    assert tunis.texts == [f"letter {number}" for number in range(40)]
    assert {(await lyon.letter(each)).state for each in ids} == {"stored"}


async def test_letters_that_a_fetching_partner_cannot_take_yet_wait_for_it(two: Two):
    """Lyon signs with a key that Tunis has not heard of: it asks, refuses, and does not ask for ever."""
    lyon, tunis = two
    await lyon.meet(tunis, endpoint=None)
    await tunis.meet(lyon, fetch=True)
    for each in two:
        each.clock.advance(timedelta(hours=1))
    by, at = lyon.admins[0], lyon.clock.now()
    await lyon.database.write(lambda tx: partner_service.rotate_own_key(tx, lyon.vault, by=by, at=at))
    ids = [await lyon.put(await only_partner(lyon), f"letter {number}") for number in range(3)]

    await tunis.carrier.fetch_all()
    assert {(await lyon.letter(each)).state for each in ids} == {"waiting"}
    card, partner = keys.read_card(await lyon.card()), await only_partner(tunis)
    await tunis.database.write(
        lambda tx: partner_service.add_key(tx, tunis.vault, partner.id, card, by=tunis.admins[0], at=at)
    )
    await tunis.carrier.fetch_all()
    await tunis.work()

    assert tunis.texts == ["letter 0", "letter 1", "letter 2"]
    assert {(await lyon.letter(each)).state for each in ids} == {"stored"}


async def test_a_fault_of_the_room_that_is_told_holds_up_no_other_letter(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    first, second = await lyon.put(partner, "first"), await lyon.put(partner, "second")
    told = lyon.room.told
    lyon.room.told = _fails_for(first, told)  # type: ignore[method-assign]

    await lyon.send()
    await tunis.work()

    assert tunis.texts == ["first", "second"]
    assert ((await lyon.letter(first)).state, (await lyon.letter(second)).state) == ("waiting", "stored")
    lyon.room.told = told  # type: ignore[method-assign]
    lyon.clock.advance(timedelta(hours=1))
    await lyon.send()
    assert (await lyon.letter(first)).state == "stored"
    await tunis.work()
    assert tunis.texts == ["first", "second"]


def _fails_for(envelope_id: str, told: Callable[[Connection, Receipt], None]) -> Callable[[Connection, Receipt], None]:
    def fails(tx: Connection, receipt: Receipt) -> None:
        if receipt.envelope_id == envelope_id:
            raise RuntimeError("a fault of the room")
        told(tx, receipt)

    return fails


async def test_a_partner_that_writes_is_tried_again_at_once(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    envelope_id = await lyon.put(partner)
    at = lyon.clock.now()
    await lyon.database.write(lambda tx: store.postpone_all(tx, partner.id, at + timedelta(hours=1)))
    await lyon.send()
    assert (await lyon.letter(envelope_id)).state == "waiting"

    await tunis.put(await only_partner(tunis))
    await tunis.send()
    await lyon.send()

    assert (await lyon.letter(envelope_id)).state == "stored"


async def test_the_doctor_says_what_wants_a_human(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    at = lyon.clock.now()

    async def said(deployment: Deployment) -> str:
        now = deployment.clock.now()
        return "\n".join(await deployment.database.read(lambda tx: look_at_exchange(tx, deployment.vault, now)))

    assert await said(lyon) == ""
    await lyon.put(partner)
    await lyon.put(partner)
    await post(tunis, await sealed(lyon, (await lyon.database.read(all_letters))[1]))
    for each in two:
        each.clock.advance(timedelta(days=2))
    assert f"wait since {at:%Y-%m-%d}" in await said(lyon)
    assert "letters of Lyon Refuge are missing" in await said(tunis)
    assert "could not be taken in" in await said(tunis)
    lyon.clock.advance(timedelta(days=170))
    assert "the agreement of Tunis Child Protection runs out" in await said(lyon)
    lyon.clock.advance(timedelta(days=60))
    assert "Renew it before anything is exchanged" in await said(lyon)


async def test_nobody_else_fetches(two: Two):
    lyon, tunis = await acquainted(two)
    await lyon.put(await only_partner(lyon))
    stranger = keys.make_pair(deployment=None, at=tunis.clock.now())
    partner = await only_partner(tunis)
    late = tunis.clock.now() - timedelta(minutes=20)
    own = await tunis.database.read(lambda tx: partner_service.newest_own_key(tx, tunis.vault, tunis.clock.now()))

    for asked in (
        write_fetch(stranger, partner=partner, receipts=[], at=tunis.clock.now()),
        write_fetch(own, partner=partner, receipts=[], at=late),
        write_fetch(own, partner=replace(partner, deployment="another"), receipts=[], at=tunis.clock.now()),
        "nonsense",
        "",
    ):
        async with aiohttp.ClientSession() as http, http.post(f"{lyon.url}/exchange/letters/waiting", data=asked) as no:
            assert no.status == 403


async def test_the_words_are_neither_on_the_disk_of_the_sender_nor_of_the_receiver(two: Two, tmp_path):  # type: ignore[no-untyped-def]
    lyon, tunis = await acquainted(two)
    await lyon.put(await only_partner(lyon), "CANARY-7731")
    await lyon.put(await only_partner(lyon), "CANARY-7731")
    await lyon.send()
    if lyon.database.dialect == "sqlite":
        disk = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
        assert b"CANARY" not in disk
    for each in (lyon, tunis):
        assert "CANARY" not in await each.database.read(_everything)


def _everything(tx: Connection) -> str:
    tables = (store.exchange_letters, store.exchange_received, audit.audit_log)
    return "".join(repr([tuple(row) for row in tx.execute(sa.select(table))]) for table in tables)


async def test_the_acts_are_in_the_audit_log_and_the_chain_holds(two: Two):
    lyon, tunis = await acquainted(two)
    await lyon.put(await only_partner(lyon))
    await lyon.send()
    await tunis.work()

    acts = [row.act for row in await lyon.database.read(lambda tx: audit.read_log(tx))]
    assert {"exchange.partner_added", "exchange.key_added", "exchange.key_signed", "exchange.letter_written",
            "exchange.letter_stored"} <= set(acts)  # fmt: skip
    there = [row.act for row in await tunis.database.read(lambda tx: audit.read_log(tx))]
    assert "exchange.letter_handed_over" in there
    for each in (lyon, tunis):
        assert (await each.database.read(lambda tx, each=each: audit.verify(tx, each.vault))).ok  # type: ignore[misc]


@pytest.mark.on_both
async def test_whoever_writes_a_letter_holds_nothing_that_others_need_while_it_waits_to_record_it(two: Two, kind: str):
    """On PostgreSQL a number is a lock on the partner, and a record one on the end of the audit chain: taken the other
    way round, two who wrote at once each waited for the other, until one was told that the database is away."""
    if kind != "postgresql":
        pytest.skip("on SQLite writers are alone")
    lyon, _ = await acquainted(two)
    partner = await only_partner(lyon)
    here = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    waiting = sa.text(f"SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND {here}")
    async with create_async_engine(make_url(lyon.database.url).set(drivername="postgresql+asyncpg")).begin() as other:
        await other.run_sync(audit.take_turn)
        writing = asyncio.create_task(lyon.put(partner))
        while not writing.done() and not await other.scalar(waiting):
            await asyncio.sleep(0)
        assert not writing.done()
        await other.execute(sa.text("SET LOCAL lock_timeout = '300ms'"))  # before PostgreSQL looks for deadlocks
        await other.run_sync(lambda tx: partners.next_seq(tx, partner.id))

    assert (await lyon.letter(await writing)).seq == 2
