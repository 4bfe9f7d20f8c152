"""FSRCNN(56,12,4): a narrow body of 3x3 convolutions on luma and a 9x9 deconvolution (Dong et al., ECCV 2016)."""

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.base import Anchor, Network
from vsr.networks.entry import NetworkEntry

WIDTH = 56
SHRUNK = 12
DEPTH = 4
# Of the deconvolution's first weights: the paper's Gaussian.
DEVIATION = 0.001


class FSRCNN(Network):
    """``deconv9x9(expand(map(shrink(head(x)))))``, a PReLU of one slope per channel after all but the deconvolution.

    Head 5x5 1->56, shrink 1x1 56->12, map four times 3x3 12->12, expand 1x1 12->56, deconvolution 56->1 of stride
    ``scale`` with the authors' padding of 4. The anchor is not the paper's; the deconvolution starts near zero anyway.
    """

    name = "fsrcnn"
    domain = "luma"

    def __init__(self, scale: int, *, anchor: Anchor = "nearest") -> None:
        super().__init__()
        self.scale = scale
        self.anchored = anchor == "nearest"
        # Head 2 and map DEPTH; output pixel o then takes the inputs from (o - 4) / scale to (o + 4) / scale.
        self.halo = 2 + DEPTH + (1 if scale == 4 else 2)
        self.features = nn.Sequential(
            *_layer(1, WIDTH, 5),
            *_layer(WIDTH, SHRUNK, 1),
            *(part for _ in range(DEPTH) for part in _layer(SHRUNK, SHRUNK, 3)),
            *_layer(SHRUNK, WIDTH, 1),
        )
        self.deconv = nn.ConvTranspose2d(WIDTH, 1, 9, stride=scale, padding=4, output_padding=scale - 1)
        nn.init.normal_(self.deconv.weight, std=DEVIATION)
        nn.init.zeros_(self.deconv.bias)  # type: ignore[arg-type]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,1,scale*H,scale*W)."""
        y: torch.Tensor = self.deconv(self.features(x))
        return y + F.interpolate(x, scale_factor=self.scale, mode="nearest") if self.anchored else y


def _layer(in_channels: int, out_channels: int, kernel: int) -> tuple[nn.Conv2d, nn.PReLU]:
    """Convolution and PReLU; weights after He et al. (ICCV 2015) for the slope that PReLU starts from."""
    conv = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
    activation = nn.PReLU(out_channels)
    nn.init.kaiming_normal_(conv.weight, a=activation.init)
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv, activation


ENTRIES = (
    NetworkEntry(
        name="fsrcnn",
        scales=(2, 3, 4),
        domain="luma",
        summary="a narrow stack of 3x3 convolutions on luma and a 9x9 deconvolution",
        paper="Dong et al., Accelerating the Super-Resolution Convolutional Neural Network, ECCV 2016",
        builder=FSRCNN,
    ),
)
