"""Whether two names may be one person's, however they are written.

A name is never proof. `Alike.SURE` is what nobody would take for somebody else at a desk: the same words, letters that
only look like others, or two words or more that one script writes as the other does. `Alike.LIKELY` asks a human:
another spelling, another script as far as it can be read, a short form, two words of a longer name, a name inside a
text. Arabic writes no short vowels, so that Samar and Samir are one word there: what rests on them is likely and no
more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import IntEnum
from functools import cache, lru_cache

from msgspec import Struct
from rapidfuzz.distance import OSA

from bot.cases import indic
from bot.cases.nicknames import NAMES_OF
from directory.spelling import Respelling, fold, in_latin


class Alike(IntEnum):
    """How near two names are."""

    NO = 0
    LIKELY = 1
    SURE = 2


#: More words than this are a sentence, and not the name of somebody.
LONGEST_NAME_WORDS = 5
#: In a text, words of one name stand this near each other.
NEAR_WORDS = 4
#: A given name alone in a text has at least so many letters.
SHORTEST_GIVEN = 3
#: Longer ones are no words: a pattern of many vowels would be tried for ever.
LONGEST_WORD = 24
#: One slip of the finger is looked past in words of at least so many letters.
SLIP_FROM = 6

_ARTICLES = re.compile("al|el|ul|il|[ae](?:s|d|r|n|t|z|sh|ch)")
# fmt: off
_BEFORE_ITS_NAME = frozenset(
    ("abd", "abdal", "abdel", "abdul", "abdoul", "abdur", "abder", "abdou", "abdu", "abdus", "abdes", "عبد",
     "abu", "abou", "ابو", "আব্দুল", "আবদুল", "अब्दुल")
)
#: Stand between the words of a name, are left out by one and written by another.
_BETWEEN = frozenset(
    ("bin", "ben", "ibn", "ibnu", "bint", "bent", "ould", "بن", "ابن", "بنت", "ولد",
     "de", "del", "della", "da", "di", "do", "dos", "la", "las", "los", "y", "e", "van", "von")
)
# fmt: on
_WRITTEN_BEFORE = re.compile("[ae]l(?=[^aeiouy]....)|b[ei]n(?=...)")
_BRACKETS = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_APOSTROPHE = re.compile("['`´ʼʻʿʾ‘’]")
#: Arabic vowel signs, and the stroke that makes a word longer: none of them parts a word.
_VOWEL_SIGNS = re.compile("[\u0640\u064b-\u065f\u0670]")
_PARTS = re.compile(rf"{indic.RUN}|\w+|\W")
_ELIDED = re.compile("\\b(?:[ldjnscmt]|qu)['’](?=\\w)", re.IGNORECASE)
_TWICE = re.compile(r"(.)\1+")
_ARABIC = re.compile("[\u0620-\u06d3]+")
_LOOKS_LIKE = str.maketrans("авекмнорстухіјѕһαεικνορτυχ", "abekmhopctyxijshaeikvoptux")
#: Arabic writes "and", "with", "to", "like" onto the word.
_WRITTEN_ON = "وفبلك"


def is_named(name: str, others: Iterable[str]) -> bool:
    """Whether one of `others` is surely this person, as far as a name can say."""
    return any(compare(name, other) is Alike.SURE for other in others)


def is_written_as(name: str, other: str) -> bool:
    """Whether two names are the same words, in whatever order: as whoever wrote the one would write it again."""
    return bool(_words(name)) and set(_words(name)) == set(_words(other))


def compare(written: str, name: str) -> Alike:
    """How near what was written where a name belongs is to this name. A sentence is searched for the name."""
    own, theirs = _words(written), _words(name)
    if not own or not theirs:
        return Alike.NO
    same = _share(own, theirs)
    if same is not Alike.SURE and len(own) > LONGEST_NAME_WORDS:
        return max(same, mentioned(written, name))
    return same


def mentioned(text: str, name: str) -> Alike:
    """Whether a text may speak of whoever bears this name: likely, or no. Nobody can tell from a text that it is he,
    nor whether it says that the child goes with him or never must."""
    wanted, said = _words(name), _tokens(text)
    wanted = [word for word in wanted if len(word) > 1] or wanted
    if not wanted or not said:
        return Alike.NO
    hits: list[set[int]] = [{n for n, word in enumerate(wanted) if _is_said(each, word)} for each in said]
    if len(wanted) == 1:
        return Alike.LIKELY if any(_exact(each, wanted[0]) for each in said) else Alike.NO
    joined = wanted[0] + wanted[1]
    for start, each in enumerate(said):
        if joined == each.word or _two_words(hits[start : start + NEAR_WORDS]):
            return Alike.LIKELY
    given = (each for each in said if _exact(each, wanted[0]) and not each.of_another)
    return Alike.LIKELY if len(wanted[0]) >= SHORTEST_GIVEN and any(given) else Alike.NO


def _two_words(hits: Sequence[set[int]]) -> bool:
    """Whether two words of the name are said, by two words of the text."""
    return any(one and other and len(one | other) > 1 for n, one in enumerate(hits) for other in hits[n + 1 :])


def _share(own: Sequence[str], theirs: Sequence[str]) -> Alike:
    few, many = sorted((own, theirs), key=len)
    if not set(few) - set(many):
        return Alike.SURE
    taken = _pairs(few, many)
    pairs = list(taken.values())
    if len(pairs) < len(few):
        return _in_part(few, many, taken) if len(pairs) > 1 else _as_a_whole(own, theirs)
    if all(each is _Word.SAME for each in pairs):
        return Alike.SURE
    if len(pairs) == 1:
        return Alike.LIKELY if len(few[0]) >= SHORTEST_GIVEN else Alike.NO
    return Alike.SURE if all(each is not _Word.ALIKE for each in pairs) else Alike.LIKELY


def _in_part(few: Sequence[str], many: Sequence[str], taken: Mapping[tuple[int, int], _Word]) -> Alike:
    """Two words or more in both, and others in each. Where no given name is among them they are of one family."""
    whole = [(n, m) for n, m in taken if len(few[n]) > 1 and len(many[m]) > 1]
    return Alike.LIKELY if len(whole) > 1 and any(0 in pair for pair in whole) else Alike.NO


def _pairs(few: Sequence[str], many: Sequence[str]) -> dict[tuple[int, int], _Word]:
    """What words of the shorter name are to words of the longer, by their places: best first, each taken once."""
    found = sorted(
        ((like, n, m) for n, one in enumerate(few) for m, other in enumerate(many) if (like := _like(one, other))),
        reverse=True,
    )
    taken: dict[tuple[int, int], _Word] = {}
    for like, n, m in found:
        if all(n != here and m != there for here, there in taken):
            taken[n, m] = like
    return taken


def _as_a_whole(own: Sequence[str], theirs: Sequence[str]) -> Alike:
    """Words that one writes in one, the other in two: Noureddine, Nour Eddine, نور الدين."""
    if "".join(own) == "".join(theirs):
        return Alike.SURE
    if len(own) == len(theirs):
        return Alike.NO
    for arabic, latin in ((own, theirs), (theirs, own)):
        if all(map(_is_arabic, arabic)) and all(map(str.isascii, latin)) and len("".join(arabic)) <= 2 * LONGEST_WORD:
            whole = _TWICE.sub(r"\1", "".join(latin))
            if re.fullmatch("".join(_as_written(word, strict=False) for word in arabic), whole):
                return Alike.LIKELY
    return Alike.NO


# Words


class _Word(IntEnum):
    """What one word is to another."""

    NO = 0
    ALIKE = 1
    OTHER_SCRIPT = 2  # it is how the other script writes it
    SAME = 3


class _Said(Struct, frozen=True):
    """A word of a text."""

    word: str
    shown: bool  # written as a name is
    of_another: bool  # followed by another's family name


def _words(name: str) -> list[str]:
    """The words that name somebody; not what stands in brackets behind."""
    name = _BRACKETS.sub(" ", name) if _BRACKETS.sub("", name).strip() else name
    words = _joined([_as_it_looks(word) for word in _folded(_APOSTROPHE.sub("", name))])
    core = [word for word in words if word not in _BETWEEN]
    return list(dict.fromkeys(core if len(core) > 1 else words))


def _folded(name: str) -> list[str]:
    """The words, folded; of Bengali and Devanagari the vowels stay, which stand on their letters as signs."""
    parts = re.split(f"({indic.RUN})", name)
    return [word for part in parts for word in ([indic.normal(part)] if indic.is_indic(part) else fold(part).split())]


def _as_it_looks(word: str) -> str:
    """Letters of another script among Latin ones are read as the Latin ones that they look like."""
    return word if word.isascii() or not re.search("[a-z]", word) else word.translate(_LOOKS_LIKE)


def _joined(words: list[str]) -> list[str]:
    """Abd al Rahman, Abdul Rahman and Abdulrahman are one word, and so are al Hassan and Alhassan."""
    found: list[str] = []
    for n, word in enumerate(words):
        before = words[n - 1] if n else ""
        if n and (before in _BEFORE_ITS_NAME or _is_article(before, word)):
            found[-1] += word
        else:
            found.append(word)
    return found


def _is_article(before: str, word: str) -> bool:
    """Whether the word before is only the article of this one: al Hassan, ad Din, as Sayed."""
    return bool(_ARTICLES.fullmatch(before)) and (before[1] == "l" or word.startswith(before[1:]))


def _tokens(text: str) -> list[_Said]:
    plain = _VOWEL_SIGNS.sub("", _APOSTROPHE.sub("", _ELIDED.sub("", text)))
    capitals = plain != plain.lower()
    parts = [(part, _as_it_looks(" ".join(_folded(part)))) for part in _PARTS.findall(plain)]
    said: list[_Said] = []
    for n, (raw, word) in enumerate(parts):
        if not word or " " in word:
            continue
        follower = parts[n + 2][0] if n + 2 < len(parts) and parts[n + 1][0] == " " else ""
        another = follower[:1].isupper() and fold(follower) not in _BETWEEN
        said.append(_Said(word, not capitals or raw[0].isupper() or raw.lower() == raw.upper(), another))
    return [
        each
        for n, each in enumerate(said)
        if each.word not in _BETWEEN and not (n + 1 < len(said) and _is_article(each.word, said[n + 1].word))
    ]


def _is_said(each: _Said, word: str) -> bool:
    return len(each.word) > 1 and any(_like(form, word) for form in _spoken(each.word))


def _exact(each: _Said, word: str) -> bool:
    enough = _Word.NO if indic.is_indic(each.word) else _Word.ALIKE
    return each.shown and any(_like(form, word) > enough for form in _spoken(each.word))


def _spoken(word: str) -> list[str]:
    if _is_arabic(word) and len(word) > 3 and word[0] in _WRITTEN_ON:
        return [word, word[1:]]
    return [word, indic.without_ending(word)] if indic.is_indic(word) else [word]


@lru_cache(maxsize=16384)
def _like(one: str, other: str) -> _Word:
    like = _written_alike(one, other)
    if like is _Word.NO and any(_is_called(short, name) for short, name in ((one, other), (other, one))):
        return _Word.ALIKE
    return like


def _is_called(short: str, name: str) -> bool:
    """Whether people of this name are called so: Pepe for José, Саша for Oleksandr."""
    return any(_written_alike(full, name) is not _Word.NO for full in _names_of().get(_as_heard(short), ()))


def _as_heard(word: str) -> str:
    return _spelt(indic.read_aloud(word)[0] if indic.is_indic(word) else in_latin(word))


@cache
def _names_of() -> Mapping[str, tuple[str, ...]]:
    return {_as_heard(short): names for short, names in NAMES_OF.items()}


def _written_alike(one: str, other: str) -> _Word:
    if indic.is_indic(one) or indic.is_indic(other):
        return _like_read_aloud(one, other)
    mine, theirs = _bare(one), _bare(other)
    if one == other or mine == theirs:
        return _Word.SAME
    if min(len(one), len(other)) == 1:  # S. Haddad
        return _Word.ALIKE if one[0] == other[0] else _Word.NO
    arabic = [_is_arabic(mine), _is_arabic(theirs)]
    if all(arabic):
        return _Word.ALIKE if _arabic_bones(mine) == _arabic_bones(theirs) != "" else _Word.NO
    if any(arabic):
        written, latin = (mine, theirs) if arabic[0] else (theirs, mine)
        like = _in_arabic(written, in_latin(latin))
        return like if latin.isascii() else min(like, _Word.ALIKE)
    if mine.isascii() and theirs.isascii():
        return _Word.ALIKE if _spelt_alike(mine, theirs, vowels=True) else _Word.NO
    vowels = not any(_writes_syllables(each) for each in (mine, theirs))
    return _Word.ALIKE if _spelt_alike(in_latin(mine), in_latin(theirs), vowels=vowels) else _Word.NO


def _like_read_aloud(one: str, other: str) -> _Word:
    """Bengali or Devanagari, and anything else: alike as far as it can be read aloud, and never more than that."""
    if one == other:
        return _Word.SAME
    mine, theirs = (indic.read_aloud(each) if indic.is_indic(each) else (each,) for each in (one, other))
    return _Word.ALIKE if any(_sounds_like(a, b) for a in mine for b in theirs) else _Word.NO


def _sounds_like(one: str, other: str) -> bool:
    if min(len(one), len(other)) < 2:
        return False
    if _is_arabic(one) or _is_arabic(other):
        return _written_alike(one, other) is not _Word.NO
    return _spelt_alike(in_latin(_bare(one)), in_latin(_bare(other)), vowels=True, pairs=_HEARD_VOWELS)


def _bare(word: str) -> str:
    """Without the article, or the son of, that is written in one with it."""
    if word.startswith("ال") and len(word) > 4:
        return word[2:]
    found = _WRITTEN_BEFORE.match(word)
    return word[found.end() :] if found else word


def _is_arabic(word: str) -> bool:
    return bool(_ARABIC.fullmatch(word))


def _writes_syllables(word: str) -> bool:
    return any("\u0900" <= letter <= "\u0dff" or "\u1200" <= letter <= "\u137f" for letter in word)


_SAME_SOUND = str.maketrans("ثذظصطىق", "تدضستيك", "ا")


def _arabic_bones(word: str) -> str:
    bones = _TWICE.sub(r"\1", word.translate(_SAME_SOUND))
    return bones if len(bones) > 2 else ""


# Latin letters

_READ = Respelling(
    {
        "tch|sch|sh|ch": "S",
        "dj": "j",
        "dh": "d",
        "th": "t",
        "ck|qu|kh|q": "k",
        "gh": "g",
        "ph": "f",
        "[csz](?=[eiy])|[sz]": "s",
        "c": "k",
        "v": "b",
        "ou|oo|w": "u",
        "ee|ie|ei|ey|ay|ai|y": "i",
        "x": "ks",
        "(?<=^abd)[aeou]+": "",
        "h$": "",
    }
)
_SLOTS = re.compile("[^aeiou]|[aeiou]+")
_LIKE_VOWELS = frozenset({"aa", "ee", "ii", "oo", "uu", "ae", "ea", "ei", "ie", "eu", "ue", "ou", "uo"})

#: Where most vowels are not written, those that are have to be heard alike.
_HEARD_VOWELS = _LIKE_VOWELS - {"eu", "ue"}


@lru_cache(maxsize=16384)
def _spelt(word: str) -> str:
    return _TWICE.sub(r"\1", _READ(word))


def _spelt_alike(one: str, other: str, *, vowels: bool, pairs: frozenset[str] = _LIKE_VOWELS) -> bool:
    """Two spellings of one sound: Mohamed and Muhammad, and not Mahmoud; Samir and Sameer, and not Samira."""
    mine, theirs = _spelt(one), _spelt(other)
    if mine == theirs:
        return len(mine) > 1
    mine, theirs = (each[:-1] if each.endswith("e") and len(each) > 3 else each for each in (mine, theirs))
    bones = [re.sub("[aeiou]", "", each) for each in (mine, theirs)]
    if not vowels:
        bones = [_TWICE.sub(r"\1", each) for each in bones]
    if bones[0] != bones[1] or len(bones[0]) < 2:
        return vowels and _one_slip(one, other)
    if not vowels:
        return True
    if (mine[-1] in "aeiou" or theirs[-1] in "aeiou") and mine[-1] != theirs[-1]:
        return False
    before = {each[0][:1] for each in (_vowels(mine), _vowels(theirs))}
    if "" in before and before & set("aou"):  # Smail is Ismail, and Hamed is not Ahmed
        return False
    return all(
        not here or not there or any(a + b in pairs for a in here for b in there)
        for here, there in zip(_vowels(mine), _vowels(theirs), strict=True)
    )


def _vowels(sound: str) -> list[str]:
    """The vowels before each consonant, and after the last."""
    return re.split("[^aeiou]", sound)


def _one_slip(one: str, other: str) -> bool:
    long_enough = min(len(one), len(other)) >= SLIP_FROM
    return long_enough and one[0] == other[0] and one[-1] == other[-1] and OSA.distance(one, other, score_cutoff=1) == 1


# Arabic letters in Latin ones

_LETTERS = {
    "ب": "[bp]", "ت": "th?", "ث": "(?:th|[ts])",
    "ج": "(?:dj|dg|tch|ch|[jg])", "ح": "k?h", "خ": "(?:kh|ch|[hkjx])",
    "د": "dh?", "ذ": "(?:dh|th|[dz])", "ر": "r", "ز": "(?:zh|[zsj])", "س": "(?:[sz]|c(?=[eiy]))",
    "ش": "(?:sch|[sc]h|[sx])", "ص": "[sc]", "ض": "(?:dh|[dz])", "ط": "th?", "ظ": "(?:dh|th|[zd])",
    "غ": "(?:gh|[grq])", "ف": "(?:ph|[fv])", "ق": "(?:gh|kh|ck|[qkgc])", "ك": "(?:ck|ch|[kcqg])", "ل": "l", "م": "m",
    "ن": "n", "ه": "h",
}  # fmt: skip
_LONG = {"ا": "[ae]", "و": "(?:[wv]|[ou]{1,2}w?|a[uw]|e[wv])", "ي": "(?:[iey]{1,2}|a[iy]|j)", "ع": "[aeiou]{0,2}"}
_LAST = {"ا": "[ae]h?", "ي": "(?:[iey]{1,2}|a[iy]?)", "ه": "(?:[ae]?[ht]a?|[ae])"}
_LONG_AT_MOST = {**_LONG, "ا": "[aeo]?"}
#: What Arabic does not write between two letters. Where it is an i or a u, nobody can tell the word from another.
_UNWRITTEN, _ANY_UNWRITTEN, _FIRST_UNWRITTEN = "[aeo]?", "[aeiouy]?", "(?:ou|[aeiouy]?)"
_THE = "(?:[aeiou]{1,2}(?:sh|ch|[lrsnzdt])?)?"


def _in_arabic(written: str, latin: str) -> _Word:
    heard = _TWICE.sub(r"\1", latin)
    if not re.sub("[اويع]", "", written) or not 2 <= len(heard) <= LONGEST_WORD or len(written) > LONGEST_WORD:
        return _Word.NO
    if not _may_be_heard(written, heard):
        return _Word.NO
    if _pattern(written, strict=True).fullmatch(heard):
        return _Word.OTHER_SCRIPT
    return _Word.ALIKE if _pattern(written, strict=False).fullmatch(heard) else _Word.NO


#: Every Latin letter with which an Arabic consonant can be written.
_HEARD_AS = {letter: frozenset(re.findall("[a-z]", pattern)) for letter, pattern in _LETTERS.items()}


def _may_be_heard(written: str, heard: str) -> bool:
    """Whether the consonants can be there at all, in their order: no pattern is made for a word that nobody would take
    for the name, for a text has hundreds of them and a pattern takes a thousand times as long."""
    if written.startswith("عبد"):
        written = written[:3] + written[3:].removeprefix("ال")
    elif written.startswith("ال"):
        written = written[2:]
    at = 0
    for letter in written[:-1] if written.endswith("ه") else written:
        letters = _HEARD_AS.get(letter)
        if letters is not None:
            at = next((n for n in range(at, len(heard)) if heard[n] in letters), -1) + 1
            if not at:
                return False
    return True


@lru_cache(maxsize=4096)
def _pattern(word: str, *, strict: bool) -> re.Pattern[str]:
    return re.compile(_as_written(word, strict=strict))


@lru_cache(maxsize=4096)
def _as_written(word: str, *, strict: bool) -> str:
    """A pattern of how an Arabic word is written in Latin letters."""
    if word.startswith("عبد") and len(word) > 5:
        return "[aeiou]{0,2}b[aeiou]{0,2}d" + _THE + _as_written(word[3:].removeprefix("ال"), strict=strict)
    if word.startswith("ال") and len(word) > 4:
        return _THE + _as_written(word[2:], strict=strict)
    pattern = ""
    for n, letter in enumerate(word):
        first, last = n == 0, n == len(word) - 1
        if letter in _LAST and last and not first:
            pattern += _LAST[letter]
        elif first and letter == "ا":
            pattern += "[aeiou]{1,2}" if strict else "[aeiou]{0,2}"
        elif letter in _LONG:
            pattern += (_LONG if strict else _LONG_AT_MOST)[letter]
        else:
            pattern += _LETTERS.get(letter, "")
        if letter != "ا" and not last:
            pattern += _UNWRITTEN if strict else _FIRST_UNWRITTEN if first else _ANY_UNWRITTEN
    return pattern + "e?"
