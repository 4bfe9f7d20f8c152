"""Loading what ``torch.save`` wrote, by others or by vsr itself: numbers alone, and nothing in it is ever run."""

import io
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from vsr.errors import VsrError

# Of the unpickler for weights alone: before it, files could run code in spite of it (CVE-2025-32434, CVE-2026-24747).
_SAFE_TORCH = "2.10"


def check_unpickler(path: Path, error: type[VsrError], otherwise: str = "") -> None:
    """Raise ``error`` if this torch might run code in ``path``; ``otherwise``: what else to do than to install one."""
    if torch.__version__ < _SAFE_TORCH:
        raise error(
            f"{path} is a pickle, which torch {torch.__version__} can't read without the danger of running code in it; "
            f"install torch {_SAFE_TORCH} or newer{otherwise}"
        )


def unpickled(content: bytes) -> Any:
    """What the pickle or archive ``content`` holds, on the CPU; call ``check_unpickler`` before.

    Damaged bytes may raise any exception at all. ValueError for an archive that grows when read.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = _stored_again(content) if content.startswith(b"PK") else io.BytesIO(content)
        return torch.load(file, map_location="cpu", weights_only=True)


def _stored_again(content: bytes) -> io.BytesIO:
    """The archive ``content`` written anew, uncompressed as torch writes it, for torch to read.

    Two readers may find two tables of contents in one file: only what was checked here may reach the other.
    """
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as archive, zipfile.ZipFile(written, "w") as again:
        entries = {entry.filename: entry for entry in archive.infolist()}
        compressed = any(entry.compress_type != zipfile.ZIP_STORED for entry in entries.values())
        if compressed or sum(entry.file_size for entry in entries.values()) > len(content):
            raise ValueError("a compressed archive, which PyTorch does not write")
        for name, entry in entries.items():
            again.writestr(zipfile.ZipInfo(name), archive.read(entry))
    written.seek(0)
    return written
