"""What is in a piece depends on the source and the settings alone, not on what its maker did before."""

import gc
import shutil
import sys
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.io.making import Recipe, make
from tests.segments.pieces import weights_of
from vsr.errors import NetworkError
from vsr.io.packet_file import read_header
from vsr.io.piece_reader import PieceReader
from vsr.io.probe import probe
from vsr.io.scan import scan
from vsr.io.source import VideoSource
from vsr.networks.loading import load
from vsr.networks.weights import SHIPPED_DIR
from vsr.notices import Notices
from vsr.segments.contract import Job, Piece, PieceRecord
from vsr.segments.cuts import cut
from vsr.segments.identity import weights_digest
from vsr.segments.maker import PieceMaker
from vsr.spec import PipelineSpec, make_spec

EVEN = tuple(512 * i for i in range(60))
SOURCES = {
    "even.mp4": Recipe(pts=EVEN, options={"g": "12", "bf": "2"}),
    "refreshed.ts": Recipe(pts=EVEN, options={"x264-params": "intra-refresh=1:keyint=15:scenecut=0"}),
    "open gop.mkv": Recipe(
        codec="libx265",
        pts=EVEN,
        options={"x265-params": "keyint=12:open-gop=1:log-level=error", "preset": "ultrafast"},
    ),
    "interlaced.mpg": Recipe(
        codec="mpeg2video",
        pts=range(60),
        time_base=Fraction(1, 25),
        options={"g": "12", "bf": "2", "flags": "+ilme+ildct"},
    ),
    "without durations.flv": Recipe(codec="flv", pts=EVEN, options={"g": "12"}),
    "packed.avi": Recipe(codec="mpeg4", pts=range(60), time_base=Fraction(1, 25), options={"g": "12", "bf": "2"}),
    "without times.h264": Recipe(pts=EVEN, options={"g": "12", "bf": "2"}),
}


def pieces_of(spec: PipelineSpec) -> tuple[Piece, ...]:
    with VideoSource(spec, Notices(), video_only=True) as source:
        return cut(scan(source), spec.segment_s, source.info.time_base)


def job_in(folder: Path, spec: PipelineSpec) -> Job:
    return Job(spec, folder, Fraction(1, 1000), weights_of(spec, probe(spec, Notices())))


@pytest.mark.parametrize("name", SOURCES)
def test_a_piece_made_alone_is_the_piece_made_in_turn(name: str, tmp_path: Path) -> None:
    source = make(tmp_path / name, SOURCES[name])
    spec = make_spec(str(source), str(tmp_path / "out.mkv"), network="bicubic", codec="ffv1", segment_s=0.5)
    pieces = pieces_of(spec)
    assert len(pieces) >= 4
    in_turn, alone = tmp_path / "in turn", tmp_path / "alone"
    in_turn.mkdir()
    alone.mkdir()
    with PieceMaker(spec, Notices()) as maker:
        expected = [maker.make(job_in(in_turn, spec), piece).record for piece in pieces]
    assert sum(record.frames for record in expected) == len(EVEN)
    made: list[PieceRecord] = []
    for piece in reversed(pieces):
        notices = Notices()
        with PieceMaker(spec, notices) as maker:
            made.insert(0, maker.make(job_in(alone, spec), piece).record)
        assert not any("decoded from its beginning" in text for text in notices.said)
    assert made == expected


def test_headers_of_x265_tell_nothing_of_the_machine(tmp_path: Path) -> None:
    """Pieces made on several machines must join; its threads, as a rule by the number of cores, stood in its header."""
    source = make(tmp_path / "even.mp4", SOURCES["even.mp4"])
    headers = []
    for threads in (1, 3):
        spec = make_spec(
            str(source), str(tmp_path / "out.mkv"), network="bicubic", codec="libx265", preset="ultrafast",
            encoder_options={"x265-params": f"frame-threads={threads}"}, segment_s=0.5,
        )  # fmt: skip
        with PieceMaker(spec, Notices()) as maker:
            maker.make(job_in(tmp_path, spec), pieces_of(spec)[0])
        headers.append(read_header(tmp_path / "000000.piece"))
    assert headers[0] == headers[1]


