"""Damaged sources, in one go and in pieces: what can be decoded comes out at its time, what can't is counted once."""

from fractions import Fraction
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import av
import pytest

from tests.io.damage import damage, one_by_one, spoil
from tests.io.making import Recipe, make
from vsr import pipeline
from vsr.errors import SourceError
from vsr.io.timeline import Timeline
from vsr.notices import Notices
from vsr.pipeline import Progress
from vsr.report import RunReport
from vsr.segments import job
from vsr.spec import make_spec

FRAMES, STEP = 50, 512
SEEDS = {"h264": 0, "h264 with B-frames": 5, "h264 with open groups": 26}
"""Of damage in whose place there was something else in a resumed run, while one decoder read on."""
CODECS = {
    "mjpeg": Recipe(codec="mjpeg", pix_fmt="yuvj420p"),
    "h264": Recipe(options={"g": "10", "bf": "0"}),
    "h264 with B-frames": Recipe(options={"g": "10", "bf": "2"}),
}
OPEN_GROUPS = {"h264 with open groups": Recipe(options={"g": "10", "bf": "3", "x264-params": "open-gop=1"})}
DAMAGE = [(15,), (10,), (19, 20), (30, 31, 32, 33, 34, 35), (47, 49)]
"""Packets: within a piece, its first, at a seam, over one, at the end. Pieces are ten frames long."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder, paths = tmp_path_factory.mktemp("whole"), {}
    for name, recipe in {**CODECS, **OPEN_GROUPS}.items():
        recipe.pts = tuple(STEP * i for i in range(FRAMES))
        paths[name] = make(folder / f"{name.replace(' ', '-')}.mp4", recipe)
    return paths


def options(source: Path, output: Path, **more: Any) -> Any:
    flags = {"network": "bicubic", "codec": "ffv1", "segment_s": 0.4, **more}
    return make_spec(str(source), str(output), **flags)


def frames(path: Path) -> list[tuple[Fraction, bytes]]:
    with av.open(str(path)) as container:
        return [
            (Fraction(frame.time or 0).limit_denominator(1000), frame.to_ndarray().tobytes())
            for frame in container.decode(video=0)
        ]


def in_ms(pts: int) -> Fraction:
    """Seconds, as Matroska rounds them."""
    return Fraction(round(Fraction(1000 * pts, 12800)), 1000)


def resumed(source: Path, output: Path) -> RunReport:
    """The run in pieces, ended in each of them and begun again."""
    for frame in (5, 12, 23, 34, 41):
        with pytest.raises(KeyboardInterrupt):
            job.run(options(source, output), progress=partial(stop_at, frame))
    return job.run(options(source, output))


def stop_at(frame: int, state: Progress) -> None:
    """Where frames are missing the last stop is before it."""
    if state.frames >= frame:
        raise KeyboardInterrupt


@pytest.mark.parametrize("packets", DAMAGE, ids=str)
@pytest.mark.parametrize("codec", CODECS)
def test_damage_costs_what_cannot_be_decoded_and_is_counted(
    packets: tuple[int, ...], codec: str, whole: dict[str, Path], tmp_path: Path
) -> None:
    source = tmp_path / "damaged.mp4"
    lost = set(damage(whole[codec], source, packets))
    report = pipeline.run(options(source, tmp_path / "whole.mkv"))
    expected = frames(tmp_path / "whole.mkv")
    # Without its keyframe FFmpeg takes pictures of a group for late ones of the group before, and drops or delays them.
    decodable = [pts or 0 for pts in one_by_one(source)[0]]
    timeline = Timeline(Fraction(1, 12800), Fraction(25), Notices())
    assert [time for time, _ in expected] == [in_ms(timeline.place(pts, None, 0)) for pts in decodable]
    assert not lost & set(decodable)
    assert report.frames_in == report.frames_out == len(decodable)
    assert len(packets) <= report.corrupt_packets < FRAMES
    assert any("damaged packets" in notice for notice in report.notices)
    assert any(notice.startswith(f"{report.corrupt_packets} packets of the source") for notice in report.notices)
    for name, run in (("pieces", job.run(options(source, tmp_path / "pieces.mkv"))),
                      ("resumed", resumed(source, tmp_path / "resumed.mkv"))):  # fmt: skip
        assert run.segments is not None
        assert run.corrupt_packets == report.corrupt_packets
        assert frames(tmp_path / f"{name}.mkv") == expected
    assert (tmp_path / "resumed.mkv").read_bytes() == (tmp_path / "pieces.mkv").read_bytes()


def test_what_the_decoder_conceals_goes_through_and_is_counted(whole: dict[str, Path], tmp_path: Path) -> None:
    """Half of one packet is zeros: there is a picture for it, of a kind."""
    with av.open(str(whole["h264"])) as container:
        places = [(packet.pos or 0, packet.size) for packet in container.demux(video=0) if packet.size]
    content = bytearray(whole["h264"].read_bytes())
    start, size = places[15]
    content[start + size // 2 : start + size] = bytes(size - size // 2)
    source = tmp_path / "damaged.mp4"
    source.write_bytes(content)
    report = pipeline.run(options(source, tmp_path / "out.mkv"))
    assert (report.frames_out, report.corrupt_packets) == (FRAMES, 1)
    with pytest.raises(SourceError, match=r"is damaged at 0\.60 s"):
        pipeline.run(options(source, tmp_path / "again.mkv", on_corrupt="fail"))


@pytest.mark.parametrize("codec", SEEDS)
def test_what_is_put_in_the_place_of_damage_is_the_same_in_a_resumed_run(
    codec: str, whole: dict[str, Path], tmp_path: Path
) -> None:
    source = tmp_path / "damaged.mp4"
    spoil(whole[codec], source, Random(SEEDS[codec]))
    job.run(options(source, tmp_path / "pieces.mkv"))
    resumed(source, tmp_path / "resumed.mkv")
    assert (tmp_path / "resumed.mkv").read_bytes() == (tmp_path / "pieces.mkv").read_bytes()


@pytest.mark.parametrize("in_pieces", [False, True])
def test_damage_ends_the_run_where_that_is_asked_for(in_pieces: bool, whole: dict[str, Path], tmp_path: Path) -> None:
    source, folder = tmp_path / "damaged.mp4", tmp_path / "out"
    folder.mkdir()
    damage(whole["h264"], source, (25,))
    spec, notices = options(source, folder / "out.mkv", on_corrupt="fail"), Notices()
    with pytest.raises(SourceError, match=r"damaged\.mp4 is damaged at 1\.00 s; --on-corrupt skip goes on") as caught:
        (job.run if in_pieces else pipeline.run)(spec, notices=notices)
    assert caught.value.exit_code == SourceError.exit_code
    left = sorted(path.name for path in folder.glob("**/*.piece"))
    assert left == (["000000.piece", "000001.piece"] if in_pieces else [])
    assert not (folder / "out.mkv").exists()


def test_a_whole_source_passes_where_damage_would_end_the_run(whole: dict[str, Path], tmp_path: Path) -> None:
    report = job.run(options(whole["h264 with B-frames"], tmp_path / "out.mkv", on_corrupt="fail"))
    assert (report.frames_out, report.corrupt_packets) == (FRAMES, 0)
