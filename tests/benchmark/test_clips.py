"""The clips: textured, in motion, always the same; or the beginning of a given one."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.io.making import Recipe, make
from vsr.benchmark.clips import Clip, make_clips, synthetic_frames
from vsr.benchmark.spec import BenchSpec
from vsr.errors import SourceError
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.spec import PipelineSpec


def count(path: Path) -> int:
    with VideoSource(PipelineSpec(str(path), ""), Notices()) as source:
        return sum(1 for _ in source)


def test_synthetic_frames_have_texture_and_motion_and_are_always_the_same() -> None:
    frames = list(synthetic_frames(96, 64, 3))
    assert [plane.shape for plane in frames[0]] == [(64, 96), (32, 48), (32, 48)]
    assert frames[0][0].std() > 10
    differences = [np.abs(a[0].astype(int) - b[0].astype(int)).mean() for a, b in pairwise(frames)]
    assert min(differences) > 2  # more than the noise alone, which a codec would drop
    again = list(synthetic_frames(96, 64, 3))
    for one, other in zip(frames, again, strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_a_clip_is_made_for_each_size(tmp_path: Path) -> None:
    clips = make_clips(BenchSpec(sizes=((64, 48), (48, 64)), frames=3), tmp_path)
    assert [(clip.info.width, clip.info.height) for clip in clips] == [(64, 48), (48, 64)]
    assert [count(clip.path) for clip in clips] == [3, 3]


def test_the_synthetic_clip_is_tagged_as_video_of_its_size_is(tiny: Clip) -> None:
    assert tiny.info.color.matrix == 6
    assert tiny.info.color.guessed == ()
    assert not tiny.info.color.full_range


@pytest.mark.parametrize(("frames", "expected"), [(4, 4), (50, 12)])
def test_of_a_given_clip_the_beginning_is_taken(clips: Path, tmp_path: Path, frames: int, expected: int) -> None:
    (clip,) = make_clips(BenchSpec(source=str(clips / "clip.mp4"), frames=frames), tmp_path)
    assert count(clip.path) == expected
    assert (clip.info.width, clip.info.height) == (64, 48)
    assert str(clips) not in clip.described


def test_what_is_no_video_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(SourceError, match="not a video"):
        make_clips(BenchSpec(source=str(tmp_path / "text.mp4")), tmp_path)


def test_sound_is_left_behind(tmp_path: Path) -> None:
    source = make(tmp_path / "loud.mkv", Recipe(audio=("aac",)))
    (clip,) = make_clips(BenchSpec(source=str(source), frames=5), tmp_path)
    with VideoSource(PipelineSpec(str(clip.path), ""), Notices()) as opened:
        assert [stream.type for stream in opened.container.streams] == ["video"]
    assert count(clip.path) == 5
