"""A partner's key is revoked somewhere, and whoever else exchanges with it hears so: sends stop at once, two admins
decide, and nobody can shut another's channel without its knowing, for good, or twice."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot.exchange.partners import keys
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import KeyState, Partner, PartnerKey
from bot.exchange.partners.service import CannotSign
from bot.exchange.post import service as post
from bot.exchange.post import taking_in, trust
from bot.exchange.post.model import KEY_DOUBTED, KEY_REVOKED
from bot.exchange.post.watch import look_at_exchange
from bot.exchange.refusals import ChannelClosed
from bot.kernel.clock import SetClock
from bot.kernel.database import open_database
from tests.conftest import NOON
from tests.integration.exchange.two_countries import put_partner
from tests.integration.exchange.world import Deployment

Three = tuple[Deployment, Deployment, Deployment]


@pytest.fixture
async def three(two: tuple[Deployment, Deployment], tmp_path: Path, sqlite_template: Path) -> AsyncIterator[Three]:
    """Lyon and Rome both exchange with Tunis and with each other."""
    shutil.copy(sqlite_template, tmp_path / "third.db")
    database = open_database(f"sqlite:///{tmp_path / 'third.db'}")
    rome = Deployment("Rome Refuge", "IT", database, SetClock(NOON))
    await rome.prepare()
    async with rome.serving(tmp_path):
        every = (*two, rome)
        for one in every:
            for other in every:
                if one is not other:
                    await one.meet(other)
        yield every
    await database.close()


async def known(here: Deployment, there: Deployment) -> Partner:
    everyone = await here.database.read(lambda tx: partners.everyone(tx, here.vault))
    return next(each for each in everyone if each.name == there.name)


async def revoked(here: Deployment, there: Deployment) -> tuple[int, int]:
    who = await known(here, there)
    at = here.clock.now()
    return await here.database.write(lambda tx: trust.revoke(tx, here.vault, who.id, None, by=here.admins[0], at=at))


async def kept(here: Deployment, there: Deployment, admin: int, heard: str = "") -> int:
    """An admin here calls the other one and hears its digits."""
    who = await known(here, there)
    right = " ".join(keys.fingerprint(who.keys[0].sign_public, who.keys[0].seal_public))
    at = here.clock.now()
    said = {"heard": heard or right, "officer_id": here.admins[admin], "at": at}
    return await here.database.write(lambda tx: trust.keep_doubted(tx, here.vault, who.id, **said))


async def told_of_keys(here: Deployment, there: Deployment, kids: list[str], of: str) -> None:
    """What a program that lies can write: a genuine letter about keys it names as it likes."""
    who = await known(here, there)
    body = {"deployment": of, "keys": kids}
    at = here.clock.now()
    await here.database.write(
        lambda tx: post.write_own(tx, here.vault, who, KEY_REVOKED, body, in_reply_to=None, actor=here.admins[0], at=at)
    )
    await here.send()


async def advice(here: Deployment) -> str:
    at = here.clock.now()
    return "\n".join(await here.database.read(lambda tx: look_at_exchange(tx, here.vault, at)))


async def test_sends_stop_at_once_and_go_on_when_two_admins_have_called(three: Three):
    lyon, tunis, rome = three
    waiting = await lyon.put(await known(lyon, tunis))
    assert await revoked(rome, tunis) == (1, 1)
    await rome.send()

    doubted = await known(lyon, tunis)
    assert doubted.keys[0].state(NOON) is KeyState.VERIFIED  # nothing is revoked by another's word
    with pytest.raises(ChannelClosed, match="says that the key of Tunis Child Protection is revoked"):
        await lyon.put(doubted)
    await lyon.send()
    await tunis.work()
    assert tunis.texts == []
    assert "says that the key of Tunis Child Protection is revoked" in await advice(lyon)

    assert await kept(lyon, tunis, 0) == 1
    with pytest.raises(CannotSign, match="signed this key already"):
        await kept(lyon, tunis, 0)
    with pytest.raises(CannotSign, match="not the digits"):
        await kept(lyon, tunis, 1, heard="12345 " * 10)
    assert await kept(lyon, tunis, 1) == 0
    lyon.clock.advance(post.FETCHED_IN_VAIN)
    await lyon.send()
    await tunis.work()
    assert tunis.texts == ["Who cared for the child?"]
    assert (await lyon.letter(waiting)).state == "stored"


async def test_whoever_is_called_revoked_hears_of_it_and_is_heard_on(three: Three):
    lyon, tunis, rome = three
    await revoked(rome, tunis)
    await rome.send()
    await lyon.send()

    assert "Lyon Refuge was told, or says, that our key is revoked" in await advice(tunis)
    await tunis.put(await known(tunis, lyon), "She is here.")
    await tunis.send()
    await lyon.work()
    assert lyon.texts == ["She is here."]  # what it has to say of a child is not silenced by a third
    for admin in (0, 1):
        await kept(lyon, tunis, admin)
    lyon.clock.advance(post.FETCHED_IN_VAIN)
    await lyon.send()
    assert "our key is revoked" not in await advice(tunis)


async def said_here(here: Deployment, said_by: Partner, of: Partner) -> None:
    """As if this partner's letter had come, which calls the first key of another revoked."""
    body, at = {"deployment": of.deployment, "keys": [of.keys[0].kid]}, here.clock.now()
    await here.database.write(lambda tx: taking_in._hear_of_revoked(tx, here.vault, said_by, body, at))


