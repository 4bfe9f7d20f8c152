"""The older luma networks as their PyTorch ports save and compute them: names and shapes, made-up values, the maths."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from tests.networks.authors import State, conv, layer, prelu, slopes
from vsr.networks.bicubic import Bicubic

Maths = Callable[[State, Tensor, int], Tensor]
"""(the file's tensors, (N,1,H,W), scale) -> (N,1,scale*H,scale*W)."""


def srcnn_state(names: tuple[str, str, str], middle: int) -> State:
    first, second, third = names
    return layer(first, 64, 1, 9, 9) | layer(second, 32, 64, middle, middle) | layer(third, 1, 32, 5, 5)


def srcnn(names: tuple[str, str, str]) -> Maths:
    def run(state: State, x: Tensor, scale: int) -> Tensor:
        y = Bicubic(scale)(x)
        for name in names[:2]:
            y = F.relu(conv(state, name, y))
        return conv(state, names[2], y)

    return run


FSRCNN_YJN = ["first_part.0", *(f"mid_part.{2 * i}" for i in range(6)), "last_part"]
FSRCNN_LORNA = ["feature_extraction.0", "shrink.0", *(f"map.{2 * i}" for i in range(4)), "expand.0", "deconv"]
FSRCNN_SHAPES = [(56, 1, 5, 5), (12, 56, 1, 1), *[(12, 12, 3, 3)] * 4, (56, 12, 1, 1)]


def behind(name: str) -> str:
    head, _, number = name.rpartition(".")
    return f"{head}.{int(number) + 1}"


def fsrcnn_state(names: list[str]) -> State:
    state = {f"{names[-1]}.weight": torch.randn(56, 1, 9, 9) / 60, f"{names[-1]}.bias": torch.randn(1)}
    for name, shape in zip(names[:-1], FSRCNN_SHAPES, strict=True):
        state |= layer(name, *shape) | slopes(behind(name), shape[0])
    return state


def fsrcnn(names: list[str]) -> Maths:
    def run(state: State, x: Tensor, scale: int) -> Tensor:
        for name in names[:-1]:
            x = prelu(state, behind(name), conv(state, name, x))
        weight, bias = state[f"{names[-1]}.weight"], state[f"{names[-1]}.bias"]
        return F.conv_transpose2d(x, weight, bias, stride=scale, padding=4, output_padding=scale - 1)

    return run


def espcn_state(names: tuple[str, str, str], scale: int) -> State:
    first, second, third = names
    return layer(first, 64, 1, 5, 5) | layer(second, 32, 64, 3, 3) | layer(third, scale**2, 32, 3, 3)


def espcn(names: tuple[str, str, str]) -> Maths:
    def run(state: State, x: Tensor, scale: int) -> Tensor:
        y = torch.tanh(conv(state, names[1], torch.tanh(conv(state, names[0], x))))
        return F.pixel_shuffle(conv(state, names[2], y), scale)

    return run


VDSR_TWTY = ["input", *(f"residual_layer.{i}.conv" for i in range(18)), "output"]
VDSR_LORNA = ["conv1.0", *(f"trunk.{i}.conv" for i in range(18)), "conv2"]


def vdsr_state(names: list[str]) -> State:
    state = layer(names[0], 64, 1, 3, 3, bias=False) | layer(names[-1], 1, 64, 3, 3, bias=False)
    return state | {k: v for name in names[1:-1] for k, v in layer(name, 64, 64, 3, 3, bias=False, gain=1.4).items()}


def vdsr(names: list[str]) -> Maths:
    def run(state: State, x: Tensor, scale: int) -> Tensor:
        upscaled: Tensor = Bicubic(scale)(x)
        y = upscaled
        for name in names[:-1]:
            y = F.relu(conv(state, name, y))
        return upscaled + conv(state, names[-1], y)

    return run


DRRN_JT = ("input", "conv1", "conv2", "output")
DRRN_YJN = ("rbs.0.h0.module.1", "rbs.0.ru.module.0.module.1", "rbs.0.ru.module.1.module.1", "rec.module.1")


def drrn_state(names: tuple[str, str, str, str]) -> State:
    head, first, second, tail = names
    state = layer(head, 128, 1, 3, 3, bias=False) | layer(tail, 1, 128, 3, 3, bias=False)
    return state | layer(first, 128, 128, 3, 3, bias=False) | layer(second, 128, 128, 3, 3, bias=False)


def drrn(names: tuple[str, str, str, str], units: int) -> Maths:
    def run(state: State, x: Tensor, scale: int) -> Tensor:
        upscaled: Tensor = Bicubic(scale)(x)
        activate = nn.ReLU(inplace=True)  # as in the ports: the first activation changes what is added later
        start = conv(state, names[0], F.relu(upscaled))
        h = start
        for _ in range(units):
            h = start + conv(state, names[2], F.relu(conv(state, names[1], activate(h))))
        return upscaled + conv(state, names[3], F.relu(h))

    return run
