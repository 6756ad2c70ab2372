"""A case is handed over as a Primero file on a consent, and one that came is a case to be looked at."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from bot.cases import consent, service, store
from bot.cases.consent import Purpose
from bot.cases.intake import AlreadyOpen
from bot.cases.model import CaseNotFound, CaseStatus, MayBeFeared, NotAllowedNow
from bot.cases.primero import service as primero
from bot.cases.primero.model import CannotRead, load_map
from bot.cases.primero.service import NoConsent
from bot.cases.record import service as record
from bot.exchange.requests.kept_from import KeptFrom
from bot.kernel.access import Role
from tests.integration.cases.test_consent import AGREED

FIELDS = load_map()
SAID = {
    "name": ("Ali Hassan",),
    "age": ("15",),
    "sex": ("male",),
    "religion": ("hidden-faith",),
    "documents": ("passport 77",),
    "location": ("the blue house behind the station",),
    "safe_contact": ("after dark",),
}
ITEMS = ("age", "documents", "location", "name", "religion", "safe_contact")
HANDED = replace(
    AGREED, purpose=Purpose.TRANSFER, recipient="agency:sos", named="SOS Children", items=ITEMS, withheld=("sex",)
)
CAME = [
    {
        "id": "0e7c",
        "data": {
            "case_id_display": "CP-77",
            "name": "Mariam Diallo",
            "age": 14,
            "protection_concerns": ["migrant", "local_code"],
            "urgent_protection_concern": "true",
        },
    }
]


@pytest.fixture
async def amira(world):
    return await world.officer("amira")


@pytest.fixture
async def case_id(world, amira):
    """A case Amira holds, whose child agreed that an agency gets it."""
    case_id = (await world.escalate()).case_id

    def prepare(tx):
        service.claim_case(tx, world.hand(amira), case_id)
        record.write_fields(tx, world.hand(amira), case_id, SAID, seen={})
        consent.record(tx, world.hand(amira), case_id, HANDED)

    await world.database.write(prepare)
    return case_id


async def hand_over(world, officer, case_id, *, own_country="IT"):
    def work(tx):
        [row] = consent.of_case(tx, case_id)[:1]
        return primero.hand_over(
            tx,
            world.hand(officer),
            case_id,
            row.id,
            fields=FIELDS,
            own_country=own_country,
            adults=KeptFrom(own_country),
        )

    return await world.database.write(work)


async def bring(world, officer, records=CAME, **more):
    content = json.dumps(records).encode()
    return await world.database.write(
        lambda tx: primero.bring(
            tx, world.hand(officer), content, fields=FIELDS, another_person=more.get("another_person", False)
        )
    )


async def shares(world, case_id):
    return await world.database.read(lambda tx: consent.shares_of(tx, case_id))


async def test_the_file_holds_what_was_agreed_and_never_where_they_are(world, amira, case_id):
    made = await hand_over(world, amira, case_id)

    [sent] = json.loads(made.content)
    assert sent["data"]["name"] == "Ali Hassan"
    assert sent["data"]["documents_carried"] == "passport 77"
    assert "sex" not in sent["data"]  # they held it back
    text = made.content.decode()
    assert "blue house" not in text
    assert "after dark" not in text
    assert "hidden-faith" not in text  # no word for it in the map
    assert made.items == ("age", "documents", "name")
    assert made.left_out == ("location", "religion", "safe_contact")
    assert case_id not in text


async def test_the_share_stands_in_the_ledger_and_the_taking_back_waits_for_them(world, amira, case_id):
    await hand_over(world, amira, case_id)

    [share] = await shares(world, case_id)
    assert share.items == ("age", "documents", "name")
    row = (await world.database.read(lambda tx: consent.of_case(tx, case_id)))[0]
    await world.database.write(lambda tx: consent.withdraw(tx, world.hand(amira), case_id, row.id, holders=[]))
    [share] = await shares(world, case_id)
    assert share.waits_for_recipient
    with pytest.raises(NoConsent):
        await hand_over(world, amira, case_id)


@pytest.mark.parametrize(
    "changed",
    [
        {"purpose": Purpose.REFERRAL},
        {"kind": consent.Kind.ASSENT},
        {"country": "TN"},  # to another country nothing leaves but through the gate
        {"items": ("location", "safe_contact")},
    ],
)
async def test_without_such_a_consent_no_file_is_written(world, amira, case_id, changed):
    row = (await world.database.read(lambda tx: consent.of_case(tx, case_id)))[0]

    def agree_anew(tx):
        consent.withdraw(tx, world.hand(amira), case_id, row.id, holders=[])
        consent.record(tx, world.hand(amira), case_id, replace(HANDED, withheld=(), **changed))

    await world.database.write(agree_anew)

    with pytest.raises(NoConsent):
        await hand_over(world, amira, case_id)
    assert await shares(world, case_id) == []


async def test_a_field_that_is_not_theirs_to_read_is_not_in_their_file(world, amira, case_id):
    """A coordinator who takes the case over reads all of it; who only looks reads and sends nothing."""
    omar, ines = await world.officer("omar"), await world.officer("ines", Role.COORDINATOR)

    with pytest.raises(CaseNotFound):
        await hand_over(world, omar, case_id)
    with pytest.raises(NotAllowedNow):
        await hand_over(world, ines, case_id)


async def test_what_comes_is_a_case_in_the_queue_with_its_record_and_the_rest_in_a_note(world, amira):
    [case] = await bring(world, amira)

    assert (case.status, case.owner_id, case.reason, case.source) == (CaseStatus.NEW, None, "from_agency", "agency")
    assert case.priority.value == "P1"  # they call it urgent
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), case.id))
    shown = await world.database.write(lambda tx: record.open_record(tx, world.hand(amira), case.id))
    assert shown.facts["name"].values == ("Mariam Diallo",)
    assert shown.facts["concerns"].values == ("migrant",)
    file = await world.database.write(lambda tx: service.open_file(tx, world.hand(amira), case.id))
    assert "CP-77" in file.words
    assert "local_code" in file.notes[0].text


async def test_nothing_of_a_long_file_is_cut_off(world, amira):
    story = " ".join(f"word{number}" for number in range(4000))
    family = [{"relation": "brother", "relation_name": f"Brother {number}"} for number in range(300)]
    sent = {"name": "Mariam Diallo", "notes": story, "background": story, "family_details_section": family}

    [case] = await bring(world, amira, [{"data": sent}])

    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), case.id))
    shown = await world.database.write(lambda tx: record.open_record(tx, world.hand(amira), case.id))
    file = await world.database.write(lambda tx: service.open_file(tx, world.hand(amira), case.id))
    kept = [value for fact in shown.facts.values() for value in fact.values]
    whole = "".join([*kept, *(note.text for note in file.notes)]).replace("\n", "")
    assert whole.count("word3999") == 2
    assert "Brother 299" in whole


async def test_somebody_who_has_an_open_case_is_not_opened_twice_unless_it_is_another_person(world, amira):
    [first] = await bring(world, amira)

    with pytest.raises(AlreadyOpen, match=first.number):
        await bring(world, amira)

    [second] = await bring(world, amira, another_person=True)
    assert second.id != first.id


async def test_a_file_with_one_record_that_cannot_be_opened_opens_none(world, amira):
    other = [{"data": {"name": "Somebody Else"}}]
    await bring(world, amira)

    with pytest.raises(AlreadyOpen):
        await bring(world, amira, [*other, *CAME])
    with pytest.raises(CannotRead):
        await bring(world, amira, [*other, 7])

    found = await world.database.read(lambda tx: store.waiting(tx, limit=9))
    assert len(found) == 1


async def test_an_admin_who_answers_nobody_takes_nothing_in(world):
    ana = await world.officer("ana", Role.ADMIN)

    with pytest.raises(NotAllowedNow):
        await bring(world, ana)


async def test_the_steps_of_best_interests_travel_and_what_says_where_the_child_is_does_not(world, amira, case_id):
    said = {
        "bi_views": ("I want to stay near my sister",),
        "bi_heard": ("yes",),
        "bi_safety": ("the blue house is watched",),
        "bi_panel": ("Ana, Bruno; 3 May",),
        "bi_outcome": ("With her sister, in Lille",),
        "bi_advice": ("Placement together",),
        "bi_told": ("yes",),
    }
    agreed = replace(HANDED, items=tuple(sorted(said)), withheld=())

    def prepare(tx):
        record.write_fields(tx, world.hand(amira), case_id, said, seen={})
        consent.record(tx, world.hand(amira), case_id, agreed)

    await world.database.write(prepare)

    made = await hand_over(world, amira, case_id)

    [row] = json.loads(made.content)
    [conference] = row["data"]["conference_details_subform"]
    assert conference["conference_participants"] == "Ana, Bruno; 3 May"
    assert conference["conference_outcome_recommendations"] == "With her sister, in Lille"
    assert row["data"]["best_interest_proposed_support"] == "Placement together"
    assert conference["conference_current_situation"].splitlines() == [
        "Was the child met alone?: yes",
        "What the child says and wants, in their words: I want to stay near my sister",
    ]
    assert "blue house" not in made.content.decode()
    assert set(made.items) == set(said) - {"bi_safety"}
    assert made.left_out == ("bi_safety",)

    [came] = await bring(world, amira, json.loads(made.content), another_person=True)
    await world.database.write(lambda tx: service.claim_case(tx, world.hand(amira), came.id))
    shown = await world.database.write(lambda tx: record.open_record(tx, world.hand(amira), came.id))
    assert shown.facts["bi_outcome"].values == said["bi_outcome"]
    assert shown.facts["bi_panel"].values == said["bi_panel"]
    [note] = (await world.database.write(lambda tx: service.open_file(tx, world.hand(amira), came.id))).notes
    assert "I want to stay near my sister" in note.text


async def test_two_conferences_are_left_as_they_came(world, amira):
    two = [{"conference_participants": "Ana"}, {"conference_participants": "Bruno"}]

    [came] = await bring(world, amira, [{"data": {"name": "Mariam", "conference_details_subform": two}}])

    [note] = (await world.database.write(lambda tx: service.open_file(tx, world.hand(amira), came.id))).notes
    assert '"Bruno"' in note.text


async def test_no_file_is_written_for_a_mission_of_a_country_the_child_may_fear(world, amira, case_id):
    mission = replace(HANDED, recipient="agency:consulate", named="Consulado de Honduras", country="IT")
    await world.database.write(lambda tx: consent.record(tx, world.hand(amira), case_id, mission))

    with pytest.raises(MayBeFeared):
        await hand_over(world, amira, case_id)

    assert await shares(world, case_id) == []
