"""Trust in a partner: two people, by phone, each by themselves; taken back at once; not to be had past the program."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.exchange.partners import keys
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.keys import Identity
from bot.exchange.partners.model import Contact, FocalPoint, KeyState, Partner, PartnerKey
from bot.exchange.partners.service import CannotSign, KeyRefused, PartnerIsClosed, PartnerLooksAlike
from bot.exchange.refusals import ChannelClosed
from bot.kernel.access import Role
from bot.kernel.officers import add_officer, disable_officer
from tests.integration.exchange.world import Deployment, a_partner

Two = tuple[Deployment, Deployment]


async def sign(deployment: Deployment, partner: Partner, admin: str, heard: str | None = None) -> int:
    (key, *_) = partner.keys
    right = " ".join(keys.fingerprint(key.sign_public, key.seal_public))

    def work(tx: Connection) -> int:
        at = deployment.clock.now()
        return partner_service.sign_key(
            tx, deployment.vault, partner.id, heard=heard or right, officer_id=admin, at=at
        )[1]

    return await deployment.database.write(work)


def state(partner: Partner, deployment: Deployment) -> KeyState:
    return partner.keys[0].state(deployment.clock.now())


async def test_two_different_admins_must_sign(two: Two):
    lyon, tunis = two
    partner = await lyon.meet(tunis, signatures=0)

    assert await sign(lyon, partner, lyon.admins[0]) == 1
    with pytest.raises(CannotSign, match="signed this key already"):
        await sign(lyon, partner, lyon.admins[0])
    assert state(await lyon.partner(partner.id), lyon) is KeyState.UNVERIFIED
    assert await sign(lyon, partner, lyon.admins[1]) == 0
    assert state(await lyon.partner(partner.id), lyon) is KeyState.VERIFIED


async def test_only_an_active_admin_who_heard_the_right_digits_signs(two: Two):
    lyon, tunis = two
    partner = await lyon.meet(tunis, signatures=0)

    def others(tx: Connection) -> tuple[str, str]:
        at = lyon.clock.now()
        officer = add_officer(tx, lyon.vault, name="O", sign_in_name="o", roles=[Role.OFFICER], at=at)
        leaver = add_officer(tx, lyon.vault, name="L", sign_in_name="l", roles=[Role.ADMIN], at=at)
        disable_officer(tx, leaver.id, at)
        return officer.id, leaver.id

    for someone in (*(await lyon.database.write(others)), "nobody"):
        with pytest.raises(CannotSign, match="Only an active admin"):
            await sign(lyon, partner, someone)
    with pytest.raises(CannotSign, match="not the digits"):
        await sign(lyon, partner, lyon.admins[0], heard="12345 " * 10)


async def test_a_changed_description_is_signed_again(two: Two):
    lyon, tunis = two
    partner = await lyon.meet(tunis)
    more = replace(partner, may_send=partner.may_send | {"verify_adult"})
    at = lyon.clock.now()

    changed = await lyon.database.write(
        lambda tx: partner_service.change_partner(tx, lyon.vault, more, by=lyon.admins[0], at=at)
    )

    assert state(changed, lyon) is KeyState.UNVERIFIED
    with pytest.raises(ChannelClosed):
        await lyon.put(changed)
    for admin in lyon.admins[:2]:
        await sign(lyon, changed, admin)
    assert await lyon.put(await lyon.partner(partner.id))


async def test_a_closed_channel_is_not_opened_by_describing_it(two: Two):
    lyon, tunis = two
    partner, at = await lyon.meet(tunis), lyon.clock.now()

    def close(tx: Connection) -> None:
        partner_service.close_partner(tx, lyon.vault, partner.id, by=lyon.admins[0], at=at)

    def describe(tx: Connection) -> None:
        partner_service.change_partner(tx, lyon.vault, partner, by=lyon.admins[1], at=at)

    await lyon.database.write(close)
    with pytest.raises(PartnerIsClosed):
        await lyon.database.write(describe)

    assert (await lyon.partner(partner.id)).closed_at == at


async def test_what_is_written_past_the_program_closes_the_channel(two: Two):
    """Whoever can write rows swaps a key, makes a partner harmless, or signs for somebody."""
    lyon, tunis = two
    partner = await lyon.meet(tunis)
    crook = keys.make_pair(deployment=None, at=lyon.clock.now())
    key_rows, rows = partners.exchange_partner_keys, partners.exchange_partners

    async def written(statement: sa.Update) -> Partner:
        await lyon.database.write(lambda tx: tx.execute(statement))
        return await lyon.partner(partner.id)

    swapped = await written(key_rows.update().values(seal_public=crook.seal_public))
    assert state(swapped, lyon) is KeyState.TAMPERED
    mended = await written(key_rows.update().values(seal_public=partner.keys[0].seal_public))
    assert state(mended, lyon) is KeyState.VERIFIED
    was = await lyon.database.read(lambda tx: tx.execute(sa.select(rows.c.profile)).scalar_one())
    harmless = await written(rows.update().values(profile=was.replace('"reports_to": []', '"reports_to": null')))
    assert state(harmless, lyon) is KeyState.TAMPERED
    with pytest.raises(ChannelClosed, match="changed by somebody"):
        await lyon.put(harmless)


async def test_without_the_vault_no_key_counts(two: Two):
    lyon, tunis = two
    partner = await lyon.meet(tunis)

    seen = await lyon.database.read(lambda tx: partners.get(tx, partner.id))

    assert seen is not None
    assert seen.reports_to == frozenset()
    assert seen.key(lyon.clock.now()) is None


async def test_a_partner_whose_name_looks_like_anothers_is_refused(two: Two):
    lyon, tunis = two
    await lyon.meet(tunis)
    fake = replace(a_partner(tunis, lyon.clock), name="Tunis ChiId Protection")

    with pytest.raises(PartnerLooksAlike, match="Tunis Child Protection"):
        await lyon.database.write(
            lambda tx: partner_service.add_partner(tx, lyon.vault, fake, by=lyon.admins[0], at=lyon.clock.now())
        )


async def test_a_key_is_one_partners_and_never_our_own(two: Two):
    lyon, tunis = two
    await lyon.meet(tunis)
    at = lyon.clock.now()
    other = replace(a_partner(tunis, lyon.clock), name="Sfax Refuge")
    theirs, ours = keys.read_card(await tunis.card()), keys.read_card(await lyon.card())

    def add(tx: Connection, card: keys.KeyCard) -> PartnerKey:
        partner_service.add_partner(tx, lyon.vault, other, by=lyon.admins[0], at=at)
        return partner_service.add_key(tx, lyon.vault, other.id, card, by=lyon.admins[0], at=at)

    with pytest.raises(KeyRefused, match="another partner"):
        await lyon.database.write(lambda tx: add(tx, theirs))
    with pytest.raises(KeyRefused, match="our own"):
        await lyon.database.write(lambda tx: add(tx, ours))


async def test_a_key_goes_with_the_one_that_alone_vouched_for_it(two: Two):
    lyon, tunis = two
    partner = await lyon.meet(tunis)
    at = lyon.clock.now()
    newer = await tunis.database.write(
        lambda tx: partner_service.rotate_own_key(tx, tunis.vault, by=tunis.admins[0], at=at + timedelta(seconds=1))
    )
    card = keys.read_card(keys.write_card(newer, Identity("Tunis", "TN", "http://127.0.0.1:1")))
    added = await lyon.database.write(
        lambda tx: partner_service.add_key(tx, lyon.vault, partner.id, card, by=lyon.admins[0], at=at)
    )
    assert added.vouched_by == partner.keys[0].kid

    revoked, _ = await lyon.database.write(
        lambda tx: partner_service.revoke_keys(
            tx, lyon.vault, partner.id, partner.keys[0].kid, by=lyon.admins[0], at=at
        )
    )

    assert len(revoked) == 2
    closed = (await lyon.partner(partner.id)).why_closed(at + timedelta(hours=1))
    assert closed is not None
    assert closed.code == "key_revoked"


async def test_our_own_revoked_keys_are_gone_from_the_disk_and_a_new_pair_stands_alone(two: Two):
    lyon, tunis = two
    await tunis.meet(lyon)
    before = keys.read_card(await lyon.card())
    lyon.clock.advance(timedelta(hours=1))

    after = await lyon.database.write(
        lambda tx: partner_service.revoke_own_keys(tx, lyon.vault, by=lyon.admins[0], at=lyon.clock.now())
    )

    assert after.kid != before.kid
    assert after.deployment == before.deployment
    assert after.vouched == ""
    row = await lyon.database.read(
        lambda tx: tx.execute(
            sa.select(partners.exchange_own_keys.c.private).where(partners.exchange_own_keys.c.kid == before.kid)
        ).scalar_one()
    )
    assert bytes(row) == b""


@pytest.mark.on_both
async def test_a_focal_point_is_known_by_its_country(two: Two):
    lyon, _ = two
    point = FocalPoint("TN", Contact("Amel", "+216 70 000 000", languages=("ar",)), note="office hours")

    await lyon.database.write(lambda tx: partners.set_focal_point(tx, point))

    assert await lyon.database.read(lambda tx: partners.focal_point(tx, "TN")) == point
    assert await lyon.database.read(lambda tx: partners.focal_point(tx, "LY")) is None
