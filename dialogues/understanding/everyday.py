"""Everyday words that can hold no danger, known by their exact forms: our own buttons, what somebody's work is,
where they are, when a train leaves, "and if he refuses?", "I do not understand".

The heads heard danger in them, for whoever is in danger says as little. Only a whole message is read so, and every word
of it is known; one word more, and the heads are asked. The word lists are asked whatever it is. What our own button
about a place says ("They sent me away") is not among them: said bare, somebody may have been sent out of a country.
Forms are of folded words (`fold`). Drafted by machine, for native review.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Final

from dialogues.understanding.fold import fold, words

#: Nobody says these in more words.
_MOST_WORDS: Final = 14
#: The longest name of a place, in words, and the shortest with a letter written onto it.
_LONGEST_NAME, _SHORT_NAME = 4, 3
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
# --- what somebody's work is: what a child is made to be (a soldier, a servant) is no such work ---------------------
_WORK: Final = (
    r"(?:(?:an?|the|her|his|their) )?(?:(?:(?:border|immigration|police|coast) )?(?:guard|officer|police(?:man|woman)?)"
    r"|teacher|nurse|doctor|midwife|paramedic|lawyer|judge|prosecutor|(?:cultural )?mediator|registrar"
    r"|volunteer|guardian"
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
    r"(?: (?:here|now|(?:in|at|of|for|on) (?:an?|the|our|this) (?:\w+ )?(?:camp|cent(?:re|er)|shelter|school"
    r"|hospital|clinic|border"
    r"|office|airport|port|station)"
    r"|ici|(?:dans|a|au|en) (?:un |une |le |la |l )?(?:camp|centre|foyer|ecole|hopital|frontiere|bureau|aeroport|gare)"
    r"|aqui|(?:en|de) (?:un |una |el |la )?(?:campamento|centro|albergue|escuela|hospital|frontera|oficina|aeropuerto)"
    r"|هنا|(?:في |ب)(?:ال)?(?:مخيم|مركز|ماوي|مدرسه|مستشفي|حدود|مكتب|مطار)))?"
)
_SAYS_WORK: Final = rf"(?:i am|im|we are|je suis|chui|soy|انا|this is) (?:{_WORK}){_WHERE_ONE_WORKS}"

# --- when somebody leaves: "my flight is tomorrow" may be a removal, a number or an hour of a train is none ---------
_HOUR: Final = (
    r"(?:at |a |a las |las |les |الساعه )?\d{1,2}(?: ?[h:] ?\d{0,2}| \d{2})?(?: ?(?:h|am|pm|o clock|heures?|horas?))?"
    r"(?: (?:today|tomorrow|in the morning|in the evening|demain|ce matin|manana|de la (?:manana|tarde)|غدا|بكرا"
    r"|الصبح|مساء))?"
)
_LEAVES: Final = (
    rf"(?:my|our|the) (?:train|bus|coach|ferry|shift|class|lesson) (?:is |leaves |goes |departs |arrives "
    rf"|starts |ends )?"
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
_AGAIN: Final = (
    r"(?: (?:again|still|too|anyway|encore|toujours|aussi|quand meme|otra vez|todavia|de nuevo|مره ثانيه|كمان))*"
)
_REFUSES: Final = (
    r"(?:what )?(?:if|when) (?:he|she|they|the (?:child|boy|girl|parents?|adult|school|doctor"
    r"|office)) (?:still |just )?"
    r"(?:refuses?|says? no|disagrees?|does not agree|(?:wont|will not)(?: (?:talk|answer|come|sign))?"
    r"|(?:doesnt|dont|does not|do not) want(?: to(?: (?:talk|answer|come|sign))?)?)"
    r"|(?:que faire )?(?:si|s) (?:il|elle|ils|elles|on|l enfant|la fille|le garcon|les parents|l ecole|l adulte)"
    r" (?:refuse(?:nt)?|di(?:t|sent) non|(?:ne )?ve(?:ut|ulent) pas(?: (?:parler|repondre|venir|signer))?"
    r"|n est pas d accord)"
    r"|(?:que hago )?si (?:(?:el|ella|ellos|el nino|la nina|los padres|la escuela|el adulto) )?"
    r"(?:se niegan?|rechazan?|dicen? que no|no (?:acepta|esta de acuerdo)"
    r"|no quieren?(?: (?:hablar|responder|venir|firmar|decir nada))?)"
    r"|و?(?:اذا|لو|ان) (?:(?:هو|هي|الطفل|البنت|الولد|الاهل|المدرسه) )?(?:رفض(?:ت|وا)?|قال(?:ت|وا)? لا"
    r"|(?:ما|لا) (?:بده|بدها|بدهم|يريد|تريد|يريدون)(?: (?:يحكي|تحكي|يجي|تجي|ان يتكلم|ان تتكلم|الكلام|التوقيع))?"
    r"|ما وافق(?:ت|وا)?)"
)

# --- second thoughts ------------------------------------------------------------------------------------------------
_CORRECTS: Final = (
    r"(?:i|we) mean(?:t)?(?: to say)? (?:for |about )?(?:my|the|a) (?:other |little |big |older |younger )?"
    r"(?:sister|brother|son|daughter|friend|cousin|mother|mum|father|dad)"
    r"|je (?:veux|voulais) dire (?:pour )?(?:mon|ma|l) ?(?:autre |petite? |grande? )?"
    r"(?:soeur|frere|fils|fille|ami|amie|copain|copine|cousine?|mere|pere)"
    r"|(?:quiero|queria|quise) decir (?:para |a )?mi (?:otr[oa] )?(?:herman[oa]|hij[oa]|amig[oa]|prim[oa]|mama|papa)"
    r"|(?:قصدي|اقصد) (?:ل)?(?:اختي|اخي|اخوي|ابني|بنتي|رفيقي|صديقي|صديقتي|امي|ابي)(?: (?:ال\w+))?"
)
# --- what is answered to a question of ours -------------------------------------------------------------------------
_FOR_WHOM: Final = (
    r"(?:its|it is|thats) (?:not )?for (?:me|a friend|my friend|somebody else|someone else|another (?:child"
    r"|girl|boy|person))"
    r"|c est (?:pas )?pour (?:moi|un(?:e)? ami(?:e)?|mon (?:ami|copain)|ma copine|quelqu un d autre)"
    r"|(?:no )?es para (?:mi|un(?:a)? amig[oa]|otra persona)|(?:مو|مش) (?:الي|لي|لالي)|لرفيقي|لصديقي|لصديقتي"
)
_SAID_ALREADY: Final = (
    r"i (?:already|just) (?:told|said|wrote)(?: (?:you|it|that))*|je (?:te |vous )?l ai deja dit"
    r"|j ai deja (?:dit|repondu|ecrit)"
    r"|ya (?:te |se )?lo (?:dije|he dicho)|ya (?:te )?(?:dije|conteste)|قلتلك|قلت ?لكم|حكيتلك|سبق وقلت"
)
_KNOWS_NOT: Final = (
    r"(?:i )?(?:dont|do not) (?:really )?know(?: (?:yet|that|it))?|idk|dunno|no idea|not sure|j(?:e)? (?:ne )?sais pas"
    r"|(?:jsais|chais|sais) pas|aucune idee|no (?:lo )?se|ni idea|(?:ما|لا) (?:بعرف|اعرف|ادري|نعرف)|(?:مش"
    r"|مو) (?:عارف|عارفه)|مدري"
)
_WILL_DO_SO: Final = (
    r"i(?: will|ll)(?: (?:call|ask|try|do|write))(?: (?:them|now|it|that|you|later|so))*"
    r"|je vais (?:appeler|demander|essayer|le faire)(?: maintenant)?|voy a (?:llamar|preguntar|intentar"
    r"|hacerlo)(?: ahora)?"
    r"|(?:رح|راح|سوف) (?:اتصل|احكي|اسال|جرب)(?: (?:فيهم|معهم|هلق|الان))?"
    r"|i (?:have )?(?:already )?called(?: them)?|j ai (?:deja )?appele|ya (?:los )?llame|اتصلت(?: فيهم)?"
)
#: Alone it tells nothing of why; whoever has more to tell writes on, and is asked.
_CRIES: Final = (
    r"(?:she|he)(?: is|s)? (?:crying|cries)|(?:hes|shes) crying|(?:il|elle) pleure"
    r"|(?:el |ella )?(?:esta )?llora(?:ndo)?"
    r"|(?:هي |هو )?(?:عم )?(?:بتبكي|بيبكي|تبكي|يبكي)"
)
_HOURS: Final = (
    r"(?:what are )?(?:(?:your|the) )?opening (?:hours|times)(?: please)?"
    r"|(?:(?:les|vos) )?horaires(?: d ouverture)?(?: svp)?"
    r"|(?:el |los )?horarios?(?: de (?:atencion|apertura))?(?: por favor)?|(?:اوقات|ساعات) (?:الدوام|العمل|الفتح)"
)
_XRAYED: Final = (
    r"(?:they|the (?:police|office|doctors?)) (?:want|need|have|are going) to (?:x ?ray|scan) (?:me|my (?:hand|wrist"
    r"|teeth|bones?))"
    r"|(?:ils|on) (?:veulent|veut|va|vont) (?:me )?faire (?:passer )?une (?:radio|radiographie)"
    r"(?: (?:des os|du poignet|de la main|des dents))"
    r"|(?:me )?quieren (?:hacer|sacar)(?:me)? una (?:radiografia|placa)"
    r"(?: de (?:los huesos|la muneca|la mano|los dientes))"
    r"|(?:بدهم|يريدون) (?:يصوروا?|يعملوا) (?:لي )?(?:صوره )?(?:اشعه )?(?:عظامي|ايدي|اسناني|لعظامي)"
)
_THANKS: Final = (
    r"(?:merci |ok |safi |yalla )?(?:ch|sh|sch)(?:o|u|ou)kra+n+(?: (?:bzaf|bezaf|ktir|kteer|jazilan|3la|khoya|merci))*"
    r"|thank god|gracias a dios|dieu merci|الحمد ?لله|lhamdoul+ah|al ?hamdul+i?l+ah|hamdulil+ah"
)
_DAY: Final = (
    r"(?:today|tomorrow|on \w+day|\w+day|demain|lundi|mardi|mercredi|jeudi|vendredi|samedi|manana|hoy|el \w+"
    r"|lunes|martes"
    r"|miercoles|jueves|viernes|اليوم|بكرا|بكره|غدا|يوم \w+)"
)
_APPOINTMENT: Final = (
    rf"(?:(?:my|the|our) )?(?:asylum )?(?:interview|appointment|hearing|court date)(?: is)?(?: {_DAY})?(?: {_HOUR})?"
    rf"|(?:(?:mon|notre|le) )?(?:entretien|rdv|rendez vous|audience)(?: (?:est|a|pour|prefecture"
    rf"|ofpra))*(?: {_DAY})?(?: {_HOUR})?"
    rf"|(?:(?:mi|la|nuestra) )?(?:cita|entrevista|audiencia)(?: (?:es|con|de|asilo|comar))*(?: {_DAY})?(?: {_HOUR})?"
    rf"|(?:مقابلتي|موعدي|مقابلتنا|موعدنا)(?: (?:هي|هو))?(?: {_DAY})?(?: {_HOUR})?"
)
_STOLEN: Final = (
    r"(?:they|he|she|someone|somebody) (?:stole|has stolen|robbed) my (?:bag|backpack|phone|money|wallet|shoes|bike)"
    r"|on m a vole (?:mon|ma|mes) (?:sac|telephone|portable|argent|portefeuille|chaussures|velo)"
    r"|me (?:robaron|robo|han robado) (?:el|la|mi|los|las) (?:mochila|bolsa|telefono|celular|dinero|cartera"
    r"|zapatos|bici)"
    r"|سرقوا? ?(?:لي )?(?:شنطتي|تلفوني|موبايلي|مصاري|مصرياتي|محفظتي)"
)
_WITH_ME: Final = (
    r"(?:he|she|hes|shes|they|the (?:child|boy|girl|baby))(?: is| are)? (?:here )?with (?:me|us)(?: (?:here|now))?"
    r"|(?:il|elle|l enfant) est (?:ici )?avec (?:moi|nous)(?: maintenant)?"
    r"|(?:(?:el|ella|el nino|la nina) )?esta (?:aqui )?(?:conmigo|con nosotros)(?: ahora)?"
    r"|(?:هو|هي|الولد|البنت|الطفل) (?:معي|معنا|عندي|عندنا)(?: (?:هلق|الان|هون))?"
)
_WELL_NOW: Final = (
    r"(?:(?:yes|yeah) )?(?:i am|im|we are|were) (?:ok|okay|fine|good|all right|alright) now(?: (?:thanks|thank you))?"
    r"|(?:oui )?(?:ca va|je vais bien|on va bien) maintenant(?: merci)?|(?:si )?ya (?:estoy|estamos) bien(?: gracias)?"
    r"|(?:نعم )?(?:انا|نحن) (?:منيح|منيحه|بخير|كويس|كويسه) (?:هلق|الان)"
)
_READS_IT: Final = (
    r"(?:is )?(?:anyone|anybody|someone|somebody) reading(?: (?:this|it|me))?"
    r"|(?:est ce que )?(?:quelqu un|qqn) (?:me )?lit(?: (?:ca|cela|mes messages))?|(?:alguien"
    r"|hay alguien que) (?:me )?lee(?: esto)?"
    r"|(?:في|فيه|هل) (?:حدا|احد|حد) (?:عم )?(?:يقرا|بيقرا|يرد)"
)
#: Of somebody else: no wish for another language, as "I do not speak French" is.
_SPEAKS_NOT: Final = (
    r"(?:he|she|they|the (?:child|boy|girl|mother|family)) (?:(?:doesnt|dont|does not|do not|cant) speak(?: any)?"
    r"|only speaks?|speaks? only) \w+"
    r"|(?:il|elle|ils|elles|l enfant|la mere|la famille) (?:ne )?parle(?:nt)? (?:pas|que)(?: (?:le |l |du )?\w+)"
    r"|(?:el|ella|ellos|el nino|la nina|la mama|la familia) (?:no|solo) hablan? \w+|no hablan? \w+"
    r"|(?:(?:هو|هي|الولد|البنت|الطفل|الام) )?(?:ما|لا) (?:بيحكي|بتحكي|بيحكوا|يحكي|تحكي|يتكلم|تتكلم) \w+"
)
#: Before the name of a place that is known: where somebody is, or works.
_I_AM_IN: Final = (
    r"(?:(?:i am|im|we are|were|here) )?(?:now |currently |here )?(?:in|at|near|from)"
    r"|(?:(?:je suis|jsuis|chui|on est|nous sommes) )?(?:maintenant |ici |toujours )?(?:a|en|au|aux|pres de|vers|de)"
    r"|(?:(?:estoy|estamos|ando|soy|vivo) )?(?:ahora |aqui )?(?:en|cerca de|por|de)"
    r"|(?:(?:انا|نحن|نحنا|احنا) )?(?:هلق |الان |حاليا )?(?:في|ب|من|قرب)|(?:ana|nahna) (?:f|fi|bi|b|men)"
)
_AT_THE: Final = (
    r"(?:at|in|near|behind|by|outside) (?:the )?(?:train |bus |main )?(?:station|port|border|terminal|airport"
    r"|market|park|beach|camp)"
    r" (?:in|of|at|near)"
    r"|(?:a|dans|pres de|derriere|devant) (?:la |le |l )?(?:gare|port|frontiere|aeroport|marche|parc|plage|camp"
    r"|quai)(?: routiere)?"
    r" (?:de|d|a|en)"
    r"|en (?:la |el )?(?:terminal|estacion|puerto|frontera|aeropuerto|mercado|parque|playa"
    r"|central)(?: de (?:tren|trenes|buses))?"
    r" (?:de|en)"
    r"|(?:في |ب|عند |قرب )?(?:ال|بال)?(?:محطه|ميناء|حدود|مطار|سوق|حديقه|مخيم)(?: (?:في|ب))?"
)
#: Ground on which people die is no answer.
_DEADLY: Final = frozenset(("darien", "sahara", "evros"))
_UNDER_A_ROOF: Final = (
    r"(?:i am|im|we are|were) (?:now |here )?(?:in|at) (?:an?|the|our) (?:\w+ )?(?:tent|camp|shelter|school|library)"
    r"|(?:je suis|jsuis|chui|on est|nous sommes) (?:dans|a|au) (?:un |une |le |la |l )?(?:tente|camp|foyer"
    r"|ecole|centre)"
    r"|(?:estoy|estamos) en (?:un |una |el |la )?(?:carpa|tienda|campamento|albergue|escuela|centro)"
    r"|(?:انا|نحن|نحنا|احنا) (?:في |ب)(?:ال)?(?:مخيم|خيمه|ماوي|مدرسه|مركز)"
)
_FORMS: Final[Mapping[str, tuple[str, ...]]] = {
    "inform": (
        _SAYS_WORK,
        _LEAVES,
        _CORRECTS,
        _FOR_WHOM,
        _WITH_ME,
        _UNDER_A_ROOF,
        r"(?:نحنا|احنا|نحن) (?:اتنين|اثنين|تنين|تلاته|ثلاثه|اربعه|خمسه|\d)",
    ),
    AS_HEARD: (
        f"(?:{_REFUSES}){_AGAIN}",
        _SAID_ALREADY,
        _KNOWS_NOT,
        _WILL_DO_SO,
        _APPOINTMENT,
        _STOLEN,
        _CRIES,
        _HOURS,
    ),
    "thanks": (_THANKS,),
    "affirm": (_WELL_NOW,),
    "ask_human": (r"(?:can you |could you |please )*(?:call|phone|ring) them(?: (?:please|for me|now))*",),
    "bot_challenge": (_READS_IT,),
    "procedure/age_assessment": (_XRAYED,),
    "procedure/interpreter_use": (_SPEAKS_NOT,),
    "greet": (
        r"(?:i am |im )?(?:just|only) (?:looking(?: around)?|(?:a )?test(?:ing)?|trying)(?: (?:it|this))?(?: out)?",
        r"(?:c est )?juste pour (?:voir|tester|essayer)|(?:c est )?(?:juste )?un test|je (?:teste|regarde"
        r"|essaie) juste",
        r"(?:solo|nomas) (?:estoy )?(?:probando|mirando|viendo)|es (?:solo )?una prueba",
        r"(?:عم )?(?:بجرب|جرب|اجرب)|(?:مجرد|فقط) (?:تجربه|اختبار|اجرب)|عم شوف",
    ),
    "change_language": (
        r"i (?:dont|do not|cant) understand(?: (?:you|this|it|anything))?|je (?:ne )?comprends? (?:pas|rien)"
        r"|j ai (?:pas|rien) compris",
        r"no (?:te |le |les )?(?:entiendo|comprendo)(?: nada)?|no (?:te )?entendi(?: nada)?",
        r"(?:انا )?(?:مش|مو|ماني) (?:فاهم|فاهمه)(?: (?:شي|عليك))?|(?:انا )?(?:لا|ما) (?:افهم|بفهم"
        r"|فهمت)(?: (?:شي|عليك))?",
    ),
}


def everyday(folded: str, is_place: Callable[[str], bool] = lambda name: False) -> str | None:
    """What a folded message of such words means, `AS_HEARD` where the heads say it; None where it is none.

    `is_place`: whether folded words are the name of a known place.
    """
    told = words(folded)
    if not 0 < len(told) <= _MOST_WORDS:
        return None
    said = " ".join(told)
    pressed = _buttons().get(said)
    if pressed is not None:
        return pressed
    known = next((intent for intent, form in _forms() if form.fullmatch(said) is not None), None)
    return "inform" if known is None and _says_where(told, is_place) else known


def _says_where(told: list[str], is_place: Callable[[str], bool]) -> bool:
    """Whether somebody says where they are or work, by a name that is known, and not a word more."""
    if not _DEADLY.isdisjoint(told):
        return False
    for at in range(max(1, len(told) - _LONGEST_NAME), len(told)):
        before, name = told[:at], told[at:]
        attached = name[0].startswith("ب") and len(name[0]) > _SHORT_NAME  # "in" is written onto the name
        if is_place(" ".join(name)) and _where().fullmatch(" ".join(before)) is not None:
            return True
        if attached and is_place(" ".join([name[0][1:], *name[1:]])) and _where().fullmatch(" ".join([*before, "ب"])):
            return True
    return False


@cache
def _buttons() -> Mapping[str, str]:
    return {" ".join(words(fold(each))): intent for intent, said in _BUTTONS.items() for each in said}


@cache
def _forms() -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Compiled when the first message comes, so that a start does not wait for it."""
    return tuple((intent, re.compile(f"{_WELL}(?:{'|'.join(forms)})")) for intent, forms in _FORMS.items())


@cache
def _where() -> re.Pattern[str]:
    return re.compile(rf"{_WELL}(?:{_I_AM_IN}|{_AT_THE}|(?:{_SAYS_WORK}) (?:in|at|a|en|au|de|في|ب))")
