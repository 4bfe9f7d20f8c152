"""SESR: narrow linear blocks that collapse to single convolutions, and two long skips, on luma (MLSys 2022)."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.entry import Channels, Layers, NetworkEntry
from vsr.networks.first_weights import begin_near_zero_
from vsr.networks.reparam import RepConv


class SESR(Network):
    """conv5x5 1->C, ``blocks`` times PReLU(conv3x3 C->C), conv5x5 C->scale**2, pixel shuffle; C is ``channels``.

    The output of the first convolution, which has no activation, is added to the input of the last, and the input
    image to the output of the last, before the shuffle. The convolutions train as the paper's linear blocks: RepConv of
    ``expand`` channels, with an identity in the 3x3 ones. At x4 the paper shuffles by 2 twice.

    The default is SESR-M5, ``blocks=11`` is SESR-M11. The paper's 13.52K parameters of M5 at x2 leave out biases and
    slopes. The 23.64K of the JPEG-track table is M5 too, at x3 in RGB with biases and no slopes (1,216 + 5 * 2,320 +
    10,827 = 23,643); here it is luma, as in the paper.
    """

    name = "sesr"
    domain = "luma"
    anchored = True

    def __init__(self, scale: int, *, blocks: Layers = 5, channels: Channels = 16, expand: Channels = 256) -> None:
        super().__init__()
        self.scale = scale
        self.halo = 2 + blocks + 2
        self.head = RepConv(1, channels, expand, kernel=5, skip=False)
        self.body = nn.ModuleList(RepConv(channels, channels, expand) for _ in range(blocks))
        self.activations = nn.ModuleList(nn.PReLU(channels) for _ in range(blocks))
        self.tail = RepConv(channels, scale * scale, expand, kernel=5, skip=False)
        begin_near_zero_(self.tail)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,1,scale*H,scale*W)."""
        first: torch.Tensor = self.head(x)
        y = first
        for conv, activate in zip(self.body, self.activations, strict=True):
            y = activate(conv(y))
        y = self.tail(y + first) + x
        for factor in (2, 2) if self.scale == 4 else (self.scale,):
            y = F.pixel_shuffle(y, factor)
        return y


ENTRIES = (
    NetworkEntry(
        name="sesr",
        scales=(2, 3, 4),
        domain="luma",
        summary="narrow collapsible linear blocks with two long skips, on luma",
        paper="Bhardwaj et al., Collapsible linear blocks for super-efficient super resolution, MLSys 2022",
        builder=SESR,
    ),
)
