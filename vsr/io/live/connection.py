"""One connection to a live source through FFmpeg: from its packets to frames and sound that have their place."""

from __future__ import annotations  # av.Packet is generic for type checkers only

import sys
import time
from contextlib import ExitStack
from fractions import Fraction
from typing import TYPE_CHECKING, Self, cast

from av.codec.context import Flags
from av.error import FFmpegError, InvalidDataError

from vsr.errors import SourceError
from vsr.frames import Frame
from vsr.io import formats, limits
from vsr.io.devices import decoder_acceleration
from vsr.io.live.contract import TIME_BASE, LiveAudio, LiveFrame
from vsr.io.live.pacing import Backlog, Pacer
from vsr.io.live.picture import Pictures
from vsr.io.live.pipe import Pipe
from vsr.io.live.relay import Relay
from vsr.io.live.sound import Resampling
from vsr.io.opening import open_container
from vsr.io.probe import choose_video

if TYPE_CHECKING:
    from collections.abc import Iterator

    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.packet import Packet
    from av.stream import Stream
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

    from vsr.frames import VideoInfo
    from vsr.io.live.address import Address
    from vsr.io.live.run import Run

# Formats that servers send as they are made; anything else that comes by HTTP comes as fast as it is read.
_SENT_AS_MADE = {"mpegts", "mpjpeg", "flv"}
# Formats without stamps, for which FFmpeg makes some up from a rate that it guesses.
_TIMELESS = {"mpjpeg", "mjpeg", "h264", "hevc", "m4v"}
_NO_PICTURE_S = 12.0
"""More than the ten seconds between keyframes that encoders keep to when nobody tells them otherwise."""


