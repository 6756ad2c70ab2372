"""Primero files over HTTP: written from the file of a case, taken in at the door."""

from __future__ import annotations

import json
import re

import pytest
from aiohttp import FormData

from bot.cases import consent, searches
from bot.cases.record import service as record
from bot.kernel import audit
from tests.integration.cases.test_primero import CAME, HANDED, SAID


async def test_the_file_is_written_once_a_consent_is_there(world, at_desk, amira, case_id):
    browser = await at_desk(amira)
    assert "First record that the person agrees" in await browser.go(f"/desk/cases/{case_id}/file")

    def agree(tx):
        record.write_fields(tx, world.hand(amira), case_id, SAID, seen={})
        consent.record(tx, world.hand(amira), case_id, HANDED)
        return consent.of_case(tx, case_id)[0].id

    consent_id = await world.database.write(agree)
    assert "SOS Children" in await browser.go(f"/desk/cases/{case_id}/file")

    await browser.send(f"/desk/cases/{case_id}/primero", consent=consent_id)

    [sent] = json.loads(browser.page)
    assert sent["data"]["name"] == "Ali Hassan"
    assert "blue house" not in browser.page
    await browser.go(f"/desk/cases/{case_id}/file")
    await browser.send(f"/desk/cases/{case_id}/primero", consent="made-up")
    assert browser.status == 409
    assert "No file was written" in browser.page


async def take_in(browser, content: bytes, **fields: str) -> str:
    await browser.go("/desk/arrivals")
    form = FormData()
    form.add_field("csrf", re.search(r'name="csrf" value="([^"]+)"', browser.page)[1])
    for name, value in fields.items():
        form.add_field(name, value)
    form.add_field("file", content, filename="cases.json", content_type="application/json")
    headers = {"Sec-Fetch-Site": "same-origin"}
    return await browser._read(await browser._client.post("/desk/arrivals/primero", data=form, headers=headers))


async def test_a_file_becomes_a_case_and_the_same_again_asks_and_counts_as_a_search(world, at_desk, amira):
    browser = await at_desk(amira)

    shown = await take_in(browser, json.dumps(CAME).encode())

    assert "Look at what came before anybody relies on it." in shown
    assert "CP-77" in shown
    assert "has an open case" in await take_in(browser, json.dumps(CAME).encode())
    assert browser.status == 409
    assert (await world.database.read(audit.read_log))[0].act == searches.SEARCHED
    assert "Look at what came" in await take_in(browser, json.dumps(CAME).encode(), another="1")


@pytest.mark.parametrize("content", [b"no json", b"[]", b"[" * 50_000, b'[{"data": 1}]'])
async def test_what_is_no_file_of_cases_is_said_kindly(at_desk, amira, content):
    browser = await at_desk(amira)

    assert "This is no file of Primero cases" in await take_in(browser, content)
    assert browser.status == 409
