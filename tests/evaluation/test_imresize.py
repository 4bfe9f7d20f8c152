"""Resizing: equal to MATLAB's rule written out sample by sample."""

import numpy as np
import numpy.typing as npt
import pytest

from vsr.evaluation.imresize import downscale, upscale

Array = npt.NDArray[np.float64]


def cubic(distance: float) -> float:
    d = abs(distance)
    if d <= 1:
        return 1.5 * d**3 - 2.5 * d**2 + 1
    return -0.5 * d**3 + 2.5 * d**2 - 4 * d + 2 if d <= 2 else 0.0


def matlab_matrix(length: int, out_length: int) -> Array:
    """MATLAB's `contributions`: kernel widened when shrinking, weights normalised, indices mirrored at the borders."""
    ratio = out_length / length
    stretch = min(ratio, 1.0)
    matrix = np.zeros((out_length, length))
    mirror = [*range(length), *reversed(range(length))]
    for out in range(out_length):
        centre = (out + 0.5) / ratio - 0.5
        first = int(np.floor(centre - 2 / stretch))
        taps = range(first, first + int(np.ceil(4 / stretch)) + 2)
        weights = np.array([cubic((centre - tap) * stretch) for tap in taps])
        for tap, weight in zip(taps, weights / weights.sum(), strict=True):
            matrix[out, mirror[tap % (2 * length)]] += weight
    return matrix


def matlab_imresize(pixels: npt.NDArray[np.uint8], height: int, width: int) -> Array:
    rows, columns = matlab_matrix(pixels.shape[0], height), matlab_matrix(pixels.shape[1], width)
    return np.asarray(np.einsum("yh,xw,hwc->yxc", rows, columns, pixels.astype(np.float64)))


def assert_rounded(result: npt.NDArray[np.uint8], exact: Array) -> None:
    """Within rounding of the exact values (ties may fall either way within float error), clipped to 8 bits."""
    assert result.dtype == np.uint8
    assert np.abs(result - exact.clip(0, 255)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_downscale_is_matlabs_rule_at_every_pixel(scale: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (10 * scale, 13 * scale, 3), dtype=np.uint8)
    assert_rounded(downscale(pixels, scale), matlab_imresize(pixels, 10, 13))


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_upscale_is_matlabs_rule_at_every_pixel(scale: int) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (11, 9, 3), dtype=np.uint8)
    assert_rounded(upscale(pixels, scale), matlab_imresize(pixels, 11 * scale, 9 * scale))


def test_halves_round_up() -> None:
    pixels = np.full((16, 24, 1), 10, dtype=np.uint8)
    pixels[:, ::2] = 11
    # Away from the mirrored borders each output is 10.5: the widened kernel weighs even and odd columns alike.
    assert (downscale(pixels, 2)[:, 2:-2] == 11).all()


def test_a_size_that_is_no_multiple_is_refused() -> None:
    with pytest.raises(ValueError, match="7x8 is no multiple of 2"):
        downscale(np.zeros((8, 7, 3), np.uint8), 2)
