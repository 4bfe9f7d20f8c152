"""PlaneModel: planes in, larger planes out, in the right colours, at the right place, of the right size."""

from itertools import product

import numpy as np
import pytest
import torch

from tests.pictures import (
    BT601,
    BT709,
    BT2020,
    YUV420,
    YUV422,
    YUV444,
    Floats,
    Identity,
    as_plane,
    bars,
    codes,
    color,
    grey_ramp,
    legal_noise,
    noise,
    run_model,
    smooth,
    swscale,
    worst,
    yuv,
)
from vsr.color import plane_grids
from vsr.domains import pack, unpack
from vsr.frames import MATRIX_RGB, ChromaLocation, ColorSpace, PixelLayout
from vsr.networks import Network, build, load
from vsr.networks.base import Domain
from vsr.networks.int8 import QuantisedConv, Range, quantise
from vsr.networks.packed import Packed
from vsr.networks.ycc import YccForm
from vsr.plane_model import Picture, PlaneModel
from vsr.resample import Resample

SUBSAMPLINGS = [YUV420, YUV422, YUV444]
MATRICES = [BT601, BT709, BT2020]
DEPTHS = [8, 9, 10, 12, 14, 16]
RGB_SPACE = ColorSpace(MATRIX_RGB, full_range=True)


def bicubic(scale: int) -> Network:
    return load("bicubic", scale).network


def scaled(picture: Picture, scale: int) -> Picture:
    return Picture(picture.width * scale, picture.height * scale, picture.layout, picture.color)


@pytest.mark.parametrize("shifts", SUBSAMPLINGS)
@pytest.mark.parametrize("bits", [8, 10])
@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full_range", [False, True])
def test_bicubic_is_ffmpegs_scaling(shifts: tuple[int, int], bits: int, matrix: int, full_range: bool) -> None:
    """Bars and ramps, borders included (both replicate), every chroma siting that the format can have."""
    locations: list[ChromaLocation] = ["left", "center", "topleft"] if shifts == YUV420 else ["left"]
    for location, (scale, width, height) in product(locations, [(2, 64, 32), (3, 48, 24)]):
        source = Picture(width, height, yuv(shifts, bits), color(matrix, full_range, location))
        target = scaled(source, scale)
        for planes in (bars(source), grey_ramp(source)):
            ours = run_model(bicubic(scale), source, target, planes)
            assert worst(ours, swscale(source, target, planes)) <= 1, (location, scale)


@pytest.mark.parametrize("bits", DEPTHS)
@pytest.mark.parametrize("matrix", MATRICES)
@pytest.mark.parametrize("full_range", [False, True])
def test_every_code_survives_the_way_through_rgb(bits: int, matrix: int, full_range: bool) -> None:
    """4:4:4 noise over the whole range: headroom and colours outside the RGB cube too."""
    picture = Picture(40, 24, yuv(YUV444, bits), color(matrix, full_range))
    for planes in (noise(picture), legal_noise(picture)):
        assert worst(run_model(Identity(), picture, picture, planes), planes) <= 1


@pytest.mark.parametrize("shifts", [YUV420, YUV422])
@pytest.mark.parametrize("location", ["left", "center", "topleft", "bottomleft", "top", "bottom"])
@pytest.mark.parametrize("bits", [8, 10])
def test_subsampled_smooth_content_survives_the_way_through_rgb(
    shifts: tuple[int, int], location: ChromaLocation, bits: int
) -> None:
    picture = Picture(64, 48, yuv(shifts, bits), color(BT709, location=location))
    planes = smooth(picture)
    assert worst(run_model(Identity(), picture, picture, planes), planes, margin=3) <= 1


@pytest.mark.parametrize("domain", ["rgb", "luma", "yuv420"])
def test_headroom_survives(domain: Domain) -> None:
    picture = Picture(16, 16, yuv(YUV420), color())
    luma = np.repeat(np.arange(0, 256, 16, dtype=np.uint8)[:, None], 16, axis=1)
    planes = (luma, np.full((8, 8), 4, np.uint8), np.full((8, 8), 251, np.uint8))
    assert worst(run_model(Identity(domain), picture, picture, planes), planes) <= 1


OFFSETS: dict[ChromaLocation, tuple[float, float]] = {"left": (0.5, 0.0), "center": (0.5, 0.5), "topleft": (0.0, 0.0)}
"""Of a chroma sample from the luma sample above and left of it, in luma samples: (down, across)."""


def slope(size: tuple[int, int], offset: tuple[float, float] | None, scale: int = 1) -> Floats:
    """A tilted plane seen by luma samples, or by 4:2:0 chroma samples that lie ``offset`` beside them."""
    axes = []
    for count, shift in zip(size, offset or (0.0, 0.0), strict=True):
        index = np.arange(count, dtype=np.float64)
        axes.append(((index * 2 + shift if offset else index) + 0.5) / scale)
    return 200 + 5 * np.add.outer(*axes)


