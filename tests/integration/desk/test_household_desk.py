"""Brothers, sisters and households over HTTP, as a browser without scripts links them."""

from __future__ import annotations

import re

from tests.integration.desk.test_handing import claimed, csrf


async def number_of(browser, page):
    return re.search(r"<title>[^<]* (\w{3}-\w{3})", await browser.go(f"{page}/file"))[1]


async def test_two_cases_are_linked_shown_with_each_other_warned_about_and_parted_again(world, at_desk):
    amira, bruno = await world.officer("amira"), await world.officer("bruno")
    hers, his = await at_desk(amira), await at_desk(bruno)
    one, other = [f"/desk/cases/{await claimed(world, amira)}" for _ in range(2)]
    number, foreign = await number_of(hers, other), f"/desk/cases/{await claimed(world, bruno)}"
    foreign_number = await number_of(his, foreign)
    await hers.go(f"{one}/file")
    await hers.send(f"{one}/household", number=foreign_number, kind="siblings", why="Same name.")
    assert hers.status == 409
    assert "No case with this number is yours to see." in hers.page

    await hers.go(f"{one}/exchange")
    await hers.send(f"{one}/adults", name="Sami Trabelsi", claimed="uncle_aunt")
    await hers.send(f"{hers.path}/hold")
    await hers.go(f"{one}/file")
    await hers.send(f"{one}/household", number=number.lower(), kind="siblings", why="Both <i>say</i> so.")
    assert "Both &lt;i&gt;say&lt;/i&gt; so." in hers.page
    assert "Moving or placing one alone parts them." in hers.page
    assert number in await hers.go(one)
    page = await hers.go(other)
    assert "A hold stands, as in the case of somebody of the same family or household" in page
    assert await number_of(hers, one) in await hers.go(re.search(r"/desk/adults/[\w-]{36}", page)[0])
    assert "Moving or placing one alone parts them." in await hers.go(f"{other}/refer")

    await his.go("/desk/queue")
    await his.post(f"{one}/household", csrf=csrf(his), number=foreign_number, kind="siblings", why="x")
    assert his.status == 404
    await hers.go(f"{other}/file")
    await hers.send(f"{other}/household/part", why="They met on the boat.")
    assert "No other case is linked." in hers.page
    assert "parts them" not in await hers.go(f"{one}/refer")
