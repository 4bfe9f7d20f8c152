"""Files of a few kilobytes that declare gigabytes."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import av

from tests.hostile.clips import make_clips
from tests.io.making import Recipe, make

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SAMPLES = 80_000_000
_ATTACHED, _ATTACHMENTS = 100 << 20, 6


def _mp4(folder: Path, **options: str) -> bytearray:
    return bytearray(make(folder / "plain.mp4", Recipe(options={"bf": "0", **options})).read_bytes())


def patch(data: bytearray, name: bytes, offset: int, *numbers: int) -> None:
    """Write big-endian ``numbers`` at ``offset`` of the content of the box or chunk ``name``."""
    at = data.index(name) + len(name) + offset
    data[at : at + 4 * len(numbers)] = struct.pack(f">{len(numbers)}I", *numbers)


def endless_index(folder: Path) -> Path:
    """An MP4 whose table of sizes says: so many samples, all of one byte."""
    data = _mp4(folder)
    patch(data, b"stsz", 4, 1, _SAMPLES)
    patch(data, b"stts", 4, 1, _SAMPLES, 512)
    patch(data, b"stsc", 4, 1, 1, _SAMPLES, 1)
    return written(folder / "index.mp4", data)


def endless_fragment(folder: Path) -> Path:
    """A fragmented MP4 with a run of samples that are all as the fragment's header says."""
    path = next(clip for clip in make_clips(folder) if clip.name == "fragments.mp4")
    data = bytearray(path.read_bytes())
    patch(data, b"trun", 0, 1, _SAMPLES)
    return written(folder / "fragment.mp4", data)


def endless_edits(folder: Path) -> Path:
    """A MOV that shows its samples again and again."""
    data = _mp4(folder)
    moov = data.index(b"moov") - 4
    edits = struct.pack(">II", 0, 200) + struct.pack(">IiI", 40_000_000, 0, 0x10000) * 200
    box = struct.pack(">I4s", len(edits) + 8, b"elst") + edits
    old = data.index(b"elst") - 4
    old_size = struct.unpack_from(">I", data, old)[0]
    data[old : old + old_size] = box
    for parent in (b"edts", b"trak", b"moov"):
        at = data.index(parent, moov) - 4
        size = struct.unpack_from(">I", data, at)[0]
        data[at : at + 4] = struct.pack(">I", size + len(box) - old_size)
    patch(data, b"stsz", 4, 1, 1_000_000)
    patch(data, b"stts", 4, 1, 1_000_000, 512)
    patch(data, b"stsc", 4, 1, 1, 1_000_000, 1)
    return written(folder / "edits.mp4", data)


def packed_header(folder: Path) -> Path:
    """A QuickTime file with a compressed header that unpacks to 2 GB."""
    data = _mp4(folder)
    at = data.index(b"moov") - 4
    size = struct.unpack_from(">I", data, at)[0]
    moov, rest = bytes(data[at : at + size]), (2 << 30) - 4096 - size
    packer = zlib.compressobj(9)
    start = packer.compress(moov + struct.pack(">I4s", rest, b"free")) + packer.flush(zlib.Z_FULL_FLUSH)
    # Nothing refers back beyond such a flush, so that one piece serves for all.
    zeros = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = start + zeros * (rest >> 20) + packer.flush()
    method = struct.pack(">I4s4s", 12, b"dcom", b"zlib")
    body = struct.pack(">I4sI", len(packed) + 12, b"cmvd", size + rest) + packed
    inner = struct.pack(">I4s", len(method) + len(body) + 8, b"cmov") + method + body
    return written(folder / "packed.mov", data[:at] + struct.pack(">I4s", len(inner) + 8, b"moov") + inner)


def _element(kind: str, size: int) -> bytes:
    return bytes.fromhex(kind) + struct.pack(">Q", size | 1 << 56)


def attachments(folder: Path) -> Path:
    """A Matroska file with fonts of 600 MB, all zeros: an archive of it, or a sparse file, has next to nothing."""
    data = make(folder / "plain.mkv").read_bytes()
    segment, cluster = data.index(bytes.fromhex("18538067")), data.index(bytes.fromhex("1f43b675"))
    name = b"".join(
        _element(kind, len(value)) + value
        for kind, value in (("466e", b"a.ttf"), ("4660", b"application/x-truetype-font"), ("46ae", b"\x05"))
    )
    file_size = len(name) + 10 + _ATTACHED
    path = folder / "attachments.mkv"
    with path.open("wb") as file:
        file.write(data[: segment + 4] + b"\x01" + b"\xff" * 7 + data[segment + 12 : cluster])
        file.write(_element("1941a469", _ATTACHMENTS * (10 + file_size)))
        for _ in range(_ATTACHMENTS):
            file.write(_element("61a7", file_size) + name + _element("465c", _ATTACHED))
            file.seek(_ATTACHED, 1)
        file.write(data[cluster:])
    return path


def packed_subtitles(folder: Path) -> Path:
    """A Matroska file with 800 MB of subtitles before its first picture, compressed to as many kilobytes."""
    data = make(folder / "plain.mkv").read_bytes()
    segment = data.index(bytes.fromhex("18538067")) + 12
    parts = dict(_elements(data, segment))
    info, tracks, cluster = (parts[bytes.fromhex(kind)] for kind in ("1549a966", "1654ae6b", "1f43b675"))
    packing = _packed("6d80", _packed("6240", _packed("5034", _packed("4254", b"\0"))))
    entries = (("d7", b"\x02"), ("73c5", b"\x02"), ("83", b"\x11"), ("86", b"S_TEXT/UTF8"))
    track = _packed("ae", b"".join(_packed(kind, value) for kind, value in entries) + packing)
    block = _packed("a3", b"\x82\0\0\x80" + zlib.compress(bytes(9_900_000), 9))
    before = _packed("1f43b675", _packed("e7", b"\0") + block * 80)
    whole = data[: segment - 12] + bytes.fromhex("18538067") + b"\x01" + b"\xff" * 7
    whole += _packed("1549a966", info) + _packed("1654ae6b", tracks + track) + before + _packed("1f43b675", cluster)
    return written(folder / "subtitles.mkv", whole)


