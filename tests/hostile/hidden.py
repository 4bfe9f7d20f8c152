"""Files that declare much where a look at their headers may miss it."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING, Any

import av
from av.video.frame import VideoFrame

from tests.hostile.bombs import endless_index, repeat_track
from tests.hostile.clips import make_clips, with_chunk

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LARGE, _TRACKS = 4096, 40


def behind_magic(folder: Path) -> Path:
    """An MP4's endless index in a box whose size is the first bytes of Matroska."""
    data = endless_index(folder).read_bytes()
    at = data.index(b"moov")
    size = struct.unpack_from(">I", data, at - 4)[0]
    path = folder / "magic.mp4"
    path.write_bytes(b"\x1a\x45\xdf\xa3" + data[at : at - 4 + size])
    return path


def within_description(folder: Path) -> Path:
    """The table of an endless index within the description of the pictures, where FFmpeg reads it all the same."""
    data = bytearray(endless_index(folder).read_bytes())
    table = data.index(b"stsz") - 4
    moved = bytes(data[table : table + 20])
    data[table + 4 : table + 8] = b"skip"
    entry = data.index(b"stsd") + 12
    end = entry + struct.unpack_from(">I", data, entry)[0]
    data[end:end] = moved
    for start in (entry, *(data.index(name) - 4 for name in (b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"))):
        struct.pack_into(">I", data, start, struct.unpack_from(">I", data, start)[0] + len(moved))
    path = folder / "described.mp4"
    path.write_bytes(data)
    return path


def many_videos(folder: Path) -> Path:
    """Few kilobytes of tracks, each of which FFmpeg decodes pictures of, large ones, to find out what it is."""
    with av.open(str(folder / "large.mp4"), "w") as output:
        stream: Any = output.add_stream("libx264", rate=25, options={"preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = _LARGE, _LARGE, "yuv420p"
        black = VideoFrame(_LARGE, _LARGE, "yuv420p")
        for plane in black.planes:
            plane.update(bytes(plane.buffer_size))
        output.mux(stream.encode(black))
        output.mux(stream.encode(None))
    return repeat_track(bytearray((folder / "large.mp4").read_bytes()), _TRACKS, folder / "videos.mp4")


def packed_texts(folder: Path) -> Path:
    """A PNG with 800 MB of text in as many kilobytes."""
    png = next(clip for clip in make_clips(folder) if clip.name == "a.png").read_bytes()
    for number in range(4):
        png = with_chunk(png, b"zTXt", packed_text(number, 200 << 20))
    path = folder / "texts.png"
    path.write_bytes(png)
    return path


def packed_text(number: int, size: int) -> bytes:
    """Content of a PNG's zTXt chunk."""
    packer = zlib.compressobj(1)
    parts = [packer.compress(b"A" * (1 << 20)) for _ in range(size >> 20)]
    return b"Comment %d\0\0" % number + b"".join(parts) + packer.flush()


HIDDEN: dict[str, Callable[[Path], Path]] = {
    "magic": behind_magic,
    "description": within_description,
    "videos": many_videos,
    "texts": packed_texts,
}
