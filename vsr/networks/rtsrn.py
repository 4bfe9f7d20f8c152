"""RTSRN: seven plain convolutions of 64 channels, the baseline of the NTIRE 2023 real-time 4K challenge."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.entry import NetworkEntry

_WIDTH = 64
_DEPTH = 5


class RTSRN(Network):
    """``PixelShuffle(tail(body(y0) + y0))`` with ``y0 = head(x)``, all convolutions 3x3.

    Head 3->64 without activation, body five times 64->64 with a ReLU between each two, tail 64->3*scale**2.
    """

    name = "rtsrn"
    domain = "rgb"
    halo = _DEPTH + 2

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.head = nn.Conv2d(3, _WIDTH, 3, padding=1)
        self.body = nn.ModuleList(nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1) for _ in range(_DEPTH))
        self.tail = nn.Conv2d(_WIDTH, 3 * scale * scale, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        first = self.head(x)
        y = self.body[0](first)
        for conv in self.body[1:]:
            y = conv(F.relu(y))
        return F.pixel_shuffle(self.tail(y + first), self.scale)


ENTRIES = (
    NetworkEntry(
        name="rtsrn",
        scales=(2, 3, 4),
        domain="rgb",
        summary="seven plain convolutions of 64 channels",
        paper="Conde et al., Efficient deep models for real-time 4K image super-resolution, CVPR Workshops 2023",
        builder=RTSRN,
    ),
)
