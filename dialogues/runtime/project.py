"""A Rasa 3.1 project on disk, read, checked and ready to be played."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dialogues.runtime.domain import Domain, DomainReader
from dialogues.runtime.files import Block, Problem, ProjectWrong, read_yaml
from dialogues.runtime.payload import read_payload
from dialogues.runtime.rules import Rules, RulesReader, unheard_intents

_DOMAIN_KEYS = {"intents", "entities", "slots", "responses", "forms", "actions", "session_config", "e2e_actions"}


@dataclass(frozen=True)
class Project:
    """Everything the engine needs from the files."""

    root: Path
    domain: Domain
    rules: Rules


def load_project(root: Path) -> Project:
    """Read a project folder. Raises ProjectWrong with every problem and where it is."""
    blocks = list(_blocks(root))
    reader = DomainReader()
    for block in blocks:
        if _is_domain(block):
            reader.add(block)
    domain = reader.finish()
    rules_reader = RulesReader(domain)
    for block in blocks:
        if "rules" in block:
            rules_reader.add(block)
    rules = rules_reader.finish()
    problems = [*reader.problems, *rules_reader.problems]
    if not any(_is_domain(block) for block in blocks):
        problems.append(Problem(root.name, 1, "no domain file in this folder"))
    problems.extend(_loose_ends(domain, _places(blocks)))
    if problems:
        raise ProjectWrong(problems)
    return Project(root, domain, rules)


def warnings(project: Project) -> list[str]:
    """What is allowed, but seldom meant."""
    unheard = unheard_intents(project.domain, project.rules)
    found = [f"no rule listens to `{name}`: its messages fall back" for name in unheard]
    for name, variations in project.domain.responses.items():
        if any(v.channel and not v.conditions for v in variations) and any(v.conditions for v in variations):
            found.append(f"`{name}`: the default for a channel hides its conditional variations there")
    for form in project.domain.forms.values():
        if "in_danger" in project.domain.intents and "in_danger" not in form.ignored_intents:
            found.append(f"`{form.name}` would keep asking while somebody is in danger: ignore `in_danger`")
    return found


def _blocks(root: Path) -> Iterator[Block]:
    """The domain and rule files: `domain.yml`, `domain/`, `rules/`, `data/`, and files beside them."""
    if not root.is_dir():
        raise ProjectWrong([Problem(str(root.name), 1, "no such folder")])
    wrong: list[Problem] = []
    paths = sorted(
        {
            path
            for pattern in ("*.yml", "*.yaml", "domain/**/*.y*ml", "rules/**/*.y*ml", "data/**/*.y*ml")
            for path in root.glob(pattern)
            if path.name not in {"config.yml", "endpoints.yml", "credentials.yml"} and not path.name.startswith("test_")
        }
    )
    for path in paths:
        try:
            block = read_yaml(path, root)
        except ProjectWrong as error:
            wrong.extend(error.problems)
            continue
        if block is not None and (_is_domain(block) or "rules" in block):
            yield block
    if wrong:
        raise ProjectWrong(wrong)


def _is_domain(block: Block) -> bool:
    return not _DOMAIN_KEYS.isdisjoint(block)


def _places(blocks: list[Block]) -> dict[str, tuple[str, int]]:
    """Where forms, responses and slots are written, for problems found later."""
    found: dict[str, tuple[str, int]] = {}
    for block in blocks:
        for key in ("slots", "forms", "responses"):
            inner = block.get(key)
            if isinstance(inner, Block):
                found.update({name: (inner.file, inner.line_of(name)) for name in inner})
    return found


def _loose_ends(domain: Domain, places: dict[str, tuple[str, int]]) -> Iterator[Problem]:
    """Names that lead nowhere."""

    def problem(name: str, text: str) -> Problem:
        file, line = places.get(name, ("domain", 1))
        return Problem(file, line, text)

    for form in domain.forms.values():
        for intent in sorted(form.ignored_intents - set(domain.intents)):
            yield problem(form.name, f"form `{form.name}` ignores `{intent}`, which is no intent")
        for slot in form.required_slots:
            if slot not in domain.slots:
                yield problem(form.name, f"form `{form.name}` needs `{slot}`, which is no slot")
            elif not any(ask in domain.responses or ask in domain.actions for ask in ask_names(form.name, slot)):
                yield problem(form.name, f"form `{form.name}` cannot ask for `{slot}`: write utter_ask_{slot}")
    for slot_ in domain.slots.values():
        for mapping in slot_.mappings:
            if mapping.entity is not None and mapping.entity not in domain.entities:
                yield problem(slot_.name, f"slot `{slot_.name}` reads `{mapping.entity}`, which is no entity")
            for intent in sorted((mapping.intents | mapping.not_intents) - set(domain.intents)):
                yield problem(slot_.name, f"slot `{slot_.name}` names `{intent}`, which is no intent")
            for condition in mapping.conditions:
                if condition.active_loop is not None and condition.active_loop not in domain.forms:
                    yield problem(slot_.name, f"slot `{slot_.name}` names `{condition.active_loop}`, which is no form")
    for name, variations in domain.responses.items():
        for variation in variations:
            for slot_name, _ in variation.conditions:
                if slot_name not in domain.slots:
                    yield problem(name, f"`{name}` depends on `{slot_name}`, which is no slot")
            for button in variation.buttons:
                if not button.payload.startswith("/"):
                    continue
                message = read_payload(button.payload)
                if message is None:
                    yield problem(name, f"`{name}`: the button “{button.title}” has a payload nobody can read")
                elif message.intent not in domain.intents:
                    yield problem(
                        name, f"`{name}`: the button “{button.title}” means `{message.intent}`, which is no intent"
                    )


def ask_names(form: str, slot: str) -> tuple[str, str, str, str]:
    """How a form may ask for a slot, first choice first."""
    return (f"action_ask_{form}_{slot}", f"utter_ask_{form}_{slot}", f"action_ask_{slot}", f"utter_ask_{slot}")
