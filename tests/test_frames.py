"""The records that travel: sizes, times and the checks that they make."""

from fractions import Fraction

import numpy as np
import pytest
import torch

from tests.pictures import YUV420, YUV422, YUV444, color, yuv
from vsr.errors import IntegrityError, UsageError
from vsr.frames import Batch, Family, Frame, PixelLayout, VideoInfo


@pytest.mark.parametrize(
    ("layout", "sizes"),
    [
        (yuv(YUV420), ((241, 321), (121, 161), (121, 161))),
        (yuv(YUV422), ((241, 321), (241, 161), (241, 161))),
        (yuv(YUV444), ((241, 321),) * 3),
        (yuv((0, 1)), ((241, 321), (121, 321), (121, 321))),
        (yuv((2, 0)), ((241, 321), (241, 81), (241, 81))),
        (yuv(YUV420, alpha=True), ((241, 321), (121, 161), (121, 161), (241, 321))),
        (PixelLayout("rgb", 8), ((241, 321),) * 3),
        (PixelLayout("rgb", 16, alpha=True), ((241, 321),) * 4),
        (PixelLayout("gray", 10), ((241, 321),)),
    ],
)
def test_plane_sizes_round_chroma_up(layout: PixelLayout, sizes: tuple[tuple[int, int], ...]) -> None:
    assert layout.plane_sizes(321, 241) == sizes
    assert layout.plane_count == len(sizes)


@pytest.mark.parametrize(
    ("bits", "dtype"), [(8, torch.uint8), (9, torch.uint16), (10, torch.uint16), (16, torch.uint16)]
)
def test_depth_chooses_the_dtype(bits: int, dtype: torch.dtype) -> None:
    assert PixelLayout("gray", bits).dtype == dtype


@pytest.mark.parametrize("bits", [1, 7, 17, 32])
def test_other_depths_are_refused(bits: int) -> None:
    with pytest.raises(UsageError, match="8 to 16"):
        PixelLayout("yuv", bits)


@pytest.mark.parametrize(
    ("family", "shifts", "name"),
    [
        ("yuv", YUV420, "4:2:0"),
        ("yuv", YUV422, "4:2:2"),
        ("yuv", YUV444, "4:4:4"),
        ("rgb", YUV444, "rgb"),
        ("gray", YUV444, "gray"),
    ],
)
def test_formats_have_the_fields_names(family: Family, shifts: tuple[int, int], name: str) -> None:
    assert PixelLayout(family, 8, *shifts).chroma_name == name


def frame(pts: int = 0, value: int = 0) -> Frame:
    return Frame((np.full((4, 6), value, np.uint8),), pts, Fraction(1001, 30000))


def test_time_is_exact() -> None:
    assert frame(pts=30000).time_s == 1001


def test_rgb_stacks_the_planes() -> None:
    planes = tuple(np.full((2, 3), value, np.uint8) for value in (1, 2, 3))
    picture = Frame(planes, 0, Fraction(1)).rgb()
    assert picture.shape == (2, 3, 3)
    assert picture[0, 0].tolist() == [1, 2, 3]


def test_a_batch_holds_as_many_pictures_as_frames() -> None:
    planes = (torch.zeros(2, 4, 6, dtype=torch.uint8),)
    assert Batch((frame(0), frame(1)), planes).planes is planes
    with pytest.raises(IntegrityError, match="a batch of 3 frames"):
        Batch((frame(0), frame(1), frame(2)), planes)


@pytest.mark.parametrize(
    ("matrix", "sideways"),
    [
        (None, False),
        ((0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30), True),
        ((0, -65536, 0, 65536, 0, 0, 0, 0, 1 << 30), True),
        ((-65536, 0, 0, 0, -65536, 0, 0, 0, 1 << 30), False),
    ],
)
def test_quarter_turns_swap_the_shown_sides(matrix: tuple[int, ...] | None, sideways: bool) -> None:
    info = VideoInfo(64, 48, yuv(YUV420), color(), Fraction(1, 25), Fraction(25), display_matrix=matrix)
    assert info.rotated_sideways is sideways
