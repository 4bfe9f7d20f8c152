"""Networks in 8-bit integers: the calibrated ranges of a weights file, and the network that computes within them.

A convolution's input is quantised with one step for the whole tensor to 0..255, its kernel with one step for each
output channel to -127..127, as integer units multiply them; sums and biases stay exact. (Jacob et al., Quantization
and training of neural networks for efficient integer-arithmetic-only inference, CVPR 2018, equation 1.) Here both are
simulated in float32, which compilers recognise and turn into integer convolutions.
"""

import copy
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import nn

from vsr.errors import NetworkError
from vsr.networks.base import Network

LEVELS = 255
"""Steps from the lowest to the highest quantised input."""
_LARGEST_WEIGHT = 127
_Net = TypeVar("_Net", bound=Network)


class Range(NamedTuple):
    """What the 256 codes of a convolution's input cover; zero, with which it is padded, always is one of them."""

    low: float
    """0 or less."""
    high: float
    """More than ``low``."""

    @property
    def step(self) -> float:
        """From one code to the next."""
        return (self.high - self.low) / LEVELS

    @property
    def zero_point(self) -> int:
        """The code of zero."""
        return round(-self.low / self.step)


@dataclass(frozen=True)
class Calibration:
    """The int8 form of one weights file: its ranges, how they were found, and what it scores with them."""

    weights_sha256: str
    """Of the weights file that the ranges belong to, hexadecimal."""
    ranges: Mapping[str, Range]
    """By the convolution's name in the deployed network; one that is not named keeps its floats."""
    left_out: tuple[str, ...] = ()
    """Convolutions that keep their floats, because in 8 bits they cost too much."""
    method: str = ""
    """How the ranges were chosen."""
    seed: int = 0
    data: Mapping[str, Any] = field(default_factory=dict)
    """Number of photographs and side of their patches, digest of their names and sizes, how they were degraded."""
    scores: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Set -> {"float", "int8", "loss"}: PSNR of luma in dB, each rounded to four digits."""
    date: str = ""
    """ISO 8601 day."""
    torch_version: str = ""

    @property
    def loss(self) -> float:
        """The largest of the sets, dB."""
        return max(score["loss"] for score in self.scores.values())


class QuantisedConv(nn.Module):
    """A convolution of quantised input and kernel; the bias is added as it is."""

    def __init__(self, conv: nn.Conv2d, values: Range):
        super().__init__()
        self.weight, self.bias = conv.weight, conv.bias
        self.stride, self.padding, self.dilation, self.groups = conv.stride, conv.padding, conv.dilation, conv.groups
        self.values = values
        largest = conv.weight.detach().abs().amax((1, 2, 3))
        steps = torch.where(largest > 0, largest / _LARGEST_WEIGHT, 1.0)
        self.weight_steps: torch.Tensor
        self.weight_zero_points: torch.Tensor
        self.register_buffer("weight_steps", steps)
        self.register_buffer("weight_zero_points", torch.zeros_like(steps, dtype=torch.int32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(N,in,H,W) -> (N,out,H,W), float32."""
        x = torch.fake_quantize_per_tensor_affine(x, self.values.step, self.values.zero_point, 0, LEVELS)
        weight = torch.fake_quantize_per_channel_affine(
            self.weight, self.weight_steps, self.weight_zero_points, 0, -_LARGEST_WEIGHT, _LARGEST_WEIGHT
        )
        return F.conv2d(x, weight, self.bias, self.stride, self.padding, self.dilation, self.groups)

    def extra_repr(self) -> str:
        """Everything that is no tensor, so that the words of two networks differ where their arithmetic does."""
        low, high = self.values
        return f"{low!r} to {high!r}, {self.stride}, {self.padding}, {self.dilation}, groups={self.groups}"


def convolutions(network: Network) -> dict[str, nn.Conv2d]:
    """The convolutions of the deployed ``network`` by name, all of which ``quantise`` can do.

    NetworkError where it multiplies in other ways too, or not at all.
    """
    found = {name: module for name, module in network.named_modules() if isinstance(module, nn.Conv2d)}
    for name, parameter in network.named_parameters():
        owner, _, own = name.rpartition(".")
        if parameter.dim() > 1 and (owner not in found or own != "weight"):
            kind = type(network.get_submodule(owner)).__name__
            raise NetworkError(
                f"{network.name} can't be run in int8: '{name}' belongs to a {kind}, and only plain convolutions are "
                "quantised; use another --precision"
            )
    for name, conv in found.items():
        if conv.padding_mode != "zeros":
            raise NetworkError(
                f"{network.name} can't be run in int8: '{name}' pads with '{conv.padding_mode}', and only zeros are "
                "quantised; use another --precision"
            )
    if not found:
        raise NetworkError(f"{network.name} has no convolutions to run in int8; use another --precision")
    return found


def quantise(network: _Net, ranges: Mapping[str, Range]) -> _Net:
    """A copy of the deployed ``network`` whose convolutions named in ``ranges`` compute in 8 bits.

    Everything else about it is the same. NetworkError where ``convolutions`` raises it, or a name is none of theirs.
    """
    known = convolutions(network)
    for name in ranges:
        if name not in known:
            raise NetworkError(f"{network.name} x{network.scale} has no convolution '{name}'; calibrate it again")
    quantised = copy.deepcopy(network)
    by_conv = {id(quantised.get_submodule(name)): values for name, values in ranges.items()}
    made: dict[int, QuantisedConv] = {}
    for parent in list(quantised.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.Conv2d) and id(child) in by_conv:
                # One convolution used in two places stays one.
                made.setdefault(id(child), QuantisedConv(child, by_conv[id(child)]))
                setattr(parent, name, made[id(child)])
    return quantised


def calibration_path(weights: Path) -> Path:
    """Where the calibration of a weights file lies: ``lrsrn_x2_clean.int8.json`` beside it."""
    return weights.with_suffix(".int8.json")


def read_calibration(weights: Path) -> Calibration | None:
    """What lies beside the weights file ``weights``; None if nothing does. NetworkError if it is malformed."""
    path = calibration_path(weights)
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        known = {one.name for one in fields(Calibration)}
        values = {key: value for key, value in content.items() if key in known}
        values["ranges"] = {name: _range(*ends) for name, ends in values["ranges"].items()}
        values["left_out"] = tuple(values.get("left_out", ()))
        return Calibration(**values)
    except (OSError, ValueError, TypeError, AttributeError, KeyError, RecursionError, OverflowError) as exc:
        raise NetworkError(f"{path} is not a calibration for int8 ({exc}); remove it or restore it") from exc


def write_calibration(path: Path, calibration: Calibration) -> None:
    """Write ``path``, which appears only when whole. NetworkError where it can't be written."""
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(asdict(calibration), indent=2) + "\n", encoding="utf-8")
        partial.replace(path)
    except OSError as exc:
        raise NetworkError(f"can't write {path}: {exc.strerror or exc}; choose another --out") from exc


def _range(low: float, high: float) -> Range:
    if not (low <= 0 < high < float("inf")):
        raise ValueError(f"no range of codes from {low} to {high}")
    return Range(float(low), float(high))