@pytest.mark.parametrize("target_location", ["left", "center", "topleft", None])
@pytest.mark.parametrize("location", ["left", "center", "topleft"])
@pytest.mark.parametrize("scale", [2, 3])
def test_chroma_does_not_drift(location: ChromaLocation, target_location: ChromaLocation | None, scale: int) -> None:
    """One slope in all planes, each sampled where its siting says, is the same slope afterwards."""
    source = Picture(48, 40, yuv(YUV420, 10), color(location=location))
    shifts = YUV444 if target_location is None else YUV420
    target = Picture(48 * scale, 40 * scale, yuv(shifts, 10), color(location=target_location or location))
    sizes = source.layout.plane_sizes(source.width, source.height)
    planes = tuple(as_plane(slope(size, OFFSETS[location] if i else None), 10) for i, size in enumerate(sizes))
    wanted = OFFSETS[target_location] if target_location else None
    inner = slice(6 * scale, -6 * scale)
    for network in (bicubic(scale), bicubic_through_rgb(scale), PackedBicubic(scale)):
        for i, plane in enumerate(run_model(network, source, target, planes)):
            expected = slope((plane.shape[0], plane.shape[1]), wanted if i else None, scale)
            assert np.abs(plane - expected)[inner, inner].max() <= 1, f"plane {i} of {network.name}"


def bicubic_through_rgb(scale: int) -> Network:
    """Bicubic on R, G and B."""

    class OnRgb(Identity):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            n, c, h, w = x.shape
            y: torch.Tensor = bicubic(self.scale)(x.reshape(n * c, 1, h, w))
            return y.reshape(n, c, h * self.scale, w * self.scale)

    network = OnRgb()
    network.name, network.scale, network.halo = "bicubic on RGB", scale, 2
    return network


class PackedBicubic(Identity):
    """Bicubic on the packed form: luma to luma, chroma from one "left" grid to the other, as in training."""

    def __init__(self, scale: int) -> None:
        super().__init__("yuv420")
        self.name, self.scale = "bicubic on packed planes", scale

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        luma, chroma = unpack(x)
        size = luma.shape[2], luma.shape[3]
        small, large = (plane_grids((size[0] * s, size[1] * s), yuv(YUV420), "left") for s in (1, self.scale))
        return pack(bicubic(self.scale)(luma), Resample(small, large)(chroma))


@pytest.mark.parametrize("network", [load("bicubic", 2).network, load("lrsrn", 2).network, Packed(2).deploy()])
@pytest.mark.parametrize("shifts", SUBSAMPLINGS)
@pytest.mark.parametrize("size", [(33, 25), (32, 25), (1, 1)])
def test_odd_sizes_give_every_plane_its_size(network: Network, shifts: tuple[int, int], size: tuple[int, int]) -> None:
    source = Picture(*size, yuv(shifts), color())
    for target in (scaled(source, 2), Picture(2 * size[0] + 1, 2 * size[1] + 1, source.layout, source.color)):
        result = run_model(network, source, target, smooth(source))
        assert tuple(plane.shape for plane in result) == target.layout.plane_sizes(target.width, target.height)


def test_an_odd_picture_three_times_as_large() -> None:
    source = Picture(321, 241, yuv(YUV420), color())
    result = run_model(bicubic(3), source, scaled(source, 3), smooth(source))
    assert [plane.shape for plane in result] == [(723, 963), (362, 482), (362, 482)]


@pytest.mark.parametrize("size", [(427, 240), (64, 36), (300, 200)])
def test_any_exact_size(size: tuple[int, int]) -> None:
    """A flat picture stays flat and a network's multiple need not be the wanted size."""
    source = Picture(160, 90, yuv(YUV420), color())
    planes = tuple(np.full(s, 40 + 60 * i, np.uint8) for i, s in enumerate(source.layout.plane_sizes(160, 90)))
    target = Picture(*size, yuv(YUV420), color())
    for i, plane in enumerate(run_model(bicubic(2), source, target, planes)):
        assert plane.shape == target.layout.plane_sizes(*size)[i]
        assert np.unique(plane).tolist() == [40 + 60 * i]


@pytest.mark.parametrize("family", ["yuv", "rgb"])
def test_alpha_is_kept(family: str) -> None:
    layout = yuv(YUV420, alpha=True) if family == "yuv" else PixelLayout("rgb", 8, alpha=True)
    space = color() if family == "yuv" else RGB_SPACE
    source = Picture(24, 16, layout, space)
    edge = np.repeat(np.array([[0] * 12 + [255] * 12], np.uint8), 16, axis=0)
    planes = (*smooth(source)[:3], edge)
    result = run_model(bicubic(2), source, scaled(source, 2), planes)
    assert result[3].shape == (32, 48)
    assert set(result[3][:, :20].flat) == {0}
    assert set(result[3][:, 28:].flat) == {255}


def test_missing_alpha_is_opaque_and_unwanted_alpha_is_dropped() -> None:
    without, with_alpha = (Picture(8, 8, yuv(YUV420, 10, alpha=alpha), color()) for alpha in (False, True))
    assert np.unique(run_model(Identity(), without, with_alpha, smooth(without))[3]).tolist() == [1023]
    assert len(run_model(Identity(), with_alpha, without, smooth(with_alpha))) == 3


