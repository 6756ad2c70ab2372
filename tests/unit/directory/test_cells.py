"""What people write in a sheet is read where it can mean one thing, and refused where a child could stand before a shut
door."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from directory.files.cells import country_in, language_in, needs_in, phones_in, point_in
from directory.opening_hours import DAYS, clock_of, week
from directory.said_hours import SaidHours, hours_in
from directory.words import plain_figures

WORKDAYS = ["mo", "tu", "we", "th", "fr"]


@pytest.mark.parametrize(
    ("cell", "days", "times"),
    [
        ("Mon-Fri 9am-5pm", WORKDAYS, ["09:00-17:00"]),
        ("lun-ven 9h-12h30 14h-18h", WORKDAYS, ["09:00-12:30", "14:00-18:00"]),
        ("Lundi au vendredi de 9h à 17h", WORKDAYS, ["09:00-17:00"]),
        ("lunes a viernes 9:00 a 17:00", WORKDAYS, ["09:00-17:00"]),
        ("الاثنين - الجمعة 9:00 - 17:00", WORKDAYS, ["09:00-17:00"]),
        ("من الأحد إلى الخميس ٨:٠٠-١٥:٠٠", ["mo", "tu", "we", "th", "su"], ["08:00-15:00"]),
        ("9:00-17:00 Mon, Wed and Fri", ["mo", "we", "fr"], ["09:00-17:00"]),
        ("Monday–Friday 9-5pm; Sat-Sun closed", WORKDAYS, ["09:00-17:00"]),
        ("9:00-17:00, closed Sunday", [*WORKDAYS, "sa"], ["09:00-17:00"]),
        ("11-12pm Sat", ["sa"], ["11:00-12:00"]),
        ("daily 8pm-8am", list(DAYS), ["20:00-08:00"]),
        ("Fri 22:00-2:00", ["fr"], ["22:00-02:00"]),
        ("24h/24 et 7j/7", list(DAYS), ["00:00-00:00"]),
        ("weekdays 9am-5pm", WORKDAYS, ["09:00-17:00"]),
        ("L-V 9 a 14", WORKDAYS, ["09:00-14:00"]),
        ("пн-пт 0900-1800", WORKDAYS, ["09:00-18:00"]),
        ("lun-ven 9h-12h30/14h-18h", WORKDAYS, ["09:00-12:30", "14:00-18:00"]),
        ("lun-sam 9.00-17.00 sauf mercredi et samedi", ["mo", "tu", "th", "fr"], ["09:00-17:00"]),
        ("every day except weekends 9-noon", WORKDAYS, ["09:00-12:00"]),
        ("من الاثنين إلى الجمعة من ٩ صباحا حتى ٥ مساء", WORKDAYS, ["09:00-17:00"]),
    ],
)
def test_hours_are_read_as_people_write_them(cell: str, days: list[str], times: list[str]):
    hours = week("UTC", hours_in(cell, ["FR"]).week)

    told = {day: [f"{clock_of(a)}-{clock_of(b)}" for a, b in hours.on_weekday(n)] for n, day in enumerate(DAYS)}
    assert {day: spans for day, spans in told.items() if spans} == dict.fromkeys(days, times)


@pytest.mark.parametrize(
    "cell",
    [
        "Mon-Fri 9-5", "9am-5", "8-8", "10-12am", "Mon 9:00-17:00, Sat by appt", "Mon 9:00-17:00 (summer only)",
        "not on Sunday 9:00-17:00", "Closed Sunday", "Mon-Fri", "9:00", "Mon 9:00-12:00, closed Monday", "13pm-14pm",
        "Mon-Fri 9-12, 2-6", "M-S 9-17", "jours ouvrables 9h-17h", "9-12 Mon-Fri, Sat 14-16", "9-17 closed",
        "Mon-Fri 9-12, closed Sat, Sun 14-16", "Mon-Fri 9-17, closed 12-14", "9:00-13:00-15:00", "1er lundi 9h-12h",
        "٩-٥", "tous les jours", "Mon-Fri 9-25",
    ],
)  # fmt: skip
def test_hours_that_could_mean_something_else_are_not_guessed(cell: str):
    with pytest.raises(ValueError, match=r"is not read|does not say at what times|is not a time"):
        hours_in(cell, ["FR"])


def test_the_days_on_which_offices_are_open_are_those_of_the_country():
    assert hours_in("weekdays 9-14", ["JO"]) == hours_in("Sun-Thu 9-14")
    for unsure in ([], ["FR", "JO"], ["AF"]):
        with pytest.raises(ValueError, match="differs from country to country"):
            hours_in("weekdays 9-14", unsure)


@pytest.mark.parametrize(
    "words", ["closed in August", "sauf jours fériés", "Cerrado del 24 de diciembre al 2 de enero", "closed 1-15 May"]
)
def test_what_no_week_can_hold_is_left_as_it_was_written(words: str):
    assert hours_in(f"L-V 9:00-14:00, {words}.") == SaidHours(hours_in("lun-ven 9-14").week, words)


_PIECES = (
    "mon", "L", "-", " ", "V", "closed", "sauf", "9", ":30", "h", "17", "am", "pm", ",", "/", "et", "août", "24/7", "٩",
    "weekdays", "12", "midi", "à", "صباحا", "الجمعة", "(", "holidays", ";", "0900", "E\u0301", "ﬁ",
)  # fmt: skip


@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(_PIECES), max_size=14).map("".join)))
def test_whatever_stands_in_a_cell_of_hours_is_a_week_or_refused(cell: str):
    try:
        said = hours_in(cell, ["FR"])
    except ValueError:
        return
    assert week("UTC", said.week).shifts
    assert said.words in " ".join(plain_figures(cell).split())


@pytest.mark.parametrize(
    ("cell", "phones"),
    [
        ("0184/351234", [("0184/351234", "")]),
        ("0184 351 235 ext. 4", [("0184 351 235", "ext. 4")]),
        ("tel: 0184 1111 / +52 (664) 123-4567 (WhatsApp)", [("0184 1111", ""), ("+52 (664) 123-4567", "WhatsApp")]),
        ("(06) 12-34-56; 116 111", [("(06) 12-34-56", ""), ("116 111", "")]),
        ("at night 0184 351234/0184 351235", [("0184 351234", "at night"), ("0184 351235", "")]),
        ("*123#", [("*123#", "")]),
        ("33145678900.0", [("33145678900", "")]),
        ("", []),
    ],
)
def test_what_stands_around_a_number_is_not_dialled(cell: str, phones: list[tuple[str, str]]):
    assert phones_in(cell) == phones


@pytest.mark.parametrize("cell", ["0184-LAWYER", "1-800-FLOWERS-2", "1-800-273-TALK", "0184CALL", "call us", "ext 4"])
def test_letters_are_no_number(cell: str):
    with pytest.raises(ValueError, match="no phone number"):
        phones_in(cell)


@pytest.mark.parametrize(
    "cell",
    ["43.79, -7.5", "43,79; -7,5", "43,79 -7,5", "(43.79 -7.5)", "43.79 N 7.5 W", "43°47'24\"N 7°30'O", "٤٣٫٧٩ ,-٧٫٥",
     "43.79 -7.5 12.0 4.9"],
)  # fmt: skip
def test_a_point_is_read_from_one_cell(cell: str):
    assert [float(figure) for figure in point_in(cell)] == [43.79, -7.5]


@pytest.mark.parametrize("cell", ["43,79", "43.79", "Ventimiglia", "43.79, north", "1 2 3 4 5"])
def test_what_is_not_two_numbers_is_no_point(cell: str):
    with pytest.raises(ValueError, match="is no point"):
        point_in(cell)


def test_needs_are_known_by_what_people_call_them_and_not_where_they_name_other_people():
    cell = "Food and clothing; Psychological support for children / Legal services"
    assert needs_in(cell) == ["food", "nfi", "mental_health", "legal"]
    for other in ("Shelter for women", "Food and prayer"):
        with pytest.raises(ValueError, match="unknown need"):
            needs_in(other)


def test_countries_and_languages_are_known_by_their_names():
    assert [country_in(cell) for cell in ("Italy", "México", "إيطاليا", "it", "Atlantis")] == [
        "IT", "MX", "IT", "IT", "ATLANTIS",
    ]  # fmt: skip
    assert [language_in(cell) for cell in ("Italian", "español", "العربية", "fr", "Klingonese")] == [
        "it", "es", "ar", "fr", "Klingonese",
    ]  # fmt: skip
