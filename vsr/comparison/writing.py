"""Outputs that appear under their names only when they are whole: the page, and a folder of pictures."""

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from vsr.comparison.spec import ComparisonSpec
from vsr.errors import SinkError, UsageError
from vsr.io.target import same_file


def check_outputs(spec: ComparisonSpec) -> None:
    """Before anything is read. Raises UsageError (exists already, is an input) and SinkError (unwritable folder)."""
    page = spec.page_path
    for source in spec.inputs:
        if same_file(page, source):
            raise UsageError(f"the page {page} is the input {source} itself; choose another name with --out")
    if page.exists() and page.stat().st_size and not spec.overwrite:
        raise UsageError(f"{page} exists already; --overwrite replaces it once the new one is whole")
    _check_folder(page.parent)
    if spec.png_folder is None:
        return
    folder = Path(spec.png_folder)
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file; --png takes a folder")
    if folder.is_dir() and any(folder.iterdir()) and not spec.overwrite:
        raise UsageError(f"the folder {folder} is not empty; --overwrite replaces what has the same name in it")
    _check_folder(folder if folder.is_dir() else folder.absolute().parent)


def _check_folder(folder: Path) -> None:
    if not folder.is_dir():
        raise SinkError(f"the folder {folder} does not exist; create it first")
    if not os.access(folder, os.W_OK):
        raise SinkError(f"the folder {folder} is not writable")


@contextmanager
def whole_page(path: Path) -> Iterator[TextIO]:
    """A text file that gets the name ``path`` when the block ends well, and is removed otherwise. Raises SinkError."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.part")  # where nobody else has put a link
    try:
        with partial.open("x", encoding="utf-8", newline="\n") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as exc:
        raise SinkError(f"{path} can't be written: {exc.strerror or exc}") from exc
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """An empty folder whose files move into ``folder`` when the block ends well. Raises SinkError."""
    folder = folder.absolute()
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        partial.mkdir()
        yield partial
        folder.mkdir(exist_ok=True)
        for file in sorted(partial.iterdir()):
            file.replace(folder / file.name)
    except OSError as exc:
        raise SinkError(f"the folder {folder} can't be written: {exc.strerror or exc}") from exc
    finally:
        shutil.rmtree(partial, ignore_errors=True)
