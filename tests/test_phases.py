"""Luma networks whose sub-pixels are shuffled as codes, after their shuffle was left out."""

import numpy as np
import pytest
import torch

from tests.pictures import BT601, RGB_SPACE, YUV420, YUV422, YUV444, color, noise, run_model, worst, yuv
from tests.stand_ins import Opaque
from vsr.frames import PixelLayout
from vsr.networks import build
from vsr.plane_model import Picture, PlaneModel


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(32, 20), (17, 1), (1, 2), (20, 31)])
@pytest.mark.parametrize("strip_rows", [None, 7])
@pytest.mark.parametrize(
    "layout", [yuv(YUV420), yuv(YUV422, 10), yuv(YUV444, alpha=True), PixelLayout("gray", 16), PixelLayout("rgb", 8)]
)
def test_sub_pixels_shuffled_as_codes_are_the_picture(
    scale: int, size: tuple[int, int], strip_rows: int | None, layout: PixelLayout
) -> None:
    source = Picture(*size, layout, RGB_SPACE if layout.family == "rgb" else color())
    target = Picture(scale * size[0], scale * size[1], layout, source.color)
    torch.manual_seed(0)
    network = build("ecbsr", scale).deploy()
    torch.nn.init.normal_(network.tail.weight, std=0.05)  # type: ignore[union-attr,arg-type] # each phase of its own
    planes = noise(source)
    result = run_model(network, source, target, planes, strip_rows=strip_rows)
    expected = run_model(Opaque(network), source, target, planes)
    assert worst(result, expected) <= 1
    assert np.mean(np.concatenate([(a != b).ravel() for a, b in zip(result, expected, strict=True)])) < 0.01


def test_phases_become_a_plane_only_where_there_is_one_for_them() -> None:
    source, network = Picture(8, 6, yuv(YUV420), color()), build("ecbsr", 2).deploy()
    for target, in_phases in (
        (Picture(16, 12, yuv(YUV420), color()), True),
        (Picture(16, 12, PixelLayout("gray", 8), color()), True),
        (Picture(16, 13, yuv(YUV420), color()), False),
        (Picture(16, 12, yuv(YUV420), color(BT601)), False),
        (Picture(16, 12, PixelLayout("rgb", 8), RGB_SPACE), False),
    ):
        assert PlaneModel(network, source, target).in_phases == in_phases
