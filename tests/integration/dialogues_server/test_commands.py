"""`python -m dialogues … --project DIR`: what Rasa users expect of validate, test, train and shell."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from dialogues.__main__ import main
from dialogues.server.actions import ProjectActions
from tests.integration.dialogues_server.project import FILES, write_project


def dialogues(command: str, project: Path) -> int:
    return main(["--backend", "ngrams", command, "--project", str(project)])


def test_a_project_without_a_fault_is_valid(tmp_path, capsys):
    assert dialogues("validate", write_project(tmp_path)) == 0

    assert "7 rules" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("file", "text", "told"),
    [
        ("domain_yml", "intents: [a\n", "domain.yml:"),
        ("domain_yml", "intents: [a]\nresponses:\n  utter_a: ['hello\n\n", "domain.yml:3: not YAML: "),
        ("domain_yml", "intents: [a]\nx: b: c\n", "words with `: ` in them need quotes"),
        ("domain_yml", "intents: [a]\nslots:\n  x: {type: colour}\n", "domain.yml:3: slot `x` needs a type"),
        ("domain_yml", "intents: [a]\nslots:\n  x: {type: txt}\n", "any; did you mean `text`?"),
        (
            "domain_yml",
            "intents: [a]\nforms:\n  f: {required_slots: [nosuch]}\n",
            "domain.yml:3: form `f` needs `nosuch`",
        ),
        (
            "data_rules_yml",
            "rules:\n  - rule: r\n    steps: [{intent: greet}, {action: utter_helo}]\n",
            "data/rules.yml:3: rule “r” calls `utter_helo`, which is not in the domain; did you mean `utter_hello`?",
        ),
        ("data_rules_yml", "rules:\n  - rule: r\n    steps: hello\n", "data/rules.yml:3: rule “r” has no steps"),
        ("data_rules_yml", "rules:\n  - steps: []\n", "data/rules.yml:2: a rule needs a name"),
        (
            "data_nlu_yml",
            'nlu:\n  - intent: greet\n    examples: |\n      - [x]{"entity": 7, oops}\n',
            "data/nlu.yml:4: ",
        ),
        ("data_nlu_yml", "nlu:\n  - regex: r\n    examples: |\n      - (\n", "data/nlu.yml:4: "),
        ("data_nlu_yml", "nlu:\n  intent: greet\n", "data/nlu.yml:1: `nlu` must be a list"),
        ("tests_test_talks_yml", "stories: 7\n", "tests/test_talks.yml:1: `stories` must be a list"),
        ("config_yml", "pipeline: DIETClassifier\n", "config.yml:1: `pipeline` must be a list"),
        (
            "config_yml",
            "pipeline:\n  - name: FallbackClassifier\n    threshold: high\n",
            "config.yml:3: FallbackClassifier: `threshold` must be a number",
        ),
        (
            "config_yml",
            "pipeline:\n  - name: FallbackClassifier\n    threshold: 40\n",
            "config.yml:3: FallbackClassifier: `threshold` must be a number between 0 and 1, and is 40",
        ),
        (
            "tests_test_talks_yml",
            "stories:\n- story: s\n  steps:\n  - user: hello\n    intent: greet\n  - actoin: utter_hello\n",
            "tests/test_talks.yml:6: `actoin` is not part of a step of a test",
        ),
        ("actions_py", "import nothing_of_that_name\n", "actions.py:1: the actions cannot be loaded"),
        ("actions_py", "def broken(:\n", "actions.py:1: the actions cannot be loaded"),
    ],
)
def test_a_fault_is_told_with_its_file_and_line(tmp_path, capsys, file, text, told):
    command = "test" if file.startswith("tests") else "validate"

    assert dialogues(command, write_project(tmp_path, **{file: text})) == 1

    assert told in capsys.readouterr().err


def test_a_file_that_cannot_be_opened_is_told_and_a_component_of_no_name_pointed_at(tmp_path, capsys):
    project = write_project(tmp_path, config_yml="pipeline:\n  - name: DIETClasifier\n  - {threshold: 3}\n")

    assert dialogues("validate", project) == 0
    told = capsys.readouterr().out
    assert "config.yml:2: `DIETClasifier` is not played here, it is left out; did you mean `DIETClassifier`?" in told
    assert "config.yml:3: a component needs a name" in told

    (project / "data" / "nlu.yml").unlink()
    (project / "data" / "nlu.yml").symlink_to("nowhere")
    assert dialogues("validate", project) == 1
    assert "data/nlu.yml:1: the file cannot be opened: No such file or directory" in capsys.readouterr().err


def test_examples_that_lead_nowhere_are_pointed_at_with_their_line(tmp_path, capsys):
    nlu = """
        version: 3.1
        nlu:
          - intent: greet
            examples: |
              - hello
              good morning
          - intent: nosuch
            examples:
              - what is this
          - intent: where
            examples: |
              - Hello
          - intnet: form
            examples: |
              - fill in the form
          - intent: form
            exampels: |
              - fill in the form
          - intent: where
            examples: |
              - in [Rome](city)
    """
    actions = """
        from rasa_sdk import Action, FormValidationAction

        class Validate(FormValidationAction):
            def name(self):
                return "validate_some_form"

        class Idle(Action):
            def name(self):
                return "action_idle"
    """
    project = write_project(tmp_path, data_nlu_yml=nlu, actions_py=actions)
    (project / "endpoints.yml").write_text("nlg:\n  url: http://localhost:5056/nlg\n", encoding="utf-8")
    (project / "actions" / "forms").mkdir(parents=True)
    (project / "actions" / "forms" / "town.py").touch()
    (project / "data" / "more.yml").write_text("rulez:\n  - rule: x\n", encoding="utf-8")

    assert dialogues("validate", project) == 0

    told = capsys.readouterr().out
    for doubt in (
        'data/nlu.yml:1: `version: 3.1` is not one Rasa 3.6 reads: write `version: "3.1"`, with the quotes',
        "data/nlu.yml:6: 'good morning' is passed over",
        "data/nlu.yml:9: intent `nosuch` has examples, and is not in the domain",
        "data/nlu.yml:12: “Hello” is an example of `where` here and of `greet` in data/nlu.yml:5",
        "data/nlu.yml:13: `intnet` is passed over",
        "data/nlu.yml:16: intent `form` has no examples",
        "data/nlu.yml:21: entity `city` is marked here, and is not in the domain",
        "actions.py:3: `validate_some_form` is never called: it is not among the `actions` of the domain",
        "actions.py:7: action `action_idle` has no `run`",
        "actions/forms/town.py:1: this file is not loaded: `actions/forms` needs an `__init__.py`",
        "data/more.yml:1: nothing in this file is read: `rulez`",
        "endpoints.yml:1: `nlg` is not used here",
    ):
        assert doubt in told


def test_a_folder_of_actions_that_is_no_package_is_loaded_whatever_was_loaded_before(tmp_path):
    (tmp_path / "one").mkdir()
    (tmp_path / "two" / "actions").mkdir(parents=True)
    own = "from rasa_sdk import Action\n\n\nclass Own(Action):\n    def name(self):\n        return 'action_own'\n"
    (tmp_path / "two" / "actions" / "own.py").write_text(own, encoding="utf-8")
    ProjectActions(write_project(tmp_path / "one"))

    assert ProjectActions(tmp_path / "two").names == {"action_own"}


def test_a_folder_that_is_no_project_is_told(tmp_path, capsys):
    project = write_project(tmp_path)
    for folder, told in (
        (tmp_path / "nowhere", f"{tmp_path}/nowhere: no such folder"),
        (project / "domain.yml", f"is a file; give its folder, {project}"),
        (
            project / "data",
            f"with intents, responses and actions; there is one in {project}",
        ),
    ):
        assert dialogues("validate", folder) == 1
        assert told in capsys.readouterr().err


@pytest.mark.parametrize(("option", "given"), [("--port", "99999"), ("--actions", "localhost:5055")])
def test_a_port_or_an_address_that_is_none_is_refused_before_anything_is_read(capsys, option, given):
    with pytest.raises(SystemExit):
        main(["serve", "--project", "nowhere", option, given])

    assert f"{given!r} is no " in capsys.readouterr().err


def test_the_known_traps_are_pointed_at(tmp_path, capsys):
    domain = """
        intents: [greet, in_danger, lost, form]
        slots:
          greedy: {type: text, mappings: [{type: from_text}]}
          wide: {type: text, mappings: [{type: from_text, conditions: [{active_loop: wide_form}]}]}
        forms:
          wide_form: {required_slots: [wide]}
        responses:
          utter_ask_wide: [{text: 'wide?'}]
          utter_hello:
            - {text: hello, channel: telegram}
            - {text: bonjour, condition: [{type: slot, name: greedy, value: fr}]}
            - {text: hello all, buttons: [{title: lost, payload: /lost}]}
    """
    rules = """
        rules:
          - {rule: hello, steps: [{intent: greet}, {action: utter_hello}]}
          - {rule: form, steps: [{intent: form}, {action: wide_form}, {active_loop: wide_form}]}
          - rule: danger
            condition: [{active_loop: wide_form}]
            steps: [{intent: in_danger}, {action: utter_hello}]
          - {rule: again, steps: [{intent: restart}, {action: utter_hello}]}
    """
    project = write_project(tmp_path, domain_yml=domain, data_rules_yml=rules, data_nlu_yml="", actions_py="")

    assert dialogues("validate", project) == 0

    told = capsys.readouterr().out
    for trap in (
        "domain.yml:3: `greedy` would take every message",
        "domain.yml:4: `wide` would also take the message that starts the form",
        "domain.yml:6: `wide_form` would keep asking while somebody is in danger",
        "domain.yml:6: `wide_form` takes every message",
        "domain.yml:9: `utter_hello`: its default for the channel `telegram` hides",
        "domain.yml:9: `utter_hello`: no rule takes the button “lost”",
        "data/rules.yml:4: rule “danger” may never be reached",
        "data/rules.yml:7: rule “again” is never played",
    ):
        assert trap in told


def test_what_nobody_says_and_nobody_can_say_is_pointed_at(tmp_path, capsys):
    domain = """
        intents: [greet, where, unasked, answer]
        entities: [town]
        slots:
          town: {type: text, mappings: [{type: from_entity, entity: town}]}
          street: {type: text, mappings: [{type: custom}]}
        forms:
          town_form: {required_slots: [town]}
        actions: [town_form]
        responses:
          utter_hello: [{text: hello, buttons: [{title: Where, payload: /where}]}]
          utter_ask_town: [{text: 'town?', buttons: [{title: Rome, payload: '/answer{{"town": "Rome"}}'}]}]
          utter_ask_street: [{text: 'the validator adds me to the form'}]
          utter_forgotten: [{text: nobody says me}]
          utter_danger_fire: [{text: 'get out'}]
          utter_default: [{text: 'pardon?'}]
    """
    rules = "rules: [{rule: hello, steps: [{intent: greet}, {action: utter_hello}]}]"
    actions = 'RESPONSE = f"utter_danger_{reason}" if (reason := "fire") else ""\nREQUIRED = ["town", "street"]'
    project = write_project(tmp_path, domain_yml=domain, data_rules_yml=rules, actions_py=actions)

    assert dialogues("validate", project) == 0

    told = capsys.readouterr().out
    assert "domain.yml:13: `utter_forgotten` is never said" in told
    assert "form `town_form` is among the actions too, so an action of that name is called: there is none" in told
    assert "domain.yml:1: `unasked` has no examples and no button" in told
    assert "domain.yml:1: no rule listens to `unasked`" in told
    assert "no rule listens to `answer`: its messages fall back, but where a form takes them for an answer" in told
    for used in (
        "`utter_hello` is never",
        "`utter_danger_fire`",
        "`utter_ask_street`",
        "`utter_default`",
        "`where` has no",
        "`greet`",
        "“Rome”",
    ):
        assert used not in told


def test_a_rule_that_says_less_than_others_of_what_an_action_sets_is_pointed_at(tmp_path, capsys):
    rules = (
        FILES["data/rules.yml"].rstrip() + "\n          - {rule: short, steps: [{intent: inform}, {action: town_form}]}"
    )

    assert dialogues("validate", write_project(tmp_path, data_rules_yml=rules)) == 0

    assert "rule “short” does not say what `town_form` sets" in capsys.readouterr().out


def test_rules_that_contradict_each_other_are_refused(tmp_path, capsys):
    rules = (
        FILES["data/rules.yml"].rstrip()
        + "\n          - {rule: other, steps: [{intent: greet}, {action: utter_town}]}\n"
    )

    assert dialogues("validate", write_project(tmp_path, data_rules_yml=rules)) == 1

    assert "rule “other” says utter_town where “hello” (data/rules.yml:2) says utter_hello" in capsys.readouterr().err


def test_test_stories_are_played_with_their_actions(tmp_path, capsys):
    assert dialogues("test", write_project(tmp_path)) == 0

    assert "1 story, 0 not as written" in capsys.readouterr().out


def test_a_project_is_known_without_its_option_and_a_folder_without_talks_is_told(tmp_path, capsys):
    assert main(["--backend", "ngrams", "test", str(write_project(tmp_path))]) == 0
    assert "1 story, 0 not as written" in capsys.readouterr().out

    assert main(["test", str(tmp_path / "tests")]) == 1
    assert f"no talks in {tmp_path}/tests" in capsys.readouterr().err


def test_a_test_story_that_goes_otherwise_is_told_with_its_line(tmp_path, capsys):
    story = (
        FILES["tests/test_talks.yml"].replace("Done with Oslo", "Done with Rome").replace("utter_done", "utter_town")
    )
    failed = tmp_path / "results" / "failed_test_stories.yml"

    assert dialogues("test", write_project(tmp_path, tests_test_talks_yml=story)) == 1

    told = capsys.readouterr().out
    assert "tests/test_talks.yml:16: utter_done ran, not utter_town" in told
    assert "tests/test_talks.yml:17: “Done with Rome” was not said" in told
    assert "- action: utter_town  # utter_done ran, not utter_town" in failed.read_text(encoding="utf-8")

    assert dialogues("test", write_project(tmp_path)) == 0
    assert not failed.exists()


def test_training_tells_how_well_the_examples_are_told_apart(tmp_path, capsys):
    assert dialogues("train", write_project(tmp_path)) == 0

    assert "5 examples of 3 intents, " in capsys.readouterr().out


def test_training_tells_where_there_is_nothing_to_learn(tmp_path, capsys):
    config = "pipeline:\n  - name: WhitespaceTokenizer\n  - name: KeywordIntentClassifier\n"

    assert dialogues("train", write_project(tmp_path, config_yml=config)) == 0

    assert capsys.readouterr().out.startswith("5 examples of 3 intents; nothing is learnt from them")


def test_the_shell_answers_and_a_number_presses_a_button(tmp_path, capsys, monkeypatch):
    lines = iter(["hello", "/form", '/inform{"town": "Oslo"}', "/stop"])
    monkeypatch.setattr("builtins.input", lambda prompt: next(lines))

    assert main(["--backend", "ngrams", "shell", "--slots", str(write_project(tmp_path))]) == 0

    printed = capsys.readouterr()
    assert printed.out.splitlines() == [
        "Hello",
        "    {}",
        "Which town?",
        "    {'requested_slot': 'town'} in town_form",
        "Done with Oslo",
        "    {'town': 'Oslo'}",
    ]
    assert "/stop ends" in printed.err
    assert not logging.getLogger("rasa_sdk.forms").isEnabledFor(logging.WARNING)  # `Skipping validation for …`
