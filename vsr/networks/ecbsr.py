"""ECBSR: a narrow plain stack of 3x3 convolutions on luma, with the nearest upscaled input added (ACM MM 2021)."""

from typing import Literal

import torch
from torch import nn

from vsr.networks.base import Shuffled
from vsr.networks.entry import Channels, Layers, NetworkEntry
from vsr.networks.first_weights import begin_near_zero_
from vsr.networks.reparam import RepConv

Activation = Literal["prelu", "relu"]


class ECBSR(Shuffled):
    """conv3x3 1->C, ``blocks`` times conv3x3 C->C, conv3x3 C->scale**2, pixel shuffle; C is ``channels``.

    Each convolution but the last has an activation behind it; a PReLU has one slope a channel. The paper's M4C16 is
    ``blocks=4, channels=16``, its M10C16 ``blocks=10``. All convolutions train as RepConv of ``expand`` channels
    (8 * channels unless given) in the place of the paper's block of four branches: both collapse to the same form.
    """

    name = "ecbsr"
    domain = "luma"
    anchored = True

    def __init__(
        self,
        scale: int,
        *,
        blocks: Layers = 4,
        channels: Channels = 16,
        expand: Channels | None = None,
        activation: Activation = "prelu",
    ) -> None:
        super().__init__()
        self.scale = scale
        self.halo = blocks + 2
        width = expand or 8 * channels
        self.body = nn.ModuleList(RepConv(channels if i else 1, channels, width) for i in range(blocks + 1))
        self.activations = nn.ModuleList(
            nn.PReLU(channels) if activation == "prelu" else nn.ReLU() for _ in range(blocks + 1)
        )
        # At x4 the tail has as many channels in as out, and an identity would not begin near zero.
        self.tail = RepConv(channels, scale * scale, width, skip=channels != scale * scale)
        begin_near_zero_(self.tail)

    def phases(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,H,W,scale**2)."""
        y = x
        for conv, activate in zip(self.body, self.activations, strict=True):
            y = activate(conv(y))
        # Added to each of the scale**2 phases, the input is its own nearest upscaling.
        result: torch.Tensor = self.tail(y).permute(0, 2, 3, 1) + x.permute(0, 2, 3, 1)
        return result


ENTRIES = (
    NetworkEntry(
        name="ecbsr",
        scales=(2, 3, 4),
        domain="luma",
        summary="a narrow plain stack of 3x3 convolutions on luma",
        paper="Zhang, Zeng, Zhang, Edge-oriented convolution block for real-time super resolution, ACM MM 2021",
        builder=ECBSR,
    ),
)
