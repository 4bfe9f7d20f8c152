"""Learning-rate schedules, as functions of the step within a stage."""

import math
from collections.abc import Sequence
from typing import Literal

Schedule = Literal["one_cycle", "cosine", "constant", "halving"]


def learning_rate(
    schedule: Schedule,
    peak: float,
    warmup: int,
    steps: int,
    step: int,
    *,
    cycles: int = 1,
    halve_at: Sequence[float] = (),
) -> float:
    """Learning rate of ``step`` (from 0) of ``steps``.

    All rise linearly over the first ``warmup`` steps. Then ``constant`` stays at ``peak``; ``cosine`` falls to 1% of it
    along half a cosine, ``cycles`` times over (Loshchilov and Hutter, SGDR, 2017); ``halving`` halves it at each share
    of the steps in ``halve_at``; ``one_cycle`` falls linearly to zero (Smith, Super-Convergence, 2017).
    """
    if step < warmup:
        return peak * (step + 1) / warmup
    if schedule == "constant":
        return peak
    if schedule == "halving":
        return peak * 0.5 ** sum(step >= share * steps for share in halve_at)
    progress = (step - warmup) / max(1, steps - warmup)
    if schedule == "cosine":
        return peak * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (progress * cycles % 1.0))))
    return peak * (1 - progress)
