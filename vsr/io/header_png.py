"""How much the texts and the profile of a PNG unpack to, counted before FFmpeg does, which knows no end to it."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from vsr.io.header_parts import NAME_BYTES

if TYPE_CHECKING:
    from vsr.io.header_parts import Parts

MAGIC = b"\x89PNG\r\n\x1a\n"
MOST_UNPACKED = 16 << 20
"""Profiles have a few megabytes at most, texts a few kilobytes."""
_PACKED = {b"zTXt": (1, 0), b"iCCP": (1, 0), b"iTXt": (2, 2)}
"""The chunks with something packed: behind a name so many bytes and so many more strings, each with a zero behind."""


def unpacked_bytes(file: Parts, size: int) -> int:
    """Of all that looks like such a chunk, wherever it is; counting ends a little beyond MOST_UNPACKED."""
    total = 0
    for at, kind in file.search(tuple(_PACKED), len(MAGIC), size):
        length = struct.unpack(">I", file.head(at - 4, 4))[0]
        content = file.head(at + NAME_BYTES, min(length, size - at - NAME_BYTES))
        flags, strings = _PACKED[kind]
        start = content.find(b"\0") + 1 + flags
        for _ in range(strings):
            start = content.find(b"\0", start) + 1
        total += _unpacked(content[start:], MOST_UNPACKED - total + 1)
        if total > MOST_UNPACKED:
            break
    return total


def _unpacked(content: bytes, most: int) -> int:
    try:
        return len(zlib.decompressobj().decompress(content, most))
    except zlib.error:  # no such chunk after all, or a damaged one
        return 0
