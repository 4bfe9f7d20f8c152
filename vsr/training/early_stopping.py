"""Early stopping: the best weights so far, and whether evaluations have stopped gaining."""

import math
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn


@dataclass
class EarlyStopping:
    """Ends a training after ``patience`` evaluations in a row without a gain; 0 never does, and keeps nothing."""

    patience: int
    psnr_y: float = -math.inf
    """Best score so far, dB."""
    step: int = 0
    """Its step."""
    without_gain: int = 0
    """Evaluations since."""
    weights: dict[str, torch.Tensor] = field(default_factory=dict)
    """The averaged network's state then."""

    @property
    def is_over(self) -> bool:
        """Nothing is to be gained any more."""
        return 0 < self.patience <= self.without_gain

    def take(self, step: int, psnr_y: float, network: nn.Module) -> None:
        """Take in the score of ``network`` after ``step``."""
        if psnr_y > self.psnr_y:
            self.psnr_y, self.step, self.without_gain = psnr_y, step, 0
            self.weights = {name: tensor.detach().clone() for name, tensor in network.state_dict().items()}
        else:
            self.without_gain += 1

    def state(self) -> dict[str, Any]:
        """For a checkpoint: ``EarlyStopping(patience, **state)`` goes on from there."""
        return {name: value for name, value in vars(self).items() if name != "patience"}
