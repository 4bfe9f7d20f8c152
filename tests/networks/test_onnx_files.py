"""ONNX files as PyTorch's exporters write them: parameters come back under their names, and no graph is ever run."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.networks.authors import State
from tests.networks.authors_luma import FSRCNN_YJN, behind, fsrcnn, fsrcnn_state
from tests.networks.authors_rgb import srvgg, srvgg_state
from vsr.errors import NetworkError
from vsr.networks import load_file
from vsr.networks.checkpoint_files import read_tensors


def test_without_the_onnx_package_the_file_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "theirs.onnx").write_bytes(b"anything")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(NetworkError, match=r"needs the onnx package.*pip install 'vsr\[community\]'"):
        read_tensors(tmp_path / "theirs.onnx")


def exported(state: State, layers: list[str], slopes: Callable[[str], str], shape: tuple[int, ...]) -> Any:
    """A model of convolutions ``layers``, the last without PReLU; the exporters name slopes as ``slopes`` does.

    Slopes are reshaped to ``shape``; a shape and a scale stand among the parameters, as in any exported graph.
    """
    onnx = pytest.importorskip("onnx")
    from onnx import helper, numpy_helper

    def stored(name: str, tensor: torch.Tensor) -> Any:
        return numpy_helper.from_array(tensor.numpy(), name)

    nodes, tensors, x = [], [], "input"
    for name in layers:
        kind = "ConvTranspose" if name == "last_part" else "Conv"
        nodes.append(helper.make_node(kind, [x, f"{name}.weight", f"{name}.bias"], [f"{name}.out"]))
        tensors += [stored(f"{name}.{part}", state[f"{name}.{part}"]) for part in ("weight", "bias")]
        x = f"{name}.out"
        if name != layers[-1]:
            tensors.append(stored(slopes(name), state[f"{behind(name)}.weight"].view(shape)))
            nodes.append(helper.make_node("PRelu", [x, slopes(name)], [f"{name}.act"]))
            x = f"{name}.act"
    tensors += [stored("val_3", torch.tensor([1, -1, 4])), stored("val_4", torch.tensor([1.0, 1.0, 2.0, 2.0]))]
    nodes.append(helper.make_node("Reshape", [x, "val_3"], ["reshaped"]))
    nodes.append(helper.make_node("Resize", ["input", "", "val_4"], ["resized"]))
    info = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in ("input", "reshaped")]
    return helper.make_model(helper.make_graph(nodes, "main_graph", info[:1], info[1:], tensors))


def with_copy(model: Any) -> Any:
    """The model as the exporter saves it that stores equal tensors once: body.2's bias is that of body.0 by name."""
    from onnx import helper

    graph = model.graph
    left = [one for one in graph.initializer if one.name != "body.2.bias"]
    del graph.initializer[:]
    graph.initializer.extend(left)
    graph.node.insert(0, helper.make_node("Identity", ["body.0.bias"], ["body.2.bias"]))
    return model


SRVGG_LAYERS = ["body.0", "body.2", "body.4"]
EXPORTERS = pytest.mark.parametrize(
    ("slopes", "shape"),
    [
        (lambda name: f"onnx::PRelu_{name}", (-1, 1, 1)),
        (lambda name: f"val_{name}", (1, -1, 1, 1)),
        (lambda name: f"{behind(name)}.weight", (-1, 1, 1)),
    ],
)


@EXPORTERS
def test_srvgg_as_onnx(slopes: Callable[[str], str], shape: tuple[int, ...], tmp_path: Path) -> None:
    state = srvgg_state(2, 6, 1)
    (tmp_path / "theirs.onnx").write_bytes(exported(state, SRVGG_LAYERS, slopes, shape).SerializeToString())
    x = torch.rand(1, 3, 5, 6)
    torch.testing.assert_close(load_file(tmp_path / "theirs.onnx").network(x), srvgg(state, x, 2))


