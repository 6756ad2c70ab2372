"""Films and voice notes in MP4, 3GP and QuickTime (ISO/IEC 14496-12) without what the phone wrote beside them.

A box that is not on the list becomes an empty one of the same length, so that nothing inside has to move; the times of
making are set to zero, names of tracks too. A track that is neither sound nor picture (phones write there where they
were at each second) becomes empty in the same way, with everything that belongs to it; in a film in fragments that
cannot be found here, and such a film is not cleaned at all. What the encoder wrote into the pictures stays.
"""

from __future__ import annotations

from collections.abc import Iterator
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
MOST_SAMPLES = 50_000


class Film(NamedTuple):
    """The copy, and whether there is more than sound in it."""

    pieces: Pieces
    has_pictures: bool


def mp4(source: Bytes) -> Film:
    other = _OtherTracks(Window(source))
    walk = _Walk(source, other)
    walk.boxes(b"", 0, source.size)
    if not walk.handlers:
        raise Broken("no track")
    if not walk.handlers <= {PICTURES, SOUND}:
        raise NotCleaned("a track whose kind is said twice")
    return Film(walk.pieces, PICTURES in walk.handlers)


class _OtherTracks:
    """The tracks that are neither sound nor picture: where each stands, and which stretches of the film are theirs."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self._left = MOST_SAMPLES
        self.at: set[int] = set()
        stretches: list[tuple[int, int]] = []
        names: set[bytes] = set()
        for name, _, body, end in _boxes_in(window, 0, window.size):
            names.add(name)
            if name != b"moov":
                continue
            for inside, track, track_body, track_end in _boxes_in(window, body, end):
                if inside == b"trak" and self._is_other(track_body, track_end):
                    self.at.add(track)
                    stretches += self._stretches(track_body, track_end)
        if self.at and b"moof" in names:
            raise NotCleaned("a third track in fragments")
        self.stretches = sorted(stretches)

    def _is_other(self, at: int, end: int) -> bool:
        media = _find(self._window, at, end, b"mdia")
        handler = None if media is None else _find(self._window, *media, b"hdlr")
        if handler is None:
            raise Broken("a track without a kind")
        return self._window.read(handler[0] + 8, 4) not in {PICTURES, SOUND}

    def _stretches(self, at: int, end: int) -> list[tuple[int, int]]:
        """Where its samples lie, chunk by chunk."""
        table: tuple[int, int] | None = (at, end)
        for name in (b"mdia", b"minf", b"stbl"):
            table = None if table is None else _find(self._window, *table, name)
        if table is None:
            raise NotCleaned("a track without a table")
        chunks, sizes, runs = self._offsets(*table), self._sizes(*table), self._runs(*table)
        found, sample, run, count = list[tuple[int, int]](), 0, 0, 0
        for number, offset in enumerate(chunks, start=1):
            while run < len(runs) and runs[run][0] <= number:
                count, run = runs[run][1], run + 1
            found.append((offset, offset + sum(sizes[sample : sample + count])))
            sample += count
        if sample < len(sizes):
            raise Broken("samples that lie nowhere")
        return found

    def _offsets(self, at: int, end: int) -> list[int]:
        for name, width in ((b"stco", 4), (b"co64", 8)):
            if (found := _find(self._window, at, end, name)) is not None:
                count = self._count(found[0] + 4)
                return [self._window.number(found[0] + 8 + width * each, width) for each in range(count)]
        raise Broken("no chunks")

    def _sizes(self, at: int, end: int) -> list[int]:
        found = _find(self._window, at, end, b"stsz")
        if found is None:
            raise NotCleaned("sizes in a form that is not read here")
        same, count = self._window.number(found[0] + 4, 4), self._count(found[0] + 8)
        return [same or self._window.number(found[0] + 12 + 4 * each, 4) for each in range(count)]

    def _runs(self, at: int, end: int) -> list[tuple[int, int]]:
        """From which chunk on there are how many samples in each."""
        found = _find(self._window, at, end, b"stsc")
        if found is None:
            raise Broken("no samples in chunks")
        entries = range(self._count(found[0] + 4))
        places = [found[0] + 8 + 12 * each for each in entries]
        return [(self._window.number(place, 4), self._window.number(place + 4, 4)) for place in places]

    def _count(self, at: int) -> int:
        count = self._window.number(at, 4)
        self._left -= count
        if self._left < 0:
            raise NotCleaned("too many samples")
        return count


def _boxes_in(window: Window, at: int, end: int) -> Iterator[tuple[bytes, int, int, int]]:
    """Name, start, start of what is inside, end."""
    while end - at >= 8:
        size, name, head = window.number(at, 4), window.read(at + 4, 4), 8
        if size == 1:
            size, head = window.number(at + 8, 8), 16
        size = size or end - at
        if size < head or at + size > end:
            raise Broken("a box that does not fit")
        yield name, at, at + head, at + size
        at += size


def _find(window: Window, at: int, end: int, wanted: bytes) -> tuple[int, int] | None:
    """What is inside the first box of this name."""
    return next(((body, stop) for name, _, body, stop in _boxes_in(window, at, end) if name == wanted), None)


class _Walk:
    """Once through all boxes."""

    def __init__(self, source: Bytes, other: _OtherTracks) -> None:
        self._window = Window(source)
        self._other = other
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
        if name not in KEPT[inside] or at in self._other.at:
            self.pieces.keep(at, 4)
            self.pieces.give(b"free")
            self.pieces.keep(at + 8, head - 8)
            self.pieces.blank(size - head)
        elif name in KEPT:
            self.pieces.keep(at, head)
            self.boxes(name, at + head, stop)
        elif name in TIMED:
            self._without_times(at, head, stop)
        elif name == b"mdat":
            self._without_others(at, stop)
        elif name == b"hdlr":
            self._without_name(inside, at + head, at, stop)
        else:
            self.pieces.keep(at, size)
        return stop

    def _without_others(self, at: int, stop: int) -> None:
        for first, last in self._other.stretches:
            first, last = max(first, at), min(last, stop)
            if first < last:
                self.pieces.keep(at, first - at)
                self.pieces.blank(last - first)
                at = last
        self.pieces.keep(at, stop - at)

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
