"""What viewers see while there is nothing new: the last picture again, so that they stay connected."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import replace

from vsr.io.live.contract import TIME_BASE, LiveFrame, LiveSource
from vsr.live.controls import Controls

TICK_S = 0.1
"""How often the last picture is shown again while the source is gone or the run is paused."""
_GONE_S = 1.0
"""A source that is silent for so long counts as gone before it says so."""


class Hold:
    """Call it with upscaled frames, None for each TICK_S without one, for the frames to show. Counts those it held.

    The pts go on by the real time that passes; a frame that is older than what was shown in its place is left out.
    """

    def __init__(self, source: LiveSource, controls: Controls):
        self._source = source
        self._controls = controls
        self._last: LiveFrame | None = None
        self._last_s = 0.0
        self._shown_pts = -1
        self._shown_s = 0.0
        self.held = 0

    def __call__(self, frames: Iterable[LiveFrame | None]) -> Iterator[LiveFrame | None]:
        for frame in frames:
            now_s = time.monotonic()
            shown = self._standing_in(now_s) if frame is None or self._controls.paused else self._newest(frame, now_s)
            if shown is not None:
                self._shown_pts, self._shown_s = shown.frame.pts, now_s
            yield shown

    def _newest(self, frame: LiveFrame, now_s: float) -> LiveFrame | None:
        self._last, self._last_s = frame, now_s
        return frame if frame.frame.pts > self._shown_pts else None

    def _standing_in(self, now_s: float) -> LiveFrame | None:
        last = self._last
        if last is None or now_s - self._shown_s < TICK_S / 2:
            return None
        if not (self._controls.paused or self._source.lost or now_s - self._last_s > _GONE_S):
            return None
        # From what was shown last: the last frame may have come late, after others that stood in for it.
        pts = self._shown_pts + round((now_s - self._shown_s) / TIME_BASE)
        self.held += 1
        return replace(last, frame=replace(last.frame, pts=pts), captured_s=now_s, held=True)
