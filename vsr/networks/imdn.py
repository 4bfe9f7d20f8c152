"""IMDN: blocks that split off a quarter of their channels after each convolution (Hui et al., ACM Multimedia 2019)."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Network
from vsr.networks.entry import NetworkEntry

Variant = Literal["paper", "challenge"]
"""``challenge``: the baseline of the NTIRE efficient super-resolution challenges, without attention and fusion."""

WIDTH = 64
DISTILLED = WIDTH // 4
REDUCED = WIDTH // 16
BLOCKS = {"paper": 6, "challenge": 8}
SLOPE = 0.05


class IMDN(Network):
    """``PixelShuffle(tail(smooth(body(h)) + h))`` with ``h = head(x)``, all conv3x3.

    The paper's body fuses the outputs of its six blocks by a 1x1 convolution. Its blocks' attention takes the mean and
    the deviation of whole feature maps, so each pixel depends on the whole picture. The challenges' body is eight
    blocks in a row without attention, and local.
    """

    name = "imdn"
    domain = "rgb"

    def __init__(self, scale: int, *, variant: Variant = "paper") -> None:
        super().__init__()
        self.scale = scale
        attention = variant == "paper"
        blocks = BLOCKS[variant]
        # Four convolutions a block, and the head, the smoothing one and the tail.
        self.halo = None if attention else 4 * blocks + 3
        self.head = _conv(3, WIDTH)
        self.blocks = nn.ModuleList(_Block(attention=attention) for _ in range(blocks))
        self.fuse = nn.Conv2d(blocks * WIDTH, WIDTH, 1) if attention else None
        self.smooth = _conv(WIDTH, WIDTH)
        self.tail = _conv(WIDTH, 3 * scale * scale)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        first = self.head(x)
        y = first
        outputs = []
        for block in self.blocks:
            y = block(y)
            outputs.append(y)
        if self.fuse is not None:
            y = F.leaky_relu(self.fuse(torch.cat(outputs, dim=1)), SLOPE)
        return F.pixel_shuffle(self.tail(self.smooth(y) + first), self.scale)


class _Block(nn.Module):
    """Information multi-distillation: of each convolution's channels a quarter is done and the rest goes on."""

    def __init__(self, *, attention: bool) -> None:
        super().__init__()
        rest = WIDTH - DISTILLED
        self.steps = nn.ModuleList((_conv(WIDTH, WIDTH), _conv(rest, WIDTH), _conv(rest, WIDTH)))
        self.last = _conv(rest, DISTILLED)
        self.attention = _ContrastAttention() if attention else nn.Identity()
        self.mix = nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        rest = x
        distilled = []
        for step in self.steps:
            done, rest = torch.split(F.leaky_relu(step(rest), SLOPE), [DISTILLED, WIDTH - DISTILLED], dim=1)
            distilled.append(done)
        distilled.append(self.last(rest))
        y: torch.Tensor = self.mix(self.attention(torch.cat(distilled, dim=1)))
        return x + y


class _ContrastAttention(nn.Module):
    """Each channel times a gate in [0, 1] made of every channel's mean plus standard deviation over the picture."""

    def __init__(self) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(WIDTH, REDUCED, 1)
        self.excite = nn.Conv2d(REDUCED, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean = x.mean(dim=(2, 3), keepdim=True)
        # The root's slope is infinite at zero: a flat map must not put that into the gradient.
        deviation = (x - mean).square().mean(dim=(2, 3), keepdim=True).clamp_min(1e-12).sqrt()
        return x * torch.sigmoid(self.excite(F.relu(self.squeeze(mean + deviation))))


def _conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, 3, padding=1)


ENTRIES = (
    NetworkEntry(
        name="imdn",
        scales=(2, 3, 4),
        domain="rgb",
        summary="six information multi-distillation blocks with attention over the whole picture",
        paper="Hui et al., Lightweight Image Super-Resolution with Information Multi-distillation Network, ACM MM 2019",
        builder=IMDN,
    ),
)
