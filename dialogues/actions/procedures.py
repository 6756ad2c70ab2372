"""Answering from the reviewed procedures, and never from anything else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from babel import Locale
from babel.dates import format_date
from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from dialogues.actions.officer import call_officer
from dialogues.actions.ports import Services
from dialogues.actions.reading import button, country_of, entity, language_of, number_to_call
from dialogues.knowledge import Audience, Procedure, Procedures
from dialogues.knowledge.model import INTERNATIONAL
from dialogues.runtime.payload import payload
from dialogues.runtime.responses import Translate

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


def procedure_actions(
    procedures: Procedures,
    services: Services,
    translate: Translate,
    today: Callable[[], date],
    default_country: str | None,
) -> list[Action]:
    shelf = Shelf(procedures, today, default_country)
    parts = (shelf, services, translate, default_country)
    return [AnswerProcedure(*parts), ProcedureSteps(*parts), ProcedureWhy(*parts)]


class Shelf:
    """The texts that may be shown to this person today."""

    def __init__(self, procedures: Procedures, today: Callable[[], date], default_country: str | None) -> None:
        self._procedures = procedures
        self._today = today
        self._default_country = default_country

    def find(self, key: str, tracker: Any) -> Procedure | None:
        country = country_of(tracker, self._default_country)
        return self._procedures.get(key, language_of(tracker), self._today(), country, audience=audience_of(tracker))

    def search(self, words: str, tracker: Any, limit: int) -> list[Procedure]:
        return self._procedures.search(
            words,
            language_of(tracker),
            limit,
            on=self._today(),
            country=country_of(tracker, self._default_country),
            audience=audience_of(tracker),
        )

    def menu(self, tracker: Any) -> list[Procedure]:
        return [text for text in (self.find(key, tracker) for key in MENU) if text is not None]


def audience_of(tracker: Any) -> Audience:
    return Audience.CHILD if tracker.get_slot("audience") == "child" else Audience.WORKER


class ProcedureAction(Action):  # type: ignore[misc]
    """An action that shows a procedure, or says that there is none and calls a person."""

    def __init__(self, shelf: Shelf, services: Services, translate: Translate, default_country: str | None) -> None:
        self._shelf = shelf
        self._services = services
        self._translate = translate
        self._default_country = default_country

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        key = self.wanted(tracker)
        text = self._shelf.find(key, tracker) if key else None
        if text is not None:
            number = await number_to_call(self._services, tracker, self._default_country)
            self.show(dispatcher, text.filled({"emergency_number": number}), language_of(tracker))
            return [SlotSet("last_procedure", text.key), SlotSet("misunderstood", None)]
        if key is None:
            return self.ask_which(dispatcher, tracker)
        number = await number_to_call(self._services, tracker, self._default_country)
        dispatcher.utter_message(response="utter_no_procedure", emergency_number=number)
        call_officer(dispatcher, "no_answer", "P2")
        return []

    def wanted(self, tracker: Any) -> str | None:
        """The key the message names, else the procedure that was shown last."""
        named = entity(tracker, "procedure") or tracker.get_slot("last_procedure")
        return str(named) if named else None

    def show(self, dispatcher: Any, text: Procedure, language: str) -> None:
        raise NotImplementedError

    def ask_which(self, dispatcher: Any, tracker: Any) -> list[dict[str, Any]]:
        """Offer what the words may mean; the usual subjects, where they mean nothing."""
        words = str(tracker.latest_message.get("text") or "")
        likely = [] if words.startswith("/") else self._shelf.search(words, tracker, 3)
        language = language_of(tracker)
        buttons = [choose_button(text) for text in likely or self._shelf.menu(tracker)]
        buttons.append(person_button(self._translate, language))
        dispatcher.utter_message(response="utter_did_you_mean" if likely else "utter_choose_procedure", buttons=buttons)
        return [] if likely else [SlotSet("audience", "worker")]


class AnswerProcedure(ProcedureAction):
    """What to do now, what never to do, where it comes from; then all the steps."""

    def name(self) -> str:
        return "action_answer_procedure"

    def wanted(self, tracker: Any) -> str | None:
        named = entity(tracker, "procedure")
        return str(named) if named else None

    def show(self, dispatcher: Any, text: Procedure, language: str) -> None:
        parts = [text.first_answer, f"✋ {text.never}"]
        if text.audience is not Audience.CHILD:
            # A child gets neither: a locked phone shows the beginning, and the law is of no help tonight.
            parts = [text.title, *parts, source_line(text, language, self._translate)]
        dispatcher.utter_message(text="\n\n".join(parts))
        dispatcher.utter_message(
            text=numbered(self._translate(language, "The steps"), text.steps),
            buttons=[
                why_button(text, self._translate, language),
                person_button(self._translate, language),
            ],
        )


class ProcedureSteps(ProcedureAction):
    """The steps alone, to read them again."""

    def name(self) -> str:
        return "action_procedure_steps"

    def show(self, dispatcher: Any, text: Procedure, language: str) -> None:
        dispatcher.utter_message(
            text="\n\n".join(
                (numbered(text.title, text.steps), f"✋ {text.never}", source_line(text, language, self._translate))
            ),
            buttons=[
                why_button(text, self._translate, language),
                person_button(self._translate, language),
            ],
        )


class ProcedureWhy(ProcedureAction):
    """The reasons, the limits, whom to call, and every source that was checked."""

    def name(self) -> str:
        return "action_procedure_why"

    def show(self, dispatcher: Any, text: Procedure, language: str) -> None:
        translate = self._translate
        parts = [f"{text.title}\n{text.why}"]
        for heading, lines in (
            (translate(language, "Time limits"), text.time_limits),
            (translate(language, "Papers"), text.documents),
            (translate(language, "Whom to call"), text.contacts),
            (translate(language, "Call a duty officer at once if"), text.red_flags),
            (translate(language, "This changes from country to country"), (text.varies,) if text.varies else ()),
            (translate(language, "Sources"), tuple(source.citation() for source in text.shown_sources())),
        ):
            if lines:
                parts.append(listed(heading, lines))
        parts.append(validity(text, language, translate))
        buttons = [
            button(translate(language, "Steps"), payload("procedure_steps", procedure=text.key)),
            person_button(translate, language),
        ]
        dispatcher.utter_message(text="\n\n".join(parts), buttons=buttons)


def numbered(heading: str, lines: tuple[str, ...]) -> str:
    return "\n".join([heading, *(f"{number}. {line}" for number, line in enumerate(lines, 1))])


def listed(heading: str, lines: tuple[str, ...]) -> str:
    return "\n".join([heading, *(f"• {line}" for line in lines)])


def source_line(text: Procedure, language: str, translate: Translate) -> str:
    """The first source, how many more there are, where the text applies and from when."""
    citations = [source.citation() for source in text.shown_sources()]
    if not citations:
        return validity(text, language, translate)
    first = translate(language, "Source: {citation}.").format(citation=citations[0])
    if len(citations) > 1:
        more = "; ".join(source.code for source in text.shown_sources()[1:])
        first = translate(language, "Source: {citation}; also {codes}.").format(citation=citations[0], codes=more)
    return f"{first}\n{validity(text, language, translate)}"


def validity(text: Procedure, language: str, translate: Translate) -> str:
    """Where the text applies, from when, and when it is looked at again."""
    dates = {
        "since": format_date(text.valid_from, format="long", locale=language),
        "review": format_date(text.review_due, format="long", locale=language),
    }
    if text.jurisdiction == INTERNATIONAL:
        said = translate(
            language,
            "International standard; the law of the country may differ. Text of {since}, next review {review}.",
        )
        return said.format(**dates)
    said = translate(language, "Applies in: {country}. Text of {since}, next review {review}.")
    return said.format(country=country_name(text.jurisdiction, language), **dates)


def country_name(code: str, language: str) -> str:
    """The name of a country (ISO 3166-1 alpha-2) as the language has it."""
    return str(Locale.parse(language).territories.get(code, code))


def choose_button(text: Procedure) -> dict[str, str]:
    return button(text.title, payload("procedure", procedure=text.key))


def why_button(text: Procedure, translate: Translate, language: str) -> dict[str, str]:
    return button(translate(language, "Why and source"), payload("procedure_why", procedure=text.key))


def person_button(translate: Translate, language: str) -> dict[str, str]:
    return button(translate(language, "Talk to a person"), payload("ask_human"))
