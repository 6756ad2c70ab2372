"""Films and voice notes in MP4, 3GP and QuickTime (ISO/IEC 14496-12) without what the phone wrote beside them.

A box that is not on the list becomes an empty one of the same length, so that nothing inside has to move; the times of
making are set to zero, names of tracks too. A third kind of track (where the phone was at each second, subtitles)
cannot be told from harmless data here: such a film is not cleaned at all. What the encoder wrote into the pictures
themselves stays.
"""

from __future__ import annotations

from typing import NamedTuple

from bot.conversations.attachments.model import Bytes
from bot.conversations.attachments.reading import Broken, NotCleaned, Pieces, Window

#: Boxes that hold boxes, and which of those are kept in them. "" is the file itself.
KEPT: dict[bytes, frozenset[bytes]] = {
    b"": frozenset((b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"sidx", b"mfra")),
    b"moov": frozenset((b"mvhd", b"trak", b"mvex", b"iods")),
    b"trak": frozenset((b"tkhd", b"edts", b"tref", b"mdia")),
    b"mdia": frozenset((b"mdhd", b"hdlr", b"minf")),
    b"minf": frozenset((b"vmhd", b"smhd", b"hmhd", b"nmhd", b"hdlr", b"dinf", b"stbl")),
    b"stbl": frozenset(
        b"stsd stts ctts cslg stss stsc stsz stz2 stco co64 sdtp sgpd sbgp stps subs".split(),
    ),
    b"edts": frozenset((b"elst",)),
    b"mvex": frozenset((b"mehd", b"trex")),
    b"moof": frozenset((b"mfhd", b"traf")),
    b"traf": frozenset((b"tfhd", b"tfdt", b"trun", b"sdtp", b"sgpd", b"sbgp", b"subs")),
}
#: Boxes that begin with the times at which something was made and changed.
TIMED = frozenset((b"mvhd", b"tkhd", b"mdhd"))
PICTURES, SOUND = b"vide", b"soun"
MOST_BOXES = 50_000


class Film(NamedTuple):
    """The copy, and whether there is more than sound in it."""

    pieces: Pieces
    has_pictures: bool


def mp4(source: Bytes) -> Film:
    walk = _Walk(source)
    walk.boxes(b"", 0, source.size)
    if not walk.handlers:
        raise Broken("no track")
    if not walk.handlers <= {PICTURES, SOUND}:
        raise NotCleaned("a track that is neither sound nor picture")
    return Film(walk.pieces, PICTURES in walk.handlers)


class _Walk:
    """Once through all boxes."""

    def __init__(self, source: Bytes) -> None:
        self._window = Window(source)
        self._count = 0
        self.pieces = Pieces()
        self.handlers: set[bytes] = set()

    def boxes(self, inside: bytes, at: int, end: int) -> None:
        while at < end:
            if end - at < 8:  # QuickTime ends some boxes with four zeros
                self.pieces.blank(end - at)
                return
            self._count += 1
            if self._count > MOST_BOXES:
                raise NotCleaned("it is in too many pieces")
            at = self._box(inside, at, end)

    def _box(self, inside: bytes, at: int, end: int) -> int:
        size, name, head = self._window.number(at, 4), self._window.read(at + 4, 4), 8
        if size == 1:
            size, head = self._window.number(at + 8, 8), 16
        elif size == 0:
            if inside:
                raise Broken("a box without an end")
            size = end - at
        if size < head or at + size > end:
            raise Broken("a box that does not fit")
        stop = at + size
        if name not in KEPT[inside]:
            self.pieces.keep(at, 4)
            self.pieces.give(b"free")
            self.pieces.keep(at + 8, head - 8)
            self.pieces.blank(size - head)
        elif name in KEPT:
            self.pieces.keep(at, head)
            self.boxes(name, at + head, stop)
        elif name in TIMED:
            self._without_times(at, head, stop)
        elif name == b"hdlr":
            self._without_name(inside, at + head, at, stop)
        else:
            self.pieces.keep(at, size)
        return stop

    def _without_times(self, at: int, head: int, stop: int) -> None:
        times = 16 if self._window.number(at + head, 1) == 1 else 8
        if stop - at < head + 4 + times:
            raise Broken("a box that does not fit")
        self.pieces.keep(at, head + 4)
        self.pieces.blank(times)
        self.pieces.keep(at + head + 4 + times, stop - at - head - 4 - times)

    def _without_name(self, inside: bytes, body: int, at: int, stop: int) -> None:
        if inside == b"mdia":
            self.handlers.add(self._window.read(body + 8, 4))
        named = min(body + 24, stop)
        self.pieces.keep(at, named - at)
        self.pieces.blank(stop - named)
