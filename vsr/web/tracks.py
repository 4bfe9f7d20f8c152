"""One viewer's picture and sound as WebRTC tracks: encoded when the last ones are sent, so that nothing queues up."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import TYPE_CHECKING

from aiortc import MediaStreamTrack
from aiortc.mediastreams import MediaStreamError

from vsr.errors import SinkError
from vsr.io.live.contract import TIME_BASE, LiveAudio, LiveFrame
from vsr.io.live.webrtc import Encoded, PictureCodec, PictureEncoder, SoundEncoder
from vsr.live.split import compose

if TYPE_CHECKING:
    from collections.abc import Callable

    from vsr.notices import Notices

_SOUND_KEPT = 50
"""Blocks of sound that wait at most for a viewer that is slow."""


class PictureTrack(MediaStreamTrack):
    """The newest frame each time, cut at ``split``: what came meanwhile is never encoded."""

    kind = "video"

    def __init__(self, newest: Callable[[], LiveFrame | None], notices: Notices):
        super().__init__()
        self._newest = newest
        self._notices = notices
        self._encoder: PictureEncoder | None = None
        self._changed = asyncio.Event()
        self._sent: LiveFrame | None = None
        self._sent_pts = 0
        self._sent_s = 0.0
        self._split: float | None = None
        self._keyframe = False
        self.encode_ms: float | None = None
        """Of the last picture, once there is one: composed, converted and encoded."""

    def encode_with(self, codec: PictureCodec) -> None:
        """The codec that was agreed on; before the first ``recv``."""
        self._encoder = PictureEncoder(codec)

    def wake(self) -> None:
        """Look at the newest frame again."""
        self._changed.set()

    def split_at(self, position: float | None) -> None:
        """Move the line; a picture that stands still is sent again with it."""
        self._split = position
        self.wake()

    def begin_anew(self) -> None:
        """The viewer lost its way: the next picture is one it can begin with."""
        self._keyframe = True
        self.wake()

    def limit(self, bits_a_second: int) -> None:
        """What the viewer says that its way carries."""
        if self._encoder is not None:
            self._encoder.limit_bps = bits_a_second

    async def recv(self) -> Encoded:
        """The next picture, encoded. Raises MediaStreamError at the end."""
        while True:
            await self._changed.wait()
            if self.readyState != "live":
                raise MediaStreamError
            self._changed.clear()
            frame = self._newest()
            if frame is None or self._encoder is None:
                continue
            packet = await self._encoded(frame)
            if packet is not None:
                return packet

    async def _encoded(self, frame: LiveFrame) -> Encoded | None:
        pts, started_s = self._next_pts(frame), time.monotonic()
        keyframe, self._keyframe = self._keyframe, False
        loop = asyncio.get_running_loop()
        try:
            packet = await loop.run_in_executor(None, self._encode, frame, self._split, pts, keyframe)
        except SinkError as exc:
            self._notices.say(f"a viewer's picture is lost: {exc}")
            raise MediaStreamError from exc
        self._sent, self._sent_pts, self._sent_s = frame, pts, started_s
        self.encode_ms = 1e3 * (time.monotonic() - started_s)
        return packet

    def _next_pts(self, frame: LiveFrame) -> int:
        """The frame's own; where it is sent again, as much later as time has passed."""
        if frame is not self._sent and frame.frame.pts > self._sent_pts:
            return frame.frame.pts
        return self._sent_pts + max(round((time.monotonic() - self._sent_s) / TIME_BASE), 1)

    def _encode(self, frame: LiveFrame, split: float | None, pts: int, keyframe: bool) -> Encoded | None:
        if self._encoder is None:
            raise MediaStreamError
        shown = frame if split is None or frame.before is None else compose(frame, split)
        return self._encoder.encode(shown, pts, keyframe=keyframe)

    def stop(self) -> None:
        """End the track."""
        super().stop()
        self.wake()


class SoundTrack(MediaStreamTrack):
    """The run's sound as Opus; silent as long as there is none."""

    kind = "audio"

    def __init__(self, notices: Notices):
        super().__init__()
        self._notices = notices
        self._encoder = SoundEncoder()
        self._due: deque[LiveAudio] = deque(maxlen=_SOUND_KEPT)
        self._packets: deque[Encoded] = deque()
        self._changed = asyncio.Event()

    def put(self, audio: LiveAudio) -> None:
        """Sound that is due now."""
        self._due.append(audio)
        self._changed.set()

    async def recv(self) -> Encoded:
        """The next 20 ms, encoded. Raises MediaStreamError at the end."""
        while not self._packets:
            await self._changed.wait()
            if self.readyState != "live":
                raise MediaStreamError
            self._changed.clear()
            while self._due:
                self._encode(self._due.popleft())
        return self._packets.popleft()

    def _encode(self, audio: LiveAudio) -> None:
        try:
            self._packets += self._encoder.encode(audio)
        except SinkError as exc:
            self._notices.say(f"a viewer's sound is lost: {exc}")
            raise MediaStreamError from exc

    def stop(self) -> None:
        """End the track."""
        super().stop()
        self._changed.set()
