"""Addresses that PyAV's FFmpeg can't write to, by way of the ffmpeg program, which passes the bytes on unchanged."""

from __future__ import annotations

import errno
import shutil
import subprocess
import tempfile
from contextlib import suppress
from typing import TYPE_CHECKING

from vsr.errors import SinkError
from vsr.io.live.destinations import GIVE_UP_S, PipeWriter
from vsr.io.live.muxed import Opening

if TYPE_CHECKING:
    from vsr.notices import Notices

_PROGRAM = "ffmpeg"
_END_S = 3.0
_LAST_WORD_S = 1.0


class RelayOut:
    """A destination: a process that sends what it is given to ``url``; it ends with the stream."""

    def __init__(self, url: str, name: str, notices: Notices):
        self._url = url
        self._name = name
        self._notices = notices
        self._process: subprocess.Popen[bytes] | None = None

    def open(self) -> Opening:
        program = shutil.which(_PROGRAM)
        if program is None:
            raise SinkError(
                f"{self._name} can't be opened: the FFmpeg inside vsr has no SRT, "
                "and no ffmpeg program that has it is on PATH"
            )
        self._notices.say(f"{self._name} is written through the program {program}: the FFmpeg inside vsr has no SRT")
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        quiet = ["-nostdin", "-hide_banner", "-loglevel", "error"]
        # As data, and never flushed early: the bytes go out in whole datagrams, with nothing added.
        command = [program, *quiet, "-f", "data", "-i", "pipe:0", "-map", "0", "-c", "copy", "-f", "data"]
        try:
            self._process = subprocess.Popen(
                [*command, "-flush_packets", "0", self._url],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=self._complaints,
            )
        except OSError as exc:
            self._complaints.close()
            raise SinkError(f"{self._name} can't be opened: {program} can't be started: {exc.strerror}") from exc
        assert self._process.stdin is not None
        return Opening(_RelayWriter(self._process.stdin.fileno(), self))

    def complaint(self) -> str:
        """The last line that the program said before it ended."""
        with suppress(subprocess.TimeoutExpired):
            if self._process is not None:
                self._process.wait(_LAST_WORD_S)
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        return next((line.strip() for line in reversed(lines) if line.strip()), "its receiver is gone")

    def finish(self) -> None:
        self._end(kill=False)

    def abandon(self, *, written: bool) -> None:  # noqa: ARG002 - there is nothing to keep
        self._end(kill=True)

    def _end(self, *, kill: bool) -> None:
        process, self._process = self._process, None
        if process is None or process.stdin is None:
            return
        if kill:
            process.kill()
        with suppress(BrokenPipeError):
            process.stdin.close()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._complaints.close()


class _RelayWriter:
    """Into the program; an error says what the program said."""

    def __init__(self, descriptor: int, relay: RelayOut):
        self._pipe = PipeWriter(descriptor, lambda waited_s: waited_s > GIVE_UP_S)
        self._relay = relay

    def write(self, data: bytes) -> int:
        try:
            return self._pipe.write(data)
        except BrokenPipeError as exc:
            raise BrokenPipeError(errno.EPIPE, self._relay.complaint()) from exc
