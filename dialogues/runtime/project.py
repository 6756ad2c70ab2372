"""A Rasa 3.1 project on disk, read, checked and ready to be played."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from dialogues.runtime.domain import Domain, DomainReader
from dialogues.runtime.files import Block, Problem, ProjectWrong, Series, meant, plain, read_yaml, version_doubts
from dialogues.runtime.forms import ask_names
from dialogues.runtime.payload import read_written_payload
from dialogues.runtime.policies import are_rules_restricted, read_policies
from dialogues.runtime.policy import Policy, PolicySettings
from dialogues.runtime.responses import Button
from dialogues.runtime.rules import Rules, RulesReader
from dialogues.runtime.slots import Form, SlotMapping
from dialogues.runtime.stories import Memory, StoriesReader, Story

_DOMAIN_KEYS = {"intents", "entities", "slots", "responses", "forms", "actions", "session_config", "e2e_actions"}
_KNOWN_KEYS = _DOMAIN_KEYS | {"nlu", "rules", "stories"}
_VARIABLE = re.compile(r"\$\{([^{}]*)\}")
_RETRIEVED = re.compile(rb"^[ \t-]*intent:[ \t]*[\"']?(\w+)/", re.MULTILINE)
_SETTINGS_FILES = {"config.yml", "endpoints.yml", "credentials.yml"}
#: Where Rasa users keep what is played. Training examples lie in `nlu/` or `data/`.
_PLACES = (
    "*.yml",
    "*.yaml",
    "domain/**/*.y*ml",
    "rules/**/*.y*ml",
    "stories/**/*.y*ml",
    "data/**/*.y*ml",
    "nlu/**/*.y*ml",
)


@dataclass(frozen=True)
class Project:
    """Everything the engine needs from the files. `doubts` are what an author should look at."""

    root: Path
    domain: Domain
    rules: Rules
    stories: tuple[Story, ...] = ()
    settings: PolicySettings = field(default_factory=PolicySettings)
    config: Mapping[str, Any] = field(default_factory=dict)
    doubts: tuple[Problem, ...] = ()
    places: Mapping[str, tuple[str, int]] = field(default_factory=dict)  # where each name of the domain is written

    @cached_property
    def policy(self) -> Policy:
        """How the next action is chosen."""
        memory = None
        if self.stories and self.settings.memoizes:
            memory = Memory(
                self.domain,
                self.stories,
                self.rules,
                max_history=self.settings.max_history,
                augmented=self.settings.augmented,
            )
        return Policy(self.domain, self.rules, memory, self.settings)


def load_project(root: Path, *, strict: bool = True) -> Project:
    """Read a project folder. Raises ProjectWrong with every problem and where it is.

    `strict` False takes what Rasa takes: what is doubtful only is told in `doubts`.
    """
    strays: list[Problem] = []
    blocks = list(_blocks(root, strays))
    if not any(_is_domain(block) for block in blocks):
        text = "no domain file in this folder: `domain.yml`, with intents, responses and actions"
        raise ProjectWrong([*strays, Problem(str(root), 0, text + _above(root))])
    config = _settings_file(root, "config.yml")
    reader = DomainReader()
    for block in blocks:
        if _is_domain(block):
            reader.add(block)
    reader.hear(retrieval_intents(root))
    domain = reader.finish()
    rules_reader = RulesReader(domain, restricted=are_rules_restricted(config))
    stories_reader = StoriesReader(domain)
    for block in blocks:
        if "rules" in block:
            rules_reader.add(block)
        if "stories" in block:
            stories_reader.add(block)
    stories = tuple(stories_reader.finish())
    rules = rules_reader.finish(story.events for story in stories)
    policies = read_policies(config, domain, has_rules=bool(rules.rules))
    strays += [problem for block in blocks for problem in version_doubts(block)]
    problems = [*strays, *reader.problems, *rules_reader.problems, *stories_reader.problems, *policies.problems]
    places = _places(blocks)
    problems.extend(_loose_ends(domain, places))
    problems.extend(_markdown(root))
    if any(problem.fatal or strict for problem in problems):
        raise ProjectWrong(dict.fromkeys(problems))
    doubts = tuple(sorted(set(problems)))
    return Project(root, domain, rules, stories, policies.settings, config, doubts, places)


def retrieval_intents(root: Path) -> frozenset[str]:
    """Intents whose examples are sorted by what answers them (`faq/hours`): Rasa wants words for each of these."""
    files = (path for folder in ("data", "nlu") for path in root.glob(f"{folder}/**/*.y*ml") if path.is_file())
    found = frozenset(name for path in files for name in _RETRIEVED.findall(path.read_bytes()))
    return frozenset(name.decode() for name in found)


def _markdown(root: Path) -> Iterator[Problem]:
    """Training data as Rasa 1 wrote it: Rasa 3 reads none of it either, and says nothing."""
    for path in sorted({*root.glob("data/**/*.md"), *root.glob("nlu/**/*.md")}):
        if path.is_file() and path.read_bytes().startswith((b"## ", b"<!--", b"* ")):
            text = "nothing in this file is read: training data is written in YAML since Rasa 2"
            yield Problem(str(path.relative_to(root)), 1, text, fatal=False)


def _above(root: Path) -> str:
    """Where to look instead, for whoever names a folder inside a project."""
    above = root.resolve().parent
    return f"; there is one in {above}" if any((above / name).exists() for name in ("domain.yml", "domain")) else ""


def _settings_file(root: Path, name: str) -> Block:
    path = root / name
    return (read_yaml(path, root) if path.is_file() else None) or Block(name, 1)


def endpoints(root: Path) -> Mapping[str, Any]:
    """What `endpoints.yml` says, empty without one, with `${NAME}` from the environment. Raises ProjectWrong."""
    block = _settings_file(root, "endpoints.yml")
    for key in block:
        if block[key] is not None and not isinstance(block[key], Block):
            text = f"`{key}` must hold its settings: `url: http://localhost:5055/webhook`"
            raise ProjectWrong([Problem(block.file, block.line_of(key), text)])
    told = {key: _from_environment(block[key]) for key in block if block[key] is not None}
    url = told.get("action_endpoint", {}).get("url")
    if url is not None and not (isinstance(url, str) and url.startswith(("http://", "https://"))):
        text = f"{url!r} is no address: write `url: http://localhost:5055/webhook`"
        raise ProjectWrong([Problem(block.file, block["action_endpoint"].line_of("url"), text)])
    return told


def unused_endpoints(root: Path) -> Iterator[Problem]:
    """What `endpoints.yml` names and nothing here goes to."""
    block = _settings_file(root, "endpoints.yml")
    for key in block:
        if key != "action_endpoint":
            text = f"`{key}` is not used here: words come from the domain, conversations live in memory"
            yield Problem(block.file, block.line_of(key), text, fatal=False)


def _from_environment(settings: Block) -> dict[str, Any]:
    def value(key: str, match: re.Match[str]) -> str:
        found = os.environ.get(match[1])
        if found is None:
            text = f"the environment variable `{match[1]}` is not set"
            raise ProjectWrong([Problem(settings.file, settings.line_of(key), text)])
        return found

    return {
        key: _VARIABLE.sub(partial(value, key), given) if isinstance(given, str) else plain(given)
        for key, given in settings.items()
    }


def _stray(block: Block) -> Problem:
    key = next(iter(block))
    text = f"nothing in this file is read: `{key}` is none of {', '.join(sorted(_KNOWN_KEYS))}"
    return Problem(block.file, block.line_of(key), text, fatal=False)


def _blocks(root: Path, strays: list[Problem]) -> Iterator[Block]:
    """The files with a domain, rules or stories. `strays`: those beside them of which nothing is read."""
    if not root.is_dir():
        text = f"is a file; give its folder, {root.parent}" if root.is_file() else "no such folder"
        raise ProjectWrong([Problem(str(root), 0, text)])
    wrong: list[Problem] = []
    for path in sorted({path for pattern in _PLACES for path in root.glob(pattern) if not path.is_dir()}):
        if path.name in _SETTINGS_FILES or path.name.startswith("test_") or _only_examples(path, root):
            continue
        try:
            block = read_yaml(path, root)
        except ProjectWrong as error:
            wrong.extend(error.problems)
            continue
        if block is not None and (_is_domain(block) or "rules" in block or "stories" in block):
            yield block
        elif block and path.parent != root and _KNOWN_KEYS.isdisjoint(block):
            strays.append(_stray(block))
    if wrong:
        raise ProjectWrong(wrong)


def _only_examples(path: Path, root: Path) -> bool:
    """Whether a file in `nlu/` holds nothing but training examples, which are not played."""
    if path.relative_to(root).parts[0] != "nlu":
        return False
    try:
        return not path.read_bytes().startswith(b"responses:") and b"\nresponses:" not in path.read_bytes()
    except OSError:
        return False


def _is_domain(block: Block) -> bool:
    return not _DOMAIN_KEYS.isdisjoint(block)


def _places(blocks: list[Block]) -> dict[str, tuple[str, int]]:
    """Where the names of the domain are written, for problems found later."""
    found: dict[str, tuple[str, int]] = {}
    for block in blocks:
        for key in ("intents", "actions"):
            inner = block.get(key)
            if isinstance(inner, Series):
                names = (next(iter(item), "") if isinstance(item, dict) else str(item) for item in inner)
                found.update({name: (block.file, line) for name, line in zip(names, inner.lines, strict=True)})
        for key in ("slots", "forms", "responses"):
            inner = block.get(key)
            if isinstance(inner, Block):
                found.update({name: (inner.file, inner.line_of(name)) for name in inner})
    return found


def _loose_ends(domain: Domain, places: dict[str, tuple[str, int]]) -> Iterator[Problem]:
    """Names that lead nowhere."""
    for find in (_loose_intents, _loose_forms, _loose_slots, _loose_responses):
        for name, text in find(domain):
            file, line = places.get(name, ("domain.yml", 1))
            yield Problem(file, line, text, fatal=False)


def _loose_intents(domain: Domain) -> Iterator[tuple[str, str]]:
    for intent in domain.intents.values():
        for entity in sorted((intent.use_entities or frozenset()) | (intent.ignore_entities or frozenset())):
            if entity.partition("#")[0] not in domain.entities:
                yield intent.name, f"intent `{intent.name}` names `{entity}`, which is no entity"


def _loose_forms(domain: Domain) -> Iterator[tuple[str, str]]:
    """What names the form, and what is wrong with it; so the others."""
    for form in domain.forms.values():
        for intent in sorted(form.ignored_intents - set(domain.intents)):
            yield form.name, f"form `{form.name}` ignores `{intent}`, which is no intent{meant(intent, domain.intents)}"
        for slot in form.required_slots:
            if slot not in domain.slots:
                yield form.name, f"form `{form.name}` needs `{slot}`, which is no slot{meant(slot, domain.slots)}"
            elif not any(ask in domain.responses or ask in domain.actions for ask in ask_names(form.name, slot)):
                yield form.name, f"form `{form.name}` cannot ask for `{slot}`: write utter_ask_{slot}"


def _loose_slots(domain: Domain) -> Iterator[tuple[str, str]]:
    for slot in domain.slots.values():
        for mapping in slot.mappings:
            if mapping.entity is not None and mapping.entity not in domain.entities:
                near = meant(str(mapping.entity), domain.entities)
                yield slot.name, f"slot `{slot.name}` reads `{mapping.entity}`, which is no entity{near}"
            elif mapping.entity is not None:
                kind = domain.entities[mapping.entity]
                for label, known in ((mapping.role, kind.roles), (mapping.group, kind.groups)):
                    if label is not None and label not in known:
                        yield slot.name, f"slot `{slot.name}` reads `{label}` of `{kind.name}`, which declares no such"
            for intent in sorted((mapping.intents | mapping.not_intents) - set(domain.intents)):
                yield slot.name, f"slot `{slot.name}` names `{intent}`, which is no intent"
            for condition in mapping.conditions:
                loop, asked = condition.active_loop, condition.requested_slot
                if loop is not None and not domain.knows_loop(loop):
                    yield slot.name, f"slot `{slot.name}` names `{loop}`, which is no form"
                if asked is not None and asked not in domain.slots:
                    yield slot.name, f"slot `{slot.name}` waits for `{asked}` to be asked, which is no slot"
                form = domain.forms.get(loop or "")
                if form is not None and not _may_wait(slot.name, mapping, form):
                    text = f"slot `{slot.name}` waits for `{form.name}`, which does not require it"
                    yield slot.name, f"{text}: `rasa data validate` would refuse it"


def _may_wait(slot: str, mapping: SlotMapping, form: Form) -> bool:
    """Whether Rasa thinks it right that a slot is filled only while a form is active."""
    return not form.required_slots or slot in form.required_slots or mapping.type == "from_trigger_intent"


def _loose_responses(domain: Domain) -> Iterator[tuple[str, str]]:
    for name, variations in domain.responses.items():
        for variation in variations:
            for slot, _ in variation.conditions:
                if slot not in domain.slots:
                    yield name, f"`{name}` depends on `{slot}`, which is no slot"
            for button in variation.buttons:
                if (text := _loose_button(button, domain)) is not None:
                    yield name, f"`{name}`: the button “{button.title}” {text}"


def _loose_button(button: Button, domain: Domain) -> str | None:
    if not button.payload.startswith("/"):
        return None
    message = read_written_payload(button.payload)
    if message is None:
        return "has a payload nobody can read"
    if message.intent not in domain.intents and "{" not in button.payload.partition('{"')[0]:
        return f"means `{message.intent}`, which is no intent{meant(str(message.intent), domain.intents)}"
    return None
