"""What a worker reported, question by question, in the record of the case: an officer reads it where they work with it.

It is written as it was said, and never over what an officer wrote. What fits no choice of a field stands in the words
beside it. Nobody assesses anything here: alone is what somebody saw, "unaccompanied" is for an officer to say. "It was
earlier" is not "no urgent concern", which other bodies read.

One case has one talk, and a talk may bring more than one report: a guard reports a second child, a child with a case
reports a friend. From then on the answers are lines under a line that says so, each with its question, and no field
changes: an officer sees whom they are about, and the file of one child never fills with what was said of another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy.engine import Connection

from bot.cases.hand import SYSTEM, write_down
from bot.cases.model import Case
from bot.cases.record import store as record_store
from bot.cases.record.fields import FIELDS, LONGEST_LONG, LONGEST_TEXT, Kind, WrongValue, checked
from bot.kernel.crypto import DataKey, Erased, Vault
from bot.kernel.ids import new_id
from bot.kernel.words import N_, Words
from dialogues.understanding.model import LANGUAGES

#: Which field of the record holds the answer to which question of the form (`dialogues/actions/report.py`).
FIELD_OF: Mapping[str, str] = MappingProxyType(
    {
        "report_now": "reported_now",
        "report_place": "location",
        "report_child": "reported_seen",
        "report_children": "reported_children",
        "report_age": "reported_age",
        "report_with": "reported_with",
        "report_adult": "reported_adult",
        "report_need": "reported_need",
        "report_wish": "wishes",
        "report_reach": "reported_reach",
        "report_danger": "reported_danger",
    }
)
#: Not asked, but heard: the words that raised an alarm while a report was written. Each of them is kept.
HEARD = "reported_danger"
#: Where the words go that fit no choice.
OTHERWISE = "reported_else"


#: Above the answers of a report that came when the case had its own story already.
ANOTHER = N_("Another report from the same talk, perhaps about another child:")
#: Why a case was opened that began with a report.
REPORTED = "report_case"
#: Of the room in `OTHERWISE`, what one answer of another report may take: eleven of them and the line above fit, so
#: that line never goes before they do.
LONGEST_LINE = 350


class Reports:
    """Writes reports into files. Without `words` in English."""

    def __init__(self, vault: Vault, words: Words | None = None) -> None:
        self._vault = vault
        self._words = words

    def begin(
        self,
        tx: Connection,
        case: Case,
        report: Mapping[str, str],
        *,
        before: Case | None,
        goes_on: bool = False,
        at: datetime,
    ) -> list[str]:
        """An officer is called with these answers: by a report, or by danger in the middle of one.

        `before` is the case as it was until then, None where this opened it; `goes_on`: the same report called before.
        See `go_on`.
        """
        return self._take_in(tx, case, report, called=not goes_on, before=before, at=at)

    def go_on(self, tx: Connection, case: Case, report: Mapping[str, str], *, at: datetime) -> list[str]:
        """Write more answers into the record of an open case. Returns the fields that were written.

        A field that says something already is left as it is, unless the report itself wrote it: an answer given again
        is the newer one. Erased words stay erased.
        """
        return self._take_in(tx, case, report, called=False, before=case, at=at)

    def _take_in(
        self,
        tx: Connection,
        case: Case,
        report: Mapping[str, str],
        *,
        called: bool,
        before: Case | None,
        at: datetime,
    ) -> list[str]:
        try:
            key = self._vault.key(tx, case.key_id)
        except Erased:
            return []
        present = {row.field: row for row in record_store.present_facts(tx, case.id, lock=True)}
        has_story = before is not None and (bool(present) or before.reason != REPORTED)
        values = _values(report)
        if self._stands_under_another(key, present):
            after = self._beside(case, _lines_of(key, present), report, begins=called)
        elif called and has_story and not _all_said(key, present, values):
            after = self._beside(case, _lines_of(key, present), report, begins=True)
        else:
            after = _in_fields(key, present, values)
        for code, value in after.items():
            row = present.get(code)
            _put(tx, key, case, code, value, None if row is None else row.id, at)
        if after:
            write_down(tx, self._vault, case, "reported", officer_id=None, at=at, facts={"fields": str(len(after))})
        return list(after)

    def _stands_under_another(self, key: DataKey, present: Mapping[str, Any]) -> bool:
        return any(line in self._headings() for line in _lines_of(key, present))

    def _headings(self) -> frozenset[str]:
        return frozenset(self._text(language, ANOTHER) for language in LANGUAGES)

    def _beside(
        self, case: Case, before: Sequence[str], report: Mapping[str, str], *, begins: bool
    ) -> dict[str, tuple[str, ...]]:
        """The answers as lines under all that stands there, also what an officer wrote: nothing is replaced.

        Nothing where the last report says all of it: danger in the middle of a report brings its answers once more.
        """
        added = [
            f"{self._asked(case.language, code)} {self._shown(case.language, code, said)}"[:LONGEST_LINE]
            for question, code in FIELD_OF.items()
            if (said := " ".join(report.get(question, "").split()))
        ]
        headings = self._headings()
        last = next((number for number in range(len(before), 0, -1) if before[number - 1] in headings), None)
        if last is not None:
            said_before = set(before[last:])
            if not begins:
                added = [line for line in added if line not in said_before]
            elif set(added) <= said_before:
                added = []
        if not added:
            return {}
        heading = [self._text(case.language, ANOTHER)] if begins else []
        after = [*before, *heading, *added]
        while len("\n".join(after)) > LONGEST_LONG:
            after.pop(0)  # the oldest line: the talk, and what the field said before, still have it
        return {OTHERWISE: ("\n".join(after),)}

    def _asked(self, language: str, code: str) -> str:
        title = self._text(language, FIELDS[code].title)
        return title if title[-1] in "?؟" else f"{title}:"

    def _shown(self, language: str, code: str, said: str) -> str:
        title = FIELDS[code].choices.get(said)
        return said if title is None else self._text(language, title)

    def _text(self, language: str, sentence: str) -> str:
        return sentence if self._words is None else self._words.text(language, sentence)


def _in_fields(
    key: DataKey, present: Mapping[str, Any], values: Mapping[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    """What each field says after the report, where that is something else than before."""
    found = {}
    for code, value in values.items():
        row = present.get(code)
        if row is not None and row.officer_id != SYSTEM:
            continue
        before = () if row is None else _said(key, row)
        after = _joined(before, value) if code in (OTHERWISE, HEARD) else value
        if after != before:
            found[code] = after
    return found


def _all_said(key: DataKey, present: Mapping[str, Any], values: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether all of it stands in the file: danger in the middle of a report brings its answers once more."""
    for code, value in values.items():
        before = _said(key, present[code]) if code in present else ()
        if (_joined(before, value) if code in (OTHERWISE, HEARD) else value) != before:
            return False
    return True


