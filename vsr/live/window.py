"""The sink ``window``: the stream on the screen, with a line between before and after, by OpenCV."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from importlib.util import find_spec
from typing import IO, TYPE_CHECKING

import numpy as np

from vsr.errors import SinkError, UsageError
from vsr.io.live.destinations import GIVE_UP_S, PipeWriter
from vsr.io.picture import Resizer, bgr
from vsr.live.split import compose

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from vsr.io.live.contract import LiveAudio, LiveFrame
    from vsr.live.controls import Controls

_STEP = 0.02
_ESCAPE = 27
# Arrow keys as OpenCV gives them under X11, Windows and macOS.
_LEFT = frozenset({65361, 2424832, 63234})
_RIGHT = frozenset({65363, 2555904, 63235})
_START_S = 20.0
_END_S = 3.0
_INSTALL = "pip install 'vsr[live]'"


class Window:
    """Keys: s split, left and right or the mouse move its line, i information, space pause, q or Esc stop."""

    name = "window"
    audible = False
    returns = False

    def __init__(self, controls: Controls):
        if find_spec("cv2") is None:
            raise UsageError(f"the sink window needs OpenCV: {_INSTALL}")
        if sys.platform not in {"win32", "darwin"} and not os.environ.get("DISPLAY"):
            raise UsageError("the sink window needs a screen, and DISPLAY names none; use web, or run on a desktop")
        self._controls = controls
        self._resizer = Resizer()
        self._program: _Program | None = None
        self._split: float | None = None
        self._line = 0.5
        self._informed = True

    def open(self, first: LiveFrame, *, audio: bool) -> None:  # noqa: ARG002 - it is silent, and of any size
        self._program = _Program(self._on_event)
        self._program.wait_ready()

    def write(self, frame: LiveFrame) -> None:
        if self._program is None or self._controls.stopped:
            return  # its user is done with it
        split = self._split
        shown = frame if split is None else compose(frame, split)
        pixels = bgr(shown.frame, shown.info, self._resizer)
        if self._informed:
            self._inscribe(pixels)
        try:
            self._program.show(pixels)
        except SinkError:
            if not self._controls.stopped:  # closed while it was being drawn
                raise

    def hear(self, audio: LiveAudio) -> None:
        """Nothing: a window is silent."""

    def finish(self) -> None:
        self.abort()

    def abort(self) -> None:
        program, self._program = self._program, None
        if program is not None:
            program.end()

    def _on_event(self, word: str, value: str) -> None:
        """What its user did; on the thread that listens."""
        if word == "closed":
            self._controls.stop()
        elif word == "drag" and self._split is not None:
            self._move(float(value))
        elif word == "key":
            self._on_key(int(value))

    def _on_key(self, key: int) -> None:
        if self._split is not None and key in _LEFT | _RIGHT:
            self._move(self._split + (_STEP if key in _RIGHT else -_STEP))
        elif key in {ord("s"), ord("S")}:
            self._split = self._line if self._split is None else None
        elif key in {ord("i"), ord("I")}:
            self._informed = not self._informed
        elif key == ord(" "):
            self._controls.pause(on=not self._controls.paused)
        elif key in {ord("q"), ord("Q"), _ESCAPE}:
            self._controls.stop()

    def _move(self, position: float) -> None:
        self._split = self._line = min(max(position, 0.0), 1.0)

    def _inscribe(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Write the figures in white on a darkened band at the bottom."""
        import cv2

        size = max(pixels.shape[0] / 900, 0.4)
        margin = round(14 * size)
        pixels[-3 * margin :] //= 3
        at = (margin, pixels.shape[0] - margin)
        cv2.putText(pixels, self._figures(), at, cv2.FONT_HERSHEY_SIMPLEX, size, (255, 255, 255), 1, cv2.LINE_AA)

    def _figures(self) -> str:
        now = self._controls.snapshot
        latency = now.latency.get(self.name)
        delay = f"delay {latency.p50_ms:.0f} / {latency.p95_ms:.0f} ms" if latency else "delay not yet known"
        return f"{now.fps_out:.1f} fps   {delay}   {now.network} x{now.scale}   {now.status}"


class _Program:
    """The process of vsr.live.screen, and the thread that listens to it. Raises SinkError in the window's name."""

    def __init__(self, on_event: Callable[[str, str], None]):
        from vsr.live.screen import HEADER  # needs OpenCV

        self._header = HEADER
        self._on_event = on_event
        self._answered = threading.Semaphore(0)
        self._gone = False
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._process = subprocess.Popen(
            [sys.executable, "-m", "vsr.live.screen"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
            env={**os.environ, "QT_LOGGING_RULES": "default.warning=false"},  # its toolkit misses fonts, and says so
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input = self._process.stdin
        self._pipe = PipeWriter(self._input.fileno(), lambda waited_s: waited_s > GIVE_UP_S)
        self._thread = threading.Thread(
            target=self._listen, args=(self._process.stdout,), name="vsr-window", daemon=True
        )
        self._thread.start()

    def _listen(self, lines: IO[bytes]) -> None:
        with lines:
            for line in lines:
                word, _, value = line.decode().strip().partition(" ")
                if word in {"ready", "shown"}:
                    self._answered.release()
                else:
                    self._on_event(word, value)
        self._gone = True
        self._answered.release()

    def wait_ready(self) -> None:
        """Until the window is there."""
        self._wait_answer(_START_S)

    def show(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Until ``pixels``, (height, width, 3), are on the screen."""
        try:
            self._pipe.write(self._header.pack(*pixels.shape[:2]))
            self._pipe.write(np.ascontiguousarray(pixels).data.cast("B"))
        except OSError as exc:
            raise SinkError(f"the window is gone: {self._complaint()}") from exc
        self._wait_answer(GIVE_UP_S)

    def _wait_answer(self, timeout_s: float) -> None:
        if not self._answered.acquire(timeout=timeout_s):
            raise SinkError(f"the window does not answer for {timeout_s:g} s")
        if self._gone:
            raise SinkError(f"the window is gone: {self._complaint()}")

    def _complaint(self) -> str:
        """What the program said first."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_END_S)
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in lines if line.strip()), "its program ended")

    def end(self) -> None:
        """Close the window."""
        with suppress(OSError):
            self._input.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join()
        self._complaints.close()
