"""The clips of a benchmark: synthetic ones, textured and in motion, or the beginning of a given one."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vsr.benchmark.spec import BenchSpec
from vsr.frames import MATRIX_BT709, MATRIX_SMPTE170M, ColorSpace, PixelLayout, Plane, VideoInfo
from vsr.io.clip import copy_beginning, write_clip
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.plane_model import Picture
from vsr.spec import PipelineSpec

Floats = npt.NDArray[np.float64]
_YUV420 = PixelLayout("yuv", 8, 1, 1)
_SD_LINES = 720
_MARGIN = 64
_NOISE_CODES = 2


@dataclass(frozen=True)
class Clip:
    """A video file to measure on."""

    path: Path
    info: VideoInfo
    described: str
    """In words: where it comes from."""


def make_clips(spec: BenchSpec, folder: Path) -> tuple[Clip, ...]:
    """One clip in ``folder`` for each size, or one of ``spec.source``. Raises SourceError or SinkError."""
    if spec.source is not None:
        path = folder / "input.mkv"
        copy_beginning(PipelineSpec(spec.source, ""), path, spec.frames, Notices())
        return (Clip(path, _info(path), f"the first {spec.frames} frames of {Path(spec.source).name}"),)
    clips = []
    for width, height in spec.sizes:
        path = folder / f"synthetic_{width}x{height}.mkv"
        matrix = MATRIX_BT709 if height >= _SD_LINES else MATRIX_SMPTE170M
        picture = Picture(width, height, _YUV420, ColorSpace(matrix, full_range=False))
        write_clip(path, synthetic_frames(width, height, spec.frames), picture)
        clips.append(Clip(path, _info(path), f"synthetic, {spec.frames} frames, H.264 (x264 veryfast, CRF 18)"))
    return tuple(clips)


def _info(path: Path) -> VideoInfo:
    with VideoSource(PipelineSpec(str(path), ""), Notices(), video_only=True) as source:
        return source.info


def synthetic_frames(width: int, height: int, count: int) -> Iterator[tuple[Plane, ...]]:
    """``count`` frames of 8-bit 4:2:0 planes (Y, U, V), the same ones each time.

    A texture whose amplitude falls with frequency, as in photographs (Field, J. Opt. Soc. Am. A 4, 1987), pans over
    the picture, a sharp-edged disc crosses it, and every frame has noise of its own, as a camera's.
    """
    random = np.random.default_rng(0)
    texture = _texture(height + _MARGIN, width + _MARGIN, random)
    rows, columns = np.mgrid[:height, :width]
    radius = min(height, width) / 6
    for index in range(count):
        down, right = _swing(index, 97), _swing(index, 61)
        luma = texture[down : down + height, right : right + width] * 40 + 120
        center = (height * (0.3 + 0.4 * _swing(index, 80) / _MARGIN), width * ((index / 100) % 1.0))
        inside = (rows - center[0]) ** 2 + (columns - center[1]) ** 2 < radius**2
        luma = np.where(inside, 255 - luma, luma) + random.normal(0, _NOISE_CODES, luma.shape)
        small = luma[::2, ::2]
        yield tuple(_codes(plane) for plane in (luma, 128 + (small - 120) * 0.3, 128 - (small - 120) * 0.2))


def _texture(height: int, width: int, random: np.random.Generator) -> Floats:
    """White noise with a spectrum of 1/f, of mean 0 and standard deviation 1."""
    spectrum = np.fft.rfft2(random.normal(size=(height, width)))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None, :])
    frequency[0, 0] = np.inf
    texture: Floats = np.fft.irfft2(spectrum / frequency, s=(height, width))
    texture /= texture.std()
    return texture


def _swing(index: int, period: int) -> int:
    """There and back within the texture's margin."""
    return round(_MARGIN * (0.5 + 0.5 * math.sin(2 * math.pi * index / period)))


def _codes(values: Floats) -> Plane:
    return np.clip(np.round(values), 16, 235).astype(np.uint8)
