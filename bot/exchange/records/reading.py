"""A record that somebody brings, read: what it is, what it says, and what of that is proven.

A pure function of the text and of what we know of partners' keys, so that it can be asked again at every look: a key
that was revoked since proves nothing any more.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from bot.exchange import jose
from bot.exchange.jose import NotGenuine, NotOurs
from bot.exchange.records import codes, credential, ips, learner, token
from bot.exchange.records.learner import Learner
from bot.exchange.records.model import LASTS, NO_STATUS, Absence, Entry, Record, WrongEntry
from bot.exchange.records.standing import LeftOut, Why
from bot.kernel.words import N_

#: A European learner record may hold pictures of its pages and of seals, which nobody reads here.
LONGEST = 4 * token.LONGEST


class CannotRead(Exception):
    """What was brought cannot be used; the text says why, and what to do."""


class Form(StrEnum):
    """As what it came."""

    FHIR = "fhir"
    CREDENTIAL = "credential"
    CODES = "codes"
    ELM = "elm"


class Trust(StrEnum):
    """What the signature is worth to us."""

    OURS = "ours"
    KNOWN = "known"
    OLD_KEY = "old_key"
    REVOKED = "revoked"
    STRANGER = "stranger"
    SEALED = "sealed"
    UNSIGNED = "unsigned"


TRUSTS = {
    Trust.OURS: N_("Signed by this helpline: nothing was changed since."),
    Trust.KNOWN: N_("Signed by a partner whose key was verified: nothing was changed since."),
    Trust.OLD_KEY: N_("Signed with a key of a partner that is not in force now. Ask them whether they made it."),
    Trust.REVOKED: N_("Signed with a key that was revoked. Believe nothing of it before you have asked."),
    Trust.STRANGER: N_("The signature fits, but nobody here knows whose it is. Anybody can sign."),
    Trust.SEALED: N_("It carries a seal that is not checked here. Ask whoever gave it, or check the seal elsewhere."),
    Trust.UNSIGNED: N_("Not signed: anybody may have written or changed it."),
}


class Signer(Struct, frozen=True):
    """Who holds a key, as far as we know."""

    trust: Trust
    name: str = ""


class Reading(Struct, frozen=True):
    """What a record says and what is proven of it. The signer's word is for what they wrote, not that it is true."""

    form: Form
    record: Record
    signer: Signer
    since: datetime | None = None
    until: datetime | None = None
    left_out: tuple[LeftOut, ...] = ()  # what it says that is not so now: seen, and never taken over by a tick

    def expired(self, at: datetime) -> bool:
        return self.until is not None and at >= self.until

    def proven(self, at: datetime) -> bool:
        """Whether a partner we know stands for every line of it today."""
        early = self.since is not None and at < self.since
        return self.signer.trust in (Trust.OURS, Trust.KNOWN) and not self.expired(at) and not early


def read(text: str, *, signer_of: Callable[[bytes], Signer]) -> Reading:
    """Read a file or pasted codes. `signer_of` knows whose a public key is. Raises CannotRead."""
    text = text.strip().lstrip("\ufeff")
    if not text:
        raise CannotRead(N_("There is nothing in it. Choose the file again, or paste the text of every code."))
    if len(text) > LONGEST:
        raise CannotRead(N_("This is larger than any record. Choose the file that ends in .json or .jwt."))
    try:
        reading = _read(text, signer_of)
        # What comes in is held to what may go out (`_fitting`): the same lengths, dates and places.
        return reading if reading.left_out or not reading.record.is_empty else _nothing()
    except codes.Incomplete as error:
        if len(error.missing) == 1:
            raise CannotRead(N_("One code is missing. Paste the text of all of them, in any order.")) from None
        raise CannotRead(N_("Several codes are missing. Paste the text of all of them, in any order.")) from None
    except NotGenuine:
        raise CannotRead(
            N_("The signature does not fit: it was changed, or copied with a mistake. Ask for the file again.")
        ) from None
    except NotOurs:
        raise CannotRead(
            N_(
                "This is no record that can be read here: a FHIR patient summary, a European learner record, a signed "
                "record, or its codes."
            )
        ) from None


