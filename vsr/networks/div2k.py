"""The mean colour of DIV2K's training images, which EDSR and its successors take from the input and give back."""

import torch


def mean_rgb() -> torch.Tensor:
    """(1,3,1,1) float32 in [0, 1]."""
    return torch.tensor((0.4488, 0.4371, 0.4040)).view(1, 3, 1, 1)
