"""What a run did and where its time went, as one record for people and for programs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from vsr.flow import Flow
from vsr.frames import ColorSpace, VideoInfo
from vsr.io.opening import without_password
from vsr.io.passthrough import StreamPlan
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.plan import Plan
from vsr.spec import PipelineSpec

_ADVICE = {
    "decode": "a faster storage or --hwaccel helps",
    "upscale": "a GPU, a smaller --scale or a lighter --network helps",
    "encode": "a faster --preset or a hardware --codec helps",
}


@dataclass(frozen=True)
class StageReport:
    """One stage of a run."""

    name: str
    frames: int
    ms_per_frame: float
    occupancy: float
    """Share of the wall time in which the stage was at work, 0 to 1."""


@dataclass(frozen=True)
class Segments:
    """What a run in pieces did besides making them."""

    total: int
    kept: int
    """Of them, from an earlier run."""
    scan_s: float
    """Reading the source to cut it; 0 in a run that went on."""
    join_s: float
    """Copying the pieces into the output."""


@dataclass(frozen=True)
class Tally:
    """What was counted in a run, whether in one go or over its pieces."""

    frames_in: int
    frames_out: int
    frames_made: int
    """Now; pieces of an earlier run are not among them."""
    wall_s: float
    busy_s: dict[str, float]
    """Stage -> how long it was at work, in ``working_s``."""
    working_s: float
    """Time of the stages together: that of all workers where there are several."""
    first_s: float | None
    last_s: float | None
    timestamps_repaired: int
    corrupt_packets: int
    segments: Segments | None = None
    """None for a run in one go."""


@dataclass(frozen=True)
class Ran:
    """Where and how the frames were upscaled, in the end; several of each, with commas, where pieces differ."""

    device: str
    """In words."""
    backend: str
    precision: str


@dataclass(frozen=True)
class RunReport:
    """One finished run; ``as_dict`` is what ``--json`` writes."""

    source: str
    output: str
    frames_in: int
    frames_out: int
    wall_s: float
    fps: float
    stages: tuple[StageReport, ...]
    bottleneck: str
    advice: str
    network: dict[str, Any]
    backend: str
    precision: str
    device: str
    input: dict[str, Any]
    result: dict[str, Any]
    color: dict[str, Any]
    streams: tuple[dict[str, Any], ...]
    timestamps: dict[str, Any]
    corrupt_packets: int
    segments: Segments | None
    notices: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def busy_s(flow: Flow, wall_s: float) -> dict[str, float]:
    """Time at work of each buffered stage and of the main thread, which encodes."""
    busy = {timing.name: timing.busy_s for timing in flow.timings()}
    return {**busy, "encode": max(wall_s - flow.consumer_wait_s, 0.0)}


def stage_reports(busy: dict[str, float], working_s: float, frames: int) -> tuple[StageReport, ...]:
    """One row a stage, of ``frames`` frames in ``working_s``."""
    return tuple(
        StageReport(name, frames, 1000 * s / max(frames, 1), min(s / working_s, 1.0) if working_s else 0.0)
        for name, s in busy.items()
    )


def bottleneck(stages: tuple[StageReport, ...]) -> str:
    """The stage that was at work longest; the upscaling where nothing was made."""
    return max(stages, key=lambda stage: stage.occupancy, default=StageReport("upscale", 0, 0.0, 0.0)).name


def make_report(
    spec: PipelineSpec, plan: Plan, tally: Tally, *, source: VideoSource, output: str, streams: Sequence[StreamPlan],
    ran: Ran, notices: Notices,
) -> RunReport:  # fmt: skip
    """Gather the report of a finished run, after a last word on damage."""
    if tally.corrupt_packets:
        notices.say(f"{tally.corrupt_packets} packets of the source were damaged: concealed by the decoder or left out")
    stages = stage_reports(tally.busy_s, tally.working_s, tally.frames_made)
    slowest = bottleneck(stages)
    loaded = plan.network.loaded
    return RunReport(
        source=without_password(spec.source),
        output=output,
        frames_in=tally.frames_in,
        frames_out=tally.frames_out,
        wall_s=tally.wall_s,
        fps=tally.frames_made / tally.wall_s if tally.wall_s else 0.0,
        stages=stages,
        bottleneck=slowest,
        advice=_ADVICE[slowest],
        network={
            "name": plan.network.name,
            "scale": loaded.network.scale,
            "passes": plan.network.passes,
            "weights": loaded.weights_name,
            "sha256": loaded.sha256,
        },
        backend=ran.backend,
        precision=ran.precision,
        device=ran.device,
        input={
            "video_stream": source.stream.index,
            "codec": source.stream.codec_context.name,
            **info_facts(source.info),
        },
        result=_result_facts(plan),
        color={"source": color_facts(source.info.color), "output": color_facts(plan.encoding.color)},
        streams=tuple(asdict(stream) for stream in streams),
        timestamps={"first_s": tally.first_s, "last_s": tally.last_s, "repaired": tally.timestamps_repaired},
        corrupt_packets=tally.corrupt_packets,
        segments=tally.segments,
        notices=notices.said,
    )


def info_facts(info: VideoInfo) -> dict[str, Any]:
    """Geometry and timing of a video, in plain values."""
    return {
        "width": info.width,
        "height": info.height,
        "pixels": f"{info.layout.chroma_name} {info.layout.bits}-bit" + (" with alpha" if info.layout.alpha else ""),
        "sample_aspect_ratio": str(info.sample_aspect_ratio),
        "display_matrix": info.display_matrix,
        "interlaced": info.interlaced,
        "frame_rate": str(info.frame_rate) if info.frame_rate else None,
        "time_base": str(info.time_base),
        "frames_declared": info.frame_count,
        "duration_s": info.duration_s,
        "hdr": info.hdr,
    }


def _result_facts(plan: Plan) -> dict[str, Any]:
    layout = plan.encoding.layout
    return {
        "requested": plan.size.requested,
        "width": plan.size.width,
        "height": plan.size.height,
        "sample_aspect_ratio": str(plan.size.sample_aspect_ratio),
        "codec": plan.encoding.codec,
        "pix_fmt": plan.encoding.pix_fmt,
        "pixels": f"{layout.chroma_name} {layout.bits}-bit" + (" with alpha" if layout.alpha else ""),
        "encoder_options": plan.encoding.options,
    }


def color_facts(color: ColorSpace) -> dict[str, Any]:
    """A colour description in plain values, code points of H.273."""
    return {
        "matrix": color.matrix,
        "range": "full" if color.full_range else "limited",
        "primaries": color.primaries,
        "transfer": color.transfer,
        "chroma_location": color.chroma_location,
        "guessed": list(color.guessed),
    }
