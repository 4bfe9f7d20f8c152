"""The parameters within an ONNX file, under the names that they had in PyTorch; the graph itself is never run."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vsr.errors import NetworkError

_LAYERS = ("Conv", "ConvTranspose", "PRelu")
_INPUTS = {"Conv": 2, "Identity": 1}
"""At least so many has a node of these kinds, which are looked at beyond their names."""
# What other nodes take that is at most this long is no parameter, but a number for each dimension or colour.
_CONSTANT = 4


def onnx_tensors(content: bytes, path: Path) -> dict[str, torch.Tensor]:
    """Name -> tensor of the parameters in the ONNX file ``content``.

    Both exporters of PyTorch keep the names of convolutions. They lose that of a PReLU's slopes, which is found again
    as the layer behind the convolution that feeds it: ``body.0.weight`` -> ``body.1.weight``. Raises NetworkError
    without the onnx package, on anything that is not ONNX, and on tensors kept in other files.
    """
    graph = _graph(content, path)
    stored = {one.name: one for one in graph.initializer}
    if any(one.external_data or one.data_location for one in stored.values()):
        raise NetworkError(f"{path} keeps its tensors in other files; export it as one file")
    _check_nodes(graph, path)
    # Equal tensors are stored once; the others are copies of it by name.
    copies = {node.output[0]: node.input[0] for node in graph.node if node.op_type == "Identity"}
    fed_by = {node.output[0]: node.input[1] for node in graph.node if node.op_type == "Conv"}
    tensors = {}
    for node in graph.node:
        for name in node.input if node.op_type != "Identity" else ():
            found = stored.get(copies.get(name, name))
            if found is None or not _is_parameter(found, node.op_type):
                continue
            if node.op_type == "PRelu":
                tensors[_behind(fed_by.get(node.input[0], "")) or name] = _array(found, path).flatten()
            else:
                tensors[name] = _array(found, path)
    return tensors


def _graph(content: bytes, path: Path) -> Any:
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError as exc:
        raise NetworkError(f"{path} needs the onnx package to be read: pip install 'vsr[community]'") from exc
    try:
        return onnx.load_model_from_string(content).graph
    except (DecodeError, ValueError, TypeError) as exc:
        raise NetworkError(f"{path} is damaged or no ONNX file; get it again") from exc


def _check_nodes(graph: Any, path: Path) -> None:
    for node in graph.node:
        least = _INPUTS.get(node.op_type)
        if least is not None and (len(node.input) < least or not node.output):
            raise NetworkError(
                f"{path} is damaged: a node {node.op_type} has {len(node.input)} inputs and {len(node.output)} "
                "outputs; get the file again"
            )


def _is_parameter(stored: Any, taken_by: str) -> bool:
    from onnx import TensorProto

    if stored.data_type not in (TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE):
        return False
    return taken_by in _LAYERS or math.prod(stored.dims) > _CONSTANT


def _behind(convolution: str) -> str:
    """The name of the slopes behind a convolution whose weights have that name, where layers are numbered; else ''."""
    parts = convolution.split(".")
    if len(parts) < 2 or not parts[-2].isdecimal():
        return ""
    return ".".join([*parts[:-2], str(int(parts[-2]) + 1), "weight"])


def _array(stored: Any, path: Path) -> torch.Tensor:
    from onnx import numpy_helper

    try:
        return torch.from_numpy(np.array(numpy_helper.to_array(stored)))
    except (ValueError, TypeError, OverflowError, MemoryError) as exc:
        raise NetworkError(f"{path}: tensor '{stored.name}' is damaged; get the file again") from exc
