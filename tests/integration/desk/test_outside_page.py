"""The page behind a link over HTTP: whoever guesses has to wait, and an honest reader does not."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient
from prometheus_client import REGISTRY

from bot.exchange.outside import model as outside_model
from bot.exchange.outside import service as outside
from bot.exchange.outside import store as links
from bot.exchange.partners import service as partner_service
from bot.exchange.partners.model import Contact
from bot.exchange.requests import drafting, service, thread
from bot.exchange.requests.attachments import service as attachments
from bot.exchange.requests.attachments.service import Wanted
from bot.exchange.requests.model import Alternative, Refusal, Status
from bot.kernel.access import Role
from tests.conftest import NOON
from tests.integration.desk.browser import Browser
from tests.integration.exchange.behind_a_link import EMAIL, PDF, a_partner
from tests.integration.exchange.two_countries import Country, a_draft


@pytest.fixture
async def here(world, clock) -> Country:
    made, contact = Country(world, clock, "IT"), Contact("Amel", "+216 71 000 000", EMAIL, ("so", "de-AT"))
    partner = a_partner(contacts=(contact,))
    await made.prepare()
    await world.database.write(lambda tx: partner_service.add_partner(tx, world.vault, partner, by="test", at=NOON))
    for n in (1, 2):
        admin = await world.officer(f"admin-{n}", Role.ADMIN)
        await world.database.write(
            lambda tx, admin=admin: partner_service.sign_contact(
                tx, world.vault, partner.id, heard=EMAIL, officer_id=admin.id, at=NOON
            )
        )
    made.others["TN"] = partner.id
    return made


@pytest.fixture
async def reader(desk):
    async with TestClient(desk) as client:
        yield Browser(client)


async def a_link(here: Country) -> outside.Made:
    request_id = await here.asked(await here.case(), a_draft(here.others["TN"]))
    return await here.do(outside.make_link, request_id, mails=False)


async def test_whoever_tries_codes_and_links_from_one_address_has_to_wait(here: Country, reader: Browser, clock):
    made = await a_link(here)
    for n in range(4):  # three are free, and the fourth makes the next one wait
        await reader.post("/request", token=f"guess-{n}", code="000000")
        assert reader.status == 404

    page = await reader.post("/request", token=made.token, code=made.code)
    assert reader.status == 429
    assert "Attendez une minute" in page or "Wait a minute" in page
    clock.advance(timedelta(seconds=61))
    await reader.post("/request", token=made.token, code=made.code)
    assert reader.status == 200  # nothing of the link was spent


async def test_what_went_wrong_elsewhere_makes_nobody_here_wait(here: Country, reader: Browser, clock):
    made = await a_link(here)
    for _ in range(9):
        await here.database.write(lambda tx: outside.went_wrong(tx, here.vault, "192.0.2.7", clock.now()))

    await reader.post("/request", token=made.token, code=made.code)
    assert reader.status == 200


async def test_the_address_of_whoever_guesses_is_not_stored(here: Country, reader: Browser, clock):
    from bot.kernel.sessions import sign_in_delays

    await reader.post("/request", token="guess", code="000000")
    rows = await here.see(lambda tx: tx.execute(sign_in_delays.select()).all())
    assert len(rows) == 1
    assert "127.0.0.1" not in str(rows)


async def test_a_wrong_code_is_counted_for_the_link_and_for_the_address(here: Country, reader: Browser):
    made = await a_link(here)
    for _ in range(4):
        await reader.post("/request", token=made.token, code="000000")
        assert reader.status == 403

    await reader.post("/request", token=made.token, code=made.code)
    assert reader.status == 429


async def test_a_file_of_ours_is_saved_and_never_shown_behind_the_link(here: Country, reader: Browser):
    request_id = await here.do(drafting.draft, await here.case(), a_draft(here.others["TN"]))
    await here.do(attachments.attach_upload, request_id, PDF, Wanted("Acte <de> naissance", "identity"))
    await here.do(service.approve, request_id, by=here.coordinator)
    await here.do(service.send_request, request_id)
    made = await here.do(outside.make_link, request_id, mails=False)
    for _ in range(10):  # what scanners of e-mail do: nothing behind the # is sent, so there is nothing to spend
        await reader.go("/request?lang=fr")
        assert 'lang="fr"' in reader.page
    pasted = outside_model.address_of("https://italy.example/request", made.token, "fr")
    await reader.send("/request", token=pasted, code=made.code)  # where no script could take it from the address
    await reader.send("/request/accept")

    assert "Acte &lt;de&gt; naissance" in reader.page
    another = re.sub(r'(name="file" value=")[^"]+', rf"\g<1>{'0' * 36}", reader.page)
    assert (await reader.send("/request/given")).startswith("%PDF")
    assert reader.status == 200
    reader.page = another
    await reader.send("/request/given")
    assert reader.status == 409


async def test_whoever_asks_back_says_in_which_language_and_reads_the_answer_as_it_was_written(
    here: Country, reader: Browser
):
    made = await a_link(here)
    page = await reader.post("/request", token=made.token, code=made.code)
    reply = re.search(r'name="reply" value="([^"]+)"', page)[1]
    page = await reader.post("/request/accept", reply=reply, language="fr")
    assert re.search(r'<option value="fr" selected>.*<option value="ti">', page, re.DOTALL)

    page = await reader.post("/request/message", reply=reply, message=" ", written_in="ar")
    assert reader.status == 422
    await reader.post("/request/message", reply=reply, message="أي خالة؟ <b>", written_in="ar")
    assert reader.status == 200
    asked = made.link.request_id
    await here.do(thread.write_message, asked, text="خالتها سلمى", language="ar", once="")

    page = await reader.post("/request", token=made.token, code=made.code)
    assert page.count('lang="ar" dir="auto">') == 2
    assert "أي خالة؟ &lt;b&gt;" in page
    assert "خالتها سلمى" in page

    key = next(iter(re.findall(r'name="asked" value="(\w+)"', page)))
    reply = re.search(r'name="reply" value="([^"]+)"', page)[1]
    said = {f"text-{key}": "نعم", f"how-{key}": "seen", f"confidence-{key}": "high", "asked": key}
    await reader.post("/request/answer", reply=reply, ground="child_only", written_in="ar", **said)
    answer = (await here.file(asked)).lines[-1]
    assert (answer.line.asked, answer.line.language, answer.text) == (key, "ar", "نعم")


async def test_a_german_partner_reads_answers_and_refuses_in_german_or_in_what_they_choose(
    here: Country, reader: Browser
):
    made = await a_link(here)
    assert made.link.language == "de"  # the first of theirs that the page speaks
    unsaid = REGISTRY.get_sample_value("waymark_words_missing_total", {"language": "de"})

    page = await reader.go(f"/request?lang={made.link.language}")
    assert '<html lang="de"' in page
    assert page.count('name="switch"') == 10
    page = await reader.post("/request/language", token=made.token, code="", language="de", switch="el")
    assert ("Ένα αίτημα" in page, made.token in page) == (True, True)  # nothing is lost, and nothing was spent
    page = await reader.post("/request", token=made.token, code=made.code, language="de")
    assert "Wer hat das Kind betreut, und wie?" in page
    page = await reader.send("/request/accept")
    assert "Wird nur Amel gezeigt." in page
    assert re.search(r'<option value="de" selected>Deutsch</option>', page)

    reply, key = re.search(r'name="reply" value="([^"]+)"', page)[1], re.search(r'name="asked" value="(\w+)"', page)[1]
    typed = {"reply": reply, "language": "de", f"text-{key}": "Die Großmutter", "named": "yes"}
    page = await reader.post("/request/language", **typed, switch="it")
    assert ("Mostrato solo a Amel." in page, "Die Großmutter" in page) == (True, True)
    assert await views_of(here, made) == 3  # to be shown it in another language is to be shown it
    await reader.post("/request/answer", **typed, asked=key)
    assert (reader.status, "Bitte geben Sie an, von wem Ihre Antworten handeln." in reader.page) == (422, True)
    said = {f"how-{key}": "seen", f"confidence-{key}": "high", "asked": key, "ground": "child_only"}
    page = await reader.post("/request/answer", **typed, **said)
    assert "Vielen Dank. Es ist gespeichert." in page
    assert (await here.file(made.link.request_id)).lines[-1].line.language == "de"

    # No more views than there are, and the last is not taken from them by a switch.
    shown = [await reader.post("/request/language", reply=reply, named="yes", switch="de") for _ in range(3)]
    assert ["Wird nur Amel gezeigt." in page for page in shown] == [True, True, False]
    assert ['name="switch" value="uk"' in page for page in shown] == [
        True,
        False,
        True,
    ]
    await reader.send("/request/refuse", reason=Refusal.NO_BASIS.value, alternative=Alternative.LAWYER.value)
    assert "Vielen Dank. Die Fachkraft weiß Bescheid" in reader.page
    assert 'name="switch"' not in reader.page  # nothing opens any more
    assert (await here.file(made.link.request_id)).request.status is Status.REFUSED
    assert REGISTRY.get_sample_value("waymark_words_missing_total", {"language": "de"}) == unsaid


async def views_of(here: Country, made: outside.Made) -> int:
    return (await here.see(lambda tx: links.newest(tx, made.link.request_id))).views