def _packed(kind: str, content: bytes) -> bytes:
    return _element(kind, len(content)) + content


def _elements(data: bytes, at: int) -> Iterator[tuple[bytes, bytes]]:
    """Id and content of the elements of a segment."""
    while at < len(data):
        kind = data[at : at + 4]
        length = 9 - data[at + 4].bit_length() if kind[0] & 0x10 else 9 - data[at + 1].bit_length()
        start = at + (4 if kind[0] & 0x10 else 1)
        size = int.from_bytes(data[start : start + length]) & (1 << 7 * length) - 1
        yield kind, data[start + length : start + length + size]
        at = start + length + size


def many_streams(folder: Path) -> Path:
    """An MP4 with one track five hundred times."""
    return repeat_track(_mp4(folder), 500, folder / "streams.mp4")


def repeat_track(data: bytearray, count: int, path: Path) -> Path:
    """An MP4 of one track as one of ``count``, written to ``path``."""
    moov, trak = data.index(b"moov") - 4, data.index(b"trak") - 4
    size = struct.unpack_from(">I", data, trak)[0]
    more = bytes(data[trak : trak + size]) * (count - 1)
    data[trak:trak] = more
    data[moov : moov + 4] = struct.pack(">I", struct.unpack_from(">I", data, moov)[0] + len(more))
    return written(path, data)


def written(path: Path, data: bytes | bytearray) -> Path:
    path.write_bytes(data)
    return path


def with_a_second_directory(content: bytes) -> bytes:
    """The archive ``content`` compressed, its table of contents once as it is and once as if nothing were.

    Readers that go by the place that the end declares see the first, those that look just before the end the second.
    """
    packed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as stored, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in stored.namelist():
            archive.writestr(name, stored.read(name))
    whole = packed.getvalue()
    end = whole.rindex(b"PK\5\6")
    size, start = struct.unpack_from("<II", whole, end + 12)
    harmless, at = bytearray(whole[start : start + size]), 0
    while at < size:
        struct.pack_into("<H", harmless, at + 10, zipfile.ZIP_STORED)
        struct.pack_into("<II", harmless, at + 20, 1, 1)
        at += 46 + sum(struct.unpack_from("<HHH", harmless, at + 28))
    return whole[:end] + bytes(harmless) + whole[end:]


def jpeg_2000(side: int, *, precinct: int, block: int, components: int = 3) -> bytes:
    """A codestream of a square picture in one tile: its headers and next to no data.

    ``precinct``: sides, as powers of two; ``block``: those of code-blocks, two less.
    """
    size = struct.pack(">HIIIIIIIIH", 0, side, side, 0, 0, side, side, 0, 0, components) + b"\7\1\1" * components
    coding = bytes([1, 0, 0, 1, 0, 1, block, block, 0, 1, *[precinct * 17] * 2])
    steps = bytes([0x40, *[8 << 3] * 4])
    data = b"\xff\x93" + bytes(16)
    tile = struct.pack(">HIBB", 0, 12 + len(data), 0, 1)
    parts = ((0xFF51, size), (0xFF52, coding), (0xFF5C, steps), (0xFF90, tile))
    headers = b"".join(struct.pack(">HH", marker, len(part) + 2) + part for marker, part in parts)
    return b"\xff\x4f" + headers + data + b"\xff\xd9"


def many_tables(folder: Path) -> Path:
    """A JPEG 2000 picture under another name, with tables for each pixel."""
    return written(folder / "holiday.png", jpeg_2000(2048, precinct=1, block=0))


def packed_tags(folder: Path) -> Path:
    """A sound whose tags (ID3) unpack to a gigabyte."""
    text = zlib.compress(b"\0x\0" + bytes(60_000_000), 9)
    frame = b"TXXX" + _syncsafe(len(text) + 4) + b"\0\x09" + _syncsafe(60_000_003) + text
    return written(folder / "song.mp4", b"ID3\4\0\0" + _syncsafe(16 * len(frame)) + 16 * frame + b"\xff\xfb\x90d" * 500)


def _syncsafe(number: int) -> bytes:
    return bytes(number >> shift & 0x7F for shift in (21, 14, 7, 0))


def many_large_streams(folder: Path) -> Path:
    """An AVI with twelve streams of one and the same picture of 4096x4096, 128 MiB when it is decoded."""
    picture = av.VideoFrame(4096, 4096, "rgba64be")
    with av.open(str(folder / "many.avi"), "w") as output:
        streams = [output.add_stream("png", rate=25, options={"compression_level": "1"}) for _ in range(12)]
        for stream in streams:
            stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "rgba64be"
        picture.pts = 0
        packet = next(iter([*streams[0].encode(picture), *streams[0].encode(None)]))
        content = bytes(packet)
        for stream in streams:
            each: av.Packet[Any] = av.Packet(content)
            each.pts = each.dts = 0
            each.time_base, each.stream, each.is_keyframe = Fraction(1, 25), stream, True
            output.mux(each)
    return folder / "many.avi"


MEMORY: dict[str, Callable[[Path], Path]] = {
    "index": endless_index,
    "fragment": endless_fragment,
    "edits": endless_edits,
    "packed header": packed_header,
    "attachments": attachments,
    "subtitles": packed_subtitles,
    "streams": many_streams,
    "tables": many_tables,
    "tags": packed_tags,
}
