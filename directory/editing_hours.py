"""Opening hours as the fields of a form, and a filled-in form as opening hours. All texts are plain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from directory.filled import Filled
from directory.model import Location, OpeningHours, WrongRecord
from directory.opening_hours import Season, Shift, SpecialDay, clock_of, minute_of, said_week, week
from directory.said_hours import hours_in, spans_in
from directory.words import because, plain_figures
from directory.zones import zone_of


def hours_form(hours: OpeningHours | None, prefix: str) -> dict[str, str]:
    """The fields, their names behind a prefix: a line a day of the week, a line a day or a season that is different."""
    form = {
        "zone": hours.zone if hours else "",
        "special_days": "\n".join(map(_special_line, hours.special_days)) if hours else "",
        "seasons": "\n".join(map(_season_line, hours.seasons)) if hours else "",
    }
    for day in range(7):
        spans = hours.on_weekday(day) if hours else []
        form[f"hours.{day}"] = " ".join(f"{clock_of(opens)}-{clock_of(closes)}" for opens, closes in spans)
    return {prefix + name: value for name, value in form.items()}


def hours_in_form(before: OpeningHours | None, form: Filled, prefix: str, zone: str) -> OpeningHours | None:
    """A week without times, days and seasons is one that nobody has said. `zone`: where none is named. Raises
    WrongRecord naming everything that cannot be read."""
    if not form.has(f"{prefix}hours.0"):
        return before
    problems: list[str] = []
    shifts: list[Shift] = []
    for day in range(7):
        said = form.text(f"{prefix}hours.{day}")
        try:
            spans = [span.partition("-") for span in spans_in(said)]
            shifts += [Shift(day, minute_of(opens), minute_of(closes)) for opens, _, closes in spans]
        except ValueError:
            problems.append(because("'{span}' is not two times like 09:00-12:30", span=said))
    special = [_special(line, problems) for line in form.lines(f"{prefix}special_days")]
    days = tuple(day for day in special if day is not None)
    seasons = before.seasons if before is not None else ()
    if form.has(f"{prefix}seasons"):
        told = [_season(line, problems) for line in form.lines(f"{prefix}seasons")]
        seasons = tuple(season for season in told if season is not None)
    hours = None
    if (shifts or days or seasons) and not problems:
        try:
            hours = OpeningHours(form.text(f"{prefix}zone") or zone, tuple(sorted(shifts)), days, seasons)
        except ValueError:
            problems.append(because("the opening hours need a time zone like Europe/Rome"))
    if problems:
        raise WrongRecord(problems)
    return hours


def zone_there(places: Sequence[Location], countries: Sequence[str]) -> str:
    """The zone of where it is, which nobody needs to know by name; empty where it could be several."""
    points = [(place.country, place.latitude, place.longitude) for place in places]
    found = {zone_of(*point) for point in points or [(country, None, None) for country in countries]}
    return (found.pop() or "") if len(found) == 1 else ""


#: The word for a day on which it is shut, in the languages of the form.
_CLOSED = ("closed", "fermé", "ferme", "cerrado", "مغلق")


def _special_line(day: SpecialDay) -> str:
    spans = [f"{clock_of(opens)}-{clock_of(closes)}" for opens, closes in day.shifts] or ["closed"]
    return " ".join([day.day.isoformat(), *spans, day.note]).strip()


def _special(line: str, problems: list[str]) -> SpecialDay | None:
    """`2026-12-24 09:00-12:00 Christmas Eve`, or `2026-12-25 closed`."""
    first, *words = plain_figures(line).split()
    spans: list[tuple[int, int]] = []
    try:
        day = date.fromisoformat(first)
        while words and words[0][:1].isdigit() and "-" in words[0]:
            opens, _, closes = words.pop(0).partition("-")
            spans.append((minute_of(opens), minute_of(closes)))
        if not spans:
            if not words or words[0].casefold() not in _CLOSED:
                raise ValueError
            words.pop(0)
    except ValueError:
        problems.append(
            because("'{line}' is not a day like 2026-12-24 09:00-12:00, or 2026-12-25 closed", line=line[:60])
        )
        return None
    return SpecialDay(day, tuple(spans), " ".join(words))


_DAY = r"\d{4}-\d{1,2}-\d{1,2}"
#: `2026-06-01 - 2026-09-30 mo-fr 09:00-12:00`; one of the two days may be missing.
_SEASON = re.compile(rf"({_DAY})?\s*(?:-|\u2013|to|au|al?|الى|إلى)\s*({_DAY})?\s*:?\s*(.+)")


def _season_line(season: Season) -> str:
    first, last = (day.isoformat() if day is not None else "" for day in (season.first, season.last))
    return f"{first} - {last} {said_week(season.shifts)}".strip()


def _season(line: str, problems: list[str]) -> Season | None:
    found = _SEASON.fullmatch(plain_figures(line))
    try:
        if found is None or not (found[1] or found[2]):
            raise ValueError
        first, last = (date.fromisoformat(day) if day else None for day in found.group(1, 2))
        return Season(first, last, _week_in(found[3]))
    except ValueError:
        problems.append(
            because("'{line}' is not a season like 2026-06-01 - 2026-09-30 mo-fr 09:00-12:30", line=line[:60])
        )
        return None


def _week_in(text: str) -> tuple[Shift, ...]:
    """A week as `said_week` writes it, or as people do. Raises ValueError."""
    try:
        return week("UTC", text).shifts
    except ValueError:
        said = hours_in(text)
        if said.words or not said.week:
            raise
        return week("UTC", said.week).shifts
