"""The parts of training: schedules, losses, the averaged weights."""

import pytest
import torch
from torch import nn

from vsr.networks import Network, build
from vsr.training.ema import WeightAverage
from vsr.training.losses import Loss, pixel_loss
from vsr.training.schedule import Schedule, learning_rate


class Normalised(Network):
    """Batch normalisation alone."""

    name = "normalised"
    domain = "rgb"
    scale = 1
    halo = 0

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.norm(x)
        return result


@pytest.mark.parametrize(("schedule", "end"), [("one_cycle", 0.0), ("cosine", 0.01), ("constant", 1.0)])
def test_schedules_rise_to_the_peak_and_fall_to_their_end(schedule: Schedule, end: float) -> None:
    rates = [learning_rate(schedule, 2.0, 10, 1000, step) for step in range(1000)]
    assert rates[:10] == pytest.approx([0.2 * n for n in range(1, 11)])
    assert rates[10] == 2.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert rates[-1] == pytest.approx(2.0 * end, abs=0.01)


def test_halving_halves_at_its_shares_of_the_steps() -> None:
    rates = [learning_rate("halving", 2.0, 10, 1000, step, halve_at=(0.5, 0.75)) for step in range(1000)]
    assert rates[5] == pytest.approx(1.2)
    assert [rates[step] for step in (499, 500, 749, 750, 999)] == [2.0, 1.0, 1.0, 0.5, 0.5]


def test_cosine_starts_again_each_cycle() -> None:
    rates = [learning_rate("cosine", 2.0, 0, 1200, step, cycles=3) for step in range(1200)]
    assert rates == pytest.approx([learning_rate("cosine", 2.0, 0, 400, step) for step in range(400)] * 3)


@pytest.mark.parametrize(("loss", "wanted"), [("l1", 0.2), ("l2", 0.04), ("charbonnier", (0.04 + 1e-6) ** 0.5)])
def test_losses_of_a_constant_difference(loss: Loss, wanted: float) -> None:
    truth = torch.rand(2, 3, 4, 4)
    assert pixel_loss(truth + 0.2, truth, loss).item() == pytest.approx(wanted, abs=1e-5)


def test_luma_counts_green_more_than_blue() -> None:
    truth = torch.zeros(1, 3, 4, 4)
    green, blue = truth.clone(), truth.clone()
    green[:, 1], blue[:, 2] = 0.3, 0.3
    assert pixel_loss(green, truth, "l1") == pixel_loss(blue, truth, "l1")
    extra_green = pixel_loss(green, truth, "l1", 2.0) - pixel_loss(green, truth, "l1")
    extra_blue = pixel_loss(blue, truth, "l1", 2.0) - pixel_loss(blue, truth, "l1")
    assert extra_green.item() == pytest.approx(2 * 0.504 * 0.3, abs=1e-5)
    assert extra_blue.item() == pytest.approx(2 * 0.098 * 0.3, abs=1e-5)


def test_luma_of_packed_planes_is_their_first_four_channels() -> None:
    truth = torch.zeros(1, 6, 4, 4)
    luma, chroma = truth.clone(), truth.clone()
    luma[:, 3], chroma[:, 4] = 0.3, 0.3
    assert pixel_loss(luma, truth, "l1") == pixel_loss(chroma, truth, "l1") == pytest.approx(0.05)
    assert pixel_loss(luma, truth, "l1", 2.0).item() == pytest.approx(0.05 + 2 * 0.075)
    assert pixel_loss(chroma, truth, "l1", 2.0).item() == pytest.approx(0.05)


def test_average_follows_its_formula_and_never_the_original() -> None:
    network = build("lrsrn", 2, expand=8)
    first = next(iter(network.parameters())).detach().clone()
    average = WeightAverage(network, decay=0.5)
    wanted = first.clone()
    for step in range(12):
        with torch.no_grad():
            for parameter in network.parameters():
                parameter.add_(1.0)
        average.update(network)
        decay = min(0.5, (1 + step) / (10 + step))
        wanted = decay * wanted + (1 - decay) * next(iter(network.parameters())).detach()
    torch.testing.assert_close(next(iter(average.network.parameters())), wanted)
    assert not any(parameter.requires_grad for parameter in average.network.parameters())


def test_average_without_decay_is_the_last_step() -> None:
    network = build("lrsrn", 2, expand=8)
    average = WeightAverage(network, decay=0.0)
    nn.init.constant_(next(iter(network.parameters())), 3.0)
    average.update(network)
    assert torch.equal(next(iter(average.network.parameters())), next(iter(network.parameters())))


def test_average_follows_the_statistics_of_normalisations() -> None:
    network = Normalised()
    average = WeightAverage(network, decay=0.5)
    network(torch.full((2, 3, 4, 4), 0.5))
    average.update(network)
    wanted = 0.1 * 0.0 + 0.9 * 0.1 * 0.5  # The first decay is 1/10; the normalisation's own momentum is 0.1.
    torch.testing.assert_close(average.network.state_dict()["norm.running_mean"], torch.full((3,), wanted))
