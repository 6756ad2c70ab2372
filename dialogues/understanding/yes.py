"""Whether "are you safe right now?" was answered with a yes that cannot mean anything else.

"ok" may say "I have read this", and a thumb may be anybody's. Words are folded (`fold`). Drafted by machine, for native
review. What is no clear yes is asked again: that costs a message, and a wrong yes may cost a child.
"""

from __future__ import annotations

import re
from typing import Final

from dialogues.understanding.fold import fold, words

#: Yes, of course, safe: of each language that is heard. Words that also say "well" or "I see" are not among them.
_YES: Final = frozenset(
    re.findall(
        r"\w+",
        "yes yess yeah yea yep yup correct affirmative safe oui ouais exact exactement affirmatif si simon claro "
        "correcto نعم ايوه ايوا اكيد طبعا aywa aiwa na3am بامان امان بله اره haa ndio ndiyo naam salama "
        "evet guvende guvendeyim так безпеці sim haan ja",
    )
)
_SENTENCES: Final = re.compile(
    r"\b(?:of course|(?:i am|im|we are|were) (?:ok|fine|good|alright|all right)|bien sur|en securite|a l abri"
    r"|ca va (?:mieux|maintenant)|(?:je vais|on va) bien|por supuesto|a salvo|(?:estoy|estamos) (?:bien|segur[oa]s?)"
    r"|en seguridad|(?:انا|نحن) (?:بخير|منيح|منيحه|كويس|كويسه)|em seguranca)\b"
)
_NO: Final = frozenset(
    re.findall(r"\w+", "no not dont isnt arent never non pas plus ne nunca tampoco jamas لا مش مو ليس لست ما")
)


def says_yes(text: str) -> bool:
    """Whether a message that was understood as a yes holds the word for it, or says that they are safe."""
    said = words(fold(text))
    return not _NO.intersection(said) and (not _YES.isdisjoint(said) or _SENTENCES.search(" ".join(said)) is not None)
