"""Of families that children look for, and of children whom those miss who look after them.

"I am 12, where is my mum" was an answer to "who are you?", and was asked what it needs. "I work in a shelter, one of
our boys did not come back" was a child who is made to work: the heads heard the first verb. Forms are of folded words
(`fold`). Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from msgspec.structs import replace

from dialogues.understanding.fold import words
from dialogues.understanding.model import Priority, Risk
from dialogues.understanding.screen import Meaning, raised_for_age

FAMILY_TRACING: Final = "procedure/family_tracing"
#: Nobody who asks for nothing else says more.
_MOST_WORDS: Final = 14

_WELL: Final = (
    r"(?:(?:hi|hello|hey|help|please|pls|and|bonjour|salut|svp|et|hola|por favor|y|مرحبا|سلام|لو سمحت) )*"
    r"(?:(?:i am|im|j ai|moi j ai|tengo|عمري|انا عمري) (?P<age>\d{1,2})(?: (?:years old|yo|ans|anos|سنه|سنين|سنوات))?"
    r"(?: (?:and|et|y|و))? )?"
)
_FAMILY: Final = (
    r"(?:mum|mom|mummy|mommy|mama|mother|dad|daddy|father|parents|brothers?|sisters?|family"
    r"|(?:little|big) (?:brother|sister))"
)
_FAMILLE: Final = (
    r"(?:maman|mere|papa|pere|parents|freres?|soeurs?|famille|(?:petit|grand) frere|(?:petite|grande) soeur)"
)
_FAMILIA: Final = r"(?:mama|madre|papa|padre|padres|papas|herman(?:o|a|ito|ita)s?|familia)"
_AHL: Final = r"(?:امي|ماما|الماما|ابي|ابوي|بابا|البابا|اهلي|اخي|اخوي|اختي|اخوتي|عايلتي)"
_LOOKS: Final = (
    rf"(?:where (?:is|are)|wheres|i (?:cant|cannot|dont) find|i (?:have )?lost"
    rf"|i dont know where) my {_FAMILY}(?: (?:is|are))?"
    rf"(?: now)?",
    rf"(?:(?:elle|il) est ou|ils sont ou|ou (?:est|sont)|je (?:ne )?(?:trouve|retrouve) (?:pas|plus)|j ai perdu)"
    rf" (?:ma|mon|mes) {_FAMILLE}(?: (?:maintenant|elle est ou|il est ou))?",
    rf"(?:donde estan?|no (?:encuentro|hallo) a|perdi a|no se donde estan?) mis? {_FAMILIA}(?: ahora)?",
    rf"(?:و?(?:وين|اين|فين)(?: (?:هي|هو|هم))?|ضيعت|فقدت|(?:مو|مش|ما) لاقيه?|(?:ما|مش) (?:بلاقي|لقيت)) {_AHL}"
    rf"(?: (?:هلق|الان))?",
)
_AT_SEA: Final = (
    rf"(?:i|we) (?:have )?(?:lost|(?:cant|cannot|dont) (?:see|find)) (?:her|him|them|my {_FAMILY}) "
    r"(?:in|on|at|from|off|near) (?:the )?(?:boat|sea|water|ship|dinghy|waves)"
    rf"|(?:je (?:ne )?(?:vois|trouve|retrouve) (?:plus|pas) (?:ma|mon|mes) {_FAMILLE}|j ai perdu (?:ma|mon"
    rf"|mes) {_FAMILLE}"
    r"|(?:je|on) l(?:es)? (?:ai|a) perdue?s?|je (?:ne )?l(?:a|e|es) (?:vois|trouve|retrouve) (?:plus|pas))"
    r" (?:dans|sur|en|a) (?:le |la |l )?(?:bateau|mer|eau|zodiac|vagues)"
    rf"|(?:perdi a mis? {_FAMILIA}|(?:la|lo|los|las) perdi(?:mos)?|no (?:encuentro|veo) a mis? {_FAMILIA})"
    r" (?:en|por) (?:el |la )?(?:barco|lancha|mar|agua|patera|rio)"
    rf"|(?:(?:ضيعت|فقدت) {_AHL}|(?:ضيعت|فقدت)(?:ها|ه|هم)) (?:في |ب)(?:ال)?(?:قارب|بحر|بلم|مركب|مي)"
)
_CALLED_BY_A_CHILD: Final = frozenset(("mum", "mummy", "mommy", "mama", "daddy", "maman", "papa", "ماما", "بابا"))

#: Where nobody works but for those who need help.
_WORKS_FOR_CHILDREN: Final = (
    r"\b(?:i|we) work (?:in|at|for) (?:an?|the|our) (?:\w+ )?(?:shelter|childrens home|reception cent(?:er|re)"
    r"|helpline)\b"
    r"|\b(?:je (?:travaille|bosse)|nous travaillons|on (?:travaille|bosse)) (?:dans|pour|au|a|en) (?:une? |le |la |l )?"
    r"(?:foyer|centre d accueil|maison d enfants)\b"
    r"|\btrabaj(?:o|amos) (?:en|para) (?:una? |el |la )?(?:albergue|centro de acogida|casa hogar)\b"
    r"|(?:^| )(?:انا )?(?:اعمل|نعمل|اشتغل|بشتغل|منشتغل) (?:في |ب)?(?:ال)?(?:ب)?(?:ماوي|مركز (?:ال)?استقبال"
    r"|دار (?:ال)?ايواء)"
)
#: Who tells of these as well tells of a child who works.
_LABOUR: Final = re.compile(
    r"\bwork|\bjob|\bboss|\bpay|\bpaid|\bwage|\bfactor(?:y|ies)|\bfarm|travail|boulot|\bbosse|\bpatron|paye|usine|ferme"
    r"|trabaj|\bjefe|\bpag(?:an|a|o)\b|fabrica|finca|شغل|يعمل|تعمل|يشتغل|مصنع|راتب|مزرعه|صاحب العمل"
)
#: One of theirs is not back; who asks what to do if one is not, asks.
_NOT_BACK: Final = re.compile(
    r"\b(?:did not|didnt|has not|hasnt|never) (?:come|came|return(?:ed)?)(?: back| home)?\b|\b(?:ran away|is missing)\b"
    r"|\bn (?:est|sont) (?:pas|jamais) (?:rentre|revenu)|\b(?:a|ont) (?:fugue|disparu)\b"
    r"|\bno (?:volvio|volvieron|regreso|ha vuelto|han vuelto|ha regresado)\b|\bse (?:escapo|fugo)\b|\bdesaparecio\b"
    r"|(?:ما|لم) (?:رجع|يرجع|ترجع|يعد|تعد|عاد|يعودوا|يرجعوا)|اختفي|هرب"
)
_ASKS_IF: Final = frozenset(
    words("if when how what whether si quand comment quoi cuando como que اذا لو لما عندما كيف ماذا شو")
)
_LOST: Final = "missing_child"
_LABOUR_CODE: Final = "labour_exploitation"


def looks_for_family(folded: str) -> bool:
    """Whether a folded message asks where the writer's family is, and nothing else."""
    return _asked(folded) is not None


