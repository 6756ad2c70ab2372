"""The doors of the exchange in the whole program: what a partner finds there before anybody knows it."""

from __future__ import annotations

import aiohttp

from bot.exchange import jose
from bot.exchange.partners import keys
from tests.integration.app.program import Helpline


async def test_our_key_file_lies_open_and_stays_the_same(helpline: Helpline):
    async with aiohttp.ClientSession() as http:
        files = []
        for _ in range(2):
            async with http.get(f"{helpline.url}/exchange/key") as answer:
                assert answer.status == 200
                files.append(keys.read_card(await answer.text()))

    assert files[0] == files[1]
    assert files[0].endpoint == helpline.waymark.settings.public_url
    assert len(files[0].fingerprint) == 10


async def test_a_stranger_is_refused_with_a_word_that_our_key_signs(helpline: Helpline):
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{helpline.url}/exchange/key") as answer:
            card = keys.read_card(await answer.text())
        async with http.post(f"{helpline.url}/exchange/letters", data=b"hello") as answer:
            status, word = answer.status, await answer.text()
        async with http.post(f"{helpline.url}/exchange/letters/waiting", data=b"hello") as answer:
            fetched = answer.status, await answer.text()

    said = jose.strict_json(jose.verify(word, typ=jose.RECEIPT, public=card.sign_public))
    assert (status, said["state"], said["code"]) == (400, "refused", "not_an_envelope")
    assert fetched == (403, "Forbidden")
