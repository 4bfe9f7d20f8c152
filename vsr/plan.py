"""Every decision of a run, made from the spec and the opened source before a frame is upscaled."""

from dataclasses import dataclass, replace

from vsr.errors import UsageError
from vsr.frames import VideoInfo
from vsr.io.encoders import Encoding, choose
from vsr.io.target import Target
from vsr.notices import Notices
from vsr.placement import Placement, choose_placement
from vsr.plane_model import Picture
from vsr.scaling import NetworkPlan, OutputSize, output_size, plan_network
from vsr.spec import PipelineSpec


@dataclass(frozen=True)
class Plan:
    """What will be done, ready to be carried out or only told (``vsr info``)."""

    encoding: Encoding
    size: OutputSize
    network: NetworkPlan
    placement: Placement
    source: Picture
    target: Picture
    by_field: bool
    """True for interlaced frames that stay so: each field is upscaled by itself."""


def make_plan(spec: PipelineSpec, info: VideoInfo, target: Target, notices: Notices) -> Plan:
    """Decide encoder, size, network and device. Raises UsageError, NetworkError, SinkError or BackendError."""
    if target.container == "image2" and not target.numbered and not info.still:
        stem, _, suffix = target.final.rpartition(".")
        raise UsageError(f"{target.final} is one picture, the source a video; number them: {stem}_%05d.{suffix}")
    encoding = choose(spec, target.container, target.default_codec, info, notices)
    size = _encodable(output_size(spec, info), encoding, notices)
    network = plan_network(spec, info, size)
    if network.loaded.recognised:
        notices.say(network.loaded.recognised)
    if len(network.passes) > 1:
        passes = ", then ".join(f"x{scale}" for scale in network.passes)
        notices.say(f"no weights of {network.name} reach {size.requested} at once: passes of {passes}")
    placement = choose_placement(spec, network.loaded, info)
    if placement.remark:
        notices.say(placement.remark)
    if info.interlaced:
        _check_fields(info, size, encoding)
        notices.say("the frames stay interlaced; each field is upscaled by itself")
    return Plan(
        encoding=encoding,
        size=size,
        network=network,
        placement=placement,
        source=Picture(info.width, info.height, info.layout, info.color),
        target=Picture(size.width, size.height, encoding.layout, encoding.color),
        by_field=info.interlaced,
    )


def _check_fields(info: VideoInfo, size: OutputSize, encoding: Encoding) -> None:
    """Both fields need whole lines of every plane."""
    for height, layout in ((info.height, info.layout), (size.height, encoding.layout)):
        if height % (2 << layout.chroma_shift_y):
            raise UsageError(
                f"--interlaced keep needs a height that is a multiple of {2 << layout.chroma_shift_y}, not {height}; "
                "use --interlaced bwdif"
            )


def _encodable(size: OutputSize, encoding: Encoding, notices: Notices) -> OutputSize:
    """Subsampled chroma wants even sizes of most encoders: an odd one grows by a pixel, which is said."""
    width = size.width + (size.width % 2 if encoding.even_width else 0)
    height = size.height + (size.height % 2 if encoding.even_height else 0)
    if (width, height) != (size.width, size.height):
        notices.say(
            f"{encoding.codec} in {encoding.layout.chroma_name} needs even sizes: "
            f"{size.width}x{size.height} becomes {width}x{height}"
        )
    return replace(size, width=width, height=height)
