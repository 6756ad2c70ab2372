"""Finding a verified service near a place. Never a dead end: helplines, another town, a person."""

from __future__ import annotations

import logging
from typing import Any

from msgspec.structs import asdict
from rasa_sdk import Action
from rasa_sdk.events import FollowupAction, SlotSet
from rasa_sdk.forms import FormValidationAction

from dialogues.actions.answer import person_button
from dialogues.actions.answering import Answering
from dialogues.actions.calling import call_officer
from dialogues.actions.narrowing import Narrowing, narrowing_in
from dialogues.actions.ports import FoundPlace, FoundService, Services, Wishes
from dialogues.actions.reading import button, country_of, entity, language_of, number_to_call, with_commas
from dialogues.actions.results import card, in_sight, remembered
from dialogues.actions.whereabouts import PLACE_SLOTS, country_slots, place_slots, shared_location
from dialogues.actions.wishes import (
    WISHES,
    asked_for,
    gender_in,
    is_wish,
    named,
    need_beside,
    wishes_for,
    worth_wishing,
)
from dialogues.knowledge.countries import country_name, is_country
from dialogues.runtime.payload import payload
from dialogues.runtime.responses import Translate
from directory.model import NEEDS

log = logging.getLogger(__name__)

#: After this many names nobody knows, numbers to call are worth more than asking again.
TRIES = 2
SHOWN = 3
MOST_CHOICES = 4
#: Stands in the slot `place` when no place could be found, so that the search goes on without one.
NOWHERE = "?"
LONGEST_LABEL = 30
#: For whom a service is, as the answer says it. The values are msgids.
FOR = {"girls": "for a girl", "boys": "for a boy"}


def service_actions(
    services: Services, answering: Answering, translate: Translate, default_country: str | None
) -> list[Action]:
    return [
        ValidateServiceForm(services, default_country),
        AskPlace(translate),
        FindService(services, answering, translate, default_country),
        UseLocation(services),
        ForgetPlace(),
    ]


