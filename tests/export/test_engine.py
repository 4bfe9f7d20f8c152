"""Building an engine: what it is asked for, what it says of failures and progress, what it keeps."""

from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from tests.export import fake_tensorrt
from vsr.errors import BackendError
from vsr.export import tensorrt_library
from vsr.export.engine import build_engine
from vsr.export.tensorrt_library import Library, library


def graph(operation: str = "Relu", kind: int = TensorProto.FLOAT, frames: int | str = 1) -> bytes:
    """One operation on (frames, 3, 4, 5)."""
    ends = [helper.make_tensor_value_info(name, kind, [frames, 3, 4, 5]) for name in ("x", "y")]
    model = helper.make_graph([helper.make_node(operation, ["x"], ["y"], name="the_node")], "graph", ends[:1], ends[1:])
    content: bytes = helper.make_model(
        model, opset_imports=[helper.make_opsetid("", 18)], ir_version=8
    ).SerializeToString()
    return content


@pytest.fixture
def rtx() -> Library:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt_rtx is not installed: pip install tensorrt-rtx-cu13")
    found = library()
    if not found.rtx:
        pytest.skip(f"{found.name} makes engines only for the GPU at hand")
    return found


def test_an_engine_is_made_for_a_gpu_that_is_not_here(rtx: Library) -> None:
    first, second = (build_engine(rtx, graph(), capability=capability).content for capability in ((8, 6), (12, 0)))
    assert first != second
    assert rtx.capabilities() == tuple(sorted(rtx.capabilities() or ()))


def test_an_intact_engine_is_only_missing_a_gpu_and_a_damaged_one_is_refused(rtx: Library) -> None:
    """As far as loading goes without a GPU: the library reads the header, then asks for a driver."""
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU: tests/backends/test_tensorrt.py loads and runs engines on it")
    content = build_engine(rtx, graph(), capability=(8, 9)).content
    runtime = rtx.module.Runtime(rtx.logger)
    for cut, words in ((len(content), "CUDA"), (len(content) // 2, "Serialization")):
        rtx.errors.clear()
        assert runtime.deserialize_cuda_engine(content[:cut]) is None
        assert words in " ".join(rtx.errors)


def test_a_free_batch_gets_a_profile(rtx: Library) -> None:
    content = graph(frames="batch")
    with pytest.raises(BackendError, match="optimization profile"):
        build_engine(rtx, content, capability=(8, 6))
    assert build_engine(rtx, content, capability=(8, 6), batches=(1, 2, 4)).content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (graph("NoSuchOperation"), "can't read the graph: .*NoSuchOperation the_node"),
        (graph(kind=TensorProto.UINT16), "can't read the graph: .*"),
        (b"no graph", "can't read the graph: ."),
    ],
    ids=["operation", "dtype", "damage"],
)
def test_a_failed_build_says_why_in_one_line(rtx: Library, content: bytes, words: str) -> None:
    with pytest.raises(BackendError, match=words) as caught:
        build_engine(rtx, content, capability=(8, 6))
    assert "\n" not in str(caught.value)


def test_a_capability_that_the_library_does_not_know_is_refused_with_those_that_it_does(rtx: Library) -> None:
    with pytest.raises(BackendError, match=r"capability 9\.0; it does for: 7\.5, 8\.0"):
        build_engine(rtx, graph(), capability=(9, 0))


def test_the_librarys_last_error_is_the_reason() -> None:
    module = fake_tensorrt.Module()
    module.build_error = "Out of memory\n  in tactic 7"
    found = module.library()
    module.complain("an older one")
    with pytest.raises(BackendError, match=r"^tensorrt could not build the engine: Out of memory"):
        build_engine(found, b"graph")


def test_long_builds_are_told_of_and_short_ones_are_not() -> None:
    module = fake_tensorrt.Module()
    module.steps = 30
    seconds = iter(range(1000))
    said: list[str] = []
    build_engine(module.library(), b"graph", progress=said.append, clock=lambda: float(next(seconds)))
    assert 1 < len(said) < 6
    assert all("building, step" in words and "of 30" in words for words in said)
    said.clear()
    build_engine(module.library(), b"graph", progress=said.append, clock=lambda: 0.0)
    assert said == []


def test_an_interruption_ends_the_build_and_is_passed_on() -> None:
    module = fake_tensorrt.Module()

    def interrupt(words: str) -> None:
        raise KeyboardInterrupt

    seconds = iter(range(0, 1000, 20))
    with pytest.raises(KeyboardInterrupt):
        build_engine(module.library(), b"graph", progress=interrupt, clock=lambda: float(next(seconds)))


def test_timings_are_kept_by_tensorrt_and_not_asked_of_rtx() -> None:
    module, rtx_module = fake_tensorrt.Module(), fake_tensorrt.RtxModule()
    assert build_engine(module.library(), b"graph", timing_cache=b"before").timing_cache == b"timings"
    assert module.timings_given == [b"before"]
    assert build_engine(rtx_module.library(), b"graph", capability=(8, 6)).timing_cache is None


def test_without_either_library_both_cures_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tensorrt_library, "find_spec", lambda name: None)
    with pytest.raises(BackendError, match=r"vsr\[tensorrt-rtx\].*vsr\[tensorrt\]"):
        library.__wrapped__()


def test_a_library_that_can_not_be_imported_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tensorrt.py").write_text("raise ImportError('libnvinfer.so.10 is missing')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(BackendError, match=r"libnvinfer\.so\.10 is missing"):
        library.__wrapped__()


def test_the_graphs_of_these_tests_are_sound() -> None:
    onnx.checker.check_model(onnx.load_from_string(graph()), full_check=True)
