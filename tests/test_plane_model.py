"""PlaneModel: planes in, larger planes out, in the right colours, at the right place, of the right size."""

from itertools import product

import numpy as np
import pytest

from tests.pictures import (
    BT601,
    BT709,
    BT2020,
    RGB_SPACE,
    YUV420,
    YUV422,
    YUV444,
    Floats,
    Identity,
    as_plane,
    bars,
    color,
    grey_ramp,
    legal_noise,
    noise,
    run_model,
    scaled,
    smooth,
    swscale,
    worst,
    yuv,
)
from tests.stand_ins import PackedBicubic, bicubic, bicubic_through_rgb
from vsr.frames import ChromaLocation, PixelLayout
from vsr.networks import Network, load
from vsr.networks.base import Domain
from vsr.networks.packed import Packed
from vsr.plane_model import Picture

SUBSAMPLINGS = [YUV420, YUV422, YUV444]
MATRICES = [BT601, BT709, BT2020]
DEPTHS = [8, 9, 10, 12, 14, 16]


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
