"""Scores of a network over a folder of high-resolution images: shrink each, upscale it again, compare."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from vsr.errors import SourceError
from vsr.evaluation.images import crop_to_multiple, list_images
from vsr.evaluation.metrics import psnr_y, ssim_y
from vsr.evaluation.tracks import Track, border, shrink
from vsr.frames import MATRIX_SMPTE170M, ColorSpace, PixelLayout
from vsr.io.still import read_rgb
from vsr.networks import Network
from vsr.plane_model import Picture, PlaneModel
from vsr.plane_model import Precision as RunPrecision

Precision = Literal["float32", "bfloat16"]
RUN_PRECISION: dict[Precision, RunPrecision] = {"float32": "fp32", "bfloat16": "bf16"}

_RGB = PixelLayout("rgb", 8)
# RGB has no matrix of its own; this one tells networks on luma and chroma which ones to see: those of the scores.
_RGB_OF_601 = ColorSpace(MATRIX_SMPTE170M, full_range=True)


@dataclass(frozen=True)
class ImageScore:
    """Scores of one image."""

    name: str
    psnr_y: float
    """dB."""
    ssim_y: float


@dataclass(frozen=True)
class BenchmarkResult:
    """Scores of each image of a folder, and their means."""

    images: tuple[ImageScore, ...]

    @property
    def psnr_y(self) -> float:
        """Mean over the images, dB."""
        return float(np.mean([image.psnr_y for image in self.images]))

    @property
    def ssim_y(self) -> float:
        """Mean over the images."""
        return float(np.mean([image.ssim_y for image in self.images]))


def evaluate_folder(
    network: Network, folder: Path, precision: Precision = "float32", track: Track = "clean"
) -> BenchmarkResult:
    """Score the deployed ``network`` on every image of ``folder``, shrunk as ``track`` does it.

    SourceError if one can't be read or is too small.
    """
    scores = []
    for file in list_images(folder):
        try:
            scores.append(score_image(network, file.name, read_rgb(file), precision, track))
        except ValueError as exc:
            raise SourceError(f"can't score {file}: {exc}; give larger images") from exc
    return BenchmarkResult(tuple(scores))


def score_image(
    network: Network,
    name: str,
    pixels: npt.NDArray[np.uint8],
    precision: Precision = "float32",
    track: Track = "clean",
) -> ImageScore:
    """Score on one image (H,W,3) uint8 RGB: PSNR and SSIM of Y without the border that ``track`` leaves out."""
    truth = crop_to_multiple(pixels, network.scale * network.multiple_of)
    result = upscale_pixels(network, shrink(truth, network.scale, track), precision)
    margin = border(network.scale, track)
    return ImageScore(name, psnr_y(result, truth, margin), ssim_y(result, truth, margin))


def upscale_pixels(
    network: Network, pixels: npt.NDArray[np.uint8], precision: Precision = "float32"
) -> npt.NDArray[np.uint8]:
    """(H,W,3) uint8 RGB to (scale*H,scale*W,3) uint8 RGB, rounded, by the PlaneModel that ``vsr run`` has.

    A "luma" network upscales Y; bicubic upscales the chroma, as the papers on Y do it. A "yuv420" network gets chroma
    of half the size.
    """
    device = device_of(network)
    height, width = pixels.shape[:2]
    target = rgb_picture(height * network.scale, width * network.scale)
    model = PlaneModel(network, rgb_picture(height, width), target, RUN_PRECISION[precision]).eval().to(device)
    planes = torch.from_numpy(np.array(pixels.transpose(2, 0, 1))).to(device)
    with torch.inference_mode():
        upscaled: npt.NDArray[np.uint8] = torch.cat(model(*planes[:, None])).permute(1, 2, 0).cpu().numpy()
    return upscaled


def rgb_picture(height: int, width: int) -> Picture:
    """8-bit RGB."""
    return Picture(width, height, _RGB, _RGB_OF_601)


def device_of(network: Network) -> torch.device:
    """Where the network's weights are, or its constants where it has no weights."""
    tensors = chain(network.parameters(), network.buffers())
    return next((tensor.device for tensor in tensors), torch.device("cpu"))
