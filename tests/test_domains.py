"""What networks of each domain are given, and that what becomes of their result is in place and in colour."""

import numpy as np
import pytest
import torch

from tests.pictures import (
    BT601,
    BT2020,
    RGB_SPACE,
    YUV420,
    YUV422,
    YUV444,
    Identity,
    as_plane,
    bars,
    codes,
    color,
    grey_ramp,
    noise,
    run_model,
    scaled,
    smooth,
    worst,
    yuv,
)
from tests.stand_ins import PackedBicubic, bicubic
from vsr.frames import ChromaLocation, PixelLayout
from vsr.networks.packed import Packed
from vsr.plane_model import Picture


class Recorder(Identity):
    """Remembers what the network saw."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.seen = x
        return x


@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("full_range", [False, True])
def test_luma_networks_see_what_they_were_trained_on(bits: int, full_range: bool) -> None:
    """BT.601 codes over 255, whatever the source's range and depth."""
    picture = Picture(32, 16, yuv(YUV420, bits), color(full_range=full_range))
    network = Recorder("luma")
    run_model(network, picture, picture, grey_ramp(picture))
    ramp = np.add.outer(np.arange(16), np.arange(32)) / 46
    expected = codes(ramp, 8, full_range=False, chroma=False) / 255
    np.testing.assert_allclose(network.seen[0, 0].numpy(), expected, atol=0.6 / 219)


def test_rgb_networks_see_rgb_from_0_to_1() -> None:
    picture = Picture(64, 8, yuv(YUV444, 10), color(BT2020))
    network = Recorder()
    run_model(network, picture, picture, bars(picture, amplitude=1.0))
    inner = network.seen[0, :, 4, 4::8].numpy()
    expected = np.array([[1, 1, 0, 0, 1, 1, 0, 0], [1, 1, 1, 1, 0, 0, 0, 0], [1, 0, 1, 0, 1, 0, 1, 0]])
    np.testing.assert_allclose(inner, expected, atol=3e-3)


@pytest.mark.parametrize("location", ["left", "center", "topleft", "bottomleft", "top", "bottom"])
@pytest.mark.parametrize("bits", [8, 10, 16])
@pytest.mark.parametrize("size", [(40, 24), (33, 25), (1, 1)])
@pytest.mark.parametrize("full_range", [False, True])
def test_packed_networks_get_420_planes_as_they_are(
    location: ChromaLocation, bits: int, size: tuple[int, int], full_range: bool
) -> None:
    """No conversion, no resampling, whatever the siting: noise survives to the last code."""
    picture = Picture(*size, yuv(YUV420, bits), color(full_range=full_range, location=location))
    planes = noise(picture)
    assert worst(run_model(Identity("yuv420"), picture, picture, planes), planes) == 0


@pytest.mark.parametrize("full_range", [False, True])
@pytest.mark.parametrize("bits", [8, 10])
def test_packed_networks_see_bt601_codes(bits: int, full_range: bool) -> None:
    """Four samples of luma row by row, then U and V: 8-bit codes over 255, whatever the source's range and depth."""
    picture = Picture(32, 16, yuv(YUV420, bits), color(full_range=full_range))
    unit = [np.full(size, value) for size, value in zip(((16, 32), (8, 16), (8, 16)), (0.0, -0.25, 0.4), strict=True)]
    unit[0] += np.add.outer(np.arange(16), np.arange(32)) / 46
    levels = (codes(value, bits, full_range=full_range, chroma=i > 0) for i, value in enumerate(unit))
    network = Recorder("yuv420")
    run_model(network, picture, picture, tuple(as_plane(level, bits) for level in levels))
    y, u, v = (codes(value, 8, full_range=False, chroma=i > 0) / 255 for i, value in enumerate(unit))
    expected = np.stack((y[::2, ::2], y[::2, 1::2], y[1::2, ::2], y[1::2, 1::2], u, v))
    np.testing.assert_allclose(network.seen[0].numpy(), expected, atol=0.6 / 219)


ENDS = {
    "420": (yuv(YUV420), color()),
    "420-center": (yuv(YUV420), color(location="center")),
    "420-full-10": (yuv(YUV420, 10), color(full_range=True)),
    "422": (yuv(YUV422), color()),
    "444-alpha": (yuv(YUV444, alpha=True), color()),
    "444-bt601": (yuv(YUV444), color(BT601)),
    "rgb": (PixelLayout("rgb", 8), RGB_SPACE),
}


@pytest.mark.parametrize("size", [(64, 48), (63, 47)])
@pytest.mark.parametrize("target_end", ENDS)
@pytest.mark.parametrize("source_end", ENDS)
def test_packed_networks_take_and_give_every_layout(source_end: str, target_end: str, size: tuple[int, int]) -> None:
    """Smooth content comes out as it does of bicubic on luma, at sizes that are no multiple too."""
    source = Picture(*size, *ENDS[source_end])
    planes = smooth(source)
    for width, height in ((2 * size[0], 2 * size[1]), (90, 61)):
        target = Picture(width, height, *ENDS[target_end])
        ours, luma = (run_model(network, source, target, planes) for network in (PackedBicubic(2), bicubic(2)))
        assert worst(ours, luma, margin=8) <= 2 << (target.layout.bits - 8)


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("end", [end for end in ENDS if end != "rgb"])
def test_a_flat_picture_stays_flat_in_the_packed_form(end: str, scale: int) -> None:
    network = Packed(scale).deploy()
    for parameter in network.tail.parameters():
        torch.nn.init.zeros_(parameter)
    source = Picture(23, 14, *ENDS[end])
    values = [40, 90, 200, 130]
    sizes = source.layout.plane_sizes(23, 14)
    planes = tuple(as_plane(np.full(s, float(v)), source.layout.bits) for s, v in zip(sizes, values, strict=False))
    for plane, value in zip(run_model(network, source, scaled(source, scale), planes), values, strict=False):
        assert np.unique(plane).tolist() == [value]


def test_a_packed_network_never_tints_grey() -> None:
    class Tint(Identity):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x + 0.1

    grey, colour = (Picture(8, 6, layout, color()) for layout in (PixelLayout("gray", 8), yuv(YUV420)))
    _, u, v = run_model(Tint("yuv420"), grey, colour, noise(grey))
    assert set(u.flat) == set(v.flat) == {128}


@pytest.mark.parametrize("rows", [1, 7, 16])
@pytest.mark.parametrize("scale", [2, 3])
def test_strips_of_a_packed_network_are_the_whole(scale: int, rows: int) -> None:
    """Rows are the picture's: a strip of seven is three packed rows, and one of one is one."""
    torch.manual_seed(0)
    network = Packed(scale, blocks=1, channels=8).deploy()  # looks three packed rows far
    source = Picture(22, 37, yuv(YUV420), color())
    runs: list[int] = []
    network.head.register_forward_hook(lambda _module, inputs, _result: runs.append(inputs[0].shape[2]))
    whole, strips = (
        run_model(network, source, scaled(source, scale), noise(source), strip_rows=strip_rows)
        for strip_rows in (None, rows)
    )
    assert worst(strips, whole) <= 1
    assert np.mean(strips[0] != whole[0]) < 1e-3
    assert runs[0] == 19
    assert max(runs[1:]) <= max(rows // 2, 1) + 2 * 3
