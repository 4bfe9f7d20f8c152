"""The OpenVINO backend beyond what every backend promises: what stays exact, the cache, several batches in flight."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from tests.backends.test_contract import LAYOUTS, SIZE, model, numpy
from tests.pictures import noise, run_model, tensors, worst
from vsr import backends
from vsr.backends import Planes
from vsr.backends.fingerprint import fingerprint
from vsr.backends.openvino_ import OpenVinoRunner
from vsr.errors import BackendError
from vsr.networks import load
from vsr.networks.int8 import Range, quantise
from vsr.plane_model import Picture, PlaneModel

pytestmark = pytest.mark.skipif(backends.default("cpu")[0] != "openvino", reason="openvino is not for this machine")
openvino_compiler = pytest.importorskip("vsr.backends.openvino_compiler")
SOURCE = Picture(*SIZE, *LAYOUTS["420"])


def runner(loaded: PlaneModel) -> OpenVinoRunner:
    made = backends.get("openvino").load(loaded, "cpu")
    assert isinstance(made, OpenVinoRunner)
    return made


@pytest.fixture
def bf16() -> None:
    if backends.get("openvino").precision("cpu", "auto") != "bf16":
        pytest.skip("this CPU has no bfloat16 instructions")


@pytest.mark.usefixtures("bf16")
@pytest.mark.parametrize("layout", ["420", "420p10"])
def test_chroma_that_no_network_sees_stays_exact(layout: str) -> None:
    """bfloat16 has 8 bits: chroma of 10 bits resampled in it would be off by several codes."""
    loaded = model("espcn", layout, "bf16")
    planes = noise(loaded.source)
    result = numpy(runner(loaded)(tensors(planes)))
    expected = run_model(load("espcn", 2).network, loaded.source, loaded.target, planes)
    assert worst(result[1:], expected[1:]) <= 1


@pytest.mark.usefixtures("bf16")
def test_what_is_added_to_the_networks_output_stays_exact() -> None:
    """With a network that adds nothing, what is left is the anchor: the nearest upscaling, to the code."""
    loaded = model("ecbsr", "420p10", "bf16")
    for parameter in loaded.network.tail.parameters():  # type: ignore[union-attr]
        parameter.data.zero_()
    planes = noise(loaded.source)
    luma = runner(loaded)(tensors(planes))[0][0]
    nearest = torch.from_numpy(planes[0].astype("int32")).repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert torch.equal(luma.to(torch.int32), nearest)


def test_a_second_run_compiles_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VSR_CACHE", str(tmp_path))
    planes = tensors(noise(SOURCE))
    first = runner(model("bicubic", "420"))(planes)
    monkeypatch.setattr("vsr.backends.openvino_compiler.to_openvino", _refuse)
    second = runner(model("bicubic", "420"))(planes)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    for other in (model("bicubic", "420p10"), model("espcn", "420")):
        with pytest.raises(AssertionError, match="compiled"):
            runner(other)(tensors(noise(other.source)))


@pytest.mark.parametrize("damage", [b"", b"not a blob", None])
def test_a_damaged_cache_is_compiled_again(
    damage: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("VSR_CACHE", str(tmp_path))
    planes = tensors(noise(SOURCE))
    first = runner(model("bicubic", "420"))(planes)
    (blob,) = tmp_path.glob("openvino/*.blob")
    blob.write_bytes(blob.read_bytes()[:-100] if damage is None else damage)
    second = runner(model("bicubic", "420"))(planes)
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))
    assert [path.suffix for path in tmp_path.glob("openvino/*")] == [".blob"]


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("VSR_CACHE", str(tmp_path / "file"))
    assert runner(model("bicubic", "420"))(tensors(noise(SOURCE)))


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7])
def test_batches_in_flight_come_out_in_order(count: int) -> None:
    given = [tensors(noise(SOURCE, seed)) for seed in range(count)]
    one = runner(model("bicubic", "420"))
    results = list(one.stream(iter(given), hold=None))
    assert len(results) == count
    for planes, result in zip(given, results, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one(planes), result, strict=True))


def test_a_stream_that_is_left_leaves_the_runner_of_use() -> None:
    one = runner(model("bicubic", "420"))
    planes = tensors(noise(SOURCE))
    for taken in (0, 1, 2):
        stream = one.stream(_endless(planes), hold=None)
        for _ in range(taken):
            next(stream)
        stream.close()  # type: ignore[attr-defined]
    assert all(torch.equal(a, b) for a, b in zip(one(planes), one(planes), strict=True))


@pytest.fixture
def int8() -> None:
    if not openvino_compiler.multiplies_int8():
        pytest.skip("this CPU has no VNNI")


def quantised(layout: str, *, adds_nothing: bool = False) -> PlaneModel:
    """ECBSR in int8; with ``adds_nothing``, its last layer gives zeros."""
    loaded = load("ecbsr", 2, "ecbsr_x2_clean")
    if adds_nothing:
        for parameter in loaded.network.tail.parameters():  # type: ignore[union-attr]
            parameter.data.zero_()
    plain = model("ecbsr", layout)
    return PlaneModel(loaded.quantised(), plain.source, plain.target, "int8")


@pytest.mark.usefixtures("int8")
def test_int8_convolves_in_integers_and_what_is_left_out_in_floats() -> None:
    graph = openvino_compiler.compile_model(quantised("420").eval(), 1, threads=1, streams=1).get_runtime_model()
    kinds = {
        node.get_friendly_name().split("/")[0].removeprefix("__module.network."): facts["runtimePrecision"].value
        for node in graph.get_ordered_ops()
        if (facts := node.get_rt_info())["layerType"].value == "Convolution"
        and "__module.network" in node.get_friendly_name()
    }
    found = load("ecbsr", 2, "ecbsr_x2_clean").int8
    assert found is not None
    assert {name for name, precision in kinds.items() if precision in ("u8", "i8")} == set(found.ranges)
    assert {name for name, precision in kinds.items() if precision == "f32"} == set(found.left_out)


@pytest.mark.usefixtures("int8")
@pytest.mark.parametrize("layout", ["420", "420p10"])
def test_int8_leaves_the_anchor_and_chroma_exact(layout: str) -> None:
    """With a network that adds nothing, the nearest upscaling to the code; chroma as float32 makes it."""
    loaded = quantised(layout, adds_nothing=True)
    planes = noise(loaded.source)
    result = runner(loaded)(tensors(planes))
    nearest = torch.from_numpy(planes[0].astype("int32")).repeat_interleave(2, 0).repeat_interleave(2, 1)
    assert torch.equal(result[0][0].to(torch.int32), nearest)
    expected = run_model(load("ecbsr", 2).network, loaded.source, loaded.target, planes)
    assert worst(numpy(result)[1:], expected[1:]) <= 1


def test_other_ranges_are_another_artefact() -> None:
    network, plain = load("ecbsr", 2).network, model("ecbsr", "420")
    names = {
        fingerprint(PlaneModel(form, plain.source, plain.target, "int8"))
        for form in (
            network,
            quantise(network, {"body.0": Range(0.0, 1.0)}),
            quantise(network, {"body.0": Range(0.0, 1.0000001)}),
            quantise(network, {"tail": Range(0.0, 1.0)}),
        )
    }
    assert len(names) == 4


def test_int8_is_refused_where_the_cpus_sums_saturate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(openvino_compiler, "multiplies_int8", lambda: False)
    with pytest.raises(BackendError, match="int8 is inexact on this CPU"):
        backends.get("openvino").precision("cpu", "int8")


def _endless(planes: Planes) -> Iterator[Planes]:
    while True:
        yield planes


def _refuse(*_: object) -> None:
    raise AssertionError("compiled")
