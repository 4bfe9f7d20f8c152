"""Files that are whole under their name, whatever happens: written beside it, flushed to the disk, renamed."""

import errno
import os
import secrets
from contextlib import suppress
from pathlib import Path

LINK = "it is a link to elsewhere; name the file itself"
"""What to say of a report's name that is one."""


def write_whole(path: Path, content: bytes) -> None:
    """Write or replace ``path``; after a power cut it has its old content or the new one. Raises OSError.

    Nothing is written through a link: one under that name is replaced.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")
    try:
        with partial.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_report(path: Path, content: bytes) -> None:
    """Write or replace ``path`` as ``write_whole`` does; a pipe or a device, which has no content, is written to.

    Raises OSError, also where a link of that name leads elsewhere: to a device, at worst.
    """
    if path.is_symlink():
        raise OSError(errno.ELOOP, LINK, str(path))
    if path.exists() and not path.is_file():
        path.write_bytes(content)
    else:
        write_whole(path, content)


def sync_folder(folder: Path) -> None:
    """Make sure that the names in ``folder`` survive a power cut, where the system can do that.

    Some network file systems refuse it of folders, and folders into which one may only write can't be opened.
    """
    if os.name == "nt":
        return
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
