"""Where a live stream's bytes end up: an address, a recording, a playlist, a pipe."""

from __future__ import annotations

import errno
import os
import select
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from vsr.errors import UsageError
from vsr.io.live.muxed import Opening

if TYPE_CHECKING:
    from collections.abc import Callable

    from vsr.io.target import Target
    from vsr.notices import Notices

GIVE_UP_S = 5
"""How long a receiver may take nothing."""


class Destination(Protocol):
    """Opened, and later either finished, when the stream in it is whole, or abandoned."""

    def open(self) -> Opening:
        """What FFmpeg writes to. Raises SinkError."""
        ...

    def finish(self) -> None:
        """The stream's end is written. Raises SinkError or OSError."""
        ...

    def abandon(self, *, written: bool) -> None:
        """The stream ends without its end; ``written`` where some of it is there. Raises nothing."""
        ...


class Address:
    """A network address, or a playlist, that FFmpeg opens by itself."""

    def __init__(self, file: str, through: str | None = None):
        self._opening = Opening(file, through)

    def open(self) -> Opening:
        return self._opening

    def finish(self) -> None:
        pass

    def abandon(self, *, written: bool) -> None:
        pass


class Recording:
    """A file that gets its name when it is whole; what is cut short is kept under a name that says so."""

    def __init__(self, target: Target, notices: Notices):
        self._target = target
        self._notices = notices

    def open(self) -> Opening:
        self._target.prepare()
        return Opening(str(self._target.partial))

    def finish(self) -> None:
        self._target.publish()

    def abandon(self, *, written: bool) -> None:
        if not written:
            self._target.discard()
            return
        kept = _free_name(Path(self._target.final))
        try:
            self._target.partial.rename(kept)
        except OSError as exc:
            kept = self._target.partial
            self._notices.say(f"{self._target.final} is cut short and stays in {kept}: {exc.strerror}")
        else:
            self._target.discard()
            self._notices.say(f"{self._target.final} is cut short; what was recorded until then is kept as {kept}")


def _free_name(final: Path) -> Path:
    """``final`` with "unfinished" before its suffix, and a number where that is taken."""
    number = 1
    while True:
        word = "unfinished" if number == 1 else f"unfinished-{number}"
        kept = final.with_name(f"{final.stem}.{word}{final.suffix}")
        if not kept.exists():
            return kept
        number += 1


class PipeWriter:
    """The writing end of a pipe, which another program reads at its own pace.

    ``gives_up`` is asked, with the seconds that the reader took nothing, whether to wait no longer. ``shared``: others
    hold the end too, so that it must stay as it is.
    """

    def __init__(self, descriptor: int, gives_up: Callable[[float], bool], *, shared: bool = False):
        self._descriptor = descriptor
        self._gives_up = gives_up
        self._waits = sys.platform != "win32"  # which can't wait for a pipe
        # A pipe that says that it has room takes so much without blocking.
        self._piece = select.PIPE_BUF if shared and self._waits else 1 << 20
        if self._waits and not shared:
            os.set_blocking(descriptor, False)

    def write(self, data: bytes | memoryview) -> int:
        """All of ``data``. Raises BrokenPipeError where nobody reads any more, TimeoutError after giving up."""
        rest = memoryview(data)
        while rest:
            if self._waits:
                self._wait_for_room()
            try:
                rest = rest[os.write(self._descriptor, rest[: self._piece]) :]
            except BrokenPipeError as exc:
                raise BrokenPipeError(errno.EPIPE, "nobody reads it any more") from exc
        return len(data)

    def _wait_for_room(self) -> None:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        since_s = time.monotonic()
        while not poll.poll(100):
            if self._gives_up(time.monotonic() - since_s):
                raise TimeoutError(errno.ETIMEDOUT, "its reader takes nothing")


class StandardOutput:
    """This program's standard output. A reader that pauses is waited for until the run ends."""

    def __init__(self, ending: Callable[[], bool]):
        self._ending = ending

    def open(self) -> Opening:
        descriptor = sys.stdout.fileno()
        if os.isatty(descriptor):
            raise UsageError("standard output is a terminal; pipe it into a program or a file")
        patient = PipeWriter(descriptor, lambda waited_s: self._ending() and waited_s > GIVE_UP_S, shared=True)
        return Opening(patient)

    def finish(self) -> None:
        pass

    def abandon(self, *, written: bool) -> None:
        pass
