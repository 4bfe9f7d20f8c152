"""VDSR: twenty 3x3 convolutions that correct bicubically upscaled luma (Kim et al., CVPR 2016)."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.bicubic import Bicubic
from vsr.networks.entry import Layers, NetworkEntry
from vsr.networks.first_weights import begin_near_zero_, he_conv

WIDTH = 64


class VDSR(Network):
    """``bicubic + residual(bicubic)``: ``depth`` convolutions 3x3 of 64 channels with ReLU between them.

    Weights begin after He et al. (ICCV 2015), as in the paper, but for the last convolution, which begins near zero.
    """

    name = "vdsr"
    domain = "luma"
    anchored = True

    def __init__(self, scale: int, *, depth: Layers = 20) -> None:
        super().__init__()
        self.scale = scale
        self.upscale = Bicubic(scale)
        self.halo = self.upscale.halo_before(depth)
        channels = (1, *(WIDTH for _ in range(depth - 1)), 1)
        self.convs = nn.ModuleList(he_conv(before, after) for before, after in pairwise(channels))
        begin_near_zero_(self.convs[-1])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,1,scale*H,scale*W)."""
        upscaled = self.upscale(x)
        y = self.convs[0](upscaled)
        for conv in self.convs[1:]:
            y = conv(F.relu(y))
        result: torch.Tensor = upscaled + y
        return result


ENTRIES = (
    NetworkEntry(
        name="vdsr",
        scales=(2, 3, 4),
        domain="luma",
        summary="twenty 3x3 convolutions that correct bicubically upscaled luma",
        paper="Kim, Lee, Lee, Accurate Image Super-Resolution Using Very Deep Convolutional Networks, CVPR 2016",
        builder=VDSR,
    ),
)
