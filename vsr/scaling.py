"""From the wanted size to the networks that reach it: which passes to run and what the final resize makes of them."""

from dataclasses import dataclass
from fractions import Fraction

from vsr.errors import UsageError
from vsr.frames import VideoInfo
from vsr.networks.cascade import Cascade
from vsr.networks.registry import LoadedNetwork, entry, load
from vsr.spec import NAMED_BOXES, PipelineSpec, parse_size


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
    if info.rotated_sideways:
        box = (box[1], box[0])
    if (shown_width > shown_height) != (box[0] > box[1]):
        box = (box[1], box[0])
    factor = min(box[0] / shown_width, box[1] / shown_height)
    return max(round(info.width * factor / 2) * 2, 2), max(round(info.height * factor / 2) * 2, 2)


@dataclass(frozen=True)
class NetworkPlan:
    """The network to run, whose scale reaches the wanted size, and what the report says of it."""

    loaded: LoadedNetwork
    passes: tuple[int, ...]
    """Scale of each pass through a trained network; more than one when no single one reaches the size."""


def plan_network(spec: PipelineSpec, info: VideoInfo, size: OutputSize) -> NetworkPlan:
    """The smallest factor that reaches ``size``, of one network or of passes of the ones that have weights.

    Raises NetworkError where nothing can be loaded, and UsageError for a size more than 16 times the source's.
    """
    wanted = max(Fraction(size.width, info.width), Fraction(size.height, info.height))
    scales = _usable_scales(spec)
    single = [s for s in scales if s >= wanted]
    passes = (min(single),) if single else _passes(max(scales, default=0), wanted)
    parts = [load(spec.network, scale, spec.weights) for scale in passes]
    network = parts[0].network
    for part in parts[1:]:
        network = Cascade(network, part.network)
    first = parts[0]
    return NetworkPlan(LoadedNetwork(network, first.weights_name, first.sha256, first.card), passes)


def _usable_scales(spec: PipelineSpec) -> list[int]:
    """Scales of the network for which there are weights: the given file's, or every one that ships."""
    chosen = entry(spec.network)
    if not chosen.trained:
        return list(chosen.scales)
    if spec.weights is not None:
        return [load(spec.network, scale, spec.weights).network.scale for scale in _fitting(spec)]
    # Nothing shipped at all: let load() say so, in its words, for the scale that was asked for.
    return sorted(chosen.default_weights) or [spec.scale or 2]


def _fitting(spec: PipelineSpec) -> list[int]:
    from vsr.errors import NetworkError

    fitting: list[int] = []
    error: NetworkError | None = None
    for scale in entry(spec.network).scales:
        try:
            load(spec.network, scale, spec.weights)
            fitting.append(scale)
        except NetworkError as exc:
            error = error or exc
    if not fitting and error is not None:
        raise error
    return fitting


def _passes(scale: int, wanted: Fraction) -> tuple[int, ...]:
    passes: list[int] = []
    reached = 1
    while reached < wanted:
        if scale < 2 or len(passes) == 4:
            raise UsageError(f"the output would be {float(wanted):.1f} times the source; at most 16 times is supported")
        passes.append(scale)
        reached *= scale
    return tuple(passes)
