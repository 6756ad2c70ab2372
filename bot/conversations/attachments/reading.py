"""Going through a file without holding it, and collecting what its copy keeps."""

from __future__ import annotations

from msgspec import Struct

from bot.conversations.attachments.model import Bytes, Piece

#: A copy made of more than this is no honest file.
MOST_PIECES = 4096
MOST_GIVEN = 1024 * 1024
WINDOW = 64 * 1024
#: So often a file is looked into before it is left as it is: honest ones need some thousand looks.
MOST_LOOKS = 200_000


class Broken(Exception):
    """The file is not built as its format asks."""


class NotCleaned(Exception):
    """Something hidden in this file cannot be taken out here."""


class HeldBytes(Struct, frozen=True):
    """Bytes in memory."""

    content: bytes

    @property
    def size(self) -> int:
        return len(self.content)

    def read(self, offset: int, length: int) -> bytes:
        return self.content[offset : offset + length]


class Window:
    """A file, read a window at a time, for those who ask for a few bytes at many places."""

    def __init__(self, source: Bytes) -> None:
        self._source = source
        self.size = source.size
        self._at = 0
        self._held = b""
        self._looks = 0

    def read(self, offset: int, length: int) -> bytes:
        """Exactly `length` bytes. Raises Broken where the file ends before, NotCleaned when it was asked too often."""
        self._looks += 1
        if self._looks > MOST_LOOKS:
            raise NotCleaned("it is in too many pieces")
        if length < 0 or offset < 0 or offset + length > self.size:
            raise Broken("the file ends too early")
        if length > WINDOW:
            return self._source.read(offset, length)
        if not (self._at <= offset and offset + length <= self._at + len(self._held)):
            self._at, self._held = offset, self._source.read(offset, WINDOW)
        return self._held[offset - self._at : offset - self._at + length]

    def number(self, offset: int, length: int, *, little: bool = False) -> int:
        return int.from_bytes(self.read(offset, length), "little" if little else "big")


class Pieces:
    """What a copy is made of, in order."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._given = 0

    def keep(self, offset: int, length: int) -> None:
        """A stretch of the original. One that follows the last makes it longer."""
        if length <= 0:
            return
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last.offset >= 0 and last.offset + last.length == offset:
            self._pieces[-1] = Piece(last.offset, last.length + length)
        else:
            self._add(Piece(offset, length))

    def give(self, given: bytes) -> None:
        """Other bytes in their place."""
        if not given:
            return
        self._given += len(given)
        if self._given > MOST_GIVEN:
            raise NotCleaned("too much would have to be written anew")
        self._add(Piece(given=given))

    def blank(self, length: int) -> None:
        """Zeros in their place."""
        if length > 0:
            self._add(Piece(length=length))

    def _add(self, piece: Piece) -> None:
        if len(self._pieces) >= MOST_PIECES:
            raise NotCleaned("it is in too many pieces")
        self._pieces.append(piece)

    @property
    def size(self) -> int:
        return sum(piece.size for piece in self._pieces)

    def made(self) -> tuple[Piece, ...]:
        if not self._pieces:
            raise Broken("nothing is in it")
        return tuple(self._pieces)
