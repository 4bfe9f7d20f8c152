"""Degradation "video": low-resolution pictures that went through a camera's faults and a real codec, as video did."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from vsr.evaluation.imresize import downscale
from vsr.io.roundtrip import Codec, Coding, Matrix, code_clip

Pixels = npt.NDArray[np.uint8]
Box = tuple[slice, slice]
"""Rows and columns of the low-resolution picture."""

_SHORTEST_CLIP = 3
"""Most frames of real video are not intra."""
_LARGEST_STEP = 3
"""Of the picture between frames, low-resolution pixels: motion that every encoder's search still follows."""


@dataclass(frozen=True)
class VideoDegradation:
    """How strong and how frequent each fault is: the recipe's table [video].

    Each draw is clean with ``clean_share``; otherwise it is blurred and made noisy with their shares, then coded.
    """

    versions: int = 4
    """Draws for each tile of each image; start-up time and memory grow with it."""
    tile: int = 256
    """Least side of the tiles, low-resolution pixels, that are degraded each in their own way."""
    frames: int = 8
    """Longest clip. The picture is one of its frames: intra, predicted or bidirectional."""
    clean_share: float = 0.25
    """Nothing but the bicubic reduction, so that clean input keeps its quality."""
    still_share: float = 0.25
    """Clips without motion, as most backgrounds are."""
    bt601_share: float = 0.4
    """Coded with the matrix of BT.601; the others with BT.709."""
    b_frames_share: float = 0.7
    """Coded with B-frames, of the codecs that have them; live streams and old cameras use none."""
    blur_share: float = 0.2
    blur_sigma: float = 0.8
    """Largest, low-resolution pixels."""
    noise_share: float = 0.25
    noise_sigma: float = 6.0
    """Largest, codes of 255."""


@dataclass(frozen=True)
class CodecRange:
    """What is drawn of one codec."""

    codec: Codec
    share: float
    """Of the draws that are not clean."""
    best: int
    poorest: int
    """Ends of the quality, both drawn: photographs keep 44 to 46 dB of luma PSNR at one and about 35 at the other."""
    efforts: tuple[str, ...] = ("",)


# By what people have: mostly H.264, then the codecs of streaming and phones, then old camera and disc files.
CODECS = (
    CodecRange("h264", 0.42, 18, 35, ("veryfast", "medium", "slow")),
    CodecRange("hevc", 0.20, 20, 36, ("superfast", "medium")),
    CodecRange("vp9", 0.12, 28, 62, ("5", "3")),
    CodecRange("av1", 0.10, 28, 62, ("10", "7")),
    CodecRange("mpeg4", 0.04, 2, 14),
    CodecRange("mpeg2", 0.04, 2, 16),
    CodecRange("jpeg", 0.08, 2, 16),
)


@dataclass(frozen=True)
class Treatment:
    """One draw: what happens to one picture, in this order."""

    step: tuple[int, int] = (0, 0)
    """Motion (down, right) between frames, high-resolution pixels."""
    frames: int = 1
    wanted: int = 0
    """Which frame of the clip is the picture."""
    blur_sigma: float = 0.0
    noise_sigma: float = 0.0
    coding: Coding | None = None
    """None leaves the frame uncoded."""


