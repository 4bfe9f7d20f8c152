"""Where a live run's frames go: each sink on a thread of its own, so that none waits for another or dies with it."""

import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Self

from vsr.errors import SinkError
from vsr.io.live.contract import SAMPLE_RATE, LiveAudio, LiveFrame, LiveSink
from vsr.live.latency import LatencyMeter
from vsr.notices import Notices

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.5, 8.0
_SOUND_KEPT_S = 4
"""Sound waits for its frames, which take longer; more than this is a sink that does not take it."""
_FINISH_S = 20.0
_WRITES = 4
"""Over about so many frames a sink's time is averaged."""


class Outlet:
    """One sink: opened with the first frame, measured, given up or opened again when it fails. Not threaded."""

    def __init__(self, sink: LiveSink, audio: Callable[[], bool], notices: Notices, started_s: float):
        self.sink = sink
        self._audio = audio
        self._notices = notices
        self._started_s = started_s
        self._open = False
        self._wait_s = _FIRST_WAIT_S
        self._retry_s: float | None = None
        self.error: SinkError | None = None
        """Why it was given up for good."""
        self.written = 0
        self.dropped = 0
        self.failures = 0
        self.busy_s = 0.0
        self.meter = LatencyMeter()

    @property
    def ready(self) -> bool:
        """False while it is given up, or until it is to be tried again."""
        return self.error is None and (self._retry_s is None or time.monotonic() >= self._retry_s)

    def write(self, frame: LiveFrame, sound: Sequence[LiveAudio]) -> None:
        """Sound and the frame it comes before; a failure is told and kept, never raised."""
        started = time.perf_counter()
        try:
            if not self._open:
                self.sink.open(frame, audio=self._audio() and self.sink.audible)
                self._open = True
            for audio in sound:
                self.sink.hear(audio)
            self.sink.write(frame)
        except SinkError as error:
            self._failed(error)
            return
        now_s = time.monotonic()
        if self._retry_s is not None:
            self._notices.say(f"{self.sink.name} is back at {now_s - self._started_s:.1f} s")
            self._retry_s = None
        self._wait_s = _FIRST_WAIT_S
        self.busy_s += time.perf_counter() - started
        self.written += 1
        if not frame.held:
            self.meter.add(1e3 * (now_s - frame.captured_s), now_s)

    def _failed(self, error: SinkError) -> None:
        self.failures += 1
        self._open = False
        self.sink.abort()
        now_s = time.monotonic()
        at = f"at {now_s - self._started_s:.1f} s"
        if not self.sink.returns:
            self.error = error
            self._notices.say(f"{self.sink.name} is given up {at}: {error}")
            return
        if self._retry_s is None:
            self._notices.say(f"{self.sink.name} is lost {at}, tried again until it is back: {error}")
        self._retry_s = now_s + self._wait_s
        self._wait_s = min(self._wait_s * 2, _LONGEST_WAIT_S)

    def finish(self) -> None:
        """Close the sink well. What fails then is the sink's ``error``."""
        if not self._open:
            return
        self._open = False
        try:
            self.sink.finish()
        except SinkError as error:
            self.error = error
            self.sink.abort()

    def abort(self) -> None:
        """Close the sink without a word, if it is open."""
        if self._open:
            self._open = False
            self.sink.abort()