class ValidateServiceForm(FormValidationAction):  # type: ignore[misc]
    """Believes a place only when it is on the map, and only one of that name."""

    def __init__(self, services: Services, default_country: str | None) -> None:
        self._services = services
        self._default_country = default_country

    def name(self) -> str:
        return "validate_service_form"

    def validate_need(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        """The need, with whatever else the same words wish for. A need named anew begins with no wishes. Nobody knows
        the need of a forged tap: it is asked for."""
        if str(value) not in NEEDS:
            return {"need": None}
        if tracker.latest_message.get("intent", {}).get("name") == "narrow":
            return {"need": str(value)}
        words = str(tracker.latest_message.get("text") or "")
        gender, need = gender_in(words), need_beside(str(value), words)
        return {"need": need, "wishes": wishes_for(need, words), **({"gender": gender} if gender else {})}

    async def validate_place(self, value: Any, dispatcher: Any, tracker: Any, domain: Any) -> dict[str, Any]:
        words = str(value or "").strip()
        if words and words == tracker.get_slot("place_resolved"):
            return {"place": words}
        chosen = _chosen(words, tracker.get_slot("place_options") or [])
        if chosen is not None:
            return place_slots(chosen, chosen.name)
        if whole := is_country(words):
            return country_slots(whole, country_name(whole, language_of(tracker)))
        if (said := narrowing_in(words)) is not None:  # "she is 7" tells for whom, and names no town
            told = {"gender": said.gender, "age": said.age}
            wishes = list(dict.fromkeys([*(tracker.get_slot("wishes") or ()), *said.wishes]))
            return {"place": None, "wishes": wishes, **{name: value for name, value in told.items() if value}}
        try:
            country = country_of(tracker, self._default_country)
            places = await self._services.resolve_place(words, country=country, language=language_of(tracker))
        except Exception:
            places = []
        if len(places) == 1:
            label = words if len(words) <= LONGEST_LABEL else places[0].name
            return place_slots(places[0], label)
        if places:
            options = [asdict(place) for place in places[:MOST_CHOICES]]
            return {"place": None, "place_options": options, "place_tries": None}
        tries = int(tracker.get_slot("place_tries") or 0) + 1
        if tries >= TRIES:
            return {**dict.fromkeys(PLACE_SLOTS), "place": NOWHERE}
        return {"place": None, "place_options": None, "place_tries": tries}


class AskPlace(Action):  # type: ignore[misc]
    """Ask where: openly, again after a name nobody knows, or which of several places of that name."""

    def __init__(self, translate: Translate) -> None:
        self._translate = translate

    def name(self) -> str:
        return "action_ask_place"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        language = language_of(tracker)
        buttons = [
            button(self._named(option, language), payload("inform", place=f"#{number}"))
            for number, option in enumerate(tracker.get_slot("place_options") or (), 1)
        ]
        response = "utter_ask_place"
        if buttons:
            response = "utter_which_place"
        elif tracker.get_slot("place_tries"):
            response = "utter_place_unknown"
        dispatcher.utter_message(response=response, buttons=[*buttons, person_button(self._translate, language)])
        return []

    def _named(self, option: dict[str, Any], language: str) -> str:
        """With its country; of two of one name in one country, with a town it is near."""
        place, country = option["name"], country_name(option["country"], language)
        if town := option.get("near"):
            near = self._translate(language, "{place}, near {town}, {country}")
            return near.format(place=place, town=town, country=country)
        return f"{place}, {country}"


def _chosen(words: str, options: list[dict[str, Any]]) -> FoundPlace | None:
    """The place meant by a tapped choice (`#2`), a typed number (`2`), or its country."""
    number, country = words.removeprefix("#").strip(), is_country(words) or words.upper()
    for place_number, option in enumerate(options, 1):
        if number == str(place_number) or country == str(option["country"]):
            return FoundPlace(**option)
    return None


class UseLocation(Action):  # type: ignore[misc]
    """A location shared from the phone says where."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def name(self) -> str:
        return "action_use_location"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        here = await shared_location(self._services, tracker)
        return [SlotSet(name, value) for name, value in here.items()]


class ForgetPlace(Action):  # type: ignore[misc]
    """Look somewhere else."""

    def name(self) -> str:
        return "action_forget_place"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        need = entity(tracker, "need")
        forgotten = [SlotSet(name, None) for name in PLACE_SLOTS]
        return [*forgotten, SlotSet("need", str(need))] if need else forgotten


class FindService(Action):  # type: ignore[misc]
    """Up to three services, each a message of its own; helplines where there are none; always a way on."""

    def __init__(
        self, services: Services, answering: Answering, translate: Translate, default_country: str | None
    ) -> None:
        self._services = services
        self._answering = answering
        self._translate = translate
        self._default_country = default_country

    def name(self) -> str:
        return "action_find_service"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        need = str(tracker.get_slot("need") or "")
        if need and need not in NEEDS:  # of a forged tap in the middle of the search, where nobody validates it
            return [SlotSet("need", None), FollowupAction("service_form")]
        shown: list[FoundService] = []
        try:
            shown = await self._show(dispatcher, tracker, need)
        except Exception:  # whatever the directory does, the person is not left alone with it
            log.exception("the directory could not be asked")
            number = await number_to_call(self._services, tracker, self._default_country)
            dispatcher.messages.clear()
            promised = await self._answering.sentences(language_of(tracker))
            dispatcher.utter_message(response="utter_directory_silent", emergency_number=number, **promised)
            call_officer(dispatcher, "no_answer", "P1")
        lost = tracker.get_slot("place") == NOWHERE
        return [
            SlotSet("need", None),
            SlotSet("need_shown", need or None),
            SlotSet("misunderstood", None),
            *remembered(tracker, shown),
            in_sight(shown),
            *([SlotSet("place", None)] if lost else []),
        ]

    async def _show(self, dispatcher: Any, tracker: Any, need: str) -> list[FoundService]:
        language = language_of(tracker)
        place = self._place(tracker)
        found: list[FoundService] = []
        if place is not None or self._country(tracker):
            found = await self._near(dispatcher, tracker, need, place)
        end = "utter_service_end"
        if not found:
            end = "utter_helplines_end"
            found = await self._helplines(dispatcher, tracker, place)
        for service in found[:SHOWN]:
            dispatcher.utter_message(**card(service, tracker=tracker, translate=self._translate))
        dispatcher.utter_message(response=end, buttons=self._ways_on(tracker, need, found, language))
        return found[:SHOWN]

    async def _near(self, dispatcher: Any, tracker: Any, need: str, place: FoundPlace | None) -> list[FoundService]:
        """What is near (or in the country, where no town was named) and as wished; what is there, where nothing is
        known to be as wished. Nothing where only helplines are: they are no place to go to."""
        language, age = language_of(tracker), tracker.get_slot("age")
        wishes = [wish for wish in tracker.get_slot("wishes") or () if is_wish(wish)]
        known = {
            "age": int(age) if str(age).isdigit() else None,
            "gender": tracker.get_slot("gender"),
            "lately_checked": bool(tracker.get_slot("danger_reason")),
        }

        async def search(wished: list[str]) -> list[FoundService]:
            asked = Wishes(**known, **asked_for(wished, language))
            if place is None:
                country = self._country(tracker)
                return await self._services.in_country(need, country, language=language, limit=SHOWN, wishes=asked)
            return await self._services.near(need, place, language=language, limit=SHOWN, wishes=asked)

        found = await search(wishes)
        response = "utter_services_wished" if self._told(tracker, wishes) else "utter_services_found"
        if wishes and not any(need in service.needs for service in found):
            found, response = await search([]), "utter_wishes_unmet"
        if need and not any(need in service.needs for service in found):
            return []
        if place is None and response == "utter_services_found":
            response = "utter_services_in_country"
        if found:
            unmet = response == "utter_wishes_unmet"  # whom it is for still holds
            told = named(wishes, language, self._translate) if unmet else self._told(tracker, wishes)
            dispatcher.utter_message(response=response, place=tracker.get_slot("place"), wishes=told)
        return found

    def _told(self, tracker: Any, wishes: list[str]) -> str:
        """What was looked for, in words: of whom it is for only where they have just said it."""
        language, age = language_of(tracker), tracker.get_slot("age")
        now = narrowing_in(str(tracker.latest_message.get("text") or "")) or Narrowing()
        said = [
            *([self._translate(language, "for somebody aged {age}").format(age=age)] if now.age is not None else []),
            *([self._translate(language, FOR[now.gender])] if now.gender is not None else []),
            *(wish for wish in [named(wishes, language, self._translate)] if wish),
        ]
        return with_commas(", ".join(said), language)

    def _ways_on(self, tracker: Any, need: str, found: list[FoundService], language: str) -> list[dict[str, str]]:
        """Narrower, elsewhere, or a person."""
        near = [service for service in found if need in service.needs]
        wishes = worth_wishing(near, tracker.get_slot("wishes") or (), language) if near else []
        return [
            *(
                button(self._translate(language, WISHES[wish][1]), payload("narrow", need=need, wish=wish))
                for wish in wishes
            ),
            button(self._translate(language, "Another town"), payload("another_place", need=need)),
            person_button(self._translate, language),
        ]

    def _place(self, tracker: Any) -> FoundPlace | None:
        latitude, longitude = tracker.get_slot("place_lat"), tracker.get_slot("place_lon")
        if latitude is None or longitude is None or tracker.get_slot("place") == NOWHERE:
            return None
        country = str(tracker.get_slot("place_country") or "")
        return FoundPlace(str(tracker.get_slot("place")), country, float(latitude), float(longitude))

    def _country(self, tracker: Any) -> str:
        """The country that is searched as a whole, "" where a town was named, or nothing on the map."""
        if tracker.get_slot("place_lat") is not None or tracker.get_slot("place") in (None, NOWHERE):
            return ""
        return str(tracker.get_slot("place_country") or "")

    async def _helplines(self, dispatcher: Any, tracker: Any, place: FoundPlace | None) -> list[FoundService]:
        country = country_of(tracker, self._default_country)
        found = await self._services.helplines(country, language=language_of(tracker), limit=SHOWN)
        if not found:
            number = await number_to_call(self._services, tracker, self._default_country)
            dispatcher.utter_message(response="utter_no_number_known", emergency_number=number)
        else:
            where = place.name if place else str(tracker.get_slot("place")) if self._country(tracker) else ""
            dispatcher.utter_message(response="utter_no_service_near" if where else "utter_helplines_only", place=where)
        return found
