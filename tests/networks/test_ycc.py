"""RGB networks with the colour matrices in their own layers."""

import numpy as np
import pytest
import torch

from tests.pictures import BT601, BT2020, RGB_SPACE, YUV420, YUV422, YUV444, color, noise, run_model, worst, yuv
from tests.stand_ins import Opaque
from vsr.frames import PixelLayout
from vsr.networks import Network, build, load
from vsr.networks.int8 import QuantisedConv, Range, quantise
from vsr.networks.ycc import YccForm
from vsr.plane_model import Picture, PlaneModel


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("strip_rows", [None, 7])
@pytest.mark.parametrize("matrix", [BT601, BT2020])
@pytest.mark.parametrize(
    "layout", [yuv(YUV420), yuv(YUV422, 10), yuv(YUV444, alpha=True), PixelLayout("gray", 8), PixelLayout("rgb", 8)]
)
def test_a_network_with_the_matrices_in_its_layers_makes_the_same_picture(
    scale: int, strip_rows: int | None, matrix: int, layout: PixelLayout
) -> None:
    space = RGB_SPACE if layout.family == "rgb" else color(matrix)
    source, target = Picture(21, 18, layout, space), Picture(21 * scale, 18 * scale, layout, space)
    network = load("lrsrn", scale).network
    planes = noise(source)
    result = run_model(network, source, target, planes, strip_rows=strip_rows)
    expected = run_model(Opaque(network), source, target, planes)
    assert worst(result, expected) <= 1
    assert np.mean(np.concatenate([(a != b).ravel() for a, b in zip(result, expected, strict=True)])) < 0.01
    assert isinstance(PlaneModel(network, source, target).network, YccForm) == (layout.family != "gray")


@pytest.mark.parametrize("network", [build("lrsrn", 2, anchor="none").deploy(), build("lrsrn", 3)])
def test_a_network_without_an_anchor_or_with_other_ends_sees_rgb(network: Network) -> None:
    source, target = Picture(8, 6, yuv(YUV420), color()), Picture(16, 12, yuv(YUV420), color())
    assert PlaneModel(network, source, target).network is network


def test_eight_bits_stay_behind_the_matrices() -> None:
    """The tail keeps its calibrated input; the head, calibrated for RGB, computes in floats."""
    network = load("lrsrn", 2).network
    ranges = {"head": Range(0.0, 1.0), "body.0": Range(0.0, 2.0), "tail": Range(0.0, 4.0)}
    form = YccForm(quantise(network, ranges), torch.eye(3))  # type: ignore[arg-type]
    quantised = [name for name, module in form.named_modules() if isinstance(module, QuantisedConv)]
    assert quantised == ["tail", "features.network.body.0"]
    x = torch.rand(1, 3, 9, 9)
    luma, chroma = form(x)
    assert torch.allclose(
        torch.cat((luma, chroma), 1), quantise(network, {k: ranges[k] for k in ("body.0", "tail")})(x)
    )
