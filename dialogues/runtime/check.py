"""What is allowed in a project, but seldom meant: the traps that Rasa users fall into."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from dialogues.runtime.contradictions import contradictions
from dialogues.runtime.files import Problem
from dialogues.runtime.forms import ask_names
from dialogues.runtime.model import Entity
from dialogues.runtime.payload import read_written_payload
from dialogues.runtime.project import Project, retrieval_intents
from dialogues.runtime.rules import unheard_intents
from dialogues.runtime.slots import SlotMapping
from dialogues.runtime.tracker import LISTEN


def warnings(project: Project, *, crisis: str = "in_danger") -> list[Problem]:
    """Every trap, and where it lies. `crisis` is the intent that no form may swallow, where a project has it."""
    found = [
        *_unheard(project),
        *_channels(project),
        *_forms(project, crisis),
        *_slots(project),
        *_rules(project),
        *_incomplete_rules(project),
        *contradictions(project),
        *_buttons(project),
        *_unsaid(project),
    ]
    return sorted(set(found))


#: Responses that default actions say.
_SAID_BY_DEFAULT = frozenset({"utter_default", "utter_restart", "utter_back", "utter_ask_rephrase"})
_NAME = re.compile(r"[a-z_]\w+(?:/\w*)?", re.IGNORECASE)


def names_in_code(root: Path) -> frozenset[str]:
    """Every name that stands in the project's own actions: a response or an intent may be used by them alone."""
    files = [root / "actions.py", *sorted((root / "actions").rglob("*.py"))]
    texts = (path.read_text(encoding="utf-8", errors="replace") for path in files if path.is_file())
    return frozenset(_NAME.findall("\n".join(texts)))


def _unsaid(project: Project) -> Iterator[Problem]:
    """Responses that nothing says: no rule, story or form, and none of the actions here.

    An action that makes names up (`f"utter_danger_{reason}"`) says all that begin so.
    """
    domain = project.domain
    ways = [way for rule in project.rules.rules for way in rule.events] + [story.events for story in project.stories]
    said = {str(event.get("name")) for way in ways for event in way if event["event"] == "action"}
    in_code = names_in_code(project.root)
    added = in_code & domain.slots.keys()  # a validator may let its form ask for more
    said |= {
        ask
        for form in domain.forms.values()
        for slot in (*form.required_slots, *added)
        for ask in ask_names(form.name, slot)
    }
    said |= in_code | _SAID_BY_DEFAULT
    begun = tuple(name for name in said if name.startswith("utter_") and name.endswith(("_", "/")))
    retrieved = retrieval_intents(project.root) | domain.retrieval_intents
    for name in domain.responses:
        by_what_was_asked = name.removeprefix("utter_").partition("/")[0] in retrieved
        if not (by_what_was_asked or name in said or name.startswith(begun)):
            yield _told(project, name, f"`{name}` is never said: no rule, story, form or action here names it")


def _told(project: Project, name: str, text: str) -> Problem:
    file, line = project.places.get(name, ("domain.yml", 1))
    return Problem(file, line, text, fatal=False)


def _unheard(project: Project) -> Iterator[Problem]:
    in_stories = {
        (event["parse_data"]["intent"] or {}).get("name")
        for story in project.stories
        for event in story.events
        if event.get("event") == "user"
    }
    asked = {"nlu_fallback", "out_of_scope"} - project.domain.declared_intents
    for name in unheard_intents(project.domain, project.rules):
        if name not in in_stories and name not in asked:
            where = (
                ", but where a form takes them for an answer"
                if _answers_a_form(project, name, _by_what_is_said)
                else ""
            )
            yield _told(project, name, f"no rule listens to `{name}`: its messages fall back{where}")


def _by_what_is_said(mapping: SlotMapping) -> bool:
    return mapping.type in ("from_text", "from_entity")


def _by_one_of(entities: Iterable[Entity]) -> Callable[[SlotMapping], bool]:
    names = {entity.name for entity in entities}
    return lambda mapping: mapping.entity in names


def _answers_a_form(project: Project, intent: str, fills: Callable[[SlotMapping], bool]) -> bool:
    """Whether a message of an intent can fill a slot that a form asks for, by a mapping for any intent that `fills`."""
    slots = project.domain.slots
    return any(
        fills(mapping) and not mapping.intents and intent not in mapping.not_intents
        for form in project.domain.forms.values()
        if intent not in form.ignored_intents
        for name in form.required_slots
        if name in slots
        for mapping in slots[name].mappings
    )


def _channels(project: Project) -> Iterator[Problem]:
    for name, variations in project.domain.responses.items():
        channels = {v.channel for v in variations if v.channel and not v.conditions}
        hidden = any(v.conditions and v.channel is None for v in variations)
        for channel in sorted(channels):
            if hidden:
                yield _told(
                    project,
                    name,
                    f"`{name}`: its default for the channel `{channel}` hides the conditional variations there, a "
                    "translation for example; give those the channel too",
                )
        if not any(not v.conditions and v.channel is None for v in variations):
            yield _told(project, name, f"`{name}` says nothing where no condition and no channel fits: add a default")


