"""Live frames and sound made for sinks, and what a player reads of what became of them.

    python -m tests.io.live.footage COUNT SINK...

feeds sinks as a program, so that it can be killed, limited or piped.
"""

import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.error import InvalidDataError
from av.video.frame import PictureType

from vsr.errors import SinkError
from vsr.frames import ColorSpace, Frame, PixelLayout, VideoInfo
from vsr.io.live.contract import CHANNELS, SAMPLE_RATE, TIME_BASE, LiveAudio, LiveFrame, LiveSink
from vsr.live.controls import Controls
from vsr.live.sinks import make_sinks
from vsr.live.spec import LiveSpec
from vsr.notices import Notices
from vsr.spec import PipelineSpec

RATE = 30
BEGIN = 9000
"""The pts of the first frame: a run's first picture comes a moment after its start."""
TICKS = round(1 / (RATE * TIME_BASE))
SAMPLES = SAMPLE_RATE // RATE
LAYOUT = PixelLayout("yuv", 8, 1, 1)
COLOR = ColorSpace(1, full_range=False, primaries=1, transfer=1)
BEEP = 20
"""The number of the frame at which a tone of one frame's length sounds."""


def info_of(width: int, height: int, layout: PixelLayout = LAYOUT, color: ColorSpace = COLOR) -> VideoInfo:
    return VideoInfo(width, height, layout, color, TIME_BASE, Fraction(RATE))


def luma(number: int, width: int, height: int) -> npt.NDArray[np.uint8]:
    """A ramp with a bright block that moves by four pixels a frame."""
    ramp = np.linspace(40, 160, width)[None].repeat(height, 0)
    left = number * 4 % (width - 32)
    ramp[height // 4 : height // 2, left : left + 32] = 220
    return ramp.round().astype(np.uint8)


def picture(number: int, pts: int | None = None, *, size: tuple[int, int] = (160, 96)) -> LiveFrame:
    width, height = size
    red = np.full((height // 2, width // 2), 150, np.uint8)
    blue = np.full((height // 2, width // 2), 110, np.uint8)
    pts = BEGIN + number * TICKS if pts is None else pts
    frame = Frame((luma(number, width, height), blue, red), pts, TIME_BASE, TICKS)
    return LiveFrame(frame, info_of(width, height), time.monotonic())


def footage(count: int, *, size: tuple[int, int] = (160, 96)) -> list[LiveFrame]:
    return [picture(number, size=size) for number in range(count)]


def sound_of(number: int) -> LiveAudio:
    """The sound of one frame: silence, or the tone."""
    samples = np.zeros((SAMPLES, CHANNELS), np.int16)
    if number == BEEP:
        samples[:] = (20000 * np.sin(2 * np.pi * 1000 * np.arange(SAMPLES) / SAMPLE_RATE))[:, None]
    return LiveAudio(samples, round(BEGIN * TIME_BASE * SAMPLE_RATE) + number * SAMPLES)


def sink_of(name: str | Path, notices: Notices | None = None, **options: object) -> LiveSink:
    """The sink of that name; ``options`` are of PipelineSpec."""
    pipeline = PipelineSpec("", "", **options)  # type: ignore[arg-type]
    spec = LiveSpec("test", (str(name),), pipeline)
    return make_sinks(spec, controls(), notices or Notices(), web=_no_page)[0]


def controls() -> Controls:
    return Controls(("bicubic",), (2,), network="bicubic", scale=2)


def _no_page() -> LiveSink:
    raise AssertionError("nobody asked for the page")


def feed(sink: LiveSink, frames: Iterable[LiveFrame], *, audio: bool = True) -> None:
    """Open ``sink`` and give it ``frames``, each after its sound."""
    for number, frame in enumerate(frames):
        if number == 0:
            sink.open(frame, audio=audio and sink.audible)
        if audio and sink.audible:
            sink.hear(sound_of(number))
        sink.write(frame)


@dataclass(frozen=True)
class Played:
    """What a player finds."""

    times: list[Fraction]
    """Of the pictures, in seconds."""
    luma: list[npt.NDArray[np.uint8]]
    keyframes: list[Fraction]
    kinds: set[str]
    """Letters of the pictures' types: I, P, B."""
    sound: npt.NDArray[np.float64]
    """One channel from ``sound_begins`` on, full scale 1."""
    sound_begins: Fraction

    @property
    def beep_s(self) -> float:
        """When the tone begins."""
        loud = np.flatnonzero(np.abs(self.sound) > 0.1)
        return float(self.sound_begins) + float(loud[0]) / SAMPLE_RATE


def play(path: Path | str, container: str | None = None) -> Played:
    times, lumas, keyframes, kinds = [], [], [], set()
    sound: list[npt.NDArray[np.float64]] = []
    sound_begins: Fraction | None = None
    with av.open(str(path), format=container) as file:
        for frame in file.decode():
            assert frame.pts is not None
            assert frame.time_base is not None
            time_s = frame.pts * frame.time_base
            if isinstance(frame, av.VideoFrame):
                times.append(time_s)
                lumas.append(frame.to_ndarray()[: frame.height].astype(np.uint8, copy=False))
                kinds.add(PictureType(frame.pict_type).name)
                if frame.key_frame:
                    keyframes.append(time_s)
            elif isinstance(frame, av.AudioFrame):
                sound_begins = time_s if sound_begins is None else sound_begins
                sound.append(_mono(frame))
    return Played(times, lumas, keyframes, kinds, np.concatenate([*sound, np.zeros(0)]), sound_begins or Fraction(0))


def frames_that_play(path: Path) -> int:
    """How many pictures a file holds, but for the last, which a full disk cut off: players pass over it."""
    count = 0
    with av.open(str(path)) as file, suppress(InvalidDataError):
        for _ in file.decode(video=0):
            count += 1
    return count


def _mono(frame: av.AudioFrame) -> npt.NDArray[np.float64]:
    samples = frame.to_ndarray()
    one = samples[0] if frame.format.is_planar else samples.reshape(-1, CHANNELS)[:, 0]
    scale = 32768 if one.dtype == np.int16 else 1
    return one.astype(np.float64) / scale


def difference(one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]) -> float:
    """Mean of the absolute differences, in codes."""
    return float(np.abs(one.astype(int) - other).mean())


def main(count: int, names: list[str]) -> None:
    sinks = [sink_of(name, Notices(lambda text: print(text, file=sys.stderr, flush=True))) for name in names]
    try:
        for number in range(count):
            frame = picture(number)
            for sink in sinks:
                if number == 0:
                    sink.open(frame, audio=sink.audible)
                if sink.audible:
                    sink.hear(sound_of(number))
                sink.write(frame)
        for sink in sinks:
            sink.finish()
    except SinkError as error:
        print(f"SinkError: {error}", file=sys.stderr, flush=True)
        for sink in sinks:
            sink.abort()
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
