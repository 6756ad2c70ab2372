"""Project files that nobody meant to write like this: each is told with its place, and nothing hangs."""

from __future__ import annotations

from itertools import pairwise

import pytest

from dialogues.runtime.annotations import read_annotations
from dialogues.runtime.contradictions import contradictions
from dialogues.runtime.files import ProjectWrong
from dialogues.runtime.project import endpoints, load_project
from tests.unit.dialogues_runtime.project import write_project

DOMAIN = """
    intents: [a, b]
    entities: [e]
    slots:
      s: {type: text, mappings: [{type: custom}]}
    responses:
      utter_a: [{text: a}]
"""


@pytest.mark.parametrize(
    ("domain", "told"),
    [
        ("intents: a\n", "`intents` must be a list"),
        ("slots: [s]\n", "`slots` must hold names"),
        ("slots:\n  s: {type: float, min_value: low, mappings: [{type: custom}]}\n", "`s` cannot be read"),
        ("slots:\n  s: {type: float, min_value: 3, max_value: 1, mappings: [{type: custom}]}\n", "can hold no number"),
        ("slots:\n  s: {type: categorical, values: 5, mappings: [{type: custom}]}\n", "`s` cannot be read"),
        ("slots:\n  s: {type: any, influence_conversation: true, mappings: [{type: custom}]}\n", "no rule can look at"),
        ("slots:\n  s: {type: text, mappings: [{type: from_text, conditions: always}]}\n", "must be a list"),
        ("slots:\n  s: {type: text, mappings: [{type: from_entity}]}\n", "does not say which entity"),
        ("session_config: {session_expiration_time: soon}\nintents: [a]\n", "must be a number of minutes"),
        ("responses:\n  utter_a: hello\n", "must be a list of variations"),
        ("responses:\n  utter_a: [{text: x, condition: [{type: slot}]}]\n", "must have `type: slot`"),
        ("intents: [[a]]\n", "each of `intents` must be a name"),
        ("intents: [{}]\n", "each of `intents` must be a name"),
        ("actions: [{}]\n", "each of `actions` must be a name"),
        ("slots:\n  s: {type: text, mappings: {type: from_text}}\n", "the mappings of `s` must be a list"),
        ("responses:\n  utter_a: [{text: [a, b]}]\n", "`text` of `utter_a` must be words"),
        ("responses:\n  utter_a: [{text: a, buttons: yes}]\n", "`buttons` of `utter_a` must be a list"),
        ("responses:\n  utter_a: [{text: a, channel: [x, y]}]\n", "`channel` of `utter_a` must be one name"),
        ("forms:\n  f: {required_slots: s}\n", "needs required_slots"),
        ("forms:\n  f: []\n", "needs required_slots"),
        ("forms:\n  f: {required_slots: {s: [{type: from_text}]}}\n", "since Rasa 3 a slot is listed by its name"),
        (
            "slots:\n  s: {type: unfeaturized}\nforms:\n  f: {required_slots: [s]}\n",
            "since Rasa 2 such a slot is `any`",
        ),
    ],
)
def test_a_domain_that_cannot_be_meant_is_refused_with_its_line(tmp_path, domain, told):
    with pytest.raises(ProjectWrong) as caught:
        load_project(write_project(tmp_path, domain), strict=False)

    assert any(told in p.text and p.file == "domain.yml" and p.line >= 1 for p in caught.value.problems)
    assert not any("which is no slot" in p.text for p in caught.value.problems)  # it is there, and told once


