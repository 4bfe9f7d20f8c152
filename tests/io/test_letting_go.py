"""A picture's memory is free as soon as nobody needs it, not when Python next looks for circles of references."""

import gc
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from av.video.frame import VideoFrame

import vsr
from tests.io.making import Recipe, make
from vsr.live.controls import Controls
from vsr.live.spec import LiveSpec
from vsr.pipeline import live
from vsr.spec import make_spec

FRAMES = 30
PTS = tuple(512 * i for i in range(FRAMES))
GROUPS = {"g": "10", "bf": "2"}
SOURCES = {
    "progressive.mp4": Recipe(pts=PTS, options=GROUPS),
    "interlaced.mpg": Recipe(
        codec="mpeg2video", pts=range(FRAMES), time_base=Fraction(1, 25), options={"flags": "+ildct+ilme"}
    ),
    "of 10 bits.mkv": Recipe(codec="ffv1", pix_fmt="yuv420p10le", pts=PTS),
    "turned.mov": Recipe(pts=PTS, rotation=(90, False)),
}


def _one_go(source: Path, output: Path) -> None:
    vsr.upscale(source, output, network="bicubic", codec="mpeg4", segment_s=0)


def _pieces(source: Path, output: Path) -> None:
    vsr.upscale(source, output, network="bicubic", codec="mpeg4", segment_s=0.5)


def _pictures(source: Path, output: Path) -> None:
    vsr.upscale(source, output.with_name("%03d.png"), network="bicubic")


def _frames(source: Path, _: Path) -> None:
    assert sum(1 for _ in vsr.upscaled_frames(source, network="bicubic")) == FRAMES


def _live(source: Path, output: Path) -> None:
    chosen = make_spec("", "", network="bicubic", codec="mpeg4")
    live(
        LiveSpec(str(source), (str(output),), chosen, realtime=True),
        Controls(("bicubic",), (2,), network="bicubic", scale=2),
    )


@pytest.fixture
def _no_search() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_no_search")
@pytest.mark.parametrize("way", [_one_go, _pieces, _pictures, _frames, _live])
@pytest.mark.parametrize("name", SOURCES)
def test_no_picture_outlives_its_run(name: str, way: Callable[[Path, Path], Any], tmp_path: Path) -> None:
    source = make(tmp_path / name, SOURCES[name])
    before = _pictures_held()
    way(source, tmp_path / "out.mkv")
    assert _pictures_held() == before


def _pictures_held() -> int:
    return sum(type(one) is VideoFrame for one in gc.get_objects())
