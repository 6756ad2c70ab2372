"""What stands around the name of a place, and which of several places is meant."""

from __future__ import annotations

import re
from itertools import pairwise

from msgspec import Struct

from dialogues.understanding.also_words import ALSO_WORDS, ALWAYS_WORDS
from dialogues.understanding.fold import fold

#: What stands before a place in languages that are heard and not yet answered in; folded.
BEFORE_PLACE_HEARD = frozenset(("em", "na", "у", "в", "біля", "до", "katika", "huko", "mjini", "magaalada", "oo"))
#: What stands before a place. In Arabic `ب` and `ل` are written onto the name.
BEFORE_PLACE = {
    "en": frozenset(("in", "near", "at", "around", "outside", "reached")) | BEFORE_PLACE_HEARD,
    "fr": frozenset(("a", "au", "aux", "en", "pres", "vers")) | BEFORE_PLACE_HEARD,
    "es": frozenset(("en", "cerca", "hacia")) | BEFORE_PLACE_HEARD,
    "ar": frozenset(
        (
            "في",
            "ف",
            "ب",
            "قرب",
            "جنب",
            "عند",
            "حدا",
            "الى",
            "ل",
            "قريب",
            "fi",
            "f",
            "fl",
            "fel",
            "b",
            "bel",
            "qrib",
            "7da",
            "در",
            "تو",
            "توي",
            "به",
            "نزديك",
        )
    ),
}
#: What stands before a place and before much else: then only a capital letter makes a name.
BEFORE_MANY_THINGS = frozenset(("to", "from", "de", "depuis", "sur", "dans", "chez", "d", "a", "desde", "por"))
#: Of several places the one after these is where somebody was, not where something is looked for.
FROM = frozenset(
    re.findall(
        r"\w+",
        "from frm left leaving via through thru past off after de du d depuis quitte par apres desde por tras despues "
        "من بعد عبر az از від з "
        "через kutoka ka del dal",
    )
)
#: What stands between a town and the greater one beside it.
BESIDE = frozenset(
    re.findall(
        r"\w+",
        "near nr by next to close outside a cote de pres banlieue cerca al lado junto del جنب قرب قريب من near fi b",
    )
)
#: Where somebody is.
HERE = frozenset(
    re.findall(
        r"\w+", "in at now reached live near maintenant suis sommes habite ahora estoy estamos vivo en في هلق هلا اسا"
    )
)
#: What says where somebody is, the first of the two words and the second: "i am in", "chui à", "toy en", "ana f".
I_AM_IN = tuple(
    (frozenset(first.split()), frozenset(second.split()))
    for first, second in (
        ("im i'm am are is r we i m stay staying live living now here stuck sleep sleeping still", "in at near"),
        (
            "suis sui jsuis jsui chui chuis chu sommes est vis vit habite habitons jabite bloque bloques coince "
            "maintenant mnt",
            "a au en vers",
        ),
        (
            "estoy estoi toy toi estamos tamos esta estan vivo vivimos vive sigo seguimos ando andamos quede "
            "qde aki aqui yo",
            "en",
        ),
        (
            "انا اني احنا نحنا نحن راني رانا قاعد قاعدين قاعده ساكن ساكنه ساكنين عايش حاصل حاصلين لسه موجود "
            "موجودين هسي هلق هلا حاليا توا ana ani anaa ena 7na ahna e7na ihna nahna rani rana sakn saken sakin "
            "3aych 3aychin",
            "fi f fe b bi ف في ب فى",
        ),
    )
)
#: and the one after these is where somebody wants to be.
TOWARDS = frozenset(("to", "a", "vers", "jusqu", "pour", "para", "hacia", "hasta", "الى", "على", "ل", "ع", "до"))
#: Whoever goes back there is not there, and looks for nothing there yet: rentrer a conakry.
GOING_BACK = frozenset(
    re.findall(
        r"\w+",
        "back return returning home rentrer rentre retourner retour revenir volver vuelva vuelvo vuelve volvamos "
        "regresar regreso regresarme vuelta devolverme ارجع نرجع يرجع العوده الرجوع رجوع عوده nerja3 narja3 nrja3",
    )
)
#: Whoever goes on to a place looks for something where they are: refugio en ipiales, vamos para quito.
GOING_ON = frozenset(re.findall(r"\w+", "going heading headed vamos voy rumbo allons partons رايح رايحين ماشيين"))
#: Where relatives live nobody looks for anything yet: a bus to my aunt in houston.
RELATIVES = frozenset(
    re.findall(
        r"\w+",
        "aunt uncle brother sister mother father cousin mom dad family tante oncle frere soeur mere pere cousine "
        "famille mum maman papa "
        "tia tio hermano hermana primo prima mama papa madre padre familia خالي خالتي عمي عمتي اخي اخوي اختي امي ابي",
    )
)
#: Among so many words before a place one of these says that it is told of oneself too, and not of relatives alone.
OF_ONESELF = frozenset(
    re.findall(
        r"\S+",
        "i im i'm we me je j'ai jai on nous moi chui jsuis yo estoy estamos nosotros انا احنا نحنا نحن ana 7na",
    )
)
_WORDS_BETWEEN = 6
#: Of a town and the greater one beside it the second only says where the first lies.
NEAR = frozenset(
    re.findall(r"\w+", "near nr next close outside pres cote banlieue cerca lado junto afueras جنب قرب قريب قريبه")
)
#: "X no, we are in Y": what stands just after the place where somebody is not.
_NOT_THERE = re.compile(r"(?i)[\s,]*(?:no|not|non|pas|ni|ні|нет|لا|مش|مو|مب)\s*[,.;:!،؛–-]")
#: What makes a town of a word of ours: van city.
TOWN = frozenset(("city", "town"))
#: How Levantine and Egyptian verbs begin, so that what follows is no name: بيأمن.
VERB_BEGINS = ("بي", "بت", "بن")
JOINERS = frozenset(
    re.findall(
        r"\w+", "de del la las los el al du des le les sur sous saint sainte san santa st d l abu bab ras ain port"
    )
)
#: So begin names that are written as they are, and too much else to begin a misspelt one.
ARTICLES = frozenset(("la", "le", "les", "los", "las", "el", "al", "de", "du", "des", "l"))
#: What Turkish writes after a name: İstanbul'da.
TURKISH_ENDING = re.compile(r"(?<=\w{3})[’'](?:[dt][ae](?:n|ki|y[iı][mz])?|[yn]?[aei]|n[iı]n)$", re.IGNORECASE)
#: and without its sign: izmirde.
TURKISH_UNMARKED = re.compile(r"(?<=\w{4})(?:[dt][ae](?:n|ki|yi[mz])?|y?[ae])$|(?<=^\w{3})d[ae](?:n|ki|yi[mz])?$")
#: After these `à` says where somebody is, and not where they go: bloqué à Hendaye.
STAYS = frozenset(
    re.findall(
        r"\w+",
        "suis est es sommes etes sont bloque bloques bloquee bloquees bloke coince coinces coincee coincees reste",
    )
)
#: "Where" in Arabic is what Persian calls Vienna: that only after one of these.
WHERE, IN_PERSIAN = "وين", frozenset(("در", "به", "تا", "از"))
#: What parts of a message end with; nothing stands before its first word.
_PAUSES = ("", *",.;:!?،؛؟()")
IN_CYRILLIC = re.compile("[а-яіїєґ]")
#: Of so many words is a name at most.
LONGEST_NAME = 4


