"""The half-precision guard: a PlaneModel that says, frame by frame, whether its network overflowed."""

import torch
from torch import Tensor, nn

from vsr.plane_model import PlaneModel

LARGEST_SAMPLE = 4.0
"""Samples lie in 0 to 1 and networks overshoot by tenths; what overflows float16 (65,504) comes out infinite or NaN."""


class Guarded(nn.Module):
    """``forward(*planes)`` gives the planes of ``model`` and, last, (N,) bool: True for a frame not to be used.

    The test reads the network's output once, on the device, and is part of whatever graph the module becomes. An
    overflow inside the network reaches the output: convolutions and activations pass NaN and infinity on, but for
    those that a ReLU or a clamp cuts off, and these it would have cut off in float32 too.
    """

    def __init__(self, model: PlaneModel):
        super().__init__()
        self.model = model

    def forward(self, *planes: Tensor) -> tuple[Tensor, ...]:
        luma, chroma, alpha = self.model.decode(planes)
        luma, chroma = self.model.upscale(luma, chroma)
        lost = self.overflowed(luma)
        if chroma is not None:
            lost = lost | self.overflowed(chroma)
        return (*self.model.render(luma, chroma, alpha), lost)

    @staticmethod
    def overflowed(x: Tensor) -> Tensor:
        """(N,) bool of 4-D float: True where a sample is NaN, infinite or far outside of a picture's range."""
        peak: Tensor = torch.linalg.vector_norm(x, float("inf"), dim=(1, 2, 3))
        return torch.logical_not(peak < LARGEST_SAMPLE)  # so written, NaN is True
