"""A worker's own side, wherever it runs: it keeps the network loaded, makes what it is handed, tells how far it is."""

import pickle
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from vsr.errors import VsrError
from vsr.notices import Notices
from vsr.segments.contract import Job, Piece, PieceDone

if TYPE_CHECKING:
    from vsr.segments.maker import PieceMaker


@dataclass(frozen=True)
class FramesMade:
    """So many further frames of the piece at hand; negative where frames are lost with their worker."""

    count: int


@dataclass(frozen=True)
class Said:
    """A notice."""

    text: str


@dataclass(frozen=True)
class Failed:
    """The piece can't be made."""

    error: Exception


News = FramesMade | Said
Outcome = PieceDone | Failed


class Workplace:
    """Makes one piece at a time; the network of a job stays loaded from piece to piece. ``tell`` hears the news."""

    def __init__(self, tell: Callable[[News], None]):
        self._tell = tell
        self._job: Job | None = None
        self._open = ExitStack()
        self._maker: PieceMaker | None = None

    def make(self, job: Job, piece: Piece) -> Outcome:
        """Make ``piece`` of ``job``. Raises nothing: what goes wrong is the outcome."""
        try:
            return self._maker_for(job).make(job, piece, frames=lambda count: self._tell(FramesMade(count)))
        except Exception as error:  # noqa: BLE001 - raised again by the one who gave the job
            self.close()
            return Failed(_portable(error))

    def _maker_for(self, job: Job) -> "PieceMaker":
        from vsr.segments.maker import PieceMaker

        if self._maker is None or job != self._job:
            self.close()
            maker = PieceMaker(job.spec, Notices(lambda text: self._tell(Said(text))))
            self._maker = self._open.enter_context(maker)
            self._job = job
        return self._maker

    def close(self) -> None:
        """Give the device's memory back; another piece opens it again."""
        self._maker, self._job = None, None
        self._open.close()


def _portable(error: Exception) -> Exception:
    """``error`` so that it can travel to another process; what no user should meet takes its traceback along."""
    if not isinstance(error, VsrError):
        error.add_note("in a worker:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # noqa: BLE001 - classes of other libraries fail here in any way they like
        return RuntimeError("".join(traceback.format_exception(error)))
    return error
