"""Reads all procedures as a strict editor would, and says what to mend, where.

What cannot be loaded comes from the loader. Here is the rest: languages that are missing, translations the English
has moved away from, texts that are too long, words that must not be used, promises, and figures nobody confirmed.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from types import MappingProxyType

from babel import Locale

from dialogues.knowledge.asking import asks_whether_safe
from dialogues.knowledge.body import HEADINGS, NUMBERED, PARAGRAPHS
from dialogues.knowledge.countries import country_name
from dialogues.knowledge.loading import ReadTexts, read_all
from dialogues.knowledge.model import (
    INTERNATIONAL,
    LANGUAGES,
    ORIGINAL_LANGUAGE,
    Audience,
    Problem,
    Procedure,
    SourceStatus,
    TranslationState,
)
from dialogues.knowledge.overlays import REGIONS, Overlay, Variation, is_jurisdiction, shown_lines
from dialogues.knowledge.promises import comparable, promise_in
from dialogues.knowledge.reading import OVERLAYS_FOLDER, LoadedText, fingerprint
from dialogues.knowledge.reading_age import CHILD_READS_AT, reading_age

#: The first answer and the one thing never to do, which are one message: what is read at night, or in fear.
FIRST_MESSAGE_WORDS = {Audience.WORKER: 80, Audience.CHILD: 60}
NEVER_WORDS = {Audience.WORKER: 30, Audience.CHILD: 15}
STEP_WORDS = {Audience.WORKER: 40, Audience.CHILD: 24}
STEPS = {Audience.WORKER: 12, Audience.CHILD: 7}
CHILD_SENTENCE_WORDS = 12
#: French and Arabic need more or fewer words for the same thought; the limits of English are widened, not waived.
#: That of a first message is kept in every language.
WIDENED = {"en": 1.0, "fr": 1.2, "es": 1.15, "ar": 1.0}
LONGEST_REVIEW = timedelta(days=366)

#: Numbers a reader may be told to dial, as they are written. Anything else belongs in the directory.
PUBLIC_NUMBERS = frozenset({"116 000", "116 111"})

#: Addresses of the web that stand in the texts themselves: they are the same everywhere.
PUBLIC_ADDRESSES = frozenset({"familylinks.icrc.org"})

#: Each says what is wrong with the word; the words are folded to lower case only, so accents count.
FORBIDDEN: dict[str, tuple[str, ...]] = {
    "en": (r"\billegals?\b", r"\balleged victim", r"\bstor(?:y|ies)\b", r"\bdeal(?:s|ing)? with\b", r"\bgenuine child"),
    "fr": (r"\billéga(?:l|le|les|ux)\b", r"\bclandestins?\b", r"\bprétendue? victime", r"\bvictime présumée"),
    "es": (r"\bilegal(?:es)?\b", r"\bpresuntas? víctimas?", r"\bsupuestas? víctimas?", r"\bmenas?\b"),
    "ar": ("غير شرعي", "غير قانوني", "الضحية المزعومة", "متسلل"),
}
#: Words of address that belong to the other audience: "tu" is for a child, "vous" for a worker.
ADDRESS: dict[tuple[str, Audience], str] = {
    ("fr", Audience.WORKER): r"\b(?:tu|ton|tes|toi)\b|\bt'(?=[a-zéêh])",
    ("fr", Audience.CHILD): r"\b(?:vous|votre|vos)\b",
    ("es", Audience.WORKER): r"\b(?:tú|contigo|tus)\b|\b(?:vos|vosotros)\b",
    ("es", Audience.CHILD): r"\b(?:usted|ustedes|vos)\b",
}
LAW_WORDS: dict[str, str] = {
    "en": r"\b(?:convention|directive|regulation|article|jurisdiction|pursuant|protocol)\b",
    "fr": r"\b(?:convention|directive|règlement|article|juridiction|protocole)\b",
    "es": r"\b(?:convención|directiva|reglamento|artículo|jurisdicción|protocolo)\b",
    "ar": "اتفاقية|توجيه أوروبي|لائحة|المادة|بروتوكول",
}

#: Words that frighten, or that no child of eight has met. A child's text says what happened without them.
CHILD_WORDS: dict[str, str] = {
    "en": r"\b(?:rap(?:e|ed|ist)|murder\w*|tortur\w*|corpse|prostitut\w*|pimp|slave\w*|mutilat\w*|suicid\w*|refoulement"
    r"|vulnerab\w*|assessment|referral|confidential\w*|unaccompanied|exploit\w*|forensic|jurisdiction|deport\w*)\b",
    "fr": r"\b(?:viol(?:ée?s?|eur)?|meurtr\w*|tortur\w*|cadavre|prostitu\w*|proxénète|esclav\w*|mutil\w*|suicid\w*"
    r"|refoulement|vulnérab\w*|évaluation|orientation|confidenti\w*|exploit\w*|expuls\w*)\b",
    "es": r"\b(?:viola(?:ción|da|do|dor)|asesin\w*|tortur\w*|cadáver|prostitu\w*|proxeneta|esclav\w*|mutil\w*|suicid\w*"
    r"|devolución|vulnerab\w*|evaluación|derivación|confidencial\w*|explota\w*|deport\w*)\b",
    "ar": "اغتصاب|مغتصب|قتل|تعذيب|جثة|دعارة|عبيد|تشويه|انتحار|إعادة قسرية|تقييم|إحالة|استغلال|ترحيل",
}

#: What gives leave and is easily read as forbidding: a child who reads it so never speaks of what hurts.
READ_AS_FORBIDDING: dict[str, str] = {
    "fr": r"\btu (?:ne )?dois (?:pas|jamais)\b|\btu n'as (?:pas|jamais) à\b",
    "ar": "لا يجب عل[يى]",
}
#: What gives leave, and so is nothing that must never be done.
GIVES_LEAVE: dict[str, str] = {
    "en": r"\b(?:never|not|n't) (?:have|need) to\b|\bneed not\b",
    "fr": r"\brien ne t'oblige\b|\btu n'as (?:pas|jamais) besoin\b",
    "es": r"\bno tienes que\b|\bno hace falta\b",
    "ar": "لا حاجة|لا يلزم",
}
#: Words that speak to boys only. The everyday ones; whoever reads a translation again sees the others.
FOR_BOYS_ONLY: dict[str, str] = {
    "fr": r"\bseul\b(?!\()|\b(?:tu (?:y |n'|n'y )?es|tu t'es|es-tu|je suis|je me suis|d'être)(?: pas)?(?: tout| déjà)? "
    r"(?:né|venu|allé|arrivé|parti|resté|blessé|perdu|marié|écouté|obligé|forcé|enfermé|mauvais|prêt)\b(?!\()",
    "es": r"\b(?:estás|estoy|eres|soy|te sientes|te quedes|vayas|viajes|vienes) (?:muy |tan )?"
    r"(?:solo|herido|perdido|obligado|encerrado|casado|cansado|enfermo|niño)\b",
    "ar": r"\b(?:تريد|تعرف|تشعر|تحب|تحتاج|تخاف|تفهم|تختار|ترغب)\b(?!/)",
}
#: Stands in the first answer of every text for a child.
EMERGENCY_NUMBER = "{emergency_number}"

_SENTENCE_END = re.compile(r"[.!?؟:;؛][\"»”)]*(?:\s|$)")
_FIGURE = re.compile(r"\d+(?:[-–/]\d+)*")
_QUANTITY = re.compile(r"(\d+(?:[-–]\d+)?)[ -]*(min|h|day|week|month|year|working day|child|%)", re.IGNORECASE)
_DIALLED = re.compile(r"(?<![\d/.])\+?\d+(?:[ -]\d+)*(?![\d/])")
_FOREIGN_DIGITS = re.compile("[\u0660-\u0669\u06f0-\u06f9]")
_WEB_ADDRESS = re.compile(
    r"https?:\S+|www\.\S+|\b[\w-]+(?:\.[\w-]+)*\.(?:com|org|net|int|gov|gob|gouv|info|io|eu|fr|it|es|mx|co)\b(?:/\S*)?"
    r"|\S+@\S+\.\w+",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:19|20)\d\d")


def check(folder: Path, *, on: date | None = None, edits: Mapping[str, str] = MappingProxyType({})) -> list[Problem]:
    """Every problem under `folder`, in the order of files and lines. Without `on`, no review counts as late.

    `edits` are read in place of the files of that name.
    """
    return check_read(read_all(folder, edits), on=on)


def check_read(read: ReadTexts, *, on: date | None = None, only: str | None = None) -> list[Problem]:
    """Every problem of what was read, and of what could not be, in the order of files and lines.

    With `only` the words of this file alone are looked at, and of all others whether they are there and can be read.
    """
    loaded, problems = read.texts, [*read.unreadable]
    unreadable = {problem.file for problem in problems}
    problems = [*problems, *_missing_languages(loaded, unreadable), *_missing_childs_versions(loaded, unreadable)]
    problems = [*problems, *_check_overlays(read.overlays, on)]
    originals = {_place(text.procedure): text for text in loaded if text.procedure.language == ORIGINAL_LANGUAGE}
    keys = {text.procedure.key for text in loaded} | {Path(file).parent.name for file in unreadable}
    for text in loaded:
        if only not in {None, text.file}:
            continue
        problems.extend(_check_text(text))
        if text.procedure.language == ORIGINAL_LANGUAGE:
            problems.extend(_check_original(text, keys, on))
        else:
            problems.extend(_check_translation(text, originals[_place(text.procedure)]))
    return sorted(problems, key=lambda problem: (problem.file, problem.line, problem.what))


def _check_overlays(overlays: Iterable[Overlay], on: date | None) -> Iterator[Problem]:
    for overlay in overlays:
        file = f"{OVERLAYS_FOLDER}/{overlay.jurisdiction}.yml"
        for language, words in overlay.ask.items():
            yield from (Problem(file, 1, f"{language}: {wrong}") for wrong in _not_written(words, language))
        for variation in overlay.variations:
            yield from _check_variation(variation, on)


def _check_variation(variation: Variation, on: date | None) -> Iterator[Problem]:
    def problem(what: str, *, blocking: bool = True) -> Problem:
        return Problem(variation.file, variation.line, what, blocking)

    if all(source.status is not SourceStatus.CONFIRMED for source in variation.sources[ORIGINAL_LANGUAGE]):
        yield problem("Nothing is laid over a text that no confirmed source says; confirm one or take this out.")
    if variation.astray:
        yield problem(variation.astray)
    if variation.review_due - variation.valid_from > LONGEST_REVIEW:
        yield problem("A review is due within a year; bring `review_due` forward.")
    if on is not None and variation.in_force(on) and on > variation.review_due:
        yield problem(f"The review was due on {variation.review_due.isoformat()}; read it again and set the next.")
    if variation.state() is TranslationState.OUTDATED:
        yield problem(
            f"The English has changed since this was translated (`of` is {variation.translated_from}, it is "
            f"{variation.fingerprint()} now). Read the translations again, then stamp the file."
        )
    if not variation.reviewer:
        yield problem("Nobody has signed this variation yet (`reviewer`).", blocking=False)
    english = variation.texts[ORIGINAL_LANGUAGE]
    for language, words in shown_lines(variation):
        limit = int(STEP_WORDS[Audience.WORKER] * WIDENED[language])
        if len(words.split()) > limit:
            yield problem(f"{language}: these are {len(words.split())} words; {limit} is the most.")
        if _figures(words, language) != _figures(english, language):
            yield problem(f"{language}: the numbers differ from the English, {english!r}.")
        for wrong in _not_written(words, language):
            yield problem(f"{language}: {wrong}")
        for hit in _DIALLED.finditer(words):
            if _looks_dialled(hit.group()):
                yield problem(f"{language}: {hit.group()!r} looks like a number to dial; those are in the directory.")


def _not_written(words: str, language: str) -> Iterator[str]:
    """What an overlay has in common with every text: no judging word, no promise, no web address."""
    judging = (re.search(pattern, comparable(words)) for pattern in FORBIDDEN[language])
    for wrong in (*(hit.group() for hit in judging if hit), promise_in(words, language)):
        if wrong:
            yield f"we do not write {wrong!r}; say it otherwise."
    yield from (f"{web!r} is a web address; those are in the directory." for web in _web_addresses(words))


def _web_addresses(words: str) -> list[str]:
    return [web for web in _WEB_ADDRESS.findall(words) if web.casefold() not in PUBLIC_ADDRESSES]


def _place(text: Procedure) -> tuple[str, Audience, str]:
    return text.key, text.audience, text.jurisdiction


def _missing_languages(loaded: Iterable[LoadedText], unreadable: set[str]) -> Iterator[Problem]:
    there: dict[tuple[str, Audience, str], set[str]] = defaultdict(set)
    files: dict[tuple[str, Audience, str], str] = {}
    for text in loaded:
        there[_place(text.procedure)].add(text.procedure.language)
        if text.procedure.language == ORIGINAL_LANGUAGE:
            files[_place(text.procedure)] = text.file
    for place, languages in there.items():
        for language in LANGUAGES:
            file = files[place].removesuffix(f"{ORIGINAL_LANGUAGE}.md") + f"{language}.md"
            if language not in languages and file not in unreadable:
                yield Problem(file, 1, f"This language is missing; translate {Path(files[place]).name} and stamp it.")


def _missing_childs_versions(loaded: Iterable[LoadedText], unreadable: set[str]) -> Iterator[Problem]:
    """A text for workers has a child's version, or says why there is none to give. Never both, never neither."""
    english = [text for text in loaded if text.procedure.language == ORIGINAL_LANGUAGE]
    for_children = {text.procedure.key for text in english if text.procedure.audience is Audience.CHILD}
    for text in english:
        procedure = text.procedure
        if procedure.audience is Audience.CHILD or procedure.jurisdiction != INTERNATIONAL:
            continue
        there = procedure.key in for_children or f"{procedure.key}/child.{ORIGINAL_LANGUAGE}.md" in unreadable
        if not there and not procedure.no_childs_version:
            what = (
                f"There is no child's version. Write child.{ORIGINAL_LANGUAGE}.md, or say in `no_childs_version` why "
                "there is none to give."
            )
            yield Problem(text.file, 1, what)
        elif there and procedure.no_childs_version:
            what = "There is a child's version after all; take `no_childs_version` out."
            yield Problem(text.file, text.lines["no_childs_version"], what)


