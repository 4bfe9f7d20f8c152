"""EDSR: residual blocks without normalisation; by default the paper's baseline (Lim et al., CVPR Workshops 2017)."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.div2k import mean_rgb
from vsr.networks.entry import Channels, Layers, NetworkEntry
from vsr.networks.upsample import shuffle_reach, shuffle_upsampler


class EDSR(Network):
    """``tail(up(h + smooth(body(h)))) + mean`` with ``h = head(x - mean)``; the body is ``blocks`` residual blocks.

    The baseline is 16 blocks of 64 channels. The full EDSR (32 of 256) also multiplies each block's residual by 0.1,
    which the baseline does not and this network never does.
    """

    name = "edsr"
    domain = "rgb"

    def __init__(self, scale: int, *, blocks: Layers = 16, width: Channels = 64) -> None:
        super().__init__()
        self.scale = scale
        # Two convolutions a block, the head and the smoothing one; then the tail at high resolution.
        self.halo = 2 * blocks + 2 + shuffle_reach(scale, after=1)
        self.mean: torch.Tensor
        self.register_buffer("mean", mean_rgb(), persistent=False)
        self.head = nn.Conv2d(3, width, 3, padding=1)
        self.body = nn.Sequential(*(_ResidualBlock(width) for _ in range(blocks)))
        self.smooth = nn.Conv2d(width, width, 3, padding=1)
        self.up = shuffle_upsampler(width, scale)
        self.tail = nn.Conv2d(width, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        first = self.head(x - self.mean)
        y: torch.Tensor = self.tail(self.up(first + self.smooth(self.body(first)))) + self.mean
        return y


class _ResidualBlock(nn.Module):
    """``x + conv3x3(ReLU(conv3x3(x)))``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.second(F.relu(self.first(x)))
        return x + y


ENTRIES = (
    NetworkEntry(
        name="edsr",
        scales=(2, 3, 4),
        domain="rgb",
        summary="sixteen residual blocks of 64 channels, the baseline form",
        paper="Lim et al., Enhanced Deep Residual Networks for Single Image Super-Resolution, CVPR Workshops 2017",
        builder=EDSR,
    ),
)
