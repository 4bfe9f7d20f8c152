"""Made-up tensors of one layer, and what the layer does with them: what the authors' networks are written with here."""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]


def layer(name: str, *shape: int, bias: bool = True, gain: float = 1.0) -> State:
    """A convolution of ``shape`` (out,in,height,width) that keeps the size of what passes through it."""
    weight = torch.randn(shape) * gain / math.sqrt(math.prod(shape[1:]))
    return {f"{name}.weight": weight} | ({f"{name}.bias": 0.1 * torch.randn(shape[0])} if bias else {})


def slopes(name: str, count: int) -> State:
    return {f"{name}.weight": torch.rand(count)}


def conv(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    """The convolution ``name`` with zeros around, which keeps the size."""
    weight = state[f"{name}.weight"]
    return F.conv2d(x, weight, state.get(f"{name}.bias"), padding=weight.shape[-1] // 2)


def prelu(state: Mapping[str, Tensor], name: str, x: Tensor) -> Tensor:
    return F.prelu(x, state[f"{name}.weight"])
