"""Errors that only show in motion: flicker and wrong movement, of two frames in a row against the true two."""

from typing import Protocol

import numpy as np
import numpy.typing as npt

from vsr.errors import UsageError
from vsr.evaluation.metrics import luma

Pixels = npt.NDArray[np.uint8]


class TemporalMeasure(Protocol):
    """A measure of two frames in a row against the true two; 0 is perfect."""

    def __call__(self, results: tuple[Pixels, Pixels], truths: tuple[Pixels, Pixels], border: int) -> float:
        """Of (earlier, later) pairs of (H,W,3) uint8 RGB, without ``border`` pixels at each side."""
        ...


def frame_difference_error(results: tuple[Pixels, Pixels], truths: tuple[Pixels, Pixels], border: int) -> float:
    """Mean of ``|(R_t - R_t-1) - (T_t - T_t-1)|`` over the pixels, in codes of Y (0 to 255).

    The change from frame to frame that is not in the truth. No motion is estimated, so nothing can be estimated
    wrongly; an error that stays where it is does not count, one that moves or flickers does. It is the temporal
    difference of Erofeev et al. (Perceptually motivated benchmark for video matting, BMVC 2015), dtSSD, with the
    absolute value in place of the square.
    """
    result_change, truth_change = (luma(later) - luma(earlier) for earlier, later in (results, truths))
    return float(np.abs(_inner(result_change - truth_change, border)).mean())


def flow_error(results: tuple[Pixels, Pixels], truths: tuple[Pixels, Pixels], border: int) -> float:
    """tOF of Chu et al. (Learning temporal coherence via self-supervision, ACM TOG 39, 2020), in pixels.

    Mean length of the difference between the optical flow of the results and that of the truths, both Farneback's
    with the settings of that paper's published measure. UsageError where OpenCV is not installed.
    """
    result_flow, truth_flow = _flow(*results), _flow(*truths)
    return float(np.linalg.norm(_inner(result_flow - truth_flow, border), axis=-1).mean())


def _flow(earlier: Pixels, later: Pixels) -> npt.NDArray[np.float64]:
    """(H,W,2) motion in pixels."""
    try:
        import cv2
    except ImportError as exc:
        raise UsageError("tOF needs OpenCV for its optical flow: pip install 'vsr[eval]'") from exc
    greys = (cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY) for frame in (earlier, later))
    flow = cv2.calcOpticalFlowFarneback(
        *greys,
        None,  # type: ignore[call-overload]  # no first guess: the stubs want an array
        pyr_scale=0.5,
        levels=3,
        winsize=15,
        iterations=3,
        poly_n=5,
        poly_sigma=1.2,
        flags=0,
    )
    return np.asarray(flow, np.float64)


def _inner(values: npt.NDArray[np.float64], border: int) -> npt.NDArray[np.float64]:
    height, width = values.shape[:2]
    return values[border : height - border, border : width - border]
