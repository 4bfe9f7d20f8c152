"""CARN-M: residual blocks of grouped convolutions in two levels of cascades (Ahn et al., ECCV 2018)."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import MultiScale
from vsr.networks.div2k import mean_rgb
from vsr.networks.entry import NetworkEntry
from vsr.networks.upsample import ScaleSwitch, shuffle_reach, shuffle_upsampler

WIDTH = 64
GROUPS = 4
STEPS = 3
SCALES = (2, 3, 4)


class CARNM(MultiScale):
    """``tail(up(body(head(x - mean)))) + mean``: body a cascade of three cascades, one upsampler for each scale.

    The paper trains all scales together and counts 412K weights, which are those of all three upsamplers without
    the biases. The convolutions of blocks and upsamplers have four groups.
    """

    name = "carn-m"
    domain = "rgb"

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.scales = SCALES
        self.halo = self.halo_at(scale)
        self.mean: torch.Tensor
        self.register_buffer("mean", mean_rgb(), persistent=False)
        self.head = nn.Conv2d(3, WIDTH, 3, padding=1)
        self.body = _Cascade([_Cascade([_ResidualBlock()]) for _ in range(STEPS)])
        self.up = ScaleSwitch({one: shuffle_upsampler(WIDTH, one, groups=GROUPS, relu=True) for one in SCALES}, scale)
        self.tail = nn.Conv2d(WIDTH, 3, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        y: torch.Tensor = self.tail(self.up(self.body(self.head(x - self.mean)))) + self.mean
        return y

    def halo_at(self, scale: int) -> int:
        """Receptive-field radius at ``scale``: the head's, two for each residual block, the rest's."""
        return 1 + 2 * STEPS * STEPS + shuffle_reach(scale, after=1)


class _Cascade(nn.Module):
    """Three steps, each a unit and then ``ReLU(conv1x1)`` of the input and all units' outputs so far.

    One unit alone is applied in every step: CARN-M's saving of parameters.
    """

    def __init__(self, units: list[nn.Module]) -> None:
        super().__init__()
        self.units = nn.ModuleList(units)
        self.fuse = nn.ModuleList(nn.Conv2d((step + 2) * WIDTH, WIDTH, 1) for step in range(STEPS))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gathered = y = x
        for step, fuse in enumerate(self.fuse):
            unit = self.units[step % len(self.units)]
            gathered = torch.cat((gathered, unit(y)), dim=1)
            y = F.relu(fuse(gathered))
        return y


class _ResidualBlock(nn.Module):
    """``ReLU(x + conv1x1(ReLU(grouped3x3(ReLU(grouped3x3(x))))))``."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=GROUPS)
        self.second = nn.Conv2d(WIDTH, WIDTH, 3, padding=1, groups=GROUPS)
        self.point = nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(x + self.point(F.relu(self.second(F.relu(self.first(x))))))


ENTRIES = (
    NetworkEntry(
        name="carn-m",
        scales=SCALES,
        domain="rgb",
        summary="cascades of grouped residual blocks, all scales trained together",
        paper="Ahn et al., Fast, Accurate, and Lightweight Super-Resolution with Cascading Residual Network, ECCV 2018",
        builder=CARNM,
    ),
)
