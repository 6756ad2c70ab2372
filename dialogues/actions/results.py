"""One service as a person sees it, and what can be done with it: shown the way to, passed on, told to be wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from babel.dates import format_timedelta
from babel.numbers import format_decimal
from rasa_sdk import Action
from rasa_sdk.events import SlotSet

from dialogues.actions.answer import person_button
from dialogues.actions.narrowing import Narrowing, narrowing_in
from dialogues.actions.ports import FoundService, Services
from dialogues.actions.reading import button, entity, language_of, with_commas
from dialogues.actions.shelf import audience_of
from dialogues.actions.wishes import is_wish
from dialogues.knowledge.model import Audience
from dialogues.runtime.payload import payload
from dialogues.runtime.responses import Translate

#: So many services are remembered as shown: buttons of older ones ask to look again.
REMEMBERED = 12
#: Some channels give a payload 64 bytes, so a button names a service by the beginning of its id.
NAMED_BY = 8

#: What can have been wrong, as the directory calls it, with its button.
WRONG = {
    "closed": "It was closed",
    "refused_me": "They sent me away",
    "wrong_number": "The number is wrong",
}

#: The languages in which a service can be passed on, each called as its own readers call it.
PASSED_ON_IN = {"en": "English", "fr": "Français", "es": "Español", "ar": "العربية"}


def result_actions(services: Services, translate: Translate) -> list[Action]:
    return [
        Narrow(),
        ShowWay(services, translate),
        PassOn(services, translate),
        ServiceWrong(services, translate),
    ]


def remembered(tracker: Any, found: list[FoundService]) -> list[dict[str, Any]]:
    """The slots with what was shown, the latest last, and at which of its places."""
    new = [service.id for service in found]
    before = [shown for shown in tracker.get_slot("services_shown") or () if shown not in new]
    shown = [*before, *new][-REMEMBERED:]
    places = {**(tracker.get_slot("places_shown") or {}), **{service.id: service.place_id for service in found}}
    meant = {service_id: place for service_id, place in places.items() if place and service_id in shown}
    return [SlotSet("services_shown", shown), SlotSet("places_shown", meant or None)]


def place_shown(tracker: Any, service_id: str) -> str:
    """The place of the service that was meant when it was shown; empty where it has no other."""
    return str((tracker.get_slot("places_shown") or {}).get(service_id, ""))


def in_sight(found: Sequence[FoundService]) -> dict[str, Any]:
    """The slot with what is spoken of now: "it was closed" is said of one of these."""
    return SlotSet("results_in_sight", [service.id for service in found])  # type: ignore[no-any-return]


def shown_before(tracker: Any) -> str | None:
    """The id of the service that a tapped button means, if it was shown to this person lately."""
    meant = str(entity(tracker, "service") or "")
    if not meant:
        return None
    return next((shown for shown in tracker.get_slot("services_shown") or () if shown.startswith(meant)), None)


#: However long ago, it is said in days.
MOST_DAYS = 1e6
#: A check that is older says nothing of today any more: the number of days would only frighten.
LATELY = 365

# --- what it says -------------------------------------------------------------------------------------------------


def card(service: FoundService, *, tracker: Any, translate: Translate) -> dict[str, Any]:
    """The text and the buttons of one result. Its name comes after the first line: a locked phone shows the beginning.

    The same for everybody, whoever helps somebody else can pass it on as well.
    """
    language = language_of(tracker)
    short = service.id[:NAMED_BY]
    lines = [" ".join(_state(service, language, translate)), *_said(service, language, translate)]
    buttons = []
    if way := _way(service, language, translate):
        buttons.append(way)
    if is_on_the_map(service):
        buttons.append(button(translate(language, "Show the way"), payload("show_way", service=short)))
    if audience_of(tracker) is Audience.WORKER:
        buttons.append(button(translate(language, "Send to a person I help"), payload("pass_on", service=short)))
        buttons.append(button(translate(language, "Refer somebody there"), payload("report_case", service=short)))
    buttons.append(button(translate(language, "This was wrong"), payload("service_wrong", service=short)))
    return {"text": "\n".join(line for line in lines if line), "buttons": buttons}


def _said(service: FoundService, language: str, translate: Translate) -> list[str]:
    """Name, what it is, why it suits, what to bring, where, and the number."""
    bring = with_commas(", ".join(service.documents), language)
    return [
        service.name,
        service.summary,
        " · ".join(service.why),
        translate(language, "Bring, if you have it: {documents}").format(documents=bring) if bring else "",
        "" if service.confidential else service.address,
        *_contacts(service, language, translate),
    ]


#: Numbers that are written to are called so everywhere.
_WRITTEN_TO = {"whatsapp": "WhatsApp", "sms": "SMS"}


def _contacts(service: FoundService, language: str, translate: Translate) -> list[str]:
    """The number; where there is none, how else one reaches them."""
    if service.phone and service.phone_kind in _WRITTEN_TO:
        return [f"{_WRITTEN_TO[service.phone_kind]}: {service.phone}"]
    if service.phone:
        return [translate(language, "Phone: {number}").format(number=service.phone)]
    website = translate(language, "Website: {address}").format(address=service.website) if service.website else ""
    return [website, translate(language, "E-mail: {address}").format(address=service.email) if service.email else ""]


def _way(service: FoundService, language: str, translate: Translate) -> dict[str, str] | None:
    """The button by which one reaches them at once."""
    if service.phone_kind == "whatsapp" and service.phone.startswith("+"):
        return button("WhatsApp", url=f"https://wa.me/{dialled(service.phone).removeprefix('+')}")
    if service.phone and service.phone_kind not in _WRITTEN_TO:
        return button(translate(language, "Call"), url=f"tel:{dialled(service.phone)}")
    if service.website and not service.phone:
        return button(translate(language, "Open the website"), url=service.website)
    return None


def passed_on(service: FoundService, language: str, translate: Translate) -> str:
    """A service as somebody else can read it, who asked nothing: without distances, and with a map as an address."""
    checked_on = checked(service.checked_days_ago, language, translate)
    lines = [*_said(service, language, translate), f"{service.hours_today}." if service.hours_today else ""]
    if service.confidential:
        lines.append(translate(language, "Call first. The address is not told here. This is a safe place."))
    if is_on_the_map(service):
        lines.append(map_url(service))
    return "\n".join(line for line in [*lines, checked_on] if line)


def _state(service: FoundService, language: str, translate: Translate) -> list[str]:
    said = [checked(service.checked_days_ago, language, translate)]
    if service.confidential:
        said.append(translate(language, "Call first. The address is not told here. This is a safe place."))
    elif service.distance_m is not None:
        said.append(distance(service.distance_m, language, translate))
    elif service.phone and not service.address:
        said.append(translate(language, "You can call this number from anywhere."))
    if service.open_now is True:
        said.append(translate(language, "Open now."))
    elif service.open_now is False:
        said.append(translate(language, "Closed now."))
    if service.hours_today:
        said.append(f"{service.hours_today}.")
    return [sentence for sentence in said if sentence]


def checked(days: int | None, language: str, translate: Translate) -> str:
    """When somebody last made sure that the service is as it says."""
    if days is None:
        return ""
    if days > LATELY:
        return translate(language, "Not checked lately.")
    if days <= 0:
        return translate(language, "Checked today.")
    if days == 1:
        return translate(language, "Checked yesterday.")
    if days == 2:
        return translate(language, "Checked two days ago.")
    since = format_timedelta(timedelta(days=days), granularity="day", threshold=MOST_DAYS, locale=language)
    return translate(language, "Checked {since} ago.").format(since=since)


def distance(metres: int, language: str, translate: Translate) -> str:
    if metres < 950:
        return translate(language, "About {metres} m from the place you named.").format(
            metres=max(50, round(metres / 50) * 50)
        )
    figure = "0.0" if metres < 10_000 else "0"
    shown = format_decimal(metres / 1000, figure, locale=language, numbering_system="latn")
    return translate(language, "About {kilometres} km from the place you named.").format(kilometres=shown)


def dialled(phone: str) -> str:
    """The number as a phone dials it."""
    return quote("".join(sign for sign in phone if sign.isdigit() or sign in "+*#"), safe="+*")


def is_on_the_map(service: FoundService) -> bool:
    """Whether everybody may be shown where it is."""
    return not service.confidential and service.latitude is not None and service.longitude is not None


def map_url(service: FoundService) -> str:
    """A map that opens in any browser and asks for no account."""
    at = f"{service.latitude:.5f}", f"{service.longitude:.5f}"
    return f"https://www.openstreetmap.org/?mlat={at[0]}&mlon={at[1]}#map=17/{at[0]}/{at[1]}"


# --- what is done with it -----------------------------------------------------------------------------------------


class Narrow(Action):  # type: ignore[misc]
    """The search again, with one more wish that was tapped, or with what was said of whom it is for."""

    def name(self) -> str:
        return "action_narrow"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        need, wish = entity(tracker, "need") or tracker.get_slot("need_shown"), entity(tracker, "wish")
        said = narrowing_in(str(tracker.latest_message.get("text") or "")) or Narrowing()
        new = [each for each in (wish, *said.wishes) if each and is_wish(each)]
        told = {"need": str(need) if need else None, "gender": said.gender, "age": said.age}
        wishes = list(dict.fromkeys([*(tracker.get_slot("wishes") or ()), *new]))
        return [SlotSet("wishes", wishes), *(SlotSet(name, value) for name, value in told.items() if value)]


class ResultAction(Action):  # type: ignore[misc]
    """An action on a service that was shown; when it is not known any more, that is said, with a way on."""

    def __init__(self, services: Services, translate: Translate) -> None:
        self._services = services
        self._translate = translate

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        language = str(entity(tracker, "words_in") or language_of(tracker))
        service_id = shown_before(tracker)
        try:
            service = await self._shown(tracker, service_id, language) if service_id else None
        except Exception:  # whatever the directory does, the person is told how to go on
            service = None
        if service is None:
            gone(dispatcher, tracker, self._translate)
            return []
        self.do(dispatcher, tracker, service, language)
        return [in_sight([service])]

    async def _shown(self, tracker: Any, service_id: str, language: str) -> FoundService | None:
        place = place_shown(tracker, service_id)
        return await self._services.service(service_id, language=language, place_id=place)

    def do(self, dispatcher: Any, tracker: Any, service: FoundService, language: str) -> None:
        raise NotImplementedError


class ShowWay(ResultAction):
    """The place as a pin, which opens the phone's own map where the channel has pins, and as a link."""

    def name(self) -> str:
        return "action_show_way"

    def do(self, dispatcher: Any, tracker: Any, service: FoundService, language: str) -> None:
        if not is_on_the_map(service):  # a safe place since
            gone(dispatcher, tracker, self._translate)
            return
        dispatcher.utter_message(
            text=f"{service.name}\n{service.address or service.name}",
            json_message={"waymark": "location", "lat": service.latitude, "lon": service.longitude},
            buttons=[button(self._translate(language, "Open the map"), url=map_url(service))],
        )


