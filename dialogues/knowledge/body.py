"""The body of a text: fixed sections under fixed headings, in each language's own words."""

from __future__ import annotations

import re

from msgspec import Struct, field

from dialogues.knowledge.front_matter import Complaints

#: The sections in their order, with the heading a reviewer reads.
HEADINGS: dict[str, dict[str, str]] = {
    "en": {
        "first_answer": "First answer",
        "never": "Never",
        "steps": "Steps",
        "why": "Why",
        "time_limits": "Time limits",
        "documents": "Documents",
        "contacts": "Contacts",
        "varies": "Varies by country",
        "red_flags": "Red flags",
    },
    "fr": {
        "first_answer": "Première réponse",
        "never": "Jamais",
        "steps": "Étapes",
        "why": "Pourquoi",
        "time_limits": "Délais",
        "documents": "Documents",
        "contacts": "Contacts",
        "varies": "Selon le pays",
        "red_flags": "Signaux d'alerte",
    },
    "es": {
        "first_answer": "Primera respuesta",
        "never": "Nunca",
        "steps": "Pasos",
        "why": "Por qué",
        "time_limits": "Plazos",
        "documents": "Documentos",
        "contacts": "Contactos",
        "varies": "Según el país",
        "red_flags": "Señales de alerta",
    },
    "ar": {
        "first_answer": "الجواب الأول",
        "never": "ما لا يجوز أبدًا",
        "steps": "الخطوات",
        "why": "السبب",
        "time_limits": "المهل",
        "documents": "الوثائق",
        "contacts": "جهات الاتصال",
        "varies": "ما يختلف من بلد إلى آخر",
        "red_flags": "علامات الخطر",
    },
}

PARAGRAPHS = frozenset({"first_answer", "never", "why", "varies"})
NUMBERED = frozenset({"steps"})

_NUMBER = re.compile(r"(\d{1,2})\. +(?=\S)")
_BULLET = re.compile(r"- +(?=\S)")


class Section(Struct):
    """A section as read: its paragraph or its items, and the line of each."""

    name: str
    line: int
    items: list[str] = field(default_factory=list)
    item_lines: list[int] = field(default_factory=list)

    def text(self) -> str:
        return " ".join(self.items)


def read_body(lines: list[str], language: str, complaints: Complaints, *, first_line: int) -> dict[str, Section]:
    """The sections by name. Headings that are unknown, doubled or out of order are complained about."""
    names = {heading: name for name, heading in HEADINGS[language].items()}
    order = list(HEADINGS[language])
    sections: dict[str, Section] = {}
    current: Section | None = None
    for number, line in enumerate(lines, start=first_line):
        if line.startswith("#"):
            heading = " ".join(line.lstrip("#").split())
            name = names.get(heading)
            if name is None:
                complaints.add(number, f"There is no section {heading!r} here; sections are: {', '.join(names)}.")
            elif name in sections:
                complaints.add(number, f"The section {heading!r} comes twice; keep one.")
            elif sections and order.index(name) < max(order.index(other) for other in sections):
                complaints.add(number, f"The section {heading!r} comes too late; the order is: {', '.join(names)}.")
            current = Section(name or heading, number)
            if name is not None:
                sections.setdefault(name, current)
        elif current is not None:
            _add_line(current, line, number, complaints)
        elif line.strip():
            complaints.add(number, "Text before the first section is never shown; put it under a heading.")
    return sections


def _add_line(section: Section, line: str, number: int, complaints: Complaints) -> None:
    words = " ".join(line.split())
    if not words:
        return
    if section.name in PARAGRAPHS:
        section.items.append(words)
        section.item_lines.append(number)
        return
    mark = (_NUMBER if section.name in NUMBERED else _BULLET).match(line)
    if mark is not None:
        if section.name in NUMBERED and int(mark.group(1)) != len(section.items) + 1:
            complaints.add(
                number, f"This is step {len(section.items) + 1}, not {mark.group(1)}; number the steps anew."
            )
        section.items.append(" ".join(line[mark.end() :].split()))
        section.item_lines.append(number)
    elif line[0] == " " and section.items:
        section.items[-1] += " " + words
    else:
        wanted = "`1. `, `2. ` and so on" if section.name in NUMBERED else "`- `"
        complaints.add(number, f"A line here begins with {wanted}.")
