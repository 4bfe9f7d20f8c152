"""From the run's sink to any number of viewers: the newest picture, and the sound that belongs to it."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from vsr.errors import SinkError
from vsr.io.live.contract import SAMPLE_RATE, LiveAudio, LiveFrame

if TYPE_CHECKING:
    from collections.abc import Callable

    from vsr.web.tracks import PictureTrack, SoundTrack

_LATE_S = 0.5
"""Sound that is older than its picture by this is left out."""
_HELD_EVERY_S = 0.5
"""A picture that stands in for a lost source is sent again so often: it is the same one."""


class Feed:
    """Lives on the server's loop; ``viewers`` come and go. Without viewers a frame costs nothing but its place."""

    def __init__(self, loop: asyncio.AbstractEventLoop):
        self._loop = loop
        self._tracks: set[PictureTrack] = set()
        self._sound_tracks: set[SoundTrack] = set()
        self.newest: LiveFrame | None = None
        self.audible = False
        """True when the run has sound."""

    def add(self, picture: PictureTrack, sound: SoundTrack) -> Callable[[], None]:
        """Feed a viewer's tracks from now on, the newest frame first; call what it returns to end that."""
        self._tracks.add(picture)
        self._sound_tracks.add(sound)
        if self.newest is not None:
            picture.wake()

        def remove() -> None:
            self._tracks.discard(picture)
            self._sound_tracks.discard(sound)

        return remove

    def _deliver(self, frame: LiveFrame, sound: list[LiveAudio]) -> None:
        self.newest = frame
        for track in self._tracks:
            track.wake()
        for sound_track in self._sound_tracks:
            for audio in sound:
                sound_track.put(audio)

    def post(self, frame: LiveFrame, sound: list[LiveAudio]) -> None:
        """Hand over ``frame`` and its sound, from any thread. Raises SinkError once the page is no longer served."""
        try:
            self._loop.call_soon_threadsafe(self._deliver, frame, sound)
        except RuntimeError as exc:
            raise SinkError("the page is closed") from exc

    def set_audible(self, *, audible: bool) -> None:
        """Say whether the run has sound, from any thread."""
        self._loop.call_soon_threadsafe(setattr, self, "audible", audible)


class PageSink:
    """The run's LiveSink ``web``: hands frames over and returns; encoding is each viewer's."""

    name = "web"
    audible = True
    returns = False

    def __init__(self, feed: Feed):
        self._feed = feed
        self._sound: deque[LiveAudio] = deque()
        self._last_held_s: float | None = None

    def open(self, first: LiveFrame, *, audio: bool) -> None:  # noqa: ARG002 - of the contract
        """Nothing to get ready: every viewer's encoder follows its frames."""
        self._feed.set_audible(audible=audio)

    def write(self, frame: LiveFrame) -> None:
        """Show ``frame`` to all viewers, with the sound up to it."""
        now_s = float(frame.frame.time_s)
        if frame.held:
            if self._last_held_s is not None and 0 <= now_s - self._last_held_s < _HELD_EVERY_S:
                return
            self._last_held_s = now_s
        # Browsers play together what was sent together: sound waits for its picture, which takes the longer way.
        due: list[LiveAudio] = []
        while self._sound and self._sound[0].pts <= now_s * SAMPLE_RATE:
            due.append(self._sound.popleft())
        self._feed.post(frame, [audio for audio in due if audio.pts > (now_s - _LATE_S) * SAMPLE_RATE])

    def hear(self, audio: LiveAudio) -> None:
        """Keep sound until its picture comes."""
        self._sound.append(audio)

    def finish(self) -> None:
        """Nothing is left inside."""
        self._sound.clear()

    def abort(self) -> None:
        """As ``finish``."""
        self._sound.clear()
