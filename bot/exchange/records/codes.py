"""A record in QR codes: the same facts in short form, deflated, signed, and cut into as many codes as it takes.

What is signed is an ordinary JWS (`token`), whose payload is raw deflate of a JSON list. In a code its header is left
out, for the key alone makes it again, and the bytes are written in base32: a phone reads that as capital letters and
digits, which survive copying. `WAYMARK1:2:3:ABCD:…` is the second of three; ABCD is the same for all of one record.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from bot.exchange import jose
from bot.exchange.jose import NotOurs
from bot.exchange.records import token
from bot.exchange.records.model import (
    FACTS,
    LONGEST,
    MOST_ENTRIES,
    SECTIONS,
    Absence,
    Copy,
    Entry,
    Kind,
    Record,
    Severity,
    Source,
)

#: Characters after the head of one code. With it, a code of version 16: 81 modules a side, read by an old phone.
PART: Final = 600
MOST_CODES: Final = 6
#: More than this no record of ours can be: what swells further is no record.
LONGEST_INFLATED: Final = 64 * 1024
MARK: Final = "WAYMARK1"
_CODE = re.compile(rf"{MARK}:([1-9]):([1-9]):([A-Z2-7]{{4}}):([A-Z2-7]{{1,{PART}}})")
_FORMAT = 1
_SOURCES, _SEVERITIES = tuple(Source), tuple(Severity)


class Incomplete(NotOurs):
    """Codes are missing: `missing` has their numbers."""

    def __init__(self, missing: Sequence[int], of: int) -> None:
        super().__init__("incomplete")
        self.missing, self.of = tuple(missing), of


class Codes(Struct, frozen=True):
    """The codes of a record, none where it does not fit; what they leave out; and how many signed bytes they hold."""

    parts: Sequence[str]
    left_out: Sequence[str]  # codes of sections, and `also`
    size: int


def codes_of(copy: Copy, *, private: bytes, public: bytes) -> Codes:
    """As much of a copy as fits, the most needed first. What had to stay out is named."""
    size = 0
    for record, left_out in _shorter_and_shorter(copy.record):
        packed = pack(replace(copy, record=record), private=private, public=public)
        size = len(packed)
        parts = split(packed)
        if len(parts) <= MOST_CODES:
            return Codes(parts, left_out, size)
    return Codes((), (), size)


def _shorter_and_shorter(record: Record) -> Iterator[tuple[Record, tuple[str, ...]]]:
    """First whole, then without the second language, then without what is not required, the last section first."""
    yield record, ()
    left_out: tuple[str, ...] = ()
    if any(one.also for lines in record.entries.values() for one in lines):
        plain = {code: [replace(one, also="") for one in lines] for code, lines in record.entries.items()}
        record, left_out = replace(record, entries=plain), ("also",)
        yield record, left_out
    for section in reversed(SECTIONS[record.kind]):
        if record.of(section.code) and not section.required:
            entries = {code: lines for code, lines in record.entries.items() if code != section.code}
            record, left_out = replace(record, entries=entries), (*left_out, section.code)
            if not record.is_empty:
                yield record, left_out


def pack(copy: Copy, *, private: bytes, public: bytes) -> bytes:
    """Public key, signature, deflated payload."""
    deflate = zlib.compressobj(9, zlib.DEFLATED, -15)
    said = json.dumps(_short(copy), ensure_ascii=False, separators=(",", ":")).encode()
    payload = deflate.compress(said) + deflate.flush()
    signed = token.sign(payload, typ=token.CODES, private=private, public=public)
    return public + jose.decode(signed.split(".")[2]) + payload


def split(packed: bytes) -> list[str]:
    letters = base64.b32encode(packed).decode().rstrip("=")
    tag = base64.b32encode(hashlib.sha256(packed).digest()).decode()[:4]
    count = -(-len(letters) // PART)
    if count > 9:
        return [""] * count  # too many to be numbered, and to be carried
    even = -(-len(letters) // count)
    cut = [letters[start : start + even] for start in range(0, len(letters), even)]
    return [f"{MARK}:{number}:{len(cut)}:{tag}:{part}" for number, part in enumerate(cut, 1)]


def join(text: str) -> str | None:
    """The JWS that the codes in a text make, whatever their order. None if there is no code in it.

    Raises Incomplete, and NotOurs where they do not belong together.
    """
    found = _CODE.findall("".join(text.upper().split()).replace(MARK, f"\n{MARK}"))
    if not found:
        return None
    counts, tags = {count for _, count, _, _ in found}, {tag for _, _, tag, _ in found}
    parts = {int(number): part for number, _, _, part in found}
    if len(counts) != 1 or len(tags) != 1:
        raise NotOurs("codes of several records")
    count = int(counts.pop())
    if missing := [number for number in range(1, count + 1) if number not in parts]:
        raise Incomplete(missing, count)
    letters = "".join(parts[number] for number in range(1, count + 1))
    try:
        packed = base64.b32decode(letters + "=" * (-len(letters) % 8))
    except (binascii.Error, ValueError):
        raise NotOurs("base32") from None
    key, rest = packed[: jose.KEY_BYTES], packed[jose.KEY_BYTES :]
    signature, payload = rest[: token.SIGNATURE_BYTES], rest[token.SIGNATURE_BYTES :]
    return ".".join(jose.encode(each) for each in (token.header(token.CODES, key), payload, signature))


def inflate(payload: bytes) -> Any:
    """The JSON value in a payload. Raises NotOurs where it swells beyond any record."""
    try:
        machine = zlib.decompressobj(-15)
        raw = machine.decompress(payload, LONGEST_INFLATED)
        if not machine.eof or machine.unused_data:
            raise NotOurs("deflate")
        return json.loads(raw.decode("utf-8"))
    except (zlib.error, UnicodeDecodeError, ValueError, RecursionError):
        raise NotOurs("deflate") from None


def _short(copy: Copy) -> list[Any]:
    record = copy.record
    return [
        _FORMAT,
        record.kind.value[0],
        int(copy.made_at.timestamp()),
        record.language,
        record.second,
        [record.facts.get(fact.code, "") for fact in FACTS[record.kind]],
        [_short_section(record, section.code) for section in SECTIONS[record.kind]],
    ]


def _short_section(record: Record, code: str) -> list[list[Any]] | int:
    """The lines; or 0 for none known, 1 for no information."""
    if record.of(code):
        return [_short_entry(one) for one in record.of(code)]
    return 0 if record.why_empty(code) is Absence.NONE else 1


def _short_entry(one: Entry) -> list[Any]:
    severity = _SEVERITIES.index(one.severity) + 1 if one.severity else 0
    said: list[Any] = [one.text, one.detail, one.when, _SOURCES.index(one.source), one.by, one.also, severity]
    while len(said) > 1 and said[-1] in ("", 0):
        said.pop()
    return said


def read(payload: bytes) -> tuple[Record, datetime]:
    """A record out of a payload whose signature fits, and when it was made. Raises NotOurs.

    A signature says who wrote it, not that they wrote sense: everything is looked at.
    """
    value = inflate(payload)
    try:
        version, letter, made, language, second, facts, sections = value
        kind = next(kind for kind in Kind if kind.value[0] == letter)
        if version != _FORMAT or type(made) is not int or len(sections) != len(SECTIONS[kind]):
            raise NotOurs("format")
        record = Record(
            kind,
            _text(language)[:16],
            _text(second)[:16],
            {fact.code: _text(said) for fact, said in zip(FACTS[kind], facts, strict=True)},
            {
                section.code: tuple(_entry(one) for one in said[:MOST_ENTRIES])
                for section, said in zip(SECTIONS[kind], sections, strict=True)
                if isinstance(said, list)
            },
            {
                section.code: Absence.NONE if said == 0 else Absence.UNKNOWN
                for section, said in zip(SECTIONS[kind], sections, strict=True)
                if not isinstance(said, list)
            },
        )
        return record, datetime.fromtimestamp(made, UTC)
    except (TypeError, ValueError, KeyError, IndexError, StopIteration, OverflowError, OSError):
        raise NotOurs("format") from None


def _entry(said: Any) -> Entry:
    whole: list[Any] = [*said, *("", "", "", 0, "", "", 0)[len(said) :]]
    text, detail, when, source, by, also, grade = whole[:7]  # what a later release says beside is no reason to refuse
    severity = _SEVERITIES[int(grade) - 1] if grade else None
    entry = Entry(_text(text), _text(also), _text(detail), _text(when)[:10], _SOURCES[int(source)], _text(by))
    return replace(entry, severity=severity)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise NotOurs("text")
    return value[:LONGEST]
