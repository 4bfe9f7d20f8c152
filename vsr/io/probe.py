"""What a container's video is: which stream, and its geometry, colour and timing as one VideoInfo."""

from contextlib import suppress
from fractions import Fraction

import av
from av.container import InputContainer
from av.error import ArgumentError, FFmpegError, InvalidDataError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from vsr.color import has_exact_matrix
from vsr.errors import SourceError
from vsr.frames import MATRIX_BT709, MATRIX_RGB, MATRIX_SMPTE170M, UNSPECIFIED, ChromaLocation, ColorSpace, VideoInfo
from vsr.io import formats, limits, side_data
from vsr.io.opening import open_input
from vsr.notices import Notices
from vsr.spec import PipelineSpec

_HD_HEIGHT = 720
_PROGRESSIVE_ORDERS = (0, 1)  # AV_FIELD_UNKNOWN, AV_FIELD_PROGRESSIVE
_MOST_STRETCHED = Fraction(16)
"""Of real pixels, anamorphic ones are 2:1 at most."""
_RANGE_LIMITED, _RANGE_FULL = 1, 2
_NOT_THE_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails


def moving_streams(container: InputContainer) -> list[VideoStream]:
    """The video streams that are video: no cover pictures, no thumbnails."""
    return [s for s in container.streams.video if not s.disposition & _NOT_THE_VIDEO]


def choose_video(container: InputContainer, spec: PipelineSpec, notices: Notices) -> VideoStream:
    """The stream to upscale: the one asked for, else the first that is marked default, as players choose.

    Its decoder is held to ``spec.max_pixels``. Raises SourceError where there is none, naming what the file has
    instead, and where it is declared larger than that.
    """
    streams = moving_streams(container)
    if len(container.streams) == limits.most_streams(spec.source):
        notices.say(f"the source has {len(container.streams)} streams; what it may have beyond these is left out")
    if spec.video_stream is not None:
        chosen = next((s for s in container.streams.video if s.index == spec.video_stream), None)
        if chosen is None:
            there = ", ".join(f"#{s.index}" for s in streams) or "none"
            raise SourceError(f"stream #{spec.video_stream} of {spec.source} is no video stream; there are: {there}")
    elif streams:
        chosen = next((s for s in streams if s.disposition & Disposition.default), streams[0])
        if len(streams) > 1:
            listed = ", ".join(f"#{s.index} {_size_of(s)}" for s in streams)
            notices.say(f"{len(streams)} video streams ({listed}): #{chosen.index} is upscaled, --video-stream chooses")
    else:
        kinds = sorted({s.type for s in container.streams})
        covers = " besides cover pictures" if container.streams.video else ""
        raise SourceError(f"{spec.source} has no video stream{covers}; it has: {', '.join(kinds) or 'nothing'}")
    if chosen.codec_context is None:
        raise SourceError(f"stream #{chosen.index} of {spec.source} is in a codec that FFmpeg has no decoder for")
    limits.restrain(chosen, spec)
    return chosen


def _size_of(stream: VideoStream) -> str:
    return f"{stream.width}x{stream.height}" if stream.codec_context is not None else "without a decoder"


def probe(spec: PipelineSpec, notices: Notices) -> VideoInfo:
    """Look at the first frame of ``spec.source`` and close the file again. Raises SourceError.

    The look is single-threaded: it listens to FFmpeg's log, which no decoder thread must be writing to then.
    """
    with open_input(spec) as container:
        stream = choose_video(container, spec, notices)
        stream.thread_type = "NONE"
        first = _first_frame(container, stream, spec, notices)
        if first is None:
            raise limits.undecodable(spec)
        return describe(container, stream, first, notices)


def _first_frame(
    container: InputContainer, stream: VideoStream, spec: PipelineSpec, notices: Notices
) -> VideoFrame | None:
    try:
        for packet in container.demux(stream):
            limits.check_packet(packet, stream, spec)
            with suppress(InvalidDataError):  # damage before the first good frame
                for frame in stream.decode(packet):
                    limits.check_frame(frame, spec)
                    return side_data.legible(frame, stream, notices)
    except ArgumentError as exc:
        raise limits.undecodable(spec) from exc
    except FFmpegError as exc:
        raise SourceError(f"{spec.source} can't be read: {exc.strerror}; the file is damaged") from exc
    return None


