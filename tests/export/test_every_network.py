"""Every network that has weights, as a whole PlaneModel: its graph is exact, and TensorRT-RTX makes its engine."""

import numpy as np
import pytest
import torch

from tests.export.running import run
from tests.pictures import YUV420, color, noise, run_model, worst, yuv
from vsr.backends.engines import engine_form
from vsr.export.engine import build_engine
from vsr.export.forms import planes_form
from vsr.export.onnx_ import to_onnx
from vsr.export.tensorrt_library import library
from vsr.frames import MATRIX_RGB, ColorSpace, PixelLayout
from vsr.networks import NetworkEntry, available, load
from vsr.plane_model import Picture, PlaneModel

pytestmark = pytest.mark.usefixtures("one_onnx_registry")
# And those on packed planes, whose graphs are of another kind, with fresh weights where none ship.
EVERY = [entry for entry in available() if 2 in entry.ready_scales() or entry.domain == "yuv420"]
LAYOUTS = {
    "420": (yuv(YUV420), color()),
    "420p10": (yuv(YUV420, 10), color()),
    "444-alpha": (yuv((0, 0), alpha=True), color()),
    "rgb": (PixelLayout("rgb", 8), ColorSpace(MATRIX_RGB, full_range=True)),
    "gray": (PixelLayout("gray", 8), color(full_range=True)),
}


def needs_tensorrt_rtx() -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt_rtx is not installed: pip install tensorrt-rtx-cu13")


def pictures(layout: str, width: int, height: int) -> tuple[Picture, Picture]:
    return Picture(width, height, *LAYOUTS[layout]), Picture(2 * width, 2 * height, *LAYOUTS[layout])


@pytest.mark.parametrize("entry", EVERY, ids=lambda entry: entry.name)
def test_graph_and_engine_of_every_network(entry: NetworkEntry) -> None:
    """An odd portrait picture: the graph gives eager float32's codes, and becomes an engine without a GPU."""
    source, target = pictures("420", 15, 22)
    torch.manual_seed(0)
    network = load(entry.name, 2).network if 2 in entry.ready_scales() else entry.build(2).deploy()
    content = to_onnx(engine_form(PlaneModel(network, source, target), frames=1))
    planes = noise(source)
    result = run(content, *(plane[None] for plane in planes))
    assert worst([plane[0] for plane in result], run_model(network, source, target, planes)) <= 1
    needs_tensorrt_rtx()
    assert len(build_engine(library(), content, capability=(8, 6)).content) > 100_000


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "420"])
def test_planes_of_every_kind_and_any_number_of_frames(layout: str) -> None:
    source, target = pictures(layout, 21, 13)
    network = load("bicubic" if layout == "gray" else "lrsrn", 2).network
    form = planes_form(PlaneModel(network, source, target))
    content = to_onnx(form)
    for count in (1, 3):
        frames = [noise(source, seed) for seed in range(count)]
        result = run(content, *(np.stack(column) for column in zip(*frames, strict=True)))
        for index, planes in enumerate(frames):
            assert worst([plane[index] for plane in result], run_model(network, source, target, planes)) <= 1
    assert {plane.dtype for plane in result} == {np.dtype(np.uint8 if source.layout.bits == 8 else np.uint16)}


@pytest.mark.parametrize(("layout", "overflows"), [("420", True), ("420p10", False)])
def test_the_guarded_half_precision_engine_is_built_and_its_guard_sees_an_overflow(
    layout: str, overflows: bool
) -> None:
    source, target = pictures(layout, 16, 10)
    network = load("lrsrn", 2).network
    if overflows:
        network.head.bias.data[:] = 1e6  # type: ignore[union-attr,operator]
    form = engine_form(PlaneModel(network, source, target, "fp16"), frames=2)
    content = to_onnx(form)
    dtype = form.example[0].numpy().dtype
    result = run(content, *(np.stack((plane, plane)).astype(dtype) for plane in noise(source)))
    assert list(result[-1]) == [overflows] * 2
    needs_tensorrt_rtx()
    assert build_engine(library(), content, capability=(12, 0)).content
