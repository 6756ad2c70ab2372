"""The register of partners on the desk: added from a key file, signed by two admins who called, changed, revoked."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from msgspec.structs import replace

from bot.exchange.partners import keys, store
from bot.exchange.partners import service as partner_service
from bot.exchange.partners.keys import Identity, fingerprint
from bot.exchange.partners.model import AgreedTime, Contact
from bot.exchange.post import store as letters
from bot.exchange.post import taking_in
from bot.exchange.refusals import ChannelClosed, InvalidBody
from bot.kernel import audit, officers
from bot.kernel.access import Role
from tests.conftest import NOON
from tests.integration.exchange.two_countries import put_partner

PASSWORD = "a long enough word for this"
PAGE = "/desk/exchange/partners"
SAID = {
    "name": "Tunis Child Protection",
    "country": "tn",
    "kind": "ngo",
    "reports": "some",
    "reports_to": "Tunisia, LY",
    "languages": "ar, fr",
    "contact_name-0": "Leila B.",
    "contact_phone-0": "+216 71 000 000",
    "reach": "push",
    "reference": "MoU <14>",
    "valid_from": "2026-01-01",
    "valid_to": "2027-01-01",
    "retention_days": "90",
    "purposes": "child_protection",
    "data_classes": "identity",
    "may_send": "info_child",
    "may_receive": "info_child",
    "time_days-info_child": "14",
    "time_source-info_child": "art. 5",
}


@pytest.fixture
async def admins(world, at_desk):
    """Two admins with passwords, each at a desk of their own."""
    found, hashed = [], officers.hash_password(PASSWORD)
    for name in ("amira", "bruno"):
        admin = await world.officer(name, Role.ADMIN)
        await world.database.write(lambda tx, a=admin: officers.set_password(tx, a.id, hashed))
        found.append(await at_desk(admin))
    return found


def hidden_of(browser) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', browser.page.split("<main")[1])
    return {name: unescape(value) for name, value in found}


def a_pair() -> keys.OwnKey:
    return keys.make_pair(deployment=None, at=NOON - timedelta(days=1))


def card_of(pair: keys.OwnKey, name: str = "Tunis") -> bytes:
    return keys.write_card(pair, Identity(name, "TN", "https://tunis.example.org")).encode()


async def added(browser, card: bytes, **changed: str) -> str:
    """The page after a partner was added."""
    await browser.go(f"{PAGE}/new")
    said = {**SAID, **changed}
    return await browser.upload(f"{PAGE}/new", card, **{**hidden_of(browser), **said})


async def everyone(world):
    return await world.database.read(lambda tx: store.everyone(tx, world.vault))


async def test_a_partner_is_added_from_its_key_file_and_open_once_two_admins_have_signed(world, admins):
    amira, bruno = admins
    pair = a_pair()
    page = await added(amira, card_of(pair), valid_to="2026-12-10")

    [partner] = await everyone(world)
    assert amira.path == f"{PAGE}/{partner.id}"
    assert (partner.reports_to, partner.endpoint) == (frozenset({"TN", "LY"}), "https://tunis.example.org")
    assert partner.agreement is not None
    assert partner.agreement.times == {"info_child": AgreedTime(14, "art. 5")}
    digits = fingerprint(pair.sign_public, pair.seal_public)
    shown = page.split('<p class="fingerprint"')[1].split("</p>")[0]
    assert re.findall(r">(\d{5})<", shown) == list(digits)
    assert "MoU &lt;14&gt;" in page
    assert partner.why_closed(NOON) is not None

    sign, right = f"{PAGE}/{partner.id}/sign", " ".join(digits)
    for heard, password, sentence in (
        (right, "not it", "The password is wrong"),
        ("12345 " * 10, PASSWORD, "Not signed."),
    ):
        await amira.go(f"{PAGE}/{partner.id}")
        assert sentence in await amira.send(sign, heard=heard, proof=password)
        assert amira.status == 409
    await amira.go(f"{PAGE}/{partner.id}")
    await amira.send(sign, heard=right, proof=PASSWORD)
    assert "Not signed." in await amira.send(sign, heard=right, proof=PASSWORD)  # one person is not two
    assert (await everyone(world))[0].why_closed(NOON) is not None
    await bruno.go(f"{PAGE}/{partner.id}")
    await bruno.send(sign, heard=right, proof=PASSWORD)

    assert (await everyone(world))[0].why_closed(NOON) is None
    page = await bruno.go(PAGE)
    assert '<span class="chip chip-ok">open</span>' in page
    assert "10 Dec 2026</time></bdi>: renew it" in page  # in time, and where who can renew it looks

    ended = ChannelClosed("agreement_expired", "")
    for refused in (InvalidBody(), ended):
        refused.partner_id = partner.id
        await world.database.write(lambda tx, why=refused: taking_in.refused_from(tx, world.vault, why, NOON))
    page = await bruno.go(f"{PAGE}/{partner.id}")
    assert InvalidBody.sentence in page  # their machine was told, and so are the people here
    assert "What was agreed with them did not allow it then." in page


async def test_what_is_wrong_is_said_beside_its_field_and_nothing_typed_is_lost(world, admins):
    amira, _ = admins
    page = await added(amira, b"no key file")
    assert amira.status == 409
    assert "This is no key file" in page
    page = await added(
        amira, card_of(a_pair()), retention_days="soon", reports="", reports_to="", **{"time_source-info_child": ""}
    )
    assert page.count("This is missing or cannot be so.") >= 3
    assert 'value="soon"' in page
    assert "MoU &lt;14&gt;" in page
    await added(amira, card_of(a_pair()))
    page = await added(amira, card_of(a_pair()), name="Tunis Child Protectlon")  # an l for an i
    assert "looks the same is known already: Tunis Child Protection" in unescape(re.sub("<[^>]+>", "", page))
    page = await added(amira, card_of(a_pair()), name="Tunis Child Protections")
    assert "It is another one than those named above" in page
    assert len(await everyone(world)) == 1
    await added(amira, card_of(a_pair()), name="Tunis Child Protections", sure="yes")
    assert len(await everyone(world)) == 2


async def test_a_change_is_signed_again_and_keeps_what_was_not_touched(world, admins):
    amira, bruno = admins
    pair = a_pair()
    await added(amira, card_of(pair))
    [partner] = await everyone(world)
    for admin in (amira, bruno):
        await admin.go(f"{PAGE}/{partner.id}")
        right = " ".join(fingerprint(pair.sign_public, pair.seal_public))
        await admin.send(f"{PAGE}/{partner.id}/sign", heard=right, proof=PASSWORD)
    more = (*partner.contacts, Contact("Omar", "+216 1"), Contact("Sana", "+216 2"))
    await world.database.write(lambda tx: store.save(tx, replace(partner, contacts=more), skeleton="tunis"))
    await amira.go(f"{PAGE}/{partner.id}/change")
    assert "Sana" in amira.page
    typed = dict(re.findall(r'<input name="([\w-]+)" value="([^"]*)"', amira.page))
    assert typed["reference"] == "MoU &lt;14&gt;"
    changed = {**SAID, "may_send": ["info_child", "verify_adult"], "proof": PASSWORD}
    await amira.post(f"{PAGE}/{partner.id}/change", **{**hidden_of(amira), **changed})

    [after] = await everyone(world)
    assert after.may_send == {"info_child", "verify_adult"}
    assert (after.deployment, after.endpoint, after.agreement) == (
        partner.deployment,
        partner.endpoint,
        partner.agreement,
    )
    assert after.why_closed(NOON) is not None


async def test_a_closed_partner_stays_closed_whatever_is_typed_of_it(world, admins):
    amira, _ = admins
    await added(amira, card_of(a_pair()))
    [partner] = await everyone(world)
    await world.database.write(
        lambda tx: partner_service.close_partner(tx, world.vault, partner.id, by="admin:one", at=NOON)
    )
    await amira.go(f"{PAGE}/{partner.id}/change")
    page = await amira.post(f"{PAGE}/{partner.id}/change", **{**hidden_of(amira), **SAID, "proof": PASSWORD})

    assert (amira.status, "was closed" in page) == (409, True)
    assert (await everyone(world))[0].closed_at == NOON


async def test_revoking_is_at_once_and_told_and_our_key_is_made_anew(world, admins):
    amira, _ = admins
    first, other = [
        await world.database.write(lambda tx, c=code: put_partner(tx, world.vault, country=c)) for code in ("TN", "ML")
    ]
    await amira.go(f"{PAGE}/{first}")
    await amira.send(f"{PAGE}/{first}/revoke", proof=PASSWORD)
    assert "tick that you are sure" in amira.page
    await amira.go(f"{PAGE}/{first}")
    await amira.send(f"{PAGE}/{first}/revoke", sure="yes", key="all", proof=PASSWORD)

    waiting = await world.database.read(lambda tx: letters.waiting_letters(tx, other, limit=9))
    assert [letter.kind for letter in waiting] == ["key_revoked"]
    assert "was revoked" in await amira.go(PAGE)
    before = await world.database.read(lambda tx: store.own_keys(tx, world.vault))
    await amira.send(f"{PAGE}/rotate", sure="yes", proof=PASSWORD)
    after = await world.database.read(lambda tx: store.own_keys(tx, world.vault))
    assert len(after) == len(before) + 1


async def test_a_channel_is_closed_for_good_by_an_admin_who_is_sure_and_proven(world, admins):
    amira, _ = admins
    first = await world.database.write(lambda tx: put_partner(tx, world.vault, country="TN"))
    await amira.go(f"{PAGE}/{first}")
    await amira.send(f"{PAGE}/{first}/close", proof=PASSWORD)
    assert "tick that you are sure" in amira.page
    await amira.send(f"{PAGE}/{first}/close", sure="yes", proof="guessed")
    assert (await everyone(world))[0].closed_at is None

    await amira.go(f"{PAGE}/{first}")
    await amira.send(f"{PAGE}/{first}/close", sure="yes", proof=PASSWORD)

    assert (await everyone(world))[0].closed_at == NOON
    assert "was closed" in amira.page
    assert f"{first}/close" not in amira.page


async def test_a_stolen_key_in_doubt_does_not_stop_the_new_one_and_is_revoked_alone(world, admins):
    first, other = [
        await world.database.write(lambda tx, c=code: put_partner(tx, world.vault, country=c)) for code in ("TN", "ML")
    ]
    partner = next(each for each in await everyone(world) if each.id == first)
    stolen = partner.keys[0].kid
    doubt = store.Doubt(stolen, other, first, NOON)
    assert await world.database.write(lambda tx: store.add_doubt(tx, doubt))
    pair = keys.make_pair(deployment=partner.deployment, at=NOON)
    for admin in admins:
        await admin.go(f"{PAGE}/{first}")
        if admin is admins[0]:
            await admin.upload(f"{PAGE}/{first}/key", card_of(pair), **hidden_of(admin))
        heard = " ".join(fingerprint(pair.sign_public, pair.seal_public))
        await admin.send(f"{PAGE}/{first}/sign", heard=heard, proof=PASSWORD)
        assert admin.status == 200

    await admins[0].send(f"{PAGE}/{first}/revoke", sure="yes", proof=PASSWORD)
    assert "Something is missing" in admins[0].page  # none was chosen: none is burnt
    await admins[0].go(f"{PAGE}/{first}")
    await admins[0].send(f"{PAGE}/{first}/revoke", sure="yes", key=stolen, proof=PASSWORD)

    after = next(each for each in await everyone(world) if each.id == first)
    assert {key.kid for key in after.keys if key.revoked_at} == {stolen}
    assert after.key(NOON).kid == pair.kid


async def test_whoever_is_no_admin_reads_the_register_or_not_even_that(world, at_desk):
    partner_id = await world.database.write(lambda tx: put_partner(tx, world.vault, country="TN"))
    coordinator = await at_desk(await world.officer("coordinator", Role.COORDINATOR))
    officer = await at_desk(await world.officer("officer", Role.OFFICER))

    page = await coordinator.go(f"{PAGE}/{partner_id}")
    assert coordinator.status == 200
    assert "<form" not in page.split("<main")[1].split("</main>")[0]
    await coordinator.go(f"{PAGE}/new")
    assert coordinator.status == 404
    for path in (PAGE, f"{PAGE}/{partner_id}"):
        await officer.go(path)
        assert officer.status == 404


async def test_whoever_guesses_at_a_signature_has_to_wait(world, admins):
    amira, _ = admins
    pair = a_pair()
    await added(amira, card_of(pair))
    [partner] = await everyone(world)
    right = " ".join(fingerprint(pair.sign_public, pair.seal_public))

    for _try in range(12):
        await amira.go(f"{PAGE}/{partner.id}")
        await amira.send(f"{PAGE}/{partner.id}/sign", heard=right, proof="a guess")
    await amira.go(f"{PAGE}/{partner.id}")
    page = await amira.send(f"{PAGE}/{partner.id}/sign", heard=right, proof=PASSWORD)

    assert "Too many tries. Wait a minute and try again." in page
    assert not (await everyone(world))[0].keys[0].signatures


async def test_an_admin_who_makes_the_other_a_link_does_not_sign_beside_them_for_a_week(world, admins):
    amira, bruno = admins
    pair = a_pair()
    await added(amira, card_of(pair))
    [partner] = await everyone(world)
    sign, right = f"{PAGE}/{partner.id}/sign", " ".join(fingerprint(pair.sign_public, pair.seal_public))
    ids = [await world.database.read(lambda tx, n=name: officers.find_officer(tx, n).id) for name in ("amira", "bruno")]
    await amira.go("/desk/officers")
    await amira.send(f"/desk/officers/{ids[1]}/link")

    await bruno.go(f"{PAGE}/{partner.id}")
    await bruno.send(sign, heard=right, proof=PASSWORD)
    await amira.go(f"{PAGE}/{partner.id}")
    assert "One of you two added the other" in await amira.send(sign, heard=right, proof=PASSWORD)
    assert (await everyone(world))[0].why_closed(NOON) is not None

    later = NOON + partner_service.LET_IN + timedelta(minutes=1)
    named = {"heard": right, "officer_id": ids[0], "at": later}
    await world.database.write(lambda tx: partner_service.sign_key(tx, world.vault, partner.id, **named))
    assert (await everyone(world))[0].why_closed(later) is None


async def test_an_admin_does_not_sign_beside_one_they_have_just_added(world, admins):
    amira, _ = admins
    pair = a_pair()
    await added(amira, card_of(pair))
    [partner] = await everyone(world)
    right = " ".join(fingerprint(pair.sign_public, pair.seal_public))
    await amira.go("/desk/officers")
    await amira.send("/desk/officers", name="Carla", sign_in_name="carla", roles="admin")

    def by(name):
        def work(tx):
            who = officers.find_officer(tx, name).id
            partner_service.sign_key(tx, world.vault, partner.id, heard=right, officer_id=who, at=NOON)

        return world.database.write(work)

    await by("amira")
    try:
        await by("carla")
    except partner_service.LetInByTheOther:
        pass
    else:
        pytest.fail("one person signed twice")


@pytest.mark.parametrize("guess", ["", "a guess"])
async def test_whoever_holds_a_stolen_session_closes_no_channel(world, admins, guess):
    amira, _ = admins
    first = await world.database.write(lambda tx: put_partner(tx, world.vault, country="TN"))
    before = await everyone(world)
    ours = await world.database.read(lambda tx: store.own_keys(tx, world.vault))

    await amira.go(f"{PAGE}/{first}/change")
    assert 'name="proof"' in amira.page
    for path, said in (
        (f"{PAGE}/{first}/change", SAID),
        (f"{PAGE}/{first}/revoke", {"sure": "yes", "key": "all"}),
        (f"{PAGE}/rotate", {"sure": "yes"}),
    ):
        page = await amira.post(path, **{**hidden_of(amira), **said, "proof": guess})
        assert (amira.status, "The password is wrong" in page) == (409, True)

    assert await everyone(world) == before
    assert len(await world.database.read(lambda tx: store.own_keys(tx, world.vault))) == max(1, len(ours))
    tried = await world.database.read(lambda tx: audit.read_log(tx, limit=20))
    assert [row.act for row in tried].count("session.not_proven") == 3


async def test_an_admin_who_was_let_in_of_late_changes_and_rotates_nothing_and_revokes_at_once(world, admins):
    """A thief of one session could make an account, and act in its name."""
    amira, bruno = admins
    first = await world.database.write(lambda tx: put_partner(tx, world.vault, country="TN"))
    [before] = await everyone(world)
    who = await world.database.read(lambda tx: officers.find_officer(tx, "bruno").id)
    await amira.go("/desk/officers")
    await amira.send(f"/desk/officers/{who}/link")

    await bruno.go(f"{PAGE}/{first}/change")
    changed = {**hidden_of(bruno), **SAID, "proof": PASSWORD}
    assert "in the last seven days" in await bruno.post(f"{PAGE}/{first}/change", **changed)
    await bruno.go(PAGE)
    assert "in the last seven days" in await bruno.send(f"{PAGE}/rotate", sure="yes", proof=PASSWORD)
    assert bruno.status == 409
    assert await everyone(world) == [before]

    await bruno.go(f"{PAGE}/{first}")
    await bruno.send(f"{PAGE}/{first}/revoke", sure="yes", key="all", proof=PASSWORD)
    assert all(key.revoked_at for key in (await everyone(world))[0].keys)
    await bruno.go(f"{PAGE}/{first}")
    assert "in the last seven days" in await bruno.send(f"{PAGE}/{first}/close", sure="yes", proof=PASSWORD)
    assert (await everyone(world))[0].closed_at is None  # for good is not for whoever came yesterday
