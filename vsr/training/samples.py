"""Sample pictures: what a network makes of a few details, beside what it was given and what it should have made."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from vsr.evaluation.benchmark import upscale_pixels
from vsr.evaluation.images import crop_to_multiple, list_images
from vsr.evaluation.imresize import downscale
from vsr.io.still import read_rgb
from vsr.networks import Network

_MOST = 4
_SIDE = 192
"""High-resolution pixels."""


def sample_pictures(network: Network, folder: Path) -> Mapping[str, npt.NDArray[np.uint8]]:
    """The middle of a few images of ``folder`` by file name: (H,3*W,3) uint8 RGB.

    From left to right: the reduced picture enlarged by repeating its pixels, the upscaled one, the original.
    """
    return {file.stem: _sample(network, read_rgb(file)) for file in list_images(folder)[:_MOST]}


def _sample(network: Network, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    scale = network.scale
    top, left = (max(0, (side - _SIDE) // 2) for side in pixels.shape[:2])
    truth = crop_to_multiple(pixels[top : top + _SIDE, left : left + _SIDE], scale * network.multiple_of)
    low = downscale(truth, scale)
    nearest = low.repeat(scale, axis=0).repeat(scale, axis=1)
    return np.concatenate([nearest, upscale_pixels(network, low), truth], axis=1)