class Token(Struct, frozen=True):
    folded: str
    start: int
    end: int
    capital: bool


def expects_a_place(tokens: list[Token], at: int, language: str) -> bool:
    """Whether just before a word stands what stands before a place and before little else."""
    return at > 0 and tokens[at - 1].folded in BEFORE_PLACE.get(language, BEFORE_PLACE["en"])


def is_a_word(tokens: list[Token], at: int, language: str) -> bool:
    """Whether what some place is called is a word of the message's language there."""
    token = tokens[at]
    if token.folded not in ALSO_WORDS.get(language, ()) or (token.capital and at):
        return False
    if at + 1 < len(tokens) and tokens[at + 1].folded in TOWN:
        return False
    return token.folded in ALWAYS_WORDS or not expects_a_place(tokens, at, language)


def is_surely_a_word(tokens: list[Token], at: int, language: str) -> bool:
    """Whether it is one wherever it stands. A bus in English is a town in Turkish, which is taken for English."""
    return tokens[at].folded in ALWAYS_WORDS - {"van"} and is_a_word(tokens, at, language)


def says_where(tokens: list[Token], at: int) -> bool:
    """Whether just before a word somebody says that they are there: "i am in", or `ب` written onto it after "I"."""
    for i_am, in_ in I_AM_IN:
        if at > 1 and tokens[at - 1].folded in in_ and tokens[at - 2].folded in i_am:
            return True
        if at > 0 and has_prefix(tokens[at].folded) and tokens[at - 1].folded in i_am:
            return True
    return False


def asks_where(tokens: list[Token], at: int) -> bool:
    """Whether the word there is the Arabic "where", and not Vienna in Persian."""
    return tokens[at].folded == WHERE and (not at or tokens[at - 1].folded not in IN_PERSIAN)


def stand_together(tokens: list[Token], at: int, size: int) -> bool:
    together = tokens[at : at + size]
    return len(together) == size and all(after.start - token.end <= 1 for token, after in pairwise(together))


