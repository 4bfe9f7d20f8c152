"""An export's whole way: a network is loaded, given its form, drawn as a graph and written."""

from importlib.metadata import version

from vsr.color_names import matrix_name
from vsr.export.forms import Form, network_form, planes_form
from vsr.export.onnx_ import to_onnx
from vsr.export.openvino_ir import write_ir
from vsr.export.spec import ExportSpec
from vsr.export.writing import whole_files
from vsr.networks.base import Network
from vsr.networks.loading import LoadedNetwork, load
from vsr.plane_model import Picture, PlaneModel, Precision

_DOMAINS = {
    "rgb": "R'G'B' in [0, 1]",
    "luma": "Y of BT.601 as code / 255",
    "yuv420": "Y as 2x2 sub-pixels, Cb, Cr, each as BT.601 code / 255, chroma sited left",
}


def run_export(spec: ExportSpec) -> dict[str, str]:
    """Write ``spec.output``; returns the facts that are written into it. Raises VsrError."""
    loaded = load(spec.network, spec.scale, spec.weights)
    # Weights of 16 bits are all that an OpenVINO IR has of half precision.
    precision: Precision = "fp32" if spec.file_format == "openvino" else spec.precision
    form, taken = _form(spec, loaded.network, precision)
    facts = _facts(spec, loaded, taken)
    onnx = to_onnx(form, facts)
    if spec.file_format == "openvino":
        write_ir(onnx, spec.output, facts, halve=spec.precision == "fp16")
    else:
        with whole_files(spec.output) as (partial,):
            partial.write_bytes(onnx)
    return facts


def _form(spec: ExportSpec, network: Network, precision: Precision) -> tuple[Form, str]:
    """The form, and what it takes in words."""
    if spec.form == "planes":
        source = spec.source
        target = Picture(source.width * network.scale, source.height * network.scale, source.layout, source.color)
        return planes_form(PlaneModel(network, source, target, precision)), _planes_in_words(source)
    size = None if spec.size is None else (spec.size[1], spec.size[0])
    form = network_form(network, precision=precision, size=size, as_rgb=spec.as_rgb)
    return form, _DOMAINS["rgb" if spec.as_rgb else network.domain]


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