def test_a_worker_reads_a_source_without_times_once_whatever_pieces_it_gets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nothing but the beginning to begin at, so it reads on to the next piece that it gets."""
    source = make(tmp_path / "a.h264", SOURCES["without times.h264"])
    spec = make_spec(str(source), str(tmp_path / "out.mkv"), segment_s=0.5)
    every_second = pieces_of(spec)[1::2]
    opened = 0
    really = VideoSource.__init__

    def counted(self: VideoSource, *arguments: Any, **options: Any) -> None:
        nonlocal opened
        opened += 1
        really(self, *arguments, **options)

    def times(reader: PieceReader, piece: Piece) -> list[int]:
        return [frame.pts for frame in reader.frames(piece.start, piece.end, piece.seek)]

    expected = []
    for piece in every_second:
        with PieceReader(spec, Notices(), bake_orientation=False) as reader:
            expected.append(times(reader, piece))
    with PieceReader(spec, Notices(), bake_orientation=False) as reader:
        monkeypatch.setattr(VideoSource, "__init__", counted)
        assert [times(reader, piece) for piece in every_second] == expected
    assert len(expected) > 1
    assert opened == 1


def test_other_weights_than_the_jobs_make_no_piece(tmp_path: Path) -> None:
    """A file that was trained on meanwhile, or that is another one on another machine."""
    source = make(tmp_path / "even.mp4", SOURCES["even.mp4"])
    own = tmp_path / "own.safetensors"
    for suffix in (".safetensors", ".json"):
        shutil.copy(SHIPPED_DIR / f"realtime_x2_clean{suffix}", own.with_suffix(suffix))
    spec = make_spec(str(source), str(tmp_path / "out.mkv"), weights=str(own), segment_s=0.5)
    job = job_in(tmp_path, spec)
    for suffix in (".safetensors", ".json"):
        shutil.copy(SHIPPED_DIR / f"realtime_x2_video{suffix}", own.with_suffix(suffix))
    with (
        PieceMaker(spec, Notices()) as maker,
        pytest.raises(NetworkError, match=r"loads other weights from .*own\.safetensors than the run began with"),
    ):
        maker.make(job, pieces_of(spec)[0])
    assert list(tmp_path.glob("*.piece*")) == []


def test_what_a_card_says_belongs_to_the_weights() -> None:
    loaded = load("espcn", 2)
    assert loaded.card is not None
    other = replace(loaded, card=replace(loaded.card, options={**loaded.card.options, "activation": "relu"}))
    assert weights_digest(other, "fp32") != weights_digest(loaded, "fp32")


@pytest.mark.skipif(sys.platform != "linux", reason="counts threads in /proc")
def test_a_decoder_ends_with_its_piece(tmp_path: Path) -> None:
    """With its threads and pictures, and not when Python next looks for circles: found by an hour of soak."""
    source = make(tmp_path / "even.mp4", SOURCES["even.mp4"])
    spec = make_spec(str(source), str(tmp_path / "out.mkv"), network="bicubic", codec="mpeg4", segment_s=0.5)
    threads = []
    gc.disable()
    try:
        with PieceMaker(spec, Notices()) as maker:
            for piece in pieces_of(spec):
                maker.make(job_in(tmp_path, spec), piece)
                threads.append(len(list(Path("/proc/self/task").iterdir())))
    finally:
        gc.enable()
    assert threads[1:] == threads[1:2] * (len(threads) - 1)


def test_interlaced_means_that_the_deinterlacer_is_warm(tmp_path: Path) -> None:
    """The source above is what it says: without the group before it, a piece would begin otherwise."""
    source = make(tmp_path / "interlaced.mpg", SOURCES["interlaced.mpg"])
    assert probe(make_spec(str(source), str(tmp_path / "out.mkv")), Notices()).interlaced


@pytest.mark.parametrize(("name", "enters"), [("even.mp4", True), ("without times.h264", False)])
def test_reading_begins_early_where_packets_tell_their_times(name: str, *, enters: bool, tmp_path: Path) -> None:
    spec = make_spec(str(make(tmp_path / name, SOURCES[name])), str(tmp_path / "out.mkv"), segment_s=0.5)
    first, *others = pieces_of(spec)
    assert first.start is first.seek is None
    gop = 12 * 512
    for piece in others[1:]:
        assert piece.start is not None
        assert (piece.seek is not None and gop <= piece.start - piece.seek < 2 * gop) if enters else piece.seek is None
