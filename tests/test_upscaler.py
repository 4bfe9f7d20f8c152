"""Upscaler: strips, precision, batches and placement do not show in the picture."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import torch

from tests.pictures import YUV420, color, noise, run_model, scaled, smooth, tensors, worst, yuv
from vsr import backends
from vsr.backends.openvino_ import OpenVinoBackend
from vsr.batching import batch, unbatch
from vsr.errors import BackendError, UsageError
from vsr.frames import Frame, VideoInfo
from vsr.networks import Network, build, load
from vsr.placement import Placement, choose_placement
from vsr.plane_model import Picture, PlaneModel
from vsr.spec import make_spec
from vsr.upscaler import Upscaler


@pytest.mark.parametrize("network_name", ["bicubic", "lrsrn", "ecbsr"])
@pytest.mark.parametrize("rows", [1, 7, 16])
def test_strips_are_the_whole(network_name: str, rows: int) -> None:
    network = load(network_name, 2).network
    source = Picture(40, 37, yuv(YUV420), color())
    whole, strips = (
        run_model(network, source, scaled(source, 2), noise(source), strip_rows=strip_rows)
        for strip_rows in (None, rows)
    )
    # The same sums in another order: a value on the edge between two codes can fall to either.
    assert worst(strips, whole) <= 1
    assert np.mean(strips[0] != whole[0]) < 1e-3


@pytest.mark.parametrize("content", ["smooth", "noise"])
def test_bf16_is_close_to_fp32(content: str) -> None:
    """LRSRN, 8 bits: below half a code on average, at worst a hundredth of the range even on noise."""
    source = Picture(64, 48, yuv(YUV420), color())
    planes = smooth(source) if content == "smooth" else noise(source)
    network = load("lrsrn", 2).network
    exact = run_model(network, source, scaled(source, 2), planes)
    strips = run_model(network, source, scaled(source, 2), planes, precision="bf16", strip_rows=10)
    rounded = run_model(network, source, scaled(source, 2), planes, precision="bf16")
    assert worst(rounded, exact) <= (2 if content == "smooth" else 5)
    assert np.abs(rounded[0].astype(float) - exact[0]).mean() < 0.5
    assert worst(rounded, strips) <= 1


def test_frames_of_a_batch_do_not_mix() -> None:
    source = Picture(24, 20, yuv(YUV420, 10), color())
    frames = [noise(source, seed) for seed in range(3)]
    model = PlaneModel(load("lrsrn", 2).network, source, scaled(source, 2)).eval()
    with torch.inference_mode():
        together = model(*(torch.cat(column) for column in zip(*map(tensors, frames), strict=True)))
        for index, planes in enumerate(frames):
            for both, alone in zip(together, model(*tensors(planes)), strict=True):
                assert int((both[index].int() - alone[0].int()).abs().max()) <= 1


@pytest.mark.parametrize("size", [1, 2, 5])
def test_frames_come_out_in_order_with_their_own_times(size: int) -> None:
    source = Picture(16, 12, yuv(YUV420), color())
    frames = [Frame(noise(source, i), 3 * i, Fraction(1, 90), 3, f"props {i}") for i in range(5)]
    loaded = load("bicubic", 2)
    with Upscaler(loaded, Placement("torch", "cpu", "fp32", None), source, scaled(source, 2)) as upscaler:
        result = list(unbatch(upscaler(batch(frames, size))))
    assert [(frame.pts, frame.duration, frame.props) for frame in result] == [
        (frame.pts, frame.duration, frame.props) for frame in frames
    ]
    for before, after in zip(frames, result, strict=True):
        assert worst(after.planes, run_model(loaded.network, source, scaled(source, 2), before.planes)) <= 1


def test_a_closed_upscaler_refuses() -> None:
    source = Picture(16, 12, yuv(YUV420), color())
    with Upscaler(load("bicubic", 2), Placement("torch", "cpu", "fp32", None), source, scaled(source, 2)) as upscaler:
        pass
    with pytest.raises(BackendError, match="closed"):
        upscaler.upscale(tensors(noise(source)))


def place(width: int, height: int, network: str = "lrsrn", **options: Any) -> Placement:
    info = VideoInfo(width, height, yuv(YUV420), color(), Fraction(1, 25), Fraction(25))
    return choose_placement(make_spec("a", "b", device="cpu", **options), load(network, 2), info)


def test_interpolation_is_always_exact() -> None:
    """It has no noise of its own to hide rounding in."""
    assert place(64, 48, "bicubic", precision="bf16").precision == "fp32"
    assert place(64, 48, "lrsrn", precision="bf16").precision == "bf16"
    assert place(64, 48, "lrsrn", precision="fp32").precision == "fp32"


def test_eight_bits_of_mantissa_are_chosen_only_for_what_is_added_to_the_picture(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vsr.backends.torch_._bf16_in_hardware", lambda: True)
    assert place(64, 48, backend="torch").precision == "bf16"
    unanchored = replace(load("lrsrn", 2), network=build("lrsrn", 2, anchor="none").deploy())
    info = VideoInfo(64, 48, yuv(YUV420), color(), Fraction(1, 25), Fraction(25))
    spec = make_spec("a", "b", device="cpu", backend="torch")
    assert choose_placement(spec, unanchored, info).precision == "fp32"
    assert choose_placement(replace(spec, precision="bf16"), unanchored, info).precision == "bf16"


def test_large_pictures_and_batches_run_in_strips() -> None:
    assert place(1920, 1080).strip_rows is None
    one, four = place(3840, 2160).strip_rows, place(3840, 2160, batch_size=4).strip_rows
    assert one is not None
    assert four is not None
    assert 4 * four <= one < 2160
    assert place(64, 48, strip_rows=10).strip_rows == 10
    assert place(64, 48, strip_rows=48).strip_rows is None


class WholeMean(Network):
    """Gives the picture's mean everywhere."""

    name = "mean"
    domain = "rgb"
    scale = 1
    halo = None

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=(2, 3), keepdim=True).expand_as(x)


