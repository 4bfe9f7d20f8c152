"""The upscaled stream of an output: encoder settings, colour tags, geometry, metadata; all before the header."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, cast

from vsr.io import orientation
from vsr.io.passthrough import live_tags

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

    from vsr.frames import VideoInfo
    from vsr.io.clock import OutputClock
    from vsr.io.encoders import Encoding
    from vsr.scaling import OutputSize

RANGE_LIMITED, RANGE_FULL = 1, 2  # AVCOL_RANGE_MPEG, AVCOL_RANGE_JPEG
# Of AVCodecContext.flags.
_FLAG_QSCALE, _FLAG_FRAME_DURATION = 1 << 1, 1 << 8
_FLAG_INTERLACED_DCT, _FLAG_INTERLACED_ME = 1 << 18, 1 << 29
_QP2LAMBDA = 118  # FF_QP2LAMBDA
_LARGEST_SAR_TERM = 65535


def add_video_stream(
    output: OutputContainer, info: VideoInfo, *, encoding: Encoding, size: OutputSize, clock: OutputClock
) -> VideoStream:
    """Add the stream that ``encoding`` describes. Raises av's errors and ValueError where the container refuses it."""
    stream = cast("VideoStream", output.add_stream(encoding.codec, rate=info.frame_rate or Fraction(25)))
    stream.width, stream.height, stream.pix_fmt = size.width, size.height, encoding.pix_fmt
    context = stream.codec_context
    context.time_base = clock.encoder_time_base
    context.sample_aspect_ratio = size.sample_aspect_ratio.limit_denominator(_LARGEST_SAR_TERM)
    color = encoding.color
    context.color_range = RANGE_FULL if color.full_range else RANGE_LIMITED
    context.colorspace, context.color_primaries, context.color_trc = color.matrix, color.primaries, color.transfer
    context.flags |= _FLAG_FRAME_DURATION
    if info.interlaced:
        context.flags |= _FLAG_INTERLACED_DCT | _FLAG_INTERLACED_ME
    if encoding.qscale is not None:
        context.flags |= _FLAG_QSCALE
        context.global_quality = encoding.qscale * _QP2LAMBDA
    if clock.without_b_frames:
        context.max_b_frames = 0
    context.options = dict(encoding.options)
    if encoding.layout.chroma_shift_x:
        context.options.setdefault("chroma_sample_location", color.chroma_location)
    if info.display_matrix is not None:
        factors = Fraction(size.width, info.width), Fraction(size.height, info.height)
        stream.set_display_matrix(orientation.scaled(info.display_matrix, *factors))
    return stream


def take_after(stream: VideoStream, source: VideoStream, info: VideoInfo) -> None:
    """Give ``stream``, not yet opened, what is said of ``source`` besides its picture: tags, role, field order."""
    if info.interlaced:
        stream.codec_context.field_order = source.codec_context.field_order
    stream.metadata.update(live_tags(source.metadata))
    stream.disposition = source.disposition
