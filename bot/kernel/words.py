"""Every word a person reads: English in the source, other languages from gettext PO files, read when we start.

The English sentence is the message id; `{name}` is where a value goes. One PO file a room and language; all rooms
of a language are looked up together, so a sentence means the same wherever it stands. What is not translated is
said in English and counted.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from gettext import c2py
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from msgspec import Struct, field
from prometheus_client import Counter

from dialogues.kept import kept

SOURCE_LANGUAGE = "en"
RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ku", "ps", "ur", "ckb", "dv", "sd", "ug", "yi"})
LOCALES = Path(__file__).resolve().parents[2] / "locales"

_missing = Counter(
    "waymark_words_missing_total", "Sentences that were said in English for want of a translation", ["language"]
)
_placeholder = re.compile(r"\{([a-zA-Z_][a-zA-Z0-9_]*)\}")
_jinja_placeholder = re.compile(r"%\((\w+)\)s")


def N_(msgid: str) -> str:
    """Mark a sentence for translation where it is declared; it is translated where it is said."""
    return msgid


def direction(language: str) -> str:
    """`rtl` or `ltr`, for the `dir` attribute."""
    return "rtl" if language.split("-")[0].lower() in RIGHT_TO_LEFT else "ltr"


def fill(sentence: str, named: Mapping[str, object]) -> str:
    """Put values in the place of `{name}`. What has no value stays as it is: a message is never lost to a typo."""
    if not named:
        return sentence
    return _placeholder.sub(lambda found: str(named.get(found[1], found[0])), sentence)


def source_form(msgid: str) -> str:
    """A sentence as PO files hold it: Jinja's `{% trans %}` writes `%(name)s` where we write `{name}`."""
    return _jinja_placeholder.sub(r"{\1}", msgid).replace("%%", "%")


class _Language(Struct, frozen=True):
    """One language's sentences, and which of its plural forms goes with a number."""

    singular: dict[str, str] = field(default_factory=dict)
    plural: dict[str, tuple[str, ...]] = field(default_factory=dict)
    form: Callable[[int], int] = field(default=lambda n: int(n != 1))


#: As they are kept: how the form of a number is found, the sentences, and those that have forms.
_Sentences = tuple[str, dict[str, str], dict[str, tuple[str, ...]]]


class Words:
    """The translator. Made once with `Words.load`; it does not change afterwards."""

    def __init__(self, languages: Mapping[str, _Language]) -> None:
        self._languages = dict(languages)
        self.languages: tuple[str, ...] = (SOURCE_LANGUAGE, *sorted(set(languages) - {SOURCE_LANGUAGE}))

    @classmethod
    def load(cls, locales: Path = LOCALES) -> Words:
        """Read every PO file below `locales`. Takes milliseconds a hundred sentences; do it before serving.

        Those that come with the program are read once in a process.
        """
        return _shipped(locales) if locales.is_relative_to(LOCALES) else cls._made_of(_read(locales))

    def and_more(self, others: Words) -> Words:
        """These, and the languages of `others`: for pages that speak more languages than the house."""
        return Words({**others._languages, **self._languages})

    @classmethod
    def _made_of(cls, languages: dict[str, _Sentences]) -> Words:
        return cls({name: _Language(one, many, c2py(form)) for name, (form, one, many) in languages.items()})

    def text(self, language: str, msgid: str, /, **named: object) -> str:
        """The sentence in `language` (BCP 47), with its values."""
        known = self._find(language)
        if known is None:
            return fill(msgid, named)
        said = known.singular.get(msgid)
        if said is None:
            _missing.labels(language.split("-")[0]).inc()
            said = msgid
        return fill(said, named)

    def plural(self, language: str, one: str, many: str, n: int, /, **named: object) -> str:
        """The sentence for `n` things; `{n}` is the number itself."""
        named = {"n": n, **named}
        known = self._find(language)
        forms = known.plural.get(one) if known else None
        if known is not None and forms is not None:
            return fill(forms[min(known.form(n), len(forms) - 1)], named)
        if known is not None:
            _missing.labels(language.split("-")[0]).inc()
        return fill(one if n == 1 else many, named)

    def speaks(self, language: str) -> str | None:
        """The language of ours that serves someone who asks for `language`: `fr` for `fr-CA`. None if there is none."""
        for candidate in (language, language.replace("_", "-").split("-")[0]):
            if candidate.lower() in self.languages:
                return candidate.lower()
        return None

    def negotiate(self, accept_language: str | None) -> str:
        """The language of ours that suits an Accept-Language header best; English if none does."""
        asked: list[tuple[float, str]] = []
        for part in (accept_language or "").split(",")[:20]:
            tag, _, quality = part.strip().partition(";q=")
            try:
                asked.append((float(quality) if quality else 1.0, tag.strip()))
            except ValueError:
                continue
        for weight, tag in sorted(asked, key=lambda pair: -pair[0]):
            served = self.speaks(tag) if weight > 0 else None
            if served is not None:
                return served
        return SOURCE_LANGUAGE

    def _find(self, language: str) -> _Language | None:
        known = self._languages.get(language)
        if known is None and "-" in language:
            known = self._languages.get(language.split("-")[0])
        return known


