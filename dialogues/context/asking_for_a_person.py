"""Somebody who says anywhere in a message that they want to talk to a person, or that a person call them, gets one.

"My son cannot go to school, I want to talk to a person" asks about a school, and was answered with nothing else. The
person is called; where a text or a need was understood too, it is still answered. Only who says it of themselves is
heard so: "should I let him talk to somebody?" asks for advice. Who is asked for is anybody: a lawyer, an uncle and
somebody at the embassy are looked for, or feared. Forms are of folded words (`fold`). Drafted by machine, for native
review.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from functools import cache
from typing import Final

from msgspec.structs import replace

from dialogues.knowledge.search import fold
from dialogues.runtime.model import DialogueState, UserMessage

INTENT: Final = "ask_human"
#: Letters of a message that are looked at, at its beginning and at its end.
LONGEST: Final = 600
#: These call a person themselves, go on to one, or only look a word up.
_GO_FIRST: Final = frozenset({"in_danger", "not_safe", INTENT, "red_flag", "where_to_hide", "look_up"})
#: What answers "are you safe right now?"
_ANSWERS: Final = frozenset({"affirm", "deny"})

#: "Somebody to talk to, a psychologist" and "a person who speaks Fula" are looked for in the directory.
_ARE_SOMEBODY: Final = frozenset({"mental_health", "interpretation"})

#: Where the wish ends: "call me Ali" says a name.
_END: Final = (
    r"(?=\W*$|\s*[.,;:!?،؛؟]|\s+(?:back|please|pls|now|later|today|tonight|tomorrow|on|at|when|after|before|as"
    r"|asap|and|or"
    r"|svp|s'il|maintenant|plus|ce|demain|au|sur|quand|apres|avant|et|des"
    r"|por|ahora|luego|hoy|manana|a las|al|cuando|despues|antes|y|en"
    r"|من|الان|هلق|اليوم|بكرا|بعد|قبل|علي|لو|و\w+|[+\d]\S*)(?!\w))"
)

#: Where a sentence, or a part of one, begins.
_BEGINS: Final = r"(?:^|(?<=[.,;:!?،؛؟])|(?<=[.,;:!?،؛؟] ))"

_STOPS: Final = r"(?=\W*$|\s*[.,;:!?،؛؟])"

# --- whom ---------------------------------------------------------------------------------------------------------

_SOMEBODY: Final = (
    r"(?:(?:some|any)(?:body|one)|some one|(?:an?|any|the) (?:(?:real|live|actual|true) )?(?:person|human(?: being)?)"
    r"|(?:real |actual )?(?:people|humans)|human|(?:one of (?:you|your)|your) (?:people|team|staff|colleagues?)"
    r"|one of you|a duty officer)"
)
_QUELQU_UN: Final = (
    r"(?:quelqu'? ?un|qqn|qq'?un|qq1|une? (?:vraie? )?(?:personne|humaine?|etre humain)|des (?:gens|humains)"
    r"|l'un d'entre vous|l'un de vous|votre equipe)"
)
_ALGUIEN: Final = (
    r"(?:alguien|(?:una|alguna) persona|un (?:ser )?humano|gente|ustedes|vosotr[oa]s|uno de (?:ustedes|vosotros)"
    r"|su equipo)"
)
_AHAD: Final = r"ل?(?:حدا|حد|احد|احدا|شخص|انسان|بشر|بني ادم|بنادم|(?:شي )?(?:واحد|حد)|احدكم|فريقكم)"
_HADA: Final = (
    r"(?:(?:shi|chi) )?(?:7ada|hada|7adan|7add?|had|a7ad|ahad|wa7e?d|wahe?d|[sc]hakhs|shaks|[ie]nsan|bnadem|bani adam)"
)
#: Somebody who is not one of us, or of whom more is said than that.
_OF_OTHERS: Final = (
    r"(?! (?:at|from|inside) (?!here|your|waymark|now|a person|some(?:body|one))"
    r"| in (?:the|my|his|her|their|charge)(?!\w)| of (?!you)"
    r"| (?:de (?:la|l'|ma|mon|mes|sa|son|ses)|du|des|de confiance|dans|a la|a l'|au(?! (?:tel|bout))|chez)(?!\w)"
    r"| (?:del|de (?:la|los|las|mi|mis|su|sus|confianza)|en (?:la|el|mi|su))(?!\w)"
    r"|(?: من (?!الفريق)| في )(?:ال|عايل|اهل))"
)

# --- wants --------------------------------------------------------------------------------------------------------

_PLEASE: Final = r"(?:(?:please|pls|plz|just|really|rly|rather|also|maybe|urgently|directly) )*"
_WANT_TO: Final = (
    rf"(?:(?:i|we) {_PLEASE}(?:want|need|wanted|wish|would (?:like|love|prefer)|prefer|must) {_PLEASE}to"
    rf"|(?:i|we)'?d {_PLEASE}(?:like|love|prefer) {_PLEASE}to|(?:i|we) {_PLEASE}wan+a|(?:i|we)(?:'d| would) rather"
    rf"|(?:can|could|may) (?:i|we)|let me|(?:is it|would it be) possible (?:for me )?to|(?:i|we) hope to)"
)
_VEUX: Final = (
    r"(?:(?:je|j'|j|(?<!quand )on|nous) ?(?:veux|veut|voulons|voudrai[st]|voudrions|souhaite\w*|aimerai[st]|aimerions"
    r"|dois|prefer\w+|desire)(?: (?:bien|juste|vraiment|aussi|plutot|pouvoir))*"
    r"|j'ai (?:besoin|envie) de|(?:puis-je|pourrais-je|(?:est-ce que |est ce que )?(?:je|on) (?:peux|peut|pourrais"
    r"|pourrait)|peut-on|pourrait-on)(?: (?:svp|s'il vous plait))?"
    r"|(?:est-il |c'est |est-ce |serait-il )?possible de|laisse[rz]?[- ]moi)"
)
_QUIERO: Final = (
    r"(?:(?:[qk]u?iero|quisiera|queremos|querria|necesito|necesitamos|me gustaria"
    r"|nos gustaria|deseo|prefiero|puedo|podria"
    r"|podemos|debo|tengo que|dejame|dejeme|dejenme|es posible|seria posible|se puede)"
    r"(?: (?:por favor|solo|mejor|poder|tambien))*)"
)
_BIDDI: Final = (
    r"(?:بدي|بدنا|ابي|حاب|حابب|حابه|حبيت|اريد|نريد|اود|نود|ارغب|ابغي|ابغا|نبغي|عايزه?|عاوزه?|محتاجه?|احتاج"
    r"|بحاجه|بغيت|باغيه?"
    r"|ودي|نحب|ممكن|فيني|فيي|بقدر|اقدر|استطيع|(?:هل )?(?:يمكنني|بامكاني)|ينفع|خليني|خلوني|دعني|دعوني|لازم|خاصني)"
)
_BDI: Final = (
    r"(?:bdi|abgha|abghi|bde|baddi|badde|biddi|bidde|bghit|baghi|baghy|[ao]rid|ureed|areed|3?aye?z|3awe?z|ayza"
    r"|3ayza|7abe?b|7ab"
    r"|n7eb+|nheb+|mumk[ei]n|momk[ei]n|fini|fiyi|b2dar|khallini|khalini)"
)
_TALK: Final = r"(?:please )?(?:talk|speak|chat|write|be connected|be put through)(?: (?:to|with))?"
_PARLER: Final = r"(?:parler|discuter|echanger|causer|m'entretenir|m'adresser|ecrire)"
_HABLAR: Final = r"(?:h?ablar|conversar|platicar|charlar|chatear|comunicarme|escribirme|escribir)"
_IHKI: Final = r"(?:ان )?(?:في )?(?:ال)?(?:[انت]?(?:حكي|تحدث|تكلم|كلم|حاكي|تواصل|هضر|هدر|حادث)|حديث)"
_EHKI: Final = (
    r"(?:n[ae]?[h7]ki|[aen]?[h7]ki|n?[ae]?[h7]der|n[h7]dr|nhader|[aeni]?t?kall?e?m|[aen]+tkall?[ae]m|2?akall?[ae]m)"
)

_WISHES: Final = (
    rf"{_WANT_TO} {_TALK} {_SOMEBODY}",
    r"(?:is there|do you have|get me|find me|i(?:'m| am) looking for|(?:i|we) (?:want|need|would like)) "
    rf"(?:{_SOMEBODY}|a woman|a man)(?: (?:here|there|real))? (?:(?:that |who |whom )?(?:i|we) (?:can|could) |to )"
    rf"(?:{_TALK})",
    r"(?:(?:i|we) (?:want|need|would like)|give me|get me|connect me (?:to|with)|put me through to) "
    r"(?:a|an actual|another) (?:(?:real|live|actual|true) )?(?:person|human(?: being)?)"
    r"(?!'s| (?:who|that) (?!speaks|can (?:talk|speak|help|call))| to (?!talk|speak|help|call|answer))",
    rf"{_BEGINS}(?:{_TALK} {_SOMEBODY}|{_PARLER} (?:a|avec) {_QUELQU_UN}|{_HABLAR} con {_ALGUIEN}){_STOPS}",
    rf"(?:(?:can|could|will|would) (?:{_SOMEBODY}|you)|(?:i|we) (?:want|need|would like) (?:{_SOMEBODY}|you) to"
    rf"|please (?:have|ask|let|tell) {_SOMEBODY}(?: to)?|(?:have|let|ask) {_SOMEBODY}(?: to)?) {_PLEASE}"
    rf"(?:(?:call|phone|ring|contact|text) me|write to me|talk to me|speak (?:to|with) me|call){_END}",
    rf"{_BEGINS}(?:please |pls |and )*(?:call|phone|ring) me{_END}",
    r"(?:i|we) (?:want|need|would like) (?:to be (?:called|phoned)|a (?:call ?back|phone call)(?! from (?:my|the)))"
    r"|(?:can|could|may) i (?:get|have) a (?:phone )?call(?: ?back)?(?! from (?:my|the))",
    rf"{_VEUX} (?:{_PARLER} (?:directement )?(?:a|avec)|avoir|joindre|contacter) {_QUELQU_UN}",
    rf"(?:y a[- ]t[- ]il|il y a|avez[- ]vous|j'ai besoin (?:de |d')?|je (?:veux|cherche|voudrais)) ?{_QUELQU_UN} "
    rf"(?:a|avec) qui (?:(?:je (?:peux|pourrais)|on peut) )?{_PARLER}",
    r"(?:je (?:veux|voudrais)|donnez[- ]moi|passez[- ]moi|j'ai besoin d') ?une? "
    r"(?:vraie personne|(?:vraie? )?(?:humaine?|etre humain))",
    rf"(?:mettez|mets|passez|passe)[- ]moi (?:en (?:contact|relation) avec )?{_QUELQU_UN}",
    rf"(?:(?:est-ce que )?(?:{_QUELQU_UN}|vous|tu|on) (?:peut|peux|pouvez|pourrait|pourriez|pourrais)(?:[- ]il)?"
    rf"|(?:peut|pouvez|pourrait|pourriez|peux)[- ](?:on|vous|tu|{_QUELQU_UN})) (?:svp )?"
    rf"(?:m'appeler|me (?:rappeler|telephoner|contacter|joindre|parler))"
    rf"{_END}",
    rf"je (?:veux|voudrais|souhaite|prefere) (?:etre (?:r?appelee?|contactee?)|(?:qu'on|que (?:vous|{_QUELQU_UN})) "
    rf"(?:m'appel\w+|me r?appel\w+|me contact\w+)){_END}",
    rf"{_BEGINS}(?:svp |s'il vous plait |et )*r?appel(?:ez|le)[- ]moi{_END}",
    rf"{_QUIERO} {_HABLAR} (?:directamente )?(?:con|a) {_ALGUIEN}",
    rf"(?:hay|tienen|necesito|quiero|busco) (?:a )?{_ALGUIEN} (?:con|a) quien (?:(?:pueda|puedo) )?{_HABLAR}",
    r"(?:quiero|necesito|pas[ae]n?me (?:con|a)|comuniqu?en?me con) (?:alguien|una? (?:persona|humano))",
    rf"(?:(?:me )?(?:puede|podria) (?:{_ALGUIEN} )(?:llamar|contactar|telefonear)(?:me)?"
    rf"|{_ALGUIEN} (?:me )?(?:puede|podria) (?:llamar|contactar|hablar)(?:me)?"
    rf"|(?:me )?(?:pueden|podrian|puedes|puede usted) (?:por favor )?(?:llamar|contactar)(?:me)?"
    rf"|(?:quiero|necesito|quisiera) que (?:{_ALGUIEN} )?me (?:llamen?|contacten?)"
    rf"|(?:necesito|quiero) (?:a )?{_ALGUIEN} que me (?:llame|contacte)){_END}",
    rf"{_BEGINS}(?:por favor |y )*ll[aá]m[ae]n?me{_END}",
    rf"{_BIDDI} (?:(?:لو سمحت|بس|كمان) )?{_IHKI}ه? ?(?:مع|الي|لـ)? ?{_AHAD}",
    rf"(?:{_BIDDI}|في|هل يوجد|هل هناك) {_AHAD} (?:(?:ممكن|اقدر|فيني|بقدر|يمكنني) )?{_IHKI} (?:معه|معو|معاه|اليه)",
    rf"(?:{_BIDDI}|ياريت|يا ريت|خلوا?|هل يمكن) (?:ان )?(?:{_AHAD} )"
    r"(?:ان )?(?:يتصل|يتواصل|يدق|يكلم|يحاكي|يحكي|يرن)(?:ني)?(?: (?:ب[يا]|بي|فيني|فيي|علي|عليي|معي|معاي|لي))?",
    r"(?:اريد|بدي|عايز) ان (?:يتصل|يتواصل|يتكلم) (?:بي|معي) (?:احد|شخص)",
    rf"(?:ممكن|فيكم|فيكن|بتقدروا|تقدروا|هل يمكنكم|رجاء|ارجوكم|من فضلكم)(?: ان)? "
    rf"(?:تتصلوا?|الاتصال|تكلموني|تحكوا|اتصلوا)(?: (?:بي|فيني|علي|معي))?{_END}",
    rf"{_BEGINS}(?:اتصلوا?|دقوا?) (?:بي|فيني|علي|عليي){_END}",
    rf"(?:{_BDI}|ya ?r[ei]+t) {_HADA} (?:yi?e?t+[ei]?[s2]+[ei]?l|ye?[7h]ki|yi?kall?em|ykall?emni) ?"
    r"(?:fiy?[yeia]|biy?[yeia]|ma3[iy]|m3aya|3layy?e?)?",
    rf"{_BDI} {_EHKI} (?:(?:m[3ae]*a?|maa|la|wiya|with) ?)?{_HADA}",
)
#: What stands before it says the contrary.
_NEVER_SAID: Final = """
    no not never dont don't didn't doesn't won't nor ne n'ai ni sans nunca jamas tampoco
    ma mesh mish لا ما مش مو لن لم ولا
