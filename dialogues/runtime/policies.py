"""What `config.yml` says under `policies`, and what of it would leave the bot without a word to say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from dialogues.runtime.domain import Domain
from dialogues.runtime.files import Block, Problem, Series, meant
from dialogues.runtime.policy import FALLBACK, PolicySettings

_LEARNT = ("TEDPolicy", "UnexpecTEDIntentPolicy")
_PLAYED = ("RulePolicy", "MemoizationPolicy", "AugmentedMemoizationPolicy")


class Policies(Struct, frozen=True):
    """The settings, and what is wrong with how they were written."""

    settings: PolicySettings
    problems: tuple[Problem, ...] = ()


def read_policies(config: Block, domain: Domain, *, has_rules: bool) -> Policies:
    """The policies Rasa would play; its own default ones where none are listed."""
    listed = config.get("policies")
    if not listed:
        return Policies(PolicySettings())
    if not isinstance(listed, Series):
        text = "`policies` must be a list: `- name: RulePolicy`"
        return Policies(PolicySettings(), (Problem(config.file, config.line_of("policies"), text),))
    problems: list[Problem] = []
    policies: dict[str, Block] = {}
    for line, item in zip(listed.lines, listed, strict=True):
        if not isinstance(item, Block) or not isinstance(item.get("name"), str):
            problems.append(Problem(config.file, line, "a policy needs a name: `- name: RulePolicy`"))
            continue
        name = item["name"].rsplit(".", 1)[-1]
        policies[name] = item
        problems += _unknown(config.file, line, item["name"], name)
        if "priority" in item:
            text = "`priority` is not followed here: rules come before stories, as Rasa advises"
            problems.append(Problem(config.file, item.line_of("priority"), text, fatal=False))
    settings = _settings(policies)
    if not any(problem.fatal for problem in problems):
        problems += _without_rules(config, domain, settings, has_rules)
    problems += _unsure(policies.get("RulePolicy"))
    if settings.fallback != FALLBACK and not domain.knows_action(settings.fallback):
        item = policies["RulePolicy"]
        text = f"the fallback `{settings.fallback}` is no action of the domain"
        problems.append(Problem(item.file, item.line_of("core_fallback_action_name"), text))
    return Policies(settings, tuple(problems))


def are_rules_restricted(config: Block) -> bool:
    """Whether a rule may have only one message of the person, as it is unless `restrict_rules` says otherwise."""
    listed = config.get("policies")
    items = [item for item in listed if isinstance(item, Block)] if isinstance(listed, list) else []
    rules = (item for item in items if str(item.get("name")).rsplit(".", 1)[-1] == "RulePolicy")
    return all(item.get("restrict_rules", True) is not False for item in rules)


def _settings(policies: dict[str, Any]) -> PolicySettings:
    rule = policies.get("RulePolicy")
    memory = policies.get("AugmentedMemoizationPolicy") or policies.get("MemoizationPolicy")
    history = (memory or {}).get("max_history")
    threshold = (rule or {}).get("core_fallback_threshold", 0.3)
    return PolicySettings(
        rules=rule is not None,
        fallback=str((rule or {}).get("core_fallback_action_name") or FALLBACK),
        falls_back=(rule or {}).get("enable_fallback_prediction", True) is not False,
        threshold=float(threshold) if isinstance(threshold, int | float) else 0.3,
        memoizes=memory is not None,
        augmented="AugmentedMemoizationPolicy" in policies,
        max_history=history if isinstance(history, int) and history > 0 else None,
    )


def _unknown(file: str, line: int, written: str, name: str) -> Iterator[Problem]:
    if name in _LEARNT:
        yield Problem(file, line, f"what `{name}` learns beyond the stories as written is not played here", fatal=False)
    elif name not in _PLAYED and "." in written:
        yield Problem(file, line, f"`{written}` is a policy of its own: it is not played here", fatal=False)
    elif name not in _PLAYED:
        known = ", ".join((*_PLAYED, *_LEARNT))
        near = meant(name, (*_PLAYED, *_LEARNT))
        yield Problem(file, line, f"there is no policy `{name}`; Rasa has {known}{near}")


def _unsure(rule: Block | None) -> Iterator[Problem]:
    threshold = rule.get("core_fallback_threshold", 0.3) if rule is not None else 0.3
    if rule is not None and not (isinstance(threshold, int | float) and 0 <= threshold <= 1):
        text = f"`core_fallback_threshold` must be a number between 0 and 1, and is {threshold!r}"
        yield Problem(rule.file, rule.line_of("core_fallback_threshold"), text)


def _without_rules(config: Block, domain: Domain, settings: PolicySettings, has_rules: bool) -> Iterator[Problem]:
    """Rasa refuses forms without the policy that plays them, and only warns of rules."""
    if settings.rules:
        return
    line = config.line_of("policies")
    if domain.forms:
        yield Problem(config.file, line, "the domain has forms, and nothing plays them: list `- name: RulePolicy`")
    elif has_rules:
        text = "rules, /restart and /back are not played: `- name: RulePolicy` is not listed"
        yield Problem(config.file, line, text, fatal=False)
