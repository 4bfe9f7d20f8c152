"""Bicubic interpolation (a = -0.5, half-pixel centres, replicated edges) as a network: the baseline."""

import torch
import torch.nn.functional as F

from vsr.networks.base import Network
from vsr.networks.entry import NetworkEntry

_RADIUS = 2


class Bicubic(Network):
    """One plane upscaled by an integer factor: a fixed 5x5 convolution to scale**2 phases, then a pixel shuffle.

    The kernel is Keys' cubic convolution (1981) with a = -0.5, as in MATLAB's ``imresize``. As a convolution it is
    traced, compiled and exported like any other network; ``interpolate(mode="bicubic")`` has a = -0.75 fixed.
    It keeps the precision of its input, under autocast too: other networks add their difference to it.
    """

    name = "bicubic"
    domain = "luma"
    halo = _RADIUS

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale
        self.phases: torch.Tensor
        self.register_buffer("phases", _phase_kernels(scale), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,1,H,W) -> (N,1,scale*H,scale*W)."""
        padded = F.pad(x, (_RADIUS,) * 4, mode="replicate")
        with torch.autocast(x.device.type, enabled=False):
            return F.pixel_shuffle(F.conv2d(padded, self.phases.to(x.dtype)), self.scale)

    def halo_before(self, radius: int) -> int:
        """Low-resolution halo of this interpolation with a network of ``radius`` high-resolution pixels behind it.

        The farthest pixel that the first sub-pixel of 0 sees, ``-radius``, lies at (1/2 - radius) / scale - 1/2 in the
        input, and the kernel takes the samples less than 2 away.
        """
        return 1 - (1 - 2 * radius - self.scale) // (2 * self.scale)


def _phase_kernels(scale: int) -> torch.Tensor:
    """(scale**2,1,5,5) float32: the weights of the 5x5 neighbourhood for each sub-pixel, row by row."""
    taps = torch.arange(-_RADIUS, _RADIUS + 1, dtype=torch.float64)
    centres = (torch.arange(scale, dtype=torch.float64) + 0.5) / scale - 0.5
    rows = keys_cubic(centres[:, None] - taps[None, :])
    kernels = torch.einsum("py,qx->pqyx", rows, rows)
    return kernels.reshape(scale * scale, 1, 2 * _RADIUS + 1, 2 * _RADIUS + 1).float()


def keys_cubic(distance: torch.Tensor) -> torch.Tensor:
    """Keys' cubic kernel with a = -0.5 at ``distance`` in samples (R. G. Keys, IEEE TASSP 29, 1981)."""
    d = distance.abs()
    near = 1.5 * d**3 - 2.5 * d**2 + 1.0
    far = -0.5 * d**3 + 2.5 * d**2 - 4.0 * d + 2.0
    return torch.where(d <= 1.0, near, torch.where(d < 2.0, far, torch.zeros_like(d)))


ENTRIES = (
    NetworkEntry(
        name="bicubic",
        scales=(2, 3, 4),
        domain="luma",
        summary="bicubic interpolation, the baseline without parameters",
        paper="R. G. Keys, Cubic convolution interpolation, IEEE TASSP 29, 1981",
        builder=Bicubic,
        trained=False,
    ),
)
