"""Sources without a network: tests, files, pipes, screens and cameras."""

from __future__ import annotations

import os
import random
import sys
import threading
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.io.live.watching import watch
from tests.io.making import Recipe, make
from tests.live.programs import display, needs
from vsr.errors import SourceError, UsageError
from vsr.io.live.contract import SAMPLE_RATE, TIME_BASE
from vsr.io.live.source import open_source
from vsr.notices import Notices
from vsr.spec import make_spec

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.usefixtures("nothing_stays_open")
STEP = 3600
"""Between the frames of 25 a second."""


@contextmanager
def standard_input(*contents: bytes) -> Iterator[None]:
    """Standard input is a pipe, into which ``contents`` are written, one after the other."""
    reading, writing = os.pipe()

    def fill() -> None:
        with os.fdopen(writing, "wb") as pipe:
            for content in contents:
                pipe.write(content)

    thread = threading.Thread(target=fill)
    thread.start()
    with pytest.MonkeyPatch.context() as patch, os.fdopen(reading) as pipe:
        patch.setattr(sys, "stdin", pipe)
        yield
    thread.join()


def test_test_source_keeps_its_own_time_and_has_sound() -> None:
    watched = watch("test:160x96@25")
    sights = watched.take(26)
    assert [sight.pts for sight in sights] == [STEP * i for i in range(26)]
    assert sights[-1].seen_s - sights[0].seen_s >= 0.9
    assert all(sight.captured_s <= sight.seen_s for sight in sights)
    info = sights[0].info
    assert (info.width, info.height) == (160, 96)
    assert info.time_base == TIME_BASE
    assert info.frame_rate == 25
    assert not info.color.guessed or info.color.guessed == ("chroma_location",)
    assert watched.source.has_audio
    sound = watched.sound
    assert all(later.pts == chunk.pts + len(chunk.samples) for chunk, later in pairwise(sound))
    assert sum(len(chunk.samples) for chunk in sound) == pytest.approx(SAMPLE_RATE, rel=0.1)
    assert max(abs(int(sample)) for sample in sound[5].samples[:, 0]) > 1000


def test_sound_that_nobody_wants_is_not_decoded() -> None:
    watched = watch("test:64x48", audio=False)
    watched.take(5)
    assert not watched.source.has_audio
    assert watched.sound == []


@pytest.mark.parametrize("b_frames", [0, 2])
def test_file_comes_at_its_own_pace_with_its_own_spacing(tmp_path: Path, b_frames: int) -> None:
    uneven = (0, 512, 1024, 2048, 4096, 4608, 7680, 8192, 9216, 10240)
    clip = make(tmp_path / "clip.mp4", Recipe(pts=uneven, options={"bf": str(b_frames)}))
    sights = watch(clip, realtime=True).take()
    assert [sight.pts for sight in sights] == [round(Fraction(pts, 12800) * 90000) for pts in uneven]
    assert sights[-1].seen_s - sights[0].seen_s > 0.4, "it lasts 0.8 s, of which B-frames may hold back some"


