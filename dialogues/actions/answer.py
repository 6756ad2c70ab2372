"""What a reader gets of a procedure: the messages of its answer, and their buttons. The desk shows the same ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from dialogues.actions.reading import button
from dialogues.knowledge import Audience, Procedure
from dialogues.knowledge.countries import country_name
from dialogues.knowledge.model import COMMA, INTERNATIONAL, LocalRule, Source
from dialogues.knowledge.placeholders import fill
from dialogues.runtime.payload import payload
from dialogues.runtime.responses import Translate
from directory.dates import written

#: Between two sentences. Words to be said end with their mark: "I am afraid."
SENTENCE_GAP = re.compile(r'(?<=[.!?؟])\s+(?!»)|(?<=[.!?؟]["”»])\s+|(?<=[.!?؟]\s»)\s+')


class Said(Struct, frozen=True):
    """One message of an answer."""

    text: str
    buttons: tuple[dict[str, str], ...] = ()


def answer(
    text: Procedure,
    language: str,
    translate: Translate,
    *,
    here: str = "",
    childs_version: bool = False,
    otherwise: Sequence[dict[str, str]] = (),
) -> list[Said]:
    """What to do now and what never to do, where it comes from; then all the steps, by when, and whom to call.

    `text` has its placeholders filled in. `here` is what is known to differ where the person is. `otherwise` has the
    buttons of what else may have been meant.
    """
    of_worker = text.audience is not Audience.CHILD
    now, never = sentences(text.first_answer), f"✋ {text.never}"
    parts = ["\n".join(now), never]
    steps = [numbered(translate(language, "The steps"), text.steps)]
    if text.newer_since is not None and not of_worker:
        parts.append(translate(language, "Some of this has changed. A person can tell you what is new."))
    if of_worker:
        # A child gets none of this: a locked phone shows the beginning, and the law is of no help tonight.
        parts = [listed(text.title, now), never, *([here] if here else [])]
        parts.append(source_line(text, language, translate))
        steps += [
            listed(heading, lines)
            for heading, lines in (
                (translate(language, "Time limits"), text.time_limits),
                (translate(language, "Whom to call"), text.contacts),
            )
            if lines
        ]
    ways_on = _ways_on(text, language, translate, childs_version=childs_version)
    asked = safety_buttons(language, translate) if text.asks_safety else ()
    buttons = (*asked, *ways_on, *otherwise, person_button(translate, language))
    return [Said("\n\n".join(parts)), Said("\n\n".join(steps), buttons)]


def _ways_on(text: Procedure, language: str, translate: Translate, *, childs_version: bool) -> list[dict[str, str]]:
    buttons = [button(translate(language, "Step by step"), payload("procedure_step", procedure=text.key))]
    if text.red_flags:
        buttons.append(button(translate(language, "Red flags"), payload("procedure_flags", procedure=text.key)))
    buttons.append(why_button(text, translate, language))
    if text.newer_since is not None and text.audience is Audience.WORKER:
        newer = payload("procedure", procedure=text.key, original=1)
        buttons.insert(0, button(translate(language, "Newer text, in English"), newer))
    if text.contacts:
        buttons.append(numbers_button(text, translate, language))
    if childs_version:
        # To read aloud, or to show. It changes nothing about who is writing.
        childs = payload("procedure", procedure=text.key, audience="child")
        buttons.append(button(translate(language, "In a child's words"), childs))
    return buttons


def sentences(words: str) -> list[str]:
    """Each is shown on a line of its own: what to do now is found at a glance, on a phone, at three in the morning.
    Words to be said are one line, however many sentences they are."""
    lines: list[str] = []
    for sentence in SENTENCE_GAP.split(words):
        if lines and _is_still_quoting(lines[-1]):
            lines[-1] = f"{lines[-1]} {sentence}"
        else:
            lines.append(sentence)
    return lines


def _is_still_quoting(line: str) -> bool:
    return line.count("«") > line.count("»") or line.count("“") > line.count("”") or line.count('"') % 2 == 1


def numbered(heading: str, lines: tuple[str, ...]) -> str:
    return "\n".join([heading, *(f"{number}. {line}" for number, line in enumerate(lines, 1))])


def listed(heading: str, lines: Sequence[str]) -> str:
    return "\n".join([heading, *(f"• {line}" for line in lines)])


def source_line(text: Procedure, language: str, translate: Translate) -> str:
    """One line: the first source and how many more there are, where the text applies, from when, and whether it is a
    draft. "Why and source" has the rest. A line before it where the English has moved on."""
    first, *others = text.shown_sources() or (None,)
    parts = []
    if first is not None:
        cited = f"{first.citation()} +{len(others)}" if others else first.citation()
        parts.append(translate(language, "Source: {citation}").format(citation=cited))
    parts += [_where(text, language, translate), _day(text.valid_from, language)]
    if text.is_draft:
        parts.append(translate(language, "draft, approved by no local expert yet"))
    return "\n".join((*_older(text, language, translate), " · ".join(parts)))


def _day(on: date, language: str) -> str:
    return written(on, "long", language)


def _where(text: Procedure, language: str, translate: Translate) -> str:
    if text.jurisdiction != INTERNATIONAL:
        return country_name(text.jurisdiction, language)
    laid = dict.fromkeys(country_name(rule.jurisdiction, language) for rule in text.local)
    return " + ".join((translate(language, "international standard"), *laid))


def cited(source: Source, language: str, translate: Translate) -> str:
    """A citation that says where alone it is law."""
    if not source.holds_in:
        return source.citation()
    only = translate(language, "only in: {country}").format(country=country_name(source.holds_in, language))
    return f"{source.citation()} · {only}"


def validity(text: Procedure, language: str, translate: Translate) -> str:
    """Where the text applies, from when, when it is looked at again, whether anybody has approved it, and whether the
    English has moved on."""
    applies = _applies(text, language, translate)
    if text.is_draft:
        draft = translate(language, "Draft: no local expert has approved this text yet. Check before you rely on it.")
        applies = f"{applies}\n{draft}"
    return "\n".join((*_older(text, language, translate), applies))


def _older(text: Procedure, language: str, translate: Translate) -> list[str]:
    if text.newer_since is None:
        return []
    older = translate(
        language, "⚠ This translation is older than the English text, which changed on {since}. The English text holds."
    )
    return [older.format(since=_day(text.newer_since, language))]


def _applies(text: Procedure, language: str, translate: Translate) -> str:
    dates = {
        "since": _day(text.valid_from, language),
        "review": _day(text.review_due, language),
    }
    if text.local:
        laid = COMMA[language].join(dict.fromkeys(country_name(rule.jurisdiction, language) for rule in text.local))
        said = translate(
            language,
            "International standard, with what is confirmed for: {country}. Text of {since}, next review {review}.",
        )
        return said.format(country=laid, **dates)
    if text.jurisdiction == INTERNATIONAL:
        said = translate(
            language,
            "International standard; the law of the country may differ. Text of {since}, next review {review}.",
        )
        return said.format(**dates)
    said = translate(language, "Applies in: {country}. Text of {since}, next review {review}.")
    return said.format(country=country_name(text.jurisdiction, language), **dates)


def by_jurisdiction(rules: tuple[LocalRule, ...]) -> list[tuple[LocalRule, ...]]:
    """The rules of each country or region together, in their order."""
    return [
        tuple(rule for rule in rules if rule.jurisdiction == jurisdiction)
        for jurisdiction in dict.fromkeys(rule.jurisdiction for rule in rules)
    ]


def said_of(rules: tuple[LocalRule, ...], language: str) -> str:
    """The rules of one jurisdiction under its name."""
    return listed(country_name(rules[0].jurisdiction, language), tuple(rule.words for rule in rules))


def safety_buttons(language: str, translate: Translate) -> tuple[dict[str, str], dict[str, str]]:
    """The answers to "are you safe right now?", first of all buttons: some phones can only send their number."""
    return button(translate(language, "Yes, I am safe"), "/affirm"), button(translate(language, "No"), "/deny")


def elsewhere(rules: Sequence[LocalRule], language: str, translate: Translate) -> tuple[LocalRule, ...]:
    """Rules of where the reader is not: the number to call there is not the reader's, so none is filled in."""
    there = {"emergency_number": translate(language, "the emergency number there")}
    return tuple(replace(rule, words=fill(rule.words, there)) for rule in rules)