def _check_text(text: LoadedText) -> Iterator[Problem]:
    """What every text is held to, whatever its language."""
    procedure = text.procedure
    limit = WIDENED[procedure.language]
    yield from _first_message_too_long(text)
    yield from _too_long(text, "never", NEVER_WORDS[procedure.audience] * limit)
    yield from _too_long(text, "steps", STEP_WORDS[procedure.audience] * limit)
    if len(procedure.steps) > STEPS[procedure.audience]:
        what = f"These are {len(procedure.steps)} steps; {STEPS[procedure.audience]} is the most a reader can follow."
        yield Problem(text.file, text.lines["steps"], what)
    for line, words in _lines_shown(text):
        yield from _wrong_words(text, line, words)
    if procedure.jurisdiction == INTERNATIONAL and (country := _country_in(procedure.varies, procedure.language)):
        what = f"{country!r} is a country; what holds there belongs in its overlay, with its source and its dates."
        yield Problem(text.file, text.lines["varies"], what)
    if procedure.audience is Audience.CHILD:
        yield from _too_old_for_a_child(text)
        yield from _lacking_for_a_child(text)
        yield from _unheard_question(text)
    if not procedure.reviewer:
        yield Problem(text.file, 1, "Nobody has signed this text yet (`reviewer`).", blocking=False)


