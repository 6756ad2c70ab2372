"""The consent ledger: who agreed to what, in which words, and what left a case on the strength of it.

Nothing about a person leaves a case without a row here. A row says who agreed, how old and how able they were, in
which language, to exactly which text, for which purpose, recipient and country, what is held back and until when.
Where two officers share without consent, because waiting would harm the child, that is a row too, with its reason.
A withdrawal is not finished when it is recorded: every recipient has to say that they stopped.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import consent_store as store
from bot.cases import telling_store
from bot.cases.hand import Hand, key_of, target, unseal, visible, write_down
from bot.cases.model import Case, CaseError, NotAllowedNow, NotToldFirst
from bot.cases.ports import Holder
from bot.kernel import audit
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.words import N_

LONGEST_TEXT = 4000
LONGEST_NAME = 200
OLDEST = 120
#: Without a date of its own a consent ends after so long: then one asks again.
LASTS = timedelta(days=180)
#: An override is for what cannot wait; what can wait is asked for.
OVERRIDE_LASTS = timedelta(days=14)


class Kind(StrEnum):
    """On what a share stands."""

    CONSENT = "consent"
    ASSENT = "assent"  # of a child, beside the consent of whoever may give it; alone it carries nothing
    OVERRIDE = "override"  # two officers, because of the child's best interests


class Purpose(StrEnum):
    """What the information is for. Consent to one purpose is not consent to another."""

    SERVICES = "services"
    REFERRAL = "referral"
    TRACING = "tracing"
    REPORTING = "reporting"
    CROSS_BORDER = "cross_border"
    TRANSFER = "transfer"
    TALK = "talk"  # recorded where somebody is let into the talk, see `bot.cases.guests`


PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        Purpose.SERVICES: N_("To get a service"),
        Purpose.REFERRAL: N_("To be referred"),
        Purpose.TRACING: N_("To look for the family"),
        Purpose.REPORTING: N_("Numbers without names"),
        Purpose.CROSS_BORDER: N_("To ask another country"),
        Purpose.TRANSFER: N_("To hand the case to another agency"),
        Purpose.TALK: N_("To read along in the talk"),
    }
)
#: What a guest reads: the one thing that leaves a case without being a field of its record.
TALK: Mapping[str, str] = MappingProxyType({"talk": N_("What is written in the talk")})
#: What may be told in another country: the classes of data that agreements with partners name. Nobody knows beforehand
#: which fields a request will need, so one asks for a class of them; a request of any type tells no others.
CLASSES: Mapping[str, str] = MappingProxyType(
    {
        "data:identity": N_("Who the child is, and what they look like"),
        "data:family": N_("The family, and adults who say that they belong to it"),
        "data:health": N_("Health"),
        "data:education": N_("School"),
        "data:justice": N_("What happened, for the police or a court"),
    }
)
GIVERS: Mapping[str, str] = MappingProxyType(
    {
        "child": N_("The child"),
        "adult": N_("The person, who is of age"),
        "guardian": N_("The guardian"),
        "caregiver": N_("The parent or caregiver"),
    }
)
CAPACITIES: Mapping[str, str] = MappingProxyType(
    {
        "understands": N_("Understands what is asked"),
        "with_support": N_("Understands with support"),
        "cannot": N_("Cannot decide this"),
    }
)
WAYS: Mapping[str, str] = MappingProxyType(
    {
        "spoken": N_("Spoken, with a witness"),
        "written": N_("Signed"),
        "mark": N_("By a mark"),
        "chat": N_("Written in the talk"),
    }
)
#: Why two officers may share without consent (domain pack, section d).
OVERRIDE_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "imminent_danger": N_("Danger right now"),
        "trafficking": N_("Suspected trafficking"),
        "abuse": N_("Suspected abuse"),
        "medical_emergency": N_("Medical emergency"),
        "court_order": N_("Order of a court"),
        "guardian_is_risk": N_("The guardian is the danger"),
    }
)


class IncompleteConsent(CaseError):
    """What makes a consent one is missing. Ask for it; nothing was recorded."""


class Agreement(Struct, frozen=True):
    """What somebody agreed to, as it is recorded."""

    kind: Kind
    purpose: Purpose
    recipient: str  # an id: `service:…`, `partner:…` or `agency:…`
    named: str  # the recipient as it was named to the person
    giver: str
    capacity: str
    language: str
    way: str
    text: str  # exactly what was shown or read out
    items: tuple[str, ...]  # codes of what may be shared
    withheld: tuple[str, ...] = ()  # codes of what must not
    age: int | None = None
    country: str | None = None
    expires_at: datetime | None = None
    reason: str | None = None  # of an override
    why: str = ""  # of an override, in the officer's words


class Consent(Struct, frozen=True):
    """One row of the ledger."""

    id: str
    case_id: str
    agreement: Agreement
    recorded_by: str
    second_by: str | None
    at: datetime
    expires_at: datetime
    withdrawn_at: datetime | None

    def carries(self, at: datetime) -> bool:
        """Whether something may be shared on the strength of it at `at`."""
        if self.withdrawn_at is not None or not self.at <= at < self.expires_at:
            return False
        if self.agreement.kind is Kind.OVERRIDE:
            return self.second_by is not None and self.second_by != self.recorded_by
        return self.agreement.kind is Kind.CONSENT and self.agreement.capacity != "cannot"

    def covers(self, items: Collection[str]) -> bool:
        """Whether all of this may be shared on it."""
        return set(items) <= set(self.agreement.items) - set(self.agreement.withheld)


class Share(Struct, frozen=True):
    """Something that left a case."""

    id: str
    consent_id: str
    what: str  # `referral:…`, `exchange:…`
    recipient: str
    items: tuple[str, ...]
    shared_by: str
    at: datetime
    withdrawn_at: datetime | None
    withdrawal_seen_at: datetime | None

    @property
    def waits_for_recipient(self) -> bool:
        """The person took their consent back, and whoever has the information has not said that they stopped."""
        return self.withdrawn_at is not None and self.withdrawal_seen_at is None


def missing(agreement: Agreement) -> list[str]:
    """What keeps this from being a consent, a sentence each. Nothing: it can be recorded."""
    problems = []
    if not agreement.text.strip():
        problems.append(N_("Write down exactly what was said or shown."))
    if not agreement.named.strip() or not agreement.recipient:
        problems.append(N_("Say who receives it."))
    if not agreement.items:
        problems.append(N_("Choose what may be shared."))
    if set(agreement.items) & set(agreement.withheld):
        problems.append(N_("The same thing cannot be shared and held back."))
    if agreement.kind is Kind.OVERRIDE:
        if agreement.reason not in OVERRIDE_REASONS or not agreement.why.strip():
            problems.append(N_("Sharing without consent needs a reason, in your own words too."))
    elif agreement.capacity == "cannot":
        problems.append(N_("Who cannot decide this cannot consent to it. Ask the guardian, or two officers decide."))
    if agreement.giver not in GIVERS or agreement.capacity not in CAPACITIES or agreement.way not in WAYS:
        problems.append(N_("Say who agreed, how able they were to decide, and how they said so."))
    if agreement.age is not None and not 0 <= agreement.age <= OLDEST:
        problems.append(N_("That is no age."))
    return problems


def record(tx: Connection, hand: Hand, case_id: str, agreement: Agreement) -> Consent:
    """Write a consent into the ledger. An override carries nothing until a second officer agrees to it.

    Raises IncompleteConsent, NotAllowedNow, CaseNotFound.
    """
    case = target(tx, hand, case_id, Permission.CONSENT_RECORD)
    if missing(agreement):
        raise IncompleteConsent(case.number)
    key, consent_id = key_of(tx, hand, case), new_id()
    lasts = OVERRIDE_LASTS if agreement.kind is Kind.OVERRIDE else LASTS
    expires_at = agreement.expires_at or hand.at + lasts

    def sealed(field: str, text: str, longest: int) -> bytes:
        return key.seal(text.strip()[:longest], table="consents", row=consent_id, field=field)

    store.add_consent(
        tx,
        {
            "id": consent_id,
            "case_id": case.id,
            "kind": agreement.kind.value,
            "giver": agreement.giver,
            "age": agreement.age,
            "capacity": agreement.capacity,
            "language": agreement.language,
            "way": agreement.way,
            "purpose": agreement.purpose.value,
            "recipient": agreement.recipient,
            "country": agreement.country,
            "items": json.dumps(sorted(agreement.items)),
            "withheld": json.dumps(sorted(agreement.withheld)),
            "reason": agreement.reason,
            "named_sealed": sealed("named", agreement.named, LONGEST_NAME),
            "text_sealed": sealed("text", agreement.text, LONGEST_TEXT),
            "why_sealed": sealed("why", agreement.why, LONGEST_TEXT) if agreement.why else None,
            "recorded_by": hand.officer.id,
            "at": hand.at,
            "expires_at": expires_at,
        },
    )
    _write_down(tx, hand, case, f"{agreement.kind}_recorded", consent_id)
    return Consent(consent_id, case.id, agreement, hand.officer.id, None, hand.at, expires_at, None)


def second(tx: Connection, hand: Hand, case_id: str, consent_id: str) -> None:
    """The second of the two who share without consent. Raises NotAllowedNow for whoever proposed it, and NotToldFirst
    until somebody has said whether the child was told."""
    case = target(tx, hand, case_id, Permission.CONSENT_OVERRIDE)
    row = store.get_consent(tx, case.id, consent_id)
    if row is None or row.kind != Kind.OVERRIDE or row.recorded_by == hand.officer.id:
        raise NotAllowedNow(case.number)
    # Of numbers without names nobody has to tell (`telling.asks`): the file does not ask, so there is no answer either.
    if row.purpose != Purpose.REPORTING and not telling_store.is_answered(tx, case.id, consent_id):
        raise NotToldFirst(case.number)
    if not store.set_second(tx, consent_id, hand.officer.id):
        raise NotAllowedNow(case.number)
    _write_down(tx, hand, case, "override_seconded", consent_id)


def withdraw(tx: Connection, hand: Hand, case_id: str, consent_id: str, *, holders: Iterable[Holder]) -> list[Share]:
    """Take a consent back, because the person said so: also in a case that is closed, and by a coordinator where its
    officer is gone. Returns what was shared on it: each recipient must be told, and the `holders` tell theirs in this
    very transaction."""
    case = target(tx, hand, case_id, Permission.CONSENT_WITHDRAW)
    row = store.get_consent(tx, case.id, consent_id)
    if row is None or not store.set_withdrawn(tx, consent_id, officer_id=hand.officer.id, at=hand.at):
        raise NotAllowedNow(case.number)
    _write_down(tx, hand, case, "consent_withdrawn", consent_id)
    for holder in holders:
        holder.consent_withdrawn(tx, hand, case, consent_id)
    return [share for share in shares_of(tx, case.id) if share.consent_id == consent_id]


def of_case(tx: Connection, case_id: str) -> list[Consent]:
    """Every row about a case with its words sealed, the newest first."""
    return [_consent(row) for row in store.consents_of(tx, case_id)]


def in_force(
    tx: Connection, case_id: str, purpose: Purpose, recipient: str, at: datetime, items: Collection[str] = ()
) -> Consent | None:
    """The row on the strength of which `items` may be shared with `recipient` at `at`; None: they may not.

    The newest word counts: what a newer row holds back, no older one gives. The words of the row stay sealed: what may
    be shared is in its codes.
    """
    held_back: set[str] = set()
    for row in store.standing(tx, case_id, purpose.value, recipient, at):
        found = _consent(row)
        if found.agreement.kind is Kind.OVERRIDE and not found.carries(at):
            continue  # nobody's word yet
        held_back.update(found.agreement.withheld)
        if found.carries(at) and found.covers(items) and held_back.isdisjoint(items):
            return found
    return None


def share(tx: Connection, hand: Hand, case: Case, consent: Consent, what: str, items: Sequence[str]) -> str:
    """Write down that something left the case. Raises NotAllowedNow where the consent does not cover all of it."""
    return share_for(tx, hand.vault, case, consent, what, items, by=hand.officer.id, actor=hand.officer.id, at=hand.at)


def share_for(
    tx: Connection,
    vault: Vault,
    case: Case,
    consent: Consent,
    what: str,
    items: Sequence[str],
    *,
    by: str,
    actor: str,
    at: datetime,
) -> str:
    """The same where the program lets go at once what a human (`by`) has decided before.

    The row is looked at once more, locked: it may have been withdrawn since `consent` was read.
    """
    row = store.get_consent(tx, case.id, consent.id)
    if row is None or not (present := _consent(row)).carries(at) or not present.covers(items):
        raise NotAllowedNow(case.number)
    share_id = new_id()
    store.add_share(
        tx,
        {
            "id": share_id,
            "case_id": case.id,
            "consent_id": consent.id,
            "what": what,
            "items": json.dumps(sorted(items)),
            "shared_by": by,
            "at": at,
        },
    )
    facts = {"consent": consent.id, "what": what}
    audit.append(tx, vault, at=at, actor=actor, act="case.shared", object=f"case:{case.id}", facts=facts)
    return share_id


def recipient_stopped(tx: Connection, hand: Hand, case_id: str, share_id: str) -> None:
    """Whoever received something says that they stopped using it. Raises NotAllowedNow if nobody asked them to."""
    case = target(tx, hand, case_id, Permission.CONSENT_WITHDRAW)
    if not store.set_withdrawal_seen(tx, case.id, share_id, hand.at):
        raise NotAllowedNow(case.number)
    _write_down(tx, hand, case, "recipient_stopped", share_id)


def keeps_nothing(tx: Connection, vault: Vault, case: Case, what: str, *, at: datetime) -> None:
    """Whoever got `what` has signed that they keep nothing of it, whether the consent was taken back or not."""
    for share_id in store.set_nothing_kept(tx, case.id, what, at):
        write_down(tx, vault, case, "recipient_stopped", officer_id=None, at=at, facts={"id": share_id})


def kept_after_all(tx: Connection, vault: Vault, case: Case, what: str, *, at: datetime) -> None:
    """After `keeps_nothing`: somebody has `what` all the same."""
    for share_id in store.set_kept_after_all(tx, case.id, what):
        write_down(tx, vault, case, "kept_after_all", officer_id=None, at=at, facts={"id": share_id})


def ledger(tx: Connection, hand: Hand, case_id: str) -> list[Consent]:
    """Every row about a case, the newest first. Raises CaseNotFound."""
    return in_words(tx, hand.vault, visible(tx, hand.officer, case_id, at=hand.at).case)


def in_words(tx: Connection, vault: Vault, case: Case) -> list[Consent]:
    """The rows about a case with what was said in them, the newest first."""

    def opened(row: Any, field: str) -> str:
        return unseal(tx, vault, case, getattr(row, f"{field}_sealed"), "consents", row.id, field)

    return [_consent(row, opened) for row in store.consents_of(tx, case.id)]


def shares_of(tx: Connection, case_id: str) -> list[Share]:
    """What left a case, the newest first."""
    return [
        Share(
            id=row.id,
            consent_id=row.consent_id,
            what=row.what,
            recipient=row.recipient,
            items=store.codes(row.items),
            shared_by=row.shared_by,
            at=row.at,
            withdrawn_at=row.withdrawn_at,
            withdrawal_seen_at=row.withdrawal_seen_at,
        )
        for row in store.shares_of(tx, case_id)
    ]


def agency(hand: Hand, name: str) -> str:
    """The id of a recipient that is in no list of ours: the same for the same name, and telling nothing."""
    return f"agency:{hand.vault.index('agency', ' '.join(name.casefold().split()))[:32]}"


def _closed(_row: Any, _field: str) -> str:
    return ""


def _consent(row: Any, opened: Callable[[Any, str], str] = _closed) -> Consent:
    agreement = Agreement(
        kind=Kind(row.kind),
        purpose=Purpose(row.purpose),
        recipient=row.recipient,
        named=opened(row, "named"),
        giver=row.giver,
        capacity=row.capacity,
        language=row.language,
        way=row.way,
        text=opened(row, "text"),
        items=store.codes(row.items),
        withheld=store.codes(row.withheld),
        age=row.age,
        country=row.country,
        expires_at=row.expires_at,
        reason=row.reason,
        why=opened(row, "why"),
    )
    return Consent(
        row.id, row.case_id, agreement, row.recorded_by, row.second_by, row.at, row.expires_at, row.withdrawn_at
    )


def _write_down(tx: Connection, hand: Hand, case: Case, act: str, object_id: str) -> None:
    write_down(tx, hand.vault, case, act, officer_id=hand.officer.id, at=hand.at, facts={"id": object_id})
