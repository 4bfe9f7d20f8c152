"""DRRN: residual units that share their weights, correcting bicubically upscaled luma (Tai et al., CVPR 2017)."""

from typing import Annotated, Self

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.bicubic import Bicubic
from vsr.networks.entry import NetworkEntry
from vsr.networks.first_weights import begin_near_zero_, he_conv

WIDTH = 128
# With the released order the head sees ReLU(BN(luma)), where the usual shift of 0 hides whatever is darker than the
# mean; so many standard deviations let nearly all of it through to begin with.
HEAD_SHIFT = 3.0
Units = Annotated[int, 32]
"""Of a block, and blocks, with their limit: as ``Layers``, but the two multiply."""


class DRRN(Network):
    """``bicubic + tail(blocks(bicubic))``; the paper's B1U9 and B1U25 are ``units=9`` and ``units=25`` of one block.

    Batch normalisation and ReLU stand before every convolution, the head's and the tail's too. The deployed form has
    the fixed scale and shift that each normalisation comes to in eval mode. ``rectified``: the units add to ReLU(h0)
    in the place of h0, as in the PyTorch ports, whose activation in place changes h0 itself.
    """

    name = "drrn"
    domain = "luma"
    anchored = True

    def __init__(self, scale: int, *, units: Units = 9, blocks: Units = 1, rectified: bool = False) -> None:
        super().__init__()
        self.scale = scale
        self.upscale = Bicubic(scale)
        self.halo = self.upscale.halo_before(blocks * (1 + 2 * units) + 1)
        recursive = [RecursiveBlock(WIDTH if index else 1, units, rectified) for index in range(blocks)]
        nn.init.constant_(recursive[0].head_norm.bias, HEAD_SHIFT)
        self.blocks = nn.ModuleList(recursive)
        self.tail_norm = nn.BatchNorm2d(WIDTH)
        self.tail = he_conv(WIDTH, 1)
        begin_near_zero_(self.tail)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,1,scale*H,scale*W)."""
        upscaled = self.upscale(x)
        h = upscaled
        for block in self.blocks:
            h = block(h)
        result: torch.Tensor = upscaled + self.tail(F.relu(self.tail_norm(h), inplace=True))
        return result

    def deploy(self) -> Self:
        """A copy with fixed scales and shifts in the place of normalisations, equal to this one in eval mode."""
        deployed = super().deploy()
        _fix_statistics_(deployed)
        return deployed


class RecursiveBlock(nn.Module):
    """``h0 = head(x)``, then ``units`` times ``h = h0 + second(first(h))``: shared convolutions, own normalisations."""

    def __init__(self, in_channels: int, units: int, rectified: bool = False) -> None:
        super().__init__()
        self.rectified = rectified
        self.head_norm = nn.BatchNorm2d(in_channels)
        self.head = he_conv(in_channels, WIDTH)
        self.first_norms = nn.ModuleList(nn.BatchNorm2d(WIDTH) for _ in range(units))
        self.first = he_conv(WIDTH, WIDTH)
        self.second_norms = nn.ModuleList(nn.BatchNorm2d(WIDTH) for _ in range(units))
        self.second = he_conv(WIDTH, WIDTH)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,in,H,W) -> (N,128,H,W)."""
        start: torch.Tensor = self.head(F.relu(self.head_norm(x)))
        start = F.relu(start) if self.rectified else start
        h = start
        for first_norm, second_norm in zip(self.first_norms, self.second_norms, strict=True):
            middle = self.first(F.relu(first_norm(h), inplace=True))
            h = start + self.second(F.relu(second_norm(middle), inplace=True))
        return h


class ScaleShift(nn.Module):
    """``x * scale + shift`` a channel: what a batch normalisation comes to in eval mode."""

    def __init__(self, norm: nn.BatchNorm2d) -> None:
        super().__init__()
        if norm.running_mean is None or norm.running_var is None:
            raise TypeError("a batch normalisation without running statistics has no fixed scale and shift")
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        shift = norm.bias - norm.running_mean * scale
        self.scale = nn.Parameter(scale.detach()[:, None, None])
        self.shift = nn.Parameter(shift.detach()[:, None, None])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,C,H,W) -> (N,C,H,W), in the precision of ``x``."""
        return torch.addcmul(self.shift.to(x.dtype), x, self.scale.to(x.dtype))


def _fix_statistics_(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.BatchNorm2d):
            setattr(module, name, ScaleShift(child))
        else:
            _fix_statistics_(child)


ENTRIES = (
    NetworkEntry(
        name="drrn",
        scales=(2, 3, 4),
        domain="luma",
        summary="a deep recursive network on bicubically upscaled luma, the reference tier",
        paper="Tai, Yang, Liu, Image Super-Resolution via Deep Recursive Residual Network, CVPR 2017",
        builder=DRRN,
    ),
)
