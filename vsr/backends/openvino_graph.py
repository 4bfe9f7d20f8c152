"""A PlaneModel as an OpenVINO model: one graph from integer planes to integer planes, its colour work kept exact."""

import copy
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import openvino as ov
import torch
from openvino._offline_transformations import apply_moc_transformations
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from openvino.preprocess import PrePostProcessor

from vsr.plane_model import PlaneModel

_MULTIPLYING = ("Convolution", "GroupConvolution", "ConvolutionBackpropData", "MatMul")
_NOT_COMPUTING = ("Constant", "Parameter", "Result")


def to_openvino(model: PlaneModel, batch: int) -> ov.Model:
    """The graph of ``model`` for batches of exactly ``batch`` frames, float32 inside."""
    plain = copy.deepcopy(model)
    plain.precision = "fp32"  # the precision is the compiler's to apply, not a cast in the graph
    # OpenVINO's reader of traces knows no uint16: the graph has int32 in its place, and is told what comes and goes.
    wide_in, wide_out = (picture.layout.bits > 8 for picture in (model.source, model.target))
    if wide_out:
        for quantisation in (plain.encode.luma, plain.encode.chroma):
            quantisation.dtype = torch.int32
    sizes = model.source.layout.plane_sizes(model.source.width, model.source.height)
    example = tuple(torch.zeros((batch, *size), dtype=torch.int32 if wide_in else torch.uint8) for size in sizes)
    # What openvino.convert_model does, less its report of the conversion to OpenVINO's makers.
    reader = FrontEndManager().load_by_framework("pytorch")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # tracing says that sizes become constants: just what is wanted
        # Checking the trace would run the model again, and it is of one size only. It has to outlive the conversion.
        trace = TorchScriptPythonDecoder(plain, example_input=example, trace_kwargs={"check_trace": False})
        graph = reader.convert(reader.load(trace))
    for parameter, given in zip(graph.get_parameters(), example, strict=True):
        parameter.set_element_type(ov.Type.i32 if wide_in else ov.Type.u8)
        parameter.set_partial_shape(ov.PartialShape(list(given.shape)))
    graph.validate_nodes_and_infer_types()
    ends = PrePostProcessor(graph)
    for index in range(len(graph.inputs) if wide_in else 0):
        ends.input(index).tensor().set_element_type(ov.Type.u16)
    for index in range(len(graph.outputs) if wide_out else 0):
        ends.output(index).tensor().set_element_type(ov.Type.u16)
    return ends.build()


def keep_exact(core: ov.Core, graph: ov.Model) -> ov.Model:
    """``graph`` with float32 promised to everything but the network's own layers, whatever precision is asked for.

    Reduced precision is for the sums of products inside the network. Colour, chroma and what is added to the
    network's output outside its layers (the anchor) would show it. OpenVINO takes the promise as an attribute
    ("precise") that only a model file can carry, hence the way through one.
    """
    # Now, because what the compiler rewrites by itself loses the promise.
    apply_moc_transformations(graph, cf=True)
    exact = {node.get_friendly_name() for node in _outside(graph)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.xml"
        ov.save_model(graph, path, compress_to_fp16=False)
        tree = ElementTree.parse(path)
        for layer in tree.iter("layer"):
            if layer.get("name") in exact:
                _promise(layer)
        tree.write(path)
        # From memory: the weights may not stay mapped to a file that goes away.
        return core.read_model(path.read_bytes(), path.with_suffix(".bin").read_bytes())


def _outside(graph: ov.Model) -> Iterator[ov.Node]:
    """Every computing node of the colour work, and those of the network that lie behind its last layers."""
    for node in graph.get_ordered_ops():
        if node.get_type_name() not in _NOT_COMPUTING and not _of_network(node):
            yield node
    seen = set()
    todo = [result.input_value(0).get_node() for result in graph.get_results()]
    while todo:
        node = todo.pop()
        name, kind = node.get_friendly_name(), node.get_type_name()
        if name in seen or kind in _NOT_COMPUTING or (_of_network(node) and kind in _MULTIPLYING):
            continue
        seen.add(name)
        if _of_network(node):
            yield node
        todo += [value.get_node() for value in node.input_values()]


def _of_network(node: ov.Node) -> bool:
    return "__module.network" in node.get_friendly_name()


def _promise(layer: ElementTree.Element) -> None:
    info = layer.find("rt_info")
    if info is None:
        info = ElementTree.Element("rt_info")
        layer.insert(1 if layer.find("data") is not None else 0, info)
    ElementTree.SubElement(info, "attribute", name="precise", version="0")
