"""Frames into a file: encoded at their own times, muxed with the source's other streams, named only when whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from av.error import FFmpegError

from vsr.errors import SinkError
from vsr.io.clock import OutputClock
from vsr.io.frame_encoder import FrameEncoder
from vsr.io.output_file import OutputFile

if TYPE_CHECKING:
    from vsr.frames import Frame
    from vsr.io.encoders import Encoding
    from vsr.io.passthrough import StreamPlan
    from vsr.io.source import VideoSource
    from vsr.io.target import Target
    from vsr.notices import Notices
    from vsr.scaling import OutputSize


class FileSink:
    """One output file. Frames go to ``target.partial``; ``commit`` gives it its name, ``abort`` removes it.

    ``streams`` says what becomes of the source's other streams; ``clock`` counts frames and packets.
    """

    def __init__(self, target: Target, encoding: Encoding, size: OutputSize, source: VideoSource, notices: Notices):
        self._source = source
        self.final = target.final
        self.clock = OutputClock(encoding.codec, target.container, source.info, notices)
        self._output = OutputFile(target, encoding, size, source, clock=self.clock, notices=notices)
        self.streams: list[StreamPlan] = self._output.plans
        try:
            self._encoder = FrameEncoder(self._output.stream, encoding, self.clock)
        except BaseException:
            self.abort()
            raise

    @property
    def first_s(self) -> float | None:
        """Time of the first frame written; None before it."""
        return self._encoder.first_s

    @property
    def last_s(self) -> float | None:
        """Time of the last frame written; None before it."""
        return self._encoder.last_s

    def write(self, frame: Frame) -> None:
        """Encode and mux one frame, and the packets that the source has set aside until now. Raises SinkError."""
        self._output.carry()
        try:
            packets = self._encoder.encode(frame)
        except FFmpegError as exc:
            raise SinkError(f"{self.final} can't be written: {exc.strerror}") from exc
        self._output.mux(packets)

    def commit(self) -> None:
        """Finish the file and give it its name.

        Raises SinkError, or IntegrityError when not every frame came out at its time.
        """
        try:
            packets = self._encoder.finish()
        except FFmpegError as exc:
            raise SinkError(f"{self.final} can't be finished: {exc.strerror}") from exc
        self._output.mux(packets)
        self._output.finish()
        self.clock.check(self._source.frames_read)
        self._output.publish()

    def abort(self) -> None:
        """Drop everything written; nothing appears under the output's name. Safe after ``commit``."""
        self._output.abort()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.abort()
