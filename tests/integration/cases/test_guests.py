"""An interpreter or a guardian in one talk: for a while, seeing that talk alone, and writing to the officer alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from bot.cases import answering, consent, handover, receipts, service, telling
from bot.cases import store as cases
from bot.cases.consent import IncompleteConsent, Purpose
from bot.cases.guests import service as guests
from bot.cases.guests.model import MOST_AT_ONCE, LinkDead, Role, Since
from bot.cases.guests.service import Invitation, Made, Page
from bot.cases.model import CaseNotFound, NotAllowedNow, NotWithThisAdult
from bot.cases.record import service as record
from bot.conversations import service as conversations
from bot.conversations import store as conversation_store
from bot.exchange.holds import namesakes, releasing
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import NotNow
from bot.exchange.requests.kept_from import KeptFrom
from bot.kernel import audit
from bot.kernel.access import Role as OfficerRole
from bot.kernel.clock import SetClock
from bot.kernel.officers import Officer
from bot.kernel.one_time import MOST_TRIES
from tests.integration.cases.world import World

ADULTS = KeptFrom()
ANA = Invitation("Ana Prado", Role.INTERPRETER, 2, Since.NOW, agreed=True, compared=True)


@dataclass
class Talk:
    """A case that Amira holds, and what is done in it."""

    world: World
    clock: SetClock
    amira: Officer
    person: str
    case_id: str

    async def says(self, text: str) -> None:
        """The officer writes to the person."""
        hand = self.world.hand(self.amira, self.clock.now())
        await self.world.database.write(lambda tx: answering.answer_person(tx, hand, self.case_id, text=text, once=""))

    async def invite(self, by: Officer | None = None, invitation: Invitation = ANA) -> Made:
        hand = self.world.hand(by or self.amira, self.clock.now())
        return await self.world.database.write(
            lambda tx: guests.invite(tx, hand, self.case_id, invitation, adults=ADULTS)
        )

    async def withdraw(self, made: Made) -> None:
        hand = self.world.hand(self.amira, self.clock.now())
        await self.world.database.write(lambda tx: guests.withdraw(tx, hand, self.case_id, made.guest_id))

    async def open(self, made: Made, code: str | None = None) -> Page | None:
        given = made.code if code is None else code
        return await self._behind(guests.open_link, made.token, given)

    async def opened(self, made: Made) -> Page:
        page = await self.open(made)
        assert page is not None
        return page

    async def look(self, page: Page) -> Page:
        return await self._behind(guests.look, page.reply)

    async def write(self, page: Page, text: str, about: int | None = None, once: str = "") -> Page:
        vault, at = self.world.vault, self.clock.now()
        return await self.world.database.write(
            lambda tx: guests.write(tx, vault, page.reply, text, about=about, once=once, at=at, adults=ADULTS)
        )

    async def is_open(self, made: Made) -> bool:
        vault, at = self.world.vault, self.clock.now()
        return await self.world.database.read(lambda tx: guests.is_open(tx, vault, made.token, at, adults=ADULTS))

    async def claims(self, name: str) -> str:
        """An adult of this name says that the child is theirs."""
        hand = self.world.hand(self.amira, self.clock.now())
        made = await self.world.database.write(
            lambda tx: holds.open_dossier(tx, hand, self.case_id, name=name, claimed="uncle_aunt", once="")
        )
        assert made is not None
        return made

    async def acts(self) -> list[tuple[str, str]]:
        log = audit.audit_log
        query = sa.select(log.c.actor, log.c.act).where(log.c.object == f"case:{self.case_id}").order_by(log.c.seq)
        return [(row.actor, row.act) for row in await self.world.database.read(lambda tx: tx.execute(query).all())]

    async def _behind(self, work: Any, *args: Any) -> Any:
        vault, at = self.world.vault, self.clock.now()
        return await self.world.database.write(lambda tx: work(tx, vault, *args, at, adults=ADULTS))


@pytest.fixture
async def talk(world: World, clock: SetClock) -> Talk:
    amira, person = await world.officer("amira"), await world.person()
    case_id = (await world.escalate(person)).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), case_id))
    found = Talk(world, clock, amira, person, case_id)
    await found.says("Are you safe?")
    return found


def texts(page: Page) -> list[str]:
    return [line.text for line in page.lines]


async def test_an_interpreter_reads_what_is_written_after_they_were_invited(talk: Talk):
    made = await talk.invite()
    await talk.says("An interpreter reads along.")

    assert texts(await talk.opened(made)) == ["An interpreter reads along."]


@pytest.mark.parametrize("since", [Since.RECENT, Since.BEGINNING])
async def test_what_was_before_is_shown_only_where_the_officer_chose_it(talk: Talk, since: Since):
    made = await talk.invite(invitation=replace(ANA, since=since))

    assert texts(await talk.opened(made)) == ["Are you safe?"]


async def test_a_guest_sees_no_note_no_code_no_name_and_no_number(talk: Talk):
    hand = talk.world.hand(talk.amira, talk.clock.now())

    def work(tx: sa.Connection) -> str:
        service.write_note(tx, hand, talk.case_id, text="her aunt is in Lyon", once="")
        receipts.give_again(tx, hand, talk.case_id)
        found = cases.get_case(tx, talk.case_id)
        assert found is not None
        return found.case.number

    number = await talk.world.database.write(work)
    page = await talk.opened(await talk.invite(invitation=replace(ANA, since=Since.BEGINNING)))

    assert texts(page) == ["Are you safe?"]
    shown = str([(line.author, line.text, line.at) for line in page.lines])
    for secret in ("Lyon", "amira", number, "Keep this number"):
        assert secret not in shown


async def test_what_a_guest_writes_reaches_the_officer_and_never_the_person(talk: Talk):
    page = await talk.opened(await talk.invite(invitation=replace(ANA, since=Since.BEGINNING)))
    before = await talk.world.database.read(lambda tx: conversations.transcript(tx, talk.world.vault, talk.person))

    await talk.write(page, "¿Estás a salvo?", about=page.lines[0].seq)
    await talk.write(page, "She sounds afraid.")

    def read(tx: sa.Connection) -> tuple[list[guests.GuestLine], list[conversations.Line]]:
        found = cases.get_case(tx, talk.case_id)
        assert found is not None
        lines = guests.lines_of(tx, talk.world.vault, found.case)
        return lines, conversations.transcript(tx, talk.world.vault, talk.person)

    said, after = await talk.world.database.read(read)
    assert [(line.name, line.role, line.about_seq, line.text) for line in said] == [
        ("Ana Prado", Role.INTERPRETER, page.lines[0].seq, "¿Estás a salvo?"),
        ("Ana Prado", Role.INTERPRETER, None, "She sounds afraid."),
    ]
    assert after == before


async def test_a_form_that_is_sent_twice_is_kept_once(talk: Talk):
    page = await talk.opened(await talk.invite())

    for _ in range(2):
        page = await talk.write(page, "She sounds afraid.", once="1")

    assert [line.text for line in page.own] == ["She sounds afraid."]


@pytest.mark.parametrize(("text", "about"), [("", None), ("x" * 4001, None), ("yes", 0), ("yes", 9999)])
async def test_what_cannot_be_kept_is_not_kept(talk: Talk, text: str, about: int | None):
    page = await talk.opened(await talk.invite())

    with pytest.raises(ValueError, match="not to be kept"):
        await talk.write(page, text, about=about)


async def test_neither_the_link_nor_the_code_opens_anything_alone_and_the_link_opens_once(talk: Talk):
    made, other = await talk.invite(), await talk.invite()
    wrong = "000000" if made.code != "000000" else "111111"

    assert await talk.is_open(made)
    assert await talk.open(made, wrong) is None
    with pytest.raises(LinkDead):
        await talk.open(replace(made, token="x" * 32))
    await talk.opened(made)

    assert not await talk.is_open(made)
    with pytest.raises(LinkDead):
        await talk.open(made)
    assert await talk.is_open(other)


@pytest.mark.on_both
async def test_five_wrong_codes_kill_a_link(talk: Talk):
    made = await talk.invite()
    wrong = "000000" if made.code != "000000" else "111111"
    for _ in range(MOST_TRIES):
        assert await talk.open(made, wrong) is None

    with pytest.raises(LinkDead):
        await talk.open(made)
    assert [act for _, act in await talk.acts()].count("guest.wrong_code") == MOST_TRIES


async def test_every_view_stands_in_the_record(talk: Talk):
    made = await talk.invite()
    page = await talk.opened(made)
    await talk.look(page)

    by_guest = [act for actor, act in await talk.acts() if actor == f"guest:{made.guest_id}"]
    assert by_guest == ["case.shared", "guest.view", "guest.view"]


async def ended_by_officer(talk: Talk, made: Made) -> None:
    await talk.withdraw(made)


async def time_is_over(talk: Talk, made: Made) -> None:
    talk.clock.advance(timedelta(hours=2))


async def closed(talk: Talk, made: Made) -> None:
    hand = talk.world.hand(talk.amira, talk.clock.now())
    await talk.world.database.write(lambda tx: service.close_case(tx, hand, talk.case_id, closing="helped"))


async def given_back(talk: Talk, made: Made) -> None:
    hand = talk.world.hand(talk.amira, talk.clock.now())
    await talk.world.database.write(lambda tx: service.release_case(tx, hand, talk.case_id))


async def phone_is_watched(talk: Talk, made: Made) -> None:
    await talk.world.database.write(
        lambda tx: conversation_store.begin_watch(tx, talk.person, shown_from=1, at=talk.clock.now())
    )


async def claims_the_child(talk: Talk, made: Made) -> None:
    await talk.claims("Ana Prado")


async def erased(talk: Talk, made: Made) -> None:
    await talk.world.database.write(
        lambda tx: service.erase_words(tx, talk.world.vault, talk.person, at=talk.clock.now())
    )


ENDINGS = [ended_by_officer, time_is_over, closed, given_back, phone_is_watched, claims_the_child, erased]


@pytest.mark.parametrize("ending", ENDINGS)
async def test_a_page_that_is_open_shows_nothing_any_more_once_something_speaks_against_it(talk: Talk, ending: Any):
    made, unopened = await talk.invite(), await talk.invite()
    page = await talk.opened(made)

    await ending(talk, made)

    with pytest.raises(LinkDead):
        await talk.look(page)
    with pytest.raises(LinkDead):
        await talk.write(page, "let me")
    if ending is not ended_by_officer:
        with pytest.raises(LinkDead):
            await talk.open(unopened)


@pytest.mark.parametrize("name", ["Sami Trabelsi", "SAMI  trabelsi", "Trabelsi, Sami", "Sámi Trabelsi", "Sami"])
async def test_nobody_is_let_in_who_claims_the_child_and_is_not_supported(talk: Talk, name: str):
    await talk.claims("Sami Trabelsi")

    with pytest.raises(NotWithThisAdult):
        await talk.invite(invitation=replace(ANA, name=name, role=Role.GUARDIAN))


async def test_a_guardian_who_bears_the_name_is_let_in_when_two_bodies_say_that_it_is_somebody_else(talk: Talk):
    dossier = await talk.claims("Sami Trabelsi")
    guardian, at = replace(ANA, name="Sami Trabelsi", role=Role.GUARDIAN), talk.clock.now()
    noa, ines, omar = [
        await talk.world.officer(name, role)
        for name, role in (
            ("noa", OfficerRole.ADMIN),
            ("ines", OfficerRole.COORDINATOR),
            ("omar", OfficerRole.COORDINATOR),
        )
    ]

    async def do(who: Any, work: Any, *args: Any, **named: Any) -> Any:
        return await talk.world.database.write(lambda tx: work(tx, talk.world.hand(who, at), *args, **named))

    why = "Appointed by the court of Bari, order 12/26; I saw his card."
    with pytest.raises(NotNow):
        await do(talk.amira, namesakes.say_another, dossier, name="Ana Rossi", reason=why, once="")
    with pytest.raises(NotNow):
        await do(talk.amira, namesakes.say_another, dossier, name="Sami Trabelsi", reason=" ", once="")
    other = await do(talk.amira, namesakes.say_another, dossier, name="Sami Trabelsi", reason=why, once="")
    await do(noa, releasing.set_body, omar.id, "Save the Children")

    for who in (talk.amira, ines):  # not the same person, nor another of the same body
        with pytest.raises(NotNow):
            await do(who, namesakes.agree_another, dossier, other)
    with pytest.raises(NotWithThisAdult):
        await talk.invite(invitation=guardian)
    await do(omar, namesakes.agree_another, dossier, other)

    page = await talk.opened(await talk.invite(invitation=guardian))
    for name in ("Sami", "سامي الطرابلسي"):  # written otherwise it is not what the two have looked at
        with pytest.raises(NotWithThisAdult):
            await talk.invite(invitation=replace(guardian, name=name))
    assert await talk.look(page)
    await do(ines, namesakes.take_back_another, dossier, other)
    with pytest.raises(LinkDead):
        await talk.look(page)
    log = audit.audit_log
    query = sa.select(log.c.act).where(log.c.object == f"dossier:{dossier}").order_by(log.c.seq)
    acts = await talk.world.database.read(lambda tx: tx.execute(query).scalars().all())
    assert acts == ["dossier.open", "namesake.say", "namesake.agree", "namesake.undo"]


@pytest.mark.parametrize(
    "spoiled",
    [
        replace(ANA, agreed=False), replace(ANA, name=" "), replace(ANA, name="x" * 121), replace(ANA, hours=3),
    ],
)  # fmt: skip
async def test_an_invitation_that_lacks_something_lets_nobody_in(talk: Talk, spoiled: Invitation):
    with pytest.raises(NotAllowedNow):
        await talk.invite(invitation=spoiled)


async def test_where_an_adult_is_in_doubt_the_officer_has_to_have_compared(talk: Talk):
    await talk.claims("Sami Trabelsi")

    with pytest.raises(NotAllowedNow):
        await talk.invite(invitation=replace(ANA, compared=False))
    with pytest.raises(NotWithThisAdult):
        await talk.invite(invitation=replace(ANA, name="سامي الطرابلسي"))
    assert await talk.invite()


async def test_a_talk_is_not_filled_with_guests(talk: Talk):
    for _ in range(MOST_AT_ONCE):
        await talk.invite()

    with pytest.raises(NotAllowedNow):
        await talk.invite()


async def test_only_who_holds_the_case_lets_anybody_in(talk: Talk):
    omar = await talk.world.officer("omar")
    with pytest.raises(CaseNotFound):
        await talk.invite(by=omar)

    hand = talk.world.hand(talk.amira, talk.clock.now())
    await talk.world.database.write(
        lambda tx: handover.offer(tx, hand, talk.case_id, to=omar.id, note="You speak Arabic.")
    )
    with pytest.raises(NotAllowedNow):
        await talk.invite(by=omar)


async def test_an_invitation_of_another_case_cannot_be_ended_from_here(talk: Talk):
    made = await talk.invite()
    other = (await talk.world.escalate()).case_id
    hand = talk.world.hand(talk.amira, talk.clock.now())
    await talk.world.database.write(lambda tx: service.claim_case(tx, hand, other))

    with pytest.raises(NotAllowedNow):
        await talk.world.database.write(lambda tx: guests.withdraw(tx, hand, other, made.guest_id))
    assert await talk.is_open(made)


# On what they read


async def ledger(talk: Talk):
    hand = talk.world.hand(talk.amira, talk.clock.now())
    return await talk.world.database.read(lambda tx: consent.ledger(tx, hand, talk.case_id))


async def test_whoever_is_let_in_stands_in_the_ledger_with_the_words_the_person_was_asked(talk: Talk):
    made = await talk.invite()

    [row] = await ledger(talk)
    agreed = row.agreement
    assert (agreed.purpose, agreed.recipient, agreed.items) == (Purpose.TALK, f"guest:{made.guest_id}", ("talk",))
    assert (agreed.giver, agreed.capacity, agreed.language) == ("child", "understands", "ar")
    assert "Ana Prado" in agreed.text
    assert "Ana Prado" in agreed.named
    assert row.expires_at == talk.clock.now() + timedelta(hours=2)
    shares = await talk.world.database.read(lambda tx: consent.shares_of(tx, talk.case_id))
    assert shares == [], "nothing has left before the link is opened"

    await talk.open(made)

    [share] = await talk.world.database.read(lambda tx: consent.shares_of(tx, talk.case_id))
    assert (share.consent_id, share.what, share.items) == (row.id, f"guest:{made.guest_id}", ("talk",))


async def test_whom_a_guardian_lets_in_reads_nothing_before_somebody_says_whether_the_child_was_told(talk: Talk):
    made = await talk.invite(invitation=replace(ANA, role=Role.GUARDIAN, giver="guardian"))
    hand = talk.world.hand(talk.amira, talk.clock.now())

    assert not await talk.is_open(made)
    with pytest.raises(LinkDead):
        await talk.open(made)
    [invited] = await talk.world.database.read(lambda tx: guests.invited(tx, hand, talk.case_id))
    assert invited.untold
    assert await talk.world.database.read(lambda tx: consent.shares_of(tx, talk.case_id)) == []

    [row] = await ledger(talk)
    said = telling.Said(row.id, told_ago=timedelta(0), words="Your guardian reads what we write.")
    await talk.world.database.write(lambda tx: telling.record(tx, hand, talk.case_id, said, once=""))

    assert await talk.is_open(made)
    assert texts(await talk.opened(made)) == []
    [invited] = await talk.world.database.read(lambda tx: guests.invited(tx, hand, talk.case_id))
    assert not invited.untold


async def test_who_cannot_decide_lets_nobody_in(talk: Talk):
    with pytest.raises(IncompleteConsent):
        await talk.invite(invitation=replace(ANA, capacity="cannot"))

    assert await ledger(talk) == []


async def test_a_consent_that_is_taken_back_ends_the_reading_at_once(talk: Talk):
    made = await talk.invite()
    page = await talk.open(made)
    [row] = await ledger(talk)
    hand = talk.world.hand(talk.amira, talk.clock.now())

    await talk.world.database.write(
        lambda tx: consent.withdraw(tx, hand, talk.case_id, row.id, holders=[guests.GuestsLeave()])
    )

    with pytest.raises(LinkDead):
        await talk.look(page)
    [invited] = await talk.world.database.read(lambda tx: guests.invited(tx, hand, talk.case_id))
    assert invited.guest.ended_at is not None
    [share] = await talk.world.database.read(lambda tx: consent.shares_of(tx, talk.case_id))
    assert share.waits_for_recipient


async def test_a_guest_who_reads_is_among_those_who_have_seen_the_case(talk: Talk):
    made = await talk.invite()
    page = await talk.open(made)
    await talk.look(page)
    hand = talk.world.hand(talk.amira, talk.clock.now())

    readers = await talk.world.database.read(lambda tx: record.seen_by(tx, hand, talk.case_id))
    names = await talk.world.database.read(lambda tx: guests.names(tx, hand, talk.case_id))

    seen = {names.get(reader.officer_id): reader.times for reader in readers}
    assert seen["Ana Prado"] == 2
