"""Officers' languages: who says them, what they change, and when nobody is there who speaks one."""

from __future__ import annotations

from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot.cases import choosing, service, spoken, store
from bot.cases.model import CaseNotFound
from bot.cases.rota import service as rota
from bot.cases.rota.model import Part, Shift
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.officers import get_officer
from dialogues.understanding.model import Priority
from tests.conftest import NOON

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TODAY = NOON.astimezone(ZoneInfo("UTC")).date()


async def says(world, by, whose, *codes):
    return await world.database.write(lambda tx: spoken.set_languages(tx, world.hand(by), whose.id, codes))


async def fresh(world, officer):
    return await world.database.read(lambda tx: get_officer(tx, officer.id))


async def on_shift(world, planner, officer, start, end):
    shift = Shift("", officer.id, "UTC", frozenset(range(1, 8)), (Part(start, end),), TODAY - 2 * DAY)
    await world.database.write(lambda tx: rota.add_shift(tx, world.hand(planner), shift))


async def in_language(world, language, **what):
    case_id = (await world.escalate(**what)).case_id
    row = store.cases.update().where(store.cases.c.id == case_id).values(language=language)
    await world.database.write(lambda tx: tx.execute(row))
    return case_id


async def test_an_officer_says_what_they_speak_and_an_admin_says_it_for_them(world):
    amira, boss = await world.officer("amira"), await world.officer("boss", Role.ADMIN)

    assert await says(world, amira, amira, "ar", "en", "so", "not a language") == ("en", "ar", "so")
    assert await says(world, boss, amira, "so", "fr") == ("so", "fr")

    assert (await fresh(world, amira)).languages == ("so", "fr")
    log = await world.database.read(lambda tx: audit.read_log(tx, object=f"officer:{amira.id}", limit=10))
    assert [row.act for row in log].count("officer.languages") == 2


async def test_nobody_says_it_for_a_colleague_and_nobody_speaks_nothing(world):
    amira, omar = await world.officer("amira"), await world.officer("omar", Role.OFFICER, Role.COORDINATOR)

    with pytest.raises(CaseNotFound):
        await says(world, omar, amira, "ar")
    with pytest.raises(ValueError, match="languages"):
        await says(world, amira, amira, "klingon")

    assert (await fresh(world, amira)).languages == ("en",)


async def test_a_life_at_risk_waits_for_no_language_in_the_queue_or_when_the_next_is_given(world):
    fatima = await world.officer("fatima", language="ar")
    first = await in_language(world, "fr")
    second = await in_language(world, "ar", at=NOON + MINUTE)
    late = await in_language(world, "fr", priority=Priority.P1, at=NOON - 20 * MINUTE)
    french = await in_language(world, "fr", priority=Priority.P1)
    arabic = await in_language(world, "ar", priority=Priority.P1, at=NOON + MINUTE)
    at = NOON + MINUTE

    def shown(tx):
        waiting = service.look_at_queue(tx, world.vault, fatima).waiting
        return [each.case.id for each in choosing.in_order_for(fatima.languages, waiting, at)]

    expected = [first, second, late, arabic, french]
    assert await world.database.read(shown) == expected
    taken = [
        (await world.database.write(lambda tx: service.claim_next(tx, world.hand(fatima, at)))).id for _ in expected
    ]
    assert taken == expected


async def test_the_rota_says_beforehand_when_a_language_is_left_out(world):
    ines = await world.officer("ines", Role.COORDINATOR)
    amira, omar = await world.officer("amira", language="ar"), await world.officer("omar", language="fr")
    await on_shift(world, ines, amira, time(8), time(20))
    await on_shift(world, ines, omar, time(14), time(6))
    await in_language(world, "ar")

    def read(tx):
        planned = rota.planned(tx, NOON, NOON + DAY)
        gaps = spoken.unspoken(tx, ["ar", "fr", "ti"], planned, NOON, NOON + DAY)
        return gaps, spoken.next_unspoken(tx, NOON), spoken.spoken_by_nobody(tx, ["ar", "ti"])

    gaps, coming, nobody = await world.database.read(read)

    base = NOON.replace(hour=0, minute=0)
    assert [(gap.start - base, gap.end - base, gap.languages) for gap in gaps] == [
        (12 * HOUR, 14 * HOUR, ("fr",)),
        (20 * HOUR, 30 * HOUR, ("ar",)),  # from six to eight nobody at all is there: that is said apart
        (32 * HOUR, 36 * HOUR, ("fr",)),
    ]
    assert (coming.start - base, coming.languages) == (20 * HOUR, ("ar",))
    assert nobody == ["ti"]


async def test_a_case_says_who_speaks_its_language_now_or_next(world):
    ines = await world.officer("ines", Role.COORDINATOR)
    amira, omar = await world.officer("amira", language="ar"), await world.officer("omar", language="fr")
    await on_shift(world, ines, amira, time(18), time(20))
    await on_shift(world, ines, omar, time(8), time(20))

    async def seen(officer, language, at=NOON):
        return await world.database.read(lambda tx: spoken.speakers(tx, officer, language, at))

    now = await seen(omar, "ar")
    assert (now.i_speak, now.there, now.others) == (False, (), (amira.id,))
    assert now.next_at == NOON.replace(hour=18, minute=0)
    assert (await seen(omar, "ar", NOON.replace(hour=19))).there == (amira.id,)
    assert (await seen(amira, "ar")).i_speak
    assert (await seen(omar, "ti")).others == ()