class PassOn(ResultAction):
    """A service as a message of its own, in the language of whoever will read it."""

    def name(self) -> str:
        return "action_pass_on"

    def do(self, dispatcher: Any, tracker: Any, service: FoundService, language: str) -> None:
        if entity(tracker, "words_in") not in PASSED_ON_IN:
            short = service.id[:NAMED_BY]
            buttons = [
                button(name, payload("pass_on", service=short, words_in=code)) for code, name in PASSED_ON_IN.items()
            ]
            dispatcher.utter_message(response="utter_pass_on", buttons=buttons)
            return
        dispatcher.utter_message(response="utter_pass_on_this")
        dispatcher.utter_message(text=passed_on(service, language, self._translate))


class ServiceWrong(Action):  # type: ignore[misc]
    """Somebody went there, or called, and it was not so. One tap says what, or their words do; the host keeps it.

    Only who was shown a service can say so of it: two people who say that it is closed take it out of every answer. Of
    several in sight it is asked which is meant.
    """

    def __init__(self, services: Services, translate: Translate) -> None:
        self._services = services
        self._translate = translate

    def name(self) -> str:
        return "action_service_wrong"

    async def run(self, dispatcher: Any, tracker: Any, domain: Any) -> list[dict[str, Any]]:
        language, said = language_of(tracker), entity(tracker, "wrong")
        wrong = said if isinstance(said, str) else None  # a tap may be forged
        shown = list(tracker.get_slot("results_in_sight") or ()) if entity(tracker, "service") is None else []
        if len(shown) > 1 and await self._ask_which(dispatcher, shown, wrong, language):
            return []
        service_id = shown[0] if len(shown) == 1 else shown_before(tracker)
        if service_id is None:
            gone(dispatcher, tracker, self._translate)
            return []
        if wrong not in WRONG:
            short = service_id[:NAMED_BY]
            buttons = [
                button(self._translate(language, title), payload("service_wrong", service=short, wrong=kind))
                for kind, title in WRONG.items()
            ]
            dispatcher.utter_message(response="utter_what_was_wrong", buttons=buttons)
            return []
        dispatcher.utter_message(json_message={"waymark": "found_wrong", "service": service_id, "wrong": wrong})
        response = "utter_refused_noted" if wrong == "refused_me" else "utter_wrong_noted"
        dispatcher.utter_message(response=response, buttons=_ways_on(language, self._translate))
        return []

    async def _ask_which(self, dispatcher: Any, shown: list[str], wrong: object, language: str) -> bool:
        """False where the directory names none of them."""
        told = {"wrong": wrong} if wrong in WRONG else {}
        try:
            services = [await self._services.service(each, language=language) for each in shown]
        except Exception:  # whatever the directory does, the person is told how to go on
            return False
        buttons = [
            button(service.name, payload("service_wrong", service=service.id[:NAMED_BY], **told))
            for service in services
            if service is not None
        ]
        if buttons:
            dispatcher.utter_message(response="utter_which_was_wrong", buttons=buttons)
        return bool(buttons)


def gone(dispatcher: Any, tracker: Any, translate: Translate) -> None:
    dispatcher.utter_message(response="utter_result_gone", buttons=_ways_on(language_of(tracker), translate))


def _ways_on(language: str, translate: Translate) -> list[dict[str, str]]:
    return [button(translate(language, "Look again"), payload("search_service")), person_button(translate, language)]