@cache
def _shipped(locales: Path) -> Words:
    sources = [Path(__file__), *(path for _, _, path in po_files(locales))]
    shape, name = dict[str, _Sentences], "words" if locales == LOCALES else f"{locales.name}_words"
    return Words._made_of(kept(name, shape, sources, lambda: _read(locales)))


def _read(locales: Path) -> dict[str, _Sentences]:
    languages: dict[str, _Sentences] = {}
    for language, _domain, path in po_files(locales):
        catalog = read_catalog(path, language)
        _, singular, plural = languages.setdefault(language, (catalog.plural_expr, {}, {}))
        for message in _translated(catalog):
            if message.pluralizable:
                plural.setdefault(message.id[0], _forms(message))
            else:
                singular.setdefault(str(message.id), str(message.string))
    return languages


def po_files(locales: Path) -> list[tuple[str, str, Path]]:
    """Language, domain and path of every PO file, in a fixed order."""
    return [
        (path.parts[-3], path.stem, path) for path in sorted(locales.glob("*/LC_MESSAGES/*.po")) if path.stat().st_size
    ]


def read_catalog(path: Path, language: str) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _translated(catalog: Catalog) -> Iterable[Message]:
    for message in catalog:
        if message.id and not message.fuzzy and _is_whole(message):
            yield message


def _is_whole(message: Message) -> bool:
    forms = _forms(message)
    return bool(forms) and all(forms)


def _forms(message: Message) -> tuple[str, ...]:
    """The translation as a tuple: one text, or one for each plural form."""
    strings = message.string if isinstance(message.string, (tuple, list)) else (message.string,)
    return tuple(str(string or "") for string in strings)


# The lint: what a translator or a programmer forgot


#: Which calls carry a sentence, and as which argument. `text` and `plural` take the language first.
KEYWORDS: dict[str, Any] = {
    "_": None,
    "N_": None,
    "because": None,
    "gettext": None,
    "ngettext": (1, 2),
    "text": (2,),
    "plural": (2, 3),
    "translate": (2,),
}

HEADERS = ("Language", "Content-Type", "Plural-Forms", "X-Translation-State")


class Sentence(Struct, frozen=True):
    """A sentence found in the source, and where."""

    msgid: str
    plural: str | None
    place: str


def sentences(sources: Iterable[Path]) -> list[Sentence]:
    """Every sentence marked for translation in `.py` and `.html`/`.txt` template files below `sources`."""
    found: list[Sentence] = []
    for root in sources:
        paths = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.suffix in _METHODS)
        for path in paths:
            found.extend(_sentences_in(path))
    return found


_METHODS = {".py": "python", ".html": "jinja2.ext:babel_extract", ".txt": "jinja2.ext:babel_extract"}


def _sentences_in(path: Path) -> Iterable[Sentence]:
    options = {"trimmed": "true", "silent": "false", "encoding": "utf-8"}
    for line, msgid, _comments, _context in extract_from_file(
        _METHODS[path.suffix], path, keywords=KEYWORDS, options=options
    ):
        singular, plural = (msgid[0], msgid[1]) if isinstance(msgid, tuple) else (msgid, None)
        if singular:
            yield Sentence(source_form(singular), source_form(plural) if plural else None, f"{path}:{line}")


