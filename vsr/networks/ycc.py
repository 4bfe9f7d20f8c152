"""An RGB network as one that takes luma and chroma and gives luma and chroma: the colour matrices go into its layers.

RGB is a linear map of luma and chroma (H.273, equations 38 to 40). Where a network begins with a convolution, ends with
one and adds its upscaled input, these take up the map and its inverse; the same picture comes out, and no RGB exists.
"""

import copy
from typing import TypeGuard

import torch
from torch import Tensor, nn

from vsr.networks.base import LinearEnds
from vsr.networks.int8 import QuantisedConv


class YccForm(nn.Module):
    """``network`` (deployed) on (N, 3, H, W) of luma in [0, 1] and chroma in [-0.5, 0.5]."""

    def __init__(self, network: LinearEnds, ycc_to_rgb: Tensor):
        """``ycc_to_rgb`` is (3, 3)."""
        super().__init__()
        self.name, self.scale, self.halo, self.cell = network.name, network.scale, network.halo, network.cell
        to_rgb, to_ycc = ycc_to_rgb.float(), torch.linalg.inv(ycc_to_rgb).float()
        inner = copy.deepcopy(network)
        # Eight bits calibrated for RGB don't fit chroma, and so narrow a layer gains little by them.
        weight, bias = _weight(inner.head)
        inner.head = _conv(torch.einsum("ojhw,ji->oihw", weight, to_rgb), bias)
        weight, bias = (
            torch.tensordot(to_ycc, one.reshape(3, -1), 1).reshape(one.shape) for one in _weight(inner.tail)
        )
        self.tail = _as(inner.tail, _conv(weight, bias))
        inner.tail = nn.Identity()
        self.features = _Features(inner)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Luma (N, 1, scale*H, scale*W) and chroma (N, 2, scale*H, scale*W)."""
        (n, _, height, width), scale = x.shape, self.scale
        # Added with the channels last, as convolutions leave them: in the other order a compiler reorders both.
        y = self.tail(self.features(x)).permute(0, 2, 3, 1).reshape(n, height, width, 3, scale * scale)
        y = (y + x.permute(0, 2, 3, 1).unsqueeze(4)).reshape(n, height, width, 3, scale, scale)
        # With the channels first of all, cutting them apart moves nothing.
        planes = y.permute(3, 0, 1, 4, 2, 5).reshape(3, n, height * scale, width * scale)
        return planes[0].unsqueeze(1), planes[1:].transpose(0, 1)


class _Features(nn.Module):
    """The inside of a network, as a module: what compiles it tells layers from the colour work by their module."""

    def __init__(self, network: LinearEnds):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        return self.network.features(x)


def has_ycc_form(network: nn.Module) -> TypeGuard[LinearEnds]:
    """True for a deployed network that YccForm takes."""
    if not isinstance(network, LinearEnds) or not network.anchored:
        return False
    return all(isinstance(conv, nn.Conv2d | QuantisedConv) for conv in (network.head, network.tail))


def _weight(conv: nn.Module) -> tuple[Tensor, Tensor]:
    """Kernel and bias of what ``has_ycc_form`` accepts."""
    weight, bias = conv.weight, conv.bias
    if not isinstance(weight, Tensor) or not isinstance(bias, Tensor):
        raise TypeError("a network in its YccForm needs a kernel and a bias at both ends")
    return weight, bias


def _conv(weight: Tensor, bias: Tensor) -> nn.Conv2d:
    """The convolution of ``weight`` (out, in, kernel, kernel) and ``bias`` (out), zero-padded to keep the size."""
    conv = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], padding=weight.shape[2] // 2)
    with torch.no_grad():
        conv.weight.copy_(weight)
        conv.bias.copy_(bias)  # type: ignore[union-attr]
    return conv


def _as(given: nn.Module, conv: nn.Conv2d) -> nn.Module:
    """``conv`` in the precision of ``given``, whose input it takes."""
    return QuantisedConv(conv, given.values) if isinstance(given, QuantisedConv) else conv
