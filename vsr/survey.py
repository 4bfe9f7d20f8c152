"""What vsr sees in a file and what a run would make of it: only the first frame is decoded, nothing is written."""

from dataclasses import asdict, replace
from fractions import Fraction
from typing import Any

from vsr.color_names import hdr_kind, matrix_name, primaries_name, transfer_name
from vsr.errors import SinkError, VsrError
from vsr.frames import ColorSpace, VideoInfo
from vsr.io import orientation
from vsr.io.listing import container_facts, stream_facts, timing_facts
from vsr.io.passthrough import plan_stream
from vsr.io.source import VideoSource
from vsr.io.target import described
from vsr.notices import Notices
from vsr.plan import Plan, make_plan
from vsr.report import color_facts, info_facts
from vsr.spec import PipelineSpec


def survey(spec: PipelineSpec) -> dict[str, Any]:
    """Plain values about ``spec.source`` and, under ``run``, about what ``vsr run`` would do with it.

    ``spec.output`` gives only the extension to plan for. Raises SourceError; a run that would be refused is told as
    ``{"refused": reason}``.
    """
    notices = Notices()
    with VideoSource(replace(spec, interlaced="keep"), notices) as source:
        facts = {
            "file": spec.source,
            "container": container_facts(source.container),
            "streams": [stream_facts(stream) for stream in source.container.streams],
            "video": _video_facts(source),
        }
    try:
        facts["run"] = _planned(spec, notices)
    except VsrError as error:
        facts["run"] = {"refused": str(error)}
    facts["notices"] = list(notices.said)
    return facts


def _video_facts(source: VideoSource) -> dict[str, Any]:
    info = source.info
    matrix = info.display_matrix
    return {
        "stream": source.stream.index,
        **info_facts(info),
        **timing_facts(source.stream, interlaced=info.interlaced),
        "displayed": displayed_size(info, info.width, info.height, info.sample_aspect_ratio),
        "orientation": None if matrix is None else orientation.describe(matrix),
        "still": info.still,
        "color": named_color(info.color),
        "hdr_kind": hdr_kind(info.color.transfer),
    }


def displayed_size(info: VideoInfo, width: int, height: int, sample_aspect_ratio: Fraction) -> tuple[int, int]:
    """(width, height) in square pixels, upright, of a picture of the orientation of ``info``."""
    shown = (round(width * sample_aspect_ratio), height)
    return (shown[1], shown[0]) if info.rotated_sideways else shown


def named_color(color: ColorSpace) -> dict[str, Any]:
    """``color_facts`` with names beside the code points."""
    return {
        **color_facts(color),
        "matrix_name": matrix_name(color.matrix),
        "primaries_name": primaries_name(color.primaries),
        "transfer_name": transfer_name(color.transfer),
    }


def _planned(spec: PipelineSpec, notices: Notices) -> dict[str, Any]:
    """The decisions of ``vsr.pipeline.run``, made by the same code in the same order."""
    try:
        target = described(spec.output)
    except SinkError as error:
        notices.say(f"the same container can't be written ({error}); this is the plan for .mkv")
        spec = replace(spec, output="output.mkv")
        target = described(spec.output)
    with VideoSource(spec, notices, bake_orientation=not target.carries_orientation) as source:
        plan = make_plan(spec, source.info, target, notices)
        others = [s for s in source.container.streams if s.index != source.stream.index]
        streams = [plan_stream(stream, target.container) for stream in others]
        return {
            "container": target.container,
            **_plan_facts(plan, source.info),
            "streams": [{**asdict(s), "sentence": "" if s.action == "copy" else s.sentence()} for s in streams],
        }


def _plan_facts(plan: Plan, info: VideoInfo) -> dict[str, Any]:
    size, loaded = plan.size, plan.network.loaded
    return {
        "requested": size.requested,
        "width": size.width,
        "height": size.height,
        "displayed": displayed_size(info, size.width, size.height, size.sample_aspect_ratio),
        "codec": plan.encoding.codec,
        "pix_fmt": plan.encoding.pix_fmt,
        "encoder_options": plan.encoding.options,
        "color": named_color(plan.encoding.color),
        "network": {"name": plan.network.name, "passes": plan.network.passes, "weights": loaded.weights_name},
        "backend": plan.placement.backend,
        "device": plan.placement.device,
        "precision": plan.placement.precision,
    }
