"""A small Rasa project on disk, with actions that misbehave."""

from __future__ import annotations

from pathlib import Path

FILES = {
    "config.yml": """
        pipeline:
          - name: WhitespaceTokenizer
          - name: DIETClassifier
          - name: RegexEntityExtractor
          - name: EntitySynonymMapper
          - name: FallbackClassifier
            threshold: 0.4
        policies:
          - name: RulePolicy
    """,
    "domain.yml": """
        version: "3.1"
        intents: [greet, where, hang, raise, rubbish, form, inform]
        entities: [town]
        slots:
          town:
            type: text
            mappings: [{type: from_entity, entity: town}]
        forms:
          town_form: {required_slots: [town]}
        responses:
          utter_hello: [{text: 'Hello'}]
          utter_town: [{text: 'In {town}'}]
          utter_ask_town: [{text: 'Which town?'}]
          utter_done: [{text: 'Done with {town}'}]
          utter_default: [{text: 'Pardon?'}]
        actions: [action_hang, action_raise, action_rubbish, validate_town_form]
    """,
    "data/nlu.yml": """
        nlu:
          - intent: greet
            examples: |
              - hello
              - good morning
          - intent: where
            examples: |
              - how is it in [Calais](town)
              - I am in [Rome](town)
          - synonym: Roma
            examples: |
              - rome
          - intent: form
            examples: |
              - fill in the form
    """,
    "data/rules.yml": """
        rules:
          - {rule: hello, steps: [{intent: greet}, {action: utter_hello}]}
          - {rule: where, steps: [{intent: where}, {action: utter_town}]}
          - {rule: hang, steps: [{intent: hang}, {action: action_hang}]}
          - {rule: raise, steps: [{intent: raise}, {action: action_raise}]}
          - {rule: rubbish, steps: [{intent: rubbish}, {action: action_rubbish}]}
          - {rule: form, steps: [{intent: form}, {action: town_form}, {active_loop: town_form}]}
          - rule: done
            condition: [{active_loop: town_form}]
            steps: [{action: town_form}, {active_loop: null}, {action: utter_done}]
    """,
    "actions.py": """
        import time

        from rasa_sdk import Action
        from rasa_sdk.events import SlotSet


        class Hang(Action):
            def name(self):
                return "action_hang"

            def run(self, dispatcher, tracker, domain):
                time.sleep(20)
                return []


        class Raise(Action):
            def name(self):
                return "action_raise"

            def run(self, dispatcher, tracker, domain):
                raise RuntimeError("broken")


        class Rubbish(Action):
            def name(self):
                return "action_rubbish"

            def run(self, dispatcher, tracker, domain):
                return ["not an event", 7]


        class ValidateTown(Action):
            def name(self):
                return "validate_town_form"

            def run(self, dispatcher, tracker, domain):
                given = tracker.slots_to_validate()
                if given.get("town") == "Boom":
                    raise RuntimeError("broken")
                return [SlotSet(name, value) for name, value in given.items()]
    """,
    "tests/test_talks.yml": """
        stories:
          - story: a town in the form
            steps:
              - user: |
                  fill in the form
                intent: form
              - action: town_form
              - active_loop: town_form
              - bot: Which town?
              - user: |
                  /inform{"town": "Oslo"}
                intent: inform
              - action: town_form
              - active_loop: null
              - slot_was_set: [{town: Oslo}]
              - action: utter_done
              - bot: Done with Oslo
    """,
}


def write_project(folder: Path, **other: str) -> Path:
    """The project in a folder. `other` replaces a file's text: `domain_yml=…`; an empty text leaves it out."""
    for name, text in FILES.items():
        text = other.get(name.replace(".", "_").replace("/", "_"), text)
        if not text:
            continue
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = text.strip("\n").splitlines()
        indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
        path.write_text("\n".join(line[indent:] for line in lines) + "\n", encoding="utf-8")
    return folder
