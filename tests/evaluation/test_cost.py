"""Multiply-accumulates: by hand for each kind of convolution, as its authors say for LRSRN, recursion each time."""

import pytest
import torch
from torch import nn

from vsr.evaluation.cost import gmac_to_4k, macs_per_pixel, time_frame
from vsr.networks import Network, NetworkEntry, available, build, load, parameter_count


class Layers(Network):
    """``layers`` on a luma plane, whatever they give."""

    name = "layers"
    scale = 2
    domain = "luma"
    halo = 0

    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.layers(x)
        return result


@pytest.mark.parametrize(
    ("layers", "wanted"),
    [
        ([nn.Conv2d(1, 4, 3, padding=1, bias=False)], 4 * 9),
        ([nn.Conv2d(1, 4, 3, padding=1)], 4 * 9 + 4),
        ([nn.Conv2d(1, 4, 1, bias=False), nn.Conv2d(4, 8, 3, padding=1, groups=2, bias=False)], 4 + 8 * 2 * 9),
        ([nn.Conv2d(1, 4, 3, stride=2, padding=1, bias=False)], 4 * 9 / 4),
        ([nn.ConvTranspose2d(1, 3, 2, stride=2, bias=False)], 3 * 4),
        ([nn.ConvTranspose2d(1, 3, 2, stride=2)], 3 * 4 + 3 * 4),
        ([nn.Upsample(scale_factor=2), nn.Conv2d(1, 1, 5, padding=2, bias=False)], 4 * 25),
    ],
)
def test_each_kind_of_convolution(layers: list[nn.Module], wanted: float) -> None:
    assert macs_per_pixel(Layers(*layers)) == wanted


def test_lrsrn_costs_what_its_authors_say() -> None:
    assert gmac_to_4k(build("lrsrn", 2).deploy()) == pytest.approx(85.7, abs=0.1)


def test_a_recursive_convolution_counts_each_time() -> None:
    # Two units more are four times 3x3, 128 -> 128, at the full 3840x2160, with hardly a parameter more.
    two, four = (gmac_to_4k(build("drrn", 2, units=units).deploy()) for units in (2, 4))
    assert four - two == pytest.approx(4 * 128 * 128 * 9 * 3840 * 2160 / 1e9, rel=0.01)


@pytest.mark.parametrize("entry", available(), ids=lambda entry: entry.name)
def test_every_network_has_a_cost_that_no_size_changes(entry: NetworkEntry, monkeypatch: pytest.MonkeyPatch) -> None:
    network = entry.build(entry.scales[0], **({"units": 1} if entry.name == "drrn" else {})).deploy()
    small = macs_per_pixel(network)
    monkeypatch.setattr("vsr.evaluation.cost._TILE", 16)
    assert macs_per_pixel(network) == pytest.approx(small, rel=1e-3)
    assert small > 0.5 * parameter_count(network) / network.cell**2


def test_a_network_on_packed_planes_works_once_for_four_pixels() -> None:
    network = build("packed", 2).deploy()
    assert macs_per_pixel(network) == parameter_count(network) / 4


def test_timing_says_what_was_timed() -> None:
    timing = time_frame(load("bicubic", 2), 34, 18, device="cpu")
    assert timing.ms > 0
    assert (timing.width, timing.height, timing.precision) == (34, 18, "fp32")
    assert "CPU" in timing.device
