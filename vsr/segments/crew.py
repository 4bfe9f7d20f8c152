"""Who makes the pieces of a run: this process, processes with a device each, or a cluster."""

from collections.abc import Callable, Generator, Sequence
from typing import Self

from vsr.notices import Notices
from vsr.segments.contract import Crew, Job, Piece, PieceDone
from vsr.segments.devices import devices_of
from vsr.segments.maker import PieceMaker
from vsr.spec import PipelineSpec


class LocalCrew:
    """Makes the pieces in this process, one after another, each with all of the machine."""

    width = 1

    def make(
        self, job: Job, pieces: Sequence[Piece], notices: Notices, *, frames: Callable[[int], None]
    ) -> Generator[PieceDone, None, None]:
        """See ``Crew``."""
        if not pieces:
            return
        with PieceMaker(job.spec, notices) as maker:
            for piece in pieces:
                yield maker.make(job, piece, frames=frames)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is kept open between jobs."""


def is_spread(spec: PipelineSpec) -> bool:
    """Whether several workers are asked for."""
    return spec.cluster is not None or len(devices_of(spec.device)) > 1


def open_crew(spec: PipelineSpec) -> Crew:
    """The crew that ``spec`` asks for. Raises UsageError and BackendError."""
    if spec.cluster is not None:
        from vsr.segments.cluster import ClusterCrew

        return ClusterCrew(spec.cluster, ship=spec.ship)
    if len(devices := devices_of(spec.device)) > 1:
        from vsr.segments.pool import PoolCrew

        return PoolCrew(devices)
    return LocalCrew()