def _lines_shown(text: LoadedText) -> Iterator[tuple[int, str]]:
    """Each line of a text that a reader sees, with its number."""
    yield text.lines["title"], text.procedure.title
    for name in HEADINGS[ORIGINAL_LANGUAGE]:
        value = getattr(text.procedure, name)
        if isinstance(value, str):
            if value:
                yield text.lines[name], value
        else:
            yield from ((text.lines[f"{name}.{at}"], item) for at, item in enumerate(value))


def _country_in(words: str, language: str) -> str | None:
    """The first country that is named in `words`, as it is written there."""
    hit = _country_names(language).search(words)
    return hit.group(1) if hit else None


@cache
def _country_names(language: str) -> re.Pattern[str]:
    """The names of all countries in one language, longest first. Capitals count; Arabic sets "and" or "in" before."""
    codes = [code for code in map(str, Locale(language).territories) if is_jurisdiction(code) and code not in REGIONS]
    names = sorted({*(country_name(code, language) for code in codes), "USA", "US", "EE. UU.", "UK"}, key=len)
    before = "[وبلف]{0,2}" if language == "ar" else ""
    return re.compile(rf"(?<!\w){before}({'|'.join(re.escape(name) for name in reversed(names))})(?!\w)")


def _first_message_too_long(text: LoadedText) -> Iterator[Problem]:
    procedure = text.procedure
    count, limit = len(f"{procedure.first_answer} {procedure.never}".split()), FIRST_MESSAGE_WORDS[procedure.audience]
    if count > limit:
        what = f"The first answer and what never to do are {count} words together; {limit} is the most."
        yield Problem(text.file, text.lines["first_answer"], what)


