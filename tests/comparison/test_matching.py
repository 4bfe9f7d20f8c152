"""Frames are matched by their time: at other rates, in rounding time bases, and over the common span only."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np
import pytest

from vsr.comparison.matching import Matching
from vsr.frames import Frame


def video(
    times: Sequence[Fraction | float], time_base: Fraction = Fraction(1, 90000), lasting: float = 0
) -> list[Frame]:
    """Frames at ``times`` in seconds, rounded to ``time_base``; frame i is a single sample of value i."""
    return [
        Frame(
            (np.full((1, 1), i, np.uint16),), round(Fraction(time) / time_base), time_base, round(lasting / time_base)
        )
        for i, time in enumerate(times)
    ]


def rate(count: int, fps: int | Fraction, start: float = 0) -> list[Fraction]:
    return [Fraction(start) + i / Fraction(fps) for i in range(count)]


def numbers(matching: Matching) -> list[tuple[int, ...]]:
    return [tuple(int(frame.planes[0][0, 0]) for frame in frames) for _, frames in matching]


def test_equal_times_match_one_to_one_and_are_told() -> None:
    matching = Matching([video(rate(5, 25)), video(rate(5, 25)), video(rate(5, 25))])
    times = [time_s for time_s, _ in matching]
    assert times == rate(5, 25)
    assert not matching.outside
    assert numbers(Matching([video(rate(5, 25)), video(rate(5, 25))])) == [(i, i) for i in range(5)]


@pytest.mark.parametrize("time_base", [Fraction(1, 1000), Fraction(1, 600), Fraction(1001, 30000)])
def test_rounded_timestamps_match_their_own_frame(time_base: Fraction) -> None:
    times = rate(300, Fraction(30000, 1001))
    fine, coarse = video(times), video(times, time_base)
    assert numbers(Matching([fine, coarse])) == [(i, i) for i in range(300)]
    assert numbers(Matching([coarse, fine])) == [(i, i) for i in range(300)]


def test_at_twice_the_rate_every_other_frame_is_met() -> None:
    matching = Matching([video(rate(4, 25)), video(rate(8, 50))])
    assert numbers(matching) == [(0, 0), (1, 2), (2, 4), (3, 6)]
    assert not matching.outside
    assert numbers(Matching([video(rate(8, 50)), video(rate(4, 25))])) == [(i, i // 2) for i in range(8)]


def test_a_frame_stays_on_show_until_the_next_begins() -> None:
    held = video([0, 0.2, 0.28])  # variable rate: the first frame lasts for five of A's
    assert numbers(Matching([video(rate(8, 25)), held])) == [
        (0, 0),
        (1, 0),
        (2, 0),
        (3, 0),
        (4, 0),
        (5, 1),
        (6, 1),
        (7, 2),
    ]


def test_frames_a_millisecond_apart_keep_their_own() -> None:
    fast = rate(20, 1000)
    assert numbers(Matching([video(fast), video(fast)])) == [(i, i) for i in range(20)]


@pytest.mark.parametrize(
    ("a", "b", "matched", "outside"),
    [
        (rate(10, 25), rate(5, 25), [(i, i) for i in range(5)], {0}),
        (rate(5, 25), rate(10, 25), [(i, i) for i in range(5)], {1}),
        (rate(10, 25), rate(8, 25, start=0.08), [(i + 2, i) for i in range(8)], {0}),
        (rate(8, 25, start=0.08), rate(10, 25), [(i, i + 2) for i in range(8)], {1}),
        (rate(5, 25), rate(5, 25, start=0.08), [(2, 0), (3, 1), (4, 2)], {0, 1}),
        (rate(5, 25), rate(5, 25, start=60), [], {0, 1}),
        (rate(5, 25, start=60), rate(5, 25), [], {0, 1}),
    ],
)
def test_only_the_common_span_is_given_and_who_goes_beyond_is_known(
    a: list[Fraction], b: list[Fraction], matched: list[tuple[int, int]], outside: set[int]
) -> None:
    matching = Matching([video(a), video(b)])
    assert numbers(matching) == matched
    assert matching.outside == outside


def test_a_last_frame_lasts_as_long_as_its_file_says() -> None:
    assert numbers(Matching([video(rate(4, 25)), video([0], lasting=0.1)])) == [(0, 0), (1, 0), (2, 0)]


def test_starts_are_aligned_on_request() -> None:
    matching = Matching([video(rate(5, 25)), video(rate(5, 25, start=1.4))], from_start=True)
    times = [time_s for time_s, _ in matching]
    assert times == rate(5, 25)
    assert not matching.outside


def test_a_longer_video_is_not_read_to_its_end() -> None:
    read = 0

    def endless() -> Iterator[Frame]:
        nonlocal read
        for frame in video(rate(10_000, 25)):
            read += 1
            yield frame

    assert len(numbers(Matching([endless(), video(rate(5, 25))]))) == 5
    assert read < 10


def test_an_empty_video_matches_nothing() -> None:
    assert numbers(Matching([video([]), video(rate(5, 25))])) == []
