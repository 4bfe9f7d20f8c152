"""RGB clips through real codecs and back, in memory: what compression makes of pictures, to train and score on."""

import os
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, cast

import av
import numpy as np
import numpy.typing as npt
from av.codec.codec import UnknownCodecError
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation

from vsr.errors import IntegrityError, SinkError
from vsr.frames import MATRIX_BT709, MATRIX_SMPTE170M, ColorSpace, PixelLayout, Plane
from vsr.io.formats import planes_of
from vsr.io.scheduling import ordinary_threads
from vsr.plane_model import Picture

Codec = Literal["h264", "hevc", "vp9", "av1", "mpeg4", "mpeg2", "jpeg"]
Matrix = Literal["bt601", "bt709"]
Clip = npt.NDArray[np.uint8]
"""(T,H,W,3) RGB."""

_COLORSPACES = {"bt601": Colorspace.ITU601, "bt709": Colorspace.ITU709}
# Bicubic chroma like vsr.color's, every sample computed, and the same bits on every machine.
_SCALING = (
    Interpolation.BICUBIC
    | Interpolation.FULL_CHR_H_INT
    | Interpolation.FULL_CHR_H_INP
    | Interpolation.ACCURATE_RND
    | Interpolation.BITEXACT
)
_RATE = Fraction(25)
_LEAST_SIDE = 64
"""SVT-AV1 and x265 refuse pictures smaller than one of their blocks."""


@dataclass(frozen=True)
class _Coder:
    """One encoder, tied to one thread so that it gives the same bits each time, and the decoder of its stream."""

    encoder: str
    decoder: str
    quality_option: str | None = None
    """None takes the quality as a constant quantiser."""
    effort_option: str | None = None
    options: tuple[tuple[str, str], ...] = ()
    pix_fmt: str = "yuv420p"
    full_range: bool = False
    b_frames: bool = False
    width_multiple: int = 2


# The macroblock tree of x264, 8 blocks of 16 pixels at once, gives other bits each time where blocks are left over.
_X264_WIDTH_MULTIPLE = 128
_X265_OPTIONS = (("x265-params", "pools=none:frame-threads=1:log-level=error"),)
_CODERS: dict[Codec, _Coder] = {
    "h264": _Coder("libx264", "h264", "crf", "preset", b_frames=True, width_multiple=_X264_WIDTH_MULTIPLE),
    "hevc": _Coder("libx265", "hevc", "crf", "preset", _X265_OPTIONS, b_frames=True),
    "vp9": _Coder("libvpx-vp9", "vp9", "crf", "cpu-used", (("b", "0"), ("deadline", "good"), ("row-mt", "0"))),
    "av1": _Coder("libsvtav1", "libdav1d", "crf", "preset", (("svtav1-params", "lp=1"),)),
    "mpeg4": _Coder("mpeg4", "mpeg4", b_frames=True),
    "mpeg2": _Coder("mpeg2video", "mpeg2video", b_frames=True),
    "jpeg": _Coder("mjpeg", "mjpeg", pix_fmt="yuvj420p", full_range=True),
}


@dataclass(frozen=True)
class Coding:
    """How a clip is compressed."""

    codec: Codec
    quality: int
    """The encoder's own measure, larger is poorer: rate factor (CRF) of h264, hevc, vp9, av1; quantiser of the rest."""
    effort: str = ""
    """Preset of h264, hevc and av1, -cpu-used of vp9; empty leaves the encoder's default."""
    matrix: Matrix = "bt709"
    """Of the encoded luma and chroma, in limited range; JPEG is always BT.601 in full range (JFIF)."""
    b_frames: int = 3
    """At most so many B-frames in a row, where the codec has them: h264, hevc, mpeg4, mpeg2."""


def code_clip(clip: Clip, coding: Coding, wanted: int) -> npt.NDArray[np.uint8]:
    """Encode ``clip`` as one group of pictures in 4:2:0, decode it, and return frame ``wanted`` as (H,W,3) RGB.

    The same clip and coding always give the same picture. SinkError if FFmpeg lacks the encoder or its decoder, or
    refuses the clip; IntegrityError if frames are missing.
    """
    height, width = clip.shape[1:3]
    frames = _decoded(clip, coding)
    return _to_rgb(frames[wanted], _CODERS[coding.codec], coding)[:height, :width]


