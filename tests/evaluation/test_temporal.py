"""Errors in time: what stays still costs nothing, what flickers or moves wrongly does."""

import sys

import numpy as np
import numpy.typing as npt
import pytest

from vsr.errors import UsageError
from vsr.evaluation.temporal import flow_error, frame_difference_error

Pixels = npt.NDArray[np.uint8]


def texture(shift: int = 0) -> Pixels:
    """A smooth pattern, ``shift`` pixels to the right."""
    y, x = np.mgrid[0:80, 0:96].astype(float)
    x = x - shift
    pattern = 128 + 50 * np.sin(x / 3) * np.cos(y / 4) + 40 * np.sin((x + 2 * y) / 7)
    return np.repeat(pattern.clip(0, 255).astype(np.uint8)[:, :, None], 3, axis=2)


def test_an_error_that_stays_costs_nothing_and_one_that_flickers_its_size() -> None:
    truths = texture(), texture(1)
    brighter = texture() + np.uint8(10), texture(1) + np.uint8(10)
    assert frame_difference_error(brighter, truths, 2) == pytest.approx(0, abs=1e-9)
    # 10 grey levels are 10 * 219 / 255 codes of Y.
    flickering = texture(), texture(1) + np.uint8(10)
    assert frame_difference_error(flickering, truths, 2) == pytest.approx(10 * 219 / 255)


def test_a_frozen_result_of_a_moving_scene_costs_the_motion() -> None:
    truths = texture(), texture(1)
    frozen = texture(), texture()
    wanted = np.abs(truths[1].astype(float) - truths[0])[..., 0].mean() * 219 / 255
    assert frame_difference_error(frozen, truths, 0) == pytest.approx(wanted)


def test_the_border_does_not_count() -> None:
    truths, spoiled = (texture(), texture()), texture()
    spoiled[:3] ^= 255
    spoiled[:, -3:] ^= 255
    assert frame_difference_error((texture(), spoiled), truths, 3) == 0
    assert frame_difference_error((texture(), spoiled), truths, 2) > 0


def test_tof_is_the_wrong_motion_in_pixels() -> None:
    truths = texture(), texture(1)
    assert flow_error(truths, truths, 2) == 0
    # Farneback's flow is an estimate, the poorer the nearer to the border.
    assert flow_error((texture(), texture(3)), truths, 16) == pytest.approx(2, abs=0.3)
    assert flow_error((texture(), texture()), truths, 16) == pytest.approx(1, abs=0.2)


def test_missing_opencv_is_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(UsageError, match=r"tOF needs OpenCV.*pip install 'vsr\[eval\]'"):
        flow_error((texture(), texture()), (texture(), texture()), 2)
