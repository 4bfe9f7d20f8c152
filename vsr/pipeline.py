"""The page: a frame's whole way, from a file through the network into a file."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from vsr.allocator import keep_freed_memory
from vsr.batching import batch, unbatch
from vsr.flow import Flow
from vsr.frames import Frame
from vsr.io.sink import FileSink
from vsr.io.source import VideoSource
from vsr.io.target import RGB_FRAMES, resolve
from vsr.notices import Notices
from vsr.plan import Plan, make_plan
from vsr.report import RunReport, bottleneck, make_report, stage_reports
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
    """Upscale ``spec.source`` into ``spec.output``. Raises VsrError; then nothing is under the output's name."""
    notices = notices or Notices()
    keep_freed_memory()
    target = resolve(spec)
    with VideoSource(spec, notices, bake_orientation=not target.carries_orientation) as source:
        plan = make_plan(spec, source.info, target, notices)
        with (
            # Waiting in the buffer, one in the sink's hands and one on its way into the buffer.
            open_upscaler(plan, notices, hold=spec.write_ahead + 2) as upscaler,
            FileSink(target, plan.encoding, plan.size, source, notices) as sink,
            Flow() as flow,
        ):
            started = time.perf_counter()
            frames = flow.buffer(source, depth=spec.read_ahead, name="decode")
            upscaled = flow.buffer(upscaler(batch(frames, spec.batch_size)), depth=spec.write_ahead, name="upscale")
            for frame in unbatch(upscaled):
                sink.write(frame)
                if progress is not None:
                    progress(_progress(flow, sink, source, time.perf_counter() - started))
            sink.commit()
            wall_s = time.perf_counter() - started
            return make_report(
                spec, plan, source=source, sink=sink, flow=flow, wall_s=wall_s, device=upscaler.device, notices=notices
            )


def frames(spec: PipelineSpec, *, notices: Notices | None = None) -> Iterator[Frame]:
    """Upscaled frames of ``spec.source`` as 8-bit RGB planes, in order; nothing is written. Raises VsrError."""
    notices = notices or Notices()
    keep_freed_memory()
    with VideoSource(spec, notices, bake_orientation=True, video_only=True) as source:
        plan = make_plan(replace(spec, pix_fmt="gbrp", codec="rawvideo"), source.info, RGB_FRAMES, notices)
        with open_upscaler(plan, notices) as upscaler, Flow() as flow:
            decoded = flow.buffer(source, depth=spec.read_ahead, name="decode")
            upscaled = flow.buffer(upscaler(batch(decoded, spec.batch_size)), depth=spec.write_ahead, name="upscale")
            yield from unbatch(upscaled)


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
    stages = stage_reports(flow, elapsed_s, done)
    return Progress(done, source.info.frame_count, done / elapsed_s if elapsed_s else 0.0, bottleneck(stages))
