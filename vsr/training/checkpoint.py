"""Checkpoints: everything a run needs to go on as if it had never stopped."""

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from vsr.errors import SinkError, UsageError
from vsr.networks.unpickling import check_unpickler

FILE_NAME = "checkpoint.pt"


@dataclass(frozen=True)
class Checkpoint:
    """State after ``step`` steps. Batches depend on their step alone, so no random state belongs here."""

    recipe_sha256: str
    step: int
    network: dict[str, torch.Tensor]
    average: dict[str, torch.Tensor]
    average_updates: int
    optimizer: dict[str, Any]
    seconds: float
    """Time trained so far."""
    steps_factor: int = 1
    perceptual: bool = False
    """Whether the recipe's perceptual loss is really used."""
    stopping: dict[str, Any] = field(default_factory=dict)
    """Of ``EarlyStopping``."""


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write atomically: a run that is killed meanwhile leaves the previous checkpoint whole."""
    partial = path.with_name(path.name + ".partial")
    try:
        torch.save(dict(vars(checkpoint)), partial)
        partial.replace(path)
    except (OSError, RuntimeError) as exc:
        raise SinkError(f"can't write checkpoint {path}: {exc}; choose another --out") from exc


def read_checkpoint(path: Path, *, recipe_sha256: str, steps_factor: int = 1, perceptual: bool = False) -> Checkpoint:
    """Read the checkpoint of the same training; UsageError if it is missing, damaged or of another."""
    if not path.is_file():
        raise UsageError(f"nothing to resume: no {path}; leave --resume out to begin")
    check_unpickler(path, UsageError)
    try:
        found = Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, TypeError, EOFError, pickle.UnpicklingError) as exc:
        raise UsageError(f"can't resume from {path}: it is damaged or no checkpoint; remove it and begin anew") from exc
    change = None
    if found.recipe_sha256 != recipe_sha256:
        change = "the recipe has changed since"
    elif found.steps_factor != steps_factor:
        change = f"it was begun with --steps-factor {found.steps_factor}"
    elif found.perceptual != perceptual:
        change = f"it was begun with{'' if found.perceptual else 'out'} VGG16 for the perceptual loss"
    if change is not None:
        raise UsageError(f"can't resume from {path}: {change}; use the same or begin anew")
    return found
