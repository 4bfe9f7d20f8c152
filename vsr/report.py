"""What a run did and where its time went, as one record for people and for programs."""

from dataclasses import asdict, dataclass
from typing import Any

from vsr.flow import Flow
from vsr.frames import ColorSpace, VideoInfo
from vsr.io.sink import FileSink
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
    notices: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return asdict(self)


def stage_reports(flow: Flow, wall_s: float, frames: int) -> tuple[StageReport, ...]:
    """Time at work of each buffered stage and of the main thread, which encodes."""
    busy = [(t.name, t.busy_s) for t in flow.timings()]
    busy.append(("encode", max(wall_s - flow.consumer_wait_s, 0.0)))
    return tuple(
        StageReport(name, frames, 1000 * s / max(frames, 1), min(s / wall_s, 1.0) if wall_s else 0.0)
        for name, s in busy
    )


def bottleneck(stages: tuple[StageReport, ...]) -> str:
    """The stage that was at work longest."""
    return max(stages, key=lambda stage: stage.occupancy).name


def make_report(
    spec: PipelineSpec, plan: Plan, *, source: VideoSource, sink: FileSink, flow: Flow, wall_s: float, device: str,
    notices: Notices,
) -> RunReport:  # fmt: skip
    """Gather the report of a finished run."""
    stages = stage_reports(flow, wall_s, sink.clock.frames)
    slowest = bottleneck(stages)
    loaded = plan.network.loaded
    return RunReport(
        source=spec.source,
        output=sink.final,
        frames_in=source.frames_read,
        frames_out=sink.clock.packets,
        wall_s=wall_s,
        fps=sink.clock.frames / wall_s if wall_s else 0.0,
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
        backend=plan.placement.backend,
        precision=plan.placement.precision,
        device=device,
        input={
            "video_stream": source.stream.index,
            "codec": source.stream.codec_context.name,
            **info_facts(source.info),
        },
        result=_result_facts(plan),
        color={"source": color_facts(source.info.color), "output": color_facts(plan.encoding.color)},
        streams=tuple(asdict(stream) for stream in sink.streams),
        timestamps={
            "first_s": sink.first_s,
            "last_s": sink.last_s,
            "repaired": source.timestamps_repaired,
        },
        corrupt_packets=source.corrupt_packets,
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
