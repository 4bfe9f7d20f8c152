"""What is exported: a network alone or a whole PlaneModel, each as one module with named inputs and outputs."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from vsr.color import ycc_to_rgb_matrix
from vsr.errors import UsageError
from vsr.frames import MATRIX_SMPTE170M, PixelLayout
from vsr.networks.base import Network
from vsr.networks.bicubic import Bicubic
from vsr.plane_model import PlaneModel, Precision

OVERFLOWED = "overflowed"
"""The output that a guard adds."""

_AUTOCAST = {"fp16": torch.float16, "bf16": torch.bfloat16}
# Two of everything free: the tracer takes one for a constant.
_FREE_BATCH, _FREE_SIDE = 2, 24
_PLANES = {"yuv": ("y", "u", "v"), "rgb": ("r", "g", "b"), "gray": ("y",)}


@dataclass(frozen=True)
class Form:
    """A module, and how a runtime calls it."""

    module: nn.Module
    """In eval mode, on the CPU; takes and returns tensors only."""
    example: tuple[Tensor, ...]
    """Inputs of fitting shape and dtype, all zero."""
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    free_axes: Mapping[int, str] = field(default_factory=dict)
    """Axes that may have any length, the same in every input, by what they are called."""


def network_form(
    network: Network,
    *,
    precision: Precision = "fp32",
    size: tuple[int, int] | None = None,
    batch: int | None = None,
    as_rgb: bool = False,
) -> Form:
    """The network alone: ``input`` (N,C,H,W) float32 in its domain to ``output`` (N,C,scale*H,scale*W) float32.

    ``size`` (height, width) of the picture fixes H and W, ``batch`` N; without them they are free. ``as_rgb`` gives a
    luma network three channels, R'G'B' in [0, 1], for runtimes that know nothing else. Nothing is clamped. Raises
    UsageError where a network has no such form.
    """
    if precision == "int8":
        raise UsageError("int8 can't be exported; choose fp32, fp16 or bf16")
    if as_rgb and network.domain == "yuv420":
        raise UsageError(f"{network.name} works on packed 4:2:0 planes and has no RGB form; leave out --rgb")
    module: nn.Module = network if precision == "fp32" else _Autocast(network, _AUTOCAST[precision])
    channels, cell = network.channels, network.cell
    if as_rgb and network.domain == "luma":
        module, channels = LumaAsRgb(module, network.scale), 3
    height, width = (_FREE_SIDE, _FREE_SIDE) if size is None else (-(-size[0] // cell), -(-size[1] // cell))
    free = ({} if batch else {0: "batch"}) | ({} if size else {2: "height", 3: "width"})
    example = torch.zeros((batch or _FREE_BATCH, channels, height, width))
    return Form(module.eval(), (example,), ("input",), ("output",), free)


def planes_form(
    model: PlaneModel,
    *,
    batch: int | None = None,
    deep: torch.dtype = torch.uint16,
    guard: Callable[[PlaneModel], nn.Module] | None = None,
) -> Form:
    """The whole PlaneModel: planes (N, h, w) of its source to those of its target, of integer codes.

    ``batch`` fixes N, without it N is free. Planes of 8 bits are uint8, those of more bits ``deep``. ``guard`` puts a
    module around the model that gives one output more, OVERFLOWED, (N,) bool.
    """
    if model.precision == "int8":
        raise UsageError("int8 can't be exported; choose fp32, fp16 or bf16")
    source, target = model.source, model.target
    sizes = source.layout.plane_sizes(source.width, source.height)
    dtype = code_dtype(source.layout, deep)
    example = tuple(torch.zeros((batch or _FREE_BATCH, *size), dtype=dtype) for size in sizes)
    module = _CastAtTheEdges(model, code_dtype(target.layout, deep), guard).eval()
    outputs = output_names(model, guarded=guard is not None)
    return Form(module, example, plane_names(source.layout), outputs, {} if batch else {0: "batch"})


def code_dtype(layout: PixelLayout, deep: torch.dtype) -> torch.dtype:
    """uint8, or ``deep`` for more than 8 bits."""
    return torch.uint8 if layout.bits == 8 else deep


def plane_names(layout: PixelLayout) -> tuple[str, ...]:
    """One letter for each plane, such as y, u, v, a."""
    return _PLANES[layout.family] + (("a",) if layout.alpha else ())


def output_names(model: PlaneModel, *, guarded: bool) -> tuple[str, ...]:
    """Of the outputs of ``planes_form``, in their order."""
    names = tuple(f"out_{name}" for name in plane_names(model.target.layout))
    return (*names, OVERFLOWED) if guarded else names


class LumaAsRgb(nn.Module):
    """A luma network for R'G'B' (N,3,H,W) in [0, 1]: what it adds to bicubic luma is added to bicubic R', G' and B'.

    That is the same as to upscale Y by the network, Cb and Cr by bicubic interpolation: an equal change of R', G' and
    B' is a change of Y alone, by any matrix (H.273, equations 38-40).
    """

    to_luma: Tensor

    def __init__(self, network: nn.Module, scale: int):
        super().__init__()
        self.network = network
        self.bicubic = Bicubic(scale)
        ycc_from_rgb = torch.linalg.inv(ycc_to_rgb_matrix(MATRIX_SMPTE170M))
        self.register_buffer("to_luma", (ycc_from_rgb[0] * (219 / 255)).float().reshape(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        smooth = self.bicubic(x.reshape(n * c, 1, h, w))
        smooth = smooth.reshape(n, c, smooth.shape[2], smooth.shape[3])
        result: Tensor = smooth + (self.network(self._luma(x)) - self._luma(smooth)) * (255 / 219)
        return result

    def _luma(self, rgb: Tensor) -> Tensor:
        """BT.601 codes / 255: what luma networks see."""
        return torch.nn.functional.conv2d(rgb, self.to_luma) + 16 / 255


class _Autocast(nn.Module):
    """Products in ``dtype``, float32 outside the network: what PlaneModel does."""

    def __init__(self, network: nn.Module, dtype: torch.dtype):
        super().__init__()
        self.network = network
        self._dtype = dtype

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast("cpu", self._dtype):
            return self.network(x).to(torch.float32)  # type: ignore[no-any-return]


class _CastAtTheEdges(nn.Module):
    """A PlaneModel whose codes become floats first of all and integers last of all: TensorRT shuffles no integers."""

    def __init__(self, model: PlaneModel, codes: torch.dtype, guard: Callable[[PlaneModel], nn.Module] | None):
        super().__init__()
        model = copy.deepcopy(model)
        for quantisation in (model.encode.luma, model.encode.chroma):
            quantisation.dtype = torch.float32
        self.model = guard(model) if guard else model
        self._codes = codes

    def forward(self, *planes: Tensor) -> tuple[Tensor, ...]:
        results = self.model(*(plane.to(torch.float32) for plane in planes))
        return tuple(one if one.dtype is torch.bool else one.to(self._codes) for one in results)
