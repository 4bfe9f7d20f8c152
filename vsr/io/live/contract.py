"""What passes between a live source, the upscaler and the sinks, and what each of them promises."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol, Self

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vsr.frames import Frame, VideoInfo

TIME_BASE = Fraction(1, 90_000)
"""Of every live frame; pts count from the start of the run."""
SAMPLE_RATE = 48_000
CHANNELS = 2


@dataclass(frozen=True, slots=True, eq=False)
class LiveFrame:
    """A picture with what is true of it: in a live run any frame may differ from the one before."""

    frame: Frame
    """``time_base`` is TIME_BASE; ``pts`` grows with every frame, also over the gap of a lost source."""
    info: VideoInfo
    """Size, layout, colour, sample aspect ratio and rate of ``frame``; upright, progressive."""
    captured_s: float
    """When it was captured, on the clock of time.monotonic(); see vsr.io.live.arrival for what is known of that."""
    before: LiveFrame | None = None
    """Of an upscaled frame, the source's."""
    held: bool = False
    """True when it was shown before and stands in for a source that is gone."""


@dataclass(frozen=True, slots=True, eq=False)
class LiveAudio:
    """Sound, always 48 kHz stereo, without gaps or overlaps while the source is there."""

    samples: npt.NDArray[np.int16]
    """(count, CHANNELS)."""
    pts: int
    """Of the first sample, in 1/SAMPLE_RATE from the start of the run, on the same clock as the frames."""


class LiveSource(Protocol):
    """Frames as they arrive, for as long as anybody wants them. Iterated on a thread of its own."""

    name: str
    """As the user gave it, without passwords."""
    has_audio: bool
    """Known from the first frame on."""
    lost: bool
    """True while the source is gone and being looked for."""
    reconnects: int
    """How often it was found again."""
    corrupt_packets: int

    def __iter__(self) -> Iterator[LiveFrame]:
        """Ends when the source does (a file, standard input) or after ``close``; one that goes away is opened again.

        Raises SourceError where it can't be opened the first time.
        """
        ...

    def listen(self, hear: Callable[[LiveAudio], None]) -> None:
        """Hand the sound to ``hear``, on the thread that iterates. Called before the iteration."""
        ...

    def close(self) -> None:
        """End the iteration soon, from another thread; what is open is closed by the thread that iterates."""
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


class LiveSink(Protocol):
    """One place where the upscaled stream goes. All calls come from one thread."""

    name: str
    """As the user gave it, without passwords."""
    audible: bool
    """True where it takes sound."""
    returns: bool
    """True where a failure may pass (a server that comes back): it is opened again. False: its failure is final."""

    def open(self, first: LiveFrame, *, audio: bool) -> None:
        """Get ready for frames such as ``first``, which is not yet written. Called again after a failure. SinkError."""
        ...

    def write(self, frame: LiveFrame) -> None:
        """Take one frame; on return it is encoded and handed over. A frame of another size or colour than the first
        is followed, or fitted into the first one's picture where the sink can't change. Raises SinkError.
        """
        ...

    def hear(self, audio: LiveAudio) -> None:
        """Take sound that belongs to frames around this time; comes before its frames. Raises SinkError."""
        ...

    def finish(self) -> None:
        """Write what is still inside and close well: a recording gets its name. Raises SinkError."""
        ...

    def abort(self) -> None:
        """Close without a word, in any state; what a recording has so far is kept where it is."""
        ...
