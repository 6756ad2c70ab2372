"""A message in which somebody says what their work is: "I work with children", "I'm a border guard in Calais".

Alone, it is the words of a button of ours, or how a worker begins, and was heard as somebody who tells where they are:
they were asked whether they need a bed. Where "are you safe right now?" was asked because they told of danger, it says
that a child is spoken of, and what to do about that danger is shown. What a child is made to be is no such work: a
soldier, an interpreter, a servant. Drafted by machine, for native review.
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
    r"(?:(?:an?|the|her|his|their) )?(?:teacher|nurse|doctor|midwife|paramedic|lawyer|judge|prosecutor"
    r"|(?:cultural )?mediator|registrar"
    r"|volunteer|guardian|(?:member of (?:the )?)?staff|(?:social|case|youth|aid) ?worker|(?:labour )?inspector)",
    r"(?:une? |la |le |l'|son |sa )?(?:garde(?:-| )frontieres?|policiere?|gendarme|douaniere?|enseignante?"
    r"|prof|professeure?"
    r"|educat(?:eur|rice)|infirmiere?|medecin|sage-femme|avocate?|juge|mediat(?:eur|rice)|benevole|tut(?:eur|rice)"
    r"|assistante? sociale?|travailleu(?:r|se) sociale?|inspect(?:eur|rice)(?: du travail)?)",
    r"(?:una? |el |la |su )?(?:guardia (?:de frontera|fronteriz[oa]|civil)|policia|agente|maestr[oa]|profesora?|docente"
    r"|enfermer[oa]|medic[oa]|partera|abogad[oa]|juez[a]?|fiscal|mediadora?|voluntari[oa]|tutora?"
    r"|trabajadora? social|inspectora?(?: de trabajo)?|funcionari[oa])",
    r"(?:حرس|حارس) (?:ال)?حدود|(?:ال)?(?:شرطيه?|ضابط|معلمه?|مدرسه?|ممرضه?|طبيبه?|قابله|محاميه?|قاضي?|وسيطه?"
    r"|متطوعه?|وصي|موظفه?)|(?:اخصايي|اخصاييه|عامل|عامله) اجتماعي(?:ه)?|مفتش",
)
_I_AM: Final = r"(?:i am|i'?m|je suis|soy|انا|this is)"
_WITH_CHILDREN: Final = (
    r"(?:i|we) work with (?:children|kids|minors)"
    r"|(?:je travaille|nous travaillons|on travaille) avec des (?:enfants|mineurs)"
    r"|(?:trabajo|trabajamos) con (?:menores|ninos|ninas|ninas y ninos|ninos y ninas)"
    r"|(?:اعمل|نعمل|اشتغل) مع (?:ال)?اطفال"
)
#: Where nobody works but for those who need help. "I work in a camp" is said by a child who sells tea there, too.
_FOR_THEM: Final = (
    r"(?:i|we) work (?:in|at|for) (?:an?|the|our) (?:[a-z]+ )?(?:shelter|children's home"
    r"|reception cent(?:er|re)|helpline)"
    r"|(?:je travaille|nous travaillons|on travaille) (?:dans|pour|au|a la|a l'|en) ?(?:une? |le |la |l')?"
    r"(?:foyer|centre d'accueil|maison d'enfants|ligne d'ecoute)"
    r"|(?:trabajo|trabajamos) (?:en|para) (?:una? |el |la )?(?:albergue|centro de acogida|casa hogar|linea de ayuda)"
    r"|(?:اعمل|نعمل|اشتغل) (?:في|ب) ?(?:ال)?(?:ماوي|مركز (?:ال)?استقبال|دار (?:ال)?ايواء)"
)
_GREETS: Final = (
    r"(?:(?:hi|hello|hey|good \w+|bonjour|bonsoir|salut|hola|buen[oa]s \w+|مرحبا|السلام عليكم|سلام)[,.!،]?\s+)?"
)
#: "Nurse here, a girl tells me …" is said of oneself at the beginning, with a stop after it: "a volunteer here touches
#: girls" is a complaint, and "police here" may be why somebody hides.
_HERE: Final = (
    rf"^{_GREETS}(?:(?:{'|'.join(_WORK[1:])}) (?:here|speaking|ici|aqui|هنا)"
    rf"|(?:ici|aqui|هنا) (?:{'|'.join(_WORK[2:])}))"
    r"(?=\s*(?:[-–—,.:;،؛]|$))"
)
_SAYS: Final = re.compile(rf"(?:{_I_AM} (?:{'|'.join(_WORK)})|{_WITH_CHILDREN}|{_FOR_THEM}|{_HERE})(?!\w)(?!'s)")
_WHERE: Final = (
    r"(?: (?:(?:here )?(?:in|at|from|near|on|a|au|aux|en|dans|de|del|la|cerca de|في|ب|من) |ب)(?:[\w'-]+ ?){1,4})?"
)
_ONLY: Final = re.compile(rf"{_GREETS}{_SAYS.pattern}{_WHERE}")
_AROUND: Final = " \t\n.,;:!¡…\"'«»“”()"


def says_to_work(words: str) -> bool:
    """Whether somebody says what their work is, and it is work with children in need, or among them."""
    return _SAYS.search(_plain(words)) is not None


def without_introduction(words: str) -> str:
    """All that is said beside it, folded: "I'm a nurse" says "I" of nobody in danger."""
    return _SAYS.sub(" ", _plain(words, most=None))


def as_introduction(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as a press of "I work with children", where it says that and nothing else; of "What to do now" as
    well, where danger was told of."""
    if message.intent == "in_danger" or not 0 < len(message.text) <= LONGEST:
        return message
    if state.active_loop.get("name") or state.slots.get("audience") == "child":
        return message
    asked = bool(state.slots.get("safety_question"))
    of_danger = asked and not state.slots.get("asked_by_text") and bool(state.slots.get("danger_reason"))
    if (asked and not of_danger) or not (of_danger or message.intent == "inform"):
        return message
    if _ONLY.fullmatch(_plain(message.text)) is None:
        return message
    places = (entity for entity in message.entities if entity.name == "place")
    told, meant = (Entity("audience", "worker"), *places), "procedure_now" if of_danger else "procedure"
    return replace(message, intent=meant, confidence=1.0, ranking=((meant, 1.0),), entities=told)


def _plain(words: str, most: int | None = 500) -> str:
    return " ".join(fold(words[:most]).replace("’", "'").strip(_AROUND).split())