@pytest.mark.parametrize(
    ("domain", "told"),
    [
        ("responses:\n  utter_a: []\n", "says nothing"),
        ("responses:\n  utter_a: [{image: x, buttons: [{payload: /a}]}]\n", "has no title"),
        ("responses:\n  utter_a: [{text: x, condition: [{name: s, value: 1}]}]\n", "should have `type: slot`"),
        ("responses:\n  utter_a: [{text: x, condition: []}]\n", "is never said"),
        ("responses:\n  utter_a: [{text: x, buttons: [{title: Tap}]}]\n", "“Tap” of `utter_a` sends nothing"),
        ("responses:\n  utter_a: [{text: 5}]\n", "`text` of `utter_a` must be words in quotes"),
        ("responses:\n  utter_a: [{text: a, buttons: [{title: b, payload: 5}]}]\n", "“b” of `utter_a` must be words"),
        ("intents: [{a: {}}]\n", "intent `a` has a colon and no settings"),
        ("entities: [e, e]\n", "entity `e` is declared twice"),
        ("session_config: {session_expiration_time: -1}\nintents: [a]\n", "0 means that a session never ends"),
        ('version: "4.0"\nintents: [a]\n', "`version: 4.0` is not one Rasa 3.6 reads"),
        ("intents: [{a: {use_entitys: []}}]\n", "`use_entitys` is not part of an intent; did you mean `use_entities`?"),
        ("intents: [{a: {use_entities: [nosuch]}}]\n", "intent `a` names `nosuch`, which is no entity"),
        (
            "entities: [e]\nslots:\n  s: {type: text, mappings: [{type: from_entity, entity: e, role: from}]}\n",
            "slot `s` reads `from` of `e`, which declares no such",
        ),
        ("forms:\n  f: {required_slots: }\n", "needs required_slots"),
        ("forms:\n  f: {required_slots: [nosuch]}\n", "which is no slot"),
        ("forms:\n  f: {required_slot: [s]}\n", "`required_slot` is not part of a form"),
        (
            "slots:\n  s: {type: text, influence: false, mappings: [{type: custom}]}\n",
            "`influence` is not part of a slot",
        ),
        ("slots:\n  s: {type: categorical, mappings: [{type: custom}]}\n", "`s` has no values: write `values:"),
        ("slots:\n  s: {type: text, mappings: [{type: custom, when: x}]}\n", "`when` is not part of a mapping"),
        (
            "slots:\n  s: {type: text, mappings: [{type: from_text, conditions: [{requested_slot: nosuch}]}]}\n",
            "waits for `nosuch` to be asked",
        ),
        (
            "slots:\n  s: {type: text, mappings: [{type: from_text, conditions: [{active_loop: f}]}]}\n"
            "  other: {type: text, mappings: [{type: custom}]}\nforms:\n  f: {required_slots: [other]}\n",
            "slot `s` waits for `f`, which does not require it",
        ),
    ],
)
def test_what_rasa_plays_though_it_is_hardly_meant_is_played_and_doubted(tmp_path, domain, told):
    project = load_project(write_project(tmp_path, domain), strict=False)

    assert any(told in doubt.text and doubt.line >= 1 for doubt in project.doubts)


@pytest.mark.parametrize(
    "rules",
    [
        "rules: 7\n",
        "rules: [7]\n",
        "rules: [{rule: r, steps: [7]}]\n",
        "rules: [{rule: r, steps: [{intent: a}, {action: nosuch}]}]\n",
        "rules: [{rule: r, steps: [{or: 5}, {action: utter_a}]}]\n",
        "rules: [{rule: r, condition: slot_was_set, steps: [{intent: a}, {action: utter_a}]}]\n",
        "rules: [{rule: r, condition: {active_loop: null}, steps: [{intent: a}, {action: utter_a}]}]\n",
        "rules: [{rule: r, condition: [{active_loop: nosuch}], steps: [{intent: a}, {action: utter_a}]}]\n",
        "stories: {s: 1}\n",
        "stories: [{story: s, steps: [{intent: a}, {action: nosuch}]}]\n",
    ],
)
def test_rules_and_stories_that_cannot_be_played_are_refused_with_their_line(tmp_path, rules):
    with pytest.raises(ProjectWrong, match=r"rules\.yml:\d+: "):
        load_project(write_project(tmp_path, DOMAIN, rules), strict=False)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ("policies: RulePolicy\n", "config.yml:1: `policies` must be a list"),
        ("policies:\n- RulePolicy\n", "config.yml:2: a policy needs a name"),
        ("policies:\n- name: RulePolcy\n", "config.yml:2: there is no policy `RulePolcy`"),
        ("policies:\n- name: MemoizationPolicy\n", "config.yml:1: the domain has forms, and nothing plays them"),
        (
            "policies:\n- name: RulePolicy\n  core_fallback_action_name: action_nosuch\n",
            "config.yml:3: the fallback `action_nosuch` is no action",
        ),
        (
            "policies:\n- name: RulePolicy\n  core_fallback_threshold: high\n",
            "config.yml:3: `core_fallback_threshold` must be a number between 0 and 1",
        ),
    ],
)
def test_policies_that_would_leave_the_bot_without_a_word_are_refused_with_their_line(tmp_path, config, told):
    root = write_project(tmp_path, DOMAIN + "    forms:\n      f: {required_slots: [s]}\n")
    (root / "config.yml").write_text(config, encoding="utf-8")

    with pytest.raises(ProjectWrong) as caught:
        load_project(root, strict=False)

    assert told in str(caught.value)


