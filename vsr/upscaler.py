"""Batches of planes in, larger ones out: a PlaneModel loaded on a backend for one run."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Self

import torch

from vsr import backends, fields
from vsr.errors import UsageError
from vsr.frames import Batch, VideoInfo
from vsr.networks.base import Network
from vsr.networks.loading import LoadedNetwork
from vsr.plane_model import Picture, PlaneModel, Precision
from vsr.spec import PipelineSpec

# Network activations of about this many low-resolution samples stay within a gigabyte at the widths in use.
_STRIP_SAMPLES = 1920 * 1088


@dataclass(frozen=True)
class Placement:
    """Where and how the network runs."""

    backend: str
    device: str
    precision: Precision
    strip_rows: int | None
    remark: str | None = None
    """What the user should hear of the choice."""


def choose_placement(spec: PipelineSpec, loaded: LoadedNetwork, info: VideoInfo) -> Placement:
    """Resolve ``auto``: the GPU where there is one, the fastest backend there, the precision that it multiplies.

    Raises BackendError, NetworkError where int8 is asked of weights without a calibration for it, and UsageError where
    strips are asked of a network that looks at the whole picture.
    """
    name, remark = (spec.backend, None) if spec.backend != "auto" else backends.default(spec.device)
    backend = backends.get(name)
    device = spec.device
    if device == "auto":
        device = next((d for d in backend.devices() if d != "cpu"), "cpu")
    # Interpolation has no noise of its own to hide rounding in, and costs nothing: always exact.
    trained = any(True for _ in loaded.network.parameters())
    precision = backend.precision(device, spec.precision if trained else "fp32")
    # bfloat16 has eight bits: enough for the difference to the input, not for the picture itself.
    if spec.precision == "auto" and precision == "bf16" and not loaded.network.anchored:
        precision = "fp32"
    if precision == "int8":
        loaded.quantised()  # refuses before anything is opened
    return Placement(name, device, precision, _strip_rows(spec, loaded.network, info), remark)


def _strip_rows(spec: PipelineSpec, network: Network, info: VideoInfo) -> int | None:
    if network.halo is None:
        if spec.strip_rows is not None:
            raise UsageError(
                f"{network.name} looks at the whole picture and can't run on strips of {spec.strip_rows} rows; "
                "leave out --strip-rows, or choose another --network"
            )
        return None
    rows = spec.strip_rows or max(_STRIP_SAMPLES // (info.width * spec.batch_size), 16)
    return rows if rows < info.height else None


class Upscaler:
    """Call it with an iterable of batches for an iterator of upscaled ones, in order, one out for each in.

    ``by_field`` upscales the two fields of interlaced frames by themselves and weaves them again. An upscaled batch
    stays as it is until ``hold`` further ones have been taken, then its memory may be used again; None: for ever.
    ``tell`` hears what the user should know of the running, such as frames that half precision could not hold.
    """

    def __init__(
        self,
        loaded: LoadedNetwork,
        placement: Placement,
        source: Picture,
        target: Picture,
        *,
        by_field: bool = False,
        hold: int | None = None,
        tell: Callable[[str], None] | None = None,
    ):
        self.placement = placement
        self._by_field = by_field
        self._hold = hold
        if by_field:
            source, target = (replace(picture, height=picture.height // 2) for picture in (source, target))
        network = loaded.quantised() if placement.precision == "int8" else loaded.network
        model = PlaneModel(network, source, target, placement.precision, placement.strip_rows)
        self._runner = backends.get(placement.backend).load(model, placement.device, tell=tell)
        self.device = self._runner.device

    def __call__(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        inside: deque[Batch] = deque()

        def entering() -> Iterator[backends.Planes]:
            for item in batches:
                inside.append(item)
                yield fields.split(item.planes) if self._by_field else item.planes

        for planes in self._runner.stream(entering(), hold=self._hold):
            yield replace(inside.popleft(), planes=fields.weave(planes) if self._by_field else planes)

    def upscale(self, planes: tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
        """Planes (N, h, w) of the source picture to those of the target picture. Raises BackendError."""
        if self._by_field:
            return fields.weave(self._runner(fields.split(planes)))
        return self._runner(planes)

    def close(self) -> None:
        """Give the device back."""
        self._runner.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
