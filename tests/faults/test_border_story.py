"""`./waymark demo exchange`: three real servers with three databases, and the whole story over real HTTP."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import aiohttp
import pytest

from bot.border_story import PLACES, play, said, started
from bot.exchange.holds import service as holds
from bot.exchange.requests import store
from bot.exchange.requests.model import Status
from bot.kernel import audit
from bot.kernel.settings import load_settings

pytestmark = pytest.mark.faults


def three_free_ports() -> int:
    """The first of three that stand in a row."""
    for first in range(18100, 19000, 3):
        taken = []
        try:
            for port in range(first, first + 3):
                taken.append(socket.create_server(("127.0.0.1", port)))
        except OSError:
            continue
        finally:
            for each in taken:
                each.close()
        return first
    raise AssertionError("no ports are free")


async def test_the_story_of_a_girl_with_a_false_uncle_is_played_between_three_servers(tmp_path: Path):
    base = load_settings({"WAYMARK_DATA_DIR": str(tmp_path), "WAYMARK_UNDERSTANDING": "ngrams"})
    async with started(base, three_free_ports()) as sides:
        told = await play(sides)
        page = await said(sides, told)

        tunis, lampedusa, munich = (sides[place.country] for place in PLACES)
        for request_id, there in ((told.asked_tunis, tunis), (told.asked_munich, munich), (told.placement, munich)):
            for side in (lampedusa, there):
                sealed = await side.database.read(lambda tx, request_id=request_id: store.get_request(tx, request_id))
                assert sealed is not None
                assert sealed.request.status is Status.ANSWERED
        assert told.refused_with_uncle
        held = await lampedusa.database.read(lambda tx: holds.standing_holds(tx, told.case_id))
        assert [hold.id for hold in held] == [told.hold]
        assert await tunis.database.read(lambda tx: holds.told_holds(tx, told.asked_tunis))
        for side in sides.values():
            assert (await side.database.read(lambda tx, vault=side.vault: audit.verify(tx, vault))).ok

        links = re.findall(r"http://\S+/desk/sign-in/link\?token=\S+", page)
        assert len(links) == 6
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as officer:
            mine = next(link for link in links if link.startswith(lampedusa.settings.public_url))
            headers = {"Sec-Fetch-Site": "same-origin"}
            token = mine.partition("token=")[2]
            async with officer.post(mine.partition("?")[0], data={"token": token}, headers=headers) as entered:
                assert entered.status == 200
            for address in re.findall(rf"({lampedusa.settings.public_url}/desk/\S+?)(?:#consent)?\s", page):
                if "sign-in" in address:
                    continue
                async with officer.get(address) as shown:
                    assert shown.status == 200, address
                    text = await shown.text()
                    assert "emonstration" in text  # on every page
                    if "/requests/" not in address:
                        assert "do not place or move this child with this adult" in text
