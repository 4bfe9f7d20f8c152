"""A file whose headers are looked at part by part, and only so many: they can nest and repeat without end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

MOST_BYTES = 256 << 20
"""Of fonts, covers, tables: of all that is no media data, together."""
MOST_PARTS = 1 << 22
"""Boxes or elements, some seconds' worth: fifteen hours of a live recording whose clusters have no size."""

_PART_BYTES, _PARTS_OF_A_FIND = 1024, 16
"""More bytes at once count as as many parts, and so does a name that is found: tables can lie one within another, and
be looked at again for each."""
MOST_VIDEO = 16
"""Streams of video, covers included: each is decoded to find out what it is, and keeps its frames meanwhile."""
NAME_BYTES = 4
"""Of what is searched for."""
_LOOK_AT_ONCE = 1 << 20


class TooManyPartsError(Exception):
    """There are more than may be looked at."""


class Parts:
    """A file of which only so many parts are looked at."""

    def __init__(self, file: BinaryIO, left: int = MOST_PARTS):
        self._file = file
        self.left = left

    def head(self, at: int, size: int) -> bytes:
        """The first bytes of a part; reading goes on behind them. Raises TooManyPartsError."""
        self._count(1)
        self._file.seek(at)
        return self.read(size)

    def read(self, size: int) -> bytes:
        """The bytes that follow. Raises TooManyPartsError."""
        self._count(size // _PART_BYTES)
        return self._file.read(size)

    def _count(self, parts: int) -> None:
        self.left -= parts
        if self.left < 0:
            raise TooManyPartsError

    def search(self, names: Sequence[bytes], start: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Where, between ``start`` and ``end``, each of the ``names`` is, all of NAME_BYTES bytes, and which it is."""
        while start < end:
            part = self.head(start, min(_LOOK_AT_ONCE, end - start))
            for at, found in sorted((at, name) for name in names for at in _places(part, name)):
                self._count(_PARTS_OF_A_FIND)
                yield start + at, found
            if len(part) < _LOOK_AT_ONCE:
                return
            start += len(part) - NAME_BYTES + 1


def _places(part: bytes, name: bytes) -> Iterator[int]:
    """Much faster than a regular expression for several names."""
    at = part.find(name)
    while at >= 0:
        yield at
        at = part.find(name, at + 1)
