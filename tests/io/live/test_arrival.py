from fractions import Fraction
from itertools import pairwise

import pytest

from vsr.io.live.arrival import Arrival

THIRD = Fraction(1, 30)
DRIFT = 200e-6


def feed(arrival: Arrival, stamps: list[Fraction], arrivals: list[float]) -> list[int]:
    return [arrival.frame(stamp, at).pts for stamp, at in zip(stamps, arrivals, strict=True)]


def estimating(**options: bool) -> Arrival:
    arrival = Arrival(**options)
    arrival.connect("estimate")
    return arrival


def test_spacing_is_the_source_s_own_whatever_the_arrival() -> None:
    stamps = [Fraction(1001 * i, 24000) + 500 for i in range(200)]
    arrivals = [7000 + i / 20 + (i % 7) / 50 for i in range(200)]
    assert feed(estimating(), stamps, arrivals) == [round(i * 1001 * 90000 / 24000) for i in range(200)]


def test_run_begins_with_the_first_frame() -> None:
    assert estimating().frame(Fraction(77), 1234.5).pts == 0


@pytest.mark.parametrize(
    "restart", [Fraction(0), Fraction(5), Fraction(1000)], ids=["from 0", "backwards", "far ahead"]
)
def test_sender_that_begins_anew_goes_on_by_the_time_that_passed(restart: Fraction) -> None:
    arrival = estimating()
    before = feed(arrival, [10 + i * THIRD for i in range(30)], [100 + i / 30 for i in range(30)])
    after = feed(arrival, [restart + i * THIRD for i in range(30)], [104 + i / 30 for i in range(30)])
    passed_s = 104 - (100 + 29 / 30)
    assert after[0] - before[-1] == pytest.approx(passed_s * 90000, abs=1)
    assert {b - a for a, b in pairwise(after)} == {3000}


def test_new_connection_goes_on_even_with_stamps_that_would_fit() -> None:
    arrival = estimating()
    arrival.frame(Fraction(10), 100.0)
    arrival.connect("estimate")
    assert arrival.frame(Fraction(10) + THIRD, 110.0).pts == 900_000


def test_frame_that_was_stuck_until_the_source_was_lost_takes_no_time_from_the_run() -> None:
    arrival = estimating()
    for i in range(30):
        arrival.packet(i * THIRD, 100 + i / 30)
        arrival.frame(i * THIRD, 100 + i / 30)
    arrival.frame(30 * THIRD, 104.0)
    arrival.connect("estimate")
    assert arrival.frame(Fraction(0), 110.0).pts == 900_000


def test_backlog_after_a_stall_is_no_jump() -> None:
    arrivals = [100 + i / 30 for i in range(30)] + [103.5] * 75
    assert feed(estimating(), [i * THIRD for i in range(105)], arrivals) == [3000 * i for i in range(105)]


def test_long_steps_of_a_pipe_are_meant() -> None:
    stamps = [Fraction(0), Fraction(60), Fraction(61)]
    assert feed(estimating(jumps=False), stamps, [1.0, 1.01, 1.02]) == [0, 60 * 90000, 61 * 90000]


def test_pts_grow_even_where_stamps_and_clock_stand_still() -> None:
    pts = feed(estimating(), [Fraction(3)] * 5, [50.0] * 5)
    assert pts == sorted(set(pts))


def test_frames_without_stamps_have_their_arrival_s_time() -> None:
    arrival = estimating()
    assert [arrival.frame(None, at).pts for at in (5.0, 5.5, 7.0)] == [0, 45_000, 180_000]


def test_delay_of_the_slower_packets_counts() -> None:
    arrival = estimating()
    delays_s = [0.05, 0.02, 0.3, 0.02]
    captured = []
    for i, delay_s in enumerate(delays_s):
        made_s = 100 + i / 30
        arrival.packet(i * THIRD, made_s + delay_s)
        captured.append(arrival.frame(i * THIRD, made_s + delay_s).captured_s - made_s)
    # From the second on, the fastest way (20 ms) is known; it can't be told from the clocks' difference.
    assert captured[1:] == pytest.approx([0.02] * 3, abs=1e-4)


def test_estimate_follows_a_slow_clock_and_forgets_no_more_than_that() -> None:
    arrival = estimating()
    placed = None
    for i in range(3000):
        stamp = i * THIRD
        at = 100 + float(stamp) * (1 + DRIFT / 2)
        arrival.packet(stamp, at)
        placed = arrival.frame(stamp, at)
    assert placed is not None
    assert at - placed.captured_s == pytest.approx(0, abs=1e-6)
    arrival.packet(stamp + THIRD, at + 1)
    assert at + 1 - arrival.frame(stamp + THIRD, at + 1).captured_s == pytest.approx(1 - 1 / 30, abs=2 * DRIFT)


def test_estimate_begins_anew_with_the_sender() -> None:
    arrival = estimating()
    arrival.packet(Fraction(50), 100.0)  # never shown: part of the backlog
    arrival.packet(Fraction(1), 101.0)
    assert arrival.frame(Fraction(1), 101.0).captured_s == pytest.approx(101.0)


@pytest.mark.parametrize("wall_ahead_s", [0.0, 1.7e9], ids=["monotonic", "wall clock"])
def test_device_stamps_are_taken_by_either_clock(wall_ahead_s: float) -> None:
    arrival = Arrival(wall_ahead_s=1.7e9)
    arrival.connect("stamps")
    stamp = Fraction(500) + Fraction(wall_ahead_s)
    assert arrival.frame(stamp, 500.04).captured_s == pytest.approx(500.0, abs=1e-3)


def test_device_stamps_of_no_known_clock_are_not_believed() -> None:
    arrival = Arrival(wall_ahead_s=1.7e9)
    arrival.connect("stamps")
    assert arrival.frame(Fraction(12), 500.0).captured_s == 500.0


def test_nothing_is_captured_after_it_arrived() -> None:
    arrival = estimating()
    for i in range(100):
        at = 100 + i / 31
        arrival.packet(i * THIRD, at)
        assert arrival.frame(i * THIRD, at).captured_s <= at


def test_sound_lies_where_the_frames_of_its_connection_do() -> None:
    arrival = estimating()
    assert arrival.sound(Fraction(10)) is None
    arrival.frame(Fraction(10), 100.0)
    assert arrival.sound(Fraction(21, 2)) == Fraction(1, 2)
    assert arrival.sound(Fraction(0)) is None, "stamps of a sender that began anew, before its first frame"
