"""PSNR and SSIM: hand-computed values and an independent SSIM."""

import math

import numpy as np
import numpy.typing as npt
import pytest

from vsr.evaluation.metrics import luma, psnr_y, ssim_y

Pixels = npt.NDArray[np.uint8]


def noise(seed: int, height: int = 24, width: int = 31) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_luma_of_known_colours() -> None:
    colours = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], dtype=np.uint8)
    np.testing.assert_allclose(luma(colours), [[16.0, 235.0, 81.481, 144.553, 40.966]])


def test_psnr_of_a_constant_difference() -> None:
    truth = np.full((20, 20, 3), 100, np.uint8)
    # 10 grey levels are 10 * 219 / 255 of luma.
    wanted = 10 * math.log10(255**2 / (10 * 219 / 255) ** 2)
    assert psnr_y(truth + np.uint8(10), truth, 2) == pytest.approx(wanted, abs=1e-9)


def test_equal_images_score_infinite_and_one() -> None:
    truth = noise(0)
    assert psnr_y(truth, truth, 2) == math.inf
    assert ssim_y(truth, truth, 2) == pytest.approx(1.0)


def test_the_border_does_not_count() -> None:
    truth = noise(0)
    result = truth.copy()
    result[:3] ^= 255
    result[:, -3:] ^= 255
    assert psnr_y(result, truth, 3) == math.inf
    assert psnr_y(result, truth, 2) < 40


def test_grey_counts_as_equal_colours() -> None:
    grey, other = noise(0)[:, :, 0], noise(1)[:, :, 0]
    triple, other_triple = (np.repeat(one[:, :, None], 3, axis=2) for one in (grey, other))
    assert psnr_y(grey, other, 2) == psnr_y(triple, other_triple, 2) == psnr_y(grey, other_triple, 2)


def test_ssim_equals_the_formula_window_by_window() -> None:
    truth = noise(0, 16, 18)
    result = (truth * 0.8 + noise(1, 16, 18) * 0.2).astype(np.uint8)
    taps = np.exp(-((np.arange(11) - 5.0) ** 2) / (2 * 1.5**2))
    window = np.outer(taps, taps) / np.outer(taps, taps).sum()
    a, b = luma(result)[1:-1, 1:-1], luma(truth)[1:-1, 1:-1]
    values = []
    for y in range(a.shape[0] - 10):
        for x in range(a.shape[1] - 10):
            p, q = a[y : y + 11, x : x + 11], b[y : y + 11, x : x + 11]
            mean_p, mean_q = (window * p).sum(), (window * q).sum()
            var_p, var_q = (window * (p - mean_p) ** 2).sum(), (window * (q - mean_q) ** 2).sum()
            covariance = (window * (p - mean_p) * (q - mean_q)).sum()
            c1, c2 = 2.55**2, 7.65**2
            numerator = (2 * mean_p * mean_q + c1) * (2 * covariance + c2)
            values.append(numerator / ((mean_p**2 + mean_q**2 + c1) * (var_p + var_q + c2)))
    assert ssim_y(result, truth, 1) == pytest.approx(np.mean(values), abs=1e-12)


def test_sizes_that_can_not_be_compared_are_refused() -> None:
    with pytest.raises(ValueError, match="differ in size"):
        psnr_y(noise(0, 20, 20), noise(0, 20, 22), 2)
    with pytest.raises(ValueError, match="nothing remains of 8x4"):
        psnr_y(noise(0, 4, 8), noise(0, 4, 8), 2)
    with pytest.raises(ValueError, match="SSIM needs 11"):
        ssim_y(noise(0, 12, 40), noise(0, 12, 40), 2)
