"""The refugee gate: every child and every reader there can be, against a second, plainer telling of the rule."""

from __future__ import annotations

import copy
import pickle
import re
from itertools import combinations, product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.exchange import gate
from bot.exchange.gate import (
    Cleared,
    GateShut,
    Hand,
    Kind,
    NotCodes,
    Override,
    Recipient,
    Situation,
    Stop,
    Why,
    channels_that_remain,
    clear,
    clear_codes,
    stops,
)

ROOT = Path(__file__).resolve().parents[3]
LETTER = {"kind": "request_body", "about": "r1", "body": {"request": "r1", "fields": {"names": "Amina"}}}

countries = st.sampled_from(["ER", "TN", "IT", "DE", "SY", "MA"])
some_countries = st.frozensets(countries, max_size=3)
situations = st.builds(
    Situation,
    fears=st.none() | some_countries,
    asylum=st.none() | st.booleans(),
    origins=some_countries,
)
recipients = st.builds(
    Recipient,
    id=st.sampled_from(["p1", "p2", "p3", "p4"]),
    kind=st.sampled_from(Kind),
    country=countries,
    answers_to=st.none() | some_countries,
)


def may_go(child: Situation, reader: Recipient, *, made_for_asylum: bool) -> bool:
    """The rule once more, as a lawyer would say it."""
    if reader.answers_to is None:
        return False
    tells = set(reader.answers_to) | ({reader.country} if reader.kind is Kind.STATE else set())
    confidential = reader.kind in (Kind.UNHCR, Kind.RED_CROSS)
    asks_asylum = child.asylum is not False
    anybody_could_be_feared = child.fears is None or (asks_asylum and not child.origins)
    if anybody_could_be_feared:
        return confidential and not tells
    feared = set(child.fears or ()) | (set(child.origins) if asks_asylum else set())
    if tells & feared:
        return False
    return confidential or not asks_asylum or (child.asylum is True and made_for_asylum)


#: With three countries every relation is there that can be: feared, of origin, the reader's own, any two, all, none.
THREE = ("ER", "IT", "DE")
SETS = [frozenset(some) for size in range(4) for some in combinations(THREE, size)]
CHILDREN = [Situation(*known) for known in product([None, *SETS], [None, True, False], SETS)]
READERS = [Recipient("p1", *about) for about in product(Kind, THREE, [None, *SETS])]


@pytest.mark.parametrize("made_for_asylum", [False, True])
def test_of_every_child_and_every_reader_nothing_passes_that_the_rule_forbids(made_for_asylum):
    assert len(CHILDREN) * len(READERS) == 23_328
    for child, reader in product(CHILDREN, READERS):
        judge(child, [reader], made_for_asylum)


@settings(max_examples=1_000)
@given(situations, st.lists(recipients, max_size=3), st.booleans())
def test_with_several_readers_nothing_passes_that_the_rule_forbids_for_one(child, readers, made_for_asylum):
    judge(child, readers, made_for_asylum)


def judge(child: Situation, readers: list[Recipient], made_for_asylum: bool) -> None:
    allowed = bool(readers) and all(may_go(child, reader, made_for_asylum=made_for_asylum) for reader in readers)

    found = stops(child, readers, made_for_asylum=made_for_asylum)

    assert (not found) == allowed, (child, readers)
    if allowed:
        leave = clear(child, readers, made_for_asylum=made_for_asylum, **LETTER)
        assert leave.fits([reader.id for reader in readers], **LETTER)
    else:
        with pytest.raises(GateShut):
            clear(child, readers, made_for_asylum=made_for_asylum, **LETTER)


@settings(max_examples=500)
@given(situations, recipients, st.data())
def test_an_override_counts_only_from_two_people_of_two_roles_with_a_reason_for_what_stops_it_now(child, reader, data):
    found = stops(child, [reader])
    people = st.builds(Hand, st.sampled_from(["amira", "omar"]), st.sampled_from(["officer", "coordinator"]))
    covers = data.draw(st.frozensets(st.sampled_from([*found, Stop(Why.NO_RECIPIENT)]))) if found else frozenset()
    override = Override("o1", data.draw(people), data.draw(people), data.draw(st.booleans()), covers)
    counts = (
        override.first.officer_id != override.second.officer_id
        and override.first.role != override.second.role
        and override.reasoned
        and set(found) <= set(covers)
    )

    if found and not counts:
        with pytest.raises(GateShut):
            clear(child, [reader], override=override, **LETTER)
    else:
        leave = clear(child, [reader], override=override, **LETTER)
        assert leave.override_id == ("o1" if found else None)


