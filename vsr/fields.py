"""Interlaced frames as their two fields, so that moments that were never one picture are not mixed."""

import torch


def split(planes: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Planes (N, h, w), h even, to (2N, h/2, w): of each frame the upper field, then the lower."""
    paired = (plane.reshape(plane.shape[0], -1, 2, plane.shape[2]) for plane in planes)
    return tuple(pairs.transpose(1, 2).flatten(0, 1).contiguous() for pairs in paired)


def weave(planes: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The inverse of ``split``: (2N, h, w) to (N, 2h, w)."""
    return tuple(plane.reshape(-1, 2, *plane.shape[1:]).transpose(1, 2).flatten(1, 2).contiguous() for plane in planes)
