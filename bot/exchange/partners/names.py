"""What a partner's name looks like, so that nobody can pass for another by a letter that looks the same.

After the idea of Unicode's UTS 39 (skeletons of confusable strings), with the letters that matter to us: Cyrillic,
Greek, Armenian, Lisu and Cherokee ones that look Latin, small capitals, digits that look like letters, Persian forms of
Arabic letters, and the stroke that only makes an Arabic word longer.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from rapidfuzz.distance import DamerauLevenshtein

LONGEST_NAME = 120
#: Names this near each other, in letters, are shown to a human before a partner is added.
NEAR = 2

#: Greek capitals that look like another letter than their small ones do.
_CAPITALS = str.maketrans("ΗΜΝ", "hmn")
_LOOKS_LIKE = {
    # Cyrillic
    **dict(zip("авекмнорстухіјѕԁԛԝѵьғҮүҺһӏ", "abekmhopctyxijsdqwvbfyyhhl", strict=True)),
    # Greek
    **dict(zip("αβγεζηικμνορτυχω", "abyeznikuvoptuxw", strict=True)),
    # Armenian
    **dict(zip("օսռցհոզ", "ounghnq", strict=True)),
    # Digits and signs
    **dict(zip("01|!$5", "olliss", strict=True)),
    # Persian and Urdu forms of Arabic letters
    **dict(zip("یىکہھە", "ييكههه", strict=True)),
    # Latin letters with a stroke or a hook, and those without a dot
    **dict(zip("ıłøđħŧɑɡ", "ilodhtag", strict=True)),
    # Small capitals
    **dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀꜱᴛᴜᴠᴡʏᴢ", "abcdefghijklmnoprstuvwyz", strict=True)),
    # Lisu and Cherokee
    **dict(zip("ꓐꓑꓓꓔꓖꓗꓙꓚꓜꓝꓟꓠꓡꓢꓣꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴ", "bpdtgkjczfmnlsrvhwxyaeiou", strict=True)),
    **dict(zip("ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᏢᎡᏚᎢᏙᏔᏃ", "abcdeghijklmprstvwz", strict=True)),
}
_PAIRS = (("rn", "m"), ("vv", "w"), ("cl", "d"))
_HIDDEN = frozenset({"Cc", "Cf", "Co", "Cs", "Cn"})


class NameRefused(ValueError):
    """The name cannot stand in the register; the text says why."""


def plain_name(name: str) -> str:
    """The name as it is kept. Raises NameRefused for what hides or mixes."""
    tidy = " ".join(unicodedata.normalize("NFC", name).split())
    if not tidy or len(tidy) > LONGEST_NAME:
        raise NameRefused(f"A partner's name has 1 to {LONGEST_NAME} characters.")
    if any(unicodedata.category(character) in _HIDDEN for character in tidy):
        raise NameRefused("The name holds characters that cannot be seen. Type it anew.")
    for word in re.findall(r"\w+", tidy):
        scripts = {_script(character) for character in word if character.isalpha()}
        if len(scripts) > 1:
            raise NameRefused(f"“{word}” mixes letters of {' and '.join(sorted(scripts))}. Type it in one of them.")
    return tidy


def skeleton(name: str) -> str:
    """Two names with the same skeleton cannot be told apart by looking. l, I and 1 are one letter here."""
    folded = unicodedata.normalize("NFKD", name).translate(_CAPITALS).casefold()
    digits = (str(unicodedata.decimal(each)) if each.isdecimal() else each for each in folded)
    letters = "".join(_LOOKS_LIKE.get(each, each) for each in digits if not unicodedata.combining(each))
    bare = "".join(each for each in letters if each.isalnum() and unicodedata.category(each) != "Lm").replace("i", "l")
    for pair, one in _PAIRS:
        bare = bare.replace(pair.replace("i", "l"), one)
    return bare or folded


def look_the_same(one: str, other: str) -> bool:
    """Whether two names cannot be told apart, as they are written or in small letters."""
    return skeleton(one) == skeleton(other) or skeleton(one.casefold()) == skeleton(other.casefold())


def nearest(name: str, others: Iterable[tuple[str, str]]) -> list[str]:
    """Names that could be taken for this one at a glance, of pairs of name and skeleton. The same name is not near."""
    mine = skeleton(name)
    return [
        other
        for other, bare in others
        if bare != mine and DamerauLevenshtein.distance(mine, bare, score_cutoff=NEAR) <= NEAR and len(mine) > 2 * NEAR
    ]


def _script(character: str) -> str:
    """LATIN, CYRILLIC, ARABIC …: the first word of the character's name."""
    return unicodedata.name(character, "UNKNOWN").split()[0]
