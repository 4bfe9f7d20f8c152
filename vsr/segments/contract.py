"""What a job's pieces are and who makes them: the words that every room of vsr.segments shares."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Protocol, Self

from vsr.notices import Notices
from vsr.spec import PipelineSpec


@dataclass(frozen=True)
class Piece:
    """A stretch of the source, told by its frames' pts: ``start <= pts < end``, in the source's time base."""

    index: int
    start: int | None
    """None from the first frame on."""
    end: int | None
    """None to the last frame."""
    seek: int | None
    """Where to let the demuxer begin, a group of pictures before ``start``; None: at the beginning of the file."""


@dataclass(frozen=True)
class PieceRecord:
    """A finished piece: what the manifest keeps of it."""

    index: int
    frames: int
    size: int
    """Of its file, in bytes."""
    sha256: str
    """Of its file."""
    first_s: float | None
    last_s: float | None
    """Times of its first and last frame; None where it has no frames."""
    timestamps_repaired: int
    corrupt_packets: int
    device: str
    """Where it was upscaled, in words; where memory was short, at last."""
    backend: str
    precision: str


@dataclass(frozen=True)
class PieceDone:
    """A piece that has just been made."""

    record: PieceRecord
    wall_s: float
    busy_s: dict[str, float]
    """Stage -> how long it was at work."""


@dataclass(frozen=True)
class Job:
    """All that a worker has to know; plain values, so that it can be sent to another process or machine."""

    spec: PipelineSpec
    folder: Path
    """Of the pieces: the file of piece 7 is ``folder / piece_name(7)``, whole as soon as it has that name."""
    time_base: Fraction
    """Of the pieces' pts."""
    weights: str
    """Digest of what the network has learned, by vsr.segments.identity: whoever has loaded other weights must not make
    a piece of this job."""


def piece_name(index: int) -> str:
    """Name of a piece's file in the job's folder. Names are made from numbers only, never read from a manifest."""
    return f"{index:06d}.piece"


class Crew(Protocol):
    """Makes pieces: one after another in this process, or several at once on other devices and machines."""

    @property
    def width(self) -> int:
        """How many pieces it makes at once."""
        ...

    def make(
        self, job: Job, pieces: Sequence[Piece], notices: Notices, *, frames: Callable[[int], None]
    ) -> Generator[PieceDone, None, None]:
        """Make ``pieces``; each is given out as soon as its file is whole and on the disk, in any order.

        ``frames`` hears how many further frames are done, as often as the crew knows; a negative number takes back
        those that died with their worker. Closing the generator ends what is under way. A worker that dies is
        survived: its piece is made again elsewhere. Raises VsrError for a piece that can't be made; pieces that are
        finished by then have been given out, and no worker is at work on the job any more.
        """
        ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...
