"""A live run in small: numbered frames, four colours and a source of another colour, written into a page's sink."""

import threading
import time
from dataclasses import replace
from fractions import Fraction
from typing import Self

import numpy as np
import numpy.typing as npt

from vsr.frames import MATRIX_BT709, ColorSpace, Frame, PixelLayout, VideoInfo
from vsr.io.live.contract import CHANNELS, SAMPLE_RATE, TIME_BASE, LiveAudio, LiveFrame, LiveSink
from vsr.live.controls import Controls, Percentiles, Snapshot

BITS = 16
"""Of the number that is burnt into a frame."""
LAYOUT = PixelLayout("yuv", 8, 1, 1)
SOURCE_SIZE = (160, 90)
NETWORKS = ("bicubic", "realtime", "fast", "balanced")
SCALES = (2, 4)
BEFORE = (60, 190, 110)
"""Y, U, V all over a source's picture: blue."""
LEFT, RIGHT = (130, 100, 185), (140, 70, 100)
"""Of the upscaled one's halves: orange and green."""


def numbered(size: tuple[int, int], number: int, halves: tuple[tuple[int, int, int], ...]) -> Frame:
    """A frame of ``halves``, left and right, with ``number`` in black and white along the upper edge."""
    width, height = size
    planes = []
    for index, (rows, columns) in enumerate(LAYOUT.plane_sizes(width, height)):
        plane = np.empty((rows, columns), np.uint8)
        plane[:, : columns // 2], plane[:, columns // 2 :] = halves[0][index], halves[-1][index]
        for bit in range(BITS):
            part = slice(bit * columns // BITS, (bit + 1) * columns // BITS)
            plane[: rows // 6, part] = 128 if index else (235 if number >> bit & 1 else 16)
        planes.append(plane)
    return Frame(tuple(planes), number, TIME_BASE)


def number_of(luma: npt.NDArray[np.uint8]) -> int:
    """The number of a picture, from its (height, width) luma."""
    rows, columns = luma.shape
    middles = [(2 * bit + 1) * columns // (2 * BITS) for bit in range(BITS)]
    return sum((int(luma[rows // 12, x]) > 128) << bit for bit, x in enumerate(middles))


def info_of(size: tuple[int, int]) -> VideoInfo:
    """Of such frames."""
    color = ColorSpace(MATRIX_BT709, full_range=False)
    return VideoInfo(*size, LAYOUT, color, time_base=TIME_BASE, frame_rate=Fraction(20))


class Run:
    """Writes ``fps`` frames a second into ``sink`` while the block lasts, in the size that the controls ask for."""

    def __init__(self, sink: LiveSink, controls: Controls, *, fps: float = 20.0, audio: bool = False):
        self.sink, self.controls, self.fps, self.audio = sink, controls, fps, audio
        self.held = False
        self.written = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="stand-in")

    def frame(self, pts: int) -> LiveFrame:
        """The next one."""
        scale = self.controls.choice[1]
        size = (SOURCE_SIZE[0] * scale, SOURCE_SIZE[1] * scale)
        before = replace(numbered(SOURCE_SIZE, self.written, (BEFORE,)), pts=pts)
        after = replace(numbered(size, self.written, (LEFT, RIGHT)), pts=pts)
        source = LiveFrame(before, info_of(SOURCE_SIZE), time.monotonic())
        return LiveFrame(after, info_of(size), time.monotonic(), before=source, held=self.held)

    def _run(self) -> None:
        started_s, opened, heard = time.monotonic(), False, 0
        while not self._stop.wait(1 / self.fps):
            if self.controls.paused:
                continue
            run_s = time.monotonic() - started_s
            frame = self.frame(round(run_s / TIME_BASE))
            if not opened:
                self.sink.open(frame, audio=self.audio)
                opened = True
            if self.audio:
                tone = np.sin(2 * np.pi * 440 * np.arange(heard, round(run_s * SAMPLE_RATE)) / SAMPLE_RATE)
                samples = np.repeat((tone * 8000).astype(np.int16)[:, None], CHANNELS, axis=1)
                self.sink.hear(LiveAudio(samples, heard))
                heard += len(samples)
            self.sink.write(frame)
            self.written += 1
            self._tell(frame)
        self.sink.finish()

    def _tell(self, frame: LiveFrame) -> None:
        network, scale = self.controls.choice
        wave = 1 + 0.2 * np.sin(self.written / 15)
        self.controls.snapshot = Snapshot(
            status="lost" if self.held else "live",
            network=network,
            scale=scale,
            source_size=SOURCE_SIZE,
            output_size=(frame.info.width, frame.info.height),
            fps_in=self.fps,
            fps_out=self.fps * float(wave) * 0.8,
            stage_ms={"decode": 1.5, "upscale": float(14 * wave), "web": 0.1},
            latency={"web": Percentiles(float(30 * wave), float(41 * wave), float(55 * wave))},
            dropped=self.written // 50,
        )

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()


def controls() -> Controls:
    """Of such a run."""
    return Controls(NETWORKS, SCALES, network="realtime", scale=4)