def choose_button(text: Procedure) -> dict[str, str]:
    return button(text.title, payload("procedure", procedure=text.key))


def worker_button(text: Procedure, translate: Translate, language: str) -> dict[str, str]:
    return button(
        translate(language, "I work with children"), payload("procedure", procedure=text.key, audience="worker")
    )


def own_age_button(text: Procedure, translate: Translate, language: str) -> dict[str, str]:
    """For whoever was answered as a worker and is a child: from then on they are answered as one."""
    childs = payload("procedure", procedure=text.key, audience="child", own=1)
    return button(translate(language, "I am under 18"), childs)


def why_button(text: Procedure, translate: Translate, language: str) -> dict[str, str]:
    return button(translate(language, "Why and source"), payload("procedure_why", procedure=text.key))


def where_button(text: Procedure, translate: Translate, language: str) -> dict[str, str]:
    """For whoever did not say where they are: what holds there may differ."""
    return button(translate(language, "My country"), payload("procedure_where", procedure=text.key))


def steps_button(text: Procedure, translate: Translate, language: str) -> dict[str, str]:
    return button(translate(language, "Steps"), payload("procedure_steps", procedure=text.key))


def numbers_button(text: Procedure, translate: Translate, language: str) -> dict[str, str]:
    return button(translate(language, "Numbers"), payload("procedure_contacts", procedure=text.key))


def person_button(translate: Translate, language: str) -> dict[str, str]:
    return button(translate(language, "Talk to a person"), payload("ask_human"))
