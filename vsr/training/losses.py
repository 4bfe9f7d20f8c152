"""Pixel losses."""

from typing import Literal

import torch

Loss = Literal["l1", "l2", "charbonnier"]

_EPSILON = 1e-3
_LUMA = (0.257, 0.504, 0.098)


def pixel_loss(result: torch.Tensor, truth: torch.Tensor, loss: Loss, luma_weight: float = 0.0) -> torch.Tensor:
    """Mean loss over (N,3,H,W) RGB in [0, 1], plus ``luma_weight`` times the loss of the BT.601 luma.

    (N,1,H,W) is luma already, and has the one loss only.

    ``charbonnier`` is ``sqrt(d**2 + 1e-6)`` (Lai et al., LapSRN, 2017): L1 that is smooth at zero.
    """
    difference = result - truth
    value = _penalty(difference, loss)
    if luma_weight > 0 and result.shape[1] == 3:
        weights = difference.new_tensor(_LUMA).view(1, 3, 1, 1)
        value = value + luma_weight * _penalty((difference * weights).sum(dim=1), loss)
    return value


def _penalty(difference: torch.Tensor, loss: Loss) -> torch.Tensor:
    if loss == "l1":
        return difference.abs().mean()
    if loss == "l2":
        return difference.square().mean()
    return (difference.square() + _EPSILON**2).sqrt().mean()
