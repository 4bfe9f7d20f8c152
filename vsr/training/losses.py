"""Pixel losses."""

from typing import Literal

import torch

Loss = Literal["l1", "l2", "charbonnier"]

_EPSILON = 1e-3
_LUMA = (0.257, 0.504, 0.098)


def pixel_loss(result: torch.Tensor, truth: torch.Tensor, loss: Loss, luma_weight: float = 0.0) -> torch.Tensor:
    """Mean loss over (N,3,H,W) RGB in [0, 1], plus ``luma_weight`` times the loss of the BT.601 luma.

    (N,1,H,W) is luma already, and has the one loss only. (N,6,H,W) is packed 4:2:0, the first four channels luma.

    ``charbonnier`` is ``sqrt(d**2 + 1e-6)`` (Lai et al., LapSRN, 2017): L1 that is smooth at zero.
    """
    difference = result - truth
    value = _penalty(difference, loss)
    channels = result.shape[1]
    if luma_weight == 0 or channels == 1:
        return value
    if channels == 6:
        return value + luma_weight * _penalty(difference[:, :4], loss)
    weights = difference.new_tensor(_LUMA).view(1, 3, 1, 1)
    return value + luma_weight * _penalty((difference * weights).sum(dim=1), loss)


def _penalty(difference: torch.Tensor, loss: Loss) -> torch.Tensor:
    if loss == "l1":
        return difference.abs().mean()
    if loss == "l2":
        return difference.square().mean()
    return (difference.square() + _EPSILON**2).sqrt().mean()
