"""Scores are those of the whole pictures, however they are computed, and means say what they are of."""

import math
from fractions import Fraction

import numpy as np
import pytest

from vsr.comparison.rendering import Rgb
from vsr.comparison.scoring import Mean, Moment, Score, means, moment
from vsr.evaluation.metrics import luma, psnr_y, ssim_y


def pictures(height: int, width: int) -> tuple[Rgb, Rgb]:
    """Noise that grows weaker downward, so that every strip has a score of its own, and a softer copy."""
    random = np.random.default_rng(height)
    noise = random.normal(0, 1, (height, width, 3)) * np.linspace(60, 2, height)[:, None, None]
    first = np.clip(128 + noise, 0, 255).astype(np.uint8)
    return first, np.clip(128 + noise * 0.7, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("height", "width"), [(11, 11), (138, 20), (139, 20), (300, 24)])
def test_scores_of_a_pair_are_those_of_the_whole_pictures(height: int, width: int) -> None:
    a, b = pictures(height, width)
    (score,) = moment(Fraction(1), (a, b)).scores
    assert score.psnr_y == pytest.approx(psnr_y(b, a, border=0))
    assert score.ssim_y == pytest.approx(ssim_y(b, a, border=0), abs=1e-9)
    assert score.difference == pytest.approx(np.abs(luma(a) - luma(b)).mean())


def test_with_a_reference_each_is_scored_against_it() -> None:
    a, truth = pictures(24, 24)
    scored = moment(Fraction(0), (a, truth, truth))
    assert scored.scores[0].psnr_y == pytest.approx(psnr_y(a, truth, border=0))
    assert (scored.scores[1].psnr_y, scored.scores[1].difference) == (math.inf, 0.0)
    assert scored.scores[1].ssim_y == pytest.approx(1.0)


def test_means_leave_infinite_psnr_out_and_count_it() -> None:
    values = [(30.0, 0.75, 2.0), (math.inf, 1.0, 0.0), (20.0, 0.5, 4.0)]
    moments = [Moment(Fraction(i), (Score(*value),)) for i, value in enumerate(values)]
    (mean,) = means(moments)
    assert mean == Mean(25.0, 20.0, Fraction(2), 0.75, 2.0, equal_frames=1)
    (equal,) = means(moments[1:2])
    assert equal == Mean(None, None, None, 1.0, 0.0, equal_frames=1)
