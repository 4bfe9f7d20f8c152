"""SRCNN: three convolutions on bicubically upscaled luma, the first network of the field (Dong et al., 2014)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.bicubic import Bicubic
from vsr.networks.entry import NetworkEntry


class SRCNN(Network):
    """``conv5x5 32->1(ReLU(conv 64->32(ReLU(conv9x9 1->64(bicubic)))))``; the second kernel is ``middle`` wide.

    9-1-5 is the form of ECCV 2014, 9-5-5 the best of the journal version (IEEE TPAMI 38, 2016). The authors leave the
    borders out; here they are padded with zeros, so that the size is kept.
    """

    name = "srcnn"
    domain = "luma"

    def __init__(self, scale: int, *, middle: Literal[1, 5] = 5) -> None:
        super().__init__()
        self.scale = scale
        self.upscale = Bicubic(scale)
        self.halo = self.upscale.halo_before(4 + middle // 2 + 2)
        self.head = nn.Conv2d(1, 64, 9, padding=4)
        self.middle = nn.Conv2d(64, 32, middle, padding=middle // 2)
        self.tail = nn.Conv2d(32, 1, 5, padding=2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,1,scale*H,scale*W)."""
        y: torch.Tensor = self.tail(F.relu(self.middle(F.relu(self.head(self.upscale(x))))))
        return y


ENTRIES = (
    NetworkEntry(
        name="srcnn",
        scales=(2, 3, 4),
        domain="luma",
        summary="three convolutions on bicubically upscaled luma, the field's first",
        paper="Dong et al., Image Super-Resolution Using Deep Convolutional Networks, IEEE TPAMI 38, 2016",
        builder=SRCNN,
    ),
)
