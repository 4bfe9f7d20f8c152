"""Resampling: what each kernel keeps exactly, both ways of computing it, and agreement with torch's bicubic."""

import math
from fractions import Fraction

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from vsr import resample
from vsr.resample import Grid, Kernel, Resample, Site, kernel_value

KERNELS: list[Kernel] = ["bicubic", "lanczos3"]
RATIOS = [(36, 48), (36, 72), (20, 60), (48, 36), (50, 25), (60, 20), (31, 37), (427, 960), (64, 27), (7, 1), (1, 5)]


def positions(grid: Grid) -> Tensor:
    """Where the samples lie, from 0 to 1."""
    return torch.tensor([float(grid.first + i * grid.step) for i in range(grid.count)])


def resampler(source: tuple[int, int], target: tuple[int, int], kernel: Kernel) -> Resample:
    """Between luma grids of (height, width)."""
    return Resample(
        (Grid.luma(source[0]), Grid.luma(source[1])), (Grid.luma(target[0]), Grid.luma(target[1])), kernel
    ).double()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("before", "after"), RATIOS)
def test_a_constant_stays_and_the_size_is_right(kernel: Kernel, before: int, after: int) -> None:
    y = resampler((before, 5), (after, 9), kernel)(torch.full((2, 3, before, 5), 0.7, dtype=torch.float64))
    assert y.shape == (2, 3, after, 9)
    assert float((y - 0.7).abs().max()) < 1e-6


@pytest.mark.parametrize(("before", "after"), [pair for pair in RATIOS if min(pair) >= 20])
def test_cubic_keeps_a_straight_line_away_from_the_borders(before: int, after: int) -> None:
    grids = Grid.luma(before), Grid.luma(after)
    line = positions(grids[0]).double().expand(1, 1, 6, before)
    y = resampler((6, before), (6, after), "bicubic")(line)[0, 0, 0]
    expected = positions(grids[1]).double()
    reach = 2 / min(before, after)
    inner = (expected > reach) & (expected < 1 - reach)
    assert int(inner.sum()) > after // 2
    # A widened kernel, for shrinking, sums over whole samples: straight lines are kept only nearly.
    tolerance = 1e-6 if after >= before else 2e-3
    assert float((y - expected)[inner].abs().max()) < tolerance


@pytest.mark.parametrize("site", ["first", "middle", "last"])
@pytest.mark.parametrize("luma_length", [40, 41])
def test_a_chroma_line_lands_on_the_luma_samples(site: Site, luma_length: int) -> None:
    chroma, luma = Grid.chroma(luma_length, 1, site), Grid.luma(luma_length)
    rows = Grid.luma(1)
    y = Resample((rows, chroma), (rows, luma)).double()(positions(chroma).double().expand(1, 1, 1, -1))[0, 0, 0]
    torch.testing.assert_close(y[6:-6], positions(luma).double()[6:-6], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("before", "after"), RATIOS)
def test_convolving_and_gathering_are_one(
    kernel: Kernel, before: int, after: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.rand(2, 2, before, before + 3, dtype=torch.float64)
    results = []
    for longest in (10_000, 0):
        monkeypatch.setattr(resample, "_LONGEST_CONVOLUTION_TAPS", longest)
        model = resampler((before, before + 3), (after, after + 3), kernel)
        assert model.vertical.convolve is (longest > 0)
        results.append(model(x))
    torch.testing.assert_close(results[0], results[1], rtol=0, atol=1e-12)


@pytest.mark.parametrize("scale", [2, 3, 4])
def test_cubic_enlarging_is_torchs_antialiased_bicubic(scale: int) -> None:
    """torch has a = -0.5 only with ``antialias``; its borders renormalise instead of replicating."""
    x = torch.rand(1, 2, 20, 24, dtype=torch.float64)
    ours = resampler((20, 24), (20 * scale, 24 * scale), "bicubic")(x)
    theirs = F.interpolate(x, scale_factor=scale, mode="bicubic", antialias=True, align_corners=False)
    inner = slice(3 * scale, -3 * scale)
    torch.testing.assert_close(ours[..., inner, inner], theirs[..., inner, inner], rtol=0, atol=1e-6)


@pytest.mark.parametrize(("before", "after"), [(48, 24), (60, 25), (48, 36)])
def test_cubic_shrinking_is_torchs_antialiased_bicubic(before: int, after: int) -> None:
    x = torch.rand(1, 1, before, before, dtype=torch.float64)
    ours = resampler((before, before), (after, after), "bicubic")(x)
    theirs = F.interpolate(x, size=(after, after), mode="bicubic", antialias=True, align_corners=False)
    torch.testing.assert_close(ours[..., 3:-3, 3:-3], theirs[..., 3:-3, 3:-3], rtol=0, atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS)
def test_turning_the_picture_turns_the_result(kernel: Kernel) -> None:
    x = torch.rand(1, 1, 15, 15, dtype=torch.float64)
    model = resampler((15, 15), (22, 22), kernel)
    torch.testing.assert_close(model(x.flip(-1)), model(x).flip(-1), rtol=0, atol=1e-6)
    torch.testing.assert_close(model(x.transpose(-1, -2)), model(x).transpose(-1, -2), rtol=0, atol=1e-6)


def test_borders_are_replicated() -> None:
    x = torch.rand(1, 1, 6, 8, dtype=torch.float64)
    wide = F.pad(x, (8, 8, 6, 6), mode="replicate")
    inner = resampler((18, 24), (36, 48), "bicubic")(wide)[..., 12:24, 16:32]
    torch.testing.assert_close(resampler((6, 8), (12, 16), "bicubic")(x), inner, rtol=0, atol=1e-6)


def test_equal_grids_change_nothing() -> None:
    x = torch.rand(1, 1, 5, 7)
    model = Resample((Grid.luma(5), Grid.luma(7)), (Grid.luma(5), Grid.luma(7)), "lanczos3")
    assert torch.equal(model(x), x)


@pytest.mark.parametrize("kernel", KERNELS)
def test_kernels_interpolate(kernel: Kernel) -> None:
    assert [kernel_value(kernel, x) for x in (0, 1, -1, 2, 3, 4)] == pytest.approx([1, 0, 0, 0, 0, 0], abs=1e-12)
    assert kernel_value(kernel, 0.3) == kernel_value(kernel, -0.3)


def test_kernel_values_are_the_published_ones() -> None:
    assert kernel_value("bicubic", 0.5) == pytest.approx(9 / 16)
    assert kernel_value("bicubic", 1.5) == pytest.approx(-1 / 16)
    assert kernel_value("lanczos3", 0.5) == pytest.approx(
        math.sin(math.pi / 2) * math.sin(math.pi / 6) * 12 / math.pi**2
    )


def test_resampling_can_be_exported() -> None:
    model = resampler((9, 10), (21, 20), "bicubic").float()
    x = torch.rand(1, 2, 9, 10)
    exported = torch.export.export(model, (x,)).module()
    torch.testing.assert_close(exported(x), model(x))


def test_grids_say_where_samples_lie() -> None:
    assert Grid.luma(4) == Grid(4, Fraction(1, 8), Fraction(1, 4))
    assert Grid.chroma(5, 1, "first") == Grid(3, Fraction(1, 10), Fraction(2, 5))
    assert Grid.chroma(8, 2, "middle") == Grid(2, Fraction(1, 4), Fraction(1, 2))
