"""Timestamps in trouble: clocks set back, far jumps, repeated and missing times; what comes out goes on evenly."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
from av.packet import Packet
from av.stream import Stream

from tests.io.making import Recipe, make
from vsr import pipeline
from vsr.io.continuity import Continuity
from vsr.io.timeline import Timeline
from vsr.notices import Notices
from vsr.segments import job
from vsr.spec import make_spec

FRAMES, STEP_S = 50, Fraction(1, 25)


def recording(path: Path, start_s: int = 0) -> Path:
    """Two seconds, the first of them with sound."""
    pts = tuple(12800 * start_s + 512 * i for i in range(FRAMES))
    return make(path, Recipe(pts=pts, audio=("mp2",), options={"g": "5"}))


def end_to_end(path: Path, parts: Sequence[Path]) -> Path:
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [Fraction(frame.time or 0).limit_denominator(90_000) for frame in container.decode(video=0)]


def sound_times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as container:
        return [p.pts * p.time_base for p in container.demux(audio=0) if p.size and p.pts is not None]


@pytest.mark.parametrize("starts_s", [(0, 0), (3600, 0), (0, 0, 0), (7200, 3600, 0)])
@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_recordings_end_to_end_go_on_in_time(starts_s: Sequence[int], suffix: str, tmp_path: Path) -> None:
    parts = [recording(tmp_path / f"{start_s}.ts", start_s) for start_s in starts_s]
    source = end_to_end(tmp_path / "source.ts", parts)
    outputs = {name: tmp_path / f"{name}{suffix}" for name in ("whole", "pieces")}
    options: dict[str, Any] = {"network": "bicubic", "codec": "mpeg4", "segment_s": 0.8}
    report = pipeline.run(make_spec(str(source), str(outputs["whole"]), **options))
    again = job.run(make_spec(str(source), str(outputs["pieces"]), **options))
    shown = times(outputs["whole"])
    assert len(shown) == FRAMES * len(starts_s)
    assert all(abs(after - before - STEP_S) < Fraction(2, 1000) for before, after in pairwise(shown))
    assert report.timestamps["repaired"] == 0
    assert sum("clock is set back" in notice for notice in report.notices) == len(starts_s) - 1
    heard = sound_times(outputs["whole"])
    assert heard == sorted(heard)
    for part in range(len(starts_s)):  # each part's sound begins with its pictures, as it did before
        begin = shown[part * FRAMES]
        offset = min(sound_times(parts[part])) - min(times(parts[part]))
        if offset > -1:
            assert any(abs(time - begin - offset) < Fraction(3, 1000) for time in heard)
    assert again.segments is not None
    assert again.segments.total <= 3 * len(starts_s)
    assert times(outputs["pieces"]) == shown
    assert sound_times(outputs["pieces"]) == heard


def test_a_gap_stays_as_it_is(tmp_path: Path) -> None:
    parts = [recording(tmp_path / "first.ts"), recording(tmp_path / "later.ts", 3600)]
    source = end_to_end(tmp_path / "source.ts", parts)
    report = job.run(make_spec(str(source), str(tmp_path / "out.mkv"), network="bicubic", segment_s=0.8))
    shown = times(tmp_path / "out.mkv")
    assert len(shown) == 2 * FRAMES
    assert shown[FRAMES] - shown[FRAMES - 1] > 3590
    assert report.segments is not None
    assert report.segments.total <= 6


@pytest.mark.parametrize(
    ("stamps", "placed"),
    [
        ([0, 40, 80], [0, 40, 80]),
        ([-80, -40, 0], [-80, -40, 0]),
        ([0, 40, 40, 40, 80], [0, 40, 41, 42, 80]),
        ([0, 40, 30, 80], [0, 40, 41, 80]),
        ([0, 40, 10**12, 10**12 + 40], [0, 40, 10**12, 10**12 + 40]),
        ([None, None, None], [0, 40, 80]),
        ([1000, None, None, 1200], [1000, 1040, 1080, 1200]),
    ],
)
def test_frames_stay_in_order(stamps: list[int | None], placed: list[int]) -> None:
    notices = Notices()
    timeline = Timeline(Fraction(1, 1000), Fraction(25), notices)
    assert [timeline.place(pts, None, 0) for pts in stamps] == placed
    moved = sum(pts is not None and pts != after for pts, after in zip(stamps, placed, strict=True))
    assert timeline.repaired == moved
    assert len(notices.said) == (moved > 0) + (None in stamps)


def test_packets_without_times_are_left_alone(tmp_path: Path) -> None:
    with av.open(str(recording(tmp_path / "clip.ts"))) as container:
        packet: Packet[Stream] = next(packet for packet in container.demux() if packet.size)
    packet.pts = packet.dts = None
    continuity = Continuity(Notices())
    continuity.place(packet)
    assert (packet.pts, packet.dts, continuity.jumps) == (None, None, 0)
