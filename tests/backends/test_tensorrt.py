"""The TensorRT backend: engines are kept, replaced and run; on a GPU their picture is eager float32's."""

import copy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from onnx import helper, numpy_helper

from tests.backends.fake_layer import FakeLayer
from tests.export.fake_tensorrt import Module, RtxModule
from tests.pictures import YUV420, Planes, color, noise, smooth, tensors, worst, yuv
from vsr import backends
from vsr.backends import engines, tensorrt_
from vsr.backends.engines import Engines, Gpu
from vsr.backends.tensorrt_ import EngineProgram, TensorRtBackend, TensorRtRunner
from vsr.errors import BackendError
from vsr.export.forms import Form
from vsr.export.tensorrt_library import library
from vsr.frames import PixelLayout
from vsr.networks import load
from vsr.networks.base import Network
from vsr.plane_model import Picture, PlaneModel, Precision

pytestmark = pytest.mark.usefixtures("one_onnx_registry")
GPU = Gpu("a card", (8, 6))
STREAM = 1234
LAYOUTS = {
    "420": yuv(YUV420),
    "420p10": yuv(YUV420, 10),
    "gray": PixelLayout("gray", 8),
    "gray10": PixelLayout("gray", 10),
}


@pytest.fixture(autouse=True)
def cache_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("VSR_CACHE", str(tmp_path))
    return tmp_path / "tensorrt"


def plane_model(
    layout: str = "420", precision: Precision = "fp32", network: Network | None = None, into: str | None = None
) -> PlaneModel:
    """13x21, portrait and odd, x2; ``into`` is another layout of the result."""
    source = Picture(13, 21, LAYOUTS[layout], color())
    target = Picture(26, 42, LAYOUTS[into or layout], color())
    return PlaneModel(network or load("bicubic", 2).network, source, target, precision)


def runner(model: PlaneModel, module: Module, tell: Callable[[str], None] | None = None) -> TensorRtRunner:
    """The backend's runner with another device and another library beneath it."""
    store = Engines(model.eval(), module.library(), GPU, tell)
    exact = None if model.precision == "fp32" else in_float32(model)
    return TensorRtRunner(
        FakeLayer(),
        store,
        lambda: EngineProgram(store, lambda: STREAM),
        None if exact is None else lambda planes: exact(*planes),
        tell,
    )


def in_float32(model: PlaneModel) -> PlaneModel:
    exact = copy.copy(model).eval()
    exact.precision = "fp32"
    return exact


def expected(model: PlaneModel, planes: Planes) -> Planes:
    with torch.inference_mode():
        return tuple(plane[0].numpy() for plane in in_float32(model)(*tensors(planes)))


@pytest.mark.parametrize(
    ("module", "layout", "into"),
    [(Module, "420", "420"), (RtxModule, "420p10", "420p10"), (Module, "gray", "gray10")],
)
def test_batches_go_through_the_ring_and_come_out_as_planes(module: type[Module], layout: str, into: str) -> None:
    """The last batch is smaller, results are asked for late, and every tensor is at the address that was told."""
    model, fake = plane_model(layout, into=into), module()
    running = runner(model, fake)
    frames = [noise(model.source, seed) for seed in range(5)]
    pairs = (frames[i : i + 2] for i in (0, 2, 4))
    batches = [tuple(torch.cat(column) for column in zip(*map(tensors, pair), strict=True)) for pair in pairs]
    results = [tuple(plane.clone() for plane in planes) for planes in running.stream(iter(batches), hold=0)]
    assert [planes[0].shape[0] for planes in results] == [2, 2, 1]
    upscaled = [tuple(plane[i].numpy() for plane in planes) for planes in results for i in range(planes[0].shape[0])]
    for ours, planes in zip(upscaled, frames, strict=True):
        assert worst(ours, expected(model, planes)) <= 1
    assert {plane.dtype for planes in results for plane in planes} == {LAYOUTS[into].dtype}
    assert fake.builds == 1
    assert len(fake.contexts) > 1
    assert {stream for context in fake.contexts for stream in context.streams} == {STREAM}
    running.close()


