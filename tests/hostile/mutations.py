"""Damage as files meet it, and as somebody would do it on purpose: seeded changes to a file's bytes."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

_HEADER_BYTES = 1024
"""Where most formats say how large everything is; half of the changes are made there, or at the end, or to a name."""
_EXTREMES = (0, 1, 7, 8, 0x7FFF, 0xFFFF, 0x10000, 0xFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
# What MP4, Matroska, AVI, PNG and MPEG put before what matters.
_NAMES = (
    b"moov", b"trak", b"stsz", b"stts", b"stsc", b"stco", b"ctts", b"elst", b"tkhd", b"mdhd", b"stsd", b"avcC", b"mdat",
    b"avih", b"strh", b"strf", b"idx1", b"00dc", b"IHDR", b"IDAT", b"\x16\x54\xae\x6b", b"\x1f\x43\xb6\x75", b"\xb0",
    b"\xba", b"\x63\xa2", b"\x19\x41\xa4\x69", b"\x00\x00\x01", b"\x47", b"\xff\xc0", b"\xff\xda",
)  # fmt: skip


def mutate(data: bytes, rng: Random) -> bytes:
    """``data`` with one to six changes; the same for the same ``rng``."""
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 3, 6))):
        if changed:
            rng.choice(_CHANGES)(changed, _place(changed, rng), rng)
    return bytes(changed)


def _place(data: bytearray, rng: Random) -> int:
    """Where to change something: in half of the cases where headers are."""
    kind = rng.random()
    if kind < 0.25:
        return rng.randrange(min(len(data), _HEADER_BYTES))
    if kind < 0.35:
        return rng.randrange(max(len(data) - _HEADER_BYTES, 0), len(data))
    if kind < 0.5:
        at = data.find(rng.choice(_NAMES), rng.randrange(len(data)))
        return min(max(at + rng.randrange(-8, 24), 0), len(data) - 1)
    return rng.randrange(len(data))


def _flip(data: bytearray, at: int, rng: Random) -> None:
    for _ in range(rng.choice((1, 1, 4, 32))):
        data[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
        at += rng.randrange(64)


def _zero(data: bytearray, at: int, rng: Random) -> None:
    size = min(_size(rng), len(data) - at)
    data[at : at + size] = bytes(size)


def _noise(data: bytearray, at: int, rng: Random) -> None:
    size = min(_size(rng), len(data) - at)
    data[at : at + size] = rng.randbytes(size)


def _truncate(data: bytearray, at: int, _: Random) -> None:
    del data[at:]


def _remove(data: bytearray, at: int, rng: Random) -> None:
    del data[at : at + _size(rng)]


def _duplicate(data: bytearray, at: int, rng: Random) -> None:
    chunk = data[at : at + _size(rng)]
    to = rng.randrange(len(data))
    data[to:to] = chunk * rng.choice((1, 1, 2, 20))


def _swap(data: bytearray, at: int, rng: Random) -> None:
    size = min(_size(rng), len(data) // 2)
    other = rng.randrange(len(data) - size + 1)
    at = min(at, len(data) - size)
    data[at : at + size], data[other : other + size] = data[other : other + size], data[at : at + size]


def _extreme(data: bytearray, at: int, rng: Random) -> None:
    """A number as large or as small as its field takes, in either order of bytes."""
    field = struct.pack(rng.choice((">I", ">I", "<I", ">H", ">Q")), rng.choice(_EXTREMES) & 0xFFFF)
    if len(field) > 2:
        field = struct.pack(rng.choice((">I", ">I", "<I")), rng.choice(_EXTREMES))
    data[at : at + len(field)] = field


def _size(rng: Random) -> int:
    return rng.choice((1, 4, 16, 64, 256, 1024, 8192))


_CHANGES: tuple[Callable[[bytearray, int, Random], None], ...] = (
    _flip, _flip, _zero, _noise, _truncate, _remove, _duplicate, _swap, _extreme, _extreme, _extreme,
)  # fmt: skip
