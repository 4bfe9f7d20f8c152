"""An ONNX graph as OpenVINO IR: an .xml with the graph and a .bin with the weights."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from vsr.errors import BackendError
from vsr.export.writing import whole_files


def write_ir(onnx: bytes, path: Path, facts: Mapping[str, str], *, halve: bool) -> None:
    """Write ``path`` (.xml) and the .bin beside it; ``facts`` become ``rt_info`` under "vsr".

    ``halve`` stores the weights in 16 bits; in which precision they are multiplied is the runtime's choice. Raises
    BackendError without OpenVINO and SinkError.
    """
    if find_spec("openvino") is None:
        raise BackendError("OpenVINO IR needs the package openvino: pip install openvino")
    import openvino

    model = openvino.Core().read_model(onnx)
    for key, value in facts.items():
        model.set_rt_info(value, ["vsr", key])
    with whole_files(path, path.with_suffix(".bin")) as (xml, _):
        openvino.save_model(model, xml, compress_to_fp16=halve)