@given(situations, recipients)
def test_one_more_reader_never_opens_the_gate(child, reader):
    other = Recipient("other", Kind.UNHCR, "CH", frozenset())

    assert set(stops(child, [reader])) <= set(stops(child, [reader, other]))


def test_before_anybody_asked_the_child_only_confidential_bodies_without_ties_may_hear():
    assert channels_that_remain(
        Situation(),
        [
            Recipient("unhcr", Kind.UNHCR, "CH", frozenset()),
            Recipient("icrc", Kind.RED_CROSS, "CH", frozenset()),
            Recipient("crescent", Kind.RED_CROSS, "ER", frozenset({"ER"})),
            Recipient("unknown", Kind.UNHCR, "CH", None),
            Recipient("police", Kind.STATE, "IT", frozenset()),
        ],
    ) == [Recipient("unhcr", Kind.UNHCR, "CH", frozenset()), Recipient("icrc", Kind.RED_CROSS, "CH", frozenset())]


def test_leave_to_send_one_letter_is_no_leave_for_another_word_or_another_reader():
    child, reader = Situation(frozenset(), False), Recipient("p1", Kind.ORGANISATION, "IT", frozenset())
    leave = clear(child, [reader], **LETTER)

    assert not leave.fits(["p2"], **LETTER)
    assert not leave.fits(["p1", "p2"], **LETTER)
    assert not leave.fits(["p1"], **{**LETTER, "body": {"request": "r1", "fields": {"names": "Amina B."}}})
    assert not leave.fits(["p1"], **{**LETTER, "about": "r2"})


def test_leave_to_send_cannot_be_made_kept_copied_or_changed_by_anybody_else():
    child, reader = Situation(frozenset(), False), Recipient("p1", Kind.ORGANISATION, "IT", frozenset())
    leave = clear(child, [reader], **LETTER)

    for forge in (
        lambda: Cleared("x", frozenset({"p1"}), "r1", None, made_by=object()),
        lambda: pickle.dumps(leave),
        lambda: copy.copy(leave),
        lambda: copy.deepcopy(leave),
        lambda: type("Mine", (Cleared,), {}),
    ):
        with pytest.raises(TypeError):
            forge()
    with pytest.raises(AttributeError):
        leave.recipients = frozenset({"p2"})
    assert not object.__new__(Cleared).fits(["p1"], **LETTER)


def test_letters_of_codes_hold_nothing_but_codes():
    reader = Recipient("p1", Kind.STATE, "ER", frozenset())

    assert clear_codes(reader, kind="request_withdrawn", about="r1", body={"request": "r1"})
    for kind, body in (
        ("request_body", {"request": "r1"}),
        ("request_refused", {"reason": "Amina is here"}),
        ("request_refused", {"reason": {"names": "Amina"}}),
        ("request_refused", {"reason": "أمينة"}),
        ("request_refused", {"reason": "x" * 65}),
    ):
        with pytest.raises(NotCodes):
            clear_codes(reader, kind=kind, about="r1", body=body)


def test_every_reason_to_stop_is_explained():
    assert set(gate.EXPLANATIONS) == set(Why)


def test_nobody_but_the_gate_makes_leave_and_nobody_but_sending_writes_letters():
    makers, writers = set(), set()
    for path in (ROOT / "bot").rglob("*.py"):
        text = path.read_text("utf-8")
        if re.search(r"_MADE_HERE|\bCleared\(", text):
            makers.add(path.relative_to(ROOT).as_posix())
        if re.search(r"\bpost\.put\(|post\.service import .*\bput\b", text):
            writers.add(path.relative_to(ROOT).as_posix())

    assert makers == {"bot/exchange/gate.py"}
    assert writers == {"bot/exchange/requests/sending.py"}
