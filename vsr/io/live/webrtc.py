"""Pictures and sound as browsers exchange them: encoded for a viewer, and those of a browser's camera as planes."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.error import FFmpegError
from av.packet import Packet
from av.stream import Stream
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Interpolation

from vsr.errors import SinkError
from vsr.frames import MATRIX_BT709, MATRIX_RGB, MATRIX_SMPTE170M, UNSPECIFIED, ColorSpace, Frame, VideoInfo
from vsr.io import formats
from vsr.io.live.contract import CHANNELS, SAMPLE_RATE, TIME_BASE, LiveAudio, LiveFrame
from vsr.io.picture import Resizer, frame_of

if TYPE_CHECKING:
    from av.video.codeccontext import VideoCodecContext

PictureCodec = Literal["H264", "VP8"]
Encoded: TypeAlias = "Packet[Stream]"
"""What a viewer is sent: a picture or 20 ms of sound."""

_ENCODERS = {"H264": "libx264", "VP8": "libvpx"}
_OPTIONS = {
    # forced-idr: only such a picture lets a viewer begin.
    "H264": {"preset": "superfast", "tune": "zerolatency", "forced-idr": "1", "sc_threshold": "0"},
    "VP8": {"deadline": "realtime", "cpu-used": "-8", "lag-in-frames": "0", "auto-alt-ref": "0"},
}
_MATRIX_BT470BG = 5
_SD_MATRICES = (_MATRIX_BT470BG, MATRIX_SMPTE170M)
_HD_HEIGHT = 720
_BITS_A_PIXEL_S = 6
_LEAST_BPS, _MOST_BPS = 2_000_000, 25_000_000
_BURST_BITS = 1_200_000
"""Of one picture: about as many packets as the sender keeps to send again."""
_RETUNE = (0.75, 1.4)
"""A new bit rate outside of these shares of the old one opens the encoder anew, which costs a key frame."""
_NO_KEYFRAMES = 1 << 20  # unless a viewer asks for one
_OPUS_SAMPLES = SAMPLE_RATE // 50
_OPUS_BPS = 128_000


class PictureEncoder:
    """One viewer's: H.264 or VP8, 8-bit 4:2:0, without delay. Follows every change of size and colour."""

    def __init__(self, codec: PictureCodec):
        self._codec = codec
        self._resize = Resizer(Interpolation.BICUBIC | Interpolation.ACCURATE_RND)
        self._context: VideoCodecContext | None = None
        self._opened_for: tuple[int, int, int] | None = None
        self.limit_bps: int | None = None
        """What the way to the viewer carries, as far as the viewer says; set from another thread."""

    def encode(self, frame: LiveFrame, pts: int, *, keyframe: bool) -> Encoded | None:
        """The packet of ``frame`` at ``pts`` (in TIME_BASE), or None where the encoder left it out. Raises SinkError.

        ``keyframe`` asks for one that a viewer can begin with; the first one always is.
        """
        try:
            picture = browser_picture(frame, self._codec, self._resize)
            picture.pts, picture.time_base = pts, TIME_BASE
            picture.pict_type = PictureType.I if keyframe else PictureType.NONE
            packets = self._ready_for(picture, frame.info.frame_rate).encode(picture)
        except (FFmpegError, ValueError) as exc:
            raise SinkError(f"the page's {self._codec} encoder failed: {exc}") from exc
        return packets[0] if packets else None

    def _ready_for(self, picture: VideoFrame, rate: Fraction | None) -> VideoCodecContext:
        wanted_bps = min(_wanted_bps(picture.width, picture.height), self.limit_bps or _MOST_BPS)
        wanted_bps = max(wanted_bps, _LEAST_BPS // 8)
        context, looks = self._context, (picture.width, picture.height, int(picture.colorspace))
        if context is not None and looks == self._opened_for:
            now_bps = context.bit_rate or wanted_bps
            if _RETUNE[0] * now_bps <= wanted_bps <= _RETUNE[1] * now_bps:
                return context
        self._context, self._opened_for = _opened(self._codec, picture, rate, wanted_bps), looks
        return self._context


def _wanted_bps(width: int, height: int) -> int:
    return min(max(width * height * _BITS_A_PIXEL_S, _LEAST_BPS), _MOST_BPS)


def _opened(codec: PictureCodec, picture: VideoFrame, rate: Fraction | None, bit_rate: int) -> VideoCodecContext:
    context = cast("VideoCodecContext", av.CodecContext.create(_ENCODERS[codec], "w"))
    context.width, context.height, context.pix_fmt = picture.width, picture.height, "yuv420p"
    context.time_base, context.framerate = TIME_BASE, rate or Fraction(30)
    context.bit_rate, context.gop_size, context.max_b_frames = bit_rate, _NO_KEYFRAMES, 0
    context.thread_type = "SLICE"  # threads by pictures would hold some back
    context.thread_count = min(os.cpu_count() or 1, 1 + picture.width * picture.height // (1280 * 720), 4)
    context.color_range, context.colorspace = ColorRange.MPEG, picture.colorspace
    context.color_primaries, context.color_trc = picture.color_primaries, picture.color_trc
    if codec == "H264":
        context.profile = "Baseline"  # that all browsers must decode (RFC 7742)
    burst = str(min(bit_rate, _BURST_BITS))
    context.options = {**_OPTIONS[codec], "maxrate": str(bit_rate), "bufsize": burst}
    return context


def browser_picture(frame: LiveFrame, codec: PictureCodec, resize: Resizer) -> VideoFrame:
    """``frame`` as 8-bit 4:2:0 of limited range and even size, in a matrix that a browser takes ``codec`` to be in.

    VP8 can't say its matrix and means BT.601; H.264 says BT.601 or BT.709, whichever the frame has.
    """
    info = frame.info
    width, height = max(info.width & ~1, 2), max(info.height & ~1, 2)
    sizes = info.layout.plane_sizes(width, height)
    planes = tuple(plane[:rows, :columns] for plane, (rows, columns) in zip(frame.frame.planes, sizes, strict=True))
    color = replace(info.color, matrix=_browser_matrix(info, codec), full_range=False)
    picture = frame_of(planes, info.layout, info.color)
    converted = resize(picture, info.color, width=width, height=height, pix_fmt="yuv420p", to=color)
    converted.color_range = ColorRange.MPEG
    converted.color_primaries, converted.color_trc = color.primaries, color.transfer
    return converted


def _browser_matrix(info: VideoInfo, codec: PictureCodec) -> int:
    if codec == "VP8":
        return MATRIX_SMPTE170M
    if info.color.matrix in (MATRIX_BT709, *_SD_MATRICES):
        return info.color.matrix
    return MATRIX_BT709 if info.height >= _HD_HEIGHT else MATRIX_SMPTE170M


class SoundEncoder:
    """One viewer's: Opus, 20 ms a packet. A gap in the sound is one in the packets' times."""

    def __init__(self) -> None:
        context = av.CodecContext.create("libopus", "w")
        context.format, context.layout, context.sample_rate = "s16", "stereo", SAMPLE_RATE
        context.bit_rate, context.time_base = _OPUS_BPS, Fraction(1, SAMPLE_RATE)
        context.options = {"application": "audio", "frame_duration": "20"}
        self._context = context
        self._waiting = np.empty((0, CHANNELS), np.int16)
        self._pts = 0

    def encode(self, audio: LiveAudio) -> list[Encoded]:
        """Packets of the sound so far, in TIME_BASE of 1/SAMPLE_RATE. Raises SinkError."""
        if audio.pts != self._pts + len(self._waiting):
            self._waiting, self._pts = audio.samples, audio.pts
        else:
            self._waiting = np.concatenate((self._waiting, audio.samples))
        packets: list[Encoded] = []
        try:
            while len(self._waiting) >= _OPUS_SAMPLES:
                packets += self._encode_next()
        except (FFmpegError, ValueError) as exc:
            raise SinkError(f"the page's Opus encoder failed: {exc}") from exc
        return packets

    def _encode_next(self) -> list[Encoded]:
        samples, self._waiting = self._waiting[:_OPUS_SAMPLES], self._waiting[_OPUS_SAMPLES:]
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples).reshape(1, -1), "s16", "stereo")
        frame.sample_rate, frame.time_base, frame.pts = SAMPLE_RATE, self._context.time_base, self._pts
        packets = self._context.encode(frame)
        for packet in packets:  # one; the encoder itself counts on over a gap
            packet.pts = packet.dts = self._pts
        self._pts += _OPUS_SAMPLES
        return packets


def camera_picture(picture: VideoFrame, pts: int) -> tuple[Frame, VideoInfo]:
    """A decoded frame of a browser's camera, at ``pts`` in TIME_BASE, and what is true of it.

    Browsers encode cameras in BT.601 of limited range, chroma in the middle of four pixels, and seldom say so.
    """
    layout = formats.layout_of(picture.format.name)
    matrix = int(picture.colorspace)
    color = ColorSpace(
        matrix=MATRIX_SMPTE170M if matrix in (UNSPECIFIED, MATRIX_RGB) else matrix,
        full_range=int(picture.color_range) == ColorRange.JPEG or formats.is_full_range_name(picture.format.name),
        primaries=int(picture.color_primaries),
        transfer=int(picture.color_trc),
        chroma_location="center",
    )
    info = VideoInfo(picture.width, picture.height, layout, color, time_base=TIME_BASE, frame_rate=None)
    return Frame(formats.planes_of(picture, layout), pts, TIME_BASE), info


def microphone_samples(sound: AudioFrame) -> npt.NDArray[np.int16]:
    """(count, CHANNELS) of decoded Opus, which is packed 48 kHz stereo whatever the microphone is."""
    return np.asarray(sound.to_ndarray(), np.int16).reshape(-1, CHANNELS)
