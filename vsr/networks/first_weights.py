"""First weights: how layers begin, so that training starts well."""

import torch
from torch import nn

from vsr.networks.reparam import RepConv

NEAR_ZERO = 0.1
"""A network that adds to its upscaled input begins as that: its last layer has this share of the usual weights."""


def begin_near_zero_(layer: nn.Module, share: float = NEAR_ZERO) -> None:
    """Multiply what ``layer``, a convolution or RepConv, gives at first by ``share``, in place."""
    if isinstance(layer, RepConv):
        layer.scale_output_(share)
        return
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(share)


def he_conv(in_channels: int, out_channels: int) -> nn.Conv2d:
    """A conv3x3 with weights after He et al. (ICCV 2015) for the ReLU behind it, and biases of zero."""
    conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)
    nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
    nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
    return conv
