"""Finished pieces into one file: their packets copied, among the source's other streams, as if made in one go."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

from vsr.errors import IntegrityError
from vsr.io.clock import OutputClock
from vsr.io.output_file import OutputFile
from vsr.io.packet_file import read_header, read_packets

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from av.packet import Packet
    from av.stream import Stream

    from vsr.io.encoders import Encoding
    from vsr.io.passthrough import StreamPlan
    from vsr.io.source import VideoSource
    from vsr.io.target import Target
    from vsr.notices import Notices
    from vsr.scaling import OutputSize

# Each of their packets goes on from all that their encoder wrote before: numbers of frames, pauses, a global header.
_IN_ONE_GO = frozenset({"gif", "apng"})


def can_join(codec: str) -> bool:
    """Whether what several encoders of ``codec`` wrote, one after another, is what one of them would have written."""
    return codec not in _IN_ONE_GO


def check(
    paths: Sequence[Path],
    target: Target,
    encoding: Encoding,
    size: OutputSize,
    *,
    source: VideoSource,
    notices: Notices,
) -> None:
    """What ``join`` would raise of the output and of the pieces ``paths`` that are there, before the others are made.

    Says what becomes of the source's other streams; nothing is left of ``target``, and ``source`` is not read.
    """
    clock = OutputClock(encoding.codec, target.container, source.info, notices)
    output = OutputFile(target, encoding, size, source, clock=clock, notices=notices)
    try:
        _check_headers(paths, encoding.codec, output.stream.codec_context.extradata or b"")
    finally:
        output.abort()


def join(
    paths: Sequence[Path],
    frames: int,
    target: Target,
    encoding: Encoding,
    size: OutputSize,
    *,
    source: VideoSource,
    notices: Notices,
) -> list[StreamPlan]:
    """Join the pieces ``paths``, of together ``frames`` frames, into ``target.partial``; what became of other streams.

    ``source`` has not been read yet. The output's header comes from an encoder that is opened as for a run in one go
    and gets no frame. Raises SinkError, also for pieces that can't be read, SourceError and IntegrityError.
    """
    clock = OutputClock(encoding.codec, target.container, source.info, notices)
    output = OutputFile(target, encoding, size, source, clock=clock, notices=notices)
    try:
        _check_headers(paths, encoding.codec, output.stream.codec_context.extradata or b"")
        pace = _Pace(source)
        count = 0
        for packet in _joined(paths, reordered=not clock.without_b_frames):
            if packet.dts is not None:
                pace.reach(packet.dts * packet.time_base)
            output.carry()
            packet.stream = output.stream
            output.mux([packet])
            count += 1
        pace.reach(None)
        _check_count(count, frames)
        output.finish()
    except BaseException:
        output.abort()
        raise
    return output.plans


def _check_count(packets: int, frames: int) -> None:
    if packets != frames:
        raise IntegrityError(f"the pieces hold {packets} packets of {frames} frames; --restart makes them anew")


def _check_headers(paths: Sequence[Path], codec: str, extradata: bytes) -> None:
    for path in paths:
        header = read_header(path)
        if (header.codec, header.extradata) != (codec, extradata):
            raise IntegrityError(
                f"{path} was encoded with other headers than {codec} writes now, as after an update of FFmpeg; "
                "--restart makes the pieces anew"
            )


def _joined(paths: Sequence[Path], *, reordered: bool) -> Iterator[Packet[Stream]]:
    """The packets of all pieces, their dts growing over the seams.

    A piece's first dts lie before its first pts by as much as its encoder looks ahead, and may meet the ones before.
    Without reordering a container of constant rate may have moved frames at the end of a piece, and the move goes on.
    """
    last: int | None = None
    for path in paths:
        for packet in read_packets(path):
            if packet.dts is not None and last is not None and packet.dts <= last:
                packet.dts = last + 1
                if not reordered and packet.pts is not None:
                    packet.pts = max(packet.pts, packet.dts)
            last = packet.dts if packet.dts is not None else last
            yield packet


class _Pace:
    """Reads the source as far as the joined video has come, so that its other streams are muxed beside it."""

    def __init__(self, source: VideoSource):
        self._packets = source.video_packets()
        self._reached_s: Fraction | None = None

    def reach(self, time_s: Fraction | None) -> None:
        """Read on until the source's own video is at ``time_s``; None: to its end."""
        while time_s is None or self._reached_s is None or self._reached_s < time_s:
            packet = next(self._packets, None)
            if packet is None:
                return
            if packet.dts is not None:
                self._reached_s = packet.dts * packet.time_base