def test_rules_without_their_policy_and_policies_that_are_not_played_are_told(tmp_path):
    root = write_project(tmp_path, DOMAIN, "rules: [{rule: r, steps: [{intent: a}, {action: utter_a}]}]\n")
    (root / "config.yml").write_text(
        "policies:\n- name: TEDPolicy\n- name: house.Policy\n  priority: 9\n", encoding="utf-8"
    )

    told = [str(doubt) for doubt in load_project(root, strict=False).doubts]

    assert any("config.yml:1: rules, /restart and /back are not played" in text for text in told)
    assert any("config.yml:2: what `TEDPolicy` learns" in text for text in told)
    assert any("config.yml:3: `house.Policy` is a policy of its own" in text for text in told)
    assert any("config.yml:4: `priority` is not followed here" in text for text in told)


def test_one_part_of_a_domain_that_cannot_be_read_does_not_hide_the_others(tmp_path):
    domain = "session_config: 60\nintents: [a]\nresponses:\n  utter_a: [{text: a}]\n"
    rules = "rules: [{rule: r, steps: [{intent: a}, {action: utter_a}]}]\n"

    with pytest.raises(ProjectWrong) as caught:
        load_project(write_project(tmp_path, domain, rules), strict=False)

    assert str(caught.value) == "domain.yml:1: `session_config` must hold names and their settings"


def test_words_that_name_no_variable_of_the_environment_are_told_to_stand_in_quotes(tmp_path):
    (tmp_path / "domain.yml").write_text("responses:\n  utter_a:\n  - text: it costs ${price}\n", encoding="utf-8")

    with pytest.raises(ProjectWrong, match=r"domain\.yml:3: .*`price` is not set .*quotes"):
        load_project(tmp_path)


def test_an_address_from_the_environment_is_put_in_its_place(tmp_path, monkeypatch):
    (tmp_path / "endpoints.yml").write_text("action_endpoint:\n  url: ${ACTION_URL}/webhook\n", encoding="utf-8")

    with pytest.raises(ProjectWrong, match=r"endpoints\.yml:2: the environment variable `ACTION_URL` is not set"):
        endpoints(tmp_path)

    monkeypatch.setenv("ACTION_URL", "http://actions:5055")
    assert endpoints(tmp_path) == {"action_endpoint": {"url": "http://actions:5055/webhook"}}


@pytest.mark.parametrize("url", ["localhost:5055/webhook", "[http://actions]", "5055"])
def test_an_address_that_is_none_is_refused_before_anybody_waits_for_it(tmp_path, url):
    (tmp_path / "endpoints.yml").write_text(f"action_endpoint:\n  url: {url}\n", encoding="utf-8")

    with pytest.raises(ProjectWrong, match=r"endpoints\.yml:2: .* is no address: write `url: http://"):
        endpoints(tmp_path)


def test_a_folder_without_a_domain_is_told_once_and_not_by_every_name_in_its_rules(tmp_path):
    root = write_project(tmp_path, DOMAIN, "rules: [{rule: r, steps: [{intent: a}, {action: utter_a}]}]\n")
    (root / "domain.yml").unlink()

    with pytest.raises(ProjectWrong) as caught:
        load_project(root, strict=False)

    assert [problem.text for problem in caught.value.problems] == [
        "no domain file in this folder: `domain.yml`, with intents, responses and actions"
    ]


