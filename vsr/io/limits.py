"""How much memory a source may ask for by what it declares: pixels, streams, bytes attached."""

from __future__ import annotations

import io
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from vsr.errors import SourceError
from vsr.io.header_jpeg2000 import MOST_TABLES, tables
from vsr.io.header_parts import MOST_BYTES
from vsr.io.headers import MATROSKA, begins_with, excess

if TYPE_CHECKING:
    from collections.abc import Sequence

    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from vsr.spec import PipelineSpec

MOST_STREAMS = 64
"""Of any kind: where no header tells which are video, FFmpeg decodes of each to find out, and keeps its frames."""
_MOST_IN_MATROSKA = 256
"""Each font is a stream, and its header tells which are video."""
MOST_WAITING_BYTES = 512 << 20
_WHOLE_PNG = frozenset({"png", "apng"})
"""The decoders of packets that are files of their own, which no look at the whole file finds."""
_JPEG_2000 = frozenset({"jpeg2000", "libopenjpeg"})
_PACKET_BYTES = 1024
"""What a packet takes besides its content."""


def options(spec: PipelineSpec) -> dict[str, str]:
    """What FFmpeg is told when it opens a source: it decodes already then, to find out what the streams are."""
    return {"max_streams": str(most_streams(spec.source)), **decoder_options(spec.max_pixels)}


def most_streams(source: str) -> int:
    """How many streams ``source`` may have."""
    path = Path(source)
    try:
        if path.is_file():  # opening a pipe would wait for somebody at its other end
            with path.open("rb") as file:
                return _MOST_IN_MATROSKA if begins_with(file, MATROSKA) else MOST_STREAMS
    except (OSError, ValueError):  # which opening it will tell
        pass
    return MOST_STREAMS


def decoder_options(max_pixels: int) -> dict[str, str]:
    """What a decoder is told that is to make no frames of more than ``max_pixels``, or not many more.

    Decoders count the padding of their buffers too; the exact limit is for what is declared and decoded.
    """
    return {"max_pixels": str(2 * max_pixels + (1 << 16))}


def opening_options(codecs: Sequence[str], max_pixels: int) -> dict[str, str]:
    """What the decoders of a source with video streams of ``codecs`` are told while it is opened.

    Each decodes a frame or two then, and what it can't find out then it will when it is read: all together may take
    what one of them may, and JPEG 2000, which has to be looked at first, nothing.
    """
    if _JPEG_2000.intersection(codecs):
        return {"max_pixels": "1"}
    return decoder_options(max_pixels // max(len(codecs), 1))


def restrain(stream: VideoStream, spec: PipelineSpec) -> None:
    """Hold the decoder of ``stream``, which is not yet open, to ``spec.max_pixels``; raises SourceError as below."""
    _check_pixels(stream.width, stream.height, f"stream #{stream.index} of {spec.source} is declared as", spec)
    stream.codec_context.options = stream.codec_context.options | decoder_options(spec.max_pixels)


def check_frame(frame: VideoFrame, spec: PipelineSpec) -> None:
    """Raises SourceError for a frame of more than ``spec.max_pixels``."""
    _check_pixels(frame.width, frame.height, f"a frame of {spec.source} has", spec)


def is_refused(stream: VideoStream, spec: PipelineSpec) -> bool:
    """Whether the packet that the decoder of ``stream`` has just failed on asks for more than ``spec.max_pixels``.

    Some decoders then say what it asks for, others that there is no picture at all.
    """
    return not 0 < stream.width * stream.height <= spec.max_pixels


def undecodable(spec: PipelineSpec) -> SourceError:
    """What to say where no frame comes from a decoder; it gives none that is larger than it was told to take."""
    return SourceError(
        f"{spec.source} has a video stream but not one frame could be decoded from it: it is damaged, or larger than "
        f"the {spec.max_pixels} pixels of --max-pixels"
    )


class Waiting:
    """The packets of sound and subtitles that wait for the picture beside which they are to be written."""

    def __init__(self, source: str):
        self._source = source
        self._bytes = 0

    def add(self, size: int) -> None:
        """One more, of ``size`` bytes, for which the file may have a thousandth. Raises SourceError for too many."""
        self._bytes += size + _PACKET_BYTES
        if self._bytes > MOST_WAITING_BYTES:
            raise SourceError(
                f"{self._source} has more than {MOST_WAITING_BYTES >> 20} MiB of sound and subtitles between two "
                "pictures; copy it into a new file with only the streams that are wanted"
            )


def check_headers(source: str, path: Path) -> None:
    """Raises SourceError for a file whose headers would fill the memory, and OSError."""
    status = path.stat()
    found = _excess(path, status.st_ino, status.st_size, status.st_mtime_ns)
    if found is not None:
        raise SourceError(
            f"{source} declares {found}; if it is to be trusted, copy its video and sound, or its picture, into a new "
            "file first"
        )


def check_picture(name: str, content: bytes) -> None:
    """Raises SourceError for a picture that would fill the memory with what is not its pixels."""
    found = excess(io.BytesIO(content), len(content))
    if found is not None:
        raise SourceError(f"{name} declares {found}; if it is to be trusted, save it anew without them")


def check_packet(packet: Packet[Stream] | Packet[VideoStream], stream: VideoStream, spec: PipelineSpec) -> None:
    """Raises SourceError where the next picture of ``stream`` is such a one."""
    name = stream.codec_context.name
    if name in _WHOLE_PNG:
        check_picture(f"a picture of {spec.source}", bytes(packet))
    if name in _JPEG_2000 and packet.size and tables(bytes(packet)) > MOST_TABLES:
        raise SourceError(
            f"a picture of {spec.source} is cut into more than {MOST_TABLES} precincts and code-blocks; if it is to be "
            "trusted, convert it to another codec first"
        )


@lru_cache
def _excess(path: Path, _inode: int, size: int, _changed_ns: int) -> str | None:
    """One look at a file serves for as often as it is opened, once for each piece."""
    with path.open("rb") as file:
        return excess(file, size)


def check_cover(size: int) -> None:
    """Raises SourceError for a cover picture of more bytes than headers may have."""
    if size > MOST_BYTES:
        raise SourceError(f"a cover picture has {size >> 20} MiB, more than {MOST_BYTES >> 20} MiB; remove it first")


def _check_pixels(width: int, height: int, words: str, spec: PipelineSpec) -> None:
    if width * height > spec.max_pixels:
        raise SourceError(
            f"{words} {width}x{height}, {width * height} pixels, more than {spec.max_pixels}; "
            f"if that is right, --max-pixels {width * height} takes it"
        )