def stands_apart(start: int, end: int, shown: str) -> bool:
    """Whether words are the first or the last of a message or of a part of it: a bed, cork, tonight."""
    return shown[:start].rstrip()[-1:] in _PAUSES or shown[end:].lstrip()[:1] in _PAUSES


def just_before(tokens: list[Token], span: tuple[int, int]) -> list[Token]:
    """The words that stand just before a place, or before "near" and it: mcalen texas, st denis à côté de paris."""
    at = next((at for at, token in enumerate(tokens) if token.end > span[0]), 0)
    while at and tokens[at - 1].folded in BESIDE:
        at -= 1
    return tokens[max(0, at - LONGEST_NAME) : at]


def within(token: Token, spans: list[tuple[int, int]]) -> bool:
    return any(overlap((token.start, token.end), span) for span in spans)


def overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def word_before(span: tuple[int, int], tokens: list[Token]) -> str:
    """The word before a place; of a place onto which Arabic wrote its preposition, that."""
    if any(token.start < span[0] < token.end for token in tokens):
        return "في"
    at = next((at for at, token in enumerate(tokens) if token.start == span[0]), 0)
    if at > 1 and tokens[at - 1].folded == "a" and tokens[at - 2].folded in STAYS:
        return "en"
    return tokens[at - 1].folded if at else ""


def meant_first(spans: list[tuple[int, int]], tokens: list[Token], shown: str) -> list[tuple[int, int]]:
    """Of two places on the way from one to the other, the one to come; where somebody is before where they came from,
    go back to or are not; a town before the one that it is near; else in the order of the words."""
    if len(spans) < 2:
        return spans
    before = {span: word_before(span, tokens) for span in spans}
    away = {span for span in spans if before[span] in FROM or is_elsewhere(span, spans, tokens, shown)}
    here = [span for span in spans if span not in away]
    if len(here) > 1 and any(before[span] in TOWARDS for span in here[1:]):
        here.sort(key=lambda span: before[span] not in TOWARDS)
    elif len(here) > 1:
        here.sort(key=lambda span: (not _is_said_to_be_here(span, tokens), before[span] not in HERE))
    return here + [span for span in spans if span in away]


def _is_said_to_be_here(span: tuple[int, int], tokens: list[Token]) -> bool:
    return says_where(tokens, next(at for at, token in enumerate(tokens) if token.end > span[0]))


def is_elsewhere(span: tuple[int, int], spans: list[tuple[int, int]], tokens: list[Token], shown: str) -> bool:
    """Whether nobody is there: they go back or on to it, say that they are not, have relatives there, or it only tells
    where another place lies."""
    if _NOT_THERE.match(shown, span[1]):
        return True
    first = next((at for at, token in enumerate(tokens) if token.end > span[0]), 0)
    at = first
    while at and (tokens[at - 1].folded in BESIDE or tokens[at - 1].folded in TOWARDS):
        at -= 1
    between = [token.folded for token in tokens[at:first]]
    if at and between and tokens[at - 1].folded in GOING_BACK | GOING_ON:
        return True
    if first > 1 and tokens[first - 1].folded in HERE | TOWARDS:
        named = next((n for n in range(first - 2, -1, -1) if within(tokens[n], spans)), -1)
        if _tells_of_relatives(tokens[max(named + 1, first - 1 - _WORDS_BETWEEN) : first - 1]):
            return True
    return bool(at) and not NEAR.isdisjoint(between) and within(tokens[at - 1], spans)


def _tells_of_relatives(before: list[Token]) -> bool:
    """Whether the last of whom these words tell are relatives alone: mi hermano de 10 se quedo (en), and not me and my
    sister still (at)."""
    told = [token.folded for token in before if token.folded in RELATIVES | OF_ONESELF]
    return bool(told) and (before[-1].folded in RELATIVES or OF_ONESELF.isdisjoint(told))


def token_of(found: re.Match[str]) -> Token:
    word = TURKISH_ENDING.sub("", found.group())
    return Token(fold(word), found.start(), found.start() + len(word), word[:1].isupper())


def stands_before_a_place(before: frozenset[str], word: str, token: Token, language: str) -> bool:
    if word in before:
        return True
    if word in BEFORE_MANY_THINGS:
        return token.capital
    return language == "ar" and has_prefix(token.folded) and not token.folded.startswith(VERB_BEGINS)


def has_prefix(name: str) -> bool:
    """Whether an Arabic `ب` or `ف` (in) or `ل` (to) may be written onto a name."""
    return len(name) >= 4 and name[0] in "بفل"


def without_prefixes(name: str) -> list[str]:
    """An Arabic word without what may be written onto it."""
    stems = [name]
    stems += [
        name[len(prefix) :]
        for prefix in ("و", "ف", "ب", "ل", "ك", "ال", "لل", "بال", "وال", "عال")
        if name.startswith(prefix)
    ]
    return [stem for stem in stems if len(stem) >= 2]
