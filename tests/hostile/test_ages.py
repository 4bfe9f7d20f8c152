"""Timestamps that are ages apart: a few frames are cut into a few pieces, however long they claim to last."""

from fractions import Fraction

import pytest

from vsr.io.scan import Keyframe, Scan
from vsr.segments.cuts import MOST, cut

AGES = 1 << 62
_TICK = Fraction(1, 10)


def _scan(pts: list[int], *, told: bool) -> Scan:
    keyframes = tuple(Keyframe(one, one) for one in pts)
    return Scan(pts[0], pts[-1], tuple(pts) if told else (), keyframes if told else (), len(pts))


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("pts", [[0, 1, AGES], [-AGES, 0, AGES], [0, AGES, AGES + 1, AGES + 2], [0, AGES]])
def test_there_are_no_more_pieces_than_frames(pts: list[int], told: bool) -> None:
    pieces = cut(_scan(pts, told=told), 0.1, _TICK)
    assert 1 <= len(pieces) <= len(pts)
    assert pieces[0].start is None
    assert pieces[-1].end is None


@pytest.mark.parametrize("told", [True, False])
def test_many_frames_a_long_time_apart(told: bool) -> None:
    assert len(cut(_scan([600 * i for i in range(100_000)], told=told), 0.1, _TICK)) <= MOST


def test_an_ordinary_film_is_cut_as_asked() -> None:
    assert len(cut(_scan(list(range(20 * 3600)), told=True), 30, _TICK)) == 240