def code_planes(clip: Clip, coding: Coding) -> tuple[Picture, tuple[tuple[Plane, ...], ...]]:
    """The same, but every frame, as the 4:2:0 planes that the decoder gives, and what these planes are.

    Where an encoder wants other sides the planes are larger: the clip lies at their top left.
    """
    frames = _decoded(clip, coding)
    layout = PixelLayout("yuv", 8, chroma_shift_x=1, chroma_shift_y=1)
    coder = _CODERS[coding.codec]
    matrix = MATRIX_SMPTE170M if _colorspace(coder, coding) == Colorspace.ITU601 else MATRIX_BT709
    # Between the luma samples in both directions, since swscale is told nothing else.
    color = ColorSpace(matrix, full_range=coder.full_range, chroma_location="center")
    picture = Picture(frames[0].width, frames[0].height, layout, color)
    return picture, tuple(planes_of(frame, layout) for frame in frames)


def _decoded(clip: Clip, coding: Coding) -> list[VideoFrame]:
    """As many frames as ``clip`` has. Raises SinkError or IntegrityError."""
    coder = _CODERS[coding.codec]
    height, width = clip.shape[1:3]
    padded = _padded(clip, coder.width_multiple)
    try:
        encoder = _open_encoder(coder, coding, padded.shape[2], padded.shape[1])
        packets = []
        for index, pixels in enumerate(padded):
            frame = _to_yuv(pixels, coder, coding)
            frame.pts, frame.time_base = index, 1 / _RATE
            packets += encoder.encode(frame)
        packets += encoder.encode(None)
        decoder = cast("VideoCodecContext", av.CodecContext.create(coder.decoder, "r"))
        decoder.thread_count = 1
        decoder.extradata = encoder.extradata
        frames = [frame for packet in [*packets, None] for frame in decoder.decode(packet)]
    except UnknownCodecError as exc:
        raise SinkError(f"FFmpeg has no '{exc}' here; choose another codec than {coding.codec}") from exc
    except (av.FFmpegError, ValueError) as exc:
        reason = getattr(exc, "strerror", None) or exc
        raise SinkError(f"{coder.encoder} can't code {width}x{height} with {coding}: {reason}") from exc
    if len(frames) != len(clip):
        raise IntegrityError(f"{coder.encoder} gave {len(frames)} frames of {len(clip)} back; coding was {coding}")
    return frames


def _open_encoder(coder: _Coder, coding: Coding, width: int, height: int) -> VideoCodecContext:
    encoder = cast("VideoCodecContext", av.CodecContext.create(coder.encoder, "w"))
    encoder.width, encoder.height, encoder.pix_fmt = width, height, coder.pix_fmt
    encoder.time_base, encoder.framerate = 1 / _RATE, _RATE
    encoder.thread_count = 1
    encoder.bit_rate = 0
    options = dict(coder.options)
    if coder.encoder == "libsvtav1":  # or it writes to standard error by itself
        os.environ.setdefault("SVT_LOG", "1")
    if coder.quality_option:
        options[coder.quality_option] = str(coding.quality)
    else:
        encoder.qscale = True
        encoder.qmin = encoder.qmax = coding.quality
    if coder.effort_option and coding.effort:
        options[coder.effort_option] = coding.effort
    if coder.b_frames:
        encoder.max_b_frames = coding.b_frames
    encoder.options = options
    with ordinary_threads():
        encoder.open()
    return encoder


def _to_yuv(pixels: npt.NDArray[np.uint8], coder: _Coder, coding: Coding) -> VideoFrame:
    space = _colorspace(coder, coding)
    return VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
        format=coder.pix_fmt,
        src_colorspace=space,
        dst_colorspace=space,
        src_color_range=ColorRange.JPEG,
        dst_color_range=_range(coder),
        interpolation=_SCALING,
        threads=1,
    )


def _to_rgb(frame: VideoFrame, coder: _Coder, coding: Coding) -> npt.NDArray[np.uint8]:
    space = _colorspace(coder, coding)
    rgb = frame.reformat(
        format="rgb24",
        src_colorspace=space,
        dst_colorspace=space,
        src_color_range=_range(coder),
        dst_color_range=ColorRange.JPEG,
        interpolation=_SCALING,
        threads=1,
    )
    return rgb.to_ndarray().astype(np.uint8, copy=False)


def _colorspace(coder: _Coder, coding: Coding) -> Colorspace:
    return Colorspace.ITU601 if coder.full_range else _COLORSPACES[coding.matrix]


def _range(coder: _Coder) -> ColorRange:
    return ColorRange.JPEG if coder.full_range else ColorRange.MPEG


def _padded(clip: Clip, width_multiple: int) -> Clip:
    """The clip with its last column and row repeated to an even height, a width of the multiple, and what all take."""
    height, width = clip.shape[1:3]
    right = max(width + -width % width_multiple, _LEAST_SIDE) - width
    below = max(height + height % 2, _LEAST_SIDE) - height
    return np.pad(clip, ((0, 0), (0, below), (0, right), (0, 0)), mode="edge")
