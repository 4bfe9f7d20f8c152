"""What PNGs pack beside their pixels is counted: in a file, in an array's file, in each of many."""

import io
import zlib
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.packet import Packet

from tests.hostile.clips import with_chunk
from vsr.errors import SourceError
from vsr.io.header_png import MOST_UNPACKED
from vsr.io.headers import excess
from vsr.io.source import VideoSource
from vsr.io.still import png, read_rgb
from vsr.notices import Notices
from vsr.spec import make_spec

_PLAIN = png(np.full((48, 64, 3), 90, np.uint8))
_HEADS = {b"zTXt": b"Comment\0\0", b"iCCP": b"sRGB\0\0", b"iTXt": b"XML\0\1\0en\0\0"}


def _with(kind: bytes, size: int, end: bytes = b"") -> bytes:
    return with_chunk(_PLAIN, kind, _HEADS[kind] + zlib.compress(bytes(size)) + end)


_BAD = _with(b"zTXt", MOST_UNPACKED + 1)


@pytest.mark.parametrize("kind", _HEADS)
def test_a_text_of_megabytes_is_taken_and_one_without_end_is_not(kind: bytes) -> None:
    for size, refused in ((MOST_UNPACKED, False), (MOST_UNPACKED + 1, True)):
        data = _with(kind, size)
        assert bool(excess(io.BytesIO(data), len(data))) == refused


def test_texts_add_up_and_one_behind_the_picture_counts() -> None:
    half = _with(b"zTXt", MOST_UNPACKED // 2 + 1)
    assert excess(io.BytesIO(half), len(half)) is None
    assert excess(io.BytesIO(half + half), 2 * len(half)) is not None


def test_what_only_looks_like_a_text_is_none() -> None:
    data = with_chunk(_PLAIN, b"tEXt", b"Comment\0" + b"zTXt" * 1000)
    assert excess(io.BytesIO(data), len(data)) is None


def test_it_is_refused_as_an_image_and_as_a_source(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(_BAD)
    for reading in (lambda: read_rgb(path), lambda: VideoSource(make_spec(str(path), ""), Notices())):
        with pytest.raises(SourceError, match=r"a\.png declares texts or a profile that unpack to more than 16 MiB"):
            reading()


def _numbered(folder: Path, pictures: list[bytes]) -> str:
    for number, content in enumerate(pictures):
        (folder / f"{number}.png").write_bytes(content)
    return str(folder / "%d.png")


def _video(folder: Path, pictures: list[bytes]) -> str:
    with av.open(str(folder / "a.mov"), "w") as output:
        stream: Any = output.add_stream("png", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "rgb24"
        for index, content in enumerate(pictures):
            packet = Packet(content)
            packet.stream, packet.time_base, packet.is_keyframe = stream, Fraction(1, 25), True
            packet.pts = packet.dts = index
            output.mux(packet)
    return str(folder / "a.mov")


@pytest.mark.parametrize("made", [_numbered, _video])
def test_each_picture_of_many_is_looked_at(made: Any, tmp_path: Path) -> None:
    source = made(tmp_path, [_PLAIN] * 11 + [_BAD])
    with (
        VideoSource(make_spec(source, ""), Notices(), video_only=True) as frames,
        pytest.raises(SourceError, match=r"a picture of .* declares texts"),
    ):
        list(frames)


def test_the_first_of_numbered_pictures_is_looked_at_before_it_is_opened(tmp_path: Path) -> None:
    source = _numbered(tmp_path, [_BAD] + [_PLAIN] * 11)
    with pytest.raises(SourceError, match=r"0\.png declares texts"):
        VideoSource(make_spec(source, ""), Notices())
