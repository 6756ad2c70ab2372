"""Words that say that a place which was shown was not as shown: "it was closed", right under the results or after they
went there. They are what its button "This was wrong" says, and were heard as an answer to where somebody is.

Only a whole message is read so, and only while results are what was spoken of last, thanks and goodbyes aside: who went
there said goodbye first. Which place is meant is asked where several are in sight. Forms are of folded words (`fold`).
Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from msgspec.structs import replace

from dialogues.context.asking_on import plain
from dialogues.runtime.model import DialogueState, Entity, UserMessage

INTENT: Final = "service_wrong"
#: Nobody says so in more letters; who tells more tells a story.
LONGEST: Final = 90
_WITHOUT_A_BED: Final = "homeless_tonight"
_AFTER_RESULTS: Final = frozenset({"action_find_service", "action_show_way", "action_pass_on"})
#: After these the results are still what was spoken of.
_BETWEEN: Final = frozenset(
    {
        "action_listen",
        "action_not_understood",
        "action_service_wrong",
        "utter_goodbye",
        "utter_hello_again",
        "utter_welcome",
        "utter_what_next",
    }
)
#: What stays what it is. Danger that the heads heard in such words does not: "they sent me away" is the words of our
#: own button, and right under results it says of a place what said bare may be a removal. No form of it holds more.
_STAYS: Final = frozenset({"not_safe", "report_case"})

_WELL: Final = (
    r"(?:(?:hi|hello|hey|sorry|but|so|well|thanks|no|bonjour|salut|mais|bon|non|hola|pero|bueno|مرحبا|بس|لكن"
    r"|لا)[,.!،]* )*"
    r"(?:(?:i|we) (?:went|walked|got|was|were) there(?: today| now)?,? (?:and|but) "
    r"|(?:j'y suis allee?|je suis allee? la-bas|on y est alles?),? (?:et|mais) "
    r"|(?:ya )?(?:fui|fuimos|llegue)(?: alli| ahi| alla)?,? (?:y|pero) |(?:رحت|رحنا|ذهبت)(?: لهناك"
    r"| الي هناك)? (?:و|بس )?)?"
)
_IT: Final = (
    r"(?:it|this|that|they|(?:the|this|that) (?:place|shelter|cent(?:re|er)|office|clinic|house|door|hospital))"
)
_C: Final = (
    r"(?:c'|c|ils|elle|il|(?:le|ce) (?:centre|foyer|lieu|bureau)|(?:la|cette) (?:porte|maison)|l'endroit|l'hopital)"
)
_EL: Final = (
    r"(?:(?:el (?:lugar|centro|albergue|refugio|sitio|hospital)|la (?:casa|oficina|puerta|clinica)|todo|eso) )?"
)
_ALMAKAN: Final = r"(?:(?:المكان|المركز|المكتب|الباب|الماوي|المستشفي) )?"
_WHEN: Final = (
    r"(?: (?:now|today|down|already|when (?:i|we) (?:got|arrived|came|went|were)(?: there)?|aujourd'hui|maintenant"
    r"|quand (?:je suis|on est|nous sommes) (?:arrive|alle|venu)(?:e?s?)|hoy|ahora|ya|cuando (?:llegue"
    r"|llegamos|fui|fuimos)"
    r"|اليوم|الان|هلق|(?:لما|عندما) (?:وصلت|وصلنا|رحت|رحنا)))?"
)
#: By what it says, as the directory calls it; "" where only that it was in vain.
_SAID: Final[Mapping[str, tuple[str, ...]]] = {
    "closed": (
        rf"{_IT} ?(?:was|were|is|are|'s|'re)(?: all| already| still)? (?:closed|shut|locked){_WHEN}|closed",
        rf"(?:nobody|no one) was there{_WHEN}|there was (?:nobody|no one)(?: there)?|(?:it|the place) is gone",
        rf"{_C} ?(?:etai(?:t|ent)|est|sont)(?: deja| toujours)? ferme(?:e?s?){_WHEN}|ferme|il n'y avait personne",
        rf"{_EL}(?:estaba|esta|estaban)(?: ya)? cerrad[oa]s?{_WHEN}|cerrado|no habia nadie",
        rf"{_ALMAKAN}(?:(?:كان|كانت|لقيته|لقيناه|وجدته|طلع) )?(?:ال\w+ )?"
        rf"(?:مسكره?|مقفله?|مغلقه?|مغلقا|مقفول|سكروا?|مسدود){_WHEN}"
        r"|ما كان في حدا|لم يكن هناك احد|ما لقيت حدا",
    ),
    "refused_me": (
        r"they (?:sent|turned) (?:me|us) away|they (?:refused|rejected) (?:me|us)"
        r"|(?:i was|we were|got) (?:refused|turned away"
        r"|sent away|rejected)|refused me|they (?:did not|didn'?t|would not|wouldn'?t|don'?t) (?:let (?:me|us) in"
        r"|take (?:me|us)|help (?:me|us)|want (?:me|us))",
        r"they (?:said|told (?:me|us)) (?:no|to (?:go away|leave|come back(?: later| tomorrow| another day)?))"
        rf"|{_IT} ?(?:was|were|is|are|'s|'re)(?: all| already)? full{_WHEN}|there (?:was|were|is|are) no (?:more )?"
        r"(?:place|room|space|beds?)(?: (?:left|for (?:me|us)))?",
        rf"{_C} ?(?:etai(?:t|ent)|est|sont)(?: deja)? (?:complet|plein)(?:e?s?){_WHEN}|complet"
        r"|il (?:n'y|y) (?:a|avait) plus de (?:place|lit)s?|(?:ils|on) (?:m'ont|m'a|nous ont|nous a) dit (?:non|que non"
        r"|de (?:partir|revenir(?: demain| plus tard)?))",
        rf"{_EL}(?:estaba|esta|estaban)(?: ya)? llen[oa]s?{_WHEN}|no (?:hay|habia) (?:lugar|espacio|camas?|cupo)"
        r"|(?:me|nos) dijeron (?:que )?(?:no|volviera(?:mos)?(?: manana| luego)?|me fuera)",
        rf"{_ALMAKAN}(?:كان|كانت|طلع) (?:مليان|مليانه|ممتلي|فل){_WHEN}|ما (?:في|كان في) (?:مكان|محل|اسره|سرير)"
        r"|قالو(?:ا)? ?(?:لي|لنا) (?:لا|روح|ارجع(?: بكرا| بعدين)?)",
        r"(?:ils|on|elle|il) (?:m'ont|m'a|nous ont|nous a) (?:renvoye|refuse|rejete|mis dehors|refoule)(?:e?s?)"
        r"|refusee?|ils n'ont pas voulu (?:de moi|me prendre|m'aider|de nous)",
        r"(?:me|nos) (?:rechazaron|echaron|dijeron que no|negaron la entrada|corrieron|sacaron)"
        r"|no (?:me|nos) (?:dejaron"
        r" (?:entrar|pasar)|aceptaron|atendieron|ayudaron|recibieron)",
        r"(?:رفضوني|رفضونا|طردوني|طردونا|رجعوني"
        r"|(?:ما|لم) (?:استقبلوني|يستقبلوني|قبلوني|يقبلوني|ساعدوني|يساعدوني|دخلوني))",
    ),
    "wrong_number": (
        r"(?:it is |it's |that's |that was )?(?:the |a )?wrong number|the (?:phone )?number (?:is wrong|does not work"
        r"|doesn't work|is dead|does not exist)",
        r"(?:c'est |c'etait )?(?:le |un )?(?:mauvais|faux) numero|le numero (?:ne marche pas|est faux|n'existe pas"
        r"|ne fonctionne pas|marche pas)",
        r"(?:el )?numero (?:equivocado|incorrecto)|el numero (?:no (?:funciona|sirve|existe)|esta (?:mal|equivocado))",
        r"(?:ال)?رقم (?:غلط|خطا|خاطي|لا يعمل|ما بيشتغل|مو شغال)",
    ),
    "": (
        r"(?:nobody|no one) (?:answers|answered|picks up|picked up|replies)(?: (?:the|their) (?:phone|call))?"
        r"|they (?:don'?t|do not|didn'?t|did not) (?:answer|pick up)(?: (?:the|their) (?:phone|call))?",
        r"personne ne (?:repond|decroche)(?: au telephone)?"
        r"|(?:ca|ils) (?:ne )?repond(?:ent)? pas|ca sonne dans le vide",
        r"nadie (?:contesta|responde|atiende|contesto)(?: (?:el|al) telefono)?"
        r"|no (?:contestan|responden|contesta nadie)",
        r"(?:ما حدا|ماحدا) (?:عم )?(?:يرد|بيرد|رد)(?: ع\w*| علي \w+)*|لا احد يرد(?: علي الهاتف)?"
        r"|ما (?:بيردوا|عم يردوا|ردوا)",
    ),
}


def as_found_wrong(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as a press of "This was wrong", where it says so of what was shown."""
    wrong = None if message.intent in _STAYS else said_of_results(message.text, state)
    if wrong is None:
        return message
    told = (Entity("wrong", wrong),) if wrong else ()
    return replace(message, intent=INTENT, confidence=1.0, ranking=((INTENT, 1.0),), entities=told)


