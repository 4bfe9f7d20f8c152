"""Frames into a piece: encoded as for the output's container, but kept as packets to be joined later."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, Self

import av
from av.error import FFmpegError

from vsr.errors import SinkError
from vsr.io.clock import OutputClock
from vsr.io.disk_space import reason
from vsr.io.durable import sync_folder
from vsr.io.frame_encoder import FrameEncoder
from vsr.io.packet_file import PacketsHeader, PacketWriter
from vsr.io.scheduling import ordinary_threads
from vsr.io.video_stream import add_video_stream
from vsr.io.wording import listening

if TYPE_CHECKING:
    from pathlib import Path

    from av.packet import Packet
    from av.stream import Stream

    from vsr.frames import Frame, VideoInfo
    from vsr.io.encoders import Encoding
    from vsr.notices import Notices
    from vsr.scaling import OutputSize


class PieceSink:
    """One piece, with an encoder of its own, so that nothing in it refers to what is outside of it.

    Everything goes to a file beside ``path``; ``commit`` gives it that name when it is whole and on the disk.
    """

    def __init__(
        self, path: Path, container: str, encoding: Encoding, size: OutputSize, *, info: VideoInfo, notices: Notices
    ):
        self._path = path
        # A worker that was given up for dead may still be at it: each has a file of its own.
        self._partial = path.with_name(f"{path.name}.{secrets.token_hex(8)}.part")
        self.clock = OutputClock(encoding.codec, container, info, notices)
        with listening() as words:
            try:
                # Nothing is written to it: the container only tells the encoder what kind of header it wants.
                self._container = av.open(os.devnull, "w", format=container)
                stream = add_video_stream(self._container, info, encoding=encoding, size=size, clock=self.clock)
                with ordinary_threads():
                    stream.codec_context.open()
            except (FFmpegError, ValueError) as exc:
                raise SinkError(f"{path} can't be encoded with {encoding.codec}: {words.of(exc)}") from exc
        self.encoder = FrameEncoder(stream, encoding, self.clock)
        header = PacketsHeader(encoding.codec, self.clock.time_base, stream.codec_context.extradata or b"")
        try:
            self._file = PacketWriter(self._partial, header)
        except OSError as exc:
            raise SinkError(f"{path} can't be created: {reason(exc, self._path)}") from exc
        self.size = 0
        self.sha256 = ""

    def write(self, frame: Frame) -> None:
        """Encode one frame. Raises SinkError."""
        try:
            self._keep(self.encoder.encode(frame))
        except FFmpegError as exc:
            raise SinkError(f"{self._path} can't be encoded: {exc.strerror}") from exc

    def _keep(self, packets: list[Packet[Stream]]) -> None:
        try:
            for packet in packets:
                self._file.write(packet)
        except OSError as exc:
            raise SinkError(f"{self._path} can't be written: {reason(exc, self._path)}") from exc

    def commit(self, frames_read: int) -> None:
        """Finish the piece and give it its name; then ``size`` and ``sha256`` are known.

        Raises SinkError, or IntegrityError when not each of ``frames_read`` frames came out at its time.
        """
        try:
            self._keep(self.encoder.finish())
        except FFmpegError as exc:
            raise SinkError(f"{self._path} can't be encoded: {exc.strerror}") from exc
        self.clock.check(frames_read)
        try:
            self.sha256, self.size = self._file.finish(), self._file.size
            self._partial.replace(self._path)
            sync_folder(self._path.parent)
        except OSError as exc:
            raise SinkError(f"{self._path} can't be written: {reason(exc, self._path)}") from exc

    def close(self) -> None:
        """Drop what is unfinished; safe after ``commit``."""
        with suppress(OSError):  # what a full disk did not take is not wanted any more
            self._file.close()
        self._container.close()
        with suppress(OSError):  # of a disk that is gone; a later run sweeps it
            self._partial.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
