"""The perceptual loss: how far apart VGG16 sees two pictures, where VGG16 is installed."""

import importlib
import pickle
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import nn

from vsr.errors import UsageError
from vsr.networks import Domain
from vsr.networks.unpickling import check_unpickler
from vsr.training.recipe import Recipe

_CUTS = (4, 9, 16, 23)
"""After so many of VGG16's layers: the last ReLU before each of its first four poolings."""
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet, on which VGG16 was trained."""


class PerceptualLoss(nn.Module):
    """Mean, over four depths of VGG16, of the mean squared difference of the features (Johnson et al., 2016)."""

    def __init__(self, features: nn.Sequential) -> None:
        super().__init__()
        self.parts = nn.ModuleList(features[start:end] for start, end in pairwise((0, *_CUTS)))
        self.mean: torch.Tensor
        self.std: torch.Tensor
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(_STD).view(1, 3, 1, 1))
        self.requires_grad_(False).eval()

    def forward(self, result: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
        """Both (N,3,H,W) RGB in [0, 1], 8 pixels or more each way; the gradient reaches ``result`` alone."""
        ours, theirs = ((picture - self.mean) / self.std for picture in (result, truth))
        differences = []
        for part in self.parts:
            ours = part(ours)
            with torch.no_grad():
                theirs = part(theirs)
            differences.append(F.mse_loss(ours.float(), theirs.float()))
        return torch.stack(differences).mean()


def perceptual_loss(recipe: Recipe, domain: Domain, say: Callable[[str], None]) -> PerceptualLoss | None:
    """The loss that ``recipe`` asks for, or None where it asks for none.

    Where VGG16 is not installed: UsageError, unless the recipe takes it only where it is; then that is said.
    UsageError too if the network's ``domain`` is not the RGB that VGG16 looks at.
    """
    if all(stage.perceptual_weight == 0 for stage in recipe.stages):
        return None
    if domain != "rgb":
        raise UsageError(
            f"recipe '{recipe.name}': 'perceptual_weight' needs RGB, and '{recipe.network}' makes {domain}"
        )
    try:
        return PerceptualLoss(_vgg16_features())
    except UsageError as exc:
        if recipe.perceptual == "required":
            raise UsageError(f"recipe '{recipe.name}': {exc}, or set perceptual = \"where_installed\"") from exc
        say(f"training without the perceptual loss of the recipe: {exc}")
        return None


def _vgg16_features() -> nn.Sequential:
    """VGG16's convolutional layers with torchvision's ImageNet weights, from this machine alone: no download."""
    try:
        models = importlib.import_module("torchvision.models")
    except ImportError as exc:
        raise UsageError("the perceptual loss needs torchvision, which is not installed; install it") from exc
    address = models.VGG16_Weights.IMAGENET1K_V1.url
    path = Path(torch.hub.get_dir(), "checkpoints", address.rpartition("/")[2])
    if not path.is_file():
        raise UsageError(f"the perceptual loss needs VGG16's weights, and {path} is not there; get it from {address}")
    check_unpickler(path, UsageError)
    network = models.vgg16(weights=None, init_weights=False)
    try:
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as exc:
        raise UsageError(f"{path} is not VGG16's weights or is damaged; get it from {address}") from exc
    features: nn.Sequential = network.features
    return features
