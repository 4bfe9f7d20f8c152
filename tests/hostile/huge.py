"""Files of a few kilobytes that declare a picture of a hundred thousand pixels squared, or as large as they can say."""

from __future__ import annotations

import struct
import zlib
from fractions import Fraction
from typing import TYPE_CHECKING

from tests.hostile.bombs import patch, written
from tests.hostile.clips import make_clips
from tests.io.making import Recipe, make

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HUGE = 100_000
_TICK = Fraction(1, 25)


def huge_png(folder: Path) -> Path:
    """Its first chunk, with the right checksum, and a little data."""
    head = struct.pack(">IIBBBBB", HUGE, HUGE, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", head), (b"IDAT", zlib.compress(bytes(5000))), (b"IEND", b"")]
    body = [struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c)) for k, c in chunks]
    return written(folder / "huge.png", b"\x89PNG\r\n\x1a\n" + b"".join(body))


def huge_bmp(folder: Path) -> Path:
    """A bitmap's two headers."""
    head = struct.pack("<2sIHHI", b"BM", 0xFFFFFFF0, 0, 0, 54)
    return written(
        folder / "huge.bmp", head + struct.pack("<IiiHHIIiiII", 40, HUGE, HUGE, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(5000)
    )


def huge_jpeg(folder: Path) -> Path:
    """As large as JPEG can say."""
    path = next(clip for clip in make_clips(folder) if clip.name == "a.jpg")
    data = bytearray(path.read_bytes())
    at = data.index(b"\xff\xc0") + 5
    data[at : at + 4] = struct.pack(">HH", 65500, 65500)
    return written(folder / "huge.jpg", data)


def huge_gif(folder: Path) -> Path:
    """As large as GIF can say."""
    data = bytearray(make(folder / "plain.gif", Recipe(codec="gif", pix_fmt="rgb8")).read_bytes())
    data[6:10] = struct.pack("<HH", 65535, 65535)
    return written(folder / "huge.gif", data)


def huge_tiff(folder: Path) -> Path:
    """A picture in one strip."""
    tags = ((256, HUGE), (257, HUGE), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, HUGE), (279, 1000))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    return written(folder / "huge.tif", b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(5000))


def huge_y4m(folder: Path) -> Path:
    """A line of text."""
    head = f"YUV4MPEG2 W{HUGE} H{HUGE} F25:1 Ip A1:1 C420jpeg\nFRAME\n"
    return written(folder / "huge.y4m", head.encode() + bytes(5000))


def huge_mov(folder: Path) -> Path:
    """A QuickTime file, which says 65,535 at most, in a codec that believes it."""
    data = bytearray(make(folder / "plain.mov", Recipe(codec="qtrle", pix_fmt="rgb24")).read_bytes())
    patch(data, b"rle ", 24, 0xFFFFFFFF)
    return written(folder / "huge.mov", data)


def huge_matroska(folder: Path) -> Path:
    """Two bytes each for width and height: the plain clip has as many."""
    data = make(folder / "plain.mkv", Recipe(codec="ffv1", size=(320, 272))).read_bytes()
    for old in (b"\xb0\x82" + struct.pack(">H", 320), b"\xba\x82" + struct.pack(">H", 272)):
        data = data.replace(old, old[:2] + b"\xff\xff")
    return written(folder / "huge.mkv", data)


def huge_avi(folder: Path) -> Path:
    """Both headers of its stream."""
    data = bytearray(make(folder / "plain.avi", Recipe(codec="ffv1", pts=range(8), time_base=_TICK)).read_bytes())
    for name, offset in ((b"strf", 12), (b"avih", 40)):
        at = data.index(name) + offset
        data[at : at + 8] = struct.pack("<II", HUGE, HUGE)
    return written(folder / "huge.avi", data)


def huge_mpeg(folder: Path) -> Path:
    """Twelve bits each in one header, two more in the next."""
    recipe = Recipe(codec="mpeg2video", pts=range(8), time_base=_TICK)
    data = bytearray(make(folder / "plain.mpg", recipe).read_bytes())
    at = data.index(bytes.fromhex("000001b3")) + 4
    data[at : at + 3] = b"\xff\xff\xff"
    at = data.index(bytes.fromhex("000001b5")) + 4
    data[at : at + 4] = (int.from_bytes(data[at : at + 4]) | 0b1111 << 13).to_bytes(4)
    return written(folder / "huge.mpg", data)


def huge_ivf(folder: Path) -> Path:
    """VP9's frame header says 65,536 at most; the file's own header less."""
    path = folder / "plain.ivf"
    make(path, Recipe(codec="libvpx-vp9"))
    data = bytearray(path.read_bytes())
    frame = 32 + 12
    bits = int.from_bytes(data[frame : frame + 12])
    top = 96 - 8 - 24 - 4 - 32  # marker and flags, sync code, colour, then width and height less one
    data[frame : frame + 12] = (bits | ((1 << 32) - 1) << top).to_bytes(12)
    return written(folder / "huge.ivf", data)


SIZES: dict[str, Callable[[Path], Path]] = {
    "png": huge_png,
    "bmp": huge_bmp,
    "jpg": huge_jpeg,
    "gif": huge_gif,
    "tif": huge_tiff,
    "y4m": huge_y4m,
    "mov": huge_mov,
    "mkv": huge_matroska,
    "avi": huge_avi,
    "ivf": huge_ivf,
    "mpg": huge_mpeg,
}
