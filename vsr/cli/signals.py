"""Ctrl-C and SIGTERM end a command, also where Python loses what they raise."""

import signal
import sys
import threading
from types import FrameType
from typing import NoReturn

_ONCE_MORE_S = 0.01


def listen() -> None:
    """Leave through every ``with`` block on SIGTERM too, as on Ctrl-C, so that nothing half-written stays.

    The handler of a signal runs wherever the main thread happens to be. Within a destructor or the callback of a weak
    reference, which a run has many of between two pieces, what it raises is ignored: then it is raised once more.
    """
    signal.signal(signal.SIGTERM, _terminated)
    sys.unraisablehook = _ignored


def _terminated(number: int, _: FrameType | None) -> None:
    sys.exit(128 + number)


def _ignored(what: "sys.UnraisableHookArgs") -> None:
    lost = what.exc_value
    in_main_thread = threading.current_thread() is threading.main_thread()
    if not isinstance(lost, KeyboardInterrupt | SystemExit) or not in_main_thread or not hasattr(signal, "setitimer"):
        sys.__unraisablehook__(what)
        return

    def again(*_: object) -> NoReturn:
        raise lost

    # A timer of the system's: a thread can't be begun here, where Python may hold any of its locks.
    signal.signal(signal.SIGALRM, again)
    signal.setitimer(signal.ITIMER_REAL, _ONCE_MORE_S)