def describe(
    container: InputContainer,
    stream: VideoStream,
    first: VideoFrame,
    notices: Notices,
    *,
    chroma_location: ChromaLocation | None = None,
) -> VideoInfo:
    """VideoInfo from the container, the stream and the first decoded frame, which knows best.

    Without a ``chroma_location`` that is known already it is heard from FFmpeg's log, while nobody else may be
    working with FFmpeg.
    """
    name = first.sw_format.name if first.sw_format else first.format.name
    layout = formats.layout_of(name)
    rate = _frame_rate(stream)
    time_base = stream.time_base or Fraction(1, 90000)
    duration_s = _duration_s(container, stream)
    count = stream.frames or (round(duration_s * rate) if duration_s and rate else None)
    still = _is_still(container)
    for loss in sorted({side_data.LOST[name] for name in side_data.names(first) & side_data.LOST.keys()}):
        notices.say(f"{loss}: no encoder here can write it again; it is dropped")
    return VideoInfo(
        width=first.width,
        height=first.height,
        layout=layout,
        color=_color(stream, first, name, still, notices, location=chroma_location),
        time_base=time_base,
        frame_rate=rate,
        sample_aspect_ratio=_pixel_shape(stream, notices),
        display_matrix=side_data.display_matrix(first),
        interlaced=first.interlaced_frame or stream.codec_context.field_order not in _PROGRESSIVE_ORDERS,
        still=still,
        frame_count=1 if still else count,
        duration_s=duration_s,
        hdr=side_data.static_hdr(first),
    )


def _pixel_shape(stream: VideoStream, notices: Notices) -> Fraction:
    """The sample aspect ratio, or 1 where it is none that pictures have: sizes are made from it."""
    ratio = stream.sample_aspect_ratio or Fraction(1)
    if 1 / _MOST_STRETCHED <= ratio <= _MOST_STRETCHED:
        return ratio
    notices.say(f"the source says that its pixels are {ratio.numerator}:{ratio.denominator}; they are taken as square")
    return Fraction(1)


def _frame_rate(stream: VideoStream) -> Fraction | None:
    """Average frames a second; a Matroska of few frames can claim more than its own base rate, which is then right."""
    average, base = stream.average_rate or stream.guessed_rate, stream.base_rate
    return min(average, base) if average and base else average or base


def _is_still(container: InputContainer) -> bool:
    return container.format.name.endswith("_pipe")


def _duration_s(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    return container.duration / av.time_base if container.duration else None


def _color(
    stream: VideoStream,
    frame: VideoFrame,
    name: str,
    still: bool,
    notices: Notices,
    *,
    location: ChromaLocation | None,
) -> ColorSpace:
    """The colour description of the first frame, its gaps filled by the usual rules, each guess named."""
    layout = formats.layout_of(name)
    guessed: list[str] = []
    matrix = int(frame.colorspace)
    if layout.family == "rgb":
        matrix = MATRIX_RGB
    elif matrix in (UNSPECIFIED, MATRIX_RGB):
        matrix = MATRIX_SMPTE170M if frame.height < _HD_HEIGHT else MATRIX_BT709
        if layout.family == "yuv":
            guessed.append("matrix")
            standard = "BT.601 (height below 720)" if matrix == MATRIX_SMPTE170M else "BT.709 (height from 720)"
            notices.say(f"the source does not say its colour matrix; taken as {standard}, and the output is tagged so")
    if not has_exact_matrix(matrix):
        notices.say(
            f"colour matrix {matrix} (H.273) has no plain RGB; kept as it is, the network sees an approximation"
        )
    if int(frame.color_range) not in (_RANGE_LIMITED, _RANGE_FULL) and not formats.is_full_range_name(name):
        full_range = layout.family == "rgb" or (layout.family == "gray" and still)
        if layout.family != "rgb":
            guessed.append("range")
    else:
        full_range = int(frame.color_range) == _RANGE_FULL or formats.is_full_range_name(name)
    if location is None and layout.chroma_shift_x and not frame.sw_format:
        location = side_data.chroma_location(frame, stream)
    if location is None and layout.chroma_shift_x:
        guessed.append("chroma_location")
    return ColorSpace(
        matrix=matrix,
        full_range=full_range,
        primaries=int(frame.color_primaries),
        transfer=int(frame.color_trc),
        chroma_location=location or "left",
        guessed=tuple(guessed),
    )
