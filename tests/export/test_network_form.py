"""A network as ONNX computes what it computes in torch, at any size, and says what it is."""

from functools import cache

import numpy as np
import onnx
import pytest
import torch

from tests.export.running import run
from vsr.errors import BackendError, UsageError
from vsr.export import onnx_
from vsr.export.forms import Form, LumaAsRgb, network_form
from vsr.export.onnx_ import to_onnx
from vsr.networks import build, load
from vsr.networks.bicubic import Bicubic

pytestmark = pytest.mark.usefixtures("one_onnx_registry")
SHAPES = [(1, 5, 9), (3, 24, 31), (2, 40, 18)]


@cache
def exported(name: str) -> bytes:
    """With its shipped weights, every axis free."""
    return to_onnx(network_form(load(name, 2).network))


@pytest.mark.parametrize("name", ["lrsrn", "ecbsr"])
def test_one_file_serves_every_size_and_batch(name: str) -> None:
    network = load(name, 2).network
    content = exported(name)
    onnx.checker.check_model(content, full_check=True)
    for count, height, width in SHAPES:
        x = torch.rand(count, network.channels, height, width)
        (y,) = run(content, x.numpy())
        assert y.dtype == np.float32
        np.testing.assert_allclose(y, network(x).numpy(), atol=1e-4)


def test_the_file_is_one_that_vs_mlrt_takes() -> None:
    """One input, one output, four axes, float32, shapes that follow from the input's by ONNX's own inference."""
    model = onnx.load_from_string(exported("ecbsr"))
    for value, channels in ((model.graph.input, 1), (model.graph.output, 1)):
        (tensor,) = (one.type.tensor_type for one in value)
        assert tensor.elem_type == onnx.TensorProto.FLOAT
        assert [axis.dim_value for axis in tensor.shape.dim] == [0, channels, 0, 0]
    for axis, length in ((0, 1), (2, 48), (3, 64)):
        model.graph.input[0].type.tensor_type.shape.dim[axis].dim_value = length
    inferred = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    assert [axis.dim_value for axis in inferred.graph.output[0].type.tensor_type.shape.dim] == [1, 1, 96, 128]
    assert {one.domain for one in model.opset_import} <= {"", "ai.onnx"}


def test_the_same_network_gives_the_same_bytes_without_a_trace_of_the_machine() -> None:
    form = network_form(load("espcn", 2).network, size=(7, 9), batch=1)
    content = to_onnx(form, {"network": "espcn"})
    assert content == to_onnx(form, {"network": "espcn"})
    model = onnx.load_from_string(content)
    assert {one.key: one.value for one in model.metadata_props} == {"vsr.network": "espcn"}
    del model.graph.initializer[:]
    for trace in (".py", "torch", "/"):
        assert trace not in str(model)


def test_fixed_sizes_are_fixed_in_the_file() -> None:
    model = onnx.load_from_string(to_onnx(network_form(load("bicubic", 3).network, size=(6, 10), batch=2)))
    shapes = [
        [axis.dim_value for axis in one.type.tensor_type.shape.dim] for one in (*model.graph.input, *model.graph.output)
    ]
    assert shapes == [[2, 1, 6, 10], [2, 1, 18, 30]]


def test_a_luma_network_made_rgb_changes_luma_alone() -> None:
    network = load("ecbsr", 2).network
    weights = torch.tensor([0.299, 0.587, 0.114])  # BT.601, as luma networks are trained
    x = torch.rand(2, 3, 12, 15)
    result = LumaAsRgb(network, 2)(x)
    bicubic = Bicubic(2)(x.reshape(6, 1, 12, 15)).reshape(2, 3, 24, 30)

    def luma(rgb: torch.Tensor) -> torch.Tensor:
        return torch.einsum("nchw,c->nhw", rgb, weights)[:, None]

    expected = (network(luma(x) * (219 / 255) + 16 / 255) - 16 / 255) * (255 / 219)
    torch.testing.assert_close(luma(result), expected, atol=1e-5, rtol=0)
    torch.testing.assert_close(result - luma(result), bicubic - luma(bicubic), atol=1e-5, rtol=0)


def test_the_rgb_form_of_a_luma_network_is_exported_whole() -> None:
    form = network_form(load("espcn", 2).network, as_rgb=True)
    x = torch.rand(1, 3, 11, 8)
    (y,) = run(to_onnx(form), x.numpy())
    np.testing.assert_allclose(y, form.module(x).numpy(), atol=1e-4)


@pytest.mark.parametrize(("precision", "tolerance"), [("fp16", 2e-3), ("bf16", 2e-2)])
def test_half_precision_is_in_the_graph_and_float32_around_it(precision: str, tolerance: float) -> None:
    """onnxruntime multiplies no bf16 on a CPU, so the result is looked at for fp16 only."""
    network = load("lrsrn", 2).network
    content = to_onnx(network_form(network, precision=precision, size=(9, 12), batch=1))  # type: ignore[arg-type]
    model = onnx.load_from_string(content)
    half = onnx.TensorProto.FLOAT16 if precision == "fp16" else onnx.TensorProto.BFLOAT16
    types = {one.name: one.data_type for one in model.graph.initializer}
    cast_to_half = {
        node.output[0] for node in model.graph.node if node.op_type == "Cast" and node.attribute[0].i == half
    }
    for node in model.graph.node:
        if node.op_type == "Conv":
            assert types.get(node.input[1]) == half or node.input[1] in cast_to_half
    assert {one.type.tensor_type.elem_type for one in (*model.graph.input, *model.graph.output)} == {
        onnx.TensorProto.FLOAT
    }
    if precision == "fp16":
        x = torch.rand(1, 3, 9, 12)
        np.testing.assert_allclose(run(content, x.numpy())[0], network(x).numpy(), atol=tolerance)


class Undrawable(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x if x.sum() > 0 else -x


def test_what_can_not_be_drawn_as_a_graph_is_a_backend_error_in_one_line() -> None:
    with pytest.raises(BackendError, match=r"can't draw this network as an ONNX graph: .") as caught:
        to_onnx(Form(Undrawable(), (torch.zeros(1, 1, 2, 2),), ("input",), ("output",)))
    assert "\n" not in str(caught.value)


def test_int8_is_refused() -> None:
    with pytest.raises(UsageError, match="int8"):
        network_form(load("bicubic", 2).network, precision="int8")


def test_without_the_exporter_the_cure_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_, "find_spec", lambda name: None if name == "onnxscript" else object())
    with pytest.raises(BackendError, match=r"onnxscript.*pip install 'vsr\[export\]'"):
        to_onnx(network_form(build("espcn", 2).deploy()))