def _too_long(text: LoadedText, name: str, limit: float) -> Iterator[Problem]:
    value = getattr(text.procedure, name)
    for at, words in enumerate((value,) if isinstance(value, str) else value):
        count = len(words.split())
        if count > int(limit):
            line = text.lines[name] if isinstance(value, str) else text.lines[f"{name}.{at}"]
            yield Problem(text.file, line, f"These are {count} words; {int(limit)} is the most.")


def _wrong_words(text: LoadedText, line: int, words: str) -> Iterator[Problem]:
    language, audience, lower = text.procedure.language, text.procedure.audience, comparable(words)
    for pattern in FORBIDDEN[language]:
        if hit := re.search(pattern, lower):
            yield Problem(text.file, line, f"We do not write {hit.group()!r}; say it without judging.")
    if promise := promise_in(words, language):
        what = f"{promise!r} is a promise that may not be kept; say what is done, not how it ends."
        yield Problem(text.file, line, what)
    for web in _web_addresses(words):
        yield Problem(text.file, line, f"{web!r} is a web address; those are in the directory.")
    address = ADDRESS.get((language, audience))
    if address and (hit := re.search(address, lower)):
        yield Problem(text.file, line, f"{hit.group()!r} is not how a {audience} is addressed; see the other lines.")
    if _FOREIGN_DIGITS.search(words):
        yield Problem(text.file, line, "Write numbers as people dial them: 0 to 9.")
    for hit in _DIALLED.finditer(words):
        if _looks_dialled(hit.group()):
            yield Problem(text.file, line, f"{hit.group()!r} looks like a number to dial; those are in the directory.")
    if audience is Audience.CHILD:
        yield from _hard_for_a_child(text, line, words)
        yield from _misread_by_a_child(text, line, words)


