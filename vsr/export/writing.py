"""Files that appear under their names only when they are whole."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vsr.errors import SinkError


@contextmanager
def whole_files(*paths: Path) -> Iterator[tuple[Path, ...]]:
    """Where to write the files of ``paths``, all of one folder; they get their names when the block ends well.

    The first gets its name last: who sees it sees the others too. Raises SinkError.
    """
    folder = paths[0].absolute().parent
    partial = folder / f".{paths[0].name}.{os.getpid()}.part"
    try:
        partial.mkdir()
        yield tuple(partial / path.name for path in paths)
        for path in reversed(paths):
            with (partial / path.name).open("rb") as file:
                os.fsync(file.fileno())
            (partial / path.name).replace(path)
    except OSError as exc:
        raise SinkError(f"{paths[0]} can't be written: {exc.strerror or exc}") from exc
    finally:
        shutil.rmtree(partial, ignore_errors=True)
