"""What people send is looked at by its bytes; the copy of it has no place, time or owner in it, and still opens."""

from __future__ import annotations

import io
import random
import struct
import wave
import zlib
from pathlib import Path

import pytest

from bot.conversations.attachments.examine import MOST_PIXELS, examine
from bot.conversations.attachments.model import Caution, Examined, Kind, copy_of
from bot.conversations.attachments.reading import HeldBytes
from bot.conversations.attachments.sounds import _checksum

FILES = Path(__file__).parents[2] / "files" / "attachments"
#: Stands for everything hidden: a place, a name, a device.
HIDDEN = b"43.791357,7.612468"


def file(name: str) -> bytes:
    return (FILES / name).read_bytes()


def looked_at(content: bytes, declared: str = "") -> Examined:
    return examine(HeldBytes(content), declared=declared)


def cleaned(content: bytes) -> bytes:
    found = looked_at(content)
    assert found.pieces is not None, found
    return copy_of(found.pieces, HeldBytes(content), 0, found.size)


# JPEG -------------------------------------------------------------------------------------------------------------


def segment(marker: int, said: bytes) -> bytes:
    return bytes([0xFF, marker]) + struct.pack(">H", len(said) + 2) + said


def exif(order: str = ">", orientation: int = 6) -> bytes:
    """Which way up, and the place behind it."""
    head = (b"MM\0*" if order == ">" else b"II*\0") + struct.pack(f"{order}I", 8)
    entries = struct.pack(f"{order}HHHIHHHHII", 2, 0x0112, 3, 1, orientation, 0, 0x8825, 4, 1, 38)
    return b"Exif\0\0" + head + entries + bytes(4) + HIDDEN


def with_hidden(photo: bytes, orientation: int = 6, order: str = ">") -> bytes:
    parts = [
        segment(0xE1, exif(order, orientation)),
        segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0<x>" + HIDDEN),
        segment(0xE2, b"ICC_PROFILE\0" + HIDDEN),
        segment(0xED, b"Photoshop 3.0\0" + HIDDEN),
        segment(0xFE, HIDDEN),
    ]
    return photo[:2] + b"".join(parts) + photo[2:] + file("film.mp4") + HIDDEN


@pytest.mark.parametrize("name", ["photo.jpg", "progressive.jpg"])
def test_a_photo_loses_place_owner_and_the_film_behind_it_and_keeps_every_point(name: str):
    photo = file(name)

    copy = cleaned(with_hidden(photo, orientation=1))

    assert HIDDEN not in copy
    assert copy == cleaned(photo)
    assert copy.endswith(photo[-200:])  # the points, byte for byte


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_photo_stays_the_right_way_up(order: str):
    copy = cleaned(with_hidden(file("photo.jpg"), orientation=6, order=order))

    assert HIDDEN not in copy
    [kept] = [copy[at:] for at in range(len(copy)) if copy.startswith(b"Exif\0\0", at)]
    assert struct.unpack_from(">HHHIH", kept, 14) == (1, 0x0112, 3, 1, 6)


def test_a_preview_inside_a_jfif_header_goes_too():
    preview = b"JFIF\0\1\1\0\0\1\0\1\2\2" + HIDDEN[:12]
    photo = file("photo.jpg")

    assert HIDDEN[:12] not in cleaned(photo[:2] + segment(0xE0, preview) + photo[2 + 18 :])


# PNG, WebP, GIF ---------------------------------------------------------------------------------------------------


def chunk(name: bytes, said: bytes) -> bytes:
    return struct.pack(">I", len(said)) + name + said + struct.pack(">I", zlib.crc32(name + said))


