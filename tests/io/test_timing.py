"""Frames out are frames in, each with its own time: variable rates, late starts, B-frames, one frame, no timestamps."""

from fractions import Fraction
from pathlib import Path

import pytest

import vsr
from tests.clip_facts import read_clip
from tests.io.making import Recipe, make
from vsr.frames import MATRIX_BT709, ColorSpace, PixelLayout, VideoInfo
from vsr.io.clock import OutputClock
from vsr.io.timeline import Timeline
from vsr.notices import Notices

SHAPES = {
    "variable rate": Recipe(pts=(0, 100, 140, 400, 410, 900), time_base=Fraction(1, 1000)),
    "late start": Recipe(pts=tuple(6400 + 512 * i for i in range(8))),
    "B-frames": Recipe(options={"bf": "3", "b_strategy": "0"}, pts=tuple(512 * i for i in range(14))),
    "one frame": Recipe(pts=(0,)),
    "film rate": Recipe(
        pts=tuple(1001 * i for i in range(9)), time_base=Fraction(1, 24000), rate=Fraction(24000, 1001)
    ),
}


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".mov", ".webm", ".ts"])
@pytest.mark.parametrize("shape", SHAPES)
def test_every_frame_keeps_its_time(tmp_path: Path, shape: str, suffix: str) -> None:
    source = make(tmp_path / "in.mkv", SHAPES[shape])
    output = tmp_path / f"out{suffix}"
    report = vsr.upscale(source, output, network="bicubic")
    before, after = read_clip(source), read_clip(output)
    assert report.frames_in == report.frames_out == len(before.pts_s) == len(after.pts_s)
    assert max(abs(a - b) for a, b in zip(after.pts_s, before.pts_s, strict=True)) <= after.time_base


@pytest.mark.parametrize("codec", ["mpeg2video", "mpeg4"])
def test_encoders_that_count_frames_keep_times_too(tmp_path: Path, codec: str) -> None:
    source = make(tmp_path / "in.mkv", SHAPES["variable rate"])
    vsr.upscale(source, tmp_path / "out.mkv", network="bicubic", codec=codec)
    assert read_clip(tmp_path / "out.mkv").pts_s == read_clip(source).pts_s


def test_a_container_without_timestamps_says_that_it_rounds(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", SHAPES["variable rate"])
    report = vsr.upscale(source, tmp_path / "out.avi", network="bicubic")
    assert any("constant frame rate" in notice for notice in report.notices)
    assert report.frames_out == 6


def test_a_rate_of_a_frame_in_years_is_none() -> None:
    """As of a header whose frames are 2^31 ticks long."""
    info = VideoInfo(
        16, 16, PixelLayout("yuv", 8, 1, 1), ColorSpace(MATRIX_BT709, full_range=False), time_base=Fraction(1, 12800),
        frame_rate=Fraction(1, 1 << 31),
    )  # fmt: skip
    assert OutputClock("ffv1", "avi", info, Notices()).time_base == Fraction(1, 25)


def test_missing_and_backward_timestamps_are_repaired_and_counted() -> None:
    notices = Notices()
    timeline = Timeline(Fraction(1, 1000), Fraction(25), notices)
    placed = [
        timeline.place(*stamps)
        for stamps in ((0, 0, 40), (None, 40, 40), (None, None, 0), (60, 60, 40), (None, None, 20))
    ]
    assert placed == [0, 40, 80, 81, 82 + 19]
    assert timeline.repaired == 1
    assert len(notices.said) == 2


def test_an_avi_that_repeats_frames_is_whole(tmp_path: Path) -> None:
    """AVI writes an empty packet for a frame that stays: fewer pictures than its header counts are no damage."""
    gaps = Recipe(codec="mpeg4", time_base=Fraction(1, 25), pts=(0, 1, 2, 5, 6, 9, 10, 14, 15, 20))
    report = vsr.upscale(make(tmp_path / "in.avi", gaps), tmp_path / "out.mkv", network="bicubic")
    assert report.frames_out == 10
