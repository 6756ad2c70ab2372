"""A girl on her way from Tunisia over Italy to Germany, and a man who says he is her uncle: three real servers with
three databases, sealed letters over real HTTP, and people who press the buttons. Then `./waymark demo exchange` plays
it alone."""

from __future__ import annotations

import asyncio
import random
import re
import socket
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, Locator, Page, expect

from bot.border_story import PLACES, Side, meet, play, said, settings_of, started
from bot.exchange.holds import claimants, told_holds
from bot.exchange.holds.model import CHECKLIST, FAVOURS, MARKS, SOURCES, TIE_TITLES, Favour, Mark, Source, Tie
from bot.exchange.partners import store as partners
from bot.exchange.requests import store
from bot.exchange.requests.model import ASSENTS, CONFIDENCES, GROUNDS, HOWS, Assent, Confidence, Ground, How, Status
from bot.exchange.requests.types import REQUEST_TYPES
from bot.foreground import CannotDo
from bot.kernel import audit
from bot.kernel.clock import SystemClock
from bot.kernel.officers import link_path, make_link
from bot.kernel.settings import load_settings
from tests.chromium import running_chromium
from tests.journeys.people import WORDS, Officer, Person

pytestmark = pytest.mark.browser

HOLD = "Hold: do not place or move this child with this adult."
HER_WORDS = "a man says he is my uncle, I do not know him and he took my passport"
UNCLE, AUNT = "Kamel Story", "Salma Story"
ARRIVES_IN = 90  # seconds, on a machine that is busy with other things
CLAIMS = {
    "birth_year": "2012",
    "adult_name": UNCLE,
    "claimed_tie": "uncle_aunt",
    "parents": "Leila and Hedi, Sfax",
}
PLACED = {
    "birth_year": "2012",
    "report": "She is well and asks for her aunt.",
    "reasons": "Family, and her own wish.",
    "carer_name": AUNT,
    "bia": "yes",
}
A_VISIT = "The youth office visits after two weeks."
NO_BROTHER = "The father has no brother. Nobody in the family knows this man."


def three_free_ports() -> int:
    """The first of three that stand in a row: others on this machine may try the same, so each begins elsewhere."""
    rows = list(range(18100, 19000, 3))
    random.shuffle(rows)
    for first in rows:
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


class People:
    """An officer and a coordinator at the desk of one country."""

    def __init__(self, browser: Browser, url: str, links: tuple[str, str]) -> None:
        self.url = url
        self.officer, self.coordinator = (Officer(browser, link).page for link in links)


async def links_of(side: Side) -> tuple[str, str]:
    """One-time links for the officer and for the coordinator."""
    found = []
    for each in (side.officer, side.coordinator):
        token = await side.database.write(lambda tx, one=each: make_link(tx, one.id, SystemClock().now()))
        found.append(f"{side.settings.public_url}{link_path(token)}")
    return found[0], found[1]


