"""The paper of a copy as a PDF file: the same words and codes as the page to print, and the signed record within it.

The PDF itself is not signed. What can be checked is what is in it: the codes, and the signed file, which `signed_in`
finds again in whatever PDF somebody brings.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import unicodedata
import zlib
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from msgspec import to_builtins
from msgspec.structs import replace

from bot.exchange.records.paper.letters import can_print
from bot.exchange.records.paper.pair import Line, Part, Say, Side
from bot.kernel.words import N_

#: Where a script is none of ours: in the place of the words.
NOT_PRINTABLE = N_("Written in letters that this page cannot show. The signed record has it.")
ATTACHED = N_("The signed record is in this PDF file: a program can check that nothing was changed.")

PRESS: Final = Path(__file__).with_name("press.py")
#: Longer than this no page takes, even on a small machine that is busy.
SECONDS: Final = 30
#: So many at once: each takes 40 MB while it works, and who presses the button ten times waits.
PRESSES: Final = asyncio.Semaphore(2)
BEGINS: Final = b"%PDF-"
#: More than this no record of ours can be, however small it was packed.
LONGEST_SIGNED: Final = 256 * 1024
_SIGNED = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


class NoPress(Exception):
    """No PDF could be made here now. The page to print has the same."""


async def pdf_of(
    sides: Sequence[Side], codes: Sequence[tuple[int, str, str]], *, signed: str, say: Say, at: datetime
) -> bytes:
    """The paper as a PDF. `codes`: side length, SVG path and name of each; `signed`: the record as a signed file.

    Raises NoPress.
    """
    whole = [replace(side, notes=(*side.notes, say(side.language, ATTACHED))) for side in sides]
    said = {
        "sides": [to_builtins(_printable(side, say)) for side in whole],
        "codes": [{"svg": _svg(size, path), "alt": alt} for size, path, alt in codes],
        "signed": signed,
        "attached": say(sides[0].language, ATTACHED),
    }
    async with PRESSES:
        return await _press(json.dumps({"said": said, "at": int(at.timestamp())}).encode())


async def _press(asked: bytes) -> bytes:
    """Have it typeset by a program of its own, which is told nothing but this: no setting, no key."""
    try:
        press = await asyncio.create_subprocess_exec(
            sys.executable, "-I", str(PRESS), env={},
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
    except OSError:
        raise NoPress from None
    try:
        async with asyncio.timeout(SECONDS):
            made, _ = await press.communicate(asked)
    except TimeoutError:
        raise NoPress from None
    finally:
        if press.returncode is None:
            press.kill()
            await press.wait()
    if press.returncode or not made.startswith(BEGINS):
        raise NoPress
    return made


def _printable(side: Side, say: Say) -> Side:
    """Itself, with a sentence of ours in the place of what the fonts cannot show."""

    def shown(text: str) -> str:
        plain = "".join(each for each in unicodedata.normalize("NFC", text) if unicodedata.category(each) != "Cc")
        return plain if can_print(plain) else say(side.language, NOT_PRINTABLE)

    def isolated(text: str) -> str:
        return f"\u2068{shown(text)}\u2069" if text else ""  # for a date in an Arabic line would turn round

    def line(one: Line) -> Line:
        return Line(
            isolated(one.text),
            shown(one.severity),
            isolated(one.detail),
            isolated(one.when),
            shown(one.source),
            isolated(one.by),
        )

    parts = tuple(Part(part.title, tuple(map(line, part.lines)), part.empty) for part in side.parts)
    facts = tuple((title, isolated(value)) for title, value in side.facts)
    return replace(side, facts=facts, parts=parts, notes=tuple(map(shown, side.notes)))


def _svg(size: int, path: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size} {size}"><path d="{path}"/></svg>'


def signed_in(file: bytes) -> str | None:
    """The signed record in a PDF; None where there is none. What it is worth is the signature's to say."""
    end = 0
    while (start := file.find(b"stream", end)) >= 0 and (end := file.find(b"endstream", start + 6)) >= 0:
        content = _unpacked(file[start + 6 : end].lstrip(b"\r\n")).strip()
        if _SIGNED.fullmatch(content):
            return content.decode("ascii")
        end += len(b"endstream")
    return None


def _unpacked(content: bytes) -> bytes:
    """What a stream holds, packed or not; b"" for what swells further than any record."""
    unpacking = zlib.decompressobj()
    try:
        text = unpacking.decompress(content, LONGEST_SIGNED)
    except zlib.error:
        return content if len(content) <= LONGEST_SIGNED else b""
    return text if unpacking.eof else b""
