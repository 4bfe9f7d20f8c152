"""A viewer: FFmpeg takes what is pushed to an address, each packet's arrival is noted, pictures are looked at later."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from io import BufferedReader
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext
from av.audio.frame import AudioFrame
from av.codec.context import CodecContext
from av.packet import Packet
from av.stream import Stream
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame

from tests.live.programs import Program, running
from tests.live.timecode import Luma, Timecode, read

_TRANSPORT_STREAM = ("-analyzeduration", "1000000")  # microseconds; a sender may falter while it begins
_DESCRIBED = ("-analyzeduration", "500000")
INPUTS = {
    "udp": _TRANSPORT_STREAM,
    "srt": _TRANSPORT_STREAM,
    "rtmp": (*_DESCRIBED, "-listen", "1"),
    "rtsp": (*_DESCRIBED, "-rtsp_flags", "listen"),
}
"""How FFmpeg waits for somebody who pushes (srt says it in the address), and how long it looks for streams."""
QUIET = 0.01
"""Of full scale: below it there is no beep."""


@dataclass(frozen=True)
class Seen:
    """One picture that arrived."""

    pts_s: Fraction
    code: Timecode | None
    arrived_s: float
    """time.monotonic() when its packet was there; 0 for one read from a file."""
    size: tuple[int, int]
    """(width, height)."""
    luma: Luma


class Receiver:
    """What one viewer got so far."""

    def __init__(self, program: Program):
        self.program = program
        self._arrived: dict[str, list[tuple[Packet[Any], float]]] = {"video": [], "audio": []}
        self._decoders: dict[str, Decoder] = {}
        self._thread = threading.Thread(target=self._take, name="receiver", daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        """Packets of the picture so far."""
        return len(self._arrived["video"])

    def frames(self) -> list[Seen]:
        """Decode all pictures that came so far."""
        return list(seen(self._arrived["video"], self._decoders["video"]))

    def beeps(self) -> list[float]:
        """Times in seconds at which a beep begins."""
        return beeps((packet for packet, _ in self._arrived["audio"]), self._decoders["audio"])

    def join(self) -> None:
        """Wait for the end of what FFmpeg gives."""
        self._thread.join()

    def _take(self) -> None:
        # Unbuffered: what has come is read, instead of waiting for a full buffer.
        pipe = cast("BufferedReader", self.program.process.stdout).raw
        # The pipe breaks in the middle of a packet when FFmpeg is killed.
        with suppress(av.FFmpegError), av.open(pipe, "r", format="nut") as nut:
            self._decoders = {stream.type: Decoder(stream) for stream in nut.streams}
            for packet in nut.demux():
                if packet.size:
                    self._arrived[packet.stream.type].append((packet, time.monotonic()))


class Decoder:
    """Decodes packets of one stream, also after its container was closed; each ``open`` begins anew."""

    def __init__(self, stream: Stream):
        context = stream.codec_context
        self._codec, self._extradata = context.name, context.extradata
        self._size = (context.width, context.height) if isinstance(context, VideoCodecContext) else None

    def open(self) -> CodecContext:
        context = CodecContext.create(self._codec, "r")
        context.extradata = self._extradata
        if isinstance(context, VideoCodecContext) and self._size is not None:
            context.width, context.height = self._size
        return context


def seen(packets: Iterable[tuple[Packet[Any], float]], decoder: Decoder) -> Iterator[Seen]:
    """The pictures of ``packets`` of one stream, with the moment when each was there."""
    arrivals: dict[int | None, float] = {}
    context = cast("VideoCodecContext", decoder.open())
    for packet, arrived_s in packets:
        arrivals[packet.pts] = arrived_s
        with suppress(av.error.InvalidDataError):  # cut off in the middle
            for frame in context.decode(packet):
                yield _look(frame, arrivals.get(frame.pts, arrived_s))
    for frame in context.decode(None):
        yield _look(frame, arrivals.get(frame.pts, 0.0))


def _look(frame: VideoFrame, arrived_s: float) -> Seen:
    # The plane as it is: a conversion to grey would stretch its range.
    plane = frame.planes[0]
    luma = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: frame.height, : frame.width].copy()
    time_s = cast("int", frame.pts) * cast("Fraction", frame.time_base)
    return Seen(time_s, read(luma), arrived_s, (frame.width, frame.height), luma)


def beeps(packets: Iterable[Packet[Any]], decoder: Decoder) -> list[float]:
    """Times in seconds at which a beep begins in ``packets`` of one stream."""
    starts: list[float] = []
    loud_until_s = -1.0
    context = cast("AudioCodecContext", decoder.open())
    for packet in packets:
        for frame in context.decode(packet):
            began_s = float(cast("int", frame.pts) * cast("Fraction", frame.time_base))
            for index in np.flatnonzero(_level(frame) > QUIET):
                time_s = began_s + int(index) / frame.sample_rate
                if time_s - loud_until_s > 0.25:
                    starts.append(time_s)
                loud_until_s = time_s
    return starts


def _level(frame: AudioFrame) -> npt.NDArray[np.float64]:
    """How loud each sample is in the louder channel, of full scale."""
    samples = frame.to_ndarray()
    full_scale = np.iinfo(np.int16).max if samples.dtype == np.int16 else 1.0
    channels = samples if frame.format.is_planar else samples.reshape(frame.samples, -1).T
    return np.asarray(np.abs(channels.astype(np.float64)).max(axis=0) / full_scale)


def read_file(path: Path) -> tuple[list[Seen], list[float]]:
    """Pictures and beeps of a recording."""
    with av.open(str(path)) as container:
        decoders = {stream.type: Decoder(stream) for stream in container.streams}
        packets = [packet for packet in container.demux() if packet.size]
        pictures = [(packet, 0.0) for packet in packets if packet.stream.type == "video"]
        sounds = [packet for packet in packets if packet.stream.type == "audio"]
        return list(seen(pictures, decoders["video"])), beeps(sounds, decoders["audio"]) if sounds else []


@contextmanager
def receiving(url: str) -> Iterator[Receiver]:
    """A viewer who waits at ``url`` for as long as the block."""
    command = [
        *("ffmpeg", "-hide_banner", "-loglevel", "warning", "-fflags", "nobuffer"),
        *(*INPUTS[url.partition(":")[0]], "-i", url, "-map", "0", "-c", "copy", "-copyts"),
        *("-f", "nut", "-flush_packets", "1", "pipe:1"),
    ]
    with running(command, pipe_stdout=True) as program:
        receiver = Receiver(program)
        try:
            yield receiver
        finally:
            program.kill()  # asked to end, FFmpeg waits for the packet after the last
            receiver.join()
