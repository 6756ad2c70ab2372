"""What nobody can be sure to keep: safety, secrecy, papers, a place, an arrival. A text says what is done, not how it
ends; a child who was promised something once does not believe the next one."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

#: Marks over and between Arabic letters, which change no word.
_ARABIC_MARKS = re.compile("[\u0610-\u061a\u0640\u064b-\u065f\u0670\u06d6-\u06ed]")

_PAPERS_EN = r"(?:papers|documents|a visa|a passport|asylum|a home|a house|a place|a bed|a room|money|work|a job)"
_PAPERS_FR = r"(?:des|tes|vos|les) papiers|un (?:visa|passeport|toit|lit|logement)|l'asile|une (?:place|maison)"
_PAPERS_ES = r"(?:los |tus |sus )?papeles|(?:un|una) (?:visa|pasaporte|cama|casa|lugar)|asilo"

#: By language, to be looked for in `comparable` words.
PROMISES: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        r"\b(?:i|we) promise\b",
        r"\bguarantee[sd]?\b",
        r"\b(?:i|we|they)(?: will|'ll) (?:find|save|protect|bring|get) ",
        r"\byou(?: will|'ll) (?:soon )?(?:be (?:safe|free|protected|fine|okay|allowed)|get|receive|stay|find|arrive)\b",
        r"\b(?:will|'ll) (?:always )?(?:keep|make) (?:you|your \w+) safe\b",
        r"\b(?:i|we|they|he|she)(?: will|'ll) (?:not|never) tell\b",
        r"\b(?:i|we|they|he|she)(?: will|'ll) keep (?:\w+ ){1,3}?(?:secret|private|between us)",
        rf"\b(?:will|'ll) (?:give|get|send|find) you (?:your |some )?{_PAPERS_EN}\b",
        r"\beverything will be\b",
        r"\bnothing (?:bad )?(?:will|can) happen to you\b",
        r"\bno ?(?:body|one) will (?:ever )?(?:know|hurt|harm|find|touch|send|arrest) ?(?:you)?\b",
    ),
    "fr": (
        r"\b(?:je (?:te |vous )?promets|nous (?:te |vous )?promettons)\b",
        r"\bgaranti",
        r"\b(?:tu (?:auras|obtiendras|recevras|arriveras|resteras)|vous (?:obtiendrez|recevrez|arriverez))\b",
        r"\b(?:tu seras|vous serez) (?:en sécurité|à l'abri|protégée?s?|libres?|sauvée?s?)",
        r"\btout ira bien\b",
        r"\bpersonne ne (?:le )?saura\b|\bpersonne ne (?:te|vous) (?:trouvera|touchera|fera)\b",
        r"\brien ne (?:t'|vous )arrivera\b|\bil ne (?:t'|vous )arrivera rien\b",
        r"\b(?:te|vous) (?:protég(?:era|erai|erons|eront)|mettr\w+ (?:à l'abri|en sécurité)|sauver(?:a|ai|ons|ont))\b",
        r"\bgarder(?:a|ai|ons|ont) (?:\w+ ){0,2}secret",
        rf"\b(?:te|vous) (?:donner|trouver)(?:a|ai|ons|ont) (?:{_PAPERS_FR})",
    ),
    "es": (
        r"\b(?:te |le )?promet(?:o|emos)\b",
        r"\bgarantiza",
        r"\bvas? a (?:recibir|obtener|estar a salvo|llegar)\b",
        r"\b(?:recibirás|obtendrás|llegarás|te quedarás|conseguirás)",
        r"\bestará[s]? (?:a salvo|segur[oa]|protegid[oa]|libre)\b",
        r"\btodo (?:va a salir|saldrá|estará) bien\b",
        r"\bnadie (?:lo )?(?:sabrá|va a saber)\b|\bnadie te (?:encontrará|tocará|hará)\b",
        r"\bno (?:te|le) (?:pasará|va a pasar) nada\b|\bnada (?:te|le) pasará\b",
        r"\b(?:te|lo|la) (?:proteger|salvar)(?:é|emos|án)\b|\bte (?:mantendr|pondr)\w+ a salvo\b",
        r"\bguardar(?:é|emos|án) (?:\w+ )?secreto\b|\bmantendr(?:é|emos|án) (?:\w+ ){0,2}secreto\b",
        rf"\b(?:te|le) dar(?:é|emos|án) (?:{_PAPERS_ES})\b",
    ),
    "ar": (
        *("أعدك", "نعدك", "نضمن", "مضمون", "لن يعرف أحد", "كل شيء سيكون بخير", "سيكون كل شيء بخير"),
        r"ستكون(?:ين|ون)? (?:بأمان|في أمان|آمن|بخير|محمي|حر)",
        r"(?:^|\s)و?(?:ستحصل|ستصل|ستبقى|ستنال)(?:ين|ون)?(?=$|[\s.،])",
        r"(?:سنحمي|سأحمي|سيحمون|سننقذ|سأنقذ)(?:ك|كم|ني)?",
        r"(?:سنحفظ|سأحفظ|سنكتم|سأكتم|سيحفظون) (?:\S+ )?(?:ال)?سر",
        r"(?:سيعطونك|سنعطيك|سيمنحونك|سنمنحك|سأعطيك)",
        r"لن (?:يصيبك|يحدث لك|يحصل لك|يؤذيك|يجدك)",
    ),
}


def comparable(words: str) -> str:
    """Lower case, with one kind of apostrophe and without the marks of Arabic letters; accents stay, they count."""
    plain = unicodedata.normalize("NFC", words).casefold().replace("\u2019", "'")
    return _ARABIC_MARKS.sub("", plain)


def promise_in(words: str, language: str) -> str | None:
    """The first promise in these words, None where there is none."""
    plain = comparable(words)
    hits = (re.search(pattern, plain) for pattern in PROMISES[language])
    return next((hit.group().strip() for hit in hits if hit), None)
