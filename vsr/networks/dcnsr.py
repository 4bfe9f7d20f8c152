"""DCNSR-style: VDSR's task in twelve dilated convolutions instead of twenty dense ones, on bicubic luma."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.bicubic import Bicubic
from vsr.networks.entry import NetworkEntry
from vsr.networks.first_weights import begin_near_zero_

_WIDTH = 64
# Rates that keep changing (hybrid dilation, Wang et al., WACV 2018) leave no pixels out, which equal ones would; dense
# convolutions at both ends. They look 24 pixels far, VDSR's twenty look 20.
_DILATIONS = (1, 2, 3, 1, 2, 3, 3, 2, 1, 3, 2, 1)


class DCNSR(Network):
    """Twelve conv3x3 of 64 channels, dilated by 1 to 3, on bicubically upscaled luma, which is added to their output.

    A ReLU follows each but the last. Public of DCNSR are twelve dilated layers at half the time of the deep network
    that it starts from. The closest public relative (Lin et al., Neurocomputing 2018) dilates a network on the
    interpolated luma; so the rest is VDSR's (Kim et al., CVPR 2016), of which this has 1 / 1.8 of the arithmetic.
    The rates are a choice of this project.
    """

    name = "dcnsr"
    domain = "luma"
    anchored = True

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.bicubic = Bicubic(scale)
        self.halo = self.bicubic.halo_before(sum(_DILATIONS))
        last = len(_DILATIONS) - 1
        self.convs = nn.ModuleList(
            nn.Conv2d(_WIDTH if i else 1, _WIDTH if i < last else 1, 3, padding=dilation, dilation=dilation)
            for i, dilation in enumerate(_DILATIONS)
        )
        begin_near_zero_(self.convs[last])

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,1,scale*H,scale*W)."""
        upscaled: torch.Tensor = self.bicubic(x)
        y: torch.Tensor = self.convs[0](upscaled)
        for conv in self.convs[1:]:
            y = conv(F.relu(y))
        return upscaled + y


ENTRIES = (
    NetworkEntry(
        name="dcnsr",
        scales=(2, 3, 4),
        domain="luma",
        summary="twelve dilated convolutions on bicubic luma, in the style of DCNSR",
        paper="Lin et al., Image super-resolution using a dilated convolutional neural network, Neurocomputing 2018",
        builder=DCNSR,
    ),
)