def said_of_results(text: str, state: DialogueState) -> str | None:
    """What a whole message says of a place that was shown, as `what_was_wrong` does, while results are spoken of."""
    if not 0 < len(text) <= LONGEST or text.startswith("/"):
        return None
    # Whoever has no bed was asked whether they are safe before beds were shown: of these they speak now.
    waits = state.slots.get("safety_question") and state.slots.get("danger_reason") != _WITHOUT_A_BED
    busy = state.active_loop.get("name") or waits
    if busy or not state.slots.get("results_in_sight") or not _results_spoken_of(state):
        return None
    return what_was_wrong(text)


def what_was_wrong(words: str) -> str | None:
    """What a whole message says of a place that was shown, "" where only that it was in vain, None where nothing."""
    if words.rstrip().endswith(("?", "؟")):
        return None
    said = plain(words)
    return next((wrong for wrong, form in _forms() if form.fullmatch(said) is not None), None)


def _results_spoken_of(state: DialogueState) -> bool:
    done = (str(event.get("name")) for event in reversed(state.events) if event.get("event") == "action")
    return next((name for name in done if name not in _BETWEEN), "") in _AFTER_RESULTS


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compiled when somebody first answers results, so that a start does not wait for it."""
    return tuple((wrong, re.compile(f"{_WELL}(?:{'|'.join(said)})")) for wrong, said in _SAID.items())