class Connection:
    """Iterate once for frames and sound in the order of their arrival; leaving it closes all. Raises SourceError."""

    def __init__(self, address: Address, run: Run):
        self._address = address
        self._run = run
        self._pipe: Pipe | None = None
        self._relay: Relay | None = None
        opening_s = time.monotonic()
        with ExitStack() as stack:
            self._container = stack.enter_context(self._open(stack))
            if self._pipe is not None:
                self._pipe.silence_s = address.read_timeout_s
            self._video = self._video_stream()
            self._audio = self._audio_stream()
            self._opened = stack.pop_all()
        self._timeless = address.returns and self._container.format.name in _TIMELESS
        paced = address.paced or (address.is_http and self._container.format.name not in _SENT_AS_MADE)
        self._pacer = Pacer(run.closing) if paced else None
        self._backlog = Backlog(time.monotonic() - opening_s) if address.returns and not paced else None
        self._pictures = Pictures(self._container, self._video, run.notices, run.chroma_location)
        self._resampling = Resampling()
        self._asked_s = 0.0
        """When the reader began to wait for a packet."""
        run.arrival.connect("arrival" if paced else address.capture_clock)

    @property
    def has_audio(self) -> bool:
        """True where there is sound that somebody wants."""
        return self._audio is not None

    @property
    def finite(self) -> bool:
        """True where the container says how long it is: its end is no loss."""
        return bool(self._container.duration)

    def _open(self, stack: ExitStack) -> InputContainer:
        address, run = self._address, self._run
        descriptor: int | None = None
        if address.kind == "relay":
            self._relay = stack.enter_context(Relay(address.target, address.label, run.notices))
            descriptor = self._relay.descriptor
        elif address.kind == "pipe":
            if sys.stdin is None or sys.stdin.isatty():
                raise SourceError("standard input is a terminal; pipe a video into it")
            descriptor = sys.stdin.fileno()
        if descriptor is not None:
            self._pipe = Pipe(descriptor, run.closing, None if address.listens else address.open_timeout_s)
        try:
            return open_container(
                address.label,
                self._pipe or address.target,
                address.container_format,
                {**limits.options(run.spec), **address.options},
                hwaccel=decoder_acceleration(run.spec.hwaccel, run.notices),
                timeouts_s=(address.open_timeout_s, address.read_timeout_s),
            )
        except SourceError as exc:
            if self._relay is not None and self._relay.complaint:
                raise SourceError(f"{address.label} can't be opened: {self._relay.complaint}") from exc
            raise

    def _video_stream(self) -> VideoStream:
        stream = choose_video(self._container, self._run.spec, self._run.notices)
        stream.thread_type = "SLICE"  # threads that take a frame each hold back as many frames as there are threads
        stream.codec_context.flags |= Flags.low_delay
        return stream

    def _audio_stream(self) -> AudioStream | None:
        if not self._run.audio:
            return None
        return next((s for s in self._container.streams.audio if s.codec_context is not None), None)

    def __iter__(self) -> Iterator[LiveFrame | LiveAudio]:
        try:
            yield from self._read()
        except (FFmpegError, OSError) as exc:
            raise SourceError(self._reason(exc)) from exc

    def _reason(self, error: OSError | FFmpegError) -> str:
        """Why reading ended; some protocols tell their own end where it was our patience that ended."""
        limit_s = self._address.read_timeout_s
        if limit_s is not None and time.monotonic() - self._asked_s >= limit_s:
            return f"nothing came for {limit_s:g} s"
        complaint = self._relay.complaint if self._relay is not None else ""
        return complaint or error.strerror or str(error)

    def _read(self) -> Iterator[LiveFrame | LiveAudio]:
        streams: list[Stream] = [self._video] if self._audio is None else [self._video, self._audio]
        picture_s = self._asked_s = time.monotonic()
        for packet in self._container.demux(*streams):
            if self._run.closing.is_set():
                return
            stamp_s = None if self._timeless else _seconds(packet.pts, packet.time_base)
            waited_s = time.monotonic() - self._asked_s
            arrival_s = self._arrival_s(packet)
            if packet.stream is self._audio:
                yield from self._sound(packet)
            else:
                if stamp_s is not None:
                    self._run.arrival.packet(stamp_s, arrival_s)
                old = self._backlog is not None and self._backlog.holds(stamp_s, waited_s)
                for live in self._frames(packet, arrival_s, shown=not old):
                    picture_s = arrival_s
                    yield live
                if self._address.returns and arrival_s - picture_s > _NO_PICTURE_S:
                    raise SourceError(f"no picture could be decoded for {_NO_PICTURE_S:g} s")
            self._asked_s = time.monotonic()
        for frame, info in self._pictures.finish():
            yield self._placed(frame, info, time.monotonic())

    def _arrival_s(self, packet: Packet[Stream]) -> float:
        """Now, or the moment for which it was due where reading keeps the time."""
        due = _seconds(packet.dts, packet.time_base)
        return time.monotonic() if self._pacer is None or due is None else self._pacer.wait(due)

    def _frames(self, packet: Packet[Stream], arrival_s: float, *, shown: bool) -> Iterator[LiveFrame]:
        joined = self._pictures.info is not None  # before its first keyframe a stream can't be decoded, and is no worse
        if packet.is_corrupt and joined:
            self._run.note_corrupt()
        try:
            decoded = self._video.decode(cast("Packet[VideoStream]", packet))
        except InvalidDataError:
            if joined:
                self._run.note_corrupt()
            return
        for raw in decoded if shown else ():
            for frame, info in self._pictures.take(raw):
                self._run.chroma_location = self._pictures.location
                yield self._placed(frame, info, arrival_s)

    def _placed(self, frame: VideoFrame, info: VideoInfo, arrival_s: float) -> LiveFrame:
        stamp_s = None if self._timeless else _seconds(frame.pts, frame.time_base)
        placed = self._run.arrival.frame(stamp_s, arrival_s)
        duration_s = _seconds(frame.duration, frame.time_base) or Fraction(0)
        planes = formats.planes_of(frame, info.layout)
        live = Frame(planes, placed.pts, TIME_BASE, duration=round(duration_s / TIME_BASE))
        return LiveFrame(live, info, placed.captured_s)

    def _sound(self, packet: Packet[Stream]) -> Iterator[LiveAudio]:
        assert self._audio is not None
        try:
            decoded = self._audio.decode(cast("Packet[AudioStream]", packet))
        except InvalidDataError:
            self._run.note_corrupt()
            return
        for frame in decoded:
            for samples, stamp_s in self._resampling.take(frame):
                run_s = None if stamp_s is None else self._run.arrival.sound(stamp_s)
                if run_s is not None:
                    yield from self._run.track.place(samples, run_s)

    def close(self) -> None:
        """Close the container and end what feeds it."""
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _seconds(stamp: int | None, time_base: Fraction | None) -> Fraction | None:
    return None if stamp is None or time_base is None else stamp * time_base
