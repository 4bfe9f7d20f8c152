"""SRVGGNetCompact: a plain stack of 3x3 convolutions with PReLU and the nearest upscaled input (Real-ESRGAN, 2021)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.entry import Channels, Layers, NetworkEntry
from vsr.networks.first_weights import begin_near_zero_

Activation = Literal["prelu", "relu", "leaky_relu"]
"""``prelu``: one slope a channel, what the released files have. ``leaky_relu``: slope 0.1 throughout."""


class SRVGG(Network):
    """conv3x3 3->W, ``depth`` times conv3x3 W->W, conv3x3 W->3*s*s, pixel shuffle; W is ``width``.

    An activation follows each convolution but the last. The nearest upscaled input is added, as in the released
    networks: animevideov3 is ``width=64, depth=16``, general-x4v3 ``width=64, depth=32``, both x4.
    """

    name = "srvgg"
    domain = "rgb"
    anchored = True

    def __init__(
        self, scale: int, *, width: Channels = 64, depth: Layers = 16, activation: Activation = "prelu"
    ) -> None:
        super().__init__()
        self.scale = scale
        self.halo = depth + 2
        self.convs = nn.ModuleList(nn.Conv2d(width if i else 3, width, 3, padding=1) for i in range(depth + 1))
        self.activations = nn.ModuleList(_activation(activation, width) for _ in range(depth + 1))
        self.tail = nn.Conv2d(width, 3 * scale * scale, 3, padding=1)
        begin_near_zero_(self.tail)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        y = x
        for conv, activate in zip(self.convs, self.activations, strict=True):
            y = activate(conv(y))
        # Each colour repeated s*s times before the shuffle is its nearest upscaling after it.
        anchor = x.repeat_interleave(self.scale * self.scale, dim=1)
        return F.pixel_shuffle(self.tail(y) + anchor, self.scale)


def _activation(kind: Activation, width: int) -> nn.Module:
    if kind == "prelu":
        return nn.PReLU(width)
    return nn.ReLU() if kind == "relu" else nn.LeakyReLU(0.1)


ENTRIES = (
    NetworkEntry(
        name="srvgg",
        scales=(2, 3, 4),
        domain="rgb",
        summary="a plain stack of 3x3 convolutions with PReLU, what many community files are",
        paper="Wang et al., Real-ESRGAN (its SRVGGNetCompact), ICCV Workshops 2021",
        builder=SRVGG,
    ),
)