def the_story_by_hand(urls: Mapping[str, str], links: Mapping[str, tuple[str, str]]) -> None:
    with running_chromium() as browser:
        tunis, lampedusa, munich = (People(browser, urls[place.country], links[place.country]) for place in PLACES)
        girl = Person(browser, lampedusa.url)
        girl.writes(HER_WORDS)
        expect(girl.log.locator("[data-seq]").nth(1)).to_be_visible()

        # A case, whom she fears, and the man: two red marks, and the hold stands before anybody is asked.
        officer = lampedusa.officer
        officer.reload()
        officer.get_by_role("main").get_by_role("link").filter(has_text="uncle").first.click()
        officer.get_by_role("button", name="Take this case").click()
        expect(officer.get_by_label("Your answer")).to_be_visible()
        case = officer.url.partition("?")[0]
        officer.goto(f"{case}/exchange")
        officer.get_by_label("No, nobody's").check()
        officer.get_by_role("group", name="Does the child ask for asylum").get_by_label("no", exact=True).check()
        officer.get_by_role("button", name="Write it down").click()
        uncle = opens_dossier(officer, case, UNCLE)
        marks(officer, Mark.RED, "papers", "child_account")
        officer.get_by_role("button", name="Confirm the hold").click()
        officer.goto(case)
        expect(officer.get_by_text(HOLD)).to_be_visible()

        # Tunis is asked, once she has agreed to it; it sees whom it is about when it has taken that on, and the hold.
        asked = asks(lampedusa, case, "verify_adult", PLACES[0].name, CLAIMS)
        officer.goto(uncle)
        officer.get_by_role("button", name="Send them the notice").click()
        answers(tunis, asked, {"tie": NO_BROTHER}, seen=UNCLE, hold=True)

        # The answer contradicts him, and nobody moves her with him.
        officer.goto(asked)
        wait_for(officer, officer.get_by_text(NO_BROTHER))
        adds_evidence(officer, uncle, Source.AUTHORITY, Favour.CONTRADICTS, NO_BROTHER)
        decides(officer, Tie.CONTRADICTED, "The family does not know him.")
        officer.goto(f"{case}/requests/new?type=placement_abroad")
        expect(officer.get_by_role("radio", name=UNCLE)).to_be_disabled()

        # Her aunt is looked at too, and Munich consents before she travels.
        aunt = opens_dossier(officer, case, AUNT)
        marks(officer, Mark.GREEN, "heard_apart", "child_wish")
        adds_evidence(officer, aunt, Source.AUTHORITY, Favour.SUPPORTS, "The home study of Munich.")
        adds_evidence(officer, aunt, Source.PARENT, Favour.SUPPORTS, "The mother, by phone.")
        decides(officer, Tie.SUPPORTED, "Two sources, and she wants to go there.")
        placed = asks(lampedusa, case, "placement_abroad", PLACES[2].name, PLACED, adult=AUNT)
        answers(munich, placed, {"state_consent": "We agree.", "conditions_of_stay": A_VISIT}, seen=AUNT)
        officer.goto(placed)
        wait_for(officer, officer.get_by_text(A_VISIT))
        officer.goto(case)
        expect(officer.get_by_text(HOLD)).to_be_visible()  # it ends when two officers of two bodies say so

        # In the chat, which he could read, stands nothing of all this.
        girl.page.reload()
        expect(girl.log).to_contain_text(HER_WORDS)
        for word in ("hold", UNCLE, AUNT, "Tunis", "Munich"):
            expect(girl.log).not_to_contain_text(word)


def wait_for(page: Page, what: Locator) -> None:
    """Look again until a letter has come."""
    until = time.monotonic() + ARRIVES_IN
    while not what.first.is_visible():
        assert time.monotonic() < until, what
        page.reload()
    expect(what.first).to_be_visible()


def choice(page: Page, label: str) -> Locator:
    """A list to choose from: its label holds the words of the list too."""
    return page.get_by_role("combobox", name=re.compile(f"^{label}"))


def opens_dossier(page: Page, case: str, name: str) -> str:
    page.goto(f"{case}/exchange")
    page.get_by_label("Name of the adult").fill(name)
    page.get_by_label("The tie the adult claims").select_option("uncle_aunt")
    page.get_by_role("button", name="Open a dossier").click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()
    return page.url.partition("?")[0]


def marks(page: Page, mark: Mark, *items: str) -> None:
    for item in items:
        group = page.get_by_role("radiogroup", name=CHECKLIST[item])
        group.get_by_role("radio", name=MARKS[mark], exact=True).check()
    page.get_by_role("button", name="Keep the checklist").click()


def adds_evidence(page: Page, dossier: str, source: Source, favour: Favour, text: str) -> None:
    page.goto(dossier)
    page.get_by_label("Where it comes from").select_option(source.value)
    page.get_by_role("group", name="What it says about the tie").get_by_label(FAVOURS[favour], exact=True).check()
    page.get_by_label("What was found").fill(text)
    page.get_by_role("button", name="Keep the evidence").click()
    expect(page.get_by_role("listitem").filter(has_text=SOURCES[source])).to_contain_text(text)


def decides(page: Page, tie: Tie, why: str) -> None:
    choice(page, "State").select_option(tie.value)
    page.get_by_label("Why", exact=True).fill(why)
    page.get_by_role("button", name="Decide").click()
    expect(page.get_by_role("main").get_by_text(TIE_TITLES[tie], exact=True).first).to_be_visible()


