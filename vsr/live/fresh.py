"""Old frames give way to new ones: a short queue takes up what jitters, and nothing waits in it for long."""

from collections.abc import Iterator

from vsr.flow import Buffer
from vsr.io.live.contract import LiveFrame

DEPTH = 4
"""Decoded frames that may wait: a machine that is late for a moment need not lose one."""
_PATIENCE_S = 0.1


class Fresh:
    """Call it for the frames of ``decoded``, None for each ``tick_s`` without one; stale ones are left out, counted.

    A frame is stale when it has waited for more than a tenth of a second and a newer one is there.
    """

    def __init__(self, decoded: Buffer[LiveFrame], tick_s: float):
        self._decoded = decoded
        self._tick_s = tick_s
        self.skipped = 0

    def __call__(self) -> Iterator[LiveFrame | None]:
        for frame in self._decoded.ticking(self._tick_s):
            if frame is not None and self._decoded.waiting and self._decoded.waited_s > _PATIENCE_S:
                self.skipped += 1
            else:
                yield frame
