"""The texts that may be shown to whoever writes, and as whom they are answered."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from dialogues.actions.answer import by_jurisdiction, elsewhere, said_of
from dialogues.actions.journey import Journey, whom_to_ask
from dialogues.actions.reading import country_asked_about, entity, language_of
from dialogues.actions.voice import says_to_be_a_child, speaks_as_a_child, writes_for_a_child
from dialogues.knowledge import Audience, Procedure, Procedures
from dialogues.knowledge.countries import Way, country_name
from dialogues.knowledge.model import COLON, INTERNATIONAL, ORIGINAL_LANGUAGE
from dialogues.runtime.responses import Translate
from dialogues.understanding.model import WORTH_ASKING

MOST_LIKE = 4
MOST_OTHERS = 2

#: Of 160 questions nobody trained on, none that was taken for another subject was taken so with more than .61.
CERTAIN = 0.65

#: Offered to somebody who asks nothing in particular yet, the most asked for first.
MENU = (
    "first_contact",
    "identify_uasc",
    "adult_with_child",
    "trafficking_indicators",
    "missing_child",
    "sexual_violence",
    "self_harm",
    "age_assessment",
    "emergency_care",
    "cross_border_request",
)


class Shelf:
    """The texts that may be shown to this person today."""

    def __init__(self, procedures: Procedures, today: Callable[[], date], default_country: str | None) -> None:
        self._procedures = procedures
        self._today = today
        self._default_country = default_country

    def find(self, key: str, tracker: Any) -> Procedure | None:
        """The text to show: in the person's language, or the English it was translated from where they ask for that."""
        country = country_asked_about(tracker, self._default_country)
        language = ORIGINAL_LANGUAGE if entity(tracker, "original") else language_of(tracker)
        return self._procedures.get(key, language, self._today(), country, audience=audience_of(tracker))

    def country(self, tracker: Any) -> str:
        """Where the person is, "" when nobody knows."""
        return country_asked_about(tracker, self._default_country) or ""

    def search(self, words: str, tracker: Any, limit: int, *, least: float = 0.0) -> list[Procedure]:
        return self._procedures.search(
            words,
            language_of(tracker),
            limit,
            on=self._today(),
            country=country_asked_about(tracker, self._default_country),
            audience=audience_of(tracker),
            least=least,
        )

    def like(self, text: Procedure, tracker: Any) -> list[Procedure]:
        """Other texts in force that go with this one."""
        return self._procedures.like(
            text, MOST_LIKE, on=self._today(), country=country_asked_about(tracker, self._default_country)
        )

    def meant_otherwise(self, text: Procedure, tracker: Any) -> list[Procedure]:
        """What else the words may have meant, where it was not clear that they meant this one."""
        intent = tracker.latest_message.get("intent") or {}
        if float(intent.get("confidence") or 1.0) >= CERTAIN:
            return []
        return [other for other in self.nearest(tracker) if other.key != text.key][:MOST_OTHERS]

    def nearest(self, tracker: Any, least: float = WORTH_ASKING) -> list[Procedure]:
        """The texts that the words were nearest to, whatever they were taken for."""
        found = []
        for guess in tracker.latest_message.get("intent_ranking") or ():
            intent, _, key = str(guess["name"]).partition("/")
            text = self.find(key, tracker) if intent == "procedure" and key else None
            if text is not None and guess["confidence"] >= least:
                found.append(text)
        return found

    def was_in_force(self, key: str, tracker: Any) -> bool:
        """Whether there is a text of it that may no longer, or not yet, be shown."""
        return self._procedures.has(key, language_of(tracker), audience_of(tracker))

    def has_childs_version(self, text: Procedure, language: str) -> bool:
        return self._procedures.get(text.key, language, self._today(), audience=Audience.CHILD) is not None

    def here(self, text: Procedure, tracker: Any, translate: Translate) -> str:
        """What is known to differ where the person is, or that nothing is and whom to ask. "" if we know no country."""
        country, language = country_asked_about(tracker, self._default_country), language_of(tracker)
        if country is None or text.jurisdiction != INTERNATIONAL:
            return ""
        if text.local:
            return "\n".join(said_of(rules, language) for rules in by_jurisdiction(text.local))
        said = translate(language, "{country}: nothing of its own is confirmed here yet. Ask {whom}.")
        return said.format(
            country=country_name(country, language), whom=whom_to_ask(self._procedures, country, language, translate)
        )

    def differences(self, text: Procedure, tracker: Any, translate: Translate) -> tuple[str, ...]:
        """What changes from country to country, and what we know of each. Of the person's own, where we know it."""
        language = language_of(tracker)
        known = text.local
        if country_asked_about(tracker, self._default_country) is None and text.audience is Audience.WORKER:
            known = elsewhere(
                self._procedures.overlays.elsewhere(text.key, language, self._today()), language, translate
            )
        lines = (f"{country_name(rule.jurisdiction, language)}{COLON[language]}{rule.words}" for rule in known)
        return (*((text.varies,) if text.varies else ()), *lines)

    def journey(self, text: Procedure, way: Way, tracker: Any, translate: Translate) -> str:
        """For each country of a journey: which steps change, who acts, by when."""
        return Journey(self._procedures, language_of(tracker), translate, self._today()).tell(text, way)

    def countries_with_rules(self, key: str, language: str) -> list[str]:
        """The regions and countries for which something of a procedure is known to differ."""
        rules = self._procedures.overlays.elsewhere(key, language, self._today())
        return list(dict.fromkeys(rule.jurisdiction for rule in rules))

    def may_differ_where_they_are(self, text: Procedure, tracker: Any) -> bool:
        """Whether we know of countries in which it differs, and not in which one they are."""
        unknown = country_asked_about(tracker, self._default_country) is None and text.jurisdiction == INTERNATIONAL
        return unknown and bool(self.countries_with_rules(text.key, text.language))

    def menu(self, tracker: Any) -> list[Procedure]:
        return [text for text in (self.find(key, tracker) for key in MENU) if text is not None]


def audience_of(tracker: Any) -> Audience:
    """Whom to answer: as a button of ours says, as we know them, or a child who tells their age or speaks as one."""
    known = entity(tracker, "audience") or tracker.get_slot("audience")
    if known is None:
        child = says_to_be_a_child(_words(tracker)) or taken_for_a_child(tracker)
        return Audience.CHILD if child else Audience.WORKER
    return Audience.CHILD if known == "child" else Audience.WORKER


def is_the_child(tracker: Any) -> bool:
    """Whether who asks is answered as a child. A worker who reads a child's version aloud says so by its button."""
    told = entity(tracker, "audience")
    return audience_of(tracker) is Audience.CHILD and (told is None or bool(entity(tracker, "own")))


def works_with_children(tracker: Any) -> bool:
    """Whether they said so, or write of a child as of somebody else."""
    known = entity(tracker, "audience") or tracker.get_slot("audience")
    return known == "worker" or writes_for_a_child(_words(tracker))


def taken_for_a_child(tracker: Any) -> bool:
    """Whether only the way of speaking says that a child writes, so that it may be wrong."""
    known = entity(tracker, "audience") or tracker.get_slot("audience")
    words = _words(tracker)
    if known is not None or says_to_be_a_child(words):
        return False
    sounds_so = entity(tracker, "writer") == "child" and not writes_for_a_child(words)
    return sounds_so or speaks_as_a_child(words, language_of(tracker))


def _words(tracker: Any) -> str:
    return str(tracker.latest_message.get("text") or "")
