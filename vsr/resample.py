"""Separable resampling of planes between sampling grids, chroma siting included; pure torch, static shapes.

A grid says where along an axis the samples lie, as a fraction of the picture: the same picture on two grids is
resampled by evaluating a kernel at the exact distance between positions, so that chroma never drifts against luma.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Kernel = Literal["bicubic", "lanczos3"]
Site = Literal["first", "middle", "last"]
_SUPPORT: dict[Kernel, int] = {"bicubic": 2, "lanczos3": 3}
# A strided convolution computes every phase of a period over the whole period's taps; beyond this many, gathering is
# cheaper.
_LONGEST_CONVOLUTION_TAPS = 24


@dataclass(frozen=True)
class Grid:
    """Sample ``i`` of ``count`` lies at ``first + i * step``, where the picture spans 0 to 1."""

    count: int
    first: Fraction
    step: Fraction

    @classmethod
    def luma(cls, length: int) -> "Grid":
        """The grid of ``length`` samples that fill the picture, each in the middle of its cell."""
        return cls(length, Fraction(1, 2 * length), Fraction(1, length))

    @classmethod
    def chroma(cls, length: int, shift: int, site: Site) -> "Grid":
        """The chroma grid of a picture of ``length`` luma samples, subsampled by ``2**shift``.

        ``site`` says where each sample lies among its ``2**shift`` luma samples.
        """
        factor = 1 << shift
        first = Fraction({"first": 1, "middle": factor, "last": 2 * factor - 1}[site], 2 * length)
        return cls(-(-length // factor), first, Fraction(factor, length))


def kernel_value(kernel: Kernel, x: float) -> float:
    """The kernel at distance ``x``: Keys' cubic with a = -0.5 (IEEE ASSP-29, 1981), or Lanczos of 3 lobes."""
    x = abs(x)
    if kernel == "bicubic":
        if x < 1:
            return 1.5 * x**3 - 2.5 * x**2 + 1
        return -0.5 * x**3 + 2.5 * x**2 - 4 * x + 2 if x < 2 else 0.0
    if x >= 3:
        return 0.0
    return 1.0 if x == 0 else 3 * math.sin(math.pi * x) * math.sin(math.pi * x / 3) / (math.pi * x) ** 2


def _taps(source: Grid, target: Grid, kernel: Kernel, index: int) -> tuple[int, list[float]]:
    """First source index and normalised weights of target sample ``index``; the kernel widens when shrinking."""
    center = (target.first + index * target.step - source.first) / source.step
    widening = max(Fraction(1), target.step / source.step)
    reach = _SUPPORT[kernel] * widening
    start, stop = math.floor(center - reach) + 1, math.ceil(center + reach)
    weights = [kernel_value(kernel, float((i - center) / widening)) for i in range(start, stop)]
    total = sum(weights)
    return start, [w / total for w in weights]


class AxisResample(nn.Module):
    """Resample the last axis (``axis=-1``) or the rows (``axis=-2``) of (N, C, H, W) floats; edges are replicated."""

    weight: Tensor
    index: Tensor

    def __init__(self, source: Grid, target: Grid, kernel: Kernel, axis: Literal[-1, -2]):
        super().__init__()
        self.axis: Literal[-1, -2] = axis
        self.count = target.count
        self.identity = source == target
        ratio = target.step / source.step
        self.period, self.stride = ratio.denominator, ratio.numerator
        self.pad = (0, 0)
        taps = [_taps(source, target, kernel, i) for i in range(min(self.period, target.count))]
        self.start = min(start for start, _ in taps)
        length = max(start + len(weights) for start, weights in taps) - self.start
        self.convolve = length <= _LONGEST_CONVOLUTION_TAPS
        if self.convolve:
            self._prepare_convolution(source, taps, length)
        else:
            self._prepare_gather(source, [_taps(source, target, kernel, i) for i in range(target.count)])

    def _prepare_convolution(self, source: Grid, taps: list[tuple[int, list[float]]], length: int) -> None:
        weight = torch.zeros(len(taps), 1, length)
        for phase, (start, values) in enumerate(taps):
            weight[phase, 0, start - self.start : start - self.start + len(values)] = torch.tensor(values)
        shape = (len(taps), 1, 1, length) if self.axis == -1 else (len(taps), 1, length, 1)
        self.register_buffer("weight", weight.reshape(shape))
        periods = -(-self.count // self.period)
        last = self.start + (periods - 1) * self.stride + length
        self.pad = (-self.start, last - source.count)

    def _prepare_gather(self, source: Grid, taps: list[tuple[int, list[float]]]) -> None:
        length = max(len(values) for _, values in taps)
        weight, index = torch.zeros(length, self.count), torch.zeros(length, self.count, dtype=torch.long)
        for i, (start, values) in enumerate(taps):
            weight[: len(values), i] = torch.tensor(values)
            index[:, i] = torch.arange(start, start + length).clamp(0, source.count - 1)
        self.register_buffer("weight", weight if self.axis == -1 else weight.unsqueeze(-1))
        self.register_buffer("index", index)

    def forward(self, x: Tensor) -> Tensor:
        if self.identity:
            return x
        return self._convolved(x) if self.convolve else self._gathered(x)

    def _convolved(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        x = x.reshape(n * c, 1, h, w)
        if self.axis == -1:
            x = _replicate(x, (*self.pad, 0, 0))
            y = F.conv2d(x, self.weight, stride=(1, self.stride))
            y = y if self.period == 1 else y.permute(0, 2, 3, 1).reshape(n * c, 1, h, -1)
            return y[..., : self.count].reshape(n, c, h, self.count)
        x = _replicate(x, (0, 0, *self.pad))
        y = F.conv2d(x, self.weight, stride=(self.stride, 1))
        y = y if self.period == 1 else y.permute(0, 2, 1, 3).reshape(n * c, 1, -1, w)
        return y[:, :, : self.count].reshape(n, c, self.count, w)

    def _gathered(self, x: Tensor) -> Tensor:
        y = x.index_select(self.axis, self.index[0]) * self.weight[0]
        for index, weight in zip(self.index[1:], self.weight[1:], strict=True):
            y = y + x.index_select(self.axis, index) * weight
        return y


def _replicate(x: Tensor, pad: tuple[int, int, int, int]) -> Tensor:
    """Replicate the borders; a negative number crops.

    By concatenation: compilers round a padding of their own to the network's precision.
    """
    x = F.pad(x, [min(p, 0) for p in pad])
    left, right, above, below = (max(p, 0) for p in pad)
    if left or right:
        x = torch.cat((*[x[..., :1]] * left, x, *[x[..., -1:]] * right), -1)
    if above or below:
        x = torch.cat((*[x[..., :1, :]] * above, x, *[x[..., -1:, :]] * below), -2)
    return x


class Resample(nn.Module):
    """Resample (N, C, H, W) floats from one pair of grids to another."""

    def __init__(self, source: tuple[Grid, Grid], target: tuple[Grid, Grid], kernel: Kernel = "bicubic"):
        """``source`` and ``target`` are (vertical, horizontal) grids of the same picture."""
        super().__init__()
        self.vertical = AxisResample(source[0], target[0], kernel, -2)
        self.horizontal = AxisResample(source[1], target[1], kernel, -1)

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.horizontal(self.vertical(x))
        return result
