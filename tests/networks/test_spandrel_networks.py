"""Networks through spandrel, whose module is replaced here by one that keeps the same promises."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from vsr.errors import NetworkError
from vsr.networks import load_file


class Doubler(nn.Module):
    """x2 of pictures whose sides are multiples of 4."""

    def __init__(self, gain: torch.Tensor) -> None:
        super().__init__()
        self.gain = nn.Parameter(gain)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        assert x.shape[-1] % 4 == x.shape[-2] % 4 == 0
        return F.interpolate(x, scale_factor=2) * self.gain


@dataclass
class Descriptor:
    """As spandrel's: one picture of any size, padded for the model and cut, in inference mode, clamped."""

    model: nn.Module
    purpose: str = "SR"
    scale: int = 2
    input_channels: int = 3
    output_channels: int = 3
    architecture: Any = field(default_factory=lambda: SimpleNamespace(name="Doubler"))

    @torch.inference_mode()
    def __call__(self, image: torch.Tensor) -> torch.Tensor:
        assert image.shape[:2] == (1, 3)
        assert not self.model.training
        height, width = image.shape[-2:]
        padded = F.pad(image, (0, -width % 4, 0, -height % 4), "replicate")
        result: torch.Tensor = self.model(padded).clamp_(0, 1)
        return result[..., : 2 * height, : 2 * width]


class UnsupportedModelError(Exception):
    pass


@pytest.fixture
def spandrel(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A module that knows files with the one tensor "gain"; its ``made`` are the descriptor's further facts."""
    module: Any = ModuleType("spandrel")
    module.made = {}

    class ModelLoader:
        def __init__(self, device: str) -> None:
            assert device == "cpu"

        def load_from_state_dict(self, state: dict[str, torch.Tensor]) -> Descriptor:
            if list(state) != ["gain"]:
                raise UnsupportedModelError
            if state["gain"].numel() != 1:
                raise RuntimeError("size mismatch\nfor gain")
            return Descriptor(Doubler(state["gain"]), **module.made)

    module.ModelLoader, module.UnsupportedModelError = ModelLoader, UnsupportedModelError
    monkeypatch.setitem(sys.modules, "spandrel", module)
    result: ModuleType = module
    return result


def saved(folder: Path, **tensors: torch.Tensor) -> Path:
    torch.save(tensors, folder / "theirs.pth")
    return folder / "theirs.pth"


def test_a_model_of_spandrel_is_a_network(spandrel: ModuleType, tmp_path: Path) -> None:
    loaded = load_file(saved(tmp_path, gain=torch.tensor(0.5)))
    network = loaded.network
    assert (network.scale, network.domain, network.multiple_of) == (2, "rgb", 1)
    assert (network.halo, network.anchored) == (None, False)
    assert loaded.recognised == "theirs.pth: recognised Doubler, run by spandrel (spandrel Doubler x2)"
    x = torch.rand(3, 3, 5, 7)
    y = network(x)
    torch.testing.assert_close(y, F.interpolate(x, scale_factor=2) * 0.5)
    assert not y.is_inference()
    assert not network.training
    assert network.double()(x.double()).dtype == torch.float64


def test_a_copy_of_it_is_its_own(spandrel: ModuleType, tmp_path: Path) -> None:
    network = load_file(saved(tmp_path, gain=torch.tensor(0.5))).network
    copy = network.deploy()
    network.get_parameter("model.gain").fill_(0.25)
    x = torch.rand(1, 3, 4, 4)
    torch.testing.assert_close(copy(x), 2 * network(x))


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"purpose": "Restoration", "scale": 1}, "Doubler for Restoration x1"),
        ({"purpose": "FaceSR"}, "Doubler for FaceSR x2"),
        ({"input_channels": 1, "output_channels": 1}, "with 1 channels; vsr runs networks that enlarge RGB"),
    ],
)
def test_what_does_not_enlarge_rgb_is_refused(
    facts: dict[str, Any], message: str, spandrel: Any, tmp_path: Path
) -> None:
    spandrel.made = facts
    with pytest.raises(NetworkError, match=message):
        load_file(saved(tmp_path, gain=torch.tensor(0.5)))


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"gain": torch.zeros(2)}, r"spandrel can't load .* \(size mismatch for gain\)"),
        ({"a": torch.zeros(1), "b": torch.zeros(1)}, r"no layout that vsr or spandrel knows \(its tensors: a, b\)"),
        ({letter: torch.zeros(1) for letter in "edcba"}, r"\(its tensors: a, b, c and 2 more\)"),
    ],
)
def test_what_spandrel_can_not_load_is_one_clear_line(
    tensors: dict[str, torch.Tensor], message: str, spandrel: ModuleType, tmp_path: Path
) -> None:
    with pytest.raises(NetworkError, match=message) as caught:
        load_file(saved(tmp_path, **tensors))
    assert "\n" not in str(caught.value)


def test_another_network_than_spandrels_is_refused(spandrel: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(NetworkError, match="weights of spandrel Doubler x2, not of lrsrn"):
        load_file(saved(tmp_path, gain=torch.tensor(0.5)), "lrsrn")


def test_without_spandrel_the_file_is_refused_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "spandrel", None)
    with pytest.raises(NetworkError, match=r"no layout that vsr knows; pip install 'vsr\[community\]'"):
        load_file(saved(tmp_path, gain=torch.tensor(0.5)))


def test_a_spandrel_that_can_not_be_imported_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As with a torchvision made for another torch."""
    (tmp_path / "spandrel.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')\n")
    monkeypatch.delitem(sys.modules, "spandrel", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(NetworkError, match=r"torchvision::nms does not exist.*install the torchvision that fits torch"):
        load_file(saved(tmp_path, gain=torch.tensor(0.5)))
