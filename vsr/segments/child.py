"""The first moments of a worker process: it ends with its parent, from before PyTorch is loaded."""

import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from os import _exit


def begin(connection: Connection, threads: int) -> None:
    """The process: see ``vsr.segments.pool.serve``, the loading of which takes seconds."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    from vsr.segments.pool import serve

    serve(connection, threads)


def _end_with_parent() -> None:
    """Whatever ends the parent, the next run must not meet what it left at work."""
    parent = parent_process()
    if parent is not None:
        parent.join()
        _exit(1)
