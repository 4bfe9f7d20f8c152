"""What all connections of one live source share."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from vsr.io.live.arrival import Arrival
from vsr.io.live.sound import Track

if TYPE_CHECKING:
    from vsr.frames import ChromaLocation
    from vsr.notices import Notices
    from vsr.spec import PipelineSpec


@dataclass
class Run:
    """The wishes, the clock and the counts of a source, for as long as it is iterated."""

    spec: PipelineSpec
    """Its ``source`` is what messages call the source."""
    notices: Notices
    audio: bool
    """True where sound is wanted."""
    arrival: Arrival
    track: Track = field(default_factory=Track)
    closing: threading.Event = field(default_factory=threading.Event)
    chroma_location: ChromaLocation | None = None
    """As the first connection found it."""
    corrupt_packets: int = 0

    def note_corrupt(self) -> None:
        """Count a packet that is damaged, and say so the first time."""
        self.corrupt_packets += 1
        self.notices.say("the source has damaged packets; what the decoder can't conceal is skipped")


def begin(spec: PipelineSpec, notices: Notices, *, audio: bool, jumps: bool) -> Run:
    """A Run whose clock knows how far the wall clock is ahead of the monotonic one."""
    return Run(spec, notices, audio, Arrival(jumps=jumps, wall_ahead_s=time.time() - time.monotonic()))
