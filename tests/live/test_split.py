"""Before and after in one picture: each side shows its own, whatever the layouts, and nothing else changes."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from vsr.frames import ColorSpace, Frame, PixelLayout, VideoInfo
from vsr.io.live.contract import TIME_BASE, LiveFrame
from vsr.live.split import compose

YUV_8, YUV_10, YUV_444 = PixelLayout("yuv", 8, 1, 1), PixelLayout("yuv", 10, 1, 1), PixelLayout("yuv", 8)
LIMITED, FULL = ColorSpace(1, full_range=False), ColorSpace(1, full_range=True)


def grey(code: int, layout: PixelLayout, color: ColorSpace, width: int, height: int) -> LiveFrame:
    """A picture of one grey, its code given for 8 bits."""
    dtype = np.uint8 if layout.bits == 8 else np.uint16
    codes = [code, 128, 128]
    planes = tuple(
        np.full(size, codes[index] << (layout.bits - 8), dtype)
        for index, size in enumerate(layout.plane_sizes(width, height))
    )
    info = VideoInfo(width, height, layout, color, TIME_BASE, Fraction(30))
    return LiveFrame(Frame(planes, 1234, TIME_BASE), info, captured_s=5.0)


@pytest.mark.parametrize("position", [0.1, 0.5, 0.77, 1.0])
@pytest.mark.parametrize(
    ("size", "before_size"), [((320, 180), (160, 90)), ((320, 240), (214, 160)), ((321, 63), (107, 21))]
)
def test_left_of_the_line_is_the_source_and_right_of_it_the_upscaled(
    position: float, size: tuple[int, int], before_size: tuple[int, int]
) -> None:
    after = grey(200, YUV_8, LIMITED, *size)
    shown = compose(replace(after, before=grey(60, YUV_8, LIMITED, *before_size)), position)
    line = round(position * size[0])
    luma, chroma = shown.frame.planes[0], shown.frame.planes[1]
    assert luma.shape == after.frame.planes[0].shape
    assert chroma.shape == after.frame.planes[1].shape
    assert (luma[:, : line - 4] == 60).all()
    assert (luma[:, line + 4 :] == 200).all()
    assert (luma[:, line - 4 : line + 4] == 235).any()
    assert (after.frame.planes[0] == 200).all()  # its own planes are not drawn on


def test_the_source_s_detail_lies_where_the_upscaled_s_does() -> None:
    ramp = np.linspace(16, 235, 161)[:-1][None].repeat(90, 0)
    before = grey(0, YUV_8, LIMITED, 160, 90)
    before = replace(before, frame=replace(before.frame, planes=(ramp.astype(np.uint8), *before.frame.planes[1:])))
    whole = compose(replace(grey(0, YUV_8, LIMITED, 320, 180), before=before), 1.0).frame.planes[0]
    left = compose(replace(grey(0, YUV_8, LIMITED, 320, 180), before=before), 0.4).frame.planes[0]
    assert np.abs(left[:, :120].astype(int) - whole[:, :120]).max() <= 1
    assert np.abs(whole[:, ::2][:, :150].astype(int) - ramp[:1, :150]).max() <= 2


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        (grey(100, YUV_10, LIMITED, 160, 90), 100),
        (grey(100, YUV_444, LIMITED, 160, 90), 100),
        (grey(128, YUV_8, FULL, 160, 90), 126),  # 50 % in both ranges
    ],
    ids=["10 bit", "4:4:4", "full range"],
)
def test_the_source_s_layout_and_range_are_converted(before: LiveFrame, expected: int) -> None:
    shown = compose(replace(grey(200, YUV_8, LIMITED, 320, 180), before=before), 0.5)
    assert np.abs(shown.frame.planes[0][:, :150].astype(int) - expected).max() <= 1
    assert np.abs(shown.frame.planes[1][:, :70].astype(int) - 128).max() <= 1


def test_time_and_information_stay() -> None:
    after = replace(grey(200, YUV_8, LIMITED, 320, 180), before=grey(60, YUV_8, LIMITED, 160, 90))
    shown = compose(after, 0.5)
    assert (shown.frame.pts, shown.captured_s, shown.info) == (1234, 5.0, after.info)


def test_there_is_nothing_to_compose_without_a_before_or_left_of_the_edge() -> None:
    alone = grey(200, YUV_8, LIMITED, 320, 180)
    assert compose(alone, 0.5) is alone
    both = replace(alone, before=grey(60, YUV_8, LIMITED, 160, 90))
    assert compose(both, 0.0) is both
