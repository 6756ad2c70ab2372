"""Answering from the reviewed procedures, and never from anything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from dialogues.actions.answer import (
    answer,
    by_jurisdiction,
    choose_button,
    cited,
    elsewhere,
    listed,
    numbered,
    own_age_button,
    person_button,
    said_of,
    source_line,
    validity,
    where_button,
    why_button,
    worker_button,
)
from dialogues.actions.calling import asked_whether_safe, call_officer
from dialogues.actions.journey import Journey, whom_to_ask
from dialogues.actions.ports import FoundService, Services
from dialogues.actions.progress import done_steps
from dialogues.actions.reading import (
    button,
    country_asked_about,
    entity,
    language_of,
    number_to_call,
    place_of,
)
from dialogues.actions.voice import says_to_be_a_child, speaks_as_a_child, writes_for_a_child
from dialogues.actions.whereabouts import PLACE_SLOTS, way_of, whereabouts
from dialogues.knowledge import Audience, Procedure, Procedures
from dialogues.knowledge.countries import Way, country_name
from dialogues.knowledge.model import COLON, INTERNATIONAL, ORIGINAL_LANGUAGE, Source
from dialogues.knowledge.overlays import REGIONS, is_jurisdiction
from dialogues.runtime.payload import payload
from dialogues.runtime.responses import Translate
from dialogues.understanding.model import WORTH_ASKING

MOST_CONTACTS = 4
MOST_LIKE = 4
MOST_OTHERS = 2

#: Of 160 questions nobody trained on, none that was taken for another subject was taken so with more than .61.
CERTAIN = 0.65

#: What a worker needs to read after each danger; after the others, how to begin with any child.
IN_DANGER = {
    "suicide_self_harm": "self_harm",
    "sexual_abuse": "sexual_violence",
    "physical_abuse": "abuse_report",
    "trafficking": "trafficking_indicators",
    "labour_exploitation": "child_labour",
    "missing_child": "missing_child",
    "non_parent_adult": "adult_with_child",
    "removal_imminent": "border_nonrefoulement",
    "detention": "detention_alternatives",
    "child_marriage": "child_marriage",
    "fgm_harmful": "abuse_report",
    "online_sexual": "online_exploitation",
    "armed_recruitment": "armed_group",
    "staff_misconduct": "staff_misconduct",
    "homeless_tonight": "emergency_care",
}

#: Why there was no answer, as a button carries it: Telegram gives a button 64 bytes.
SHORT = {"no_text": "no", "out_of_date": "old", "not_understood": "what"}

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
    return [
        AnswerProcedure(*parts),
        ProcedureContacts(*parts),
        ProcedureSteps(*parts),
        ProcedureLike(*parts),
        ProcedureNow(*parts),
        ProcedureWhere(*parts),
        ProcedureWhy(*parts),
        TellMe(*parts),
        TellNothing(),
    ]


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


def _is_the_child(tracker: Any) -> bool:
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


def ask_whether(
    dispatcher: Any, tracker: Any, likely: Sequence[Procedure], translate: Translate
) -> list[dict[str, Any]]:
    """Ask which of these was meant. Returns what is to be remembered: a tap no longer tells who speaks."""
    language, guessed = language_of(tracker), taken_for_a_child(tracker)
    buttons = [choose_button(text) for text in likely]
    if guessed:
        buttons.append(button(translate(language, "I work with children"), payload("procedure")))
    buttons.append(button(translate(language, "None of these"), payload("none_of_these")))
    buttons.append(person_button(translate, language))
    dispatcher.utter_message(response="utter_did_you_mean", buttons=buttons)
    return [SlotSet("audience", "child")] if guessed else []


def _words(tracker: Any) -> str:
    return str(tracker.latest_message.get("text") or "")


class ProcedureAction(Action):  # type: ignore[misc]
    """An action that shows a procedure, or says that there is none and calls a person."""

    def __init__(self, shelf: Shelf, services: Services, translate: Translate, default_country: str | None) -> None:
        self._shelf = shelf
        self._services = services
        self._translate = translate
        self._default_country = default_country

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        key = self.wanted(tracker)
        if key is None:
            return self.ask_which(dispatcher, tracker)
        number = await number_to_call(self._services, tracker, self._default_country)
        text = self._shelf.find(key, tracker)
        if text is None:
            return self.refuse(dispatcher, tracker, key, number)
        events = await self.show(dispatcher, text.filled({"emergency_number": number}), tracker)
        if text.audience is Audience.CHILD and _is_the_child(tracker):
            events = [*events, SlotSet("audience", "child")]
        elif entity(tracker, "audience") == "worker":
            events = [*events, SlotSet("audience", "worker")]
        return [SlotSet("last_procedure", text.key), SlotSet("misunderstood", None), *events]

    def wanted(self, tracker: Any) -> str | None:
        """The key the message names, else the procedure that was shown last."""
        named = entity(tracker, "procedure") or tracker.get_slot("last_procedure")
        return str(named) if named else None

    async def show(self, dispatcher: Any, text: Procedure, tracker: Any) -> list[dict[str, Any]]:
        """Say it. Returns what is to be remembered."""
        raise NotImplementedError

    def refuse(self, dispatcher: Any, tracker: Any, key: str, number: str) -> list[dict[str, Any]]:
        """No source in force, no answer: a person instead, and a line in the gap register."""
        once, child = self._shelf.was_in_force(key, tracker), _is_the_child(tracker)
        response = "utter_procedure_out_of_date" if once else "utter_no_procedure"
        dispatcher.utter_message(response="utter_no_answer_for_a_child" if child else response, emergency_number=number)
        call_officer(dispatcher, "no_answer", "P2")
        why = "out_of_date" if once else "no_text"
        noted = note_gap(dispatcher, tracker, key, why, self._default_country)
        if noted:
            offer_to_tell(dispatcher, key, why, language_of(tracker), self._translate)
        # Whoever agrees to be told taps a button, and a tap no longer tells who speaks.
        return [*noted, SlotSet("audience", "child")] if child else noted

    def ask_which(self, dispatcher: Any, tracker: Any) -> list[dict[str, Any]]:
        """Offer what the words may mean; the usual subjects, where they mean nothing."""
        words = str(tracker.latest_message.get("text") or "")
        likely = [] if words.startswith("/") else self._shelf.search(words, tracker, 3)
        if likely:
            return ask_whether(dispatcher, tracker, likely, self._translate)
        return self.offer_usual(dispatcher, tracker)

    def offer_usual(self, dispatcher: Any, tracker: Any) -> list[dict[str, Any]]:
        """The subjects that are asked about most."""
        buttons = [choose_button(text) for text in self._shelf.menu(tracker)]
        buttons.append(person_button(self._translate, language_of(tracker)))
        dispatcher.utter_message(response="utter_choose_procedure", buttons=buttons)
        return [SlotSet("audience", "worker")]


class AnswerProcedure(ProcedureAction):
    """What to do now, what never to do, where it comes from; then all the steps, by when, and whom to call."""

    def name(self) -> str:
        return "action_answer_procedure"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        named = entity(tracker, "country")
        if named in REGIONS:  # whose rules are asked for; it says of no country that somebody is there
            told: dict[str, Any] = {"about_country": str(named)}
        elif is_jurisdiction(str(named or "")):  # by a button of ours
            told = {**dict.fromkeys(PLACE_SLOTS), "country": str(named), "about_country": None}
        else:
            told = await whereabouts(self._services, tracker, self._default_country)
        tracker.slots.update(told)  # what they say of where holds for this answer already
        return [*(SlotSet(*slot) for slot in told.items()), *await super().run(dispatcher, tracker, domain)]

    def wanted(self, tracker: Any) -> str | None:
        named = entity(tracker, "procedure")
        return str(named) if named else None

    async def show(self, dispatcher: Any, text: Procedure, tracker: Any) -> list[dict[str, Any]]:
        language, translate = language_of(tracker), self._translate
        of_worker = text.audience is not Audience.CHILD
        way = await way_of(self._services, tracker) if of_worker else Way()
        # A journey tells of each country itself; what is said of one of them alone would contradict it.
        here = self._shelf.here(text, tracker, translate) if of_worker and not way.is_journey else ""
        childs = of_worker and self._shelf.has_childs_version(text, language)
        otherwise = [choose_button(other) for other in self._shelf.meant_otherwise(text, tracker)]
        if of_worker and not way.is_journey and self._shelf.may_differ_where_they_are(text, tracker):
            otherwise.append(where_button(text, translate, language))
        if taken_for_a_child(tracker) or entity(tracker, "own"):
            otherwise.append(worker_button(text, translate, language))
        if childs and not works_with_children(tracker):
            otherwise.append(own_age_button(text, translate, language))
            childs = False  # one way to the child's version is enough: this one is remembered
        for said in answer(text, language, translate, here=here, childs_version=childs, otherwise=otherwise):
            dispatcher.utter_message(text=said.text, buttons=list(said.buttons))
        if way.is_journey:
            dispatcher.utter_message(text=self._shelf.journey(text, way, tracker, translate))
        return asked_whether_safe(tracker) if text.asks_safety else []


class ProcedureWhere(ProcedureAction):
    """Ask a worker which country they are in: the rules of some are known, any other can be written."""

    def name(self) -> str:
        return "action_procedure_where"

    async def show(self, dispatcher: Any, text: Procedure, tracker: Any) -> list[dict[str, Any]]:
        language = language_of(tracker)
        buttons = [
            button(country_name(code, language), payload("procedure", procedure=text.key, country=code))
            for code in self._shelf.countries_with_rules(text.key, language)
        ]
        asked = self._translate(
            language,
            "Which country are you in? Choose it, or write your question again with the name of the country.",
        )
        dispatcher.utter_message(text=asked, buttons=buttons)
        return []


class ProcedureNow(AnswerProcedure):
    """What to do about the danger that was heard, for somebody who reports it."""

    def name(self) -> str:
        return "action_procedure_now"

    def wanted(self, tracker: Any) -> str | None:
        if named := entity(tracker, "procedure"):  # after a report: what was read before it, else what holds for all
            return str(tracker.get_slot("last_procedure") or named)
        return IN_DANGER.get(str(tracker.get_slot("danger_reason")), "first_contact")


class ProcedureSteps(ProcedureAction):
    """The steps alone, to read them again, with a mark at those that were done."""

    def name(self) -> str:
        return "action_procedure_steps"

    async def show(self, dispatcher: Any, text: Procedure, tracker: Any) -> list[dict[str, Any]]:
        language, translate = language_of(tracker), self._translate
        done = done_steps(text, tracker)
        steps = tuple(f"{step} ✓" if number in done else step for number, step in enumerate(text.steps, 1))
        dispatcher.utter_message(
            text="\n\n".join((numbered(text.title, steps), f"✋ {text.never}", source_line(text, language, translate))),
            buttons=[
                button(translate(language, "Step by step"), payload("procedure_step", procedure=text.key)),
                why_button(text, translate, language),
                person_button(translate, language),
            ],
        )
        return []


class ProcedureWhy(ProcedureAction):
    """The reasons, the limits, whom to call, and every source that was checked, article by article.

    Or the one `part` of these that was asked for, where the text has it.
    """

    def name(self) -> str:
        return "action_procedure_why"

    async def show(self, dispatcher: Any, text: Procedure, tracker: Any) -> list[dict[str, Any]]:
        language, translate = language_of(tracker), self._translate
        sections = {name: listed(heading, lines) for name, heading, lines in self._sections(text, tracker) if lines}
        asked = sections.get(str(entity(tracker, "part")))
        if asked is None:
            parts = [f"{text.title}\n{text.why}", *sections.values()]
            parts += [] if text.audience is Audience.CHILD else [validity(text, language, translate)]
        elif text.audience is Audience.CHILD:
            parts = [asked]
        else:
            parts = [text.title, asked, source_line(text, language, translate)]
        buttons = [
            button(translate(language, "Steps"), payload("procedure_steps", procedure=text.key)),
            *self._further(text, tracker),
            person_button(translate, language),
        ]
        dispatcher.utter_message(text="\n\n".join(parts), buttons=buttons)
        return []

    def _sections(self, text: Procedure, tracker: Any) -> list[tuple[str, str, tuple[str, ...]]]:
        """What stands behind the text: the part, its heading, its lines. A child reads who wrote it down, and no
        articles."""
        language, translate = language_of(tracker), self._translate
        sources = translate(language, "Sources")
        if text.audience is Audience.CHILD:
            named = (f"{source.document} ({source.organisation})" for source in text.shown_sources())
            return [("sources", sources, tuple(dict.fromkeys(named)))]
        return [
            ("time_limits", translate(language, "Time limits"), text.time_limits),
            ("documents", translate(language, "Papers"), text.documents),
            ("contacts", translate(language, "Whom to call"), text.contacts),
            ("red_flags", translate(language, "Call a duty officer at once if"), text.red_flags),
            (
                "varies",
                translate(language, "This changes from country to country"),
                self._shelf.differences(text, tracker, translate),
            ),
            (
                "sources",
                sources,
                tuple(_article_by_article(source, language, translate) for source in text.shown_sources()),
            ),
        ]

    def _further(self, text: Procedure, tracker: Any) -> list[dict[str, str]]:
        """Texts like it, and a word when it changes. A child is not written to unasked, nor sent on."""
        if text.audience is Audience.CHILD:
            return []
        translate, language = self._translate, language_of(tracker)
        return [
            button(translate(language, "Tell me if it changes"), payload("tell_change", procedure=text.key)),
            button(translate(language, "More like this"), payload("procedure_like", procedure=text.key)),
        ]


class ProcedureLike(ProcedureAction):
    """Other texts that go with this one: those its authors name, then those that are nearest."""

    def name(self) -> str:
        return "action_procedure_like"

    async def show(self, dispatcher: Any, text: Procedure, tracker: Any) -> list[dict[str, Any]]:
        language = language_of(tracker)
        others = self._shelf.like(text, tracker)
        said = [f"{other.title}\n{source_line(other, language, self._translate)}" for other in others]
        heading = self._translate(language, "More like this: {title}").format(title=text.title)
        dispatcher.utter_message(
            text="\n\n".join((heading, *said)),
            buttons=[*(choose_button(other) for other in others), person_button(self._translate, language)],
        )
        return []


class TellMe(ProcedureAction):
    """They want to be written to, once: the host keeps it, sealed, with the mark of what they were given."""

    def name(self) -> str:
        return "action_tell_me"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        told = str(entity(tracker, "why") or "")
        key, why = self.wanted(tracker), next((why for why, short in SHORT.items() if short == told), told)
        if key is None:
            return self.ask_which(dispatcher, tracker)
        changes = tracker.latest_message["intent"]["name"] == "tell_change"
        text = self._shelf.find(key, tracker)
        if changes and text is None:
            number = await number_to_call(self._services, tracker, self._default_country)
            return self.refuse(dispatcher, tracker, key, number)
        dispatcher.utter_message(
            json_message={
                "waymark": "tell",
                "procedure": key,
                "about": "change" if changes else why or "no_text",
                "language": language_of(tracker),
                "country": self._shelf.country(tracker),
                "audience": audience_of(tracker).value,
                "given": text.mark() if changes and text is not None else "",
            }
        )
        dispatcher.utter_message(response="utter_will_tell")
        return []


class TellNothing(Action):  # type: ignore[misc]
    """They do not want to be written to, or no longer."""

    def name(self) -> str:
        return "action_tell_nothing"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        dispatcher.utter_message(json_message={"waymark": "tell"})
        dispatcher.utter_message(response="utter_will_tell_nothing")
        return []


class ProcedureContacts(ProcedureAction):
    """Whom to call, with the numbers the directory has for the place or the country of the person."""

    def name(self) -> str:
        return "action_procedure_contacts"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        key = self.wanted(tracker)
        text = self._shelf.find(key, tracker) if key else None
        if text is None:
            return await super().run(dispatcher, tracker, domain)
        language, translate = language_of(tracker), self._translate
        number = await number_to_call(self._services, tracker, self._default_country)
        parts = [
            translate(language, "Danger now? Call {emergency_number}.").format(emergency_number=number),
            listed(f"{text.title}{COLON[language]}{translate(language, 'Whom to call')}", text.contacts),
        ]
        found = await self._found(text, tracker)
        if found:
            parts.append(
                listed(
                    translate(language, "From the directory"), tuple(_called(service, language) for service in found)
                )
            )
        else:
            parts.append(
                translate(language, "I have no checked number for this where you are. A person can look for one.")
            )
        buttons = [person_button(translate, language)]
        if text.needs:
            nearer = payload("search_service", need=text.needs[0])
            buttons.insert(0, button(translate(language, "Find help near me"), nearer))
        dispatcher.utter_message(text="\n\n".join(parts), buttons=buttons)
        return [SlotSet("last_procedure", text.key), SlotSet("misunderstood", None)]

    async def _found(self, text: Procedure, tracker: Any) -> list[FoundService]:
        """Services near the place for what the text needs, then helplines. A directory that fails has none."""
        language, found = language_of(tracker), list[FoundService]()
        try:
            place = place_of(tracker)
            about = country_asked_about(tracker, self._default_country)
            if place is not None and (not place.country or about in (None, place.country)):
                for need in text.needs:
                    found += await self._services.near(need, place, language=language, limit=2)
            if about:
                found += await self._services.helplines(about, language=language, limit=MOST_CONTACTS)
        except Exception:
            return []
        once = {service.id: service for service in found if service.phone}
        return list(once.values())[:MOST_CONTACTS]


def _article_by_article(source: Source, language: str, translate: Translate) -> str:
    return "\n".join((cited(source, language, translate), *(f"   {about}" for about in source.about)))


def _called(service: FoundService, language: str) -> str:
    """A name that ends with its own number is not said twice."""
    return service.name if service.phone in service.name else f"{service.name}{COLON[language]}{service.phone}"


def note_gap(dispatcher: Any, tracker: Any, key: str, why: str, default_country: str | None) -> list[dict[str, Any]]:
    """Tell the host that a question had no answer. It carries no words and nobody's name, only what was looked for.

    A conversation counts once for each subject. It remembers that itself, so that nobody else need know who asked.
    """
    noted = list(tracker.get_slot("gaps_noted") or ())
    if (subject := f"{why}/{key}") in noted:
        return []
    dispatcher.utter_message(
        json_message={
            "waymark": "gap",
            "procedure": key,
            "why": why,
            "language": language_of(tracker),
            "country": country_asked_about(tracker, default_country) or "",
            "audience": audience_of(tracker).value,
        }
    )
    return [SlotSet("gaps_noted", [*noted, subject])]


def offer_to_tell(dispatcher: Any, key: str, why: str, language: str, translate: Translate) -> None:
    """Ask whether they want to be written to when there is an answer."""
    dispatcher.utter_message(
        response="utter_offer_to_tell",
        buttons=[
            button(translate(language, "Yes, write to me"), payload("tell_answer", procedure=key, why=SHORT[why])),
            button(translate(language, "No"), payload("tell_nothing")),
        ],
    )
