"""One piece of a long run: the way of its frames is the page's, from a stretch of the source into a file of packets."""

import platform
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Self

from vsr.allocator import keep_freed_memory
from vsr.errors import NetworkError
from vsr.flow import Flow
from vsr.io.piece_reader import PieceReader
from vsr.io.piece_sink import PieceSink
from vsr.io.target import described
from vsr.notices import Notices
from vsr.pipeline import held, open_upscaler, upscaled
from vsr.plan import make_plan
from vsr.report import busy_s
from vsr.segments.contract import Job, Piece, PieceDone, PieceRecord, piece_name
from vsr.segments.identity import weights_digest
from vsr.spec import PipelineSpec


class PieceMaker:
    """Makes pieces of ``spec.source``, one after another, with a network that is loaded once. Raises VsrError.

    Pieces that follow each other come out of one decoder, but each has an encoder and a flow of its own: what is in a
    piece does not depend on which ones this maker made before.
    """

    def __init__(self, spec: PipelineSpec, notices: Notices):
        keep_freed_memory()
        self._spec = spec
        self._notices = notices
        self._target = described(spec.output)
        with ExitStack() as opened:
            bake = not self._target.carries_orientation
            self._reader = opened.enter_context(PieceReader(spec, notices, bake_orientation=bake))
            self._plan = make_plan(spec, self._reader.info, self._target, notices)
            self._weights = weights_digest(self._plan.network.loaded, self._plan.placement.precision)
            self._upscaler = opened.enter_context(open_upscaler(self._plan, notices, hold=held(spec)))
            self._opened = opened.pop_all()

    def make(self, job: Job, piece: Piece, *, frames: Callable[[int], None] | None = None) -> PieceDone:
        """Make ``piece`` into its file in ``job.folder``; ``frames`` hears of each further frame. Raises VsrError."""
        self._check_weights(job)
        plan, path = self._plan, job.folder / piece_name(piece.index)
        info = self._reader.info
        with (
            PieceSink(path, self._target.container, plan.encoding, plan.size, info=info, notices=self._notices) as sink,
            Flow() as flow,
        ):
            started = time.perf_counter()
            source = self._reader.frames(piece.start, piece.end, piece.seek)
            for frame in upscaled(source, self._upscaler, flow, self._spec):
                sink.write(frame)
                if frames is not None:
                    frames(1)
            sink.commit(self._reader.frames_read)
            wall_s = time.perf_counter() - started
            record = PieceRecord(
                index=piece.index,
                frames=self._reader.frames_read,
                size=sink.size,
                sha256=sink.sha256,
                first_s=sink.encoder.first_s,
                last_s=sink.encoder.last_s,
                timestamps_repaired=self._reader.timestamps_repaired,
                corrupt_packets=self._reader.corrupt_packets,
                device=self._upscaler.device,
                backend=self._upscaler.placement.backend,
                precision=self._upscaler.placement.precision,
            )
            return PieceDone(record, wall_s, busy_s(flow, wall_s))

    def _check_weights(self, job: Job) -> None:
        if self._weights != job.weights:
            raise NetworkError(
                f"{platform.node()} loads other weights from {self._spec.weights or self._plan.network.name} than the "
                "run began with; put those back, on every machine, or begin anew with --restart"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.close()
