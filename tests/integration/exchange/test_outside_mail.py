"""The e-mail to a partner without Waymark: something waits, and nothing about anybody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from msgspec.structs import replace

from bot.exchange.outside import store as links
from bot.exchange.outside.model import Mail
from bot.exchange.outside.notices import LinkNotices
from bot.exchange.outside.words import words_behind_links
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import Contact
from bot.exchange.requests import service, thread
from bot.exchange.requests.model import Status
from bot.exchange.requests.reminders import Reminders
from bot.kernel.clock import SetClock
from bot.kernel.ids import new_id
from bot.kernel.live import Signals
from bot.kernel.mail import Mailer
from tests.conftest import NOON
from tests.integration.exchange.behind_a_link import EMAIL, Outside, tunis
from tests.peers.smtp import MailServer

__all__ = ["tunis"]


@dataclass
class Post:
    """The notices of Italy, and the mail server they go to."""

    server: MailServer
    notices: LinkNotices


@pytest.fixture
async def post(tunis: Outside, clock: SetClock) -> AsyncIterator[Post]:
    italy = tunis.italy
    async with MailServer() as server:
        notices = LinkNotices(
            italy.database,
            italy.vault,
            clock,
            Signals(),
            words=words_behind_links(),
            mailer=Mailer(server.url, "desk@lampedusa.example"),
            page="https://lampedusa.example/request",
            helpline="Lampedusa helpline",
        )
        yield Post(server, notices)


@pytest.mark.parametrize("tunis", [("so", "de-AT")], indirect=True)  # the first that the page speaks
async def test_the_e_mail_says_that_a_request_waits_and_nothing_about_anybody(tunis: Outside, post: Post):
    _, request_id = await tunis.asked()
    made = await tunis.link(request_id, mails=True)

    assert await post.notices.look() == 1
    assert await post.notices.look() == 0  # once

    (mail,) = post.server.mails
    text = mail.get_content()
    assert mail["To"] == EMAIL
    assert mail["Subject"] == "Eine Anfrage wartet auf Sie"
    assert f"https://lampedusa.example/request?lang=de#{made.token}\r\n" in text  # behind the #: no server is told it
    file = await tunis.italy.file(request_id)
    for told in (*file.fields.values(), file.decision, file.request.number, made.code, "Kind", "child", "Amel"):
        assert told not in text
    assert file.request.status is Status.DELIVERED


async def test_a_mail_server_that_is_busy_is_asked_again_and_a_lost_answer_costs_a_second_copy(
    tunis: Outside, post: Post
):
    _, request_id = await tunis.asked()
    await tunis.link(request_id, mails=True)
    post.server.answers = [450]
    assert await post.notices.look() == 0
    post.server.hang_up = True

    tunis.clock.advance(timedelta(hours=1))
    assert await post.notices.look() == 0  # it took it, and nobody knows
    tunis.clock.advance(timedelta(hours=1))
    assert await post.notices.look() == 1

    assert [mail["To"] for mail in post.server.mails] == [EMAIL, EMAIL]


async def test_an_address_that_is_gone_calls_the_officer(tunis: Outside, post: Post):
    _, request_id = await tunis.asked()
    await tunis.link(request_id, mails=True)
    post.server.answers = [550]

    assert await post.notices.look() == 0

    link = await tunis.italy.see(lambda tx: links.newest(tx, request_id))
    assert link is not None
    assert link.mail is Mail.FAILED
    assert "mail_failed" in [event.act for event in (await tunis.italy.file(request_id)).events]


async def test_no_e_mail_goes_to_a_contact_that_was_changed_meanwhile(tunis: Outside, post: Post):
    _, request_id = await tunis.asked()
    await tunis.link(request_id, mails=True)
    vault = tunis.italy.vault
    changed = await tunis.italy.see(lambda tx: partners.get(tx, tunis.partner_id, vault))
    assert changed is not None
    contacts = (Contact("Amel", "+216 71 000 000", "thief@tunis.example", ("fr",)),)
    await tunis.italy.database.write(
        lambda tx: partner_service.change_partner(tx, vault, replace(changed, contacts=contacts), by="x", at=NOON)
    )

    assert await post.notices.look() == 0
    assert post.server.mails == []


async def test_who_is_asked_behind_a_link_hears_by_e_mail_once_that_something_waits_and_is_told_nothing(
    tunis: Outside, post: Post
):
    _, request_id = await tunis.asked()
    await tunis.link(request_id, mails=True)
    await post.notices.look()
    reminders = Reminders(tunis.italy.database, tunis.clock, Signals(), tunis.italy.vault)

    tunis.clock.advance(timedelta(days=15, minutes=1))  # half of the thirty days
    assert await reminders.look() == 1
    assert await post.notices.look() == 1
    assert await post.notices.look() == 0

    text = post.server.mails[-1].get_content()
    assert "attend toujours" in text
    assert "token=" not in text
    file = await tunis.italy.file(request_id)
    for told in (*file.fields.values(), file.decision, file.request.number, "enfant", "child", "Amel"):
        assert told not in text
    assert [event.act for event in file.events][-1] == "mail_reminded"

    await tunis.accepted(await tunis.link(request_id))
    await tunis.italy.do(thread.write_message, request_id, text="Her aunt Salma.", language="en", once=new_id())
    assert await post.notices.look() == 1  # what an officer writes to them waits too
    assert await post.notices.look() == 0
    assert post.server.mails[-1].get_content() == text


async def test_a_reminder_waits_for_a_busy_mail_server_and_a_dead_address_calls_the_officer(tunis: Outside, post: Post):
    _, request_id = await tunis.asked()
    await tunis.link(request_id, mails=True)
    await post.notices.look()
    tunis.clock.advance(timedelta(days=15, minutes=1))
    await Reminders(tunis.italy.database, tunis.clock, Signals(), tunis.italy.vault).look()
    post.server.answers = [450]
    assert await post.notices.look() == 0
    assert await post.notices.look() == 0  # not again at once
    tunis.clock.advance(timedelta(minutes=10))
    post.server.answers = [550]
    assert await post.notices.look() == 0

    assert [event.act for event in (await tunis.italy.file(request_id)).events][-1] == "mail_not_reminded"
    assert len(post.server.mails) == 1


async def test_nobody_is_reminded_of_a_request_that_was_taken_back(tunis: Outside, post: Post):
    _, request_id = await tunis.asked()
    await tunis.link(request_id, mails=True)
    await post.notices.look()
    tunis.clock.advance(timedelta(days=15, minutes=1))
    await Reminders(tunis.italy.database, tunis.clock, Signals(), tunis.italy.vault).look()
    await tunis.italy.do(service.withdraw, request_id)

    assert await post.notices.look() == 0
    assert len(post.server.mails) == 1
