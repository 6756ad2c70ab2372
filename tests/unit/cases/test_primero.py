"""Primero v2 files: what of a record is sent, what is understood, and what nobody bends to fit."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cases.primero.model import LOCKED, MAP, CannotRead, as_primero, load_map, map_of, read, taken, written
from bot.cases.record.fields import FIELDS

FIELD_MAP = load_map()
FACTS = {
    "name": ("Ali Hassan",),
    "sex": ("male",),
    "age": ("15",),
    "age_estimated": ("yes",),
    "born": ("2011-03-05",),
    "urgent": ("yes",),
    "concerns": ("migrant", "trafficked_smuggled"),
    "displacement": ("foreign",),
}


def test_a_record_is_written_in_the_words_of_primero():
    data = as_primero(FACTS, FIELD_MAP)

    assert data == {
        "name": "Ali Hassan",
        "sex": "male",
        "age": 15,
        "estimated": True,
        "date_of_birth": "2011-03-05",
        "urgent_protection_concern": "true",
        "protection_concerns": ["migrant", "trafficked_smuggled"],
        "displacement_status": "foreign_national",
    }


def test_what_is_written_is_read_again_as_it_was():
    [data] = read(written("1", as_primero(FACTS, FIELD_MAP)))

    came = taken(data, FIELD_MAP)

    assert came.facts == FACTS
    assert came.left == {}


def test_a_value_that_primero_has_no_word_for_is_not_sent():
    assert as_primero({"protection_status": ("accompanied",), "concerns": ("sogiesc_risk",)}, FIELD_MAP) == {}


def test_where_somebody_is_is_never_sent_whatever_the_map_says(tmp_path):
    own = tmp_path / "primero.yml"
    lines = "\n".join(f"  {code}: {{name: {code}}}" for code in sorted(FIELDS))
    own.write_text(f"fields:\n{lines}\n")
    facts = dict.fromkeys(FIELDS, ("12 Hidden Street",))

    data = as_primero(facts, map_of(tmp_path))

    assert len(data) == len(FIELDS) - len(LOCKED)
    assert not LOCKED & data.keys()


def test_an_address_that_comes_is_taken_in():
    assert taken({"address_current": "Bari"}, FIELD_MAP).facts == {"location": ("Bari",)}


def test_what_does_not_fit_is_left_as_it_came():
    came = taken(
        {
            "case_id_display": "CP-77",
            "sex": "intersex_local",
            "age": "about fifteen",
            "protection_concerns": ["migrant", "local_code_9"],
            "family_details_section": [{"relation": "mother", "relation_name": "Amal"}],
            "empty": "",
        },
        FIELD_MAP,
    )

    assert came.number == "CP-77"
    assert came.facts == {"concerns": ("migrant",)}
    assert came.left.keys() == {"case_id_display", "sex", "age", "protection_concerns", "family_details_section"}
    assert "Amal" in came.left["family_details_section"]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "no_json"),
        (b"\xff\xfe", "no_json"),
        (b"[" * 100_000, "no_json"),
        (b'[{"data": {"name": "Mariam \\ud83d"}}]', "no_json"),
        (b"[]", "how_many"),
        (json.dumps([{"data": {"name": "x"}}] * 21).encode(), "how_many"),
        (b"[1]", "no_cases"),
        (b'[{"data": []}]', "no_cases"),
        (b'{"data": {}}', "no_cases"),
        (b"x" * (1024 * 1024 + 1), "too_large"),
    ],
)
def test_what_is_no_file_of_cases_is_refused_with_a_reason(content: bytes, code: str):
    with pytest.raises(CannotRead) as refused:
        read(content)

    assert refused.value.code == code


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([one.name for one in FIELD_MAP.fields.values()]) | st.text(), json_values))
def test_whatever_comes_is_understood_or_left(data):
    came = taken(data, FIELD_MAP)

    said = {one.name for code, one in FIELD_MAP.fields.items() if code in came.facts}
    for name, value in data.items():
        assert value in (None, "", [], {}) or str(name)[:80] in came.left or name in said


def test_a_map_with_a_field_that_we_do_not_have_is_refused(tmp_path):
    own = tmp_path / "primero.yml"
    own.write_text("fields:\n  shoe_size: {name: shoe_size}\n")

    with pytest.raises(ValueError, match="there is no field shoe_size"):
        load_map(own)
    assert map_of(tmp_path / "elsewhere") == load_map(MAP)
