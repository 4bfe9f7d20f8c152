"""A tiny clip to measure on, and the parts of a run over it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from vsr.benchmark.cases import Case, make_matrix
from vsr.benchmark.clips import Clip, make_clips
from vsr.benchmark.spec import BenchSpec
from vsr.benchmark.stages import Workbench
from vsr.io.source import VideoSource
from vsr.io.target import resolve
from vsr.notices import Notices
from vsr.pipeline import open_upscaler
from vsr.plan import make_plan

SPEC = BenchSpec(networks=("bicubic",), sizes=((64, 48),), backends=("torch",), frames=7, codec="libx264")


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Clip:
    """Seven synthetic frames of 64x48."""
    (clip,) = make_clips(SPEC, tmp_path_factory.mktemp("bench"))
    return clip


@pytest.fixture
def case(tiny: Clip, tmp_path: Path) -> Case:
    """Bicubic interpolation of the tiny clip."""
    return make_matrix(SPEC, [tiny], tmp_path).cases[0]


@pytest.fixture
def workbench(case: Case, tmp_path: Path) -> Iterator[Workbench]:
    """The case, opened as a run opens it."""
    spec = case.pipeline(str(tmp_path / "out.mkv"))
    target = resolve(spec)
    with VideoSource(spec, Notices(), video_only=True) as source:
        plan = make_plan(spec, source.info, target, Notices())
    with open_upscaler(plan, Notices(), hold=spec.write_ahead + 2) as upscaler:
        yield Workbench(spec, plan, target, upscaler)
