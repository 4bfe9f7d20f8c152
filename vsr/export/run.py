"""An export's whole way: a network is loaded, given its form, drawn as a graph and written."""

from collections.abc import Callable
from importlib.metadata import version

import torch

from vsr.color_names import matrix_name
from vsr.errors import BackendError
from vsr.export.engine import build_engine
from vsr.export.forms import Form, network_form, planes_form
from vsr.export.onnx_ import to_onnx
from vsr.export.openvino_ir import write_ir
from vsr.export.spec import ExportSpec
from vsr.export.tensorrt_library import Library, library
from vsr.export.writing import whole_files
from vsr.networks.base import Network
from vsr.networks.loading import LoadedNetwork, load, load_file
from vsr.plane_model import Picture, PlaneModel, Precision

_DEFAULT_NETWORK, _DEFAULT_SCALE = "lrsrn", 2
_DOMAINS = {
    "rgb": "R'G'B' in [0, 1]",
    "luma": "Y of BT.601 as code / 255",
    "yuv420": "Y as 2x2 sub-pixels, Cb, Cr, each as BT.601 code / 255, chroma sited left",
}


def run_export(spec: ExportSpec, progress: Callable[[str], None] | None = None) -> dict[str, str]:
    """Write ``spec.output``; returns the facts that are written into it. Raises VsrError.

    ``progress`` hears how far the building of an engine has come.
    """
    # What can't be done is said before anything is loaded.
    found = library() if spec.file_format == "tensorrt" else None
    capability = _capability(spec, found) if found else None
    loaded = _load(spec)
    form, taken = _form(spec, loaded.network)
    facts = _facts(spec, loaded, taken)
    content = to_onnx(form, facts)
    if spec.file_format == "openvino":
        write_ir(content, spec.output, facts, halve=spec.precision == "fp16")
        return facts
    if found:
        batches = spec.batch if spec.fixed_batch is None else None
        content = build_engine(found, content, batches=batches, capability=capability, progress=progress).content
        facts["library"] = found.version
    with whole_files(spec.output) as (partial,):
        partial.write_bytes(content)
    return facts


def _load(spec: ExportSpec) -> LoadedNetwork:
    if spec.weights is not None:
        return load_file(spec.weights, spec.network, spec.scale)
    return load(spec.network or _DEFAULT_NETWORK, spec.scale or _DEFAULT_SCALE)


def _form(spec: ExportSpec, network: Network) -> tuple[Form, str]:
    """The form, and what it takes in words."""
    # Weights of 16 bits are all that an OpenVINO IR has of half precision.
    precision: Precision = "fp32" if spec.file_format == "openvino" else spec.precision
    if spec.form == "planes":
        source = spec.source
        target = Picture(source.width * network.scale, source.height * network.scale, source.layout, source.color)
        # TensorRT has no uint16; float32 holds every code.
        deep = torch.float32 if spec.file_format == "tensorrt" else torch.uint16
        form = planes_form(PlaneModel(network, source, target, precision), batch=spec.fixed_batch, deep=deep)
        return form, f"{_planes_in_words(source)}, as {str(form.example[0].dtype).removeprefix('torch.')}"
    size = None if spec.size is None else (spec.size[1], spec.size[0])
    form = network_form(network, precision=precision, size=size, batch=spec.fixed_batch, as_rgb=spec.as_rgb)
    any_size = "any size" if size is None else f"{size[1]}x{size[0]}"
    return form, f"{any_size}, {_DOMAINS['rgb' if spec.as_rgb else network.domain]}, as float32"


def _capability(spec: ExportSpec, found: Library) -> tuple[int, int] | None:
    """For which GPU to build. Raises BackendError where that is not this machine's and has to be."""
    here = torch.cuda.get_device_capability() if torch.cuda.is_available() else None
    wanted = spec.compute_capability or here
    if wanted is None:
        raise BackendError("no GPU here to make an engine for; say for which with --compute-capability, such as 8.6")
    if not found.rtx and wanted != here:
        raise BackendError(f"{found.name} makes engines only for the GPU it runs on; pip install 'vsr[tensorrt-rtx]'")
    return wanted


def _planes_in_words(source: Picture) -> str:
    layout, color = source.layout, source.color
    size = f"{source.width}x{source.height} {layout.chroma_name}, {layout.bits} bits"
    rest = f"matrix {matrix_name(color.matrix)}, {'full' if color.full_range else 'limited'} range"
    return f"{size}, {rest}, chroma sited {color.chroma_location}" if layout.family == "yuv" else f"{size}, {rest}"


def _facts(spec: ExportSpec, loaded: LoadedNetwork, taken: str) -> dict[str, str]:
    return {
        "version": version("vsr"),
        "network": loaded.network.name,
        "scale": str(loaded.network.scale),
        "weights": loaded.weights_name or "none",
        "weights_sha256": loaded.sha256 or "none",
        "form": spec.form,
        "precision": spec.precision,
        "input": taken,
    }