def _looks_dialled(number: str) -> bool:
    """Whether this is a telephone number we did not allow, rather than a count, a range or a year."""
    digits = sum(letter.isdigit() for letter in number)
    if number in PUBLIC_NUMBERS or _YEAR.fullmatch(number):
        return False
    return digits >= (7 if "-" in number else 3)


def _hard_for_a_child(text: LoadedText, line: int, words: str) -> Iterator[Problem]:
    limit = int(CHILD_SENTENCE_WORDS * WIDENED[text.procedure.language])
    for sentence in _SENTENCE_END.split(words):
        if len(sentence.split()) > limit:
            yield Problem(
                text.file, line, f"This sentence has more than {limit} words; make two of it: {sentence.strip()!r}."
            )
    if hit := re.search(LAW_WORDS[text.procedure.language], words.casefold()):
        yield Problem(text.file, line, f"{hit.group()!r} is law; a child does not need it. Say it in everyday words.")
    if hit := re.search(CHILD_WORDS[text.procedure.language], words.casefold()):
        yield Problem(text.file, line, f"{hit.group()!r} is not for a child to read; say it with everyday words.")


def _misread_by_a_child(text: LoadedText, line: int, words: str) -> Iterator[Problem]:
    language, lower = text.procedure.language, words.casefold()
    if language in READ_AS_FORBIDDING and (hit := re.search(READ_AS_FORBIDDING[language], lower)):
        what = f"{hit.group()!r} gives leave, and a child may read that it forbids; say it so that nobody can."
        yield Problem(text.file, line, what)
    if language in FOR_BOYS_ONLY and (hit := re.search(FOR_BOYS_ONLY[language], lower)):
        what = f"{hit.group()!r} speaks to boys only; say it without, or give both forms."
        yield Problem(text.file, line, what)


