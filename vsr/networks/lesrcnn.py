"""LESRCNN and its variants: pairs of 3x3 and 1x1 convolutions, upsampled with the first features, then refined."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import MultiScale, Network
from vsr.networks.div2k import mean_rgb
from vsr.networks.entry import NetworkEntry
from vsr.networks.upsample import ScaleSwitch, shuffle_reach, shuffle_upsampler

WIDTH = 64
PAIRS = 8
REFINEMENTS = 4
SCALES = (2, 3, 4)
# Of the usual first weights, where a convolution's output is to be small at first.
SMALL = 0.1


class SingleScaleLESRCNN(Network):
    """LESRCNN-S: one scale.

    With ``p0 = conv3x3(x - mean)``, each pair makes ``p_k = r + conv1x1(ReLU(conv3x3(r)))`` of ``r = ReLU(p_{k-1})``.
    (The paper's drawing adds ``p_{k-1}`` itself, but the authors' weights only work with ``r``.) Then
    ``u = ReLU(up(ReLU(p8)) + up(ReLU(p0)))`` with one upsampler for both, four convolutions with ReLU at high
    resolution and a last one to RGB. Only the upsampler has biases.
    """

    name = "lesrcnn-s"
    domain = "rgb"
    first_wide_pair = PAIRS
    """Pairs from this one on, counted from 0, have a 5x5 kernel beside the 3x3; here none."""

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.halo = self.halo_at(scale)
        self.mean: torch.Tensor
        self.register_buffer("mean", mean_rgb(), persistent=False)
        self.head = _conv(3, WIDTH)
        self.pairs = nn.ModuleList(_Pair(wide=number >= self.first_wide_pair) for number in range(PAIRS))
        self.up: nn.Module = shuffle_upsampler(WIDTH, scale)
        self.refine = nn.ModuleList(_conv(WIDTH, WIDTH) for _ in range(REFINEMENTS))
        self.tail = _conv(WIDTH, 3)
        self._initialise()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,3,H,W) -> (N,3,scale*H,scale*W)."""
        first = F.relu(self.head(x - self.mean))
        r = first
        for pair in self.pairs:
            r = F.relu(r + pair(r))
        u = F.relu(self.up(r) + self.up(first))
        for conv in self.refine:
            u = F.relu(conv(u))
        y: torch.Tensor = self.tail(u) + self.mean
        return y

    def halo_at(self, scale: int) -> int:
        """Receptive-field radius at ``scale``: the head's, the pairs', the rest's."""
        wide = PAIRS - self.first_wide_pair
        return 1 + (PAIRS + wide) + shuffle_reach(scale, after=REFINEMENTS + 1)

    @torch.no_grad()
    def _initialise(self) -> None:
        """Features keep their size on the way, each pair adds little at first, and the picture begins near the mean."""
        for part in self.modules():
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
                if part is self.tail or part.kernel_size == (1, 1):
                    part.weight.mul_(SMALL)


class LESRCNN(SingleScaleLESRCNN, MultiScale):
    """LESRCNN: LESRCNN-S with an upsampler for each scale, to be trained on a random scale per batch."""

    name = "lesrcnn"

    def __init__(self, scale: int) -> None:
        super().__init__(scale)
        self.scales = SCALES
        self.up = ScaleSwitch({one: shuffle_upsampler(WIDTH, one) for one in SCALES}, scale)
        self._initialise()


class UpgradedLESRCNN(SingleScaleLESRCNN):
    """LESRCNN-S whose pairs after the first look at 3x3 and at 5x5 neighbourhoods, with half of the channels each."""

    name = "lesrcnn-upgraded"
    first_wide_pair = 1


class _Pair(nn.Module):
    """``conv1x1(ReLU(mix(r)))``, ``mix`` a conv3x3 or, if ``wide``, a conv3x3 and a conv5x5 side by side."""

    def __init__(self, *, wide: bool) -> None:
        super().__init__()
        self.mix = _TwoKernels() if wide else _conv(WIDTH, WIDTH)
        self.point = _conv(WIDTH, WIDTH, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.point(F.relu(self.mix(x)))
        return result


class _TwoKernels(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.near = _conv(WIDTH, WIDTH // 2)
        self.far = _conv(WIDTH, WIDTH // 2, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat((self.near(x), self.far(x)), dim=1)


def _conv(in_channels: int, out_channels: int, kernel: int = 3) -> nn.Conv2d:
    return nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2, bias=False)


_PAPER = "Tian et al., Lightweight Image Super-Resolution with Enhanced CNN, Knowledge-Based Systems 205, 2020"
ENTRIES = (
    NetworkEntry(
        name="lesrcnn",
        scales=SCALES,
        domain="rgb",
        summary="eight pairs of convolutions and refinement at high resolution, all scales trained together",
        paper=_PAPER,
        builder=LESRCNN,
    ),
    NetworkEntry(
        name="lesrcnn-s",
        scales=SCALES,
        domain="rgb",
        summary="LESRCNN trained for one scale",
        paper=_PAPER,
        builder=SingleScaleLESRCNN,
    ),
    NetworkEntry(
        name="lesrcnn-upgraded",
        scales=SCALES,
        domain="rgb",
        summary="LESRCNN-S with 5x5 kernels beside the 3x3",
        paper=f"after {_PAPER}",
        builder=UpgradedLESRCNN,
    ),
)
