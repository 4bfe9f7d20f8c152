"""From the wanted size to the networks that reach it: which passes to run and what the final resize makes of them."""

import itertools
import math
from dataclasses import dataclass, replace
from fractions import Fraction

from vsr.errors import NetworkError, UsageError
from vsr.frames import VideoInfo
from vsr.networks.cascade import Cascade
from vsr.networks.loading import LoadedNetwork, WeightsFile, load, open_weights
from vsr.networks.registry import entry
from vsr.spec import NAMED_BOXES, PipelineSpec, parse_size

_BYTES_PER_PIXEL = 100
"""What a pixel of the output takes of a CPU's memory, roughly: 43 to 213 were measured, by network and by format."""
MOST = 16
"""The largest factor that is supported: four passes of x2."""
DEFAULT_NETWORK = "lrsrn"
"""Runs where neither a network nor weights are given."""


@dataclass(frozen=True)
class OutputSize:
    """The stored size of the output and the sample aspect ratio that keeps its shape."""

    width: int
    height: int
    sample_aspect_ratio: Fraction
    requested: str
    """In words: what was asked for."""


def output_size(spec: PipelineSpec, info: VideoInfo) -> OutputSize:
    """The size that ``--scale`` or ``--to`` asks for, of a picture stored as ``info``.

    Named sizes are boxes for the picture as it is *shown* (portrait turns the box), kept in shape; ``WxH`` is exact
    as shown, with the sample aspect ratio changed so that nothing looks stretched.
    """
    sar = info.sample_aspect_ratio
    if spec.to is None:
        scale = spec.scale or 2
        return OutputSize(info.width * scale, info.height * scale, sar, f"x{scale}")
    if spec.to.lower() in NAMED_BOXES:
        width, height = _fit(info, NAMED_BOXES[spec.to.lower()])
        exact = Fraction(info.width, info.height) * sar / Fraction(width, height)
        # Even sizes round the shape by less than a pixel; that is not worth an odd aspect ratio.
        sar = sar if abs(exact / sar - 1) < Fraction(1, 200) else exact
        return OutputSize(width, height, sar, spec.to.lower())
    width, height = parse_size(spec.to)
    if info.rotated_sideways:
        width, height = height, width
    return OutputSize(width, height, Fraction(info.width * height, info.height * width) * sar, spec.to.lower())


def _fit(info: VideoInfo, box: tuple[int, int]) -> tuple[int, int]:
    """The largest even stored size, in the source's own pixel shape, whose shown picture fits into ``box``."""
    shown_width, shown_height = info.width * info.sample_aspect_ratio, Fraction(info.height)
    # Turning the box to the stored picture's orientation suits rotated ones too: picture and box turn together.
    if (shown_width > shown_height) != (box[0] > box[1]):
        box = (box[1], box[0])
    factor = min(box[0] / shown_width, box[1] / shown_height)
    return max(round(info.width * factor / 2) * 2, 2), max(round(info.height * factor / 2) * 2, 2)


@dataclass(frozen=True)
class NetworkPlan:
    """The network to run, whose scale reaches the wanted size, and what the report says of it."""

    name: str
    """Of the network in the registry, or spandrel's."""
    loaded: LoadedNetwork
    passes: tuple[int, ...]
    """Scale of each pass through a trained network; more than one when no single one reaches the size."""


def plan_network(spec: PipelineSpec, info: VideoInfo, size: OutputSize) -> NetworkPlan:
    """The smallest factor that reaches ``size``, of one network or of passes of the ones that have weights.

    Raises NetworkError where nothing can be loaded, and UsageError for a size more than 16 times the source's or of
    more than ``spec.max_pixels``.
    """
    # The pixel by which an odd size was made even is left to the final resize.
    wanted = max(Fraction(size.width - 1, info.width), Fraction(size.height - 1, info.height))
    if wanted > MOST:
        raise UsageError(f"the output would be {float(wanted):.1f} times the source; at most {MOST} times is supported")
    pixels = size.width * size.height
    if pixels > spec.max_pixels:
        raise UsageError(
            f"the output would be {size.width}x{size.height}, {pixels} pixels, more than {spec.max_pixels}, and its "
            f"frames take about {max(pixels * _BYTES_PER_PIXEL >> 30, 1)} GiB of memory each on a CPU; choose a "
            f"smaller size, or --max-pixels {pixels} takes it"
        )
    given = None if spec.weights is None else open_weights(spec.weights, spec.network)
    name = given.network if given else spec.network or DEFAULT_NETWORK
    passes = _passes(_given_scales(given, spec) if given else _ready_scales(name, spec), wanted)
    loaded = {scale: given.load(scale) if given else load(name, scale) for scale in set(passes)}
    network = loaded[passes[0]].network
    for scale in passes[1:]:
        network = Cascade(network, loaded[scale].network)
    return NetworkPlan(name, replace(loaded[passes[0]], network=network), passes)


def _given_scales(given: WeightsFile, spec: PipelineSpec) -> list[int]:
    """The scales that the given weights are for; NetworkError where only --scale could say."""
    if given.says_scale:
        return list(given.scales)
    if spec.scale is None:
        raise NetworkError(
            f"{given.path} holds weights of {given.network} and does not say for which of {given.fits()}; give --scale"
        )
    return [spec.scale]


def _ready_scales(name: str, spec: PipelineSpec) -> list[int]:
    """Scales of the network that need no weights or have some that ship."""
    # Nothing shipped at all: let load() say so, in its words, for the scale that was asked for.
    return list(entry(name).ready_scales()) or [spec.scale or 2]


def _passes(scales: list[int], wanted: Fraction) -> tuple[int, ...]:
    """The fewest passes that reach ``wanted``; of those, the ones that overshoot it least."""
    by_count = (
        [passes for passes in itertools.combinations_with_replacement(scales, count) if math.prod(passes) >= wanted]
        for count in itertools.count(1)
    )
    return min(next(filter(None, by_count)), key=math.prod)
