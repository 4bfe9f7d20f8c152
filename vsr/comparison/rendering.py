"""Decoded frames as 8-bit RGB of a wanted size, so that pictures of different sizes and formats can be compared."""

from typing import cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from vsr.color import ChannelMatrix, Quantisation, luma_grids, ycc_to_rgb_matrix
from vsr.frames import Frame
from vsr.plane_model import Decode, Picture
from vsr.resample import Resample

Rgb = npt.NDArray[np.uint8]
"""(H, W, 3)."""


class Render(nn.Module):
    """Planes of ``source`` (N, h, w) to (N, H, W, 3) uint8 RGB of ``size`` = (H, W); alpha is left out.

    Bicubic (Keys, a = -0.5), widened when it shrinks; chroma goes from its own grid to the wanted one in one step.
    """

    def __init__(self, source: Picture, size: tuple[int, int]):
        super().__init__()
        self.decode = Decode(source, source.color.matrix)
        self.resample_luma = Resample(luma_grids(source.size), luma_grids(size))
        self.resample_chroma = Resample(source.chroma_grids, luma_grids(size))
        self.to_rgb = ChannelMatrix(ycc_to_rgb_matrix(source.color.matrix))
        self.codes = Quantisation(8, full_range=True, chroma=False)

    def forward(self, *planes: Tensor) -> Tensor:
        luma, chroma, _ = self.decode(planes)
        luma = self.resample_luma(luma)
        if chroma is None:
            rgb = luma.expand(-1, 3, -1, -1)
        else:
            rgb = self.to_rgb(torch.cat((luma, self.resample_chroma(chroma)), 1))
        return self.codes.encode(rgb).permute(0, 2, 3, 1)

    def frame(self, frame: Frame) -> Rgb:
        """One frame as (H, W, 3)."""
        with torch.inference_mode():
            return cast("Rgb", self(*(torch.from_numpy(plane)[None] for plane in frame.planes))[0].numpy())


def difference(a: Rgb, b: Rgb, gain: int) -> Rgb:
    """``gain`` times the absolute difference of each sample, at most 255."""
    distance = np.abs(a.astype(np.int32) - b.astype(np.int32)) * gain
    return cast("Rgb", np.minimum(distance, 255).astype(np.uint8))
