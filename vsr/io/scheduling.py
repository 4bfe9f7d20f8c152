"""Encoders may not take the machine for themselves: threads that they make real-time are made ordinary again."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

if sys.platform == "linux":

    @contextmanager
    def ordinary_threads() -> Iterator[None]:
        """For the opening of an encoder.

        SVT-AV1 run by root puts the thread that opens it, and all of its own, under SCHED_FIFO at the highest
        priority: whatever else the machine has to do then stands still, and so do the other stages of a run.
        """
        ordinary = os.sched_getscheduler(0) == os.SCHED_OTHER
        try:
            yield
        finally:
            if ordinary and os.sched_getscheduler(0) != os.SCHED_OTHER:
                for thread in Path("/proc/self/task").iterdir():
                    with suppress(OSError):  # it has ended meanwhile
                        os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))

else:

    @contextmanager
    def ordinary_threads() -> Iterator[None]:
        """Nothing is known to do so elsewhere."""
        yield
