"""The parts of a live run at work, for those who watch it and report of it."""

from dataclasses import dataclass

from vsr.flow import Buffer
from vsr.io.live.contract import LiveFrame, LiveSource
from vsr.live.fresh import Fresh
from vsr.live.hold import Hold
from vsr.live.ladder import Ladder
from vsr.live.outlets import Outlets


@dataclass(frozen=True)
class LiveStages:
    """In the order in which a frame meets them."""

    source: LiveSource
    decoded: Buffer[LiveFrame]
    fresh: Fresh
    ladder: Ladder
    hold: Hold
    outlets: Outlets
    started_s: float
    """time.monotonic() at the start of the run."""

    @property
    def dropped(self) -> int:
        """Decoded frames that gave way to newer ones."""
        return self.decoded.timing().dropped + self.fresh.skipped
