"""FFmpeg's own words for a failure: what it logged last says more than its error number."""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import av.logging

if TYPE_CHECKING:
    from collections.abc import Iterator


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
def listening() -> Iterator[Words]:
    """Collect what FFmpeg logs on this thread, for the opening of files and codecs; nothing is printed."""
    words = Words()
    with _level, av.logging.Capture(local=True) as lines:
        words.lines = lines
        yield words


class _RaisedLevel:
    """FFmpeg's log level, one for all threads: raised while any of them listens."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners = 0
        self._previous: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            if not self._listeners:
                self._previous = av.logging.get_level()
                av.logging.set_level(av.logging.ERROR)
            self._listeners += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._listeners -= 1
            if not self._listeners:
                av.logging.set_level(self._previous)


_level = _RaisedLevel()
# What other threads' codecs say meanwhile is nobody's; without a handler Python would print it.
logging.getLogger("libav").addHandler(logging.NullHandler())
