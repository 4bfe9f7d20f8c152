"""The half-precision guard, and PlaneModels in the slot ring: half precision never shows."""

import pytest
import torch
from torch import nn

from tests.backends.fake_layer import FakeLayer
from tests.pictures import YUV420, color, noise, run_model, smooth, tensors, worst, yuv
from vsr.backends.engines import _Watched
from vsr.backends.guard import Guarded
from vsr.backends.torch_ import ring
from vsr.networks import Network, load
from vsr.plane_model import Picture, PlaneModel

SOURCE = Picture(24, 18, yuv(YUV420), color())
TARGET = Picture(48, 36, yuv(YUV420), color())
CPU = torch.device("cpu")
NOTICE = "half precision overflowed in some frames: those were upscaled again in float32"


class Overflowing(Network):
    """Gives back its input, by way of values that float16 can't hold where the input is bright."""

    name = "overflowing"
    domain = "rgb"
    scale = 1
    halo = 0

    def __init__(self) -> None:
        super().__init__()
        self.up, self.down = nn.Conv2d(3, 3, 1, bias=False), nn.Conv2d(3, 3, 1, bias=False)
        with torch.no_grad():
            self.up.weight.copy_(torch.eye(3).reshape(3, 3, 1, 1) * 2**15)
            self.down.weight.copy_(torch.eye(3).reshape(3, 3, 1, 1) / 2**15)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y: torch.Tensor = self.down(self.up(x * 4))
        return y / 4


@pytest.mark.parametrize("guard", [Guarded, _Watched])
@pytest.mark.parametrize(
    ("value", "expected"),
    [(0.0, False), (-1.5, False), (3.9, False), (4.1, True), (-70000.0, True)]
    + [(float(word), True) for word in ("inf", "-inf", "nan")],
)
def test_one_sample_tells(guard: type[Guarded], value: float, expected: bool) -> None:
    x = torch.rand(3, 2, 5, 7)
    x[1, 1, 4, 6] = value
    assert guard.overflowed(x).tolist() == [False, expected, False]
    assert guard.overflowed(x.contiguous(memory_format=torch.channels_last)).tolist() == [False, expected, False]


@pytest.mark.parametrize("strip_rows", [None, 7])
def test_a_guarded_model_gives_the_planes_and_its_word(strip_rows: int | None) -> None:
    model = PlaneModel(load("lrsrn", 2).network, SOURCE, TARGET, strip_rows=strip_rows).eval()
    planes = tuple(torch.cat(pair) for pair in zip(tensors(noise(SOURCE)), tensors(smooth(SOURCE)), strict=True))
    with torch.inference_mode():
        *guarded, word = Guarded(model)(*planes)
        assert all(torch.equal(a, b) for a, b in zip(guarded, model(*planes), strict=True))
    assert word.tolist() == [False, False]


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_model_in_the_ring_is_the_model(precision: str) -> None:
    """Weights that are cast beforehand give what autocast gives, and the network that was passed in keeps its own."""
    network = load("lrsrn", 2).network
    before = {name: value.clone() for name, value in network.state_dict().items()}
    model = PlaneModel(network, SOURCE, TARGET, precision)  # type: ignore[arg-type]
    runner = ring(model, CPU, FakeLayer("random"))
    for planes in (noise(SOURCE), smooth(SOURCE)):
        with torch.inference_mode():
            expected = model.eval()(*tensors(planes))
        assert all(torch.equal(a, b) for a, b in zip(runner(tensors(planes)), expected, strict=True))
    runner.close()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_what_float16_cannot_hold_is_computed_in_float32_and_said() -> None:
    told: list[str] = []
    model = PlaneModel(Overflowing(), SOURCE, SOURCE, "fp16")
    runner = ring(model, CPU, FakeLayer("late"), tell=told.append)
    for planes in (smooth(SOURCE), noise(SOURCE)):
        result = tuple(plane[0].numpy() for plane in runner(tensors(planes)))
        assert worst(result, run_model(Overflowing(), SOURCE, SOURCE, planes)) == 0
    assert set(told) == {NOTICE}
    runner.close()
