"""Integer planes <-> normalised luma and chroma <-> RGB: matrix, range, bit depth and chroma siting, in pure torch."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vsr.frames import MATRIX_BT709, MATRIX_RGB, ChromaLocation, ColorSpace, PixelLayout
from vsr.resample import Grid, Site

# (Kr, Kb) by H.273 MatrixCoefficients.
_KR_KB = {
    1: (0.2126, 0.0722),  # BT.709
    4: (0.30, 0.11),  # FCC
    5: (0.299, 0.114),  # BT.470BG, that is BT.601 of 625 lines
    6: (0.299, 0.114),  # SMPTE 170M, that is BT.601 of 525 lines
    7: (0.212, 0.087),  # SMPTE 240M
    9: (0.2627, 0.0593),  # BT.2020 non-constant luminance
}
_SITES: dict[ChromaLocation, tuple[Site, Site]] = {  # (vertical, horizontal)
    "left": ("middle", "first"),
    "center": ("middle", "middle"),
    "topleft": ("first", "first"),
    "top": ("first", "middle"),
    "bottomleft": ("last", "first"),
    "bottom": ("last", "middle"),
}


def has_exact_matrix(matrix: int) -> bool:
    """True for a plain luma-chroma matrix; others (YCgCo, ICtCp, constant luminance) are approximated."""
    return matrix in _KR_KB or matrix == MATRIX_RGB


def ycc_to_rgb_matrix(matrix: int) -> Tensor:
    """The (3, 3) float64 matrix from (Y, Cb, Cr), Y in [0, 1], chroma in [-0.5, 0.5], to RGB (H.273, equations 38-40).

    A matrix code outside the Kr/Kb family gets BT.709's: the same one goes in and out, so the picture keeps its
    colours, and only the network sees an approximate RGB.
    """
    kr, kb = _KR_KB.get(matrix, _KR_KB[MATRIX_BT709])
    kg = 1 - kr - kb
    return torch.tensor(
        [
            [1.0, 0.0, 2 * (1 - kr)],
            [1.0, -2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg],
            [1.0, 2 * (1 - kb), 0.0],
        ],
        dtype=torch.float64,
    )


def plane_grids(length: tuple[int, int], layout: PixelLayout, location: ChromaLocation) -> tuple[Grid, Grid]:
    """(vertical, horizontal) grids of the chroma planes of a (height, width) picture."""
    vertical, horizontal = _SITES[location]
    return (
        Grid.chroma(length[0], layout.chroma_shift_y, vertical),
        Grid.chroma(length[1], layout.chroma_shift_x, horizontal),
    )


def luma_grids(length: tuple[int, int]) -> tuple[Grid, Grid]:
    """(vertical, horizontal) grids of a full-resolution plane of a (height, width) picture."""
    return Grid.luma(length[0]), Grid.luma(length[1])


class Quantisation:
    """Code values of one kind of sample: ``code = offset + gain * value`` (H.273, equations 20-37)."""

    def __init__(self, bits: int, full_range: bool, chroma: bool):
        self.maximum = (1 << bits) - 1
        self.dtype = torch.uint8 if bits == 8 else torch.uint16
        if full_range:
            self.gain = float(self.maximum)
            self.offset = float(1 << (bits - 1)) if chroma else 0.0
        else:
            self.gain = float((224 if chroma else 219) << (bits - 8))
            self.offset = float((128 if chroma else 16) << (bits - 8))

    def decode(self, code: Tensor) -> Tensor:
        """Unsigned integer codes to float32 values: nominally [0, 1], or [-0.5, 0.5] for chroma; not clipped."""
        # Added, not subtracted before: compilers rewrite a subtraction, and forget that it was to stay in float32.
        return code.to(torch.float32) * (1 / self.gain) + -self.offset / self.gain

    def encode(self, value: Tensor) -> Tensor:
        """Float32 values to the nearest code; only what the bit depth can't hold is clipped (headroom is kept)."""
        return (value * self.gain + self.offset).clamp(0, self.maximum).round().to(self.dtype)


class ChannelMatrix(nn.Module):
    """A constant matrix over the channels of (N, 3, H, W) float32: one channel for each of its rows."""

    weight: Tensor

    def __init__(self, matrix: Tensor):
        super().__init__()
        self.register_buffer("weight", matrix.to(torch.float32)[:, :, None, None])

    def forward(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.weight)


def quantisations(layout: PixelLayout, color: ColorSpace) -> tuple[Quantisation, Quantisation]:
    """The quantisation of (luma or RGB or grey, chroma) planes."""
    return Quantisation(layout.bits, color.full_range, False), Quantisation(layout.bits, color.full_range, True)
