"""Upscaler: strips, precision, batches and placement do not show in the picture."""

import numpy as np
import pytest
import torch

from tests.pictures import YUV420, color, noise, run_model, smooth, tensors, worst, yuv
from vsr.networks import load
from vsr.plane_model import Picture, PlaneModel


def scaled(picture: Picture, scale: int) -> Picture:
    return Picture(picture.width * scale, picture.height * scale, picture.layout, picture.color)


@pytest.mark.parametrize("network_name", ["bicubic", "lrsrn"])
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
