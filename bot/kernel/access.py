"""Who may do what, as data.

Each line of `RULES` is one way in: every condition on it must hold. A permission without lines is shut. A line of
`REFUSALS` that holds shuts the door whatever the rules say. What an officer may see of the cases is a `CaseScope`:
the store turns it into a condition of its query, so what is out of scope is not found rather than forbidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from bot.kernel.officers import Officer


class Role(StrEnum):
    """What an account is for. One account may have several."""

    OFFICER = "officer"
    COORDINATOR = "coordinator"
    ADMIN = "admin"
    AUTHOR = "author"
    APPROVER = "approver"


class Permission(StrEnum):
    """One act, named as the audit log names it."""

    DESK_ENTER = "desk.enter"
    ACCOUNT_OWN = "account.own"
    QUEUE_READ = "queue.read"
    CASE_READ = "case.read"
    CASE_CLAIM = "case.claim"
    CASE_ANSWER = "case.answer"
    CASE_CLOSE = "case.close"
    CASE_REOPEN = "case.reopen"
    CASE_RELEASE = "case.release"
    CASE_TAKE_OVER = "case.take_over"
    EXCHANGE_READ = "exchange.read"
    EXCHANGE_COUNT = "exchange.count"  # how long countries take: nothing of any one request
    EXCHANGE_FOCAL = "exchange.focal"  # say whom to call in a country when nobody there answers
    PARTNERS_READ = "partners.read"
    PARTNERS_EDIT = "partners.edit"  # say who may be written to: what is said counts once two have signed
    EXCHANGE_DRAFT = "exchange.draft"
    EXCHANGE_APPROVE = "exchange.approve"
    EXCHANGE_WRITE = "exchange.write"
    EXCHANGE_ANSWER = "exchange.answer"
    EXCHANGE_RELEASE_ANSWER = "exchange.release_answer"
    GATE_OVERRIDE = "gate.override"
    DOSSIER_WRITE = "dossier.write"
    HOLD_RELEASE = "hold.release"
    HOLD_END_TOLD = "hold.end_told"  # one of a partner who cannot be heard any more
    CASE_OPEN = "case.open"  # somebody at the door or on the phone
    CASE_HAND_OVER = "case.hand_over"
    CASE_CONSULT = "case.consult"  # let a colleague read it, for their view
    CASE_LINK = "case.link"  # say that it belongs together with another: of one family, of one household
    CASE_RAISE = "case.raise"  # say that it is more urgent than it was heard
    CASE_LOWER = "case.lower"  # say that it is less so
    CASE_MERGE = "case.merge"  # say that it is about the same child as another, which goes on
    CASE_UNMERGE = "case.unmerge"  # undo that
    CASE_ACCEPT = "case.accept"  # a case that a colleague offers
    CASE_HAND_OVER_ALL = "case.hand_over_all"
    CASE_SEEN_BY = "case.seen_by"
    CASE_BREAK_GLASS = "case.break_glass"  # read what is a colleague's for an hour, seen by all who coordinate
    CASE_REVIEW = "case.review"  # how it was done, looked at by somebody who did not do it
    CASE_PROPOSE_ERASURE = "case.propose_erasure"  # of what a person wrote; or to leave it after all
    CASE_ERASE = "case.erase"  # what a colleague proposed to erase
    CASE_ASSESS = "case.assess"
    CASE_AWAIT_CONSENT = "case.await_consent"
    CASE_PLAN = "case.plan"
    CASE_MONITOR = "case.monitor"
    RECORD_READ = "record.read"
    RECORD_EDIT = "record.edit"
    RECORD_RESTRICTED = "record.restricted"  # what can get a person hurt: faith, ethnicity, identity documents
    PANEL_NAME = "panel.name"  # who decides together what is best for the child
    PANEL_READ = "panel.read"  # of the record, what such a decision needs
    PANEL_WRITE = "panel.write"  # their own view of it
    RISK_ASSESS = "risk.assess"
    RISK_SIGN = "risk.sign"
    EVIDENCE_OPEN = "evidence.open"  # the original of what a person sent, with all that is hidden in it
    CARRIED_READ = "carried.read"  # records a child carries: of health, of school
    CARRIED_WRITE = "carried.write"
    CARRIED_MAKE = "carried.make"
    CARRIED_IMPORT = "carried.import"
    CONSENT_RECORD = "consent.record"
    CONSENT_WITHDRAW = "consent.withdraw"  # the person takes it back, or whoever got something says that they stopped
    CONSENT_OVERRIDE = "consent.override"  # the second of the two who share without consent
    REFERRAL_SEND = "referral.send"
    SAFE_PLACE_OPEN = "safe_place.open"  # learn where the service is that nobody may find: for a case and a purpose
    GUEST_INVITE = "guest.invite"  # let an interpreter or a guardian into the talk for a while
    SUPERVISION_READ = "supervision.read"
    WALL_SHOW = "wall.show"  # put up a screen that shows how many wait, to whoever passes
    ROTA_READ = "rota.read"
    ROTA_EDIT = "rota.edit"
    DUTY_SWAP = "duty.swap"
    DUTY_NOTE = "duty.note"
    SERVICES_READ = "services.read"
    SERVICES_EDIT = "services.edit"
    TEXTS_READ = "texts.read"
    TEXTS_EDIT = "texts.edit"
    TEXTS_APPROVE = "texts.approve"
    DELIVERIES_READ = "deliveries.read"
    DELIVERIES_RETRY = "deliveries.retry"
    AUDIT_READ = "audit.read"
    OFFICERS_READ = "officers.read"
    OFFICERS_EDIT = "officers.edit"


class Condition(Struct, frozen=True):
    """A question about an officer, or about an officer and the object they want to act on."""

    name: str
    holds: Callable[[Officer, Any], bool]
    about_target: bool = False


def _has(role: Role) -> Condition:
    return Condition(f"has the role {role}", lambda officer, _target: role in officer.roles)


answers_people = _has(Role.OFFICER)
coordinates = _has(Role.COORDINATOR)
administers = _has(Role.ADMIN)
writes_texts = _has(Role.AUTHOR)
approves_texts = _has(Role.APPROVER)
holds_the_case = Condition(
    "holds the case",
    lambda officer, case: case is not None and case.officer_id == officer.id,
    about_target=True,
)
nobody_holds_the_case = Condition(
    "nobody holds the case",
    lambda _officer, case: case is not None and case.officer_id is None,
    about_target=True,
)
did_not_draft_it = Condition(
    "did not draft it",
    lambda officer, request: request is not None and getattr(request, "drafted_by", None) != officer.id,
    about_target=True,
)
minutes_count = Condition(
    "minutes count",
    lambda _officer, request: request is not None and bool(getattr(request, "one_person", False)),
    about_target=True,
)
is_offered_the_case = Condition(
    "is offered the case",
    lambda officer, case: case is not None and getattr(case, "offered_to", None) == officer.id,
    about_target=True,
)
broke_the_glass = Condition(
    "broke the glass, not long ago",
    lambda officer, case: case is not None and officer.id in getattr(case, "read_by", ()),
    about_target=True,
)
is_asked_about_the_case = Condition(
    "is asked about the case",
    lambda officer, case: case is not None and officer.id in getattr(case, "asked", ()),
    about_target=True,
)
goes_on_with_it = Condition(
    "holds the case that goes on in the place of this one",
    lambda officer, case: case is not None and officer.id in getattr(case, "followed_by", ()),
    about_target=True,
)
sits_on_the_panel = Condition(
    "sits on the panel",
    lambda officer, case: case is not None and officer.id in getattr(case, "panel", ()),
    about_target=True,
)
did_not_hold_the_case = Condition(
    "did not hold the case",
    lambda officer, case: case is not None and officer.id not in (case.officer_id, *getattr(case, "held_by", ())),
    about_target=True,
)
every_coordinator_held_it = Condition(
    "every coordinator held it",
    lambda _officer, case: case is not None and getattr(case, "left_to", None) == "colleagues",
    about_target=True,
)
nobody_else_is_there = Condition(
    "everybody who is there held it",
    lambda _officer, case: case is not None and getattr(case, "left_to", None) == "nobody",
    about_target=True,
)
is_switched_off = Condition("is switched off", lambda officer, _target: not officer.active)
acts_on_their_own_account = Condition(
    "acts on their own account",
    lambda officer, account: account is not None and getattr(account, "id", None) == officer.id,
    about_target=True,
)

Line = Sequence[Condition]
Rules = Mapping[Permission, Sequence[Line]]

RULES: Rules = {
    Permission.DESK_ENTER: [[answers_people], [coordinates], [administers], [writes_texts], [approves_texts]],
    Permission.ACCOUNT_OWN: [[answers_people], [coordinates], [administers], [writes_texts], [approves_texts]],
    Permission.QUEUE_READ: [[answers_people], [coordinates]],
    Permission.CASE_READ: [
        [answers_people, holds_the_case],
        [answers_people, nobody_holds_the_case],
        [answers_people, is_offered_the_case],
        [answers_people, broke_the_glass],
        [answers_people, is_asked_about_the_case],
        [coordinates],
    ],
    Permission.CASE_CLAIM: [[answers_people, nobody_holds_the_case], [coordinates, nobody_holds_the_case]],
    Permission.CASE_ANSWER: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.CASE_CLOSE: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.CASE_REOPEN: [[answers_people, holds_the_case], [coordinates]],
    Permission.CASE_RELEASE: [[answers_people, holds_the_case], [coordinates]],
    Permission.CASE_TAKE_OVER: [[coordinates]],
    # A request belongs to whoever holds its case here; one that came, to whoever accepted it.
    Permission.EXCHANGE_READ: [
        [answers_people, holds_the_case],
        [answers_people, nobody_holds_the_case],
        [coordinates],
    ],
    Permission.EXCHANGE_COUNT: [[answers_people], [coordinates], [administers]],
    Permission.EXCHANGE_FOCAL: [[coordinates], [administers]],
    Permission.PARTNERS_READ: [[coordinates], [administers]],
    Permission.PARTNERS_EDIT: [[administers]],
    Permission.EXCHANGE_DRAFT: [[answers_people, holds_the_case], [coordinates]],
    Permission.EXCHANGE_APPROVE: [
        [coordinates, did_not_draft_it],
        [answers_people, holds_the_case, minutes_count],
        [coordinates, minutes_count],
    ],
    Permission.EXCHANGE_WRITE: [[answers_people, holds_the_case], [coordinates]],
    Permission.EXCHANGE_ANSWER: [
        [answers_people, holds_the_case],
        [answers_people, nobody_holds_the_case],
        [coordinates],
    ],
    Permission.EXCHANGE_RELEASE_ANSWER: [[answers_people, holds_the_case], [coordinates]],
    Permission.GATE_OVERRIDE: [[answers_people, holds_the_case], [coordinates]],
    Permission.DOSSIER_WRITE: [[answers_people, holds_the_case], [coordinates]],
    Permission.HOLD_RELEASE: [[answers_people, holds_the_case], [coordinates]],
    Permission.HOLD_END_TOLD: [
        [answers_people, holds_the_case],
        [answers_people, nobody_holds_the_case],
        [coordinates],
    ],
    Permission.CASE_OPEN: [[answers_people], [coordinates]],
    Permission.CASE_HAND_OVER: [[answers_people, holds_the_case], [coordinates]],
    Permission.CASE_CONSULT: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.CASE_LINK: [[answers_people, holds_the_case], [coordinates]],
    Permission.CASE_RAISE: [
        [answers_people, holds_the_case],
        [answers_people, nobody_holds_the_case],
        [coordinates],
    ],
    Permission.CASE_LOWER: [[coordinates]],
    Permission.CASE_MERGE: [[answers_people, holds_the_case], [coordinates]],
    Permission.CASE_UNMERGE: [[coordinates]],
    Permission.CASE_ACCEPT: [[answers_people, is_offered_the_case], [coordinates, is_offered_the_case]],
    Permission.CASE_HAND_OVER_ALL: [[coordinates]],
    Permission.CASE_SEEN_BY: [[answers_people, holds_the_case], [coordinates]],
    Permission.CASE_BREAK_GLASS: [[answers_people]],
    # Where every coordinator held it, a colleague who broke the glass for it; and where nobody is left, marked as such.
    Permission.CASE_REVIEW: [
        [coordinates, did_not_hold_the_case],
        [answers_people, broke_the_glass, did_not_hold_the_case, every_coordinator_held_it],
        [coordinates, nobody_else_is_there],
    ],
    Permission.CASE_PROPOSE_ERASURE: [[answers_people, holds_the_case], [coordinates]],
    Permission.CASE_ERASE: [[coordinates]],
    Permission.CASE_ASSESS: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.CASE_AWAIT_CONSENT: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.CASE_PLAN: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.CASE_MONITOR: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.RECORD_READ: [[answers_people, holds_the_case], [answers_people, broke_the_glass], [coordinates]],
    Permission.RECORD_EDIT: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.RECORD_RESTRICTED: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.PANEL_NAME: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.PANEL_READ: [[answers_people, sits_on_the_panel], [coordinates, sits_on_the_panel]],
    Permission.PANEL_WRITE: [[answers_people, sits_on_the_panel], [coordinates, sits_on_the_panel]],
    Permission.RISK_ASSESS: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.RISK_SIGN: [[coordinates]],
    Permission.EVIDENCE_OPEN: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.CARRIED_READ: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.CARRIED_WRITE: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.CARRIED_MAKE: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.CARRIED_IMPORT: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.CONSENT_RECORD: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    # What a person takes back never waits for whoever wrote it down: they may be gone, and the case closed.
    Permission.CONSENT_WITHDRAW: [[answers_people, holds_the_case], [answers_people, goes_on_with_it], [coordinates]],
    Permission.CONSENT_OVERRIDE: [[coordinates]],
    Permission.GUEST_INVITE: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.REFERRAL_SEND: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.SAFE_PLACE_OPEN: [[answers_people, holds_the_case], [coordinates, holds_the_case]],
    Permission.SUPERVISION_READ: [[coordinates]],
    Permission.WALL_SHOW: [[coordinates], [administers]],
    Permission.ROTA_READ: [[answers_people], [coordinates], [administers]],
    Permission.ROTA_EDIT: [[coordinates]],
    Permission.DUTY_SWAP: [[answers_people]],
    Permission.DUTY_NOTE: [[answers_people], [coordinates]],
    Permission.SERVICES_READ: [[answers_people], [coordinates], [administers]],
    Permission.SERVICES_EDIT: [[administers]],
    Permission.TEXTS_READ: [[answers_people], [coordinates], [administers], [writes_texts], [approves_texts]],
    Permission.TEXTS_EDIT: [[writes_texts], [approves_texts]],
    Permission.TEXTS_APPROVE: [[approves_texts]],
    Permission.DELIVERIES_READ: [[answers_people], [coordinates], [administers]],
    Permission.DELIVERIES_RETRY: [[coordinates], [administers]],
    Permission.AUDIT_READ: [[coordinates], [administers]],
    Permission.OFFICERS_READ: [[coordinates], [administers]],
    Permission.OFFICERS_EDIT: [[administers]],
}

REFUSALS: Rules = {
    **{permission: [[is_switched_off]] for permission in Permission},
    # Nobody raises their own rights, and nobody locks themselves out by mistake: another admin does it.
    Permission.OFFICERS_EDIT: [[is_switched_off], [acts_on_their_own_account]],
}


def allows(
    officer: Officer,
    permission: Permission,
    target: object = None,
    *,
    rules: Rules = RULES,
    refusals: Rules = REFUSALS,
) -> bool:
    """Whether `officer` may do this to `target`. A condition about a target does not hold without one."""
    if any(_all_hold(line, officer, target) for line in refusals.get(permission, ())):
        return False
    return any(_all_hold(line, officer, target) for line in rules.get(permission, ()))


def may_enter(officer: Officer, permission: Permission, *, rules: Rules = RULES, refusals: Rules = REFUSALS) -> bool:
    """Whether there is any object this officer could do it to: what a route asks before the object is known."""
    for line in refusals.get(permission, ()):
        if not any(condition.about_target for condition in line) and _all_hold(line, officer, None):
            return False
    return any(
        _all_hold([condition for condition in line if not condition.about_target], officer, None)
        for line in rules.get(permission, ())
    )


def _all_hold(line: Line, officer: Officer, target: object) -> bool:
    return all(condition.holds(officer, target) for condition in line)


class CaseScope(Struct, frozen=True):
    """Which cases exist for an officer: `own` those they hold or held last, `offered` those a colleague
    wants to hand to them, `unheld` those nobody holds."""

    officer_id: str
    own: bool
    offered: bool
    unheld: bool
    everyones: bool

    @property
    def nothing(self) -> bool:
        return not (self.own or self.offered or self.unheld or self.everyones)


def case_scope(officer: Officer) -> CaseScope:
    """The same rule as `Permission.CASE_READ`, in the form a query can use. A test holds the two together.

    A broken glass is not among it, nor a colleague's question: each opens one file, and no list
    (`bot.cases.hand.visible`).
    """
    active = officer.active
    return CaseScope(
        officer_id=officer.id,
        own=active and Role.OFFICER in officer.roles,
        offered=active and Role.OFFICER in officer.roles,
        unheld=active and Role.OFFICER in officer.roles,
        everyones=active and Role.COORDINATOR in officer.roles,
    )
