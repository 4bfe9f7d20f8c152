"""Sources of many kinds and runs of them, in one go and in pieces: for tests of what a run in pieces makes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.io.making import Recipe
from vsr import pipeline
from vsr.pipeline import Progress
from vsr.report import RunReport
from vsr.segments import job
from vsr.spec import PipelineSpec, make_spec

STEP, FRAMES = 512, 50
GOPS = {"g": "10", "bf": "2"}
EVEN = tuple(STEP * i for i in range(FRAMES))
UNEVEN = tuple(STEP * i + (i * 7919) % 400 for i in range(FRAMES))
SOURCES = {
    "even.mp4": Recipe(pts=EVEN, audio=("aac",), options=GOPS, chapters=True),
    "uneven.mkv": Recipe(pts=UNEVEN, audio=("aac", "flac"), subtitles=("ass",), options=GOPS),
    "one gop.mp4": Recipe(pts=EVEN, options={"g": "1000", "bf": "3"}),
    "open gop.mp4": Recipe(pts=EVEN, options={"g": "10", "bf": "3", "x264-params": "open-gop=1"}),
    "late.mp4": Recipe(pts=tuple(pts + 777_777 for pts in EVEN), options=GOPS),
    "without times.h264": Recipe(pts=EVEN, options=GOPS),
    "stream.ts": Recipe(pts=EVEN, audio=("mp2",), options=GOPS),
    "gap.mkv": Recipe(pts=(*EVEN[:25], *(pts + 60_000 for pts in EVEN[25:])), options=GOPS),
}


def spec_of(source: Path, output: Path, **options: Any) -> PipelineSpec:
    return make_spec(str(source), str(output), **{"network": "bicubic", "segment_s": 0.5, "codec": "mpeg4", **options})


def whole(source: Path, output: Path, **options: Any) -> RunReport:
    return pipeline.run(spec_of(source, output, **options))


def in_pieces(
    source: Path, output: Path, *, progress: Callable[[Progress], None] | None = None, **options: Any
) -> RunReport:
    return job.run(spec_of(source, output, **options), progress=progress)


class Stopped(Exception):  # noqa: N818 - what a test ends a run with, no error of its own
    """Ends a run from its progress callback."""


def stop_at(frame: int) -> Callable[[Progress], None]:
    def update(state: Progress) -> None:
        if state.frames == frame:
            raise Stopped

    return update
