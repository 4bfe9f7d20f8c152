"""Timestamps as the source has them; where it has none, or they repeat or go backwards, repaired and counted."""

from fractions import Fraction

from vsr.notices import Notices


class Timeline:
    """Gives each decoded frame its pts, strictly increasing, in one time base."""

    def __init__(self, time_base: Fraction, frame_rate: Fraction | None, notices: Notices):
        self.step = max(round(1 / (frame_rate * time_base)), 1) if frame_rate else 1
        """From one frame to the next where none has a time."""
        self._last: int | None = None
        self._notices = notices
        self.repaired = 0

    def place(self, pts: int | None, dts: int | None, duration: int) -> int:
        """The pts of the next frame: its own, else its packet's dts, else one frame after the last."""
        placed = pts if pts is not None else dts
        if placed is None:
            self._notices.say("the source has no timestamps; they are made from its frame rate")
            placed = 0 if self._last is None else self._last + (duration or self.step)
        if self._last is not None and placed <= self._last:
            self.repaired += 1
            self._notices.say("timestamps of the source repeat or go backwards; such frames are moved to stay in order")
            placed = self._last + 1
        self._last = placed
        return placed
