"""No encoder leaves a real-time thread behind."""

import os
import sys
from pathlib import Path

import av
import pytest

from vsr.io.scheduling import ordinary_threads

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="scheduling policies of Linux")


@pytest.mark.skipif("libsvtav1" not in av.codecs_available, reason="FFmpeg without SVT-AV1")
def test_svt_av1_runs_as_all_others_do(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "out.mkv"), "w") as output:
        stream = output.add_stream("libsvtav1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        with ordinary_threads():
            output.start_encoding()
        policies = {os.sched_getscheduler(int(thread.name)) for thread in Path("/proc/self/task").iterdir()}
    assert policies == {os.SCHED_OTHER}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may have real-time threads")
def test_who_was_real_time_before_stays_so() -> None:
    os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    try:
        with ordinary_threads():
            pass
        assert os.sched_getscheduler(0) == os.SCHED_RR
    finally:
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
