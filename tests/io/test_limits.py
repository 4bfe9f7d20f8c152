"""How large a source may be: what it declares is checked first, what comes later by the decoder itself."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.frame import VideoFrame

import vsr
from tests.hostile.bombs import jpeg_2000
from tests.io.making import Recipe, make
from vsr.errors import SourceError
from vsr.io.header_jpeg2000 import MOST_TABLES, tables
from vsr.io.limits import MOST_STREAMS, Waiting
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.spec import make_spec

SMALL, LARGE = (64, 48), (640, 480)
KINDS = {"h264": "libx264", "m2v": "mpeg2video"}


def _stream(path: Path, size: tuple[int, int]) -> bytes:
    recipe = Recipe(codec=KINDS[path.suffix[1:]], size=size, pts=range(8), time_base=Fraction(1, 25))
    return make(path, recipe).read_bytes()


def _growing(folder: Path, kind: str) -> Path:
    """An elementary stream that goes on with a larger picture."""
    path = folder / f"growing.{kind}"
    path.write_bytes(_stream(folder / f"a.{kind}", SMALL) + _stream(folder / f"b.{kind}", LARGE))
    return path


def _sizes(path: Path, max_pixels: int, notices: Notices) -> list[tuple[int, ...]]:
    spec = make_spec(str(path), "", max_pixels=max_pixels)
    with VideoSource(spec, notices, video_only=True) as source:
        return [frame.planes[0].shape for frame in source]


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.avi", "a.ts", "a.h264", "a.mpg"])
def test_what_is_declared_is_checked_to_the_pixel(name: str, tmp_path: Path) -> None:
    codec = "mpeg2video" if name == "a.mpg" else "libx264"
    path = make(tmp_path / name, Recipe(codec=codec, size=LARGE, pts=range(8), time_base=Fraction(1, 25)))
    assert set(_sizes(path, 640 * 480, Notices())) == {(480, 640)}
    with pytest.raises(SourceError, match=r"640x480, 307200 pixels, more than 307199.*--max-pixels 307200 takes it"):
        _sizes(path, 640 * 480 - 1, Notices())


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_that_grows_beyond_what_is_allowed_is_never_made(kind: str, tmp_path: Path) -> None:
    path, notices = _growing(tmp_path, kind), Notices()
    assert set(_sizes(path, 640 * 480, Notices())) == {(48, 64)}  # scaled down, as it was before
    kept = _sizes(path, 64 * 48, notices)
    assert set(kept) == {(48, 64)}
    assert len(kept) <= 8
    assert any("--max-pixels" in text for text in notices.said)
    with pytest.raises(SourceError, match=r"a frame of .* has 640x480.*--max-pixels 307200 takes it"):
        _sizes(path, 640 * 480 - 1, Notices())


def _png(path: Path, side: int) -> Path:
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as output:
        stream: Any = output.add_stream("png", rate=25, options={"compression_level": "1"})
        stream.width, stream.height, stream.pix_fmt = side, side, "gray"
        output.mux(stream.encode(VideoFrame.from_ndarray(np.zeros((side, side), np.uint8), "gray")))
        output.mux(stream.encode(None))
    return path


def test_a_picture_of_a_hundred_megapixels_is_taken_on_demand(tmp_path: Path) -> None:
    path = _png(tmp_path / "large.png", 10_000)
    with pytest.raises(SourceError, match=r"10000x10000, 100000000 pixels.*--max-pixels 100000000 takes it"):
        VideoSource(make_spec(str(path), ""), Notices())
    assert _sizes(path, 10_000 * 10_000, Notices()) == [(10_000, 10_000)]


def test_a_jpeg_2000_picture_is_looked_at_before_it_is_decoded(tmp_path: Path) -> None:
    """It may be cut into tables for each pixel; those of every encoder are far from that."""
    for blocks, taken in ((4, True), (0, False)):
        content = jpeg_2000(2048, precinct=15 if taken else 1, block=blocks)
        assert (tables(content) <= MOST_TABLES) == taken
        assert tables(b"\0\0\0\x0cjP  \r\n\x87\n" + b"\xffO" + b"....jp2c" + content) == tables(content)
    # Boxes one within another, whose markers would be walked again and again.
    assert tables(b"jp2c\xffO\xffR\0\2" * 400_000) > MOST_TABLES
    assert tables(b"") == tables(b"\xffO\xffQ") == 0
    made = make(tmp_path / "made.mov", Recipe(codec="jpeg2000", pix_fmt="yuv420p", size=(96, 64)))
    assert vsr.upscale(made, tmp_path / "out.mkv", network="bicubic").frames_out == len(Recipe().pts)


def test_packets_that_wait_are_counted_with_what_they_take_themselves() -> None:
    waiting = Waiting("film.mkv")
    for _ in range(100_000):
        waiting.add(1)
    waiting.add(300 << 20)
    with pytest.raises(SourceError, match=r"film.mkv has more than 512 MiB of sound and subtitles"):
        waiting.add(200 << 20)


@pytest.mark.parametrize("count", [MOST_STREAMS - 1, MOST_STREAMS + 1])
def test_streams_beyond_those_that_may_be_are_left_out_and_that_is_said(count: int, tmp_path: Path) -> None:
    whole = make(tmp_path / "one.mkv", Recipe(pts=range(0, 1024, 512)))
    path, notices = tmp_path / "many.ts", Notices()
    with av.open(str(whole)) as source, av.open(str(path), "w") as output:
        copies = [output.add_stream_from_template(source.streams.video[0]) for _ in range(count)]
        for packet in source.demux(source.streams.video[0]):
            for copy in copies if packet.size else ():
                packet.stream = copy
                output.mux(packet)
    assert _sizes(path, 64 * 48, notices)
    assert any("beyond" in text for text in notices.said) == (count > MOST_STREAMS)
