"""Room on the disk: estimates from first principles, one warning in time, and words that say what to do."""

import errno
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from av.error import FFmpegError

from tests.disks import small_disk
from tests.pictures import YUV420, color, yuv
from vsr.frames import VideoInfo
from vsr.io import disk_space
from vsr.io.disk_space import DiskRoom, expected_output, expected_rest, reason
from vsr.io.encoders import Encoding
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.scaling import OutputSize

INFO = VideoInfo(640, 360, yuv(YUV420), color(), Fraction(1, 25), Fraction(25), frame_count=100)
DOUBLE = OutputSize(1280, 720, Fraction(1), "x2")
RAW = 1280 * 720 * 3 // 2 * 100
SOURCE = 1_000_000
AGAIN = "make room and run the same command again"


def encoding(codec: str, bits: int = 8) -> Encoding:
    return Encoding(codec, "", yuv(YUV420, bits), color(), {}, None)


def opened(info: VideoInfo, codec: str, size: int) -> VideoSource:
    """What an estimate looks at of a source."""
    stream = SimpleNamespace(codec_context=SimpleNamespace(name=codec))
    return cast("VideoSource", SimpleNamespace(info=info, stream=stream, container=SimpleNamespace(size=size)))


@pytest.mark.parametrize(
    ("codec", "bits", "source", "expected"),
    [
        ("rawvideo", 8, "h264", RAW),
        ("rawvideo", 10, "h264", 2 * RAW),
        ("ffv1", 8, "h264", RAW // 2),
        ("png", 10, "hevc", RAW),
        ("libx264", 8, "h264", 4 * SOURCE),
        ("libx265", 8, "h264", 2.8 * SOURCE),
        ("libsvtav1", 8, "hevc", 4 * SOURCE * 0.5 / 0.7),
        ("libx264", 8, "ffv1", 0.2 / 8 * 1280 * 720 * 100),
        ("mjpeg", 8, "h264", 4 / 8 * 1280 * 720 * 100),
    ],
)
def test_the_size_of_the_output_follows_from_codec_and_pixels(
    codec: str, bits: int, source: str, expected: float
) -> None:
    assert expected_output(opened(INFO, source, SOURCE), encoding(codec, bits), DOUBLE) == round(expected)


@pytest.mark.parametrize(
    ("codec", "source", "size"), [("ffv1", "h264", SOURCE), ("libx264", "ffv1", SOURCE), ("libx264", "h264", -1)]
)
def test_a_source_of_unknown_length_gives_no_estimate(codec: str, source: str, size: int) -> None:
    endless = replace(INFO, frame_count=None)
    assert expected_output(opened(endless, source, size), encoding(codec), DOUBLE) is None


def test_what_is_left_of_a_run_in_pieces_is_the_rest_and_the_joined_file() -> None:
    assert expected_rest(100, 0.25) == 300 + 400
    assert expected_rest(400, 1.0) == 400


def test_a_disk_that_is_too_small_is_told_once_for_each_estimate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=2_500_000))
    told: list[str] = []
    room = DiskRoom(tmp_path, Notices(told.append))
    for needed in (None, 2_500_000):
        room.expect(needed, "the source")
    assert told == []
    for needed in (3_000_000_000, 3_100_000_000):
        room.expect(needed, "the source")
        room.expect(needed, "the pieces so far")
    assert told[0] == (
        f"judging by the source, about 3.0 GB are still to be written to {tmp_path}, where 2.5 MB are free: "
        "the disk may be full before the end"
    )
    assert len(told) == 2


@pytest.mark.parametrize("kind", [OSError, FFmpegError])
@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full (some words), 1.5 kB are free in {}; " + AGAIN),
        (errno.EDQUOT, "the quota of the disk is used up (some words), 1.5 kB are free in {}; " + AGAIN),
        (errno.EFBIG, "no file may grow so large there (some words); lift the limit, or write to another file system"),
        (errno.EIO, "some words"),
    ],
)
def test_a_full_disk_is_told_with_what_to_do(
    kind: type[OSError] | type[FFmpegError], number: int, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1500))
    assert reason(kind(number, "some words"), tmp_path / "out.mkv") == words.format(tmp_path)


def test_free_room_is_what_the_file_system_says(tmp_path: Path) -> None:
    with small_disk(tmp_path / "small", 1 << 20) as disk:
        assert disk_space.free_bytes(disk) == 1 << 20
        (disk / "file").write_bytes(b"x" * (1 << 19))
        assert disk_space.free_bytes(disk) == 1 << 19
    assert disk_space.free_bytes(tmp_path / "nowhere") is None