class _Worker:
    """An outlet behind a mailbox for one frame, on its own thread."""

    def __init__(self, outlet: Outlet, room: threading.Condition):
        self.outlet = outlet
        self._room = room
        self._frame: LiveFrame | None = None
        self._sound: deque[LiveAudio] = deque()
        self._changed = threading.Condition()
        self._finish = False
        self._stop = False
        self._taken_s = 0.0
        self._write_s = 0.0
        self.crash: BaseException | None = None
        """What no sink should raise; only SinkErrors are expected."""
        self.thread = threading.Thread(target=self._work, name=f"vsr-sink-{outlet.sink.name}", daemon=True)
        self.thread.start()

    @property
    def free_at_s(self) -> float:
        """When it is expected to begin with the next frame, on time.monotonic(); never while one is waiting for it."""
        if self._frame is not None:
            return math.inf
        return self._taken_s + self._write_s

    def offer(self, frame: LiveFrame) -> None:
        """Put ``frame`` into the mailbox, in the place of an older one."""
        if not self.outlet.ready:
            return
        with self._changed:
            if self._frame is not None:
                self.outlet.dropped += 1
            self._frame = frame
            self._changed.notify()

    def hear(self, audio: LiveAudio) -> None:
        with self._changed:
            self._sound.append(audio)
            while self._sound[0].pts < audio.pts - _SOUND_KEPT_S * SAMPLE_RATE:
                self._sound.popleft()

    def _work(self) -> None:
        try:
            self._serve()
        except BaseException as error:  # noqa: BLE001 - raised on the main thread
            error.add_note(f"in sink {self.outlet.sink.name!r}")
            self.crash = error

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._frame is not None or self._finish or self._stop)
                frame, self._frame = self._frame, None
                self._taken_s = time.monotonic()
                with self._room:
                    self._room.notify_all()
                sound = list(self._sound)
                self._sound.clear()
                if self._stop or (frame is None and self._finish):
                    break
            if frame is not None:
                self.outlet.write(frame, sound)
                self._write_s += (time.monotonic() - self._taken_s - self._write_s) / _WRITES
        if self._stop:
            self.outlet.abort()
        else:
            self.outlet.finish()

    def end(self, *, finish: bool) -> None:
        with self._changed:
            self._finish, self._stop = True, not finish
            self._changed.notify()


class Outlets:
    """All sinks of a run. ``write`` hands a frame to each; whoever is not done with the last one loses it."""

    def __init__(self, sinks: Sequence[LiveSink], audio: Callable[[], bool], notices: Notices):
        self._notices = notices
        started_s = time.monotonic()
        self.outlets = [Outlet(sink, audio, notices, started_s) for sink in sinks]
        self._room = threading.Condition()
        self._workers = [_Worker(outlet, self._room) for outlet in self.outlets]

    def write(self, frame: LiveFrame) -> None:
        """Hand ``frame`` to every sink. Raises the SinkError of the last sink when none is left."""
        for worker in self._workers:
            if worker.crash is not None:
                raise worker.crash
            worker.offer(frame)
        errors = [outlet.error for outlet in self.outlets]
        if all(errors) and errors[-1] is not None:
            raise errors[-1]

    def wait_room(self, timeout_s: float, *, lead_s: float) -> bool:
        """Wait until some sink will take a frame in ``lead_s``, the time to make one: what is made sooner only ages."""
        deadline_s = time.monotonic() + timeout_s
        with self._room:
            while True:
                wait_s = self._free_at_s() - lead_s - time.monotonic()
                if wait_s <= 0:
                    return True
                left_s = deadline_s - time.monotonic()
                if left_s <= 0:
                    return False
                self._room.wait(min(wait_s, left_s))

    def _free_at_s(self) -> float:
        return min((worker.free_at_s for worker in self._workers if worker.outlet.ready), default=0.0)

    def hear(self, audio: LiveAudio) -> None:
        """Hand sound to the sinks that take it."""
        for worker in self._workers:
            if worker.outlet.sink.audible and worker.outlet.ready:
                worker.hear(audio)

    def finish(self) -> None:
        """Let every sink finish; recordings get their names. What fails is the outlet's ``error``."""
        self._end(finish=True)

    def _end(self, *, finish: bool) -> None:
        for worker in self._workers:
            worker.end(finish=finish)
        deadline_s = time.monotonic() + _FINISH_S
        for worker in self._workers:
            worker.thread.join(max(deadline_s - time.monotonic(), 0.0))
            if worker.thread.is_alive():
                self._notices.say(f"{worker.outlet.sink.name} does not end; left behind")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end(finish=False)
