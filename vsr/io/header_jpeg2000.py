"""How many tables a JPEG 2000 picture makes its decoder keep, counted before it is decoded.

FFmpeg makes some hundred bytes for each precinct and each code-block, and a picture of few bytes can declare that each
pixel is one. Markers and their fields: ITU-T T.800, Annex A; precincts and code-blocks: Annex B.
"""

from __future__ import annotations

import struct
from itertools import chain
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_TABLES = 1 << 20
"""Of precincts and code-blocks together: 8192x8192 in three colours and code-blocks of 16x16, where 64x64 is usual."""
_START, _SIZE, _CODING, _CODING_OF_ONE, _TILE, _DATA = 0xFF4F, 0xFF51, 0xFF52, 0xFF53, 0xFF90, 0xFF93
_BOX = b"jp2c"
_TABLES_OF_A_TILE = 16
"""What a tile takes by itself, in tables."""
_MOST_MARKERS = 1 << 16
"""Some for each tile; boxes one within another could be walked again and again."""
_MOST_LEVELS = 32
_OWN_PRECINCTS = 1
_LARGEST_PRECINCT = 15


class _Size(NamedTuple):
    """Of the picture (marker SIZ): tiles are of equal size, but for those at its edges."""

    tiles: int
    tile_width: int
    tile_height: int
    components: int


class _Coding(NamedTuple):
    """How the components of a tile are cut (markers COD and COC), all in powers of two."""

    block: tuple[int, int]
    precincts: tuple[tuple[int, int], ...]
    """Of each resolution, the smallest picture first."""


def tables(picture: bytes) -> int:
    """Precincts and code-blocks of what ``picture``, a codestream or a file around one, declares at its worst.

    0 for what is no such picture, or is cut short before it says anything; more than MOST_TABLES, too, for one of so
    many markers that counting would take long.
    """
    most = 0
    walks = (_of_codestream(picture, start) for start in _codestreams(picture))
    for looked_at, count in enumerate(chain.from_iterable(walks)):
        if looked_at == _MOST_MARKERS:
            return MOST_TABLES + 1
        most = max(most, count)
    return most


def _codestreams(picture: bytes) -> Iterator[int]:
    """Where FFmpeg may begin: at the first start marker, in a file at the first one of the box for it."""
    start = struct.pack(">H", _START)
    at = picture.find(start)
    while at >= 0:
        yield at
        box = picture.find(_BOX, at)
        at = picture.find(start, box) if box >= 0 else -1


def _of_codestream(picture: bytes, start: int) -> Iterator[int]:
    """For each marker the tables that it declares."""
    size: _Size | None = None
    try:
        for marker, content in _markers(picture, start + 2):
            if marker == _SIZE:
                size = _size(content)
            coded = size is not None and marker in (_CODING, _CODING_OF_ONE)
            yield _count(size, _coding(marker, content, size.components)) if coded and size else 0
    except (struct.error, IndexError):  # cut short, or no picture after all: the decoder ends there too
        pass


def _markers(picture: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """The markers of the header and of each tile's header. Raises struct.error at the end."""
    tile_end = 0
    while True:
        (marker,) = struct.unpack_from(">H", picture, at)
        if marker == _DATA:
            if tile_end <= at:  # a tile of no length goes to the end of the picture
                return
            at = tile_end
            continue
        (length,) = struct.unpack_from(">H", picture, at + 2)
        if marker == _TILE:
            (tile_length,) = struct.unpack_from(">I", picture, at + 6)
            tile_end = at + tile_length
        yield marker, picture[at + 4 : at + 2 + length]
        at += 2 + max(length, 2)


def _size(content: bytes) -> _Size:
    width, height, left, top, tile_width, tile_height, tile_left, tile_top = struct.unpack_from(">8I", content, 2)
    (components,) = struct.unpack_from(">H", content, 34)
    if not tile_width or not tile_height:
        return _Size(0, 0, 0, components)
    columns = -(-(width - tile_left) // tile_width)
    rows = -(-(height - tile_top) // tile_height)
    shown = (min(tile_width, max(width - left, 0)), min(tile_height, max(height - top, 0)))
    return _Size(max(columns * rows, 0), *shown, components)


def _coding(marker: int, content: bytes, components: int) -> _Coding:
    if marker == _CODING:
        flags, at = content[0], 5
    else:
        at = 1 if components <= 256 else 2
        flags, at = content[at], at + 1
    levels, block_width, block_height = content[at], content[at + 1] + 2, content[at + 2] + 2
    if levels > _MOST_LEVELS:  # which the decoder refuses
        return _Coding((block_width, block_height), ())
    if flags & _OWN_PRECINCTS:
        sizes = content[at + 5 : at + 5 + levels + 1]
        precincts = tuple((size & 15, size >> 4) for size in sizes)
    else:
        precincts = ((_LARGEST_PRECINCT, _LARGEST_PRECINCT),) * (levels + 1)
    return _Coding((block_width, block_height), precincts)


def _count(size: _Size, coding: _Coding) -> int:
    """For all tiles and components: what COD or COC says of some is taken for all."""
    total = 0
    for level, precinct in enumerate(coding.precincts):
        halvings = len(coding.precincts) - 1 - level
        across = -(-size.tile_width >> halvings)
        down = -(-size.tile_height >> halvings)
        total += _ceil(across, precinct[0]) * _ceil(down, precinct[1])
        # The code-blocks of all but the smallest resolution lie in bands of half its size, in halves of its precincts.
        halved = 1 if level else 0
        block = [min(side, max(cut - halved, 0)) for side, cut in zip(coding.block, precinct, strict=True)]
        total += _ceil(across, block[0]) * _ceil(down, block[1])
    return size.tiles * (total * size.components + _TABLES_OF_A_TILE)


def _ceil(length: int, power: int) -> int:
    return -(-length >> power)
