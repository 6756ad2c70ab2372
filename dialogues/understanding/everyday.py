"""Everyday words that can hold no danger, known by their exact forms: the words of our own buttons, what somebody's work
is, when a train leaves, "and if he refuses?", "I do not understand".

The heads heard danger in them, for whoever is in danger says as little. Only a whole message is read so, and every word
of it is known; one word more, and the heads are asked. The word lists are asked whatever it is. What our own button about
a place says ("They sent me away") is not among them: said bare, somebody may have been sent out of a country. Forms are
of folded words (`fold`). Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import Final

from dialogues.understanding.fold import fold, words

#: Nobody says these in more words.
_MOST_WORDS: Final = 14
#: What the heads make of it is what it means; only that it is danger is not asked.
AS_HEARD: Final = ""

#: Words of our buttons by what pressing one means, where that needs nothing else to be known. English, French, Spanish,
#: Arabic; and what people write for them.
_BUTTONS: Final[Mapping[str, tuple[str, ...]]] = {
    "procedure_now": (
        "What to do now",
        "Que faire maintenant",
        "Qué hacer ahora",
        "ما العمل الآن",
        "ماذا أفعل الآن",
    ),
    "tell_nothing": ("Do not write", "Ne pas écrire", "No escribir", "عدم الكتابة", "لا تكتب"),
    "none_of_these": ("None of these", "Aucun de ceux-là", "Ninguno de estos", "ليس أيًا منها"),
    "another_place": ("Another town", "Une autre ville", "Otra ciudad", "مدينة أخرى"),
    AS_HEARD: (
        *("Why and source", "Pourquoi, et source", "Por qué y fuente", "السبب والمصدر"),
        *("Tell me if it changes", "Me prévenir si cela change", "Avisarme si cambia", "إخباري إذا تغيّر"),
        *("Préviens-moi si ça change", "Prévenez-moi si ça change", "Avísame si cambia", "Avíseme si cambia"),
        *("خبرني إذا تغير", "أخبرني إذا تغير", "More like this", "Textes proches", "Textos parecidos", "نصوص مشابهة"),
        *("Step by step", "Étape par étape", "Paso a paso", "خطوة خطوة", "Steps", "Étapes", "Pasos", "خطوات"),
        *("Red flags", "Signaux d'alerte", "Señales de alerta", "علامات الخطر"),
        *("Numbers", "Numéros", "Números", "الأرقام", "My country", "Mon pays", "Mi país", "بلدي"),
        *("What changes", "Ce qui change", "Qué cambia", "ما يتغير"),
        *("In a child's words", "Avec des mots d'enfant", "Con palabras para niñas y niños", "بكلمات للطفل"),
        *("I am under 18", "J'ai moins de 18 ans", "Tengo menos de 18 años", "عمري أقل من 18"),
        *("Done", "Fait", "Hecho", "تم", "Later", "Plus tard", "Más tarde", "لاحقًا"),
        *("Begin again", "Recommencer", "Empezar de nuevo", "البدء من جديد"),
        *("Newer text, in English", "Texte plus récent, en anglais", "Texto más nuevo, en inglés"),
        *("النص الأحدث بالإنجليزية", "Look again", "Chercher encore", "Buscar otra vez", "ابحث مرة أخرى"),
        *("Show the way", "Voir le chemin", "Ver el camino", "الطريق", "Open the map", "Ouvrir la carte"),
        *("Abrir el mapa", "افتح الخريطة", "Open the website", "Ouvrir le site", "Abrir el sitio", "فتح الموقع"),
        *("Send to a person I help", "L'envoyer à une personne", "Enviar a alguien a quien ayudo"),
        *("أرسله إلى شخص أساعده", "Refer somebody there", "Orienter quelqu'un", "Derivar a alguien"),
        *("إحالة شخص إلى هناك", "This was wrong", "C'était faux", "Esto estaba mal", "هذا خطأ"),
        *("It was closed", "C'était fermé", "Estaba cerrado", "كان مغلقاً"),
        *("The number is wrong", "Le numéro est faux", "El número está mal", "الرقم خاطئ"),
        *("Only what is open now", "Ouvert maintenant", "Abierto ahora", "المفتوح الآن فقط"),
        *("Only what is open tonight", "Ouvert cette nuit", "Abierto esta noche", "المفتوح الليلة فقط"),
        *("Only without papers", "Sans papiers", "Sin papeles", "بدون أوراق فقط"),
        *("Only what is free", "Gratuit", "Gratis", "المجاني فقط"),
        *("With another adult", "Avec un autre adulte", "Con otra persona adulta", "مع بالغ آخر"),
        *("With a parent", "Avec un parent", "Con su madre o padre", "مع أحد الوالدين"),
        *("With other children", "Avec d'autres enfants", "Con otras niñas y niños", "مع أطفال آخرين"),
        *("Ask for a safe time", "Demander une heure sûre", "Preguntar por una hora segura", "السؤال عن وقت آمن"),
        *("Any time", "À toute heure", "A cualquier hora", "في أي وقت", "Their phone", "Son téléphone", "Su teléfono"),
        *("هاتف الشخص", "It is somebody else", "C'est quelqu'un d'autre", "Es otra persona", "إنه شخص آخر"),
        *("Show the whole message", "Voir tout le message", "Ver todo el mensaje", "Back to all messages"),
        *("Newer messages", "Messages plus récents", "Mensajes más nuevos"),
    ),
}

_WELL: Final = (
    r"(?:(?:hi|hello|hey|good \w+|bonjour|bonsoir|salut|hola|buen[oa]s \w+|مرحبا|سلام|السلام عليكم|ok|okay|no|sorry|and"
    r"|but|et|mais|pardon|non|y|pero|perdon|طيب|عفوا|لا|بس) )*"
)
# --- what somebody's work is: what a child is made to be (a soldier, a servant) is no such work -------------------------
_WORK: Final = (
    r"(?:(?:an?|the|her|his|their) )?(?:(?:(?:border|immigration|police|coast) )?(?:guard|officer|police(?:man|woman)?)"
    r"|teacher|nurse|doctor|midwife|paramedic|lawyer|judge|prosecutor|(?:cultural )?mediator|registrar|volunteer|guardian"
    r"|(?:member of )?(?:the )?staff|(?:social|case|youth|aid|field) ?worker|(?:labour )?inspector)"
    r"|(?:une? |la |le |l )?(?:garde frontieres?|policiere?|gendarme|douaniere?|enseignante?|prof|professeure?"
    r"|educat(?:eur|rice)|infirmiere?|medecin|sage femme|avocate?|juge|mediat(?:eur|rice)|benevole|tut(?:eur|rice)"
    r"|assistante? sociale?|travailleu(?:r|se) sociale?|inspect(?:eur|rice)(?: du travail)?)"
    r"|(?:una? |el |la )?(?:guardia (?:de (?:la )?frontera|fronteriz[oa]|civil)|policia|maestr[oa]|profesora?|docente"
    r"|enfermer[oa]|medic[oa]|partera|abogad[oa]|jueza?|fiscal|mediadora?|voluntari[oa]|tutora?|trabajadora? social"
    r"|inspectora?(?: de trabajo)?|funcionari[oa])"
    r"|(?:من )?(?:حرس|حارس) (?:ال)?حدود|(?:شرطيه?|ضابط|معلمه?|مدرسه?|ممرضه?|طبيبه?|قابله|محاميه?|قاضيه?|وسيطه?|متطوعه?"
    r"|موظفه?)|(?:اخصايي|اخصاييه|عامل|عامله) اجتماعيه?|مفتشه?"
)
_WHERE_ONE_WORKS: Final = (
    r"(?: (?:here|now|(?:in|at|of|for|on) (?:an?|the|our|this) (?:\w+ )?(?:camp|cent(?:re|er)|shelter|school|hospital|clinic|border"
    r"|office|airport|port|station)"
    r"|ici|(?:dans|a|au|en) (?:un |une |le |la |l )?(?:camp|centre|foyer|ecole|hopital|frontiere|bureau|aeroport|gare)"
    r"|aqui|(?:en|de) (?:un |una |el |la )?(?:campamento|centro|albergue|escuela|hospital|frontera|oficina|aeropuerto)"
    r"|هنا|(?:في |ب)(?:ال)?(?:مخيم|مركز|ماوي|مدرسه|مستشفي|حدود|مكتب|مطار)))?"
)
_SAYS_WORK: Final = rf"(?:i am|im|we are|je suis|chui|soy|انا|this is) (?:{_WORK}){_WHERE_ONE_WORKS}"

# --- when somebody leaves: "my flight is tomorrow" may be a removal, a number or an hour of a train is none --------------
_HOUR: Final = (
    r"(?:at |a |a las |las |les |الساعه )?\d{1,2}(?: ?[h:] ?\d{0,2}| \d{2})?(?: ?(?:h|am|pm|o clock|heures?|horas?))?"
    r"(?: (?:today|tomorrow|in the morning|in the evening|demain|ce matin|manana|de la (?:manana|tarde)|غدا|بكرا"
    r"|الصبح|مساء))?"
)
_LEAVES: Final = (
    rf"(?:my|our|the) (?:train|bus|coach|ferry|shift|class|lesson) (?:is |leaves |goes |departs |arrives |starts |ends )?"
    rf"{_HOUR}"
    rf"|(?:mon|notre|le) (?:train|bus|car|ferry|cours) (?:est |part |arrive |commence |finit )?{_HOUR}"
    rf"|(?:mi|nuestro|el) (?:tren|bus|autobus|camion|ferry) (?:es |sale |llega )?{_HOUR}"
    rf"|(?:قطاري|باصي|القطار|الباص|حافلتي) {_HOUR}"
    r"|(?:my|our|the) flight (?:number )?(?:is )?(?:the )?[a-z]{2} ?\d{2,4}"
    r"|(?:mon|notre|le) vol (?:c )?(?:est )?(?:le )?[a-z]{2} ?\d{2,4}"
    r"|(?:mi|nuestro|el) vuelo (?:es )?(?:el )?[a-z]{2} ?\d{2,4}"
    r"|(?:رحلتي|طيارتي)(?: هي)?(?: رقم)? [a-z]{2} ?\d{2,4}"
)

# --- asking on ------------------------------------------------------------------------------------------------------
_AGAIN: Final = r"(?: (?:again|still|too|anyway|encore|toujours|aussi|quand meme|otra vez|todavia|de nuevo|مره ثانيه|كمان))*"
_REFUSES: Final = (
    r"(?:what )?(?:if|when) (?:he|she|they|the (?:child|boy|girl|parents?|adult|school|doctor|office)) (?:still |just )?"
    r"(?:refuses?|says? no|disagrees?|does not agree|(?:wont|will not)(?: (?:talk|answer|come|sign))?"
    r"|(?:doesnt|dont|does not|do not) want(?: to(?: (?:talk|answer|come|sign))?)?)"
    r"|(?:que faire )?(?:si|s) (?:il|elle|ils|elles|on|l enfant|la fille|le garcon|les parents|l ecole|l adulte)"
    r" (?:refuse(?:nt)?|di(?:t|sent) non|(?:ne )?ve(?:ut|ulent) pas(?: (?:parler|repondre|venir|signer))?"
    r"|n est pas d accord)"
    r"|(?:que hago )?si (?:(?:el|ella|ellos|el nino|la nina|los padres|la escuela|el adulto) )?"
    r"(?:se niegan?|rechazan?|dicen? que no|no (?:acepta|esta de acuerdo)"
    r"|no quieren?(?: (?:hablar|responder|venir|firmar|decir nada))?)"
    r"|و?(?:اذا|لو|ان) (?:(?:هو|هي|الطفل|البنت|الولد|الاهل|المدرسه) )?(?:رفض(?:ت|وا)?|قال(?:ت|وا)? لا"
    r"|(?:ما|لا) (?:بده|بدها|بدهم|يريد|تريد|يريدون)(?: (?:يحكي|تحكي|ان يتكلم|ان تتكلم|الكلام|التوقيع))?|ما وافق(?:ت|وا)?)"
)

# --- second thoughts --------------------------------------------------------------------------------------------------
_CORRECTS: Final = (
    r"(?:i|we) mean(?:t)?(?: to say)? (?:for |about )?(?:my|the|a) (?:other |little |big |older |younger )?"
    r"(?:sister|brother|son|daughter|friend|cousin|mother|mum|father|dad)"
    r"|je (?:veux|voulais) dire (?:pour )?(?:mon|ma|l) ?(?:autre |petite? |grande? )?"
    r"(?:soeur|frere|fils|fille|ami|amie|copain|copine|cousine?|mere|pere)"
    r"|(?:quiero|queria|quise) decir (?:para |a )?mi (?:otr[oa] )?(?:herman[oa]|hij[oa]|amig[oa]|prim[oa]|mama|papa)"
    r"|(?:قصدي|اقصد) (?:ل)?(?:اختي|اخي|اخوي|ابني|بنتي|رفيقي|صديقي|صديقتي|امي|ابي)(?: (?:ال\w+))?"
)
_FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "inform": (
        _SAYS_WORK,
        _LEAVES,
        _CORRECTS,
        r"(?:نحنا|احنا|نحن) (?:اتنين|اثنين|تنين|تلاته|ثلاثه|اربعه|خمسه|\d)",
    ),
    AS_HEARD: (f"(?:{_REFUSES}){_AGAIN}",),
    "greet": (
        r"(?:i am |im )?(?:just|only) (?:looking(?: around)?|(?:a )?test(?:ing)?|trying)(?: (?:it|this))?(?: out)?",
        r"(?:c est )?juste pour (?:voir|tester|essayer)|(?:c est )?(?:juste )?un test|je (?:teste|regarde|essaie) juste",
        r"(?:solo|nomas) (?:estoy )?(?:probando|mirando|viendo)|es (?:solo )?una prueba",
        r"(?:عم )?(?:بجرب|جرب|اجرب)|(?:مجرد|فقط) (?:تجربه|اختبار|اجرب)|عم شوف",
    ),
    "change_language": (
        r"i (?:dont|do not|cant) understand(?: (?:you|this|it|anything))?|je (?:ne )?comprends? (?:pas|rien)|j ai (?:pas|rien) compris",
        r"no (?:te |le |les )?(?:entiendo|comprendo)(?: nada)?|no (?:te )?entendi(?: nada)?",
        r"(?:انا )?(?:مش|مو|ماني) (?:فاهم|فاهمه)(?: (?:شي|عليك))?|(?:انا )?(?:لا|ما) (?:افهم|بفهم|فهمت)(?: (?:شي|عليك))?",
    ),
}


def everyday(folded: str) -> str | None:
    """What a folded message of such words means, `AS_HEARD` where the heads say it; None where it is no such message."""
    told = words(folded)
    if not 0 < len(told) <= _MOST_WORDS:
        return None
    said = " ".join(told)
    pressed = _buttons().get(said)
    if pressed is not None:
        return pressed
    return next((intent for intent, form in _forms() if form.fullmatch(said) is not None), None)


@cache
def _buttons() -> Mapping[str, str]:
    return {" ".join(words(fold(each))): intent for intent, said in _BUTTONS.items() for each in said}


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compiled when the first message comes, so that a start does not wait for it."""
    return tuple((intent, re.compile(f"{_WELL}(?:{'|'.join(forms)})")) for intent, forms in _FORMS.items())