def draw(ranges: VideoDegradation, scale: int, random: np.random.Generator) -> Treatment:
    """A treatment at random."""
    if random.random() < ranges.clean_share:
        return Treatment()
    kind = CODECS[random.choice(len(CODECS), p=[kind.share for kind in CODECS])]
    matrix: Matrix = "bt601" if random.random() < ranges.bt601_share else "bt709"
    effort = kind.efforts[random.integers(len(kind.efforts))]
    b_frames = 3 if random.random() < ranges.b_frames_share else 0
    coding = Coding(kind.codec, int(random.integers(kind.best, kind.poorest + 1)), effort, matrix, b_frames)
    shortest = min(_SHORTEST_CLIP, ranges.frames)
    frames = 1 if kind.codec == "jpeg" else int(random.integers(shortest, ranges.frames + 1))
    still = random.random() < ranges.still_share
    largest = 0 if still else _LARGEST_STEP * scale
    down, right = (int(random.integers(-largest, largest + 1)) for _ in range(2))
    return Treatment(
        step=(down, right),
        frames=frames,
        wanted=int(random.integers(frames)),
        blur_sigma=_strength(ranges.blur_share, ranges.blur_sigma, random),
        noise_sigma=_strength(ranges.noise_share, ranges.noise_sigma, random),
        coding=coding,
    )


class MovingPicture:
    """A high-resolution picture whose reduced form can be looked at with any offset in high-resolution pixels."""

    def __init__(self, high: Pixels, scale: int) -> None:
        """``high`` is (scale*h,scale*w,3) uint8 RGB."""
        self.high = high
        self.scale = scale
        self._shrunk: dict[tuple[int, int], Pixels] = {}

    def low(self, box: Box, offset: tuple[int, int] = (0, 0)) -> Pixels:
        """The reduced picture (h,w,3) within ``box``, moved by ``offset`` (down, right); borders are repeated."""
        whole, phase = zip(*(divmod(part, self.scale) for part in offset), strict=True)
        shrunk = self._phase(phase)
        rows, columns = (
            np.clip(np.arange(part.start, part.stop) + shift, 0, length - 1)
            for part, shift, length in zip(box, whole, shrunk.shape[:2], strict=True)
        )
        return shrunk[np.ix_(rows, columns)]

    def _phase(self, phase: tuple[int, int]) -> Pixels:
        """Reducing after a move by less than the scale moves the result by a fraction of a pixel, exactly."""
        if phase not in self._shrunk:
            part = self.high[phase[0] :, phase[1] :]
            height, width = (side - side % self.scale for side in part.shape[:2])
            self._shrunk[phase] = downscale(part[:height, :width], self.scale)
        return self._shrunk[phase]


def degrade(picture: MovingPicture, box: Box, treatment: Treatment, random: np.random.Generator) -> Pixels:
    """What ``treatment`` makes of the reduced picture within ``box``: (h,w,3) uint8 RGB, aligned with the clean one.

    ``random`` gives the noise. Raises the VsrErrors of ``code_clip``.
    """
    times = range(-treatment.wanted, treatment.frames - treatment.wanted)
    down, right = treatment.step
    clip = np.stack([picture.low(box, (time * down, time * right)) for time in times])
    if treatment.blur_sigma > 0 or treatment.noise_sigma > 0:
        floats = _blurred(clip.astype(np.float32), treatment.blur_sigma)
        if treatment.noise_sigma > 0:
            floats += treatment.noise_sigma * random.standard_normal(clip.shape, np.float32)
        clip = floats.round().clip(0, 255).astype(np.uint8)
    if treatment.coding is None:
        uncoded: Pixels = clip[treatment.wanted]
        return uncoded
    return code_clip(clip, treatment.coding, treatment.wanted)


def _strength(share: float, largest: float, random: np.random.Generator) -> float:
    return float(random.uniform(0, largest)) if random.random() < share else 0.0


def _blurred(clip: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    """(T,H,W,3) under a Gaussian of ``sigma`` pixels; borders are repeated."""
    if sigma == 0:
        return clip
    radius = int(np.ceil(3 * sigma))
    weights = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    weights /= weights.sum()
    for axis in (1, 2):
        pad = [(radius, radius) if other == axis else (0, 0) for other in range(4)]
        padded, length = np.pad(clip, pad, mode="edge"), clip.shape[axis]
        clip = np.zeros_like(clip)
        for tap, weight in enumerate(weights.astype(np.float32)):
            clip += weight * padded.take(range(tap, tap + length), axis)
    return clip
