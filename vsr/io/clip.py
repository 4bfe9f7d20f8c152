"""A clip to measure on: planes into a plain video file, and the beginning of a given one."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import av
from av.error import FFmpegError
from av.video.frame import VideoFrame

from vsr.errors import SinkError, SourceError
from vsr.io import formats
from vsr.io.opening import open_input
from vsr.io.probe import choose_video
from vsr.io.video_stream import RANGE_FULL, RANGE_LIMITED

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from vsr.frames import Plane
    from vsr.notices import Notices
    from vsr.plane_model import Picture
    from vsr.spec import PipelineSpec

_RATE = Fraction(25)


def write_clip(path: Path, frames: Iterable[tuple[Plane, ...]], picture: Picture) -> None:
    """Encode ``frames``, planes of ``picture``, as H.264 (x264, CRF 18) at 25 frames a second. Raises SinkError."""
    pix_fmt = formats.pix_fmt_of(picture.layout)
    options = {"crf": "18", "preset": "veryfast"}
    try:
        with av.open(str(path), "w") as output:
            stream = output.add_stream("libx264", rate=_RATE, options=options)
            stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, pix_fmt
            stream.codec_context.colorspace = picture.color.matrix
            stream.codec_context.color_range = RANGE_FULL if picture.color.full_range else RANGE_LIMITED
            for index, planes in enumerate(frames):
                frame = VideoFrame(picture.width, picture.height, pix_fmt)
                formats.fill(frame, planes, picture.layout)
                frame.pts, frame.time_base = index, 1 / _RATE
                output.mux(stream.encode(frame))
            output.mux(stream.encode(None))
    except (FFmpegError, ValueError) as exc:
        raise SinkError(f"{path} can't be written with libx264: {getattr(exc, 'strerror', None) or exc}") from exc


def copy_beginning(spec: PipelineSpec, path: Path, frames: int, notices: Notices) -> None:
    """Copy the first ``frames`` packets of the video stream that ``spec`` chooses, and nothing else, as Matroska.

    Packets lie in the order of decoding, so that a frame just before the cut may be missing. Raises SourceError.
    """
    with open_input(spec) as source:
        stream = choose_video(source, spec, notices)
        try:
            with av.open(str(path), "w", format="matroska") as output:
                copied = output.add_stream_from_template(stream, opaque=True)
                # The last packet, an empty one, only tells the end.
                packets = (packet for packet in source.demux(stream) if packet.size)
                for packet, _ in zip(packets, range(frames), strict=False):
                    packet.stream = copied
                    output.mux_one(packet)
        except (FFmpegError, ValueError) as exc:
            reason = getattr(exc, "strerror", None) or exc
            raise SourceError(f"the beginning of {spec.source} can't be copied to measure on it: {reason}") from exc