def test_a_png_loses_its_texts_and_what_comes_after_its_end():
    picture = file("picture.png")
    hidden = b"".join(
        chunk(name, b"x\0" + HIDDEN) for name in (b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME", b"iCCP", b"prVt")
    )

    copy = cleaned(picture[:33] + hidden + picture[33:] + HIDDEN)

    assert HIDDEN not in copy
    assert copy == cleaned(picture)
    assert copy.endswith(b"IEND\xaeB\x60\x82")


def test_a_webp_loses_its_exif_and_says_so():
    picture = file("picture.webp")
    width, height = 24 - 1, 16 - 1
    extended = b"VP8X" + struct.pack("<I", 10) + bytes([0x2C, 0, 0, 0]) + width.to_bytes(3, "little")
    extended += height.to_bytes(3, "little")
    hidden = b"".join(
        name + struct.pack("<I", len(HIDDEN)) + HIDDEN + bytes(len(HIDDEN) % 2) for name in (b"EXIF", b"XMP ", b"ICCP")
    )
    body = b"WEBP" + extended + picture[12:] + hidden

    copy = cleaned(b"RIFF" + struct.pack("<I", len(body)) + body)

    assert HIDDEN not in copy
    assert struct.unpack_from("<I", copy, 4)[0] == len(copy) - 8
    assert copy[20] & 0x2C == 0


def test_a_gif_keeps_moving_and_loses_its_comments():
    picture = file("picture.gif")
    note = b"\x21\xfe" + bytes([len(HIDDEN)]) + HIDDEN + b"\0"
    frame = picture.index(b"\x21\xf9")

    copy = cleaned(picture[:frame] + note + picture[frame:] + HIDDEN)

    assert HIDDEN not in copy
    assert copy == cleaned(picture)
    assert b"NETSCAPE2.0" in copy


# Sound and film ---------------------------------------------------------------------------------------------------


def box(name: bytes, *inside: bytes) -> bytes:
    body = b"".join(inside)
    return struct.pack(">I", len(body) + 8) + name + body


def put_into_moov(film: bytes, *boxes: bytes) -> bytes:
    at = film.index(b"moov") - 4
    size = struct.unpack_from(">I", film, at)[0]
    more = b"".join(boxes)
    return film[:at] + struct.pack(">I", size + len(more)) + film[at + 4 : at + size] + more + film[at + size :]


@pytest.mark.parametrize(
    ("name", "type_", "kind"), [("film.mp4", "video/mp4", Kind.VIDEO), ("voice.m4a", "audio/mp4", Kind.VOICE)]
)
def test_a_film_loses_place_and_time_and_nothing_in_it_moves(name: str, type_: str, kind: Kind):
    film = file(name)
    udta = box(b"udta", box(b"\xa9xyz", HIDDEN), box(b"loci", HIDDEN))
    hidden = put_into_moov(film, udta, box(b"meta", HIDDEN)) + box(b"uuid", HIDDEN) + box(b"free", HIDDEN)

    copy = cleaned(hidden)

    assert (looked_at(hidden).type, looked_at(hidden).kind) == (type_, kind)
    assert HIDDEN not in copy
    assert len(copy) == len(hidden)
    assert copy.index(b"mdat") == hidden.index(b"mdat")
    assert copy[copy.index(b"mdat") :][: len(film) // 4] == hidden[hidden.index(b"mdat") :][: len(film) // 4]
    at = copy.index(b"mvhd")
    assert copy[at + 8 : at + 16] == bytes(8)


def numbers(*each: int) -> bytes:
    return b"".join(struct.pack(">I", number) for number in each)


def a_track(kind: bytes, chunks: list[int], per_chunk: int, sizes: list[int]) -> bytes:
    table = box(
        b"stbl",
        box(b"stsc", numbers(0, 1, 1, per_chunk, 1)),
        box(b"stsz", numbers(0, 0, len(sizes), *sizes)),
        box(b"stco", numbers(0, len(chunks), *chunks)),
    )
    return box(b"trak", box(b"mdia", box(b"hdlr", bytes(8), kind, bytes(13)), box(b"minf", table)))


def a_whole_film(places: bytes) -> bytes:
    """Not in fragments: pictures, where the phone was, pictures, where the phone was; what is where stands behind."""
    ftyp = box(b"ftyp", b"qt  ", bytes(4))
    data = b"PICTURE1" + places + b"PICTURE2" + places
    start = len(ftyp) + 8
    second = start + 8 + len(places)
    half = len(places) // 2
    pictures = a_track(b"vide", [start, second], 1, [8, 8])
    third = a_track(b"meta", [start + 8, second + 8], 2, [half, len(places) - half] * 2)
    return ftyp + box(b"mdat", data) + box(b"moov", pictures, third)


def test_a_film_forgets_where_the_phone_was_at_each_second():
    film = a_whole_film(HIDDEN)

    copy = cleaned(film)

    assert HIDDEN not in copy
    assert len(copy) == len(film)
    assert copy[: film.index(b"moov")] == film[: film.index(b"moov")].replace(HIDDEN, bytes(len(HIDDEN)))
    assert (copy.count(b"trak"), copy.count(b"free")) == (1, 1)
    assert b"vide" in copy


def test_a_film_in_fragments_that_tells_where_the_phone_was_is_only_evidence():
    film = file("film.mp4")

    found = looked_at(put_into_moov(film, a_track(b"meta", [], 1, [])))

    assert found.pieces is None
    assert found.cautions == (Caution.NOT_CLEANED,)


def ogg_pages(content: bytes) -> list[bytes]:
    pages, at = [], 0
    while at < len(content):
        count = content[at + 26]
        end = at + 27 + count + sum(content[at + 27 : at + 27 + count])
        pages.append(content[at:end])
        at = end
    return pages


def test_a_voice_note_loses_its_comments_and_every_page_still_adds_up():
    voice = file("voice.ogg")
    assert HIDDEN in voice

    copy = cleaned(voice)

    assert looked_at(voice).type == "audio/ogg"
    assert HIDDEN not in copy
    assert b"a phone" not in copy
    pages = ogg_pages(copy)
    assert [len(page) for page in pages] == [len(page) for page in ogg_pages(voice)]
    assert pages[2:] == ogg_pages(voice)[2:]
    for page in pages:
        assert struct.unpack_from("<I", page, 22)[0] == _checksum(page[:22] + bytes(4) + page[26:])
    tags = pages[1][27 + pages[1][26] :]
    vendor = struct.unpack_from("<I", tags, 8)[0]
    assert struct.unpack_from("<I", tags, 12 + vendor)[0] == 0


def test_comments_that_fill_several_pages_are_overwritten_on_all_of_them():
    head, _, *sound = ogg_pages(file("voice.ogg"))
    comments = b"OpusTags" + struct.pack("<I", 4) + b"xxxx" + struct.pack("<II", 1, 80_000) + HIDDEN * 5000
    comments = comments[: 20 + 80_000]
    pages = []
    for number, start in enumerate(range(0, len(comments), 255 * 255)):
        part = comments[start : start + 255 * 255]
        lacing = bytes([255] * (len(part) // 255)) + (b"" if len(part) == 255 * 255 else bytes([len(part) % 255]))
        header = b"OggS\0" + bytes([number > 0]) + bytes(8) + head[14:18] + struct.pack("<I", number + 1) + bytes(4)
        page = header + bytes([len(lacing)]) + lacing + part
        pages.append(page[:22] + struct.pack("<I", _checksum(page)) + page[26:])

    copy = cleaned(b"".join([head, *pages, *sound]))

    assert HIDDEN not in copy
    assert copy.endswith(b"".join(sound))


def test_music_loses_its_tags_at_both_ends():
    frames = b"\xff\xfb\x90\x00" + bytes(413)
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, 32 + len(HIDDEN), 1, 0) + bytes(8)
    id3 = b"ID3\x04\0\0" + bytes([0, 0, 0, len(HIDDEN)]) + HIDDEN

    assert cleaned(id3 + frames * 3 + HIDDEN + ape + b"TAG" + HIDDEN.ljust(125)) == frames * 3


def test_a_recording_loses_its_list_of_facts():
    held = io.BytesIO()
    with wave.open(held, "wb") as recording:
        recording.setparams((1, 1, 8000, 0, "NONE", ""))
        recording.writeframes(b"\x80" * 100)
    plain = held.getvalue()
    hidden = b"LIST" + struct.pack("<I", len(HIDDEN)) + HIDDEN + bytes(len(HIDDEN) % 2)

    copy = cleaned(plain + hidden)

    assert copy == plain


@pytest.mark.parametrize(
    "bomb",
    [
        file("film.mp4") + box(b"free") * 2_000_000,
        file("film.mp4")[:36] + box(b"moov", *[a_track(b"meta", [], 1, [])] * 20_000),
        b"GIF89a" + bytes(7) + b"\x21\xfe" + b"\x01x" * 8_000_000,
        file("voice.ogg")[:47] + (b"OggS\0" + bytes(9) + file("voice.ogg")[14:18] + bytes(8) + b"\0") * 600_000,
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", numbers(1, 1) + bytes(5)) + chunk(b"tEXt", b"") * 1_500_000,
    ],
    ids=["boxes", "tracks", "blocks", "pages", "chunks"],
)
def test_a_file_made_of_crumbs_is_given_up_early(bomb: bytes):
    found = looked_at(bomb)

    assert found.pieces is None
    assert found.cautions[0] in {Caution.NOT_CLEANED, Caution.BROKEN}


# What is not shown ------------------------------------------------------------------------------------------------


def test_a_picture_that_says_it_is_enormous_is_not_shown():
    picture = file("picture.png")
    side = int(MOST_PIXELS**0.5) + 1
    flood = picture[:8] + chunk(b"IHDR", struct.pack(">II", side, side) + picture[24:29]) + picture[33:]

    found = looked_at(flood)

    assert found.cautions == (Caution.TOO_MANY_PIXELS,)
    assert found.pieces is None


@pytest.mark.parametrize(
    ("content", "declared", "type_", "caution"),
    [
        (b"PK\x03\x04" + bytes(40), "application/zip", "application/zip", Caution.ARCHIVE),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x()'/>", "", "text/html", Caution.ACTIVE),
        (b"\xef\xbb\xbf  <!doctype html><script>x()</script>", "", "text/html", Caution.ACTIVE),
        (b"%PDF-1.7\n", "application/pdf", "application/pdf", Caution.NOT_CLEANED),
        (b"\0\0\0\x18ftypheic" + bytes(40), "", "image/heic", Caution.NOT_CLEANED),
        (b"\x1aE\xdf\xa3" + bytes(40), "", "video/webm", Caution.NOT_CLEANED),
        (bytes(50), "", "application/octet-stream", Caution.NOT_CLEANED),
        (b"\xff\xd8\xff\xe1\xff", "", "image/jpeg", Caution.BROKEN),
    ],
)
def test_what_cannot_be_cleaned_has_no_copy_and_is_never_shown(
    content: bytes, declared: str, type_: str, caution: Caution
):
    found = looked_at(content, declared)

    assert (found.type, found.cautions, found.pieces) == (type_, (caution,), None)
    assert not found.can_be_shown


def test_a_page_that_says_it_is_a_picture_is_called_what_it_is():
    found = looked_at(b"<html>", declared="image/png")

    assert found.cautions == (Caution.OTHER_THAN_IT_SAYS, Caution.ACTIVE)
    assert not found.can_be_shown


def test_words_are_words():
    found = looked_at("Je suis là. أنا هنا.".encode(), declared="text/plain")

    assert (found.type, found.pieces is not None) == ("text/plain", True)
    assert not found.can_be_shown


def test_whatever_is_sent_nothing_breaks_and_nothing_hidden_comes_through():
    """Real files with bytes changed, cut and doubled: a copy is made of them or it is not, and that is all."""
    draw = random.Random(19)
    for name in ("photo.jpg", "progressive.jpg", "picture.png", "picture.webp", "picture.gif", "film.mp4", "voice.ogg"):
        whole = with_hidden(file(name)) if name.endswith("jpg") else file(name)
        whole = a_whole_film(HIDDEN) if name == "film.mp4" and draw.random() < 0.5 else whole
        for _ in range(400):
            broken = bytearray(whole)
            for _ in range(draw.randint(1, 6)):
                broken[draw.randrange(len(broken))] = draw.choice([0, 0xFF, draw.randrange(256)])
            cut = bytes(broken[: draw.randrange(1, len(broken) + 1)])
            found = looked_at(cut)
            if found.pieces is not None:
                assert len(copy_of(found.pieces, HeldBytes(cut), 0, found.size)) == found.size


@pytest.mark.parametrize("name", ["photo.jpg", "film.mp4", "voice.ogg", "picture.webp"])
def test_a_copy_is_the_same_however_it_is_cut_into_stretches(name: str):
    content = with_hidden(file(name)) if name == "photo.jpg" else file(name)
    whole, found = cleaned(content), looked_at(content)
    assert found.pieces is not None

    for step in (1, 7, 64):
        parts = [copy_of(found.pieces, HeldBytes(content), at, step) for at in range(0, found.size, step)]
        assert b"".join(parts) == whole