@pytest.mark.parametrize("domain", ["rgb", "luma", "yuv420"])
@pytest.mark.parametrize("bits", [8, 10, 16])
@pytest.mark.parametrize("full_range", [False, True])
def test_grey_stays_grey(domain: Domain, bits: int, full_range: bool) -> None:
    grey = Picture(32, 20, PixelLayout("gray", bits), color(full_range=full_range))
    colour = Picture(32, 20, yuv(YUV420, bits), color(full_range=full_range))
    planes = noise(grey)
    assert worst(run_model(Identity(domain), grey, grey, planes), planes) <= 1
    with_chroma = run_model(Identity(domain), grey, colour, planes)
    assert worst(with_chroma[:1], planes) <= 1
    assert set(with_chroma[1].flat) == set(with_chroma[2].flat) == {1 << (bits - 1)}
    assert worst(run_model(Identity("luma"), colour, grey, with_chroma), planes) <= 1


@pytest.mark.parametrize("domain", ["rgb", "luma"])
@pytest.mark.parametrize("bits", DEPTHS)
def test_rgb_stays_rgb(domain: Domain, bits: int) -> None:
    picture = Picture(32, 20, PixelLayout("rgb", bits), RGB_SPACE)
    planes = noise(picture)
    assert worst(run_model(Identity(domain), picture, picture, planes), planes) <= 1


@pytest.mark.parametrize("domain", ["rgb", "luma"])
@pytest.mark.parametrize("bits", [(8, 10), (10, 8), (8, 16)])
def test_depth_changes_keep_the_level(domain: Domain, bits: tuple[int, int]) -> None:
    source, target = (Picture(32, 20, yuv(YUV444, b), color()) for b in bits)
    planes = legal_noise(source)
    expected = tuple(as_plane(plane.astype(np.float64) * 2.0 ** (bits[1] - bits[0]), bits[1]) for plane in planes)
    assert worst(run_model(Identity(domain), source, target, planes), expected) <= 1


@pytest.mark.parametrize("domain", ["rgb", "luma"])
@pytest.mark.parametrize("back", [False, True])
def test_one_standard_becomes_another(domain: Domain, back: bool) -> None:
    """BT.709 limited to JPEG's full-range BT.601 and back: the same bars, written in the other's codes."""
    ends = (
        Picture(64, 8, yuv(YUV444), color(BT709)),
        Picture(64, 8, yuv(YUV444), color(BT601, full_range=True, location="center")),
    )
    source, target = reversed(ends) if back else ends
    # Half a code of error in the source is up to 1.2 codes in the target.
    assert worst(run_model(Identity(domain), source, target, bars(source)), bars(target)) <= 2


def test_range_alone_changes_without_the_matrix() -> None:
    limited, full = (Picture(32, 16, yuv(YUV420), color(full_range=f)) for f in (False, True))
    assert worst(run_model(Identity("luma"), limited, full, grey_ramp(limited)), grey_ramp(full)) <= 1
    assert worst(run_model(Identity("luma"), full, limited, grey_ramp(full)), grey_ramp(limited)) <= 1


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


class Opaque(Network):
    """A network that hides all but its forward, so that nothing of it is done in another way."""

    name = "opaque"

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network, self.domain, self.scale, self.halo = network, network.domain, network.scale, network.halo

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.network(x)  # type: ignore[no-any-return]


@pytest.mark.parametrize("scale", [2, 3, 4])
@pytest.mark.parametrize("size", [(32, 20), (17, 1), (1, 2), (20, 31)])
@pytest.mark.parametrize("strip_rows", [None, 7])
@pytest.mark.parametrize(
    "layout", [yuv(YUV420), yuv(YUV422, 10), yuv(YUV444, alpha=True), PixelLayout("gray", 16), PixelLayout("rgb", 8)]
)
def test_sub_pixels_shuffled_as_codes_are_the_picture(
    scale: int, size: tuple[int, int], strip_rows: int | None, layout: PixelLayout
) -> None:
    source = Picture(*size, layout, RGB_SPACE if layout.family == "rgb" else color())
    target = Picture(scale * size[0], scale * size[1], layout, source.color)
    network = build("ecbsr", scale).deploy()
    planes = noise(source)
    result = run_model(network, source, target, planes, strip_rows=strip_rows)
    expected = run_model(Opaque(network), source, target, planes)
    assert worst(result, expected) <= 1
    assert np.mean(np.concatenate([(a != b).ravel() for a, b in zip(result, expected, strict=True)])) < 0.01


def test_phases_become_a_plane_only_where_there_is_one_for_them() -> None:
    source, network = Picture(8, 6, yuv(YUV420), color()), build("ecbsr", 2).deploy()
    for target, in_phases in (
        (Picture(16, 12, yuv(YUV420), color()), True),
        (Picture(16, 12, PixelLayout("gray", 8), color()), True),
        (Picture(16, 13, yuv(YUV420), color()), False),
        (Picture(16, 12, yuv(YUV420), color(BT601)), False),
        (Picture(16, 12, PixelLayout("rgb", 8), RGB_SPACE), False),
    ):
        assert PlaneModel(network, source, target).in_phases == in_phases


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
