"""LRSRN: six plain 3x3 convolutions at low resolution and a pixel shuffle (NTIRE 2023 real-time 4K challenge)."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Anchor, LinearEnds
from vsr.networks.entry import Channels, NetworkEntry
from vsr.networks.first_weights import begin_near_zero_
from vsr.networks.reparam import RepConv

WIDTH = 32
DEPTH = 4


class LRSRN(LinearEnds):
    """``PixelShuffle(tail(body(y0) + y0))`` with ``y0 = ReLU(head(x))``, body four times ``ReLU(conv3x3 32->32)``.

    In the training form the body's convolutions are RepConv of ``expand`` channels; at x3 the head's and tail's too
    (the authors' "advanced" block). The anchor costs no parameters; with it the tail starts near zero and
    training is faster.
    """

    name = "lrsrn"
    domain = "rgb"
    halo = DEPTH + 2

    def __init__(self, scale: int, *, anchor: Anchor = "nearest", expand: Channels = 8 * WIDTH) -> None:
        super().__init__()
        self.scale = scale
        self.anchored = anchor == "nearest"
        ends = expand if scale == 3 else None
        self.head = _conv(3, WIDTH, ends)
        self.body = nn.ModuleList(_conv(WIDTH, WIDTH, expand) for _ in range(DEPTH))
        self.tail = _conv(WIDTH, 3 * scale * scale, ends)
        if self.anchored:
            begin_near_zero_(self.tail)

    def features(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,32,H,W)."""
        first = F.relu(self.head(x))
        y = first
        for conv in self.body:
            y = F.relu(conv(y))
        return y + first

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        y: torch.Tensor = self.tail(self.features(x))
        if self.anchored:
            # Channel c*s*s+k becomes sub-pixel k of colour c, so repeating each colour s*s times is the upscaled image.
            y = y + x.repeat_interleave(self.scale * self.scale, dim=1)
        return F.pixel_shuffle(y, self.scale)


def _conv(in_channels: int, out_channels: int, expand: int | None) -> nn.Module:
    if expand is None:
        return nn.Conv2d(in_channels, out_channels, 3, padding=1)
    return RepConv(in_channels, out_channels, expand)


ENTRIES = (
    NetworkEntry(
        name="lrsrn",
        scales=(2, 3, 4),
        domain="rgb",
        summary="six 3x3 convolutions and a pixel shuffle, the default",
        paper="LRSRN, NTIRE 2023 Real-Time 4K Super-Resolution challenge",
        builder=LRSRN,
    ),
)