"""
_NEVER: Final = frozenset(_NEVER_SAID.split())
#: "How do I talk to somebody who was hurt" asks for advice; "how can I talk to somebody here?" does not.
_HOW: Final = re.compile(r"(?:how|comment|como|كيف|kif|keef)(?: (?:do|est-ce que|hago para))?$")
_HERE: Final = re.compile(
    r"\W*$|\s*[.,;:!?،؛؟]|\s+(?:here|now|please|from your|on the phone|directly|real|ici|maintenant|svp|aqui|ahora"
    r"|por favor|هنا|هون|هلق|الان)(?!\w)"
)
_ROOM: Final = re.compile(r"\s+")


def as_asking_for_a_person(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as one that asks for a person, with all else that was understood, where it says so in plain words."""
    if message.intent in _GO_FIRST or not message.text or message.text.startswith("/"):
        return message
    if message.intent in _ANSWERS and state.slots.get("safety_question"):
        return message
    if state.active_loop.get("name") == "report_form":
        return message  # a person has it already, or gets it with the next answer; it may be what the child wishes
    if not asks_for_a_person(message.text, {str(entity.value) for entity in message.entities if entity.name == "need"}):
        return message
    return replace(message, intent=INTENT, confidence=1.0)


def asks_for_a_person(words: str, needs: Collection[str] = ()) -> bool:
    """Whether somebody says of themselves that they want to talk to a person, or be called by one. `needs`: what else
    they look for, which may be that person."""
    if not _ARE_SOMEBODY.isdisjoint(needs):
        return False
    plain = _plain(words)
    return any(_is_meant(plain, found) for wish in _patterns() for found in wish.finditer(plain))


def _is_meant(plain: str, found: re.Match[str]) -> bool:
    before = plain[: found.start()].rstrip(" '\"")
    last = before.split()[-1] if before else ""
    if last in _NEVER:
        return False
    return _HOW.search(before) is None or _HERE.match(plain, found.end()) is not None


def _plain(words: str) -> str:
    shown = words if len(words) <= LONGEST else f"{words[: LONGEST // 2]} . {words[-LONGEST // 2 :]}"
    return _ROOM.sub(" ", fold(shown).replace("’", "'").replace("ʼ", "'")).strip()


@cache
def _patterns() -> tuple[re.Pattern[str], ...]:
    """Compiled when somebody first writes, so that a start does not wait for it."""
    return tuple(re.compile(rf"(?<![\w'])و?(?:{wish})(?!\w){_OF_OTHERS}") for wish in _WISHES)
