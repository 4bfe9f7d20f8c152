"""Keeping the time where it is not the source that does: what is read waits until its moment, or is old and skipped."""

from __future__ import annotations

import time
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import threading

_LATE_S = 1.0
_EARLY_S = 5.0
_NO_WAIT_S = 0.003


class Pacer:
    """Lets data of a file pass at their own pace."""

    def __init__(self, closing: threading.Event):
        self._closing = closing
        self._start: tuple[Fraction, float] | None = None

    def wait(self, stamp_s: Fraction) -> float:
        """Return when the moment of ``stamp_s`` has come, or at once when the run is closing; gives that moment.

        Stamps that lead far away, and reading that falls behind, begin the count anew: being late once must not
        make everything after it hurry.
        """
        now_s = time.monotonic()
        if self._start is not None:
            due_s = self._start[1] + float(stamp_s - self._start[0])
            if -_LATE_S <= due_s - now_s <= _EARLY_S:
                self._closing.wait(max(due_s - now_s, 0))
                return min(due_s, time.monotonic())
        self._start = (stamp_s, now_s)
        return now_s


class Backlog:
    """Tells the frames that waited while a connection was being opened from those that come as they are made.

    Sender and receiver keep up to as many seconds of stream as the opening took; shown, they would only make all
    that follows older. They end with the first packet that had to be waited for.
    """

    def __init__(self, opening_s: float):
        self._opening_s = opening_s
        self._first_s: Fraction | None = None
        self._over = False

    def holds(self, stamp_s: Fraction | None, waited_s: float) -> bool:
        """True for a packet that is part of the backlog; ``waited_s`` is how long the reader waited for it."""
        if self._over or stamp_s is None:
            return False
        if self._first_s is None:
            self._first_s = stamp_s
            return True
        self._over = waited_s > _NO_WAIT_S or stamp_s - self._first_s > self._opening_s
        return not self._over
