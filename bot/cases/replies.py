"""Short answers that officers send again and again, in the language of the person. The officer reads and changes them
before they are sent: nothing here goes out by itself."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct

from bot.kernel.words import N_, Words

#: How soon an officer promises to write again: short enough to be kept, and theirs to change.
MINUTES = 10


class Reply(Struct, frozen=True):
    """A short answer: what officers call it, and what it says to the person."""

    title: str
    text: str


#: By the first-reply principles of the field: believe, one safety question, a number, an honest time, the limits.
REPLIES: Mapping[str, Reply] = MappingProxyType(
    {
        "believe": Reply(N_("Thank and believe"), N_("Thank you for telling me. I believe you. It is not your fault.")),
        "safe_now": Reply(N_("Safe now?"), N_("Are you safe right now? You can write 1 for yes, 2 for no.")),
        "call": Reply(
            N_("Emergency number"),
            N_("Call {emergency_number} if you are in danger now. You can keep writing here."),
        ),
        "where": Reply(N_("Where?"), N_("Where are you? Write a sign, a shop or a station that you see.")),
        "quiet": Reply(
            N_("Can they write?"), N_("Can you write safely now? If somebody reads along, write when you are alone.")
        ),
        "back_soon": Reply(
            N_("Back soon"), N_("I am looking for help now. I write to you here again in {minutes} minutes.")
        ),
        "limits": Reply(
            N_("What I must tell"),
            N_("I may need to tell someone who keeps children safe. I will try to tell you first."),
        ),
        "choose": Reply(N_("Write or wait?"), N_("Do you want to go on now, or later? Both are all right.")),
        "still_here": Reply(N_("Still here"), N_("I am still here. You can write to me at any time.")),
    }
)


def text_of(words: Words, language: str, code: str, *, emergency_number: str) -> str:
    """What the short answer `code` says in this language, with its places filled. Raises KeyError for no such code."""
    return words.text(language, REPLIES[code].text, emergency_number=emergency_number, minutes=MINUTES)