async def test_whoever_is_doubted_anew_hears_of_it_anew(three: Three):
    """Settled once, and then another says the same: the second silence is told like the first."""
    lyon, tunis, rome = three
    partner = await known(lyon, tunis)
    italian = await known(lyon, rome)
    paris = await lyon.database.write(lambda tx: put_partner(tx, lyon.vault, country="FR", name="Paris"))
    for said_by in (italian.id, paris):
        await said_here(lyon, replace(italian, id=said_by), partner)
        await lyon.send()
        assert "our key is revoked" in await advice(tunis)
        for admin in (0, 1):
            await kept(lyon, tunis, admin)
        lyon.clock.advance(post.FETCHED_IN_VAIN)
        await lyon.send()
        assert "our key is revoked" not in await advice(tunis)


async def test_said_again_of_the_same_key_it_counts_no_second_time(three: Three):
    lyon, tunis, rome = three
    kid = (await known(lyon, tunis)).keys[0].kid
    await told_of_keys(rome, lyon, [kid], of=(await known(lyon, tunis)).deployment or "")
    for admin in (0, 1):
        await kept(lyon, tunis, admin)

    await told_of_keys(rome, lyon, [kid], of=(await known(lyon, tunis)).deployment or "")

    assert (await known(lyon, tunis)).why_closed(NOON) is None


async def test_what_a_liar_says_of_keys_that_are_not_as_it_says_changes_nothing(three: Three):
    lyon, tunis, rome = three
    theirs, own = await known(lyon, tunis), await known(rome, lyon)
    await told_of_keys(rome, lyon, [theirs.keys[0].kid], of="another")  # not that deployment's key
    await told_of_keys(rome, lyon, ["nobody's"], of=theirs.deployment or "")
    await told_of_keys(rome, lyon, [], of=theirs.deployment or "")
    await told_of_keys(rome, lyon, [own.keys[0].kid], of=own.deployment or "")  # ours: we are told, and go on

    assert (await known(lyon, tunis)).why_closed(NOON) is None
    assert "Rome Refuge was told, or says, that our key is revoked" in await advice(lyon)
    assert await lyon.put(await known(lyon, tunis))


@pytest.mark.parametrize("how", ["closed", "revoked"])
async def test_the_word_of_one_who_is_trusted_no_more_stops_nobody(three: Three, how: str):
    """Whoever stole a key may call everybody's revoked: with its own goes all it said."""
    lyon, tunis, rome = three
    await revoked(rome, tunis)
    await rome.send()
    await lyon.send()
    liar = await known(lyon, rome)
    assert (await known(lyon, tunis)).why_closed(NOON) is not None
    assert "our key is revoked" in await advice(tunis)

    if how == "revoked":
        await revoked(lyon, rome)
    else:
        await closed(lyon, liar)

    assert (await known(lyon, tunis)).why_closed(NOON) is None
    await sent_later(lyon)
    assert "our key is revoked" not in await advice(tunis)  # what it was told is taken back


async def closed(here: Deployment, partner: Partner) -> None:
    at = here.clock.now()
    await here.database.write(lambda tx: trust.close(tx, here.vault, partner.id, by=here.admins[0], at=at))


