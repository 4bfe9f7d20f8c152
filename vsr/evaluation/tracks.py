"""The two ways in which benchmarks make low-resolution images; their scores can't be compared with each other."""

import io
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt

from vsr.errors import UsageError
from vsr.evaluation.imresize import downscale

Track = Literal["clean", "jpeg"]
"""``clean``: MATLAB's bicubic, a border of ``scale`` pixels left out of the scores; nearly every paper.

``jpeg``: Pillow's bicubic and JPEG of quality 90, scores of the whole image; the NTIRE 2023 real-time challenge and
LRSRN. About 3 dB lower.
"""
TRACKS: tuple[Track, ...] = get_args(Track)

_JPEG_QUALITY = 90


def shrink(pixels: npt.NDArray[np.uint8], scale: int, track: Track = "clean") -> npt.NDArray[np.uint8]:
    """(H,W,3) uint8 RGB, H and W multiples of ``scale``, to (H/scale,W/scale,3) as ``track`` does it.

    UsageError where the track needs Pillow and it is not installed.
    """
    if track == "clean":
        return downscale(pixels, scale)
    return _pillow_jpeg(pixels, scale)


def border(scale: int, track: Track = "clean") -> int:
    """How many pixels at each side the scores of ``track`` leave out."""
    return scale if track == "clean" else 0


def _pillow_jpeg(pixels: npt.NDArray[np.uint8], scale: int) -> npt.NDArray[np.uint8]:
    # Pillow itself: its resampling rounds between its two passes, and its quality scale is libjpeg's, not FFmpeg's.
    try:
        from PIL import Image
    except ImportError as exc:
        raise UsageError("the jpeg track needs Pillow, which made its images: pip install 'vsr[eval]'") from exc
    height, width = pixels.shape[:2]
    small = Image.fromarray(pixels).resize((width // scale, height // scale), Image.Resampling.BICUBIC)
    content = io.BytesIO()
    small.save(content, "JPEG", quality=_JPEG_QUALITY)
    with Image.open(content) as decoded:
        return np.array(decoded.convert("RGB"))
