"""Each stage of the pipeline by itself, and all of them together: the very parts that ``vsr run`` is made of."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Protocol

import numpy as np

from vsr.batching import batch, unbatch
from vsr.benchmark.timing import Stopwatch, Timing
from vsr.flow import Flow
from vsr.frames import Frame
from vsr.io.sink import FileSink
from vsr.io.source import VideoSource
from vsr.io.target import Target
from vsr.notices import Notices
from vsr.plan import Plan
from vsr.report import bottleneck, busy_s, stage_reports
from vsr.spec import PipelineSpec
from vsr.upscaler import Upscaler

_RESIDENT_BYTES = 1 << 30
"""Of upscaled frames that are kept to encode them again."""


@dataclass(frozen=True)
class Together:
    """All stages at once."""

    timing: Timing
    occupancy: dict[str, float]
    """By stage: the share of the wall clock in which it was at work, 0 to 1."""
    bottleneck: str
    """The stage that was at work longest."""


@dataclass(frozen=True)
class Workbench:
    """What the stages share: the run's spec, its plan, and the upscaler, loaded and warm."""

    spec: PipelineSpec
    plan: Plan
    target: Target
    upscaler: Upscaler

    def source(self) -> VideoSource:
        """The clip, from its beginning."""
        return VideoSource(self.spec, Notices(), video_only=True)

    def sink(self, source: VideoSource) -> FileSink:
        """The encoder, into a file."""
        return FileSink(self.target, self.plan.encoding, self.plan.size, source, Notices())


def decode_alone(bench: Workbench) -> Timing:
    """Every frame of the clip decoded and dropped."""
    with bench.source() as source:
        watch = Stopwatch()
        for _ in source:
            watch.lap()
        return watch.timing()


def upscale_alone(bench: Workbench) -> Timing:
    """Every frame of the clip, decoded beforehand, from planes to larger planes in the host's memory."""
    with bench.source() as source:
        decoded = list(source)
    watch = Stopwatch()
    for _ in _upscaled(bench, decoded):
        watch.lap()
    return watch.timing()


def encode_alone(bench: Workbench) -> Timing:
    """As many frames as the clip has, upscaled beforehand, through the encoder and the muxer into a file.

    Where they would fill the memory, some are encoded there and back again, each time with a timestamp of its own.
    """
    with bench.source() as source:
        decoded = list(source)  # the sink checks at its end that all frames of its source have come
        resident = _resident(bench, decoded)
        with bench.sink(source) as sink:
            watch = Stopwatch()
            for frame, planes in zip(decoded, _there_and_back(resident), strict=False):
                sink.write(replace(frame, planes=planes))
                watch.lap()
            sink.commit()
            return watch.timing()


def without_encoder(bench: Workbench) -> Together:
    """Decoded and upscaled at once, as in a run, into nothing."""

    class Nothing:
        def write(self, frame: Frame) -> None:
            """Drop it."""

        def commit(self) -> None:
            """Nothing is left to do."""

    with bench.source() as source:
        return _together(bench, source, Nothing(), writes=False)


def with_encoder(bench: Workbench) -> Together:
    """A run from the clip to a file."""
    with bench.source() as source, bench.sink(source) as sink:
        return _together(bench, source, sink, writes=True)


class _Sink(Protocol):
    def write(self, frame: Frame) -> None: ...

    def commit(self) -> None: ...


def _together(bench: Workbench, source: VideoSource, sink: _Sink, *, writes: bool) -> Together:
    """The loop of ``vsr.pipeline.run``, with a lap after each frame."""
    spec = bench.spec
    with Flow() as flow:
        watch = Stopwatch()
        frames = flow.buffer(source, depth=spec.read_ahead, name="decode")
        upscaled = flow.buffer(bench.upscaler(batch(frames, spec.batch_size)), depth=spec.write_ahead, name="upscale")
        for frame in unbatch(upscaled):
            sink.write(frame)
            watch.lap()
        sink.commit()
        timing = watch.timing()
        reports = stage_reports(busy_s(flow, timing.wall_s), timing.wall_s, timing.frames)
    stages = reports if writes else reports[:-1]
    return Together(timing, {stage.name: stage.occupancy for stage in stages}, bottleneck(stages))


def _upscaled(bench: Workbench, decoded: Iterable[Frame]) -> Iterator[Frame]:
    return unbatch(bench.upscaler(batch(decoded, bench.spec.batch_size)))


def _resident(bench: Workbench, decoded: list[Frame]) -> list[tuple[np.ndarray, ...]]:
    """Copies of the first upscaled frames, within the memory for them: the upscaler may use its own again."""
    layout, size = bench.plan.target.layout, bench.plan.target
    bytes_each = sum(h * w for h, w in layout.plane_sizes(size.width, size.height)) * layout.dtype.itemsize
    most = max(_RESIDENT_BYTES // bytes_each, 2)
    copies = ((tuple(plane.copy() for plane in frame.planes)) for frame in _upscaled(bench, decoded))
    return list(islice(copies, most))


def _there_and_back(items: list[tuple[np.ndarray, ...]]) -> Iterator[tuple[np.ndarray, ...]]:
    """First to last, last to first, without end, so that the motion never jumps."""
    while True:
        yield from items
        yield from reversed(items)
