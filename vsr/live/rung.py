"""One way to upscale in a live run's ladder: planned for a kind of picture, opened, its cost measured."""

import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

import torch

from vsr.frames import MATRIX_BT709, Frame, PixelLayout, Plane, VideoInfo
from vsr.io.picture import Canvas, Resizer, resized
from vsr.notices import Notices
from vsr.placement import Placement, choose_placement
from vsr.plane_model import Picture
from vsr.scaling import NetworkPlan, output_size, plan_network
from vsr.spec import PipelineSpec
from vsr.upscaler import Upscaler

INTERPOLATION = "bicubic"
TIERS = (INTERPOLATION, "realtime", "fast", "balanced")
"""From cheap to dear; a network that is not among them comes after them."""
_TRIALS = 3


class Upscaling(Protocol):
    """What makes a frame larger."""

    def upscale(self, frame: Frame) -> tuple[Plane, ...]:
        """The planes of ``frame``, upscaled; from any thread. Raises BackendError."""
        ...

    def close(self) -> None:
        """Give the device back."""
        ...


@dataclass(frozen=True)
class Rung:
    """A way to upscale that is ready to work."""

    name: str
    upscaling: Upscaling
    info: VideoInfo
    """Of the upscaled frames."""
    trial: Frame
    """A grey one, to measure with."""
    cost_ms: float = 0.0
    """A frame's, beside whatever else ran when it was measured."""

    def measured(self) -> "Rung":
        """With its cost as it is now. Raises BackendError."""
        return replace(self, cost_ms=statistics.median(self._trial_ms() for _ in range(_TRIALS)))

    def _trial_ms(self) -> float:
        started = time.perf_counter()
        self.upscaling.upscale(self.trial)
        return 1e3 * (time.perf_counter() - started)


@dataclass(frozen=True)
class RungPlan:
    """A way to upscale, and the pictures that it takes and gives."""

    name: str
    source: VideoInfo
    target: VideoInfo
    passes: int
    make: Callable[[Notices], Upscaling]

    def open(self, notices: Notices) -> Rung:
        """Load, compile and measure. Raises BackendError."""
        upscaling = self.make(notices)
        layout = self.source.layout
        sizes = layout.plane_sizes(self.source.width, self.source.height)
        grey = tuple(torch.full(size, 1 << layout.bits - 1, dtype=layout.dtype).numpy() for size in sizes)
        rung = Rung(self.name, upscaling, self.target, Frame(grey, 0, self.source.time_base))
        try:
            upscaling.upscale(rung.trial)  # compiles
            return rung.measured()
        except BaseException:
            upscaling.close()
            raise


class _Interpolation:
    """FFmpeg's bicubic."""

    def __init__(self, source: VideoInfo, target: VideoInfo):
        self._source, self._target = (Canvas(i.width, i.height, i.layout, i.color) for i in (source, target))
        self._resizer = Resizer()

    def upscale(self, frame: Frame) -> tuple[Plane, ...]:
        return resized(frame.planes, self._source, self._target, self._resizer)

    def close(self) -> None:
        """There is nothing to give back."""


class _ByNetwork:
    """A network on its backend, one frame at a time."""

    def __init__(self, network: NetworkPlan, placement: Placement, plan: tuple[VideoInfo, VideoInfo], notices: Notices):
        source, target = (Picture(info.width, info.height, info.layout, info.color) for info in plan)
        self._upscaler = Upscaler(network.loaded, placement, source, target, tell=notices.say)
        self._alone = threading.Lock()

    def upscale(self, frame: Frame) -> tuple[Plane, ...]:
        with self._alone:
            planes = self._upscaler.upscale(tuple(torch.from_numpy(plane).unsqueeze(0) for plane in frame.planes))
        return tuple(plane[0].numpy() for plane in planes)

    def close(self) -> None:
        self._upscaler.close()


def plan_rungs(spec: PipelineSpec, info: VideoInfo, *, may_descend: bool) -> list[RungPlan]:
    """The rungs for pictures such as ``info``, the cheapest first, what ``spec`` asks for last.

    Below it come the tiers that reach the size in one pass; the cheapest is FFmpeg's own bicubic interpolation, which
    costs next to nothing and is ready at once. Raises NetworkError, UsageError or BackendError.
    """
    top = _plan(spec, info)
    names = TIERS[: TIERS.index(top.name)] if top.name in TIERS else TIERS
    cheaper = [_plan(replace(spec, network=name, weights=None), info) for name in names] if may_descend else []
    return [*(plan for plan in cheaper if plan.passes == 1), top]


def _plan(spec: PipelineSpec, info: VideoInfo) -> RungPlan:
    size = output_size(spec, info)
    target = replace(
        info,
        width=size.width + size.width % 2,
        height=size.height + size.height % 2,
        sample_aspect_ratio=size.sample_aspect_ratio,
        layout=_played(info.layout),
        color=replace(info.color, matrix=MATRIX_BT709, full_range=False) if info.layout.family == "rgb" else info.color,
    )
    if spec.network == INTERPOLATION:
        return RungPlan(INTERPOLATION, info, target, 1, lambda _: _Interpolation(info, target))
    network = plan_network(spec, info, size)
    placement = choose_placement(spec, network.loaded, info)
    return RungPlan(
        network.name, info, target, len(network.passes), lambda n: _ByNetwork(network, placement, (info, target), n)
    )


def _played(layout: PixelLayout) -> PixelLayout:
    """What every player and every live encoder takes: 4:2:0 of 8 or 10 bits without transparency; grey stays grey."""
    bits = 8 if layout.bits == 8 else 10
    return PixelLayout("gray", bits) if layout.family == "gray" else PixelLayout("yuv", bits, 1, 1)
