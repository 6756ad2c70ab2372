"""A partner without Waymark: asked behind a link, with a code by phone, and told no more than in a letter."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.cases import alarm, consent, telling
from bot.cases import store as case_store
from bot.exchange.gate import Situation
from bot.exchange.outside import service as outside
from bot.exchange.outside import store as links
from bot.exchange.outside.model import LINK_HOLDS, MOST_VIEWS, LinkDead, NotTaken
from bot.exchange.outside.talk import MOST_MESSAGES
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import ChannelClosed
from bot.exchange.partners.service import CannotSign
from bot.exchange.requests import drafting, service, situations, thread
from bot.exchange.requests.attachments import service as attachments
from bot.exchange.requests.attachments.model import State
from bot.exchange.requests.attachments.service import Wanted
from bot.exchange.requests.consent_ends import WithdrawnConsents
from bot.exchange.requests.model import NotNow, RequestNotFound, Status
from bot.kernel import audit
from bot.kernel.access import Role
from bot.kernel.clock import SetClock
from bot.kernel.ids import new_id
from bot.kernel.one_time import MOST_TRIES
from tests.conftest import NOON
from tests.integration.exchange.behind_a_link import EMAIL, PDF, PNG, Outside, a_partner, tunis
from tests.integration.exchange.test_hold_notices import acts, ended, look, placed
from tests.integration.exchange.test_holds import a_dossier
from tests.integration.exchange.two_countries import Country, a_draft, an_agreement_to

__all__ = ["tunis"]


async def test_a_partner_without_waymark_reads_accepts_and_answers_behind_a_link(tunis: Outside):
    _, request_id = await tunis.asked()
    made = await tunis.link(request_id)

    before = await tunis.open(made)
    assert before is not None
    assert before.told == {}  # nothing about anybody before they accept
    assert not before.stopped
    assert before.decision == ""
    assert await tunis.status(request_id) is Status.SEEN

    page = await tunis._do(outside.accept, before.reply)
    assert page.told["names"] == "told names"
    assert await tunis.status(request_id) is Status.ACCEPTED

    page = await tunis._do(outside.attach, page.reply, PNG)
    page = await tunis.answer(page, *page.request.asks)

    file = await tunis.italy.file(request_id)
    assert file.request.status is Status.ANSWERED
    assert {said.line.asked: said.text for said in file.lines} == {key: f"about {key}" for key in file.request.asks}
    (kept,) = await tunis.italy.see(lambda tx: outside.files_of(tx, request_id))
    assert await tunis.italy.do(outside.read_file, request_id, kept.id) == ("image/png", PNG)


async def test_they_ask_back_behind_the_link_and_read_what_the_officer_writes_in_both_languages(tunis: Outside):
    case_id, request_id = await tunis.asked()
    made, italy = await tunis.link(request_id), tunis.italy
    opened = await tunis.open(made)
    assert opened is not None
    asks_back = {"text": "Quelle tante ?", "language": "fr"}
    with pytest.raises(NotTaken, match="not_accepted"):
        await tunis.write(opened, **asks_back)
    page = await tunis._do(outside.accept, opened.reply)
    with pytest.raises(NotTaken, match="nothing_written"):
        await tunis.write(page, text=" ", language="fr")

    await tunis.write(page, **asks_back)
    (asked,) = (await italy.file(request_id)).lines
    assert (asked.line.ours, asked.line.language, asked.text) == (False, "fr", "Quelle tante ?")
    alarm = await italy.see(lambda tx: case_store.get_alarm(tx, case_id, lock=False))
    assert alarm is not None
    assert alarm.climbing  # a question that nobody reads answers nobody
    await italy.do(thread.translate, request_id, asked.line.id, text="Which aunt?", language="en")
    other = {"other": "Sa tante Salma.", "other_language": "fr"}
    await italy.do(thread.write_message, request_id, text="Her aunt Salma.", language="en", **other, once=new_id())

    again = await tunis.open(made)
    assert again is not None
    assert [(each.ours, each.text, each.language, each.other) for each in again.said] == [
        (False, "Quelle tante ?", "fr", "Which aunt?"),
        (True, "Her aunt Salma.", "en", "Sa tante Salma."),
    ]
    await tunis.answer(again, *again.request.asks)
    with pytest.raises(NotNow):  # no link opens any more: it would wait for ever
        await italy.do(thread.write_message, request_id, text="And her brother?", once=new_id())


async def test_a_message_is_shown_behind_a_link_only_as_long_as_it_may_be_told(tunis: Outside):
    case_id = await tunis.italy.case()
    request_id = await tunis.italy.asked(case_id, a_draft(tunis.partner_id, "guardian_handover"))
    made, italy = await tunis.link(request_id), tunis.italy
    await tunis.accepted(made)
    await italy.do(thread.write_message, request_id, text="Her uncle Samir Haddad waits.", once=new_id())
    again = await tunis.open(made)
    assert again is not None
    assert len(again.said) == 1

    await a_dossier(italy, case_id, name="Samir Haddad")
    again = await tunis.open(made)
    assert again is not None
    assert again.said == []
    assert "not_shown" in [each.act for each in (await italy.file(request_id)).events]
    for _ in range(MOST_MESSAGES):
        await tunis.write(again, text="Bonjour", language="fr")
    with pytest.raises(NotTaken, match="too_many_messages"):
        await tunis.write(again, text="Bonjour", language="fr")


async def test_nobody_behind_a_link_is_called_told_of_a_hold_and_a_human_calls_them(tunis: Outside):
    """The page says it, and no mail does: whoever has read it before learns nothing."""
    italy, (case_id, request_id) = tunis.italy, await tunis.asked()
    page = await tunis.accepted(await tunis.link(request_id))
    dossier, _ = await placed(italy, case_id)
    await rest(italy, case_id)
    await look(italy)
    await look(italy)

    assert (await acts(italy, request_id)).count("hold_not_told") == 1
    assert "hold_told" not in await acts(italy, request_id)
    assert await climbs(italy, case_id)
    shown = await tunis.answer(page, "who_cared")
    assert shown.held
    await rest(italy, case_id)
    await look(italy)
    assert not await climbs(italy, case_id)

    await ended(italy, dossier)
    await look(italy)
    assert (await acts(italy, request_id)).count("hold_end_kept") == 1
    assert "hold_end_told" not in await acts(italy, request_id)
    assert await climbs(italy, case_id)


async def rest(country: Country, case_id: str) -> None:
    """The alarm of a case is heard."""
    at, officer_id = country.clock.now(), country.officer.id
    await country.database.write(lambda tx: alarm.acknowledge(tx, case_id, officer_id=officer_id, at=at))


async def climbs(country: Country, case_id: str) -> bool:
    rung = await country.see(lambda tx: case_store.get_alarm(tx, case_id, lock=False))
    return rung is not None and rung.climbing


async def test_the_code_alone_opens_nothing(tunis: Outside):
    _, request_id = await tunis.asked()
    made = await tunis.link(request_id)

    with pytest.raises(LinkDead):
        await tunis._do(outside.open_link, "guessed", made.code)

    assert await tunis.open(made) is not None


@pytest.mark.on_both
async def test_wrong_codes_are_counted_and_kill_the_link(tunis: Outside):
    _, request_id = await tunis.asked()
    made = await tunis.link(request_id)
    wrong = "000000" if made.code != "000000" else "111111"

    for _ in range(MOST_TRIES):
        assert await tunis.open(made, wrong) is None

    with pytest.raises(LinkDead):
        await tunis.open(made)


async def test_a_link_ends_after_three_days_and_after_five_views(tunis: Outside):
    _, request_id = await tunis.asked()
    made = await tunis.link(request_id)
    for _ in range(MOST_VIEWS):
        assert await tunis.open(made) is not None
    with pytest.raises(LinkDead):
        await tunis.open(made)

    again = await tunis.link(request_id)
    tunis.clock.advance(LINK_HOLDS)
    with pytest.raises(LinkDead):
        await tunis.open(again)


async def test_a_new_link_kills_the_one_before(tunis: Outside):
    _, request_id = await tunis.asked()
    first = await tunis.link(request_id)
    page = await tunis.open(first)
    assert page is not None

    second = await tunis.link(request_id)

    with pytest.raises(LinkDead):
        await tunis.open(first)
    with pytest.raises(LinkDead):
        await tunis._do(outside.accept, page.reply)
    assert await tunis.open(second) is not None


async def test_the_gate_is_asked_again_at_every_view(tunis: Outside):
    case_id, request_id = await tunis.asked()
    made = await tunis.link(request_id)
    assert (await tunis.accepted(made)).told

    tunis.clock.advance(timedelta(minutes=1))
    await tunis.italy.do(situations.record_situation, case_id, Situation(None, None))
    page = await tunis.open(made)

    assert page is not None
    assert page.stopped
    assert page.told == {}


async def test_consent_that_was_taken_back_shows_nothing_and_they_are_asked_to_keep_nothing(tunis: Outside):
    case_id, request_id = await tunis.asked()
    made = await tunis.link(request_id)
    await tunis.accepted(made)
    ledger = await tunis.italy.do(consent.ledger, case_id)

    await tunis.italy.do(consent.withdraw, case_id, ledger[0].id, holders=[WithdrawnConsents()])
    page = await tunis.open(made)

    assert page is not None
    assert page.taken_back
    assert page.told == {}
    await tunis._do(outside.keeps_nothing, page.reply)
    assert (await tunis.italy.file(request_id)).request.forgotten_at is not None


async def test_without_consent_nothing_can_be_sent_to_them(tunis: Outside):
    case_id = await tunis.italy.case(consented=False)
    request_id = await tunis.italy.do(drafting.draft, case_id, a_draft(tunis.partner_id))

    with pytest.raises(NotNow, match="consent"):
        await tunis.italy.do(service.approve, request_id, by=tunis.italy.coordinator)


async def test_a_partner_whom_one_admin_called_gets_nothing(italy: Country, clock: SetClock):
    partner, vault = a_partner(), italy.vault
    admin = await italy.world.officer("admin-1", Role.ADMIN)
    await italy.database.write(lambda tx: partner_service.add_partner(tx, vault, partner, by="test", at=NOON))
    sign = {"heard": EMAIL, "officer_id": admin.id, "at": NOON}
    await italy.database.write(lambda tx: partner_service.sign_contact(tx, vault, partner.id, **sign))
    with pytest.raises(CannotSign, match="signed already"):
        await italy.database.write(lambda tx: partner_service.sign_contact(tx, vault, partner.id, **sign))
    italy.others["TN"] = partner.id
    case_id = await italy.case()

    with pytest.raises(ChannelClosed, match="not verified"):
        await italy.asked(case_id, a_draft(partner.id))


async def test_another_address_than_the_one_that_was_spelled_is_not_trusted(italy: Country):
    partner, vault = a_partner(), italy.vault
    admin = await italy.world.officer("admin-1", Role.ADMIN)
    await italy.database.write(lambda tx: partner_service.add_partner(tx, vault, partner, by="test", at=NOON))

    with pytest.raises(CannotSign, match="not the e-mail address"):
        await italy.database.write(
            lambda tx: partner_service.sign_contact(
                tx, vault, partner.id, heard="amel@tunls.example", officer_id=admin.id, at=NOON
            )
        )


async def test_a_contact_that_was_changed_past_the_program_gets_nothing(tunis: Outside):
    _, request_id = await tunis.asked()
    made = await tunis.link(request_id)
    table = partners.exchange_partners
    changed = await tunis.italy.see(
        lambda tx: tx.execute(table.select().where(table.c.id == tunis.partner_id)).one().profile
    )
    await tunis.italy.database.write(
        lambda tx: tx.execute(table.update().values(profile=changed.replace(EMAIL, "thief@tunis.example")))
    )

    with pytest.raises(LinkDead):
        await tunis.open(made)
    with pytest.raises(ChannelClosed):
        await tunis.link(request_id)


async def test_what_is_not_asked_or_no_picture_is_not_taken(tunis: Outside):
    _, request_id = await tunis.asked()
    made = await tunis.link(request_id)
    opened = await tunis.open(made)
    assert opened is not None
    with pytest.raises(NotTaken, match="not_accepted"):
        await tunis.answer(opened, "harm")

    page = await tunis._do(outside.accept, opened.reply)
    with pytest.raises(NotTaken, match="file_kind"):
        await tunis._do(outside.attach, page.reply, b"<html><script>")
    with pytest.raises(NotTaken, match="no_ground"):
        await tunis.answer(page, "harm", ground="because")

    assert await tunis.status(request_id) is Status.ACCEPTED


@pytest.mark.on_both
async def test_every_opening_and_every_view_is_in_the_audit_log(tunis: Outside):
    _, request_id = await tunis.asked()
    made = await tunis.link(request_id)
    await tunis.accepted(made)
    await tunis.open(made)

    acts = [row.act for row in await tunis.italy.see(lambda tx: audit.read_log(tx, object=f"request:{request_id}"))]

    assert acts.count("request.link_opened") == 2
    assert acts.count("request.shown") == 2
    link = await tunis.italy.see(lambda tx: links.newest(tx, request_id))
    assert link is not None
    assert link.views == 3


async def test_somebody_else_than_its_officer_makes_no_link(tunis: Outside):
    _, request_id = await tunis.asked()
    stranger = await tunis.italy.world.officer("stranger", Role.OFFICER)

    with pytest.raises(RequestNotFound):
        await tunis.italy.do(outside.make_link, request_id, mails=False, by=stranger)


async def test_a_file_of_ours_is_behind_the_link_once_they_accept_and_only_while_it_may_be_told(
    italy: Country, tunis: Outside
):
    case_id = await italy.case()
    request_id = await italy.do(drafting.draft, case_id, a_draft(tunis.partner_id))
    about = Wanted("Birth certificate", "identity")
    file_id = str(await italy.do(attachments.attach_upload, request_id, PDF, about))
    await italy.do(service.approve, request_id, by=italy.coordinator)
    await italy.do(service.send_request, request_id)
    page = await tunis.open(await tunis.link(request_id))
    assert page is not None
    assert page.given == ()
    with pytest.raises(NotTaken, match="no_such_file"):
        await tunis.give(page, file_id)

    page = await tunis.accepted(await tunis.link(request_id))
    assert [(file.id, file.title) for file in page.given] == [(file_id, "Birth certificate")]
    given = await tunis.give(page, file_id)
    assert given is not None
    assert given[1] == PDF
    with pytest.raises(NotTaken, match="no_such_file"):
        await tunis.give(page, "0" * 36)
    [file] = await italy.see(lambda tx: attachments.of_request(tx, italy.vault, page.request))
    assert file.state is State.THERE
    assert "file_given" in [event.act for event in (await italy.file(request_id)).events]
    shares = await italy.see(lambda tx: consent.shares_of(tx, case_id))
    assert f"exchange_file:{file_id}" in [share.what for share in shares]

    italy.clock.advance(timedelta(minutes=1))
    row = await italy.do(consent.record, case_id, an_agreement_to(tunis.partner_id, giver="guardian"))
    assert await tunis.give(page, file_id) is None, "nobody has said whether the child was told"
    await italy.do(telling.record, case_id, telling.Said(row.id, why_not="danger"), once="")
    assert await tunis.give(page, file_id) is not None

    await italy.do(situations.record_situation, case_id, Situation(frozenset({"TN"}), True, frozenset({"TN"})))
    assert await tunis.give(page, file_id) is None
    assert "not_shown" in [event.act for event in (await italy.file(request_id)).events]
