"""A live sink that is a container: a recording, a pushed stream, a playlist, a pipe."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from av.error import FFmpegError

from vsr.errors import SinkError, UsageError
from vsr.frames import MATRIX_BT709, ColorSpace, PixelLayout, VideoInfo
from vsr.io.live.contract import TIME_BASE
from vsr.io.live.destinations import GIVE_UP_S
from vsr.io.live.encoding import DEFAULT_RATE
from vsr.io.live.muxed import Muxed
from vsr.io.wording import Words, listening
from vsr.notices import Notices

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vsr.io.live.contract import LiveAudio, LiveFrame
    from vsr.io.live.destinations import Destination
    from vsr.io.live.muxed import Form
    from vsr.spec import PipelineSpec


_TYPICAL = VideoInfo(
    1280, 720, PixelLayout("yuv", 8, 1, 1), ColorSpace(MATRIX_BT709, full_range=False), TIME_BASE, DEFAULT_RATE
)


class StreamSink:
    """Frames encoded into ``form`` at ``destination``; see LiveSink. ``returns``: it is worth opening again.

    Raises UsageError and SinkError for options that no encoder here can follow.
    """

    def __init__(
        self,
        name: str,
        form: Form,
        destination: Destination,
        spec: PipelineSpec,
        notices: Notices,
        *,
        returns: bool,
    ):
        self.name = name
        self.returns = returns
        self.audible = form.audio_codec is not None
        self._form = form
        self._destination = destination
        self._spec = spec
        self._notices = notices
        self._muxed: Muxed | None = None
        # What is wrong with the options is said before anything runs.
        form.encoding(spec, _TYPICAL, Notices())

    def open(self, first: LiveFrame, *, audio: bool) -> None:
        # FFmpeg's log says more than its error numbers, but listening to it holds up every codec that writes to it.
        with listening() as words, self._one_line("opened", words):
            opening = self._destination.open()
            self._muxed = Muxed(self._form, opening, first, self._spec, self._notices, audio=audio)

    def write(self, frame: LiveFrame) -> None:
        if self._muxed is not None:
            started_s = time.monotonic()
            with self._one_line("written"):
                self._muxed.write(frame)
            # Some protocols wait for their receiver packet by packet, and never say that it took none.
            if self.returns and time.monotonic() - started_s > GIVE_UP_S:
                raise SinkError(f"{self.name} can't be written: its receiver takes nothing")

    def hear(self, audio: LiveAudio) -> None:
        if self._muxed is not None:
            with self._one_line("written"):
                self._muxed.hear(audio)

    def finish(self) -> None:
        if self._muxed is not None:
            with self._one_line("finished"):
                self._muxed.finish()
                self._destination.finish()
            self._muxed = None

    def abort(self) -> None:
        muxed, self._muxed = self._muxed, None
        if muxed is not None:
            muxed.close()
        self._destination.abandon(written=muxed is not None and muxed.frames > 0)

    @contextmanager
    def _one_line(self, what: str, words: Words | None = None) -> Iterator[None]:
        """Whatever goes wrong inside, as a SinkError in one line."""
        try:
            yield
        except UsageError as exc:
            raise SinkError(str(exc)) from exc
        except (FFmpegError, OSError, ValueError) as exc:
            said = (words or Words()).of(exc)
            raise SinkError(f"{self.name} can't be {what}: {said}") from exc
