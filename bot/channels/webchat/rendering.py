"""From a message's plain text to a few safe HTML elements: a heading, paragraphs, numbered steps, isolated numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable
from itertools import groupby

from markupsafe import Markup, escape
from msgspec import Struct
from msgspec.structs import replace

from bot.channels.ports import SaidLine

LONGEST_HEADING = 90
#: Letters of a message that are shown whatever they weigh, and letters after which no gap is waited for.
LEAST_SHOWN = 200
LONGEST_WORD = 60
STEP = re.compile(r"^(\d{1,2})[.)]\s+(.*)$")
#: Numbers people dial, and numbers with a unit or a colon: kept left to right inside Arabic text.
#: One that belongs to a name, as in CM/Rec(2022)22, stays with it: apart, an Arabic line shows that name in pieces.
_ALONE = r"(?<![\w/.-])(?<![A-Za-z]\()(?<!\d{4}\))"
NUMBER = re.compile(rf"{_ALONE}\+?\d(?:[\d\s:–-]|[.,](?!\s))*\d(?![\w/])|{_ALONE}\d(?![\w/])")
#: A number with its country, whole: pressed on a phone, it is dialled.
PHONE = re.compile(r"\+\d[\d\s().–-]{5,}\d")
NOT_DIALLED = re.compile(r"[\s().–-]")
LINK = re.compile(r"https://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
#: How a line begins that is one of several, and one that says what never to do.
POINT, NEVER = "• ", "✋ "
LINK_SCHEMES = ("tel:", "https:", "geo:", "mailto:")


class Tap(Struct, frozen=True):
    """A button that sends something back. `index` names it among the line's buttons."""

    index: int
    title: str


class Link(Struct, frozen=True):
    """A button that opens something: a call, a map."""

    url: str
    title: str


class RenderedLine(Struct, frozen=True):
    """A line of the conversation as the page shows it."""

    seq: int
    author: str
    language: str
    html: Markup
    taps: tuple[Tap, ...]
    links: tuple[Link, ...]
    file: str = ""  # what a person would call the file that came with it
    wordless: str = ""  # what the person sent without words
    goes_on: int = 0  # the letter with which the rest begins, where this is not all of it

    @property
    def is_card(self) -> bool:
        return bool(self.links)


def render_line(line: SaidLine, short_numbers: Collection[str] = ()) -> RenderedLine:
    """A line ready for the template. Nothing in `line.text` is ever taken for HTML.

    In what was not written by the person, `short_numbers` can be pressed to dial them, as phone numbers can.
    """
    return _rendered(line, line.text, short_numbers)


