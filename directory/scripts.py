"""Names in scripts in which hardly any list has names, read aloud in Latin letters: near enough to be compared.

The scripts of India share one layout, so that one table reads nine of them. A consonant there carries an a where no
other vowel is written on it. Rules and no lists: Istanbul is found in Tamil, and Bangkok not by the name Thais have.
"""

from __future__ import annotations

import re
import unicodedata


def _letters(script: str, sounds: str) -> dict[str, str]:
    """Each letter with its sound."""
    return dict(zip(script, sounds.split(), strict=True))


# fmt: off
#: By the place in a block of 128 letters, from Devanagari to Malayalam.
_INDIC = {
    0x02: "n", 0x01: "n", 0x70: "n",
    0x15: "k", 0x16: "kh", 0x17: "g", 0x18: "gh", 0x19: "ng", 0x1A: "ch", 0x1B: "ch", 0x1C: "j", 0x1D: "j", 0x1E: "n",
    0x1F: "t", 0x20: "t", 0x21: "d", 0x22: "d", 0x23: "n", 0x24: "t", 0x25: "t", 0x26: "d", 0x27: "d", 0x28: "n",
    0x29: "n", 0x2A: "p", 0x2B: "f", 0x2C: "b", 0x2D: "b", 0x2E: "m", 0x2F: "y", 0x30: "r", 0x31: "r", 0x32: "l",
    0x33: "l", 0x34: "l", 0x35: "v", 0x36: "sh", 0x37: "sh", 0x38: "s", 0x39: "h",
    0x05: "a", 0x06: "a", 0x07: "i", 0x08: "i", 0x09: "u", 0x0A: "u", 0x0B: "ri", 0x0D: "e", 0x0E: "e", 0x0F: "e",
    0x10: "e", 0x11: "o", 0x12: "o", 0x13: "o", 0x14: "au",
    0x3E: "a", 0x3F: "i", 0x40: "i", 0x41: "u", 0x42: "u", 0x43: "ri", 0x45: "e", 0x46: "e", 0x47: "e", 0x48: "e",
    0x49: "o", 0x4A: "o", 0x4B: "o", 0x4C: "au", 0x4D: "",
}
_INDIC_BLOCKS, _A_BLOCK = range(0x0900, 0x0D80), 0x80
_INDIC_CONSONANTS = range(0x15, 0x3A)
#: What takes the place of the a that a consonant carries.
_INDIC_INSTEAD = range(0x3E, 0x4E)

