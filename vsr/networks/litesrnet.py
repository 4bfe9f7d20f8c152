"""LiteSRNet: one 3x3 convolution applied many times over, decoded once (ICIP 2024)."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Anchor, Network
from vsr.networks.entry import Layers, NetworkEntry
from vsr.networks.first_weights import begin_near_zero_

WIDTH = 64
RELEASED_DEPTH = {2: 12, 3: 6, 4: 8}
"""How often the shared convolution is applied at each scale in the authors' released configuration."""


class LiteSRNet(Network):
    """Two convolutions 3->32->64, ``depth`` times the same one 64->64, a transposed one to pixels, one to refine them.

    A ReLU follows each convolution but the last, the transposed ones included. The recurrence has neither skip nor
    normalisation, and only its last state is decoded. With the anchor, which the paper lacks, the last convolution
    starts near zero.
    """

    name = "litesrnet"
    domain = "rgb"

    def __init__(self, scale: int, *, depth: Layers | None = None, anchor: Anchor = "nearest") -> None:
        super().__init__()
        self.scale = scale
        self.depth = depth or RELEASED_DEPTH[scale]
        self.anchored = anchor == "nearest"
        # Two convolutions before the recurrence, and one at high resolution that looks one pixel over the border.
        self.halo = self.depth + 3
        self.head = nn.Conv2d(3, WIDTH // 2, 3, padding=1)
        self.widen = nn.Conv2d(WIDTH // 2, WIDTH, 3, padding=1)
        self.recur = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.decode = _decoder(scale)
        self.refine = nn.Conv2d(3, 3, 3, padding=1)
        self._initialise()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        state = F.relu(self.widen(F.relu(self.head(x))))
        for _ in range(self.depth):
            state = F.relu(self.recur(state))
        y: torch.Tensor = self.refine(self.decode(state))
        if self.anchored:
            y = y + F.interpolate(x, scale_factor=self.scale, mode="nearest")
        return y

    @torch.no_grad()
    def _initialise(self) -> None:
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        if self.anchored:
            begin_near_zero_(self.refine)


def _decoder(scale: int) -> nn.Sequential:
    if scale == 4:
        half = nn.ConvTranspose2d(WIDTH, WIDTH // 2, 2, stride=2)
        return nn.Sequential(half, nn.ReLU(), nn.ConvTranspose2d(WIDTH // 2, 3, 2, stride=2), nn.ReLU())
    return nn.Sequential(nn.ConvTranspose2d(WIDTH, 3, scale, stride=scale), nn.ReLU())


ENTRIES = (
    NetworkEntry(
        name="litesrnet",
        scales=(2, 3, 4),
        domain="rgb",
        summary="one 3x3 convolution applied 12, 6 or 8 times",
        paper="LiteSRNet, IEEE International Conference on Image Processing (ICIP) 2024",
        builder=LiteSRNet,
    ),
)
