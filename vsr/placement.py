"""Where and how the network of a run works: which backend, which device, which precision, and on how much at once."""

from dataclasses import dataclass, replace

from vsr import backends
from vsr.backends import PrecisionChoice
from vsr.errors import UsageError
from vsr.frames import VideoInfo
from vsr.networks.base import Network
from vsr.networks.loading import LoadedNetwork
from vsr.plane_model import Precision
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
    fallback: "Placement | None" = None
    """Where to go on when ``device`` has not memory enough for the least that it can be asked; None: nowhere."""


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
    fallback = None
    if spec.allow_cpu_fallback and device != "cpu":
        # The CPU may lack the backend and the precision that were asked of the device; float32 it has.
        on_cpu: PrecisionChoice = "fp32" if spec.precision == "fp32" else "auto"
        fallback = choose_placement(replace(spec, backend="auto", device="cpu", precision=on_cpu), loaded, info)
    return Placement(name, device, precision, _strip_rows(spec, loaded.network, info), remark, fallback)


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
