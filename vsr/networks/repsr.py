"""RepSR: a plain stack trained with batch normalisation inside blocks that fold to 3x3 convolutions (ACM MM 2022)."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.entry import Channels, Layers, NetworkEntry
from vsr.networks.first_weights import begin_near_zero_
from vsr.networks.reparam import NormedRepConv


class RepSR(Network):
    """conv3x3 3->C, ``blocks`` RepSR blocks C->C, conv3x3 C->3*scale**2, pixel shuffle; C is ``channels``.

    A PReLU (one slope a channel) follows each but the last; the nearest upscaled input is added. ``expand`` is the
    width of each of a block's two paths. Late in training the normalisations change to the statistics of the
    population: ``freeze_statistics_`` of ``reparam``.
    """

    name = "repsr"
    domain = "rgb"
    anchored = True

    def __init__(self, scale: int, *, blocks: Layers = 4, channels: Channels = 32, expand: Channels = 64) -> None:
        super().__init__()
        self.scale = scale
        self.halo = blocks + 2
        self.head = nn.Conv2d(3, channels, 3, padding=1)
        self.body = nn.ModuleList(NormedRepConv(channels, expand) for _ in range(blocks))
        self.activations = nn.ModuleList(nn.PReLU(channels) for _ in range(blocks + 1))
        self.tail = nn.Conv2d(channels, 3 * scale * scale, 3, padding=1)
        begin_near_zero_(self.tail)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        y = x
        for conv, activate in zip((self.head, *self.body), self.activations, strict=True):
            y = activate(conv(y))
        # Each colour repeated scale**2 times before the shuffle is its nearest upscaling after it.
        anchor = x.repeat_interleave(self.scale * self.scale, dim=1)
        return F.pixel_shuffle(self.tail(y) + anchor, self.scale)


ENTRIES = (
    NetworkEntry(
        name="repsr",
        scales=(2, 3, 4),
        domain="rgb",
        summary="a plain stack of blocks with batch normalisation that fold to 3x3 convolutions",
        paper="Wang, Dong, Shan, RepSR: training efficient VGG-style super-resolution networks, ACM MM 2022",
        builder=RepSR,
    ),
)
