"""Bytes from a pipe, as soon as they are there, without ever waiting where nobody can end it."""

import os
import select
import sys
import threading
import time

_LOOK_UP_S = 0.1


class Pipe:
    """The reading end ``descriptor``, which stays its owner's."""

    def __init__(self, descriptor: int, closing: threading.Event, silence_s: float | None = None):
        self._descriptor = descriptor
        self._closing = closing
        self.silence_s = silence_s
        """How long nothing may come; None for ever."""

    def read(self, size: int) -> bytes:
        """What is there, at most ``size`` bytes; none at the end or when closing. Raises TimeoutError in silence."""
        if sys.platform == "win32":  # which can't wait for a pipe
            return os.read(self._descriptor, size)
        since_s = time.monotonic()
        while not self._closing.is_set():
            if select.select([self._descriptor], [], [], _LOOK_UP_S)[0]:
                return os.read(self._descriptor, size)
            if self.silence_s is not None and time.monotonic() - since_s > self.silence_s:
                raise TimeoutError(f"nothing came for {self.silence_s:g} s")
        return b""
