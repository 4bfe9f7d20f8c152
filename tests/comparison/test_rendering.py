"""Planes of any layout become the RGB that FFmpeg's careful scaler makes of them, at the wanted size."""

from fractions import Fraction

import numpy as np
import pytest

from tests.pictures import BT601, BT2020, YUV420, YUV422, YUV444, Planes, color, smooth, swscale, worst, yuv
from vsr.comparison.rendering import Render, Rgb, difference
from vsr.frames import ColorSpace, Frame, PixelLayout
from vsr.plane_model import Picture

RGB = PixelLayout("rgb", 8)


def render(source: Picture, planes: Planes, size: tuple[int, int]) -> Rgb:
    return Render(source, size).frame(Frame(planes, 0, Fraction(1, 25)))


@pytest.mark.parametrize("size", [(48, 64), (96, 128), (36, 48)], ids=["same", "larger", "smaller"])
@pytest.mark.parametrize(
    ("layout", "space"),
    [
        (yuv(YUV420), color()),
        (yuv(YUV420), color(BT601, full_range=True, location="center")),
        (yuv(YUV422, 10), color(BT2020)),
        (yuv(YUV444, alpha=True), color()),
        (RGB, color(0, full_range=True)),
    ],
    ids=["420", "jpeg", "422p10", "444a", "rgb"],
)
def test_pictures_come_out_as_from_ffmpegs_scaler(
    layout: PixelLayout, space: ColorSpace, size: tuple[int, int]
) -> None:
    source = Picture(64, 48, layout, space)
    target = Picture(size[1], size[0], RGB, color(0, full_range=True))
    planes = smooth(source)
    ours = render(source, planes, size)
    assert ours.shape == (*size, 3)
    theirs = swscale(source, target, planes)
    assert worst(tuple(np.moveaxis(ours, -1, 0)), theirs, margin=4) <= 2


def test_rgb_of_the_same_size_is_left_as_it_is() -> None:
    source = Picture(9, 7, RGB, color(0, full_range=True))
    samples = np.random.default_rng(0).integers(0, 256, (3, 7, 9), dtype=np.uint8)
    assert np.array_equal(render(source, tuple(samples), (7, 9)), np.moveaxis(samples, 0, -1))


def test_grey_has_three_equal_samples() -> None:
    source = Picture(16, 12, PixelLayout("gray", 8), color(BT601, full_range=True))
    ramp = np.arange(192, dtype=np.uint8).reshape(12, 16)
    assert np.array_equal(render(source, (ramp,), (12, 16)), np.stack([ramp] * 3, -1))


def test_the_difference_is_absolute_amplified_and_clipped() -> None:
    a = np.array([[[10, 200, 0]]], np.uint8)
    b = np.array([[[13, 195, 255]]], np.uint8)
    assert difference(a, b, 8).tolist() == difference(b, a, 8).tolist() == [[[24, 40, 255]]]