def _lines_of(key: DataKey, present: Mapping[str, Any]) -> list[str]:
    return (
        [line for said in _said(key, present[OTHERWISE]) for line in said.splitlines()] if OTHERWISE in present else []
    )


def _values(report: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """Each answer under its field; those that a field does not take, as they were said, under `OTHERWISE`."""
    found: dict[str, tuple[str, ...]] = {}
    for question, code in FIELD_OF.items():
        said = report.get(question, "").strip()
        if not said:
            continue
        field = FIELDS[code]
        try:
            value = checked(field, [said[:LONGEST_TEXT] if field.kind is Kind.TEXT else said])
        except WrongValue:
            code, value = OTHERWISE, _joined(found.get(OTHERWISE, ()), (said,))
        found[code] = value
    return found


def _joined(before: tuple[str, ...], after: tuple[str, ...]) -> tuple[str, ...]:
    """Two answers in words, one line each and none twice."""
    lines = [line for said in (*before, *after) for line in said.splitlines()]
    return ("\n".join(dict.fromkeys(lines))[:LONGEST_LONG],)


def _said(key: DataKey, row: Any) -> tuple[str, ...]:
    if row.value_sealed is None:
        return ()
    return tuple(key.open_json(row.value_sealed, table="case_facts", row=row.id, field="value"))


def _put(
    tx: Connection, key: DataKey, case: Case, code: str, value: tuple[str, ...], before: str | None, at: datetime
) -> None:
    fact_id = new_id()
    sealed = key.seal_json(list(value), table="case_facts", row=fact_id, field="value")
    values = {"id": fact_id, "case_id": case.id, "field": code, "value_sealed": sealed, "officer_id": SYSTEM, "at": at}
    record_store.replace_fact(tx, before, values)
