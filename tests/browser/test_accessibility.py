"""No screen shuts anybody out: every screen of the program, looked at once by all that looks at screens. Axe-core, how
faint its words are, whether it fits and is written from the right side, and what its console says; in two languages,
both themes, a wide window and a narrow one.

The screens come out of the route table, so that a new one cannot be forgotten: it fails until it is written down here,
as a screen with an address or as something that is no screen.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import axe_playwright_python
import pytest
from msgspec.structs import replace
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, expect
from sqlalchemy.engine import Connection

import bot.desk
from bot.cases import consent, consult, handover, panel, receipts, store, waiting
from bot.cases import service as cases
from bot.cases.guests import service as guests
from bot.cases.guests.model import Role as GuestRole
from bot.cases.guests.model import Since
from bot.cases.guests.service import Invitation
from bot.cases.model import Case
from bot.cases.record import closure
from bot.cases.record import service as record
from bot.cases.record.risk import Risk
from bot.cases.referrals import service as referrals
from bot.cases.referrals.model import Act, Urgency
from bot.cases.wall import service as walls
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.conversations.safe_contact import SafeContact
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Mark
from bot.exchange.outside import service as outside
from bot.exchange.partners import store as partners
from bot.exchange.requests.kept_from import KeptFrom
from bot.exchange.requests.passing import store as passings
from bot.exchange.requests.passing.model import Holder
from bot.kernel import officers
from bot.kernel.access import Role
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer
from bot.kernel.pages import TEMPLATES
from dialogues.understanding.model import Priority
from directory import provider
from directory import store as services
from directory.duplicates import look_for_duplicates
from tests.browser.contrast import faint
from tests.browser.fitting import misfits
from tests.browser.test_exchange_desk import a_story
from tests.browser.test_outside_partner import ask_a_partner, at_desk, link_and_code
from tests.browser.test_records import choose, fill_in
from tests.browser.test_services_desk import a_change_in_review, a_twin, files_sent
from tests.browser.whole_server import WholeServer
from tests.chromium import DESKTOP, PHONE, console_of, picture
from tests.integration.cases.test_consent import AGREED
from tests.integration.exchange.two_countries import put_partner

pytestmark = pytest.mark.browser

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
FILES = Path(__file__).parents[1] / "files" / "attachments"
PHOTO, VOICE = (FILES / "photo.jpg").read_bytes(), (FILES / "voice.ogg").read_bytes()
#: Attributes whose words people hear or read: a mark for a name, <bdi>, is spelt out in them.
READ_ALOUD = ("aria-label", "title", "placeholder", "alt", "data-label")
#: WCAG 2.2 to level AA, and what axe advises beyond it.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

#: What a GET answers that nobody looks at as a page.
NO_SCREENS = {
    "/": "leads to the chat",
    "/chat/file/{seq}": "a picture or a file",
    "/chat/leave": "leads away",
    "/chat/stream": "a stream",
    "/wall/live": "a stream",
    "/desk": "leads to the queue",
    "/desk/find": "leads to a case, or to the queue",
    "/desk/live": "a stream",
    "/desk/cases/{id}/live": "a stream",
    "/desk/requests/{id}/live": "a stream",
    "/desk/services/duplicates/live": "a stream",
    "/desk/services/import/{id}/live": "a stream",
    "/desk/here": "for the desk's script",
    "/desk/worker.js": "a script",
    "/desk/cases/{id}/carried/file": "a download",
    "/desk/cases/{id}/files/{file}/copy": "a picture or a sound",
    "/desk/requests/{id}/file": "a download",
    "/desk/requests/{id}/files/{file}": "a download",
    "/static/{room}/{hash}/{name:.+}": "files of pages",
    "/healthz": "for machines",
    "/readyz": "for machines",
    "/metrics": "for machines",
    "/exchange/key": "for machines",
    "/terminal/lines": "for the terminal",
}

PASSWORD = "a heron over the river"
#: The desk's streams never say anything. (To refuse them as requests takes the browser its cache, for every page.)
NO_STREAM = r"""(() => {
    const Real = window.EventSource;
    window.EventSource = function (url) {
        if (!/\/live(\?|$)/.test(url)) return new Real(url);
        return Object.assign(new EventTarget(), { readyState: 0, close() {} });
    };
    window.EventSource.CLOSED = Real.CLOSED;
})()"""

#: Tables to compare in, which are pushed sideways on a phone, by keyboard too: nowhere else is one.
PUSHED_SIDEWAYS = {
    "/desk/cases/{id}/exchange",
    "/desk/cases/{id}/seen-by",
    "/desk/cases/{id}/carried/document",
    "/desk/exchange",
    "/desk/exchange/countries",
    "/desk/exchange/countries/{code}",
    "/desk/services/coverage",
    "/desk/services/duplicates",
    "/desk/services/import",
    "/desk/services/{id}/with/{other}",
    "a machine's translation",
}
#: In that of whoever reads the paper, and in that of the person who writes.
OTHERS_LANGUAGE = {"/desk/cases/{id}/carried/print", "a machine's translation"}
#: As somebody writes it, and as somebody leans on a key.
LONG_PLACE = "behind the railway station of Ventimiglia, next to track four " + "a" * 150

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")
#: Walks to what is behind a button of a page, in the language of the page.
Walk = Callable[[Page, str], object]


def in_doubt(tx: Connection, server: WholeServer) -> str:
    """A partner of whose key another one says that it is revoked."""
    theirs, says_so = (put_partner(tx, server.vault, country=country) for country in ("TN", "ML"))
    found = partners.get(tx, theirs, server.vault)
    assert found is not None
    partners.add_doubt(tx, partners.Doubt(found.keys[0].kid, says_so, theirs, server.clock.now()))
    return theirs


def passed_on(tx: Connection, request_id: str, server: WholeServer) -> None:
    """Two have it from the partner, one under the other."""
    first, second, at = new_id(), new_id(), server.clock.now()
    passings.add(tx, Holder(request_id, first, country="LY", items=("names", "data:family"), at=at))
    passings.add(tx, Holder(request_id, second, parent=first, at=at, forgotten_at=at))


class World(NamedTuple):
    """Where every screen has something to show."""

    server: WholeServer
    officer: Officer
    #: By the path of the route, the addresses to look at.
    addresses: Mapping[str, Sequence[str]]
    #: What no address leads to, by what it shows.
    behind: Mapping[str, Walk]
    #: Takes the officer's cases again: a look at every screen takes longer than they may keep somebody waiting.
    holds: Callable[[], None]


@pytest.fixture(scope="module")
def world(chromium: Browser) -> Iterator[World]:
    with WholeServer() as server:
        yield a_world(server, chromium)


def a_world(server: WholeServer, chromium: Browser) -> World:
    """An officer with every role, cases in each state, and what belongs to them."""
    ines, omar = (
        server.run(server.officer("Inès Haddad-Okonkwo", *Role)),
        server.run(server.officer("Omar", Role.OFFICER)),
    )
    person, returning = server.run(server.person(language="ar")), server.run(server.person())
    server.run(server.writes(person, "الرجل يقول إنه عمي " * 12, language="ar"))
    server.run(server.replies(person, "هل أنت بأمان الآن؟", language="ar", buttons=("نعم", "لا")))
    held = server.run(server.danger(person, "الرجل يقول إنه عمي", language="ar", place=LONG_PLACE, ago=4000))
    server.run(server.danger(server.run(server.person()), "he has a knife", ago=900))
    watched, foreign, closed = (server.run(server.danger(server.run(server.person()), "help me")) for _ in range(3))
    came_back = server.run(server.danger(returning, "it is me again", priority=Priority.P2))
    hand, his = server.hand(ines), server.hand(omar)

    def work_on_them(tx: Connection) -> tuple[str, referrals.Sent]:
        for case_id in (held, watched, closed):
            cases.claim_case(tx, hand, case_id)
        cases.claim_case(tx, his, foreign)
        handover.offer(tx, his, foreign, to=ines.id, note="She only writes at night.")
        consult.ask(tx, his, foreign, of=ines.id, note="Does she read fourteen to you?")
        consult.ask(tx, hand, held, of=omar.id, note="هل نتصل بأختها؟")
        panel.name_member(tx, his, foreign, ines.id)
        panel.write_view(tx, hand, foreign, "Stay with the aunt: she knows her.")
        panel.name_member(tx, hand, held, omar.id)
        cases.close_case(tx, hand, closed, closing="helped", checked=closure.CHECKLIST)
        cases.write_note(tx, hand, held, text="Her aunt called.", once="1")
        minute = hand.at.hour * 60
        said = SafeContact((minute + 180) % 1440, (minute + 300) % 1440, "+0", "هاتف أختي فقط")
        conversations.keep_safe_contact(tx, server.vault, person, said)
        waiting.answer_when_safe(tx, hand, held, text="Are you well?", once="2")
        receipts.note_return(tx, server.vault, case_of(tx, held), came_back, returning, at=hand.at)
        conversation_store.begin_watch(tx, case_of(tx, watched).conversation_id, shown_from=1, at=hand.at)
        record.write_fields(tx, hand, watched, {"age": ("15",), "name": ("Ali",)}, seen={})
        record.assess(tx, hand, watched, Risk.HIGH, why="He was moved at night.")
        adult = holds.open_dossier(tx, hand, held, name="Sami Trabelsi", claimed="uncle_aunt", once="")
        holds.mark(tx, hand, str(adult), {"papers": Mark.RED, "heard_apart": Mark.GREEN})
        handed = replace(AGREED, purpose=consent.Purpose.TRANSFER, recipient="agency:sos", named="SOS Children")
        consent.record(tx, hand, held, handed)
        consent.record(tx, hand, watched, replace(AGREED, items=("age", "location"), withheld=()))
        return str(adult), refer(tx)

    def refer(tx: Connection) -> referrals.Sent:
        agreed = consent.of_case(tx, watched)[-1]
        return referrals.send(
            tx, hand, watched, agreed.id, urgency=Urgency.URGENT, items=["age"], ask="A bed?", with_adult=None,
            adults=KeptFrom(),
        )  # fmt: skip

    def invite(tx: Connection) -> guests.Made:
        ana = Invitation("Ana Prado", GuestRole.INTERPRETER, 24, Since.BEGINNING, agreed=True, compared=True)
        return guests.invite(tx, server.hand(ines), held, ana, adults=KeptFrom())

    def refer_to_safe_house(tx: Connection) -> str:
        """The child is taken in, and Inès may open the address."""
        [house] = [each.id for each in services.get_services(tx, services.list_ids(tx)) if each.confidential]
        officers.set_password(tx, ines.id, officers.hash_password(PASSWORD))
        agreed = consent.record(tx, hand, watched, replace(AGREED, recipient=f"service:{house}", items=("age",)))
        sent = referrals.send(
            tx, hand, watched, agreed.id, urgency=Urgency.EMERGENCY, items=["age"], ask="A bed?", with_adult=None,
            adults=KeptFrom(),
        )  # fmt: skip
        referrals.move(tx, hand, watched, sent.referral.id, Act.ACCEPT, adults=KeptFrom())
        return house

    _, wall = server.run(server.database.write(lambda tx: walls.make_link(tx, server.hand(ines))))
    adult, referral = server.run(server.database.write(work_on_them))
    house = server.run(server.database.write(refer_to_safe_house))
    guest = server.run(server.database.write(invite))
    pictured, unclean = (server.run(server.sends_file(person, content)) for content in (PHOTO, b"<svg/>"))
    server.run(server.sends_file(person, VOICE))
    kitchen, draft = a_change_in_review(server)
    [clinic] = server.run(server.database.read(lambda tx: services.list_ids(tx, words="Willow clinic, Irun")))
    server.run(server.database.write(lambda tx: a_twin(tx, kitchen, at=server.clock.now())))
    server.run(look_for_duplicates(server.database, at=server.clock.now()))
    provided = server.run(
        server.database.write(lambda tx: provider.make_link(tx, clinic, by=ines.id, at=server.clock.now()))
    )
    asked = ask_a_partner(server, "en")
    partner_id = server.run(server.database.write(lambda tx: in_doubt(tx, server)))
    server.run(server.database.write(lambda tx: passed_on(tx, asked.request_id, server)))
    link_and_code(at_desk(asked, chromium), asked)
    story = a_story(server, ines)
    page = at_desk_of(server, ines, chromium.new_context(viewport=DESKTOP)).new_page()
    carried = server.url(f"/desk/cases/{held}/carried")
    fill_in(page, carried)
    choose(page, carried)
    copy = page.url.split("copy=")[1].split("&")[0]
    with page.expect_download() as given:
        page.get_by_role("link", name="Signed file").click()
    page.goto(carried)
    page.get_by_label("A file").set_input_files(given.value.path())
    page.get_by_role("button", name="Read it").click()
    brought = page.url.split("document=")[1].split("&")[0]
    page.context.close()

    def hold_again(tx: Connection) -> None:
        for case_id in (held, watched, story["case"]):
            if case_of(tx, case_id).owner_id is None:
                cases.claim_case(tx, server.hand(ines), case_id)
            fresh = store.cases.update().where(store.cases.c.id == case_id)  # it is not taken from her as we look
            tx.execute(fresh.values(claimed_at=server.clock.now()))

    def give_code(page: Page, address: str, code: str) -> None:
        page.goto(address)
        page.locator("input[name=code]").fill(code)
        page.locator("main form:has(input[name=code]) button").click()

    def opens_request(page: Page, language: str) -> None:
        """A link opens once, so each look has a fresh one."""
        at = server.hand(asked.officer)
        made = server.run(server.database.write(lambda tx: outside.make_link(tx, at, asked.request_id, mails=False)))
        give_code(page, server.url(f"/request?lang={language}#{made.token}"), made.code)

    def opens_referral(page: Page, language: str) -> None:
        sent = server.run(server.database.write(refer))
        give_code(page, server.url(f"/referral?token={sent.token}&lang={language}"), sent.code)

    def opens_address(page: Page, language: str) -> None:
        page.goto(server.url(f"/desk/cases/{watched}/refer?lang={language}"))
        form = page.locator("details:has(form[action$='/refer/address'])")
        form.locator("summary").click()
        form.locator("input[value=bring_a_child]").check()
        form.locator("textarea").fill("The taxi is at the door.")
        form.locator("input[name=proof]").fill(PASSWORD)
        form.locator("button").click()
        expect(page.locator(".asked[translate=no]")).to_be_visible()

    def joins_talk(page: Page, language: str) -> None:
        made = server.run(server.database.write(invite))
        give_code(page, server.url(f"/guest?token={made.token}&lang={language}"), made.code)
        server.run(server.database.write(lambda tx: guests.withdraw(tx, server.hand(ines), held, made.guest_id)))

    def presses(path: str, button: str) -> Walk:
        def walk(page: Page, language: str) -> None:
            page.goto(server.url(f"{path}?lang={language}"))
            page.locator(button).first.click()

        return walk

    def translates(page: Page, language: str) -> None:
        """Into another language than the person writes."""
        page.goto(server.url(f"{case}?lang={'fr' if language == 'ar' else language}"))
        page.locator("form[action$='/translate'] button").click()

    def accepts(page: Page, language: str) -> None:
        opens_request(page, language)
        if language == "en":  # it is taken on once
            page.locator("form[action='/request/accept'] button").click()

    def answers_nothing(page: Page, language: str) -> None:
        opens_request(page, language)
        page.locator("form[action='/request/answer'] button").click()

    def talks(page: Page, language: str) -> None:
        page.goto(server.url("/chat"))
        page.locator("#text").fill({"en": "a place to sleep in Ventimiglia", "ar": "أين أنام"}[language])
        page.locator("#write button").click()
        expect(page.get_by_role("log").locator(".choices").first).to_be_visible()

    def cannot_sign_in(page: Page, language: str) -> None:
        page.goto(server.url(f"/desk/sign-in?lang={language}"))
        for field in page.locator("input:not([type=hidden])").all():
            field.fill("123456")
        page.locator("main form button").first.click()

    case, number = f"/desk/cases/{held}", server.run(server.database.read(lambda tx: case_of(tx, held).number))
    uncle, came = (f"/desk/cases/{story[each]}" for each in ("case", "came_case"))
    return World(
        server,
        ines,
        {
            "/chat": ["/chat"],
            "/desk/queue": ["/desk/queue"],
            "/desk/mine": ["/desk/mine"],
            "/desk/due": ["/desk/due"],
            "/desk/cases/{id}": [f"/desk/cases/{each}" for each in (held, watched, foreign, closed, came_back)],
            "/desk/cases/{id}/file": [
                f"{case}/file",
                f"/desk/cases/{watched}/file",
                f"{uncle}/file?partner=x&named=CICR&country=CH&items=data%3Afamily",
            ],
            "/desk/cases/{id}/file/history": [f"{case}/file/history"],
            "/desk/cases/{id}/same-child": [f"{case}/same-child"],
            "/desk/cases/{id}/print": [f"{case}/print"],
            "/desk/cases/{id}/seen-by": [f"{case}/seen-by"],
            "/desk/cases/{id}/panel": [f"/desk/cases/{foreign}/panel"],
            "/desk/cases/{id}/exchange": [f"{each}/exchange" for each in (case, uncle, came)],
            "/desk/cases/{id}/requests/new": [f"{uncle}/requests/new", f"{case}/requests/new?type=case_transfer"],
            "/desk/cases/{id}/review": [f"/desk/cases/{foreign}/review"],
            "/desk/cases/{id}/refer": [f"/desk/cases/{watched}/refer?q=bed", f"{case}/refer"],
            "/desk/cases/{id}/reply": [f"{case}/reply?say=call"],
            "/desk/cases/{id}/guests": [f"{case}/guests"],
            "/desk/cases/{id}/carried": [f"{case}/carried"],
            "/desk/cases/{id}/carried/sheet": [f"{case}/carried/sheet?kind={kind}" for kind in ("health", "school")],
            "/desk/cases/{id}/carried/choose": [f"{case}/carried/choose?kind=health"],
            "/desk/cases/{id}/carried/copy": [f"{case}/carried/copy?copy={copy}"],
            "/desk/cases/{id}/carried/print": [f"{case}/carried/print?copy={copy}"],
            "/desk/cases/{id}/carried/document": [f"{case}/carried/document?document={brought}"],
            "/desk/cases/{id}/files/{file}": [f"{case}/files/{each}" for each in (pictured, unclean)],
            "/desk/requests/{id}": [
                f"/desk/requests/{each}"
                for each in (asked.request_id, story["request"], story["asking"], story["came"])
            ],
            "/desk/adults/{id}": [f"/desk/adults/{adult}"],
            "/desk/exchange": ["/desk/exchange"],
            "/desk/exchange/countries": ["/desk/exchange/countries"],
            "/desk/exchange/countries/{code}": ["/desk/exchange/countries/TN", "/desk/exchange/countries/DE"],
            "/desk/exchange/partners": ["/desk/exchange/partners"],
            "/desk/exchange/partners/new": ["/desk/exchange/partners/new"],
            "/desk/exchange/partners/{id}": [f"/desk/exchange/partners/{partner_id}"],
            "/desk/exchange/partners/{id}/change": [f"/desk/exchange/partners/{partner_id}/change"],
            "/desk/arrivals": ["/desk/arrivals"],
            "/desk/supervision": ["/desk/supervision"],
            "/desk/glass": ["/desk/glass"],
            "/desk/walls": ["/desk/walls"],
            "/wall": [f"/wall?token={wall}", "/wall?token=dead"],
            "/desk/rota": ["/desk/rota"],
            "/desk/absent/{officer}": [f"/desk/absent/{omar.id}"],
            "/desk/services": ["/desk/services", "/desk/services?show=in_review"],
            "/desk/organizations": ["/desk/organizations"],
            "/desk/organizations/new": ["/desk/organizations/new"],
            "/desk/organizations/{id}": [f"/desk/organizations/{kitchen.organization_id}"],
            "/desk/organizations/{id}/edit": [f"/desk/organizations/{kitchen.organization_id}/edit"],
            "/desk/organizations/{id}/new-service": [f"/desk/organizations/{kitchen.organization_id}/new-service"],
            "/desk/services/coverage": ["/desk/services/coverage"],
            "/desk/services/duplicates": ["/desk/services/duplicates"],
            "/desk/services/import": ["/desk/services/import"],
            "/desk/services/import/{id}": [f"/desk/services/import/{each}" for each in files_sent(server)],
            "/desk/services/{id}": [f"/desk/services/{each}" for each in (house, kitchen.id, draft.id)],
            "/desk/services/{id}/edit": [f"/desk/services/{clinic}/edit"],
            "/desk/services/{id}/with/{other}": [f"/desk/services/{kitchen.id}/with/{clinic}"],
            "/desk/texts": ["/desk/texts", "/desk/texts?q=uncle"],
            "/desk/texts/{key}/{name}": [
                "/desk/texts/missing_child/en",
                "/desk/texts/missing_child/en?view=versions",
                "/desk/texts/identify_uasc/ar?view=seen",
                "/desk/texts/missing_child/ar",
                "/desk/texts/overlays/FR",
                "/desk/texts/overlays/IT",
                "/desk/texts/boat_late/fr",
            ],
            "/desk/deliveries": ["/desk/deliveries"],
            "/desk/officers": ["/desk/officers"],
            "/desk/audit": [f"/desk/audit?case={number}"],
            "/desk/account": ["/desk/account"],
            "/desk/account/pages": ["/desk/account/pages"],
            "/desk/sign-in": ["/desk/sign-in"],
            "/desk/sign-in/link": [server.run(server.link(ines)).removeprefix(server.url("")), "/desk/sign-in/link"],
            "/referral": [f"/referral?token={referral.token}", "/referral?token=dead"],
            "/guest": [f"/guest?token={guest.token}", "/guest?token=dead"],
            "/request": ["/request"],
            "/provider": [f"/provider?token={provided}", "/provider?token=dead"],
        },
        {
            "a talk in the web chat": talks,
            "a request behind its code": opens_request,
            "a request that was taken on": accepts,
            "an answer that lacks something": answers_nothing,
            "a referral behind its code": opens_referral,
            "the address of a safe place": opens_address,
            "a talk for an interpreter": joins_talk,
            "a wrong name": cannot_sign_in,
            "a machine's translation": translates,
            "a link for a provider": presses(f"/desk/services/{clinic}", f"form[action$='{clinic}/link'] button"),
            "nothing there": lambda page, language: page.goto(server.url(f"/desk/nothing?lang={language}")),
        },
        lambda: server.run(server.database.write(hold_again)),
    )


def case_of(tx: Connection, case_id: str) -> Case:
    found = store.get_case(tx, case_id)
    assert found is not None
    return found.case


def at_desk_of(server: WholeServer, officer: Officer, context: BrowserContext) -> BrowserContext:
    """Sign in, and close the page again: the session stays."""
    page = context.new_page()
    page.goto(server.run(server.link(officer)))
    page.locator("main button").first.click()
    page.wait_for_url("**/desk/queue*")
    page.close()
    return context


LOOKED_AT_BY_AXE = """async ([tags, attributes]) => {
    const said = await axe.run(document, {
        runOnly: tags, rules: {"color-contrast": {enabled: false}}, resultTypes: ["violations"], preload: false
    });
    const spelt_out = document.querySelectorAll(attributes.map((name) => `[${name}*="<"]`));
    return said.violations.flatMap(({id, help, nodes}) => nodes.slice(0, 3).map(
        ({html, failureSummary}) => `${id} (${help}): ${html.slice(0, 160)} ${(failureSummary ?? "").slice(0, 300)}`
    )).concat([...spelt_out].map((each) => `markup is read aloud: ${each.outerHTML.slice(0, 160)}`));
}"""


def violations(page: Page) -> list[str]:
    """What axe finds at a page: the rule, what to do, and where."""
    return [str(each) for each in page.evaluate(LOOKED_AT_BY_AXE, [RULES, READ_ALOUD])]


def test_every_screen_of_the_program_is_looked_at(world: World):
    paths = {route.path for route in world.server.routes if route.method == "GET"}
    paths = {path for path in paths if not path.startswith("/hsds")}  # an interface for programs

    assert paths == set(world.addresses) | set(NO_SCREENS)


def looked_at(page: Page, shows: str, language: str, *, by_axe: bool) -> list[str]:
    """A page as it came and with everything unfolded, in both themes, in a wide window and a narrow one. It stays in
    that of the two in which it was not before, so that the next page is seen in both too."""
    page.wait_for_load_state()  # a page without its style sheet has other sizes
    fits = partial(misfits, page, "" if shows in OTHERS_LANGUAGE else language, sideways=shows in PUSHED_SIDEWAYS)
    found = fits()
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    found += violations(page) if by_axe else []
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        found += [f"too faint in the {theme} theme: {one}" for one in faint(page)]
    picture(page, "-".join([*re.findall(r"\w+", shows), language, page.url[-6:]]))
    page.set_viewport_size(PHONE if page.viewport_size == DESKTOP else DESKTOP)
    return found + fits()


@pytest.mark.parametrize(("language", "viewport"), [("en", DESKTOP), ("ar", PHONE)])
def test_nothing_shuts_anybody_out(world: World, chromium: Browser, language: str, viewport: ViewportSize):
    """Everything fits, too, and keeps to the policy: a page that does not speaks in the console."""
    context = chromium.new_context(viewport=viewport, locale=language, reduced_motion="reduce")
    context.add_init_script(AXE)
    context.add_init_script(NO_STREAM)  # nothing changes while we look, and no stream outlives its page
    page = at_desk_of(world.server, world.officer, context).new_page()
    said, found = console_of(page), list[str]()

    for path, addresses in world.addresses.items():
        world.holds()
        for number, address in enumerate(addresses):
            page.goto(world.server.url(f"{address}{'&' if '?' in address else '?'}lang={language}"))
            by_axe = language == "en" or number == 0  # the others differ in what they hold
            found += [f"{address}: {one}" for one in looked_at(page, path, language, by_axe=by_axe)]
    for shows, walk in world.behind.items():
        world.holds()
        walk(page, language)
        found += [f"{shows}: {one}" for one in looked_at(page, shows, language, by_axe=True)]

    context.close()
    assert not found, "\n".join(found)
    assert [line for line in said if not re.search("status of 4", line)] == []


@pytest.mark.parametrize(("language", "direction"), [("fr", "ltr"), ("ar", "rtl")])
def test_the_board_on_the_wall_is_read_from_four_metres(world: World, chromium: Browser, language: str, direction: str):
    """A fortieth of 88 cm is 22 mm: at four metres 19 minutes of arc, and small letters half of it."""
    screen: ViewportSize = {"width": 1920, "height": 1080}
    page = chromium.new_context(viewport=screen, color_scheme="light").new_page()
    page.goto(world.server.url(f"{world.addresses['/wall'][0]}&lang={language}"))

    least, overflows, dark = page.evaluate(
        """() => {
            const words = document.createTreeWalker(document.querySelector("main"), NodeFilter.SHOW_TEXT);
            const sizes = [];
            while (words.nextNode()) {
                const style = getComputedStyle(words.currentNode.parentElement);
                if (words.currentNode.data.trim()) sizes.push(parseFloat(style.fontSize));
            }
            const [red, green, blue] = getComputedStyle(document.body).backgroundColor.match(/[0-9.]+/g).map(Number);
            const whole = document.documentElement;
            const over = whole.scrollWidth > whole.clientWidth || whole.scrollHeight > whole.clientHeight;
            return [Math.min(...sizes), over, red + green + blue < 150];
        }"""
    )
    assert least >= screen["width"] / 40
    assert (overflows, dark) == (False, True)
    expect(page.locator("html")).to_have_attribute("dir", direction)
    page.context.close()


def test_every_template_of_a_page_was_shown(world: World):
    """Beside the routes: a page that only a form answers with has no address of its own."""
    shown = {name for _, name in world.server.app[TEMPLATES].cache}  # type: ignore[union-attr]
    pages = {f"desk/{file.name}" for file in bot.desk.TEMPLATES.glob("*.html")}

    assert pages - shown == set()
