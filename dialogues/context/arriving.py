""" "He is here", after somebody told of whom they fear: danger now, and no answer to where they are.

A child who had just written of an uncle was asked once more whether they are safe, and one who had said "yes" and then
"no wait, he is back" was not understood. Read so only from whoever is in danger themselves: a worker who writes "she is
here" has the child with them, and "the uncle is here" says whom the child fears. Of a man, as the first thing that
somebody writes to us, it may be a whisper: a person is called, and whoever writes is asked. Forms are of folded words
(`fold`). Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from dialogues.context.asking_on import given_a_text, plain
from dialogues.runtime.model import DialogueState, Entity, UserMessage

INTENT: Final = "not_safe"
_WHISPER: Final = (Entity("reason", "immediate_danger"), Entity("priority", "P1"))
#: What may have been said before the first thing that is told.
_BEFORE: Final = frozenset({"start", "session_start", "greet", "change_language"})
#: Nobody who hides writes more.
LONGEST: Final = 80
#: What it may be heard as. Danger and what surely answers the question stay what they are.
_STAYS: Final = frozenset({"in_danger", INTENT, "deny", "where_to_hide", "share_location", "ask_human"})
#: Dangers in which somebody is feared who may come.
_FEARED: Final = frozenset(
    {
        "armed_recruitment",
        "child_marriage",
        "fgm_harmful",
        "hate_violence",
        "immediate_danger",
        "kidnap_ransom",
        "labour_exploitation",
        "non_parent_adult",
        "online_sexual",
        "physical_abuse",
        "sexual_abuse",
        "staff_misconduct",
        "threats",
        "trafficking",
    }
)
#: The text about an adult whom a child may fear.
_OF_AN_ADULT: Final = "adult_with_child"

_WELL: Final = (
    r"(?:(?:help|please|oh no|omg|no(?=[,.!،]| wait| no )|wait|now|and|but|vite|aide|aidez moi|au secours|non|attends?"
    r"|attendez|mais|ayuda|espera|espere|pero|ya|لا(?=[,.!،]| لحظه| لا )|لحظه|استني|بس|ساعدوني|الحقوني|هلق)[,.!،]* )*"
)
_NOW: Final = r"(?: (?:now|again|already|maintenant|deja|encore|ahora|ya|otra vez|الان|هلق|هلا|تاني|مره ثانيه))*"
_THE_MAN: Final = (
    r"(?:(?:the|that) (?:man|men|boss|smugglers?|uncle|father|husband|stepfather)"
    r"|(?:my|his|her|their) (?:uncle|father|dad|step ?father|boss|husband|cousin))"
)
_CET_HOMME: Final = (
    r"(?:(?:l'|cet )homme|l'oncle|le (?:monsieur|patron|passeur|pere|mari|beau-pere)"
    r"|(?:mon|son|leur) (?:oncle|pere|beau-pere|patron|mari|cousin))(?: il)?"
)
_EL_HOMBRE: Final = (
    r"(?:(?:el|ese) (?:hombre|senor|jefe|coyote|tio|padre|padrastro|marido)"
    r"|(?:mi|su) (?:tio|padre|papa|padrastro|jefe|marido|primo))"
)
_ALRAJUL: Final = r"(?:الرجل|الرجال|الزلمه|(?:عم|خال|اب|ابو|زوج|جوز)(?:ي|ها|ه|هم|و))"
#: Who is called by who they are is no child: a worker says it of whom the child fears, too.
_NAMED: Final = re.compile(rf"{_WELL}(?:{_THE_MAN}|{_CET_HOMME}|{_EL_HOMBRE}|{_ALRAJUL})(?!\w)")
_IS_HERE: Final = re.compile(
    rf"{_WELL}(?:"
    rf"(?:(?:he|she|it|they)(?: is|'s| are|'re)|hes|shes|theyre|{_THE_MAN} (?:is|are)) (?:(?:back|right|just) )*"
    r"(?:here|there|back|home|outside|inside|downstairs|upstairs|coming|at the (?:door|gate|window)"
    r"|in the (?:room|house)|behind me|next to me|with me|near(?: me)?)"
    r"|(?:he|she|they)(?: has|'s| have|'ve)? (?:just )?(?:came|come|arrived|found me|came back|come back)"
    rf"|(?:ils?|elles?|{_CET_HOMME}) ?(?:est|sont)? ?(?:(?:juste|de) )*"
    r"(?:la|ici|dehors|dedans|retour|revenue?s?|arrivee?s?|arrive|arrivent|rentree?s?|devant(?: la porte)?"
    r"|derriere(?: moi)?|avec (?:moi|nous)|a la porte|a cote(?: de moi)?|dans la (?:chambre|maison))|il m'a trouvee?"
    rf"|(?:(?:el|ella|ellos|{_EL_HOMBRE}) )?(?:ya )?(?:(?:esta|estan) (?:aqui|aca|afuera|fuera|adentro|cerca"
    r"|en la (?:puerta|casa)|conmigo|detras(?: de mi)?|al lado)|llego|llegaron|volvio|ha (?:llegado|vuelto)|viene"
    r"|vienen|me encontro)"
    rf"|(?:(?:انه|هو|هي|هم|{_ALRAJUL}) )?(?:(?:موجود )?(?:هنا|هون|هناك|هني)|بره|برا|عالباب"
    r"|علي الباب|عند الباب|وصل|وصلوا|اجا|اجوا|جا|جاء|رجع|رجعوا|لقاني|وجدني|قريب مني|جنبي|ورايي|معي|معنا)"
    rf"){_NOW}"
)
#: Said of a woman, of a thing or of somebody by one's side it is seldom fear.
_SELDOM_FEAR: Final = re.compile(
    r"(?<!\w)(?:she|shes|it|elles?|ella|هي|with me|next to me|near(?: me)?|conmigo|al lado|cerca|viene|elle arrive"
    r"|a cote(?: de moi)?|avec (?:moi|nous)|معي|معنا|جنبي|قريب مني|هناك|there|home)(?!\w)"
)


def as_arriving(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as a "no" to whether they are safe, where it says that whom they fear has come."""
    if message.intent in _STAYS or not 0 < len(message.text) <= LONGEST or message.text.startswith("/"):
        return message
    if state.active_loop.get("name") or not says_somebody_is_here(message.text):
        return message
    said = plain(message.text)
    if _is_feared(state, named=_NAMED.match(said) is not None):
        return replace(message, intent=INTENT, confidence=1.0, ranking=((INTENT, 1.0),))
    if _is_told_first(state) and _SELDOM_FEAR.search(said) is None:
        return replace(message, intent="in_danger", confidence=1.0, entities=_WHISPER)
    return message


def says_somebody_is_here(words: str) -> bool:
    """Whether it says that somebody has come, and nothing else. Who asks it does not know."""
    return not words.rstrip().endswith(("?", "؟")) and _IS_HERE.fullmatch(plain(words)) is not None


def _is_feared(state: DialogueState, *, named: bool) -> bool:
    if not named and (state.slots.get("audience") == "worker" or state.slots.get("speaks_for_child")):
        return False
    if state.slots.get("danger_reason") in _FEARED:
        return True
    childs_text = state.slots.get("audience") == "child" and state.slots.get("last_procedure") == _OF_AN_ADULT
    return childs_text and given_a_text(state.events)


def _is_told_first(state: DialogueState) -> bool:
    """Whether nothing was told yet, and nothing asked or shown, but a greeting."""
    if state.slots.get("audience") or state.slots.get("danger_reason"):
        return False
    heard = (event.get("parse_data") or {} for event in state.events if event.get("event") == "user")
    return all((parsed.get("intent") or {}).get("name") in _BEFORE for parsed in heard)
