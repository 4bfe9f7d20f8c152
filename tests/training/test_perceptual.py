"""The perceptual loss: VGG16's features where installed; said or refused where not."""

import io
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from rich.console import Console
from torch import nn

from vsr.errors import UsageError
from vsr.networks.weights import read_card
from vsr.training.data import load_training_images
from vsr.training.journal import Journal
from vsr.training.loop import Trainer, TrainingPlan
from vsr.training.perceptual import perceptual_loss
from vsr.training.recipe import Recipe, parse_recipe
from vsr.training.run import finish

CUTS = (4, 9, 16, 23)


class SmallVGG16(nn.Module):
    """As many layers as VGG16 has before its last pooling but one, of two channels."""

    def __init__(self, **options: object) -> None:
        super().__init__()
        layers = [nn.Conv2d(3, 2, 3, padding=1), *(nn.Conv2d(2, 2, 3, padding=1) for _ in range(CUTS[-1]))]
        self.features = nn.Sequential(*layers)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder where torchvision keeps its weights."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    return folder


@pytest.fixture
def torchvision(monkeypatch: pytest.MonkeyPatch) -> None:
    """A torchvision whose VGG16 is small."""
    models = ModuleType("torchvision.models")
    address = "https://example.org/models/vgg16-0123.pth"
    models.__dict__.update(vgg16=SmallVGG16, VGG16_Weights=SimpleNamespace(IMAGENET1K_V1=SimpleNamespace(url=address)))
    monkeypatch.setitem(sys.modules, "torchvision", ModuleType("torchvision"))
    monkeypatch.setitem(sys.modules, "torchvision.models", models)


@pytest.fixture
def vgg16(hub: Path, torchvision: None) -> SmallVGG16:
    """Its weights, installed."""
    network = SmallVGG16()
    torch.save(network.state_dict(), hub / "vgg16-0123.pth")
    return network


@pytest.fixture
def recipe(recipe_table: dict[str, Any]) -> Recipe:
    recipe_table["stages"][1]["perceptual_weight"] = 0.01
    return parse_recipe(recipe_table, name="small")


def ignore(line: str) -> None:
    pytest.fail(f"said without need: {line}")


def test_it_is_the_mean_squared_difference_at_four_depths(vgg16: SmallVGG16, recipe: Recipe) -> None:
    loss = perceptual_loss(recipe, "rgb", ignore)
    assert loss is not None
    result, truth = torch.rand(2, 3, 8, 8, requires_grad=True), torch.rand(2, 3, 8, 8)
    mean, std = (torch.tensor(c).view(1, 3, 1, 1) for c in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    ours, theirs = (result - mean) / std, (truth - mean) / std
    wanted = [(vgg16.features[:cut](ours) - vgg16.features[:cut](theirs)).square().mean() for cut in CUTS]
    torch.testing.assert_close(loss(result, truth), torch.stack(wanted).mean())
    loss(result, truth).backward()
    assert result.grad is not None
    assert result.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in loss.parameters())


def test_a_recipe_without_it_needs_no_torchvision(recipe_table: dict[str, Any]) -> None:
    assert perceptual_loss(parse_recipe(recipe_table, name="small"), "luma", ignore) is None


def test_without_torchvision_or_weights_it_is_refused(
    recipe: Recipe, hub: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    def refusal() -> str:
        with pytest.raises(UsageError, match=r"recipe 'small': .*, or set perceptual = ") as caught:
            perceptual_loss(recipe, "rgb", ignore)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    assert "needs torchvision" in refusal()
    request.getfixturevalue("torchvision")
    assert re.search(r"vgg16-0123\.pth is not there; get it from https://example\.org/models/", refusal())
    (hub / "vgg16-0123.pth").write_bytes(b"no weights")
    assert "vgg16-0123.pth is not VGG16's weights or is damaged" in refusal()
    monkeypatch.setattr(torch, "__version__", type(torch.__version__)("2.9.1"))
    assert "install torch 2.10 or newer" in refusal()


def test_luma_is_refused(vgg16: SmallVGG16, recipe: Recipe) -> None:
    with pytest.raises(UsageError, match="'perceptual_weight' needs RGB, and 'lrsrn' makes luma"):
        perceptual_loss(recipe, "luma", ignore)


def test_where_it_is_not_installed_it_is_left_out_and_the_card_says_so(
    vgg16: SmallVGG16, photographs: Path, recipe_table: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe_table["stages"] = [{**recipe_table["stages"][1], "perceptual_weight": 0.5}]
    recipe = parse_recipe({**recipe_table, "perceptual": "where_installed"}, name="small")
    images = load_training_images(photographs, recipe)

    def train(out: Path, **plan: Any) -> tuple[dict[str, torch.Tensor], object, str]:
        text = io.StringIO()
        out.mkdir(exist_ok=True)
        with Journal(out, Console(file=text, width=300)) as journal:
            trainer = Trainer(TrainingPlan(recipe, images, out, **plan), journal)
            trainer.run()
            (path,) = finish(trainer, journal)
        card = read_card(path)
        assert card is not None
        return trainer.network.state_dict(), card.training["perceptual"], text.getvalue()

    with_it, card, said = train(tmp_path / "with")
    assert card == "VGG16"
    assert "perceptual" not in said
    monkeypatch.setitem(sys.modules, "torchvision.models", None)
    without_it, card, said = train(tmp_path / "without")
    assert card == "left out: VGG16 was not installed"
    assert "training without the perceptual loss of the recipe: the perceptual loss needs torchvision" in said
    assert not torch.equal(with_it["head.weight"], without_it["head.weight"])
    with pytest.raises(UsageError, match="begun with VGG16 for the perceptual loss"):
        train(tmp_path / "with", resume=True)
