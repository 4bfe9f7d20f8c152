"""One network of a live run's ladder: planned for a size of picture, opened, its cost measured."""

import statistics
import time
from dataclasses import dataclass, replace

import torch

from vsr.frames import MATRIX_BT709, PixelLayout, VideoInfo
from vsr.notices import Notices
from vsr.plane_model import Picture
from vsr.scaling import NetworkPlan, output_size, plan_network
from vsr.spec import PipelineSpec
from vsr.upscaler import Placement, Upscaler, choose_placement

TIERS = ("bicubic", "realtime", "fast", "balanced")
"""From cheap to dear; a network that is not among them comes after them."""
_MEASURED = 3


@dataclass(frozen=True)
class Rung:
    """A network that is ready to work."""

    name: str
    upscaler: Upscaler
    info: VideoInfo
    """Of the upscaled frames."""
    cost_ms: float
    """A frame's, measured when it got ready, beside whatever else ran then."""


@dataclass(frozen=True)
class RungPlan:
    """A network, where it will run, and the pictures it takes and gives."""

    name: str
    network: NetworkPlan
    placement: Placement
    source: VideoInfo
    target: VideoInfo

    def open(self, notices: Notices) -> Rung:
        """Load, compile and measure. Raises BackendError."""
        source, target = _picture(self.source), _picture(self.target)
        upscaler = Upscaler(self.network.loaded, self.placement, source, target, tell=notices.say)
        try:
            sizes = source.layout.plane_sizes(source.width, source.height)
            grey = tuple(
                torch.full((1, *size), 1 << source.layout.bits - 1, dtype=source.layout.dtype) for size in sizes
            )
            upscaler.upscale(grey)  # compiles
            cost_ms = statistics.median(_taken_ms(upscaler, grey) for _ in range(_MEASURED))
        except BaseException:
            upscaler.close()
            raise
        return Rung(self.name, upscaler, self.target, cost_ms)


def _taken_ms(upscaler: Upscaler, planes: tuple[torch.Tensor, ...]) -> float:
    started = time.perf_counter()
    upscaler.upscale(planes)
    return 1e3 * (time.perf_counter() - started)


def plan_rungs(spec: PipelineSpec, info: VideoInfo, *, may_descend: bool) -> list[RungPlan]:
    """The rungs for pictures such as ``info``, the cheapest first, the network of ``spec`` last.

    Below it come the tiers that reach the size in one pass. Raises NetworkError, UsageError or BackendError.
    """
    top = _plan(spec, info)
    names = TIERS[: TIERS.index(top.name)] if top.name in TIERS else TIERS
    cheaper = [_plan(replace(spec, network=name, weights=None), info) for name in names] if may_descend else []
    return [*(plan for plan in cheaper if len(plan.network.passes) == 1), top]


def _plan(spec: PipelineSpec, info: VideoInfo) -> RungPlan:
    size = output_size(spec, info)
    network = plan_network(spec, info, size)
    placement = choose_placement(spec, network.loaded, info)
    target = replace(
        info,
        width=size.width + size.width % 2,
        height=size.height + size.height % 2,
        sample_aspect_ratio=size.sample_aspect_ratio,
        layout=_played(info.layout),
        color=replace(info.color, matrix=MATRIX_BT709, full_range=False) if info.layout.family == "rgb" else info.color,
    )
    return RungPlan(network.name, network, placement, info, target)


def _played(layout: PixelLayout) -> PixelLayout:
    """What every player and every live encoder takes: 4:2:0 of 8 or 10 bits without transparency; grey stays grey."""
    bits = 8 if layout.bits == 8 else 10
    return PixelLayout("gray", bits) if layout.family == "gray" else PixelLayout("yuv", bits, 1, 1)


def _picture(info: VideoInfo) -> Picture:
    return Picture(info.width, info.height, info.layout, info.color)
