"""PSNR and SSIM on luma, as the super-resolution literature reports them."""

import math

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

_PEAK = 255.0
_WINDOW = 11
_SIGMA = 1.5


def luma(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float64]:
    """BT.601 limited-range Y of (H,W,3) uint8 RGB: ``16 + (65.481 R + 128.553 G + 24.966 B) / 255``, not rounded.

    (H,W) grey counts as R = G = B, like a grey file read as RGB; some tables take grey itself as Y, where Set14 (one
    grey image of 14) comes out about 0.09 dB lower.
    """
    rgb = pixels.astype(np.float64)
    if rgb.ndim == 2:
        rgb = np.stack([rgb] * 3, axis=-1)
    weights = np.array([65.481, 128.553, 24.966]) / 255.0
    return np.asarray(16.0 + rgb @ weights)


def luma_codes(rgb: torch.Tensor) -> torch.Tensor:
    """The same of (N,3,H,W) RGB in [0, 1], as (N,1,H,W) codes / 255: what luma networks take."""
    weights = rgb.new_tensor([65.481, 128.553, 24.966]).view(1, 3, 1, 1) / 255.0
    return (rgb * weights).sum(dim=1, keepdim=True) + 16.0 / 255.0


def psnr_y(result: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], border: int) -> float:
    """PSNR in dB of Y, peak 255, without ``border`` pixels at each side; infinite for equal images.

    Both (H,W,3) RGB or (H,W) grey uint8 of the same height and width; ValueError if not.
    """
    a, b = _inner_luma(result, truth, border)
    mean_square = float(np.mean((a - b) ** 2))
    return math.inf if mean_square == 0 else 10.0 * math.log10(_PEAK**2 / mean_square)


def ssim_y(result: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], border: int) -> float:
    """SSIM of Y (Wang et al., IEEE TIP 13, 2004): Gaussian 11x11 window of sigma 1.5, K1 0.01, K2 0.03, valid windows.

    Arguments as of ``psnr_y``; at least 11 pixels must remain in each direction.
    """
    a, b = (torch.from_numpy(y)[None, None] for y in _inner_luma(result, truth, border))
    if min(a.shape[-2:]) < _WINDOW:
        raise ValueError(f"SSIM needs {_WINDOW} pixels within the border, met {a.shape[-1]}x{a.shape[-2]}")
    c1, c2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2
    mean_a, mean_b = _smooth(a), _smooth(b)
    variance_a = _smooth(a * a) - mean_a**2
    variance_b = _smooth(b * b) - mean_b**2
    covariance = _smooth(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    structure = (2 * covariance + c2) / (variance_a + variance_b + c2)
    return float((luminance * structure).mean())


def _inner_luma(
    result: npt.NDArray[np.uint8], truth: npt.NDArray[np.uint8], border: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    if result.shape[:2] != truth.shape[:2]:
        raise ValueError(f"images differ in size: {result.shape[:2]} and {truth.shape[:2]} (height, width)")
    height, width = truth.shape[:2]
    if min(height, width) <= 2 * border:
        raise ValueError(f"nothing remains of {width}x{height} without a border of {border} pixels")
    inner = (slice(border, height - border), slice(border, width - border))
    return luma(result)[inner], luma(truth)[inner]


def _smooth(y: torch.Tensor) -> torch.Tensor:
    taps = torch.arange(_WINDOW, dtype=torch.float64) - _WINDOW // 2
    window = torch.exp(-(taps**2) / (2 * _SIGMA**2))
    window = window / window.sum()
    return F.conv2d(F.conv2d(y, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))