def _lacking_for_a_child(text: LoadedText) -> Iterator[Problem]:
    """What every text for a child has: a number to call, and one thing that must not happen."""
    procedure = text.procedure
    if EMERGENCY_NUMBER not in procedure.first_answer:
        what = f"A child is told whom to call in danger: put {EMERGENCY_NUMBER} into the first answer."
        yield Problem(text.file, text.lines["first_answer"], what)
    if hit := re.search(GIVES_LEAVE[procedure.language], procedure.never.casefold()):
        what = f"{hit.group()!r} gives leave; here stands what must never be done."
        yield Problem(text.file, text.lines["never"], what)


def _unheard_question(text: LoadedText) -> Iterator[Problem]:
    """Where a text asks "are you safe?", the mark is what makes a "no" call an officer."""
    procedure = text.procedure
    asks = [line for line, words in _lines_shown(text) if asks_whether_safe(words, procedure.language)]
    if asks and not procedure.asks_safety:
        what = "This asks whether the child is safe; say `asks_safety: true` in the English, so that a no is heard."
        yield Problem(text.file, asks[0], what)
    elif procedure.asks_safety and not asks_whether_safe(procedure.first_answer, procedure.language):
        what = "`asks_safety` says that this asks whether the child is safe. Ask so in these words, or take it out."
        yield Problem(text.file, text.lines["first_answer"], what)


def _too_old_for_a_child(text: LoadedText) -> Iterator[Problem]:
    procedure = text.procedure
    shown = "\n".join((procedure.first_answer, procedure.never, *procedure.steps, procedure.why))
    age = reading_age(shown, procedure.language)
    if age > CHILD_READS_AT:
        what = f"This asks for a reading age of {age}; shorter words and sentences bring it to {CHILD_READS_AT}."
        yield Problem(text.file, text.lines["first_answer"], what)