def test_what_rasa_takes_is_taken_and_told(tmp_path):
    rules = """
        rules:
          - {rule: words, steps: [{user: hello}, {action: utter_a}]}
          - {rule: said, steps: [{intent: b}, {bot: hello}]}
          - {rule: unknown, steps: [{intent: nosuch}, {action: utter_a}]}
          - {rule: a, steps: [{intent: a}, {action: utter_a}]}
          - {rule: bare}
          - {rule: b, wait_for_user_input: nope, condition: [{slot_was_set: {s: x}}], steps: [{intent: b}]}
        stories:
          - {story: late, steps: [{checkpoint: nowhere}, {intent: a}, {action: utter_a}]}
          - {story: early, steps: [{intent: b}, {action: utter_a}, {checkpoint: no_more}]}
          - {story: blank}
          - {story: asks, steps: [{intent: a}, {action: utter_a}, {checkpoint: gate, slot_was_set: [{s: x}]}]}
          - {story: shut, steps: [{checkpoint: gate, slot_was_set: [{s: x}]}, {intent: b}, {action: utter_a}]}
          - {story: vague, steps: [{checkpoint: gate, slot_was_set: [s]}, {intent: b}, {action: utter_a}]}
    """

    project = load_project(write_project(tmp_path, DOMAIN, rules), strict=False)

    assert [rule.name for rule in project.rules.rules] == ["unknown", "a", "b"]
    told = [str(problem) for problem in project.doubts]
    assert any("rules.yml:3: rule “words” is left out" in text for text in told)
    assert any("rules.yml:4: rule “said” is left out" in text for text in told)
    assert any("rules.yml:5: rule “unknown” waits for `nosuch`" in text for text in told)
    assert any("rules.yml:7: rule “bare” has no steps" in text for text in told)
    assert any("rules.yml:8: rule “b”: `wait_for_user_input` is true or false" in text for text in told)
    assert any("rules.yml:8: the `slot_was_set` of rule “b” must be a list" in text for text in told)
    assert any("rules.yml:10: story “late” begins at checkpoint `nowhere`" in text for text in told)
    assert any("rules.yml:11: story “early” ends at checkpoint `no_more`" in text for text in told)
    assert any("rules.yml:12: story “blank” has no steps" in text for text in told)
    assert any("rules.yml:13: story “asks”: what checkpoint `gate` asks for does not count" in text for text in told)
    assert any("rules.yml:14: no story comes to checkpoint `gate` with these slots" in text for text in told)
    assert any("rules.yml:15: story “vague”: checkpoint `gate` is passed over" in text for text in told)


@pytest.mark.parametrize("folder", ["data", "nlu"])
def test_an_intent_that_only_its_examples_name_by_what_answers_them_is_known_as_in_rasa(tmp_path, folder):
    domain = "responses: {utter_faq/hours: [{text: open all day}]}"
    rules = "rules: [{rule: faq, steps: [{intent: faq}, {action: utter_faq}]}]"
    (tmp_path / folder).mkdir()
    (tmp_path / folder / "examples.yml").write_text("nlu:\n- intent: faq/hours\n  examples: |\n    - when\n", "utf-8")

    project = load_project(write_project(tmp_path, domain, rules))

    assert project.domain.declared_intents == {"faq"}


def test_what_another_rule_overrules_is_told_as_rasa_would_refuse_it(tmp_path):
    domain = """
        intents: [ask, open, later, talk]
        slots:
          s: {type: text, mappings: [{type: custom}]}
          t: {type: bool, mappings: [{type: custom}]}
        responses:
          utter_ask_s: [{text: 's?'}]
          utter_a: [{text: a}]
          utter_b: [{text: b}]
          utter_c: [{text: c}]
        forms:
          f: {required_slots: [s]}
    """
    rules = """
        rules:
          - {rule: plain, steps: [{intent: ask}, {action: utter_a}]}
          - {rule: both, condition: [{slot_was_set: [{s: x}]}], steps: [{intent: ask}, {action: utter_b}]}
          - {rule: empty, condition: [{slot_was_set: [{t: null}]}], steps: [{intent: later}, {action: utter_b}]}
          - {rule: later, steps: [{intent: later}, {action: utter_a}]}
          - {rule: open, steps: [{intent: open}, {action: f}, {active_loop: f}]}
          - {rule: too late, steps: [{intent: talk}, {action: f}, {active_loop: f}, {action: utter_c}]}
          - rule: done
            condition: [{active_loop: f}]
            steps: [{action: f}, {active_loop: null}, {action: utter_c}]
        stories:
          - story: silent end
            steps:
              - {intent: open}
              - {action: f}
              - {active_loop: f}
              - {intent: ask}
              - {action: utter_a}
              - {action: f}
              - {active_loop: null}
    """

    told = sorted(contradictions(load_project(write_project(tmp_path, domain, rules))))

    assert [str(problem).partition(". Rasa would refuse it")[0] for problem in told] == [  # as it does: recorded
        "rules.yml:6: rule “later” says utter_a where rule “empty” (rules.yml:5) says utter_b",
        "rules.yml:8: rule “too late” says utter_c where its form has just run and waits for an answer",
        "rules.yml:13: story “silent end” says action_listen where rule “done” (rules.yml:9) says utter_c",
    ]


