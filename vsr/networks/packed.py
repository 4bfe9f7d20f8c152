"""Packed: a plain stack of 3x3 convolutions on whole 4:2:0 pictures, luma and chroma in one, at half resolution."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.entry import Channels, Layers, NetworkEntry
from vsr.networks.first_weights import begin_near_zero_
from vsr.networks.reparam import RepConv

_CHANNELS = 6


class Packed(Network):
    """``PixelShuffle(tail(body(y0) + y0) + anchor)`` with ``y0 = ReLU(head(x))``, body ``blocks`` times ``ReLU(conv)``.

    conv3x3 6->C, C->C each of the body, C->6*scale**2; C is ``channels``. The anchor is the nearest upscaling of the
    planes. All convolutions train as RepConv of ``expand`` channels (8 * channels unless given).
    """

    name = "packed"
    domain = "yuv420"
    anchored = True

    def __init__(
        self, scale: int, *, blocks: Layers = 4, channels: Channels = 48, expand: Channels | None = None
    ) -> None:
        super().__init__()
        self.scale = scale
        self.halo = blocks + 2
        width = expand or 8 * channels
        self.head = RepConv(_CHANNELS, channels, width)
        self.body = nn.ModuleList(RepConv(channels, channels, width) for _ in range(blocks))
        # With as many channels in as out, an identity would not begin near zero.
        outputs = _CHANNELS * scale * scale
        self.tail = RepConv(channels, outputs, width, skip=channels != outputs)
        begin_near_zero_(self.tail)
        self.nearest: torch.Tensor
        self.register_buffer("nearest", torch.tensor(_nearest(scale)), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,6,H,W) -> (N,6,scale*H,scale*W)."""
        first = F.relu(self.head(x))
        y = first
        for conv in self.body:
            y = F.relu(conv(y))
        return F.pixel_shuffle(self.tail(y + first) + x.index_select(1, self.nearest), self.scale)


def _nearest(scale: int) -> list[int]:
    """For each of the 6*scale**2 channels before the shuffle, the packed channel of the luma or chroma sample nearest.

    The luma sample (a, b) of the packed pixel at (i, j) within its scale x scale block is number 2i+a, 2j+b of 2*scale
    made of two: not, as chroma is, the same channel repeated.
    """
    block = [(i, j) for i in range(scale) for j in range(scale)]
    luma = [
        (2 * i + a) // scale * 2 + (2 * j + b) // scale for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)) for i, j in block
    ]
    return luma + [4] * len(block) + [5] * len(block)


ENTRIES = (
    NetworkEntry(
        name="packed",
        scales=(2, 3, 4),
        domain="yuv420",
        summary="six 3x3 convolutions on packed 4:2:0 planes, luma and chroma at once",
        paper="vsr's own; the stack is LRSRN's (NTIRE 2023 Real-Time 4K Super-Resolution challenge)",
        builder=Packed,
    ),
)
