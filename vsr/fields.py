"""Interlaced frames as their two fields, so that moments that were never one picture are not mixed."""

import torch


def split(planes: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """Planes (N, h, w), h even, to (2N, h/2, w): of each frame the upper field, then the lower."""
    return tuple(
        plane.unflatten(1, (-1, 2)).transpose(1, 2).flatten(0, 1).contiguous() for plane in planes
    )


def weave(planes: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    """The inverse of ``split``: (2N, h, w) to (N, 2h, w)."""
    return tuple(plane.unflatten(0, (-1, 2)).transpose(1, 2).flatten(1, 2).contiguous() for plane in planes)
