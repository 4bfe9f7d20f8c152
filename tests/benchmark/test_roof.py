"""The roof: of which convolutions, and what is made of two stacks' times."""

from dataclasses import replace

import pytest
import torch

from vsr import backends
from vsr.benchmark import roof
from vsr.benchmark.cases import Case
from vsr.benchmark.roof import ConvolutionStack, Widest, measure_roof, widest
from vsr.frames import MATRIX_BT709, ColorSpace, PixelLayout
from vsr.networks import build
from vsr.networks.int8 import QuantisedConv
from vsr.plane_model import Picture, PlaneModel


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lrsrn", Widest(32, 1.0)),
        ("realtime", Widest(16, 1.0)),
        ("vdsr", Widest(64, 2.0)),  # works on the picture that bicubic has upscaled
        ("packed", Widest(48, 0.5)),  # works on 2x2 sub-pixels
        ("bicubic", None),
    ],
)
def test_the_roof_is_that_of_the_convolutions_that_cost_most(name: str, expected: Widest | None) -> None:
    assert widest(build(name, 2).deploy()) == expected


def test_a_stack_is_plain_convolutions_of_one_width() -> None:
    stack = ConvolutionStack(16, 4)
    shapes = [tuple(weight.shape) for name, weight in stack.named_parameters() if name.endswith("weight")]
    assert shapes == [(16, 1, 3, 3), *[(16, 16, 3, 3)] * 4, (1, 16, 3, 3)]
    assert stack(torch.zeros(1, 1, 8, 8)).shape == (1, 1, 8, 8)
    again = ConvolutionStack(16, 4).state_dict()
    assert all(torch.equal(weight, again[name]) for name, weight in stack.state_dict().items())


def test_the_rate_is_that_of_the_layers_by_which_the_stacks_differ(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []

    def times(_: Case, channels: int, size: tuple[int, int]) -> tuple[float, float]:
        sizes.append((channels, size))
        return 1.0, 3.0

    monkeypatch.setattr(roof, "_seconds_a_frame", times)
    measured = measure_roof(case, build("vdsr", 2).deploy())
    assert sizes == [(64, (128, 96))]
    assert measured == pytest.approx(2 * 9 * 64 * 64 * 128 * 96 * 8 / 2 / 1e9)


def test_stacks_whose_times_can_not_be_told_apart_give_no_roof(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(roof, "_seconds_a_frame", lambda *_: (2.0, 2.0))
    assert measure_roof(case, build("realtime", 2).deploy()) is None


def test_both_stacks_are_run_by_the_backend_in_the_cases_batches(case: Case) -> None:
    shallow_s, deep_s = roof._seconds_a_frame(replace(case, batch_size=2), 4, (32, 16))
    assert shallow_s > 0
    assert deep_s > 0


def test_the_roof_in_int8_is_of_convolutions_in_int8(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = []

    class Loading:
        def load(self, model: PlaneModel, device: str) -> None:
            loaded.append(model.network)

    monkeypatch.setattr(backends, "get", lambda name: Loading())
    picture = Picture(32, 16, PixelLayout("gray", 8), ColorSpace(MATRIX_BT709, full_range=False))
    for precision in ("fp32", "int8"):
        roof._load(replace(case, precision=precision), 4, 6, picture)
    counts = [sum(isinstance(module, QuantisedConv) for module in network.modules()) for network in loaded]
    assert counts == [0, 8]
