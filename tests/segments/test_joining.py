"""A run in pieces makes the same file as one in one go."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from tests.segments.runs import FRAMES, SOURCES, in_pieces, whole
from vsr.errors import UsageError


def packets(path: Path) -> dict[int, list[tuple[Any, ...]]]:
    """Every stream's packets: times in seconds, bytes."""
    found: dict[int, list[tuple[Any, ...]]] = {}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.size:
                times = [None if t is None else t * packet.time_base for t in (packet.pts, packet.dts, packet.duration)]
                found.setdefault(packet.stream.index, []).append((*times, bytes(packet)))
    return found


def frame_times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [Fraction(frame.time or 0).limit_denominator(90_000) for frame in container.decode(video=0)]


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize(
    ("suffix", "codec"), [("mp4", "mjpeg"), ("mkv", "ffv1"), ("avi", "ffv1"), ("ts", "mpeg2video")]
)
def test_pieces_join_to_what_one_go_makes(source: str, suffix: str, codec: str, sources: Path, folder: Path) -> None:
    """Where each frame is coded by itself every packet is the same; MPEG-2 counts from the beginning of its stream."""
    options: dict[str, Any] = {"codec": codec}
    first = whole(sources / source, folder / f"whole.{suffix}", **options)
    second = in_pieces(sources / source, folder / f"out.{suffix}", **options)
    assert second.segments is not None
    assert second.segments.total >= 3
    alike = [packets(folder / f"{name}.{suffix}") for name in ("out", "whole")]
    if codec == "mpeg2video":
        alike = [{index: [row[:3] for row in rows] for index, rows in streams.items()} for streams in alike]
    assert alike[0] == alike[1]
    assert (second.frames_out, second.timestamps, second.streams) == (
        first.frames_out, first.timestamps, first.streams,
    )  # fmt: skip


def test_raw_pictures_join_too(sources: Path, folder: Path) -> None:
    """FFmpeg's own choice for Y4M hands on addresses of pictures, which are gone when the pieces are joined."""
    whole(sources / "even.mp4", folder / "whole.y4m", codec=None)
    assert in_pieces(sources / "even.mp4", folder / "out.y4m", codec=None).segments is not None
    assert (folder / "out.y4m").read_bytes() == (folder / "whole.y4m").read_bytes()
    with pytest.raises(UsageError, match="take rawvideo"):
        in_pieces(sources / "even.mp4", folder / "other.y4m", codec="wrapped_avframe")


@pytest.mark.parametrize("suffix", ["gif", "apng"])
def test_what_cannot_be_joined_is_made_in_one_go(suffix: str, sources: Path, folder: Path) -> None:
    """Pieces would have a global header each, or numbers of frames that begin again."""
    whole(sources / "even.mp4", folder / f"whole.{suffix}", codec=None)
    report = in_pieces(sources / "even.mp4", folder / f"out.{suffix}", codec=None)
    assert f"{suffix} can't be joined from pieces: it is made in one go, and the run can't be resumed" in report.notices
    assert report.segments is None
    assert (folder / f"out.{suffix}").read_bytes() == (folder / f"whole.{suffix}").read_bytes()


@pytest.mark.parametrize(
    ("codec", "suffix"), [("libx264", "mp4"), ("libx264", "mkv"), ("libx264", "ts"), ("libx265", "mp4")]
)
@pytest.mark.parametrize("source", ["even.mp4", "uneven.mkv"])
def test_reordered_frames_come_out_at_their_times(
    codec: str, suffix: str, source: str, sources: Path, folder: Path
) -> None:
    options: dict[str, Any] = {"codec": codec, "preset": "ultrafast", "encoder_options": {"bf": "3"}}
    whole(sources / source, folder / f"whole.{suffix}", **options)
    in_pieces(sources / source, folder / f"out.{suffix}", **options)
    assert frame_times(folder / f"out.{suffix}") == frame_times(folder / f"whole.{suffix}")
    before, after = packets(folder / f"whole.{suffix}"), packets(folder / f"out.{suffix}")
    assert sorted(row[0] for row in after[0]) == sorted(row[0] for row in before[0])
    # Which frames are reordered differs at the seams; decoding times grow over them all the same.
    decoded = [(row[1], row[0]) for row in after[0] if row[1] is not None]
    assert [dts for dts, _ in decoded] == sorted({dts for dts, _ in decoded})
    assert all(dts <= pts for dts, pts in decoded)
    assert {index: rows for index, rows in after.items() if index} == {i: r for i, r in before.items() if i}


def test_numbered_pictures_in_and_out(sources: Path, tmp_path: Path) -> None:
    pictures, larger, again = (tmp_path / name for name in ("in", "out", "whole"))
    for place in (pictures, larger, again):
        place.mkdir()
    whole(sources / "even.mp4", pictures / "%03d.png", codec=None)
    options: dict[str, Any] = {"codec": None, "frame_rate": 25}
    report = in_pieces(pictures / "%03d.png", larger / "%03d.png", **options)
    whole(pictures / "%03d.png", again / "%03d.png", **options)
    assert report.segments is not None
    assert sorted(path.name for path in larger.iterdir()) == [f"{i:03}.png" for i in range(1, FRAMES + 1)]
    assert all((again / path.name).read_bytes() == path.read_bytes() for path in larger.iterdir())


def test_a_short_source_is_made_in_one_go(sources: Path, folder: Path) -> None:
    assert in_pieces(sources / "even.mp4", folder / "out.mp4", segment_s=30).segments is None
    assert in_pieces(sources / "even.mp4", folder / "out.mkv", segment_s=0).segments is None
