"""On an NVIDIA GPU the picture is the CPU's, and runs go there by themselves. With VSR_REQUIRE_CUDA=1 nothing skips."""

import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.backends.test_guard import NOTICE, Overflowing
from tests.conftest import pytest_runtest_setup
from tests.io.making import Recipe, make
from tests.pictures import YUV420, YUV422, YUV444, Planes, color, noise, run_model, smooth, tensors, worst, yuv
from vsr import backends, pipeline
from vsr.backends import Runner
from vsr.backends.torch_ import TorchBackend
from vsr.errors import BackendError
from vsr.frames import MATRIX_RGB, ColorSpace, PixelLayout
from vsr.networks import load
from vsr.notices import Notices
from vsr.placement import Placement
from vsr.plane_model import Picture, PlaneModel, Precision
from vsr.segments import job
from vsr.spec import make_spec
from vsr.upscaler import Upscaler

LAYOUTS = {
    "420": (yuv(YUV420), color()),
    "420p10": (yuv(YUV420, 10), color()),
    "422p10": (yuv(YUV422, 10), color()),
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


def picture(layout: str, width: int = 72, height: int = 46) -> Picture:
    return Picture(width, height, *LAYOUTS[layout])


def loaded(source: Picture, precision: Precision = "fp32", network: str = "lrsrn", scale: int = 2) -> PlaneModel:
    target = Picture(source.width * scale, source.height * scale, source.layout, source.color)
    return PlaneModel(load(network, scale).network, source, target, precision)


def stacked(frames: list[Planes]) -> backends.Planes:
    return tuple(torch.cat(column) for column in zip(*map(tensors, frames), strict=True))


def expected(model: PlaneModel, frame: Planes) -> Planes:
    """Eager float32 on the CPU, by another copy of the network."""
    network = load(model.network.name, model.network.scale).network
    return run_model(network, model.source, model.target, frame)


def numpy(planes: backends.Planes, frame: int = 0) -> Planes:
    return tuple(plane[frame].numpy() for plane in planes)


@contextmanager
def default_stream_in_use() -> Iterator[None]:
    """Another thread works on the legacy default stream and allocates all the while."""
    stop = threading.Event()

    def work() -> None:
        x = torch.rand(512, 512, device="cuda")
        while not stop.is_set():
            x = torch.tanh(x @ torch.rand(512, 512, device="cuda"))
            x.cpu()

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(work)
        try:
            yield
        finally:
            stop.set()
    done.result()


@pytest.mark.cuda
@pytest.mark.parametrize("layout", ["420", "420p10", "422p10"])
@pytest.mark.parametrize(("width", "height"), [(46, 72), (33, 47), (1, 1), (641, 359)])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_any_size_goes_through_a_graph(layout: str, width: int, height: int, precision: Precision) -> None:
    model = loaded(picture(layout, width, height), precision)
    runner = backends.get("torch").load(model, "cuda")
    frames = [noise(model.source), smooth(model.source)]
    for frame in frames:
        tolerance = TOLERANCE[precision] << (model.source.layout.bits - 8)
        assert worst(numpy(runner(tensors(frame))), expected(model, frame)) <= tolerance
    runner.close()


@pytest.mark.cuda
@pytest.mark.parametrize("hold", [None, 0, 3])
@pytest.mark.parametrize("batch_size", [1, 3])
@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_a_stream_is_the_frames_one_by_one(hold: int | None, batch_size: int, precision: Precision) -> None:
    """More batches than slots and buffers, the last one smaller; what is held stays as it is."""
    model = loaded(picture("420"), precision)
    frames = [noise(model.source, seed) for seed in range(20 * batch_size + 1)]
    batches = [frames[i : i + batch_size] for i in range(0, len(frames), batch_size)]
    runner = backends.get("torch").load(model, "cuda")
    held: deque[tuple[list[Planes], backends.Planes]] = deque(maxlen=None if hold is None else hold + 1)
    for batch, planes in zip(batches, runner.stream(map(stacked, batches), hold=hold), strict=True):
        held.append((batch, planes))
        if len(held) == held.maxlen:
            check(model, *held[0])
    for batch, planes in held:
        check(model, batch, planes)
    runner.close()


def check(model: PlaneModel, frames: list[Planes], planes: backends.Planes) -> None:
    assert {plane.shape[0] for plane in planes} == {len(frames)}
    assert {plane.device.type for plane in planes} == {"cpu"}
    for index, frame in enumerate(frames):
        assert worst(numpy(planes, index), expected(model, frame)) <= TOLERANCE[model.precision]


@pytest.mark.cuda
def test_a_graph_gives_the_same_again() -> None:
    """Whatever slot a frame goes through, and whatever runs beside it."""
    model = loaded(picture("420", 320, 180), "fp16")
    runner = backends.get("torch").load(model, "cuda")
    frame = tensors(noise(model.source))
    first = runner(frame)
    for planes in runner.stream((frame for _ in range(30)), hold=None):
        assert all(torch.equal(a, b) for a, b in zip(planes, first, strict=True))
    runner.close()


@pytest.mark.cuda
def test_what_float16_cannot_hold_is_computed_in_float32_and_said() -> None:
    told: list[str] = []
    source = picture("420")
    runner = TorchBackend().load(PlaneModel(Overflowing(), source, source, "fp16"), "cuda", tell=told.append)
    for frame in (smooth(source), noise(source)):
        assert worst(numpy(runner(tensors(frame))), run_model(Overflowing(), source, source, frame)) <= 1
    assert set(told) == {NOTICE}
    runner.close()


@pytest.mark.cuda
def test_half_precision_does_not_fall_back_on_real_pictures() -> None:
    told: list[str] = []
    model = loaded(picture("420"), "fp16")
    runner = TorchBackend().load(model, "cuda", tell=told.append)
    list(runner.stream([tensors(noise(model.source, seed)) for seed in range(8)], hold=0))
    runner.close()
    assert told == []


@pytest.mark.cuda
@pytest.mark.parametrize("taken", [0, 1, 5])
def test_closing_gives_the_memory_back(taken: int) -> None:
    def use() -> None:
        runner = backends.get("torch").load(loaded(picture("420", 640, 360), "fp16"), "cuda")
        frame = tensors(noise(picture("420", 640, 360)))
        stream = runner.stream((frame for _ in range(9)), hold=2)
        for _ in range(taken):
            next(stream)
        stream.close()  # type: ignore[attr-defined]
        runner.close()

    use()  # libraries keep workspaces from their first use on
    torch.cuda.empty_cache()
    allocated, reserved = torch.cuda.memory_allocated(), torch.cuda.memory_reserved()
    use()
    torch.cuda.empty_cache()
    assert torch.cuda.memory_allocated() - allocated < 2**20  # a frame's planes alone are more
    assert torch.cuda.memory_reserved() - reserved < 2**23


@pytest.mark.cuda
def test_full_memory_says_what_to_use_and_the_next_run_works() -> None:
    model = loaded(picture("420", 1920, 1080), "fp16")
    runner = backends.get("torch").load(model, "cuda")
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**26) / total_memory())
    try:
        with pytest.raises(BackendError, match="out of memory; use a smaller --batch-size or --strip-rows"):
            runner(tensors(noise(model.source)))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert runner(tensors(noise(model.source)))[0].shape == (1, 2160, 3840)
    runner.close()


