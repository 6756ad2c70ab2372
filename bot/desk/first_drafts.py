"""What an author begins with where there is no text yet: every field and every heading, and what goes there."""

from __future__ import annotations

from datetime import date, timedelta

from dialogues.knowledge.body import HEADINGS, NUMBERED, PARAGRAPHS
from dialogues.knowledge.model import ORIGINAL_LANGUAGE, Audience
from dialogues.knowledge.reading import OVERLAYS_FOLDER, REQUIRED_SECTIONS, TextName, name_of

FIRST_REVIEW = timedelta(days=180)


def first_draft(key: str, name: str, on: date) -> str:
    """The file to begin with at an address of no text yet, or in a country nothing is confirmed of."""
    text = name_of(f"{key}/{name}.md")
    if key == OVERLAYS_FOLDER or text is None:
        return _overlay(name, on)
    front = _front(text, on) if text.language == ORIGINAL_LANGUAGE else _front_of_translation()
    sections = (
        f"## {HEADINGS[text.language][section]}\n{_begun(section)}\n" for section in REQUIRED_SECTIONS[text.audience]
    )
    return f"---\n{front}---\n" + "\n".join(sections)


def _begun(section: str) -> str:
    if section in PARAGRAPHS:
        return ""
    return "1. " if section in NUMBERED else "- "


def _front(text: TextName, on: date) -> str:
    if text.audience is Audience.CHILD:
        return """\
title: ""
audience: child
search_words: [] # what a child writes who means this
# asks_safety: true # where the first answer asks "Are you safe right now?"
"""
    return f"""\
title: ""
audience: worker
jurisdiction: {text.jurisdiction}
roles: [social_work] # who typically asks
sources: # only what a source says, and where; people are told those that are confirmed or named
  - {{code: CRC, articles: "3"}}
needs: [child_protection] # what the directory is asked for, for the numbers
valid_from: {on.isoformat()}
review_due: {(on + FIRST_REVIEW).isoformat()}
search_words: [] # what people write who mean this: they find it by these words
no_childs_version: "Not written yet." # take it out when the child's version is there
"""


def _front_of_translation() -> str:
    return """\
title: ""
search_words: [] # what people write who mean this
translation: {state: machine-drafted, of: '0'} # stamped when you say that you read it against the English
"""


def _overlay(jurisdiction: str, on: date) -> str:
    return f"""\
# What differs from the common texts in {jurisdiction}. Only what a source confirms.
jurisdiction: {jurisdiction}
ask: # whom to ask there about what nothing is confirmed of; reads after "Ask "
  en: ""
  fr: ""
  es: ""
  ar: ""
variations:
  - procedure: identify_uasc # the key of the common text
    section: time_limits # steps, time_limits, documents, contacts or varies
    text:
      en: ""
      fr: ""
      es: ""
      ar: ""
    translation: {{state: machine-drafted, of: '0'}} # stamped when you say that you read it against the English
    sources: [{{code: GC6, paragraphs: "31"}}] # at least one that is confirmed
    valid_from: {on.isoformat()}
    review_due: {(on + FIRST_REVIEW).isoformat()}
"""
