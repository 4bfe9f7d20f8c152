import threading
import time
from fractions import Fraction

import pytest

from vsr.io.live.pacing import Backlog, Pacer


def test_reading_keeps_the_time() -> None:
    pacer = Pacer(threading.Event())
    began_s = time.monotonic()
    for i in range(11):
        pacer.wait(Fraction(i, 50))
        assert time.monotonic() - began_s >= i / 50 - 0.001


def test_long_wait_ends_when_the_run_does() -> None:
    closing = threading.Event()
    closing.set()
    pacer = Pacer(closing)
    began_s = time.monotonic()
    pacer.wait(Fraction(0))
    pacer.wait(Fraction(4))
    assert time.monotonic() - began_s < 4


def test_stamps_that_lead_far_away_begin_anew() -> None:
    pacer = Pacer(threading.Event())
    began_s = time.monotonic()
    for stamp_s in (Fraction(0), Fraction(10_000), Fraction(3)):
        pacer.wait(stamp_s)
    assert time.monotonic() - began_s < 3


@pytest.mark.parametrize("opening_s", [1.0, 5.0])
def test_backlog_ends_with_the_first_packet_that_is_waited_for(opening_s: float) -> None:
    backlog = Backlog(opening_s)
    held = [backlog.holds(Fraction(i, 30), 0.0 if i < 10 else 0.03) for i in range(20)]
    assert held == [True] * 10 + [False] * 10


def test_backlog_is_no_longer_than_the_opening_took() -> None:
    backlog = Backlog(0.5)
    held = [backlog.holds(Fraction(i, 30), 0.0) for i in range(60)]
    assert held == [True] * 16 + [False] * 44
