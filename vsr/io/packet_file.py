"""Encoded packets in a file and back, unchanged: no container keeps every codec's pts, dts and side data exactly.

The file: a magic line; the length of a JSON header and the header; then for each packet a record of fixed size, its
side data and its bytes. All numbers are little-endian.
"""

from __future__ import annotations

import hashlib
import json
import os
import struct
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Self

from av.packet import Packet, PacketSideData, packet_sidedata_type_from_literal

from vsr.errors import IntegrityError, SinkError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from av.stream import Stream

_MAGIC = b"vsr packets 1\n"
_LENGTH = struct.Struct("<I")
# pts, dts, duration, flags, how many pieces of side data, bytes of the packet
_RECORD = struct.Struct("<qqqIII")
_NO_TIME = -(1 << 63)
_KEYFRAME = 1  # the only flag that PyAV lets be set again; that a frame is disposable is a hint, and is lost
_READ_AT_ONCE = 1 << 20


@dataclass(frozen=True)
class PacketsHeader:
    """What all packets of a file share."""

    codec: str
    time_base: Fraction
    extradata: bytes
    """The encoder's global header; empty for codecs and containers without one."""

    def as_json(self) -> bytes:
        """As it stands in the file."""
        content = {"codec": self.codec, "time_base": str(self.time_base), "extradata": self.extradata.hex()}
        return json.dumps(content).encode()

    @classmethod
    def of_json(cls, text: bytes) -> Self:
        """Raises ValueError, KeyError or TypeError for what ``as_json`` did not write."""
        content = json.loads(text)
        return cls(str(content["codec"]), Fraction(content["time_base"]), bytes.fromhex(content["extradata"]))


class PacketWriter:
    """Writes a new file, which must not exist; raises OSError as files do."""

    def __init__(self, path: Path, header: PacketsHeader):
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        self._file = os.fdopen(os.open(path, flags, 0o600), "wb")
        self._digest = hashlib.sha256()
        self.size = 0
        text = header.as_json()
        self._put(_MAGIC + _LENGTH.pack(len(text)) + text)

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self.size += len(data)
        self._file.write(data)

    def write(self, packet: Packet[Stream]) -> None:
        """Append ``packet``, whose times are in the header's time base."""
        side_data = list(packet.iter_sidedata())
        flags = _KEYFRAME if packet.is_keyframe else 0
        times = (_NO_TIME if time is None else time for time in (packet.pts, packet.dts))
        self._put(_RECORD.pack(*times, packet.duration or 0, flags, len(side_data), packet.size))
        for item in side_data:
            kind, content = item.data_type.encode(), bytes(item)
            self._put(_LENGTH.pack(len(kind)) + kind + _LENGTH.pack(len(content)) + content)
        self._put(bytes(packet))

    def finish(self) -> str:
        """Flush everything to the disk, close the file, and return the SHA-256 of it in hexadecimal."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._digest.hexdigest()

    def close(self) -> None:
        """Close an unfinished file; safe after ``finish``."""
        self._file.close()


def read_header(path: Path) -> PacketsHeader:
    """The header alone. Raises IntegrityError, and SinkError for a file that can't be read."""
    with _reading(path) as file:
        return _header(file, path)


def read_packets(path: Path) -> Iterator[Packet[Stream]]:
    """The packets in the order of their writing, each with its time base. Raises as ``read_header``."""
    with _reading(path) as file:
        header = _header(file, path)
        while record := file.read(_RECORD.size):
            yield _packet(file, record, header, path)


@contextmanager
def _reading(path: Path) -> Iterator[BinaryIO]:
    try:
        with path.open("rb") as file:
            yield file
    except OSError as exc:
        raise SinkError(f"{path} can't be read: {exc.strerror}") from exc


def digest(path: Path) -> str:
    """SHA-256 of a file in hexadecimal. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _header(file: BinaryIO, path: Path) -> PacketsHeader:
    if file.read(len(_MAGIC)) != _MAGIC:
        raise IntegrityError(f"{path} is no file of packets; --restart makes the pieces anew")
    try:
        return PacketsHeader.of_json(_exactly(file, _length(file)))
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as exc:
        raise IntegrityError(f"{path} is damaged ({exc}); --restart makes the pieces anew") from exc


def _packet(file: BinaryIO, record: bytes, header: PacketsHeader, path: Path) -> Packet[Stream]:
    try:
        pts, dts, duration, flags, side_count, size = _RECORD.unpack(record)
        side_data = [(_exactly(file, _length(file)), _exactly(file, _length(file))) for _ in range(side_count)]
        packet: Packet[Stream] = Packet(size)  # its own, padded memory: muxers may read beyond the end
        if size:
            packet.update(_exactly(file, size))
        for kind, content in side_data:
            _attach(packet, kind.decode(), content)
    except (ValueError, struct.error) as exc:
        raise IntegrityError(f"{path} is damaged ({exc}); --restart makes the pieces anew") from exc
    packet.time_base = header.time_base
    packet.pts = None if pts == _NO_TIME else pts
    packet.dts = None if dts == _NO_TIME else dts
    packet.duration = duration
    packet.is_keyframe = bool(flags & _KEYFRAME)
    return packet


def _attach(packet: Packet[Stream], kind: str, content: bytes) -> None:
    make: Any = PacketSideData  # its stub has no constructor
    item = make(packet_sidedata_type_from_literal(kind), len(content))  # type: ignore[arg-type]
    item.update(content)
    packet.set_sidedata(item)


def _length(file: BinaryIO) -> int:
    length: int = _LENGTH.unpack(_exactly(file, _LENGTH.size))[0]
    return length


def _exactly(file: BinaryIO, size: int) -> bytes:
    """Grows with what is there, not with what a damaged file says is there. Raises ValueError at a cut end."""
    parts = []
    while size:
        part = file.read(min(size, _READ_AT_ONCE))
        if not part:
            raise ValueError("cut short")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
