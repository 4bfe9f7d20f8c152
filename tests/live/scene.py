"""The picture and sound that senders send: detail that moves, as a camera's does, and a beep at known frames."""

from collections.abc import Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, cast

import av
import numpy as np
import numpy.typing as npt
from av.video.frame import VideoFrame

from tests.live.timecode import Luma, Timecode, draw

if TYPE_CHECKING:
    from av.video.stream import VideoStream

SAMPLE_RATE = 48_000
BEEP_HZ = 1000
BEEP_S = 0.05
LOW_DELAY = {"preset": "ultrafast", "tune": "zerolatency"}
_PAN_PX = 2
"""How far the scene moves from frame to frame, of the frame's own pixels."""


class Scene:
    """An endless pan over one textured landscape, the same in every process: frame n looks like frame n anywhere."""

    def __init__(self, width: int, height: int, rate: int):
        self.width, self.height, self.rate = width, height, rate
        landscape = _landscape(width * 2, height)
        # Its beginning again at its end, so that every window is in one piece.
        self._landscape = np.concatenate([landscape, landscape[:, :width]], axis=1)
        # Colour that follows the light, softly: as good as any for 4:2:0.
        self._blue, self._red = (_halved(self._landscape) // 3 + 85, 170 - _halved(self._landscape) // 3)

    def luma(self, counter: int) -> Luma:
        """(height, width) of frame ``counter``, without its timecode."""
        return _window(self._landscape, counter * _PAN_PX, self.width)

    def yuv420(self, code: Timecode) -> Luma:
        """(height * 3/2, width): Y, U and V of frame ``code.counter`` one after the other, the timecode drawn."""
        luma = self.luma(code.counter)
        draw(code, luma)
        left = code.counter * _PAN_PX // 2
        chroma = [_window(plane, left, self.width // 2) for plane in (self._blue, self._red)]
        return np.concatenate([plane.ravel() for plane in (luma, *chroma)]).reshape(-1, self.width)

    def sound(self, counter: int) -> npt.NDArray[np.int16]:
        """(SAMPLE_RATE / rate, 2) samples for the time of frame ``counter``: a beep begins with each whole second."""
        count = SAMPLE_RATE // self.rate
        time_s = (counter % self.rate) / self.rate + np.arange(count) / SAMPLE_RATE
        tone = np.where(time_s < BEEP_S, np.sin(2 * np.pi * BEEP_HZ * time_s), 0.0)
        return np.repeat((tone * 16_000).astype(np.int16)[:, None], 2, axis=1)


def record(
    path: Path, scene: Scene, codes: Iterable[Timecode], codec: str = "libx264", options: Mapping[str, str] = LOW_DELAY
) -> Path:
    """Encode the frames of ``codes`` into ``path``, one after the other at the scene's rate, with a live encoder."""
    with av.open(str(path), "w") as container:
        stream = cast("VideoStream", container.add_stream(codec, rate=scene.rate, options=dict(options)))
        stream.width, stream.height, stream.pix_fmt, stream.bit_rate = scene.width, scene.height, "yuv420p", 400_000
        for number, code in enumerate(codes):
            frame = VideoFrame.from_ndarray(scene.yuv420(code), "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, scene.rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _landscape(width: int, height: int) -> Luma:
    """Clouds of noise at every scale, and a fence of hard edges: wraps around in x."""
    random = np.random.default_rng(5)
    spectrum = np.fft.rfft2(random.standard_normal((height, width)))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = np.inf
    clouds = np.fft.irfft2(spectrum / frequency**1.3, s=(height, width))
    clouds /= np.abs(clouds).max()
    fence = np.where((np.arange(width) // (width // 32)) % 4 == 0, -50.0, 0.0)
    fence = fence * (np.arange(height) > height * 3 // 4)[:, None]
    return np.clip(126 + 90 * clouds + fence, 20, 230).astype(np.uint8)


def _halved(plane: Luma) -> Luma:
    return plane[::2, ::2].copy()


def _window(plane: Luma, left: int, width: int) -> Luma:
    """``width`` columns from ``left`` on, around the end; a copy."""
    start = left % (plane.shape[1] - width)
    return plane[:, start : start + width].copy()
