"""Of families that children look for, and of children whom those miss who look after them.

"I am 12, where is my mum" was an answer to "who are you?", and was asked what it needs. "I work in a shelter, one of our
boys did not come back" was a child who is made to work: the heads heard the first verb. Forms are of folded words
(`fold`). Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from msgspec.structs import replace

from dialogues.understanding.fold import words
from dialogues.understanding.screen import Meaning

FAMILY_TRACING: Final = "procedure/family_tracing"
#: Nobody who asks for nothing else says more.
_MOST_WORDS: Final = 14

_WELL: Final = (
    r"(?:(?:hi|hello|hey|help|please|pls|and|bonjour|salut|svp|et|hola|por favor|y|مرحبا|سلام|لو سمحت) )*"
    r"(?:(?:i am|im|j ai|moi j ai|tengo|عمري|انا عمري) (?P<age>\d{1,2})(?: (?:years old|yo|ans|anos|سنه|سنين|سنوات))?"
    r"(?: (?:and|et|y|و))? )?"
)
_FAMILY: Final = (
    r"(?:mum|mom|mummy|mommy|mama|mother|dad|daddy|father|parents|brothers?|sisters?|family|(?:little|big) (?:brother|sister))"
)
_FAMILLE: Final = r"(?:maman|mere|papa|pere|parents|freres?|soeurs?|famille|(?:petit|grand) frere|(?:petite|grande) soeur)"
_FAMILIA: Final = r"(?:mama|madre|papa|padre|padres|papas|herman(?:o|a|ito|ita)s?|familia)"
_AHL: Final = r"(?:امي|ماما|الماما|ابي|ابوي|بابا|البابا|اهلي|اخي|اخوي|اختي|اخوتي|عايلتي)"
_LOOKS: Final = (
    rf"(?:where (?:is|are)|wheres|i (?:cant|cannot|dont) find|i (?:have )?lost|i dont know where) my {_FAMILY}(?: (?:is|are))?"
    rf"(?: now)?",
    rf"(?:(?:elle|il) est ou|ils sont ou|ou (?:est|sont)|je (?:ne )?(?:trouve|retrouve) (?:pas|plus)|j ai perdu)"
    rf" (?:ma|mon|mes) {_FAMILLE}(?: (?:maintenant|elle est ou|il est ou))?",
    rf"(?:donde estan?|no (?:encuentro|hallo) a|perdi a|no se donde estan?) mis? {_FAMILIA}(?: ahora)?",
    rf"(?:و?(?:وين|اين|فين)(?: (?:هي|هو|هم))?|ضيعت|فقدت|(?:مو|مش|ما) لاقيه?|(?:ما|مش) (?:بلاقي|لقيت)) {_AHL}"
    rf"(?: (?:هلق|الان))?",
)
_CALLED_BY_A_CHILD: Final = frozenset(("mum", "mummy", "mommy", "mama", "daddy", "maman", "papa", "ماما", "بابا"))

#: Where nobody works but for those who need help.
_WORKS_FOR_CHILDREN: Final = (
    r"\b(?:i|we) work (?:in|at|for) (?:an?|the|our) (?:\w+ )?(?:shelter|childrens home|reception cent(?:er|re)|helpline)\b"
    r"|\b(?:je (?:travaille|bosse)|nous travaillons|on (?:travaille|bosse)) (?:dans|pour|au|a|en) (?:une? |le |la |l )?"
    r"(?:foyer|centre d accueil|maison d enfants)\b"
    r"|\btrabaj(?:o|amos) (?:en|para) (?:una? |el |la )?(?:albergue|centro de acogida|casa hogar)\b"
    r"|(?:^| )(?:انا )?(?:اعمل|نعمل|اشتغل|بشتغل|منشتغل) (?:في |ب)?(?:ال)?(?:ب)?(?:ماوي|مركز (?:ال)?استقبال|دار (?:ال)?ايواء)"
)
#: Who tells of these as well tells of a child who works.
_LABOUR: Final = re.compile(
    r"\bwork|\bjob|\bboss|\bpay|\bpaid|\bwage|\bfactor(?:y|ies)|\bfarm|travail|boulot|\bbosse|\bpatron|paye|usine|ferme"
    r"|trabaj|\bjefe|\bpag(?:an|a|o)\b|fabrica|finca|شغل|يعمل|تعمل|يشتغل|مصنع|راتب|مزرعه|صاحب العمل"
)
_LABOUR_CODE: Final = "labour_exploitation"


def looks_for_family(folded: str) -> bool:
    """Whether a folded message asks where the writer's family is, and nothing else."""
    return _asked(folded) is not None


def own_age(folded: str) -> int | None:
    """How old somebody says to be who asks for their family and nothing else."""
    found = _asked(folded)
    return int(found["age"]) if found and found["age"] else None


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


@cache
def _looks() -> re.Pattern[str]:
    return re.compile(f"{_WELL}(?:{'|'.join(_LOOKS)})")


@cache
def _works_for_children() -> re.Pattern[str]:
    return re.compile(_WORKS_FOR_CHILDREN)
