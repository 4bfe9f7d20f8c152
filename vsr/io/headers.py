"""What the headers of MP4, Matroska and PNG files would make FFmpeg hold in memory, counted before it reads them.

FFmpeg makes room for all that a header declares, and a few bytes can declare thousands of millions of samples; it also
reads into memory whole what is no media data, and unpacks it. It has no option to limit any of that. JPEG 2000, whose
headers are in each packet, is vsr.io.header_jpeg2000's; sounds, whose tags are packed, are not opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from vsr.io.header_matroska import header_elements, video_streams
from vsr.io.header_mp4 import Movie
from vsr.io.header_parts import MOST_BYTES, MOST_PARTS, MOST_VIDEO, Parts, TooManyPartsError
from vsr.io.header_png import MAGIC as PNG
from vsr.io.header_png import MOST_UNPACKED, unpacked_bytes

if TYPE_CHECKING:
    from typing import BinaryIO

MOST_SAMPLES = 1 << 24
"""Of all tracks together: four days of film. FFmpeg takes some 60 bytes for each."""
_MOST_REPEATED = 1 << 25
"""Edits times samples of a track: each edit may show every sample again."""
MATROSKA = b"\x1a\x45\xdf\xa3"


def excess(file: BinaryIO, size: int) -> str | None:
    """What is too much in the headers of ``file``, of ``size`` bytes, in words; None where nothing is.

    Raises OSError.
    """
    parts = Parts(file)
    checks = [_of_mp4]  # which FFmpeg may find behind anything, the others only behind their first bytes
    if begins_with(file, MATROSKA):
        checks.append(_of_matroska)
    if begins_with(file, PNG):
        checks.append(_of_png)
    try:
        return next(filter(None, (check(parts, size) for check in checks)), None)
    except TooManyPartsError:
        return f"more than {MOST_PARTS} parts"


def begins_with(file: BinaryIO, magic: bytes) -> bool:
    """Whether ``magic`` is the first bytes of ``file``."""
    file.seek(0)
    return file.read(len(magic)) == magic


def _of_png(file: Parts, size: int) -> str | None:
    if unpacked_bytes(file, size) <= MOST_UNPACKED:
        return None
    return f"texts or a profile that unpack to more than {MOST_UNPACKED >> 20} MiB"


def _of_matroska(file: Parts, size: int) -> str | None:
    header_bytes = 0
    video: dict[int, int] = {}
    """By where it is said."""
    for kind, start, end in header_elements(file, size):
        header_bytes += end - start
        if header_bytes > MOST_BYTES:
            break
        if start not in video and (count := video_streams(file, kind, start, end)):
            video[start] = count
    return _too_large(header_bytes) or _too_many(sum(video.values()))


def _of_mp4(file: Parts, size: int) -> str | None:
    movie = Movie()
    movie.read(file, 0, size, movie.tracks[0])
    entries = sum(track.entries for track in movie.tracks)
    if entries > MOST_SAMPLES:
        return f"an index of {entries} samples, more than {MOST_SAMPLES}"
    if any(track.edits > 2 and track.edits * track.samples > _MOST_REPEATED for track in movie.tracks):
        return "an edit list that may show its samples too often"
    return _too_large(movie.header_bytes) or _too_many(movie.video_streams)


def _too_large(header_bytes: int) -> str | None:
    if header_bytes <= MOST_BYTES:
        return None
    return f"{header_bytes >> 20} MiB of headers and attachments, more than {MOST_BYTES >> 20} MiB"


def _too_many(video_streams: int) -> str | None:
    return (
        f"{video_streams} streams of video and covers, more than {MOST_VIDEO}" if video_streams > MOST_VIDEO else None
    )
