"""Who says in plain words, anywhere in a message, that they want a person gets one; who speaks of others does not."""

from __future__ import annotations

import pytest

from dialogues.context.asking_for_a_person import as_asking_for_a_person, asks_for_a_person
from dialogues.runtime.model import DialogueState, Entity, UserMessage

WANT_A_PERSON = (
    "can i talk to somebody later after work",
    "no la dejan inscribir en la escuela sin papeles, quiero hablar con una persona",
    "my son cannot go to school, i want to talk to a person",
    "I'd like to speak with someone about my brother's papers",
    "please can somebody call me back tomorrow",
    "is there anyone I can talk to? they refused my asylum",
    "We need a bed. Call me please",
    "how can I talk to a real person here?",
    "I need somebody to talk to",
    "bonjour, je voudrais parler à quelqu'un de votre équipe pour mes papiers",
    "Est-ce que quelqu'un peut me rappeler ? c'est pour l'école",
    "j'veux parler a qqn svp",
    "On peut parler avec une vraie personne ?",
    "me podrían llamar por favor, es sobre el asilo",
    "¿Puedo hablar con alguien en español?",
    "necesito que alguien me llame",
    "بدي أحكي مع حدا عن أوراقي",
    "ابني ما عم يقبلوه بالمدرسة، أريد التحدث مع شخص",
    "عايز اكلم حد، مش عارف اعمل ايه",
    "ابني مريض وبدي احكي مع حدا",
    "ممكن حدا يتصل فيني بكرا",
    "بغيت نهضر مع شي واحد على الوراق",
    "bdi e7ki ma3 7ada 3an l wra2",
    "bghit nhder m3a chi wa7ed",
    "أريد أن يتصل بي أحد",
    "hello I want to speak to a human about school for my daughter",
    "je veux qu'on me rappelle, c'est urgent pour l'école",
    "I want to talk to a human, no answer from the school",
    "quisiera hablar con alguien sobre mi hermana",
    "puis-je parler à quelqu'un ?",
    "j'ai besoin de parler à quelqu'un",
    "Talk to a person. My son has no school",
    "c'est urgent, passez-moi quelqu'un svp",
    "ممكن احكي مع حدا من الفريق",
)
WANT_NONE = (
    "how do I talk to a girl who was hurt",
    "should I let him talk to somebody",
    "I don't want to talk to anybody",
    "can I talk to a lawyer for free",
    "the child wants me to talk to the uncle",
    "how do I talk to someone who was abused",
    "I want to talk to someone at the embassy",
    "can he talk to somebody in his language",
    "I talk to somebody every night on the phone",
    "you can call me Ali",
    "call me Ali",
    "he told me to call him later",
    "Can somebody help me find a bed",
    "je ne veux parler à personne",
    "je veux pas parler à quelqu'un",
    "comment parler à un enfant qui a été frappé",
    "je veux parler à quelqu'un de ma famille",
    "je dois parler à la police",
    "quiero hablar con mi madre",
    "no quiero hablar con nadie",
    "no quiero hablar con una persona",
    "¿cómo hablo con una niña que no habla?",
    "quiero hablar con alguien de la embajada",
    "puedo hablar con un abogado",
    "ما بدي احكي مع حدا",
    "لا أريد التحدث مع أحد",
    "أريد التحدث مع أمي",
    "كيف أتكلم مع طفل خائف",
    "أريد التحدث مع شخص من السفارة",
    "ma bdi e7ki ma3 7ada",
    "somebody called me and asked for money",
    "my uncle wants to talk to someone",
    "do I have to talk to somebody at the border",
    "am I talking to a real person",
    "appelez-moi Marie",
    "llámame Ana",
    "ممكن يتصل فيني أبي",
    "can my mother call me",
    "la police peut m'appeler quand ?",
    "peut-on appeler la famille ?",
    "puedo llamar a alguien",
    "can I call somebody in my country",
    "le numéro gratuit pour enfants quand on veut juste parler à quelqu'un",
)


def test_who_wants_to_talk_to_a_person_is_heard_in_four_languages_whatever_else_they_say() -> None:
    assert [words for words in WANT_A_PERSON if not asks_for_a_person(words)] == []


def test_who_asks_about_others_looks_for_somebody_else_or_wants_nobody_is_not_taken_for_it() -> None:
    assert [words for words in WANT_NONE if asks_for_a_person(words)] == []


def test_what_else_was_asked_is_kept_to_be_answered() -> None:
    asked = UserMessage("no school, I want to talk to a person", "procedure", 0.6, (), (Entity("procedure", "school"),))

    heard = as_asking_for_a_person(asked, DialogueState())

    assert (heard.intent, heard.entities) == ("ask_human", asked.entities)


@pytest.mark.parametrize(
    ("intent", "entities", "state"),
    [
        ("in_danger", (), DialogueState()),
        ("deny", (), DialogueState({"safety_question": True})),
        ("nlu_fallback", (), DialogueState(active_loop={"name": "report_form"})),
        ("search_service", (Entity("need", "mental_health"),), DialogueState()),
    ],
    ids=["danger", "not safe", "the answer to a report", "somebody is what they look for"],
)
def test_what_brings_a_person_by_itself_stays_what_it_is(
    intent: str, entities: tuple[Entity, ...], state: DialogueState
) -> None:
    message = UserMessage("no, I want to talk to somebody", intent, 0.9, (), entities)

    assert as_asking_for_a_person(message, state) is message
