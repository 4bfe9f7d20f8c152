"""Files that reach a machine through Ray's object store, and where they are there; quick to import."""

import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock


@dataclass(frozen=True)
class Parcel:
    """A file on its way."""

    shelf: str
    """Folder that it gets within its errand's."""
    name: str
    chunks: tuple[Any, ...]
    """Ray's references to its bytes, in order."""


def home_of(key: str) -> Path:
    """Where an errand's files are on this machine: the same for a run that is resumed, which finds them there."""
    return Path(tempfile.gettempdir()) / f"vsr-shipped-{os.getuid()}" / key


def fetch(home: Path, parcels: Sequence[Parcel]) -> dict[str, Path]:
    """The files by their shelves, whole under their names; what is there already is not fetched. Raises OSError."""
    _open(home)
    # Several workers of a machine arrive at once: the first one fetches.
    with FileLock(home / "lock"):
        return {parcel.shelf: _fetch(home, parcel) for parcel in parcels}


def _open(home: Path) -> None:
    """A folder that is ours alone, whoever else may write where it is."""
    parent = home.parent
    parent.mkdir(mode=0o700, exist_ok=True)
    if parent.is_symlink() or parent.lstat().st_uid != os.getuid():
        raise PermissionError(0, f"{parent} belongs to somebody else")
    home.mkdir(exist_ok=True)


def _fetch(home: Path, parcel: Parcel) -> Path:
    import ray

    path = home / parcel.shelf / parcel.name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        partial = path.with_name(path.name + ".part")
        with partial.open("wb") as file:
            for chunk in parcel.chunks:
                file.write(ray.get(chunk))
        partial.replace(path)
    return path


def forget(key: str) -> None:
    """Remove an errand's files from this machine."""
    shutil.rmtree(home_of(key), ignore_errors=True)