@EXPORTERS
def test_fsrcnn_as_onnx(slopes: Callable[[str], str], shape: tuple[int, ...], tmp_path: Path) -> None:
    state = fsrcnn_state(FSRCNN_YJN)
    (tmp_path / "theirs.onnx").write_bytes(exported(state, FSRCNN_YJN, slopes, shape).SerializeToString())
    x = torch.rand(1, 1, 5, 6)
    network = load_file(tmp_path / "theirs.onnx", scale=3).network
    torch.testing.assert_close(network(x), fsrcnn(FSRCNN_YJN)(state, x, 3), rtol=1e-4, atol=1e-4)


def test_equal_tensors_that_are_stored_once_are_found_by_each_name(tmp_path: Path) -> None:
    state = srvgg_state(2, 6, 1)
    state["body.2.bias"] = state["body.0.bias"]
    model = with_copy(exported(state, SRVGG_LAYERS, lambda name: f"val_{name}", (1, -1, 1, 1)))
    (tmp_path / "theirs.onnx").write_bytes(model.SerializeToString())
    tensors, _ = read_tensors(tmp_path / "theirs.onnx")
    assert tensors.keys() == state.keys()
    assert all(torch.equal(tensors[name], state[name]) for name in state)


def another_parameter(model: Any) -> None:
    from onnx import helper, numpy_helper

    model.graph.initializer.append(numpy_helper.from_array(torch.rand(6, 6).numpy(), "onnx::MatMul_7"))
    model.graph.node.append(helper.make_node("MatMul", ["reshaped", "onnx::MatMul_7"], ["more"]))


def elsewhere(model: Any) -> None:
    from onnx import TensorProto

    stored = model.graph.initializer[0]
    stored.ClearField("raw_data")
    stored.data_location = TensorProto.EXTERNAL
    stored.external_data.add(key="location", value="/etc/passwd")


def shorn(model: Any) -> None:
    model.graph.initializer[0].raw_data = b"1234"


def huge(model: Any) -> None:
    del model.graph.initializer[0].dims[:]
    model.graph.initializer[0].dims.extend([1 << 40, 1 << 40])


def nameless(model: Any) -> None:
    names = {one.name: f"onnx::Conv_{number}" for number, one in enumerate(model.graph.initializer)}
    for one in model.graph.initializer:
        one.name = names[one.name]
    for node in model.graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]


def without_output(model: Any) -> None:
    del model.graph.node[0].output[:]


def without_weights(model: Any) -> None:
    del model.graph.node[0].input[1:]


def copy_of_nothing(model: Any) -> None:
    model.graph.node.add(op_type="Identity", output=["copy"])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_output, "is damaged: a node Conv has 3 inputs and 0 outputs; get the file again"),
        (without_weights, "is damaged: a node Conv has 1 inputs and 1 outputs"),
        (copy_of_nothing, "is damaged: a node Identity has 0 inputs"),
        (another_parameter, "holds 'onnx::MatMul_7', which vsr does not know there"),
        (elsewhere, "keeps its tensors in other files; export it as one file"),
        (shorn, "tensor 'body.0.weight' is damaged"),
        (huge, "tensor 'body.0.weight' is damaged"),
        (nameless, r"of no layout that vsr knows.*vsr does not run ONNX graphs"),
    ],
)
def test_other_graphs_are_one_clear_line(
    spoil: Callable[[Any], None], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    model = exported(srvgg_state(2, 6, 1), SRVGG_LAYERS, lambda name: f"val_{name}", (1, -1, 1, 1))
    spoil(model)
    (tmp_path / "theirs.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(NetworkError, match=message) as caught:
        load_file(tmp_path / "theirs.onnx")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"no graph at all, only a line of text", bytes(range(256)) * 9])
def test_what_is_no_onnx_file_is_one_clear_line(content: bytes, tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    (tmp_path / "theirs.onnx").write_bytes(content)
    with pytest.raises(NetworkError, match=r"damaged or no ONNX file|holds no tensors"):
        read_tensors(tmp_path / "theirs.onnx")
