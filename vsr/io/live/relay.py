"""Addresses that PyAV's FFmpeg can't read, by way of the ffmpeg program, which passes their bytes on unchanged."""

import shutil
import subprocess
import tempfile
from typing import Self

from vsr.errors import SourceError
from vsr.notices import Notices

_PROGRAM = "ffmpeg"
_END_S = 2.0


class Relay:
    """A process whose output is what comes from ``target``; leaving it ends the process. Raises SourceError."""

    def __init__(self, target: str, label: str, notices: Notices):
        program = shutil.which(_PROGRAM)
        if program is None:
            raise SourceError(
                f"{label} can't be opened: the FFmpeg inside vsr has no SRT, and there is no ffmpeg program on PATH"
            )
        notices.say(f"{label} is read through the program {program}: the FFmpeg inside vsr has no SRT")
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115 - as long as the process
        self._target = target
        quiet = ["-nostdin", "-hide_banner", "-loglevel", "error"]
        reading = ["-protocol_whitelist", "srt,udp", "-f", "data", "-i", target]
        writing = ["-map", "0", "-c", "copy", "-f", "data", "-flush_packets", "1", "pipe:1"]
        try:
            self._process = subprocess.Popen(
                [program, *quiet, *reading, *writing],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
            )
        except OSError as exc:
            self._complaints.close()
            raise SourceError(f"{label} can't be opened: {program} can't be started: {exc.strerror}") from exc
        assert self._process.stdout is not None
        self._output = self._process.stdout

    @property
    def descriptor(self) -> int:
        """To read the bytes from."""
        return self._output.fileno()

    @property
    def complaint(self) -> str:
        """The last line that the program said, or an empty one."""
        self._complaints.seek(0)
        lines = self._complaints.read().decode(errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line.strip()), "")
        return last.replace(f"{self._target}:", "").strip()  # messages name it already, without its passphrase

    def close(self) -> None:
        """End the process, in whatever state it is."""
        self._process.terminate()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()
        self._complaints.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
