"""What people call countries beside the names a locale has, and the words that tell a country's part in a journey."""

from __future__ import annotations

from typing import Final

#: Names people write that no locale has, by the country they mean; folded, hyphens as spaces.
_OTHER_NAMES: Final[dict[str, tuple[str, ...]]] = {
    "US": (
        *(
            "us",
            "usa",
            "u s a",
            "u s",
            "united states of america",
            "the states",
            "america",
            "new mexico",
            "new england",
        ),
        *("etats unis amerique", "amerique", "ee uu", "eeuu", "e e u u", "eua", "e u a", "estados unidos de america"),
        *("امريكا", "الولايات المتحده الامريكيه", "الولايات المتحده", "اميركا"),
    ),
    "GB": (
        *("uk", "u k", "england", "britain", "great britain", "scotland", "wales", "northern ireland"),
        *("angleterre", "grande bretagne", "ecosse", "pays de galles", "irlande du nord"),
        *("inglaterra", "gran bretana", "escocia", "gales", "irlanda del norte"),
        *("بريطانيا", "بريطانيا العظمي", "انجلترا", "انكلترا", "اسكتلندا", "ويلز"),
    ),
    "CI": (
        "ivory coast",
        "cote d'ivoire",
        "cote divoire",
        "cote ivoire",
        "costa de marfil",
        "ساحل العاج",
        "كوت ديفوار",
    ),
    "CD": (
        *("drc", "dr congo", "d r c", "democratic republic of congo", "democratic republic of the congo"),
        *("rdc", "rd congo", "republique democratique du congo", "congo kinshasa", "zaire"),
        *("republica democratica del congo", "الكونغو الديمقراطيه", "جمهوريه الكونغو الديمقراطيه"),
    ),
    "CG": ("republic of congo", "republic of the congo", "congo brazzaville", "republique du congo", "الكونغو"),
    "GN": ("guinee conakry", "guinea conakry"),
    "CF": ("rca", "centrafrique", "centroafrica", "افريقيا الوسطي"),
    "TR": ("turkey", "turkiye"),
    "CZ": ("czech republic", "republique tcheque", "republica checa"),
    "NL": ("holland", "hollande", "holanda", "the netherlands"),
    "MM": ("burma", "birmanie", "birmania", "بورما", "myanmar", "ميانمار"),
    "SS": ("s sudan", "sud soudan"),
    "SY": ("سوريه",),
    "ER": ("ارتريا", "ارتيريا"),
    "BD": ("بنغلادش", "بنجلاديش"),
    "MX": ("mejico",),
    "TL": ("east timor",),
    "PS": ("palestine", "palestina", "gaza", "west bank", "cisjordanie", "cisjordania", "فلسطين", "غزه"),
    "AE": ("uae", "u a e", "emirates", "emirats", "emiratos", "الامارات"),
    "SA": ("ksa", "saudi", "arabie saoudite", "السعوديه"),
    "BA": ("bosnia", "bosnie", "البوسنه"),
    "MK": ("macedonia", "macedoine", "مقدونيا"),
    "SV": ("salvador", "السلفادور"),
    "GT": ("guate",),
    "DO": ("dominicana",),
    "SZ": ("swaziland",),
    "CV": ("cabo verde", "cap vert"),
    "GM": ("gambia", "the gambia", "gambie", "غامبيا"),
    "VE": ("venezuela", "فنزويلا"),
    "XK": ("kosovo",),
}
#: What has the name of a country in it and is none.
_NO_COUNTRY: Final = (
    *("latin america", "south america", "central america", "north america"),
    *("amerique latine", "amerique du sud", "amerique centrale", "amerique du nord"),
    *("america latina", "america del sur", "america central", "america del norte", "sudamerica", "centroamerica"),
    *("امريكا اللاتينيه", "امريكا الجنوبيه", "امريكا الوسطي", "امريكا الشماليه"),
    *("gulf of mexico", "golfe du mexique", "golfo de mexico", "gulf of guinea", "golfe de guinee", "guinea pig"),
)
OTHER_NAMES: Final = {
    **{name: code for code, names in _OTHER_NAMES.items() for name in names},
    **dict.fromkeys(_NO_COUNTRY, ""),
}
#: "Us" is a country in capitals or after these words; "usa" is a verb in French and Spanish.
UNCERTAIN: Final = frozenset({"us", "usa", "u s"})
CERTAIN_AFTER: Final = frozenset(
    {"the", "los", "aux", "la", "to", "from", "through", "in", "vers", "hacia", "desde", "depuis", "a", "de", "en"}
)

