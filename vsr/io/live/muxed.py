"""A live stream on its way into a container: pictures fitted, encoded without delay, muxed with the sound."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import av
from av.error import FFmpegError
from av.video.frame import PictureType

from vsr.errors import UsageError
from vsr.frames import Frame
from vsr.io import picture
from vsr.io.clock import OutputClock
from vsr.io.encoders import choose
from vsr.io.live.contract import TIME_BASE
from vsr.io.live.encoding import DEFAULT_RATE, KEYFRAME_S, made_live
from vsr.io.live.voice import Voice
from vsr.io.scheduling import ordinary_threads
from vsr.io.video_stream import add_video_stream
from vsr.scaling import OutputSize

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from av.container import OutputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame

    from vsr.frames import VideoInfo
    from vsr.io.encoders import Encoding
    from vsr.io.live.contract import LiveAudio, LiveFrame
    from vsr.notices import Notices
    from vsr.spec import PipelineSpec

_WHOLE_MILLISECONDS = frozenset({"flv", "matroska", "webm"})
"""Containers whose times are no finer."""
_FLAG_GLOBAL_HEADER = 1 << 22  # of AVCodecContext.flags
_LONGEST_REPEAT_S = 2
_HANDSHAKE_S = 0.2
"""Until the first picture leaves; were it thought older than that, receivers would squeeze the first ones together."""
# A packet waits for one of the other stream no longer than until the next of its own.
_PROMPT = {"flush_packets": "1", "max_interleave_delta": "1"}


class Writable(Protocol):
    """Where bytes go that no address leads to."""

    def write(self, data: bytes) -> int: ...


@dataclass(frozen=True)
class Form:
    """How a stream is wrapped."""

    container: str
    """FFmpeg's muxer."""
    video_codec: str
    """The encoder where the user names none and the container has no better."""
    audio_codec: str | None
    """None: it carries no sound."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Of the muxer."""
    capped: bool = False
    """True where a network bounds the bit rate."""
    raw: bool = False
    """True where the pictures go as they are, whatever encoder is asked for."""

    def encoding(self, spec: PipelineSpec, info: VideoInfo, notices: Notices) -> Encoding:
        """The encoder for pictures of ``info``. Raises UsageError and SinkError."""
        if self.raw:
            spec = replace(spec, codec=None, crf=None, preset=None, encoder_options=())
        chosen = choose(spec, self.container, self.video_codec, info, notices)
        return made_live(chosen, spec, info, capped=self.capped)


@dataclass(frozen=True)
class Opening:
    """What FFmpeg is to open."""

    file: str | Writable
    through: str | None = None
    """A muxer around the one of the form, which knows how to give up on ``file``."""


