"""`./waymark demo exchange`: three helplines on one machine, and the story of a girl with a false uncle between them.

Each is a process of its own with a database of its own; the letters really go over HTTP. Everybody is invented, every
page says that it is a demonstration, and every act of the story is a use case that an officer has at the desk.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from msgspec import Struct, field
from msgspec.structs import replace
from sqlalchemy.engine import Connection

from bot import demonstration
from bot.cases import consent
from bot.cases.consent import Agreement, Kind, Purpose
from bot.cases.hand import Hand
from bot.cases.service import CaseEscalations, claim_case
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.conversations.model import Author, Wording
from bot.conversations.ports import Escalation
from bot.exchange.gate import Situation
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Evidence, Favour, Mark, MayNotMove, Source, Tie
from bot.exchange.partners import keys
from bot.exchange.partners import service as partner_service
from bot.exchange.partners import store as partners
from bot.exchange.partners.model import Agreement as PartnerAgreement
from bot.exchange.partners.model import Contact, Partner, PartnerKind
from bot.exchange.requests import answering, drafting, hold_notices, looking, sending, service, situations, store
from bot.exchange.requests.answering import Answer
from bot.exchange.requests.drafting import Draft
from bot.exchange.requests.model import Ground, Status
from bot.exchange.requests.types import REQUEST_TYPES
from bot.foreground import CannotDo
from bot.kernel.access import Role
from bot.kernel.clock import SystemClock
from bot.kernel.crypto import Vault
from bot.kernel.database import Database
from bot.kernel.ids import new_id
from bot.kernel.officers import Officer, add_officer, get_officer, link_path, list_officers, make_link
from bot.kernel.settings import Settings, load_settings
from bot.kernel.words import Words
from bot.offices import own_identity
from bot.upkeep.installation import installation
from dialogues.understanding.model import Priority

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[1]

COORDINATOR, SECOND_ADMIN = "demo-coordinator", "demo-admin-2"
COORDINATES, READS = "coordinator", "officer"
#: How long a letter may take on a slow machine, and a server to start.
PATIENCE = timedelta(seconds=90)
UNCLE, AUNT = "Kamel D. (invented)", "Salma D. (invented)"
FIRST_MESSAGE = "He says he is my uncle. I do not know him. He has my papers. I am 14."


class Place(Struct, frozen=True):
    """One helpline of the story."""

    country: str
    name: str
    language: str


PLACES = (
    Place("TN", "Tunis helpline (demonstration)", "fr"),
    Place("IT", "Lampedusa helpline (demonstration)", "en"),
    Place("DE", "Munich helpline (demonstration)", "en"),
)


class Side(Struct):
    """A helpline with its people, its database, and its server once that runs."""

    place: Place
    settings: Settings
    database: Database
    vault: Vault
    words: Words
    officer: Officer
    coordinator: Officer
    partners: dict[str, str] = field(default_factory=dict)  # country to partner

    async def do(self, work: Callable[..., T], *args: Any, by: str = READS, **named: Any) -> T:
        """One act of one of the two people here."""
        officer = self.coordinator if by == COORDINATES else self.officer
        hand = Hand(officer, self.vault, self.words, SystemClock().now())
        return await self.database.write(lambda tx: work(tx, hand, *args, **named))

    async def reached(self, request_id: str, *wanted: Status) -> None:
        """Wait until a request stands so here: a letter is on its way. Raises CannotDo."""
        until = SystemClock().now() + PATIENCE
        while SystemClock().now() < until:
            sealed = await self.database.read(lambda tx: store.get_request(tx, request_id))
            if sealed is not None and sealed.request.status in wanted:
                return
            await asyncio.sleep(0.2)
        raise CannotDo(f"the letters to {self.place.name} did not arrive; look at {self.settings.data_dir}/server.log")

    async def told(self, request_id: str) -> None:
        """Wait until the personal part is here."""
        until = SystemClock().now() + PATIENCE
        while SystemClock().now() < until:
            sealed = await self.database.read(lambda tx: store.get_request(tx, request_id))
            if sealed is not None and sealed.request.asked_on is not None:
                return
            await asyncio.sleep(0.2)
        raise CannotDo(f"the personal part did not reach {self.place.name}")


class Told(Struct):
    """The story as it was played: what a visitor can look at."""

    case_id: str
    uncle: str
    aunt: str
    hold: str
    asked_tunis: str
    asked_munich: str
    placement: str
    refused_with_uncle: bool


def settings_of(base: Settings, place: Place, port: int) -> Settings:
    """The settings of one helpline: a folder, a database file and a port of its own, and no outside channel."""
    given = {
        "WAYMARK_DATA_DIR": str(base.data_dir / "exchange-demo" / place.country),
        "WAYMARK_HOST": "127.0.0.1",
        "WAYMARK_PORT": str(port),
        "WAYMARK_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "WAYMARK_COUNTRY": place.country,
        "WAYMARK_EXCHANGE_NAME": place.name,
        "WAYMARK_UNDERSTANDING": base.understanding,
        "WAYMARK_LOG_LEVEL": "WARNING",
    }
    return load_settings(given)


async def show(base: Settings, first_port: int) -> None:
    """Start the three, play the story, say where to look, and serve until somebody stops it. Raises CannotDo."""
    stopping = asyncio.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sign, stopping.set)
    async with started(base, first_port) as sides:
        print("The three helplines serve. The story is played now; their letters go over HTTP.", flush=True)
        told = await play(sides)
        print(await said(sides, told), flush=True)
        await stopping.wait()


@asynccontextmanager
async def started(base: Settings, first_port: int) -> AsyncIterator[dict[str, Side]]:
    """The three helplines, by country, prepared, trusting one another, and each served by a process of its own. Raises
    CannotDo."""
    _require_free(range(first_port, first_port + len(PLACES)))
    async with AsyncExitStack() as stack:
        sides = {}
        for number, place in enumerate(PLACES):
            settings = settings_of(base, place, first_port + number)
            settings.data_dir.mkdir(parents=True, exist_ok=True)
            database, vault = await stack.enter_async_context(installation(settings))
            sides[place.country] = await _prepared(place, settings, database, vault)
        for one in sides.values():
            for other in sides.values():
                if one is not other:
                    await meet(one, other)
        for side in sides.values():
            await stack.enter_async_context(_served(side))
        yield sides


def _require_free(ports: Iterable[int]) -> None:
    """Before anything is written: what else listens there would be taken for one of the three."""
    for port in ports:
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            raise CannotDo(f"port {port} is taken. Name the first of three free ports with --port.") from None


async def _prepared(place: Place, settings: Settings, database: Database, vault: Vault) -> Side:
    """The people: an officer, a coordinator, and two admins, without whom no partner is trusted."""
    clock = SystemClock()
    if not await demonstration.prepare(database, vault, clock, settings):
        raise CannotDo(f"{settings.data_dir} holds something that is no demonstration; name another folder")

    def people(tx: Connection) -> tuple[Officer, Officer]:
        at, known = clock.now(), {each.sign_in_name: each for each in list_officers(tx)}
        for name, said_as, role in (
            (COORDINATOR, "Ines (demonstration)", Role.COORDINATOR),
            (SECOND_ADMIN, "Omar (demonstration)", Role.ADMIN),
        ):
            if name not in known:
                languages = (place.language,)
                known[name] = add_officer(
                    tx, vault, name=said_as, sign_in_name=name, roles=[role], languages=languages, at=at, demo=True
                )
        return known[demonstration.OFFICER], known[COORDINATOR]

    officer, coordinator = await database.write(people)
    return Side(place, settings, database, vault, Words.load(), officer, coordinator)


async def meet(here: Side, there: Side) -> None:
    """Trust the other one, as two admins do who have compared its key by phone. Once; a second start finds it, also
    where the other one is now behind another port."""
    at = SystemClock().now()
    own = await there.database.write(lambda tx: partner_service.current_own_key(tx, there.vault, at))
    card = keys.read_card(keys.write_card(own, own_identity(there.settings)))
    everything = frozenset(REQUEST_TYPES)
    agreement = PartnerAgreement(
        purposes=frozenset({sending.PURPOSE}),
        data_classes=frozenset({"identity", "family", "health", "education", "justice"}),
        retention_days=90,
        valid_from=at - timedelta(days=1),
        valid_to=at + timedelta(days=365),
        reference="invented for the demonstration",
    )
    partner = Partner(
        id=new_id(),
        name=there.place.name,
        country=there.place.country,
        kind=PartnerKind.DEPLOYMENT,
        reports_to=frozenset(),
        contacts=(Contact("Leila B. (invented)", "+000 000 000", "", (there.place.language,)),),
        agreement=agreement,
        may_send=everything,
        may_receive=everything,
        endpoint=there.settings.public_url,
    )

    def trust(tx: Connection) -> str:
        known = next((each for each in partners.everyone(tx, here.vault) if each.name == partner.name), None)
        if known is not None and known.endpoint == partner.endpoint:
            return known.id
        if known is not None:
            moved = replace(known, endpoint=partner.endpoint)
            added = partner_service.change_partner(tx, here.vault, moved, by=demonstration.ADMIN, at=at)
        else:
            added = partner_service.add_partner(tx, here.vault, partner, by=demonstration.ADMIN, at=at)
            partner_service.add_key(tx, here.vault, added.id, card, by=demonstration.ADMIN, at=at)
        for each in list_officers(tx):
            if Role.ADMIN in each.roles:
                heard = " ".join(card.fingerprint)
                partner_service.sign_key(tx, here.vault, added.id, heard=heard, officer_id=each.id, at=at)
        return added.id

    here.partners[there.place.country] = await here.database.write(trust)


@asynccontextmanager
async def _served(side: Side) -> AsyncIterator[None]:
    """The server of one helpline, from when it answers until the end. Raises CannotDo."""
    settings = side.settings
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WAYMARK_")}
    for name in ("data_dir", "host", "port", "public_url", "country", "exchange_name", "understanding", "log_level"):
        environment[f"WAYMARK_{name.upper()}"] = str(getattr(settings, name))
    with (settings.data_dir / "server.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "up", cwd=ROOT, env=environment, stdout=log, stderr=log
        )
    try:
        await _answers(settings, process)
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _answers(settings: Settings, process: asyncio.subprocess.Process) -> None:
    until = SystemClock().now() + PATIENCE
    async with aiohttp.ClientSession() as http:
        while SystemClock().now() < until and process.returncode is None:
            with suppress(aiohttp.ClientError, OSError):
                async with http.get(f"{settings.public_url}/healthz") as answer:
                    if answer.status == 200:
                        return
            await asyncio.sleep(0.2)
    raise CannotDo(f"the server on port {settings.port} did not start; see {settings.data_dir}/server.log")


# The story


async def play(sides: dict[str, Side]) -> Told:
    """From the first message to a safe placement."""
    tunis, lampedusa, munich = (sides[place.country] for place in PLACES)
    case_id = await lampedusa.database.write(lambda tx: _first_message(tx, lampedusa))
    await lampedusa.do(claim_case, case_id)
    await lampedusa.do(situations.record_situation, case_id, Situation(frozenset(), False))

    # Doubt: he holds her papers, and she repeats words that are not hers.
    uncle = await _adult(lampedusa, case_id, UNCLE)
    await lampedusa.do(holds.mark, uncle, {"papers": Mark.RED, "child_account": Mark.RED})
    hold = await lampedusa.do(holds.place_hold, uncle)

    # She agrees that Tunis is asked; an officer asks, another approves.
    await _agreed(lampedusa, case_id, tunis)
    asked_tunis = await _asked(lampedusa, case_id, _ask_tunis(lampedusa))
    await lampedusa.do(hold_notices.tell_hold, hold.id, [asked_tunis])
    await _answered(
        tunis,
        asked_tunis,
        {
            "identity": "Aucune personne de ce nom à cette adresse.",
            "tie": "Le père n'a pas de frère. Personne dans la famille ne connaît cet homme.",
            "permission": "La mère n'a donné aucune permission. Sa fille a une tante à Munich.",
            "adult_risk": "Un voisin dit qu'il est déjà parti avec une autre fille.",
        },
    )
    await lampedusa.reached(asked_tunis, Status.ANSWERED)

    # The answer contradicts him: she is not moved with him, whoever asks.
    found = Evidence(Source.AUTHORITY, Favour.CONTRADICTS)
    await lampedusa.do(holds.add_evidence, uncle, found, text="Tunis: the father has no brother.", once=new_id())
    await lampedusa.do(holds.decide, uncle, Tie.CONTRADICTED, reason="The family does not know him.")
    refused = await _is_refused(lampedusa, case_id, uncle)

    # Her aunt in Munich is looked at there, and says yes.
    await _agreed(lampedusa, case_id, munich)
    asked_munich = await _asked(lampedusa, case_id, _ask_munich(lampedusa))
    await _answered(
        munich,
        asked_munich,
        {
            "household": "The aunt, her husband and a daughter of 12; three rooms; both work.",
            "carer_able": "Yes. Seen at home twice, once unannounced. The girl will have a bed of her own.",
            "carer_risk": "Nothing known to child protection or police.",
        },
    )
    await lampedusa.reached(asked_munich, Status.ANSWERED)
    aunt = await _adult(lampedusa, case_id, AUNT)
    await lampedusa.do(holds.mark, aunt, {"heard_apart": Mark.GREEN, "child_wish": Mark.GREEN})
    for source, text in ((Source.AUTHORITY, "The home study of Munich."), (Source.PARENT, "The mother, by phone.")):
        evidence = Evidence(source, Favour.SUPPORTS)
        await lampedusa.do(holds.add_evidence, aunt, evidence, text=text, once=new_id())
    await lampedusa.do(holds.decide, aunt, Tie.SUPPORTED, reason="Two sources, and she wants to go there.")

    # A safe placement: first Munich consents, then she travels.
    placement = await _asked(lampedusa, case_id, _place(lampedusa, aunt))
    await _answered(
        munich,
        placement,
        {"state_consent": "Yes.", "conditions_of_stay": "A residence permit; the youth office visits after two weeks."},
    )
    await lampedusa.reached(placement, Status.ANSWERED)
    return Told(case_id, uncle, aunt, hold.id, asked_tunis, asked_munich, placement, refused)


def _first_message(tx: Connection, side: Side) -> str:
    """What she writes in the web chat, and the case it becomes."""
    at = SystemClock().now()
    conversation_id = conversations.open_conversation(
        tx, side.vault, channel="webchat", account="web", address=new_id(), language="en", at=at, demo=True
    )
    line = conversation_store.spoken(Wording(FIRST_MESSAGE), author=Author.PERSON, language="en")
    conversation_store.add_lines(tx, side.vault, conversation_id, [line], at=at)
    escalation = Escalation(
        conversation_id=conversation_id,
        reason="non_parent_adult",
        priority=Priority.P1,
        words=FIRST_MESSAGE,
        language="en",
        country="IT",
        place="Lampedusa",
        source="words",
        reporter=False,
        key=f"demonstration:{conversation_id}",
    )
    return CaseEscalations(side.vault).escalate(tx, escalation, at=at).case_id


async def _adult(side: Side, case_id: str, name: str) -> str:
    adult = await side.do(holds.open_dossier, case_id, name=name, claimed="uncle_aunt", once=new_id())
    assert adult is not None
    return adult


async def _agreed(side: Side, case_id: str, partner: Side) -> None:
    agreement = Agreement(
        kind=Kind.CONSENT,
        purpose=Purpose.CROSS_BORDER,
        recipient=f"partner:{side.partners[partner.place.country]}",
        named=partner.place.name,
        giver="child",
        capacity="understands",
        language="en",
        way="spoken",
        text=f"May we ask {partner.place.name}? We would tell them your name and who your family is, nothing else.",
        items=("data:family", "data:identity"),
        age=14,
        country=partner.place.country,
    )
    await side.do(consent.record, case_id, agreement)


async def _asked(side: Side, case_id: str, draft: Draft) -> str:
    request_id = await side.do(drafting.draft, case_id, draft)
    await side.do(service.approve, request_id, by=COORDINATES)
    await side.do(service.send_request, request_id)
    return request_id


async def _answered(side: Side, request_id: str, answers: dict[str, str]) -> None:
    """There: a human sees it, takes it on, finds out, and a second one lets the answers go."""
    await side.reached(request_id, Status.DELIVERED, Status.SEEN)
    await side.do(looking.open_request, request_id)
    await side.do(answering.accept, request_id)
    await side.told(request_id)
    for key, text in answers.items():
        how = "seen" if key == "household" else "told"
        answer = Answer(key, text, how, "high", language=side.place.language)
        await side.do(answering.write_answer, request_id, answer, once=new_id())
    release = answering.release_answers
    await side.do(release, request_id, endangers=False, ground=Ground.NECESSARY, by=COORDINATES)


def _ask_tunis(side: Side) -> Draft:
    return Draft(
        type_key="verify_adult",
        partner_id=side.partners["TN"],
        asks=REQUEST_TYPES["verify_adult"].asks,
        fields={"birth_year": "2012", "adult_name": UNCLE, "claimed_tie": "uncle_aunt", "parents": "invented"},
        decision="To decide whether she may go with him we need to know by Friday who he is.",
        assent="agrees",
        language="en",
        limit="urgent",
        decision_translated="Pour décider si elle peut partir avec lui, nous devons savoir d'ici vendredi qui il est.",
        translated_into="fr",
    )


def _ask_munich(side: Side) -> Draft:
    return Draft(
        type_key="home_study",
        partner_id=side.partners["DE"],
        asks=REQUEST_TYPES["home_study"].asks,
        fields={"birth_year": "2012", "carer_name": AUNT, "carer_address": "invented", "carer_tie": "uncle_aunt"},
        decision="To decide whether she can live with her aunt.",
        assent="agrees",
        language="en",
    )


def _place(side: Side, adult: str | None) -> Draft:
    return Draft(
        type_key="placement_abroad",
        partner_id=side.partners["DE"],
        asks=REQUEST_TYPES["placement_abroad"].asks,
        fields={
            "birth_year": "2012",
            "report": "She is well, goes to school and asks for her aunt.",
            "reasons": "Family, a home that was seen, and her own wish.",
            "carer_name": AUNT,
            "bia": "yes",
        },
        decision="To let her travel to her aunt.",
        assent="agrees",
        language="en",
        adult_id=adult,
    )


async def _is_refused(side: Side, case_id: str, adult: str) -> bool:
    """Whether a placement with the man is refused, as it must be."""
    try:
        await side.do(drafting.draft, case_id, _place(side, adult))
    except MayNotMove:
        return True
    return False


# What a visitor reads


async def said(sides: dict[str, Side], told: Told) -> str:
    """The addresses, a link into each desk, and what to look at."""
    tunis, lampedusa, munich = (sides[place.country] for place in PLACES)
    lines = ["", "This is a demonstration: three helplines, invented people. Sign in, once each (in three browsers):"]
    for side in sides.values():
        lines.append(f"  {side.place.name:<38} officer      {await _link(side, side.officer.id)}")
        lines.append(f"  {'':<38} coordinator  {await _link(side, side.coordinator.id)}")
    here, there, beyond = (side.settings.public_url for side in (lampedusa, tunis, munich))
    lines += [
        "",
        "The story, as it was played just now. Look at, in this order:",
        f'  1. Her first message: "{FIRST_MESSAGE}"',
        f"       {here}/desk/cases/{told.case_id}",
        "  2. The man, two red marks, and the hold. It is on every screen of the case:",
        f"       {here}/desk/adults/{told.uncle}",
        "  3. What she agreed to, and what was given on the strength of it:",
        f"       {here}/desk/cases/{told.case_id}/file#consent",
        "  4. What Tunis was asked, and its answer: the father has no brother.",
        f"       {here}/desk/requests/{told.asked_tunis}",
        f"       {there}/desk/requests/{told.asked_tunis}   (the same, seen from Tunis, with the hold)",
        "  5. A placement with him was tried: " + ("refused." if told.refused_with_uncle else "NOT REFUSED, A FAULT."),
        "  6. Her aunt, looked at by Munich, and the placement to which Munich consents:",
        f"       {here}/desk/requests/{told.asked_munich}",
        f"       {beyond}/desk/requests/{told.placement}",
        "",
        'Now try: in the file, press "The person took it back" under Munich, and watch both desks.',
        f"Everything is in {lampedusa.settings.data_dir.parent}. Stop with Ctrl-C; delete the folder to begin anew.",
        "",
    ]
    return "\n".join(lines)


async def _link(side: Side, officer_id: str) -> str:
    def make(tx: Connection, at: datetime) -> str:
        assert get_officer(tx, officer_id) is not None
        return make_link(tx, officer_id, at)

    token = await side.database.write(lambda tx: make(tx, SystemClock().now()))
    return f"{side.settings.public_url}{link_path(token)}"