#: Stands between the word that says what a country is to a journey, and its name; folded, as all below.
ARTICLES: Final = frozenset({"the", "la", "le", "les", "el", "los", "las", "l'"})
FROM: Final = frozenset({"from", "depuis", "du", "de", "des", "desde", "leaving", "left", "quitte", "من"})
THROUGH: Final = frozenset(
    {"through", "via", "by", "par", "por", "across", "crossed", "crossing", "transiting", "traverse", "عبر"}
)
TO: Final = frozenset(
    {
        *("to", "into", "toward", "towards", "reached", "entered", "vers", "a", "au", "aux", "pour", "hacia", "hasta"),
        *("الي", "نحو", "وصل", "وصلت", "وصلوا", "دخل", "دخلت"),
    }
)
IN: Final = frozenset({"in", "at", "inside", "near", "en", "dans", "في"})

#: How a word begins that says that somebody moves, and whole words that do.
MOVES: Final = (
    *("moved", "moving", "travel", "cross", "arriv", "transit", "return", "deport", "transfer", "journey", "migrat"),
    *("traffick", "smuggl", "reach", "leaving", "walked"),
    *("venu", "passe", "parti", "travers", "quitt", "retour", "voyag", "renvoy", "expuls", "deplac", "trajet"),
    *("rejoin", "pasaro", "pasand", "viaj", "cruz", "llega", "llego", "salio", "salie", "huyo", "huye", "mudar"),
    *("traslad", "regres", "devuel", "devol"),
    *("انتقل", "ينتقل", "تنتقل", "سافر", "يسافر", "تسافر", "غادر", "رحله"),
)
MOVE_WORDS: Final = frozenset(
    {
        *("move", "moves", "went", "go", "goes", "going", "came", "come", "comes", "coming", "fled", "flee", "left"),
        *("leave", "sent", "route", "taken", "brought", "join", "walk"),
        *("vient", "viennent", "fui", "va", "aller", "alle", "allee", "envoye", "envoyee"),
        *("paso", "pasa", "pasar", "fue", "vino", "viene", "vinieron", "mudo", "ir", "iba", "ruta", "camino", "llevo"),
        *(
            "جاء",
            "جاءت",
            "وصل",
            "وصلت",
            "هرب",
            "هربت",
            "ذهب",
            "ذهبت",
            "رحل",
            "نقل",
            "عاد",
            "قادم",
            "اتي",
            "طريق",
            "دخل",
        ),
    }
)
#: Where these are is not on the way of the child, unless the child goes to them.
KIN: Final = frozenset(
    {
        *("brother", "brothers", "sister", "sisters", "uncle", "aunt", "mother", "father", "mum", "mom", "dad"),
        *("parent", "parents", "family", "cousin", "cousins", "husband", "wife", "grandmother", "grandfather"),
        *("relative", "relatives", "son", "daughter"),
        *("frere", "freres", "soeur", "soeurs", "oncle", "tante", "mere", "pere", "famille", "cousine", "mari"),
        *("hermano", "hermana", "hermanos", "tio", "tia", "madre", "padre", "padres", "mama", "papa", "familia"),
        *("primo", "prima", "esposo", "esposa", "abuela", "abuelo", "familiares"),
        *("اخ", "اخوه", "اخوها", "اخي", "اخاه", "اخت", "اخته", "اختها", "اختي", "ام", "امه", "امها", "امي"),
        *("اب", "ابوه", "ابوها", "ابي", "والده", "والدها", "والدته", "والدتها", "والدي", "والدتي", "عم", "عمه", "عمها"),
        *("عمي", "خال", "خاله", "خالها", "خالي", "خالته", "خالتها", "عمته", "عمتها", "اهله", "اهلها", "اهلي"),
        *("عائلته", "عائلتها", "عائلتي", "اسرته", "اسرتها", "زوجها", "قريبه", "قريبها", "اقاربه", "اقاربها"),
    }
)
#: How "I work in" begins: the place of whoever writes, which is on the way only where the journey ends there.
WORKS: Final = frozenset(
    {"work", "volunteer", "travaille", "travaillons", "trabajo", "trabajamos", "اعمل", "نعمل", "اشتغل", "نشتغل"}
)
