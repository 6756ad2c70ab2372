"""Buttons under a message. Telegram gives a button 64 bytes to remember itself by, and nothing here remembers more.

What a tap means must survive a restart, and hold for a button pressed months later. So the whole payload travels in
the button: as it is when it fits, squeezed when that makes it fit. When even that does not, the button stands
for its title: pressing it is as good as typing those words.
"""

from __future__ import annotations

import base64
import re
import zlib
from typing import Any

from bot.channels.model import Button

LONGEST_DATA = 64
LONGEST_TITLE_IN_A_PAIR = 16
MOST_BUTTONS = 100

#: First characters of our data that are not the payload itself. A Rasa payload begins with a slash.
SQUEEZED = "~"
TITLE_ONLY = "="

#: What payloads are often made of, the most frequent last. Buttons out there were squeezed with it: a change needs a
#: new mark beside SQUEEZED, and this one kept.
DICTIONARY = (
    b'emergency_care cross_border_request sexual_violence self_harm missing_child age_assessment identify_uasc '
    b'first_contact adult_with_child trafficking_indicators family_tracing child_protection education legal food '
    b'health shelter /who_are_you /greet /thanks /goodbye /report_case /share_location /affirm /deny /cancel '
    b'"audience":"child" "audience":"worker" "age":"1" "country":" "language":"en" "language":"fr" "language":"es" '
    b'"language":"ar" /change_language{"language":" "reason":" "priority":" /in_danger{ /ask_human{ '
    b'"place_lat":4 "place_lon":- "place":" "service":" "service_id":" "last_procedure":" "procedure_step":1 '
    b'/procedure{"procedure":" /inform{" /search_service{"need":"shelter","place":"'
)  # fmt: skip
LONGEST_PAYLOAD = 4096

_openable = re.compile(r"(https?://[^\s/]+\.[^\s/]+|tg://)\S*", re.IGNORECASE)


def keyboard(buttons: tuple[Button, ...]) -> list[list[dict[str, Any]]]:
    """Rows of an inline keyboard. Short titles stand two in a row, so that a phone shows them all."""
    made = (_button(button, index) for index, button in enumerate(buttons[:MOST_BUTTONS]))
    rows: list[list[dict[str, Any]]] = []
    for button in filter(None, made):
        beside = rows and len(rows[-1]) == 1 and _is_short(rows[-1][0]) and _is_short(button)
        rows[-1].append(button) if beside else rows.append([button])
    return rows


def _is_short(button: dict[str, Any]) -> bool:
    return len(button["text"]) <= LONGEST_TITLE_IN_A_PAIR


def _button(button: Button, index: int) -> dict[str, Any] | None:
    title = button.title.strip()
    if not title:
        return None
    if button.url:
        return {"text": title, "url": button.url} if _openable.fullmatch(button.url) else None
    return {"text": title, "callback_data": data_of(button.payload, index)}


def numbers_to_show(buttons: tuple[Button, ...], text: str) -> list[str]:
    """What Telegram cannot open from a button: numbers and addresses go into the text, where phones make them links."""
    found = []
    for button in buttons:
        scheme, _, rest = button.url.partition(":")
        value = rest.partition("?")[0]
        if scheme.lower() in {"tel", "sms", "mailto"} and value and _dialled(value) not in _dialled(text):
            found.append(value)
    return found


def _dialled(text: str) -> str:
    return re.sub(r"[\s().–-]", "", text)


def data_of(payload: str, index: int) -> str:
    """The 64 bytes a button carries."""
    if payload and payload[0] not in {SQUEEZED, TITLE_ONLY} and len(payload.encode()) <= LONGEST_DATA:
        return payload
    if payload and len(squeezed := SQUEEZED + _squeeze(payload)) <= LONGEST_DATA:
        return squeezed
    return f"{TITLE_ONLY}{index}"


def payload_of_tap(data: str) -> str | None:
    """The payload a button carried. None if it carried its title only, or if this is no data of ours."""
    if data.startswith(SQUEEZED):
        return _unsqueeze(data[1:])
    return None if data.startswith(TITLE_ONLY) or not data else data


def _squeeze(payload: str) -> str:
    squeezing = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS, zdict=DICTIONARY)
    return base64.b85encode(squeezing.compress(payload.encode()) + squeezing.flush()).decode()


def _unsqueeze(data: str) -> str | None:
    try:
        opening = zlib.decompressobj(-zlib.MAX_WBITS, zdict=DICTIONARY)
        # Modified apps send any data they like, so what comes out is bounded too.
        payload = opening.decompress(base64.b85decode(data), LONGEST_PAYLOAD).decode()
    except (ValueError, zlib.error):
        return None
    return payload if opening.eof and payload else None
