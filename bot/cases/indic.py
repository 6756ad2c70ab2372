"""Names in Bengali and Devanagari letters, read aloud in Latin ones.

A consonant carries a vowel that nobody writes (an a, in Bengali an o), or none: it is left out here, as Arabic leaves
its short vowels out, and whoever compares looks past it. After ISO 15919, with the letters as passports of the region
write names: one for the long and the short vowel, one for v and w, and j also z, for Bengali has no letter for z and
Hindi often leaves its dot out.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

#: A run of these letters and the signs on them; not the full stops of these scripts.
RUN = "[\u0900-\u0963\u0966-\u09fe\u200c\u200d]+"
_RUN = re.compile(RUN)
_JOINERS = re.compile("[\u200c\u200d]")

# fmt: off
_CONSONANTS = {
    "क": "k", "ख": "kh", "ग": "g", "घ": "gh", "ङ": "ng", "च": "ch", "छ": "ch", "ज": "j", "झ": "jh", "ञ": "n",
    "ट": "t", "ठ": "th", "ड": "d", "ढ": "dh", "ण": "n", "त": "t", "थ": "th", "द": "d", "ध": "dh", "न": "n",
    "प": "p", "फ": "f", "ब": "b", "भ": "bh", "म": "m", "य": "y", "र": "r", "ल": "l", "व": "w", "श": "sh", "ष": "sh",
    "स": "s", "ह": "h", "ळ": "l",
    "ক": "k", "খ": "kh", "গ": "g", "ঘ": "gh", "ঙ": "ng", "চ": "ch", "ছ": "s", "জ": "j", "ঝ": "jh", "ঞ": "n",
    "ট": "t", "ঠ": "th", "ড": "d", "ঢ": "dh", "ণ": "n", "ত": "t", "থ": "th", "দ": "d", "ধ": "dh", "ন": "n",
    "প": "p", "ফ": "f", "ব": "b", "ভ": "bh", "ম": "m", "য": "j", "র": "r", "ল": "l", "শ": "sh", "ষ": "sh",
    "স": "s", "হ": "h", "ৎ": "t",
}
#: With the dot below.
_DOTTED = {
    "\u0915": "q", "\u0916": "kh", "\u0917": "gh", "\u091c": "z", "\u0921": "r", "\u0922": "r", "\u092b": "f",
    "\u092f": "y", "\u09a1": "r", "\u09a2": "r", "\u09af": "y",
}
_VOWELS = {
    "अ": "a", "आ": "a", "इ": "i", "ई": "i", "उ": "u", "ऊ": "u", "ऋ": "ri", "ए": "e", "ऐ": "ai", "ओ": "o", "औ": "au",
    "ा": "a", "ि": "i", "ी": "i", "ु": "u", "ू": "u", "ृ": "ri", "े": "e", "ै": "ai", "ो": "o", "ौ": "au",
    "অ": "a", "আ": "a", "ই": "i", "ঈ": "i", "উ": "u", "ঊ": "u", "ঋ": "ri", "এ": "e", "ঐ": "oi", "ও": "o", "ঔ": "ou",
    "া": "a", "ি": "i", "ী": "i", "ু": "u", "ূ": "u", "ৃ": "ri", "ে": "e", "ৈ": "oi", "ো": "o", "ৌ": "ou",
}
_SIGNS = {"ं": "n", "ँ": "n", "ः": "", "ং": "ng", "ঁ": "", "ঃ": "", "्": "", "্": ""}
# fmt: on
_NUKTAS = frozenset("\u093c\u09bc")
#: Bengali writes w as o and a soft y: ওয়াহিদ is Wahid.
_W = re.compile("ওয\u09bc")


#: What Bengali and Nepali write onto a name: of, to, by, with him.
_ENDINGS = ("ের", "কে", "রা", "র", "लाई", "सँग", "संग", "ले", "को")


def is_indic(word: str) -> bool:
    """Whether a word is of these letters alone."""
    return bool(_RUN.fullmatch(word))


def normal(word: str) -> str:
    """One way of writing each letter, without joiners."""
    return _JOINERS.sub("", unicodedata.normalize("NFC", word))


def without_ending(word: str) -> str:
    """The name, of one that stands in a sentence."""
    ending = next((each for each in _ENDINGS if word.endswith(each) and len(word) > len(each) + 2), "")
    return word.removesuffix(ending)


@lru_cache(maxsize=4096)
def read_aloud(word: str) -> tuple[str, ...]:
    """How a word can sound, in Latin letters: once as written, and once with z where it has a j."""
    letters = _W.sub("w", normal(word))
    heard = ""
    for n, letter in enumerate(letters):
        dotted = letters[n + 1 : n + 2] in _NUKTAS and letter in _DOTTED
        heard += _DOTTED[letter] if dotted else _sound(letter)
    return (heard, heard.replace("j", "z")) if "j" in heard else (heard,)


def _sound(letter: str) -> str:
    for table in (_CONSONANTS, _VOWELS, _SIGNS):
        if letter in table:
            return table[letter]
    return letter if letter.isascii() else ""
