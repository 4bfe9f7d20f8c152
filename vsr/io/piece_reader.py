"""The frames of one stretch of a source after another, the same ones whatever was read before."""

from collections.abc import Iterator
from typing import Self

from vsr.frames import Frame, VideoInfo
from vsr.io.source import VideoSource
from vsr.notices import Notices
from vsr.spec import PipelineSpec


class PieceReader:
    """Frames with ``start <= pts < end``, each stretch out of a decoder that begins at the stretch's own ``seek``.

    What decoders put in the place of damage, flagged or not, depends on where they began, so none reads on from one
    stretch into the next: a group of pictures is decoded twice for that. Where there is nothing but the beginning to
    begin at, reading on gives the same as beginning there.
    After ``frames`` is exhausted the properties tell of what it gave.
    """

    def __init__(self, spec: PipelineSpec, notices: Notices, *, bake_orientation: bool):
        self._spec = spec
        self._notices = notices
        self._bake_orientation = bake_orientation
        self._source: VideoSource | None = None
        self._frames: Iterator[Frame] = iter(())
        self._reached: int | None = None
        """End of the stretch read last, by a decoder that began at the beginning; None where none can read on."""
        self._held: Frame | None = None
        self._enterable = True
        self.info: VideoInfo = self._open(None).info
        self.frames_read = 0
        self.timestamps_repaired = 0
        self.corrupt_packets = 0

    def _open(self, seek: int | None, start: int | None = None) -> VideoSource:
        self.close()
        self._source = VideoSource(
            self._spec, self._notices, bake_orientation=self._bake_orientation, video_only=True, seek=seek, start=start
        )
        self._frames, self._held = iter(self._source), None
        return self._source

    def frames(self, start: int | None, end: int | None, seek: int | None) -> Iterator[Frame]:
        """Frames of one stretch; ``seek`` is where to begin, None at the beginning. Raises SourceError."""
        self.frames_read = 0
        first = self._go_to(start, seek if self._enterable else None)
        source, from_the_beginning = self._source, seek is None or not self._enterable
        assert source is not None, "opened by _go_to"
        self._reached = None  # until the stretch is read to its end
        repaired = source.timestamps_repaired
        frame = first
        while frame is not None and (end is None or frame.pts < end):
            self.frames_read += 1
            yield frame
            frame = next(self._frames, None)
        self._held = frame
        self._reached = end if from_the_beginning else None
        self.timestamps_repaired = source.timestamps_repaired - repaired
        self.corrupt_packets = sum(_within(pts, start, end) for pts in source.corrupt)

    def _go_to(self, start: int | None, seek: int | None) -> Frame | None:
        """The first frame of the stretch from ``start`` on; None where there is none."""
        if seek is None and start is not None and self._reached is not None and self._reached <= start:
            return self._first_from(start)
        source = self._open(seek, start)
        first = self._first_from(start)
        if seek is None or (first is not None and first.pts == start) or start in source.corrupt:
            return first
        self._notices.say(f"{self._spec.source} can't be entered at any frame; it is decoded from its beginning")
        self._enterable = False
        self._open(None, start)
        return self._first_from(start)

    def _first_from(self, start: int | None) -> Frame | None:
        held, self._held = self._held, None
        if held is not None and (start is None or held.pts >= start):
            return held
        return next((frame for frame in self._frames if start is None or frame.pts >= start), None)

    def close(self) -> None:
        """Close the file; safe to call twice."""
        if self._source is not None:
            self._frames, self._held = iter(()), None
            self._source.close()
            self._source, self._reached = None, None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _within(pts: int | None, start: int | None, end: int | None) -> bool:
    """Whether a damaged packet is of this stretch; one without a time is of the first."""
    if pts is None:
        return start is None
    return (start is None or pts >= start) and (end is None or pts < end)
