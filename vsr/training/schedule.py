"""Learning-rate schedules, as functions of the step within a stage."""

import math
from typing import Literal

Schedule = Literal["one_cycle", "cosine", "constant"]


def learning_rate(schedule: Schedule, peak: float, warmup: int, steps: int, step: int) -> float:
    """Learning rate of ``step`` (from 0) of ``steps``.

    All rise linearly over the first ``warmup`` steps. Then ``constant`` stays at ``peak``, ``cosine`` falls to 1% of it
    along half a cosine, and ``one_cycle`` falls linearly to zero (Smith, Super-Convergence, 2017).
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    if schedule == "constant":
        return peak
    progress = (step - warmup) / max(1, steps - warmup)
    if schedule == "cosine":
        return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * progress)))
    return peak * (1 - progress)