class Muxed:
    """One stream in one container, from its header to its end. Raises av's errors, OSError and ValueError."""

    def __init__(
        self, form: Form, opening: Opening, first: LiveFrame, spec: PipelineSpec, notices: Notices, *, audio: bool
    ):
        time_base = Fraction(1, 1000) if form.container in _WHOLE_MILLISECONDS else TIME_BASE
        info = replace(first.info, time_base=time_base)
        self._encoding = form.encoding(spec, info, notices)
        self._notices = notices
        self._rate = info.frame_rate or DEFAULT_RATE
        self._forces_keyframes = "g" not in dict(spec.encoder_options)
        self._keyframe_s: Fraction | None = None
        self._resizer = picture.Resizer()
        self._canvas = self._canvas_for(info)
        self._clock = OutputClock(self._encoding.codec, form.container, info, notices)
        self._last: tuple[int, VideoFrame] | None = None
        self.frames = 0
        # RTP tells its receiver by the wall clock which sound belongs to which picture.
        began_us = round((time.time() + _HANDSHAKE_S - float(first.frame.time_s)) * 1_000_000)
        options = {**_PROMPT, **form.options, "start_time_realtime": str(began_us)}
        self._container: OutputContainer = av.open(
            opening.file, "w", format=opening.through or form.container, container_options=options
        )
        try:
            self._add_streams(form, opening, first, audio=audio)
        except BaseException:
            self.close()
            raise

    def _canvas_for(self, info: VideoInfo) -> picture.Canvas:
        encoding = self._encoding
        return picture.Canvas(
            info.width + (info.width % 2 if encoding.even_width else 0),
            info.height + (info.height % 2 if encoding.even_height else 0),
            encoding.layout,
            encoding.color,
            info.sample_aspect_ratio,
        )

    def _add_streams(self, form: Form, opening: Opening, first: LiveFrame, *, audio: bool) -> None:
        canvas = self._canvas
        size = OutputSize(canvas.width, canvas.height, canvas.sample_aspect_ratio, "")
        info = replace(first.info, frame_rate=self._rate)
        self._stream = add_video_stream(self._container, info, encoding=self._encoding, size=size, clock=self._clock)
        # Threads that share a picture; those that each have one would hold pictures back.
        self._stream.thread_type = "SLICE"
        self._voice: Voice | None = None
        if audio and form.audio_codec is not None:
            self._voice = Voice(self._container, form.audio_codec, first.frame.time_s)
        if opening.through is not None:
            for stream in self._container.streams:
                stream.codec_context.flags |= _FLAG_GLOBAL_HEADER
        with ordinary_threads():
            self._container.start_encoding()
        unused = set(self._stream.codec_context.options) & set(self._encoding.options)
        if unused:
            raise UsageError(f"encoder {self._encoding.codec} has no option '{sorted(unused)[0]}' (--encoder-opt)")

    def write(self, frame: LiveFrame) -> None:
        """Encode one frame and hand it over."""
        if self._voice is not None:
            self._mux(self._voice.keep_up(frame.frame.time_s))
        for placed, timed in self._due(frame):
            self._clock.stamp(placed, timed)
            placed.pict_type = PictureType.I if self._keyframe_due(timed.time_s) else PictureType.NONE
            self._mux_video(self._stream.encode(placed))
        self.frames += 1

    def hear(self, audio: LiveAudio) -> None:
        """Encode sound and hand it over."""
        if self._voice is not None:
            self._mux(self._voice.hear(audio))

    def _due(self, frame: LiveFrame) -> Iterator[tuple[VideoFrame, Frame]]:
        """``frame`` and its time; at a constant rate the picture before it as often as it lasts, or nothing."""
        self._announce_changes(frame.info)
        if not self._clock.constant_rate:
            yield self._placed(frame), frame.frame
            return
        index = round(frame.frame.time_s * self._rate)
        placed = self._placed(frame)
        if self._last is not None:
            last_index, last = self._last
            if index <= last_index:
                return
            if index - last_index > self._rate * _LONGEST_REPEAT_S:
                last_index = index - 1
            for repeated in range(last_index + 1, index):
                yield last, Frame((), repeated, 1 / self._rate)
        self._last = index, placed
        yield placed, Frame((), index, 1 / self._rate)

    def _placed(self, frame: LiveFrame) -> VideoFrame:
        planar = self._canvas.place(frame.frame, frame.info, self._resizer)
        return picture.packed(planar, self._encoding.layout, self._encoding.pix_fmt)

    def _announce_changes(self, info: VideoInfo) -> None:
        canvas, color = self._canvas, self._encoding.color
        if abs(info.width - canvas.width) > 1 or abs(info.height - canvas.height) > 1:
            self._notices.say(
                f"the picture is {info.width}x{info.height} now; what was opened at "
                f"{canvas.width}x{canvas.height} keeps its size and fits it in"
            )
        if (info.color.primaries, info.color.transfer) != (color.primaries, color.transfer):
            self._notices.say("the picture's primaries or transfer changed; what was opened before keeps its tags")

    def _keyframe_due(self, time_s: Fraction) -> bool:
        """Forced by time: a live source's frames come at no certain rate."""
        return self._forces_keyframes and (self._keyframe_s is None or time_s - self._keyframe_s >= KEYFRAME_S)

    def _mux_video(self, packets: Iterable[Packet[Stream]]) -> None:
        for packet in packets:
            self._clock.restore(packet)
            if packet.is_keyframe and packet.pts is not None:
                self._keyframe_s = packet.pts * packet.time_base
            self._container.mux_one(packet)

    def _mux(self, packets: Iterable[Packet[Stream]]) -> None:
        for packet in packets:
            self._container.mux_one(packet)

    def finish(self) -> None:
        """Write what the encoders hold and the container's end."""
        self._mux_video(self._stream.encode(None))
        if self._voice is not None:
            self._mux(self._voice.finish())
        self._container.close()

    def close(self) -> None:
        """Close without a word, whatever was written."""
        with suppress(FFmpegError, OSError, ValueError):
            self._container.close()
