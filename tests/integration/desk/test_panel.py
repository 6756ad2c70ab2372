"""The panel over HTTP: named in the file, read and answered on a page of its own, ended by the decision."""

from __future__ import annotations

import re

from bot.cases.record import service as record
from tests.integration.desk.test_handing import claimed, csrf


async def test_a_member_is_named_in_the_file_writes_their_view_and_is_out_with_the_decision(world, at_desk):
    amira, omar = await world.officer("amira"), await world.officer("omar")
    case_id = await claimed(world, amira)
    written = {"name": ("Amal <b>",), "religion": ("Druze",)}
    await world.database.write(lambda tx: record.write_fields(tx, world.hand(amira), case_id, written, seen={}))
    hers, his, page = await at_desk(amira), await at_desk(omar), f"/desk/cases/{case_id}"
    await his.go(f"{page}/panel")
    assert his.status == 404

    await hers.go(f"{page}/file")
    await hers.send(f"{page}/panel/members", member=amira.id)
    assert "cannot sit on this panel" in hers.page
    await hers.send(f"{page}/panel/members", member=omar.id)
    assert "no view written" in hers.page
    assert f"{page}/panel" in await his.go("/desk/mine")
    shown = await his.go(f"{page}/panel")
    assert "Amal &lt;b&gt;" in shown
    assert "Druze" not in shown
    await his.send(f"{page}/panel", view="With her aunt.")
    assert "Saved." in his.page
    assert (await his.go(f"{page}/file"), his.status)[1] == 404
    assert "With her aunt." in await hers.go(f"{page}/file")
    assert "With her aunt." in await hers.go(f"{page}/print")
    talk = re.sub("</?bdi>", "", await hers.go(page))
    assert "amira names omar for the panel" in talk
    assert "omar wrote their view for the panel" in talk

    await hers.go(f"{page}/file")
    decided = {"section": "best_interests", "v-bi_outcome": "", "f-bi_outcome": "With her aunt."}
    await hers.post(f"{page}/file", csrf=csrf(hers), **decided)
    assert "Name this member" not in hers.page
    await his.go(f"{page}/panel")
    assert his.status == 404
