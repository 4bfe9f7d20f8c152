"""A form as ONNX: one file with its weights in it, no traces of the machine that made it."""

import logging
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any

import torch

from vsr.errors import BackendError
from vsr.export.forms import Form

_OPSET = 18
_IR_VERSION = 8
"""The one that came with the opset: runtimes refuse newer ones than they know."""
_LONGEST_AXIS = 1 << 16


def to_onnx(form: Form, facts: Mapping[str, str] | None = None) -> bytes:
    """The ONNX file of ``form``; ``facts`` become its ``metadata_props``.

    The same form gives the same bytes. Raises BackendError without the packages that this takes, and where PyTorch
    can't draw the module as a graph.
    """
    reason = unavailable()
    if reason is not None:
        raise BackendError(reason)
    axes = {axis: torch.export.Dim(name, min=1, max=_LONGEST_AXIS) for axis, name in form.free_axes.items()}
    with _quiet(), torch.no_grad(), _mapped_errors():
        program = torch.onnx.export(
            form.module,
            form.example,
            dynamo=True,
            verbose=False,
            opset_version=_OPSET,
            external_data=False,
            input_names=list(form.inputs),
            output_names=list(form.outputs),
            dynamic_shapes=_in_the_shape_of_arguments(form, axes) if axes else None,
        )
    if program is None:
        raise BackendError("PyTorch gave no ONNX graph; use the version that vsr is tested with")
    model = program.model_proto
    _strip(model)
    for key, value in (facts or {}).items():
        model.metadata_props.add(key=f"vsr.{key}", value=value)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def unavailable() -> str | None:
    """Why no ONNX can be made here and what to do, or None."""
    missing = next((name for name in ("onnx", "onnxscript") if find_spec(name) is None), None)
    return f"an ONNX graph needs the package {missing}: pip install 'vsr[export]'" if missing else None


def _in_the_shape_of_arguments(form: Form, axes: Mapping[int, Any]) -> tuple[Any, ...]:
    """torch.export wants the axes nested as ``forward`` takes them: ``*planes`` is one argument, a tuple."""
    each = tuple(dict(axes) for _ in form.example)
    return each if form.inputs == ("input",) else (each,)


def _strip(model: Any) -> None:
    """Take out what the exporter tells of source files and Python calls, which is nobody's business."""
    model.producer_name, model.producer_version = "vsr", version("vsr")
    model.ir_version = _IR_VERSION
    del model.metadata_props[:], model.graph.metadata_props[:]
    for item in (*model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output):
        item.doc_string = ""
        del item.metadata_props[:]
    for tensor in model.graph.initializer:
        del tensor.metadata_props[:]


@contextmanager
def _mapped_errors() -> Iterator[None]:
    try:
        yield
    except torch.onnx.OnnxExporterError as exc:
        origin: BaseException = exc
        while origin.__cause__ is not None:
            origin = origin.__cause__
        words = next(iter(str(origin).splitlines()), type(origin).__name__)
        raise BackendError(f"PyTorch can't draw this network as an ONNX graph: {words}") from exc


@contextmanager
def _quiet() -> Iterator[None]:
    """The exporter warns of torchvision's absence, which nothing here needs, and of what it does itself."""
    logger = logging.getLogger("torch.onnx._internal.exporter._registration")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