def _nothing() -> Reading:
    raise CannotRead(N_("There is nothing in it. Choose the file again, or paste the text of every code."))


def _read(text: str, signer_of: Callable[[bytes], Signer]) -> Reading:
    signed = codes.join(text)
    if signed is not None:
        _typ, public, payload = token.verify(signed)
        record, made = codes.read(payload)
        return _reading(Form.CODES, record, signer_of(public), made, made + LASTS[record.kind])
    if text.startswith("{"):
        value = jose.strict_json(text.encode())
        if learner.is_one(value):
            return _learner(learner.read(value))
        record, left_out = ips.read(value)
        return _reading(Form.FHIR, record, Signer(Trust.UNSIGNED), left_out=left_out)
    typ, public, payload = token.verify("".join(text.split()))
    if typ == token.CODES:
        raise NotOurs("type")
    record, left_out, since, until = credential.read(payload, public)
    return _reading(Form.CREDENTIAL, record, signer_of(public), since, until, left_out)


def _learner(found: Learner) -> Reading:
    """The seal is not looked at, so it proves nothing: whoever wrote such a file may have written the seal, too."""
    signer = Signer(Trust.SEALED if found.sealed else Trust.UNSIGNED)
    return _reading(Form.ELM, found.record, signer, found.since, found.until, found.left_out)


def _reading(
    form: Form,
    record: Record,
    signer: Signer,
    since: datetime | None = None,
    until: datetime | None = None,
    left_out: tuple[LeftOut, ...] = (),
) -> Reading:
    kept, refused = _fitting(_cleaned(record))
    return Reading(form, kept, signer, since, until, (*_plain(left_out), *refused))


def _fitting(record: Record) -> tuple[Record, tuple[LeftOut, ...]]:
    """What could stand in a sheet of ours, and the lines that could not: one of them must not keep out the rest."""
    refused: list[LeftOut] = []

    def fits(place: str, text: str, check: Callable[[], object]) -> bool:
        try:
            check()
        except WrongEntry as wrong:
            refused.append(LeftOut(place, text, Why.STATUS if wrong.sentence == NO_STATUS else Why.NOT_FIT))
            return False
        return True

    facts = {
        code: value
        for code, value in record.facts.items()
        if fits(code, value, Record(record.kind, facts={code: value}).checked)
    }
    entries: dict[str, tuple[Entry, ...]] = {
        code: tuple(one for one in lines if fits(code, one.text, partial(one.checked, code)))
        for code, lines in record.entries.items()
    }
    kept = replace(record, facts=facts, entries={code: lines for code, lines in entries.items() if lines})
    return kept, tuple(refused)


def _cleaned(record: Record) -> Record:
    """Without control and bidirectional characters, which would change what a line seems to say."""
    clean = _clean
    entries = {
        code: tuple(
            replace(
                one,
                text=clean(one.text),
                also=clean(one.also),
                detail=clean(one.detail),
                when=clean(one.when),
                by=clean(one.by),
            )
            for one in lines
        )
        for code, lines in record.entries.items()
    }
    facts = {code: clean(value) for code, value in record.facts.items()}
    known = {code: why for code, why in record.absences.items() if why is Absence.NONE}
    return replace(
        record,
        facts={code: value for code, value in facts.items() if value},
        entries={code: lines for code, lines in entries.items() if lines},
        absences=known,
    )


def _plain(left_out: tuple[LeftOut, ...]) -> tuple[LeftOut, ...]:
    return tuple(replace(one, text=_clean(one.text)) for one in left_out)


def _clean(words: str) -> str:
    return "".join(each for each in words if each.isprintable() and each not in _DIRECTIONS)


_DIRECTIONS = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