def _check_original(text: LoadedText, keys: set[str], on: date | None) -> Iterator[Problem]:
    procedure = text.procedure
    line, shown = text.lines.get("sources", 1), procedure.shown_sources()
    if not shown:
        what = "At least one source must be confirmed, or named by the domain pack; read one, or withdraw the text."
        yield Problem(text.file, line, what)
    elif procedure.jurisdiction == INTERNATIONAL and all(source.holds_in for source in shown):
        what = "No source of this that people are told holds everywhere; cite one, or put what is said into an overlay."
        yield Problem(text.file, line, what)
    elif all(source.status is not SourceStatus.CONFIRMED for source in shown):
        what = "No source of this is confirmed in the place it is cited for: a local expert must read one."
        yield Problem(text.file, line, what, blocking=False)
    if procedure.review_due - procedure.valid_from > LONGEST_REVIEW:
        yield Problem(
            text.file, text.lines.get("review_due", 1), "A review is due within a year; bring `review_due` forward."
        )
    if on is not None and procedure.in_force(on) and procedure.review_overdue(on):
        what = f"The review was due on {procedure.review_due.isoformat()}; read it again and set the next."
        yield Problem(text.file, text.lines.get("review_due", 1), what)
    for key in procedure.related:
        if key not in keys:
            what = f"`related` names {key!r}, and there is no such procedure; write it or take the name out."
            yield Problem(text.file, text.lines.get("related", 1), what)
    yield from _unverified_figures(text)


def _unverified_figures(text: LoadedText) -> Iterator[Problem]:
    """A figure that editors still have to verify must not stand in the text as a fact."""
    unverified = {_quantity(hit) for note in text.procedure.to_verify for hit in _QUANTITY.finditer(note)}
    for line, words in _lines_shown(text):
        for hit in _QUANTITY.finditer(words):
            if _quantity(hit) in unverified:
                yield Problem(
                    text.file,
                    line,
                    f"{hit.group()!r} still needs verification (`to_verify`); take it out, or verify it.",
                )


def _quantity(hit: re.Match[str]) -> tuple[str, str]:
    return hit.group(1).replace("–", "-"), hit.group(2).casefold()


def _check_translation(text: LoadedText, original: LoadedText) -> Iterator[Problem]:
    if text.procedure.translation_state is TranslationState.OUTDATED:
        now = fingerprint(original.procedure)
        what = f"The English has changed since this was translated (`of` is {text.translation_of}, it is {now} now)."
        yield Problem(text.file, text.lines["translation"], f"{what} Read it again, then stamp it.")
    for name in HEADINGS[ORIGINAL_LANGUAGE]:
        yield from _check_same_shape(text, original, name)


def _check_same_shape(text: LoadedText, original: LoadedText, name: str) -> Iterator[Problem]:
    """A translation has the items and the numbers of its original, section by section."""
    ours, theirs = getattr(text.procedure, name), getattr(original.procedure, name)
    line = text.lines.get(name, 1)
    heading = HEADINGS[text.procedure.language][name]
    if name in PARAGRAPHS:
        ours, theirs = (ours,) if ours else (), (theirs,) if theirs else ()
    if len(ours) != len(theirs):
        kind = "steps" if name in NUMBERED else "items"
        yield Problem(
            text.file, line, f"{heading!r} has {len(ours)} {kind}, the English has {len(theirs)}; bring them together."
        )
        return
    for at, (here, there) in enumerate(zip(ours, theirs, strict=True)):
        if _figures(here, text.procedure.language) != _figures(there, text.procedure.language):
            figures = ", ".join(_FIGURE.findall(there)) or "no number"
            where = text.lines.get(f"{name}.{at}", line) if name not in PARAGRAPHS else line
            yield Problem(text.file, where, f"The numbers differ from the English, which has {figures}.")


def _figures(words: str, language: str) -> list[str]:
    """The numbers to compare. Arabic says one and two by the form of the word, so there they do not count."""
    return sorted(figure for figure in _FIGURE.findall(words) if language != "ar" or figure not in {"1", "2"})
