"""SCSRN: plain convolutions into which the input is concatenated again, no additions (IEEE Access 2023)."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.entry import NetworkEntry
from vsr.networks.reparam import RepConv

_WIDTH = 28
_DEPTH = 4
_EXPAND = 8 * _WIDTH


class SCSRN(Network):
    """Head, body, two concatenations of the input, and a pixel shuffle; a ReLU after each convolution but the last two.

    conv3x3 3->28; four times conv3x3 28->28; with the input concatenated conv3x3 31->56; with it once more conv1x1
    59->3*scale**2; conv3x3 between as many. A reconstruction: public are the skips, which concatenate the input with
    features because additions are slow on mobile processors, plain convolutions trained re-parameterised, and the
    parameters, 46.8K at x2 and 53.0K at x3. The arrangement was chosen because it has both counts (46,828 and 53,008).
    """

    name = "scsrn"
    domain = "rgb"
    halo = 1 + _DEPTH + 1 + 1

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        pixels = 3 * scale * scale
        self.head = RepConv(3, _WIDTH, _EXPAND)
        self.body = nn.ModuleList(RepConv(_WIDTH, _WIDTH, _EXPAND) for _ in range(_DEPTH))
        self.widen = RepConv(_WIDTH + 3, 2 * _WIDTH, _EXPAND)
        self.mix = nn.Conv2d(2 * _WIDTH + 3, pixels, 1)
        self.tail = RepConv(pixels, pixels, _EXPAND)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        y = F.relu(self.head(x))
        for conv in self.body:
            y = F.relu(conv(y))
        y = F.relu(self.widen(torch.cat((y, x), dim=1)))
        y = self.mix(torch.cat((y, x), dim=1))
        return F.pixel_shuffle(self.tail(y), self.scale)


ENTRIES = (
    NetworkEntry(
        name="scsrn",
        scales=(2, 3, 4),
        domain="rgb",
        summary="plain convolutions with the input concatenated again, a reconstruction",
        paper="Gankhuyag et al., Skip-concatenated image super-resolution network for mobile devices, IEEE Access 2023",
        builder=SCSRN,
    ),
)
