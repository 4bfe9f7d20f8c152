"""PSNR and SSIM of luma and the mean difference, frame after frame, and what they are over the whole span."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import fmean

import numpy as np

from vsr.comparison.inputs import Input, Role
from vsr.comparison.rendering import Rgb
from vsr.comparison.spec import ComparisonSpec
from vsr.evaluation.metrics import luma, psnr_y, ssim_y

_SCORED_UNASKED = 300
_WINDOW = 11
"""Rows of the window of SSIM."""
_STRIP_ROWS = 128


@dataclass(frozen=True)
class Score:
    """How close one picture is to another, on luma (BT.601 of 8-bit RGB), without leaving out a border."""

    psnr_y: float
    """dB; infinite for equal pictures."""
    ssim_y: float
    difference: float
    """Mean absolute difference of luma, in codes of 8 bits."""


@dataclass(frozen=True)
class Moment:
    """One scored frame of A and what is on show with it."""

    time_s: Fraction
    scores: tuple[Score, ...]
    """In the order of ``pairs``."""


@dataclass(frozen=True)
class Mean:
    """Scores over the whole span."""

    psnr_y: float | None
    """Mean in dB over the frames that differ; None where none does."""
    least_psnr_y: float | None
    least_at_s: Fraction | None
    ssim_y: float
    difference: float
    equal_frames: int


def pairs(inputs: tuple[Input, ...]) -> tuple[tuple[Role, Role], ...]:
    """What is scored against what: A and B against the reference, without one B against A."""
    return (("A", "reference"), ("B", "reference")) if len(inputs) == 3 else (("B", "A"),)


def step_between_scores(inputs: tuple[Input, ...], spec: ComparisonSpec) -> int:
    """``spec.every``; without it, what leaves about 300 frames of A within the shortest input, or 1 if all are few."""
    if spec.every is not None:
        return spec.every
    a = inputs[0].info
    lengths = [item.info.duration_s for item in inputs if item.info.duration_s]
    if not a.frame_count or not a.duration_s or a.still:
        return 1
    return max(math.ceil(a.frame_count * min(lengths) / a.duration_s / _SCORED_UNASKED), 1)


def moment(time_s: Fraction, pictures: Sequence[Rgb]) -> Moment:
    """Score the pictures of A, B and, where there is one, the reference."""
    *results, truth = pictures if len(pictures) == 3 else (pictures[1], pictures[0])
    return Moment(time_s, tuple(_score(result, truth) for result in results))


def _score(result: Rgb, truth: Rgb) -> Score:
    distance = float(np.abs(luma(result) - luma(truth)).mean())
    return Score(psnr_y(result, truth, border=0), _ssim_y(result, truth), distance)


def _ssim_y(result: Rgb, truth: Rgb) -> float:
    """``ssim_y`` of the whole picture, from strips of windows: its float64 planes would fill gigabytes at 4K."""
    windows: int = result.shape[0] - (_WINDOW - 1)
    total = 0.0
    for top in range(0, windows, _STRIP_ROWS):
        rows = min(_STRIP_ROWS, windows - top)
        strip = slice(top, top + rows + _WINDOW - 1)
        total += rows * ssim_y(result[strip], truth[strip], border=0)
    return total / windows


def means(moments: Sequence[Moment]) -> tuple[Mean, ...]:
    """Over all ``moments``, at least one, in the order of ``pairs``."""
    return tuple(_mean(moments, index) for index in range(len(moments[0].scores)))


def _mean(moments: Sequence[Moment], index: int) -> Mean:
    scores = [moment.scores[index] for moment in moments]
    finite = [(score.psnr_y, m.time_s) for score, m in zip(scores, moments, strict=True) if score.psnr_y < math.inf]
    least, at_s = min(finite, default=(None, None))
    return Mean(
        psnr_y=fmean(psnr for psnr, _ in finite) if finite else None,
        least_psnr_y=least,
        least_at_s=at_s,
        ssim_y=fmean(score.ssim_y for score in scores),
        difference=fmean(score.difference for score in scores),
        equal_frames=len(scores) - len(finite),
    )
