"""Live frames, sources and sinks in memory: what the tests of the rooms between a source and its sinks feed them."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Self

import numpy as np

from vsr.errors import SinkError
from vsr.frames import MATRIX_BT709, ColorSpace, Frame, PixelLayout, VideoInfo
from vsr.io.live.contract import TIME_BASE, LiveAudio, LiveFrame

PATIENCE_S = 20.0
"""After which a wait counts as a hang."""
INFO = VideoInfo(
    width=32,
    height=24,
    layout=PixelLayout("yuv", 8, 1, 1),
    color=ColorSpace(MATRIX_BT709, full_range=False),
    time_base=TIME_BASE,
    frame_rate=Fraction(25),
)


def live_frame(number: int, info: VideoInfo = INFO) -> LiveFrame:
    """Frame ``number`` of 25 a second: its luma is ``number`` (mod 200) above black, captured now."""
    dtype = np.uint8 if info.layout.bits == 8 else np.uint16
    planes = [np.full(size, 128, dtype) for size in info.layout.plane_sizes(info.width, info.height)]
    planes[0][:] = 16 + number % 200
    return LiveFrame(Frame(tuple(planes), 3600 * number, TIME_BASE, 3600), info, time.monotonic())


@dataclass
class MemorySource:
    """Gives ``frames`` one by one, each when ``pace`` lets it."""

    frames: Iterator[LiveFrame]
    pace: Callable[[LiveFrame], None] = lambda _: None
    name: str = "memory"
    has_audio: bool = False
    lost: bool = False
    reconnects: int = 0
    corrupt_packets: int = 0
    closed: threading.Event = field(default_factory=threading.Event)

    def __iter__(self) -> Iterator[LiveFrame]:
        for frame in self.frames:
            self.pace(frame)
            if self.closed.is_set():
                return
            yield replace(frame, captured_s=time.monotonic())

    def listen(self, hear: Callable[[LiveAudio], None]) -> None:
        """There is no sound."""

    def close(self) -> None:
        self.closed.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@dataclass
class MemorySink:
    """Keeps what it is given; ``fail`` may raise for a frame, ``gate`` holds a write up."""

    name: str = "memory"
    audible: bool = False
    returns: bool = False
    fail: Callable[[LiveFrame], bool] = lambda _: False
    gate: Callable[[LiveFrame], None] = lambda _: None
    frames: list[LiveFrame] = field(default_factory=list)
    sound: list[LiveAudio] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)

    def open(self, first: LiveFrame, *, audio: bool) -> None:
        self.calls.append("open with sound" if audio else "open")

    def write(self, frame: LiveFrame) -> None:
        self.gate(frame)
        if self.fail(frame):
            raise SinkError(f"{self.name} fails on purpose")
        self.frames.append(frame)

    def hear(self, audio: LiveAudio) -> None:
        self.sound.append(audio)

    def finish(self) -> None:
        self.calls.append("finish")

    def abort(self) -> None:
        self.calls.append("abort")

    @property
    def numbers(self) -> list[int]:
        """Of the frames that came, held ones left out."""
        return [frame.frame.pts // 3600 for frame in self.frames if not frame.held]
