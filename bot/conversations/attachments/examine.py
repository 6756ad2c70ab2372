"""What a file is, by its bytes and not by what it says, and what a copy of it without hidden facts is made of."""

from __future__ import annotations

from collections.abc import Callable

from bot.conversations.attachments import images, sounds, videos
from bot.conversations.attachments.model import UNKNOWN, Bytes, Caution, Examined, Kind, Piece
from bot.conversations.attachments.reading import Broken, NotCleaned, Pieces

#: A browser holds four bytes for each point of a picture: 256 MB. Cameras of phones make 50 million.
MOST_PIXELS = 64_000_000
LONGEST_SIDE = 20_000
LOOKED_AT = 4096
TEXT_CONTROLS = frozenset("\t\n\r\f")

Cleaner = Callable[[Bytes], Pieces]
IMAGES: dict[str, Callable[[Bytes], images.Picture]] = {
    "image/jpeg": images.jpeg,
    "image/png": images.png,
    "image/gif": images.gif,
    "image/webp": images.webp,
}
SOUNDS: dict[str, Cleaner] = {"audio/ogg": sounds.ogg, "audio/mpeg": sounds.mp3, "audio/wav": sounds.wav}


def examine(source: Bytes, *, declared: str = "", kind: Kind | None = None) -> Examined:
    """Look at a file. `declared` is the type it was sent as, `kind` what the channel said it is. Never raises."""
    found = sniffed(source)
    said = _mismatch(found, declared)
    try:
        examined = _examined(source, found)
    except Broken:
        examined = Examined(found, kind_of(found), (Caution.BROKEN,))
    except NotCleaned:
        examined = Examined(found, kind_of(found), (Caution.NOT_CLEANED,))
    kind = examined.kind if kind is None or examined.kind is not Kind.DOCUMENT else kind
    return Examined(examined.type, kind, said + examined.cautions, examined.pieces)


def _examined(source: Bytes, found: str) -> Examined:
    kind = kind_of(found)
    if found in IMAGES:
        picture = IMAGES[found](source)
        if picture.width * picture.height > MOST_PIXELS or max(picture.width, picture.height) > LONGEST_SIDE:
            return Examined(found, kind, (Caution.TOO_MANY_PIXELS,))
        return Examined(found, kind, pieces=picture.pieces.made())
    if found in SOUNDS:
        return Examined(found, kind, pieces=SOUNDS[found](source).made())
    if found == "video/mp4":
        film = videos.mp4(source)
        found = "video/mp4" if film.has_pictures else "audio/mp4"
        return Examined(found, kind_of(found), pieces=film.pieces.made())
    if found in {"text/plain", "audio/amr"}:  # formats with no place for anything hidden
        return Examined(found, kind, pieces=(Piece(0, source.size),))
    caution = {"application/zip": Caution.ARCHIVE, "text/html": Caution.ACTIVE}.get(found, Caution.NOT_CLEANED)
    return Examined(found, kind, (caution,))


def kind_of(found: str) -> Kind:
    """What a person would call a file of this type."""
    family = found.partition("/")[0]
    return {"image": Kind.PHOTO, "audio": Kind.VOICE, "video": Kind.VIDEO}.get(family, Kind.DOCUMENT)


def _mismatch(found: str, declared: str) -> tuple[Caution, ...]:
    """A picture that is no picture. Sound and film share their formats, and nobody is told of that."""
    family, said = found.partition("/")[0], declared.partition("/")[0]
    if said not in {"image", "audio", "video"}:
        return ()
    alike = family == said or {family, said} <= {"audio", "video"}
    return () if alike else (Caution.OTHER_THAN_IT_SAYS,)


def sniffed(source: Bytes) -> str:
    """The type, from the first bytes."""
    head = source.read(0, LOOKED_AT)
    for start, found in (
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF87a", "image/gif"),
        (b"GIF89a", "image/gif"),
        (b"OggS", "audio/ogg"),
        (b"ID3", "audio/mpeg"),
        (b"#!AMR\n", "audio/amr"),
        (b"%PDF-", "application/pdf"),
        (b"PK\x03\x04", "application/zip"),
        (b"PK\x05\x06", "application/zip"),
        (b"\x1f\x8b", "application/zip"),
        (b"Rar!", "application/zip"),
        (b"7z\xbc\xaf\x27\x1c", "application/zip"),
        (b"\x1aE\xdf\xa3", "video/webm"),
    ):
        if head.startswith(start):
            return found
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav"}.get(head[8:12], UNKNOWN)
    if head[4:8] == b"ftyp":
        return "image/heic" if head[8:12] in {b"heic", b"heix", b"mif1", b"msf1", b"avif", b"avis"} else "video/mp4"
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2:  # MPEG audio, layer III
        return "audio/mpeg"
    return _text_or_unknown(head)


def _text_or_unknown(head: bytes) -> str:
    try:
        text = head[: LOOKED_AT - 4].decode("utf-8-sig") if len(head) < LOOKED_AT else _decoded_start(head)
    except UnicodeDecodeError:
        return UNKNOWN
    if not text.strip() or any(ord(each) < 32 and each not in TEXT_CONTROLS for each in text):
        return UNKNOWN
    return "text/html" if text.lstrip().startswith("<") else "text/plain"


def _decoded_start(head: bytes) -> str:
    """The last character may be cut in two."""
    for cut in range(4):
        try:
            return head[: len(head) - cut].decode("utf-8-sig")
        except UnicodeDecodeError:
            if cut == 3:
                raise
    raise AssertionError
