"""The folder beside an output where its pieces are kept: for one run at a time, which touches only what is its own."""

import os
import re
import shutil
import stat
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from filelock import FileLock, Timeout

from vsr.errors import SinkError, UsageError
from vsr.io.disk_space import reason
from vsr.io.durable import sync_folder, write_whole
from vsr.io.opening import is_sequence
from vsr.io.packet_file import digest
from vsr.io.target import Target
from vsr.segments.contract import PieceRecord, piece_name
from vsr.segments.manifest import Manifest, parse

_MANIFEST, _LOCK, _JOINED = "manifest.json", "lock", "joined"
_LARGEST_MANIFEST = 1 << 28
# With what a killed run leaves of them, under the names of vsr.io.durable too.
_UNFINISHED = re.compile(rf"\.?({re.escape(_MANIFEST)}|\d{{6,}}\.piece)\.[0-9a-f]+\.part")
_OURS = re.compile(rf"{re.escape(_MANIFEST)}|\d{{6,}}\.piece|{_UNFINISHED.pattern}|{_JOINED}(\..+)?")


class Place:
    """``OUT.vsr``; entering it makes it and locks it, leaving it unlocks it and, once it is cleared, removes it.

    Raises SinkError and UsageError.
    """

    def __init__(self, final: str):
        output = Path(final).absolute()  # so that FFmpeg takes no colon in it for a protocol's
        name = output.name.replace("%", "") if is_sequence(final) else output.name
        self.folder = output.with_name(f"{name}.vsr")
        self._lock = FileLock(self.folder / _LOCK)

    @property
    def exists(self) -> bool:
        """True where something of that name is there, be it a link."""
        return os.path.lexists(self.folder)

    @property
    def begun(self) -> bool:
        """True where pieces are being made: there is a manifest of them."""
        return os.path.lexists(self.folder / _MANIFEST)

    def __enter__(self) -> Self:
        try:
            if not self.exists:
                self.folder.mkdir(mode=0o700)
                sync_folder(self.folder.parent)
            self._check_ours()
            self.folder.chmod(0o700)  # before anything is opened under a name that others could have put there
            self._lock.acquire(timeout=0)
            self.folder.chmod(0o700)  # the lock makes it anew where another run has just removed it
        except Timeout as exc:
            raise UsageError(f"another vsr is at work in {self.folder}; wait for it, or write another output") from exc
        except OSError as exc:
            raise SinkError(f"{self.folder} can't be used for the pieces: {exc.strerror}") from exc
        return self

    def __exit__(self, *_: object) -> None:
        cleared = False
        with suppress(OSError):  # the folder is gone: deleted, or its disk is; whatever met that first has said so
            cleared = not any(_OURS.fullmatch(path.name) for path in self.folder.iterdir())
            if cleared:
                (self.folder / _LOCK).unlink(missing_ok=True)
        self._lock.release()
        if cleared:
            with suppress(OSError):  # what is not ours is in it, or another run has just begun there
                self.folder.rmdir()

    def _check_ours(self) -> None:
        """In a shared folder anybody may have made something of this name."""
        status = self.folder.lstat()
        ours = not hasattr(os, "geteuid") or status.st_uid == os.geteuid()
        if not stat.S_ISDIR(status.st_mode) or not ours:
            raise SinkError(f"{self.folder} is no folder of your own; move it away, or write another output")

    def load(self) -> Manifest | None:
        """The manifest of an earlier run; None where there is none. Raises UsageError for a broken one."""
        path = self.folder / _MANIFEST
        try:
            status = path.lstat()
            written_by_us = stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST_MANIFEST
            return parse(path.read_bytes() if written_by_us else b"")
        except FileNotFoundError:
            return None
        except OSError as exc:
            raise SinkError(f"{path} can't be read: {exc.strerror}") from exc
        except ValueError as exc:
            raise UsageError(f"{path} is no manifest of vsr: {exc}; --restart makes the pieces anew") from exc

    def save(self, manifest: Manifest) -> None:
        """Write the manifest; after a power cut the former one or this one is there."""
        try:
            write_whole(self.folder / _MANIFEST, manifest.as_json())
        except OSError as exc:
            raise SinkError(f"{self.folder / _MANIFEST} can't be written: {reason(exc, self.folder)}") from exc

    def holds(self, record: PieceRecord) -> bool:
        """Whether the piece is there just as it was made."""
        path = self.folder / piece_name(record.index)
        try:
            status = path.lstat()
            return stat.S_ISREG(status.st_mode) and status.st_size == record.size and digest(path) == record.sha256
        except OSError:
            return False

    def joined(self, target: Target) -> Target:
        """``target``, written in this folder until it is whole; what an interrupted joining left is removed."""
        self._remove(_JOINED)
        name = Path(target.final).name
        partial = self.folder / _JOINED / name if target.numbered else self.folder / f"{_JOINED}{Path(name).suffix}"
        return replace(target, partial=partial)

    def clear(self) -> None:
        """Throw away all pieces and the manifest, which goes first: without it nothing is taken for finished."""
        self._remove(_MANIFEST)
        self._remove("")

    def sweep(self) -> None:
        """Remove what was unfinished when an earlier run was killed."""
        self._remove("", _UNFINISHED)

    def _remove(self, prefix: str, of: re.Pattern[str] = _OURS) -> None:
        """Remove this folder's files whose names begin so, but not the lock, and nothing that is not ours."""
        try:
            for path in self.folder.iterdir():
                if path.name.startswith((prefix, f".{prefix}")) and of.fullmatch(path.name):
                    shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
            sync_folder(self.folder)
        except OSError as exc:
            raise SinkError(f"{self.folder} can't be cleared: {exc.strerror}") from exc
