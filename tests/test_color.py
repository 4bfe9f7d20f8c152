"""Colour arithmetic against the standards' definitions and against FFmpeg's conversion."""

import numpy as np
import pytest
import torch

from tests.pictures import (
    BT601,
    BT709,
    BT2020,
    YUV420,
    YUV444,
    Identity,
    as_plane,
    bars,
    codes,
    color,
    grey_ramp,
    legal_noise,
    noise,
    run_model,
    swscale,
    worst,
    ycc,
    yuv,
    yuv_codes,
)
from vsr.color import Quantisation, has_exact_matrix, luma_grids, plane_grids, ycc_to_rgb_matrix
from vsr.errors import UsageError
from vsr.frames import MATRIX_RGB, UNSPECIFIED, ChromaLocation, ColorSpace, PixelLayout
from vsr.plane_model import Picture

MATRICES = [BT601, BT709, BT2020]
DEPTHS = [8, 9, 10, 12, 14, 16]


@pytest.mark.parametrize("matrix", MATRICES)
def test_matrix_inverts_the_definition(matrix: int) -> None:
    rgb = np.random.default_rng(0).uniform(-0.1, 1.1, (50, 3))
    back = ycc(rgb, matrix) @ ycc_to_rgb_matrix(matrix).numpy().T
    np.testing.assert_allclose(back, rgb, atol=1e-12)


def test_which_matrices_are_exact() -> None:
    exact = [matrix for matrix in range(15) if has_exact_matrix(matrix)]
    assert exact == [MATRIX_RGB, 1, 4, 5, 6, 7, 9]
    for ycgco_or_unknown in (8, 14):
        assert torch.equal(ycc_to_rgb_matrix(ycgco_or_unknown), ycc_to_rgb_matrix(BT709))


def test_both_names_of_601_are_one_matrix() -> None:
    assert torch.equal(ycc_to_rgb_matrix(5), ycc_to_rgb_matrix(6))


@pytest.mark.parametrize("bits", DEPTHS)
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("chroma", [False, True])
def test_codes_mean_what_h273_says_and_come_back(bits: int, full_range: bool, chroma: bool) -> None:
    quantisation = Quantisation(bits, full_range, chroma)
    every = torch.arange(1 << bits).to(torch.uint8 if bits == 8 else torch.uint16)
    values = quantisation.decode(every)
    again = codes(values.double().numpy(), bits, full_range=full_range, chroma=chroma)
    np.testing.assert_allclose(again, np.arange(1 << bits), atol=2e-2)
    assert torch.equal(quantisation.encode(values).int(), every.int())


@pytest.mark.parametrize("bits", DEPTHS)
def test_nominal_levels(bits: int) -> None:
    unit = 1 << (bits - 8)
    luma, chroma = Quantisation(bits, False, False), Quantisation(bits, False, True)
    black_white = torch.tensor([16 * unit, 235 * unit]).to(luma.dtype)
    assert luma.decode(black_white).tolist() == pytest.approx([0, 1])
    edges = torch.tensor([16 * unit, 128 * unit, 240 * unit]).to(chroma.dtype)
    assert chroma.decode(edges).tolist() == pytest.approx([-0.5, 0, 0.5])


def test_only_what_the_depth_cannot_hold_is_clipped() -> None:
    values = torch.tensor([-1.0, -0.05, 1.05, 2.0])
    assert Quantisation(8, False, False).encode(values).tolist() == [0, 5, 246, 255]
    assert Quantisation(10, True, False).encode(values).tolist() == [0, 0, 1023, 1023]


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("bits", DEPTHS)
def test_rgb_is_exact_to_the_last_code(matrix: int, full_range: bool, bits: int) -> None:
    """From yuv and back to it, against float64: nothing but the rounding of the last step is allowed."""
    coded = Picture(48, 16, yuv(YUV444, bits), color(matrix, full_range))
    rgb = Picture(48, 16, PixelLayout("rgb", bits), color(MATRIX_RGB, full_range=True))
    top = (1 << bits) - 1
    exact = np.random.default_rng(bits).integers(0, top + 1, (16, 48, 3)) / top
    levels = yuv_codes(exact, coded.layout, coded.color)
    encoded = run_model(Identity(), rgb, coded, tuple(as_plane(exact[..., i] * top, bits) for i in range(3)))
    assert max(np.abs(encoded[i] - levels[..., i]).max() for i in range(3)) <= 0.5 + top * 2e-6
    decoded = run_model(Identity(), coded, rgb, encoded)
    # Half a code of luma and of chroma, whose weight in blue is at most 2 (1 - 0.0593).
    assert max(np.abs(decoded[i] - exact[..., i] * top).max() for i in range(3)) <= 0.5 + 0.5 * 255 / 219 + 255 / 224


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize(("full_range", "bits"), [(False, 8), (True, 8), (True, 10)])
def test_rgb_is_ffmpegs(matrix: int, full_range: bool, bits: int) -> None:
    """Not in 10-bit limited range: there FFmpeg's white is 1020 of 1023, an 8-bit result shifted."""
    source = Picture(64, 16, yuv(YUV444, bits), color(matrix, full_range))
    target = Picture(64, 16, PixelLayout("rgb", bits), color(MATRIX_RGB, full_range=True))
    for planes in (bars(source, 0.75), bars(source, 1.0), grey_ramp(source), legal_noise(source)):
        ours = run_model(Identity(), source, target, planes)
        assert worst(ours, swscale(source, target, planes)) <= 1


@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full_range", [False, True])
def test_colours_from_rgb_are_ffmpegs(matrix: int, full_range: bool) -> None:
    """In 8 bits: FFmpeg's own 10-bit result is up to 3 codes from the definition."""
    source = Picture(48, 16, PixelLayout("rgb", 8), color(MATRIX_RGB, full_range=True))
    target = Picture(48, 16, yuv(YUV444), color(matrix, full_range))
    planes = noise(source)
    assert worst(run_model(Identity(), source, target, planes), swscale(source, target, planes)) <= 1


@pytest.mark.parametrize(
    ("location", "vertical", "horizontal"),
    [
        ("left", 0.5, 0.0),
        ("center", 0.5, 0.5),
        ("topleft", 0.0, 0.0),
        ("top", 0.0, 0.5),
        ("bottomleft", 1.0, 0.0),
        ("bottom", 1.0, 0.5),
    ],
)
def test_chroma_lies_where_h273_draws_it(location: ChromaLocation, vertical: float, horizontal: float) -> None:
    """Offsets of the first chroma sample from the first luma sample, in luma samples (H.273, figures 1 and 2)."""
    size = (30, 44)
    chroma, luma = plane_grids(size, yuv(YUV420), location), luma_grids(size)
    for axis, offset in enumerate((vertical, horizontal)):
        pitch = luma[axis].step
        assert (chroma[axis].first - luma[axis].first) / pitch == offset
        assert chroma[axis].step == 2 * pitch
        assert chroma[axis].count == size[axis] // 2


def test_odd_pictures_have_a_chroma_sample_for_their_last_luma_sample() -> None:
    vertical, horizontal = plane_grids((241, 321), yuv(YUV420), "left")
    assert (vertical.count, horizontal.count) == (121, 161)


def test_a_colour_space_without_a_matrix_is_refused() -> None:
    with pytest.raises(UsageError, match="guess it"):
        ColorSpace(UNSPECIFIED, full_range=False)
