"""Old frames give way to new ones: a short queue takes up what jitters, and nothing waits in it for long."""

from collections.abc import Iterator

from vsr.flow import Buffer
from vsr.io.live.contract import LiveFrame

DEPTH = 4
"""Decoded frames that may wait: a machine that is late for a moment need not lose one."""
_PATIENCE_S = 0.1
_AT_ONCE_S = 0.002


class Fresh:
    """Call it for the frames of ``decoded``, None for each ``tick_s`` without one; stale ones are left out, counted.

    Frames that came while the machine was late for a moment are all taken. When one of them has waited for more than a
    tenth of a second, the machine is behind: then only the newest is taken, until a frame need not wait again.
    """

    def __init__(self, decoded: Buffer[LiveFrame], tick_s: float):
        self._decoded = decoded
        self._tick_s = tick_s
        self._behind = False
        self.skipped = 0

    def __call__(self) -> Iterator[LiveFrame | None]:
        for frame in self._decoded.ticking(self._tick_s):
            if frame is not None and self._is_stale():
                self.skipped += 1
            else:
                yield frame

    def _is_stale(self) -> bool:
        """Whether the frame that was taken just now should give way to the next."""
        if self._decoded.waited_s > _PATIENCE_S:
            self._behind = True
        elif self._decoded.waited_s < _AT_ONCE_S:
            self._behind = False
        return self._behind and self._decoded.waiting > 0
