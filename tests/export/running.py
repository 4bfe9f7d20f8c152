"""ONNX graphs run by onnxruntime: what an exported file does where there is no vsr."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

Arrays = list[npt.NDArray[Any]]


def session(content: bytes) -> Any:
    """An onnxruntime session on one thread; the test is skipped without onnxruntime."""
    ort = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; it is in vsr[dev]")
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def run(content: bytes, *inputs: npt.NDArray[Any]) -> Arrays:
    """The outputs of a graph, its inputs given in their order."""
    running = session(content)
    names = [one.name for one in running.get_inputs()]
    outputs: Arrays = running.run(None, dict(zip(names, inputs, strict=True)))
    return [np.asarray(output) for output in outputs]
