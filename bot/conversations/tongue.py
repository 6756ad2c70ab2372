"""Which language somebody writes in that we do not answer in: so that whoever reads it is found.

The replies stay in the language they are in; nothing here is said to the person. A detector (CLD2) is asked first, and
believed where it is sure of a language that reaches us. What it leaves open is told by the script, and within a script
by the letters that only one language writes; in Latin letters it takes short words that most sentences have and that
English, French and Spanish do not. Where that is not clear either, nothing is said: a wrong language calls the wrong
interpreter.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from types import MappingProxyType

try:
    import pycld2
except ImportError:  # no wheel for this machine: the lists below know three in four of such messages
    pycld2 = None

#: So much of a message is looked at.
LOOKED_AT = 400
#: Fewer letters are a name or a slip of the keyboard.
FEWEST_LETTERS = 3
#: Fewer words are a name, to a detector.
FEWEST_WORDS = 3
#: So many of the last messages count, and so many of them must agree.
LAST = 6
AGREE = 2

#: First and last letter of a script, and the language most people who write to us write it in.
_SCRIPTS: Sequence[tuple[int, int, str]] = (
    (0x0370, 0x03FF, "el"),
    (0x0400, 0x052F, "ru"),
    (0x0530, 0x058F, "hy"),
    (0x0590, 0x05FF, "he"),
    (0x0600, 0x06FF, "ar"),
    (0x0750, 0x077F, "ar"),
    (0xFB50, 0xFDFF, "ar"),
    (0xFE70, 0xFEFC, "ar"),
    (0x0900, 0x097F, "hi"),
    (0x0980, 0x09FF, "bn"),
    (0x0A00, 0x0A7F, "pa"),
    (0x0A80, 0x0AFF, "gu"),
    (0x0B80, 0x0BFF, "ta"),
    (0x0C00, 0x0C7F, "te"),
    (0x0D80, 0x0DFF, "si"),
    (0x0E00, 0x0E7F, "th"),
    (0x0F00, 0x0FFF, "bo"),
    (0x1000, 0x109F, "my"),
    (0x10A0, 0x10FF, "ka"),
    (0x1200, 0x139F, "am"),
    (0x1780, 0x17FF, "km"),
    (0x2D80, 0x2DDF, "am"),
    (0x3040, 0x30FF, "ja"),
    (0x4E00, 0x9FFF, "zh"),
    (0xAC00, 0xD7AF, "ko"),
    (0x10D00, 0x10D3F, "rhg"),
)
_LATIN = "latin"

#: Of one script, the letters that one language writes and the others do not: a share of the letters that is enough, and
#: which they are. The first that fits counts.
_LETTERS: Mapping[str, Sequence[tuple[str, float, str]]] = MappingProxyType(
    {
        "ar": (
            ("ps", 0.01, "ټډړږښځڅڼېۍ"),
            ("ckb", 0.03, "ڕڵۆێەڤ"),
            ("ur", 0.01, "ٹڈڑںھہے"),
            ("fa", 0.02, "پچژگکی"),
        ),
        "ru": (("uk", 0.005, "іїєґІЇЄҐ"), ("sr", 0.01, "ђјљњћџЂЈЉЊЋЏ"), ("ru", 0.005, "ыэъёЫЭЪЁ")),
    }
)

#: Words that tell languages of one script apart, folded. In Latin letters two different ones are needed.
_WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        "am": {
            "ti": (
                "እዩ እየ እያ ኣሎ ኣለኹ ኣነ ኣብ ናብ ካብ እንታይ ኣበይ ክሳብ ምስ ዘይብለይ የብለይን ይኽእል ክኸይድ ኣይ ኣይኮነን ሓገዝ ሓደ ኣለዉ ኢና ኢዮም "
                "ንሕና በይነይ ሎሚ ከመይ ስለ'ዚ ኣለና"
            ),
            "am": (
                "ነው ነኝ እኔ አለ አለኝ የለም የለኝም ወደ ውስጥ ምን የት እርዳታ እባክህ እባክዎ እባካችሁ እንዴት አሁን ናቸው አይደለም እና ላይ ጋር ብቻዬን "
                "እፈልጋለሁ ነበር አልችልም"
            ),
        },
        "hi": {"ne": "छ छैन हुन्छ मलाई म मेरो तपाईं कहाँ भयो गर्न छु हो के"},
        "latin": {
            "so": (
                "waa waxaan waan ma maya ka ku iyo waxa halkan halkee xaggee sidee maxaa aniga anigu waxay "
                "soo caawimo caawi fadlan meel qof ilmo hadda igu ii igala leeyahay ahay jiraa rabaa doonayaa "
                "u"
            ),
            "tr": (
                "ve bir bu ben biz için icin var yok nerede nasıl nasil değil degil ne kim lütfen lutfen "
                "yardım yardim çok cok burada istiyorum miyim mı mi mu ama bana beni benim ihtiyacım "
                "ihtiyacim"
            ),
            "pt": (
                "não nao eu você voce estou está meu minha onde preciso uma um muito obrigado obrigada ajuda "
                "quero com tenho são sao aqui posso também tambem isso fazer"
            ),
            "it": (
                "non sono che della di ho dove come posso aiuto questo questa grazie perché perche bisogno "
                "voglio una qui sto mio mia gli anche"
            ),
            "de": (
                "ich nicht und der die das ist ein eine bin wo wie habe hilfe bitte brauche kann mein meine "
                "mit wir auf für fur von zu hier"
            ),
            "sw": (
                "na ni ya wa kwa nina mimi sisi hapa wapi nini tafadhali msaada nahitaji naweza sina niko "
                "yangu wangu jina mtoto gani sana nataka hakuna kuna"
            ),
            "ha": (
                "ina ni na yana suna kuma don taimako ina inda yaya mene ban akwai babu zan muna nan wani "
                "wata shi ita mu so"
            ),
            "ku": (
                "ez em ne û u li ji bi ku min hene heye tune çi ci kî alîkarî alikari kurdî ev dixwazim "
                "dikarim çawa cawa"
            ),
            "ht": ("mwen li nou yo pa se nan ki kote kisa ap gen pou ak ede tanpri bezwen vle kapab yon anpil m"),
            "ro": ("și nu este sunt eu am unde cum vă va rog ajutor pot vreau pentru aici nevoie fără fara mea meu că"),
            "pl": (
                "nie jestem się sie jest gdzie jak mam proszę prosze pomoc potrzebuję potrzebuje chcę chce "
                "mogę moge to tutaj dla moje mój na"
            ),
            "wo": ("maa ngi dama dafa damay ndax fan lan naka begg bëgg ndimbal laa mën man nga fii am amul sama suma"),
            "om": "ani fi irraa keessa maal eessa akkam jira jiru barbaada gargaarsa hin nama kan ta'e naaf koo",
            "ln": "ngai nga na ya te wapi nini lisungi nazali nazali lingala boni ezali naza oyo mpo kolala",
        },
    }
)
#: In Latin letters: those that one language writes and hardly any other.
_LATIN_LETTERS = MappingProxyType({"tr": "ğı", "pt": "ãõ", "pl": "łąęż", "ro": "țșă", "de": "ß", "ha": "ɗɓƙ"})


#: The same by the sixteens that letters stand in: every script begins and ends with one.
_SCRIPT_OF = {row: name for first, last, name in _SCRIPTS for row in range(first >> 4, (last >> 4) + 1)}
_SCRIPT_OF |= dict.fromkeys([*range(0x0250 >> 4), *range(0x1E00 >> 4, 0x1F00 >> 4)], _LATIN)


def _folded(words: str) -> frozenset[str]:
    return frozenset(words.split())


#: Common words of the languages that are answered in. Whoever writes them writes one of those.
_OURS = _folded(
    "the is are my you can what where how need help have please not and this that with for at of je tu est le "
    "les la il des une pas mon ma suis ou où dans avec pour besoin aide que qui il elle nous vous sur c'est "
    "j'ai el los las una mi si me te soy estoy tengo necesito ayuda donde dónde como cómo qué por para con es "
    "yo no se"
)
#: Vowel signs belong to a word, and are no letters to a regular expression.
_WORD = re.compile(r"[^\s\d_.,;:!?¿¡\"()।፣።፤،؟]+")


_KNOWN = {script: {code: _folded(words) for code, words in told.items()} for script, told in _WORDS.items()}
_ONLY = {
    code: words - _OURS - frozenset().union(*(other for name, other in _KNOWN[_LATIN].items() if name != code))
    for code, words in _KNOWN[_LATIN].items()
}


#: What the detector may say. Not Serbian and Kurdish: it takes French names and Ukrainian for the one, and writes the
#: other in one script only.
_DETECTED = _folded(
    "el ru hy hi bn pa gu ta te si th bo my ka am km ja zh ko ps ur fa uk ti ne so tr pt it de sw ha ht ro pl wo om ln"
)


def written_in(text: str) -> str | None:
    """The language (BCP 47) of a message, where it is plainly one that we do not answer in; else None."""
    shown = unicodedata.normalize("NFC", text[:LOOKED_AT])
    if len(shown) < FEWEST_LETTERS:
        return None
    if detected := _detected(shown):
        return detected
    if shown.isascii():
        return _in_latin_letters(_words(shown))
    letters = [letter for letter in shown if letter.isalpha()]
    counts = Counter([_SCRIPT_OF.get(ord(letter) >> 4) for letter in letters])
    if len(letters) < FEWEST_LETTERS or not counts:
        return None
    script, most = counts.most_common(1)[0]
    if script is None or most * 2 <= len(letters):
        return None
    if script == _LATIN:
        return _in_latin_letters(_words(shown))
    told = _by_letters(script, letters, most) or _by_words(script, _words(shown))
    if script == "am" and told is None and any(_is_tigrinya(letter) for letter in letters):
        return "ti"
    found = told or script
    return None if found == "ar" else found


def _detected(shown: str) -> str | None:
    if pycld2 is None or len(shown.split()) < FEWEST_WORDS:
        return None
    try:
        sure, _, found = pycld2.detect(shown)
    except pycld2.error:  # a character that it does not read
        return None
    language = str(found[0][1])
    return language if sure and language in _DETECTED else None


def agreed(languages: Sequence[str]) -> str | None:
    """What the languages of the last messages together say: two of them and at least half; the latest comes first."""
    last = languages[:LAST]
    if not last:
        return None
    language, often = Counter(last).most_common(1)[0]
    return language if often >= AGREE and often * 2 >= len(last) else None


def _by_letters(script: str, letters: Sequence[str], of_script: int) -> str | None:
    for code, share, own in _LETTERS.get(script, ()):
        if sum(letter in own for letter in letters) >= max(1, share * of_script):
            return code
    return None


def _by_words(script: str, words: frozenset[str]) -> str | None:
    hits = {code: len(known & words) for code, known in _KNOWN.get(script, {}).items()}
    best = max(hits, key=lambda code: hits[code], default=None)
    return best if best is not None and hits[best] else None


def _is_tigrinya(letter: str) -> bool:
    """The rows of ቐ and ኸ, and ኣ at the head of words: seldom or never in Amharic."""
    return 0x1250 <= ord(letter) <= 0x125D or 0x12B8 <= ord(letter) <= 0x12C5


def _words(shown: str) -> frozenset[str]:
    return frozenset(_WORD.findall(shown.casefold()))


def _in_latin_letters(words: frozenset[str]) -> str | None:
    marked = [word for word in words if not word.isascii()]
    for code, letters in _LATIN_LETTERS.items() if marked else ():
        own = {word for word in marked if any(letter in word for letter in letters)}
        if own and len(own | (_ONLY[code] & words)) >= 2:  # one such word alone is a name
            return code
    hits = {code: found for code, known in _KNOWN[_LATIN].items() if (found := len(known & words)) >= 2}
    if not hits:
        return None
    best = max(hits, key=lambda code: (len(_ONLY[code] & words), hits[code]))
    return best if hits[best] > len(_OURS & words) and _ONLY[best] & words else None
