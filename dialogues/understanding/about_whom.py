"""About whom a message speaks: the writer, or somebody else."""

from __future__ import annotations

import re

from dialogues.understanding.fold import words

_ME = frozenset(
    re.findall(
        r"\w+",
        "i im ive id me my mine je j me moi mon ma mes yo mi mis conmigo soy estoy tengo "
        "quiero necesito انا عندي معي ابي امي اخوي اختي لي ana 3andi",
    )
)
_ANOTHER = frozenset(
    re.findall(
        r"\w+",
        "kid kids child children boy girl minor minors teen teenager baby toddler "
        "pupil student client friend friends enfant enfants garcon fille mineur mineure mineurs jeune jeunes "
        "bebe eleve mna ami amie nino nina ninos ninas menor menores chico chica adolescente "
        "alumno alumna nna amigo amiga "
        "طفل طفله اطفال ولد بنت قاصر قاصرين شاب رضيع تلميذ رفيقي صديقي walad bent tefl",
    )
)


def speaks_of_another(folded: str) -> bool:
    """Whether the writer tells of somebody else: a worker, a neighbour, a friend."""
    found = words(folded)
    others = sum(word in _ANOTHER or word.removesuffix("s") in _ANOTHER or word[2:] in _ANOTHER for word in found)
    return others > 0 and others >= sum(word in _ME for word in found)


#: Who is spoken of by no other word than these. In Spanish and Arabic the verb alone says it.
_HIM_OR_HER = frozenset(
    re.findall(
        r"\w+",
        "he she hes shes him her they theyre them il elle ils elles lui ella ellos ellas esta estan sangra sangran "
        "respira respiran desmayo convulsiona هو هي هم ينزف تنزف بينزف بتنزف يتنفس تتنفس بيتنفس بتتنفس عليه عليها",
    )
)
#: Dangers that befall whoever is spoken of. About others "he" may be the one with the knife.
_BEFALLS = frozenset(("medical_emergency", "missing_child", "suicide_self_harm"))


def befalls_another(folded: str, reason: str) -> bool:
    """Whether a danger is told of him or her, and the writer says nothing of themselves."""
    found = frozenset(words(folded))
    return reason in _BEFALLS and bool(found & _HIM_OR_HER) and not found & _ME
