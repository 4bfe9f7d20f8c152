"""Checkpoints: everything a run needs to go on as if it had never stopped."""

import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from vsr.errors import SinkError, UsageError

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


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write atomically: a run that is killed meanwhile leaves the previous checkpoint whole."""
    partial = path.with_name(path.name + ".partial")
    try:
        torch.save(dict(vars(checkpoint)), partial)
        partial.replace(path)
    except (OSError, RuntimeError) as exc:
        raise SinkError(f"can't write checkpoint {path}: {exc}; choose another --out") from exc


def read_checkpoint(path: Path, recipe_sha256: str) -> Checkpoint:
    """Read the checkpoint of the same recipe; UsageError if it is missing, damaged or of another recipe."""
    if not path.is_file():
        raise UsageError(f"nothing to resume: no {path}; leave --resume out to begin")
    try:
        checkpoint = Checkpoint(**torch.load(path, map_location="cpu", weights_only=True))
    except (OSError, RuntimeError, TypeError, EOFError, pickle.UnpicklingError) as exc:
        raise UsageError(f"can't resume from {path}: it is damaged or no checkpoint; remove it and begin anew") from exc
    if checkpoint.recipe_sha256 != recipe_sha256:
        raise UsageError(f"can't resume from {path}: the recipe has changed since; use the same or begin anew")
    return checkpoint