def test_alternatives_without_end_are_not_followed_for_ever(tmp_path):
    either = "{or: [" + ", ".join(f"{{slot_was_set: [{{s: v{i}}}]}}" for i in range(10)) + "]}"
    rules = f"rules: [{{rule: r, steps: [{', '.join([either] * 12)}, {{intent: a}}, {{action: utter_a}}]}}]\n"

    assert load_project(write_project(tmp_path, DOMAIN, rules), strict=False).rules.rules


def test_stories_that_lead_in_circles_are_not_followed_for_ever(tmp_path):
    parts = [
        f"{{story: s{i}, steps: [{{checkpoint: c{i % 3}}}, {{intent: a}}, {{action: utter_a}}, {{checkpoint: c{j}}}]}}"
        for i in range(12)
        for j in range(3)
    ]
    start = "{story: start, steps: [{intent: b}, {action: utter_a}, {checkpoint: c0}]}"
    rules = f"stories: [{start}, {', '.join(parts)}]\n"

    assert load_project(write_project(tmp_path, DOMAIN, rules), strict=False).stories == ()


@pytest.mark.parametrize(
    ("example", "plain", "found"),
    [
        ("in [Calais](town) now", "in Calais now", [("town", "Calais", 3, 9, None, None)]),
        ("[NYC](town:New York)", "NYC", [("town", "New York", 0, 3, None, None)]),
        ('to [Rome]{"entity": "town", "role": "to"}', "to Rome", [("town", "Rome", 3, 7, "to", None)]),
        (
            '[x][{"entity": "a"}, {"entity": "b", "group": "1"}]',
            "x",
            [("a", "x", 0, 1, None, None), ("b", "x", 0, 1, None, "1")],
        ),
        ("[no mark] here", "[no mark] here", []),
    ],
)
def test_entities_are_read_from_their_marks(example, plain, found):
    text, marks = read_annotations(example)

    assert text == plain
    assert [(m.entity, m.value, m.start, m.end, m.role, m.group) for m in marks] == found


def _aliases_of_aliases(first: str, each: str) -> str:
    """Every line repeats the one before it nine times."""
    names = "abcdefghijk"
    return f"a: &a {first}\n" + "".join(
        f"{name}: &{name} {each.format(', '.join([f'*{before}'] * 9))}\n" for before, name in pairwise(names)
    )


@pytest.mark.parametrize(
    "bomb",
    [_aliases_of_aliases("[x, x, x]", "[{}]"), _aliases_of_aliases("{x: 1}", "{{<<: [{}]}}")],
    ids=["lists", "merged mappings"],
)
def test_aliases_that_would_fill_the_memory_are_refused_with_their_line(tmp_path, bomb):
    with pytest.raises(ProjectWrong) as caught:
        load_project(write_project(tmp_path, DOMAIN, bomb), strict=False)

    (problem,) = caught.value.problems
    assert "repeat more than 100,000 values" in problem.text
    assert problem.file == "rules.yml"
    assert 5 <= problem.line <= 8


def test_an_alias_or_two_are_welcome(tmp_path):
    rules = "rules:\n- rule: r\n  steps: &steps\n  - intent: a\n  - action: utter_a\n"

    load_project(write_project(tmp_path, DOMAIN, rules + "- rule: q\n  steps: *steps\n"), strict=False)
