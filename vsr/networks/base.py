"""The contract of every network: what the rest of vsr may know about one."""

import copy
from abc import ABC, abstractmethod
from typing import Literal, Self

import torch
import torch.nn.functional as F
from torch import nn

from vsr.networks.reparam import collapse_all_
from vsr.networks.upsample import ScaleSwitch

Domain = Literal["rgb", "luma", "yuv420"]
"""``rgb``: (N,3,H,W). ``luma``: one plane (N,1,H,W). ``yuv420``: PixelUnshuffle(2)(Y), then U, then V, (N,6,H,W).

Luma is BT.601 codes / 255, so from 16/255 to 235/255: what the papers train on. Chroma too: 128/255 is no colour.
"""

Anchor = Literal["nearest", "none"]
"""What many networks add to their output: the nearest-neighbour upscaled input, or nothing, as most papers do."""


class Network(nn.Module, ABC):
    """A super-resolution network: float in [0, 1], (N,C,H,W) -> (N,C,scale*H,scale*W).

    The output is not clamped; whoever turns it into integers clamps it. What is built is the training form.
    """

    name: str
    """Name in the registry."""
    scale: int
    """Integer factor by which both sides grow."""
    domain: Domain
    """What the channels are."""
    halo: int | None
    """Receptive-field radius in pixels of the input: an output pixel depends on nothing farther away.

    None: it depends on the whole picture, which therefore can't be run in strips.
    """
    multiple_of: int = 1
    """Height and width of the input must be multiples of this."""
    anchored: bool = False
    """The input itself is added to the output, outside the convolutions: half precision rounds only the difference."""

    @property
    def channels(self) -> int:
        """Of the input and of the output, by the domain."""
        return {"rgb": 3, "luma": 1, "yuv420": 6}[self.domain]

    @property
    def cell(self) -> int:
        """Luma rows, and columns, that one pixel of the input stands for."""
        return 2 if self.domain == "yuv420" else 1

    @abstractmethod
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Upscale (N,C,H,W) float in [0, 1] to (N,C,scale*H,scale*W)."""

    def deploy(self) -> Self:
        """A copy in its collapsed form, in eval mode, equal to this one within 1e-5 in float32."""
        deployed = copy.deepcopy(self)
        collapse_all_(deployed)
        return deployed.eval()


class Shuffled(Network):
    """A network whose last step is a pixel shuffle, so that who makes integers of its output may shuffle those instead.

    Memory is what a shuffle costs, and a byte is a quarter of a float. Luma only: RGB has work left to do between.
    """

    @abstractmethod
    def phases(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,H,W,scale**2): the output before its shuffle, channels last as convolutions leave them."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,1,scale*H,scale*W)."""
        return F.pixel_shuffle(self.phases(x).permute(0, 3, 1, 2), self.scale)


class LinearEnds(Network):
    """An RGB network of ``head``, ``features`` and ``tail``, then a pixel shuffle; head and tail are convolutions.

    What is linear at both ends takes a change of colours into its weights, see ``vsr.networks.ycc``.
    """

    head: nn.Module
    tail: nn.Module
    """Channel ``c * scale**2 + k`` is sub-pixel ``k`` of colour ``c``; the anchor, where there is one, is nearest."""

    @abstractmethod
    def features(self, x: torch.Tensor) -> torch.Tensor:
        """What ``tail`` takes, of (N,3,H,W), by way of ``head``."""


class MultiScale(Network):
    """A network for several scales that share all but the upsampler; each training step may take another scale."""

    scales: tuple[int, ...]
    """The scales that it has; one once deployed."""
    up: nn.Module
    """ScaleSwitch in the training form, one scale's upsampler once deployed."""

    @abstractmethod
    def halo_at(self, scale: int) -> int | None:
        """What ``halo`` is at ``scale``."""

    def use_scale(self, scale: int) -> None:
        """Upscale by ``scale`` from here on, which changes ``halo`` too; ValueError if ``scales`` lacks it."""
        if scale not in self.scales:
            raise ValueError(f"{self.name} has no scale {scale} here; it has: {', '.join(map(str, self.scales))}")
        self.scale, self.halo = scale, self.halo_at(scale)
        if isinstance(self.up, ScaleSwitch):
            self.up.scale = scale

    def deploy(self) -> Self:
        """A copy in its collapsed form that keeps the present scale's upsampler only."""
        deployed = super().deploy()
        if isinstance(deployed.up, ScaleSwitch):
            deployed.up = deployed.up.chosen()
        deployed.scales = (deployed.scale,)
        return deployed


def parameter_count(network: nn.Module) -> int:
    """Number of parameters, biases included."""
    return sum(parameter.numel() for parameter in network.parameters())