async def sent_later(here: Deployment) -> None:
    here.clock.advance(post.FETCHED_IN_VAIN)
    await here.send()


async def test_it_is_over_when_the_last_who_said_so_is_trusted_no_more(three: Three):
    lyon, tunis, rome = three
    partner, italian = await known(lyon, tunis), await known(lyon, rome)
    paris = await lyon.database.write(lambda tx: put_partner(tx, lyon.vault, country="FR", name="Paris"))
    french = replace(italian, id=paris, name="Paris")
    for said_by in (italian, french):
        await said_here(lyon, said_by, partner)
    await lyon.send()

    await closed(lyon, italian)
    await sent_later(lyon)
    assert "our key is revoked" in await advice(tunis)

    await closed(lyon, french)
    await sent_later(lyon)
    assert "our key is revoked" not in await advice(tunis)


@pytest.mark.parametrize("old_one", ["in doubt", "revoked"])
async def test_whoever_has_another_key_signed_beside_the_one_in_doubt_hears_that_it_is_over(three: Three, old_one: str):
    lyon, tunis, rome = three
    partner = await known(lyon, tunis)
    await revoked(rome, tunis)
    await rome.send()
    await lyon.send()
    at = tunis.clock.now()
    pair = await tunis.database.write(
        lambda tx: partner_service.rotate_own_key(tx, tunis.vault, by=tunis.admins[0], at=at)
    )
    card = keys.read_card(keys.write_card(pair, keys.Identity(tunis.name, tunis.country, tunis.url)).encode())
    given = replace(card, vouched_by=None, vouching="")  # by hand: nobody believes the one before
    digits = " ".join(keys.fingerprint(pair.sign_public, pair.seal_public))

    def taken(tx: Connection) -> None:
        partner_service.add_key(tx, lyon.vault, partner.id, given, by=lyon.admins[0], at=at)
        if old_one == "revoked":
            trust.revoke(tx, lyon.vault, partner.id, partner.keys[0].kid, by=lyon.admins[0], at=at)
        for admin in lyon.admins[:2]:
            trust.sign(tx, lyon.vault, partner.id, heard=digits, officer_id=admin, at=at)

    await lyon.database.write(taken)
    assert (await known(lyon, tunis)).why_closed(at) is None
    await sent_later(lyon)

    assert "our key is revoked" not in await advice(tunis)


async def test_what_one_partner_settles_says_nothing_of_what_another_announced(three: Three):
    lyon, tunis, rome = three
    await told_of_keys(lyon, tunis, [key.kid for key in (await known(lyon, tunis)).keys], of="")
    assert "Lyon Refuge was told, or says, that our key is revoked" in await advice(tunis)

    who, at = await known(rome, tunis), rome.clock.now()
    body = {"keys": [key.kid for key in who.keys], "by": "", "settled": True}
    await rome.database.write(
        lambda tx: post.write_own(tx, rome.vault, who, KEY_DOUBTED, body, in_reply_to=None, actor=rome.admins[0], at=at)
    )
    await rome.send()

    assert "Lyon Refuge was told, or says, that our key is revoked" in await advice(tunis)
    assert "Rome" not in await advice(tunis)


async def test_where_the_admins_agree_the_key_is_revoked_here_too_and_what_it_vouched_for(three: Three):
    lyon, tunis, rome = three
    identity = keys.Identity(tunis.name, tunis.country, tunis.url)
    await tunis.database.write(lambda tx: trust.announce_key(tx, tunis.vault, identity, by=tunis.admins[0], at=NOON))
    kid = (await known(lyon, tunis)).keys[0].kid
    await told_of_keys(rome, lyon, [kid], of=(await known(lyon, tunis)).deployment or "")
    await tunis.send()  # a key that only the one in doubt vouches for is in doubt as well
    in_doubt = await known(lyon, tunis)
    assert [key.doubted for key in in_doubt.keys] == [True, True]

    assert await revoked(lyon, tunis) == (2, 1)

    after = await known(lyon, tunis)
    assert {key.state(NOON) for key in after.keys} == {KeyState.REVOKED}
    assert await lyon.database.read(lambda tx: partners.doubts_about(tx, [kid])) == []


