"""Exponential moving average of a network's weights: less noisy than the last step's."""

import copy

import torch

from vsr.networks import Network


class WeightAverage:
    """``average = decay * average + (1 - decay) * weights`` after each step.

    The decay starts lower, ``(1 + n) / (10 + n)`` after n updates, so that the first weights are forgotten soon.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.network = copy.deepcopy(network).requires_grad_(False)
        self.decay = decay
        self.updates = 0

    def update(self, network: Network) -> None:
        """Take in the weights, and the statistics of normalisations, after one more step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        averages, latest = (
            [*one.parameters(), *(buffer for buffer in one.buffers() if buffer.is_floating_point())]
            for one in (self.network, network)
        )
        torch._foreach_lerp_(averages, [tensor.detach() for tensor in latest], 1 - decay)
