"""Who may do what: deny by default, refusal wins."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import pytest

from bot.kernel.access import REFUSALS, RULES, Permission, Role, allows, case_scope, may_enter
from bot.kernel.officers import Officer


@dataclass(frozen=True)
class ACase:
    officer_id: str | None
    offered_to: str | None = None


def an_officer(*roles: Role, active: bool = True) -> Officer:
    return Officer("me", "Noor", "noor", frozenset(roles), ("en",), active)


COMBINATIONS = [set(some) for size in range(4) for some in itertools.combinations(Role, size)]
CASES = {"own": ACase("me"), "foreign": ACase("else"), "unheld": ACase(None), "offered": ACase("else", "me")}


def test_a_permission_without_lines_is_shut_to_everyone():
    everyone = an_officer(*Role)

    assert not allows(everyone, Permission.CASE_READ, CASES["own"], rules={})
    assert not may_enter(everyone, Permission.CASE_READ, rules={})


def test_every_permission_has_lines_and_every_line_asks_for_a_role():
    assert set(RULES) == set(Permission) == set(REFUSALS)
    for lines in RULES.values():
        assert all(any("has the role" in condition.name for condition in line) for line in lines)


def test_an_account_without_roles_may_do_nothing():
    for permission, case in itertools.product(Permission, CASES.values()):
        assert not allows(an_officer(), permission, case)
        assert not may_enter(an_officer(), permission)


def test_a_switched_off_account_may_do_nothing_whatever_its_roles():
    for permission, case in itertools.product(Permission, CASES.values()):
        assert not allows(an_officer(*Role, active=False), permission, case)
        assert not may_enter(an_officer(*Role, active=False), permission)


def test_refusal_wins_over_any_rule():
    rules = {Permission.DESK_ENTER: [[]]}  # a line without conditions lets everyone in
    nobody = [condition for line in REFUSALS[Permission.DESK_ENTER] for condition in line]

    assert allows(an_officer(), Permission.DESK_ENTER, rules=rules)
    assert not allows(
        an_officer(active=False), Permission.DESK_ENTER, rules=rules, refusals={Permission.DESK_ENTER: [nobody]}
    )


def test_a_condition_about_an_object_does_not_hold_without_one():
    assert not allows(an_officer(Role.OFFICER), Permission.CASE_ANSWER)
    assert may_enter(an_officer(Role.OFFICER), Permission.CASE_ANSWER)


def test_whoever_may_do_something_to_some_object_may_enter_the_route():
    for permission, roles, case in itertools.product(Permission, COMBINATIONS, CASES.values()):
        officer = an_officer(*roles)
        if allows(officer, permission, case):
            assert may_enter(officer, permission)


@pytest.mark.parametrize("roles", COMBINATIONS)
def test_the_scope_of_a_query_is_the_rule_of_reading(roles: set[Role]):
    officer = an_officer(*roles)
    scope = case_scope(officer)

    assert allows(officer, Permission.CASE_READ, CASES["own"]) == (scope.own or scope.everyones)
    assert allows(officer, Permission.CASE_READ, CASES["offered"]) == (scope.offered or scope.everyones)
    assert allows(officer, Permission.CASE_READ, CASES["unheld"]) == (scope.unheld or scope.everyones)
    assert allows(officer, Permission.CASE_READ, CASES["foreign"]) == scope.everyones
    assert case_scope(an_officer(*roles, active=False)).nothing


def test_an_officer_reads_what_they_hold_what_waits_what_is_offered_and_nothing_else():
    officer = an_officer(Role.OFFICER)

    readable = {name for name, case in CASES.items() if allows(officer, Permission.CASE_READ, case)}

    assert readable == {"own", "unheld", "offered"}


def test_an_admin_reads_no_case():
    assert not any(allows(an_officer(Role.ADMIN), Permission.CASE_READ, case) for case in CASES.values())


def test_only_who_holds_a_case_answers_the_person():
    for role, (name, case) in itertools.product(Role, CASES.items()):
        answered = allows(an_officer(role), Permission.CASE_ANSWER, case)
        assert answered == (name == "own" and role in {Role.OFFICER, Role.COORDINATOR})


def test_nobody_changes_their_own_account_as_an_admin():
    admin = an_officer(Role.ADMIN)

    assert not allows(admin, Permission.OFFICERS_EDIT, admin)
    assert allows(admin, Permission.OFFICERS_EDIT, Officer("other", "Kim", "kim", frozenset(), ("en",)))
    assert may_enter(admin, Permission.OFFICERS_EDIT)