def total_memory() -> int:
    return int(torch.cuda.get_device_properties(0).total_memory)


@pytest.mark.cuda
def test_two_runners_and_the_default_stream_work_at_once() -> None:
    """Each captures while the others run."""
    models = [loaded(picture("420", 320, 180), "fp16"), loaded(picture("420p10", 180, 320), "fp16")]
    runners = [backends.get("torch").load(model, "cuda") for model in models]

    def use(model: PlaneModel, runner: Runner) -> None:
        frames = [noise(model.source, seed) for seed in range(12)]
        tolerance = TOLERANCE["fp16"] << (model.source.layout.bits - 8)
        for frame, planes in zip(frames, runner.stream(map(tensors, frames), hold=0), strict=True):
            assert worst(numpy(planes), expected(model, frame)) <= tolerance
        runner.close()

    with default_stream_in_use(), ThreadPoolExecutor(2) as pool:
        list(pool.map(use, models, runners))


@pytest.mark.cuda
@pytest.mark.parametrize("layout", ["420", "420p10"])
def test_a_compiled_model_gives_the_same_picture(layout: str) -> None:
    model = loaded(picture(layout), "fp16")
    runner = TorchBackend(compiled=True).load(model, "cuda")
    for frame in (noise(model.source), smooth(model.source)):
        tolerance = TOLERANCE["fp16"] << (model.source.layout.bits - 8)
        assert worst(numpy(runner(tensors(frame))), expected(model, frame)) <= tolerance
    runner.close()


@pytest.mark.cuda
def test_auto_takes_the_gpu(clips: Path, tmp_path: Path) -> None:
    spec = make_spec(str(clips / "clip.mkv"), str(tmp_path / "out.mkv"))
    report = pipeline.run(spec)
    assert "cuda:0" in report.device
    assert report.precision == "fp16"
    assert NOTICE not in report.notices
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


@pytest.mark.cuda
def test_full_memory_is_asked_for_less_and_gives_the_same_frames() -> None:
    """The first strips that fit are below the whole picture: what is over is the room that the whole one asks for."""
    network, source = load("lrsrn", 2), picture("420", 1920, 1080)
    target = picture("420", 3840, 2160)
    frames = [noise(source, seed=seed) for seed in range(3)]
    notices = Notices()
    torch.cuda.empty_cache()
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + 2**29) / total_memory())
    try:
        with Upscaler(network, Placement("torch", "cuda", "fp16", None), source, target, tell=notices.say) as upscaler:
            made = [numpy(upscaler.upscale(tensors(frame))) for frame in frames]
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert any("out of memory: the network runs on strips" in text for text in notices.said)
    for frame, planes in zip(frames, made, strict=True):
        assert worst(planes, run_model(network.network, source, target, frame)) <= TOLERANCE["fp16"]


@pytest.mark.cuda
def test_workers_on_gpus_make_what_one_makes(tmp_path: Path) -> None:
    """All GPUs, and where there is only one, two workers on it."""
    source = make(tmp_path / "in.mp4", Recipe(pts=tuple(512 * i for i in range(50)), options={"g": "5"}))
    devices = "cuda:all" if torch.cuda.device_count() > 1 else "cuda:0,cuda:0"
    decoded = []
    for name, device in (("one", "cuda:0"), ("all", devices)):
        output = tmp_path / f"{name}.mkv"
        report = job.run(make_spec(str(source), str(output), codec="ffv1", device=device, segment_s=0.4))
        assert report.segments is not None
        assert (report.segments.total, report.segments.kept) == (5, 0)
        decoded.append(list(pipeline.frames(make_spec(str(output), "", network="bicubic"))))
    assert [frame.pts for frame in decoded[0]] == [frame.pts for frame in decoded[1]]
    assert all(worst(a.planes, b.planes) <= 1 for a, b in zip(*decoded, strict=True))


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
