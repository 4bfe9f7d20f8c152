"""SPAN: six blocks of three convolutions, each gated by its own output (Wan et al., CVPR Workshops 2024)."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Anchor, Network
from vsr.networks.div2k import mean_rgb
from vsr.networks.entry import Channels, NetworkEntry
from vsr.networks.first_weights import NEAR_ZERO, begin_near_zero_
from vsr.networks.reparam import SpanConv

BLOCKS = 6
CODES = 255.0
"""The released networks see the input in 8-bit codes: their gates are made for such features, and fade near zero."""


class SpanBlock(nn.Module):
    """``o = c3(SiLU(c2(SiLU(c1(x)))))``, then ``(o + x) * (sigmoid(o) - 1/2)``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.c1, self.c2, self.c3 = (SpanConv(width, width) for _ in range(3))

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(N,width,H,W) -> the block's output and SiLU(c1(x)), both of the same shape."""
        first = F.silu(self.c1(x))
        o = self.c3(F.silu(self.c2(first)))
        return (o + x) * (torch.sigmoid(o) - 0.5), first


class SPAN(Network):
    """Convolution to ``width``, six blocks, one convolution, a 1x1 over four stages, convolution, pixel shuffle.

    The 1x1 joins the first convolution's output, the last's, block 1's and SiLU(c1) of block 6 (the released code
    activates in place, so that what it passes on is the activated map). ``centred``: the input is less the mean colour
    and in 8-bit codes, as the authors release it. With the anchor, which the paper lacks, the tail starts near zero.
    """

    name = "span"
    domain = "rgb"
    halo = 3 * BLOCKS + 3

    def __init__(self, scale: int, *, width: Channels = 28, centred: bool = True, anchor: Anchor = "nearest") -> None:
        super().__init__()
        self.scale = scale
        self.centred = centred
        self.anchored = anchor == "nearest"
        self.mean: torch.Tensor
        self.register_buffer("mean", mean_rgb(), persistent=False)
        self.head = SpanConv(3, width)
        self.blocks = nn.ModuleList(SpanBlock(width) for _ in range(BLOCKS))
        self.last = SpanConv(width, width)
        self.join = nn.Conv2d(4 * width, width, 1)
        self.tail = nn.Conv2d(width, 3 * scale * scale, 3, padding=1)
        if self.anchored:
            begin_near_zero_(self.tail, NEAR_ZERO / CODES if centred else NEAR_ZERO)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        head = self.head((x - self.mean) * CODES if self.centred else x)
        first, inner = self.blocks[0](head)
        y = first
        for block in self.blocks[1:]:
            y, inner = block(y)
        y = self.tail(self.join(torch.cat([head, self.last(y), first, inner], dim=1)))
        if self.anchored:
            # Each colour repeated s*s times before the shuffle is its nearest upscaling after it.
            y = y + x.repeat_interleave(self.scale * self.scale, dim=1)
        return F.pixel_shuffle(y, self.scale)


ENTRIES = (
    NetworkEntry(
        name="span",
        scales=(2, 3, 4),
        domain="rgb",
        summary="six blocks of three convolutions that gate themselves, the quality per millisecond on a GPU",
        paper="Wan et al., Swift Parameter-free Attention Network, CVPR Workshops 2024",
        builder=SPAN,
    ),
)
