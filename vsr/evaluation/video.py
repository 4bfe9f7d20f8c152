"""Scores of a network over a video: shrink every frame, compress them as real video is, upscale, compare."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import fmean

import numpy as np
import numpy.typing as npt
import torch

from vsr.backends import PrecisionChoice
from vsr.errors import SourceError
from vsr.evaluation.benchmark import ImageScore, rgb_picture
from vsr.evaluation.images import list_images
from vsr.evaluation.imresize import downscale
from vsr.evaluation.metrics import psnr_y, ssim_y
from vsr.evaluation.running import open_upscaler
from vsr.evaluation.temporal import TemporalMeasure
from vsr.frames import Plane
from vsr.io.roundtrip import Coding, code_planes
from vsr.io.source import VideoSource
from vsr.io.still import read_rgb
from vsr.networks import LoadedNetwork, Network
from vsr.notices import Notices
from vsr.plane_model import Picture, PlaneModel
from vsr.spec import PipelineSpec

Pixels = npt.NDArray[np.uint8]
"""(H,W,3) RGB."""


@dataclass(frozen=True)
class SmallClip:
    """Low-resolution frames as a decoder gives them."""

    picture: Picture
    frames: tuple[tuple[Plane, ...], ...]
    """May be larger than the clip, to the right and below, where an encoder wants larger sides."""
    size: tuple[int, int]
    """(height, width) of the clip."""


@dataclass(frozen=True)
class VideoResult:
    """Scores of each frame, and their means."""

    frames: tuple[ImageScore, ...]
    temporal: Mapping[str, tuple[float, ...]]
    """By measure; one number for each frame but the first."""

    @property
    def psnr_y(self) -> float:
        """Mean over the frames, dB."""
        return fmean(frame.psnr_y for frame in self.frames)

    @property
    def ssim_y(self) -> float:
        """Mean over the frames."""
        return fmean(frame.ssim_y for frame in self.frames)

    def temporal_mean(self, measure: str) -> float | None:
        """Mean of one measure over the frames but the first; None if there are none, or it was not measured."""
        values = self.temporal.get(measure)
        return fmean(values) if values else None


def read_truth(path: Path, most_frames: int | None = None) -> list[Pixels]:
    """The frames of a video or of a folder of images, upright, as 8-bit RGB; all are held in memory.

    SourceError if they can't be read, or differ in size.
    """
    frames = (read_rgb(file) for file in list_images(path)) if path.is_dir() else _decoded(path)
    truth = list(islice(frames, most_frames))
    if not truth:
        raise SourceError(f"{path} holds no frame; give a video or a folder of frames")
    for frame in truth:
        if frame.shape != truth[0].shape:
            (height, width), (first_height, first_width) = frame.shape[:2], truth[0].shape[:2]
            raise SourceError(
                f"{path} has frames of {first_width}x{first_height} and of {width}x{height}; give frames of one size"
            )
    return truth


def shrink_clip(truth: Sequence[Pixels], scale: int, coding: Coding | None) -> SmallClip:
    """``truth``, of sides that are multiples of ``scale``, shrunk by MATLAB's bicubic, then coded and decoded.

    Coded frames stay the 4:2:0 planes that the decoder gives; without ``coding`` they are RGB.
    """
    small = np.stack([downscale(frame, scale) for frame in truth])
    height, width = small.shape[1:3]
    if coding is not None:
        return SmallClip(*code_planes(small, coding), (height, width))
    planes = tuple(tuple(np.ascontiguousarray(frame[:, :, c]) for c in range(3)) for frame in small)
    return SmallClip(rgb_picture(height, width), planes, (height, width))


def upscale_clip(
    loaded: LoadedNetwork, clip: SmallClip, precision: PrecisionChoice = "fp32", device: str = "auto"
) -> Iterator[Pixels]:
    """The frames of ``clip`` upscaled to 8-bit RGB by the code of ``vsr run``, planes in. Raises BackendError."""
    source, scale = clip.picture, loaded.network.scale
    target = rgb_picture(source.height * scale, source.width * scale)
    with open_upscaler(loaded, source, target, precision=precision, device=device) as upscaler:
        for planes in clip.frames:
            upscaled = upscaler.upscale(tuple(torch.from_numpy(np.array(plane))[None] for plane in planes))
            height, width = (side * scale for side in clip.size)
            yield torch.cat(upscaled).permute(1, 2, 0).numpy()[:height, :width]


def score_frames(
    results: Iterable[Pixels], truth: Sequence[Pixels], border: int, measures: Mapping[str, TemporalMeasure]
) -> VideoResult:
    """Compare ``results`` with ``truth`` frame by frame, without ``border`` pixels at each side."""
    frames = []
    temporal: dict[str, list[float]] = {name: [] for name in measures}
    previous: tuple[Pixels, Pixels] | None = None
    for index, (result, true) in enumerate(zip(results, truth, strict=True)):
        frames.append(ImageScore(str(index), psnr_y(result, true, border), ssim_y(result, true, border)))
        if previous is not None:
            for name, measure in measures.items():
                temporal[name].append(measure((previous[0], result), (previous[1], true), border))
        previous = result, true
    return VideoResult(tuple(frames), {name: tuple(values) for name, values in temporal.items()})


def _decoded(path: Path) -> Iterator[Pixels]:
    spec = PipelineSpec(str(path), os.devnull)
    with VideoSource(spec, Notices(), bake_orientation=True, video_only=True) as source:
        info = source.info
        upright = rgb_picture(info.height, info.width)
        if info.layout == upright.layout:
            yield from (np.asarray(frame.rgb(), np.uint8) for frame in source)
            return
        stored = Picture(info.width, info.height, info.layout, info.color)
        to_rgb = PlaneModel(_Unchanged(), stored, upright)
        for frame in source:
            with torch.inference_mode():
                rgb = to_rgb(*(torch.from_numpy(np.array(plane))[None] for plane in frame.planes))
            yield torch.cat(rgb).permute(1, 2, 0).numpy()


class _Unchanged(Network):
    """No network: what remains of a PlaneModel is the conversion of its planes."""

    name, scale, domain, halo = "unchanged", 1, "rgb", 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x
