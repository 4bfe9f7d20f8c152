"""Upsamplers of features: convolution and pixel shuffle, for one scale or for several of which one is in use."""

import torch
from torch import nn


def shuffle_upsampler(width: int, scale: int, *, groups: int = 1, relu: bool = False) -> nn.Sequential:
    """(N,width,H,W) -> (N,width,scale*H,scale*W): conv3x3 to as many channels as sub-pixels, then PixelShuffle.

    x4 is twice x2, each with its own weights. ``relu`` follows each shuffle.
    """
    parts: list[nn.Module] = []
    for factor in (2, 2) if scale == 4 else (scale,):
        parts.append(nn.Conv2d(width, width * factor * factor, 3, padding=1, groups=groups))
        parts.append(nn.PixelShuffle(factor))
        if relu:
            parts.append(nn.ReLU())
    return nn.Sequential(*parts)


def shuffle_reach(scale: int, after: int) -> int:
    """Radius, in low-resolution pixels, of ``shuffle_upsampler`` and ``after`` pixels at high resolution behind it."""
    if scale == 4:
        # The second stage's convolution looks one pixel of half the output's resolution far: two of the output's.
        after += 2
    return 1 + -(-after // scale)


class ScaleSwitch(nn.ModuleDict):
    """An upsampler for each scale; runs the one of ``scale``."""

    def __init__(self, by_scale: dict[int, nn.Module], scale: int) -> None:
        super().__init__({str(one): module for one, module in by_scale.items()})
        self.scale = scale

    def chosen(self) -> nn.Module:
        """The upsampler in use."""
        return self[str(self.scale)]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,C,H,W) -> (N,C,scale*H,scale*W)."""
        result: torch.Tensor = self.chosen()(x)
        return result
