"""What every backend promises, over each one that this machine can use."""

from itertools import product

import numpy as np
import pytest
import torch

from tests.pictures import YUV420, YUV444, Planes, bars, color, noise, run_model, smooth, tensors, worst, yuv
from vsr import backends
from vsr.backends import Backend, Runner
from vsr.errors import BackendError
from vsr.frames import MATRIX_RGB, ColorSpace, PixelLayout
from vsr.networks import Network, build, entry, load
from vsr.plane_model import Picture, PlaneModel, Precision

SIZE = (40, 30)
LAYOUTS = {
    "420": (yuv(YUV420), color()),
    "420p10": (yuv(YUV420, 10), color()),
    "444-alpha": (yuv(YUV444, alpha=True), color()),
    "rgb": (PixelLayout("rgb", 8), ColorSpace(MATRIX_RGB, full_range=True)),
    "gray": (PixelLayout("gray", 8), color(full_range=True)),
}
CASES: list[tuple[str, str, Precision]] = [
    *((network, layout, "fp32") for network, layout in product(["bicubic", "lrsrn", "ecbsr", "packed"], LAYOUTS)),
    # What half precision changes lies within the network, and what a layout changes around it.
    *((network, "420", "bf16") for network in ("bicubic", "lrsrn", "ecbsr", "packed")),
    *(("lrsrn", layout, "bf16") for layout in LAYOUTS if layout != "420"),
]
# In codes of 8 bits, on noise: float32 may sum in another order; bfloat16 keeps 8 bits of each intermediate value; and
# of codes of 10 bits, every fourth lies between two of the 8 that int8 keeps, and may be rounded to either.
TOLERANCE: dict[Precision, int] = {"fp32": 1, "bf16": 6, "fp16": 2, "int8": 4}


def usable(name: str) -> bool:
    try:
        backends.get(name)
    except BackendError:
        return False
    return True


@pytest.fixture(params=backends.names())
def backend(request: pytest.FixtureRequest) -> Backend:
    if not usable(request.param):
        pytest.skip(f"{request.param} can't be used on this machine")
    return backends.get(request.param)


def network_of(name: str) -> Network:
    """At x2, with fresh weights where none ship."""
    if 2 in entry(name).ready_scales():
        return load(name, 2).network
    torch.manual_seed(0)
    return build(name, 2).deploy()


def model(network: str, layout: str, precision: Precision = "fp32", size: tuple[int, int] = SIZE) -> PlaneModel:
    source = Picture(*size, *LAYOUTS[layout])
    target = Picture(2 * size[0], 2 * size[1], *LAYOUTS[layout])
    return PlaneModel(network_of(network), source, target, precision)


def exact(network: str, layout: str, planes: Planes) -> Planes:
    """Eager float32: what every backend is measured against."""
    reference = model(network, layout)
    return run_model(network_of(network), reference.source, reference.target, planes)


def numpy(planes: tuple[torch.Tensor, ...]) -> Planes:
    return tuple(plane[0].numpy() for plane in planes)


def cpu_or_first(backend: Backend) -> str:
    return "cpu" if "cpu" in backend.devices() else backend.devices()[0]


@pytest.mark.parametrize(("network", "layout", "precision"), CASES)
def test_result_is_eager_float32s(backend: Backend, network: str, layout: str, precision: Precision) -> None:
    device = cpu_or_first(backend)
    try:
        chosen = backend.precision(device, precision)
    except BackendError:
        pytest.skip(f"{backend.name} has no {precision} on {device}")
    loaded = model(network, layout, chosen)
    runner = backend.load(loaded, device)
    for planes in (noise(loaded.source), smooth(loaded.source)):
        tolerance = TOLERANCE[chosen] << (loaded.target.layout.bits - 8)
        result = runner(tensors(planes))
        assert worst(numpy(result), exact(network, layout, planes)) <= tolerance
        assert {plane.dtype for plane in result} == {loaded.target.layout.dtype}
        assert {plane.device.type for plane in result} == {"cpu"}
    runner.close()


