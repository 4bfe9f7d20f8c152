"""On an NVIDIA GPU the picture is the CPU's, and runs go there by themselves. With VSR_REQUIRE_CUDA=1 nothing skips."""

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import pytest_runtest_setup
from tests.pictures import YUV420, YUV444, color, noise, run_model, smooth, tensors, worst, yuv
from vsr import backends, pipeline
from vsr.errors import BackendError
from vsr.frames import MATRIX_RGB, ColorSpace, PixelLayout
from vsr.networks import load
from vsr.plane_model import Picture, PlaneModel, Precision
from vsr.spec import make_spec

LAYOUTS = {
    "420": (yuv(YUV420), color()),
    "420p10": (yuv(YUV420, 10), color()),
    "444p16-alpha": (yuv(YUV444, 16, alpha=True), color()),
    "rgb": (PixelLayout("rgb", 8), ColorSpace(MATRIX_RGB, full_range=True)),
    "gray": (PixelLayout("gray", 8), color(full_range=True)),
}
# In codes of 8 bits, on noise.
TOLERANCE: dict[Precision, int] = {"fp32": 1, "bf16": 6, "fp16": 2}


@pytest.mark.cuda
@pytest.mark.parametrize("network", ["bicubic", "lrsrn"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize("strip_rows", [None, 11])
def test_the_gpu_gives_the_cpus_picture(
    network: str, layout: str, precision: Precision, strip_rows: int | None
) -> None:
    source = Picture(72, 46, *LAYOUTS[layout])
    target = Picture(144, 92, *LAYOUTS[layout])
    model = PlaneModel(load(network, 2).network, source, target, precision, strip_rows)
    runner = backends.get("torch").load(model, "cuda")
    for planes in (noise(source), smooth(source)):
        result = tuple(plane[0].numpy() for plane in runner(tensors(planes)))
        expected = run_model(load(network, 2).network, source, target, planes)
        assert worst(result, expected) <= TOLERANCE[precision] << (source.layout.bits - 8)
    runner.close()
    with pytest.raises(BackendError, match="closed"):
        runner(tensors(noise(source)))


@pytest.mark.cuda
def test_auto_takes_the_gpu(clips: Path, tmp_path: Path) -> None:
    spec = make_spec(str(clips / "clip.mkv"), str(tmp_path / "out.mkv"))
    report = pipeline.run(spec)
    assert "cuda:0" in report.device
    assert report.precision in {"bf16", "fp16"}
    assert report.frames_in == report.frames_out == 12


@pytest.mark.cuda
@pytest.mark.parametrize("batch_size", [1, 5])
def test_a_run_on_the_gpu_is_the_run_on_the_cpu(batch_size: int, clips: Path) -> None:
    on_gpu, on_cpu = (
        list(pipeline.frames(make_spec(str(clips / "clip.mkv"), "", device=device, batch_size=size, precision="fp32")))
        for device, size in (("cuda", batch_size), ("cpu", 1))
    )
    assert [frame.pts for frame in on_gpu] == [frame.pts for frame in on_cpu]
    for ours, reference in zip(on_gpu, on_cpu, strict=True):
        assert worst(ours.planes, reference.planes) <= 1
        assert float(np.mean(ours.planes[0] != reference.planes[0])) < 0.01


def test_cuda_tests_fail_where_a_gpu_is_required(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rule of conftest itself, without a GPU."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    request.node.add_marker("cuda")
    monkeypatch.setenv("VSR_REQUIRE_CUDA", "1")
    with pytest.raises(pytest.fail.Exception, match="VSR_REQUIRE_CUDA=1"):
        pytest_runtest_setup(request.node)
    monkeypatch.delenv("VSR_REQUIRE_CUDA")
    with pytest.raises(pytest.skip.Exception, match="no CUDA device"):
        pytest_runtest_setup(request.node)
