"""From the samples of all rounds to the figures of a report: medians, the roof's share, the ideal schedule, ratios."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from vsr.benchmark.cases import Case, NetworkFacts
from vsr.benchmark.measuring import Sample
from vsr.benchmark.stages import Together
from vsr.benchmark.timing import Timing


@dataclass(frozen=True)
class StageFigures:
    """One stage, or all of them, over the rounds."""

    fps: float
    """Median over the rounds, as everything that is not called best."""
    best_fps: float
    ms: float
    """Wall clock a frame."""
    best_ms: float
    p50_ms: float
    """Percentiles of the intervals between finished frames."""
    p95_ms: float
    p99_ms: float
    cpu_ms: float
    """Processor time a frame, over all cores."""


@dataclass(frozen=True)
class TogetherFigures:
    """Stages at once, against the best that a schedule could do with them."""

    timing: StageFigures
    occupancy: dict[str, float]
    bottleneck: str
    ideal_fps: float
    """See ``ideal_fps``."""
    share_of_ideal: float
    share_of_slowest: float
    """Frames a second over those of the slowest stage alone."""


@dataclass(frozen=True)
class Row:
    """A case and everything that was measured of it."""

    case: Case
    facts: NetworkFacts
    device: str
    decode: StageFigures
    upscale: StageFigures
    encode: StageFigures
    without_encoder: TogetherFigures
    with_encoder: TogetherFigures
    gflop: float
    """Of a frame, the network's convolutions alone."""
    roof_gflops: float | None
    """GFLOP/s of plain 3x3 convolutions of the network's width, in this backend and precision."""
    roof_refused: str | None
    share_of_roof: float | None
    """What the upscale stage reaches of it, everything around the network included."""
    load_ms: float
    first_round_load_ms: float
    """In the first round, which may have had nothing in its cache."""
    first_frame_ms: float
    first_round_first_frame_ms: float
    start_s: float | None
    peak_host_bytes: int | None
    peak_device_bytes: int | None
    pcie_bytes: int
    """A frame."""


def make_row(case: Case, facts: NetworkFacts, samples: Sequence[Sample], cores: int) -> Row:
    """The figures of ``case``. Shares are taken within each round, where the machine was of one speed."""
    gflop = facts.gflop_per_pixel * case.width * case.height
    roofs = [sample.roof_gflops for sample in samples if sample.roof_gflops]
    shares = [gflop / (s.upscale.ms / 1e3) / s.roof_gflops for s in samples if s.roof_gflops]
    return Row(
        case=case,
        facts=facts,
        device=samples[0].device,
        decode=stage_figures([s.decode for s in samples]),
        upscale=stage_figures([s.upscale for s in samples]),
        encode=stage_figures([s.encode for s in samples]),
        without_encoder=_together(samples, lambda s: s.without_encoder, lambda s: [s.decode, s.upscale], cores),
        with_encoder=_together(samples, lambda s: s.with_encoder, lambda s: [s.decode, s.upscale, s.encode], cores),
        gflop=gflop,
        roof_gflops=_median(roofs),
        roof_refused=samples[0].roof_refused,
        share_of_roof=_median(shares),
        load_ms=statistics.median(s.load_ms for s in samples),
        first_round_load_ms=samples[0].load_ms,
        first_frame_ms=statistics.median(s.first_frame_ms for s in samples),
        first_round_first_frame_ms=samples[0].first_frame_ms,
        start_s=_median([s.start_s for s in samples if s.start_s is not None]),
        peak_host_bytes=max((s.peak_host_bytes for s in samples if s.peak_host_bytes is not None), default=None),
        peak_device_bytes=max((s.peak_device_bytes for s in samples if s.peak_device_bytes is not None), default=None),
        pcie_bytes=samples[0].pcie_bytes,
    )


def ideal_fps(stages: Sequence[Timing], cores: int) -> float:
    """Frames a second that no schedule of ``stages`` on ``cores`` shared cores can exceed.

    ``1 / max(slowest, work / cores)``: ``slowest`` is the longest wall clock that a stage needs for a frame by itself,
    since a pipeline is never faster than its slowest stage; ``work`` is the sum of the processor time that all stages
    need for a frame, since the cores have only so many seconds a second. Both in seconds, each stage measured alone.
    """
    slowest_ms = max(stage.ms for stage in stages)
    work_ms = sum(stage.cpu_ms for stage in stages)
    return 1e3 / max(slowest_ms, work_ms / cores)


def _together(
    samples: Sequence[Sample],
    whole: Callable[[Sample], Together],
    alone: Callable[[Sample], list[Timing]],
    cores: int,
) -> TogetherFigures:
    runs = [whole(sample) for sample in samples]
    ideals = [ideal_fps(alone(sample), cores) for sample in samples]
    slowest = [min(stage.fps for stage in alone(sample)) for sample in samples]
    occupancy = {name: statistics.median(run.occupancy[name] for run in runs) for name in runs[0].occupancy}
    return TogetherFigures(
        timing=stage_figures([run.timing for run in runs]),
        occupancy=occupancy,
        bottleneck=max(occupancy, key=lambda name: occupancy[name]),
        ideal_fps=statistics.median(ideals),
        share_of_ideal=statistics.median(run.timing.fps / fps for run, fps in zip(runs, ideals, strict=True)),
        share_of_slowest=statistics.median(run.timing.fps / fps for run, fps in zip(runs, slowest, strict=True)),
    )


def stage_figures(timings: Sequence[Timing]) -> StageFigures:
    """Over the rounds, one Timing each."""
    return StageFigures(
        fps=statistics.median(t.fps for t in timings),
        best_fps=max(t.fps for t in timings),
        ms=statistics.median(t.ms for t in timings),
        best_ms=min(t.ms for t in timings),
        p50_ms=statistics.median(t.p50_ms for t in timings),
        p95_ms=statistics.median(t.p95_ms for t in timings),
        p99_ms=statistics.median(t.p99_ms for t in timings),
        cpu_ms=statistics.median(t.cpu_ms for t in timings),
    )


def _median(values: Sequence[float]) -> float | None:
    return statistics.median(values) if values else None
