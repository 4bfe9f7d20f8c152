"""FFmpeg's own words for a failure: what it logged last says more than its error number."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av.logging

if TYPE_CHECKING:
    from collections.abc import Iterator

_QUIET = -8
"""FFmpeg's AV_LOG_QUIET, which PyAV has no name for."""
_HUSHED = av.logging.PANIC
"""What PyAV's level is while nobody listens: none that a program chooses."""


class Words:
    """What FFmpeg logged while it was listened to."""

    def __init__(self) -> None:
        self.lines: list[tuple[int, str, str]] = []

    def of(self, exc: BaseException) -> str:
        """``exc`` in one line, with the last logged error where there is one."""
        words = getattr(exc, "strerror", None) or str(exc)
        logged = (text.strip() for level, _, text in self.lines if level <= av.logging.ERROR)
        said = next((line for line in logged if line), "")
        return f"{words} ({said})" if said else words


@contextmanager
def listening(level: int = av.logging.ERROR) -> Iterator[Words]:
    """Collect what FFmpeg logs on this thread, for the opening of files and codecs; nothing is printed."""
    words = Words()
    with _level.at_least(level), av.logging.Capture(local=True) as lines:
        words.lines = lines
        yield words


class _RaisedLevel:
    """FFmpeg's log level, one for all threads: raised while any of them listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._wanted: list[int] = []
        """A level for each that listens."""
        self._previous: int | None = None

    @contextmanager
    def at_least(self, level: int) -> Iterator[None]:
        with self._lock:
            if not self._wanted and av.logging.get_level() != _HUSHED:
                self._previous = av.logging.get_level()
            self._wanted.append(level)
            av.logging.set_level(max(self._wanted))
        try:
            yield
        finally:
            with self._lock:
                self._wanted.remove(level)
                if self._wanted:
                    av.logging.set_level(max(self._wanted))
                else:
                    self._lower()

    def _lower(self) -> None:
        if self._previous is not None:
            av.logging.set_level(self._previous)
            return
        # With a level of None PyAV prints a traceback for each line that another thread is just about to log.
        av.logging.set_level(_HUSHED)
        av.logging.set_libav_level(_QUIET)
        av.logging.restore_default_callback()


_level = _RaisedLevel()
# What other threads' codecs say meanwhile is nobody's; without a handler Python would print it.
logging.getLogger("libav").addHandler(logging.NullHandler())