def lint(
    locales: Path = LOCALES,
    sources: Iterable[Path] = (),
    *,
    other_domains: Iterable[str] = ("dialogues",),
    also: Iterable[Sentence] = (),
) -> list[str]:
    """What is wrong with the translations, a sentence each; nothing if all is well.

    `other_domains` hold sentences that no source marks (a dialogue project has its own lint): they are checked for
    their headers and placeholders, and not for being used. `also` are sentences that no file of `sources` marks.
    """
    files = po_files(locales)
    catalogs = {(language, domain): read_catalog(path, language) for language, domain, path in files}
    used = [*sentences(sources), *also]
    problems = [problem for language, domain, path in files for problem in _wrong_header(language, domain, path)]
    for (language, domain), catalog in catalogs.items():
        problems.extend(_wrong_in_catalog(language, domain, catalog))
    problems.extend(_two_meanings(catalogs))
    problems.extend(_missing_sentences(catalogs, used))
    problems.extend(_unused_sentences(catalogs, used, frozenset(other_domains)))
    return problems


def _wrong_header(language: str, domain: str, path: Path) -> Iterable[str]:
    header = path.read_text("utf-8").split("\n\n")[0]
    for name in HEADERS:
        if f'"{name}: ' not in header:
            yield f"{language}/{domain}.po: the header {name} is missing"
    if f'"Language: {language}\\n"' not in header:
        yield f"{language}/{domain}.po: the header Language is not {language}"


def _wrong_in_catalog(language: str, domain: str, catalog: Catalog) -> Iterable[str]:
    where = f"{language}/{domain}.po"
    for message in catalog:
        if not message.id:
            continue
        msgid = message.id[0] if message.pluralizable else message.id
        if message.fuzzy or not _is_whole(message):
            yield f"{where}: not translated: {msgid!r}"
            continue
        yield from (f"{where}: {problem}: {msgid!r}" for problem in _wrong_in_message(catalog, message))


def _wrong_in_message(catalog: Catalog, message: Message) -> Iterable[str]:
    if message.pluralizable:
        if len(_forms(message)) != catalog.num_plurals:
            yield f"needs {catalog.num_plurals} plural forms"
        allowed = placeholders(message.id[0]) | placeholders(message.id[1])
        if not all(placeholders(string) <= allowed for string in _forms(message)):
            yield "the translation has a placeholder the sentence has not"
        # A form for exactly one or two things may say the number in a word, so a missing {n} is no mistake.
        if placeholders(message.id[1]) - {"n", "count"} - placeholders(_forms(message)[-1]):
            yield "the translation lacks a placeholder"
    elif placeholders(str(message.id)) != placeholders(str(message.string)):
        yield "the placeholders differ"
    elif str(message.id)[-1].isspace() != str(message.string)[-1].isspace():
        yield "one of the two ends in white space"


def placeholders(sentence: str) -> set[str]:
    """The names between braces."""
    return set(_placeholder.findall(sentence))


def _two_meanings(catalogs: Mapping[tuple[str, str], Catalog]) -> Iterable[str]:
    said: dict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    for (language, domain), catalog in catalogs.items():
        for message in _translated(catalog):
            msgid = message.id[0] if message.pluralizable else str(message.id)
            said[language, msgid].setdefault(str(message.string), domain)
    for (language, msgid), versions in said.items():
        if len(versions) > 1:
            rooms = " and ".join(sorted(versions.values()))
            yield f"{language}: {rooms} translate the same sentence differently: {msgid!r}"


def _missing_sentences(catalogs: Mapping[tuple[str, str], Catalog], used: Iterable[Sentence]) -> Iterable[str]:
    translated: dict[str, set[str]] = defaultdict(set)
    for (language, _domain), catalog in catalogs.items():
        for message in _translated(catalog):
            translated[language].add(message.id[0] if message.pluralizable else str(message.id))
    for sentence in used:
        lacking = sorted(language for language, known in translated.items() if sentence.msgid not in known)
        if lacking:
            yield f"{sentence.place}: no translation into {', '.join(lacking)}: {sentence.msgid!r}"


def _unused_sentences(
    catalogs: Mapping[tuple[str, str], Catalog], used: Iterable[Sentence], other_domains: frozenset[str]
) -> Iterable[str]:
    marked = {sentence.msgid for sentence in used}
    for (language, domain), catalog in catalogs.items():
        if domain in other_domains:
            continue
        for message in catalog:
            msgid = message.id[0] if message.pluralizable else message.id
            if msgid and msgid not in marked:
                yield f"{language}/{domain}.po: said nowhere: {msgid!r}"
