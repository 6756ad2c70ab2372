"""Why something is not taken or not sent: a code for the machine of the partner, a sentence for the human here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from bot.kernel.words import N_, fill


class Refused(Exception):
    """Nothing was taken in and nothing was lost. `code` travels to the sender, signed; the sentence does not."""

    code: ClassVar[str]
    sentence: ClassVar[str]
    #: Whether the same letter may be taken later: a key that is on its way, a clock, a line that spoils bytes.
    may_pass_later: ClassVar[bool] = False
    #: What stands in the gaps of the sentence.
    named: Mapping[str, str] = MappingProxyType({})

    def __init__(self) -> None:
        super().__init__(self.code)
        self.partner_id: str | None = None  # who sent it, where that was proven

    @property
    def says(self) -> str:
        """The sentence in English, for commands and logs of acts; on the desk it goes through gettext."""
        return self.sentence


class NotAnEnvelope(Refused):
    code = "not_an_envelope"
    sentence = N_("This is not a letter in the form that was agreed. Ask the partner to send it again.")
    may_pass_later = True


class TooLarge(Refused):
    code = "too_large"
    sentence = N_("This letter is too large. Ask the partner to send less, or several letters.")


class UnknownKey(Refused):
    code = "unknown_key"
    sentence = N_("This letter is signed with a key we do not know. Ask the partner for its key file.")
    may_pass_later = True


class UnverifiedKey(Refused):
    code = "unverified_key"
    sentence = N_("The key of this partner is not verified yet. Two admins compare its fingerprint by phone.")
    may_pass_later = True


class RevokedKey(Refused):
    code = "revoked_key"
    sentence = N_("This letter is signed with a key that was revoked. Trust nothing in it, and call the partner.")
    may_pass_later = True  # signed with another key, once that is verified


class ExpiredKey(Refused):
    code = "expired_key"
    sentence = N_("This letter is signed with a key that is too old. Ask the partner for its new key file.")
    may_pass_later = True


class NotForUs(Refused):
    code = "not_for_us"
    sentence = N_("This letter was written for somebody else. We cannot open it.")
    may_pass_later = True


class BadSignature(Refused):
    code = "bad_signature"
    sentence = N_("This letter was changed on its way, or its sender is not who it says. It was not taken in.")
    may_pass_later = True


class Expired(Refused):
    code = "expired"
    sentence = N_("This letter came too late. Ask the partner whether it still holds.")


class NotYet(Refused):
    code = "not_yet"
    sentence = N_("This letter comes from the future: one of the two clocks is wrong.")
    may_pass_later = True


class Replayed(Refused):
    code = "replayed"
    sentence = N_("A different letter came under the number of an earlier one. It was not taken in: call the partner.")


class InvalidBody(Refused):
    code = "invalid_body"
    sentence = N_("This letter is genuine, but what stands in it cannot be read. Tell the partner.")


class ChannelClosed(Refused):
    """Nothing may pass between us and this partner, or not this. Which rule says so is in `code`."""

    def __init__(self, code: str, sentence: str, **named: str) -> None:
        self.code = code  # type: ignore[misc]
        self.sentence = sentence  # type: ignore[misc]
        self.named = named
        super().__init__()

    def __str__(self) -> str:
        return self.says

    @property
    def says(self) -> str:
        return fill(self.sentence, self.named)


#: The partner does not believe the key we signed with: a human has to mend that, or a newer key of ours will do.
OF_OUR_KEY = frozenset({UnknownKey.code, UnverifiedKey.code, RevokedKey.code, ExpiredKey.code})

#: What the machine of a partner may answer, and what a human is told about it then.
REFUSALS: dict[str, type[Refused]] = {
    each.code: each
    for each in (
        NotAnEnvelope,
        TooLarge,
        UnknownKey,
        UnverifiedKey,
        RevokedKey,
        ExpiredKey,
        NotForUs,
        BadSignature,
        Expired,
        NotYet,
        Replayed,
        InvalidBody,
    )
}