def later(deployments: Three, days: int) -> None:
    for each in deployments:
        each.clock.advance(timedelta(days=days))


async def rotated(here: Deployment) -> None:
    """A new key, which stands nowhere but on the word of the one before it."""
    identity, at = keys.Identity(here.name, here.country, here.url), here.clock.now()
    await here.database.write(lambda tx: trust.announce_key(tx, here.vault, identity, by=here.admins[0], at=at))
    await here.send()


def newest(partner: Partner) -> PartnerKey:
    return max(partner.keys, key=lambda key: key.not_before)


@pytest.mark.parametrize("named", ["every key", "the old one"])
@pytest.mark.parametrize("days", [1, 40])
async def test_two_calls_open_a_key_again_that_stood_on_the_word_of_one_in_doubt(three: Three, named: str, days: int):
    """They read the digits of the key they have now: nobody shows an old one any more."""
    lyon, tunis, rome = three
    later(three, 1)
    await rotated(tunis)
    later(three, days)  # the key before is in its overlap, or too old
    partner = await known(lyon, tunis)
    now, kids = newest(partner), [key.kid for key in partner.keys]
    assert len(kids) == 2
    kids = kids if named == "every key" else [kid for kid in kids if kid != now.kid]
    await told_of_keys(rome, lyon, kids, of=partner.deployment or "")
    assert (await known(lyon, tunis)).key(lyon.clock.now()) is None
    await lyon.send()
    assert "our key is revoked" in await advice(tunis)

    digits = " ".join(keys.fingerprint(now.sign_public, now.seal_public))
    assert await kept(lyon, tunis, 0, digits) == 1
    with pytest.raises(CannotSign, match="signed this key already"):
        await kept(lyon, tunis, 0, digits)
    assert (await known(lyon, tunis)).key(lyon.clock.now()) is None
    assert await kept(lyon, tunis, 1, digits) == 0

    assert (await known(lyon, tunis)).why_closed(lyon.clock.now()) is None
    doubts = await lyon.database.read(lambda tx: partners.doubts_about(tx, kids))
    assert len(doubts) == (days == 1)  # what an old key still may vouch for stays in doubt until it is too old
    lyon.clock.advance(post.FETCHED_IN_VAIN)
    await lyon.send()
    assert "our key is revoked" not in await advice(tunis)


async def test_a_partner_is_not_told_that_it_is_settled_while_nothing_can_be_sent_to_it(three: Three):
    lyon, tunis, rome = three
    later(three, 1)
    await rotated(tunis)
    partner = await known(lyon, tunis)
    now = newest(partner)
    [old] = [key for key in partner.keys if key.kid != now.kid]
    later(three, 40)
    await told_of_keys(rome, lyon, [old.kid, now.kid], of=partner.deployment or "")
    await lyon.send()

    for admin in (0, 1):  # of the old one, on which the new one stands; the new one is in doubt by itself
        await kept(lyon, tunis, admin, " ".join(keys.fingerprint(old.sign_public, old.seal_public)))
    lyon.clock.advance(post.FETCHED_IN_VAIN)
    await lyon.send()

    assert (await known(lyon, tunis)).key(lyon.clock.now()) is None
    assert (await advice(tunis)).count("our key is revoked") == 2  # as before


@pytest.mark.on_both
async def test_an_old_key_that_holds_nothing_up_is_not_doubted(three: Three):
    lyon, tunis, rome = three
    later(three, 1)
    await rotated(tunis)
    later(three, 40)
    partner = await known(lyon, tunis)
    now = newest(partner)
    [old] = [key for key in partner.keys if key.kid != now.kid]
    await told_of_keys(rome, lyon, [old.kid], of=partner.deployment or "")
    for admin in (0, 1):
        await kept(lyon, tunis, admin, " ".join(keys.fingerprint(now.sign_public, now.seal_public)))

    italian, at = await known(lyon, rome), lyon.clock.now()
    said = {"of": partner.deployment or "", "said_by": italian, "at": at}
    await lyon.database.write(lambda tx: tx.execute(partners.exchange_key_doubts.delete()))  # nobody said it before
    assert await lyon.database.write(lambda tx: partner_service.doubt_key(tx, lyon.vault, old.kid, **said)) is None
    assert (await known(lyon, tunis)).why_closed(at) is None
