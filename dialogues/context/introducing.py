"""A message in which somebody only says what their work is: "I work with children", "I'm a border guard in Calais".

It is the words of a button of ours, or how a worker begins, and was heard as somebody who tells where they are: they
were asked whether they need a bed. What a child is made to be is no such work: a soldier, an interpreter, a servant.
Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from dialogues.knowledge.search import fold
from dialogues.runtime.model import DialogueState, Entity, UserMessage

LONGEST: Final = 100

_WORK: Final = (
    r"(?:(?:an?|the) )?(?:(?:border|immigration|prison|police|coast) )?(?:guards?|officers?|police(?:man|woman)?)",
    r"(?:an? )?(?:teacher|nurse|doctor|midwife|paramedic|lawyer|judge|prosecutor|(?:cultural )?mediator|registrar"
    r"|volunteer|guardian|(?:social|case|youth|aid) ?worker|(?:labour )?inspector)",
    r"(?:une? )?(?:garde(?:-| )frontieres?|policiere?|gendarme|douaniere?|enseignante?|prof|professeure?"
    r"|educat(?:eur|rice)|infirmiere?|medecin|sage-femme|avocate?|juge|mediat(?:eur|rice)|benevole|tut(?:eur|rice)"
    r"|assistante? sociale?|travailleu(?:r|se) sociale?|inspect(?:eur|rice)(?: du travail)?)",
    r"(?:una? )?(?:guardia (?:de frontera|fronteriz[oa]|civil)|policia|agente|maestr[oa]|profesora?|docente"
    r"|enfermer[oa]|medic[oa]|partera|abogad[oa]|juez[a]?|fiscal|mediadora?|voluntari[oa]|tutora?"
    r"|trabajadora? social|inspectora?(?: de trabajo)?|funcionari[oa])",
    r"(?:حرس|حارس) (?:ال)?حدود|شرطيه?|ضابط|معلمه?|مدرسه?|ممرضه?|طبيبه?|قابله|محاميه?|قاضي?|وسيطه?"
    r"|متطوعه?|وصي|(?:اخصايي|اخصاييه|عامل|عامله) اجتماعي(?:ه)?|مفتش",
)
_I_AM: Final = r"(?:i am|i'?m|je suis|soy|انا|this is)"
_WITH_CHILDREN: Final = (
    r"(?:i|we) work with (?:children|kids|minors)"
    r"|(?:je travaille|nous travaillons|on travaille) avec des (?:enfants|mineurs)"
    r"|(?:trabajo|trabajamos) con (?:menores|ninos|ninas|ninas y ninos|ninos y ninas)"
    r"|(?:اعمل|نعمل|اشتغل) مع (?:ال)?اطفال"
)
_SAYS: Final = re.compile(rf"(?:{_I_AM} (?:{'|'.join(_WORK)})|{_WITH_CHILDREN})(?!\w)(?!'s)")
_GREETS: Final = (
    r"(?:(?:hi|hello|hey|good \w+|bonjour|bonsoir|salut|hola|buen[oa]s \w+|مرحبا|السلام عليكم|سلام)[,.!،]?\s+)?"
)
_WHERE: Final = r"(?: (?:here )?(?:in|at|from|near|on|a|au|aux|en|dans|de|del|la|cerca de|في|ب|من) (?:[\w'-]+ ?){1,4})?"
_ONLY: Final = re.compile(rf"{_GREETS}{_SAYS.pattern}{_WHERE}")
_AROUND: Final = " \t\n.,;:!¡…\"'«»“”()"


def says_to_work(words: str) -> bool:
    """Whether somebody says what their work is, and it is work with children in need, or among them."""
    return _SAYS.search(_plain(words)) is not None


def as_introduction(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as a press of "I work with children", where it says that and nothing else."""
    if message.intent != "inform" or not 0 < len(message.text) <= LONGEST:
        return message
    busy = state.active_loop.get("name") or state.slots.get("safety_question")
    if busy or state.slots.get("audience") == "child" or _ONLY.fullmatch(_plain(message.text)) is None:
        return message
    places = (entity for entity in message.entities if entity.name == "place")
    told = (Entity("audience", "worker"), *places)
    return replace(message, intent="procedure", confidence=1.0, ranking=(("procedure", 1.0),), entities=told)


def _plain(words: str) -> str:
    return " ".join(fold(words[:500]).replace("’", "'").strip(_AROUND).split())
