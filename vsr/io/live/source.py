"""A live source by its name: opened, lost, found again, until nobody wants it any more."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import TYPE_CHECKING, Self

from vsr.errors import SourceError, UsageError
from vsr.io.live.address import Address, parse
from vsr.io.live.capture import Camera
from vsr.io.live.connection import Connection
from vsr.io.live.contract import LiveAudio, LiveFrame
from vsr.io.live.run import begin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vsr.frames import VideoInfo
    from vsr.io.live.contract import LiveSource
    from vsr.notices import Notices
    from vsr.spec import PipelineSpec

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 5.0
_LISTENER_PAUSE_S = 0.05  # a sender that calls meanwhile finds nobody
_NO_PLACE_TO_WAIT = {errno.EADDRINUSE, errno.EADDRNOTAVAIL, errno.EACCES}


def open_source(name: str, pipeline: PipelineSpec, notices: Notices, *, realtime: bool, audio: bool) -> LiveSource:
    """The source called ``name``, which is opened when its iteration begins.

    ``realtime``: files are read, at their own pace. Raises UsageError for what can't be a live source, SourceError
    for a file that is not there.
    """
    if pipeline.interlaced == "keep":
        raise UsageError("--interlaced keep can't be used live, where every sink is progressive; leave it out")
    return StreamSource(parse(name, realtime=realtime), pipeline, notices, audio=audio)


class StreamSource:
    """The LiveSource of everything that FFmpeg or OpenCV opens; see vsr.io.live.contract."""

    def __init__(self, address: Address, pipeline: PipelineSpec, notices: Notices, *, audio: bool):
        self.name = address.label
        self.has_audio = False
        self.lost = False
        self.reconnects = 0
        self.corrupt_packets = 0
        self._address = address
        self._notices = notices
        # Data of a pipe or a file may come faster than they were made, and a long step of their stamps is meant.
        jumps = address.kind not in {"pipe", "file"}
        self._run = begin(replace(pipeline, source=address.label), notices, audio=audio, jumps=jumps)
        self._hear: Callable[[LiveAudio], None] | None = None
        self._info: VideoInfo | None = None
        self._pause_s = _FIRST_PAUSE_S

    def listen(self, hear: Callable[[LiveAudio], None]) -> None:
        """Hand the sound to ``hear``, on the thread that iterates."""
        self._hear = hear

    def __iter__(self) -> Iterator[LiveFrame]:
        if self._address.listens:
            self._notices.say(f"waiting for a sender at {self._address.label}")
        while not self._run.closing.is_set():
            ended = opened = False
            try:
                with self._connect() as connection:
                    opened = True
                    if self._info is None:  # sound that only a later connection has finds no sink that expects it
                        self.has_audio = self._run.audio = connection.has_audio
                    yield from self._frames(connection)
                    ended = not self._address.returns or connection.finite
                reason = "the stream ended"
            except SourceError as exc:
                reason = str(exc)
                if self._is_final(exc, opened=opened):
                    if opened:
                        raise SourceError(f"{self._address.label} can't be read: {reason}") from exc
                    raise
                ended = not self._address.returns
                if ended:
                    self._notices.say(f"{self._address.label} broke off at {self._reached}: {reason}")
            if ended or self._run.closing.is_set():
                return
            self._wait(reason)

    def _connect(self) -> Connection | Camera:
        return (Camera if self._address.kind == "capture" else Connection)(self._address, self._run)

    def _is_final(self, error: SourceError, *, opened: bool) -> bool:
        """True where there never was a frame, unless the sender is being waited for, or answers and may yet send."""
        if self._info is not None or self._run.closing.is_set() or (opened and self._address.returns):
            return False
        cause = error.__cause__
        return not self._address.listens or (isinstance(cause, OSError) and cause.errno in _NO_PLACE_TO_WAIT)

    def _frames(self, connection: Connection | Camera) -> Iterator[LiveFrame]:
        for item in connection:
            self.corrupt_packets = self._run.corrupt_packets
            if isinstance(item, LiveAudio):
                if self._hear is not None:
                    self._hear(item)
                continue
            self._note(item)
            yield item

    def _note(self, frame: LiveFrame) -> None:
        """Say what is new with this frame."""
        if self.lost:
            self.lost = False
            self.reconnects += 1
            self._pause_s = _FIRST_PAUSE_S
            self._notices.say(f"{self._address.label} is back at {self._reached}")
        if self._info is not None and frame.info != self._info:
            info = frame.info
            looks = f"{info.width}x{info.height} {info.layout.chroma_name} of {info.layout.bits} bits"
            self._notices.say(f"the picture changes to {looks} at {self._reached}")
        self._info = frame.info

    @property
    def _reached(self) -> str:
        return f"{self._run.arrival.reached_s:.1f} s"

    def _wait(self, reason: str) -> None:
        """Say that the source is gone, once, and wait before looking for it again."""
        if not self.lost and (self._info is not None or not self._address.listens):
            self.lost = True
            self._notices.say(f"{self._address.label} is lost at {self._reached}: {reason}; looking for it again")
        if self._address.listens:
            self._run.closing.wait(_LISTENER_PAUSE_S)
            return
        self._run.closing.wait(self._pause_s)
        self._pause_s = min(self._pause_s * 2, _LONGEST_PAUSE_S)

    def close(self) -> None:
        """End the iteration soon, from another thread."""
        self._run.closing.set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
