"""The sink ``window``: the stream on the screen, with a line between before and after, by OpenCV."""

from __future__ import annotations

import os
import socket
import sys
from typing import TYPE_CHECKING

from vsr.errors import SinkError, UsageError
from vsr.io.picture import Resizer, bgr
from vsr.live.split import compose

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from vsr.io.live.contract import LiveAudio, LiveFrame
    from vsr.live.controls import Controls

_TITLE = "vsr live"
_LARGEST = (1280, 720)
"""Of the window at first; its user may make it larger."""
_STEP = 0.02
_ESCAPE = 27
# As waitKeyEx gives them under X11, Windows and macOS.
_LEFT = frozenset({65361, 2424832, 63234})
_RIGHT = frozenset({65363, 2555904, 63235})
_INSTALL = "pip install 'vsr[live]'"


def check_window() -> None:
    """Raises UsageError where no window can be shown."""
    # Its toolkit writes about fonts that it brings none of.
    os.environ.setdefault("QT_LOGGING_RULES", "*.warning=false;qt.qpa.fonts.warning=false")
    try:
        toolkit = _toolkit()
    except ImportError as exc:
        raise UsageError(f"the sink window needs OpenCV: {_INSTALL}") from exc
    if not toolkit:
        raise UsageError(
            "the OpenCV here is its headless build, which has no windows: pip uninstall opencv-python-headless, "
            f"then {_INSTALL}"
        )
    if sys.platform not in {"win32", "darwin"}:
        _check_display(os.environ.get("DISPLAY", ""))


def _toolkit() -> str:
    """What draws OpenCV's windows; empty where nothing does."""
    import cv2

    try:
        return cv2.currentUIFramework()
    except (AttributeError, cv2.error):
        return ""


def _check_display(name: str) -> None:
    """OpenCV's toolkit ends the whole program where X does not answer."""
    host, _, number = name.rpartition(":")
    if not number.split(".")[0].isdigit():
        raise UsageError("the sink window needs a screen, and DISPLAY names none; use web, or run it on a desktop")
    port = int(number.split(".")[0])
    try:
        if host in {"", "unix"} or host.startswith("/"):
            with socket.socket(socket.AF_UNIX) as server:
                server.connect(f"/tmp/.X11-unix/X{port}")
        else:
            with socket.create_connection((host, 6000 + port), timeout=2):
                pass
    except OSError as exc:
        raise UsageError(f"the sink window needs a screen, and the one of DISPLAY={name} does not answer") from exc


class Window:
    """Keys: s split, left and right or the mouse move its line, i information, space pause, q or Esc stop."""

    name = "window"
    audible = False
    on_main_thread = True
    returns = False

    def __init__(self, controls: Controls):
        check_window()
        self._controls = controls
        self._resizer = Resizer()
        self.split: float | None = None
        """Where the line stands, 0 to 1 of the width; None while there is none."""
        self.informed = True
        """Whether the line of figures is shown."""
        self._line = 0.5
        self._size = (0, 0)

    def open(self, first: LiveFrame, *, audio: bool) -> None:  # noqa: ARG002 - it is silent
        import cv2

        try:
            cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.setMouseCallback(_TITLE, self._on_mouse)
        except cv2.error as exc:
            raise SinkError(f"no window can be opened: {exc.err}") from exc

    def write(self, frame: LiveFrame) -> None:
        import cv2

        if self._controls.stopped:
            return  # closed by its user
        shown = frame if self.split is None else compose(frame, self.split)
        pixels = bgr(shown.frame, shown.info, self._resizer)
        if self.informed:
            self._inscribe(pixels)
        try:
            self._follow(pixels.shape[1], pixels.shape[0])
            cv2.imshow(_TITLE, pixels)
            self._on_key(cv2.waitKeyEx(1))
            if cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) < 1:
                self._controls.stop()
        except cv2.error as exc:
            raise SinkError(f"the window can't be drawn: {exc.err}") from exc

    def hear(self, audio: LiveAudio) -> None:
        """Nothing: a window is silent."""

    def finish(self) -> None:
        self.abort()

    def abort(self) -> None:
        import cv2

        try:
            cv2.destroyWindow(_TITLE)
            cv2.waitKeyEx(1)  # lets the toolkit do it
        except cv2.error:
            pass  # its user was faster

    def _follow(self, width: int, height: int) -> None:
        """Make the window as large as the picture, when that changes."""
        import cv2

        if (width, height) != self._size:
            self._size = width, height
            factor = min(1.0, _LARGEST[0] / width, _LARGEST[1] / height)
            cv2.resizeWindow(_TITLE, round(width * factor), round(height * factor))

    def _on_key(self, key: int) -> None:
        if self.split is not None and key in _LEFT | _RIGHT:
            self._move(self.split + (_STEP if key in _RIGHT else -_STEP))
        elif key in {ord("s"), ord("S")}:
            self.split = self._line if self.split is None else None
        elif key in {ord("i"), ord("I")}:
            self.informed = not self.informed
        elif key == ord(" "):
            self._controls.pause(on=not self._controls.paused)
        elif key in {ord("q"), ord("Q"), _ESCAPE}:
            self._controls.stop()

    def _on_mouse(self, event: int, x: int, y: int, flags: int, data: object) -> None:  # noqa: ARG002 - OpenCV's
        import cv2

        if self.split is not None and flags & cv2.EVENT_FLAG_LBUTTON and event in (
            cv2.EVENT_LBUTTONDOWN, cv2.EVENT_MOUSEMOVE,
        ):  # fmt: skip
            self._move(x / self._size[0])

    def _move(self, position: float) -> None:
        self.split = self._line = min(max(position, 0.0), 1.0)

    def _inscribe(self, pixels: npt.NDArray[np.uint8]) -> None:
        """Draw the line of figures, white on a dark rim, at the bottom."""
        import cv2

        size = max(pixels.shape[0] / 900, 0.4)
        at = (round(16 * size), pixels.shape[0] - round(16 * size))
        for color, width in (((0, 0, 0), round(4 * size) + 1), ((255, 255, 255), max(round(size), 1))):
            cv2.putText(pixels, self._figures(), at, cv2.FONT_HERSHEY_SIMPLEX, size, color, width, cv2.LINE_AA)

    def _figures(self) -> str:
        now = self._controls.snapshot
        latency = now.latency.get(self.name)
        delay = f"delay {latency.p50_ms:.0f} / {latency.p95_ms:.0f} ms" if latency else "delay not yet known"
        return f"{now.fps_out:.1f} fps   {delay}   {now.network} x{now.scale}   {now.status}"
