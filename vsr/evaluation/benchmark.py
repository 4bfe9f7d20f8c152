"""Scores of a network over a folder of high-resolution images: shrink each, upscale it again, compare."""

from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from vsr.errors import SourceError, UsageError
from vsr.evaluation.images import crop_to_multiple, list_images
from vsr.evaluation.metrics import luma_codes, psnr_y, ssim_y
from vsr.evaluation.tracks import Track, border, shrink
from vsr.io.still import read_rgb
from vsr.networks import Network, build

Precision = Literal["float32", "bfloat16"]


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
    """(H,W,3) uint8 RGB to (scale*H,scale*W,3) uint8 RGB, rounded.

    A "luma" network upscales Y; bicubic upscales the chroma, as the papers on Y do it.
    """
    device = device_of(network)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16"):
        x = torch.from_numpy(np.ascontiguousarray(pixels)).to(device).permute(2, 0, 1)[None].float() / 255.0
        if network.domain == "rgb":
            y = network(x)
        elif network.domain == "luma":
            y = _upscale_luma(network, x)
        else:
            raise UsageError(f"network '{network.name}' works on {network.domain} planes; images have none to score")
        rounded: npt.NDArray[np.uint8] = (
            (y[0].float() * 255.0).round().clamp(0, 255).to(torch.uint8).permute(1, 2, 0).cpu().numpy()
        )
    return rounded


def device_of(network: Network) -> torch.device:
    """Where the network's weights are, or its constants where it has no weights."""
    tensors = chain(network.parameters(), network.buffers())
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


def _upscale_luma(network: Network, rgb: torch.Tensor) -> torch.Tensor:
    # Bicubic is linear: upscaling Y by the network and the colour differences by bicubic is bicubic of everything
    # plus what the network adds to Y. A code of Y is 255/219 codes of grey.
    bicubic = build("bicubic", network.scale).deploy().to(rgb.device)
    y = luma_codes(rgb)
    planes: torch.Tensor = bicubic(torch.cat([rgb, y], dim=1).transpose(0, 1))
    red_green_blue, luma = planes[:3].transpose(0, 1), planes[3:]
    sharper: torch.Tensor = network(y)
    return red_green_blue + (sharper.float() - luma) * (255 / 219)
