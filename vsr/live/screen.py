"""The program behind the sink ``window``: shows the frames it is sent, and tells what its user does.

It is a program of its own because OpenCV's windows hang in a process that has loaded PyAV (they bring two copies of one
library of X11), and end the whole process where no screen answers.

It reads frames from standard input, each as HEADER and (height, width, 3) bytes, blue first, and writes lines:
``ready`` once, ``shown`` after each frame, ``key CODE``, ``drag SHARE`` (of the width), ``closed``. It ends with its
input; what keeps it from its work is its first line on standard error.
"""

import os
import queue
import signal
import struct
import sys
import threading
from contextlib import suppress
from typing import BinaryIO

import cv2
import numpy as np
import numpy.typing as npt

HEADER = struct.Struct("<II")
"""Height and width."""
_TITLE = "vsr live"
_LARGEST = (1280, 720)
"""Of the window at first; its user may make it larger."""
_LOOK_MS = 5

Pixels = npt.NDArray[np.uint8]


class _Screen:
    """The window."""

    def __init__(self, tell: BinaryIO):
        self._tell = tell
        self._size = (0, 0)
        cv2.namedWindow(_TITLE, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO | cv2.WINDOW_GUI_NORMAL)
        cv2.setMouseCallback(_TITLE, self._on_mouse)
        self.say("ready")

    def say(self, line: str) -> None:
        self._tell.write(f"{line}\n".encode())
        self._tell.flush()

    def show(self, pixels: Pixels) -> None:
        height, width = pixels.shape[:2]
        if (width, height) != self._size:
            self._size = width, height
            factor = min(1.0, _LARGEST[0] / width, _LARGEST[1] / height)
            cv2.resizeWindow(_TITLE, round(width * factor), round(height * factor))
        cv2.imshow(_TITLE, pixels)

    def attend(self, wait_ms: int) -> bool:
        """Let the toolkit work; false once the window is closed."""
        key = cv2.waitKeyEx(wait_ms)
        if key != -1:
            self.say(f"key {key}")
        try:
            return self._size == (0, 0) or cv2.getWindowProperty(_TITLE, cv2.WND_PROP_VISIBLE) >= 1
        except cv2.error:  # the toolkit ends with its last window
            return False

    def _on_mouse(self, event: int, x: int, _y: int, flags: int, _data: object) -> None:
        if flags & cv2.EVENT_FLAG_LBUTTON and event in {cv2.EVENT_LBUTTONDOWN, cv2.EVENT_MOUSEMOVE} and self._size[0]:
            self.say(f"drag {x / self._size[0]:.4f}")


def _read(frames: BinaryIO, into: "queue.Queue[Pixels | None]") -> None:
    while len(header := frames.read(HEADER.size)) == HEADER.size:
        height, width = HEADER.unpack(header)
        pixels = frames.read(height * width * 3)
        if len(pixels) < height * width * 3:
            break
        into.put(np.frombuffer(pixels, np.uint8).reshape(height, width, 3))
    into.put(None)


def main() -> None:
    """Show frames until they end or the window is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the run, which ends this
    with os.fdopen(os.dup(1), "wb") as tell:
        os.dup2(2, 1)  # libraries may print
        frames: queue.Queue[Pixels | None] = queue.Queue(1)
        threading.Thread(target=_read, args=(sys.stdin.buffer, frames), daemon=True).start()
        try:
            screen = _Screen(tell)
        except cv2.error:
            sys.exit(
                "this OpenCV is its headless build: pip uninstall opencv-python-headless, then install 'vsr[live]'"
            )
        while True:
            with suppress(queue.Empty):
                pixels = frames.get_nowait()
                if pixels is None:
                    return
                screen.show(pixels)
                screen.attend(1)  # draws
                screen.say("shown")
            # Waiting here, not for frames: a key that is pressed elsewhere is lost.
            if not screen.attend(_LOOK_MS):
                screen.say("closed")
                return


if __name__ == "__main__":
    main()
