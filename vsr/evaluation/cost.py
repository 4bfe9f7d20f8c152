"""What a network costs: multiply-accumulates counted, milliseconds a frame measured."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch.overrides import TorchFunctionMode

from vsr.evaluation.benchmark import device_of
from vsr.evaluation.running import open_upscaler
from vsr.frames import MATRIX_BT709, ColorSpace, PixelLayout
from vsr.networks import LoadedNetwork, Network
from vsr.plane_model import Picture

UHD = (3840, 2160)
_TILE = 8
_WARM_UPS = 2
_RUNS = 5


def gmac_to_4k(network: Network) -> float:
    """Billions of multiply-accumulates of the deployed ``network`` for one frame of 3840x2160 out.

    So from 1920x1080 at x2, 1280x720 at x3, 960x540 at x4. Each convolution counts as often as it is applied, and
    adding its bias counts as one accumulate; activations, additions and shuffles don't count.
    """
    return macs_per_pixel(network) * math.prod(UHD) / network.scale**2 / 1e9


def macs_per_pixel(network: Network) -> float:
    """Multiply-accumulates for one pixel of the picture before upscaling, counted on a small square.

    Convolutions cost the same at every pixel. What a network does once a picture (attention over its mean) counts
    as if done for every such square; that is less than a thousandth of any network's cost.
    """
    side = _TILE * network.multiple_of
    x = torch.zeros((1, network.channels, side, side), device=device_of(network))
    with torch.inference_mode(), _MacCounter() as counter:
        network(x)
    return float(counter.macs / (side * network.cell) ** 2)


class _MacCounter(TorchFunctionMode):
    """Adds up the multiply-accumulates of every convolution called within it."""

    def __init__(self) -> None:
        super().__init__()
        self.macs = 0

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: Sequence[Any] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if func in (F.conv2d, F.conv_transpose2d):
            named = dict(zip(("input", "weight", "bias"), args, strict=False)) | (kwargs or {})
            # Transposed, each sample of the INPUT is multiplied by the whole kernel of its channel.
            samples = named["input"] if func is F.conv_transpose2d else result
            self.macs += samples.numel() * math.prod(named["weight"].shape[1:])
            self.macs += result.numel() if named.get("bias") is not None else 0
        return result


@dataclass(frozen=True)
class Timing:
    """How long one frame takes."""

    width: int
    height: int
    """Of the frame before upscaling."""
    ms: float
    """Median over the runs."""
    device: str
    precision: str


def time_frame(loaded: LoadedNetwork, width: int, height: int, device: str = "auto") -> Timing:
    """Time one 8-bit 4:2:0 frame of ``width`` x ``height`` from planes to larger planes, as ``vsr run`` has it done.

    Colour conversion and the copies to a device and back included, decoding and encoding not. Default backend and
    precision, one frame at a time. Raises BackendError.
    """
    layout, color = PixelLayout("yuv", 8, 1, 1), ColorSpace(MATRIX_BT709, full_range=False)
    source = Picture(width, height, layout, color)
    scale = loaded.network.scale
    generator = torch.Generator().manual_seed(0)
    planes = tuple(
        torch.randint(16, 236, (1, *size), dtype=torch.uint8, generator=generator)
        for size in layout.plane_sizes(width, height)
    )
    target = Picture(width * scale, height * scale, layout, color)
    with open_upscaler(loaded, source, target, precision="auto", device=device) as upscaler:
        for _ in range(_WARM_UPS):
            upscaler.upscale(planes)
        runs = [_seconds(lambda: upscaler.upscale(planes)) for _ in range(_RUNS)]
        return Timing(width, height, statistics.median(runs) * 1e3, upscaler.device, upscaler.placement.precision)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
