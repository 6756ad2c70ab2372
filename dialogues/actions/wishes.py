"""What people wish of a service beside what it helps with: read from their words where they say it plainly, or tapped.

Only plain phrases are read, for a wish leaves services out. Whoever did not say so is asked by a button under what was
found.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dialogues.actions.ports import FoundService
from dialogues.actions.reading import with_commas
from dialogues.runtime.responses import Translate
from directory.files.cells import language_in
from directory.words import locale_of

#: Each wish with what it is called in "I looked for: …", and with its button. Both are msgids.
WISHES: Mapping[str, tuple[str, str]] = {
    "open_now": ("open now", "Only what is open now"),
    "open_tonight": ("open tonight", "Only what is open tonight"),
    "no_papers": ("no papers needed", "Only without papers"),
    "free": ("free of charge", "Only what is free"),
    "speaks": ("they speak your language", "Only where they speak my language"),
    "woman": ("you can ask for a woman", "Only where I can ask for a woman"),
    "man": ("you can ask for a man", "Only where I can ask for a man"),
    "pregnant": ("for pregnant girls and young mothers too", "Only for pregnant girls and young mothers"),
    "disability": ("with support for a disability", "Only with support for a disability"),
}

#: A language that is named ("a doctor who speaks Arabic") is a wish of its own: this, and its code.
SPEAKS = "speaks:"

#: So many narrowing buttons are shown at most: there are others beside them.
MOST_BUTTONS = 3

_WORKERS = r"(?:doctor|nurse|lawyer|counsell?or|psychologist|interpreter|social worker|worker|staff)"
_PHRASES: Mapping[str, re.Pattern[str]] = {
    "open_now": re.compile(
        r"\bopen (?:right )?now\b|\bouverte?s? maintenant\b|\babiert[oa]s? ahora\b|مفتوح\w* ال[آا]ن"
    ),
    "open_tonight": re.compile(
        r"\bopen (?:tonight|at night)\b|\bouverte?s? (?:ce soir|cette nuit|la nuit)\b"
        r"|\babiert[oa]s? (?:esta|de|por la) noche\b|مفتوح\w* (?:الليلة|في الليل|بالليل)"
    ),
    "no_papers": re.compile(
        r"\b(?:no|without|lost my|have no|don.?t have(?: any)?) (?:papers|documents|id)\b"
        r"|\b(?:sans|pas de|pas d.aucun|aucun) (?:papiers?|documents?)\b|\bsin (?:papeles|documentos)\b"
        r"|\bno tengo (?:papeles|documentos)\b|(?:بدون|بلا|ما عندي|ليس (?:لدي|معي)|ما معي) (?:أوراق|اوراق|وثائق)"
    ),
    "free": re.compile(
        r"\b(?:for free|free of charge|no money|can.?t pay|cannot pay)\b|\bgratuite?s?\b|\bpas d.argent\b"
        r"|\bgratis\b|\bgratuit[oa]s?\b|\bsin dinero\b|\bno tengo dinero\b"
        r"|مجان\w*|(?:ما عندي|ما معي|ليس (?:لدي|معي)) (?:مال|فلوس|مصاري)"
    ),
    "woman": re.compile(
        rf"\b(?:woman|female|lady) {_WORKERS}\b|\b{_WORKERS} who is a woman\b|\b(?:talk|speak) to a woman\b"
        r"|\bfemme (?:médecin|medecin|docteur|avocate?|psychologue)\b|\b(?:médecin|medecin|docteur) femme\b"
        r"|\bparler (?:à|a|avec) une femme\b|\buna (?:doctora|médica|medica|abogada|psicóloga|psicologa)\b"
        r"|\bhablar con una mujer\b|(?<!\w)(?:طبيبة|دكتورة|محامية)(?!\w)|(?:أتكلم|أتحدث|التحدث|التكلم) (?:مع|إلى) امرأة"
    ),
    "man": re.compile(
        rf"\b(?:male) {_WORKERS}\b|\b{_WORKERS} who is a man\b|\b(?:talk|speak) to a man\b"
        r"|\bhomme (?:médecin|medecin|docteur)\b|\b(?:médecin|medecin|docteur) homme\b"
        r"|\bparler (?:à|a|avec) un homme\b|\b(?:doctor|médico|medico) hombre\b|\bhablar con un hombre\b"
        r"|طبيب رجل|(?:أتكلم|أتحدث|التحدث|التكلم) (?:مع|إلى) رجل"
    ),
    "pregnant": re.compile(
        r"\b(?:i am|i'?m|she is|she'?s|my (?:wife|sister|girlfriend) is) (?:\w+ months? )?pregnant\b"
        r"|\bfor a pregnant (?:girl|woman)\b|\b(?:je suis|elle est|femme|fille) enceinte\b"
        r"|\b(?:estoy|está|esta|mujer|chica|niña) embarazada\b|(?<!\w)(?:أنا|انا|هي|وهي|زوجتي|أختي|اختي) حامل(?!\w)"
    ),
    "disability": re.compile(
        r"\bwheel ?chairs?\b|\b(?:i am|i'?m|(?:he|she)(?: is|'?s)|(?:brother|sister|son|daughter|child|boy|girl) is) "
        r"(?:deaf|blind|disabled)\b|\b(?:deaf|blind|disabled) (?:child|boy|girl|brother|sister|person)\b"
        r"|\b(?:with|has|have) a disability\b|\bfauteuil roulant\b|\bhandicap(?:ée?|ee?)?s?\b"
        r"|\b(?:suis|est) (?:sourde?|aveugle)\b|\bsilla de ruedas\b|\bdiscapaci(?:dad|tad[oa])\b"
        r"|\b(?:soy|es) (?:sord[oa]|cieg[oa])\b"
        r"|كرسي متحرك|(?<!\w)(?:ال|ب)?[إا]عاقة|(?<!\w)(?:معاق|أصم|صماء|كفيف|أعمى|عمياء)ة?(?!\w)"
    ),
}

#: For these needs whoever is so is who it is for: nobody writes it down there.
_SAID_BY_THE_NEED: Mapping[str, str] = {"srh": "pregnant", "disability": "disability"}

#: Where one sleeps or is kept safe, a baby must be taken in as well. Elsewhere it says nothing of the service.
_TAKES_IN = frozenset({"shelter", "safe_space"})
_WITH_A_BABY = re.compile(
    r"\b(?:with|have|i.?ve got|and) (?:a|an|my|our|her|the) (?:\w+ )?(?:baby|newborn|infant)\b(?! (?:sister|brother))"
    r"|\b(?:avec|ai|et|a) (?:un|une|mon|ma|notre|son|le) (?:bébé|bebe|nourrisson|nouveau-né)\b"
    r"|\b(?:con|tengo|y) (?:un|una|mi|nuestro|nuestra|su|el) (?:bebé|bebe|bebito|bebita|recién nacid[oa])\b"
    r"|(?<!\w)(?:مع|معي|عندي|لدي|ومعي) (?:طفل\w*|ابن\w*|بنت\w*)? ?(?:ال)?رضيع\w*"
)

#: Said of whoever should help: "I speak Arabic" says of whoever writes how they write.
_WHO_SPEAKS = re.compile(
    r"\b(?:who|that|which|where they) (?:can )?speaks? (\w+)|\b(\w+)[- ]speaking\b"
    r"|\b(?:qui|où l'on|où on) parle(?:nt)? (?:le |la |l')?(\w+)|\bque (?:sepan? )?habl(?:en?|a|an|ar) (?:el )?(\w+)"
    r"|(?<!\w)(?:ي|ت)(?:تكلم|تحدث|حكي)(?:ون|وا)? ب?(\w+)"
)
#: As languages are called beside their names in CLDR.
_ALSO_CALLED = {
    "farsi": "fa", "فارسي": "fa", "tigrinya": "ti", "tigriña": "ti", "creole": "ht", "créole": "ht", "criollo": "ht",
    "kreyol": "ht", "كريول": "ht", "sorani": "ckb", "kurmanji": "ku", "pular": "ff",
    "عربي": "ar", "فرنسي": "fr", "إنجليزي": "en", "انجليزي": "en", "إسباني": "es",
}  # fmt: skip
#: Who else they looked for, where the words are taken for a wish for an interpreter.
_ASKED_TO_SPEAK = {
    "mental_health": re.compile(r"\bpsycholog|\bcounsell?or|\bpsychologue|\bpsicólog|\bpsicolog|طبيبة? نفسي"),
    "health": re.compile(r"\bdoctor|\bnurse|\bmédecin|\bmedecin|\bdocteur|\binfirmi|\bmédic|\bmedic[oa]\b|طبيب|دكتور"),
    "legal": re.compile(r"\blawyer|\bavocat|\babogad|محامي?"),
}

_INTERPRETS = re.compile(r"interpr[eéè]t|translat|tradu|مترجم|ترجمة")

_GIRL = re.compile(r"\bgirls?\b|\bfilles?\b|\bchicas?\b|\bniñas?\b|(?<!\w)(?:ال|لل|ل)?(?:بنت|فتاة|بنات|فتيات)(?!\w)")
_BOY = re.compile(r"\bboys?\b|\bgarçons?\b|\bchicos?\b|\bniños?\b|(?<!\w)(?:ال|لل|ل)?(?:ولد|صبي|أولاد|شباب|فتى)(?!\w)")


def wishes_in(words: str) -> list[str]:
    """The wishes that are plainly said."""
    folded = words.casefold()
    said = [wish for wish, phrase in _PHRASES.items() if phrase.search(folded)]
    found = _WHO_SPEAKS.search(folded)
    code = _language_called(next(filter(None, found.groups()))) if found else None
    return [*said, SPEAKS + code] if code else said


def _language_called(name: str) -> str | None:
    code = _ALSO_CALLED.get(name) or language_in(name)
    return code if code != name and code in locale_of("en").languages else None


def is_wish(wish: object) -> bool:
    """Whether it is one of ours: a tap may be forged, and then it need not even be text."""
    if not isinstance(wish, str):
        return False
    return wish in WISHES or (wish.startswith(SPEAKS) and wish.removeprefix(SPEAKS) in locale_of("en").languages)


def need_beside(need: str, words: str) -> str:
    """The need; where somebody looks for a doctor who speaks their language, the doctor and not an interpreter."""
    folded = words.casefold()
    if (
        need != "interpretation"
        or _INTERPRETS.search(folded)
        or not any(wish.startswith(SPEAKS) for wish in wishes_in(words))
    ):
        return need
    return next((each for each, who in _ASKED_TO_SPEAK.items() if who.search(folded)), need)


def wishes_for(need: str, words: str) -> list[str]:
    """The wishes that are plainly said and that say something beside the need itself."""
    said = [wish for wish in wishes_in(words) if wish != _SAID_BY_THE_NEED.get(need)]
    with_a_baby = need in _TAKES_IN and _WITH_A_BABY.search(words.casefold())
    return [*said, "pregnant"] if with_a_baby and "pregnant" not in said else said


def without_wishes(words: str) -> str:
    """The words, in lower case, without the phrases that `wishes_in` reads."""
    rest = words.casefold()
    for phrase in (*_PHRASES.values(), _WHO_SPEAKS):
        rest = phrase.sub(" ", rest)
    return rest


def gender_in(words: str) -> str | None:
    """`girls` or `boys`, where the words name one of them only."""
    folded = words.casefold()
    girl, boy = _GIRL.search(folded), _BOY.search(folded)
    if bool(girl) == bool(boy):
        return None
    return "girls" if girl else "boys"


def asked_for(wishes: Iterable[str], language: str) -> dict[str, Any]:
    """The wishes as a search takes them (`ports.Wishes`)."""
    as_asked = {"speaks": ("speaks", language), "woman": ("staff", "women"), "man": ("staff", "men")}
    return dict(
        ("speaks", wish.removeprefix(SPEAKS)) if wish.startswith(SPEAKS) else as_asked.get(wish, (wish, True))
        for wish in wishes
        if is_wish(wish)
    )


def named(wishes: Sequence[str], language: str, translate: Translate) -> str:
    def called(wish: str) -> str:
        if not wish.startswith(SPEAKS):
            return translate(language, WISHES[wish][0])
        code = wish.removeprefix(SPEAKS)
        tongue = locale_of(language).languages.get(code, code)
        return translate(language, "they speak {language}").format(language=tongue)

    return with_commas(", ".join(called(wish) for wish in wishes if is_wish(wish)), language)


def worth_wishing(found: Sequence[FoundService], wishes: Sequence[str], language: str) -> list[str]:
    """The wishes that would change what was found: not made yet, and not met by every one of them."""
    met = {
        "open_now": all(service.open_now is True for service in found),
        "no_papers": all(service.papers_needed is False for service in found),
        "free": all(service.free is True for service in found),
        "speaks": any(wish.startswith(SPEAKS) for wish in wishes)
        or all(language in service.speaks for service in found),
    }
    return [wish for wish, everywhere in met.items() if not everywhere and wish not in wishes][:MOST_BUTTONS]
