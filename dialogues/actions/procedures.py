"""Answering from the reviewed procedures, and never from anything else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from dialogues.actions.about import may_ask_on, say_about
from dialogues.actions.answer import (
    answer,
    choose_button,
    cited,
    listed,
    numbered,
    numbers_button,
    own_age_button,
    person_button,
    source_line,
    steps_button,
    validity,
    where_button,
    why_button,
    worker_button,
)
from dialogues.actions.answering import Answering
from dialogues.actions.calling import asked_whether_safe, call_officer
from dialogues.actions.gaps import SHORT, note_gap, offer_to_tell
from dialogues.actions.ports import FoundService, Services, Wishes
from dialogues.actions.progress import done_steps
from dialogues.actions.reading import (
    button,
    country_asked_about,
    entity,
    language_of,
    number_to_call,
    place_of,
)
from dialogues.actions.shelf import Shelf, audience_of, is_the_child, taken_for_a_child, works_with_children
from dialogues.actions.whereabouts import PLACE_SLOTS, way_of, whereabouts
from dialogues.context.introducing import says_to_work
from dialogues.knowledge import Audience, Procedure, Procedures
from dialogues.knowledge.countries import Way, country_name
from dialogues.knowledge.dangers import IN_DANGER
from dialogues.knowledge.model import COLON, Source
from dialogues.knowledge.overlays import REGIONS, is_jurisdiction
from dialogues.runtime.payload import payload
from dialogues.runtime.responses import Translate

MOST_CONTACTS = 4


def procedure_actions(
    procedures: Procedures,
    services: Services,
    answering: Answering,
    translate: Translate,
    today: Callable[[], date],
    default_country: str | None,
) -> list[Action]:
    shelf = Shelf(procedures, today, default_country)
    parts = (shelf, services, answering, translate, default_country)
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


async def text_in_sight(
    shelf: Shelf, services: Services, tracker: Any, key: str, default_country: str | None
) -> Procedure | None:
    """The text that was given last, where a message may ask on about it. `key`: what it was taken for, "" for none."""
    text = shelf.find(str(tracker.get_slot("last_procedure")), tracker) if may_ask_on(tracker, key) else None
    if text is None or text.audience is Audience.CHILD:
        return None
    return text.filled({"emergency_number": await number_to_call(services, tracker, default_country)})


class ProcedureAction(Action):  # type: ignore[misc]
    """An action that shows a procedure, or says that there is none and calls a person."""

    def __init__(
        self,
        shelf: Shelf,
        services: Services,
        answering: Answering,
        translate: Translate,
        default_country: str | None,
    ) -> None:
        self._shelf = shelf
        self._services = services
        self._answering = answering
        self._translate = translate
        self._default_country = default_country

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        key = self.wanted(tracker)
        if key is None:
            return self.ask_which(dispatcher, tracker)
        number = await number_to_call(self._services, tracker, self._default_country)
        text = self._shelf.find(key, tracker)
        if text is None:
            return await self.refuse(dispatcher, tracker, key, number)
        events = await self.show(dispatcher, text.filled({"emergency_number": number}), tracker)
        if text.audience is Audience.CHILD and is_the_child(tracker):
            events = [*events, SlotSet("audience", "child")]
        elif entity(tracker, "audience") == "worker" or (
            audience_of(tracker) is Audience.WORKER and _says_to_work(tracker)
        ):
            events = [*events, SlotSet("audience", "worker")]
        return [SlotSet("last_procedure", text.key), SlotSet("misunderstood", None), *events]

    async def hear_where(self, tracker: Any, *, answering: bool = False) -> list[dict[str, Any]]:
        """What the message tells of where they are, or whose rules they ask for; it holds for this answer already."""
        named = entity(tracker, "country")
        if named in REGIONS:  # whose rules are asked for; it says of no country that somebody is there
            told: dict[str, Any] = {"about_country": str(named)}
        elif is_jurisdiction(str(named or "")):  # by a button of ours
            told = {**dict.fromkeys(PLACE_SLOTS), "country": str(named), "about_country": None}
        else:
            told = await whereabouts(self._services, tracker, self._default_country, answering=answering)
        tracker.slots.update(told)
        return [SlotSet(*slot) for slot in told.items()]

    def wanted(self, tracker: Any) -> str | None:
        """The key the message names, else the procedure that was shown last."""
        named = entity(tracker, "procedure") or tracker.get_slot("last_procedure")
        return str(named) if named else None

    async def show(self, dispatcher: Any, text: Procedure, tracker: Any) -> list[dict[str, Any]]:
        """Say it. Returns what is to be remembered."""
        raise NotImplementedError

    async def refuse(self, dispatcher: Any, tracker: Any, key: str, number: str) -> list[dict[str, Any]]:
        """No source in force, no answer: a person instead, and a line in the gap register."""
        once, child = self._shelf.was_in_force(key, tracker), is_the_child(tracker)
        response = "utter_procedure_out_of_date" if once else "utter_no_procedure"
        promised = await self._answering.sentences(language_of(tracker))
        response = "utter_no_answer_for_a_child" if child else response
        dispatcher.utter_message(response=response, emergency_number=number, **promised)
        call_officer(dispatcher, "no_answer", "P2")
        why = "out_of_date" if once else "no_text"
        noted = note_gap(dispatcher, tracker, key, why, self._default_country)
        if noted:
            noted = [*noted, *offer_to_tell(dispatcher, key, why, language_of(tracker), self._translate)]
        # Whoever agrees to be told taps a button, and a tap no longer tells who speaks.
        return [*noted, SlotSet("audience", "child")] if child else noted

    def ask_which(self, dispatcher: Any, tracker: Any) -> list[dict[str, Any]]:
        """Offer what the words may mean; the usual subjects, where they mean nothing."""
        words = str(tracker.latest_message.get("text") or "")
        # Who only says that they work with children asks for nothing in particular yet.
        asks = not words.startswith("/") and entity(tracker, "audience") is None
        likely = self._shelf.search(words, tracker, 3) if asks else []
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
        told = await self.hear_where(tracker)
        said = await self._say_of_the_one_in_sight(dispatcher, tracker)
        return [*told, *(await super().run(dispatcher, tracker, domain) if said is None else said)]

    def wanted(self, tracker: Any) -> str | None:
        named = entity(tracker, "procedure")
        return str(named) if named else None

    async def _say_of_the_one_in_sight(self, dispatcher: Any, tracker: Any) -> list[dict[str, Any]] | None:
        """Who may still ask about the text in sight is not given another one in its place. None: they surely do not."""
        meant = self._shelf.find(key, tracker) if (key := self.wanted(tracker)) else None
        if key is None or meant is None:
            return None
        shown = await text_in_sight(self._shelf, self._services, tracker, key, self._default_country)
        if shown is None:
            return None
        if say_about(dispatcher, tracker, shown, [meant], self._translate):
            return []
        return ask_whether(dispatcher, tracker, [shown, meant], self._translate)

    async def show(self, dispatcher: Any, text: Procedure, tracker: Any) -> list[dict[str, Any]]:
        language, translate = language_of(tracker), self._translate
        of_worker = text.audience is not Audience.CHILD
        way = await way_of(self._services, tracker) if of_worker else Way()
        # A journey tells of each country itself; what is said of one of them alone would contradict it.
        here = self._shelf.here(text, tracker, translate) if of_worker and not way.is_journey else ""
        if here and entity(tracker, "part") == "there":
            self._say_what_differs(dispatcher, text, here, language)
            return []
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

    def _say_what_differs(self, dispatcher: Any, text: Procedure, here: str, language: str) -> None:
        """For whoever has the text before them and asks about a country: the whole of it is two screens of a phone."""
        translate = self._translate
        buttons = [steps_button(text, translate, language), why_button(text, translate, language)]
        if text.contacts:
            buttons.append(numbers_button(text, translate, language))
        dispatcher.utter_message(
            text="\n\n".join((text.title, here, source_line(text, language, translate))),
            buttons=[*buttons, person_button(translate, language)],
        )


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

    async def show(self, dispatcher: Any, text: Procedure, tracker: Any) -> list[dict[str, Any]]:
        shown = await super().show(dispatcher, text, tracker)
        # Who says now that they work with children told of a child before: that one is asked about from here on.
        return [*shown, SlotSet("speaks_for_child", True)] if entity(tracker, "audience") == "worker" else shown


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
        if of := entity(tracker, "of"):
            return self._of_shown_words(dispatcher, tracker, str(of))
        told = str(entity(tracker, "why") or "")
        key, why = self.wanted(tracker), next((why for why, short in SHORT.items() if short == told), told)
        if key is None:
            return self.ask_which(dispatcher, tracker)
        changes = tracker.latest_message["intent"]["name"] == "tell_change"
        text = self._shelf.find(key, tracker)
        if changes and text is None:
            number = await number_to_call(self._services, tracker, self._default_country)
            return await self.refuse(dispatcher, tracker, key, number)
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

    def _of_shown_words(self, dispatcher: Any, tracker: Any, mark: str) -> list[dict[str, Any]]:
        """Of a question that authors were shown is told its mark and its language, and nothing else of its writer."""
        told = {"about": "shown", "given": mark, "language": language_of(tracker)}
        dispatcher.utter_message(json_message={"waymark": "tell", **told})
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
        # Who was asked for the country answers with its name alone.
        told, key = await self.hear_where(tracker, answering=True), self.wanted(tracker)
        text = self._shelf.find(key, tracker) if key else None
        if text is None:
            return [*told, *await super().run(dispatcher, tracker, domain)]
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
        elif place_of(tracker) is None and country_asked_about(tracker, self._default_country) is None:
            parts.append(
                translate(language, "In which country or town? Write its name, and I look for the numbers there.")
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
        return [*told, SlotSet("last_procedure", text.key), SlotSet("misunderstood", None)]

    async def _found(self, text: Procedure, tracker: Any) -> list[FoundService]:
        """Services near the place for what the text needs, then helplines. A directory that fails has none."""
        language, found = language_of(tracker), list[FoundService]()
        try:
            place = place_of(tracker)
            about = country_asked_about(tracker, self._default_country)
            if place is not None and (not place.country or about in (None, place.country)):
                wishes = Wishes(lately_checked=bool(tracker.get_slot("danger_reason")))
                for need in text.needs:
                    found += await self._services.near(need, place, language=language, limit=2, wishes=wishes)
            if about:
                found += await self._services.helplines(about, language=language, limit=MOST_CONTACTS)
        except Exception:
            return []
        once = {service.id: service for service in found if service.phone}
        return list(once.values())[:MOST_CONTACTS]


def _says_to_work(tracker: Any) -> bool:
    """Whether they said what their work is. What they write next is heard as a worker's, in danger too."""
    return says_to_work(str(tracker.latest_message.get("text") or ""))


def _article_by_article(source: Source, language: str, translate: Translate) -> str:
    return "\n".join((cited(source, language, translate), *(f"   {about}" for about in source.about)))


def _called(service: FoundService, language: str) -> str:
    """A name that ends with its own number is not said twice."""
    return service.name if service.phone in service.name else f"{service.name}{COLON[language]}{service.phone}"
