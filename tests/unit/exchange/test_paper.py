"""The paper of a record as a PDF: the words of the page, the signed record within it, and never a box for a letter."""

from __future__ import annotations

import re
import zlib

import pytest
from msgspec.structs import replace

from bot.exchange.records import credential
from bot.exchange.records.model import Absence, Copy, Entry, Severity
from bot.exchange.records.paper import letters, pdf
from bot.exchange.records.paper.pair import sides_of
from bot.exchange.records.reading import Signer, Trust, read
from bot.kernel.words import Words
from tests.unit.exchange.test_records import COPY_ID, HEALTH, KEYS
from tests.unit.exchange.world import NOON

WORDS = Words.load()
SIGNED = credential.sign(Copy(COPY_ID, HEALTH, "Casa Sol", NOON), **KEYS)


def said(record=HEALTH, issuer="Casa Sol"):
    copy = Copy(COPY_ID, record, issuer, NOON)
    return sides_of(copy, ("fr", "ar"), WORDS.text, codes=1, codes_left_out=True)


async def printed(sides):
    square = (10, "M4,4h2v2h-2z", "Code 1")
    return await pdf.pdf_of(sides, [square], signed=SIGNED, say=WORDS.text, at=NOON)


def test_the_page_says_each_line_in_its_own_language_and_how_grave_it_is():
    grave = Entry("pénicilline", "بنسلين", "éruption", "2024", severity=Severity.LIFE_THREATENING, by="Dr N.")
    french, arabic = said(replace(HEALTH, entries={"allergies": (grave,)}, absences={"problems": Absence.NONE}))

    assert [(side.language, side.direction) for side in (french, arabic)] == [("fr", "ltr"), ("ar", "rtl")]
    problems, allergies, medicines = french.parts
    assert (allergies.lines[0].text, arabic.parts[1].lines[0].text) == ("pénicilline", "بنسلين")
    assert allergies.lines[0].severity == WORDS.text("fr", "can be life-threatening")
    assert problems.empty == WORDS.text("fr", "None known: it was asked")
    assert medicines.empty == WORDS.text("fr", "No information here")
    assert "Casa Sol" in french.notes[1]


async def test_a_pdf_is_made_with_the_letters_of_every_script_and_the_signed_record_is_found_in_it():
    names = "Đỗ Ірина پښتو گچپژ ٹڈڑ አስቴር রাজশ্রী क्षत्रिय ગુજરાતી ਪੰਜਾਬੀ தமிழ் မြန်မာ ქართული Հայ שלום"
    grave = Entry(names, "ربو #strong[x] $a$ \\u{41} </b>", "<b>", severity=Severity.SEVERE)
    sides = said(replace(HEALTH, entries={**HEALTH.entries, "problems": (grave,) * 40}))

    made = await printed(sides)

    fonts = set(re.findall(rb"/BaseFont ?/[A-Z]+\+(\w+)-Regular", _opened(made)))
    assert fonts == {path.stem.encode() for path in letters.FONTS.glob("*.ttf")}
    assert pdf.signed_in(made) == SIGNED
    assert len(made) < 250_000
    found = read(pdf.signed_in(made), signer_of=lambda public: Signer(Trust.OURS))
    assert found.record.facts == HEALTH.facts
    assert await printed(sides) == made  # nothing of when and where it was printed is in it


async def test_what_no_font_can_show_is_said_and_not_printed_as_boxes():
    chinese = Entry("王小明对青霉素过敏", "hives 😀", "rash\x00 \x1b", by="ไทย")
    assert await printed(said(replace(HEALTH, entries={"problems": (chinese,)}), issuer="ߒߞߏ"))

    side = pdf._printable(said(replace(HEALTH, entries={"problems": (chinese,)}))[0], WORDS.text)
    sentence = WORDS.text("fr", pdf.NOT_PRINTABLE)
    assert sentence in side.parts[0].lines[0].text
    assert sentence in side.parts[0].lines[0].by
    assert letters.can_print("Ali \u2068e\u0301\u2069 ع\u064e")
    assert not letters.can_print("አ\u0301")  # each is in a font, and no font has both


async def test_a_page_that_would_have_boxes_on_it_is_not_given_out(monkeypatch):
    monkeypatch.setattr(pdf, "can_print", lambda text: True)
    with pytest.raises(pdf.NoPress):
        await printed(said(replace(HEALTH, entries={"problems": (Entry("王小明"),)})))


def test_a_file_that_is_no_pdf_of_ours_holds_nothing_whatever_it_swells_to():
    swells = zlib.compress(b"a.b." + b"c" * 10_000_000)
    for content in (b"", b"%PDF-", b"%PDF-" + b"stream" * 60_000, b"%PDF-stream\n" + swells + b"\nendstream"):
        assert pdf.signed_in(content) is None
    assert pdf.signed_in(b"%PDF-stream\r\nab.cd.ef\nendstream") == "ab.cd.ef"


def _opened(made: bytes) -> bytes:
    """All of a PDF, its packed streams unpacked."""
    content = bytearray(made)
    for found in re.finditer(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL):
        try:
            content += zlib.decompress(found[1])
        except zlib.error:
            continue
    return bytes(content)