def asks(people: People, case: str, type_key: str, partner: str, told: Mapping[str, str], *, adult: str = "") -> str:
    """A draft, her consent, a second person who approves, and off it goes. Returns the address of its page."""
    page = people.officer
    page.goto(f"{case}/requests/new?type={type_key}")
    [option] = [text for text in choice(page, "Partner").get_by_role("option").all_inner_texts() if partner in text]
    choice(page, "Partner").select_option(option)
    page.get_by_label("To decide what, and why").fill("To decide with whom she may live.")
    for key, value in told.items():
        entry = page.locator(f"[name='field-{key}']")
        entry.select_option(value) if entry.evaluate("e => e.tagName") == "SELECT" else entry.fill(value)
    if REQUEST_TYPES[type_key].moves_child:
        page.get_by_role("radio", name=adult).check()
    page.get_by_label(ASSENTS[Assent.AGREES]).check()
    page.get_by_role("button", name="Keep the draft").click()
    address = page.url.partition("?")[0]

    page.get_by_role("link", name="Record the consent").click()
    page.get_by_label("Exactly what was said or shown").fill(f"May we ask {partner}, and say who you are?")
    page.get_by_label("Their age").fill("14")
    page.get_by_role("button", name="Record it").click()

    people.coordinator.goto(address)
    people.coordinator.get_by_role("button", name="Approve: I have read it").click()
    page.goto(address)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("button", name="Withdraw")).to_be_visible()
    return address


def answers(people: People, asked: str, found: Mapping[str, str], *, seen: str, hold: bool = False) -> None:
    """There: a human sees what is asked and not about whom, takes it on, writes down what they found, and a second one
    lets it go."""
    page, address = people.officer, f"{people.url}/desk/requests/{asked.rpartition('/')[2]}"
    page.goto(address)
    wait_for(page, page.get_by_role("button", name="Accept: we can answer"))
    expect(page.get_by_text(seen)).to_have_count(0)
    page.get_by_role("button", name="Accept: we can answer").click()
    wait_for(page, page.get_by_text(seen))
    if hold:
        wait_for(page, page.get_by_text(HOLD))
    for key, text in found.items():
        choice(page, "Question").select_option(key)
        page.get_by_label("Answer", exact=True).fill(text)
        page.get_by_label(HOWS[How.TOLD]).check()
        page.get_by_label(CONFIDENCES[Confidence.HIGH], exact=True).check()
        page.get_by_role("button", name="Keep the answer").click()
        expect(page.get_by_role("listitem").filter(has_text=text)).to_be_visible()
    page = people.coordinator
    page.goto(address)
    language = str(page.locator("html").get_attribute("lang"))  # in Tunis it is French
    danger = WORDS.text(language, "Could these answers put somebody in danger?")
    page.get_by_role("group", name=danger).get_by_label(WORDS.text(language, "no"), exact=True).check()
    page.get_by_label(WORDS.text(language, GROUNDS[Ground.NECESSARY])).check()
    lets_go = page.get_by_role("button", name=WORDS.text(language, "Send these answers"))
    lets_go.click()
    expect(lets_go).to_have_count(0)


def test_a_girl_with_a_false_uncle_is_kept_from_him_and_comes_to_her_aunt_over_two_borders(tmp_path: Path):
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, the_story(tmp_path)).result()


async def the_story(tmp_path: Path) -> None:
    base = load_settings({"WAYMARK_DATA_DIR": str(tmp_path)})
    first = three_free_ports()
    async with started(base, first) as sides:
        links = {side.place.country: await links_of(side) for side in sides.values()}
        urls = {country: side.settings.public_url for country, side in sides.items()}
        await asyncio.to_thread(the_story_by_hand, urls, links)
        told = await play(sides)
        page = await said(sides, told)

        tunis, lampedusa, munich = (sides[place.country] for place in PLACES)
        for request_id, there in ((told.asked_tunis, tunis), (told.asked_munich, munich), (told.placement, munich)):
            for side in (lampedusa, there):
                sealed = await side.database.read(lambda tx, request_id=request_id: store.get_request(tx, request_id))
                assert sealed is not None
                assert sealed.request.status is Status.ANSWERED
        assert told.refused_with_uncle
        held = await lampedusa.database.read(lambda tx: claimants.standing_holds(tx, told.case_id))
        assert [hold.id for hold in held] == [told.hold]
        assert await tunis.database.read(lambda tx: told_holds.standing_on(tx, told.asked_tunis))
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

        with pytest.raises(CannotDo, match=f"port {first} is taken"):
            async with started(load_settings({"WAYMARK_DATA_DIR": str(tmp_path / "second")}), first):
                pass
        assert not (tmp_path / "second").exists()
        elsewhere = replace(lampedusa, settings=settings_of(base, lampedusa.place, first + 3))
        await meet(tunis, elsewhere)  # a later start on other ports: their letters find the way
        found = await tunis.database.read(lambda tx: partners.get(tx, tunis.partners["IT"], tunis.vault))
        assert found is not None
        assert (found.endpoint, found.why_closed(SystemClock().now())) == (elsewhere.settings.public_url, None)
