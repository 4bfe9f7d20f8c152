"""What the page tells beside its pictures, as plain values for its script."""

import math
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from vsr.comparison.embedding import PAGE_BUDGET, Embedded
from vsr.comparison.inputs import Input
from vsr.comparison.result import Comparison
from vsr.comparison.scoring import Mean
from vsr.notices import Notices

_CURVES = (("psnr_y", "PSNR-Y", "dB", 2), ("ssim_y", "SSIM-Y", "", 4), ("difference", "Mean difference of Y", "", 2))


def figures(
    inputs: tuple[Input, ...], result: Comparison, embedded: Sequence[Embedded], notices: Notices
) -> dict[str, Any]:
    """Everything for JSON; a score that is infinite, of equal pictures, is None."""
    return {
        "version": version("vsr"),
        "still": inputs[0].info.still,
        "inputs": [{"role": item.role, "name": item.name} for item in inputs],
        "facts": _facts(inputs),
        "pairs": result.pairs,
        "means": [_mean(mean) for mean in result.means],
        "times": [float(moment.time_s) for moment in result.moments],
        "curves": [
            {
                "name": name,
                "unit": unit,
                "digits": digits,
                "lines": [
                    [_finite(getattr(moment.scores[index], score)) for moment in result.moments]
                    for index in range(len(result.pairs))
                ],
            }
            for score, name, unit, digits in _CURVES
        ],
        "frames": [
            {"moment": index, "width": item.width, "height": item.height, "how": item.how}
            for index, item in zip(result.shown, embedded, strict=True)
        ],
        "notes": [*notices.said, *_method(result, still=inputs[0].info.still)],
    }


def _facts(inputs: tuple[Input, ...]) -> list[dict[str, Any]]:
    """One row a fact, one value an input; empty where it is not known."""
    told = [item.facts() for item in inputs]
    names = list(dict.fromkeys(name for facts in told for name in facts))
    return [{"name": name, "values": [facts.get(name, "") for facts in told]} for name in names]


def _mean(mean: Mean) -> dict[str, Any]:
    least_at_s = None if mean.least_at_s is None else float(mean.least_at_s)
    return {**asdict(mean), "least_at_s": least_at_s}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _method(result: Comparison, *, still: bool) -> list[str]:
    height, width = result.size
    mean = "" if still else "; the mean PSNR is over the frames that differ"
    stand_in = "its middle" if still else "a fine JPEG, whose own errors the difference shows too, or its middle"
    return [
        f"scores are of luma (BT.601 of 8-bit RGB, {width}x{height}), without leaving out a border{mean}",
        f"the pictures take at most {PAGE_BUDGET / 1e6:.0f} MB of this page; for a picture that is too large for its "
        f"share {stand_in} stands in, as is said beneath it",
    ]