def test_a_network_that_looks_at_the_whole_picture_is_not_cut() -> None:
    source = Picture(12, 20, yuv(YUV420), color())
    planes = run_model(WholeMean(), source, source, smooth(source), strip_rows=4)
    assert all(np.ptp(plane) == 0 for plane in planes)


def test_strips_of_a_network_that_looks_at_the_whole_picture_are_refused() -> None:
    loaded = replace(load("lrsrn", 2), network=build("imdn", 2).deploy())
    huge = VideoInfo(3840, 2160, yuv(YUV420), color(), Fraction(1, 25), Fraction(25))
    assert choose_placement(make_spec("a", "b", device="cpu"), loaded, huge).strip_rows is None
    with pytest.raises(UsageError, match="imdn looks at the whole picture and can't run on strips of 64 rows"):
        choose_placement(make_spec("a", "b", device="cpu", strip_rows=64), loaded, huge)


def test_a_device_that_is_not_there_is_refused_when_it_is_opened() -> None:
    with pytest.raises(BackendError, match="no device 'cuda:99'"):
        Upscaler(
            load("bicubic", 2),
            Placement("torch", "cuda:99", "fp32", None),
            Picture(16, 12, yuv(YUV420), color()),
            Picture(32, 24, yuv(YUV420), color()),
        )


@pytest.mark.skipif(backends.default("cpu")[0] != "openvino", reason="openvino is not for this machine")
def test_the_slower_backend_in_the_place_of_a_missing_one_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (place(64, 48).backend, place(64, 48).remark) == ("openvino", None)
    monkeypatch.setattr(OpenVinoBackend, "unavailable", lambda _: "the package openvino is not installed")
    assert place(64, 48).backend == "torch"
    assert place(64, 48).remark == "running on the slower torch backend, because the package openvino is not installed"
    assert place(64, 48, backend="torch").remark is None