def render_part(line: SaidLine, short_numbers: Collection[str] = (), *, room: int, start: int = 0) -> RenderedLine:
    """As much of a line, from the letter `start` on, as its words weigh at most about `room` bytes on the page; the
    least of all is a few words. What was left out is `goes_on`."""
    rest = line.text[start:]
    end = len(rest)
    while True:
        part = _rendered(line, rest[:end] + ("…" if end < len(rest) else ""), short_numbers)
        weight = len(part.html.encode())
        if weight <= room or end <= LEAST_SHOWN:
            return part if end == len(rest) else replace(part, goes_on=start + end)
        end = _between_words(rest, max(LEAST_SHOWN, end * room // weight * 9 // 10))


def _rendered(line: SaidLine, text: str, short_numbers: Collection[str]) -> RenderedLine:
    links = tuple(Link(b.url, b.title) for b in line.buttons if b.url.startswith(LINK_SCHEMES))
    if line.author == "person":
        html = _paragraph(text.splitlines())
    else:
        html = _blocks(_name_first(text) if links else text, frozenset(short_numbers))
    taps = tuple(Tap(index, b.title) for index, b in enumerate(line.buttons) if b.payload)
    return RenderedLine(line.seq, line.author, line.language, html, taps, links, line.file, line.wordless)


def _between_words(text: str, end: int) -> int:
    """The nearest gap before `end`, if one is near."""
    gap = max(text.rfind(" ", 0, end), text.rfind("\n", 0, end))
    return gap if gap > end - LONGEST_WORD and gap > 0 else end


def _name_first(text: str) -> str:
    """A card says its name on the second line, because a locked phone shows the first. Here there is no such screen.

    What follows are facts of different kinds, each a paragraph of its own.
    """
    state, *rest = text.splitlines()
    name, *facts = rest or [state]
    return "\n".join([name, "\n\n".join([state, *facts] if rest else facts)])


def _blocks(text: str, short: frozenset[str]) -> Markup:
    html = Markup()
    for number, block in enumerate(re.split(r"\n\s*\n", text.strip())):
        lines = [line.strip() for line in block.splitlines() if line.strip()]
        if number == 0 and _is_heading(lines, text):
            html += Markup("<h2>{}</h2>").format(inline(lines[0], short))
            lines = lines[1:]
        html += _lines(lines, short)
    return html


def _is_heading(lines: list[str], text: str) -> bool:
    """A short first line with more below it and no full stop at its end is what the message is about."""
    if not lines or "\n" not in text.strip():
        return False
    return len(lines[0]) <= LONGEST_HEADING and lines[0][-1] not in ".!؟?:،,;" and STEP.match(lines[0]) is None


def _lines(lines: Iterable[str], short: frozenset[str]) -> Markup:
    """Lines in a row that are of one kind are one element."""
    html = Markup()
    for kind, of_kind in groupby(lines, _kind):
        html += _ELEMENTS[kind](list(of_kind), short)
    return html


def _kind(line: str) -> str:
    if STEP.match(line):
        return "step"
    return line[:2] if line[:2] in _ELEMENTS else "words"


def _paragraph(lines: list[str], short: frozenset[str] | None = None) -> Markup:
    if not lines:
        return Markup()
    return Markup("<p>{}</p>").format(Markup("<br>").join(inline(line, short) for line in lines))


def _ordered(lines: list[str], short: frozenset[str]) -> Markup:
    start = int(STEP.sub(r"\1", lines[0]))
    return Markup('<ol start="{}">{}</ol>').format(start, _items((STEP.sub(r"\2", line) for line in lines), short))


def _unordered(lines: list[str], short: frozenset[str]) -> Markup:
    return Markup("<ul>{}</ul>").format(_items((line.removeprefix(POINT) for line in lines), short))


def _never(lines: list[str], short: frozenset[str]) -> Markup:
    """What never to do. Its sign is drawn: old phones have no picture for it and show a box."""
    return Markup().join(
        Markup('<p class="never">{}</p>').format(inline(line.removeprefix(NEVER), short)) for line in lines
    )


def _items(lines: Iterable[str], short: frozenset[str]) -> Markup:
    return Markup().join(Markup("<li>{}</li>").format(inline(line, short)) for line in lines)


_ELEMENTS: dict[str, Callable[[list[str], frozenset[str]], Markup]] = {
    "step": _ordered,
    POINT: _unordered,
    NEVER: _never,
    "words": _paragraph,
}


def inline(text: str, short: frozenset[str] | None = None) -> Markup:
    """Escaped text with https links made links and numbers isolated from the direction around them; with `short`, those
    of the numbers that are phone numbers or stand there are links that dial."""
    html, at = Markup(), 0
    for found in LINK.finditer(text):
        html += _numbers(text[at : found.start()], short)
        html += Markup('<a href="{0}" rel="noreferrer noopener">{0}</a>').format(found[0])
        at = found.end()
    return html + _numbers(text[at:], short)


def _numbers(text: str, short: frozenset[str] | None) -> Markup:
    html, at = Markup(), 0
    for found in NUMBER.finditer(text):
        html += escape(text[at : found.start()]) + _number(found[0], short)
        at = found.end()
    return html + escape(text[at:])


def _number(number: str, short: frozenset[str] | None) -> Markup:
    shown = Markup('<bdi dir="ltr">{}</bdi>').format(number)
    if short is None or not (number in short or PHONE.fullmatch(number)):
        return shown
    return Markup('<a href="tel:{}">{}</a>').format(NOT_DIALLED.sub("", number), shown)