def test_rotated_file_is_upright(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.mp4", Recipe(rotation=(90, False), sample_aspect_ratio=Fraction(4, 3)))
    info = watch(clip, realtime=True).take(1)[0].info
    assert (info.width, info.height, info.display_matrix, info.sample_aspect_ratio) == (48, 64, None, Fraction(3, 4))


def test_interlaced_becomes_progressive(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.ts", Recipe(options={"x264-params": "tff=1"}))
    watched = watch(clip, realtime=True)
    sights = watched.take()
    assert len(sights) == 10
    assert not any(sight.info.interlaced for sight in sights)
    assert watched.said("interlaced")


@pytest.mark.parametrize("container", ["ts", "mkv", "nut", "flv"])
def test_standard_input_in_any_container(tmp_path: Path, container: str) -> None:
    clip = make(tmp_path / f"clip.{container}", Recipe(options={"bf": "0"}))
    with standard_input(clip.read_bytes()):
        sights = watch("-").take()
    assert [sight.pts for sight in sights] == [STEP * i for i in range(10)]


def test_change_of_size_and_colour_is_followed_and_said(tmp_path: Path) -> None:
    clips = [Recipe(size=(64, 48)), Recipe(size=(96, 80), color=(2, 6, 6, 6))]
    contents = [make(tmp_path / f"{i}.ts", clip).read_bytes() for i, clip in enumerate(clips)]
    with standard_input(*contents):
        watched = watch("-")
        sights = watched.take()
    infos = [sight.info for sight in sights]
    assert [(info.width, info.height) for info in infos] == [(64, 48)] * 10 + [(96, 80)] * 10
    assert [info.color.matrix for info in infos] == [1] * 10 + [6] * 10
    pts = [sight.pts for sight in sights]
    assert pts == sorted(set(pts))
    assert watched.said("changes to 96x80")


def test_damage_on_the_way_is_counted_and_survived(tmp_path: Path) -> None:
    clip = make(
        tmp_path / "clip.ts", Recipe(codec="mpeg2video", time_base=Fraction(1, 25), pts=range(100), size=(320, 180))
    )
    content = bytearray(clip.read_bytes())
    noise = random.Random(3)
    for place in range(40_000, len(content) - 4000, 20_000):
        content[place : place + 1500] = noise.randbytes(1500)
    with standard_input(bytes(content)):
        watched = watch("-")
        sights = watched.take()
    assert len(sights) > 50
    assert watched.source.corrupt_packets > 0
    assert watched.said("damaged packets")


def test_end_of_the_pipe_in_the_middle_of_a_picture_is_the_end(tmp_path: Path) -> None:
    content = make(tmp_path / "clip.ts", Recipe(pts=tuple(512 * i for i in range(50)))).read_bytes()
    with standard_input(content[: len(content) // 2 + 77]):
        assert 5 < len(watch("-").take()) < 50


@pytest.mark.parametrize(
    "content", [b"", b"\0" * 4000, random.Random(1).randbytes(100_000)], ids=["empty", "zeros", "noise"]
)
def test_what_is_no_video_is_refused(content: bytes) -> None:
    with standard_input(content), pytest.raises(SourceError, match="standard input"):
        watch("-").take()


def test_playlist_on_standard_input_opens_no_file(tmp_path: Path) -> None:
    clip = make(tmp_path / "clip.ts")
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{clip.as_uri()}\n#EXT-X-ENDLIST\n"
    for content in (playlist, f"ffconcat version 1.0\nfile '{clip}'\n"):
        with standard_input(content.encode()), pytest.raises(SourceError):
            watch("-").take()


def test_closing_ends_a_read_that_waits() -> None:
    reading, writing = os.pipe()
    with pytest.MonkeyPatch.context() as patch, os.fdopen(reading) as pipe:
        patch.setattr(sys, "stdin", pipe)
        watched = watch("-")
        threading.Timer(0.2, watched.source.close).start()
        assert watched.take() == []
    os.close(writing)


@needs("Xvfb")
def test_screen_with_the_moment_of_capture() -> None:
    with display("320x240x24") as name:
        watched = watch(f"screen{name}+10,20,160x96@25")
        sights = watched.take(10)
        info = sights[0].info
        assert (info.width, info.height) == (160, 96)
        assert all(0 <= sight.seen_s - sight.captured_s < 1 for sight in sights)
        assert len({sight.seen_s - sight.captured_s for sight in sights}) == 10, "taken from the stamps"
        with pytest.raises(SourceError, match="can't be opened"):
            watch(f"screen{name}+300,200,160x96").take(1)


def test_camera_through_opencv(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    clip = make(tmp_path / "clip.avi", Recipe(codec="mjpeg", pix_fmt="yuvj420p", color=(2, 6, 2, 2)))
    watched = watch("test", kind="capture", target=str(clip), options={})
    frames = iter(watched)
    sights = [next(frames) for _ in range(10)]
    assert all((s.info.width, s.info.height, s.info.layout.chroma_name) == (64, 48, "4:2:0") for s in sights)
    assert sights[0].pts == 0
    assert all(later.pts > sight.pts for sight, later in pairwise(sights))
    assert next(frames).pts > sights[-1].pts, "the file ends, and is opened again as a camera would be"
    assert watched.said("is lost")
    assert watched.source.reconnects == 1
    watched.source.close()
    assert next(frames, None) is None


def test_missing_camera() -> None:
    with pytest.raises(SourceError, match="camera:77"):
        watch("camera:77").take(1)


def test_interlaced_keep_is_refused() -> None:
    with pytest.raises(UsageError, match="--interlaced keep"):
        open_source("test", make_spec("", "", interlaced="keep"), Notices(), realtime=False, audio=True)
