"""Asking on about the text that was just given: in the words of its buttons, or in the few plain words people use.

Whoever reads "Step by step" under an answer writes it as often as they press it, and after an answer "why?", "who do I
call?" and "and in France?" have one meaning that they have nowhere else. Only a whole message is read so, and only
while the text is what was spoken of last: in a longer sentence these words can mean anything. Danger was heard before.
Forms are of folded words (`fold`). Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Final

from msgspec.structs import replace

from dialogues.knowledge.countries import is_country
from dialogues.knowledge.dangers import IN_DANGER
from dialogues.knowledge.search import fold
from dialogues.runtime.model import DialogueState, Entity, Event, UserMessage
from dialogues.runtime.payload import payload

#: The form that asks what is needed, and where.
_SEARCH: Final = "service_form"
#: Nobody asks on in more letters.
LONGEST = 80

#: What shows a text, or a part of it.
_GIVES_A_TEXT: Final = frozenset(
    {
        "action_answer_procedure",
        "action_procedure_contacts",
        "action_procedure_flags",
        "action_procedure_like",
        "action_procedure_now",
        "action_procedure_step",
        "action_procedure_steps",
        "action_procedure_where",
        "action_procedure_why",
        "action_tell_me",
        "action_tell_nothing",
    }
)
#: After these the text is still what was spoken of.
_BETWEEN: Final = frozenset({"action_listen", "action_not_understood", "action_still_here", "utter_who_am_i"})
#: What was said last where a danger is what is spoken of.
OF_DANGER: Final = frozenset(
    {"action_call_officer", "action_safe", "action_unsafe", "action_still_here", "action_tell_where_to_hide"}
)
#: What is seldom asked in the midst of a text, and not by "and the mother?". Less sure than this, it is not understood.
_SMALL_TALK: Final = frozenset({"who_are_you", "change_language", "inform"})
#: What is no question: "do I have to say yes?" agrees to nothing.
_NO_QUESTION: Final = frozenset({"affirm", "deny", "goodbye", "inform", "thanks"})
_SURE_TALK: Final = 0.7
#: "Who appoints them?" looks for nobody in a town.
_SURE_SEARCH: Final = 0.5

#: Before what is asked for.
_WELL: Final = r"(?:(?:ok|okay|well|so|bon|bien|d'accord|bueno|vale|طيب|حسنا|اوكي)[,.]?\s+)?"
_POLITE: Final = r"(?:\s+(?:please|pls|now|then|svp|s'il (?:vous|te) plait|por favor|من فضلك|لو سمحت|رجاء))?"

#: What is asked for, by the intent of its button and which part of the text. The languages after one another.
_ASKED: Final[Mapping[tuple[str, str], tuple[str, ...]]] = {
    ("procedure_step", ""): (
        r"(?:go (?:through (?:it|the steps) )?)?step by step|checklist|(?:the |as a )?check ?list|next(?: step)?|"
        r"(?:and )?(?:what|then what)(?:'s| is)? (?:next|now)|what(?:'s| is) the next step|continue|go on|and then|"
        r"(?:start|begin)(?: (?:the )?(?:check ?list|steps))?|tick ?list",
        r"etape par etape|pas a pas|(?:la |une )?(?:liste|check ?list)|(?:etape )?suivante?|(?:l'"
        r"|la )?prochaine etape|"
        r"et (?:apres|ensuite|maintenant)|la suite|continuer|continue|(?:je )?commencer?",
        r"paso a paso|(?:la |una )?lista(?: de (?:control|pasos))?|(?:el )?(?:paso )?siguiente(?: paso)?|"
        r"y (?:despues|luego|ahora(?: que)?)|continuar|sigue|empezar|empiezo|comenzar",
        r"خطوه (?:ب)?خطوه|(?:ال)?قايمه(?: التحقق)?|(?:الخطوه )?التاليه?|التالي|وبعد(?: ذلك)?|وبعدين|"
        r"و?ماذا بعد(?: ذلك)?|متابعه|استمرار|ابدا|لنبدا|نبدا",
    ),
    ("procedure_step", "first"): (
        r"(?:the )?first step|(?:la )?premiere etape|(?:el )?primer paso|(?:ال)?خطوه الاولي",
    ),
    ("procedure_step", "here"): (
        r"where (?:was i|am i|were we)(?: (?:now|again))?",
        r"ou (?:j'en suis|j'en etais|en suis-je|en etais-je|on en est)"
        r"|(?:por )?donde (?:iba|estaba|voy|me quede|ibamos)|(?:اين|وين) (?:وصلت|وصلنا|كنت|كنا)",
    ),
    ("procedure_step", "again"): (
        r"begin again|start (?:over|again)|recommencer|empezar de nuevo|البدء من جديد|من البدايه",
    ),
    ("procedure_step", "done"): (
        r"done|(?:i(?:'ve| have)? )?(?:did|done) (?:it|that|this)|it(?:'s| is) done|finished|ready|tick|check",
        r"fait|c'est fait|(?:je l'ai|on l'a) fait|termine|c'est bon",
        r"hecho|ya (?:esta|lo hice)|esta hecho|listo|terminado",
        r"تم|تمت|تم ذلك|فعلت(?: ذلك)?|عملتها|خلصت|انتهيت|جاهز",
    ),
    ("procedure_step", "skip"): (
        r"later|not (?:now|yet)|skip(?: (?:it|this|that))?",
        r"plus tard|pas (?:maintenant|encore)|passer|passe",
        r"mas tarde|despues|luego|(?:ahora|todavia|aun) no|saltar",
        r"لاحقا|بعدين|ليس الان|مو الان|مش هلق|تخطي",
    ),
    ("procedure_steps", ""): (
        r"(?:all |show (?:me )?)?(?:the )?steps(?: again)?|what are the steps|"
        r"what (?:should|must|can) (?:i|we) (?:never|not) do|never|(?:go )?back",
        r"(?:toutes )?(?:les )?etapes|retour|quelles sont les etapes|que ne (?:dois-je|faut-il) (?:jamais|pas) faire",
        r"(?:todos )?(?:los )?pasos|volver|cuales son los pasos|que no (?:debo|hay que|se debe) hacer(?: nunca)?",
        r"(?:ما هي )?(?:كل )?(?:ال)?خطوات|رجوع|ماذا يجب الا افعل|ما الذي لا يجب فعله",
    ),
    ("procedure_steps", "do"): (
        r"what (?:do|should|can|must) (?:i|we) do(?: now| first)?|(?:je|on) fai[st] quoi|(?:que"
        r"|quoi) faire(?: maintenant)?",
        r"que (?:dois-je|faut-il|doit-on) faire(?: maintenant)?|(?:que|cuales|q) pasos (?:sigo|seguimos"
        r"|hay que seguir)",
        r"que (?:hago|hacemos|debo hacer|tengo que hacer)(?: ahora| primero)?",
        r"(?:ماذا|شو|ايش) (?:يجب ان |لازم )?(?:افعل|نفعل|اعمل|نعمل|بعمل|منعمل|ساوي|بساوي)(?: الان| هلق)?",
    ),
    ("procedure_flags", ""): (
        r"(?:what are )?(?:the )?(?:red flags?|warning signs?|danger signs?)",
        r"when (?:do|should) (?:i|we) report(?: it)?",
        r"(?:quels sont )?(?:les? )?(?:signaux|signal|signes?) (?:d'alerte|de danger|d'alarme)",
        r"quand (?:dois-je|faut-il) signaler",
        r"(?:cuales son )?(?:las? )?senal(?:es)? de (?:alerta|alarma|peligro)",
        r"(?:las )?senales|(?:the )?flags|(?:les )?signaux",
        r"cuando (?:debo|hay que) (?:informar|reportar)",
        r"(?:ما هي )?علام(?:ات|ه) (?:ال)?(?:خطر|انذار|تحذير)|متي (?:يجب )?(?:ابلغ|الابلاغ)",
    ),
    ("procedure_why", ""): (
        r"(?:but )?why(?: (?:so|is that|that|not))?(?: and source)?",
        r"(?:tell me |give me )?more(?: (?:info|information|details?))?|(?:the )?details?",
        r"(?:mais )?pourquoi(?: (?:ca|cela|donc|pas))?(?:,? et source)?",
        r"(?:en (?:savoir|dire) )?plus(?: (?:d'infos?|d'informations?|de details?))?|(?:les )?details?",
        r"(?:pero )?(?:y )?por que(?: (?:eso|no))?(?: y (?:la )?fuente)?",
        r"(?:dime |saber |cuentame )?mas(?: (?:info|informacion|detalles?))?|(?:los )?detalles?",
        r"(?:و)?لماذا(?: هذا| ذلك)?|ليش|ليه|السبب(?: والمصدر)?|ما السبب",
        r"(?:ال)?مزيد(?: من (?:المعلومات|التفاصيل))?|(?:ال)?تفاصيل(?: اكثر)?|معلومات اكثر",
    ),
    ("procedure_why", "sources"): (
        r"(?:the |your )?sources?|where (?:is|does) (?:this|that|it) (?:come )?from|who says (?:so|that|this)|"
        r"(?:what(?:'s| is) )?(?:the )?(?:law|legal (?:basis|base|source|grounds?))(?: (?:behind|for"
        r"|of) (?:it|this|that))?|"
        r"(?:which|what) (?:law|article|articles|convention)(?: (?:is|says) (?:it|that|this))?",
        r"(?:la |les |quelle est la |quelles sont les )?sources?|d'ou (?:ca|cela) vient|d'ou vient (?:ca"
        r"|cela)|qui (?:le )?dit (?:ca|cela)|"
        r"(?:quelle est )?(?:la )?(?:loi|base legale|base juridique)|quels? (?:loi|articles?|convention)",
        r"quelle (?:loi|convention)(?: (?:le )?dit (?:ca|cela))?",
        r"(?:la |las |cual es la |cuales son las )?fuentes?|de donde (?:sale|viene) (?:eso|esto)"
        r"|quien (?:lo )?dice(?: eso)?|"
        r"(?:cual es )?(?:la )?(?:ley|base legal|base juridica)|que (?:ley|articulos?|convencion)(?: lo dice)?",
        r"(?:ما (?:هو|هي) )?(?:ال)?(?:مصدر|مصادر)|من اين هذا|من يقول ذلك|(?:ما (?:هو|هي) )?(?:القانون"
        r"|الاساس القانوني|السند القانوني)|"
        r"(?:اي|ما) (?:قانون|ماده|اتفاقيه)(?: (?:يقول|تقول) (?:ذلك|هذا))?",
    ),
    ("procedure_why", "time_limits"): (
        r"(?:what (?:is|are) )?(?:the )?(?:time ?limits?|deadlines?)|(?:until |by )when|how (?:long"
        r"|much time) (?:do (?:i|we) have|is there)|"
        r"how (?:soon|fast|quickly|many (?:days|hours))(?: (?:do (?:i|we) have|is it|must it be))?",
        r"(?:quels? (?:est|sont) )?(?:les? )?delais?|(?:pour|avant) quand|dans quel delai|(?:on a|j'ai"
        r"|nous avons) combien de temps|"
        r"combien de (?:temps|jours|heures)(?: (?:on a|ai-je|avons-nous|j'ai|nous avons))?",
        r"(?:cuales? (?:es|son) )?(?:el |los )?plazos?|(?:para|antes de|hasta) cuando|en que plazo|"
        r"(?:cuanto tiempo|cuantos dias|cuantas horas)(?: (?:hay|tengo|tenemos))?",
        r"(?:ما هي )?(?:ال)?(?:مهل|مهله|مهل الزمنيه|مهله الزمنيه|المهل الزمنيه)|(?:ال)?موعد النهايي",
        r"(?:حتي|قبل) متي|كم (?:من )?(?:الوقت|وقت|يوم|يوما|ساعه)(?: (?:عندي|لدي|لدينا|عندنا))?",
    ),
    ("procedure_why", "documents"): (
        r"(?:(?:what|which) )?(?:papers?|documents?|forms?)(?: (?:do (?:i|we) need|are needed"
        r"|should (?:i|we) (?:fill|use)))?",
        r"(?:the )?(?:paperwork|forms)|is there a form",
        r"(?:(?:quels?|quelles?|les) )?(?:documents?|papiers|formulaires?|pieces)(?: (?:faut-il|il (?:me|nous) faut))?",
        r"(?:(?:que|cuales|los) )?(?:documentos?|papeles|formularios?)(?: (?:necesito|necesitamos"
        r"|hacen falta|se necesitan))?",
        r"(?:(?:ما|ما هي|اي) )?(?:ال)?(?:وثايق|اوراق|مستندات|استمارات|استماره)(?: (?:المطلوبه|اللازمه|احتاج|نحتاج))?",
    ),
    ("procedure_contacts", ""): (
        r"(?:what(?:'s|s| is) )?(?:the |phone )?(?:numbers?|contacts?)",
        r"(?:(?:and )?whom?|what number|where) (?:(?:do|should|can|must) (?:i|we) |to )?(?:call|contact"
        r"|phone|ring|alert|inform|notify)",
        r"whom? to call",
        r"(?:les? )?(?:numeros?|contacts?)",
        r"(?:et )?qui (?:(?:dois-je|faut-il|doit-on|je dois|puis-je|peut-on) )?(?:appeler|contacter"
        r"|prevenir|avertir|alerter)",
        r"(?:j'appelle|on appelle) qui|qui (?:j'appelle|on appelle|est-ce que j'appelle)|quel numero(?: appeler)?",
        r"(?:los? )?(?:numeros?|contactos?)",
        r"(?:y )?a quien (?:(?:debo|puedo|hay que|tengo que|podemos|debemos) )?(?:llamar|llamo|llamamos"
        r"|aviso|avisar|avisamos|contacto|contactar)",
        r"(?:a )?que numero(?: llamo)?",
        r"(?:ال)?(?:ارقام|رقم الهاتف|جهات الاتصال)",
        r"(?:و)?(?:مين|بمين) (?:لازم )?(?:بتصل|اتصل|نتصل|بحكي)(?: فيه)?",
        r"(?:و)?بمن (?:(?:يمكن|يجب) )?(?:ان )?(?:اتصل|الاتصال|نتصل)|من (?:اتصل به|ابلغ)|علي اي رقم اتصل",
    ),
    ("report_case", ""): (
        r"report(?: (?:it|this|the case|this case))?",
        r"signaler(?: (?:le|ce) cas)?",
        r"(?:reportar|informar)(?: (?:el|este) caso)?",
        r"(?:ال)?ابلاغ(?: عن (?:هذه )?الحاله)?",
    ),
    ("procedure_where", ""): (r"my country", r"mon pays", r"mi pais", r"بلدي"),
    ("procedure_like", ""): (
        r"more like (?:this|that|it)|(?:similar|related) (?:texts|ones|procedures)|see also",
        r"textes (?:proches|semblables|lies)|voir aussi",
        r"textos (?:parecidos|similares|relacionados)|ver tambien",
        r"نصوص (?:مشابهه|ذات صله)|انظر ايضا",
    ),
    ("tell_change", ""): (
        r"tell me (?:if|when) (?:it|this|that|something) changes",
        r"(?:me prevenir|previens-moi|prevenez-moi) si (?:ca|cela) change",
        r"(?:avisarme|avisame|aviseme) si (?:esto |eso )?cambia",
        r"اخباري اذا (?:تغير|تغيرت)|اخبرني اذا (?:تغير|تغيرت)(?: هذا)?",
    ),
    ("procedure", "child"): (
        r"(?:explain it |say it |say that )?(?:in (?:a child's|children's|simple) words|for (?:a|the) child)",
        r"how do (?:i|we) (?:explain|tell) (?:it|this|that) to (?:a|the) child",
        r"explain (?:it|this) to (?:a|the) child|(?:the )?(?:child(?:'?s|ren'?s)?|kids?) version",
        r"avec des mots d'enfant|(?:comment )?(?:l')?expliquer (?:cela |ca )?a (?:l'|un )enfant",
        r"en mots simples|(?:la )?version (?:pour (?:les )?enfants?|enfant)",
        r"(?:con|en) palabras (?:para ninas y ninos|sencillas)",
        r"como (?:se )?lo (?:explico|explicamos|explica) (?:a la nina|al nino|a un nino|a una nina)",
        r"(?:la )?version para (?:ninos|ninas|ninas y ninos)|(?:ال)?نسخه (?:ال)?طفل|بكلمات (?:للطفل|بسيطه)"
        r"|كيف (?:اشرح|نشرح) (?:هذا|ذلك) للطفل",
    ),
}

#: A step by its number, with a word before it: a number alone may press a button.
_STEP: Final = re.compile(
    r"(?:and|what about|how about|show me|go to|et|montre|va a|y|ver|ve a|و|ماذا عن)?\s*"
    r"(?:(?:the )?(?:step|number)|(?:l'|la |le )?(?:etape|numero)|(?:el )?paso|la|le|el|(?:ال)?(?:خطوه|رقم))?"
    r"\s*([1-9]\d?)"
)

#: The same, where it is done.
_STEP_DONE: Final = re.compile(
    r"(?:i )?(?:did|done|finished|mark|tick)(?: off)? (?:step )?([1-9]\d?)(?: (?:as )?done)?"
    r"|(?:the )?step ([1-9]\d?) (?:is )?(?:done|finished)|(?:l')?etape ([1-9]\d?) (?:est )?(?:faite?|terminee?)"
    r"|(?:el )?paso ([1-9]\d?) (?:esta )?(?:hecho|listo|terminado)"
    r"|(?:تم|تمت|خلصت|انتهيت من) (?:ال)?خطوه ([1-9]\d?)"
)

#: What may stand before the name of a country whose rules are asked for.
_AND_IN: Final = re.compile(
    r"(?:no[,.]?\s+)?(?:wait[,.]?\s+)?(?:and|but|or)?\s*(?:what about|how about|what if"
    r"|(?:is |are )?(?:this|it|that|the (?:rules?|law|limits?))? ?(?:so|(?:the )?(?:law|same)|different|other)"
    r"|(?:what(?:'?s| is| are| about) )?the (?:rules?|laws?|limits?|time limits?)(?: there)?"
    r"|does (?:this|it) (?:hold|apply))?\s*(?:it's |it is |we are |i am |she is |he is )?(?:in|for)?(?:\s+the)?"
    r"|(?:et|mais|ou)?\s*(?:si c'est |(?:est-ce que )?(?:c'est )?(?:pareil|different|la meme (?:chose|loi"
    r"|regle)|la loi|le cas) "
    r"|(?:quelle est )?la (?:regle|loi) |(?:est-ce que )?(?:ca|cela) (?:vaut|change) )?"
    r"(?:en|au|aux|a|dans|pour)?(?:\s+(?:la|le|les|l'))?"
    r"|(?:y|pero|o|que pasa)?\s*(?:si es |(?:es )?(?:igual|lo mismo|diferente|distinto|la ley) "
    r"|(?:cual es )?la (?:regla|ley) "
    r"|(?:eso )?(?:vale|cambia) )?(?:en|para)?(?:\s+(?:el|la|los))?"
    r"|(?:و?ماذا عن|و|هل ينطبق(?: هذا)?|(?:هل )?(?:هذا |الامر )?(?:نفس (?:الشي|الشيء|الامر)|مختلف|يختلف)(?: الامر)?"
    r"|(?:ما (?:هو )?)?القانون)?\s*(?:في|ب)?"
)
#: What leads from a question to the place it is asked about.
_TO_WHERE: Final = re.compile(
    r"[,.;:!?\s]*(?:(?:i'?m|i am|we'?re|we are|je suis|on est|nous sommes|estoy|estamos|انا|نحن)\s+)?"
    r"(?:(?:here|ici|aqui|هنا)\s+)?(?:in|near|at|a|au|aux|en|dans|pres de|cerca de|في|ب|قرب)$"
)
_AND: Final = re.compile(r"(?:and|what about|how about|et|y|pero|mais|but)\b|و")
_REGION: Final = re.compile(
    r"(?:the )?(?:eu|european union)|(?:l')?(?:ue|union europeenne)|(?:la )?(?:ue|union europea)"
    r"|(?:ال)?اتحاد الاوروبي"
)
_AROUND: Final = " \t\n.,;:!?¿¡؟،؛…\"'«»“”()"


def as_follow_up(message: UserMessage, state: DialogueState) -> UserMessage:
    """The message as a press of the button it names, where it asks on about the text that was just given."""
    text, key = message.text, _in_sight(state) or state.slots.get("last_procedure")
    if not key or message.intent == "in_danger" or text.startswith("/") or not 0 < len(text.strip()) <= LONGEST:
        return message
    # In a report, and where "are you safe right now?" was asked of danger, the next words are the answer. A worker
    # reads on in the text about that danger: none of the words below says that a child is safe, or is not.
    danger = state.slots.get("safety_question") and not state.slots.get("asked_by_text")
    of_worker = _tells_of_a_child(state)
    searching = state.active_loop.get("name") == _SEARCH
    if (state.active_loop.get("name") and not searching) or (danger and not of_worker):
        return message
    if searching and not _asks_beside_a_search(message, state):
        return message
    words = plain(text)
    if state.slots.get("audience") != "child" and _asks_to_report(words):
        return _pressed(message, "report_case", procedure=str(key))
    if not (searching or given_a_text(state.events) or _in_sight(state)):
        return message
    for (intent, part), asks in _patterns():
        if asks.fullmatch(words) is not None:
            answers = searching and part in ("done", "skip")
            return message if answers else _asked(message, str(key), intent, part, state) or message
    if (numbered := _step_numbered(words)) is not None:
        return _pressed(message, "procedure_step", procedure=str(key), **numbered)
    if searching or state.slots.get("audience") == "child" or message.intent == "ask_human":
        return message  # a place answers the search; a child is told no law
    if _asks_for_numbers_there(message):
        return _there(message, str(key), "procedure_contacts", ())
    # After "whom to call" a place is where the numbers are asked for, and its name says so alone.
    numbers = given_last(state.events) == "action_procedure_contacts"
    there = _names_a_country(text.strip(_AROUND))
    if there is None and not _goes_on_to_a_town(message, alone=numbers):
        return _surely_meant(message, bool(state.slots.get("safety_question")))
    if danger and _AND.match(words) is None and not text.rstrip().endswith(("?", "؟")):
        return message  # a place alone is where they are
    if numbers:
        return _there(message, str(key), "procedure_contacts", there or ())
    # The text itself is before them: what differs there is asked for.
    return _there(message, str(key), "procedure", (*(there or ()), Entity("part", "there")))


def _asks_beside_a_search(message: UserMessage, state: DialogueState) -> bool:
    """Whether a message, while "what do you need?" or a town is asked, can ask on about a text given just before."""
    answers = any(entity.name in ("need", "place") for entity in message.entities)
    before = [event for event in state.events if event.get("name") != _SEARCH]
    return not answers and given_a_text(before)


def _tells_of_a_child(state: DialogueState) -> bool:
    return state.slots.get("audience") == "worker" or bool(state.slots.get("speaks_for_child"))


def _in_sight(state: DialogueState) -> str:
    """The text about the danger somebody just told of, before they have read it: "by when?" asks on about it."""
    reason = state.slots.get("danger_reason")
    told = reason and _tells_of_a_child(state) and given_last(state.events) in OF_DANGER
    return IN_DANGER.get(str(reason), "") if told else ""


def _surely_meant(message: UserMessage, answers: bool) -> UserMessage:
    """The message as one that was not understood, where small talk was heard in it and hardly so. `answers`: it may be
    the answer to whether somebody is safe."""
    unsure = message.intent in _SMALL_TALK and message.confidence < _SURE_TALK
    unsure = unsure or (message.intent == "search_service" and message.confidence < _SURE_SEARCH)
    asks = not answers and message.intent in _NO_QUESTION and message.text.rstrip().endswith(("?", "؟"))
    if not (unsure or asks) or any(entity.name == "place" for entity in message.entities):
        return message
    return replace(message, intent="nlu_fallback")


def _there(message: UserMessage, key: str, intent: str, there: tuple[Entity, ...]) -> UserMessage:
    """The message as one that asks for the text, or its numbers, in the place it names."""
    places = (entity for entity in message.entities if entity.name == "place")
    told = (Entity("procedure", key), *there, *places)
    return replace(message, intent=intent, confidence=1.0, ranking=((intent, 1.0),), entities=told)


def _asks_to_report(words: str) -> bool:
    """Whether a message asks for the button "Report this case", whatever was read since it was shown."""
    return any(asks.fullmatch(words) is not None for (intent, _), asks in _patterns() if intent == "report_case")


def _asks_for_numbers_there(message: UserMessage) -> bool:
    """Whether a message is "who do I call in Ventimiglia", or "who do I call, I'm in Ventimiglia"."""
    places = [str(entity.value) for entity in message.entities if entity.name == "place"]
    before, found, after = plain(message.text).rpartition(plain(places[0])) if len(places) == 1 else ("", "", "")
    if not found or after:
        return False
    asked = _TO_WHERE.sub("", before.strip()).strip(_AROUND)
    return any(asks.fullmatch(asked) for (intent, _), asks in _patterns() if intent == "procedure_contacts")


def _step_numbered(words: str) -> dict[str, int] | None:
    """What a step named by its number asks for: that it is shown, or ticked; None where none is named."""
    if (done := _STEP_DONE.fullmatch(words)) is not None:
        return {"done": int(next(filter(None, done.groups())))}
    shown = None if words.isdigit() else _STEP.fullmatch(words)
    return None if shown is None else {"skip": int(shown[1]) - 1}


def _asked(message: UserMessage, key: str, intent: str, part: str, state: DialogueState) -> UserMessage | None:
    """None where it can be meant otherwise."""
    of_child, step = state.slots.get("audience") == "child", _step_shown(state, key)
    if of_child and (intent == "procedure_contacts" or part == "child"):
        return None  # whom a child can call is said by a person too
    if part == "do":  # where danger was told of, it is asked about that danger
        return None if state.slots.get("danger_reason") else _pressed(message, intent, procedure=key)
    if part in ("done", "skip"):  # they may answer a text that asks "are you safe right now?" just as well
        waits = step and not state.slots.get("safety_question")
        return _pressed(message, intent, procedure=key, **{part: step}) if waits else None
    if intent == "procedure_step" and step and not part:
        # "Next" leaves the step open that is in sight, and goes back to it where something else was read meanwhile.
        passed = step if given_last(state.events) == "action_procedure_step" else step - 1
        return _pressed(message, intent, procedure=key, skip=passed)
    if part == "here":
        return _pressed(message, intent, procedure=key, skip=step - 1) if step else None
    if part in ("first", "again"):
        return _pressed(message, intent, procedure=key, **{"skip" if part == "first" else "done": 0})
    if part == "child":
        return _pressed(message, intent, procedure=key, audience="child")
    return _pressed(message, intent, procedure=key, **({"part": part} if part else {}))


def _pressed(message: UserMessage, intent: str, **told: Any) -> UserMessage:
    """As a tap of the button comes in. Its words say no more: "my country" tells of no child."""
    entities = tuple(Entity(name, value) for name, value in told.items())
    text = payload(intent, **told)
    return replace(message, text=text, intent=intent, confidence=1.0, ranking=((intent, 1.0),), entities=entities)


def given_last(events: Sequence[Event]) -> str:
    """The action that gave what was spoken of last, "" for none."""
    actions = (str(event.get("name")) for event in reversed(events) if event.get("event") == "action")
    return next((name for name in actions if name not in _BETWEEN), "")


def given_a_text(events: Sequence[Event]) -> bool:
    """Whether a text, or a part of one, was what was spoken of last."""
    return given_last(events) in _GIVES_A_TEXT


def _step_shown(state: DialogueState, key: str) -> int:
    """The step that waits for "done" or "later", 0 for none."""
    shown: Any = state.slots.get("step_shown")
    return int(shown["step"]) if isinstance(shown, dict) and shown.get("procedure") == key else 0


def _names_a_country(words: str) -> tuple[Entity, ...] | None:
    """What "and in France", or "France" alone, tells beside its words; None where a message is anything else.

    A country is read from the words themselves by whoever answers: that somebody asks about it does not say that
    they are there.
    """
    for begins in re.finditer(r"(?<!\w)(?=\w)|(?<=\b[وب])(?=\w)", words):
        name, before = words[begins.start() :], plain(words[: begins.start()])
        region = _REGION.fullmatch(plain(name)) is not None
        if (region or is_country(name)) and _AND_IN.fullmatch(before):
            return (Entity("country", "EU"),) if region else ()
    return None


def _goes_on_to_a_town(message: UserMessage, *, alone: bool) -> bool:
    """Whether a message is "and in Calais?": without the "and" somebody may look for something there."""
    places = [str(entity.value) for entity in message.entities if entity.name == "place"]
    before, found, after = plain(message.text).rpartition(plain(places[0])) if len(places) == 1 else ("", "", "")
    if not found or after or _AND_IN.fullmatch(before.strip()) is None:
        return False
    return alone or _AND.match(before) is not None


def plain(words: str) -> str:
    return fold(words).replace("’", "'").strip(_AROUND)


@cache
def _patterns() -> tuple[tuple[tuple[str, str], re.Pattern[str]], ...]:
    """Compiled when somebody first asks on, so that a start does not wait for it."""
    return tuple((asked, re.compile(f"{_WELL}(?:{'|'.join(forms)}){_POLITE}")) for asked, forms in _ASKED.items())