def lost_with_whom(folded: str) -> Risk | None:
    """The danger in a message that says only that somebody was lost in the water, that one of the children whom the
    writer looks after is not back, or in which a small child asks where their family is, and is lost itself."""
    told = words(folded)
    if _is_not_back(told):
        return Risk(_LOST, Priority.P1, 0.9, "words")
    if 0 < len(told) <= _MOST_WORDS and _at_sea().fullmatch(" ".join(told)) is not None:
        return Risk(_LOST, Priority.P0, 0.9, "words")
    found = _asked(folded)
    age = int(found["age"]) if found and found["age"] else None
    lost = Risk(_LOST, Priority.P1, 0.9, "words")
    return lost if age is not None and raised_for_age(lost, age) is not lost else None


def calls_like_a_child(folded: str) -> bool:
    """Whether somebody calls those they look for as children do."""
    return not _CALLED_BY_A_CHILD.isdisjoint(words(folded))


def without_own_work(meaning: Meaning, folded: str) -> Meaning:
    """What the heads say, less child labour, where the only work that is told of is the writer's, with children."""
    told = " ".join(words(folded))
    rest = _works_for_children().sub(" ", told)
    if rest == told or _LABOUR.search(rest):
        return meaning
    return replace(meaning, codes=tuple(each for each in meaning.codes if each[0] != _LABOUR_CODE))


def _asked(folded: str) -> re.Match[str] | None:
    told = words(folded)
    return _looks().fullmatch(" ".join(told)) if 0 < len(told) <= _MOST_WORDS else None


def _is_not_back(told: list[str]) -> bool:
    if not _ASKS_IF.isdisjoint(told):
        return False
    rest, at_work = _works_for_children().subn(" ", " ".join(told))
    return bool(at_work) and _NOT_BACK.search(rest) is not None


@cache
def _looks() -> re.Pattern[str]:
    return re.compile(f"{_WELL}(?:{'|'.join(_LOOKS)})")


@cache
def _at_sea() -> re.Pattern[str]:
    return re.compile(f"{_WELL}(?:{_AT_SEA})")


@cache
def _works_for_children() -> re.Pattern[str]:
    return re.compile(_WORKS_FOR_CHILDREN)