def test_frames_that_half_precision_can_not_hold_are_done_again_in_float32() -> None:
    network = load("lrsrn", 2).network
    network.head.bias.data += 70_000.0  # type: ignore[union-attr,operator]
    network.tail.weight.data *= 1e-4  # type: ignore[union-attr,operator]
    model, said = plane_model("420", "fp16", network), list[str]()
    planes = smooth(model.source)
    running = runner(model, Module(), said.append)
    result = running(tensors(planes))
    assert worst([plane[0].numpy() for plane in result], expected(model, planes)) <= 1
    assert any("upscaled again in float32" in words for words in said)
    running.close()


def blank(form: Form) -> bytes:
    """A graph with the form's inputs and outputs that gives zeros: quickly made, where the picture doesn't matter."""
    results = [torch.zeros_like(one) for one in form.module(*form.example)]
    taken, given = zip(form.inputs, form.example, strict=True), list(zip(form.outputs, results, strict=True))
    zeros = [numpy_helper.from_array(one.numpy(), f"zero_{name}") for name, one in given]
    nodes = [helper.make_node("Identity", [f"zero_{name}"], [name]) for name in form.outputs]
    ends = [[_tensor_info(name, one) for name, one in side] for side in (taken, given)]
    model = helper.make_model(helper.make_graph(nodes, "blank", *ends, zeros), ir_version=8)
    model.opset_import[0].version = 18
    content: bytes = model.SerializeToString()
    return content


def _tensor_info(name: str, tensor: torch.Tensor) -> Any:
    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(tensor.numpy().dtype), tensor.shape)


@pytest.fixture
def blank_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "to_onnx", blank)


def once(module: Module, model: PlaneModel | None = None) -> list[str]:
    """One frame through a new runner; what was said."""
    model, said = model or plane_model("gray"), list[str]()
    running = runner(model, module, said.append)
    try:
        running(tensors(noise(model.source)))
    finally:
        running.close()
    return said


@pytest.mark.usefixtures("blank_graphs")
def test_the_engine_of_an_earlier_run_is_taken(cache_folder: Path) -> None:
    module = Module()
    assert any("building the TensorRT engine of bicubic x2 for 13x21" in words for words in once(module))
    assert once(module) == []
    assert module.builds == 1
    assert len(list(cache_folder.glob("bicubic-x2-13x21-1-fp32-*.engine"))) == 1


def other_weights() -> PlaneModel:
    network = load("espcn", 2).network
    next(network.parameters()).data += 0.01
    return plane_model("gray", network=network)


@pytest.mark.usefixtures("blank_graphs")
def test_another_model_gets_an_engine_of_its_own(cache_folder: Path) -> None:
    """Another network, other weights, another layout, another precision."""
    module = Module()
    models = [
        plane_model("gray"),
        plane_model("gray", network=load("espcn", 2).network),
        other_weights(),
        plane_model("gray", into="gray10"),
        plane_model("gray", "fp16"),
    ]
    for _ in range(2):
        for model in models:
            once(module, model)
    assert module.builds == len(models) == len(list(cache_folder.glob("*.engine")))


@pytest.mark.usefixtures("blank_graphs")
def test_a_damaged_or_stale_engine_is_replaced_with_a_word(cache_folder: Path) -> None:
    module = Module()
    once(module)
    (file,) = cache_folder.glob("*.engine")
    file.write_bytes(file.read_bytes()[:-1])
    assert any("can't be used, it is damaged" in words for words in once(module))
    module.__version__ = "10.1"
    assert any("tensorrt 10.0, not tensorrt 10.1" in words for words in once(module))
    assert once(module) == []
    assert len(list(cache_folder.glob("*.engine"))) == 1


