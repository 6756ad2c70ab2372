"""Referring somebody: only with consent, only what was chosen, and never into silence."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from bot.cases import consent, service, telling
from bot.cases import store as case_store
from bot.cases.auditor import audit_alarms
from bot.cases.consent import Kind
from bot.cases.model import AdultNamed, CaseNotFound, MayBeFeared, NotAllowedNow, NotReadyToClose, NotWithThisAdult
from bot.cases.record import service as record
from bot.cases.record.closure import CHECKLIST
from bot.cases.referrals import service as referrals
from bot.cases.referrals import store as referral_store
from bot.cases.referrals.model import Act, State, Urgency
from bot.cases.referrals.service import LinkDead, NoConsent
from bot.exchange.gate import Situation
from bot.exchange.holds import service as holds
from bot.exchange.holds.model import Evidence, Favour, Mark, Source, Tie
from bot.exchange.requests import situations
from bot.exchange.requests.kept_from import KeptFrom
from bot.kernel.access import Role
from tests.conftest import NOON
from tests.integration.cases.test_consent import AGREED

HOUR = timedelta(hours=1)
ADULTS = KeptFrom("IT")


@pytest.fixture
async def held(world):
    """Amira holds a case with a record, and the child agreed that the shelter gets age and language."""
    amira = await world.officer("amira")
    case_id = (await world.escalate()).case_id
    hand = world.hand(amira)

    def prepare(tx):
        service.claim_case(tx, hand, case_id)
        values = {"name": ("Ali Hassan",), "age": ("15",), "languages": ("Arabic",), "location": ("behind the mosque",)}
        record.write_fields(tx, hand, case_id, values, seen={})
        agreed = replace(AGREED, items=("age", "languages", "location"), withheld=())
        return consent.record(tx, hand, case_id, agreed).id

    return amira, case_id, await world.database.write(prepare)


async def sent(
    world,
    held,
    *,
    items=("age", "languages"),
    at=NOON,
    urgency=Urgency.URGENT,
    consent_id=None,
    with_adult=None,
    ask="A bed tonight?",
):
    amira, case_id, agreed = held
    return await world.database.write(
        lambda tx: referrals.send(
            tx,
            world.hand(amira, at),
            case_id,
            consent_id or agreed,
            urgency=urgency,
            items=items,
            ask=ask,
            with_adult=with_adult,
            adults=ADULTS,
        )
    )


async def opened(world, made, *, code=None, at=NOON):
    return await world.database.write(
        lambda tx: referrals.open_by_link(tx, world.vault, made.token, code or made.code, at, adults=ADULTS)
    )


async def state_of(world, held, made):
    amira, case_id, _ = held
    found = await world.database.read(lambda tx: referrals.referrals_of(tx, world.hand(amira), case_id))
    return next(each.referral for each in found if each.referral.id == made.referral.id)


async def test_the_receiver_sees_what_was_chosen_and_nothing_else(world, held):
    shown = await opened(world, await sent(world, held))

    assert dict(shown.values) == {"age": ("15",), "languages": ("Arabic",)}
    assert shown.ask == "A bed tonight?"
    assert "Hassan" not in repr(shown)
    assert "mosque" not in repr(shown)


@pytest.mark.parametrize(
    ("recipient", "stops"),
    [
        ({"country": "TN", "recipient": "agency:1", "named": "A children's home in Tunis"}, True),
        ({"recipient": "agency:1", "named": "Tunisian Consulate, Palermo"}, True),
        ({"recipient": "agency:1", "named": "القنصلية التونسية"}, True),
        ({"recipient": "agency:1", "named": "Consultorio familiare"}, False),
        ({"recipient": "agency:1", "named": "A home, in Tunis", "country": None}, True),  # nobody said where it is
        ({"recipient": "service:none", "country": None}, False),
    ],
)
async def test_a_referral_across_a_border_or_to_a_mission_asks_the_gate_when_it_is_sent_and_again_when_it_is_opened(
    world, held, recipient, stops
):
    amira, case_id, _ = held

    async def fears(situation):
        await world.database.write(
            lambda tx: situations.record_situation(tx, world.hand(amira), case_id, situation)
        )  # fmt: skip

    agreed = replace(AGREED, items=("age",), withheld=(), **recipient)
    consent_id = (await world.database.write(lambda tx: consent.record(tx, world.hand(amira), case_id, agreed))).id
    for situation in (None, Situation(frozenset({"TN"}), False), Situation(frozenset(), True, frozenset({"TN"}))):
        if situation is not None:
            await fears(situation)
        if stops:
            with pytest.raises(MayBeFeared):
                await sent(world, held, items=("age",), consent_id=consent_id)
    if recipient.get("country") == "TN":  # nobody is feared now: it goes, and is shut by what the child says later
        await fears(Situation(frozenset(), False))
        made = await sent(world, held, items=("age",), consent_id=consent_id)
        await fears(Situation(frozenset({"TN"}), False))
        with pytest.raises(LinkDead):
            await opened(world, made)
    elif not stops:
        assert await opened(world, await sent(world, held, items=("age",), consent_id=consent_id)) is not None


async def test_nothing_is_sent_without_a_consent_that_covers_it(world, held):
    amira, case_id, agreed = held
    with pytest.raises(NotAllowedNow):  # the name was not agreed to
        await sent(world, held, items=("age", "name"))
    with pytest.raises(NoConsent):
        await sent(world, held, consent_id="missing")
    with pytest.raises(NoConsent):
        await sent(world, held, at=NOON + timedelta(days=181))
    await world.database.write(lambda tx: consent.withdraw(tx, world.hand(amira), case_id, agreed, holders=()))
    with pytest.raises(NoConsent):
        await sent(world, held)

    assert await world.database.read(lambda tx: referrals.referrals_of(tx, world.hand(amira), case_id)) == []
    assert await world.database.read(lambda tx: consent.shares_of(tx, case_id)) == []


async def test_two_officers_may_refer_without_consent_and_one_may_not(world, held):
    amira, case_id, _ = held
    ines = await world.officer("ines", Role.COORDINATOR)
    wanted = replace(
        AGREED, kind=Kind.OVERRIDE, reason="trafficking", why="They leave tonight.", items=("age",), withheld=()
    )
    row = await world.database.write(lambda tx: consent.record(tx, world.hand(amira), case_id, wanted))
    with pytest.raises(NoConsent):
        await sent(world, held, items=("age",), consent_id=row.id)

    untold = telling.Said(row.id, why_not="danger")
    await world.database.write(lambda tx: telling.record(tx, world.hand(amira), case_id, untold, once=""))
    await world.database.write(lambda tx: consent.second(tx, world.hand(ines), case_id, row.id))

    assert (await sent(world, held, items=("age",), consent_id=row.id)).referral.consent_id == row.id


async def test_a_link_opens_once_and_only_with_its_code(world, held):
    made = await sent(world, held)
    wrong = "000000" if made.code != "000000" else "111111"

    assert await opened(world, made, code=wrong) is None
    assert await opened(world, made) is not None
    with pytest.raises(LinkDead):
        await opened(world, made)
    stored = await world.database.read(lambda tx: repr(tx.execute(sa.select(referral_store.referrals)).all()))
    assert made.token not in stored
    assert made.code not in stored


async def test_of_two_who_open_it_at_once_one_sees_it(world, held):
    made = await sent(world, held)

    async def attempt():
        try:
            return await opened(world, made) is not None
        except LinkDead:
            return False

    assert sorted(await asyncio.gather(attempt(), attempt(), attempt())) == [False, False, True]


async def test_guessing_the_code_kills_the_link(world, held):
    made = await sent(world, held)
    for guess in range(5):
        assert await opened(world, made, code=f"x{guess}") is None

    with pytest.raises(LinkDead):
        await opened(world, made)
    assert not await world.database.read(lambda tx: referrals.is_open(tx, world.vault, made.token, NOON, adults=ADULTS))


@pytest.mark.parametrize("why", ["too late", "consent withdrawn", "referral withdrawn", "erased"])
async def test_a_link_is_dead_when_the_reason_for_it_is_gone(world, held, why):
    amira, case_id, agreed = held
    made, at = await sent(world, held), NOON
    if why == "too late":
        at = made.referral.answer_by
    elif why == "consent withdrawn":
        await world.database.write(lambda tx: consent.withdraw(tx, world.hand(amira), case_id, agreed, holders=()))
    elif why == "referral withdrawn":
        await world.database.write(
            lambda tx: referrals.move(tx, world.hand(amira), case_id, made.referral.id, Act.WITHDRAW, adults=ADULTS)
        )
    else:
        case = await world.database.read(lambda tx: service.watch_file(tx, world.vault, amira, case_id, at=NOON).case)
        await world.database.write(lambda tx: service.erase_words(tx, world.vault, case.conversation_id, at=NOON))

    with pytest.raises(LinkDead):
        await opened(world, made, at=at)


async def test_the_receiver_answers_once(world, held):
    made = await sent(world, held)
    shown = await opened(world, made)

    def reply(act, reason=""):
        return world.database.write(
            lambda tx: referrals.reply_by_link(
                tx, world.vault, shown.reply, act, reason=reason, at=NOON + HOUR, adults=ADULTS
            )
        )

    with pytest.raises(LinkDead):  # a refusal needs a reason
        await reply(Act.DECLINE)
    assert (await reply(Act.DECLINE, "full")).state is State.DECLINED
    for act in (Act.ACCEPT, Act.WITHDRAW, Act.ATTEND):
        with pytest.raises(LinkDead):
            await reply(act)
    assert (await state_of(world, held, made)).needs_second_choice


async def test_the_loop_is_closed_by_what_the_child_says(world, held):
    amira, case_id, _ = held
    made = await sent(world, held)
    hand = world.hand(amira)

    def walk(tx):
        for act in (Act.ACCEPT, Act.ATTEND):
            referrals.move(tx, hand, case_id, made.referral.id, act, adults=ADULTS)
        referrals.move(tx, hand, case_id, made.referral.id, Act.CONCLUDE, adults=ADULTS, outcome="helped")
        referrals.record_feedback(tx, hand, case_id, made.referral.id, "good", said="They were kind.")

    await world.database.write(walk)

    [listed] = await world.database.read(lambda tx: referrals.referrals_of(tx, hand, case_id))
    assert (listed.referral.state, listed.referral.feedback, listed.said) == (
        State.CONCLUDED,
        "good",
        "They were kind.",
    )
    with pytest.raises(NotAllowedNow):
        await world.database.write(
            lambda tx: referrals.record_feedback(tx, hand, case_id, made.referral.id, "bad", said="")
        )


async def test_silence_is_noticed_at_half_of_the_window_once(world, held):
    amira, case_id, _ = held
    made = await sent(world, held, urgency=Urgency.EMERGENCY)
    ines, omar = await world.officer("ines", Role.COORDINATOR), await world.officer("omar")

    for hours in (11, 12, 13):
        at = NOON + hours * HOUR
        await world.database.write(lambda tx, at=at: audit_alarms(tx, world.vault, world.words, at=at))

    events = await world.database.read(lambda tx: service.store.events_of(tx, case_id))
    assert [event.act for event in events].count("referral_silent") == 1
    for officer, sees in ((amira, [made.referral.id]), (ines, [made.referral.id]), (omar, [])):
        found = await world.database.read(lambda tx, who=officer: referrals.silent_ones(tx, world.hand(who)))
        assert [referral.id for referral, _ in found] == sees


async def test_a_case_is_not_closed_while_a_referral_is_under_way(world, held):
    amira, case_id, _ = held
    await sent(world, held)

    with pytest.raises(NotReadyToClose) as refused:
        await world.database.write(
            lambda tx: service.close_case(
                tx, world.hand(amira), case_id, closing="referred", checked=frozenset(CHECKLIST)
            )
        )

    assert refused.value.obstacles == ("A referral is still under way.",)


async def test_a_foreign_referral_is_not_found(world, held):
    _, case_id, _ = held
    made = await sent(world, held)
    omar = await world.officer("omar")
    other = (await world.escalate()).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(omar), other))

    with pytest.raises(CaseNotFound):
        await world.database.write(
            lambda tx: referrals.move(tx, world.hand(omar), case_id, made.referral.id, Act.ACCEPT, adults=ADULTS)
        )
    with pytest.raises(NotAllowedNow):
        await world.database.write(
            lambda tx: referrals.move(tx, world.hand(omar), other, made.referral.id, Act.ACCEPT, adults=ADULTS)
        )


# Together with an adult


async def an_adult(world, held, *, supported: bool) -> str:
    """Somebody who says that he is the uncle; two sources, the child and an officer may say so too."""
    amira, case_id, _ = held
    hand = world.hand(amira)

    def look(tx):
        adult = holds.open_dossier(tx, hand, case_id, name="Kaboul", claimed="uncle_aunt", once="")
        if supported:
            holds.mark(tx, hand, adult, {"heard_apart": Mark.GREEN, "child_wish": Mark.GREEN})
            for source in (Source.DOCUMENT, Source.AUTHORITY):
                holds.add_evidence(tx, hand, adult, Evidence(source, Favour.SUPPORTS), text="seen", once="")
            holds.decide(tx, hand, adult, Tie.SUPPORTED, reason="two sources, and she wants it")
        return adult

    return await world.database.write(look)


async def test_a_child_is_not_referred_together_with_an_adult_whose_tie_nobody_supports(world, held):
    adult = await an_adult(world, held, supported=False)

    for somebody in (adult, "nobody-looked-at-him"):
        with pytest.raises(NotWithThisAdult):
            await sent(world, held, with_adult=somebody)

    assert (await sent(world, held)).referral.adult_id is None  # alone, the child goes
    with pytest.raises(AdultNamed):  # and not with him by being written down
        await sent(world, held, ask="She comes with كابول.")


async def test_a_hold_blocks_a_joint_referral_and_shuts_the_one_that_was_sent(world, held):
    amira, _, _ = held
    adult = await an_adult(world, held, supported=True)
    made, answered = await sent(world, held, with_adult=adult), await sent(world, held, with_adult=adult)
    shown = await opened(world, answered)
    red = {"papers": Mark.RED, "no_debt": Mark.RED}
    await world.database.write(lambda tx: holds.mark(tx, world.hand(amira), adult, red))

    with pytest.raises(NotWithThisAdult):
        await sent(world, held, with_adult=adult)
    with pytest.raises(LinkDead):
        await opened(world, made)
    assert not await world.database.read(lambda tx: referrals.is_open(tx, world.vault, made.token, NOON, adults=ADULTS))
    with pytest.raises(LinkDead):  # and nobody says yes to the two of them
        await world.database.write(
            lambda tx: referrals.reply_by_link(
                tx, world.vault, shown.reply, Act.ACCEPT, reason="", at=NOON, adults=ADULTS
            )
        )


async def test_a_hold_that_comes_later_shuts_a_referral_whose_text_names_the_adult(world, held):
    amira, case_id, _ = held
    ask = "A bed for her; Kaboul brings her at nine."
    made, read = await sent(world, held, ask=ask), await sent(world, held, ask=ask)
    other = await sent(world, held, ask="A bed for her; our own staff bring her.")
    shown = await opened(world, read)
    adult = await an_adult(world, held, supported=True)
    joint = await sent(world, held, with_adult=adult, ask="A room for two.")
    assert await world.database.read(lambda tx: referrals.is_open(tx, world.vault, made.token, NOON, adults=ADULTS))

    red = {"papers": Mark.RED, "no_debt": Mark.RED}
    await world.database.write(lambda tx: holds.mark(tx, world.hand(amira), adult, red))

    with pytest.raises(LinkDead):
        await opened(world, made)
    with pytest.raises(LinkDead):
        await world.database.write(
            lambda tx: referrals.reply_by_link(
                tx, world.vault, shown.reply, Act.ACCEPT, reason="", at=NOON, adults=ADULTS
            )
        )
    with pytest.raises(NotWithThisAdult):  # nor is a yes by phone noted: somebody else has to be asked of them
        await world.database.write(
            lambda tx: referrals.move(tx, world.hand(amira), case_id, joint.referral.id, Act.ACCEPT, adults=ADULTS)
        )
    assert await opened(world, other) is not None

    def warned(tx):
        hand = world.hand(amira)
        listed = referrals.referrals_of(tx, hand, case_id)
        case = case_store.get_case(tx, case_id).case
        return referrals.naming_an_adult(tx, world.vault, case, listed, adults=ADULTS)

    assert await world.database.read(warned) == {made.referral.id, read.referral.id}


async def test_an_adult_of_another_case_is_not_looked_at_in_this_one(world, held):
    amira, _, _ = held
    other = (await world.escalate()).case_id
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), other))
    adult = await an_adult(world, (amira, other, ""), supported=True)

    with pytest.raises(NotWithThisAdult):
        await sent(world, held, with_adult=adult)
