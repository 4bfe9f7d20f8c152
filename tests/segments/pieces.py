"""Jobs of a few small pieces, their way past the front door: for tests of those who make them."""

import os
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import av

from tests.io.making import Recipe, make
from vsr.frames import VideoInfo
from vsr.io.scan import scan
from vsr.io.source import VideoSource
from vsr.io.target import described
from vsr.notices import Notices
from vsr.plan import make_plan
from vsr.segments.contract import Crew, Job, Piece, PieceDone, piece_name
from vsr.segments.cuts import cut
from vsr.segments.identity import weights_digest
from vsr.segments.maker import PieceMaker
from vsr.spec import PipelineSpec

RATE = 25
FRAMES = 200
ONE_THREAD = (("threads", "1"),)
"""Of the encoder, so that what it writes does not depend on the machine."""
ON_LOOPBACK = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Environment for Ray: it tells nobody of itself, and the switch of other systems keeps it on loopback on this one."""


def source(path: Path, frames: int, *, gop: int = 5) -> Path:
    """A clip of 64x48 with a keyframe every ``gop`` frames."""
    return make(path, Recipe(pts=tuple(512 * i for i in range(frames)), options={"g": str(gop)}, audio=("aac",)))


def job_of(spec: PipelineSpec, folder: Path) -> tuple[Job, tuple[Piece, ...]]:
    """The job that makes ``spec`` in ``folder``, which is created, and its pieces."""
    folder.mkdir()
    with VideoSource(spec, Notices(), video_only=True) as opened:
        time_base = opened.info.time_base
        weights = weights_of(spec, opened.info)
        pieces = cut(scan(opened), spec.segment_s, time_base)
    return Job(spec, folder, time_base, weights), pieces


def weights_of(spec: PipelineSpec, info: VideoInfo) -> str:
    """As a job of ``spec`` names them."""
    plan = make_plan(spec, info, described(spec.output), Notices())
    return weights_digest(plan.network.loaded, plan.placement.precision)


def made_here(job: Job, pieces: Sequence[Piece]) -> None:
    """Make ``pieces`` in this process: what others are compared with."""
    with PieceMaker(job.spec, Notices()) as maker:
        for piece in pieces:
            maker.make(job, piece)


def contents(folder: Path) -> dict[str, bytes]:
    """What lies in a job's folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Run:
    """One job given to a crew: what came back and what was told."""

    def __init__(self, crew: Crew, job: Job, pieces: Sequence[Piece]):
        self.crew, self.job, self.pieces = crew, job, pieces
        self.done: list[PieceDone] = []
        self.frames = 0
        self.notices = Notices()

    def finish(self) -> None:
        """Wait for every piece; each is on the disk when it is told."""
        for done in self.crew.make(self.job, self.pieces, self.notices, frames=self.count):
            assert (self.job.folder / piece_name(done.record.index)).stat().st_size == done.record.size
            self.done.append(done)

    def count(self, frames: int) -> None:
        self.frames += frames


def packets(path: Path) -> list[tuple[int, int | None, int | None, bytes]]:
    """What a player gets: every packet of every stream with its times."""
    with av.open(str(path)) as container:
        return sorted((p.stream_index, p.pts, p.dts, bytes(p)) for p in container.demux() if p.size)


def eventually(condition: Callable[[], bool]) -> None:
    """Wait for ``condition``."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stations() -> list[int]:
    """The processes of a cluster's workers."""
    titles = ((int(entry.name), entry / "cmdline") for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return [pid for pid, title in titles if title.exists() and title.read_bytes().startswith(b"ray::Station")]


class StationsKilled(Run):
    """Kills the cluster's workers when it hears of the first frames that were made."""

    killed = False

    def count(self, frames: int) -> None:
        super().count(frames)
        if frames > 0 and not self.killed:
            self.killed = True
            for pid in stations():
                os.kill(pid, signal.SIGKILL)
