"""Keys of letters: renewed, revoked, announced, and vouched for by a stranger."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from bot.exchange import jose
from bot.exchange.partners import keys
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.keys import Identity
from bot.exchange.post import trust
from bot.exchange.post.carrier import Carrier
from tests.integration.exchange.letters import (
    Two,
    acquainted,
    only_partner,
    post,
    sealed,
)
from tests.integration.exchange.world import Deployment


async def test_a_revoked_key_stops_what_waits_at_once_and_what_comes(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    waiting = await lyon.put(partner)
    raw = await sealed(lyon, waiting)
    at = lyon.clock.now()
    await lyon.database.write(
        lambda tx: partner_service.revoke_keys(tx, lyon.vault, partner.id, None, by=lyon.admins[0], at=at)
    )
    theirs = await only_partner(tunis)
    await tunis.database.write(
        lambda tx: partner_service.revoke_keys(tx, tunis.vault, theirs.id, None, by=tunis.admins[0], at=at)
    )

    await lyon.send()
    status, word = await post(tunis, raw)

    assert (await lyon.letter(waiting)).code == "key_revoked"
    assert tunis.room.letters == []
    assert status == 403
    assert jose.strict_json(jose.decode(word.split(".")[1]))["code"] == "revoked_key"


async def test_our_own_key_is_renewed_by_itself_after_a_year(two: Two):
    lyon, _tunis = await acquainted(two)
    lyon.carrier = Carrier(
        lyon.database, lyon.vault, lyon.clock, lyon.signals, intake=lyon.intake, receiver=lyon.room,
        gatekeeper=lyon, identity=Identity("Lyon Refuge", "FR", lyon.url),
    )  # fmt: skip
    before = await deployment_key(lyon)
    lyon.clock.advance(timedelta(days=364))
    await lyon.send()
    assert await deployment_key(lyon) == before
    lyon.clock.advance(timedelta(days=1))
    await lyon.send()
    await lyon.send()
    await lyon.carrier.close()

    assert await deployment_key(lyon) != before
    assert len(await lyon.database.read(lambda tx: partners.own_keys(tx, lyon.vault))) == 2


async def deployment_key(deployment: Deployment) -> str:
    at = deployment.clock.now()
    return (await deployment.database.read(lambda tx: partner_service.newest_own_key(tx, deployment.vault, at))).kid


async def test_a_new_key_of_ours_is_announced_and_no_letter_is_lost_on_the_way(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(lyon)
    first_kid = (await only_partner(tunis)).keys[0].kid
    await lyon.put(partner, "before")
    for each in two:
        each.clock.advance(timedelta(hours=1))
    await lyon.database.write(
        lambda tx: trust.announce_key(
            tx, lyon.vault, Identity(lyon.name, "FR", lyon.url), by=lyon.admins[0], at=lyon.clock.now()
        )
    )
    await lyon.put(partner, "after")

    await lyon.send()
    await tunis.work()
    await lyon.put(await only_partner(lyon), "later")
    await lyon.send()
    await tunis.work()
    await tunis.put(await only_partner(tunis), "and back")
    await tunis.send()
    await lyon.work()

    known = await only_partner(tunis)
    newest = known.key(tunis.clock.now())
    assert newest is not None
    assert newest.kid != first_kid
    assert newest.vouched_by == first_kid
    assert tunis.texts == ["before", "after", "later"]
    assert lyon.texts == ["and back"]
    tunis.clock.advance(timedelta(days=31))
    old = next(key for key in (await only_partner(tunis)).keys if key.kid == first_kid)
    assert old.state(tunis.clock.now()) == "expired"


async def test_a_new_key_that_only_a_stranger_vouches_for_waits_for_two_admins(two: Two):
    lyon, tunis = await acquainted(two)
    partner = await only_partner(tunis)
    crook = keys.make_pair(deployment=partner.deployment, at=tunis.clock.now())
    crook = replace(crook, vouched=keys.vouch(crook, crook))
    card = keys.read_card(keys.write_card(crook, Identity(lyon.name, "FR", lyon.url)))

    added = await tunis.database.write(
        lambda tx: partner_service.add_key(tx, tunis.vault, partner.id, card, by=tunis.admins[0], at=tunis.clock.now())
    )

    assert added.vouched_by is None
    assert (await only_partner(tunis)).key(tunis.clock.now()).kid == partner.keys[0].kid  # type: ignore[union-attr]