@pytest.mark.parametrize(("network", "layout"), [*product(["lrsrn", "ecbsr"], LAYOUTS)])
def test_int8_is_eager_float32s_of_the_quantised_network(backend: Backend, network: str, layout: str) -> None:
    """Of the float network it is not on noise, whose values lie outside of what photographs were calibrated for."""
    device = cpu_or_first(backend)
    try:
        chosen = backend.precision(device, "int8")
    except BackendError:
        pytest.skip(f"{backend.name} has no int8 on {device}")
    quantised = load(network, 2).quantised()
    plain = model(network, layout)
    runner = backend.load(PlaneModel(quantised, plain.source, plain.target, chosen), device)
    for planes in (noise(plain.source), smooth(plain.source)):
        expected = run_model(quantised, plain.source, plain.target, planes)
        result = numpy(runner(tensors(planes)))
        assert worst(result, expected) <= TOLERANCE[chosen] << (plain.target.layout.bits - 8)
        assert np.abs(result[0].astype(float) - expected[0]).mean() < 1
    runner.close()


@pytest.fixture
def runner(backend: Backend) -> Runner:
    return backend.load(model("bicubic", "420"), cpu_or_first(backend))


def test_batches_of_any_number_go_through(runner: Runner) -> None:
    source = Picture(*SIZE, *LAYOUTS["420"])
    for count in (1, 3, 2):
        frames = [noise(source, seed) for seed in range(count)]
        stacked = tuple(torch.cat(column) for column in zip(*map(tensors, frames), strict=True))
        for index, planes in enumerate(frames):
            result = tuple(plane[index].numpy() for plane in runner(stacked))
            assert worst(result, exact("bicubic", "420", planes)) <= TOLERANCE["fp32"]


def test_a_result_outlives_the_next_call(runner: Runner) -> None:
    """Results wait in a queue: a runner must not write the next ones over them."""
    source = Picture(*SIZE, *LAYOUTS["420"])
    first = runner(tensors(bars(source)))
    before = [plane.clone() for plane in first]
    runner(tensors(noise(source)))
    assert all(torch.equal(a, b) for a, b in zip(first, before, strict=True))


def test_the_planes_given_are_not_changed(runner: Runner) -> None:
    planes = noise(Picture(*SIZE, *LAYOUTS["420"]))
    before = [plane.copy() for plane in planes]
    runner(tensors(planes))
    assert all(np.array_equal(a, b) for a, b in zip(planes, before, strict=True))


def test_a_runner_says_where_it_runs(runner: Runner) -> None:
    assert "CPU" in runner.device or "cuda" in runner.device


def test_a_closed_runner_refuses(runner: Runner) -> None:
    planes = tensors(noise(Picture(*SIZE, *LAYOUTS["420"])))
    runner(planes)
    runner.close()
    runner.close()
    with pytest.raises(BackendError, match="closed"):
        runner(planes)


def test_a_wrong_input_is_a_backend_error_in_one_line(runner: Runner) -> None:
    mismatched = tuple(torch.zeros(1, *size, dtype=torch.uint8) for size in ((2, 2), (2, 2), (5, 9)))
    with pytest.raises(BackendError) as caught:
        runner(mismatched)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("device", ["tpu", "cuda:99", "", "cpu:0x"])
def test_an_unknown_device_is_refused_with_what_there_is(backend: Backend, device: str) -> None:
    with pytest.raises(BackendError, match=backend.devices()[0]):
        backend.load(model("bicubic", "420"), device)


def test_fp16_on_the_cpu_is_refused(backend: Backend) -> None:
    if "cpu" not in backend.devices():
        pytest.skip(f"{backend.name} does not run on the CPU")
    with pytest.raises(BackendError, match="fp16"):
        backend.precision("cpu", "fp16")


def test_auto_is_a_precision_that_can_be_asked_for(backend: Backend) -> None:
    for device in backend.devices():
        chosen = backend.precision(device, "auto")
        assert backend.precision(device, chosen) == chosen


@pytest.mark.parametrize("name", backends.names())
def test_every_backend_has_a_summary_and_a_reason_or_devices(name: str) -> None:
    assert backends.summary(name)
    if usable(name):
        assert backends.get(name).devices()
    else:
        with pytest.raises(BackendError, match=f"'{name}' can't be used here: ."):
            backends.get(name)


def test_an_unknown_backend_names_the_choices() -> None:
    with pytest.raises(BackendError, match="no backend 'abacus'; choose one of: torch"):
        backends.get("abacus")