def _forms(project: Project, crisis: str) -> Iterator[Problem]:
    domain = project.domain
    for form in domain.forms.values():
        if crisis in domain.intents and crisis not in form.ignored_intents:
            yield _told(
                project, form.name, f"`{form.name}` would keep asking while somebody is in danger: ignore `{crisis}`"
            )
        greedy = [
            name
            for name in form.required_slots
            if name in domain.slots
            for mapping in domain.slots[name].mappings
            if mapping.type == "from_text" and not mapping.not_intents and not mapping.intents
        ]
        if greedy and not form.ignored_intents:
            yield _told(
                project,
                form.name,
                f"`{form.name}` takes every message for `{greedy[0]}`, also a cry for help: list `ignored_intents`",
            )


def _slots(project: Project) -> Iterator[Problem]:
    for slot in project.domain.slots.values():
        for mapping in slot.mappings:
            here = [condition for condition in mapping.conditions if condition.active_loop is not None]
            if mapping.type == "from_text" and any(condition.requested_slot is None for condition in here):
                yield _told(
                    project,
                    slot.name,
                    f"`{slot.name}` would also take the message that starts the form: add its `requested_slot`",
                )
            if mapping.type == "custom" and mapping.action and mapping.action not in project.domain.actions:
                yield _told(
                    project, slot.name, f"`{slot.name}` is filled by `{mapping.action}`, which is not among the actions"
                )


def _rules(project: Project) -> Iterator[Problem]:
    """Rules that can never be reached, because a loop or another rule is always before them."""
    defaults = {"restart", "back", "session_start"}
    mapped = {name for slot in project.domain.slots.values() for m in slot.mappings for name in m.intents}
    for rule in project.rules.rules:
        for intent in sorted(rule.intents & defaults):
            yield Problem(
                rule.file, rule.line, f"rule “{rule.name}” is never played: `{intent}` has an action of its own", False
            )
        for step in rule.steps:
            now = step.moments[-1]
            form = project.domain.forms.get(now.loop or "")
            if form is None or now.previous != LISTEN or now.intent is None or step.action == form.name:
                continue
            text_taken = any(
                mapping.type == "from_text" and now.intent not in mapping.not_intents and not mapping.intents
                for name in form.required_slots
                if name in project.domain.slots
                for mapping in project.domain.slots[name].mappings
            )
            if now.intent not in form.ignored_intents and (text_taken or now.intent in mapped):
                yield Problem(
                    rule.file,
                    rule.line,
                    f"rule “{rule.name}” may never be reached: `{form.name}` takes a message of `{now.intent}` as an "
                    "answer; list it in `ignored_intents`",
                    False,
                )
                break


def _incomplete_rules(project: Project) -> Iterator[Problem]:
    """Rules that do not say what an action sets, though others do: Rasa refuses to train them."""
    domain = project.domain
    sets: dict[
        str, tuple[set[str], set[str]]
    ] = {}  # by action: the slots, and the loops, that some rule names after it
    for rule in project.rules.rules:
        for events in rule.events:
            action = ""
            for event in events:
                name = str(event.get("name"))
                match event["event"]:
                    case "action":
                        action = name
                    case "user":
                        action = ""
                    case "slot" if action and name in domain.slots and domain.slots[name].influences:
                        sets.setdefault(action, (set(), set()))[0].add(name)
                    case "active_loop" if action:
                        sets.setdefault(action, (set(), set()))[1].add(name)
    for rule in project.rules.rules:
        for step in rule.steps:
            now = step.moments[-1]
            slots, loops = sets.get(now.previous or "", (set(), set()))
            lacking = sorted(slots - now.slots.keys())
            if loops and now.loop not in loops:
                lacking.append("active_loop")
            if lacking and now.previous != LISTEN:
                yield Problem(
                    rule.file,
                    rule.line,
                    f"rule “{rule.name}” does not say what `{now.previous}` sets, though other rules do: "
                    f"{', '.join(lacking)}. Rasa would refuse it",
                    False,
                )


def _buttons(project: Project) -> Iterator[Problem]:
    heard = set(project.domain.intents) - set(unheard_intents(project.domain, project.rules))
    for name, variations in project.domain.responses.items():
        for variation in variations:
            for button in variation.buttons:
                message = read_written_payload(button.payload) if button.payload.startswith("/") else None
                if message is None or message.intent is None or message.intent not in project.domain.intents:
                    continue
                if message.intent in heard:
                    continue
                if not _answers_a_form(project, message.intent, _by_one_of(message.entities)):
                    yield _told(
                        project, name, f"`{name}`: no rule takes the button “{button.title}” (`/{message.intent}`)"
                    )
