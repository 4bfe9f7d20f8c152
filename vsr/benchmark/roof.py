"""The roof: how fast this machine runs plain 3x3 convolutions of a network's width, in a backend and a precision.

Measured as the difference between a deep and a shallow stack of the same convolutions, both compiled and run by the
backend as any PlaneModel is: what surrounds the convolutions (planes in and out, copies, launches) cancels out.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from itertools import pairwise, repeat
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from vsr import backends
from vsr.benchmark.cases import Case
from vsr.frames import MATRIX_BT709, ColorSpace, PixelLayout
from vsr.networks import Network
from vsr.networks.int8 import Range, convolutions, quantise
from vsr.plane_model import Picture, PlaneModel

_TILE = 8
_SHALLOW, _DEEP = 4, 12
_WARM_UPS, _RUNS = 1, 5
_IN_A_ROW = 6
"""Frames of one stream, which a backend may have in flight together, as in a run."""


@dataclass(frozen=True)
class Widest:
    """The 3x3 convolutions on which a network spends most of its arithmetic."""

    channels: int
    """Of their output."""
    resolution: float
    """Side of their output over that of the picture before upscaling."""


class ConvolutionStack(Network):
    """conv3x3 1->C, ``depth`` times conv3x3 C->C, conv3x3 C->1; nothing in between, weights as torch draws them."""

    name = "convolution-stack"
    domain = "luma"
    scale = 1

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        widths = [1, *[channels] * (depth + 1), 1]
        self.halo = depth + 2
        # The same weights each time, so that what a backend has compiled and cached serves the next round too.
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.layers = nn.Sequential(*(nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(widths)))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,1,H,W)."""
        y: torch.Tensor = self.layers(x)
        return y


def widest(network: Network) -> Widest | None:
    """Where ``network`` spends most of its arithmetic; None where it has no 3x3 convolution."""
    side = _TILE * network.multiple_of
    with torch.inference_mode(), _Convolutions() as seen:
        network(torch.zeros(1, network.channels, side, side))
    if not seen.macs:
        return None
    (out_channels, out_side), _ = seen.macs.most_common(1)[0]
    return Widest(out_channels, out_side / (side * network.cell))


class _Convolutions(TorchFunctionMode):
    """Multiply-accumulates of the 3x3 convolutions called within it, by channels and side of their output."""

    def __init__(self) -> None:
        super().__init__()
        self.macs: Counter[tuple[int, int]] = Counter()

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func is F.conv2d:
            weight: torch.Tensor = kwargs["weight"] if kwargs and "weight" in kwargs else args[1]
            if weight.shape[2:] == (3, 3):
                self.macs[result.shape[1], result.shape[-1]] += result.numel() * weight[0].numel()
        return result


def measure_roof(case: Case, network: Network) -> float | None:
    """GFLOP/s (two operations a multiply-accumulate) of the convolutions of ``widest(network)``, at the case's size.

    None where the network has no 3x3 convolution, or where the stacks are too small to tell their times apart.
    Raises BackendError.
    """
    width = widest(network)
    if width is None:
        return None
    columns, rows = round(case.width * width.resolution), round(case.height * width.resolution)
    shallow_s, deep_s = _seconds_a_frame(case, width.channels, (columns, rows))
    flop = 2 * 9 * width.channels**2 * columns * rows * (_DEEP - _SHALLOW)
    return flop / (deep_s - shallow_s) / 1e9 if deep_s > shallow_s else None


def _seconds_a_frame(case: Case, channels: int, size: tuple[int, int]) -> tuple[float, float]:
    """Median time of the shallow and the deep stack, in turns so that a change of the machine's speed meets both."""
    picture = Picture(*size, PixelLayout("gray", 8), ColorSpace(MATRIX_BT709, full_range=False))
    planes = (torch.randint(16, 236, (case.batch_size, *picture.size), dtype=torch.uint8),)
    taken: tuple[list[float], list[float]] = ([], [])
    with ExitStack() as stack:
        runners = [stack.enter_context(closing(_load(case, channels, depth, picture))) for depth in (_SHALLOW, _DEEP)]
        for turn in range(_WARM_UPS + _RUNS):
            for runner, times in zip(runners, taken, strict=True):
                started = time.perf_counter()
                frames = sum(done[0].shape[0] for done in runner.stream(repeat(planes, _IN_A_ROW), hold=1))
                if turn >= _WARM_UPS:
                    times.append((time.perf_counter() - started) / frames)
    return statistics.median(taken[0]), statistics.median(taken[1])


def _load(case: Case, channels: int, depth: int, picture: Picture) -> backends.Runner:
    stack: Network = ConvolutionStack(channels, depth)
    if case.precision == "int8":
        # Any ranges do: what the values are changes nothing about the time.
        stack = quantise(stack, dict.fromkeys(convolutions(stack), Range(0.0, 1.0)))
    model = PlaneModel(stack, picture, picture, case.precision)
    return backends.get(case.backend).load(model, case.device)
