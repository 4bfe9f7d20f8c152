"""ESPCN: three convolutions on luma at low resolution and a pixel shuffle (Shi et al., CVPR 2016)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Anchor, Network
from vsr.networks.entry import NetworkEntry
from vsr.networks.first_weights import begin_near_zero_


class ESPCN(Network):
    """``PixelShuffle(conv3x3 32->s*s(ReLU(conv3x3 64->32(ReLU(conv5x5 1->64)))))``.

    The paper's final form has tanh in the place of ReLU, a little better there. Trained here, with Adam and the anchor,
    tanh is 0.07 dB behind on Set5 after 300 steps and costs more time, so it is ReLU; files of others have tanh. With
    the anchor, which the paper lacks, the last convolution starts near zero.
    """

    name = "espcn"
    domain = "luma"
    halo = 4

    def __init__(self, scale: int, *, anchor: Anchor = "nearest", activation: Literal["relu", "tanh"] = "relu") -> None:
        super().__init__()
        self.scale = scale
        self.activate = F.relu if activation == "relu" else torch.tanh
        self.anchored = anchor == "nearest"
        self.head = nn.Conv2d(1, 64, 5, padding=2)
        self.body = nn.Conv2d(64, 32, 3, padding=1)
        self.tail = nn.Conv2d(32, scale * scale, 3, padding=1)
        if self.anchored:
            begin_near_zero_(self.tail)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,1,scale*H,scale*W)."""
        y: torch.Tensor = self.tail(self.activate(self.body(self.activate(self.head(x)))))
        # The one luma channel is added to each sub-pixel's channel, which makes the nearest-neighbour image.
        return F.pixel_shuffle(y + x if self.anchored else y, self.scale)


ENTRIES = (
    NetworkEntry(
        name="espcn",
        scales=(2, 3, 4),
        domain="luma",
        summary="three convolutions and a pixel shuffle on luma, the smallest",
        paper="Shi et al., Real-Time Single Image and Video Super-Resolution Using ESPCN, CVPR 2016",
        builder=ESPCN,
    ),
)
