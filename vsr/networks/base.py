"""The contract of every network: what the rest of vsr may know about one."""

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import nn

Domain = Literal["rgb", "luma", "yuv420"]
"""``rgb``: (N,3,H,W). ``luma``: one plane (N,1,H,W). ``yuv420``: PixelUnshuffle(2)(Y) with U and V, 6 channels."""


class Network(nn.Module, ABC):
    """A super-resolution network: float in [0, 1], (N,C,H,W) -> (N,C,scale*H,scale*W).

    The output is not clamped; whoever turns it into integers clamps it.
    """

    name: str
    """Name in the registry."""
    scale: int
    """Integer factor by which both sides grow."""
    domain: Domain
    """What the channels are."""
    halo: int
    """Receptive-field radius in low-resolution pixels: an output pixel depends on nothing farther away."""
    multiple_of: int
    """Height and width of the input must be multiples of this."""

    @abstractmethod
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Upscale (N,C,H,W) float in [0, 1] to (N,C,scale*H,scale*W)."""

    @abstractmethod
    def deploy(self) -> "Network":
        """A copy in its collapsed form, in eval mode, equal to this one within 1e-5 in float32."""


def parameter_count(network: nn.Module) -> int:
    """Number of parameters, biases included."""
    return sum(parameter.numel() for parameter in network.parameters())