@pytest.mark.usefixtures("blank_graphs")
def test_an_engine_that_the_library_refuses_is_replaced_with_its_words(monkeypatch: pytest.MonkeyPatch) -> None:
    module = Module()
    once(module)
    deserialize, damaged = module._deserialize, iter((True,))
    monkeypatch.setattr(module, "_deserialize", lambda content: deserialize(b"" if next(damaged, False) else content))
    assert any("refuses it: Serialization assertion failed" in words for words in once(module))
    assert module.builds == 2


@pytest.mark.usefixtures("blank_graphs")
def test_what_the_library_learnt_of_the_gpu_is_given_back_to_it() -> None:
    timed, compiled = Module(), RtxModule()
    for model in (plane_model("gray"), plane_model("gray", into="gray10")):
        once(timed, model)
        once(compiled, model)
    assert timed.timings_given[0] == b""
    assert timed.timings_given[-1] == b"timings"
    assert compiled.kernels_given == [b"kernels"]


@pytest.mark.usefixtures("blank_graphs")
def test_a_cache_that_can_not_be_written_costs_a_word_and_no_run(cache_folder: Path) -> None:
    cache_folder.write_text("in the way")
    assert any("can't be kept" in words for words in once(Module()))


@pytest.mark.usefixtures("blank_graphs")
def test_a_failed_build_is_a_backend_error_with_the_reason() -> None:
    module = Module()
    module.build_error = "no tactic for this shape"
    with pytest.raises(BackendError, match="could not build the engine: no tactic for this shape"):
        once(module)


@pytest.mark.usefixtures("blank_graphs")
def test_a_failed_run_is_a_backend_error_with_the_reason() -> None:
    module = Module()
    module.enqueue_error = "illegal address"
    with pytest.raises(BackendError, match="tensorrt: illegal address"):
        once(module)


@pytest.mark.parametrize(
    ("gpus", "words"),
    [
        ([], "no NVIDIA GPU"),
        ([(9, 0)], r"no engine for a card \(compute capability 9\.0\); pip install"),
        ([(8, 6)], None),
    ],
)
def test_what_is_missing_is_said(
    gpus: list[tuple[int, int]], words: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensorrt_, "library", RtxModule().library)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: len(gpus))
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda i: gpus[i if isinstance(i, int) else 0])
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda i: "a card")
    if words is None:
        assert backends.get("tensorrt").devices() == ("cuda:0",)
    else:
        with pytest.raises(BackendError, match=words):
            backends.get("tensorrt")


def test_bf16_needs_ampere_and_int8_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    backend = TensorRtBackend()
    for capability, refused in (((7, 5), True), ((8, 6), False)):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _, found=capability: found)
        if refused:
            with pytest.raises(BackendError, match="fp16"):
                backend.precision("cuda:0", "bf16")
        else:
            assert backend.precision("cuda:0", "bf16") == "bf16"
    assert backend.precision("cuda:0", "auto") == "fp16"
    with pytest.raises(BackendError, match="int8"):
        backend.precision("cuda:0", "int8")


# In codes of 8 bits, on noise: float32 may sum in another order, float16 keeps 11 bits of each product.
TOLERANCE: dict[Precision, int] = {"fp32": 1, "fp16": 2}


@pytest.mark.cuda
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("precision", TOLERANCE)
@pytest.mark.parametrize("network", ["lrsrn", "ecbsr"])
def test_on_a_gpu_the_picture_is_eager_float32s(network: str, precision: Precision, layout: str) -> None:
    reason = TensorRtBackend().unavailable()
    if reason is not None:
        pytest.skip(reason)
    model = plane_model(layout, precision, load(network, 2).network)
    running = backends.get("tensorrt").load(model, "cuda")
    for planes in (noise(model.source), smooth(model.source)):
        result = [plane[0].numpy() for plane in running(tensors(planes))]
        assert worst(result, expected(model, planes)) <= TOLERANCE[precision] << (model.source.layout.bits - 8)
    running.close()
    assert library().version
