"""A user of a screen of X11: a hand on its keyboard and mouse, and eyes on its pixels."""

import ctypes
import ctypes.util
import subprocess
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest

from tests.live.programs import wait_until

_LIBRARIES = [ctypes.util.find_library(name) for name in ("X11", "Xtst")]
needs_hand = pytest.mark.skipif(None in _LIBRARIES, reason="not installed: libX11, libXtst")
_CLIENT_MESSAGE = 33


class _ClientMessage(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("serial", ctypes.c_ulong),
        ("send_event", ctypes.c_int),
        ("display", ctypes.c_void_p),
        ("window", ctypes.c_ulong),
        ("message_type", ctypes.c_ulong),
        ("format", ctypes.c_int),
        ("data", ctypes.c_long * 5),
        ("rest", ctypes.c_long * 12),  # of the union that XEvent is
    )


class User:
    """In front of ``display``, where one window is."""

    def __init__(self, display: str):
        self._name = display
        self._x11, self._test = (ctypes.CDLL(name) for name in _LIBRARIES)
        self._x11.XOpenDisplay.restype = ctypes.c_void_p
        self._x11.XDefaultRootWindow.restype = ctypes.c_ulong
        self._x11.XInternAtom.restype = ctypes.c_ulong
        self._display = ctypes.c_void_p(self._x11.XOpenDisplay(display.encode()))

    def close(self) -> None:
        self._x11.XCloseDisplay(self._display)

    def _window(self) -> int:
        """What is at the top left of the screen, under the mouse from now on."""
        self._point(5, 5)
        root, window = ctypes.c_ulong(self._x11.XDefaultRootWindow(self._display)), ctypes.c_ulong()
        others = [ctypes.byref(kind()) for kind in (ctypes.c_ulong, *[ctypes.c_int] * 4, ctypes.c_uint)]
        self._x11.XQueryPointer(self._display, root, others[0], ctypes.byref(window), *others[1:])
        return window.value

    def _point(self, x: int, y: int) -> None:
        self._test.XTestFakeMotionEvent(self._display, -1, x, y, ctypes.c_ulong(0))

    def press(self, key: str) -> None:
        """A key by its name in X11."""
        self._point(5, 5)  # without a window manager keys go where the mouse is
        self._x11.XStringToKeysym.restype = ctypes.c_ulong
        symbol = ctypes.c_ulong(self._x11.XStringToKeysym(key.encode()))
        code = self._x11.XKeysymToKeycode(self._display, symbol)
        for down in (1, 0):
            self._test.XTestFakeKeyEvent(self._display, code, down, ctypes.c_ulong(0))
        self._x11.XFlush(self._display)

    def drag(self, x: int, y: int) -> None:
        """Hold the left button at (x, y)."""
        self._point(x, y)
        for down in (1, 0):
            self._test.XTestFakeButtonEvent(self._display, 1, down, ctypes.c_ulong(0))
        self._x11.XFlush(self._display)

    def close_window(self) -> None:
        """As the button in a window's frame does."""
        protocols, delete = (
            self._x11.XInternAtom(self._display, name, 0) for name in (b"WM_PROTOCOLS", b"WM_DELETE_WINDOW")
        )
        window = self._window()
        event = _ClientMessage(_CLIENT_MESSAGE, 0, 1, self._display, window, protocols, 32)
        event.data[0] = delete
        self._x11.XSendEvent(self._display, ctypes.c_ulong(window), 0, ctypes.c_long(0), ctypes.byref(event))
        self._x11.XFlush(self._display)

    def look(self) -> npt.NDArray[np.uint8]:
        """The screen as (480, 640, 3)."""
        grab = ["ffmpeg", "-v", "error", "-f", "x11grab", "-draw_mouse", "0", "-video_size", "640x480"]
        out = ["-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
        pixels = subprocess.run([*grab, "-i", self._name, *out], capture_output=True, check=True).stdout
        return np.frombuffer(pixels, np.uint8).reshape(480, 640, 3)

    def sees(
        self, condition: Callable[[npt.NDArray[np.uint8]], bool], what: str, meanwhile: Callable[[], None]
    ) -> None:
        """Until ``condition`` holds for the screen; ``meanwhile`` is done between two looks."""

        def look() -> bool:
            meanwhile()
            return condition(self.look())

        wait_until(look, what)