_SINHALA = {
    "අ": "a", "ආ": "a", "ඇ": "a", "ඈ": "a", "ඉ": "i", "ඊ": "i", "උ": "u", "ඌ": "u", "එ": "e", "ඒ": "e", "ඓ": "ai",
    "ඔ": "o", "ඕ": "o", "ඖ": "au", "ක": "k", "ඛ": "k", "ග": "g", "ඝ": "g", "ඟ": "ng", "ච": "ch", "ඡ": "ch", "ජ": "j",
    "ඣ": "j", "ඤ": "n", "ඥ": "n", "ට": "t", "ඨ": "t", "ඩ": "d", "ඪ": "d", "ණ": "n", "ඬ": "nd", "ත": "t", "ථ": "t",
    "ද": "d", "ධ": "d", "න": "n", "ඳ": "nd", "ප": "p", "ඵ": "p", "බ": "b", "භ": "b", "ම": "m", "ඹ": "mb", "ය": "y",
    "ර": "r", "ල": "l", "ව": "v", "ශ": "sh", "ෂ": "sh", "ස": "s", "හ": "h", "ළ": "l", "ෆ": "f",
    "\u0dca": "", "\u0dcf": "a", "\u0dd0": "a", "\u0dd1": "a", "\u0dd2": "i", "\u0dd3": "i", "\u0dd4": "u",
    "\u0dd6": "u", "\u0dd9": "e", "\u0dda": "e", "\u0ddb": "ai", "\u0ddc": "o", "\u0ddd": "o", "\u0dde": "au",
    "\u0d82": "n",
}
_MYANMAR = {
    "က": "k", "ခ": "k", "ဂ": "g", "ဃ": "g", "င": "ng", "စ": "s", "ဆ": "s", "ဇ": "z", "ဈ": "z", "ည": "n", "ဉ": "n",
    "ဋ": "t", "ဌ": "t", "ဍ": "d", "ဎ": "d", "ဏ": "n", "တ": "t", "ထ": "t", "ဒ": "d", "ဓ": "d", "န": "n", "ပ": "p",
    "ဖ": "f", "ဗ": "b", "ဘ": "b", "မ": "m", "ယ": "y", "ရ": "r", "လ": "l", "ဝ": "v", "သ": "t", "ဟ": "h", "ဠ": "l",
    "အ": "a", "ဥ": "u", "ဧ": "e", "ဩ": "o", "ါ": "a", "ာ": "a", "ိ": "i", "ီ": "i", "ု": "u", "ူ": "u", "ေ": "e",
    "ဲ": "e", "ံ": "n", "ျ": "y", "ြ": "y", "ွ": "w", "ှ": "h",
}
_LETTER_BY_LETTER = {
    # Georgian
    **_letters(
        "აბგდევზთიკლმნოპჟრსტუფქღყშჩცძწჭხჯჰ",
        "a b g d e v z t i k l m n o p zh r s t u p k gh k sh ch ts dz ts ch kh j h",
    ),
    # Armenian
    **_letters(
        "աբգդեզէըթժիլխծկհձղճմյնշոչպջռսվտրցւփքօֆ",
        "a b g d e z e e t zh i l kh ts k h dz gh ch m y n sh o ch p j r s v t r ts v p k o f",
    ), "և": "ev",
    # Hebrew: most vowels are not written
    **_letters(
        "אבגדהוזחטיכלמנסעפצקרשתךםןףץ",
        "a b g d h o z h t i k l m n s a p ts k r s t k m n p ts",
    ),
    # Thai, in the order of writing
    **_letters(
        "กขคฆงจฉชซฌญฎฏฐฑฒณดตถทธนบปผฝพฟภมยรลวศษสหฬอฮ",
        "k k k k ng ch ch ch s ch y d t t t t n d t t t t n b p p f p f p m y r l w s s s h l o h",
    ),
    "ะ": "a", "ั": "a", "า": "a", "ำ": "am", "ิ": "i", "ี": "i", "ึ": "u", "ื": "u", "ุ": "u", "ู": "u", "เ": "e",
    "แ": "a", "โ": "o", "ใ": "ai", "ไ": "ai",
}
# fmt: on
#: Thai writes this over a letter that nobody says, and Armenian two letters for one u.
_SILENT = re.compile("[\u0e01-\u0e2e][\u0e34-\u0e39]?\u0e4c")
_ARMENIAN_U = re.compile("ու")
#: Thai writes these before the letter after which they are said.
_WRITTEN_BEFORE = re.compile("([เแโใไ])([ก-ฮ])")
#: The letters whose names this module reads: nothing is done for others.
_READS = re.compile("[\u0531-\u058f\u05d0-\u05ea\u0900-\u0dff\u0e00-\u0e7f\u1000-\u109f\u10a0-\u10ff]")


def romanised(text: str) -> str:
    """The text with what is written in these scripts in Latin letters; the same text where there is none of it."""
    if not _READS.search(text):
        return text
    plain = _ARMENIAN_U.sub("u", _SILENT.sub("", unicodedata.normalize("NFC", text).lower()))
    plain = _WRITTEN_BEFORE.sub(r"\2\1", plain)
    return " ".join(_word(word) for word in plain.split())


def _word(word: str) -> str:
    said = ""
    carries = False  # whether the last consonant still carries its a
    for letter in word:
        place = _place_in_block(letter)
        sound = _INDIC.get(place, "") if place is not None else _other(letter)
        instead = place in _INDIC_INSTEAD if place is not None else "\u0dca" <= letter <= "\u0ddf"
        if carries and not instead:
            said += "a"
        carries = place in _INDIC_CONSONANTS if place is not None else "\u0d9a" <= letter <= "\u0dc6"
        said += sound
    return said


def _place_in_block(letter: str) -> int | None:
    return ord(letter) % _A_BLOCK if ord(letter) in _INDIC_BLOCKS else None


def _other(letter: str) -> str:
    for table in (_LETTER_BY_LETTER, _SINHALA, _MYANMAR):
        if letter in table:
            return table[letter]
    return "" if _READS.match(letter) else letter
