"""The page: a frame's whole way, from a file or a live source through the network into a file or live sinks."""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from vsr.allocator import keep_freed_memory
from vsr.batching import batch, unbatch
from vsr.errors import SourceError
from vsr.flow import Flow
from vsr.frames import Frame
from vsr.io.disk_space import DiskRoom, expected_output
from vsr.io.sink import FileSink
from vsr.io.source import VideoSource
from vsr.io.target import RGB_FRAMES, resolve
from vsr.live.controls import Controls
from vsr.live.ends import open_ends
from vsr.live.fresh import DEPTH, Fresh
from vsr.live.governor import Governor
from vsr.live.hold import TICK_S, Hold
from vsr.live.ladder import Ladder
from vsr.live.monitor import Monitor
from vsr.live.outlets import Outlets
from vsr.live.report import LiveReport, make_live_report
from vsr.live.spec import LiveSpec
from vsr.live.stages import LiveStages
from vsr.notices import Notices
from vsr.plan import Plan, make_plan
from vsr.report import Ran, RunReport, Tally, bottleneck, busy_s, make_report, stage_reports
from vsr.spec import PipelineSpec
from vsr.upscaler import Upscaler


@dataclass(frozen=True)
class Progress:
    """Where a run stands, after a frame."""

    frames: int
    frames_expected: int | None
    fps: float
    bottleneck: str


def run(
    spec: PipelineSpec, *, notices: Notices | None = None, progress: Callable[[Progress], None] | None = None
) -> RunReport:
    """Upscale ``spec.source`` into ``spec.output`` in one go, whatever its length; ``vsr.segments.job.run`` decides.

    Raises VsrError; then nothing is under the output's name.
    """
    notices = notices or Notices()
    keep_freed_memory()
    target = resolve(spec)
    with VideoSource(spec, notices, bake_orientation=not target.carries_orientation) as source:
        plan = make_plan(spec, source.info, target, notices)
        room = DiskRoom(Path(target.final).parent, notices)
        room.expect(expected_output(source, plan.encoding, plan.size), "the source")
        with (
            open_upscaler(plan, notices, hold=held(spec)) as upscaler,
            FileSink(target, plan.encoding, plan.size, source, notices) as sink,
            Flow() as flow,
        ):
            started = time.perf_counter()
            for frame in upscaled(source, upscaler, flow, spec):
                sink.write(frame)
                if progress is not None:
                    progress(_progress(flow, sink, source, time.perf_counter() - started))
            sink.commit()
            tally = _tally(flow, sink, source, time.perf_counter() - started)
            ran = Ran(upscaler.device, upscaler.placement.backend, upscaler.placement.precision)
            return make_report(
                spec, plan, tally, source=source, output=sink.final, streams=sink.streams, ran=ran, notices=notices
            )


def frames(spec: PipelineSpec, *, notices: Notices | None = None) -> Iterator[Frame]:
    """Upscaled frames of ``spec.source`` as 8-bit RGB planes, in order; nothing is written. Raises VsrError."""
    notices = notices or Notices()
    keep_freed_memory()
    with VideoSource(spec, notices, bake_orientation=True, video_only=True) as source:
        plan = make_plan(replace(spec, pix_fmt="gbrp", codec="rawvideo"), source.info, RGB_FRAMES, notices)
        with open_upscaler(plan, notices) as upscaler, Flow() as flow:
            yield from upscaled(source, upscaler, flow, spec)


def live(spec: LiveSpec, controls: Controls, *, notices: Notices | None = None) -> LiveReport:
    """Upscale ``spec.source`` into its sinks until the source ends, or until ``controls`` or the spec say stop.

    Frames wait before the upscaling only, where old ones give way to new ones: a buffer behind it would only let them
    age. So the upscaling is on the main thread, and begins when some sink can take a frame. Raises VsrError, but not
    for a sink that was given up while others went on: ``LiveReport.check`` does.
    """
    notices = notices or Notices()
    keep_freed_memory()
    governor = None if spec.max_latency_ms is None else Governor(spec.max_latency_ms)
    with (
        open_ends(spec, controls, notices) as (opened, sinks),
        Outlets(sinks, lambda: opened.has_audio, notices) as outlets,
        Ladder(spec.pipeline, controls, notices, may_descend=governor is not None) as ladder,
        Flow() as flow,
        opened as source,  # left first: it ends what the Flow's thread reads
    ):
        source.listen(outlets.hear)
        decoded = flow.buffer(source, depth=DEPTH, name="decode", overflow="drop_oldest")
        fresh, hold = Fresh(decoded, TICK_S), Hold(source, controls)
        stages = LiveStages(source, decoded, fresh, ladder, hold, outlets, time.monotonic())
        monitor = Monitor(stages, controls, governor, notices, duration_s=spec.duration_s)
        for frame in hold(ladder(fresh())):
            if frame is not None:
                outlets.write(frame)
            monitor.tick(frame)
            while not monitor.over and not outlets.wait_room(TICK_S, lead_s=1.25 * ladder.last_s):
                monitor.tick(None)
            if monitor.over:
                break
        if not (ladder.frames or controls.stopped):
            raise SourceError(f"no frame came from {source.name} in {monitor.elapsed_s:.1f} s")
        outlets.finish()
        return make_live_report(stages, notices, wall_s=monitor.elapsed_s)


def upscaled(source: Iterable[Frame], upscaler: Upscaler, flow: Flow, spec: PipelineSpec) -> Iterator[Frame]:
    """The frame's way, each stage on a thread of its own: decoded, batched, upscaled, one by one again."""
    decoded = flow.buffer(source, depth=spec.read_ahead, name="decode")
    batches = flow.buffer(upscaler(batch(decoded, spec.batch_size)), depth=spec.write_ahead, name="upscale")
    return unbatch(batches)


def held(spec: PipelineSpec) -> int:
    """Upscaled batches in use at once: those in the buffer, one in the sink's hands, one on its way into the buffer."""
    return spec.write_ahead + 2


def open_upscaler(plan: Plan, notices: Notices, *, hold: int | None = None) -> Upscaler:
    """The upscaler that ``plan`` decided on, its network loaded on the device; ``hold`` as in Upscaler."""
    return Upscaler(
        plan.network.loaded,
        plan.placement,
        plan.source,
        plan.target,
        by_field=plan.by_field,
        hold=hold,
        tell=notices.say,
    )


def _progress(flow: Flow, sink: FileSink, source: VideoSource, elapsed_s: float) -> Progress:
    done = sink.clock.frames
    stages = stage_reports(busy_s(flow, elapsed_s), elapsed_s, done)
    return Progress(done, source.info.frame_count, done / elapsed_s if elapsed_s else 0.0, bottleneck(stages))


def _tally(flow: Flow, sink: FileSink, source: VideoSource, wall_s: float) -> Tally:
    return Tally(
        frames_in=source.frames_read,
        frames_out=sink.clock.packets,
        frames_made=sink.clock.frames,
        wall_s=wall_s,
        busy_s=busy_s(flow, wall_s),
        working_s=wall_s,
        first_s=sink.first_s,
        last_s=sink.last_s,
        timestamps_repaired=source.timestamps_repaired,
        corrupt_packets=source.corrupt_packets,
    )
