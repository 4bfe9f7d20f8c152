"""Where frames and sound lie in the run, and when they were captured, from their stamps and their arrival.

Within a connection the source's own spacing is kept exactly. A new connection, and stamps that jump, go on from the
last frame by the real time that passed since it was captured.

The moment of capture is known in one of three ways:

- ``stamps``: a device stamps frames by a clock of this machine; a stamp is taken where it is a moment ago by
  the monotonic or by the wall clock, else the arrival stands for it.
- ``estimate``: a sender's clock is unknown, but packets can't arrive before they were sent. The packet that came
  fastest is taken as having come at once; what others took longer counts as delay. The way that is common to all
  packets (the sender's own encoder, the shortest way through the network, the next frame's beginning that MPEG-TS and
  RTP need to tell that a frame is whole) can't be known from here.
- ``arrival``: nothing better is known, or reading itself keeps the time.

All logic is pure: it is fed stamps and arrival times.
"""

from dataclasses import dataclass
from fractions import Fraction

from vsr.io.live.address import CaptureClock
from vsr.io.live.contract import TIME_BASE

_JUMP_S = 2
_REORDERED_S = 1.0  # the most that a packet's stamp is behind another's for being sent in another order
_MOST_DRIFT = 200e-6  # of two quartz clocks against each other
_DEVICE_DELAY_S = 1.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A frame's place in the run."""

    pts: int
    """In TIME_BASE units."""
    captured_s: float
    """On the clock of time.monotonic()."""


@dataclass(frozen=True, slots=True)
class _Last:
    pts: int
    stamp_s: Fraction | None
    captured_s: float
    """Not its arrival: what was stuck in a parser until the source was given up comes seconds late."""


@dataclass(frozen=True, slots=True)
class _Fastest:
    offset_s: float
    """The smallest (arrival - stamp) so far."""
    stamp_s: float
    """Of the latest packet, as its arrival."""
    arrival_s: float


class Arrival:
    """Places all frames of one source, over all its connections; stamps are the source's, in seconds.

    ``jumps``: forward steps of the stamps beyond the real time that passed are a sender that began anew. False where
    data may come faster than they were made (a pipe).
    ``wall_ahead_s``: time.time() - time.monotonic().
    """

    def __init__(self, *, jumps: bool = True, wall_ahead_s: float = 0.0):
        self._clock: CaptureClock = "arrival"
        self._jumps = jumps
        self._wall_ahead_s = wall_ahead_s
        self._last: _Last | None = None
        self._anchor: tuple[Fraction, int] | None = None
        self._fastest: _Fastest | None = None

    @property
    def reached_s(self) -> float:
        """Run time of the last frame, in seconds."""
        return float(self._last.pts * TIME_BASE) if self._last else 0.0

    def connect(self, clock: CaptureClock) -> None:
        """Stamps of another connection follow, which have nothing to do with those so far."""
        self._clock = clock
        self._forget()

    def _forget(self) -> None:
        self._anchor = None
        self._fastest = None

    def packet(self, stamp_s: Fraction, arrival_s: float) -> None:
        """Take note of a packet of the video, before its frame is placed."""
        offset_s = arrival_s - float(stamp_s)
        if (before := self._fastest) is not None:
            passed_s, step_s = arrival_s - before.arrival_s, float(stamp_s) - before.stamp_s
            if step_s > -_REORDERED_S and step_s - passed_s < _JUMP_S:  # else the sender began anew
                offset_s = min(offset_s, before.offset_s + _MOST_DRIFT * passed_s)
        self._fastest = _Fastest(offset_s, float(stamp_s), arrival_s)

    def frame(self, stamp_s: Fraction | None, arrival_s: float) -> Placed:
        """Place the next frame; without a stamp its arrival is its time."""
        last = self._last
        if last is None:
            pts = 0
        elif stamp_s is None or self._anchor is None or self._jumped(last, stamp_s, arrival_s):
            pts = last.pts + max(round((arrival_s - last.captured_s) / TIME_BASE), 1)
            if self._anchor is not None:
                self._forget()
        else:
            pts = max(self._position(self._anchor, stamp_s), last.pts + 1)
        if stamp_s is None:
            self._anchor = None
        elif self._anchor is None:
            self._anchor = (stamp_s, pts)
        captured_s = self._captured_s(stamp_s, arrival_s)
        self._last = _Last(pts, stamp_s, captured_s)
        return Placed(pts, captured_s)

    def sound(self, stamp_s: Fraction) -> Fraction | None:
        """Run time in seconds of sound with this stamp; None while no frame says where its connection lies.

        Also None for a stamp far from the frames': one of both began anew, and the next frame will say where.
        """
        if self._anchor is None or self._last is None:
            return None
        source_s, pts = self._anchor
        run_s = pts * TIME_BASE + (stamp_s - source_s)
        return None if abs(run_s - self._last.pts * TIME_BASE) > _JUMP_S else run_s

    @staticmethod
    def _position(anchor: tuple[Fraction, int], stamp_s: Fraction) -> int:
        return anchor[1] + round((stamp_s - anchor[0]) / TIME_BASE)

    def _jumped(self, last: _Last, stamp_s: Fraction, arrival_s: float) -> bool:
        if last.stamp_s is None:
            return False
        step_s = float(stamp_s - last.stamp_s)
        return step_s <= 0 or (self._jumps and step_s - (arrival_s - last.captured_s) > _JUMP_S)

    def _captured_s(self, stamp_s: Fraction | None, arrival_s: float) -> float:
        if stamp_s is None or self._clock == "arrival":
            return arrival_s
        if self._clock == "stamps":
            moments = (float(stamp_s), float(stamp_s) - self._wall_ahead_s)
            return next((at for at in moments if 0 <= arrival_s - at <= _DEVICE_DELAY_S), arrival_s)
        if self._fastest is None:
            self.packet(stamp_s, arrival_s)
            return arrival_s
        return min(float(stamp_s) + self._fastest.offset_s, arrival_s)
