"""Told first: before something about a child is passed on that the child did not agree to, somebody says whether the
child was told, when and in which words, or why not.

Whoever agreed was told, in the words of the consent. The question is open where somebody else agreed for the child,
where two officers share without consent, and where something is reported to an authority.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from msgspec import Struct
from sqlalchemy.engine import Connection

from bot.cases import consent_store, store, telling_store
from bot.cases.answering import answer_person
from bot.cases.consent import Consent, Kind, Purpose
from bot.cases.hand import Hand, key_of, note_in_audit, target, unseal
from bot.cases.model import Case, CaseStatus, NotAllowedNow, NotToldFirst
from bot.conversations import service as conversations
from bot.kernel.access import Permission
from bot.kernel.crypto import Vault
from bot.kernel.ids import new_id
from bot.kernel.words import N_, Words

TABLE = "case_tellings"
LONGEST_WORDS = 2000
LONGEST_NAME = 200
#: What a telling is about that is no share.
REPORT = "report"
#: Who agrees to a consent has read it.
TOLD_BY_AGREEING = frozenset({"child", "adult"})

#: Why a child is not told first.
WHY_NOT: Mapping[str, str] = MappingProxyType(
    {
        "danger": N_("Telling them would put somebody in danger"),
        "unreachable": N_("They cannot be reached, and waiting would harm them"),
        "cannot": N_("They cannot understand it now"),
    }
)
#: How long ago they were told, in hours. A span needs no time zone.
TOLD_AGO: Mapping[int, str] = MappingProxyType(
    {0: N_("just now"), 1: N_("an hour ago"), 4: N_("4 hours ago"), 24: N_("yesterday"), 72: N_("3 days ago")}
)

#: Ready to be sent, in the language of the person. The officer reads and changes it first.
READY_REPORT = N_(
    "I must tell somebody whose work is to keep children safe. I tell you first. "
    "I say only what they need to help. You can ask me anything about it, and tell me what you want."
)
READY_SHARE = N_(
    "I want to ask somebody to help you. I tell you first. "
    "They get only what they need. You can ask me what it is, and tell me what you want."
)

#: Where the law of most countries asks for a report (domain pack, section c, procedure 22): a reminder, no judgement.
REPORTED_REASONS = frozenset(
    {
        "sexual_abuse", "physical_abuse", "trafficking", "labour_exploitation", "missing_child", "child_marriage",
        "fgm_harmful", "online_sexual", "armed_recruitment", "baby_abandoned", "staff_misconduct",
    }
)  # fmt: skip
REPORTED_CONCERNS = frozenset(
    {
        "sexually_exploited", "gbv_survivor", "trafficked_smuggled", "caafag", "physically_or_mentally_abused",
        "worst_forms_of_child_labor", "child_marriage", "online_exploitation", "missing", "neglect", "harmful_practice",
    }
)  # fmt: skip


class Said(Struct, frozen=True):
    """What an officer says about one thing that is passed on."""

    about: str  # REPORT, or the id of the consent that a share stands on
    whom: str = ""  # the authority
    told_ago: timedelta | None = None  # None: the child was not told
    words: str = ""  # in what words, or more about why not
    why_not: str = ""  # a code of WHY_NOT


class Telling(Struct, frozen=True):
    """What was said about it, with its words opened."""

    id: str
    consent_id: str | None
    officer_id: str
    at: datetime
    told_at: datetime | None
    why_not: str | None
    whom: str
    words: str
    undelivered: bool  # the line that told them never arrived: they do not know


def may_have_to_be_reported(reason: str, concerns: Collection[str] = ()) -> bool:
    """Whether an officer should look up the duty to report that holds where they are."""
    return reason in REPORTED_REASONS or not REPORTED_CONCERNS.isdisjoint(concerns)


def report_is_open(tx: Connection, case: Case, concerns: Collection[str] = ()) -> bool:
    """Whether a report may be due about which nobody has said yet if the child was told."""
    heard = {case.reason, *store.reasons_of(tx, case.id)}  # what was told first stays true when something graver comes
    due = any(may_have_to_be_reported(reason, concerns) for reason in heard)
    return due and not telling_store.is_answered(tx, case.id, None)


def asks(row: Consent) -> bool:
    """Whether a share on this row has to say if the child was told."""
    if row.agreement.purpose is Purpose.REPORTING:  # numbers without names
        return False
    return row.agreement.kind is Kind.OVERRIDE or row.agreement.giver not in TOLD_BY_AGREEING


def open_for(tx: Connection, case_id: str, rows: Collection[Consent]) -> list[Consent]:
    """Those of these rows whose question nobody has answered."""
    answered = {row.consent_id for row in telling_store.of_case(tx, case_id) if not row.undelivered}
    return [row for row in rows if asks(row) and row.withdrawn_at is None and row.id not in answered]


def is_settled(tx: Connection, row: Consent) -> bool:
    """Whether a share on this row may go, as far as telling the child is concerned."""
    return not asks(row) or telling_store.is_answered(tx, row.case_id, row.id)


def require_answer(tx: Connection, case: Case, row: Consent) -> None:
    """Raises NotToldFirst where nobody has said yet whether the child was told of this share."""
    if not is_settled(tx, row):
        raise NotToldFirst(case.number)


def record(tx: Connection, hand: Hand, case_id: str, said: Said, *, once: str) -> bool:
    """Keep whether the child was told. False when this very form was sent before.

    Raises CaseNotFound, NotAllowedNow.
    """
    return _keep(tx, hand, case_id, said, once=once) is not None


def _keep(tx: Connection, hand: Hand, case_id: str, said: Said, *, once: str) -> str | None:
    case = target(tx, hand, case_id, Permission.CONSENT_RECORD)
    consent_id = None if said.about == REPORT else said.about
    told, words, whom = said.told_ago is not None, said.words.strip(), said.whom.strip()
    if not case.is_open or len(words) > LONGEST_WORDS or len(whom) > LONGEST_NAME:
        raise NotAllowedNow(case.number)
    if not (words if told else said.why_not in WHY_NOT) or (consent_id is None and not whom):
        raise NotAllowedNow(case.number)
    if consent_id is not None and consent_store.get_consent(tx, case.id, consent_id) is None:
        raise NotAllowedNow(case.number)
    key, telling_id = key_of(tx, hand, case), new_id()
    facts = {"about": consent_id or REPORT, "telling": telling_id, "why": None if told else said.why_not}
    act = "told_first" if told else "not_told_first"
    if not store.add_event(tx, case.id, act, officer_id=hand.officer.id, at=hand.at, facts=facts, once=once or None):
        return None
    telling_store.add(
        tx,
        {
            "id": telling_id,
            "case_id": case.id,
            "consent_id": consent_id,
            "officer_id": hand.officer.id,
            "at": hand.at,
            "told_at": None if said.told_ago is None else hand.at - said.told_ago,
            "why_not": None if told else said.why_not,
            "whom_sealed": key.seal(whom, table=TABLE, row=telling_id, field="whom") if whom else None,
            "words_sealed": key.seal(words, table=TABLE, row=telling_id, field="words") if words else None,
        },
    )
    note_in_audit(tx, hand, f"case.{act}", case, facts)
    return telling_id


def tell(tx: Connection, hand: Hand, case_id: str, said: Said, *, once: str) -> bool:
    """Send these words to the child now, and keep that they were told with them, as long as the line does not die.
    False when this very form was sent before.

    Raises what `answer_person` does: on a watched phone, or outside the safe time, nothing is sent and nothing kept.
    """
    case = target(tx, hand, case_id, Permission.CASE_ANSWER)
    if case.status is not CaseStatus.CLAIMED:
        raise NotAllowedNow(case.number)
    now = Said(about=said.about, whom=said.whom, told_ago=timedelta(0), words=said.words)
    telling_id = _keep(tx, hand, case_id, now, once=once)
    if telling_id is None:
        return False
    line = answer_person(tx, hand, case_id, text=said.words, once="")
    if line is not None:
        telling_store.sent_as(tx, telling_id, case.conversation_id, line)
    return True


def of_case(tx: Connection, vault: Vault, case: Case) -> list[Telling]:
    """What was said in this case, the oldest first. For a case the officer was let into."""
    return [
        Telling(
            row.id,
            row.consent_id,
            row.officer_id,
            row.at,
            row.told_at,
            row.why_not,
            unseal(tx, vault, case, row.whom_sealed, TABLE, row.id, "whom"),
            unseal(tx, vault, case, row.words_sealed, TABLE, row.id, "words"),
            row.undelivered,
        )
        for row in telling_store.of_case(tx, case.id)
    ]


def ready_words(tx: Connection, words: Words, case: Case, about: str) -> tuple[str, str]:
    """What can be sent to the child, and in which language it is."""
    card = conversations.card(tx, case.conversation_id)
    language = (card and card.language) or case.language
    return words.text(language, READY_REPORT if about == REPORT else READY_SHARE), language
