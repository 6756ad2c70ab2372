"""One spelling for what people type in many ways: invisible characters, accents, Arabic variants, stretched letters."""

from __future__ import annotations

import re
import unicodedata

#: The most of a message that is read. Longer messages are read at both ends and in the middle.
LONGEST = 100_000

_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_SPACE = re.compile(r"\s+")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")  # heeeelp, برررد
_SPACED_OUT = re.compile(r"\b(?:[^\W\d_][ .\-_*]){3,}[^\W\d_]\b")  # h e l p, h.e.l.p
_SHAPES = str.maketrans(
    {
        "ى": "ي",
        "ة": "ه",
        "ک": "ك",
        "ی": "ي",
        "ے": "ي",
        "ھ": "ه",
        "ہ": "ه",
        "گ": "ك",
        "ڤ": "ف",
        "پ": "ب",
        "چ": "ج",
        "ـ": None,
        "ء": None,
        "’": "'",
        "‘": "'",
        "`": "'",
        "´": "'",
        "“": '"',
        "”": '"',
        "«": '"',
        "»": '"',
        "،": ",",
        "؛": ";",
        "؟": "?",
        "ß": "ss",
        "œ": "oe",
        "æ": "ae",
        "ı": "i",
        "ł": "l",
        "ø": "o",
        "🆘": " sos ",
        "🔪": " knife ",
        "🔫": " gun ",
        "🩸": " blood ",
        "🚑": " ambulance ",
        "🚨": " sos ",
        "👍": " ok ",
        "👌": " ok ",
        "👎": " no ",
        "🙏": " thanks ",
        "❤": " thanks ",
        "👋": " hello ",
    }
)
#: Accents, vowel signs and other marks written above or below a letter.
_MARKS = dict.fromkeys(
    code
    for first, last in (
        (0x300, 0x36F), (0x591, 0x5C7), (0x610, 0x61A), (0x64B, 0x65F), (0x670, 0x670), (0x6D6, 0x6ED),
        (0x8D3, 0x8FF), (0x1AB0, 0x1AFF), (0x1DC0, 0x1DFF), (0x20D0, 0x20FF), (0xFE20, 0xFE2F),
    )
    for code in range(first, last + 1)
)  # fmt: skip
_LOOKALIKES = str.maketrans("аеорсухкмтнвіјѕԁӏοαερτνκιАЕОРСУХКМТНВІЈЅ", "aeopcyxkmthbijsdloaeptvkiAEOPCYXKMTHBIJS")
_TOKEN = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_ASCII_LETTER = re.compile(r"[A-Za-z]")
_DIGITS = str.maketrans("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "01234567890123456789")
_FOLDED: dict[int, str | int | None] = {**_SHAPES, **_DIGITS, **_MARKS}


def clean(text: str) -> str:
    """The message as a person sees it: no invisible or direction characters, plain spaces, a bounded length."""
    if len(text) > LONGEST:
        third = LONGEST // 3
        middle = (len(text) - third) // 2
        text = f"{text[:third]} {text[middle : middle + third]} {text[-third:]}"
    if text.isascii() and text.isprintable():
        return _SPACE.sub(" ", text).strip()
    text = "".join(" " if 0xD800 <= ord(c) <= 0xDFFF else c for c in text) if not _encodable(text) else text
    return _SPACE.sub(" ", _INVISIBLE.sub("", unicodedata.normalize("NFKC", text))).strip()


def undisguise(text: str) -> str:
    """The message without letters of another alphabet that only look like ours."""
    return text if text.isascii() else _TOKEN.sub(_one_script, text)


def fold(text: str) -> str:
    """The message as word lists compare it: lower case, without accents, Arabic letters in one shape."""
    text = clean(text).casefold()
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text).translate(_FOLDED)
        text = undisguise(text)
    text = _SPACED_OUT.sub(lambda found: re.sub(r"[ .\-_*]", "", found.group()), text)
    return _SPACE.sub(" ", _STRETCHED.sub(r"\1", text)).strip()


def words(folded: str) -> list[str]:
    """The words of a folded text, without punctuation. `l'oncle` gives `l` and `oncle`; `don't` stays `dont`."""
    found: list[str] = []
    for token in _TOKEN.findall(folded):
        head, apostrophe, tail = token.partition("'")
        if not apostrophe:
            found.append(token)
        elif tail in ("t", "s", "m", "re", "ve", "ll", "d"):
            found.append(head + tail)
        else:
            found += [head, tail]
    return found


def _one_script(found: re.Match[str]) -> str:
    """Undo look-alikes: a word that mixes Latin with Cyrillic or Greek was disguised."""
    word = found.group()
    return word.translate(_LOOKALIKES) if not word.isascii() and _ASCII_LETTER.search(word) else word


def _encodable(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
