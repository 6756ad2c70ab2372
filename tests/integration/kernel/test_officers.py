"""Accounts, passwords, codes and links, on both databases."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pyotp
import pytest
import sqlalchemy as sa

from bot.kernel import officers, sessions
from bot.kernel.access import Role
from bot.kernel.clock import SetClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.officers import Officer, PasswordTooWeak, SignInNameTaken
from tests.conftest import AS_IT_IS_MEANT, NOON

PASSWORD = "seven herons over the lake"


@pytest.fixture
async def noor(database: Database, vault: Vault) -> Officer:
    return await database.write(
        lambda tx: officers.add_officer(
            tx, vault, name="Noor", sign_in_name="Noor@Example", roles=[Role.OFFICER], languages=["ar", "fr"], at=NOON
        )
    )


async def test_an_account_is_found_by_its_name_however_it_is_written(database: Database, noor: Officer):
    found = await database.read(lambda tx: officers.find_officer(tx, " noor@example "))

    assert found == noor
    assert (noor.roles, noor.languages, noor.active) == ({Role.OFFICER}, ("ar", "fr"), True)


async def test_two_accounts_do_not_share_a_sign_in_name(database: Database, vault: Vault, noor: Officer):
    with pytest.raises(SignInNameTaken):
        await database.write(
            lambda tx: officers.add_officer(tx, vault, name="N", sign_in_name="NOOR@example", roles=[], at=NOON)
        )


async def test_a_link_signs_in_once_and_looking_does_not_spend_it(database: Database, noor: Officer):
    token = await database.write(lambda tx: officers.make_link(tx, noor.id, NOON))

    looks = [await database.read(lambda tx: officers.link_is_open(tx, token, NOON)) for _ in range(3)]
    first = await database.write(lambda tx: officers.spend_link(tx, token, NOON))
    second = await database.write(lambda tx: officers.spend_link(tx, token, NOON))

    assert looks == [True, True, True]
    assert (first, second) == (noor, None)
    assert not await database.read(lambda tx: officers.link_is_open(tx, token, NOON))


async def test_a_link_lasts_fifteen_minutes(database: Database, noor: Officer):
    token = await database.write(lambda tx: officers.make_link(tx, noor.id, NOON))
    late = NOON + timedelta(minutes=15)

    assert await database.write(lambda tx: officers.spend_link(tx, token, late)) is None
    assert await database.write(lambda tx: officers.spend_link(tx, token, late - timedelta(seconds=1))) == noor


async def test_the_link_of_a_demonstration_account_lasts_a_day(database: Database, vault: Vault):
    demo = await database.write(
        lambda tx: officers.add_officer(
            tx, vault, name="Demo", sign_in_name="demo", roles=[Role.OFFICER], at=NOON, demo=True
        )
    )
    token = await database.write(lambda tx: officers.make_link(tx, demo.id, NOON))

    assert await database.write(lambda tx: officers.spend_link(tx, token, NOON + timedelta(hours=23))) == demo


async def test_the_database_does_not_hold_the_link(database: Database, noor: Officer):
    token = await database.write(lambda tx: officers.make_link(tx, noor.id, NOON))
    stored = await database.read(lambda tx: tx.execute(sa.select(officers.sign_in_links.c.hash)).scalar_one())

    assert stored == hashlib.sha256(token.encode()).hexdigest()


async def test_an_authenticator_counts_after_its_first_code(database: Database, vault: Vault, noor: Officer):
    secret = await database.write(lambda tx: officers.begin_totp(tx, vault, noor.id))
    code = pyotp.TOTP(secret).at(NOON)

    before = await database.write(lambda tx: officers.spend_totp(tx, vault, noor.id, code, NOON))
    wrong = await database.write(lambda tx: officers.confirm_totp(tx, vault, noor.id, "000000", NOON))
    confirmed = await database.write(lambda tx: officers.confirm_totp(tx, vault, noor.id, code, NOON))

    assert (before, wrong, confirmed) == (False, False, True)
    known = await database.read(lambda tx: officers.get_officer(tx, noor.id))
    assert known is not None
    assert known.has_totp


async def test_a_code_never_counts_twice_and_neither_does_an_older_one(database: Database, vault: Vault, noor: Officer):
    secret = await database.write(lambda tx: officers.begin_totp(tx, vault, noor.id))
    totp = pyotp.TOTP(secret)
    await database.write(lambda tx: officers.confirm_totp(tx, vault, noor.id, totp.at(NOON), NOON))
    later = NOON + timedelta(seconds=60)

    async def spend(code: str) -> bool:
        return await database.write(lambda tx: officers.spend_totp(tx, vault, noor.id, code, later))

    assert not await spend(totp.at(NOON))
    assert await spend(f" {totp.at(later)[:3]} {totp.at(later)[3:]} ")
    assert not await spend(totp.at(later))
    assert not await spend(totp.at(later - timedelta(seconds=30)))
    assert not await spend(totp.at(later + timedelta(seconds=300)))
    assert not await spend("é")


async def test_the_secret_of_an_authenticator_is_sealed(database: Database, vault: Vault, noor: Officer):
    secret = await database.write(lambda tx: officers.begin_totp(tx, vault, noor.id))
    stored = await database.read(lambda tx: tx.execute(sa.select(officers.officers.c.totp_sealed)).scalar_one())

    assert secret.encode() not in bytes(stored)
    assert "Noor" not in officers.totp_address(secret, noor)
    assert "secret=" + secret in officers.totp_address(secret, noor)


@pytest.mark.parametrize(
    "password", ["short", "aaaaaaaaaaaaaaaa", "waymark-2026!", "abcdefghijklmn", "password1234", "x" * 257]
)
def test_a_password_anyone_would_try_is_refused(password: str):
    with pytest.raises(PasswordTooWeak):
        officers.hash_password(password)


def test_a_password_is_kept_as_argon2id_and_fits_however_its_letters_are_composed(monkeypatch):
    monkeypatch.setattr(officers, "_hasher", AS_IT_IS_MEANT)
    monkeypatch.setattr(officers, "_nobody", None)

    stored = officers.hash_password("l'été à la mer, encore")

    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=1$")
    assert officers.password_fits(stored, "l'e\u0301te\u0301 a\u0300 la mer, encore")
    assert not officers.password_fits(stored, "l'ete a la mer, encore")
    assert not officers.password_fits(None, "anything at all")


@pytest.fixture
async def codes(database: Database, vault: Vault, noor: Officer) -> pyotp.TOTP:
    """Noor has a password and an authenticator, confirmed an hour ago."""
    stored = officers.hash_password(PASSWORD)
    before = NOON - timedelta(hours=1)

    def set_up(tx: sa.Connection) -> pyotp.TOTP:
        officers.set_password(tx, noor.id, stored)
        totp = pyotp.TOTP(officers.begin_totp(tx, vault, noor.id))
        assert officers.confirm_totp(tx, vault, noor.id, totp.at(before), before)
        return totp

    return await database.write(set_up)


async def attempt(
    database: Database, vault: Vault, clock: SetClock, password: str, code: str, address: str = "198.51.100.7", **more
) -> sessions.SignIn:
    name = more.get("name", "noor@example")
    return await sessions.sign_in_with_password(
        database, vault, clock, sign_in_name=name, password=password, code=code, address=address
    )


async def test_name_password_and_code_together_sign_in(
    database: Database, vault: Vault, clock: SetClock, noor: Officer, codes: pyotp.TOTP
):
    no_code = await attempt(database, vault, clock, PASSWORD, "")
    no_password = await attempt(database, vault, clock, "wrong", codes.at(NOON))
    nobody = await attempt(database, vault, clock, PASSWORD, codes.at(NOON), name="nobody")
    right = await attempt(database, vault, clock, PASSWORD, codes.at(NOON))
    again = await attempt(database, vault, clock, PASSWORD, codes.at(NOON))

    assert no_code == no_password == nobody == sessions.SignIn()
    assert right.officer is not None
    assert right.officer.id == noor.id
    assert again == sessions.SignIn()  # the code was spent


async def test_a_password_without_an_authenticator_signs_nobody_in(
    database: Database, vault: Vault, clock: SetClock, noor: Officer
):
    stored = officers.hash_password(PASSWORD)
    await database.write(lambda tx: officers.set_password(tx, noor.id, stored))

    assert await attempt(database, vault, clock, PASSWORD, "") == sessions.SignIn()


async def test_guessing_is_slowed_down_and_the_owner_elsewhere_is_not_locked_out(
    database: Database, vault: Vault, clock: SetClock, noor: Officer, codes: pyotp.TOTP, monkeypatch
):
    monkeypatch.setattr(sessions, "password_fits", lambda _hash, password: password == PASSWORD)
    tried = 0
    for _ in range(300):
        answer = await attempt(database, vault, clock, "guess", "000000", "203.0.113.9")
        tried += answer.wait_seconds == 0
        clock.advance(timedelta(seconds=1))

    assert tried < 20  # of three hundred, one a second

    clock.advance(sessions.LONGEST_DELAY_FOR_THE_OWNER)
    owner = await attempt(database, vault, clock, PASSWORD, codes.at(clock.now()))

    assert owner.officer is not None


async def test_failures_are_forgotten_after_a_success_and_after_a_day(
    database: Database, vault: Vault, clock: SetClock, noor: Officer, codes: pyotp.TOTP, monkeypatch
):
    monkeypatch.setattr(sessions, "password_fits", lambda _hash, password: password == PASSWORD)

    async def fail_four_times() -> int:
        for _ in range(4):
            await attempt(database, vault, clock, "guess", "")
        return (await attempt(database, vault, clock, "guess", "")).wait_seconds

    assert await fail_four_times() == 2
    clock.advance(timedelta(hours=25))
    assert await fail_four_times() == 2
    clock.advance(timedelta(minutes=1))
    assert (await attempt(database, vault, clock, PASSWORD, codes.at(clock.now()))).officer is not None
    assert await fail_four_times() == 2


async def test_the_slow_down_stores_neither_names_nor_addresses(
    database: Database, vault: Vault, clock: SetClock, noor: Officer
):
    await attempt(database, vault, clock, "guess", "")
    rows = await database.read(lambda tx: tx.execute(sa.select(sessions.sign_in_delays)).all())

    assert len(rows) == 2
    assert "noor" not in str(rows)
    assert "198.51" not in str(rows)


async def test_one_test_names_every_way_in_that_a_leaver_loses(
    database: Database, vault: Vault, clock: SetClock, noor: Officer, codes: pyotp.TOTP
):
    token = await database.write(lambda tx: sessions.start(tx, noor.id, NOON))
    link = await database.write(lambda tx: officers.make_link(tx, noor.id, NOON))
    await database.write(lambda tx: officers.set_page_conversation(tx, noor.id, "conversation"))

    await database.write(lambda tx: officers.disable_officer(tx, noor.id, NOON))

    assert await database.read(lambda tx: sessions.get(tx, token, NOON)) is None
    assert await database.write(lambda tx: officers.spend_link(tx, link, NOON)) is None
    assert await attempt(database, vault, clock, PASSWORD, codes.at(NOON)) == sessions.SignIn()
    assert not await database.write(lambda tx: officers.spend_totp(tx, vault, noor.id, codes.at(NOON), NOON))
    assert await database.read(lambda tx: officers.officer_of_conversation(tx, "conversation")) is None
    assert await database.read(lambda tx: officers.officers_with(tx, *Role)) == []


async def test_switching_an_account_on_again_gives_none_of_it_back(database: Database, noor: Officer):
    token = await database.write(lambda tx: sessions.start(tx, noor.id, NOON))
    await database.write(lambda tx: officers.disable_officer(tx, noor.id, NOON))
    await database.write(lambda tx: officers.enable_officer(tx, noor.id))

    assert await database.read(lambda tx: sessions.get(tx, token, NOON)) is None
    back = await database.read(lambda tx: officers.get_officer(tx, noor.id))
    assert back is not None
    assert (back.active, back.has_password, back.has_totp) == (True, False, False)


async def test_one_conversation_pages_one_officer(database: Database, vault: Vault, noor: Officer):
    kim = await database.write(
        lambda tx: officers.add_officer(tx, vault, name="Kim", sign_in_name="kim", roles=[Role.OFFICER], at=NOON)
    )
    for officer in (noor, kim):
        await database.write(lambda tx, one=officer: officers.set_page_conversation(tx, one.id, "c"))

    paged = await database.read(lambda tx: officers.officer_of_conversation(tx, "c"))
    assert paged is not None
    assert paged.id == kim.id
