"""The camera of a browser as a source: whoever sends last is seen; while nobody does, it is lost and waited for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from aiortc.mediastreams import MediaStreamError

from vsr.io.live.contract import CHANNELS, SAMPLE_RATE, TIME_BASE, LiveAudio, LiveFrame
from vsr.io.live.webrtc import camera_picture, microphone_samples

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt
    from aiortc import MediaStreamTrack

    from vsr.notices import Notices

_LOST_S = 1.5
"""Without a frame for so long, the browser is taken to be gone."""
_ADRIFT_S = 0.5
"""Beyond this between a browser's clock and ours, its time is set anew."""
_HELD_BACK_S = 0.08
"""aiortc keeps four packets of sound to put them in order, and no pictures."""
_SOUND_KEPT = 100


class Anchor:
    """A browser's timestamps on the clock of the run: set by the first, and again when they drift too far."""

    def __init__(self, rate: float, held_back_s: float = 0.0):
        self._rate = rate
        self._held_back = held_back_s * rate
        self._offset: float | None = None

    def place(self, pts: int, run_s: float) -> int:
        """``pts`` of something that arrived ``run_s`` after the start of the run."""
        expected = run_s * self._rate - self._held_back
        if self._offset is None or abs(self._offset + pts - expected) > _ADRIFT_S * self._rate:
            self._offset = expected - pts
        return round(self._offset + pts)


class BrowserCamera:
    """The run's LiveSource ``browser``. ``take`` is called on the server's loop, the rest by the run.

    A frame counts as captured when it arrives: what the browser and the network took before is not known here.
    """

    name = "browser"
    corrupt_packets = 0

    def __init__(self, notices: Notices, url: Callable[[], str]):
        self._notices = notices
        self._url = url
        self.takes_sound = True
        """False: a browser's sound is left out."""
        self.has_audio = False
        self.lost = True
        self.reconnects = 0
        self._started_s = time.monotonic()
        self._changed = threading.Condition()
        self._newest: tuple[Any, int, float] | None = None
        self._sound: deque[tuple[npt.NDArray[np.int16], int]] = deque(maxlen=_SOUND_KEPT)
        self._hear: Callable[[LiveAudio], None] | None = None
        self._heard_to: int | None = None
        self._closed = False

    async def take(self, track: MediaStreamTrack) -> None:
        """Receive from a browser's track until it ends; only the newest frame is kept."""
        anchor = Anchor(float(1 / TIME_BASE)) if track.kind == "video" else Anchor(SAMPLE_RATE, _HELD_BACK_S)
        # Both tracks are known before the first frame of either.
        self.has_audio = self.has_audio or (track.kind == "audio" and self.takes_sound)
        while True:
            try:
                received: Any = await track.recv()
            except (MediaStreamError, asyncio.CancelledError):
                return
            arrived_s = time.monotonic()
            pts = anchor.place(received.pts, arrived_s - self._started_s)
            with self._changed:
                if track.kind == "video":
                    self._newest = (received, pts, arrived_s)
                    self._changed.notify_all()
                elif self.takes_sound:
                    self._sound.append((microphone_samples(received), pts))

    def __iter__(self) -> Iterator[LiveFrame]:
        """Frames of whatever browser sends its camera, until ``close``; begins when the first one does."""
        self._notices.say(f"waiting for a browser's camera: open {self._url()} and press 'Use this camera'")
        last_pts, seen = -1, False
        while (arrived := self._next()) is not None:
            picture, pts, arrived_s = arrived
            if self.lost and seen:
                self.reconnects += 1
                self._heard_to = None
            self.lost, seen = False, True
            last_pts = max(pts, last_pts + 1)
            self._pass_sound()
            frame, info = camera_picture(picture, last_pts)
            yield LiveFrame(frame, info, captured_s=arrived_s)

    def _next(self) -> tuple[Any, int, float] | None:
        with self._changed:
            while self._newest is None and not self._closed:
                if not self._changed.wait(_LOST_S):
                    self.lost = True
            newest, self._newest = self._newest, None
            return None if self._closed else newest

    def _pass_sound(self) -> None:
        while self._sound and self._hear is not None:
            samples, pts = self._sound.popleft()
            self._hear(self._joined(samples, pts))

    def _joined(self, samples: npt.NDArray[np.int16], pts: int) -> LiveAudio:
        """Sound that begins where the last ended: what a lost packet leaves out is silence."""
        begins = pts if self._heard_to is None else self._heard_to
        if 0 < pts - begins <= SAMPLE_RATE:
            samples = np.concatenate((np.zeros((pts - begins, CHANNELS), np.int16), samples))
        elif pts < begins:
            samples = samples[begins - pts :]
        elif pts > begins:
            begins = pts
        self._heard_to = begins + len(samples)
        return LiveAudio(samples, begins)

    def listen(self, hear: Callable[[LiveAudio], None]) -> None:
        """Hand the sound to ``hear``, each time before a frame."""
        self._hear = hear

    def close(self) -> None:
        """End the iteration soon."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
