"""Frames of several videos that are on show at the same time: by their timestamps, never by their number."""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction

from vsr.frames import Frame

# A container that counts milliseconds moves a frame by half of one, or a whole one where it truncates.
_TOLERANCE_S = Fraction(2, 1000)


class Playhead:
    """A player of one video that only goes forward."""

    def __init__(self, frames: Iterable[Frame], *, from_start: bool = False):
        """``from_start`` counts time from the first frame, whatever its timestamp."""
        self._frames = iter(frames)
        self._current: Frame | None = None
        self._next = next(self._frames, None)
        self._lasting_s = Fraction(0)
        self._origin_s = self._next.time_s if from_start and self._next is not None else Fraction(0)
        self.begins_s = None if self._next is None else self._time_s(self._next)

    def _time_s(self, frame: Frame) -> Fraction:
        return frame.time_s - self._origin_s

    @property
    def next_s(self) -> Fraction | None:
        """When the frame after the one on show begins; None after the last."""
        return None if self._next is None else self._time_s(self._next)

    @property
    def end_s(self) -> Fraction | None:
        """When the frame on show ends."""
        if self._next is not None or self._current is None:
            return self.next_s
        return self._time_s(self._current) + self._lasting_s

    def step(self) -> Frame | None:
        """Go to the next frame and return it; None after the last."""
        if self._next is None:
            return None
        current, self._next = self._next, next(self._frames, None)
        if current.duration:
            self._lasting_s = current.duration * current.time_base
        elif self._next is not None or self._current is not None:  # as long as its neighbour
            before, after = (self._current, current) if self._next is None else (current, self._next)
            assert before is not None
            self._lasting_s = after.time_s - before.time_s
        self._current = current
        return current

    def at(self, time_s: Fraction) -> Frame | None:
        """The frame on show at ``time_s``, which must not go back; None before the first and after the last.

        A frame that begins a rounding of timestamps later, and lies nearer than the one before it, is on show already.
        """
        while self._next is not None and self._begun(self._time_s(self._next), time_s):
            self.step()
        if self._current is None or self._next is not None:
            return self._current
        on_show = time_s <= self._time_s(self._current) or time_s < self._time_s(self._current) + self._lasting_s
        return self._current if on_show else None

    def _begun(self, begins_s: Fraction, time_s: Fraction) -> bool:
        if begins_s <= time_s or begins_s > time_s + _TOLERANCE_S:
            return begins_s <= time_s
        return self._current is None or begins_s - time_s < time_s - self._time_s(self._current)


class Matching:
    """Iterate for (time in seconds, (A's frame, the others' frames on show then)), for each frame of A in order.

    Only the span that all have is given. ``outside`` then holds the indices of the videos with frames outside it.
    """

    def __init__(self, videos: Sequence[Iterable[Frame]], *, from_start: bool = False):
        self._first, *self._others = (Playhead(frames, from_start=from_start) for frames in videos)
        self.outside: set[int] = set()

    def __iter__(self) -> Iterator[tuple[Fraction, tuple[Frame, ...]]]:
        players = (self._first, *self._others)
        begins = [player.begins_s for player in players if player.begins_s is not None]
        if len(begins) < len(players):
            return
        self.outside |= {i for i, begin_s in enumerate(begins) if begin_s < max(begins) - _TOLERANCE_S}
        while (time_s := self._first.next_s) is not None:
            shown = [player.at(time_s) for player in self._others]
            if any(frame is None and player.next_s is None for frame, player in zip(shown, self._others, strict=True)):
                break
            frame = self._first.step()
            frames = tuple(item for item in (frame, *shown) if item is not None)
            if len(frames) == len(players):
                yield time_s, frames
        ends = [player.end_s for player in players if player.next_s is None and player.end_s is not None]
        end_s = min(ends, default=Fraction(0)) - _TOLERANCE_S
        self.outside |= {i for i, player in enumerate(players) if player.next_s is not None and player.next_s >= end_s}
