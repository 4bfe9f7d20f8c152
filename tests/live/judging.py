"""What can be said of the pictures and the sound that arrived: order, loss, spacing, likeness, sync."""

import math
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import av
import numpy as np

from tests.live.receiver import Seen
from tests.live.scene import Scene
from tests.live.timecode import ROWS, ROWS_OF_PICTURE, Luma

AUDIO_FRAME_S = 1024 / 48_000
"""One frame of AAC."""
STAMP_S = 0.0015
"""FLV counts time in milliseconds; no container that is used here is coarser."""


def counters(frames: Sequence[Seen]) -> list[int]:
    """The frames' numbers. Fails for a picture whose timecode can't be read."""
    unread = [float(frame.pts_s) for frame in frames if frame.code is None]
    assert not unread, f"pictures without a timecode at {unread} s"
    return [frame.code.counter for frame in frames if frame.code is not None]


def by_number(frames: Sequence[Seen]) -> dict[int, Seen]:
    """The frames by their numbers."""
    return dict(zip(counters(frames), frames, strict=True))


def assert_in_order(frames: Sequence[Seen]) -> None:
    """Every picture later than the one before, in its number and in its time."""
    assert all(later > earlier for earlier, later in pairwise(counters(frames)))
    assert all(later.pts_s > earlier.pts_s for earlier, later in pairwise(frames))


def missing(numbers: Sequence[int], sender_said: str) -> int:
    """How many of the numbers between the first and the last are not there, but for those that the sender left out."""
    left_out = {int(line.split()[1]) for line in sender_said.splitlines() if line.startswith("missed ")}
    return len(set(range(numbers[0], numbers[-1])) - set(numbers) - left_out)


def assert_spaced(frames: Sequence[Seen], rate: int) -> None:
    """Two pictures are as far apart as they were for the sender."""
    for earlier, later in pairwise(frames):
        sent_s = (counters([later])[0] - counters([earlier])[0]) / rate
        assert abs(float(later.pts_s - earlier.pts_s) - sent_s) <= STAMP_S, (earlier.code, later.code)


def assert_in_sync(frames: Sequence[Seen], beeps_s: Sequence[float], rate: int) -> None:
    """Beeps begin with the frames whose numbers are multiples of the rate, within a frame of audio."""
    zero_s = median(float(frame.pts_s) - number / rate for number, frame in by_number(frames).items())
    # The first may have begun before there was anybody to hear it.
    apart_s = [(beep_s - zero_s + 0.5) % 1 - 0.5 for beep_s in beeps_s[1:]]
    assert apart_s, "there is no beep"
    assert max(map(abs, apart_s)) <= AUDIO_FRAME_S, apart_s


def psnr(one: Luma, other: Luma) -> float:
    """Peak signal-to-noise ratio in dB of two lumas below the timecode."""
    top = one.shape[0] * ROWS // ROWS_OF_PICTURE
    error = float(np.mean((one[top:].astype(np.float64) - other[top:]) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def enlarged(luma: Luma, width: int, height: int) -> Luma:
    """``luma`` in bicubic interpolation."""
    frame = av.VideoFrame.from_ndarray(luma, "gray")
    return np.asarray(frame.reformat(width, height, interpolation="BICUBIC").to_ndarray(), np.uint8)


def assert_shows_the_scene(frames: Sequence[Seen], scene: Scene, size: tuple[int, int]) -> None:
    """The pictures are the sender's, enlarged to ``size``; each the one that its number says and no neighbour."""
    for number, frame in by_number(frames).items():
        assert frame.size == size
        right, *wrong = (psnr(frame.luma, enlarged(scene.luma(number + by), *frame.size)) for by in (0, -1, 1))
        assert right > 25, (number, right)
        assert right > max(wrong) + 3, (number, right, wrong)
