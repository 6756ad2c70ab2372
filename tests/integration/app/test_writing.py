"""The person sees on Telegram that an officer is typing, from the desk to Telegram itself."""

from __future__ import annotations

from bot.kernel.access import Role
from tests.integration.app.program import Helpline, telegram_update
from tests.peers.telegram import FakeTelegram

CHAT = 4242


async def test_only_whoever_holds_the_case_shows_on_telegram_that_they_are_typing(
    telegram_helpline: Helpline, telegram: FakeTelegram
):
    helpline = telegram_helpline
    telegram.ledger.meet(CHAT, "private")
    await helpline.webhook(telegram_update(1, "I want to talk to a person"))
    await helpline.settled()
    amira, bruno = [await helpline.at_desk(await helpline.officer(Role.OFFICER)) for _ in range(2)]
    [case_id] = await amira.waiting_cases()
    writing = f"/desk/cases/{case_id}/writing"
    assert (await amira.post(writing))[0] == 409
    assert telegram.actions == []

    await amira.post(f"/desk/cases/{case_id}/claim")

    assert (await bruno.post(writing))[0] == 404
    assert telegram.actions == []
    assert (await amira.post(writing))[0] == 204
    assert telegram.actions == [(CHAT, "typing")]
