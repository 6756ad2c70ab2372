"""Of a husband or fiancé, and of ages: "my husband is 28, im 16" is a child in a marriage, however calmly it is told.

The heads hear somebody who says who they are. Forms are of folded words. Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from typing import Final

from dialogues.understanding.fold import words
from dialogues.understanding.model import Priority, Risk

_OF_FULL_AGE: Final = 18
_PROMISED: Final = r"(?:my fiance|mon fiance|mi (?:prometido|novio)|خطيبي)"
_MARRIED: Final = re.compile(rf"\b(?:my husband|mon mari|mi (?:esposo|marido)|زوجي|جوزي|راجلي|{_PROMISED})\b")
#: The writer's own age. "I am 5 months pregnant" tells of no years.
_MY_AGE: Final = re.compile(
    r"\b(?:i am|im|me|j ai|moi|yo|tengo|yo tengo|و?عمري|و?انا|انا عمري)"
    r"(?: (?:only|just|solo|seulement|بس))? (\d{1,2})\b"
    r"(?! (?:week|month|day|hour|semaine|mois|jour|heure|semana|mes|dia|hora|اسبوع|اسابيع|شهر|شهور|اشهر|يوم))"
)
#: A fiancé of so many years, and not a word more: whoever writes so to a help line for children is asked by a person.
_ONLY_HIS_AGE: Final = re.compile(
    rf"{_PROMISED} (?:(?:is|he is|hes|il a|a|tiene|عمره|عندو|عنده) )?([3-9]\d)"
    r"(?: (?:years old|years|ans|anos|سنه|عام))?"
)


def child_in_a_marriage(folded: str) -> Risk | None:
    """The danger in a message in which a child tells of the husband or fiancé that it has."""
    told = " ".join(words(folded))
    if _MARRIED.search(told) is None:
        return None
    young = any(int(age) < _OF_FULL_AGE for age in _MY_AGE.findall(told))
    alone = _ONLY_HIS_AGE.fullmatch(told) is not None
    return Risk("child_marriage", Priority.P1, 0.9, "words") if young or alone else None
